//! Does what the state asks for: worker, download, files.

use std::cell::RefCell;
use std::collections::HashMap;

use serde::Serialize;
use vitrine_protocol::{
    EngineBuild, EngineError, ModelEntry, Reply, Request, RequestId, StageTimes,
};
use wasm_bindgen_futures::spawn_local;
use web_sys::{AbortController, File};

use crate::bridge::Bridge;
use crate::download::{ModelFiles, model_files};
use crate::intake;
use crate::state::{Effect, Event, Store, Thumbnail};
use crate::web;

thread_local! {
    /// The one session of this page. Worker and files are the browser's objects, which signals
    /// cannot hold, and event handlers need to reach them from anywhere.
    static SESSION: RefCell<Option<Session>> = const { RefCell::new(None) };
}

/// What belongs to the page and is not shown.
pub(crate) struct Session {
    store: Store,
    model: Option<ModelEntry>,
    engine: Option<EngineBuild>,
    worker: Option<Bridge>,
    download: Option<AbortController>,
    model_files: Option<ModelFiles>,
    files: HashMap<RequestId, File>,
    next_id: u32,
}

/// Takes in what happened, and does what follows.
///
/// Must not be called while an effect runs; whatever an effect brings about comes later, from the
/// browser.
pub(crate) fn report(event: Event) {
    let effects = with(|session| session.store.update(event));
    for effect in effects.into_iter().flatten() {
        if let Some(Err(error)) = with(|session| session.run(effect)) {
            // From the event loop, because the rest of the effects comes first.
            spawn_local(async move { report(Event::EngineDied(error)) });
        }
    }
}

/// Adds files that a person dropped, pasted or chose.
pub(crate) fn add_files(files: impl Iterator<Item = File>) {
    let added = with(|session| files.map(|file| session.keep(file)).collect());
    report(Event::Added(added.unwrap_or_default()));
}

fn with<T>(action: impl FnOnce(&mut Session) -> T) -> Option<T> {
    SESSION.with_borrow_mut(|session| session.as_mut().map(action))
}

impl Session {
    /// Begins the page's one session. `engine` is `None` where this browser can run none.
    pub(crate) fn begin(store: Store, model: Option<ModelEntry>, engine: Option<EngineBuild>) {
        let session = Session {
            store,
            model,
            engine,
            worker: None,
            download: None,
            model_files: None,
            files: HashMap::new(),
            next_id: 0,
        };
        SESSION.set(Some(session));
    }

    fn keep(&mut self, file: File) -> (RequestId, String) {
        let id = RequestId(self.next_id);
        self.next_id += 1;
        let name = file.name();
        self.files.insert(id, file);
        (id, name)
    }

    fn run(&mut self, effect: Effect) -> Result<(), EngineError> {
        match effect {
            Effect::StartEngine => self.start_engine()?,
            Effect::EndEngine => self.worker = None,
            Effect::Download => self.start_download()?,
            Effect::AbortDownload => {
                if let Some(download) = self.download.take() {
                    download.abort();
                }
            }
            Effect::LoadModel => self.load_model()?,
            Effect::Classify(id) => self.classify(id)?,
            Effect::DropComing => intake::drop_coming(),
            Effect::FocusResults => web::focus_results(),
            Effect::Forget(ids) => self.files.retain(|id, _| !ids.contains(id)),
        }
        Ok(())
    }

    fn start_engine(&mut self) -> Result<(), EngineError> {
        let start = |detail: String| EngineError::Start { detail };
        let engine = self.engine.as_ref().ok_or_else(|| {
            start(
                "it has no WebAssembly with SIMD, or this site was built without an engine".into(),
            )
        })?;
        let worker = Bridge::start(&engine.worker, on_reply, |detail| {
            report(Event::EngineDied(EngineError::Crashed { detail }));
        });
        self.worker = Some(worker.map_err(start)?);
        Ok(())
    }

    fn start_download(&mut self) -> Result<(), EngineError> {
        let model = self.model.clone().ok_or(EngineError::NoModel)?;
        let controller = AbortController::new().map_err(|error| EngineError::Start {
            detail: web::words(&error),
        })?;
        let signal = controller.signal();
        self.download = Some(controller);
        spawn_local(async move {
            let progress = |bytes| {
                if !signal.aborted() {
                    report(Event::Received(bytes));
                }
            };
            let result = model_files(&model, &signal, progress).await;
            if signal.aborted() {
                return;
            }
            match result {
                Ok(files) => {
                    with(|session| session.model_files = Some(files));
                    report(Event::Downloaded);
                }
                Err(error) => report(Event::DownloadFailed(error.into())),
            }
        });
        Ok(())
    }

    fn load_model(&self) -> Result<(), EngineError> {
        let (Some(model), Some(files)) = (&self.model, &self.model_files) else {
            return Err(EngineError::NoModel);
        };
        let request = Request::LoadModel {
            model: Box::new(model.clone()),
            labels: files.labels.clone(),
        };
        self.send(&request, &files.weights)
    }

    fn classify(&self, id: RequestId) -> Result<(), EngineError> {
        let (Some(model), Some(file)) = (&self.model, self.files.get(&id)) else {
            return Err(EngineError::NoModel);
        };
        let top_k = model.output.top_k;
        self.send(&Request::Classify { id, top_k }, file)
    }

    fn send(&self, request: &Request, attachment: &web_sys::Blob) -> Result<(), EngineError> {
        let worker = self.worker.as_ref().ok_or("the worker is gone".to_owned());
        worker
            .and_then(|worker| worker.send(request, attachment))
            .map_err(|detail| EngineError::Crashed { detail })
    }

    fn name_of(&self, id: RequestId) -> String {
        self.files.get(&id).map(File::name).unwrap_or_default()
    }
}

/// Turns the worker's replies into events and marks.
fn on_reply(reply: Reply, attachment: Vec<u8>) {
    match reply {
        Reply::EngineReady {
            flavour,
            own_kernels,
        } => {
            web::mark(
                "vitrine:engine-ready",
                &EngineDetail {
                    flavour: flavour.key(),
                    own_kernels,
                },
            );
            report(Event::EngineReady(flavour));
        }
        Reply::ModelReady { times, .. } => {
            web::mark("vitrine:model-ready", &times);
            report(Event::ModelReady);
        }
        Reply::ModelFailed { failure, .. } => report(Event::ModelFailed(failure)),
        Reply::Classified { id, classification } => {
            let file = with(|session| session.name_of(id)).unwrap_or_default();
            let times = classification.times;
            let thumbnail = Thumbnail {
                size: classification.thumbnail,
                rgba: attachment,
            };
            report(Event::Classified(id, classification, thumbnail));
            web::mark("vitrine:result", &ResultDetail { file, times });
        }
        Reply::Failed { id, failure } => report(Event::Failed(id, failure)),
    }
}

/// What the mark `vitrine:engine-ready` carries.
#[derive(Serialize)]
struct EngineDetail {
    flavour: &'static str,
    own_kernels: bool,
}

/// What the mark `vitrine:result` carries.
#[derive(Serialize)]
struct ResultDetail {
    file: String,
    #[serde(flatten)]
    times: StageTimes,
}
