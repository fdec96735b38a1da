//! From a model's raw outputs to named classes.

use std::cmp::Ordering;

use vitrine_protocol::{Activation, Class, TextAnswer, TextScoresOutput};

/// Turns logits into probabilities: `exp(x_i) / Σ exp(x_j)`, computed in f64 from the largest
/// value down, so that no finite logit overflows.
///
/// NaN counts as minus infinity and gets 0. Where some logits are plus infinity, they share the 1
/// evenly. Where none is above minus infinity there is nothing to prefer, and all get 0.
pub fn softmax(logits: &[f32]) -> Vec<f32> {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let exponentials: Vec<f64> = logits
        .iter()
        .map(|logit| exponential(*logit, largest))
        .collect();
    let sum: f64 = exponentials.iter().sum();
    if sum == 0.0 {
        return vec![0.0; logits.len()];
    }
    exponentials
        .into_iter()
        .map(|value| (value / sum) as f32)
        .collect()
}

/// `exp(logit - largest)`, where equal infinities are equally likely.
fn exponential(logit: f32, largest: f32) -> f64 {
    if logit.is_nan() || logit == f32::NEG_INFINITY {
        0.0
    } else if logit == largest {
        1.0
    } else {
        (f64::from(logit) - f64::from(largest)).exp()
    }
}

/// Turns a logit into the probability of yes: `1 / (1 + exp(-x))`, computed in f64.
pub fn sigmoid(logit: f32) -> f32 {
    (1.0 / (1.0 + (-f64::from(logit)).exp())) as f32
}

/// Indices of the `k` largest values, largest first; fewer when there are fewer values.
///
/// Of equal values the one with the lower index comes first, and NaN comes after every number.
pub fn top_k(values: &[f32], k: usize) -> Vec<usize> {
    let mut indices: Vec<usize> = (0..values.len()).collect();
    indices.sort_unstable_by(|a, b| descending(values[*a], values[*b]).then(a.cmp(b)));
    indices.truncate(k);
    indices
}

