//! Does what the state asks for: workers, downloads, files.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use js_sys::{Array, ArrayBuffer, Promise, Uint8Array};
use leptos::prelude::{WithUntracked as _, document, set_timeout};
use serde::Serialize;
use vitrine_protocol::{
    EngineBuild, EngineError, Flavour, ModelEntry, Reply, Request, RequestId, Size, Spec,
    TextAnswer, WarmUp,
};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, future_to_promise, spawn_local};
use web_sys::{AbortController, File};

use crate::bridge::Bridge;
use crate::download::{ModelFiles, look, model_files, persist};
use crate::history;
use crate::state::{
    Added, Effect, Event, FileKind, Measured, Names, State, Store, Thumbnail, Work, WorkerId,
};
use crate::web;
use crate::{intake, offline};

/// Rows of a table that are analysed before the page hears of them: about half a second's worth,
/// so that progress is seen and cancelling costs little.
const ROWS_PER_REQUEST: usize = 16;

/// How long what was removed can be brought back.
const UNDO_TIME: Duration = Duration::from_secs(20);

/// Files whose first bytes are read at once.
const LOOKS_AT_ONCE: usize = 64;

/// How long a file's first bytes may take to come.
const LONGEST_LOOK_MS: i32 = 3000;

/// How often the state is told the time while it wants to know.
const TICK: Duration = Duration::from_secs(1);

thread_local! {
    /// The one session of this page. Worker and files are the browser's objects, which signals
    /// cannot hold, and event handlers need to reach them from anywhere.
    static SESSION: RefCell<Option<Session>> = const { RefCell::new(None) };
}

/// What belongs to the page and is not shown.
pub(crate) struct Session {
    store: Store,
    models: Vec<ModelEntry>,
    engine: Option<EngineBuild>,
    /// What runs instead where the engine does not start.
    spare: Option<EngineBuild>,
    workers: Vec<Running>,
    downloads: Vec<AbortController>,
    model_files: HashMap<usize, ModelFiles>,
    files: HashMap<RequestId, File>,
    names: Names,
    next_id: u32,
    /// How often what was still coming was given up.
    n_dropped: u32,
    /// Whether deadlines are being looked at.
    is_watching: bool,
    /// When they were looked at last, in ms since the page began.
    watched: f64,
}

/// A worker that was started and not ended.
struct Running {
    id: WorkerId,
    bridge: Bridge,
    /// Whether it has said that it listens.
    listens: bool,
    /// What it was asked and has not answered, which it does in this order.
    awaited: VecDeque<Awaited>,
    /// When it got to the first of them, in ms since the page began.
    since: f64,
}

/// What a worker is to answer.
#[derive(Clone, Copy)]
enum Awaited {
    /// That its engine listens.
    Engine,
    /// That a model is loaded.
    Model,
    /// An item, and after how many seconds that takes too long.
    Item(RequestId, u32),
}

/// Milliseconds between two looks at deadlines, which should be a second, after which nobody looked.
const LONGEST_GAP: f64 = 5_000.0;

/// Seconds that the engine may take to come, which `engine.rs` bounds, and to listen.
const ENGINE_SECONDS: u32 = 180;

/// Seconds that loading a model may take, of which the slowest here takes two on a desktop.
const MODEL_SECONDS: u32 = 120;

impl Awaited {
    fn seconds(self) -> u32 {
        match self {
            Awaited::Engine => ENGINE_SECONDS,
            Awaited::Model => MODEL_SECONDS,
            Awaited::Item(_, seconds) => seconds,
        }
    }
}

/// Takes in what happened, and does what follows.
///
/// Must not be called while an effect runs; whatever an effect brings about comes later, from the
/// browser.
pub(crate) fn report(event: Event) {
    let effects = with(|session| session.store.update(event, web::now()));
    for effect in effects.into_iter().flatten() {
        if let Some(Err(event)) = with(|session| session.run(effect)) {
            // From the event loop, because the rest of the effects comes first.
            spawn_local(async move { report(*event) });
        }
    }
}

