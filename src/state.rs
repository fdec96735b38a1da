//! What the page knows, and what follows from what happens.
//!
//! `State::update` is the only place where anything changes: an event goes in, effects come out.
//! It touches neither the browser nor a clock, so its tests run natively.

mod item;
mod models;
mod store;

use std::sync::Arc;

use vitrine_protocol::{
    Analysis, Classification, EngineError, Failure, Flavour, ModelEntry, PictureFacts, Reading,
    RequestId, RowAnalysis, TableFacts,
};

pub(crate) use item::{
    Answer, Content, FileKind, Item, Job, Picture, Step, Table, TableStage, Text, Thumbnail,
};
pub(crate) use models::{Loaded, Models, Weights};
pub(crate) use store::Store;

use crate::words;

/// Everything the page shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct State {
    /// What was added: the latest batch first, each batch in the order it was given.
    pub(crate) items: Vec<Item>,
    /// The worker.
    pub(crate) engine: Engine,
    /// The models, their files and their place in the worker.
    pub(crate) models: Models,
    /// What is done with pictures.
    pub(crate) tools: Tools,
    /// What keeps everything from going on, until something is added or tried again.
    pub(crate) trouble: Option<Failure>,
    /// What is read out to those who do not see the page.
    pub(crate) announcement: String,
    /// The text that is being typed, which the next change replaces.
    draft: Option<RequestId>,
    /// The table that is open in the worker.
    open_table: Option<RequestId>,
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

/// The worker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Engine {
    #[default]
    Absent,
    Starting,
    Ready(Flavour),
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
    EngineReady(Flavour),
    /// More of a model has come.
    Received(usize, u64),
    /// A model's file is complete and the one expected.
    Downloaded(usize),
    /// A model's file cannot be had.
    DownloadFailed(usize, Failure),
    /// The worker has the model ready.
    ModelReady(usize),
    /// The worker cannot use the model.
    ModelFailed(usize, Failure),
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
    /// The job being done for an item failed.
    Failed(RequestId, Failure),
    /// The worker ended by itself.
    EngineDied(EngineError),
    /// Text was copied, or the browser did not allow it.
    Copied { is_done: bool },
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    StartEngine,
    EndEngine,
    Download(usize),
    AbortDownloads,
    LoadModel(usize),
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
    /// The files of these items are no longer needed.
    Forget(Vec<RequestId>),
    /// Samples that are still on their way to the page are not wanted any more.
    DropComing,
    /// The control that was used goes away, and with it the focus: results take it.
    FocusResults,
}

impl State {
    /// A page where nothing has happened, on a site with these models.
    pub(crate) fn new(models: &[ModelEntry]) -> State {
        State {
            models: Models::new(models),
            ..State::default()
        }
    }

    /// Takes in what happened and says what is to be done, in order.
    pub(crate) fn update(&mut self, event: Event) -> Vec<Effect> {
        let mut effects = self.take_in(event);
        self.advance(&mut effects);
        effects
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
        if self.engine == Engine::Starting {
            return Some(Activity::StartingEngine);
        }
        let loading: Vec<&str> = self
            .models
            .iter()
            .filter(|(_, model)| model.loaded == Loaded::Loading)
            .map(|(_, model)| model.title.as_str())
            .collect();
        if let Some(first) = loading.first() {
            return Some(Activity::Preparing((*first).to_owned()));
        }
        match self.n_open() {
            0 => None,
            n_open => Some(Activity::Working { n_open }),
        }
    }

