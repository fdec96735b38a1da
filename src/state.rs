//! What the page knows, and what follows from what happens.
//!
//! `State::update` is the only place where anything changes: an event goes in, effects come out.
//! It touches neither the browser nor a clock, so its tests run natively.

mod batch;
mod camera;
mod compare;
mod history;
mod item;
mod items;
mod lab;
mod metrics;
mod models;
mod names;
mod pool;
mod site;
mod store;
mod undo;

use std::sync::Arc;

use vitrine_protocol::{
    Analysis, Classification, EngineError, Failure, Flavour, ModelEntry, PictureFacts, Reading,
    RequestId, RowAnalysis, TableFacts, WarmUp,
};

pub(crate) use batch::{Batch, Filter, Flow, Layout, Progress, ROWS_PER_PAGE};
pub(crate) use camera::{Camera, Seen};
pub(crate) use compare::{Comparison, offers};
pub(crate) use history::{History, HistoryEffect, HistoryEvent, MOST_KEPT, Past};
pub(crate) use item::{
    Answer, Content, FileKind, Item, Job, Picture, Step, Table, TableStage, Text, Thumbnail,
};
pub(crate) use items::{Items, Totals};
pub(crate) use lab::{Lab, LabEffect, LabEvent, LabStep, ROUNDS, Run, Warning};
pub(crate) use metrics::{Group, KEPT, Measured, Metrics};
pub(crate) use models::{Models, NotKept, Place, Shelf, Transfer, Weights};
pub(crate) use names::Names;
pub(crate) use pool::{Device, Loaded, Pool, Worker, WorkerId, most_workers};
pub(crate) use site::{Connection, Site, Version};
pub(crate) use store::{LabStore, Store};

use crate::words;

/// So many jobs must wait for each worker before another is worth its start and its memory.
const JOBS_PER_WORKER: usize = 4;

/// Everything the page shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct State {
    /// What was added.
    pub(crate) items: Items,
    /// The workers.
    pub(crate) pool: Pool,
    /// Many files at once.
    pub(crate) batch: Batch,
    /// The models and their files.
    pub(crate) models: Models,
    /// What the page keeps on the disk.
    pub(crate) shelf: Shelf,
    /// Why models are in memory only, where they are.
    pub(crate) not_kept: Option<NotKept>,
    /// The site itself: network and version.
    pub(crate) site: Site,
    /// What is done with pictures.
    pub(crate) tools: Tools,
    /// The camera's newest frame.
    pub(crate) camera: Camera,
    /// What keeps everything from going on, until something is added or tried again.
    pub(crate) trouble: Option<Failure>,
    /// What is read out to those who do not see the page.
    pub(crate) announcement: String,
    /// What answers took.
    pub(crate) metrics: Metrics,
    /// What was removed last.
    pub(crate) undo: undo::Undo,
    /// What is kept on the device.
    pub(crate) history: History,
    /// The text that is being typed, which the next change replaces.
    draft: Option<RequestId>,
    /// Whether the time was asked for and has not come yet.
    awaits_tick: bool,
    /// Whether engine and model are wanted before there is anything to do.
    interest: Interest,
}

/// What is done with pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tools {
    pub(crate) classify: bool,
    pub(crate) read: bool,
}

impl Default for Tools {
    fn default() -> Tools {
        Tools {
            classify: true,
            read: false,
        }
    }
}

/// Whether a person is about to add something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Interest {
    #[default]
    None,
    Shown,
}

/// What the page is doing; `document.documentElement.dataset.phase`, which is `booting` before
/// the app runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Ready,
    Busy,
    Failed,
}

impl Phase {
    pub(crate) fn key(self) -> &'static str {
        match self {
            Phase::Ready => "ready",
            Phase::Busy => "busy",
            Phase::Failed => "failed",
        }
    }
}

/// What is going on, for people: the step that everything else waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Activity {
    /// Models are on their way.
    Downloading,
    StartingEngine,
    /// The titles of the models being prepared.
    Preparing(String),
    Working {
        n_open: usize,
    },
    Paused {
        n_open: usize,
    },
    /// Rows of one table are analysed.
    Rows {
        done: usize,
        total: usize,
    },
}

/// A file that was added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Added {
    pub(crate) id: RequestId,
    pub(crate) name: String,
    pub(crate) kind: FileKind,
}

/// What happens.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Event {
    /// A person seems about to add something: a file hangs over the page, the picker opens.
    Intent,
    /// Files were added, under ids that rise with each.
    Added(Vec<Added>),
    /// The camera took a picture, and waits with the next one until it hears of this one.
    FrameTaken(RequestId),
    /// The camera was switched off.
    CameraStopped,
    /// A text was typed, and typing paused; the next one replaces it.
    Typed(RequestId, String),
    /// A text was handed in to stay.
    HandedIn(RequestId, String),
    /// Other things are to be done with pictures.
    ToolsChosen(Tools),
    /// Another picture classifier is to be used.
    ClassifierChosen(usize),
    /// This column of a table holds the texts.
    ColumnChosen(RequestId, usize),
    /// The worker listens.
    EngineReady(WorkerId, Flavour),
    /// More of a model has come.
    Received(usize, Transfer),
    /// A model's file is complete and the one expected.
    Downloaded(usize),
    /// A model's file cannot be had.
    DownloadFailed(usize, Failure),
    /// The page looked what it keeps on the disk.
    Surveyed(Shelf),
    /// A model could not be kept on the disk.
    NotKept(NotKept),
    /// A person wants a model's file before it is needed.
    Fetch(usize),
    /// A person wants models off the disk.
    DeleteModels(Vec<usize>),
    /// The network came or went.
    Connected(Connection),
    /// A newer version of the site is here and waits.
    UpdateReady,
    /// A person wants the newer version.
    Update,
    /// The worker has the model ready.
    ModelReady(WorkerId, usize),
    /// The worker cannot use the model.
    ModelFailed(WorkerId, usize, Failure),
    /// A picture has its classes.
    Classified(RequestId, Classification, Thumbnail),
    /// A picture has its text.
    TextRead(RequestId, Reading, Thumbnail),
    /// A text has its analysis.
    Analysed(RequestId, Analysis),
    /// A table can be read.
    TableOpened(RequestId, TableFacts),
    /// Rows of a table have their analysis, in so many milliseconds.
    RowsAnalysed(RequestId, Vec<RowAnalysis>, f64),
    /// What the worker says of its times.
    Measured(Measured),
    /// The memory of a worker's engine grew to so many bytes.
    Grew(WorkerId, f64),
    /// The job being done for an item failed.
    Failed(RequestId, Failure),
    /// The worker ended by itself.
    EngineDied(WorkerId, EngineError),
    /// The worker has not answered for an item for so many seconds.
    Overdue(WorkerId, RequestId, u32),
    /// The time in ms, as [`Effect::Tick`] asked for.
    Tick(f64),
    /// What waits is to be worked on, or left for now.
    FlowChosen(Flow),
    /// Other rows of the batch are to be shown.
    FilterChosen(Filter),
    /// Another page of the batch's table is to be shown.
    PageTurned(usize),
    /// A row of the batch is to be shown as a card, or none any more.
    Opened(Option<RequestId>),
    /// Text was copied, or the browser did not allow it.
    Copied { is_done: bool },
    /// One more model, by index, is to say what it makes of a picture.
    Compare(RequestId, usize),
    /// What was removed last is to come back.
    Undo,
    /// The time to bring back the removal of this number is over.
    UndoOver(u32),
    /// Something about what is kept on the device.
    History(HistoryEvent),
    /// Remove one item.
    Remove(RequestId),
    /// Drop what is not finished.
    Cancel,
    /// Remove what is finished.
    Clear,
    /// Try again what stands in the way.
    Retry,
}

/// What is to be done because of an event.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Effect {
    StartEngine(WorkerId),
    EndEngine(WorkerId),
    Download(usize),
    AbortDownloads,
    /// Asks the browser not to clear the site's storage by itself.
    Persist,
    /// Takes these models off the disk.
    DeleteFiles(Vec<usize>),
    /// The file of this model is no longer needed in memory.
    ReleaseFile(usize),
    /// Has the newer version of the site take over, which loads the page anew.
    Update,
    /// Has the worker load a model.
    LoadModel(WorkerId, usize, WarmUp),
    /// Has the worker do something for an item, and watches how long it takes.
    Work(WorkerId, Work),
    /// Tells the camera what came of its frame.
    ShowFrame(Seen),
    /// Tells the time in a second.
    Tick,
    /// The files of these items are no longer needed.
    Forget(Vec<RequestId>),
    /// Samples that are still on their way to the page are not wanted any more.
    DropComing,
    /// The control that was used goes away, and with it the focus: results take it.
    FocusResults,
    /// The same; the card of this item takes it, or the heading of the results.
    FocusCard(Option<RequestId>),
    /// Says when the time to bring back the removal of this number is over.
    OfferUndo(u32),
    History(HistoryEffect),
}

