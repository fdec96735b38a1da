//! What keeps everything from going on.

use leptos::prelude::*;
use vitrine_protocol::{Explanation, Failure};

use crate::language::{explain, say};
use crate::state::{Event, State};

/// An alert with a way to try again, shown while something stands in the way.
#[component]
pub(super) fn TroublePanel(state: ReadSignal<State>, report: fn(Event)) -> impl IntoView {
    let trouble = Memo::new(move |_| state.with(|state| state.trouble.clone()));
    move || {
        trouble.get().map(|failure| {
            view! {
                <section class="trouble glass" aria-label=say("Problem")>
                    <Sentences failure />
                    <div class="buttons">
                        <button type="button" class="button" on:click=move |_| report(Event::Retry)>
                            {say("Try again")}
                        </button>
                        <button
                            type="button"
                            class="button quiet"
                            on:click=move |_| report(Event::Cancel)
                        >
                            {say("Cancel")}
                        </button>
                    </div>
                </section>
            }
        })
    }
}

/// What happened, why, and what to do; read out as soon as it appears.
///
/// `about` is the file it happened to.
#[component]
pub(super) fn Sentences(
    failure: Failure,
    #[prop(optional)] about: Option<String>,
) -> impl IntoView {
    let Explanation { what, why, next } = explain(&failure);
    view! {
        <div role="alert" class="sentences">
            {about.map(|name| view! { <h3 class="file-name"><bdi>{name}</bdi></h3> })}
            <p class="what">{what}</p>
            <p>{why}</p>
            <p>{next}</p>
        </div>
    }
}