    /// Models on their way: index and bytes that have come.
    pub(crate) fn downloads(&self) -> Vec<(usize, u64)> {
        self.models
            .iter()
            .filter_map(|(at, model)| match model.weights {
                Weights::Downloading { received } => Some((at, received)),
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
        self.items.iter().filter(|item| item.is_open()).count()
    }

    /// The item with this id.
    pub(crate) fn item(&self, id: RequestId) -> Option<&Item> {
        self.items.iter().find(|item| item.id == id)
    }

    fn item_mut(&mut self, id: RequestId) -> Option<&mut Item> {
        self.items.iter_mut().find(|item| item.id == id)
    }

    fn rows_in_progress(&self) -> Option<Activity> {
        self.items.iter().find_map(|item| match &item.content {
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
            Event::Typed(id, text) => return self.type_text(id, text),
            Event::HandedIn(id, text) => return self.hand_in(id, text),
            Event::ToolsChosen(tools) => self.choose_tools(tools),
            Event::ClassifierChosen(model) => self.models.choose_classifier(model),
            Event::ColumnChosen(id, column) => self.choose_column(id, column),
            Event::EngineReady(flavour) => self.engine = Engine::Ready(flavour),
            Event::Received(model, bytes) => self.receive(model, bytes),
            Event::Downloaded(model) => self.set_weights(model, Weights::Here),
            Event::DownloadFailed(model, failure) => {
                self.set_weights(model, Weights::Absent);
                self.stop_at(failure);
            }
            Event::ModelReady(model) => self.set_loaded(model, Loaded::Ready),
            Event::ModelFailed(model, failure) => {
                self.set_loaded(model, Loaded::No);
                // The files may be at fault, so trying again begins with them.
                self.set_weights(model, Weights::Absent);
                self.stop_at(failure);
            }
            Event::Classified(id, classification, thumbnail) => {
                self.take_classes(id, classification, thumbnail);
            }
            Event::TextRead(id, reading, thumbnail) => self.take_reading(id, reading, thumbnail),
            Event::Analysed(id, analysis) => self.take_analysis(id, analysis),
            Event::TableOpened(id, facts) => self.take_table(id, facts),
            Event::RowsAnalysed(id, rows, time) => self.take_rows(id, rows, time),
            Event::Failed(id, failure) => self.fail(id, failure),
            Event::EngineDied(error) => return self.bury_engine(error),
            Event::Copied { is_done } => {
                let words = if is_done {
                    words::copied()
                } else {
                    words::not_copied()
                };
                self.announcement = words;
            }
            Event::Remove(id) => return self.remove_one(id),
            Event::Cancel => return self.cancel(),
            Event::Clear => return self.clear(),
            Event::Retry => {
                self.trouble = None;
                return vec![Effect::FocusResults];
            }
        }
        Vec::new()
    }

    /// Starts whatever can be started now.
    fn advance(&mut self, effects: &mut Vec<Effect>) {
        let mut wanted: Vec<Job> = Vec::new();
        for job in self.items.iter().flat_map(Item::all_waiting) {
            if !wanted.contains(&job) {
                wanted.push(job);
            }
        }
        if self.interest == Interest::Shown && self.tools.classify {
            wanted.push(Job::Classify);
        }
        let is_wanted = self.interest == Interest::Shown || !wanted.is_empty();
        if !is_wanted || self.trouble.is_some() {
            return;
        }
        if self.engine == Engine::Absent {
            self.engine = Engine::Starting;
            effects.push(Effect::StartEngine);
        }
        let needed: Vec<usize> = wanted
            .iter()
            .flat_map(|job| self.models.needed_for(*job))
            .collect();
        self.fetch(&needed, effects);
        self.start_next(effects);
    }

    /// Downloads and loads models, as far as that can be done now.
    fn fetch(&mut self, needed: &[usize], effects: &mut Vec<Effect>) {
        let is_engine_ready = matches!(self.engine, Engine::Ready(_));
        for at in needed {
            let Some(model) = self.models.get_mut(*at) else {
                continue;
            };
            if model.weights == Weights::Absent {
                model.weights = Weights::Downloading { received: 0 };
                effects.push(Effect::Download(*at));
            }
            if is_engine_ready && model.weights == Weights::Here && model.loaded == Loaded::No {
                model.loaded = Loaded::Loading;
                effects.push(Effect::LoadModel(*at));
            }
        }
    }

    /// Starts the job that has waited longest among those whose models are ready, if none is
    /// being worked on.
    fn start_next(&mut self, effects: &mut Vec<Effect>) {
        if self.working().is_some() || !matches!(self.engine, Engine::Ready(_)) {
            return;
        }
        let next = self
            .items
            .iter()
            .flat_map(|item| item.all_waiting().into_iter().map(|job| (item.id, job)))
            .filter(|(_, job)| self.models.can_do(*job))
            .min_by_key(|(id, _)| *id);
        let Some((id, job)) = next else {
            return;
        };
        let classifier = self.models.classifier();
        let is_open = self.open_table == Some(id);
        let Some(item) = self.item_mut(id) else {
            return;
        };
        item.start(job);
        let effect = match (job, &item.content) {
            (Job::Classify, _) => Effect::Classify(id, classifier),
            (Job::Read, _) => Effect::ReadText(id),
            (Job::Analyse, Content::Text(text)) => Effect::Analyse(id, text.typed.clone()),
            (Job::AnalyseRows, Content::Table(table)) if is_open => match &table.stage {
                TableStage::Analysing { column, .. } => Effect::AnalyseRows {
                    id,
                    column: *column,
                    from: table.rows.len(),
                },
                _ => return,
            },
            _ => Effect::OpenTable(id),
        };
        effects.push(effect);
    }

    fn working(&self) -> Option<RequestId> {
        let mut items = self.items.iter();
        items.find(|item| item.is_working()).map(|item| item.id)
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
                    thumbnail: None,
                }),
                FileKind::Text => Content::Text(Text {
                    typed: None,
                    step: Step::Waiting,
                    earlier: None,
                }),
                FileKind::Table => Content::Table(Table::new()),
            },
        });
        self.items.splice(0..0, added);
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
        self.items.insert(0, typed_item(id, text, earlier));
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
            self.draft = None;
            return Vec::new();
        }
        let effects = self.type_text(id, text);
        self.draft = None;
        effects
    }

    /// Takes the draft out of the list and returns the answer it shows.
    fn take_draft(&mut self) -> Option<Arc<Answer<Analysis>>> {
        let draft = self.draft.take()?;
        let at = self.items.iter().position(|item| item.id == draft)?;
        match self.items.remove(at).content {
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
        for item in &mut self.items {
            let Content::Picture(picture) = &mut item.content else {
                continue;
            };
            let is_readable = !matches!(&picture.classes, Some(Step::Failed(Failure::Picture(_))));
            want(&mut picture.classes, tools.classify);
            want(&mut picture.reading, tools.read && is_readable);
            if picture.classes.is_none() && picture.reading.is_none() {
                picture.classes = Some(Step::Waiting);
            }
        }
    }

    fn choose_column(&mut self, id: RequestId, column: usize) {
        self.trouble = None;
        if let Some(Item {
            content: Content::Table(table),
            ..
        }) = self.item_mut(id)
        {
            table.choose(column);
        }
    }

    fn receive(&mut self, model: usize, bytes: u64) {
        if let Some(model) = self.models.get_mut(model)
            && let Weights::Downloading { received } = &mut model.weights
        {
            *received = bytes;
        }
    }

    fn set_weights(&mut self, model: usize, weights: Weights) {
        if let Some(model) = self.models.get_mut(model) {
            model.weights = weights;
        }
    }

    fn set_loaded(&mut self, model: usize, loaded: Loaded) {
        if let Some(model) = self.models.get_mut(model) {
            model.loaded = loaded;
        }
    }

    /// The answer with the engine that gave it; `None` where the worker is gone since.
    fn answer<T>(&self, value: T) -> Option<Arc<Answer<T>>> {
        match self.engine {
            Engine::Ready(flavour) => Some(Arc::new(Answer { value, flavour })),
            Engine::Absent | Engine::Starting => None,
        }
    }

    /// The item being worked on, if it is this one; answers to any other were given up on.
    fn working_on(&mut self, id: RequestId) -> Option<&mut Item> {
        self.item_mut(id).filter(|item| item.is_working())
    }

    fn take_classes(&mut self, id: RequestId, value: Classification, thumbnail: Thumbnail) {
        let Some(answer) = self.answer(value) else {
            return;
        };
        if let Some(Item {
            content: Content::Picture(picture),
            ..
        }) = self.working_on(id)
            && picture.classes == Some(Step::Working)
        {
            picture.classes = Some(Step::Done(answer));
            picture.thumbnail = Some(Arc::new(thumbnail));
            self.announce(id);
        }
    }

    fn take_reading(&mut self, id: RequestId, value: Reading, thumbnail: Thumbnail) {
        let Some(answer) = self.answer(value) else {
            return;
        };
        if let Some(Item {
            content: Content::Picture(picture),
            ..
        }) = self.working_on(id)
            && picture.reading == Some(Step::Working)
        {
            picture.reading = Some(Step::Done(answer));
            picture.thumbnail = Some(Arc::new(thumbnail));
            self.announce(id);
        }
    }

    fn take_analysis(&mut self, id: RequestId, value: Analysis) {
        let Some(answer) = self.answer(value) else {
            return;
        };
        if let Some(Item {
            content: Content::Text(text),
            ..
        }) = self.working_on(id)
        {
            text.step = Step::Done(answer);
            text.earlier = None;
            // While someone types, reading out every pause would be noise.
            if self.draft != Some(id) {
                self.announce(id);
            }
        }
    }

    fn take_table(&mut self, id: RequestId, facts: TableFacts) {
        if let Some(Item {
            content: Content::Table(table),
            name,
            ..
        }) = self.working_on(id)
        {
            let (n_rows, name) = (facts.n_rows, name.clone());
            let is_new = matches!(table.stage, TableStage::Opening { .. });
            table.open(facts);
            self.open_table = Some(id);
            if is_new {
                self.announcement = words::table_opened(&name, n_rows);
            }
        }
    }

    fn take_rows(&mut self, id: RequestId, rows: Vec<RowAnalysis>, time: f64) {
        if let Some(Item {
            content: Content::Table(table),
            ..
        }) = self.working_on(id)
        {
            table.add(rows, time);
            if matches!(table.stage, TableStage::Done { .. }) {
                self.announce(id);
            }
        }
    }

    fn fail(&mut self, id: RequestId, failure: Failure) {
        if let Some(item) = self.working_on(id) {
            item.fail(failure);
            self.announce(id);
        }
    }

    /// Reads out an item's outcome, once nothing of it is left to do.
    fn announce(&mut self, id: RequestId) {
        let n_open = self.n_open();
        let Some(item) = self.item(id).filter(|item| !item.is_open()) else {
            return;
        };
        if let Some(words) = words::outcome(item, n_open) {
            self.announcement = words;
        }
    }

    /// A worker that dies over an item costs that item. One that dies while starting would only
    /// die again, so nothing more is tried until a person asks for it.
    fn bury_engine(&mut self, error: EngineError) -> Vec<Effect> {
        let was_set_up = self.models.any_ready();
        self.engine_is_gone();
        match self.working() {
            Some(id) => self.fail(id, error.into()),
            None if was_set_up => self.interest = Interest::None,
            None => self.stop_at(as_start(error).into()),
        }
        vec![Effect::EndEngine]
    }

    fn engine_is_gone(&mut self) {
        self.engine = Engine::Absent;
        self.models.unload_all();
        self.open_table = None;
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
        let is_loading = self.engine == Engine::Starting || self.models.any_loading();
        if self.working().is_some() || is_loading {
            self.engine_is_gone();
            effects.push(Effect::EndEngine);
        }
        if !self.downloads().is_empty() {
            for (at, _) in self.downloads() {
                self.set_weights(at, Weights::Absent);
            }
            effects.push(Effect::AbortDownloads);
        }
        let dropped: Vec<RequestId> = self
            .items
            .extract_if(.., |item| item.is_open() && !item.drop_open())
            .map(|item| item.id)
            .collect();
        self.forget_draft(&dropped);
        self.announcement = words::cancelled(dropped.len());
        effects.push(Effect::Forget(dropped));
        effects
    }

    fn clear(&mut self) -> Vec<Effect> {
        let removed: Vec<RequestId> = self
            .items
            .extract_if(.., |item| !item.is_open())
            .map(|item| item.id)
            .collect();
        self.forget_draft(&removed);
        self.announcement = words::cleared();
        vec![Effect::FocusResults, Effect::Forget(removed)]
    }

    fn remove_one(&mut self, id: RequestId) -> Vec<Effect> {
        let mut effects = vec![Effect::FocusResults];
        if self.working() == Some(id) {
            self.engine_is_gone();
            effects.push(Effect::EndEngine);
        }
        self.items.retain(|item| item.id != id);
        self.forget_draft(&[id]);
        effects.push(Effect::Forget(vec![id]));
        effects
    }

    fn forget_draft(&mut self, removed: &[RequestId]) {
        if self.draft.is_some_and(|draft| removed.contains(&draft)) {
            self.draft = None;
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
        other => other,
    }
}

#[cfg(test)]
mod tests {
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

    fn id(number: u32) -> RequestId {
        RequestId(number)
    }

    fn page() -> State {
        let uses = [Use::Classify, Use::Read, Use::Read, Use::Analyse];
        let models = uses.map(|used_for| ModelState {
            used_for,
            title: format!("{used_for:?}"),
            bytes: 1000,
            weights: Weights::Absent,
            loaded: Loaded::No,
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
            label: label.to_owned(),
            logit: 9.0,
            probability: 0.8731,
        }
    }

    fn thumbnail() -> Thumbnail {
        Thumbnail {
            size: vitrine_protocol::Size::default(),
            rgba: Vec::new(),
        }
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
            state.update(Event::ModelReady(*model));
        }
    }

    /// A page with engine and classifier ready and nothing to do.
    fn set_up() -> State {
        let mut state = page();
        state.update(Event::Intent);
        state.update(Event::EngineReady(Flavour::Simd));
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
        assert_eq!(
            page().update(Event::Clear),
            [Effect::FocusResults, Effect::Forget(vec![])]
        );
        assert_eq!(page().update(Event::Added(vec![])), []);
        assert_eq!(page().update(both()), []);
    }

    #[test]
    fn intent_starts_engine_and_classifier_once() {
        let mut state = page();
        assert_eq!(
            state.update(Event::Intent),
            [Effect::StartEngine, Effect::Download(CLASSIFIER)]
        );
        assert_eq!(state.update(Event::Intent), []);
        assert_eq!(state.phase(), Phase::Ready);
    }

    #[test]
    fn the_model_is_loaded_when_engine_and_file_are_there_in_any_order() {
        let mut state = page();
        state.update(Event::Intent);
        assert_eq!(state.update(Event::Downloaded(CLASSIFIER)), []);
        let effects = state.update(Event::EngineReady(Flavour::Relaxed));
        assert_eq!(effects, [Effect::LoadModel(CLASSIFIER)]);
        let mut state = page();
        state.update(Event::Intent);
        assert_eq!(state.update(Event::EngineReady(Flavour::Relaxed)), []);
        assert_eq!(
            state.update(Event::Downloaded(CLASSIFIER)),
            [Effect::LoadModel(CLASSIFIER)]
        );
    }

    #[test]
    fn one_item_is_worked_on_at_a_time_in_the_order_of_adding() {
        let mut state = set_up();
        assert_eq!(add(&mut state, &[0, 1]), [Effect::Classify(id(0), 0)]);
        assert_eq!(add(&mut state, &[2]), []);
        check_order(&state, &[2, 0, 1]);
        assert_eq!(classify(&mut state, 0), [Effect::Classify(id(1), 0)]);
        assert_eq!(classify(&mut state, 1), [Effect::Classify(id(2), 0)]);
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
                Effect::Classify(id(0), 0)
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
        state.update(Event::ModelReady(DETECTOR));
        state.update(Event::Downloaded(RECOGNISER));
        let effects = state.update(Event::ModelReady(RECOGNISER));
        assert_eq!(effects, [Effect::ReadText(id(0))]);
        assert_eq!(read(&mut state, 0), [Effect::ReadText(id(1))]);
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
        assert_eq!(effects, [Effect::Classify(id(1), 0)]);
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
        assert!(state.items[0].is_open());
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
                Effect::EndEngine,
                Effect::Forget(vec![id(1), id(2)])
            ]
        );
        check_order(&state, &[0]);
        assert_eq!(add(&mut state, &[3]), [Effect::StartEngine]);
        assert_eq!(
            state.update(Event::EngineReady(Flavour::Simd)),
            [Effect::LoadModel(CLASSIFIER)]
        );
        assert_eq!(
            state.update(Event::ModelReady(CLASSIFIER)),
            [Effect::Classify(id(3), 0)]
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
        state.update(Event::Received(CLASSIFIER, 1000));
        assert_eq!(state.downloads(), [(CLASSIFIER, 1000)]);
        let effects = state.update(Event::Cancel);
        assert!(effects.contains(&Effect::AbortDownloads), "{effects:?}");
        assert_eq!((state.phase(), state.downloads()), (Phase::Ready, vec![]));
        assert_eq!(
            add(&mut state, &[1]),
            [Effect::StartEngine, Effect::Download(CLASSIFIER)]
        );
    }

    #[test]
    fn a_crash_costs_the_item_being_worked_on() {
        let mut state = set_up();
        add(&mut state, &[0, 1]);
        let error = EngineError::Crashed {
            detail: "unreachable".to_owned(),
        };
        let effects = state.update(Event::EngineDied(error.clone()));
        assert_eq!(effects, [Effect::EndEngine, Effect::StartEngine]);
        assert_eq!(picture(&state, 0).classes, Some(Step::Failed(error.into())));
        assert_eq!(picture(&state, 1).classes, Some(Step::Waiting));
    }

    #[test]
    fn a_crash_between_items_is_mended_when_the_next_comes() {
        let mut state = set_up();
        let error = EngineError::Crashed {
            detail: String::new(),
        };
        assert_eq!(state.update(Event::EngineDied(error)), [Effect::EndEngine]);
        assert_eq!(state.phase(), Phase::Ready);
        assert_eq!(add(&mut state, &[0]), [Effect::StartEngine]);
    }

    #[test]
    fn an_engine_that_does_not_start_is_not_started_over_and_over() {
        let mut state = page();
        add(&mut state, &[0]);
        let error = EngineError::Start {
            detail: "no SIMD".to_owned(),
        };
        let effects = state.update(Event::EngineDied(error.clone()));
        assert_eq!(effects, [Effect::EndEngine]);
        assert_eq!(
            (state.phase(), state.trouble.clone()),
            (Phase::Failed, Some(error.into()))
        );
        assert_eq!(picture(&state, 0).classes, Some(Step::Waiting));
        assert_eq!(
            state.update(Event::Retry),
            [Effect::FocusResults, Effect::StartEngine]
        );
    }

    #[test]
    fn a_worker_that_dies_while_starting_is_told_as_such() {
        let mut state = page();
        add(&mut state, &[0]);
        let detail = "its script could not be loaded".to_owned();
        state.update(Event::EngineDied(EngineError::Crashed {
            detail: detail.clone(),
        }));
        assert_eq!(state.trouble, Some(EngineError::Start { detail }.into()));
    }

    #[test]
    fn a_model_that_cannot_be_used_is_fetched_anew() {
        let mut state = page();
        add(&mut state, &[0]);
        state.update(Event::EngineReady(Flavour::Simd));
        assert_eq!(
            state.update(Event::Downloaded(CLASSIFIER)),
            [Effect::LoadModel(CLASSIFIER)]
        );
        let error = EngineError::Parse {
            detail: "no labels".to_owned(),
        };
        let effects = state.update(Event::ModelFailed(CLASSIFIER, error.into()));
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
        assert_eq!(state.update(Event::EngineReady(Flavour::Simd)), []);
        assert_eq!(add(&mut state, &[1]), [Effect::Download(CLASSIFIER)]);
        assert_eq!(state.phase(), Phase::Busy);
        state.update(Event::Downloaded(CLASSIFIER));
        assert_eq!(
            state.update(Event::ModelReady(CLASSIFIER)),
            [Effect::Classify(id(0), 0)]
        );
    }

    #[test]
    fn clear_removes_what_is_finished_and_nothing_else() {
        let mut state = set_up();
        add(&mut state, &[0, 1]);
        classify(&mut state, 0);
        assert_eq!(
            state.update(Event::Clear),
            [Effect::FocusResults, Effect::Forget(vec![id(0)])]
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
                Effect::FocusResults,
                Effect::EndEngine,
                Effect::Forget(vec![id(0)]),
                Effect::StartEngine
            ]
        );
        check_order(&state, &[1]);
    }

    #[test]
    fn the_step_that_is_waited_for_is_named() {
        let mut state = page();
        assert_eq!(state.activity(), None);
        add(&mut state, &[0]);
        state.update(Event::Received(CLASSIFIER, 7));
        assert_eq!(state.activity(), Some(Activity::Downloading));
        state.update(Event::Downloaded(CLASSIFIER));
        assert_eq!(state.activity(), Some(Activity::StartingEngine));
        state.update(Event::EngineReady(Flavour::Simd));
        assert_eq!(
            state.activity(),
            Some(Activity::Preparing("Classify".to_owned()))
        );
        state.update(Event::ModelReady(CLASSIFIER));
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
        state.update(Event::EngineReady(Flavour::Simd));
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
            [Effect::Analyse(id(101), text)]
        );
        check_order(&state, &[101]);
        let Content::Text(shown) = &state.items[0].content else {
            panic!("a text");
        };
        assert!(shown.earlier.is_some(), "the last answer stays in view");
        state.update(Event::Typed(id(102), "so glad you".to_owned()));
        assert_eq!(
            analyse(&mut state, 101),
            [],
            "the answer to what was replaced finds no item"
        );
        check_order(&state, &[102]);
        assert!(state.items[0].is_open());
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
            [Effect::OpenTable(id(200))]
        );
        assert_eq!(state.update(Event::TableOpened(id(200), facts(20))), []);
        assert_eq!(state.phase(), Phase::Ready, "it waits for a person");
        let lot = |from| Effect::AnalyseRows {
            id: id(200),
            column: 1,
            from,
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
        state.update(Event::EngineDied(error));
        state.update(Event::ColumnChosen(id(200), 0));
        state.update(Event::EngineReady(Flavour::Simd));
        assert_eq!(
            state.update(Event::ModelReady(ENCODER)),
            [Effect::OpenTable(id(200))]
        );
        let effects = state.update(Event::TableOpened(id(200), facts(20)));
        assert!(
            matches!(effects[..], [Effect::AnalyseRows { from: 0, .. }]),
            "{effects:?}"
        );
    }
}
