//! What the answers of this visit took, in bounded memory.

use std::collections::VecDeque;

use vitrine_protocol::{LoadTimes, Stages};
use vitrine_stats::Summary;

/// Values kept per stage: percentiles are of the latest this many.
pub(crate) const KEPT: usize = 1000;

/// First results kept: a visit has one per start of the engine.
const COLD_KEPT: usize = 20;

/// Whose times belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    /// Pictures that the model with this id classified.
    Classifier(String),
    /// Pictures whose text was read.
    Reading,
    /// Texts.
    Texts,
}

/// Something that was measured beside the answers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Measured {
    /// A model was loaded.
    Loaded(usize, LoadTimes),
    /// The memory of one worker's engine grew to so many bytes.
    Memory(f64),
}

/// Everything that was measured in this visit.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Metrics {
    groups: Vec<Times>,
    loads: Vec<(usize, LoadTimes)>,
    memory: f64,
    n_items: usize,
    /// Milliseconds.
    busy: f64,
    /// Since when something is being worked on.
    busy_since: Option<f64>,
    version: u64,
}

/// What one group took.
#[derive(Clone, Debug, PartialEq)]
struct Times {
    group: Group,
    /// Whether an answer came since the engine started.
    is_warm: bool,
    /// Total milliseconds of first answers, which pay for what later ones find done.
    cold: VecDeque<f64>,
    stages: Vec<Ring>,
    total: Ring,
}

/// The latest values of one stage, in milliseconds.
#[derive(Clone, Debug, PartialEq)]
struct Ring {
    name: &'static str,
    values: VecDeque<f64>,
}

/// What the warm answers of a group come to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct GroupSummary {
    pub(crate) group: Group,
    /// Per stage in the order they run.
    pub(crate) stages: Vec<(&'static str, Summary)>,
    /// All stages together; `None` before the second answer.
    pub(crate) total: Option<Summary>,
    /// Milliseconds of each answer, all stages together.
    pub(crate) totals: Vec<f64>,
    /// Milliseconds of first answers.
    pub(crate) cold: Vec<f64>,
}

impl Metrics {
    /// Takes in what an answer took.
    pub(crate) fn answered(&mut self, group: Group, times: &dyn Stages) {
        self.version += 1;
        self.n_items += 1;
        let at = match self.groups.iter().position(|known| known.group == group) {
            Some(at) => at,
            None => {
                self.groups.push(Times::new(group));
                self.groups.len() - 1
            }
        };
        self.groups[at].add(times);
    }

    /// Takes in that rows of a table were analysed; they count as items.
    pub(crate) fn rows(&mut self, n: usize) {
        self.version += 1;
        self.n_items += n;
    }

    /// Takes in what was measured beside the answers.
    pub(crate) fn take(&mut self, measured: Measured) {
        self.version += 1;
        match measured {
            Measured::Loaded(model, times) => {
                self.loads.retain(|(known, _)| *known != model);
                self.loads.push((model, times));
            }
            Measured::Memory(bytes) => self.memory = self.memory.max(bytes),
        }
    }

    /// Takes in that the engine ended: whatever comes next is a first answer again.
    pub(crate) fn cool_down(&mut self) {
        for times in &mut self.groups {
            times.is_warm = false;
        }
    }

    /// Takes in the time, in milliseconds since some fixed moment, and whether anything is being
    /// worked on from now on.
    pub(crate) fn tick(&mut self, now: f64, is_working: bool) {
        if let Some(since) = self.busy_since.take() {
            self.busy += (now - since).max(0.0);
        }
        self.busy_since = is_working.then_some(now);
    }

    /// Changes whenever a figure does.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// Pictures, texts and rows that were answered.
    pub(crate) fn n_items(&self) -> usize {
        self.n_items
    }

    /// Items per minute while at least one was being worked on; `None` before there is one.
    pub(crate) fn per_minute(&self) -> Option<f64> {
        (self.n_items > 0 && self.busy > 0.0).then(|| self.n_items as f64 * 60_000.0 / self.busy)
    }

    /// Milliseconds during which something was being worked on.
    pub(crate) fn busy(&self) -> f64 {
        self.busy
    }

    /// Bytes of the largest engine memory that a worker reported; `None` before one did.
    pub(crate) fn memory(&self) -> Option<f64> {
        (self.memory > 0.0).then_some(self.memory)
    }

    /// What loading took, by model, the latest load of each.
    pub(crate) fn loads(&self) -> &[(usize, LoadTimes)] {
        &self.loads
    }

    /// The groups there were answers for, in the order of their first one.
    pub(crate) fn groups(&self) -> Vec<Group> {
        let groups = self.groups.iter();
        groups.map(|times| times.group.clone()).collect()
    }

    /// What a group comes to; `None` where nothing was answered.
    pub(crate) fn summary(&self, group: &Group) -> Option<GroupSummary> {
        let times = self.groups.iter().find(|known| known.group == *group)?;
        let stages = times.stages.iter();
        let stages = stages.filter_map(|ring| Some((ring.name, Summary::of(&ring.values())?)));
        let totals = times.total.values();
        Some(GroupSummary {
            group: times.group.clone(),
            stages: stages.collect(),
            total: Summary::of(&totals),
            totals,
            cold: times.cold.iter().copied().collect(),
        })
    }
}