/// Adds files that a person dropped, pasted or chose: pictures at once, and where some are called anything else, all
/// of them once the first bytes have shown what those are.
pub(crate) fn add_files(files: impl Iterator<Item = File>) {
    // Where no model reads texts, the picture decoder says what a text file is not.
    let reads_texts = with(|session| session.reads_texts()).unwrap_or_default();
    let named = |file: File| match reads_texts {
        true => (FileKind::named(&file.name(), &file.type_()), file),
        false => (Some(FileKind::Picture), file),
    };
    let files: Vec<(Option<FileKind>, File)> = files.map(named).collect();
    if files.iter().all(|(named, _)| !is_looked_at(*named)) {
        return keep_files(vec![FileKind::Picture; files.len()], files);
    }
    let n_dropped = with(|session| session.n_dropped);
    spawn_local(async move {
        let kinds = kinds(&files).await;
        // Those that were cancelled meanwhile are not wanted any more.
        if with(|session| session.n_dropped) == n_dropped {
            keep_files(kinds, files);
        }
    });
}

fn keep_files(kinds: Vec<FileKind>, files: Vec<(Option<FileKind>, File)>) {
    let keep = |session: &mut Session| {
        let kept = kinds.into_iter().zip(files);
        kept.map(|(kind, (_, file))| session.keep(kind, file))
            .collect()
    };
    report(Event::Added(with(keep).unwrap_or_default()));
}

/// Whether what a file is depends on its first bytes.
fn is_looked_at(named: Option<FileKind>) -> bool {
    named != Some(FileKind::Picture)
}

/// What each file is, by its name and its first bytes.
async fn kinds(files: &[(Option<FileKind>, File)]) -> Vec<FileKind> {
    let mut kinds = Vec::new();
    for lot in files.chunks(LOOKS_AT_ONCE) {
        let looks: Vec<_> = lot
            .iter()
            .map(|(named, file)| is_looked_at(*named).then(|| begin_look(file)).flatten())
            .collect();
        for ((named, _), look) in lot.iter().zip(looks) {
            let beginning = match look {
                Some(look) => look.await.unwrap_or_default(),
                None => JsValue::UNDEFINED,
            };
            let beginning = beginning.dyn_ref::<ArrayBuffer>();
            let bytes = beginning.map(|buffer| Uint8Array::new(buffer).to_vec());
            kinds.push(FileKind::of(*named, &bytes.unwrap_or_default()));
        }
    }
    kinds
}

/// Begins to read a file's first bytes. Gives nothing, or undefined, for one that cannot be read or does not come
/// in time, as from a drive that is not there: the worker will say so when it tries.
///
/// What comes is listened for at once: one that fails while another is waited for would be an error of the page.
fn begin_look(file: &File) -> Option<JsFuture> {
    let blob = file.slice_with_f64_and_f64(0.0, FileKind::BEGINNING.into());
    let gives_up = future_to_promise(async {
        web::pause(LONGEST_LOOK_MS).await;
        Ok(JsValue::UNDEFINED)
    });
    let bytes: Promise = blob.ok()?.array_buffer().unchecked_into();
    Some(JsFuture::from(Promise::race(&Array::of2(
        &bytes, &gives_up,
    ))))
}

/// Takes a text that is being typed, or one that was handed in to stay.
pub(crate) fn add_text(text: String, is_handed_in: bool) {
    let Some(id) = with(Session::new_id) else {
        return;
    };
    report(match is_handed_in {
        true => Event::HandedIn(id, text),
        false => Event::Typed(id, text),
    });
}

/// Takes a picture of the camera.
pub(crate) fn add_frame(frame: File) {
    let keep = |session: &mut Session| {
        let id = session.new_id();
        session.files.insert(id, frame);
        id
    };
    if let Some(id) = with(keep) {
        report(Event::FrameTaken(id));
    }
}

/// Looks what is kept on the disk.
pub(crate) fn survey() {
    with(|session| session.survey(Vec::new()));
}

/// An id that nothing has yet.
pub(crate) fn new_id() -> Option<RequestId> {
    with(Session::new_id)
}

/// The file that an item was made of, while it is here.
pub(crate) fn picture_file(id: RequestId) -> Option<File> {
    with(|session| session.files.get(&id).cloned())?
}

/// The file that an item was made of, as an address for `<img>`; the caller revokes it.
pub(crate) fn picture_address(id: RequestId) -> Option<String> {
    let file = picture_file(id)?;
    web_sys::Url::create_object_url_with_blob(&file).ok()
}