/// What a worker does for an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// Classifies the item's picture with a model.
    Classify(RequestId, usize),
    ReadText(RequestId),
    /// Analyses the item's file, or this text.
    Analyse(RequestId, Option<String>),
    OpenTable(RequestId),
    AnalyseRows {
        id: RequestId,
        column: usize,
        from: usize,
    },
}

impl Work {
    /// The item it is done for.
    pub(crate) fn id(&self) -> RequestId {
        match self {
            Work::Classify(id, _)
            | Work::ReadText(id)
            | Work::Analyse(id, _)
            | Work::OpenTable(id)
            | Work::AnalyseRows { id, .. } => *id,
        }
    }

    /// Seconds after which a worker that has not answered is taken to hang.
    pub(crate) fn deadline(&self) -> u32 {
        match self {
            Work::Classify(..) | Work::Analyse(..) => 60,
            Work::ReadText(_) | Work::OpenTable(_) | Work::AnalyseRows { .. } => 120,
        }
    }
}

impl State {
    /// A page where nothing has happened, on a site with these models and at most so many workers.
    pub(crate) fn new(models: &[ModelEntry], most_workers: usize) -> State {
        State {
            models: Models::new(models),
            pool: Pool::new(most_workers),
            ..State::default()
        }
    }

    /// Takes in what happened and says what is to be done, in order.
    pub(crate) fn update(&mut self, event: Event) -> Vec<Effect> {
        let mut effects = self.take_in(event);
        self.batch.arrange(self.items.counts().rows);
        // However the last worker ended: the next answer pays for a start again.
        if self.pool.workers.is_empty() {
            self.metrics.cool_down();
        }
        self.follow_camera(&mut effects);
        self.advance(&mut effects);
        self.keep_finished(&mut effects);
        effects
    }

    /// Takes in the time, in milliseconds since some fixed moment; only metrics go by it.
    pub(crate) fn keep_time(&mut self, now: f64) {
        let is_working = self.pool.workers.iter().any(Worker::is_busy);
        self.metrics.tick(now, is_working);
    }

    /// Changes when measured figures are to be drawn anew: with each of them, but once a second while
    /// a batch runs, because drawing for every answer would take the time that frames need.
    pub(crate) fn measured_beat(&self) -> (bool, u64) {
        match self.is_batch() && self.is_running() {
            true => (true, u64::from(self.batch.n_ticks)),
            false => (false, self.metrics.version()),
        }
    }

    /// The engine that runs, once a worker has it ready.
    pub(crate) fn flavour(&self) -> Option<Flavour> {
        self.pool.workers.iter().find_map(|worker| worker.flavour)
    }

    /// Workers that run or are starting.
    pub(crate) fn n_workers(&self) -> usize {
        self.pool.workers.len()
    }

    /// What the page is doing.
    pub(crate) fn phase(&self) -> Phase {
        if self.trouble.is_some() {
            Phase::Failed
        } else if self.n_open() > 0 {
            Phase::Busy
        } else {
            Phase::Ready
        }
    }

    /// What is going on, if anything; behind a problem nothing is, whatever still finishes there.
    pub(crate) fn activity(&self) -> Option<Activity> {
        if self.trouble.is_some() {
            return None;
        }
        if let Some(rows) = self.rows_in_progress() {
            return Some(rows);
        }
        if !self.downloads().is_empty() {
            return Some(Activity::Downloading);
        }
        if let Some(first) = self.pool.workers.first() {
            if first.flavour.is_none() {
                return Some(Activity::StartingEngine);
            }
            let mut models = self.models.iter();
            let loading = models.find(|(at, _)| first.loaded(*at) == Loaded::Loading);
            if let Some((_, model)) = loading {
                return Some(Activity::Preparing(model.title.clone()));
            }
        }
        match (self.n_open(), self.batch.flow) {
            (0, _) => None,
            (n_open, Flow::Running) => Some(Activity::Working { n_open }),
            (n_open, Flow::Paused) => Some(Activity::Paused { n_open }),
        }
    }

    /// Models on their way, by index.
    pub(crate) fn downloads(&self) -> Vec<(usize, Transfer)> {
        self.models
            .iter()
            .filter_map(|(at, model)| match model.weights {
                Weights::Downloading(transfer) => Some((at, transfer)),
                Weights::Absent | Weights::Here => None,
            })
            .collect()
    }

    /// Items with nothing left to do.
    pub(crate) fn n_finished(&self) -> usize {
        self.items.len() - self.n_open()
    }

    /// Items with something left to do.
    pub(crate) fn n_open(&self) -> usize {
        self.items.counts().open
    }

    /// The item with this id.
    pub(crate) fn item(&self, id: RequestId) -> Option<&Item> {
        self.items.get(id)
    }

    /// Whether files are rows of a table instead of cards, because there are or were many.
    pub(crate) fn is_batch(&self) -> bool {
        self.batch.layout == Layout::Table
    }

    /// What is shown as a card of its own: everything, or what is no row of the batch.
    pub(crate) fn cards(&self) -> impl Iterator<Item = &Item> {
        let is_batch = self.is_batch();
        let items = self.items.iter();
        items.filter(move |item| !(is_batch && item.is_row()))
    }

    /// How far the batch is.
    pub(crate) fn progress(&self) -> Progress {
        self.batch.progress(self.items.counts())
    }

    /// The page of the batch's table that is shown, and how many there are; from 0.
    pub(crate) fn page(&self) -> (usize, usize) {
        let n_rows = self.batch.filter.count(self.items.counts());
        let n_pages = n_rows.div_ceil(ROWS_PER_PAGE).max(1);
        (self.batch.page.min(n_pages - 1), n_pages)
    }

