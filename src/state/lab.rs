//! The latency lab: one model, run over and over in a worker of its own.
//!
//! As everywhere, an event goes in and what is to be done comes out; the time comes in with the
//! event.

use serde::Serialize;
use vitrine_protocol::{Failure, Flavour, LoadTimes, OperatorShare};
use vitrine_stats::{Summary, median_interval};

/// How often a model can be run.
pub(crate) const ROUNDS: [usize; 3] = [20, 50, 200];

/// Runs that are not counted, because plans are made and code is compiled during them.
const WARM_UP_ROUNDS: usize = 3;

/// Runs that are asked for at once take about this many milliseconds, so that progress shows and
/// stopping costs little, and take no more messages than they must.
const LOT_TIME: f64 = 200.0;

/// Most runs that are asked for at once.
const MAX_LOT: usize = 10;

/// Timers of a page in view are late by less than this many milliseconds, even on a slow machine
/// at work; hidden pages get theirs once a second at most.
const LATE_TIMER: f64 = 900.0;

/// A run whose 95th percentile is further above its median than this was disturbed by something.
const UNSTEADY: f64 = 1.5;

/// Shorter times are coarse, in milliseconds: browsers give clocks in steps of up to one.
const COARSE: f64 = 2.0;

/// Everything the lab shows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Lab {
    /// Engines there are to choose from.
    pub(crate) flavours: Vec<Flavour>,
    /// What is measured next.
    pub(crate) choice: LabChoice,
    /// What is being measured.
    pub(crate) current: Option<Run>,
    /// What was measured, in order.
    pub(crate) runs: Vec<Run>,
    /// Why the last run ended early.
    pub(crate) trouble: Option<Failure>,
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LabChoice {
    /// Index of the model.
    pub(crate) model: usize,
    pub(crate) flavour: Flavour,
    /// How many runs count.
    pub(crate) rounds: usize,
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LabStep {
    StartingEngine,
    Fetching,
    Loading,
    WarmingUp,
    Measuring,
    Profiling,
    /// Every run was made.
    Done,
    /// Stopped before that, with what was measured until then.
    Stopped,
}

/// One model measured once. Times are in milliseconds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Run {
    pub(crate) choice: LabChoice,
    pub(crate) step: LabStep,
    /// Until the worker listened: fetching the engine, if the browser has not kept it, and
    /// compiling it.
    pub(crate) engine_start: f64,
    /// Fetching the model, unpacking and checking it.
    pub(crate) fetch: f64,
    /// Bytes of the model that came over the network, if the browser lists a request for it; 0
    /// where it had kept the file.
    pub(crate) network_bytes: Option<f64>,
    pub(crate) load: LoadTimes,
    /// The very first run.
    pub(crate) first_run: f64,
    /// Shape of the first input.
    pub(crate) shape: Vec<usize>,
    /// Each run that counts.
    pub(crate) times: Vec<f64>,
    /// From the first run that counts to the last, with the messages between them.
    pub(crate) wall: f64,
    /// Bytes of the engine's memory.
    pub(crate) memory: f64,
    /// What each kind of operator takes in one more run, those that take most first; empty where the run was
    /// stopped before.
    pub(crate) operators: Vec<OperatorShare>,
    was_hidden: bool,
    longest_gap: f64,
    /// When the current step began.
    since: f64,
}

/// What makes a run's figures less good than they could be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Warning {
    /// The page was not in view for a while.
    Hidden,
    /// A timer of the page came late by this many milliseconds.
    Throttled(f64),
    /// The 95th percentile is this many times the median.
    Unsteady(f64),
    /// Times are close to the steps of the browser's clock.
    Coarse,
    /// It was stopped after this many runs.
    Stopped(usize),
}

/// What happens.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum LabEvent {
    /// Another model is to be measured, by its index.
    ModelChosen(usize),
    /// Another engine is to be measured, by its index among those there are.
    EngineChosen(usize),
    /// Another number of runs is wanted, by its index in [`ROUNDS`].
    RoundsChosen(usize),
    Begun {
        is_hidden: bool,
    },
    EngineReady,
    /// The model's file is here; so many bytes of it came over the network.
    Fetched {
        network_bytes: Option<f64>,
    },
    Loaded(LoadTimes),
    Measured {
        shape: Vec<usize>,
        times: Vec<f64>,
        memory: f64,
    },
    Profiled(Vec<OperatorShare>),
    /// The page went out of view.
    Hidden,
    /// A timer came this many milliseconds after the one before.
    Timer(f64),
    Failed(Failure),
    Stopped,
    Cleared,
}