fn descending(a: f32, b: f32) -> Ordering {
    b.partial_cmp(&a)
        .unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

/// The `k` best classes with their names, best first, with [`softmax`] over all of them.
///
/// `labels` are in the order of `logits`. A class beyond the last label is called by its index,
/// such as `class 7`, so that a label file too short shows instead of shifting names.
pub fn interpret(logits: &[f32], labels: &[String], k: usize) -> Vec<Class> {
    named(top_k(logits, k), logits, &softmax(logits), labels)
}

/// What a text classifier's logits say, best class first.
///
/// With [`Activation::Softmax`] the `top_k` most probable classes, of which the first holds. With
/// [`Activation::Sigmoid`] first the classes that reach their thresholds and then the others, both
/// by probability: `top_k` of them, or all that hold where those are more. Where none holds, the
/// best are listed all the same and `n_holding` is 0. A class without a threshold never holds.
pub fn answer(
    model: &str,
    logits: &[f32],
    labels: &[String],
    output: &TextScoresOutput,
) -> TextAnswer {
    let (probabilities, n_holding, n_listed, order);
    match output.activation {
        Activation::Softmax => {
            probabilities = softmax(logits);
            order = top_k(logits, output.top_k);
            n_holding = order.len().min(1);
            n_listed = output.top_k;
        }
        Activation::Sigmoid => {
            probabilities = logits.iter().copied().map(sigmoid).collect();
            let holds = |index: &usize| {
                let threshold = output.thresholds.get(*index);
                threshold.is_some_and(|threshold| probabilities[*index] >= *threshold)
            };
            let (holding, others): (Vec<_>, Vec<_>) =
                top_k(logits, logits.len()).into_iter().partition(holds);
            n_holding = holding.len();
            n_listed = n_holding.max(output.top_k);
            order = [holding, others].concat();
        }
    }
    let order = order.into_iter().take(n_listed);
    TextAnswer {
        model: model.to_owned(),
        classes: named(order, logits, &probabilities, labels),
        n_holding,
    }
}

fn named(
    order: impl IntoIterator<Item = usize>,
    logits: &[f32],
    probabilities: &[f32],
    labels: &[String],
) -> Vec<Class> {
    let name = |index: usize| labels.get(index).map(|label| label.as_str().into());
    order
        .into_iter()
        .map(|index| Class {
            index,
            label: name(index).unwrap_or_else(|| format!("class {index}").into()),
            logit: logits[index],
            probability: probabilities[index],
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const INF: f32 = f32::INFINITY;
    const NAN: f32 = f32::NAN;

    #[track_caller]
    fn check_softmax(logits: &[f32], expected: &[f32]) {
        let met = softmax(logits);
        assert_eq!(met.len(), expected.len());
        for (met_one, expected_one) in met.iter().zip(expected) {
            assert!((met_one - expected_one).abs() < 1e-7, "{met:?}");
        }
    }

    #[track_caller]
    fn check_top_k(values: &[f32], k: usize, expected: &[usize]) {
        assert_eq!(top_k(values, k), expected);
    }

    #[test]
    fn probabilities_are_those_of_scipy() {
        // scipy.special.softmax([1.0, 2.0, 3.0, -1.5])
        check_softmax(
            &[1.0, 2.0, 3.0, -1.5],
            &[0.089_370_11, 0.242_933_16, 0.660_360_8, 0.007_335_946],
        );
    }

    #[test]
    fn large_logits_do_not_overflow() {
        check_softmax(&[1000.0, 1000.0], &[0.5, 0.5]);
        check_softmax(&[f32::MAX, -f32::MAX], &[1.0, 0.0]);
    }

    #[test]
    fn nan_gets_nothing() {
        check_softmax(&[NAN, 0.0, 0.0], &[0.0, 0.5, 0.5]);
        check_softmax(&[NAN, NAN], &[0.0, 0.0]);
    }

    #[test]
    fn infinities_share_evenly() {
        check_softmax(&[INF, 3.0, INF], &[0.5, 0.0, 0.5]);
        check_softmax(&[-INF, -INF], &[0.0, 0.0]);
        check_softmax(&[], &[]);
    }

    #[test]
    fn the_best_come_first() {
        check_top_k(&[0.1, 0.7, 0.2], 2, &[1, 2]);
        check_top_k(&[0.1, 0.7, 0.2], 0, &[]);
    }

    #[test]
    fn of_equal_values_the_lower_index_comes_first() {
        check_top_k(&[0.5, 0.5, 0.9, 0.5], 3, &[2, 0, 1]);
        check_top_k(&[0.0, -0.0], 2, &[0, 1]);
    }

    #[test]
    fn asking_for_more_than_there_are_gives_all() {
        check_top_k(&[0.2, 0.1], 10, &[0, 1]);
        check_top_k(&[], 5, &[]);
    }

    #[test]
    fn nan_comes_last() {
        check_top_k(&[NAN, 0.1, -NAN, -INF, INF], 5, &[4, 1, 3, 0, 2]);
    }

    #[track_caller]
    fn check_answer(output: &TextScoresOutput, logits: &[f32], classes: &[usize], holding: usize) {
        let answer = answer("mood", logits, &[], output);
        let met: Vec<usize> = answer.classes.iter().map(|class| class.index).collect();
        assert_eq!((met.as_slice(), answer.n_holding), (classes, holding));
    }

    fn output(activation: Activation, top_k: usize, thresholds: &[f32]) -> TextScoresOutput {
        TextScoresOutput {
            labels: "mood.txt".to_owned(),
            activation,
            top_k,
            thresholds: thresholds.to_vec(),
        }
    }

    #[test]
    fn a_sigmoid_is_that_of_scipy() {
        // scipy.special.expit([0, 2, -3.5, -100, 1000, -1000])
        assert_eq!(sigmoid(0.0), 0.5);
        assert!((sigmoid(2.0) - 0.880_797).abs() < 1e-7);
        assert!((sigmoid(-3.5) - 0.029_312_23).abs() < 1e-9);
        assert!((sigmoid(-100.0) - 3.72e-44).abs() < 1e-45);
        assert_eq!((sigmoid(1000.0), sigmoid(-1000.0)), (1.0, 0.0));
        assert!(sigmoid(NAN).is_nan());
    }

    #[test]
    fn with_softmax_the_best_class_holds() {
        let output = output(Activation::Softmax, 2, &[]);
        check_answer(&output, &[0.1, 0.7, 0.2], &[1, 2], 1);
        check_answer(&output, &[0.1], &[0], 1);
        check_answer(&output, &[], &[], 0);
    }

    #[test]
    fn with_sigmoid_each_class_has_its_threshold() {
        // The sigmoids of these logits are 0.5, 0.73, 0.88 and 0.27.
        let logits = [0.0, 1.0, 2.0, -1.0];
        let with = |top_k, thresholds: &[f32]| output(Activation::Sigmoid, top_k, thresholds);
        check_answer(&with(2, &[0.9, 0.9, 0.9, 0.9]), &logits, &[2, 1], 0);
        check_answer(&with(2, &[0.9, 0.9, 0.8, 0.9]), &logits, &[2, 1], 1);
        check_answer(&with(2, &[0.5, 0.9, 0.9, 0.9]), &logits, &[0, 2], 1);
        check_answer(&with(4, &[0.5, 0.9, 0.9, 0.2]), &logits, &[0, 3, 2, 1], 2);
    }

    #[test]
    fn all_that_hold_are_listed() {
        let output = output(Activation::Sigmoid, 1, &[0.1, 0.1, 0.99]);
        check_answer(&output, &[0.0, 1.0, 2.0], &[1, 0], 2);
    }

    #[test]
    fn a_class_without_a_threshold_or_a_number_never_holds() {
        let output = output(Activation::Sigmoid, 2, &[0.1]);
        check_answer(&output, &[NAN, 9.0], &[1, 0], 0);
    }

    #[test]
    fn classes_carry_index_name_logit_and_probability() {
        let labels = ["cat".to_owned(), "dog".to_owned()];
        let classes = interpret(&[0.0, 2.0], &labels, 1);
        assert_eq!(classes.len(), 1);
        assert_eq!(
            (classes[0].index, &*classes[0].label, classes[0].logit),
            (1, "dog", 2.0)
        );
        assert!((classes[0].probability - 0.880_797).abs() < 1e-6);
    }

    #[test]
    fn a_class_without_a_label_is_called_by_its_index() {
        assert_eq!(&*interpret(&[0.0, 2.0], &[], 1)[0].label, "class 1");
    }
}
