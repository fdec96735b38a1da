//! A head: what tells labels from an encoder's features.

use half::f16;
use ndarray::{Array1, Array2, ArrayView2, Axis, Slice, Zip, concatenate};
use vitrine_protocol::Weights;

use crate::features::{Batch, Features};
use crate::parallel::in_parallel;

/// One fully connected layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// `[inputs, outputs]`.
    pub weights: Array2<f32>,
    /// `[outputs]`.
    pub bias: Array1<f32>,
}

/// Tells labels from the rows of a text, one or one per token.
///
/// Each row `x` becomes `h = gelu(hidden(x))`, or stays as it is. Label `c` looks at row `t` with
/// the attention `a = softmax over t of queries[c] · h[t]`, or at all alike, and its logit is
/// `Σ a · (weights[c] · h[t]) + bias[c]`. Each label choosing by itself where to look is the
/// label-wise attention of J. Mullenbach et al., "Explainable prediction of medical codes from
/// clinical text", 2018.
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    /// The layer before GELU; none for a linear head.
    pub hidden: Option<Layer>,
    /// `[inputs of last, labels]`: where each label looks; none for a head that reads one row per
    /// text.
    pub queries: Option<Array2<f32>>,
    /// What each label makes of a row.
    pub last: Layer,
}

/// Texts that are looked at together; the number changes how much memory is used, and nothing else.
const CHUNK: usize = 256;

impl Head {
    /// Logits `[texts, labels]` of some texts, in their order.
    pub fn logits(&self, features: &Features, texts: &[usize]) -> Array2<f32> {
        let chunks: Vec<&[usize]> = texts.chunks(CHUNK).collect();
        let parts = in_parallel(chunks.len(), |at| {
            self.batch_logits(&features.gather(chunks[at]))
        });
        let views: Vec<ArrayView2<f32>> = parts.iter().map(|part| part.view()).collect();
        concatenate(Axis(0), &views).unwrap_or_else(|_| Array2::zeros((0, self.n_labels())))
    }

    /// Number of labels.
    pub fn n_labels(&self) -> usize {
        self.last.bias.len()
    }

    /// Number of weights and biases.
    pub fn n_parameters(&self) -> usize {
        let hidden = self
            .hidden
            .as_ref()
            .map_or(0, |layer| layer.weights.len() + layer.bias.len());
        let queries = self.queries.as_ref().map_or(0, Array2::len);
        hidden + queries + self.last.weights.len() + self.last.bias.len()
    }

    fn batch_logits(&self, batch: &Batch) -> Array2<f32> {
        let hidden = match &self.hidden {
            Some(layer) => (batch.rows.dot(&layer.weights) + &layer.bias).mapv(|z| gelu(z).0),
            None => batch.rows.clone(),
        };
        let queried = self.queries.as_ref().map(|queries| hidden.dot(queries));
        let values = hidden.dot(&self.last.weights);
        let attention = attention(queried, &batch.starts, values.dim());
        pooled(&attention, &values, &batch.starts) + &self.last.bias
    }

    /// The same head for features that are not standardised: `(feature - mean) · scale` becomes part
    /// of the first layer. A head with queries has a hidden layer.
    pub(crate) fn with_standardised_input(
        mut self,
        mean: &Array1<f32>,
        scale: &Array1<f32>,
    ) -> Head {
        let first = self.hidden.as_mut().unwrap_or(&mut self.last);
        for (mut row, scale) in first.weights.axis_iter_mut(Axis(0)).zip(scale) {
            row.mapv_inplace(|weight| weight * scale);
        }
        first.bias = &first.bias - &mean.dot(&first.weights);
        self
    }

    /// One head whose logits are the mean of the members' logits: their hidden layers side by side.
    ///
    /// Members are all alike and read one row per text.
    pub(crate) fn mean_of(members: Vec<Head>) -> Option<Head> {
        let share = 1.0 / members.len() as f32;
        let mut mean = members.into_iter().reduce(|mut all, member| {
            match (&mut all.hidden, &member.hidden) {
                (Some(hidden), Some(more)) => {
                    hidden.weights = beside(&hidden.weights, &more.weights, Axis(1));
                    hidden.bias = hidden.bias.iter().chain(&more.bias).copied().collect();
                    all.last.weights = beside(&all.last.weights, &member.last.weights, Axis(0));
                }
                _ => all.last.weights += &member.last.weights,
            }
            all.last.bias += &member.last.bias;
            all
        })?;
        mean.last.weights.mapv_inplace(|weight| weight * share);
        mean.last.bias.mapv_inplace(|bias| bias * share);
        Some(mean)
    }

    /// The same head with its weights as a file of this width gives them back; biases stay.
    ///
    /// In int8 each column, which is an output, has its own scale: its largest magnitude over 127.
    pub fn rounded(&self, width: Weights) -> Head {
        let layer = |layer: &Layer| Layer {
            weights: rounded(&layer.weights, width),
            bias: layer.bias.clone(),
        };
        let queries = self.queries.as_ref();
        Head {
            hidden: self.hidden.as_ref().map(layer),
            queries: queries.map(|queries| rounded(queries, width)),
            last: layer(&self.last),
        }
    }
}