fn with<T>(action: impl FnOnce(&mut Session) -> T) -> Option<T> {
    SESSION.with_borrow_mut(|session| session.as_mut().map(action))
}

impl Session {
    /// Begins the page's one session. `engine` is `None` where this browser can run none; `spare` takes
    /// its place should it not start.
    pub(crate) fn begin(
        store: Store,
        models: Vec<ModelEntry>,
        engine: Option<EngineBuild>,
        spare: Option<EngineBuild>,
    ) {
        let session = Session {
            store,
            models,
            engine,
            spare,
            names: Names::default(),
            workers: Vec::new(),
            downloads: Vec::new(),
            model_files: HashMap::new(),
            files: HashMap::new(),
            next_id: 0,
            n_dropped: 0,
            is_watching: false,
            watched: 0.0,
        };
        SESSION.set(Some(session));
    }

    fn new_id(&mut self) -> RequestId {
        let id = RequestId(self.next_id);
        self.next_id += 1;
        id
    }

    fn keep(&mut self, kind: FileKind, file: File) -> Added {
        let id = self.new_id();
        let name = file.name();
        self.files.insert(id, file);
        Added { id, name, kind }
    }

    fn reads_texts(&self) -> bool {
        let mut models = self.models.iter();
        models.any(|model| matches!(model.spec, Spec::TextClassification { .. }))
    }

    /// Does it, or says what happened instead.
    fn run(&mut self, effect: Effect) -> Result<(), Box<Event>> {
        match effect {
            Effect::StartEngine(worker) => self
                .start_engine(worker)
                .map_err(|error| Box::new(Event::EngineDied(worker, error)))?,
            Effect::EndEngine(worker) => {
                self.workers.retain(|running| running.id != worker);
                self.share_cores();
            }
            Effect::Download(model) => self
                .start_download(model)
                .map_err(|error| Box::new(Event::DownloadFailed(model, error.into())))?,
            Effect::AbortDownloads => {
                for download in self.downloads.drain(..) {
                    download.abort();
                }
            }
            Effect::Persist => spawn_local(persist()),
            Effect::DeleteFiles(models) => self.survey(models),
            Effect::ReleaseFile(model) => {
                self.model_files.remove(&model);
            }
            // After what is to be kept was handed over, which waits as well.
            Effect::Update => set_timeout(offline::update, Duration::ZERO),
            Effect::LoadModel(worker, model, warm_up) => self
                .load_model(worker, model, warm_up)
                .map_err(|error| Box::new(Event::EngineDied(worker, error)))?,
            Effect::Work(worker, work) => self
                .hand_over(worker, work)
                .map_err(|error| Box::new(Event::EngineDied(worker, error)))?,
            Effect::ShowFrame(seen) => intake::show_frame(&seen),
            Effect::Tick => set_timeout(|| report(Event::Tick(web::now())), TICK),
            Effect::DropComing => {
                self.n_dropped += 1;
                intake::drop_coming();
            }
            Effect::FocusResults => web::focus_results(),
            Effect::FocusCard(id) => {
                // Once the views have followed the state: the card may not be there yet.
                set_timeout(move || web::focus_card(id.map(|id| id.0)), Duration::ZERO);
            }
            Effect::OfferUndo(number) => end_undo_later(number),
            Effect::History(effect) => {
                let (store, models) = (self.store, self.models.clone());
                let run = move || history::run(effect, store, &models);
                match document().hidden() {
                    // The page may end before a timer does.
                    true => run(),
                    // Cards are drawn first.
                    false => set_timeout(run, Duration::ZERO),
                }
            }
            Effect::Forget(ids) => {
                for id in ids {
                    self.files.remove(&id);
                }
            }
        }
        Ok(())
    }

    fn start_engine(&mut self, id: WorkerId) -> Result<(), EngineError> {
        let engine = self.engine.as_ref().ok_or_else(|| EngineError::Start {
            detail: "it has no WebAssembly with SIMD, or this site was built without an engine"
                .into(),
        })?;
        let on_reply = move |reply, attachment| on_reply(id, reply, attachment);
        let bridge = Bridge::start(engine, on_reply, move |detail| {
            lose(id, EngineError::Crashed { detail });
        });
        self.workers.push(Running {
            id,
            bridge,
            listens: false,
            awaited: VecDeque::new(),
            since: 0.0,
        });
        self.watch_for(id, Awaited::Engine);
        self.share_cores();
        Ok(())
    }

