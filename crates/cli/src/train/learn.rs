//! Labelled features to a head with its thresholds and its scores on dev.

use anyhow::Result;
use ndarray::{Array2, Axis};
use vitrine_protocol::Weights;
use vitrine_stats::Random;
use vitrine_train::{
    Example, Features, Head, HeadRecipe, Kind, Labelled, Scores, Thresholds, cross_fit, fit, folds,
    probabilities, targets, with_second_opinion,
};

use super::progress::Progress;
use crate::record::DevIs;

/// Texts with their features and labels.
#[derive(Clone)]
pub(super) struct Part<'a> {
    features: &'a Features,
    /// Which texts of `features`.
    texts: Vec<usize>,
    examples: Vec<Example>,
    /// `[texts, labels]` of 0 and 1.
    labels: Array2<f32>,
}

impl<'a> Part<'a> {
    /// `examples` come with their positions in `features`.
    pub(super) fn new(
        features: &'a Features,
        examples: Vec<(usize, Example)>,
        n_labels: usize,
    ) -> Part<'a> {
        let (texts, examples): (Vec<usize>, Vec<Example>) = examples.into_iter().unzip();
        Part {
            features,
            texts,
            labels: targets(examples.iter(), n_labels),
            examples,
        }
    }

    /// Gives each text the labels of another, so that there is nothing to learn.
    pub(super) fn shuffle_labels(&mut self, seed: u64) {
        let mut labels: Vec<Vec<usize>> = self
            .examples
            .iter()
            .map(|example| example.labels.clone())
            .collect();
        Random::new(seed).shuffle(&mut labels);
        for (example, labels) in self.examples.iter_mut().zip(labels) {
            example.labels = labels;
        }
        self.labels = targets(self.examples.iter(), self.labels.ncols());
    }

    /// The texts for which `wanted` says so by their position.
    fn those(&self, wanted: impl Fn(usize) -> bool) -> Part<'a> {
        let rows: Vec<usize> = (0..self.texts.len()).filter(|row| wanted(*row)).collect();
        Part {
            features: self.features,
            texts: rows.iter().map(|row| self.texts[*row]).collect(),
            examples: rows.iter().map(|row| self.examples[*row].clone()).collect(),
            labels: self.labels.select(Axis(0), &rows),
        }
    }

    fn logits(&self, head: &Head) -> Array2<f32> {
        head.logits(self.features, &self.texts)
    }

    fn labelled<'b>(&'b self, targets: &'b Array2<f32>) -> Labelled<'b> {
        Labelled {
            features: self.features,
            texts: &self.texts,
            targets: targets.view(),
        }
    }
}

/// A head, as it is stored, and what is known of it.
pub(super) struct Trained {
    /// The head with its weights as they are stored.
    pub(super) stored: Head,
    /// How they are stored.
    pub(super) weights: Weights,
    /// Dev texts that are told otherwise than by the weights in f32.
    pub(super) n_told_otherwise: usize,
    /// Epoch each member is from.
    pub(super) epochs: Vec<usize>,
    /// With any number of labels per text.
    pub(super) thresholds: Option<Thresholds>,
    /// What dev is.
    pub(super) dev_is: DevIs,
    /// Scores on dev.
    pub(super) dev: Scores,
}

impl Trained {
    /// Measures the stored head.
    pub(super) fn score(&self, recipe: &HeadRecipe, names: &[String], part: &Part) -> Scores {
        score(&self.stored, self.thresholds.as_ref(), recipe, names, part)
    }
}

/// Where there is no dev part, one in this many of the training texts is held back as one.
const N_FOLDS: usize = 10;

/// Narrower weights are good enough when macro-F1 on dev loses no more than this, half a point.
const MOST_LOST: f64 = 0.005;

