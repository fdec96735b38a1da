//! Linear maps of rows, with what follows them done before the result is stored: bias, residual, GELU.

use tract_core::internal::{Datum as _, Tensor, TractResult};

use crate::functions::gelu;
use crate::lanes::F32x4;
use crate::pool::{Shared, n_parts, part_of, share};
use crate::rows::{add_3x12, some_rows};

/// Rows of a tile.
const ROWS: usize = 3;
/// Columns of a tile, and outputs of a panel.
const COLUMNS: usize = 4 * VECTORS;
/// Vectors of four for them.
const VECTORS: usize = 3;

/// Steps that are summed up at a time: three rows and a panel of so many, 23 KB, stay in the nearest
/// cache together, and of longer rows this much of all of them in the second.
const STEPS: usize = 384;

/// `output[i, o] = Σ_k input[i, k] · weights[k, o] + bias[o]`, with its weights ready to be read.
#[derive(Clone, Debug, PartialEq)]
pub struct Linear {
    panels: Panels,
    /// One per output, and zeros up to a whole panel.
    bias: Vec<f32>,
    outputs: usize,
    depth: usize,
}

/// Weights in panels of twelve outputs; in a panel the weights of one step lie side by side.
#[derive(Clone, Debug, PartialEq)]
enum Panels {
    Wide(Vec<f32>),
    /// In int8, each standing for itself times the scale of its output. They are widened panel by panel when they are
    /// needed: that takes less than reading four times as much from memory would.
    Narrow {
        values: Vec<i8>,
        /// One per output, and zeros up to a whole panel.
        scales: Vec<f32>,
    },
}

/// What is done to each value of a result before it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LinearActivation {
    /// Nothing.
    None,
    /// `x · Φ(x)`, with the error function itself and not its approximation by tanh.
    Gelu,
}

impl Linear {
    /// Packs weights that lie `[depth, outputs]`, or `[outputs, depth]` where they are `transposed`, with
    /// a bias for each output.
    ///
    /// `None` where the lengths do not fit each other, or there is nothing to sum up.
    pub fn pack(weights: &[f32], bias: &[f32], transposed: bool) -> Option<Linear> {
        Linear::with_panels(weights, bias, transposed, Panels::Wide)
    }

    /// As [`pack`](Linear::pack), with weights in int8 that stay so: each stands for itself times the scale of its
    /// output.
    pub fn pack_narrow(
        weights: &[i8],
        scales: &[f32],
        bias: &[f32],
        transposed: bool,
    ) -> Option<Linear> {
        if scales.len() != bias.len() {
            return None;
        }
        let scales = padded(scales);
        Linear::with_panels(weights, bias, transposed, |values| Panels::Narrow {
            values,
            scales,
        })
    }

    fn with_panels<T: Copy + Default>(
        weights: &[T],
        bias: &[f32],
        transposed: bool,
        panels: impl FnOnce(Vec<T>) -> Panels,
    ) -> Option<Linear> {
        let outputs = bias.len();
        let depth = weights.len().checked_div(outputs)?;
        if depth == 0 || weights.len() != depth * outputs {
            return None;
        }
        Some(Linear {
            panels: panels(in_panels(weights, outputs, transposed)),
            bias: padded(bias),
            outputs,
            depth,
        })
    }

    /// Values of a row of the output.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Values of a row of the input.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Whether its weights are kept in int8.
    pub fn is_narrow(&self) -> bool {
        matches!(self.panels, Panels::Narrow { .. })
    }

    /// As [`run`](Linear::run), into a new tensor of this shape.
    ///
    /// # Errors
    /// When tract cannot make the tensor.
    ///
    /// # Panics
    /// Where lengths do not fit.
    pub fn map(
        &self,
        activation: LinearActivation,
        input: &[f32],
        residual: Option<&[f32]>,
        shape: &[usize],
    ) -> TractResult<Tensor> {
        // SAFETY: every bit pattern is an f32, and `run` writes all of the output, whose length it
        // asserts, before anything reads from it.
        let mut tensor = unsafe { Tensor::uninitialized_dt(f32::datum_type(), shape)? };
        let mut view = tensor.try_as_plain_ram_mut()?;
        self.run(activation, input, residual, view.as_slice_mut::<f32>()?);
        Ok(tensor)
    }