    /// The rows on that page.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &Item> {
        let filter = self.batch.filter;
        let rows = self.items.rows().filter(move |item| filter.holds(item));
        rows.skip(self.page().0 * ROWS_PER_PAGE).take(ROWS_PER_PAGE)
    }

    fn rows_in_progress(&self) -> Option<Activity> {
        let mut workers = self.pool.workers.iter();
        workers.find_map(|worker| match &self.item(worker.job?.0)?.content {
            Content::Table(table) => match &table.stage {
                TableStage::Analysing { facts, .. } if !table.rows.is_empty() => {
                    Some(Activity::Rows {
                        done: table.rows.len(),
                        total: facts.n_rows,
                    })
                }
                _ => None,
            },
            _ => None,
        })
    }

    fn take_in(&mut self, event: Event) -> Vec<Effect> {
        match event {
            Event::Intent => self.interest = Interest::Shown,
            Event::Added(files) => self.add(files),
            Event::FrameTaken(id) => self.camera = Camera::Waiting(id),
            Event::CameraStopped => {
                let unseen = self.camera.stop().into_iter().collect();
                return vec![Effect::Forget(unseen)];
            }
            Event::Typed(id, text) => return self.type_text(id, text),
            Event::HandedIn(id, text) => return self.hand_in(id, text),
            Event::ToolsChosen(tools) => self.choose_tools(tools),
            Event::ClassifierChosen(model) => {
                let before = self.models.classifier();
                self.models.choose_classifier(model);
                if self.models.classifier() != before {
                    self.pool.wear_out(before);
                }
            }
            Event::ColumnChosen(id, column) => self.choose_column(id, column),
            Event::EngineReady(worker, flavour) => {
                if let Some(worker) = self.pool.get_mut(worker) {
                    worker.flavour = Some(flavour);
                }
            }
            Event::Received(model, transfer) => self.receive(model, transfer),
            Event::Downloaded(model) => self.take_file(model),
            Event::Surveyed(shelf) => {
                self.models.put_on_disk(&shelf.on_disk);
                self.shelf = shelf;
            }
            Event::NotKept(reason) => self.not_kept = Some(reason),
            Event::Fetch(model) => return self.ask_for(model),
            Event::DeleteModels(models) => return self.delete(models),
            Event::Connected(connection) => {
                self.site.connection = connection;
                self.announcement = words::connection(connection);
            }
            Event::UpdateReady => {
                self.site.version = Version::NewerReady;
                self.announcement = words::new_version();
            }
            Event::Update => {
                self.history.hurry();
                let mut effects = Vec::new();
                self.keep_finished(&mut effects);
                effects.push(Effect::Update);
                return effects;
            }
            Event::DownloadFailed(model, failure) => {
                self.set_weights(model, Weights::Absent);
                self.stop_at(failure);
            }
            Event::ModelReady(worker, model) => {
                if let Some(worker) = self.pool.get_mut(worker) {
                    worker.set_loaded(model, Loaded::Ready);
                }
            }
            Event::ModelFailed(worker, model, failure) => {
                return self.lack_model(worker, model, failure);
            }
            Event::Classified(id, classification, thumbnail) => {
                self.take_classes(id, classification, thumbnail);
            }
            Event::TextRead(id, reading, thumbnail) => self.take_reading(id, reading, thumbnail),
            Event::Analysed(id, analysis) => self.take_analysis(id, analysis),
            Event::TableOpened(id, facts) => self.take_table(id, facts),
            Event::RowsAnalysed(id, rows, time) => self.take_rows(id, rows, time),
            Event::Measured(measured) => self.metrics.take(measured),
            Event::Grew(worker, bytes) => {
                self.pool.grew(worker, bytes);
                self.metrics.take(Measured::Memory(bytes));
            }
            Event::Failed(id, failure) => self.fail(id, failure),
            Event::EngineDied(worker, error) => return self.bury_engine(worker, error),
            Event::Overdue(worker, id, seconds) => return self.give_up_on(worker, id, seconds),
            Event::Tick(now) => return self.tick(now),
            Event::FlowChosen(flow) => self.batch.choose_flow(flow),
            Event::FilterChosen(filter) => {
                self.batch.filter = filter;
                self.batch.page = 0;
            }
            Event::PageTurned(page) => self.batch.page = page,
            Event::Opened(id) => self.batch.opened = id,
            Event::Copied { is_done } => {
                let words = if is_done {
                    words::copied()
                } else {
                    words::not_copied()
                };
                self.announcement = words;
            }
            Event::Compare(id, model) => self.compare(id, model),
            Event::Undo => return self.undo(),
            Event::UndoOver(number) => return self.end_undo(number),
            Event::History(event) => return self.take_history(event),
            Event::Remove(id) => return self.remove_one(id),
            Event::Cancel => return self.cancel(),
            Event::Clear => return self.clear(),
            Event::Retry => {
                self.trouble = None;
                self.pool.forgive();
                return vec![Effect::FocusResults];
            }
        }
        Vec::new()
    }

    /// Tells the camera what came of its frame. A frame whose worker was ended waits for another.
    fn follow_camera(&mut self, effects: &mut Vec<Effect>) {
        if let Some((id, seen)) = self.camera.take_done() {
            effects.extend([Effect::Forget(vec![id]), Effect::ShowFrame(seen)]);
        }
        if let Camera::Working(id) = self.camera
            && self.pool.at(id).is_none()
        {
            self.camera = Camera::Waiting(id);
        }
    }

    /// Starts whatever can be started now.
    fn advance(&mut self, effects: &mut Vec<Effect>) {
        let mut wanted: Vec<Job> = self.items.wanted().collect();
        if self.interest == Interest::Shown && self.tools.classify {
            wanted.push(Job::Classify);
        }
        if self.camera.waiting().is_some() && !wanted.contains(&Job::Classify) {
            wanted.push(Job::Classify);
        }
        if self.trouble.is_some() {
            return;
        }
        effects.extend(
            self.models
                .start_asked_for()
                .into_iter()
                .map(Effect::Download),
        );
        let worn = self.pool.end_worn(self.n_open() == 0);
        effects.extend(worn.into_iter().map(Effect::EndEngine));
        let is_wanted = self.interest == Interest::Shown || !wanted.is_empty();
        if is_wanted {
            if self.pool.workers.is_empty() {
                effects.push(Effect::StartEngine(self.pool.start()));
            }
            for job in wanted {
                self.fetch(job, effects);
            }
            self.start_jobs(effects);
            if self.is_another_worth_it() {
                effects.push(Effect::StartEngine(self.pool.start()));
            }
        }
        if self.n_open() == 0 {
            self.batch.flow = Flow::Running;
        }
        let follows_time = self.is_batch() || self.history.has_pending();
        let wants_tick = self.is_running() && follows_time || self.pool.workers.len() > 1;
        if wants_tick && !self.awaits_tick {
            self.awaits_tick = true;
            effects.push(Effect::Tick);
        }
    }

    /// Whether anything is being worked on, or about to be.
    fn is_running(&self) -> bool {
        self.n_open() > 0 && self.batch.flow == Flow::Running && self.trouble.is_none()
    }

    /// Whether so much waits that one more worker will pay. Each proves itself before the next is
    /// started: what keeps one from working keeps all.
    fn is_another_worth_it(&self) -> bool {
        let shared = Job::ALL.into_iter().filter(|job| job.is_shared());
        let n_waiting: usize = shared.map(|job| self.items.n_waiting(job)).sum();
        self.batch.flow == Flow::Running
            && n_waiting > JOBS_PER_WORKER * self.pool.workers.len()
            && self.pool.has_room()
            && self.pool.is_proven()
    }

    /// Downloads and loads the models that a job needs, as far as that can be done now. Workers
    /// beyond the first load what many items wait for.
    fn fetch(&mut self, job: Job, effects: &mut Vec<Effect>) {
        let n_waiting = self.items.n_waiting(job);
        let is_shared = job.is_shared() && n_waiting > JOBS_PER_WORKER;
        let warm_up = match n_waiting {
            0 => WarmUp::Now,
            _ => WarmUp::Skipped,
        };
        for at in self.needed(job) {
            let Some(model) = self.models.get_mut(at) else {
                continue;
            };
            if model.weights == Weights::Absent {
                model.weights = Weights::Downloading(Transfer::default());
                effects.push(Effect::Download(at));
            }
            if model.weights != Weights::Here {
                continue;
            }
            let n_loading = if is_shared { usize::MAX } else { 1 };
            for worker in self.pool.workers.iter_mut().take(n_loading) {
                if worker.flavour.is_some() && worker.loaded(at) == Loaded::No {
                    worker.set_loaded(at, Loaded::Loading);
                    effects.push(Effect::LoadModel(worker.id, at, warm_up));
                }
            }
        }
    }

    /// Gives each worker that is free the job that has waited longest among those it can do; the
    /// camera's frame comes first, because someone watches it.
    fn start_jobs(&mut self, effects: &mut Vec<Effect>) {
        self.start_frame(effects);
        for at in 0..self.pool.workers.len() {
            if let Some((id, job)) = self.next_for(&self.pool.workers[at])
                && let Some(work) = self.work(&self.pool.workers[at], id, job)
            {
                self.items.change(id, |item| item.start(job));
                let worker = &mut self.pool.workers[at];
                worker.job = Some((id, job));
                effects.push(Effect::Work(worker.id, work));
            }
        }
    }

    fn start_frame(&mut self, effects: &mut Vec<Effect>) {
        let classifier = self.models.classifier();
        let mut workers = self.pool.workers.iter_mut();
        let is_able = |worker: &&mut Worker| {
            worker.job.is_none() && worker.loaded(classifier) == Loaded::Ready
        };
        if let Some(id) = self.camera.waiting()
            && let Some(worker) = workers.find(is_able)
        {
            worker.job = Some((id, Job::Classify));
            effects.push(Effect::Work(worker.id, Work::Classify(id, classifier)));
            self.camera = Camera::Working(id);
        }
    }

    fn next_for(&self, worker: &Worker) -> Option<(RequestId, Job)> {
        if worker.flavour.is_none() || worker.job.is_some() {
            return None;
        }
        self.items.next(|job, id| {
            let is_let_in = self.batch.flow == Flow::Running || job == Job::AnalyseTyped;
            let mut others = self.pool.workers.iter().filter(|at| at.id != worker.id);
            let is_elsewhere =
                job == Job::AnalyseRows && others.any(|other| other.open_table == Some(id));
            let mut needed = self.needed_by(id, job).into_iter();
            is_let_in && !is_elsewhere && needed.all(|at| worker.loaded(at) == Loaded::Ready)
        })
    }

    fn work(&self, worker: &Worker, id: RequestId, job: Job) -> Option<Work> {
        Some(match (job, &self.item(id)?.content) {
            (Job::Classify, _) => Work::Classify(id, self.models.classifier()),
            (Job::Compare, _) => Work::Classify(id, self.compared(id)?),
            (Job::Read, _) => Work::ReadText(id),
            (Job::Analyse | Job::AnalyseTyped, Content::Text(text)) => {
                Work::Analyse(id, text.typed.clone())
            }
            (Job::AnalyseRows, Content::Table(table)) if worker.open_table == Some(id) => {
                match &table.stage {
                    TableStage::Analysing { column, .. } => Work::AnalyseRows {
                        id,
                        column: *column,
                        from: table.rows.len(),
                    },
                    _ => return None,
                }
            }
            _ => Work::OpenTable(id),
        })
    }

    fn add(&mut self, files: Vec<Added>) {
        if files.is_empty() {
            return;
        }
        self.trouble = None;
        let tools = self.tools;
        let added = files.into_iter().map(|file| Item {
            id: file.id,
            name: file.name,
            content: match file.kind {
                FileKind::Picture => Content::Picture(Picture {
                    classes: (tools.classify || !tools.read).then_some(Step::Waiting),
                    reading: tools.read.then_some(Step::Waiting),
                    ..Picture::default()
                }),
                FileKind::Text => Content::Text(Text {
                    typed: None,
                    step: Step::Waiting,
                    earlier: None,
                }),
                FileKind::Table => Content::Table(Table::new()),
            },
        });
        self.items.add(added);
        self.announcement = words::working(self.n_open());
    }

    /// Replaces the text that is being typed; nothing but white space removes it.
    fn type_text(&mut self, id: RequestId, text: String) -> Vec<Effect> {
        let earlier = self.take_draft();
        if text.trim().is_empty() {
            return Vec::new();
        }
        self.trouble = None;
        self.draft = Some(id);
        self.items.add([typed_item(id, text, earlier)]);
        Vec::new()
    }

    /// Keeps a text: the one that is being typed, if it is the same.
    fn hand_in(&mut self, id: RequestId, text: String) -> Vec<Effect> {
        let draft = self.draft.and_then(|draft| self.item(draft));
        let is_same = draft.is_some_and(|item| match &item.content {
            Content::Text(draft) => {
                draft.typed.as_deref() == Some(&text) && !matches!(draft.step, Step::Failed(_))
            }
            _ => false,
        });
        if is_same {
            self.trouble = None;
            self.announce_draft();
            let draft = self.draft.take();
            draft.into_iter().for_each(|id| self.history.note(id));
            return Vec::new();
        }
        let effects = self.type_text(id, text);
        self.draft = None;
        effects
    }

    /// Takes the draft out of the list and returns the answer it shows.
    fn take_draft(&mut self) -> Option<Arc<Answer<Analysis>>> {
        let draft = self.draft.take()?;
        match self.items.remove(draft)?.content {
            Content::Text(text) => match text.step {
                Step::Done(answer) => Some(answer),
                _ => text.earlier,
            },
            _ => None,
        }
    }

    fn announce_draft(&mut self) {
        let draft = self.draft.and_then(|draft| self.item(draft));
        if let Some(words) = draft.and_then(|item| words::outcome(item, 0)) {
            self.announcement = words;
        }
    }

    /// What is wanted from now on is also wanted of the pictures that are here.
    fn choose_tools(&mut self, tools: Tools) {
        self.tools = tools;
        self.items.change_all(|item| {
            let Content::Picture(picture) = &mut item.content else {
                return;
            };
            let is_readable = !matches!(&picture.classes, Some(Step::Failed(Failure::Picture(_))));
            want(&mut picture.classes, tools.classify);
            want(&mut picture.reading, tools.read && is_readable);
            if picture.classes.is_none() && picture.reading.is_none() {
                picture.classes = Some(Step::Waiting);
            }
        });
    }

    fn choose_column(&mut self, id: RequestId, column: usize) {
        self.trouble = None;
        self.items.change(id, |item| {
            if let Content::Table(table) = &mut item.content {
                table.choose(column);
            }
        });
    }

    fn receive(&mut self, model: usize, transfer: Transfer) {
        if let Some(model) = self.models.get_mut(model)
            && matches!(model.weights, Weights::Downloading(_))
        {
            model.weights = Weights::Downloading(transfer);
        }
    }

    fn take_file(&mut self, model: usize) {
        self.set_weights(model, Weights::Here);
        if let Some(model) = self.models.get_mut(model) {
            model.is_asked_for = false;
        }
    }

    fn ask_for(&mut self, model: usize) -> Vec<Effect> {
        self.trouble = None;
        if let Some(model) = self.models.get_mut(model) {
            model.is_asked_for = model.weights != Weights::Here;
        }
        vec![Effect::Persist]
    }

    /// Takes models off the disk. One that a worker has stays in memory until the page is closed.
    fn delete(&mut self, models: Vec<usize>) -> Vec<Effect> {
        let (kept, released): (Vec<usize>, Vec<usize>) =
            models.iter().copied().partition(|model| {
                let mut workers = self.pool.workers.iter();
                let is_in_use = workers.any(|worker| worker.loaded(*model) != Loaded::No);
                self.models.give_up(*model, is_in_use)
            });
        self.announcement = words::deleted(models.len(), kept.len());
        let released = released.into_iter().map(Effect::ReleaseFile);
        released.chain([Effect::DeleteFiles(models)]).collect()
    }

    fn set_weights(&mut self, model: usize, weights: Weights) {
        if let Some(model) = self.models.get_mut(model) {
            model.weights = weights;
        }
    }

    /// Takes in the answer to one of these jobs, if a worker is at it; the worker is free again.
    /// Answers to anything else were given up on and are dropped. `give` gets the item and the
    /// engine that answered. All answers come through here, and all failures through `fail`.
    ///
    /// Says whether the answer was taken in.
    fn take(&mut self, id: RequestId, jobs: &[Job], give: impl FnOnce(&mut Item, Flavour)) -> bool {
        let at = self.pool.at(id).and_then(|worker| worker.job);
        if at.is_some_and(|(_, job)| jobs.contains(&job))
            && let Some((flavour, _)) = self.pool.answered(id)
        {
            self.items.change(id, |item| give(item, flavour));
            self.settle(id);
            return true;
        }
        false
    }

    fn take_classes(&mut self, id: RequestId, value: Classification, thumbnail: Thumbnail) {
        if self.items.get(id).is_none() {
            // It is the camera's, if anyone's.
            self.pool.answered(id);
            self.camera.see(id, Seen::Classes(Box::new(value)));
            return;
        }
        let job = self.pool.at(id).and_then(|worker| worker.job);
        if job == Some((id, Job::Compare)) {
            return self.take_comparison(id, value);
        }
        let (model, times) = (value.model.clone(), value.times);
        let is_taken = self.take(id, &[Job::Classify], |item, flavour| {
            if let Content::Picture(picture) = &mut item.content {
                picture.classes = Some(Step::Done(Arc::new(Answer { value, flavour })));
            }
        });
        if is_taken {
            self.items.give_copy(id, thumbnail);
            self.metrics.answered(Group::Classifier(model), &times);
        }
    }

    fn take_reading(&mut self, id: RequestId, value: Reading, thumbnail: Thumbnail) {
        let times = value.times;
        let is_taken = self.take(id, &[Job::Read], |item, flavour| {
            if let Content::Picture(picture) = &mut item.content {
                picture.reading = Some(Step::Done(Arc::new(Answer { value, flavour })));
            }
        });
        if is_taken {
            self.items.give_copy(id, thumbnail);
            self.metrics.answered(Group::Reading, &times);
        }
    }

    fn take_analysis(&mut self, id: RequestId, value: Analysis) {
        let times = value.times;
        let jobs = [Job::Analyse, Job::AnalyseTyped];
        let is_taken = self.take(id, &jobs, |item, flavour| {
            if let Content::Text(text) = &mut item.content {
                text.step = Step::Done(Arc::new(Answer { value, flavour }));
                text.earlier = None;
            }
        });
        if is_taken {
            self.metrics.answered(Group::Texts, &times);
        }
    }

    fn take_table(&mut self, id: RequestId, facts: TableFacts) {
        let worker = self.pool.at(id).map(|worker| worker.id);
        let n_rows = facts.n_rows;
        let mut opened = None;
        self.take(id, &[Job::OpenTable, Job::AnalyseRows], |item, _| {
            if let Content::Table(table) = &mut item.content {
                let is_new = matches!(table.stage, TableStage::Opening { .. });
                opened = is_new.then(|| words::table_opened(&item.name, n_rows));
                table.open(facts);
            }
        });
        if let Some(worker) = worker.and_then(|id| self.pool.get_mut(id)) {
            worker.open_table = Some(id);
        }
        if let Some(words) = opened {
            self.announcement = words;
        }
    }

    fn take_rows(&mut self, id: RequestId, rows: Vec<RowAnalysis>, time: f64) {
        let n_rows = rows.len();
        let is_taken = self.take(id, &[Job::AnalyseRows], |item, _| {
            if let Content::Table(table) = &mut item.content {
                table.add(rows, time);
            }
        });
        if is_taken {
            self.metrics.rows(n_rows);
        }
    }

    /// Takes in that the job being done for an item failed; the worker is free again.
    fn fail(&mut self, id: RequestId, failure: Failure) {
        if self.pool.answered(id).is_some() {
            self.give_failure(id, failure);
        }
    }

    fn give_failure(&mut self, id: RequestId, failure: Failure) {
        if self.camera.see(id, Seen::Failed(failure.clone())) {
            return;
        }
        self.items.change(id, |item| item.fail(failure));
        self.settle(id);
    }

    /// Counts an item and reads its outcome out, once nothing of it is left to do.
    fn settle(&mut self, id: RequestId) {
        let Some(item) = self.items.get(id).filter(|item| !item.is_open()) else {
            return;
        };
        // While someone types, reading out every pause would be noise.
        if self.draft == Some(id) {
            return;
        }
        if item.is_row() {
            self.batch.step();
        }
        self.history.note(id);
        if let Some(words) = words::outcome(item, self.items.counts().open) {
            self.announcement = words;
        }
    }

    /// A worker that dies over an item costs that item, and the others go on. One that dies while
    /// starting would only die again: nothing more is tried until a person asks for it, or the
    /// others do what there is to do.
    fn bury_engine(&mut self, worker: WorkerId, error: EngineError) -> Vec<Effect> {
        let Some(dead) = self.pool.end(worker) else {
            return Vec::new();
        };
        let is_worth_another = self.pool.mourn(&dead);
        let is_last = self.pool.workers.is_empty();
        if let Some((id, _)) = dead.job {
            self.give_failure(id, error.clone().into());
        } else if is_last && dead.is_set_up() {
            self.interest = Interest::None;
        }
        let has_begun = dead.job.is_some() || dead.is_set_up();
        if !has_begun || !is_worth_another {
            match is_last {
                true if has_begun => self.stop_at(error.into()),
                true => self.stop_at(as_start(error).into()),
                false => self.pool.stay_small(),
            }
        }
        vec![Effect::EndEngine(worker)]
    }

    /// Ends a worker that hangs over an item, which is what a crash does.
    fn give_up_on(&mut self, worker: WorkerId, id: RequestId, seconds: u32) -> Vec<Effect> {
        match self.pool.at(id) {
            Some(at) if at.id == worker => {
                self.bury_engine(worker, EngineError::Overdue { seconds })
            }
            _ => Vec::new(),
        }
    }

    /// A worker cannot use a model. Where another does, it is that worker that is at fault.
    fn lack_model(&mut self, worker: WorkerId, model: usize, failure: Failure) -> Vec<Effect> {
        let Some(at) = self.pool.get_mut(worker) else {
            return Vec::new();
        };
        at.set_loaded(model, Loaded::No);
        let mut workers = self.pool.workers.iter();
        if workers.any(|other| other.loaded(model) == Loaded::Ready) {
            let job = self.pool.end(worker).and_then(|ended| ended.job);
            self.pool.stay_small();
            if let Some((id, _)) = job {
                self.give_failure(id, failure);
            }
            return vec![Effect::EndEngine(worker)];
        }
        // The files may be at fault, so trying again begins with them.
        self.set_weights(model, Weights::Absent);
        self.stop_at(failure);
        Vec::new()
    }

    /// Workers beyond the first are ended when nothing was done for a while.
    fn tick(&mut self, now: f64) -> Vec<Effect> {
        self.awaits_tick = false;
        self.history.tick(now);
        let is_running = self.is_running();
        if !self.batch.tick(now, is_running) {
            return Vec::new();
        }
        let first = self.pool.workers.first().map(|worker| worker.id);
        let ended = self
            .pool
            .end_if(|worker| Some(worker.id) != first && !worker.is_busy());
        ended.into_iter().map(Effect::EndEngine).collect()
    }

    /// Stops everything until a person tries again or adds something.
    fn stop_at(&mut self, failure: Failure) {
        self.interest = Interest::None;
        self.trouble = Some(failure);
        // The problem is an alert and speaks for itself.
        self.announcement.clear();
    }

    fn cancel(&mut self) -> Vec<Effect> {
        let mut effects = vec![Effect::FocusResults, Effect::DropComing];
        self.interest = Interest::None;
        self.trouble = None;
        let ended = self.pool.end_if(Worker::is_busy);
        effects.extend(ended.into_iter().map(Effect::EndEngine));
        if !self.downloads().is_empty() {
            for (at, _) in self.downloads() {
                self.set_weights(at, Weights::Absent);
            }
            effects.push(Effect::AbortDownloads);
        }
        self.models.ask_for_nothing();
        let open = self.items.iter().filter(|item| item.is_open());
        let open: Vec<RequestId> = open.map(|item| item.id).collect();
        let dropped = self.items.keep(|item| !item.is_open() || item.drop_open());
        // What was found of them so far is all that there will be.
        open.into_iter().for_each(|id| self.history.note(id));
        self.announcement = words::cancelled(dropped.len());
        self.forget(dropped, &mut effects);
        effects
    }

    fn forget(&mut self, removed: Vec<RequestId>, effects: &mut Vec<Effect>) {
        self.let_go(&removed);
        effects.push(Effect::Forget(removed));
    }

    /// Takes in that these are not shown any more.
    fn let_go(&mut self, removed: &[RequestId]) {
        for place in [&mut self.draft, &mut self.batch.opened] {
            if place.is_some_and(|id| removed.contains(&id)) {
                *place = None;
            }
        }
    }
}

