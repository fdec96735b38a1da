//! What is going on, how far it is, and how to stop it.

use leptos::prelude::*;

use crate::state::{Activity, Event, State};
use crate::words;

/// Shown while anything is going on. `title` and `total` bytes are those of the model.
#[component]
pub(super) fn ActivityPanel(
    state: ReadSignal<State>,
    title: String,
    total: u64,
    report: fn(Event),
) -> impl IntoView {
    let activity = Memo::new(move |_| state.with(State::activity));
    // Progress changes many times a second; the panel around it is built once.
    let is_shown = Memo::new(move |_| activity.get().is_some());
    let is_downloading =
        Memo::new(move |_| matches!(activity.get(), Some(Activity::Downloading { .. })));
    let received = Memo::new(move |_| match activity.get() {
        Some(Activity::Downloading { received }) => received,
        _ => 0,
    });
    let bar_name = format!("Downloading {title}");
    let heading = move || words::activity(activity.get(), &title);
    view! {
        <section class="activity glass" aria-label="Progress" hidden=move || !is_shown.get()>
            <p class="activity-title">{heading}</p>
            <button type="button" class="button quiet" on:click=move |_| report(Event::Cancel)>
                "Cancel"
            </button>
            <div class="download" hidden=move || !is_downloading.get()>
                <progress
                    aria-label=bar_name
                    max=total.to_string()
                    value=move || received.get().to_string()
                ></progress>
                <p class="figures">{move || words::received(received.get(), total)}</p>
            </div>
        </section>
    }
}