/// What is to be done because of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LabEffect {
    StartEngine,
    Fetch,
    Load,
    /// Run the model so often.
    Measure(usize),
    /// Run it once more and look where the time goes.
    Profile,
    /// End the worker and the download.
    End,
}

impl Lab {
    /// A lab where nothing was measured; `flavour` is the one the page itself uses.
    pub(crate) fn new(flavours: Vec<Flavour>, flavour: Flavour) -> Lab {
        Lab {
            flavours,
            choice: LabChoice {
                model: 0,
                flavour,
                rounds: ROUNDS[0],
            },
            current: None,
            runs: Vec::new(),
            trouble: None,
        }
    }

    /// What is being measured, or will be next.
    pub(crate) fn choice_now(&self) -> LabChoice {
        self.current.as_ref().map_or(self.choice, |run| run.choice)
    }

    /// Takes in what happened `now`, in milliseconds, and says what is to be done.
    pub(crate) fn update(&mut self, event: LabEvent, now: f64) -> Option<LabEffect> {
        match event {
            LabEvent::ModelChosen(model) => self.choice.model = model,
            LabEvent::EngineChosen(at) => {
                if let Some(flavour) = self.flavours.get(at) {
                    self.choice.flavour = *flavour;
                }
            }
            LabEvent::RoundsChosen(at) => {
                if let Some(rounds) = ROUNDS.get(at) {
                    self.choice.rounds = *rounds;
                }
            }
            LabEvent::Begun { is_hidden } => {
                if self.current.is_some() {
                    return None;
                }
                self.trouble = None;
                self.current = Some(Run::new(self.choice, is_hidden, now));
                return Some(LabEffect::StartEngine);
            }
            LabEvent::Failed(failure) => {
                self.trouble = Some(failure);
                return self.end(LabStep::Stopped);
            }
            LabEvent::Stopped => return self.end(LabStep::Stopped),
            LabEvent::Cleared => self.runs.clear(),
            event => {
                let run = self.current.as_mut()?;
                let effect = run.take(event, now);
                if effect == Some(LabEffect::End) {
                    return self.end(LabStep::Done);
                }
                return effect;
            }
        }
        None
    }

    /// The chosen engine's index among those there are.
    pub(crate) fn engine_at(&self) -> usize {
        let mut flavours = self.flavours.iter();
        let at = flavours.position(|flavour| *flavour == self.choice.flavour);
        at.unwrap_or_default()
    }

    /// Keeps the current run, if there is anything in it.
    fn end(&mut self, step: LabStep) -> Option<LabEffect> {
        let mut run = self.current.take()?;
        run.step = step;
        if !run.times.is_empty() {
            self.runs.push(run);
        }
        Some(LabEffect::End)
    }
}

impl Run {
    fn new(choice: LabChoice, was_hidden: bool, now: f64) -> Run {
        Run {
            choice,
            step: LabStep::StartingEngine,
            engine_start: 0.0,
            fetch: 0.0,
            network_bytes: None,
            load: LoadTimes::default(),
            first_run: 0.0,
            shape: Vec::new(),
            times: Vec::new(),
            wall: 0.0,
            memory: 0.0,
            operators: Vec::new(),
            was_hidden,
            longest_gap: 0.0,
            since: now,
        }
    }

    fn take(&mut self, event: LabEvent, now: f64) -> Option<LabEffect> {
        let took = now - self.since;
        let (step, effect) = match event {
            LabEvent::EngineReady => {
                self.engine_start = took;
                (LabStep::Fetching, LabEffect::Fetch)
            }
            LabEvent::Fetched { network_bytes } => {
                self.fetch = took;
                self.network_bytes = network_bytes;
                (LabStep::Loading, LabEffect::Load)
            }
            LabEvent::Loaded(times) => {
                self.load = times;
                self.first_run = times.first_run;
                (LabStep::WarmingUp, LabEffect::Measure(WARM_UP_ROUNDS))
            }
            LabEvent::Measured {
                shape,
                times,
                memory,
            } => {
                self.shape = shape;
                self.memory = memory;
                return Some(self.measured(&times, now));
            }
            LabEvent::Profiled(operators) => {
                self.operators = operators;
                return Some(LabEffect::End);
            }
            LabEvent::Hidden => {
                self.was_hidden = true;
                return None;
            }
            LabEvent::Timer(gap) => {
                self.longest_gap = self.longest_gap.max(gap);
                return None;
            }
            _ => return None,
        };
        self.step = step;
        self.since = now;
        Some(effect)
    }