/// The facts of an item's picture, once it was decoded for some task.
pub(crate) fn picture_facts(picture: &Picture) -> Option<PictureFacts> {
    match (&picture.classes, &picture.reading) {
        (Some(Step::Done(answer)), _) => Some(answer.value.picture),
        (_, Some(Step::Done(answer))) => Some(answer.value.picture),
        _ => None,
    }
}

fn typed_item(id: RequestId, text: String, earlier: Option<Arc<Answer<Analysis>>>) -> Item {
    Item {
        id,
        name: words::first_words(&text),
        content: Content::Text(Text {
            typed: Some(text),
            step: Step::Waiting,
            earlier,
        }),
    }
}

/// Adds a step that is wanted and not there, and drops one that has not begun and is not wanted.
fn want<T: PartialEq>(step: &mut Option<Step<T>>, wanted: bool) {
    if wanted && step.is_none() {
        *step = Some(Step::Waiting);
    } else if !wanted && *step == Some(Step::Waiting) {
        *step = None;
    }
}

/// A worker that dies before it could do anything never started, whatever it died of.
fn as_start(error: EngineError) -> EngineError {
    match error {
        EngineError::Crashed { detail } => EngineError::Start { detail },
        EngineError::Overdue { seconds } => EngineError::Start {
            detail: format!("no answer within {seconds} s"),
        },
        other => other,
    }
}

