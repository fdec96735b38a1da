//! How good a head is, with how sure that is.

use ndarray::{Array2, ArrayView2};
use serde::{Deserialize, Serialize};
use vitrine_stats::{
    ClassCounts, Confusion, Mistake, bootstrap_interval, calibration, macro_f1, micro_f1,
    wilson_interval,
};

use crate::head::{sigmoid, softmax};
use crate::recipe::Kind;
use crate::thresholds;

/// Samples drawn for a bootstrap interval, and the seed they are drawn with.
pub const REPLICATES: usize = 1000;
const SEED: u64 = 1;
/// Bins of the calibration.
pub const N_BINS: usize = 10;
/// Mistakes that are named.
const N_MISTAKES: usize = 10;

/// A figure with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// The figure.
    pub value: f64,
    /// Lower and upper bound.
    pub interval: [f64; 2],
}

/// How well one class is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassScore {
    /// Its name.
    pub label: String,
    /// Right ones among those given it.
    pub precision: f64,
    /// Found ones among those that have it.
    pub recall: f64,
    /// Harmonic mean of both.
    pub f1: f64,
    /// Texts that have it.
    pub support: u64,
}

/// A kind of mistake.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Confused {
    /// The class it is.
    pub expected: String,
    /// The class it was taken for; with any number of labels, one that was given instead.
    pub predicted: String,
    /// How often.
    pub count: u64,
}

/// Statements of similar probability, and how many came true.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityBin {
    /// Probabilities above this one.
    pub above: f64,
    /// And at most this one.
    pub up_to: f64,
    /// Number of statements.
    pub n: u64,
    /// Their mean probability.
    pub stated: f64,
    /// The share that came true.
    pub observed: f64,
}

/// Everything that is measured of a head on labelled texts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// Number of texts.
    pub n: usize,
    /// With one label per text: the share told right, with Wilson's interval.
    pub accuracy: Option<Figure>,
    /// Mean F1 of the classes, with a bootstrap interval over texts.
    pub macro_f1: Figure,
    /// F1 of all decisions together, with a bootstrap interval over texts.
    pub micro_f1: Figure,
    /// Expected calibration error.
    pub calibration_error: f64,
    /// The bins it comes from.
    pub reliability: Vec<ReliabilityBin>,
    /// Each class.
    pub classes: Vec<ClassScore>,
    /// The most frequent mistakes, most frequent first.
    pub confused: Vec<Confused>,
}

impl Scores {
    /// Measures logits `[n, classes]` against labels `[n, classes]` of 0 and 1.
    ///
    /// `thresholds` are one probability per class where a text has any number of labels, and not
    /// looked at where it has one.
    pub fn of(
        logits: &Array2<f32>,
        labels: ArrayView2<f32>,
        kind: Kind,
        thresholds: &[f32],
        names: &[String],
    ) -> Scores {
        match kind {
            Kind::SingleLabel => Scores::single(&softmax(logits), labels, names),
            Kind::MultiLabel => Scores::multi(&sigmoid(logits), labels, thresholds, names),
        }
    }

    fn single(probabilities: &Array2<f64>, labels: ArrayView2<f32>, names: &[String]) -> Scores {
        let n_classes = labels.ncols();
        let answers: Vec<(usize, usize)> = labels
            .outer_iter()
            .zip(probabilities.outer_iter())
            .map(|(labels, probabilities)| (largest(labels), largest(probabilities)))
            .collect();
        let confusion_of = |drawn: &mut dyn Iterator<Item = usize>| {
            let mut confusion = Confusion::new(n_classes);
            for at in drawn {
                let (expected, predicted) = answers[at];
                confusion.count(expected, predicted);
            }
            confusion
        };
        let confusion = confusion_of(&mut (0..answers.len()));
        let stated: Vec<f64> = probabilities
            .outer_iter()
            .zip(&answers)
            .map(|(row, (_, predicted))| row[*predicted])
            .collect();
        let came_true: Vec<bool> = answers
            .iter()
            .map(|(expected, met)| expected == met)
            .collect();
        let right = came_true.iter().filter(|right| **right).count() as u64;
        let n = answers.len();
        let figure = |statistic: fn(&[ClassCounts]) -> f64| Figure {
            value: statistic(&confusion.classes()),
            interval: interval(n, |drawn| {
                statistic(&confusion_of(&mut drawn.iter().copied()).classes())
            }),
        };
        let (low, high) = wilson_interval(right, n as u64);
        let mistakes = confusion.mistakes(N_MISTAKES);
        Scores {
            n,
            accuracy: Some(Figure {
                value: right as f64 / (n as f64).max(1.0),
                interval: [low, high],
            }),
            macro_f1: figure(macro_f1),
            micro_f1: figure(micro_f1),
            classes: class_scores(&confusion.classes(), names),
            confused: named(&mistakes, names),
            ..Scores::calibrated(&stated, &came_true)
        }
    }

