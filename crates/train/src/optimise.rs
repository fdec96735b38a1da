//! One head trained from one random beginning, by AdamW on mini-batches.
//!
//! Everything is added up in a fixed order, however many processors there are, so the same seed
//! gives the same head on the same kind of processor.

use std::ops::Range;

use ndarray::{Array1, Array2, ArrayView2, Axis, Slice, Zip};
use vitrine_stats::Random;

use crate::TrainError;
use crate::features::{Batch, Features};
use crate::head::{Head, Layer, attention, gelu, pooled};
use crate::parallel::in_parallel;
use crate::recipe::{Kind, Reads, Training};

/// Texts with what they should be told as.
#[derive(Clone, Copy, Debug)]
pub struct Labelled<'a> {
    /// Features of these and maybe other texts.
    pub features: &'a Features,
    /// Which texts of `features` these are.
    pub texts: &'a [usize],
    /// `[texts, labels]`: 1 for a label the text has, 0 for one it has not, or between.
    pub targets: ArrayView2<'a, f32>,
}

/// How far training is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Epoch {
    /// Which head is trained, from 0.
    pub member: usize,
    /// Passes over the training texts so far.
    pub epoch: usize,
    /// Most passes there will be.
    pub of: usize,
    /// Mean loss of a training text in this pass, with everything left out at random.
    pub train_loss: f32,
    /// On dev, if there is one.
    pub dev: Option<DevScore>,
}

/// How good a head in training is on dev.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DevScore {
    /// Mean loss of a dev text.
    pub loss: f32,
    /// Accuracy, or macro-F1 at the thresholds that suit this moment best.
    pub score: f64,
}

/// What there is to train: which kind of head, how, and what is to be told of it.
#[derive(Clone, Copy)]
pub(crate) struct Task<'a> {
    pub(crate) kind: Kind,
    pub(crate) reads: Reads,
    pub(crate) training: &'a Training,
    pub(crate) on_epoch: &'a (dyn Fn(Epoch) + Sync),
}

/// A trained head, and the epoch it is from.
pub(crate) struct Member {
    pub(crate) head: Head,
    pub(crate) epoch: usize,
}

/// Parts that a batch is divided into. They are worked on at the same time and added up in their
/// order; another number would round differently.
const SHARDS: usize = 2;

/// Trains one member.
///
/// With `dev` and [`Training::patience`], the head of the epoch with the smallest loss on dev is
/// kept, and training ends when there was none for so many epochs. Else it takes all epochs.
pub(crate) fn optimise(
    task: Task,
    train: Labelled,
    dev: Option<Labelled>,
    member: usize,
    seed: u64,
) -> Result<Member, TrainError> {
    let training = task.training;
    let n = train.texts.len();
    let mut random = Random::new(seed);
    let loss = Loss::new(task.kind, training, train.targets);
    let mut net = Net::new(task, train, &mut random);
    let mut order: Vec<usize> = (0..n).collect();
    let mut best: Option<(f32, Member)> = None;
    let n_steps = n.div_ceil(training.batch) * training.epochs;
    let mut step = 0;
    for epoch in 1..=training.epochs {
        random.shuffle(&mut order);
        let mut sum = 0.0;
        for batch in order.chunks(training.batch) {
            let rate = training.learning_rate * schedule(step, n_steps);
            step += 1;
            sum += net.step(train, batch, &loss, training, rate, &mut random);
        }
        let train_loss = sum / n as f32;
        if !train_loss.is_finite() {
            let loss = train_loss;
            return Err(TrainError::Diverged { epoch, loss });
        }
        let dev = dev.map(|dev| {
            let logits = net.head().logits(dev.features, dev.texts);
            DevScore {
                loss: loss.of(&logits, dev.targets),
                score: crate::scores::quick_score(&logits, dev.targets, task.kind),
            }
        });
        (task.on_epoch)(Epoch {
            member,
            epoch,
            of: training.epochs,
            train_loss,
            dev,
        });
        let dev_loss = dev.map_or(f32::NEG_INFINITY, |dev| dev.loss);
        let patience = training.patience.filter(|_| dev.is_some());
        match &best {
            // Without patience every epoch counts as an improvement, so that the last one is kept.
            Some((least, _)) if patience.is_some() && dev_loss >= *least => {}
            _ => {
                let head = net.head();
                best = Some((dev_loss, Member { head, epoch }));
            }
        }
        let since_best = epoch - best.as_ref().map_or(epoch, |(_, member)| member.epoch);
        if patience.is_some_and(|patience| since_best >= patience.max(1)) {
            break;
        }
    }
    best.map(|(_, member)| member).ok_or(TrainError::Empty)
}

