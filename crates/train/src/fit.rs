//! Training a head as its recipe says.

use ndarray::{Array2, ArrayView2, Axis};
use vitrine_stats::Random;

use crate::TrainError;
use crate::corpus::Example;
use crate::head::{Head, sigmoid, softmax};
use crate::optimise::{Epoch, Labelled, Task, optimise};
use crate::parallel::in_parallel;
use crate::recipe::{FOLDS, HeadRecipe, Kind};
use crate::split;

/// A trained head and how it came to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Fitted {
    /// The head; where there are several members, all of them in one.
    pub head: Head,
    /// The epoch each member is from.
    pub epochs: Vec<usize>,
}

/// Trains all members, as many at a time as there are processors, and averages them.
///
/// With `dev` each member ends when it gets no better there. The same seed gives the same head, on
/// however many processors of a kind.
///
/// # Errors
/// [`TrainError::Shape`] when texts and targets do not fit each other, [`TrainError::Empty`] without
/// texts, [`TrainError::Diverged`] when the loss is no longer a number.
pub fn fit(
    recipe: &HeadRecipe,
    train: Labelled,
    dev: Option<Labelled>,
    seed: u64,
    on_epoch: &(dyn Fn(Epoch) + Sync),
) -> Result<Fitted, TrainError> {
    check(train)?;
    if let Some(dev) = dev {
        check(dev)?;
    }
    let task = task(recipe, on_epoch);
    let members: Vec<_> = in_parallel(recipe.training.members, |member| {
        optimise(task, train, dev, member, member_seed(seed, member))
    })
    .into_iter()
    .collect::<Result<_, TrainError>>()?;
    let epochs = members.iter().map(|member| member.epoch).collect();
    let heads = members.into_iter().map(|member| member.head).collect();
    let head = Head::mean_of(heads).ok_or(TrainError::Empty)?;
    Ok(Fitted { head, epochs })
}

/// What heads say of each text that were trained on the others: probabilities `[n, labels]`.
///
/// The texts are divided into [`FOLDS`] folds; one member is trained for each, without it, for all
/// epochs of the recipe. `examples` are the texts of `train`.
///
/// # Errors
/// As [`fit`].
pub fn cross_fit(
    recipe: &HeadRecipe,
    train: Labelled,
    examples: &[Example],
    seed: u64,
    on_epoch: &(dyn Fn(Epoch) + Sync),
) -> Result<Array2<f64>, TrainError> {
    check(train)?;
    let task = task(recipe, on_epoch);
    let fold_of = split::folds(examples, FOLDS, seed);
    let rows = |wanted: &dyn Fn(usize) -> bool| -> Vec<usize> {
        let folds = fold_of.iter().enumerate();
        folds
            .filter(|(_, fold)| wanted(**fold))
            .map(|(row, _)| row)
            .collect()
    };
    let said = in_parallel(FOLDS, |fold| {
        let (others, held_out) = (rows(&|of| of != fold), rows(&|of| of == fold));
        let texts =
            |rows: &[usize]| -> Vec<usize> { rows.iter().map(|row| train.texts[*row]).collect() };
        let targets = train.targets.select(Axis(0), &others);
        let rest = Labelled {
            features: train.features,
            texts: &texts(&others),
            targets: targets.view(),
        };
        let member = optimise(task, rest, None, fold, member_seed(seed, fold))?;
        let logits = member.head.logits(train.features, &texts(&held_out));
        Ok((held_out, probabilities(&logits, recipe.kind)))
    });
    let mut all = Array2::zeros(train.targets.dim());
    for part in said {
        let (held_out, said) = part?;
        for (row, said) in held_out.into_iter().zip(said.outer_iter()) {
            all.row_mut(row).assign(&said);
        }
    }
    Ok(all)
}

/// Labels of which `share` is replaced by what other heads say.
pub fn with_second_opinion(
    targets: ArrayView2<f32>,
    said: &Array2<f64>,
    share: f32,
) -> Array2<f32> {
    &targets * (1.0 - share) + said.mapv(|probability| probability as f32) * share
}

/// Logits as probabilities, in the way of this kind of head.
pub fn probabilities(logits: &Array2<f32>, kind: Kind) -> Array2<f64> {
    match kind {
        Kind::SingleLabel => softmax(logits),
        Kind::MultiLabel => sigmoid(logits),
    }
}

/// Labels as a matrix `[n, classes]` of 0 and 1.
pub fn targets<'a>(
    examples: impl ExactSizeIterator<Item = &'a Example>,
    n_classes: usize,
) -> Array2<f32> {
    let mut targets = Array2::zeros((examples.len(), n_classes));
    for (row, example) in examples.enumerate() {
        for label in &example.labels {
            targets[[row, *label]] = 1.0;
        }
    }
    targets
}

