//! What the page knows, and what follows from what happens.
//!
//! `State::update` is the only place where anything changes: an event goes in, effects come out.
//! It touches neither the browser nor a clock, so its tests run natively.

mod store;

use std::sync::Arc;

use vitrine_protocol::{Classification, EngineError, Failure, Flavour, RequestId, Size};

pub(crate) use store::Store;

use crate::words;

/// Everything the page shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct State {
    /// What was added: the latest batch first, each batch in the order it was given.
    pub(crate) items: Vec<Item>,
    /// The worker.
    pub(crate) engine: Engine,
    /// The model's file.
    pub(crate) weights: Weights,
    /// The model inside the worker.
    pub(crate) model: Model,
    /// What keeps everything from going on, until something is added or tried again.
    pub(crate) trouble: Option<Failure>,
    /// What is read out to those who do not see the page.
    pub(crate) announcement: String,
    /// Whether engine and model are wanted before there is anything to do.
    interest: Interest,
}

/// One thing a person added.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Item {
    /// Names the item, rising in the order of adding.
    pub(crate) id: RequestId,
    /// The file's name.
    pub(crate) name: String,
    /// How far it is.
    pub(crate) progress: Progress,
}

/// How far an item is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Progress {
    Waiting,
    Working,
    Classified(Arc<Answer>),
    Failed(Failure),
}

impl Progress {
    fn is_open(&self) -> bool {
        matches!(self, Progress::Waiting | Progress::Working)
    }
}

/// An answer with what is needed to show it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) classification: Classification,
    pub(crate) thumbnail: Thumbnail,
    /// The engine that gave it.
    pub(crate) flavour: Flavour,
}

/// A small copy of the picture.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Thumbnail {
    pub(crate) size: Size,
    /// Red, green, blue, alpha per pixel, row by row.
    pub(crate) rgba: Vec<u8>,
}

/// The worker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Engine {
    #[default]
    Absent,
    Starting,
    Ready(Flavour),
}

/// The model's file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Weights {
    #[default]
    Absent,
    Downloading {
        /// Bytes that have come, transfer encoding undone.
        received: u64,
    },
    Here,
}

/// The model inside the worker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Model {
    #[default]
    Absent,
    Loading,
    Ready,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Activity {
    Downloading { received: u64 },
    StartingEngine,
    PreparingModel,
    Classifying { n_open: usize },
}

/// What happens.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Event {
    /// A person seems about to add something: a file hangs over the page, the picker opens.
    Intent,
    /// Files were added, under ids that rise with each.
    Added(Vec<(RequestId, String)>),
    /// The worker listens.
    EngineReady(Flavour),
    /// More of the model has come.
    Received(u64),
    /// The model's file is complete and the one expected.
    Downloaded,
    /// The model's file cannot be had.
    DownloadFailed(Failure),
    /// The worker has the model ready.
    ModelReady,
    /// The worker cannot use the model.
    ModelFailed(Failure),
    /// An item has its answer.
    Classified(RequestId, Classification, Thumbnail),
    /// An item cannot have an answer.
    Failed(RequestId, Failure),
    /// The worker ended by itself.
    EngineDied(EngineError),
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
    Download,
    AbortDownload,
    LoadModel,
    Classify(RequestId),
    /// The files of these items are no longer needed.
    Forget(Vec<RequestId>),
    /// Samples that are still on their way to the page are not wanted any more.
    DropComing,
    /// The control that was used goes away, and with it the focus: results take it.
    FocusResults,
}

