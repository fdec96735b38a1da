//! The page: what a visitor sees and does.
//!
//! `index.html` is complete without this program: it paints, and takes files while this program
//! is on its way. What happens from then on is an [`Event`](state::Event); `state` says what follows,
//! `session` does it, `view` shows it.

mod bridge;
mod download;
mod engine;
mod export;
mod flavour;
mod history;
mod intake;
mod lab;
mod language;
mod offline;
mod overlay;
mod poster;
mod requests;
mod session;
mod state;
mod view;
mod web;
mod words;

use leptos::prelude::*;
use vitrine_protocol::{Catalog, EngineBuild, Flavour, unpack};
use wasm_bindgen::JsCast as _;

use crate::flavour::{Choice, choose, wish, workers_wish};
use crate::session::{Session, report};
use crate::state::{State, Store, most_workers};
use crate::view::{ModelsPanel, PerformancePage, RequestCount, SiteNotes, Workspace};

#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: vitrine_allocator::Opaque = vitrine_allocator::Opaque;

/// Models and engines of this very build; `build.rs` takes it from what `cargo xtask` made.
const CATALOG: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/catalog.postcard"));

fn main() {
    // A page built for size stops without a word: there is nothing to print.
    #[cfg(debug_assertions)]
    console_error_panic_hook::set_once();
    let catalog = read_catalog();
    let query = web::query();
    let Choice { engine, note } = choose(wish(&query), &catalog.engines, web::supports);
    let models = catalog.models;
    let n_workers = most_workers(web::device(), workers_wish(&query));
    let store = Store::new(State::new(&models, n_workers));
    let state = store.read();
    let flavour = engine
        .as_ref()
        .map_or(Flavour::Simd, |engine| engine.flavour);
    let engines: Vec<EngineBuild> = catalog
        .engines
        .into_iter()
        .filter(|engine| web::supports(engine.flavour))
        .collect();
    let spare = (engines.iter())
        .find(|spare| flavour == Flavour::Threads && spare.flavour == Flavour::Relaxed)
        .cloned();
    let lab = lab::begin(models.clone(), engines, flavour);
    let tally = requests::watch();
    web::withdraw_unserved(|task| models.iter().any(|model| model.spec.task() == task));
    Session::begin(store, models.clone(), engine, spare);
    let all = models.clone();
    let all_models = models.clone();
    // The workspace takes what was dropped, and the others come one by one: all at once would hold up
    // a slow phone for longer than a person waits for an answer to a tap.
    mount(
        "workspace",
        Box::new(move || view! { <Workspace state models=all note report /> }.into_any()),
    );
    let measured = models.clone();
    let views: Vec<(&str, View)> = vec![
        (
            "performance-page",
            Box::new(move || {
                view! { <PerformancePage lab tally models=measured report=lab::report /> }
                    .into_any()
            }),
        ),
        (
            "requests-page",
            Box::new(move || view! { <RequestCount tally /> }.into_any()),
        ),
        (
            "models-page",
            Box::new(move || view! { <ModelsPanel models state report /> }.into_any()),
        ),
        (
            "site-notes",
            Box::new(move || view! { <SiteNotes state report /> }.into_any()),
        ),
    ];
    show_outside_workspace(state);
    offline::listen();
    history::listen(all_models);
    intake::listen();
    web::mark("vitrine:interactive", &());
    session::survey();
    wasm_bindgen_futures::spawn_local(async move {
        for (place, view) in views {
            web::pause(0).await;
            mount(place, view);
        }
    });
}

/// Makes a view.
type View = Box<dyn FnOnce() -> AnyView>;

/// Shows a view in the element of `index.html` that is kept for it.
fn mount(place: &str, view: View) {
    if let Some(place) = document().get_element_by_id(place) {
        mount_to(place.unchecked_into(), view).forget();
    }
}

/// In a format without names of fields: reading those would be a twentieth of the page's size.
fn read_catalog() -> Catalog {
    unpack(CATALOG).unwrap_or_default()
}

/// Keeps what stands in `index.html` in step with the state: the phase and the status line.
fn show_outside_workspace(state: ReadSignal<State>) {
    let phase = Memo::new(move |_| state.with(State::phase));
    Effect::new(move || web::set_phase(phase.get().key()));
    let announcement = Memo::new(move |_| state.with(|state| state.announcement.clone()));
    Effect::new(move |before: Option<()>| {
        let words = announcement.get();
        // What the shell said while the program started stands until there is something to say.
        if before.is_some() || !words.is_empty() {
            web::set_status(&words);
        }
    });
}
