//! From which probability on a label holds, chosen on dev.

use ndarray::{Array2, ArrayView1, ArrayView2, Axis};
use serde::{Deserialize, Serialize};
use vitrine_stats::{ClassCounts, Random, macro_f1, micro_f1};

/// How much thresholds of rare labels are kept from following chance.
///
/// A label that 20 dev texts have says little about its best threshold. Two things help: the
/// model's own probabilities stand in for labels to some degree, which smooths the curve whose top
/// is looked for; and each threshold is pulled towards the one that is best for all labels.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Caution {
    /// How much the model's probabilities count instead of the labels, 0 to 1.
    pub own_opinion: f64,
    /// The common threshold counts like this many texts with the label; 0 for no pull.
    pub pull: f64,
}

/// Thresholds and how they were found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Thresholds {
    /// One probability per label: it holds from there on.
    pub values: Vec<f32>,
    /// How cautiously they were chosen.
    pub caution: Caution,
    /// Macro-F1 on parts of dev that the thresholds were not chosen on.
    pub macro_f1_cross: f64,
    /// Micro-F1 likewise.
    pub micro_f1_cross: f64,
}

/// What is tried, least cautious first.
const CAUTIONS: [Caution; 9] = {
    const fn caution(own_opinion: f64, pull: f64) -> Caution {
        Caution { own_opinion, pull }
    }
    [
        caution(0.0, 0.0),
        caution(0.0, 5.0),
        caution(0.0, 20.0),
        caution(0.25, 0.0),
        caution(0.25, 5.0),
        caution(0.25, 20.0),
        caution(0.5, 0.0),
        caution(0.5, 5.0),
        caution(0.5, 20.0),
    ]
};

/// How often dev is divided for trying them, and into how many parts.
const REPEATS: u64 = 4;
const PARTS: usize = 5;

impl Thresholds {
    /// Chooses a threshold per label on dev probabilities and labels, both `[n, classes]`.
    ///
    /// How cautiously is decided by cross-validation within dev: thresholds chosen on four fifths
    /// are tried on the last, four times over, and the mean of macro- and micro-F1 decides.
    pub fn choose(
        probabilities: ArrayView2<f64>,
        labels: ArrayView2<f32>,
        seed: u64,
    ) -> Thresholds {
        let mut best: Option<(f64, Thresholds)> = None;
        for caution in CAUTIONS {
            let (macro_f1, micro_f1) = cross_validated(probabilities, labels, caution, seed);
            let score = macro_f1 + micro_f1;
            if best.as_ref().is_none_or(|(most, _)| score > *most) {
                let thresholds = Thresholds {
                    values: Vec::new(),
                    caution,
                    macro_f1_cross: macro_f1,
                    micro_f1_cross: micro_f1,
                };
                best = Some((score, thresholds));
            }
        }
        let mut thresholds = best.map_or_else(
            || Thresholds {
                values: Vec::new(),
                caution: CAUTIONS[0],
                macro_f1_cross: 0.0,
                micro_f1_cross: 0.0,
            },
            |(_, thresholds)| thresholds,
        );
        // Four digits are kept because these numbers are pasted into the registry.
        thresholds.values = cautious(probabilities, labels, thresholds.caution)
            .into_iter()
            .map(|value| ((value * 1e4).round() / 1e4) as f32)
            .collect();
        thresholds
    }
}

/// Counts per label when it holds from its threshold on.
pub(crate) fn counts(
    probabilities: ArrayView2<f64>,
    labels: ArrayView2<f32>,
    thresholds: &[f32],
) -> Vec<ClassCounts> {
    let mut counts = vec![ClassCounts::default(); thresholds.len()];
    for (probabilities, labels) in probabilities.outer_iter().zip(labels.outer_iter()) {
        for (((probability, label), threshold), counts) in probabilities
            .iter()
            .zip(labels)
            .zip(thresholds)
            .zip(&mut counts)
        {
            counts.count(*label >= 0.5, *probability >= f64::from(*threshold));
        }
    }
    counts
}