/// The share of the highest step size at a step: up over the first twentieth, then down to 0.
fn schedule(step: usize, n_steps: usize) -> f32 {
    let warm_up = (n_steps / 20).max(1);
    if step < warm_up {
        return (step + 1) as f32 / warm_up as f32;
    }
    let done = (step - warm_up) as f32 / (n_steps - warm_up).max(1) as f32;
    0.5 * (1.0 + (std::f32::consts::PI * done).cos())
}

/// The loss and its derivative.
#[derive(Clone)]
struct Loss {
    kind: Kind,
    label_smoothing: f32,
    /// Multi-label: how much a label that is there weighs, `[labels]`.
    weights: Array1<f32>,
}

impl Loss {
    fn new(kind: Kind, training: &Training, targets: ArrayView2<f32>) -> Loss {
        let weights = label_shares(targets)
            .mapv(|share| ((1.0 - share) / share).powf(training.rare_label_power));
        Loss {
            kind,
            label_smoothing: training.label_smoothing,
            weights,
        }
    }

    /// Mean loss of a row, without smoothing: what is compared between epochs.
    fn of(&self, logits: &Array2<f32>, targets: ArrayView2<f32>) -> f32 {
        let plain = Loss {
            label_smoothing: 0.0,
            ..self.clone()
        };
        let n_rows = logits.nrows().max(1) as f32;
        plain.turn_into_derivative(&mut logits.clone(), targets, 1.0) / n_rows
    }

    /// Puts the derivative of `share` times the loss by the logits in their place, and returns the
    /// loss of all rows together.
    fn turn_into_derivative(
        &self,
        logits: &mut Array2<f32>,
        targets: ArrayView2<f32>,
        share: f32,
    ) -> f32 {
        let smoothing = self.label_smoothing;
        let even = 1.0 / logits.ncols() as f32;
        let mut loss = 0.0;
        for (mut row, targets) in logits.outer_iter_mut().zip(targets.outer_iter()) {
            match self.kind {
                Kind::SingleLabel => {
                    let max = row.fold(f32::NEG_INFINITY, |max, value| max.max(*value));
                    let sum: f32 = row.iter().map(|logit| (logit - max).exp()).sum();
                    let log_sum = max + sum.ln();
                    for (logit, target) in row.iter_mut().zip(targets) {
                        let target = target * (1.0 - smoothing) + even * smoothing;
                        loss -= target * (*logit - log_sum);
                        *logit = ((*logit - log_sum).exp() - target) * share;
                    }
                }
                Kind::MultiLabel => {
                    let rows = row.iter_mut().zip(targets).zip(&self.weights);
                    for ((logit, target), weight) in rows {
                        let target = target * (1.0 - smoothing) + 0.5 * smoothing;
                        let (there, not_there) = (weight * target, 1.0 - target);
                        // ln(1 + e^-|x|), which neither overflows nor loses small numbers.
                        let tail = (-logit.abs()).exp().ln_1p();
                        loss += there * (tail + (-*logit).max(0.0));
                        loss += not_there * (tail + logit.max(0.0));
                        let probability = 1.0 / (1.0 + (-*logit).exp());
                        *logit = (probability * (there + not_there) - there) * share;
                    }
                }
            }
        }
        loss
    }
}

/// The share of texts with each label, kept half a text off 0 and 1.
fn label_shares(targets: ArrayView2<f32>) -> Array1<f32> {
    let n = targets.nrows().max(1) as f32;
    targets
        .sum_axis(Axis(0))
        .mapv(|sum| sum.clamp(0.5, n - 0.5) / n)
}

/// A head in training, on standardised features.
struct Net {
    /// Weights `[length, hidden]` and bias `[1, hidden]`.
    hidden: Option<(Parameters, Parameters)>,
    /// `[hidden, labels]`.
    queries: Option<Parameters>,
    /// `[hidden, labels]`.
    weights: Parameters,
    /// `[1, labels]`.
    bias: Parameters,
    mean: Array1<f32>,
    scale: Array1<f32>,
    step: i32,
}