#[cfg(test)]
mod tests {
    mod camera;
    mod results;
    mod scheduling;

    use vitrine_protocol::{
        AnalysisTimes, Class, DownloadError, PictureError, ReadingTimes, StageTimes, TextAnswer,
    };

    use super::models::{ModelState, Use};
    use super::*;

    /// The models of a site as the tests know it, by index.
    const CLASSIFIER: usize = 0;
    const DETECTOR: usize = 1;
    const RECOGNISER: usize = 2;
    const ENCODER: usize = 3;

    const W0: WorkerId = WorkerId(0);
    const W1: WorkerId = WorkerId(1);

    fn id(number: u32) -> RequestId {
        RequestId(number)
    }

    fn classifying(worker: WorkerId, number: u32) -> Effect {
        Effect::Work(worker, Work::Classify(id(number), CLASSIFIER))
    }

    fn reading(worker: WorkerId, number: u32) -> Effect {
        Effect::Work(worker, Work::ReadText(id(number)))
    }

    fn page() -> State {
        let uses = [Use::Classify, Use::Read, Use::Read, Use::Analyse];
        let models = uses.map(|used_for| ModelState {
            used_for,
            title: format!("{used_for:?}"),
            bytes: 1000,
            on_disk: 0,
            is_asked_for: false,
            weights: Weights::Absent,
        });
        State {
            models: Models::of(models.to_vec()),
            ..State::default()
        }
    }