impl Times {
    fn new(group: Group) -> Times {
        Times {
            group,
            is_warm: false,
            cold: VecDeque::new(),
            stages: Vec::new(),
            total: Ring::new("Total"),
        }
    }

    fn add(&mut self, times: &dyn Stages) {
        if !self.is_warm {
            self.is_warm = true;
            push(&mut self.cold, times.total(), COLD_KEPT);
            return;
        }
        for (name, time) in times.stages() {
            // A picture that was decoded for another task before is not decoded again.
            if name == "Decode" && time == 0.0 {
                continue;
            }
            match self.stages.iter_mut().find(|ring| ring.name == name) {
                Some(ring) => push(&mut ring.values, time, KEPT),
                None => {
                    let mut ring = Ring::new(name);
                    ring.values.push_back(time);
                    self.stages.push(ring);
                }
            }
        }
        push(&mut self.total.values, times.total(), KEPT);
    }
}

impl Ring {
    fn new(name: &'static str) -> Ring {
        Ring {
            name,
            values: VecDeque::new(),
        }
    }

    fn values(&self) -> Vec<f64> {
        self.values.iter().copied().collect()
    }
}

/// Adds a value; of more than `kept` the oldest goes.
fn push(values: &mut VecDeque<f64>, value: f64, kept: usize) {
    if values.len() >= kept {
        values.pop_front();
    }
    values.push_back(value);
}

#[cfg(test)]
mod tests {
    use vitrine_protocol::StageTimes;

    use super::*;

    fn times(decode: f64, infer: f64) -> StageTimes {
        StageTimes {
            decode,
            preprocess: 1.0,
            infer,
            postprocess: 0.0,
        }
    }

    fn classifier() -> Group {
        Group::Classifier("a".to_owned())
    }

    fn stage(metrics: &Metrics, name: &str) -> Option<Summary> {
        let summary = metrics.summary(&classifier()).unwrap();
        let mut stages = summary.stages.into_iter();
        stages
            .find(|(known, _)| *known == name)
            .map(|(_, summary)| summary)
    }

    #[test]
    fn the_first_answer_is_cold_and_so_is_the_first_after_the_engine_ended() {
        let mut metrics = Metrics::default();
        for infer in [100.0, 10.0, 20.0] {
            metrics.answered(classifier(), &times(2.0, infer));
        }
        metrics.cool_down();
        metrics.answered(classifier(), &times(2.0, 90.0));
        let summary = metrics.summary(&classifier()).unwrap();
        assert_eq!(summary.cold, [103.0, 93.0]);
        assert_eq!(summary.totals, [13.0, 23.0]);
        let infer = stage(&metrics, "Infer").unwrap();
        assert_eq!((infer.n, infer.p50), (2, 15.0));
        assert_eq!(metrics.n_items(), 4);
    }

    #[test]
    fn one_answer_alone_has_no_percentiles() {
        let mut metrics = Metrics::default();
        metrics.answered(classifier(), &times(2.0, 10.0));
        let summary = metrics.summary(&classifier()).unwrap();
        assert_eq!(summary.total, None);
        assert!(summary.stages.is_empty());
        assert_eq!(metrics.summary(&Group::Texts), None);
    }

    #[test]
    fn only_the_latest_values_are_kept() {
        let mut metrics = Metrics::default();
        for infer in 0..2 * KEPT {
            metrics.answered(classifier(), &times(2.0, infer as f64));
        }
        let infer = stage(&metrics, "Infer").unwrap();
        assert_eq!(infer.n, KEPT);
        assert_eq!(infer.min, KEPT as f64);
        assert_eq!(metrics.n_items(), 2 * KEPT);
    }

    #[test]
    fn pictures_that_were_decoded_before_say_nothing_of_decoding() {
        let mut metrics = Metrics::default();
        for decode in [3.0, 3.0, 0.0, 5.0] {
            metrics.answered(classifier(), &times(decode, 10.0));
        }
        let decode = stage(&metrics, "Decode").unwrap();
        assert_eq!((decode.n, decode.min), (2, 3.0));
        // Stages that took no measurable time were run all the same.
        assert_eq!(stage(&metrics, "Postprocess").unwrap().n, 3);
    }

    #[test]
    fn throughput_is_over_the_time_in_which_something_was_worked_on() {
        let mut metrics = Metrics::default();
        assert_eq!(metrics.per_minute(), None);
        metrics.tick(1000.0, true);
        metrics.answered(classifier(), &times(2.0, 10.0));
        metrics.tick(1500.0, false);
        metrics.tick(90_000.0, true);
        metrics.rows(16);
        metrics.tick(91_500.0, false);
        assert_eq!(metrics.busy(), 2000.0);
        assert_eq!(metrics.per_minute(), Some(17.0 * 30.0));
    }

    #[test]
    fn memory_is_that_of_the_largest_worker_and_loads_that_of_the_latest() {
        let mut metrics = Metrics::default();
        assert_eq!(metrics.memory(), None);
        for bytes in [10.0, 30.0, 20.0] {
            metrics.take(Measured::Memory(bytes));
        }
        assert_eq!(metrics.memory(), Some(30.0));
        for parse in [5.0, 7.0] {
            let times = LoadTimes {
                parse,
                ..LoadTimes::default()
            };
            metrics.take(Measured::Loaded(2, times));
        }
        assert_eq!(metrics.loads().len(), 1);
        assert_eq!(metrics.loads()[0].1.parse, 7.0);
    }
}