/// Derivatives of a batch's loss by everything that is learnt, and the loss itself.
#[derive(Debug)]
struct Derivatives {
    hidden: Option<(Array2<f32>, Array2<f32>)>,
    queries: Option<Array2<f32>>,
    weights: Array2<f32>,
    bias: Array2<f32>,
    loss: f32,
}

impl Net {
    fn new(task: Task, train: Labelled, random: &mut Random) -> Net {
        let (length, n_labels) = (train.features.length(), train.targets.ncols());
        let mut even = |n_inputs: usize, n_outputs: usize, factor: f64| {
            // Between ±1/√inputs, as PyTorch's `Linear` begins.
            let bound = factor / (n_inputs as f64).sqrt();
            let mut one = || ((2.0 * random.unit() - 1.0) * bound) as f32;
            Parameters::new(Array2::from_shape_simple_fn(
                (n_inputs, n_outputs),
                &mut one,
            ))
        };
        let nothing = |n| Parameters::new(Array2::zeros((1, n)));
        let n_hidden = task.training.hidden;
        let hidden = (n_hidden > 0).then(|| (even(length, n_hidden, 1.0), nothing(n_hidden)));
        let last = if n_hidden > 0 { n_hidden } else { length };
        // Labels begin with looking at all tokens nearly alike.
        let queries = (task.reads == Reads::Tokens).then(|| even(last, n_labels, 0.1));
        let weights = even(last, n_labels, 1.0);
        let mut bias = nothing(n_labels);
        if task.kind == Kind::MultiLabel {
            // Rare labels begin rare, instead of pulling everything down in the first steps.
            let log_odds = label_shares(train.targets).mapv(|share| (share / (1.0 - share)).ln());
            bias.values.row_mut(0).assign(&log_odds);
        }
        let (mean, scale) = standardisation(train.features, train.texts);
        Net {
            hidden,
            queries,
            weights,
            bias,
            mean,
            scale,
            step: 0,
        }
    }

    /// One step on a batch, given as positions in `train`; returns the loss of all its texts.
    fn step(
        &mut self,
        train: Labelled,
        batch: &[usize],
        loss: &Loss,
        training: &Training,
        rate: f32,
        random: &mut Random,
    ) -> f32 {
        let share = 1.0 / batch.len() as f32;
        let shards: Vec<(&[usize], u64)> = batch
            .chunks(batch.len().div_ceil(SHARDS))
            .map(|shard| (shard, random.bits()))
            .collect();
        let net = &*self;
        let parts = in_parallel(shards.len(), |at| {
            let (shard, seed) = shards[at];
            let texts: Vec<usize> = shard
                .iter()
                .map(|position| train.texts[*position])
                .collect();
            let targets = train.targets.select(Axis(0), shard);
            let rows = train.features.gather(&texts);
            let mut random = Random::new(seed);
            net.derivatives(rows, targets.view(), loss, training, share, &mut random)
        });
        let Some(sum) = parts.into_iter().reduce(Derivatives::plus) else {
            return 0.0;
        };
        self.learn(&sum, training.weight_decay, rate);
        sum.loss
    }