    /// Maps the rows of `input`, `[rows, depth]`, to those of `output`, `[rows, outputs]`. A residual, as
    /// large as the output, is added before the activation.
    ///
    /// # Panics
    /// Where lengths do not fit.
    pub fn run(
        &self,
        activation: LinearActivation,
        input: &[f32],
        residual: Option<&[f32]>,
        output: &mut [f32],
    ) {
        let n_rows = input.len() / self.depth;
        assert_eq!(input.len(), n_rows * self.depth, "an input of whole rows");
        assert_eq!(output.len(), n_rows * self.outputs, "an output per row");
        assert!(
            residual.is_none_or(|residual| residual.len() == output.len()),
            "a residual of the output's size"
        );
        let n_panels = self.outputs.div_ceil(COLUMNS);
        let n_parts = n_parts(n_panels, input.len() * self.outputs);
        let output = Shared::new(output);
        share(n_parts, &|part| {
            let panels = part_of(n_panels, part, n_parts);
            let mut widened = [0.0; STEPS * COLUMNS];
            for from in (0..self.depth).step_by(STEPS) {
                let steps = from..self.depth.min(from + STEPS);
                for panel in panels.clone() {
                    let weights = self.panel(panel, steps.clone(), &mut widened);
                    for first in (0..n_rows).step_by(ROWS) {
                        let rows = (first, ROWS.min(n_rows - first));
                        let place = Place {
                            linear: self,
                            rows,
                            panel,
                            weights,
                        };
                        // SAFETY: no other part has this panel's columns of the output.
                        unsafe {
                            place.multiply(steps.clone(), activation, input, residual, &output);
                        }
                    }
                }
            }
        });
    }

    /// Some steps, at most [`STEPS`], of a panel's weights; in `widened` where they are stored in less.
    fn panel<'a>(
        &'a self,
        panel: usize,
        steps: std::ops::Range<usize>,
        widened: &'a mut [f32; STEPS * COLUMNS],
    ) -> &'a [f32] {
        let start = (panel * self.depth + steps.start) * COLUMNS;
        let length = steps.len() * COLUMNS;
        match &self.panels {
            Panels::Wide(values) => &values[start..][..length],
            Panels::Narrow { values, scales } => {
                let narrow = values[start..][..length].as_chunks::<COLUMNS>().0;
                let scales = scales[panel * COLUMNS..].first_chunk().map(load);
                let scales = scales.unwrap_or([F32x4::splat(0.0); VECTORS]);
                let places = widened.as_chunks_mut::<COLUMNS>().0;
                for (place, narrow) in places.iter_mut().zip(narrow) {
                    for (at, scale) in scales.into_iter().enumerate() {
                        // SAFETY: four values are readable and writable from each of these places on.
                        unsafe {
                            let four = F32x4::load_i8(narrow.as_ptr().add(4 * at));
                            four.mul(scale).store(place.as_mut_ptr().add(4 * at));
                        }
                    }
                }
                &widened[..length]
            }
        }
    }
}

/// Weights of `outputs` outputs in panels, zeros up to a whole one.
fn in_panels<T: Copy + Default>(weights: &[T], outputs: usize, transposed: bool) -> Vec<T> {
    let depth = weights.len() / outputs;
    let mut panels = vec![T::default(); outputs.div_ceil(COLUMNS) * COLUMNS * depth];
    for (at, panel) in panels.chunks_exact_mut(COLUMNS * depth).enumerate() {
        let first = at * COLUMNS;
        let n = COLUMNS.min(outputs - first);
        if transposed {
            let rows = weights[first * depth..].chunks_exact(depth).take(n);
            for (column, row) in rows.enumerate() {
                let places = panel.iter_mut().skip(column).step_by(COLUMNS);
                places.zip(row).for_each(|(place, weight)| *place = *weight);
            }
        } else {
            let steps = panel.chunks_exact_mut(COLUMNS);
            for (step, row) in steps.zip(weights.chunks_exact(outputs)) {
                step[..n].copy_from_slice(&row[first..first + n]);
            }
        }
    }
    panels
}

/// A value per output, and zeros up to a whole panel.
fn padded(values: &[f32]) -> Vec<f32> {
    let mut values = values.to_vec();
    values.resize(values.len().next_multiple_of(COLUMNS), 0.0);
    values
}