    fn measured(&mut self, times: &[f64], now: f64) -> LabEffect {
        if self.step == LabStep::WarmingUp {
            // A model that takes inputs of many sizes makes its plan in its first run.
            if let Some(first) = times.first().filter(|_| self.first_run == 0.0) {
                self.first_run = *first;
            }
            self.step = LabStep::Measuring;
            self.since = now;
        } else {
            self.times.extend(times);
            self.wall = now - self.since;
        }
        let left = self.choice.rounds.saturating_sub(self.times.len());
        if left == 0 {
            self.step = LabStep::Profiling;
            return LabEffect::Profile;
        }
        let latest = times.last().copied().unwrap_or_default().max(0.1);
        let lot = (LOT_TIME / latest) as usize;
        LabEffect::Measure(lot.clamp(1, MAX_LOT).min(left))
    }

    /// What the runs come to; `None` while there are none.
    pub(crate) fn summary(&self) -> Option<Summary> {
        Summary::of(&self.times)
    }

    /// The median's 95 % interval, where there are enough runs for one.
    pub(crate) fn interval(&self) -> Option<(f64, f64)> {
        median_interval(&self.times)
    }

    /// Runs per minute, with what passes between them; `None` before there are any.
    pub(crate) fn per_minute(&self) -> Option<f64> {
        (self.wall > 0.0).then(|| self.times.len() as f64 / self.wall * 60_000.0)
    }

    /// What to know before these figures are believed.
    pub(crate) fn warnings(&self) -> Vec<Warning> {
        let mut warnings = Vec::new();
        if self.was_hidden {
            warnings.push(Warning::Hidden);
        }
        if self.longest_gap > LATE_TIMER {
            warnings.push(Warning::Throttled(self.longest_gap));
        }
        if let Some(summary) = self.summary() {
            if summary.p50 < COARSE {
                warnings.push(Warning::Coarse);
            } else if summary.p95 > UNSTEADY * summary.p50 {
                warnings.push(Warning::Unsteady(summary.p95 / summary.p50));
            }
        }
        if self.step == LabStep::Stopped {
            warnings.push(Warning::Stopped(self.times.len()));
        }
        warnings
    }
}

#[cfg(test)]
mod tests {
    use vitrine_protocol::EngineError;

    use super::*;

    fn measured(times: &[f64]) -> LabEvent {
        LabEvent::Measured {
            shape: vec![1, 3, 224, 224],
            times: times.to_vec(),
            memory: 1e8,
        }
    }

    /// A lab up to the warm-up, at 600 ms, with a model whose first run is timed in loading.
    fn warming_up() -> Lab {
        let mut lab = Lab::new(vec![Flavour::Relaxed, Flavour::Simd], Flavour::Simd);
        let begun = LabEvent::Begun { is_hidden: false };
        assert_eq!(lab.update(begun, 100.0), Some(LabEffect::StartEngine));
        assert_eq!(
            lab.update(LabEvent::EngineReady, 350.0),
            Some(LabEffect::Fetch)
        );
        let fetched = LabEvent::Fetched {
            network_bytes: Some(7.0),
        };
        assert_eq!(lab.update(fetched, 400.0), Some(LabEffect::Load));
        let times = LoadTimes {
            parse: 10.0,
            optimise: 20.0,
            warm_up: 300.0,
            first_run: 200.0,
        };
        assert_eq!(
            lab.update(LabEvent::Loaded(times), 600.0),
            Some(LabEffect::Measure(3))
        );
        lab
    }

    #[test]
    fn a_run_goes_step_by_step_and_is_kept() {
        let mut lab = warming_up();
        // 200 ms at 50 ms a run.
        assert_eq!(
            lab.update(measured(&[90.0, 50.0, 50.0]), 800.0),
            Some(LabEffect::Measure(4))
        );
        for lot in 0..4 {
            let now = 1000.0 + 200.0 * f64::from(lot);
            assert_eq!(
                lab.update(measured(&[50.0; 4]), now),
                Some(LabEffect::Measure(4))
            );
        }
        assert_eq!(
            lab.update(measured(&[50.0; 4]), 1800.0),
            Some(LabEffect::Profile)
        );
        let operators = vec![OperatorShare {
            operator: "Conv".to_owned(),
            n: 49,
            time: 48.0,
        }];
        let profiled = LabEvent::Profiled(operators.clone());
        assert_eq!(lab.update(profiled, 1900.0), Some(LabEffect::End));
        assert_eq!(lab.current, None);
        assert_eq!(lab.runs[0].operators, operators);
        let run = &lab.runs[0];
        assert_eq!(run.step, LabStep::Done);
        assert_eq!(
            (run.engine_start, run.fetch, run.first_run),
            (250.0, 50.0, 200.0)
        );
        assert_eq!(run.times.len(), 20, "warm-up runs do not count");
        assert_eq!(run.per_minute(), Some(1200.0));
        assert_eq!(run.warnings(), []);
    }