    fn multi(
        probabilities: &Array2<f64>,
        labels: ArrayView2<f32>,
        thresholds: &[f32],
        names: &[String],
    ) -> Scores {
        let n_classes = labels.ncols();
        let answers: Vec<Vec<(bool, bool)>> = labels
            .outer_iter()
            .zip(probabilities.outer_iter())
            .map(|(labels, probabilities)| {
                let pairs = labels.into_iter().zip(probabilities).zip(thresholds);
                pairs
                    .map(|((label, probability), threshold)| {
                        (*label >= 0.5, *probability >= f64::from(*threshold))
                    })
                    .collect()
            })
            .collect();
        let counts_of = |drawn: &mut dyn Iterator<Item = usize>| {
            let mut counts = vec![ClassCounts::default(); n_classes];
            for at in drawn {
                for (counts, (expected, predicted)) in counts.iter_mut().zip(&answers[at]) {
                    counts.count(*expected, *predicted);
                }
            }
            counts
        };
        let counts = counts_of(&mut (0..answers.len()));
        // A text that lacks a label it has and was given one it has not, was taken for the other.
        let mut confusion = Confusion::new(n_classes);
        for answer in &answers {
            let those = |wanted| {
                let classes = answer.iter().enumerate();
                classes
                    .filter(move |(_, pair)| **pair == wanted)
                    .map(|(class, _)| class)
            };
            for missed in those((true, false)) {
                for given in those((false, true)) {
                    confusion.count(missed, given);
                }
            }
        }
        let stated: Vec<f64> = probabilities.iter().copied().collect();
        let came_true: Vec<bool> = labels.iter().map(|label| *label >= 0.5).collect();
        let n = answers.len();
        let figure = |statistic: fn(&[ClassCounts]) -> f64| Figure {
            value: statistic(&counts),
            interval: interval(n, |drawn| statistic(&counts_of(&mut drawn.iter().copied()))),
        };
        Scores {
            n,
            accuracy: None,
            macro_f1: figure(macro_f1),
            micro_f1: figure(micro_f1),
            classes: class_scores(&counts, names),
            confused: named(&confusion.mistakes(N_MISTAKES), names),
            ..Scores::calibrated(&stated, &came_true)
        }
    }

    /// Only the calibration; the rest is empty.
    fn calibrated(stated: &[f64], came_true: &[bool]) -> Scores {
        let calibration = calibration(stated, came_true, N_BINS);
        let bins = calibration
            .as_ref()
            .map_or(&[][..], |calibration| &calibration.bins);
        let nothing = Figure {
            value: 0.0,
            interval: [0.0, 1.0],
        };
        Scores {
            n: 0,
            accuracy: None,
            macro_f1: nothing,
            micro_f1: nothing,
            calibration_error: calibration
                .as_ref()
                .map_or(0.0, |calibration| calibration.error),
            reliability: bins
                .iter()
                .map(|bin| ReliabilityBin {
                    above: bin.above,
                    up_to: bin.up_to,
                    n: bin.n,
                    stated: bin.stated,
                    observed: bin.observed,
                })
                .collect(),
            classes: Vec::new(),
            confused: Vec::new(),
        }
    }
}

fn interval(n: usize, statistic: impl FnMut(&[usize]) -> f64) -> [f64; 2] {
    let (low, high) = bootstrap_interval(n, REPLICATES, SEED, statistic).unwrap_or((0.0, 1.0));
    [low, high]
}

fn class_scores(counts: &[ClassCounts], names: &[String]) -> Vec<ClassScore> {
    counts
        .iter()
        .zip(names)
        .map(|(counts, label)| ClassScore {
            label: label.clone(),
            precision: counts.precision(),
            recall: counts.recall(),
            f1: counts.f1(),
            support: counts.support(),
        })
        .collect()
}

fn named(mistakes: &[Mistake], names: &[String]) -> Vec<Confused> {
    let name = |class: usize| names.get(class).cloned().unwrap_or_default();
    mistakes
        .iter()
        .map(|mistake| Confused {
            expected: name(mistake.expected),
            predicted: name(mistake.predicted),
            count: mistake.count,
        })
        .collect()
}

/// Position of the largest value, the first of equal ones.
fn largest<'a, T: PartialOrd + 'a>(row: impl IntoIterator<Item = &'a T>) -> usize {
    let mut best: Option<(usize, &T)> = None;
    for (at, value) in row.into_iter().enumerate() {
        if best.is_none_or(|(_, most)| value > most) {
            best = Some((at, value));
        }
    }
    best.map_or(0, |(at, _)| at)
}