/// A tile of the output.
struct Place<'a> {
    linear: &'a Linear,
    /// The first row and how many there are, up to [`ROWS`].
    rows: (usize, usize),
    /// The panel that makes its columns.
    panel: usize,
    /// The weights of the steps that are added up.
    weights: &'a [f32],
}

impl Place<'_> {
    /// Adds up some steps of a tile; the first begin with the bias, the last end with residual and activation.
    ///
    /// # Safety
    /// Nothing else may read or write this tile of the output meanwhile.
    unsafe fn multiply(
        &self,
        steps: std::ops::Range<usize>,
        activation: LinearActivation,
        input: &[f32],
        residual: Option<&[f32]>,
        output: &Shared<'_>,
    ) {
        let Linear {
            bias,
            outputs,
            depth,
            ..
        } = self.linear;
        let (first, n_rows) = self.rows;
        let column = self.panel * COLUMNS;
        let n = COLUMNS.min(outputs - column);
        let is_first = steps.start == 0;
        // Where rows are missing, the last stands for them: it is computed and stored more than once.
        let start = |row: usize| (first + row.min(n_rows - 1)) * outputs + column;
        let mut padded = [[0.0; COLUMNS]; ROWS];
        let places: [*mut f32; ROWS] = if n == COLUMNS {
            std::array::from_fn(|row| output.place(start(row), n))
        } else {
            if !is_first {
                for (row, padded) in padded.iter_mut().enumerate() {
                    // SAFETY: the caller gives this tile to nobody else.
                    padded[..n].copy_from_slice(unsafe { output.slice(start(row), n) });
                }
            }
            padded.each_mut().map(|row| row.as_mut_ptr())
        };
        let starts = match is_first {
            true => [bias[column..][..COLUMNS].as_ptr(); ROWS],
            false => places.map(|place| place.cast_const()),
        };
        let rows = some_rows(&input[steps.start..], self.rows, *depth, steps.len());
        let weights = &self.weights[..steps.len() * COLUMNS];
        // SAFETY: `some_rows` and the slice above made sure that there are as many values as steps; twelve are at each
        // start and place, and the caller gives this tile to nobody else.
        unsafe { add_3x12(starts, places, steps.len(), rows, weights.as_ptr()) };
        let is_last = steps.end == *depth;
        if is_last && (residual.is_some() || activation != LinearActivation::None) {
            for (row, place) in places.into_iter().enumerate().take(n_rows) {
                let residual = residual.map(|residual| &residual[start(row)..][..n]);
                // SAFETY: twelve values, and of these rows each has its own.
                let sums = unsafe { &mut *place.cast::<[f32; COLUMNS]>() };
                finish(sums, residual, activation);
            }
        }
        if n < COLUMNS {
            for (row, padded) in padded.iter().enumerate().take(n_rows) {
                // SAFETY: as above.
                unsafe { output.slice_mut(start(row), n) }.copy_from_slice(&padded[..n]);
            }
        }
    }
}

/// Does to some sums of a row what follows them. `residual` may be shorter than they are.
///
/// Never inlined, so that no compiler carries sums from the products to here without memory between
/// (`rows.rs` says what that costs).
#[inline(never)]
fn finish(sums: &mut [f32; COLUMNS], residual: Option<&[f32]>, activation: LinearActivation) {
    let mut values = load(sums);
    if let Some(residual) = residual {
        for (value, added) in values.iter_mut().zip(load_up_to(residual)) {
            *value = value.add(added);
        }
    }
    values = match activation {
        LinearActivation::None => values,
        LinearActivation::Gelu => values.map(gelu),
    };
    for (at, four) in values.into_iter().enumerate() {
        // SAFETY: four values are writable from each of these places on.
        unsafe { four.store(sums.as_mut_ptr().add(4 * at)) };
    }
}

#[inline(always)]
fn load(values: &[f32; COLUMNS]) -> [F32x4; VECTORS] {
    // SAFETY: four values are readable from each of these places on.
    std::array::from_fn(|at| unsafe { F32x4::load(values.as_ptr().add(4 * at)) })
}