    fn add_kind(state: &mut State, numbers: &[u32], kind: FileKind) -> Vec<Effect> {
        let files = numbers.iter().map(|number| Added {
            id: id(*number),
            name: format!("{number}.jpg"),
            kind,
        });
        state.update(Event::Added(files.collect()))
    }

    fn add(state: &mut State, numbers: &[u32]) -> Vec<Effect> {
        add_kind(state, numbers, FileKind::Picture)
    }

    fn class(label: &str) -> Class {
        Class {
            index: 281,
            label: label.into(),
            logit: 9.0,
            probability: 0.8731,
        }
    }

    fn thumbnail() -> Thumbnail {
        Thumbnail::Address(String::new())
    }

    fn classify(state: &mut State, number: u32) -> Vec<Effect> {
        let cat = Classification {
            model: "model".to_owned(),
            classes: vec![class("tabby cat")],
            picture: PictureFacts::default(),
            times: StageTimes::default(),
        };
        state.update(Event::Classified(id(number), cat, thumbnail()))
    }

    fn read(state: &mut State, number: u32) -> Vec<Effect> {
        let reading = Reading {
            lines: Vec::new(),
            picture: PictureFacts::default(),
            times: ReadingTimes::default(),
        };
        state.update(Event::TextRead(id(number), reading, thumbnail()))
    }

    fn analyse(state: &mut State, number: u32) -> Vec<Effect> {
        let analysis = Analysis {
            excerpt: String::new(),
            answers: vec![TextAnswer {
                model: "emotion".to_owned(),
                classes: vec![class("joy")],
                n_holding: 1,
            }],
            n_tokens: 5,
            n_read: 5,
            n_replaced: 0,
            times: AnalysisTimes::default(),
        };
        state.update(Event::Analysed(id(number), analysis))
    }

    fn get_ready(state: &mut State, models: &[usize]) {
        for model in models {
            state.update(Event::Downloaded(*model));
            state.update(Event::ModelReady(W0, *model));
        }
    }

    /// A page with engine and classifier ready and nothing to do.
    fn set_up() -> State {
        let mut state = page();
        state.update(Event::Intent);
        state.update(Event::EngineReady(W0, Flavour::Simd));
        get_ready(&mut state, &[CLASSIFIER]);
        assert_eq!(state.phase(), Phase::Ready);
        state
    }

    #[track_caller]
    fn check_order(state: &State, expected: &[u32]) {
        let met: Vec<u32> = state.items.iter().map(|item| item.id.0).collect();
        assert_eq!(met, expected);
    }

    fn picture(state: &State, number: u32) -> &Picture {
        match &state.item(id(number)).unwrap().content {
            Content::Picture(picture) => picture,
            other => panic!("{other:?}"),
        }
    }

    fn both() -> Event {
        Event::ToolsChosen(Tools {
            classify: true,
            read: true,
        })
    }

    #[test]
    fn nothing_is_asked_for_without_a_reason() {
        assert_eq!(page().update(Event::Clear), [Effect::FocusResults]);
        assert_eq!(page().update(Event::Added(vec![])), []);
        assert_eq!(page().update(both()), []);
    }

    #[test]
    fn intent_starts_engine_and_classifier_once() {
        let mut state = page();
        assert_eq!(
            state.update(Event::Intent),
            [Effect::StartEngine(W0), Effect::Download(CLASSIFIER)]
        );
        assert_eq!(state.update(Event::Intent), []);
        assert_eq!(state.phase(), Phase::Ready);
    }

    #[test]
    fn the_model_is_loaded_when_engine_and_file_are_there_in_any_order() {
        let mut state = page();
        state.update(Event::Intent);
        assert_eq!(state.update(Event::Downloaded(CLASSIFIER)), []);
        let effects = state.update(Event::EngineReady(W0, Flavour::Relaxed));
        assert_eq!(effects, [Effect::LoadModel(W0, CLASSIFIER, WarmUp::Now)]);
        let mut state = page();
        state.update(Event::Intent);
        assert_eq!(state.update(Event::EngineReady(W0, Flavour::Relaxed)), []);
        assert_eq!(
            state.update(Event::Downloaded(CLASSIFIER)),
            [Effect::LoadModel(W0, CLASSIFIER, WarmUp::Now)]
        );
    }

    #[test]
    fn one_item_is_worked_on_at_a_time_in_the_order_of_adding() {
        let mut state = set_up();
        assert_eq!(add(&mut state, &[0, 1]), [classifying(W0, 0)]);
        assert_eq!(add(&mut state, &[2]), []);
        check_order(&state, &[2, 0, 1]);
        assert_eq!(classify(&mut state, 0), [classifying(W0, 1)]);
        assert_eq!(classify(&mut state, 1), [classifying(W0, 2)]);
        classify(&mut state, 2);
        assert_eq!(state.phase(), Phase::Ready);
    }

    #[test]
    fn a_model_is_fetched_when_it_is_first_needed() {
        let mut state = set_up();
        assert_eq!(state.update(both()), []);
        assert_eq!(
            add(&mut state, &[0]),
            [
                Effect::Download(DETECTOR),
                Effect::Download(RECOGNISER),
                classifying(W0, 0)
            ]
        );
        assert_eq!(
            state.update(Event::Typed(id(1), "thank you".to_owned())),
            [Effect::Download(ENCODER)]
        );
    }

    #[test]
    fn classes_do_not_wait_for_the_models_that_read() {
        let mut state = set_up();
        state.update(both());
        add(&mut state, &[0, 1]);
        classify(&mut state, 0);
        assert_eq!(classify(&mut state, 1), []);
        assert_eq!(state.phase(), Phase::Busy);
        state.update(Event::Downloaded(DETECTOR));
        state.update(Event::ModelReady(W0, DETECTOR));
        state.update(Event::Downloaded(RECOGNISER));
        let effects = state.update(Event::ModelReady(W0, RECOGNISER));
        assert_eq!(effects, [reading(W0, 0)]);
        assert_eq!(read(&mut state, 0), [reading(W0, 1)]);
        read(&mut state, 1);
        assert_eq!(state.phase(), Phase::Ready);
        assert!(matches!(picture(&state, 0).reading, Some(Step::Done(_))));
    }

    #[test]
    fn what_is_wanted_later_is_done_for_pictures_that_are_here() {
        let mut state = set_up();
        add(&mut state, &[0]);
        classify(&mut state, 0);
        state.update(both());
        assert_eq!(picture(&state, 0).reading, Some(Step::Waiting));
        state.update(Event::ToolsChosen(Tools::default()));
        assert_eq!(picture(&state, 0).reading, None);
    }

    #[test]
    fn what_is_no_picture_is_not_read_either() {
        let mut state = set_up();
        state.update(both());
        add(&mut state, &[0]);
        state.update(Event::Failed(id(0), PictureError::Svg.into()));
        assert_eq!(picture(&state, 0).reading, None);
        state.update(both());
        assert_eq!(picture(&state, 0).reading, None);
    }

    #[test]
    fn a_failed_item_leaves_the_others_alone() {
        let mut state = set_up();
        add(&mut state, &[0, 1]);
        let failure = Failure::Picture(PictureError::Svg);
        let effects = state.update(Event::Failed(id(0), failure.clone()));
        assert_eq!(effects, [classifying(W0, 1)]);
        assert_eq!(picture(&state, 0).classes, Some(Step::Failed(failure)));
        assert_eq!(state.phase(), Phase::Busy);
    }

    #[test]
    fn a_late_answer_to_a_cancelled_item_is_dropped() {
        let mut state = set_up();
        add(&mut state, &[0]);
        state.update(Event::Cancel);
        add(&mut state, &[1]);
        assert_eq!(classify(&mut state, 0), []);
        check_order(&state, &[1]);
        assert!(state.items.iter().next().is_some_and(Item::is_open));
    }