    /// Derivatives of `share` times the loss of these rows, and their loss.
    fn derivatives(
        &self,
        batch: Batch,
        targets: ArrayView2<f32>,
        loss: &Loss,
        training: &Training,
        share: f32,
        random: &mut Random,
    ) -> Derivatives {
        let starts = batch.starts;
        let mut input = (batch.rows - &self.mean) * &self.scale;
        leave_out(&mut [&mut input], &starts, training.input_dropout, random);
        let (hidden, slope) = match &self.hidden {
            Some((weights, bias)) => {
                let mut values = input.dot(&weights.values) + &bias.values;
                let mut slope = Array2::zeros(values.dim());
                Zip::from(&mut values)
                    .and(&mut slope)
                    .for_each(|value, slope| {
                        (*value, *slope) = gelu(*value);
                    });
                leave_out(
                    &mut [&mut values, &mut slope],
                    &starts,
                    training.dropout,
                    random,
                );
                (values, Some(slope))
            }
            None => (input.clone(), None),
        };
        let values = hidden.dot(&self.weights.values);
        let queried = self
            .queries
            .as_ref()
            .map(|queries| hidden.dot(&queries.values));
        let attention = attention(queried, &starts, values.dim());
        let seen = pooled(&attention, &values, &starts);
        let mut by_logits = &seen + &self.bias.values;
        let loss = loss.turn_into_derivative(&mut by_logits, targets, share);

        let mut by_values = attention;
        let mut by_scores = Array2::zeros(self.queries.as_ref().map_or((0, 0), |_| values.dim()));
        for (text, rows) in texts(&starts).enumerate() {
            for row in rows {
                let by_logits = by_logits.row(text);
                // A score that rises takes attention from the text's other rows.
                if self.queries.is_some() {
                    Zip::from(by_scores.row_mut(row))
                        .and(by_values.row(row))
                        .and(by_logits)
                        .and(values.row(row))
                        .and(seen.row(text))
                        .for_each(|by_score, attention, by_logit, value, seen| {
                            *by_score = attention * by_logit * (value - seen);
                        });
                }
                let mut by_value = by_values.row_mut(row);
                by_value *= &by_logits;
            }
        }
        let by_hidden = slope.map(|slope| {
            let mut by_hidden = by_values.dot(&self.weights.values.t());
            if let Some(queries) = &self.queries {
                by_hidden += &by_scores.dot(&queries.values.t());
            }
            by_hidden * slope
        });
        Derivatives {
            hidden: by_hidden.map(|by_hidden| (input.t().dot(&by_hidden), column_sums(&by_hidden))),
            queries: self.queries.as_ref().map(|_| hidden.t().dot(&by_scores)),
            weights: hidden.t().dot(&by_values),
            bias: column_sums(&by_logits),
            loss,
        }
    }

    fn learn(&mut self, by: &Derivatives, decay: f32, rate: f32) {
        self.step += 1;
        let step = self.step;
        if let (Some((weights, bias)), Some((by_weights, by_bias))) = (&mut self.hidden, &by.hidden)
        {
            weights.learn(by_weights, rate, decay, step);
            bias.learn(by_bias, rate, 0.0, step);
        }
        if let (Some(queries), Some(by_queries)) = (&mut self.queries, &by.queries) {
            queries.learn(by_queries, rate, decay, step);
        }
        self.weights.learn(&by.weights, rate, decay, step);
        self.bias.learn(&by.bias, rate, 0.0, step);
    }

    /// What was learnt so far, for features that are not standardised.
    fn head(&self) -> Head {
        let layer = |weights: &Parameters, bias: &Parameters| Layer {
            weights: weights.values.clone(),
            bias: bias.values.row(0).to_owned(),
        };
        Head {
            hidden: self
                .hidden
                .as_ref()
                .map(|(weights, bias)| layer(weights, bias)),
            queries: self.queries.as_ref().map(|queries| queries.values.clone()),
            last: layer(&self.weights, &self.bias),
        }
        .with_standardised_input(&self.mean, &self.scale)
    }
}

impl Derivatives {
    fn plus(mut self, other: Derivatives) -> Derivatives {
        if let (Some((weights, bias)), Some((more_weights, more_bias))) =
            (&mut self.hidden, &other.hidden)
        {
            *weights += more_weights;
            *bias += more_bias;
        }
        if let (Some(queries), Some(more)) = (&mut self.queries, &other.queries) {
            *queries += more;
        }
        self.weights += &other.weights;
        self.bias += &other.bias;
        self.loss += other.loss;
        self
    }
}

/// The rows of each text.
fn texts(starts: &[usize]) -> impl Iterator<Item = Range<usize>> {
    starts.windows(2).map(|pair| pair[0]..pair[1])
}

fn column_sums(matrix: &Array2<f32>) -> Array2<f32> {
    matrix.sum_axis(Axis(0)).insert_axis(Axis(0))
}

/// Added to each standard deviation, so that a feature that hardly changes is not blown up.
const LEAST_DEVIATION: f64 = 1e-3;