    /// Starts the spare engine in place of one that died before it listened: one with threads needs more of
    /// a browser than can be asked for beforehand, and may not be kept on the device yet. `false` where
    /// there is none, or the worker died at work.
    fn fall_back(&mut self, worker: WorkerId) -> bool {
        let died_at_start = self.running(worker).is_some_and(|running| !running.listens);
        if !died_at_start || self.spare.is_none() {
            return false;
        }
        self.engine = self.spare.take();
        self.workers.retain(|running| running.id != worker);
        self.start_engine(worker).is_ok()
    }

    /// One worker uses all cores for a run; several do best with one each.
    fn share_cores(&self) {
        let has_threads =
            (self.engine.as_ref()).is_some_and(|engine| engine.flavour == Flavour::Threads);
        let is_alone = self.workers.len() == 1;
        for worker in self.workers.iter().filter(|_| has_threads) {
            // One that does not hear of it goes on, a little slower.
            let _ = worker.bridge.send(&Request::ShareWork(is_alone), None);
        }
    }

    /// Has a worker do something, and watches how long it takes.
    fn hand_over(&mut self, worker: WorkerId, work: Work) -> Result<(), EngineError> {
        let awaited = Awaited::Item(work.id(), work.deadline());
        self.send_work(worker, work)?;
        self.watch_for(worker, awaited);
        Ok(())
    }

    /// Watches how long a worker takes for what it was asked.
    fn watch_for(&mut self, worker: WorkerId, awaited: Awaited) {
        let now = web::now();
        if let Some(running) = self.running(worker) {
            if running.awaited.is_empty() {
                running.since = now;
            }
            running.awaited.push_back(awaited);
        }
        if !self.is_watching {
            self.is_watching = true;
            self.watched = now;
            set_timeout(watch, TICK);
        }
    }

    /// Takes in that a worker has answered.
    fn hear(&mut self, worker: WorkerId) {
        let now = web::now();
        if let Some(running) = self.running(worker) {
            running.awaited.pop_front();
            running.since = now;
        }
    }

    fn running(&mut self, worker: WorkerId) -> Option<&mut Running> {
        self.workers.iter_mut().find(|running| running.id == worker)
    }

    /// What is overdue by now; nothing more is watched once no worker works.
    fn overdue(&mut self) -> Vec<(WorkerId, Awaited)> {
        let now = web::now();
        // A page that was frozen, or a device that slept: what came meanwhile is still to be read.
        let gap = now - self.watched;
        if gap >= LONGEST_GAP {
            for running in &mut self.workers {
                running.since += gap;
            }
        }
        self.watched = now;
        let awaited = self
            .workers
            .iter()
            .filter_map(|at| Some((at.id, at.since, *at.awaited.front()?)));
        let overdue = awaited
            .filter(|(_, since, first)| now - since >= 1000.0 * f64::from(first.seconds()))
            .map(|(worker, _, first)| (worker, first))
            .collect();
        self.is_watching = self.workers.iter().any(|at| !at.awaited.is_empty());
        if self.is_watching {
            set_timeout(watch, TICK);
        }
        overdue
    }

    fn send_work(&self, worker: WorkerId, work: Work) -> Result<(), EngineError> {
        let id = work.id();
        let request = match work {
            Work::Classify(_, model) => self.classification(id, model)?,
            Work::ReadText(_) => Request::ReadText { id },
            Work::Analyse(_, text) => Request::AnalyseText { id, text },
            Work::OpenTable(_) => Request::OpenTable { id },
            Work::AnalyseRows { column, from, .. } => {
                let request = Request::AnalyseRows {
                    id,
                    column,
                    from,
                    count: ROWS_PER_REQUEST,
                };
                return self.send(worker, &request, None);
            }
        };
        let file = self.files.get(&id);
        self.send(worker, &request, file.map(AsRef::as_ref))
    }

