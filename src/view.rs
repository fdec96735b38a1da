//! What the page shows of the state. Components take values and report events, and decide nothing.

// leptos makes the properties of a component as public as can be, whatever the component is.
#![allow(unreachable_pub)]

mod activity;
mod batch;
mod card;
mod charts;
mod earlier;
mod markup;
mod metrics;
mod models;
mod performance;
mod requests;
mod site;
mod trouble;
mod undo;

use std::sync::Arc;

use leptos::prelude::*;
use vitrine_protocol::{ModelEntry, RequestId, Spec};

use crate::language::say;
use crate::state::{Content, Event, Item, Picture, State, Step, TableStage};
use activity::ActivityPanel;
use batch::BatchPanel;
use card::{ResultCard, Titles};
use earlier::Earlier;
use metrics::LiveMetrics;
pub(crate) use models::ModelsPanel;
pub(crate) use performance::PerformancePage;
pub(crate) use requests::RequestCount;
pub(crate) use site::SiteNotes;
use trouble::TroublePanel;
use undo::UndoPanel;

/// Everything below the drop zone of the demo.
///
/// `note` is what a person should know about the choice of engine.
#[component]
pub(crate) fn Workspace(
    state: ReadSignal<State>,
    models: Vec<ModelEntry>,
    note: Option<String>,
    report: fn(Event),
) -> impl IntoView {
    let titles = Titles::of(&models);
    view! {
        {note.map(|note| view! { <p class="note">{note}</p> })}
        <ClassifierChoice models=models.clone() report />
        <TroublePanel state report />
        <ActivityPanel state report />
        <Results state titles=titles.clone() report />
        <Earlier state titles=titles.clone() report />
        <LiveMetrics state titles />
    }
}

/// Which picture classifier is used; shown where there are several.
#[component]
fn ClassifierChoice(models: Vec<ModelEntry>, report: fn(Event)) -> impl IntoView {
    let classifiers: Vec<(usize, String)> = models
        .into_iter()
        .enumerate()
        .filter(|(_, model)| matches!(model.spec, Spec::PictureClassification { .. }))
        .map(|(at, model)| (at, model.title))
        .collect();
    (classifiers.len() > 1).then(|| {
        let options: Vec<_> = classifiers
            .into_iter()
            .map(|(at, title)| view! { <option value=at.to_string()>{title}</option> })
            .collect();
        let choose = move |event| {
            if let Ok(model) = event_target_value(&event).parse() {
                report(Event::ClassifierChosen(model));
            }
        };
        view! {
            <label class="choice">
                <span>{say("Classify with")}</span>
                <select on:change=choose>{options}</select>
            </label>
        }
    })
}

/// One card per item, the latest lot first; of many files, a table.
#[component]
fn Results(state: ReadSignal<State>, titles: Titles, report: fn(Event)) -> impl IntoView {
    let cards = Memo::new(move |_| {
        let key = |item: &Item| {
            let (id, stage) = stage_of(item);
            (id as usize, stage)
        };
        state.with(|state| state.cards().map(key).collect::<Vec<Key>>())
    });
    let has_items = Memo::new(move |_| state.with(|state| !state.items.is_empty()));
    let can_clear = Memo::new(move |_| state.with(|state| state.n_finished() > 0));
    let item = move |id| {
        let item = state.with_untracked(|state| state.item(id).cloned());
        item.map(|item| (item, None))
    };
    let list = card_list(cards, Arc::new(item), state, titles.clone(), report);
    view! {
        <div class="toolbar" hidden=move || !has_items.get()>
            <h2 tabindex="-1">{say("Results")}</h2>
            <button
                type="button"
                class="button quiet"
                hidden=move || !can_clear.get()
                on:click=move |_| report(Event::Clear)
            >
                {say("Clear results")}
            </button>
        </div>
        <UndoPanel state report />
        {list}
        <BatchPanel state titles report />
    }
}

/// What a card shows, and when it was made where that is an earlier visit.
type Shown = Arc<dyn Fn(RequestId) -> Option<(Item, Option<String>)> + Send + Sync>;

/// Cards in a list, each under its id and what changes when it must be drawn anew.
fn card_list(
    cards: Memo<Vec<Key>>,
    shown: Shown,
    state: ReadSignal<State>,
    titles: Titles,
    report: fn(Event),
) -> AnyView {
    let card = move |(id, _): Key| {
        let titles = titles.clone();
        shown(RequestId(id as u32))
            .map(|(item, made)| view! { <ResultCard item made state titles report /> })
            .into_any()
    };
    view! {
        <div class="cards">
            {keyed(cards, card)}
        </div>
    }
    .into_any()
}

/// What tells the members of a list apart; a member whose key changes is built anew.
type Key = (usize, u32);

/// A list of what has a key each, in their order. All lists are of one kind, because each kind would
/// bring all the code for lists with it.
fn keyed(keys: Memo<Vec<Key>>, member: impl Fn(Key) -> AnyView + Send + Sync + 'static) -> AnyView {
    let member: Arc<dyn Fn(Key) -> AnyView + Send + Sync> = Arc::new(member);
    view! { <For each=move || keys.get() key=|key| *key children=move |key| member(key) /> }
        .into_any()
}

/// Changes whenever a card must be drawn anew.
fn stage_of(item: &Item) -> (u32, u32) {
    let stage = match &item.content {
        Content::Picture(Picture {
            classes,
            reading,
            others,
            ..
        }) => {
            let tasks = 8 * step_number(classes.as_ref()) + step_number(reading.as_ref());
            let others = others.iter().map(|other| step_number(Some(&other.step)));
            others.fold(tasks, |stage, other| 8 * stage + other)
        }
        Content::Text(text) => step_number(Some(&text.step)),
        Content::Table(table) => match table.stage {
            TableStage::Opening { .. } => 0,
            TableStage::Choosing(_) => 1,
            // Its figures change by themselves.
            TableStage::Analysing { .. } => 2,
            TableStage::Done { .. } => 3,
            TableStage::Failed(_) => 4,
        },
    };
    (item.id.0, stage)
}

fn step_number<T>(step: Option<&Step<T>>) -> u32 {
    match step {
        None => 0,
        Some(Step::Waiting) => 1,
        Some(Step::Working) => 2,
        Some(Step::Done(_)) => 3,
        Some(Step::Failed(_)) => 4,
    }
}
