//! Convolutions in which each filter sees one channel.

use super::depthwise_tile::{Channel, Run, four_by_one, four_by_two, two_by_four, two_by_three};
use super::window::{SLACK, Window};
use super::{Activate, Activation, with_activation, with_scratch};
use crate::depthwise_w::run_with;
use crate::lanes::LANES;
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
    let [kernel_rows, kernel_columns] = window.kernel;
    let area = kernel_rows * kernel_columns;
    let channels = filters.bias.len();
    let (n_in, n_out) = (window.input[0] * window.input[1], rows * columns);
    assert_eq!(
        filters.weights.len(),
        channels * area,
        "a filter per channel"
    );
    assert_eq!(input.len(), channels * n_in, "the window's input");
    assert_eq!(output.len(), channels * n_out, "the window's output");
    if n_out == 0 {
        return;
    }
    let layout = Layout::of(window);
    let n_parts = n_parts(channels, output.len() * area);
    let output = Shared::new(output);
    share(n_parts, &|part| {
        let mine = part_of(channels, part, n_parts);
        // SAFETY: no other part has these channels.
        let output = unsafe { output.slice_mut(mine.start * n_out, mine.len() * n_out) };
        let inputs = input[mine.start * n_in..mine.end * n_in].chunks_exact(n_in);
        let outputs = output.chunks_exact_mut(n_out);
        let weights = filters.weights[mine.start * area..].chunks_exact(area);
        let biases = &filters.bias[mine.clone()];
        let mut sorted = Vec::with_capacity(area);
        with_scratch(|scratch| {
            // Its zeros stay from channel to channel: only what lies between them is written.
            scratch.clear();
            scratch.resize(layout.height * layout.width + SLACK, 0.0);
            for (((input, output), weights), bias) in inputs.zip(outputs).zip(weights).zip(biases) {
                let padded = match layout.order {
                    Order::AsItIs => input,
                    Order::Padded => {
                        window.pad(input, scratch);
                        &*scratch
                    }
                    Order::Sorted => {
                        window.pad_sorted(input, scratch);
                        &*scratch
                    }
                };
                let weights = match layout.order {
                    Order::Sorted => {
                        sort(weights, kernel_columns, &mut sorted);
                        &sorted
                    }
                    Order::AsItIs | Order::Padded => weights,
                };
                let channel = Channel {
                    runs: &layout.runs,
                    weights,
                    bias: *bias,
                    step: window.stride[0] * layout.width,
                    columns,
                };
                with_activation!(activation, activation => match layout.tiles {
                    Some(tiles) => tiles.fill(&channel, padded, output, activation),
                    None => by_rows(window, &layout.offsets, &channel, padded, output, activation),
                });
            }
        });
    });
}

/// How a channel is brought before its filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    /// Nothing stands around it, and windows are one column apart.
    AsItIs,
    /// Between zeros.
    Padded,
    /// Between zeros, with the even columns of each row before the odd ones: windows that are two columns apart
    /// then see values that lie side by side.
    Sorted,
}

/// What is the same for each channel.
struct Layout {
    order: Order,
    /// Size of a channel as its filter sees it.
    height: usize,
    width: usize,
    runs: Vec<Run>,
    /// `None` where the output is too small for any tile, or windows are further apart than two columns.
    tiles: Option<Tiles>,
    /// Where the filter's weights see their values, from a window's first on; only without tiles.
    offsets: Vec<isize>,
}

impl Layout {
    fn of(window: &Window) -> Layout {
        let [height, width] = window.padded();
        let [kernel_rows, n] = window.kernel;
        let tiles = match window.stride[1] {
            1 | 2 => Tiles::of(window.output()),
            _ => None,
        };
        if window.stride[1] == 2 && tiles.is_some() {
            let width = window.sorted_width();
            let (n_even, n_odd) = (n.div_ceil(2), n / 2);
            let even = Run {
                n: n_even,
                skip: width / 2 - n_even,
            };
            let odd = Run {
                n: n_odd,
                skip: width / 2 - n_odd,
            };
            return Layout {
                order: Order::Sorted,
                height,
                width,
                runs: [even, odd].repeat(kernel_rows),
                tiles,
                offsets: Vec::new(),
            };
        }
        let run = Run { n, skip: width - n };
        Layout {
            order: match window.padding.is_none() {
                true => Order::AsItIs,
                false => Order::Padded,
            },
            height,
            width,
            runs: vec![run; kernel_rows],
            tiles,
            offsets: match tiles {
                Some(_) => Vec::new(),
                None => window.offsets().map(|offset| offset as isize).collect(),
            },
        }
    }
}