/// One number while training: accuracy, or macro-F1 at the thresholds that suit these very texts.
pub(crate) fn quick_score(logits: &Array2<f32>, labels: ArrayView2<f32>, kind: Kind) -> f64 {
    match kind {
        Kind::SingleLabel => {
            let right = labels
                .outer_iter()
                .zip(logits.outer_iter())
                .filter(|(labels, logits)| largest(*labels) == largest(*logits))
                .count();
            right as f64 / (labels.nrows() as f64).max(1.0)
        }
        Kind::MultiLabel => {
            let probabilities = sigmoid(logits);
            let wanted = labels.mapv(f64::from);
            let best: Vec<f32> = (0..labels.ncols())
                .map(|class| {
                    thresholds::best(probabilities.column(class), wanted.column(class)) as f32
                })
                .collect();
            macro_f1(&thresholds::counts(probabilities.view(), labels, &best))
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    fn names() -> Vec<String> {
        vec!["a".into(), "b".into(), "c".into()]
    }

    #[test]
    fn one_label_per_text_is_the_largest_logit() {
        let logits = array![
            [2.0, 0.0, 0.0],
            [0.0, 1.0, 0.0],
            [0.0, 3.0, 0.0],
            [0.0, 0.0, 1.0]
        ];
        let labels = array![
            [1.0, 0.0, 0.0],
            [0.0, 1.0, 0.0],
            [0.0, 0.0, 1.0],
            [0.0, 0.0, 1.0]
        ];
        let scores = Scores::of(&logits, labels.view(), Kind::SingleLabel, &[], &names());
        let accuracy = scores.accuracy.unwrap();
        assert_eq!(
            (scores.n, accuracy.value, scores.micro_f1.value),
            (4, 0.75, 0.75)
        );
        // The F1 of the classes are 1, 2/3 and 2/3.
        assert!((scores.macro_f1.value - 7.0 / 9.0).abs() < 1e-12);
        assert_eq!(accuracy.interval, <[f64; 2]>::from(wilson_interval(3, 4)));
        assert_eq!(scores.confused.len(), 1);
        let confused = &scores.confused[0];
        assert_eq!(
            (confused.expected.as_str(), confused.predicted.as_str()),
            ("c", "b")
        );
        assert_eq!(scores.classes[2].support, 2);
    }

    #[test]
    fn any_number_of_labels_are_those_above_their_thresholds() {
        // Probabilities 0.731, 0.269 and 0.5.
        let logits = array![[1.0, -1.0, 0.0], [-1.0, -1.0, 1.0]];
        let labels = array![[1.0, 1.0, 0.0], [0.0, 1.0, 0.0]];
        let scores = Scores::of(
            &logits,
            labels.view(),
            Kind::MultiLabel,
            &[0.5, 0.26, 0.6],
            &names(),
        );
        assert_eq!(scores.accuracy, None);
        assert_eq!(scores.classes[0].f1, 1.0);
        assert_eq!(scores.classes[1].recall, 1.0);
        assert_eq!(scores.classes[2].f1, 0.0);
        assert!((scores.micro_f1.value - 6.0 / 7.0).abs() < 1e-12);
        let n: u64 = scores.reliability.iter().map(|bin| bin.n).sum();
        assert_eq!(n, 6);
    }

    #[test]
    fn a_label_given_for_a_missed_one_is_a_confusion() {
        let logits = array![[3.0, -3.0, -3.0]];
        let labels = array![[0.0, 0.0, 1.0]];
        let scores = Scores::of(
            &logits,
            labels.view(),
            Kind::MultiLabel,
            &[0.5; 3],
            &names(),
        );
        let confused = &scores.confused[0];
        assert_eq!(
            (confused.expected.as_str(), confused.predicted.as_str()),
            ("c", "a")
        );
    }

    #[test]
    fn an_interval_holds_its_figure() {
        let logits = Array2::from_shape_fn((60, 3), |(row, class)| {
            f32::from(u8::from((row + row / 7) % 3 == class))
        });
        let labels = Array2::from_shape_fn((60, 3), |(row, class)| {
            f32::from(u8::from(row % 3 == class))
        });
        let scores = Scores::of(&logits, labels.view(), Kind::SingleLabel, &[], &names());
        let [low, high] = scores.macro_f1.interval;
        assert!(
            low < scores.macro_f1.value && scores.macro_f1.value < high,
            "{scores:?}"
        );
        assert_eq!(
            quick_score(&logits, labels.view(), Kind::SingleLabel),
            scores.micro_f1.value
        );
    }
}