    fn start_download(&mut self, model: usize) -> Result<(), EngineError> {
        let entry = self.model(model)?.clone();
        let controller = AbortController::new().map_err(|error| EngineError::Start {
            detail: web::words(&error),
        })?;
        let signal = controller.signal();
        self.downloads.push(controller);
        spawn_local(async move {
            let progress = |progress| {
                if !signal.aborted() {
                    report(Event::Received(model, progress));
                }
            };
            match model_files(&entry, &signal, progress).await {
                _ if signal.aborted() => {}
                Ok((files, not_kept)) => {
                    with(|session| session.model_files.insert(model, files));
                    if let Some(reason) = not_kept {
                        report(Event::NotKept(reason));
                    }
                    report(Event::Downloaded(model));
                }
                Err(error) => report(Event::DownloadFailed(model, error.into())),
            }
            // Whatever came of it, pieces may be on the disk that were not there before.
            survey();
        });
        Ok(())
    }

    /// Takes models off the disk, and looks what is there then.
    fn survey(&self, unwanted: Vec<usize>) {
        let models = self.models.clone();
        spawn_local(async move {
            let shelf = look(&models, |model| !unwanted.contains(&model)).await;
            report(Event::Surveyed(shelf));
        });
    }

    fn model(&self, model: usize) -> Result<&ModelEntry, EngineError> {
        self.models.get(model).ok_or(EngineError::NoModel)
    }

    fn load_model(
        &mut self,
        worker: WorkerId,
        model: usize,
        warm_up: WarmUp,
    ) -> Result<(), EngineError> {
        let files = self.model_files.get(&model).ok_or(EngineError::NoModel)?;
        let request = Request::LoadModel {
            model: Box::new(self.model(model)?.clone()),
            text: files.text.clone(),
            warm_up,
        };
        self.send(worker, &request, Some(&files.weights))?;
        self.watch_for(worker, Awaited::Model);
        Ok(())
    }

    fn classification(&self, id: RequestId, model: usize) -> Result<Request, EngineError> {
        let entry = self.model(model)?;
        let Spec::PictureClassification { output, .. } = &entry.spec else {
            return Err(EngineError::NoModel);
        };
        Ok(Request::Classify {
            id,
            model: entry.id.clone(),
            top_k: output.top_k,
        })
    }

    fn send(
        &self,
        worker: WorkerId,
        request: &Request,
        attachment: Option<&web_sys::Blob>,
    ) -> Result<(), EngineError> {
        let running = self.workers.iter().find(|running| running.id == worker);
        running
            .ok_or("the worker is gone".to_owned())
            .and_then(|running| running.bridge.send(request, attachment))
            .map_err(|detail| EngineError::Crashed { detail })
    }

    fn name_of(&self, id: RequestId) -> String {
        self.files.get(&id).map(File::name).unwrap_or_default()
    }

    fn index_of(&self, id: &str) -> Option<usize> {
        self.models.iter().position(|model| model.id == id)
    }
}

/// Ends the offer to bring something back, but not under somebody's hands.
fn end_undo_later(number: u32) {
    let end = move || match web::has_focus_within(".undo") {
        true => end_undo_later(number),
        false => report(Event::UndoOver(number)),
    };
    set_timeout(end, UNDO_TIME);
}

/// Reports what takes too long: one timer for all jobs, because a timer that is stopped never gives
/// back what it holds.
fn watch() {
    for (worker, awaited) in with(Session::overdue).into_iter().flatten() {
        let seconds = awaited.seconds();
        match awaited {
            Awaited::Item(item, _) => report(Event::Overdue(worker, item, seconds)),
            Awaited::Engine | Awaited::Model => lose(worker, EngineError::Overdue { seconds }),
        }
    }
}

/// Takes in that a worker is lost, unless another engine starts in its place.
fn lose(worker: WorkerId, error: EngineError) {
    let falls_back = with(|session| session.fall_back(worker)).unwrap_or_default();
    if !falls_back {
        report(Event::EngineDied(worker, error));
    }
}

/// A small copy of a picture as it is kept: one picture among thousands must cost little.
fn keep_small(size: Size, rgba: &Uint8Array) -> Thumbnail {
    let is_batch = with(|session| session.store.read().with_untracked(State::is_batch));
    is_batch
        .unwrap_or_default()
        .then(|| web::compress(size, rgba, web::SMALL_SIDE))
        .flatten()
        .map_or_else(
            || Thumbnail::Pixels {
                size,
                rgba: rgba.to_vec(),
            },
            Thumbnail::Address,
        )
}

