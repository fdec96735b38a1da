//! How many requests the page made, and to whom.

use leptos::prelude::*;

use crate::requests::Tally;
use crate::words;

/// Requests since the page was ready, and what is counted.
#[component]
pub(crate) fn RequestCount(tally: ReadSignal<Tally>) -> AnyView {
    view! {
        <section class="glass measured" aria-label=words::requests_heading()>
            <h3>{words::requests_heading()}</h3>
            <p>{move || words::requests(tally.get())}</p>
            <p class="hint">{words::requests_note()}</p>
        </section>
    }
    .into_any()
}
