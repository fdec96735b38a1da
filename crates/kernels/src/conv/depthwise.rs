//! Convolutions in which each filter sees one channel.

use super::window::{SLACK, Window};
use super::{Activation, with_activation, with_scratch};
use crate::depthwise_w::run_with;
use crate::pool::{Shared, n_parts, part_of, share};

/// Filters of a depthwise convolution: one per channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Depthwise {
    /// `[channels, kernel rows, kernel columns]`.
    pub weights: Vec<f32>,
    /// `[channels]`.
    pub bias: Vec<f32>,
    /// Where the windows lie.
    pub window: Window,
}

/// Each channel of `input`, `[channels, rows, columns]` as the window has it, with its own filter; then
/// bias and activation. `output` is `[channels, output rows, output columns]`.
///
/// # Panics
/// Where lengths do not fit.
pub(super) fn depthwise(
    filters: &Depthwise,
    activation: Activation,
    input: &[f32],
    output: &mut [f32],
) {
    let window = &filters.window;
    let [rows, columns] = window.output();
    let [height, width] = window.padded();
    let channels = filters.bias.len();
    let (n_in, n_out) = (window.input[0] * window.input[1], rows * columns);
    let offsets: Vec<isize> = window.offsets().map(|offset| offset as isize).collect();
    assert_eq!(
        filters.weights.len(),
        channels * offsets.len(),
        "a filter per channel"
    );
    assert_eq!(input.len(), channels * n_in, "the window's input");
    assert_eq!(output.len(), channels * n_out, "the window's output");
    if n_out == 0 {
        return;
    }
    let n_parts = n_parts(channels, output.len() * offsets.len());
    let output = Shared::new(output);
    share(n_parts, &|part| {
        let mine = part_of(channels, part, n_parts);
        // SAFETY: no other part has these channels.
        let output = unsafe { output.slice_mut(mine.start * n_out, mine.len() * n_out) };
        let inputs = input[mine.start * n_in..mine.end * n_in].chunks_exact(n_in);
        let outputs = output.chunks_exact_mut(n_out);
        let taps = filters.weights[mine.start * offsets.len()..].chunks_exact(offsets.len());
        let biases = &filters.bias[mine.clone()];
        with_scratch(|scratch| {
            // Its zeros stay from channel to channel: only what lies between them is written.
            scratch.clear();
            scratch.resize(height * width + SLACK, 0.0);
            for (((input, output), taps), bias) in inputs.zip(outputs).zip(taps).zip(biases) {
                let padded = match window.padding.is_none() {
                    true => input,
                    false => {
                        window.pad(input, scratch);
                        &*scratch
                    }
                };
                with_activation!(activation, activation => {
                    for (row, output) in output.chunks_exact_mut(columns).enumerate() {
                        let from = &padded[row * window.stride[0] * width..];
                        // SAFETY: windows of this row begin in it, `stride` apart, and the last of them
                        // ends inside the padded channel, by the definition of the output's size; the
                        // output has `columns` points and is another piece of memory.
                        unsafe {
                            run_with(
                                from.as_ptr(),
                                output.as_mut_ptr(),
                                taps,
                                &offsets,
                                *bias,
                                columns,
                                window.stride[1] as isize,
                                |values| super::Activate::vector(activation, values),
                            );
                        }
                    }
                });
            }
        });
    });
}

#[cfg(test)]
mod tests {
    use super::super::Padding;
    use super::super::tests::{ACTIVATIONS, activated, check_close, noise, window_sum};
    use super::*;

    #[track_caller]
    fn check(channels: usize, window: Window, activation: Activation) {
        let area = window.kernel[0] * window.kernel[1];
        let filters = Depthwise {
            weights: noise(channels * area, 1),
            bias: noise(channels, 2),
            window,
        };
        let input = noise(channels * window.input[0] * window.input[1], 3);
        let [height, width] = window.output();
        let mut expected = Vec::new();
        for channel in 0..channels {
            let taps = &filters.weights[channel * area..][..area];
            for i in 0..height {
                for j in 0..width {
                    let sum = window_sum(&input, channel..channel + 1, taps, &window, (i, j));
                    expected.push(activated(
                        sum + f64::from(filters.bias[channel]),
                        activation,
                    ));
                }
            }
        }
        let mut output = vec![f32::NAN; expected.len()];
        depthwise(&filters, activation, &input, &mut output);
        check_close(&output, &expected, &format!("{window:?}, {activation:?}"));
    }

    #[test]
    fn every_stride_border_and_width() {
        for input in [[1, 3], [3, 3], [7, 7], [9, 14], [6, 37]] {
            for kernel in [3, 5] {
                for stride in [[1, 1], [2, 2], [2, 1]] {
                    for (first, last) in [(0, 1), (1, 1), (2, 2), (1, 2), (0, 0)] {
                        let padding = Padding {
                            top: first,
                            bottom: last,
                            left: first,
                            right: last,
                        };
                        let window = Window {
                            input,
                            kernel: [kernel; 2],
                            stride,
                            padding,
                        };
                        for activation in ACTIVATIONS {
                            check(3, window, activation);
                        }
                    }
                }
            }
        }
    }
}