    #[test]
    fn cancel_ends_the_worker_but_keeps_weights_and_results() {
        let mut state = set_up();
        add(&mut state, &[0]);
        classify(&mut state, 0);
        add(&mut state, &[1, 2]);
        let effects = state.update(Event::Cancel);
        assert_eq!(
            effects,
            [
                Effect::FocusResults,
                Effect::DropComing,
                Effect::EndEngine(W0),
                Effect::Forget(vec![id(1), id(2)])
            ]
        );
        check_order(&state, &[0]);
        assert_eq!(add(&mut state, &[3]), [Effect::StartEngine(W1)]);
        assert_eq!(
            state.update(Event::EngineReady(W1, Flavour::Simd)),
            [Effect::LoadModel(W1, CLASSIFIER, WarmUp::Skipped)]
        );
        assert_eq!(
            state.update(Event::ModelReady(W1, CLASSIFIER)),
            [classifying(W1, 3)]
        );
    }

    #[test]
    fn cancel_keeps_the_classes_of_a_picture_whose_text_is_not_read_yet() {
        let mut state = set_up();
        state.update(both());
        add(&mut state, &[0]);
        classify(&mut state, 0);
        let effects = state.update(Event::Cancel);
        assert!(effects.contains(&Effect::AbortDownloads), "{effects:?}");
        check_order(&state, &[0]);
        assert_eq!(picture(&state, 0).reading, None);
        assert_eq!(state.phase(), Phase::Ready);
    }

    #[test]
    fn cancel_while_downloading_stops_the_download() {
        let mut state = page();
        add(&mut state, &[0]);
        let half = Transfer {
            received: 500,
            speed: None,
        };
        state.update(Event::Received(CLASSIFIER, half));
        assert_eq!(state.downloads(), [(CLASSIFIER, half)]);
        let effects = state.update(Event::Cancel);
        assert!(effects.contains(&Effect::AbortDownloads), "{effects:?}");
        assert_eq!((state.phase(), state.downloads()), (Phase::Ready, vec![]));
        assert_eq!(
            add(&mut state, &[1]),
            [Effect::StartEngine(W1), Effect::Download(CLASSIFIER)]
        );
    }

    /// Every model of the test site wholly on the disk.
    fn all_on_disk() -> Event {
        Event::Surveyed(Shelf {
            on_disk: vec![1000; 4],
            ..Shelf::default()
        })
    }

    #[test]
    fn a_model_can_be_fetched_before_anything_needs_it() {
        let mut state = page();
        let effects = state.update(Event::Fetch(ENCODER));
        assert_eq!(effects, [Effect::Persist, Effect::Download(ENCODER)]);
        assert_eq!(state.update(Event::Fetch(ENCODER)), [Effect::Persist]);
        assert_eq!(state.update(Event::Downloaded(ENCODER)), []);
        assert_eq!(state.models.place(ENCODER), Place::MemoryOnly);
        state.update(all_on_disk());
        assert_eq!(state.models.place(ENCODER), Place::OnDisk);
    }

    #[test]
    fn a_fetch_that_failed_is_tried_again_when_asked_and_not_after_cancelling() {
        let failed = || {
            let mut state = page();
            state.update(Event::Fetch(ENCODER));
            let error = DownloadError::InsecureAddress;
            state.update(Event::DownloadFailed(ENCODER, error.into()));
            state
        };
        assert_eq!(
            failed().update(Event::Retry),
            [Effect::FocusResults, Effect::Download(ENCODER)]
        );
        let mut state = failed();
        let effects = state.update(Event::Cancel);
        assert!(!effects.contains(&Effect::Download(ENCODER)), "{effects:?}");
        assert_eq!(
            state.update(Event::Intent).last(),
            Some(&Effect::Download(CLASSIFIER))
        );
    }

    #[test]
    fn a_deleted_model_is_fetched_again_when_it_is_needed() {
        let mut state = page();
        state.update(Event::Fetch(CLASSIFIER));
        state.update(Event::Downloaded(CLASSIFIER));
        state.update(all_on_disk());
        let effects = state.update(Event::DeleteModels(vec![CLASSIFIER]));
        assert_eq!(
            effects,
            [
                Effect::ReleaseFile(CLASSIFIER),
                Effect::DeleteFiles(vec![CLASSIFIER])
            ]
        );
        assert_eq!(state.models.place(CLASSIFIER), Place::Nowhere);
        assert_eq!(
            add(&mut state, &[0]),
            [Effect::StartEngine(W0), Effect::Download(CLASSIFIER)]
        );
    }

    #[test]
    fn a_deleted_model_that_is_at_work_stays_in_memory() {
        let mut state = set_up();
        state.update(all_on_disk());
        let effects = state.update(Event::DeleteModels(vec![CLASSIFIER]));
        assert_eq!(effects, [Effect::DeleteFiles(vec![CLASSIFIER])]);
        assert_eq!(state.models.place(CLASSIFIER), Place::MemoryOnly);
        assert_eq!(
            add(&mut state, &[0]),
            [Effect::Work(W0, Work::Classify(id(0), CLASSIFIER))]
        );
    }

    #[test]
    fn a_part_of_a_model_is_told_from_the_whole() {
        let mut state = page();
        state.update(Event::Surveyed(Shelf {
            on_disk: vec![0, 400, 1000, 0],
            ..Shelf::default()
        }));
        let places: Vec<Place> = (0..4).map(|at| state.models.place(at)).collect();
        let expected = [
            Place::Nowhere,
            Place::PartOnDisk(400),
            Place::OnDisk,
            Place::Nowhere,
        ];
        assert_eq!(places, expected);
    }

    #[test]
    fn a_crash_costs_the_item_being_worked_on() {
        let mut state = set_up();
        add(&mut state, &[0, 1]);
        let error = EngineError::Crashed {
            detail: "unreachable".to_owned(),
        };
        let effects = state.update(Event::EngineDied(W0, error.clone()));
        assert_eq!(effects, [Effect::EndEngine(W0), Effect::StartEngine(W1)]);
        assert_eq!(picture(&state, 0).classes, Some(Step::Failed(error.into())));
        assert_eq!(picture(&state, 1).classes, Some(Step::Waiting));
    }

    #[test]
    fn a_crash_between_items_is_mended_when_the_next_comes() {
        let mut state = set_up();
        let error = EngineError::Crashed {
            detail: String::new(),
        };
        assert_eq!(
            state.update(Event::EngineDied(W0, error)),
            [Effect::EndEngine(W0)]
        );
        assert_eq!(state.phase(), Phase::Ready);
        assert_eq!(add(&mut state, &[0]), [Effect::StartEngine(W1)]);
    }

    #[test]
    fn a_worker_that_has_done_much_is_replaced_between_two_items() {
        let mut state = set_up();
        let n = pool::MOST_ANSWERS as u32;
        let numbers: Vec<u32> = (0..=n).collect();
        add(&mut state, &numbers);
        for number in 0..n - 1 {
            let effects = classify(&mut state, number);
            assert!(!effects.contains(&Effect::EndEngine(W0)), "{number}");
        }
        let effects = classify(&mut state, n - 1);
        assert!(effects.contains(&Effect::EndEngine(W0)), "{effects:?}");
        assert!(effects.contains(&Effect::StartEngine(W1)), "{effects:?}");
        state.update(Event::EngineReady(W1, Flavour::Simd));
        let effects = state.update(Event::ModelReady(W1, CLASSIFIER));
        assert!(effects.contains(&classifying(W1, n)), "{effects:?}");
    }

    #[test]
    fn a_worker_that_takes_much_memory_is_replaced_after_its_answer() {
        let mut state = set_up();
        let grown = Event::Grew(W0, pool::MUCH_MEMORY);
        assert_eq!(
            state.update(grown.clone()),
            [],
            "it has not answered anything yet"
        );
        add(&mut state, &[0]);
        let effects = classify(&mut state, 0);
        assert!(effects.contains(&Effect::EndEngine(W0)), "{effects:?}");
    }

    #[test]
    fn an_engine_that_does_not_start_is_not_started_over_and_over() {
        let mut state = page();
        add(&mut state, &[0]);
        let error = EngineError::Start {
            detail: "no SIMD".to_owned(),
        };
        let effects = state.update(Event::EngineDied(W0, error.clone()));
        assert_eq!(effects, [Effect::EndEngine(W0)]);
        assert_eq!(
            (state.phase(), state.trouble.clone()),
            (Phase::Failed, Some(error.into()))
        );
        assert_eq!(picture(&state, 0).classes, Some(Step::Waiting));
        assert_eq!(
            state.update(Event::Retry),
            [Effect::FocusResults, Effect::StartEngine(W1)]
        );
    }

    #[test]
    fn a_worker_that_dies_while_starting_is_told_as_such() {
        let mut state = page();
        add(&mut state, &[0]);
        let detail = "its script could not be loaded".to_owned();
        state.update(Event::EngineDied(
            W0,
            EngineError::Crashed {
                detail: detail.clone(),
            },
        ));
        assert_eq!(state.trouble, Some(EngineError::Start { detail }.into()));
    }