/// Up to a whole row of a tile, and zeros for those that are missing.
#[inline(always)]
fn load_up_to(values: &[f32]) -> [F32x4; VECTORS] {
    match values.first_chunk() {
        Some(values) => load(values),
        None => {
            let mut whole = [0.0; COLUMNS];
            whole[..values.len()].copy_from_slice(values);
            load(&whole)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gemm_f32_4x8::tests::noise;

    #[track_caller]
    fn check(n_rows: usize, depth: usize, outputs: usize, activation: LinearActivation) {
        let (weights, bias) = (noise(depth * outputs, 1), noise(outputs, 2));
        let (input, added) = (noise(n_rows * depth, 3), noise(n_rows * outputs, 4));
        let turned: Vec<f32> = (0..outputs)
            .flat_map(|o| (0..depth).map(move |k| k * outputs + o))
            .map(|at| weights[at])
            .collect();
        for residual in [None, Some(added.as_slice())] {
            for (weights, transposed) in [(&weights, false), (&turned, true)] {
                let linear = Linear::pack(weights, &bias, transposed).unwrap();
                assert_eq!((linear.depth(), linear.outputs()), (depth, outputs));
                let mut output = vec![f32::NAN; n_rows * outputs];
                linear.run(activation, &input, residual, &mut output);
                for (at, met) in output.iter().enumerate() {
                    let (row, column) = (at / outputs, at % outputs);
                    let products = (0..depth).map(|k| {
                        let weight = match transposed {
                            false => weights[k * outputs + column],
                            true => weights[column * depth + k],
                        };
                        f64::from(input[row * depth + k]) * f64::from(weight)
                    });
                    let sum = products.sum::<f64>()
                        + f64::from(bias[column])
                        + residual.map_or(0.0, |residual| f64::from(residual[at]));
                    let expected = match activation {
                        LinearActivation::None => sum,
                        LinearActivation::Gelu => {
                            f64::from(gelu(F32x4::splat(sum as f32)).to_array()[0])
                        }
                    };
                    assert!(
                        (f64::from(*met) - expected).abs() < 1e-4,
                        "{n_rows} × {depth} × {outputs}: {met}, {expected}"
                    );
                }
            }
        }
    }

    #[test]
    fn rows_and_outputs_of_every_number() {
        for n_rows in [1, 3, 4, 5, 9] {
            for outputs in [1, 7, 12, 13, 24, 77] {
                check(n_rows, 5, outputs, LinearActivation::None);
                check(n_rows, 16, outputs, LinearActivation::Gelu);
            }
        }
    }

    #[test]
    fn narrow_weights_are_what_they_stand_for() {
        for (n_rows, depth, outputs) in [(4, 5, 7), (3, 16, 24), (5, STEPS + 3, 13)] {
            let (scales, bias) = (noise(outputs, 1), noise(outputs, 2));
            let input = noise(n_rows * depth, 3);
            let narrow: Vec<i8> = (noise(depth * outputs, 4).iter())
                .map(|value| (value * 200.0) as i8)
                .collect();
            for transposed in [false, true] {
                let output_of = |at: usize| match transposed {
                    false => at % outputs,
                    true => at / depth,
                };
                let wide: Vec<f32> = (narrow.iter().enumerate())
                    .map(|(at, value)| f32::from(*value) * scales[output_of(at)])
                    .collect();
                let run = |linear: Linear| {
                    let mut output = vec![f32::NAN; n_rows * outputs];
                    linear.run(LinearActivation::None, &input, None, &mut output);
                    output
                };
                let met = run(Linear::pack_narrow(&narrow, &scales, &bias, transposed).unwrap());
                assert_eq!(met, run(Linear::pack(&wide, &bias, transposed).unwrap()));
            }
        }
    }

    #[test]
    fn long_rows_are_summed_up_piece_by_piece() {
        check(5, STEPS, 9, LinearActivation::None);
        check(5, STEPS + 1, 9, LinearActivation::Gelu);
        check(6, 3 * STEPS - 2, 16, LinearActivation::None);
    }

    #[test]
    fn no_rows_give_no_rows() {
        check(0, 3, 4, LinearActivation::None);
    }

    #[test]
    fn lengths_that_do_not_fit_are_refused() {
        assert!(Linear::pack(&[1.0; 7], &[0.0; 2], false).is_none());
        assert!(Linear::pack(&[], &[], false).is_none());
        assert!(Linear::pack_narrow(&[1; 6], &[1.0; 3], &[0.0; 2], false).is_none());
        assert!(Linear::pack(&[], &[0.0], true).is_none());
    }
}
