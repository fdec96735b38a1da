//! Fourier transforms behind as much of rustfft's interface as tract calls.
//!
//! tract names rustfft for `Dft` and `STFT`. No task here computes one, and rustfft's plans for every length are 690 KB of
//! an engine that every visitor downloads. This is the textbook's mixed radix: any length, without plans for special
//! ones. `docs/decisions/0030-small-fourier.md` has the measurement.

use std::f64::consts::TAU;
use std::fmt::Debug;
use std::marker::PhantomData;
use std::sync::Arc;

pub use num_complex;
pub use num_traits;

use num_complex::Complex;
use num_traits::{FromPrimitive, Signed};

/// Numbers that can be transformed: f32 and f64.
pub trait FftNum: Copy + FromPrimitive + Signed + Sync + Send + Debug + 'static {}

impl<T: Copy + FromPrimitive + Signed + Sync + Send + Debug + 'static> FftNum for T {}

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FftDirection {
    /// `X[k] = Σ_j x[j] · exp(-2πi · jk / n)`.
    Forward,
    /// The same with the other sign, and not divided by `n`.
    Inverse,
}

/// Makes transforms.
#[derive(Clone, Debug, Default)]
pub struct FftPlanner<T> {
    number: PhantomData<T>,
}

impl<T: FftNum> FftPlanner<T> {
    /// A planner.
    pub fn new() -> FftPlanner<T> {
        FftPlanner {
            number: PhantomData,
        }
    }

    /// The transform of so many values.
    pub fn plan_fft(&mut self, len: usize, direction: FftDirection) -> Arc<Transform<T>> {
        Arc::new(Transform::new(len, direction))
    }

    /// The same forwards.
    pub fn plan_fft_forward(&mut self, len: usize) -> Arc<Transform<T>> {
        self.plan_fft(len, FftDirection::Forward)
    }
}

/// A transform of some length.
#[derive(Clone, Debug)]
pub struct Transform<T> {
    /// `exp(∓2πi · k / n)` for each `k` below the length `n`.
    roots: Vec<Complex<T>>,
}

impl<T: FftNum> Transform<T> {
    fn new(len: usize, direction: FftDirection) -> Transform<T> {
        let turn = match direction {
            FftDirection::Forward => -TAU,
            FftDirection::Inverse => TAU,
        };
        // Computed in f64 whatever the numbers are, because the error of a root goes into every value.
        let number = |value: f64| T::from_f64(value).unwrap_or_else(T::zero);
        let roots = (0..len).map(|k| {
            let (sine, cosine) = (turn * k as f64 / len as f64).sin_cos();
            Complex::new(number(cosine), number(sine))
        });
        Transform {
            roots: roots.collect(),
        }
    }

    /// Transforms each piece of the transform's length in place.
    ///
    /// # Panics
    /// Where `values` are not whole pieces.
    pub fn process(&self, values: &mut [Complex<T>]) {
        let len = self.roots.len();
        if len == 0 {
            return;
        }
        assert!(
            values.len().is_multiple_of(len),
            "{} values are no pieces of {len}",
            values.len()
        );
        for piece in values.chunks_exact_mut(len) {
            let transformed = self.transformed(piece, 1, len);
            piece.copy_from_slice(&transformed);
        }
    }

    /// The transform of `len` values that lie `step` apart. Split by the least prime factor `p` into `p` shorter ones:
    /// `X[k] = Σ_r root^(rk) · X_r[k mod (len / p)]`, Cooley and Tukey's formula.
    fn transformed(&self, values: &[Complex<T>], step: usize, len: usize) -> Vec<Complex<T>> {
        if len == 1 {
            return vec![values[0]];
        }
        let n_parts = least_factor(len);
        let part_len = len / n_parts;
        let parts: Vec<Vec<Complex<T>>> = (0..n_parts)
            .map(|part| self.transformed(&values[part * step..], step * n_parts, part_len))
            .collect();
        let value = |k: usize| {
            let terms = parts.iter().enumerate();
            let zero = Complex::new(T::zero(), T::zero());
            terms.fold(zero, |sum, (part, values)| {
                // A root of a shorter transform is one of the whole, `step` times as far around.
                let root = self.roots[part * k % len * step];
                sum + root * values[k % part_len]
            })
        };
        (0..len).map(value).collect()
    }
}

fn least_factor(n: usize) -> usize {
    let mut factors = (2..).take_while(|factor| factor * factor <= n);
    factors
        .find(|factor| n.is_multiple_of(*factor))
        .unwrap_or(n)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(n: usize) -> Vec<Complex<f64>> {
        (0..n)
            .map(|at| {
                let part = |factor: usize| ((at * factor + n) % 101) as f64 / 50.0 - 1.0;
                Complex::new(part(37), part(53))
            })
            .collect()
    }

    fn by_definition(values: &[Complex<f64>]) -> Vec<Complex<f64>> {
        let n = values.len();
        let value = |k: usize| {
            let terms = values.iter().enumerate();
            terms
                .map(|(j, value)| {
                    value * Complex::from_polar(1.0, -TAU * (j * k % n) as f64 / n as f64)
                })
                .sum()
        };
        (0..n).map(value).collect()
    }

    #[test]
    fn every_length_is_transformed_as_defined() {
        for n in (1..=64).chain([97, 120, 128, 343, 400]) {
            let values = noise(n);
            let mut met = values.clone();
            FftPlanner::new().plan_fft_forward(n).process(&mut met);
            let mut narrow: Vec<Complex<f32>> = (values.iter())
                .map(|value| Complex::new(value.re as f32, value.im as f32))
                .collect();
            FftPlanner::new().plan_fft_forward(n).process(&mut narrow);
            for (at, expected) in by_definition(&values).into_iter().enumerate() {
                assert!((met[at] - expected).norm() < 1e-9, "{n}: {at}");
                let narrow = Complex::new(f64::from(narrow[at].re), f64::from(narrow[at].im));
                assert!((narrow - expected).norm() < 1e-3, "{n}: {at} in f32");
            }
        }
    }

    #[test]
    fn there_and_back_is_the_same_times_the_length() {
        let values = noise(60);
        let mut met = [values.clone(), values.clone()].concat();
        let mut planner = FftPlanner::new();
        planner
            .plan_fft(60, FftDirection::Forward)
            .process(&mut met);
        planner
            .plan_fft(60, FftDirection::Inverse)
            .process(&mut met);
        for (met, expected) in met.iter().zip(values.iter().cycle()) {
            assert!((met / 60.0 - expected).norm() < 1e-12);
        }
    }

    #[test]
    #[should_panic(expected = "no pieces of 4")]
    fn what_is_no_whole_piece_is_refused() {
        let transform = FftPlanner::new().plan_fft_forward(4);
        transform.process(&mut noise(6));
    }
}
