//! What the page shows of the state. Components take values and report events, and decide nothing.

// leptos makes the properties of a component as public as can be, whatever the component is.
#![allow(unreachable_pub)]

mod activity;
mod card;
mod model;
mod trouble;

use leptos::prelude::*;
use vitrine_protocol::ModelEntry;

use crate::state::{Event, Item, Progress, State};
use activity::ActivityPanel;
use card::ResultCard;
use model::ModelPanel;
use trouble::TroublePanel;

/// Everything below the drop zone.
///
/// `note` is what a person should know about the choice of engine.
#[component]
pub(crate) fn Workspace(
    state: ReadSignal<State>,
    model: Option<ModelEntry>,
    note: Option<String>,
    report: fn(Event),
) -> impl IntoView {
    let title = model
        .as_ref()
        .map(|model| model.title.clone())
        .unwrap_or_default();
    let total = model.as_ref().map_or(0, |model| model.served.bytes);
    let list_title = title.clone();
    view! {
        {note.map(|note| view! { <p class="note">{note}</p> })}
        <TroublePanel state report />
        <ActivityPanel state title total report />
        <Results state title=list_title report />
        {model.map(|model| view! { <ModelPanel model /> })}
    }
}

/// One card per item, the latest batch first.
#[component]
fn Results(state: ReadSignal<State>, title: String, report: fn(Event)) -> impl IntoView {
    // Compared by stage: comparing answers would compare every pixel of every thumbnail.
    let items = Memo::new_with_compare(
        move |_| state.with(|state| state.items.clone()),
        |old, new| old.map(|items| stages(items)) != new.map(|items| stages(items)),
    );
    let has_items = Memo::new(move |_| state.with(|state| !state.items.is_empty()));
    let can_clear = Memo::new(move |_| state.with(|state| state.n_finished() > 0));
    view! {
        <div class="toolbar" hidden=move || !has_items.get()>
            <h2>"Results"</h2>
            <button
                type="button"
                class="button quiet"
                hidden=move || !can_clear.get()
                on:click=move |_| report(Event::Clear)
            >
                "Clear results"
            </button>
        </div>
        <div class="cards">
            <For each=move || items.get() key=stage_of let:item>
                <ResultCard item title=title.clone() />
            </For>
        </div>
    }
}

fn stages(items: &[Item]) -> Vec<(u32, u8)> {
    items.iter().map(stage_of).collect()
}

/// Changes whenever a card must be drawn anew.
fn stage_of(item: &Item) -> (u32, u8) {
    let stage = match item.progress {
        Progress::Waiting => 0,
        Progress::Working => 1,
        Progress::Classified(_) => 2,
        Progress::Failed(_) => 3,
    };
    (item.id.0, stage)
}