/// Trains a head and chooses its thresholds.
///
/// Without a dev part a stratified tenth of the training texts takes its place: it says how many
/// epochs are best, and then the head is trained anew on all texts for as many.
pub(super) fn learn(
    recipe: &HeadRecipe,
    names: &[String],
    train: &Part,
    dev: &Part,
    seed: u64,
) -> Result<Trained> {
    let (learn, check, dev_is) = match dev.texts.is_empty() {
        false => (train.clone(), dev.clone(), DevIs::Published),
        true => {
            let fold_of = folds(&train.examples, N_FOLDS, seed);
            (
                train.those(|row| fold_of[row] != 0),
                train.those(|row| fold_of[row] == 0),
                DevIs::TenthOfTrain,
            )
        }
    };
    let chosen = fit_on(recipe, &learn, Some(&check), seed)?;
    let thresholds = (recipe.kind == Kind::MultiLabel).then(|| {
        let probabilities = probabilities(&check.logits(&chosen.head), recipe.kind);
        Thresholds::choose(probabilities.view(), check.labels.view(), seed)
    });
    let dev = score(&chosen.head, thresholds.as_ref(), recipe, names, &check);
    let mut fitted = chosen;
    if dev_is == DevIs::TenthOfTrain {
        let mut whole = recipe.clone();
        let sum: usize = fitted.epochs.iter().sum();
        whole.training.epochs = (sum + fitted.epochs.len() / 2) / fitted.epochs.len().max(1);
        fitted = fit_on(&whole, train, None, seed)?;
    }
    let stored = narrowest(fitted.head, |head| {
        let scores = score(head, thresholds.as_ref(), recipe, names, &check);
        let told = told(&check.logits(head), thresholds.as_ref(), recipe.kind);
        (scores.macro_f1.value, told)
    });
    Ok(Trained {
        stored: stored.head,
        weights: stored.weights,
        n_told_otherwise: stored.n_told_otherwise,
        epochs: fitted.epochs,
        thresholds,
        dev_is,
        dev,
    })
}

fn fit_on(
    recipe: &HeadRecipe,
    train: &Part,
    dev: Option<&Part>,
    seed: u64,
) -> Result<vitrine_train::Fitted> {
    let share = recipe.training.second_opinion;
    let mut targets = train.labels.clone();
    if share > 0.0 {
        let progress = Progress::new("second opinion", vitrine_train::FOLDS, recipe)?;
        let labelled = train.labelled(&train.labels);
        let on_epoch = |epoch| progress.show(epoch);
        let said = cross_fit(recipe, labelled, &train.examples, seed, &on_epoch)?;
        targets = with_second_opinion(train.labels.view(), &said, share);
    }
    let what = if dev.is_some() {
        "training"
    } else {
        "training on all"
    };
    let progress = Progress::new(what, recipe.training.members, recipe)?;
    let dev = dev.map(|dev| dev.labelled(&dev.labels));
    let fitted = fit(recipe, train.labelled(&targets), dev, seed, &|epoch| {
        progress.show(epoch);
    })?;
    Ok(fitted)
}

fn score(
    head: &Head,
    thresholds: Option<&Thresholds>,
    recipe: &HeadRecipe,
    names: &[String],
    part: &Part,
) -> Scores {
    let values = thresholds.map_or(&[][..], |thresholds| &thresholds.values);
    let logits = part.logits(head);
    Scores::of(&logits, part.labels.view(), recipe.kind, values, names)
}

struct Narrowed {
    head: Head,
    weights: Weights,
    n_told_otherwise: usize,
}

/// The head with its weights in as few bytes as keep its score. `measure` gives a head's macro-F1
/// and the labels it tells each text.
fn narrowest(head: Head, measure: impl Fn(&Head) -> (f64, Vec<Vec<usize>>)) -> Narrowed {
    let (score, told) = measure(&head);
    for weights in [Weights::Int8, Weights::F16] {
        let narrow = head.rounded(weights);
        let (narrow_score, narrow_told) = measure(&narrow);
        if score - narrow_score <= MOST_LOST {
            let pairs = told.iter().zip(&narrow_told);
            return Narrowed {
                head: narrow,
                weights,
                n_told_otherwise: pairs.filter(|(before, after)| before != after).count(),
            };
        }
    }
    Narrowed {
        head,
        weights: Weights::F32,
        n_told_otherwise: 0,
    }
}

/// Which labels each text is given.
fn told(logits: &Array2<f32>, thresholds: Option<&Thresholds>, kind: Kind) -> Vec<Vec<usize>> {
    let probabilities = probabilities(logits, kind);
    let rows = probabilities.outer_iter();
    rows.map(|row| match thresholds {
        Some(thresholds) => (0..row.len())
            .filter(|label| row[*label] >= f64::from(thresholds.values[*label]))
            .collect(),
        None => (0..row.len())
            .max_by(|a, b| row[*a].total_cmp(&row[*b]))
            .into_iter()
            .collect(),
    })
    .collect()
}
