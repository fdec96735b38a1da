//! Convolutions of one picture in f32, with what follows them done before the result is stored: bias,
//! residual, activation.
//!
//! Layout is channels first: `[channels, height, width]`, row by row, for one picture. The weights of a
//! full convolution are packed once ([`Filters`]); windows of the input are brought into panels of
//! eight points ([`full`]), so many at a time as stay in the nearest cache, and each panel meets all
//! filters there. A depthwise convolution goes channel by channel, in tiles ([`depthwise`]).

mod depthwise;
mod depthwise_tile;
mod filters;
mod full;
mod tile;
mod window;

pub use depthwise::Depthwise;
pub use filters::Filters;
pub use window::{Padding, Window};

use depthwise::depthwise;
use full::{full, pointwise, transposed};

use std::cell::RefCell;

use tract_core::internal::{Datum as _, Tensor, TractResult};

use crate::lanes::F32x4;

/// A convolution with its weights, ready to run.
#[derive(Clone, Debug, PartialEq)]
pub enum Convolution {
    /// Windows of one point.
    Pointwise(Filters),
    /// Larger windows.
    Full(Filters, Window),
    /// A filter per channel.
    Depthwise(Depthwise),
    /// Transposed, with windows side by side: each point becomes a block.
    Transposed {
        /// For each channel of the output one filter per point of a block.
        filters: Filters,
        /// Size of a block, `[rows, columns]`.
        block: [usize; 2],
        /// Size of one channel of the input.
        size: [usize; 2],
    },
}

thread_local! {
    /// Panels and padded channels, which every part of a convolution brings together anew.
    static SCRATCH: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// Lends this thread's scratch memory, with whatever was in it.
fn with_scratch<R>(work: impl FnOnce(&mut Vec<f32>) -> R) -> R {
    SCRATCH.with_borrow_mut(work)
}

impl Convolution {
    /// Runs on one picture, `[channels, rows, columns]`; a depthwise convolution takes no residual, nor
    /// does a transposed one.
    /// `shape` is that of the tensor given back, whose values are `[filters, rows, columns]`.
    ///
    /// # Errors
    /// When tract cannot make the tensor.
    ///
    /// # Panics
    /// Where lengths do not fit.
    pub fn run(
        &self,
        activation: Activation,
        input: &[f32],
        residual: Option<&[f32]>,
        shape: &[usize],
    ) -> TractResult<Tensor> {
        // SAFETY: every bit pattern is an f32, and each of the four functions writes all of the
        // output, whose length it asserts, before anything reads from it.
        let mut tensor = unsafe { Tensor::uninitialized_dt(f32::datum_type(), shape)? };
        let mut view = tensor.try_as_plain_ram_mut()?;
        let output = view.as_slice_mut::<f32>()?;
        match self {
            Convolution::Pointwise(filters) => {
                pointwise(filters, activation, input, residual, output);
            }
            Convolution::Full(filters, window) => {
                full(filters, window, activation, input, residual, output);
            }
            Convolution::Depthwise(filters) => {
                assert!(
                    residual.is_none(),
                    "nothing is added to a depthwise convolution"
                );
                depthwise(filters, activation, input, output);
            }
            Convolution::Transposed {
                filters,
                block,
                size,
            } => {
                assert!(
                    residual.is_none(),
                    "nothing is added to a transposed convolution"
                );
                transposed(filters, *block, *size, activation, input, output);
            }
        }
        Ok(tensor)
    }
}

/// What is done to each value of a result before it is stored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Activation {
    /// Nothing.
    None,
    /// Bounds: ReLU is 0 to infinity, ReLU6 0 to 6.
    Clamp {
        /// What is smaller becomes this.
        least: f32,
        /// What is larger becomes this.
        most: f32,
    },
    /// `scale · x · clamp(x + 3, 0, 6) + offset`; see [`HardSwish`](crate::HardSwish).
    HardSwish {
        /// Factor of the product.
        scale: f32,
        /// Added at the end.
        offset: f32,
    },
}

/// An [`Activation`] with its kind known when code is generated, so that no kernel asks for it.
trait Activate: Copy {
    fn vector(self, values: F32x4) -> F32x4;
}