fn rounded(weights: &Array2<f32>, width: Weights) -> Array2<f32> {
    let mut weights = weights.clone();
    match width {
        Weights::AsSource | Weights::F32 => {}
        Weights::F16 => weights.mapv_inplace(|weight| f16::from_f32(weight).to_f32()),
        Weights::Int8 => {
            for mut column in weights.columns_mut() {
                let largest = column
                    .iter()
                    .fold(0.0_f32, |most, weight| most.max(weight.abs()));
                let scale = (largest / 127.0).max(f32::MIN_POSITIVE);
                column.mapv_inplace(|weight| (weight / scale).round() * scale);
            }
        }
    }
    weights
}

/// Two matrices joined along an axis; the lengths of the other axis are equal.
fn beside(left: &Array2<f32>, right: &Array2<f32>, axis: Axis) -> Array2<f32> {
    concatenate(axis, &[left.view(), right.view()]).unwrap_or_else(|_| left.clone())
}

/// GELU of a number, and its slope there: `z · Φ(z)` with the normal distribution Φ.
///
/// D. Hendrycks and K. Gimpel, "Gaussian error linear units", 2016.
pub(crate) fn gelu(z: f32) -> (f32, f32) {
    const SQRT_HALF: f32 = std::f32::consts::FRAC_1_SQRT_2;
    // 1/√(2π), of the normal density.
    const DENSITY_AT_0: f32 = 0.398_942_3;
    let below = 0.5 * (1.0 + libm::erff(z * SQRT_HALF));
    (z * below, below + z * DENSITY_AT_0 * (-0.5 * z * z).exp())
}

/// How much each label looks at each row, `[rows, labels]`: for each text and label it adds up to 1.
///
/// `starts` says where the rows of each text begin. Without scores all rows of a text count alike.
pub(crate) fn attention(
    scores: Option<Array2<f32>>,
    starts: &[usize],
    shape: (usize, usize),
) -> Array2<f32> {
    let mut attention = scores.unwrap_or_else(|| Array2::zeros(shape));
    for text in starts.windows(2) {
        let mut rows = attention.slice_axis_mut(Axis(0), Slice::from(text[0]..text[1]));
        let max = rows.fold_axis(Axis(0), f32::NEG_INFINITY, |max, score| max.max(*score));
        for mut row in rows.outer_iter_mut() {
            Zip::from(&mut row)
                .and(&max)
                .for_each(|score, max| *score = (*score - max).exp());
        }
        let sum = rows.sum_axis(Axis(0));
        for mut row in rows.outer_iter_mut() {
            row /= &sum;
        }
    }
    attention
}

/// The rows of each text, each as much as it is looked at: `[texts, labels]`.
pub(crate) fn pooled(
    attention: &Array2<f32>,
    values: &Array2<f32>,
    starts: &[usize],
) -> Array2<f32> {
    let mut pooled = Array2::zeros((starts.len() - 1, values.ncols()));
    for (mut sum, text) in pooled.outer_iter_mut().zip(starts.windows(2)) {
        for row in text[0]..text[1] {
            Zip::from(&mut sum)
                .and(attention.row(row))
                .and(values.row(row))
                .for_each(|sum, attention, value| *sum += attention * value);
        }
    }
    pooled
}

/// The probability of each logit by itself, in f64 so that far ends do not round to 0 or 1.
pub(crate) fn sigmoid(logits: &Array2<f32>) -> Array2<f64> {
    logits.mapv(|logit| 1.0 / (1.0 + (-f64::from(logit)).exp()))
}

/// Probabilities of each row that add up to 1.
pub(crate) fn softmax(logits: &Array2<f32>) -> Array2<f64> {
    let mut probabilities = logits.mapv(f64::from);
    for mut row in probabilities.axis_iter_mut(Axis(0)) {
        let max = row.fold(f64::NEG_INFINITY, |max, value| max.max(*value));
        row.mapv_inplace(|value| (value - max).exp());
        let sum = row.sum();
        row.mapv_inplace(|value| value / sum);
    }
    probabilities
}

#[cfg(test)]
pub(crate) mod tests {
    use ndarray::array;

    use super::*;

    /// The head whose figures `tests/fixtures/training.py` prints.
    pub(crate) fn small_head() -> Head {
        Head {
            hidden: Some(Layer {
                weights: array![[1.0, -2.0, 0.5], [0.25, 1.0, -1.0]],
                bias: array![0.1, -0.2, 0.3],
            }),
            queries: Some(array![[0.5, -1.0], [0.25, 0.75], [-0.5, 1.0]]),
            last: Layer {
                weights: array![[1.0, 2.0], [3.0, -1.0], [0.5, 0.5]],
                bias: array![-0.5, 0.5],
            },
        }
    }