fn cross_validated(
    probabilities: ArrayView2<f64>,
    labels: ArrayView2<f32>,
    caution: Caution,
    seed: u64,
) -> (f64, f64) {
    let n = probabilities.nrows();
    let (mut sum_macro, mut sum_micro) = (0.0, 0.0);
    for repeat in 0..REPEATS {
        let mut order: Vec<usize> = (0..n).collect();
        Random::new(seed.wrapping_add(repeat)).shuffle(&mut order);
        let mut all = vec![ClassCounts::default(); labels.ncols()];
        for part in 0..PARTS {
            let (mut rest, mut held_out) = (Vec::new(), Vec::new());
            for (turn, at) in order.iter().enumerate() {
                match turn % PARTS == part {
                    true => held_out.push(*at),
                    false => rest.push(*at),
                }
            }
            let values: Vec<f32> = cautious(
                probabilities.select(Axis(0), &rest).view(),
                labels.select(Axis(0), &rest).view(),
                caution,
            )
            .into_iter()
            .map(|value| value as f32)
            .collect();
            let met = counts(
                probabilities.select(Axis(0), &held_out).view(),
                labels.select(Axis(0), &held_out).view(),
                &values,
            );
            for (all, met) in all.iter_mut().zip(met) {
                all.found += met.found;
                all.wrongly += met.wrongly;
                all.missed += met.missed;
            }
        }
        sum_macro += macro_f1(&all);
        sum_micro += micro_f1(&all);
    }
    (sum_macro / REPEATS as f64, sum_micro / REPEATS as f64)
}

fn cautious(probabilities: ArrayView2<f64>, labels: ArrayView2<f32>, caution: Caution) -> Vec<f64> {
    let labels = labels.mapv(f64::from);
    let smooth: Array2<f64> =
        &labels * (1.0 - caution.own_opinion) + &probabilities * caution.own_opinion;
    let own =
        (0..labels.ncols()).map(|class| best(probabilities.column(class), smooth.column(class)));
    if caution.pull == 0.0 {
        return own.collect();
    }
    let flat = |matrix: ArrayView2<f64>| matrix.iter().copied().collect::<ndarray::Array1<f64>>();
    let common = best(flat(probabilities).view(), flat(smooth.view()).view());
    own.zip(labels.sum_axis(Axis(0)))
        .map(|(own, n)| {
            let pulled = (n * log_odds(own) + caution.pull * log_odds(common)) / (n + caution.pull);
            1.0 / (1.0 + (-pulled).exp())
        })
        .collect()
}

fn log_odds(probability: f64) -> f64 {
    let inside = probability.clamp(1e-6, 1.0 - 1e-6);
    (inside / (1.0 - inside)).ln()
}

/// The threshold with the highest F1: halfway between the last probability that is in and the first
/// that is out. Of several as good, the highest.
pub(crate) fn best(probabilities: ArrayView1<f64>, labels: ArrayView1<f64>) -> f64 {
    let mut pairs: Vec<(f64, f64)> = probabilities
        .iter()
        .copied()
        .zip(labels.iter().copied())
        .collect();
    pairs.sort_by(|a, b| b.0.total_cmp(&a.0));
    let n_labels: f64 = labels.sum();
    let (mut found, mut best_f1, mut threshold) = (0.0, -1.0, 0.5);
    for (at, (probability, label)) in pairs.iter().enumerate() {
        found += label;
        let next = pairs.get(at + 1).map_or(0.0, |(next, _)| *next);
        // Between equal probabilities there is no place for a threshold.
        let f1 = 2.0 * found / (at as f64 + 1.0 + n_labels);
        if next < *probability && f1 > best_f1 {
            best_f1 = f1;
            threshold = 0.5 * (probability + next);
        }
    }
    threshold
}

