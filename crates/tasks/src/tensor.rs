//! Plain tensors, as they enter and leave a model.

/// Values with a shape, row-major: the last axis is contiguous.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Length of each axis, outermost first; empty for a single number.
    pub shape: Vec<usize>,
    /// As many values as the product of `shape`.
    pub values: Vec<f32>,
}

/// Whole numbers with a shape, row-major: the last axis is contiguous.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdTensor {
    /// Length of each axis, outermost first.
    pub shape: Vec<usize>,
    /// As many values as the product of `shape`.
    pub values: Vec<i64>,
}

/// Values and a shape that do not belong together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{met} values do not fill a tensor of shape {shape:?}")]
pub struct TensorError {
    /// Shape asked for.
    pub shape: Vec<usize>,
    /// Number of values met.
    pub met: usize,
}

impl Tensor {
    /// Puts values into a shape.
    ///
    /// # Errors
    /// [`TensorError`] when the number of values is not the product of `shape`, or that product
    /// is too large to count.
    pub fn new(shape: Vec<usize>, values: Vec<f32>) -> Result<Tensor, TensorError> {
        let product = shape
            .iter()
            .try_fold(1_usize, |product, length| product.checked_mul(*length));
        if product == Some(values.len()) {
            Ok(Tensor { shape, values })
        } else {
            let met = values.len();
            Err(TensorError { shape, met })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_accepted(shape: &[usize], n_values: usize, accepted: bool) {
        let tensor = Tensor::new(shape.to_vec(), vec![0.0; n_values]);
        assert_eq!(tensor.is_ok(), accepted, "{tensor:?}");
    }

    #[test]
    fn values_must_fill_the_shape() {
        check_accepted(&[1, 3, 2, 2], 12, true);
        check_accepted(&[1, 3, 2, 2], 11, false);
        check_accepted(&[], 1, true);
        check_accepted(&[0, 5], 0, true);
    }

    #[test]
    fn a_shape_too_large_to_count_is_refused() {
        check_accepted(&[usize::MAX, 2], 0, false);
    }
}