fn task<'a>(recipe: &'a HeadRecipe, on_epoch: &'a (dyn Fn(Epoch) + Sync)) -> Task<'a> {
    Task {
        kind: recipe.kind,
        reads: recipe.reads,
        training: &recipe.training,
        on_epoch,
    }
}

fn check(labelled: Labelled) -> Result<(), TrainError> {
    if labelled.texts.is_empty() {
        return Err(TrainError::Empty);
    }
    let that = |what, met, expected| match met == expected {
        true => Ok(()),
        false => Err(TrainError::Shape {
            what,
            met,
            expected,
        }),
    };
    that(
        "rows of labels",
        labelled.targets.nrows(),
        labelled.texts.len(),
    )?;
    let n_texts = labelled.features.n_texts();
    match labelled.texts.iter().find(|text| **text >= n_texts) {
        Some(text) => that("texts with features", n_texts, text + 1),
        None => Ok(()),
    }
}

/// Seeds of members are far apart whatever the seed is.
fn member_seed(seed: u64, member: usize) -> u64 {
    Random::new(seed ^ (member as u64) << 32).bits()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use ndarray::array;

    use super::*;
    use crate::features::Features;
    use crate::recipe::{Reads, Training};

    fn recipe(kind: Kind) -> HeadRecipe {
        HeadRecipe {
            name: "small".into(),
            data: String::new(),
            encoder: String::new(),
            labels: String::new(),
            kind,
            reads: Reads::Mean,
            group: Vec::new(),
            training: Training {
                hidden: 16,
                members: 3,
                epochs: 20,
                patience: Some(20),
                batch: 16,
                learning_rate: 0.02,
                weight_decay: 0.01,
                input_dropout: 0.0,
                dropout: 0.1,
                label_smoothing: 0.0,
                second_opinion: 0.0,
                rare_label_power: 0.0,
            },
        }
    }

    struct Data {
        features: Features,
        texts: Vec<usize>,
        examples: Vec<Example>,
        targets: Array2<f32>,
    }

    impl Data {
        fn new(features: Features, labels: Vec<usize>) -> Data {
            let examples: Vec<Example> = labels
                .into_iter()
                .map(|label| Example {
                    text: String::new(),
                    labels: vec![label],
                })
                .collect();
            Data {
                features,
                texts: (0..examples.len()).collect(),
                targets: targets(examples.iter(), 2),
                examples,
            }
        }

        /// Points in a plane; the label is whether both coordinates have the same sign, which no
        /// linear head can tell.
        fn points(n: usize, seed: u64) -> Data {
            let mut random = Random::new(seed);
            let mut even = || (random.unit() * 2.0 - 1.0) as f32;
            let mut features = Features::new(2);
            let mut labels = Vec::new();
            for _ in 0..n {
                let (x, y) = (even(), even());
                features.push(&[x, y]);
                labels.push(usize::from(x * y > 0.0));
            }
            Data::new(features, labels)
        }

        /// The means of [`Data::marked`]'s rows.
        fn mean_of_marked(n: usize, seed: u64) -> Data {
            let data = Data::marked(n, seed);
            let mut features = Features::new(2);
            for text in &data.texts {
                let rows = data.features.gather(&[*text]).rows;
                features.push(&rows.mean_axis(Axis(0)).unwrap().to_vec());
            }
            Data { features, ..data }
        }

        /// Four rows each, one of which is marked; the label is whether its number is above 0.
        fn marked(n: usize, seed: u64) -> Data {
            let mut random = Random::new(seed);
            let mut features = Features::new(2);
            let mut labels = Vec::new();
            for _ in 0..n {
                let marked = random.below(4);
                let mut rows = Vec::new();
                for row in 0..4 {
                    let number = (random.unit() * 2.0 - 1.0) as f32;
                    rows.extend([if row == marked { 1.0 } else { 0.0 }, number]);
                    if row == marked {
                        labels.push(usize::from(number > 0.0));
                    }
                }
                features.push(&rows);
            }
            Data::new(features, labels)
        }

        fn labelled(&self) -> Labelled<'_> {
            Labelled {
                features: &self.features,
                texts: &self.texts,
                targets: self.targets.view(),
            }
        }
    }

    fn score(recipe: &HeadRecipe, data: fn(usize, u64) -> Data) -> f64 {
        let fitted = fit(recipe, data(400, 1).labelled(), None, 7, &|_| {}).unwrap();
        let test = data(500, 2);
        let logits = fitted.head.logits(&test.features, &test.texts);
        crate::scores::quick_score(&logits, test.targets.view(), recipe.kind)
    }

    #[test]
    fn a_hidden_layer_learns_what_is_not_linear() {
        for kind in [Kind::SingleLabel, Kind::MultiLabel] {
            let mut recipe = recipe(kind);
            let with = score(&recipe, Data::points);
            recipe.training.hidden = 0;
            let without = score(&recipe, Data::points);
            assert!(with > 0.93 && without < 0.75, "{kind:?}: {with} {without}");
        }
    }

    #[test]
    fn labels_learn_where_to_look() {
        let mut recipe = recipe(Kind::MultiLabel);
        recipe.training.members = 1;
        let mean = score(&recipe, Data::mean_of_marked);
        recipe.reads = Reads::Tokens;
        let tokens = score(&recipe, Data::marked);
        assert!(tokens > 0.93 && mean < 0.8, "{tokens} {mean}");
    }

    #[test]
    fn the_seed_decides_the_head() {
        let data = Data::points(400, 1);
        let head = |seed| {
            fit(
                &recipe(Kind::MultiLabel),
                data.labelled(),
                None,
                seed,
                &|_| {},
            )
            .unwrap()
        };
        assert_eq!(head(7), head(7));
        assert_ne!(head(7), head(8));
    }

    #[test]
    fn members_become_one_wider_head() {
        let data = Data::points(400, 1);
        let fitted = fit(
            &recipe(Kind::SingleLabel),
            data.labelled(),
            None,
            7,
            &|_| {},
        )
        .unwrap();
        assert_eq!(fitted.head.hidden.unwrap().weights.dim(), (2, 48));
        assert_eq!(fitted.head.last.weights.dim(), (48, 2));
        assert_eq!(fitted.epochs, [20, 20, 20]);
    }

    #[test]
    fn training_ends_when_dev_gets_no_better() {
        let (train, mut dev) = (Data::points(400, 1), Data::points(200, 2));
        // Labels the wrong way round: every epoch that learns makes dev worse.
        dev.targets.mapv_inplace(|target| 1.0 - target);
        let mut recipe = recipe(Kind::SingleLabel);
        recipe.training.patience = Some(2);
        recipe.training.members = 1;
        let seen = Mutex::new(Vec::new());
        let fitted = fit(
            &recipe,
            train.labelled(),
            Some(dev.labelled()),
            7,
            &|epoch| {
                seen.lock().unwrap().push(epoch);
            },
        )
        .unwrap();
        let seen = seen.into_inner().unwrap();
        assert!(seen.len() < 20, "{}", seen.len());
        assert_eq!(fitted.epochs[0] + 2, seen.len());
        let best = seen
            .iter()
            .min_by(|a, b| a.dev.unwrap().loss.total_cmp(&b.dev.unwrap().loss))
            .unwrap();
        assert_eq!(best.epoch, fitted.epochs[0]);
    }

    #[test]
    fn a_second_opinion_finds_a_wrong_label() {
        let mut data = Data::points(400, 1);
        let is_clear = |text: &usize| {
            let point = data.features.gather(&[*text]).rows;
            point.iter().all(|coordinate| coordinate.abs() > 0.5)
        };
        let clear = (0..400).find(is_clear).unwrap();
        let wrong = 1 - data.examples[clear].labels[0];
        data.examples[clear].labels = vec![wrong];
        data.targets = targets(data.examples.iter(), 2);
        let recipe = recipe(Kind::SingleLabel);
        let said = cross_fit(&recipe, data.labelled(), &data.examples, 7, &|_| {}).unwrap();
        assert!(said[[clear, wrong]] < 0.1, "{}", said.row(clear));
        let softer = with_second_opinion(data.targets.view(), &said, 0.5);
        assert!(softer[[clear, wrong]] < 0.55);
    }

    #[test]
    fn half_a_second_opinion_is_the_mean_of_both() {
        let met = with_second_opinion(array![[1.0, 0.0]].view(), &array![[0.5, 0.25]], 0.5);
        assert_eq!(met, array![[0.75, 0.125]]);
    }

    #[test]
    fn what_cannot_be_trained_is_an_error() {
        let recipe = recipe(Kind::SingleLabel);
        let nothing = Data::points(0, 1);
        let error = fit(&recipe, nothing.labelled(), None, 7, &|_| {}).unwrap_err();
        assert!(matches!(error, TrainError::Empty), "{error}");
        let mut data = Data::points(10, 1);
        data.texts.push(10);
        let error = fit(&recipe, data.labelled(), None, 7, &|_| {}).unwrap_err();
        assert!(
            matches!(
                error,
                TrainError::Shape {
                    met: 10,
                    expected: 11,
                    ..
                }
            ),
            "{error}"
        );
        data.targets = Array2::zeros((11, 2));
        let error = fit(&recipe, data.labelled(), None, 7, &|_| {}).unwrap_err();
        assert!(error.to_string().contains("texts with features"), "{error}");
    }
}