#[cfg(test)]
mod tests {
    use ndarray::{Array1, array};

    use super::*;

    #[track_caller]
    fn check_best(probabilities: &[f64], labels: &[f64], expected: f64) {
        let (probabilities, labels) = (
            Array1::from_vec(probabilities.to_vec()),
            Array1::from_vec(labels.to_vec()),
        );
        let met = best(probabilities.view(), labels.view());
        assert!(
            (met - expected).abs() < 1e-12,
            "{met} instead of {expected}"
        );
    }

    #[test]
    fn the_best_threshold_is_that_of_scikit_learn() {
        // tests/fixtures/training.py: the threshold with the highest F1 of sklearn.metrics.precision_recall_curve is 0.4
        // with 1 for the first and 0.35 with 6/7 for the second; the next probabilities are 0.35
        // and 0.1.
        check_best(
            &[0.1, 0.4, 0.35, 0.8, 0.3, 0.6],
            &[0.0, 1.0, 0.0, 1.0, 0.0, 1.0],
            0.375,
        );
        check_best(
            &[0.1, 0.35, 0.8, 0.4, 0.6],
            &[0.0, 1.0, 1.0, 0.0, 1.0],
            0.225,
        );
    }

    #[test]
    fn equal_probabilities_are_not_divided() {
        check_best(&[0.5, 0.5, 0.2], &[1.0, 0.0, 0.0], 0.35);
        check_best(&[], &[], 0.5);
    }

    fn noisy(n: usize) -> (Array2<f64>, Array2<f32>) {
        // The first label is frequent and told well above 0.5, the second rare and told above 0.2.
        let mut random = Random::new(3);
        let mut probabilities = Array2::zeros((n, 2));
        let mut labels = Array2::zeros((n, 2));
        for row in 0..n {
            for (class, (share, threshold)) in [(0.5, 0.5), (0.02, 0.2)].into_iter().enumerate() {
                let has = random.unit() < share;
                let side = random.unit() * 0.9;
                labels[[row, class]] = f32::from(u8::from(has));
                probabilities[[row, class]] = match has {
                    true => threshold + (1.0 - threshold) * side,
                    false => threshold * side,
                };
            }
        }
        (probabilities, labels)
    }

    #[test]
    fn labels_that_can_be_told_apart_are() {
        let (probabilities, labels) = noisy(2000);
        let thresholds = Thresholds::choose(probabilities.view(), labels.view(), 1);
        let counts = counts(probabilities.view(), labels.view(), &thresholds.values);
        assert!(macro_f1(&counts) > 0.97, "{thresholds:?}");
        assert!(thresholds.macro_f1_cross > 0.95, "{thresholds:?}");
        assert!((0.4..0.6).contains(&thresholds.values[0]), "{thresholds:?}");
        assert!(
            (0.15..0.3).contains(&thresholds.values[1]),
            "{thresholds:?}"
        );
    }

    #[test]
    fn a_pull_moves_the_rare_label_most() {
        let (probabilities, labels) = noisy(2000);
        let at = |pull| {
            cautious(
                probabilities.view(),
                labels.view(),
                Caution {
                    own_opinion: 0.0,
                    pull,
                },
            )
        };
        let (free, pulled) = (at(0.0), at(50.0));
        let moved = |class: usize| (log_odds(free[class]) - log_odds(pulled[class])).abs();
        assert!(moved(1) > 5.0 * moved(0), "{free:?} {pulled:?}");
    }

    #[test]
    fn a_label_holds_from_its_threshold_on() {
        let met = counts(
            array![[0.5, 0.1], [0.49, 0.3]].view(),
            array![[1.0, 0.0], [1.0, 0.0]].view(),
            &[0.5, 0.2],
        );
        let count = |found, wrongly, missed| ClassCounts {
            found,
            wrongly,
            missed,
        };
        assert_eq!(met, [count(1, 0, 1), count(0, 1, 0)]);
    }
}