    #[test]
    fn a_model_that_cannot_be_used_is_fetched_anew() {
        let mut state = page();
        add(&mut state, &[0]);
        state.update(Event::EngineReady(W0, Flavour::Simd));
        assert_eq!(
            state.update(Event::Downloaded(CLASSIFIER)),
            [Effect::LoadModel(W0, CLASSIFIER, WarmUp::Skipped)]
        );
        let error = EngineError::Parse {
            detail: "no labels".to_owned(),
        };
        let effects = state.update(Event::ModelFailed(W0, CLASSIFIER, error.into()));
        assert_eq!(effects, []);
        assert_eq!(
            state.update(Event::Retry),
            [Effect::FocusResults, Effect::Download(CLASSIFIER)]
        );
    }

    #[test]
    fn what_waits_is_done_once_a_failed_download_succeeds() {
        let mut state = page();
        add(&mut state, &[0]);
        let failure = Failure::Download(DownloadError::Network {
            detail: "offline".to_owned(),
        });
        assert_eq!(state.update(Event::DownloadFailed(CLASSIFIER, failure)), []);
        assert_eq!((state.phase(), state.activity()), (Phase::Failed, None));
        assert_eq!(state.announcement, "");
        assert_eq!(state.update(Event::EngineReady(W0, Flavour::Simd)), []);
        assert_eq!(add(&mut state, &[1]), [Effect::Download(CLASSIFIER)]);
        assert_eq!(state.phase(), Phase::Busy);
        state.update(Event::Downloaded(CLASSIFIER));
        assert_eq!(
            state.update(Event::ModelReady(W0, CLASSIFIER)),
            [classifying(W0, 0)]
        );
    }

    #[test]
    fn clear_removes_what_is_finished_and_nothing_else() {
        let mut state = set_up();
        add(&mut state, &[0, 1]);
        classify(&mut state, 0);
        assert_eq!(
            state.update(Event::Clear),
            [Effect::FocusResults, Effect::OfferUndo(1)]
        );
        check_order(&state, &[1]);
    }

    #[test]
    fn removing_what_is_worked_on_ends_the_worker() {
        let mut state = set_up();
        add(&mut state, &[0, 1]);
        assert_eq!(
            state.update(Event::Remove(id(0))),
            [
                Effect::FocusCard(Some(id(1))),
                Effect::EndEngine(W0),
                Effect::OfferUndo(1),
                Effect::StartEngine(W1)
            ]
        );
        check_order(&state, &[1]);
    }

    #[test]
    fn the_step_that_is_waited_for_is_named() {
        let mut state = page();
        assert_eq!(state.activity(), None);
        add(&mut state, &[0]);
        state.update(Event::Received(CLASSIFIER, Transfer::default()));
        assert_eq!(state.activity(), Some(Activity::Downloading));
        state.update(Event::Downloaded(CLASSIFIER));
        assert_eq!(state.activity(), Some(Activity::StartingEngine));
        state.update(Event::EngineReady(W0, Flavour::Simd));
        assert_eq!(
            state.activity(),
            Some(Activity::Preparing("Classify".to_owned()))
        );
        state.update(Event::ModelReady(W0, CLASSIFIER));
        assert_eq!(state.activity(), Some(Activity::Working { n_open: 1 }));
        classify(&mut state, 0);
        assert_eq!(state.activity(), None);
        assert_eq!((state.n_open(), state.n_finished()), (0, 1));
    }

    #[test]
    fn results_are_announced_once_all_of_a_picture_is_done() {
        let mut state = set_up();
        add(&mut state, &[0]);
        classify(&mut state, 0);
        assert_eq!(state.announcement, "0.jpg: tabby cat 87.3 %");
        state.update(both());
        get_ready(&mut state, &[DETECTOR, RECOGNISER]);
        read(&mut state, 0);
        assert_eq!(state.announcement, "0.jpg: tabby cat 87.3 %, no text found");
    }

    /// A page that can analyse texts.
    fn reading_texts() -> State {
        let mut state = page();
        state.update(Event::Typed(id(100), "a".to_owned()));
        state.update(Event::EngineReady(W0, Flavour::Simd));
        get_ready(&mut state, &[ENCODER]);
        analyse(&mut state, 100);
        state
    }

    #[test]
    fn typing_on_replaces_the_draft_and_drops_its_late_answer() {
        let mut state = reading_texts();
        let text = Some("so glad".to_owned());
        assert_eq!(
            state.update(Event::Typed(id(101), "so glad".to_owned())),
            [Effect::Work(W0, Work::Analyse(id(101), text))]
        );
        check_order(&state, &[101]);
        let Content::Text(shown) = &state.item(id(101)).unwrap().content else {
            panic!("a text");
        };
        assert!(shown.earlier.is_some(), "the last answer stays in view");
        state.update(Event::Typed(id(102), "so glad you".to_owned()));
        assert_eq!(
            analyse(&mut state, 101),
            [Effect::Work(
                W0,
                Work::Analyse(id(102), Some("so glad you".to_owned()))
            )],
            "the answer to what was replaced finds no item, and the newest text is next"
        );
        check_order(&state, &[102]);
        assert!(state.items.iter().next().is_some_and(Item::is_open));
    }

    #[test]
    fn erasing_the_text_removes_the_draft() {
        let mut state = reading_texts();
        state.update(Event::Typed(id(101), "  ".to_owned()));
        check_order(&state, &[]);
    }

    #[test]
    fn what_is_handed_in_stays_when_typing_goes_on() {
        let mut state = reading_texts();
        assert_eq!(
            state.update(Event::HandedIn(id(101), "a".to_owned())),
            [],
            "the draft already has its answer"
        );
        check_order(&state, &[100]);
        state.update(Event::Typed(id(102), "b".to_owned()));
        check_order(&state, &[102, 100]);
        state.update(Event::HandedIn(id(103), "c".to_owned()));
        check_order(&state, &[103, 100]);
    }

    fn facts(n_rows: usize) -> TableFacts {
        TableFacts {
            columns: vec!["text".to_owned(), "label".to_owned()],
            n_rows,
            likely_column: 0,
            preview: Vec::new(),
            n_replaced: 0,
        }
    }

    fn rows(from: usize, to: usize) -> Vec<RowAnalysis> {
        let row = |row| RowAnalysis {
            row,
            excerpt: String::new(),
            answers: Vec::new(),
        };
        (from..to).map(row).collect()
    }

    #[test]
    fn a_table_asks_for_its_column_and_is_done_in_lots() {
        let mut state = reading_texts();
        assert_eq!(
            add_kind(&mut state, &[200], FileKind::Table),
            [Effect::Work(W0, Work::OpenTable(id(200)))]
        );
        assert_eq!(state.update(Event::TableOpened(id(200), facts(20))), []);
        assert_eq!(state.phase(), Phase::Ready, "it waits for a person");
        let lot = |from| {
            let (id, column) = (id(200), 1);
            Effect::Work(W0, Work::AnalyseRows { id, column, from })
        };
        assert_eq!(state.update(Event::ColumnChosen(id(200), 1)), [lot(0)]);
        let effects = state.update(Event::RowsAnalysed(id(200), rows(0, 16), 9.0));
        assert_eq!(effects, [lot(16)]);
        assert_eq!(
            state.activity(),
            Some(Activity::Rows {
                done: 16,
                total: 20
            })
        );
        state.update(Event::RowsAnalysed(id(200), rows(16, 20), 9.0));
        assert_eq!(state.phase(), Phase::Ready);
    }

    #[test]
    fn a_table_is_opened_again_in_a_worker_that_was_started_anew() {
        let mut state = reading_texts();
        add_kind(&mut state, &[200], FileKind::Table);
        state.update(Event::TableOpened(id(200), facts(20)));
        let error = EngineError::Crashed {
            detail: String::new(),
        };
        state.update(Event::EngineDied(W0, error));
        state.update(Event::ColumnChosen(id(200), 0));
        state.update(Event::EngineReady(W1, Flavour::Simd));
        assert_eq!(
            state.update(Event::ModelReady(W1, ENCODER)),
            [Effect::Work(W1, Work::OpenTable(id(200)))]
        );
        let effects = state.update(Event::TableOpened(id(200), facts(20)));
        assert!(
            matches!(
                effects[..],
                [Effect::Work(W1, Work::AnalyseRows { from: 0, .. })]
            ),
            "{effects:?}"
        );
    }
}