impl State {
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
            None
        } else if let Weights::Downloading { received } = self.weights {
            Some(Activity::Downloading { received })
        } else if self.engine == Engine::Starting {
            Some(Activity::StartingEngine)
        } else if self.model == Model::Loading {
            Some(Activity::PreparingModel)
        } else if self.phase() == Phase::Busy {
            let n_open = self.n_open();
            Some(Activity::Classifying { n_open })
        } else {
            None
        }
    }

    /// Items with an outcome.
    pub(crate) fn n_finished(&self) -> usize {
        self.items.len() - self.n_open()
    }

    /// Items without an outcome.
    pub(crate) fn n_open(&self) -> usize {
        self.items
            .iter()
            .filter(|item| item.progress.is_open())
            .count()
    }

    fn take_in(&mut self, event: Event) -> Vec<Effect> {
        match event {
            Event::Intent => self.interest = Interest::Shown,
            Event::Added(files) => self.add(files),
            Event::EngineReady(flavour) => self.engine = Engine::Ready(flavour),
            Event::Received(bytes) => self.receive(bytes),
            Event::Downloaded => self.weights = Weights::Here,
            Event::DownloadFailed(failure) => {
                self.weights = Weights::Absent;
                self.stop_at(failure);
            }
            Event::ModelReady => self.model = Model::Ready,
            Event::ModelFailed(failure) => {
                self.model = Model::Absent;
                // The files may be at fault, so trying again begins with them.
                self.weights = Weights::Absent;
                self.stop_at(failure);
            }
            Event::Classified(id, classification, thumbnail) => {
                return self.finish_with_answer(id, classification, thumbnail);
            }
            Event::Failed(id, failure) => return self.finish(id, Progress::Failed(failure)),
            Event::EngineDied(error) => return self.bury_engine(error),
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
        let wanted = self.interest == Interest::Shown || self.n_open() > 0;
        if !wanted || self.trouble.is_some() {
            return;
        }
        if self.engine == Engine::Absent {
            self.engine = Engine::Starting;
            effects.push(Effect::StartEngine);
        }
        if self.weights == Weights::Absent {
            self.weights = Weights::Downloading { received: 0 };
            effects.push(Effect::Download);
        }
        let can_load = matches!(self.engine, Engine::Ready(_)) && self.weights == Weights::Here;
        if can_load && self.model == Model::Absent {
            self.model = Model::Loading;
            effects.push(Effect::LoadModel);
        }
        if self.model == Model::Ready
            && let Some(id) = self.next_to_do()
        {
            self.set_progress(id, Progress::Working);
            effects.push(Effect::Classify(id));
        }
    }

    /// The item that has waited longest, if none is being worked on.
    fn next_to_do(&self) -> Option<RequestId> {
        if self.working().is_some() {
            return None;
        }
        let waiting = self
            .items
            .iter()
            .filter(|item| item.progress == Progress::Waiting);
        waiting.map(|item| item.id).min()
    }

    fn working(&self) -> Option<RequestId> {
        let mut items = self.items.iter();
        items
            .find(|item| item.progress == Progress::Working)
            .map(|item| item.id)
    }

    fn add(&mut self, files: Vec<(RequestId, String)>) {
        if files.is_empty() {
            return;
        }
        self.trouble = None;
        let added = files.into_iter().map(|(id, name)| Item {
            id,
            name,
            progress: Progress::Waiting,
        });
        self.items.splice(0..0, added);
        self.announcement = words::working(self.n_open());
    }

    fn receive(&mut self, bytes: u64) {
        if let Weights::Downloading { received } = &mut self.weights {
            *received = bytes;
        }
    }

    fn finish_with_answer(
        &mut self,
        id: RequestId,
        classification: Classification,
        thumbnail: Thumbnail,
    ) -> Vec<Effect> {
        let Engine::Ready(flavour) = self.engine else {
            return Vec::new();
        };
        let answer = Answer {
            classification,
            thumbnail,
            flavour,
        };
        self.finish(id, Progress::Classified(Arc::new(answer)))
    }

    /// Gives the item being worked on its outcome; outcomes of any other were given up on.
    fn finish(&mut self, id: RequestId, outcome: Progress) -> Vec<Effect> {
        if self.working() != Some(id) {
            return Vec::new();
        }
        self.set_progress(id, outcome);
        let n_open = self.n_open();
        if let Some(item) = self.items.iter().find(|item| item.id == id) {
            self.announcement =
                words::outcome(item, n_open).unwrap_or_else(|| self.announcement.clone());
        }
        vec![Effect::Forget(vec![id])]
    }

    fn set_progress(&mut self, id: RequestId, progress: Progress) {
        if let Some(item) = self.items.iter_mut().find(|item| item.id == id) {
            item.progress = progress;
        }
    }

    /// A worker that dies over an item costs that item. One that dies while starting would only
    /// die again, so nothing more is tried until a person asks for it.
    fn bury_engine(&mut self, error: EngineError) -> Vec<Effect> {
        let was_set_up = self.model == Model::Ready;
        self.engine = Engine::Absent;
        self.model = Model::Absent;
        let mut effects = vec![Effect::EndEngine];
        match self.working() {
            Some(id) => effects.extend(self.finish(id, Progress::Failed(error.into()))),
            None if was_set_up => self.interest = Interest::None,
            None => self.stop_at(as_start(error).into()),
        }
        effects
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
        let is_loading = self.engine == Engine::Starting || self.model == Model::Loading;
        if self.working().is_some() || is_loading {
            self.engine = Engine::Absent;
            self.model = Model::Absent;
            effects.push(Effect::EndEngine);
        }
        if matches!(self.weights, Weights::Downloading { .. }) {
            self.weights = Weights::Absent;
            effects.push(Effect::AbortDownload);
        }
        let dropped = self.remove(|progress| progress.is_open());
        self.announcement = words::cancelled(dropped.len());
        effects.push(Effect::Forget(dropped));
        effects
    }

    fn clear(&mut self) -> Vec<Effect> {
        let dropped = self.remove(|progress| !progress.is_open());
        self.announcement = words::CLEARED.to_owned();
        vec![Effect::FocusResults, Effect::Forget(dropped)]
    }

    fn remove(&mut self, unwanted: impl Fn(&Progress) -> bool) -> Vec<RequestId> {
        let removed = self.items.extract_if(.., |item| unwanted(&item.progress));
        removed.map(|item| item.id).collect()
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
    use vitrine_protocol::{Class, DownloadError, PictureError, StageTimes};

    use super::*;

    fn id(number: u32) -> RequestId {
        RequestId(number)
    }

    fn add(state: &mut State, numbers: &[u32]) -> Vec<Effect> {
        let files = numbers
            .iter()
            .map(|number| (id(*number), format!("{number}.jpg")));
        state.update(Event::Added(files.collect()))
    }

    fn cat() -> Classification {
        Classification {
            model: "model".to_owned(),
            classes: vec![Class {
                index: 281,
                label: "tabby cat".to_owned(),
                logit: 9.0,
                probability: 0.8731,
            }],
            size: Size::default(),
            thumbnail: Size::default(),
            times: StageTimes::default(),
        }
    }

    fn classify(state: &mut State, number: u32) -> Vec<Effect> {
        let thumbnail = Thumbnail {
            size: Size::default(),
            rgba: Vec::new(),
        };
        state.update(Event::Classified(id(number), cat(), thumbnail))
    }

    /// A page with engine and model ready and nothing to do.
    fn set_up() -> State {
        let mut state = State::default();
        state.update(Event::Intent);
        state.update(Event::EngineReady(Flavour::Simd));
        state.update(Event::Downloaded);
        state.update(Event::ModelReady);
        assert_eq!(state.phase(), Phase::Ready);
        state
    }

    #[track_caller]
    fn check_order(state: &State, expected: &[u32]) {
        let met: Vec<u32> = state.items.iter().map(|item| item.id.0).collect();
        assert_eq!(met, expected);
    }

    #[test]
    fn nothing_is_asked_for_without_a_reason() {
        assert_eq!(
            State::default().update(Event::Clear),
            [Effect::FocusResults, Effect::Forget(vec![])]
        );
        assert_eq!(State::default().update(Event::Added(vec![])), []);
    }

    #[test]
    fn intent_starts_engine_and_download_once() {
        let mut state = State::default();
        assert_eq!(
            state.update(Event::Intent),
            [Effect::StartEngine, Effect::Download]
        );
        assert_eq!(state.update(Event::Intent), []);
        assert_eq!(state.phase(), Phase::Ready);
    }

    #[test]
    fn the_model_is_loaded_when_engine_and_file_are_there_in_any_order() {
        let mut state = State::default();
        state.update(Event::Intent);
        assert_eq!(state.update(Event::Downloaded), []);
        let effects = state.update(Event::EngineReady(Flavour::Relaxed));
        assert_eq!(effects, [Effect::LoadModel]);
        let mut state = State::default();
        state.update(Event::Intent);
        assert_eq!(state.update(Event::EngineReady(Flavour::Relaxed)), []);
        assert_eq!(state.update(Event::Downloaded), [Effect::LoadModel]);
    }

    #[test]
    fn one_item_is_worked_on_at_a_time_in_the_order_of_adding() {
        let mut state = set_up();
        assert_eq!(add(&mut state, &[0, 1]), [Effect::Classify(id(0))]);
        assert_eq!(add(&mut state, &[2]), []);
        check_order(&state, &[2, 0, 1]);
        let effects = classify(&mut state, 0);
        assert_eq!(
            effects,
            [Effect::Forget(vec![id(0)]), Effect::Classify(id(1))]
        );
        let effects = classify(&mut state, 1);
        assert_eq!(
            effects,
            [Effect::Forget(vec![id(1)]), Effect::Classify(id(2))]
        );
        classify(&mut state, 2);
        assert_eq!(state.phase(), Phase::Ready);
    }

    #[test]
    fn a_failed_item_leaves_the_others_alone() {
        let mut state = set_up();
        add(&mut state, &[0, 1]);
        let failure = Failure::Picture(PictureError::Svg);
        let effects = state.update(Event::Failed(id(0), failure.clone()));
        assert_eq!(
            effects,
            [Effect::Forget(vec![id(0)]), Effect::Classify(id(1))]
        );
        assert_eq!(state.items[0].progress, Progress::Failed(failure));
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
        assert!(state.items[0].progress.is_open());
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
        assert_eq!(
            (state.engine, state.weights),
            (Engine::Absent, Weights::Here)
        );
        assert_eq!(add(&mut state, &[3]), [Effect::StartEngine]);
        assert_eq!(
            state.update(Event::EngineReady(Flavour::Simd)),
            [Effect::LoadModel]
        );
        assert_eq!(state.update(Event::ModelReady), [Effect::Classify(id(3))]);
    }

    #[test]
    fn cancel_while_downloading_stops_the_download() {
        let mut state = State::default();
        add(&mut state, &[0]);
        state.update(Event::Received(1000));
        let effects = state.update(Event::Cancel);
        assert!(effects.contains(&Effect::AbortDownload), "{effects:?}");
        assert_eq!(
            (state.phase(), state.weights),
            (Phase::Ready, Weights::Absent)
        );
        assert_eq!(
            add(&mut state, &[1]),
            [Effect::StartEngine, Effect::Download]
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
        assert_eq!(
            effects,
            [
                Effect::EndEngine,
                Effect::Forget(vec![id(0)]),
                Effect::StartEngine
            ]
        );
        assert_eq!(state.items[0].progress, Progress::Failed(error.into()));
        assert_eq!(state.items[1].progress, Progress::Waiting);
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
        let mut state = State::default();
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
        assert_eq!(state.items[0].progress, Progress::Waiting);
        assert_eq!(
            state.update(Event::Retry),
            [Effect::FocusResults, Effect::StartEngine]
        );
    }

    #[test]
    fn a_worker_that_dies_while_starting_is_told_as_such() {
        let mut state = State::default();
        add(&mut state, &[0]);
        let detail = "its script could not be loaded".to_owned();
        state.update(Event::EngineDied(EngineError::Crashed {
            detail: detail.clone(),
        }));
        assert_eq!(state.trouble, Some(EngineError::Start { detail }.into()));
    }

    #[test]
    fn a_model_that_cannot_be_used_is_fetched_anew() {
        let mut state = State::default();
        add(&mut state, &[0]);
        state.update(Event::EngineReady(Flavour::Simd));
        assert_eq!(state.update(Event::Downloaded), [Effect::LoadModel]);
        let error = EngineError::Parse {
            detail: "no labels".to_owned(),
        };
        assert_eq!(state.update(Event::ModelFailed(error.into())), []);
        assert_eq!(
            state.update(Event::Retry),
            [Effect::FocusResults, Effect::Download]
        );
    }

    #[test]
    fn what_waits_is_done_once_a_failed_download_succeeds() {
        let mut state = State::default();
        add(&mut state, &[0]);
        let failure = Failure::Download(DownloadError::Network {
            detail: "offline".to_owned(),
        });
        assert_eq!(state.update(Event::DownloadFailed(failure)), []);
        assert_eq!((state.phase(), state.activity()), (Phase::Failed, None));
        assert_eq!(state.announcement, "");
        assert_eq!(state.update(Event::EngineReady(Flavour::Simd)), []);
        assert_eq!(add(&mut state, &[1]), [Effect::Download]);
        assert_eq!(state.phase(), Phase::Busy);
        assert_eq!(state.update(Event::Downloaded), [Effect::LoadModel]);
        assert_eq!(state.update(Event::ModelReady), [Effect::Classify(id(0))]);
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
    fn the_step_that_is_waited_for_is_named() {
        let mut state = State::default();
        assert_eq!(state.activity(), None);
        add(&mut state, &[0]);
        state.update(Event::Received(7));
        assert_eq!(
            state.activity(),
            Some(Activity::Downloading { received: 7 })
        );
        state.update(Event::Downloaded);
        assert_eq!(state.activity(), Some(Activity::StartingEngine));
        state.update(Event::EngineReady(Flavour::Simd));
        assert_eq!(state.activity(), Some(Activity::PreparingModel));
        state.update(Event::ModelReady);
        assert_eq!(state.activity(), Some(Activity::Classifying { n_open: 1 }));
        classify(&mut state, 0);
        assert_eq!(state.activity(), None);
        assert_eq!((state.n_open(), state.n_finished()), (0, 1));
    }

    #[test]
    fn results_are_announced() {
        let mut state = set_up();
        add(&mut state, &[0]);
        classify(&mut state, 0);
        assert_eq!(state.announcement, "0.jpg: tabby cat 87.3 %");
    }
}
