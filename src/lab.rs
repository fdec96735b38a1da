//! Does what the latency lab asks for, in a worker of its own, so that starting is really measured.

mod report;

use std::cell::{Cell, RefCell};
use std::time::Duration;

use js_sys::Uint8Array;
use leptos::ev::Custom;
use leptos::prelude::*;
use vitrine_protocol::{
    EngineBuild, EngineError, Failure, Flavour, ModelEntry, Reply, Request, WarmUp,
};
use wasm_bindgen_futures::spawn_local;
use web_sys::{AbortController, Event};

use crate::bridge::Bridge;
use crate::download::{ModelFiles, model_files};
use crate::requests;
use crate::state::{Lab, LabEffect, LabEvent, LabStore};
use crate::{web, words};

pub(crate) use report::{Device, Report, markdown, rows};

/// Between two looks at whether timers come on time.
const TIMER: Duration = Duration::from_millis(200);

thread_local! {
    /// The one lab of this page; see `session`.
    static BENCH: RefCell<Option<Bench>> = const { RefCell::new(None) };
}

/// What belongs to the lab and is not shown.
struct Bench {
    store: LabStore,
    models: Vec<ModelEntry>,
    engines: Vec<EngineBuild>,
    worker: Option<Bridge>,
    fetching: Option<AbortController>,
    files: Option<ModelFiles>,
    timer: Option<IntervalHandle>,
}

/// Begins the page's one lab; `flavour` is the engine that the page itself uses.
pub(crate) fn begin(
    models: Vec<ModelEntry>,
    engines: Vec<EngineBuild>,
    flavour: Flavour,
) -> ReadSignal<Lab> {
    let store = LabStore::new(Lab::new(
        engines.iter().map(|engine| engine.flavour).collect(),
        flavour,
    ));
    let bench = Bench {
        store,
        models,
        engines,
        worker: None,
        fetching: None,
        files: None,
        timer: None,
    };
    BENCH.set(Some(bench));
    // Stays for as long as the page does.
    window_event_listener(Custom::<Event>::new("visibilitychange"), |_| {
        if document().hidden() {
            report(LabEvent::Hidden);
        }
    });
    store.read()
}

/// Takes in what happened, and does what follows.
pub(crate) fn report(event: LabEvent) {
    let effect = with(|bench| bench.store.update(event, web::now())).flatten();
    let Some(effect) = effect else {
        return;
    };
    if let Some(Err(error)) = with(|bench| bench.run(effect)) {
        spawn_local(async move { report(LabEvent::Failed(error.into())) });
    }
}

/// Begins a run of what is chosen.
pub(crate) fn measure() {
    report(LabEvent::Begun {
        is_hidden: document().hidden(),
    });
}

/// What this device says of itself.
pub(crate) fn device() -> Device {
    let navigator = window().navigator();
    Device {
        user_agent: navigator.user_agent().unwrap_or_default(),
        hardware_concurrency: navigator.hardware_concurrency(),
        cross_origin_isolated: web::is_isolated(),
        relaxed_simd: web::supports(Flavour::Relaxed),
    }
}

fn with<T>(action: impl FnOnce(&mut Bench) -> T) -> Option<T> {
    BENCH.with_borrow_mut(|bench| bench.as_mut().map(action))
}

impl Bench {
    fn run(&mut self, effect: LabEffect) -> Result<(), EngineError> {
        let choice = self.store.read().with_untracked(|lab| lab.choice_now());
        let model = self.models.get(choice.model).ok_or(EngineError::NoModel)?;
        match effect {
            LabEffect::StartEngine => {
                web::set_status(&words::lab_runs());
                self.timer = watch_timers();
                let mut engines = self.engines.iter();
                let engine = engines.find(|engine| engine.flavour == choice.flavour);
                let engine = engine.ok_or(EngineError::NoModel)?;
                self.worker = Some(Bridge::start(engine, on_reply, |detail| {
                    report(LabEvent::Failed(EngineError::Crashed { detail }.into()));
                }));
            }
            LabEffect::Fetch => {
                let controller = AbortController::new().map_err(|error| EngineError::Start {
                    detail: web::words(&error),
                })?;
                fetch(model.clone(), &controller);
                self.fetching = Some(controller);
            }
            LabEffect::Load => {
                let files = self.files.take().ok_or(EngineError::NoModel)?;
                let request = Request::LoadModel {
                    model: Box::new(model.clone()),
                    text: files.text,
                    warm_up: WarmUp::Now,
                };
                self.send(&request, Some(&files.weights))?;
            }
            LabEffect::Measure(rounds) => {
                let model = model.id.clone();
                self.send(&Request::Measure { model, rounds }, None)?;
            }
            LabEffect::Profile => {
                let model = model.id.clone();
                self.send(&Request::Profile { model }, None)?;
            }
            LabEffect::End => self.end(),
        }
        Ok(())
    }

    fn send(
        &self,
        request: &Request,
        attachment: Option<&web_sys::Blob>,
    ) -> Result<(), EngineError> {
        let worker = self.worker.as_ref().ok_or("the worker is gone".to_owned());
        worker
            .and_then(|worker| worker.send(request, attachment))
            .map_err(|detail| EngineError::Crashed { detail })
    }

    fn end(&mut self) {
        web::set_status(&words::lab_done());
        if let Some(timer) = self.timer.take() {
            timer.clear();
        }
        if let Some(fetching) = self.fetching.take() {
            fetching.abort();
        }
        self.files = None;
        // What ends a run is often a message of this very worker, whose handler is still running.
        let worker = self.worker.take();
        spawn_local(async move { drop(worker) });
    }
}

fn on_reply(reply: Reply, _attachment: Uint8Array) {
    match reply {
        Reply::EngineReady { .. } => report(LabEvent::EngineReady),
        Reply::ModelReady { times, .. } => report(LabEvent::Loaded(times)),
        Reply::Measured {
            shape,
            times,
            memory,
            ..
        } => report(LabEvent::Measured {
            shape,
            times,
            memory,
        }),
        Reply::Profiled { operators, .. } => report(LabEvent::Profiled(operators)),
        Reply::ModelFailed { failure, .. } | Reply::Failed { failure, .. } => {
            report(LabEvent::Failed(failure));
        }
        _ => {}
    }
}

fn fetch(model: ModelEntry, controller: &AbortController) {
    let signal = controller.signal();
    spawn_local(async move {
        let begun = web::now();
        let files = model_files(&model, &signal, |_| {})
            .await
            .map(|(files, _)| files);
        if signal.aborted() {
            return;
        }
        match files {
            Ok(files) => {
                let network_bytes = requests::transferred(&model.chunks, begun);
                with(|bench| bench.files = Some(files));
                report(LabEvent::Fetched { network_bytes });
            }
            Err(error) => report(LabEvent::Failed(Failure::from(error))),
        }
    });
}

fn watch_timers() -> Option<IntervalHandle> {
    let last = Cell::new(web::now());
    let look = move || {
        let now = web::now();
        report(LabEvent::Timer(now - last.replace(now)));
    };
    set_interval_with_handle(look, TIMER).ok()
}