    /// Two texts, of three rows and of one.
    pub(crate) fn small_features() -> Features {
        let mut features = Features::new(2);
        features.push(&[1.0, 2.0, -1.0, 0.5, 0.0, -0.75]);
        features.push(&[0.5, 0.25]);
        features
    }

    fn linear() -> Head {
        Head {
            hidden: None,
            queries: None,
            last: Layer {
                weights: array![[1.0, 2.0], [3.0, -1.0]],
                bias: array![-0.5, 0.5],
            },
        }
    }

    #[track_caller]
    fn assert_close(met: &Array2<f32>, expected: &Array2<f32>) {
        assert_eq!(met.dim(), expected.dim());
        let difference = (met - expected).fold(0.0_f32, |most, value| most.max(value.abs()));
        assert!(difference < 1e-5, "{met} instead of {expected}");
    }

    #[test]
    fn logits_are_those_of_jax() {
        // tests/fixtures/training.py: head
        let expected = array![[2.589_408_6, -1.152_558_2], [-0.400_482_62, 1.743_871_5]];
        assert_close(&small_head().logits(&small_features(), &[0, 1]), &expected);
    }

    #[test]
    fn texts_are_answered_by_themselves_and_in_order() {
        let (head, features) = (small_head(), small_features());
        let both = head.logits(&features, &[1, 0, 1]);
        for (row, text) in [1, 0, 1].into_iter().enumerate() {
            let one = head.logits(&features, &[text]);
            assert_close(&both.select(Axis(0), &[row]), &one);
        }
    }

    #[test]
    fn without_queries_rows_count_alike() {
        let head = Head {
            queries: Some(Array2::zeros((3, 2))),
            ..small_head()
        };
        let alike = Head {
            queries: None,
            ..small_head()
        };
        let features = small_features();
        assert_close(
            &alike.logits(&features, &[0, 1]),
            &head.logits(&features, &[0, 1]),
        );
    }

    #[test]
    fn standardising_becomes_part_of_the_first_layer() {
        let (mean, scale) = (array![0.5, -1.0], array![2.0, 0.25]);
        let mut standardised = Features::new(2);
        standardised.push(&[1.0, 0.75, -3.0, 0.375, -1.0, 0.0625]);
        standardised.push(&[0.0, 0.3125]);
        for head in [linear(), small_head()] {
            let expected = head.logits(&standardised, &[0, 1]);
            let met = head
                .with_standardised_input(&mean, &scale)
                .logits(&small_features(), &[0, 1]);
            assert_close(&met, &expected);
        }
    }

    #[test]
    fn the_mean_of_heads_has_the_mean_of_their_logits() {
        let features = small_features();
        for one in [
            linear(),
            Head {
                queries: None,
                ..small_head()
            },
        ] {
            let members = [1.0, -0.5, 2.0].map(|factor| {
                let mut member = one.clone();
                member.last.weights *= factor;
                member.last.bias += factor;
                if let Some(hidden) = &mut member.hidden {
                    hidden.weights *= factor;
                }
                member
            });
            let sum = members
                .iter()
                .map(|member| member.logits(&features, &[0, 1]))
                .reduce(|sum, logits| sum + logits)
                .unwrap();
            let mean = Head::mean_of(members.to_vec()).unwrap();
            assert_close(&mean.logits(&features, &[0, 1]), &(sum / 3.0));
        }
        assert_eq!(Head::mean_of(Vec::new()), None);
    }

    #[test]
    fn gelu_and_its_slope_are_those_of_jax() {
        // tests/fixtures/training.py: jax.nn.gelu(z, approximate=False)
        for (z, expected_value, expected_slope) in [
            (-3.0, -0.004_049_696, -0.011_945_652),
            (-0.5, -0.154_268_77, 0.132_504_88),
            (0.0, 0.0, 0.5),
            (1.25, 1.117_937_8, 1.122_661_6),
        ] {
            let (value, slope) = gelu(z);
            assert!((value - expected_value).abs() < 1e-6, "{z}: {value}");
            assert!((slope - expected_slope).abs() < 1e-6, "{z}: {slope}");
        }
    }

    #[test]
    fn probabilities_are_those_of_scipy() {
        // tests/fixtures/training.py: scipy.special.expit and scipy.special.softmax of [1, 2, -3]
        let logits = array![[1.0, 2.0, -3.0]];
        let close = |met: Array2<f64>, expected: [f64; 3]| {
            for (met, expected) in met.iter().zip(expected) {
                assert!(
                    (met - expected).abs() < 1e-12,
                    "{met} instead of {expected}"
                );
            }
        };
        close(
            sigmoid(&logits),
            [
                0.731_058_578_630_004_9,
                0.880_797_077_977_882_3,
                0.047_425_873_177_566_78,
            ],
        );
        close(
            softmax(&logits),
            [
                0.267_623_154_149_862_4,
                0.727_475_156_800_464_8,
                0.004_901_689_049_672_921,
            ],
        );
    }
}