/// Turns a worker's replies into events and marks.
fn on_reply(worker: WorkerId, reply: Reply, attachment: Uint8Array) {
    // What is said of memory comes after an answer, when the next job may have begun.
    if !matches!(reply, Reply::Memory { .. }) {
        with(|session| session.hear(worker));
    }
    let index = |model: &str| with(|session| session.index_of(model)).flatten();
    let file = |id: RequestId| with(|session| session.name_of(id)).unwrap_or_default();
    match reply {
        Reply::EngineReady {
            flavour,
            own_kernels,
        } => {
            let detail = EngineDetail {
                flavour: flavour.key(),
                own_kernels,
            };
            web::mark("vitrine:engine-ready", &detail);
            with(|session| {
                session
                    .running(worker)
                    .map(|running| running.listens = true)
            });
            report(Event::EngineReady(worker, flavour));
        }
        Reply::ModelReady { model, times } => {
            let detail = ModelDetail {
                model: &model,
                parse: times.parse,
                optimise: times.optimise,
                warm_up: times.warm_up,
            };
            web::mark("vitrine:model-ready", &detail);
            if let Some(model) = index(&model) {
                report(Event::Measured(Measured::Loaded(model, times)));
                report(Event::ModelReady(worker, model));
            }
        }
        Reply::ModelFailed { model, failure } => {
            if let Some(model) = index(&model) {
                report(Event::ModelFailed(worker, model, failure));
            }
        }
        Reply::Classified {
            id,
            mut classification,
        } => {
            with(|session| session.names.share(&mut classification.classes));
            let (file, times) = (file(id), classification.times);
            let thumbnail = keep_small(classification.picture.thumbnail, &attachment);
            report(Event::Classified(id, classification, thumbnail));
            // The camera's pictures have no names; a mark for each would fill the memory.
            if !file.is_empty() {
                web::mark_result(&ResultDetail { file, times });
            }
        }
        Reply::TextRead { id, reading } => {
            let (file, times) = (file(id), reading.times);
            let thumbnail = keep_small(reading.picture.thumbnail, &attachment);
            report(Event::TextRead(id, reading, thumbnail));
            web::mark_result(&ResultDetail { file, times });
        }
        Reply::Analysed { id, mut analysis } => {
            sort_answers(&mut analysis.answers);
            share_names(&mut analysis.answers);
            let (file, times) = (file(id), analysis.times);
            report(Event::Analysed(id, analysis));
            web::mark_result(&ResultDetail { file, times });
        }
        Reply::TableOpened { id, table } => report(Event::TableOpened(id, table)),
        Reply::RowsAnalysed { id, mut rows, time } => {
            for row in &mut rows {
                sort_answers(&mut row.answers);
                share_names(&mut row.answers);
            }
            report(Event::RowsAnalysed(id, rows, time));
        }
        Reply::Memory { bytes } => {
            web::mark("vitrine:memory", &MemoryDetail { bytes });
            report(Event::Grew(worker, bytes));
        }
        // Only the latency lab measures, in a worker of its own.
        Reply::Measured { .. } | Reply::Profiled { .. } | Reply::Panicked { .. } => {}
        Reply::Failed { id, failure } => report(Event::Failed(id, failure)),
    }
}

/// Brings answers into the order of the registry; the worker has them in the order in which the
/// models arrived.
fn sort_answers(answers: &mut [TextAnswer]) {
    with(|session| answers.sort_by_key(|answer| session.index_of(&answer.model)));
}

/// Has equal names of classes be one in memory.
fn share_names(answers: &mut [TextAnswer]) {
    with(|session| {
        for answer in answers {
            session.names.share(&mut answer.classes);
        }
    });
}

/// What the mark `vitrine:engine-ready` carries.
#[derive(Serialize)]
struct EngineDetail {
    flavour: &'static str,
    own_kernels: bool,
}

/// What the mark `vitrine:memory` carries: how large an engine's memory is now.
#[derive(Serialize)]
struct MemoryDetail {
    bytes: f64,
}

/// What the mark `vitrine:model-ready` carries.
#[derive(Serialize)]
struct ModelDetail<'a> {
    model: &'a str,
    parse: f64,
    optimise: f64,
    warm_up: f64,
}

/// What the mark `vitrine:result` carries.
#[derive(Serialize)]
struct ResultDetail<T> {
    file: String,
    #[serde(flatten)]
    times: T,
}