#[derive(Clone, Copy)]
struct Identity;

impl Activate for Identity {
    #[inline(always)]
    fn vector(self, values: F32x4) -> F32x4 {
        values
    }
}

#[derive(Clone, Copy)]
struct Clamp {
    least: F32x4,
    most: F32x4,
}

impl Activate for Clamp {
    #[inline(always)]
    fn vector(self, values: F32x4) -> F32x4 {
        values.pmax(self.least).pmin(self.most)
    }
}

#[derive(Clone, Copy)]
struct Swish {
    scale: F32x4,
    offset: F32x4,
}

impl Activate for Swish {
    #[inline(always)]
    fn vector(self, values: F32x4) -> F32x4 {
        let gate = values
            .add(F32x4::splat(3.0))
            .pmax(F32x4::splat(0.0))
            .pmin(F32x4::splat(6.0));
        self.offset.madd(values.mul(gate), self.scale)
    }
}

/// Calls a function with the activation as a type of its own.
macro_rules! with_activation {
    ($activation:expr, $name:ident => $call:expr) => {
        match $activation {
            Activation::None => {
                let $name = $crate::conv::Identity;
                $call
            }
            Activation::Clamp { least, most } => {
                let $name = $crate::conv::Clamp {
                    least: $crate::lanes::F32x4::splat(least),
                    most: $crate::lanes::F32x4::splat(most),
                };
                $call
            }
            Activation::HardSwish { scale, offset } => {
                let $name = $crate::conv::Swish {
                    scale: $crate::lanes::F32x4::splat(scale),
                    offset: $crate::lanes::F32x4::splat(offset),
                };
                $call
            }
        }
    };
}
use with_activation;

#[cfg(test)]
mod tests {
    //! Everything here is compared with convolutions written as the definition has them, in f64.

    use super::*;
    pub(super) use crate::gemm_f32_4x8::tests::noise;

    pub(super) fn activated(value: f64, activation: Activation) -> f64 {
        match activation {
            Activation::None => value,
            Activation::Clamp { least, most } => value.clamp(least.into(), most.into()),
            Activation::HardSwish { scale, offset } => {
                f64::from(scale) * value * (value + 3.0).clamp(0.0, 6.0) + f64::from(offset)
            }
        }
    }

    pub(super) const ACTIVATIONS: [Activation; 4] = [
        Activation::None,
        Activation::Clamp {
            least: 0.0,
            most: f32::INFINITY,
        },
        Activation::Clamp {
            least: -0.25,
            most: 0.5,
        },
        Activation::HardSwish {
            scale: 0.2,
            offset: -0.1,
        },
    ];

    /// One output value by the definition; `weights` are `[channels, kernel rows, kernel columns]`.
    pub(super) fn window_sum(
        input: &[f32],
        channels: std::ops::Range<usize>,
        weights: &[f32],
        window: &Window,
        (row, column): (usize, usize),
    ) -> f64 {
        let [height, width] = window.input;
        let [kernel_rows, kernel_columns] = window.kernel;
        let mut sum = 0.0;
        for (at, channel) in channels.enumerate() {
            for i in 0..kernel_rows {
                for j in 0..kernel_columns {
                    let y = (row * window.stride[0] + i).checked_sub(window.padding.top);
                    let x = (column * window.stride[1] + j).checked_sub(window.padding.left);
                    let (Some(y), Some(x)) = (y, x) else { continue };
                    if y < height && x < width {
                        let weight = weights[(at * kernel_rows + i) * kernel_columns + j];
                        let value = input[(channel * height + y) * width + x];
                        sum += f64::from(weight) * f64::from(value);
                    }
                }
            }
        }
        sum
    }

    #[track_caller]
    pub(super) fn check_close(met: &[f32], expected: &[f64], case: &str) {
        assert_eq!(met.len(), expected.len(), "{case}");
        for (at, (met, expected)) in met.iter().zip(expected).enumerate() {
            assert!(
                (f64::from(*met) - expected).abs() < 1e-4,
                "{case}: value {at} is {met}, not {expected}"
            );
        }
    }
}
