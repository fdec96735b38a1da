//! Normalisation of rows.

use crate::lanes::F32x4;

/// `(x - mean) / √(variance + epsilon) · scale + bias` over each row (J. L. Ba et al., "Layer
/// normalization", 2016).
#[derive(Clone, Debug, PartialEq)]
pub struct LayerNorm {
    /// One factor for each value of a row.
    pub scale: Vec<f32>,
    /// Added at the end, for each value of a row.
    pub bias: Vec<f32>,
    /// Added to the variance.
    pub epsilon: f32,
}

impl LayerNorm {
    /// Replaces each row of `values`, `[rows, length]`.
    ///
    /// # Panics
    /// Where there are no whole rows, or scale and bias are not as long as one.
    pub fn apply(&self, values: &mut [f32]) {
        let length = self.scale.len();
        assert_eq!(self.bias.len(), length, "a bias for each value");
        assert_eq!(values.len() % length.max(1), 0, "whole rows");
        for row in values.chunks_exact_mut(length.max(1)) {
            let n = length as f32;
            let mean = sum(row, |x| x) / n;
            let shift = F32x4::splat(mean);
            let variance = sum(row, |x| {
                let difference = x.sub(shift);
                difference.mul(difference)
            });
            let factor = F32x4::splat((variance / n + self.epsilon).sqrt().recip());
            let normalised = |x: [f32; 4], scale: [f32; 4], bias: [f32; 4]| {
                let x = F32x4::from_array(x).sub(shift).mul(factor);
                let bias = F32x4::from_array(bias);
                bias.madd(x, F32x4::from_array(scale)).to_array()
            };
            let (fours, rest) = row.as_chunks_mut::<4>();
            let (scales, scale_rest) = self.scale.as_chunks::<4>();
            let (biases, bias_rest) = self.bias.as_chunks::<4>();
            for ((four, scale), bias) in fours.iter_mut().zip(scales).zip(biases) {
                *four = normalised(*four, *scale, *bias);
            }
            let last = normalised(filled(rest), filled(scale_rest), filled(bias_rest));
            rest.copy_from_slice(&last[..rest.len()]);
        }
    }
}

/// The sum of a function of all values.
#[inline(always)]
fn sum(row: &[f32], function: impl Fn(F32x4) -> F32x4) -> f32 {
    let mut sums = [F32x4::splat(0.0); 4];
    let (sixteens, rest) = row.as_chunks::<16>();
    for sixteen in sixteens {
        for (sum, four) in sums.iter_mut().zip(sixteen.as_chunks::<4>().0) {
            *sum = sum.add(function(F32x4::from_array(*four)));
        }
    }
    let (fours, rest) = rest.as_chunks::<4>();
    for (sum, four) in sums.iter_mut().zip(fours) {
        *sum = sum.add(function(F32x4::from_array(*four)));
    }
    let [a, b, c, d] = sums;
    let last = function(F32x4::from_array(filled(rest))).to_array();
    let sum: f32 = a.add(b).add(c.add(d)).to_array().iter().sum();
    sum + last[..rest.len()].iter().sum::<f32>()
}

fn filled(values: &[f32]) -> [f32; 4] {
    let mut four = [0.0; 4];
    four[..values.len()].copy_from_slice(values);
    four
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gemm_f32_4x8::tests::noise;

    #[test]
    fn rows_of_every_length_are_normalised() {
        for length in [1, 3, 4, 7, 16, 21, 384] {
            let norm = LayerNorm {
                scale: noise(length, 1),
                bias: noise(length, 2),
                epsilon: 1e-5,
            };
            // Far from zero, so that the mean matters.
            let before: Vec<f32> = noise(3 * length, 3).iter().map(|x| x + 2.0).collect();
            let mut after = before.clone();
            norm.apply(&mut after);
            for (before, after) in before.chunks(length).zip(after.chunks(length)) {
                let n = length as f64;
                let mean = before.iter().map(|x| f64::from(*x)).sum::<f64>() / n;
                let squares = before.iter().map(|x| (f64::from(*x) - mean).powi(2));
                let deviation = (squares.sum::<f64>() / n + 1e-5).sqrt();
                for (at, met) in after.iter().enumerate() {
                    let expected = (f64::from(before[at]) - mean) / deviation
                        * f64::from(norm.scale[at])
                        + f64::from(norm.bias[at]);
                    assert!(
                        (f64::from(*met) - expected).abs() < 2e-4,
                        "{length}: {met}, {expected}"
                    );
                }
            }
        }
    }
}