/// Mean of each feature over all rows of some texts, and what its difference from it is multiplied by.
fn standardisation(features: &Features, texts: &[usize]) -> (Array1<f32>, Array1<f32>) {
    let chunks: Vec<&[usize]> = texts.chunks(256).collect();
    let parts = in_parallel(chunks.len(), |at| {
        let rows = features.gather(chunks[at]).rows;
        let mut sums = Array1::<f64>::zeros(features.length());
        let mut squares = sums.clone();
        for row in rows.outer_iter() {
            Zip::from(&mut sums)
                .and(&mut squares)
                .and(row)
                .for_each(|sum, square, value| {
                    let value = f64::from(*value);
                    *sum += value;
                    *square += value * value;
                });
        }
        (rows.nrows() as f64, sums, squares)
    });
    let nothing = Array1::zeros(features.length());
    let (n, sums, squares) = parts.into_iter().fold(
        (0.0, nothing.clone(), nothing),
        |(n, sums, squares), (more_n, more_sums, more)| {
            (n + more_n, sums + more_sums, squares + more)
        },
    );
    let mean = sums / f64::max(n, 1.0);
    let variance: Array1<f64> = squares / f64::max(n, 1.0) - &mean * &mean;
    let scale =
        variance.mapv(|variance| (1.0 / (variance.max(0.0).sqrt() + LEAST_DEVIATION)) as f32);
    (mean.mapv(|mean| mean as f32), scale)
}

/// Sets a share of the columns of each text to 0, the same in all its rows and all matrices, and
/// scales the others up so that their sum stays.
fn leave_out(matrices: &mut [&mut Array2<f32>], starts: &[usize], share: f32, random: &mut Random) {
    if share <= 0.0 {
        return;
    }
    // Four decisions out of every 64 random bits, in steps of 2⁻¹⁶.
    let limit = (share * 65_536.0) as u64;
    let scale_up = 1.0 / (1.0 - share);
    let n_columns = matrices.first().map_or(0, |matrix| matrix.ncols());
    let mut factors = Array1::zeros(n_columns);
    for rows in texts(starts) {
        let mut bits = 0;
        for (at, factor) in factors.iter_mut().enumerate() {
            if at % 4 == 0 {
                bits = random.bits();
            }
            *factor = if bits & 0xffff < limit { 0.0 } else { scale_up };
            bits >>= 16;
        }
        for matrix in matrices.iter_mut() {
            let mut rows = matrix.slice_axis_mut(Axis(0), Slice::from(rows.clone()));
            rows *= &factors;
        }
    }
}

/// Numbers that AdamW changes, with its two running means.
///
/// I. Loshchilov and F. Hutter, "Decoupled weight decay regularization", 2019, algorithm 2, with
/// its β₁, β₂ and ε.
struct Parameters {
    values: Array2<f32>,
    mean: Array2<f32>,
    mean_square: Array2<f32>,
}

const BETA_1: f32 = 0.9;
const BETA_2: f32 = 0.999;
const EPSILON: f32 = 1e-8;

impl Parameters {
    fn new(values: Array2<f32>) -> Parameters {
        Parameters {
            mean: Array2::zeros(values.dim()),
            mean_square: Array2::zeros(values.dim()),
            values,
        }
    }