/// The weights of each row of a filter, those of even columns first.
fn sort(weights: &[f32], kernel_columns: usize, sorted: &mut Vec<f32>) {
    sorted.clear();
    for row in weights.chunks_exact(kernel_columns) {
        sorted.extend(row.iter().step_by(2));
        sorted.extend(row.iter().skip(1).step_by(2));
    }
}

/// Tiles that cover an output of some size. Eight sums are as many as a tile needs to keep a processor
/// busy and has registers for: the narrower the output, the more rows a tile has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tiles {
    rows: usize,
    columns: usize,
    /// Rows of a tile.
    n_rows: usize,
}

impl Tiles {
    /// `None` for an output that is smaller than any tile.
    fn of([rows, columns]: [usize; 2]) -> Option<Tiles> {
        let n_rows = match columns.div_ceil(LANES) {
            1 | 2 => 4,
            _ => 2,
        };
        (columns >= LANES && rows >= n_rows).then_some(Tiles {
            rows,
            columns,
            n_rows,
        })
    }

    /// Where tiles begin in a row, and how many vectors each has. Vectors are not cut: what is left at the end
    /// of a row is done with some points that were done before.
    fn across(self) -> impl Iterator<Item = (usize, usize)> {
        let mut left = self.columns.div_ceil(LANES);
        let mut at = 0;
        std::iter::from_fn(move || {
            let n = match left {
                0 => return None,
                1 => 1,
                2 if at == 0 => 2,
                n if n % 4 == 0 => 4,
                _ => 3,
            };
            let begins = match left < n {
                true => self.columns - n * LANES,
                false => at,
            };
            left = left.saturating_sub(n);
            at += n * LANES;
            Some((begins, n))
        })
    }

    /// Fills one channel of the output.
    #[inline(always)]
    fn fill(
        self,
        channel: &Channel<'_>,
        padded: &[f32],
        output: &mut [f32],
        activation: impl Activate,
    ) {
        for row in (0..self.rows).step_by(self.n_rows) {
            let row = row.min(self.rows - self.n_rows);
            for (at, n) in self.across() {
                let last = ((n - 1) * LANES).min(self.columns - LANES - at);
                let (from, to) = (
                    padded[row * channel.step + at..].as_ptr(),
                    output[row * self.columns + at..].as_mut_ptr(),
                );
                // SAFETY: windows of these points begin in their rows of the padded channel and end inside it, by
                // the definition of the output's size; the points lie in the output, because rows and vectors that
                // would reach beyond it were moved back; and the runs were made for the filter.
                unsafe {
                    match n {
                        1 => four_by_one(channel, from, to, last, activation),
                        2 => four_by_two(channel, from, to, last, activation),
                        3 => two_by_three(channel, from, to, last, activation),
                        _ => two_by_four(channel, from, to, last, activation),
                    }
                }
            }
        }
    }
}

/// Fills one channel of the output row by row, whatever its size.
fn by_rows(
    window: &Window,
    offsets: &[isize],
    channel: &Channel<'_>,
    padded: &[f32],
    output: &mut [f32],
    activation: impl Activate,
) {
    for (row, output) in output.chunks_exact_mut(channel.columns).enumerate() {
        let from = &padded[row * channel.step..];
        // SAFETY: windows of this row begin in it, `stride` apart, and the last of them ends inside the padded
        // channel, by the definition of the output's size; the output has `columns` points and is another piece
        // of memory.
        unsafe {
            run_with(
                from.as_ptr(),
                output.as_mut_ptr(),
                channel.weights,
                offsets,
                channel.bias,
                channel.columns,
                window.stride[1] as isize,
                |values| activation.vector(values),
            );
        }
    }
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
