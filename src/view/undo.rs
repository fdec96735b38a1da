//! What was removed last, and the way back.

use leptos::prelude::*;

use crate::language::say;
use crate::state::{Event, State};

/// Offers to bring back what was removed, for as long as that is possible. A shortcut finds the button
/// by its id.
#[component]
pub(super) fn UndoPanel(state: ReadSignal<State>, report: fn(Event)) -> impl IntoView {
    let offer =
        Memo::new(move |_| state.with(|state| state.undo.offer().unwrap_or_default().to_owned()));
    move || {
        let words = offer.get();
        (!words.is_empty()).then(|| {
            view! {
                <section class="undo glass" aria-label=say("Removed")>
                    <p>{words}</p>
                    <button
                        type="button"
                        class="button"
                        id="undo"
                        on:click=move |_| report(Event::Undo)
                    >
                        {say("Undo")}
                    </button>
                </section>
            }
        })
    }
}
