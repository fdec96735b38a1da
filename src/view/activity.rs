//! What is going on, how far it is, and how to stop it.

use leptos::prelude::*;

use super::{Key, keyed};
use crate::language::say;
use crate::state::{Event, State};
use crate::words;

/// Shown while anything is going on.
#[component]
pub(super) fn ActivityPanel(state: ReadSignal<State>, report: fn(Event)) -> impl IntoView {
    let activity = Memo::new(move |_| state.with(State::activity));
    // Progress changes many times a second; the panel around it is built once.
    let is_shown = Memo::new(move |_| activity.get().is_some());
    let heading = move || words::activity(activity.get());
    let downloads = Memo::new(move |_| {
        let downloads = state.with(State::downloads);
        downloads
            .into_iter()
            .map(|(model, _)| (model, 0))
            .collect::<Vec<Key>>()
    });
    view! {
        <section class="activity glass" aria-label=say("Progress") hidden=move || !is_shown.get()>
            <p class="activity-title">{heading}</p>
            <button type="button" class="button quiet" on:click=move |_| report(Event::Cancel)>
                {say("Cancel")}
            </button>
            <div class="downloads" hidden=move || downloads.with(Vec::is_empty)>
                {keyed(downloads, move |(model, _)| download(state, model))}
            </div>
        </section>
    }
}

/// One model on its way. `model` is its index.
fn download(state: ReadSignal<State>, model: usize) -> AnyView {
    let (title, total) = state.with_untracked(|state| state.models.title_and_bytes(model));
    let transfer = Memo::new(move |_| {
        let downloads = state.with(State::downloads);
        let of_model = downloads.into_iter().find(|(at, _)| *at == model);
        of_model.map_or_else(Default::default, |(_, transfer)| transfer)
    });
    view! {
        <div class="download">
            <p class="download-title">{title.clone()}</p>
            <progress
                aria-label=words::downloading(&title)
                max=total.to_string()
                value=move || transfer.get().received.to_string()
            ></progress>
            <p class="figures">{move || words::transfer(transfer.get(), total)}</p>
        </div>
    }
    .into_any()
}