    /// One step; `step` counts from 1.
    fn learn(&mut self, derivative: &Array2<f32>, rate: f32, decay: f32, step: i32) {
        let unbias_mean = 1.0 / (1.0 - BETA_1.powi(step));
        let unbias_square = 1.0 / (1.0 - BETA_2.powi(step));
        Zip::from(&mut self.values)
            .and(&mut self.mean)
            .and(&mut self.mean_square)
            .and(derivative)
            .for_each(|value, mean, square, derivative| {
                *mean = BETA_1 * *mean + (1.0 - BETA_1) * derivative;
                *square = BETA_2 * *square + (1.0 - BETA_2) * derivative * derivative;
                let step = *mean * unbias_mean / ((*square * unbias_square).sqrt() + EPSILON);
                *value -= rate * (step + decay * *value);
            });
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;
    use crate::head::tests::{small_features, small_head};

    fn training(label_smoothing: f32, rare_label_power: f32) -> Training {
        Training {
            hidden: 0,
            members: 1,
            epochs: 1,
            patience: Some(1),
            batch: 1,
            learning_rate: 0.1,
            weight_decay: 0.05,
            input_dropout: 0.0,
            dropout: 0.0,
            label_smoothing,
            second_opinion: 0.0,
            rare_label_power,
        }
    }

    #[track_caller]
    fn check_loss(
        kind: Kind,
        training: &Training,
        (logits, targets): (Array2<f32>, Array2<f32>),
        expected: f32,
        derivative: Array2<f32>,
    ) {
        let loss = Loss::new(kind, training, targets.view());
        let share = 1.0 / logits.nrows() as f32;
        let mut met = logits;
        let value = loss.turn_into_derivative(&mut met, targets.view(), share) * share;
        assert!(
            (value - expected).abs() < 1e-5,
            "{value} instead of {expected}"
        );
        let most = (&met - &derivative).fold(0.0_f32, |most, value| most.max(value.abs()));
        assert!(most < 1e-6, "{met} instead of {derivative}");
    }

    const LOGITS: [[f32; 3]; 2] = [[1.0, 2.0, -3.0], [0.5, -0.25, 40.0]];

    #[test]
    fn losses_of_one_label_are_those_of_optax() {
        // tests/fixtures/training.py: optax.softmax_cross_entropy
        let rows = || {
            (
                array![LOGITS[0], LOGITS[1]],
                array![[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]],
            )
        };
        check_loss(
            Kind::SingleLabel,
            &training(0.0, 0.0),
            rows(),
            19.909_088,
            array![
                [0.133_811_58, -0.136_262_42, 0.002_450_844_5],
                [-0.5, 0.0, 0.5]
            ],
        );
        check_loss(
            Kind::SingleLabel,
            &training(0.1, 0.0),
            rows(),
            19.363_256,
            array![
                [0.117_144_91, -0.102_929_086, -0.014_215_823],
                [-0.466_666_67, -0.016_666_668, 0.483_333_32]
            ],
        );
    }

    #[test]
    fn losses_of_any_number_of_labels_are_those_of_optax() {
        // tests/fixtures/training.py: optax.sigmoid_binary_cross_entropy
        let rows = || {
            (
                array![LOGITS[0], LOGITS[1]],
                array![[0.0, 1.0, 0.0], [1.0, 1.0, 0.0]],
            )
        };
        check_loss(
            Kind::MultiLabel,
            &training(0.0, 0.0),
            rows(),
            21.394_398,
            array![
                [0.365_529_27, -0.059_601_456, 0.023_712_937],
                [-0.188_770_34, -0.281_088_26, 0.5]
            ],
        );
        check_loss(
            Kind::MultiLabel,
            &training(0.1, 0.0),
            rows(),
            20.500_647,
            array![
                [0.340_529_3, -0.034_601_454, -0.001_287_063_6],
                [-0.163_770_33, -0.256_088_26, 0.475]
            ],
        );
    }

    #[test]
    fn a_rare_label_weighs_more_where_it_is_there() {
        // tests/fixtures/training.py: weights (n without / n with)^0.5
        check_loss(
            Kind::MultiLabel,
            &training(0.0, 0.5),
            (
                array![[0.2, -0.4], [1.0, 0.3], [-0.7, 0.1], [0.0, 2.0]],
                array![[1.0, 0.0], [0.0, 1.0], [0.0, 1.0], [0.0, 0.0]],
            ),
            1.821_074_2,
            array![
                [-0.194_927_59, 0.100_328_09],
                [0.182_764_63, -0.106_389_366],
                [0.082_953_05, -0.118_755_2],
                [0.125, 0.220_199_26]
            ],
        );
    }

    #[test]
    fn steps_are_those_of_optax() {
        // tests/fixtures/training.py: optax.adamw(0.1, weight_decay=0.05)
        let mut parameters = Parameters::new(array![[1.0, -2.0, 0.5]]);
        let derivatives = [[0.5, -1.0, 0.0], [0.25, 3.0, 1e-3], [-2.0, 0.1, 0.0]];
        for (step, derivative) in (1..).zip(derivatives) {
            parameters.learn(&array![derivative], 0.1, 0.05, step);
        }
        let expected = array![[0.835_468_1, -1.960_521_3, 0.360_976_85]];
        let most =
            (&parameters.values - &expected).fold(0.0_f32, |most, value| most.max(value.abs()));
        assert!(most < 1e-5, "{}", parameters.values);
    }

    #[test]
    fn the_step_size_rises_and_then_falls_to_nothing() {
        let met: Vec<f32> = (0..100).map(|step| schedule(step, 100)).collect();
        assert_eq!(met[0], 0.2);
        assert_eq!(met[5], 1.0);
        assert!(
            met[4..].windows(2).all(|pair| pair[1] <= pair[0]),
            "{met:?}"
        );
        assert!(met[99] < 0.001, "{met:?}");
    }

    #[test]
    fn what_is_left_out_is_made_up_for() {
        let mut values = Array2::ones((200, 50));
        let starts: Vec<usize> = (0..=200).collect();
        leave_out(&mut [&mut values], &starts, 0.4, &mut Random::new(1));
        let out = values.iter().filter(|value| **value == 0.0).count();
        // Five standard deviations of a binomial count: sqrt(10 000 · 0.4 · 0.6) = 49.
        assert!(out.abs_diff(4000) < 245, "{out}");
        assert!((values.mean().unwrap() - 1.0).abs() < 0.05);
    }

    #[test]
    fn the_same_is_left_out_of_all_rows_of_a_text() {
        let mut values = Array2::ones((4, 64));
        let mut slopes = values.clone();
        leave_out(
            &mut [&mut values, &mut slopes],
            &[0, 3, 4],
            0.5,
            &mut Random::new(1),
        );
        assert_eq!(values.row(0), values.row(2));
        assert_ne!(values.row(0), values.row(3));
        assert_eq!(values, slopes);
    }

    /// A net that is the head of `tests/fixtures/training.py` on features as they are.
    fn small_net() -> Net {
        let head = small_head();
        let hidden = head.hidden.unwrap();
        let row = |bias: Array1<f32>| Parameters::new(bias.insert_axis(Axis(0)));
        Net {
            hidden: Some((Parameters::new(hidden.weights), row(hidden.bias))),
            queries: head.queries.map(Parameters::new),
            weights: Parameters::new(head.last.weights),
            bias: row(head.last.bias),
            mean: Array1::zeros(2),
            scale: Array1::ones(2),
            step: 0,
        }
    }

    #[test]
    fn derivatives_of_a_head_are_those_of_jax() {
        // tests/fixtures/training.py: jax.value_and_grad(head_loss)
        let targets = array![[1.0, 0.0], [0.0, 1.0]];
        let training = training(0.0, 0.0);
        let loss = Loss::new(Kind::MultiLabel, &training, targets.view());
        let batch = small_features().gather(&[0, 1]);
        let mut random = Random::new(1);
        let met =
            small_net().derivatives(batch, targets.view(), &loss, &training, 0.5, &mut random);
        let close = |met: &Array2<f32>, expected: Array2<f32>| {
            let most = (met - &expected).fold(0.0_f32, |most, value| most.max(value.abs()));
            assert!(most < 1e-6, "{met} instead of {expected}");
        };
        assert!((met.loss * 0.5 - 0.510_401).abs() < 1e-6, "{}", met.loss);
        let (weights, bias) = met.hidden.unwrap();
        close(
            &weights,
            array![
                [0.017_748_967, 0.175_220_03, 0.025_010_746],
                [-0.005_896_774, -0.141_562_37, -0.053_551_66]
            ],
        );
        close(&bias, array![[0.036_792_815, -0.271_979_57, 0.136_400_88]]);
        close(
            &met.queries.unwrap(),
            array![
                [0.056_015_78, 0.031_077_707],
                [-0.111_193_374, -0.211_405_19],
                [0.016_405_9, 0.079_609_41]
            ],
        );
        close(
            &met.weights,
            array![
                [0.075_984_05, -0.048_190_16],
                [-0.060_910_76, 0.195_639_24],
                [0.037_710_134, 0.002_273_338]
            ],
        );
        close(&met.bias, array![[0.165_686_6, 0.045_600_146]]);
    }

    #[test]
    fn features_are_standardised_over_all_rows() {
        // numpy.mean and numpy.std of [1, -1, 0, 0.5] and [2, 0.5, -0.75, 0.25]
        let (mean, scale) = standardisation(&small_features(), &[0, 1]);
        assert_eq!(mean, array![0.125, 0.5]);
        let expected = [1.0 / (0.739_509_98 + 1e-3), 1.0 / (0.984_250_98 + 1e-3)];
        for (met, expected) in scale.iter().zip(expected) {
            assert!((met - expected as f32).abs() < 1e-5, "{scale}");
        }
    }
}
