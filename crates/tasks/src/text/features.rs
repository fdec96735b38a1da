//! A text encoder's hidden states to the features that heads read.

use crate::{Tensor, TensorError};

/// Least length that a vector is divided by, as in PyTorch's `normalize`; it keeps a vector of
/// zeros from becoming NaN.
const LEAST_NORM: f64 = 1e-12;

/// The sentence embeddings of sentence-transformers: the mean of the last layer over the tokens of
/// each text, the two marks among them, scaled to length 1.
///
/// `hidden` is `[texts, tokens, width]` and `n_tokens` says for each text how many of its tokens
/// are no padding; padding stands behind them. Returns `[texts, width]`.
///
/// # Errors
/// [`TensorError`] where `hidden` has not that shape, or fewer tokens than `n_tokens` says.
pub fn sentence_embeddings(hidden: &Tensor, n_tokens: &[usize]) -> Result<Tensor, TensorError> {
    let mismatch = || TensorError {
        shape: hidden.shape.clone(),
        met: hidden.values.len(),
    };
    let [n_texts, n_padded, width] = hidden.shape[..] else {
        return Err(mismatch());
    };
    let is_whole = hidden.values.len() == n_texts * n_padded * width;
    if !is_whole || n_texts != n_tokens.len() || n_tokens.iter().any(|n| *n > n_padded) {
        return Err(mismatch());
    }
    let mut embeddings = Vec::with_capacity(n_texts * width);
    for (text, n_tokens) in n_tokens.iter().enumerate() {
        let start = text * n_padded * width;
        let states = &hidden.values[start..start + n_tokens * width];
        let mut embedding = mean(states, width);
        normalise(&mut embedding);
        embeddings.extend(embedding);
    }
    Tensor::new(vec![n_texts, width], embeddings)
}

/// Mean of rows of `width` values each; zeros where there is no row.
pub fn mean(rows: &[f32], width: usize) -> Vec<f32> {
    let mut sums = vec![0.0_f64; width];
    for row in rows.chunks_exact(width.max(1)) {
        for (sum, value) in sums.iter_mut().zip(row) {
            *sum += f64::from(*value);
        }
    }
    let n_rows = (rows.len() / width.max(1)).max(1) as f64;
    sums.into_iter().map(|sum| (sum / n_rows) as f32).collect()
}

/// Scales a vector to length 1 (L2 norm).
pub fn normalise(vector: &mut [f32]) {
    let squares: f64 = vector.iter().map(|value| f64::from(*value).powi(2)).sum();
    let norm = squares.sqrt().max(LEAST_NORM);
    for value in vector {
        *value = (f64::from(*value) / norm) as f32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_embeddings(shape: [usize; 3], hidden: &[f32], n_tokens: &[usize], expected: &[f32]) {
        let hidden = Tensor::new(shape.to_vec(), hidden.to_vec()).unwrap();
        let met = sentence_embeddings(&hidden, n_tokens).unwrap();
        assert_eq!(met.shape, [shape[0], shape[2]]);
        for (met, expected) in met.values.iter().zip(expected) {
            assert!((met - expected).abs() < 1e-6, "{met} is not {expected}");
        }
    }

    #[test]
    fn embeddings_are_means_of_length_1() {
        check_embeddings([1, 2, 2], &[1.0, 2.0, 5.0, 6.0], &[2], &[0.6, 0.8]);
    }

    #[test]
    fn padding_is_left_out() {
        check_embeddings(
            [2, 2, 2],
            &[3.0, 4.0, 9.0, 9.0, 0.0, 2.0, 0.0, 4.0],
            &[1, 2],
            &[0.6, 0.8, 0.0, 1.0],
        );
    }

    #[test]
    fn zeros_stay_zeros() {
        check_embeddings([1, 1, 2], &[0.0, 0.0], &[1], &[0.0, 0.0]);
        check_embeddings([1, 1, 2], &[1.0, 1.0], &[0], &[0.0, 0.0]);
    }

    #[test]
    fn other_shapes_are_refused() {
        let refused = |shape: &[usize], n_tokens: &[usize]| {
            let values = vec![0.0; shape.iter().product()];
            let hidden = Tensor::new(shape.to_vec(), values).unwrap();
            assert!(sentence_embeddings(&hidden, n_tokens).is_err(), "{shape:?}");
        };
        refused(&[2, 3], &[2]);
        refused(&[1, 2, 3], &[3]);
        refused(&[2, 2, 3], &[2]);
    }
}