    #[test]
    fn a_model_of_many_sizes_has_its_first_run_in_the_warm_up() {
        let mut lab = warming_up();
        let times = LoadTimes::default();
        lab.update(LabEvent::Loaded(times), 600.0);
        lab.update(measured(&[90.0, 50.0, 50.0]), 800.0);
        assert_eq!(lab.current.map(|run| run.first_run), Some(90.0));
    }

    #[test]
    fn lots_suit_the_model_and_never_run_it_too_often() {
        let mut lab = warming_up();
        assert_eq!(
            lab.update(measured(&[900.0; 3]), 1.0),
            Some(LabEffect::Measure(1))
        );
        assert_eq!(
            lab.update(measured(&[0.0]), 2.0),
            Some(LabEffect::Measure(MAX_LOT))
        );
        assert_eq!(
            lab.update(measured(&[0.0; MAX_LOT]), 3.0),
            Some(LabEffect::Measure(9))
        );
    }

    #[test]
    fn a_stopped_run_keeps_what_was_measured_and_says_so() {
        let mut lab = warming_up();
        lab.update(measured(&[50.0; 3]), 800.0);
        lab.update(measured(&[50.0; 4]), 1000.0);
        assert_eq!(lab.update(LabEvent::Stopped, 1100.0), Some(LabEffect::End));
        assert_eq!(lab.runs[0].warnings(), [Warning::Stopped(4)]);
        assert_eq!(lab.update(LabEvent::Stopped, 1200.0), None);
        // One that had measured nothing leaves nothing.
        lab.update(LabEvent::Begun { is_hidden: false }, 1300.0);
        lab.update(LabEvent::Stopped, 1400.0);
        assert_eq!(lab.runs.len(), 1);
    }

    #[test]
    fn a_failure_ends_the_run_and_stays_until_the_next() {
        let mut lab = warming_up();
        let failure = Failure::from(EngineError::NoModel);
        let effect = lab.update(LabEvent::Failed(failure.clone()), 700.0);
        assert_eq!(effect, Some(LabEffect::End));
        assert_eq!(lab.trouble, Some(failure));
        lab.update(LabEvent::Begun { is_hidden: false }, 800.0);
        assert_eq!(lab.trouble, None);
    }

    #[test]
    fn one_run_at_a_time() {
        let mut lab = warming_up();
        assert_eq!(
            lab.update(LabEvent::Begun { is_hidden: false }, 700.0),
            None
        );
        assert_eq!(lab.current.map(|run| run.step), Some(LabStep::WarmingUp));
    }

    #[test]
    fn what_is_chosen_is_measured_next() {
        let mut lab = Lab::new(vec![Flavour::Relaxed, Flavour::Simd], Flavour::Simd);
        assert_eq!(lab.engine_at(), 1);
        lab.update(LabEvent::ModelChosen(3), 0.0);
        lab.update(LabEvent::EngineChosen(0), 0.0);
        lab.update(LabEvent::RoundsChosen(2), 0.0);
        lab.update(LabEvent::RoundsChosen(9), 0.0);
        let expected = LabChoice {
            model: 3,
            flavour: Flavour::Relaxed,
            rounds: 200,
        };
        assert_eq!(lab.choice, expected);
    }

    #[track_caller]
    fn check_warnings(events: Vec<LabEvent>, times: &[f64], expected: &[Warning]) {
        let mut lab = warming_up();
        for event in events {
            lab.update(event, 700.0);
        }
        lab.update(measured(&[50.0; 3]), 800.0);
        lab.update(measured(times), 900.0);
        lab.update(LabEvent::Profiled(Vec::new()), 950.0);
        let run = lab.runs.pop().expect("the run is done");
        assert_eq!(run.warnings(), expected);
    }

    #[test]
    fn what_disturbs_a_run_is_said() {
        check_warnings(vec![LabEvent::Hidden], &[50.0; 20], &[Warning::Hidden]);
        let timers = vec![LabEvent::Timer(1400.0), LabEvent::Timer(200.0)];
        check_warnings(timers, &[50.0; 20], &[Warning::Throttled(1400.0)]);
        let mut times = [50.0; 20];
        times[..3].fill(100.0);
        check_warnings(Vec::new(), &times, &[Warning::Unsteady(2.0)]);
        check_warnings(Vec::new(), &[0.2; 20], &[Warning::Coarse]);
    }
}
