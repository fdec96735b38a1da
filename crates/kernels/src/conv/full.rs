//! Convolutions in which every filter sees every channel.

use std::ops::Range;

use super::filters::Filters;
use super::tile::{COLUMNS, Place, multiply};
use super::window::{SLACK, Window};
use super::{Activate, Activation, with_activation, with_scratch};
use crate::lanes::F32x4;
use crate::pool::{Shared, n_parts, part_of, share};

/// Values of panels that are worked on at a time: 24 KB, which leaves room for filters in a cache of 32.
const BLOCK: usize = 6 * 1024;

/// A convolution with windows of one point: `output[m, i] = Σ_k filters[m, k] · input[k, i]`, then bias,
/// residual, activation.
///
/// `input` is `[depth, points]`, `output` and `residual` `[rows, points]`.
///
/// # Panics
/// Where lengths do not fit.
pub(super) fn pointwise(
    filters: &Filters,
    activation: Activation,
    input: &[f32],
    residual: Option<&[f32]>,
    output: &mut [f32],
) {
    let points = input.len() / filters.depth();
    assert_eq!(
        input.len(),
        points * filters.depth(),
        "an input of whole channels"
    );
    let windows = Windows {
        n: points.div_ceil(COLUMNS),
        eight: |at| {
            let at = at * COLUMNS;
            Eight {
                at,
                n: COLUMNS.min(points - at),
                from: at,
            }
        },
        fill: |eight, panel: &mut [f32]| fill_points(input, points, eight, panel),
    };
    let place = place(filters, points, residual, output);
    with_activation!(activation, activation => in_parts(filters, activation, &windows, &place));
}

/// A convolution with larger windows. `input` is `[channels, rows, columns]` as the window has it, and
/// a filter's weights are `[channels, kernel rows, kernel columns]`; otherwise as [`pointwise`].
///
/// # Panics
/// Where lengths do not fit, or columns are stepped over by more than 2.
pub(super) fn full(
    filters: &Filters,
    window: &Window,
    activation: Activation,
    input: &[f32],
    residual: Option<&[f32]>,
    output: &mut [f32],
) {
    let [rows, columns] = window.output();
    let [height, width] = window.padded();
    let offsets: Vec<usize> = window.offsets().collect();
    let channels = filters.depth() / offsets.len();
    assert_eq!(
        filters.depth(),
        channels * offsets.len(),
        "filters of whole channels"
    );
    assert_eq!(
        input.len(),
        channels * window.input[0] * window.input[1],
        "the window's input"
    );
    assert!(
        matches!(window.stride[1], 1 | 2),
        "columns at a stride of 1 or 2"
    );
    let mut padded = vec![0.0; channels * height * width + SLACK];
    for (from, to) in input
        .chunks_exact(window.input[0] * window.input[1])
        .zip(padded.chunks_exact_mut(height * width))
    {
        window.pad(from, to);
    }
    let per_row = columns.div_ceil(COLUMNS);
    let eight = |at: usize| {
        let (row, column) = (at / per_row, at % per_row * COLUMNS);
        Eight {
            at: row * columns + column,
            n: COLUMNS.min(columns - column),
            from: row * window.stride[0] * width + column * window.stride[1],
        }
    };
    let fill = |eight: Eight, panel: &mut [f32]| {
        let (eights, _) = panel.as_chunks_mut::<COLUMNS>();
        for (channel, eights) in eights.chunks_exact_mut(offsets.len()).enumerate() {
            let from = channel * height * width + eight.from;
            for (offset, values) in offsets.iter().zip(eights) {
                match window.stride[1] {
                    1 => values.copy_from_slice(&padded[from + offset..][..COLUMNS]),
                    _ => every_second(&padded[from + offset..], values),
                }
            }
        }
    };
    let windows = Windows {
        n: rows * per_row,
        eight,
        fill,
    };
    let place = place(filters, rows * columns, residual, output);
    with_activation!(activation, activation => in_parts(filters, activation, &windows, &place));
}

/// A transposed convolution whose windows lie side by side: each point of the input becomes a block of
/// `block` points, `[rows, columns]`.
///
/// `input` is `[depth, height, width]` of `size`, `output` `[channels, height · rows, width · columns]`; the
/// filters are `[channels, rows, columns]`, each with a weight per channel of the input.
///
/// # Panics
/// Where lengths do not fit.
pub(super) fn transposed(
    filters: &Filters,
    block: [usize; 2],
    size: [usize; 2],
    activation: Activation,
    input: &[f32],
    output: &mut [f32],
) {
    let ([block_rows, block_columns], [height, width]) = (block, size);
    assert_eq!(
        input.len(),
        filters.depth() * height * width,
        "an input of whole channels"
    );
    assert_eq!(
        output.len(),
        filters.rows() * height * width,
        "a block per point"
    );
    let channel = block_rows * block_columns * height * width;
    let n_parts = n_parts(height, filters.rows() * input.len());
    let output = Shared::new(output);
    share(n_parts, &|part| {
        // One row of the input as planes, before its points are brought between each other.
        let mut planes = vec![0.0; filters.rows() * width];
        for row in part_of(height, part, n_parts) {
            let windows = Windows {
                n: width.div_ceil(COLUMNS),
                eight: |at| {
                    let at = at * COLUMNS;
                    Eight {
                        at,
                        n: COLUMNS.min(width - at),
                        from: row * width + at,
                    }
                },
                fill: |eight, panel: &mut [f32]| fill_points(input, height * width, eight, panel),
            };
            let place = place(filters, width, None, &mut planes);
            with_activation!(activation, activation => {
                // SAFETY: the planes are this part's own.
                unsafe {
                    let all = (0..filters.n_panels(), 0..windows.n);
                    in_blocks(filters, activation, &windows, all, &place);
                }
            });
            let rows = block_rows * block_columns * width;
            for (at, planes) in planes.chunks_exact(rows).enumerate() {
                // SAFETY: no other part has this row of the input, which these rows of the output come of.
                let output = unsafe { output.slice_mut(at * channel + row * rows, rows) };
                let rows = output.chunks_exact_mut(block_columns * width);
                for (output, planes) in rows.zip(planes.chunks_exact(block_columns * width)) {
                    interleave(planes, width, output);
                }
            }
        }
    });
}

/// Planes of one row, `[columns, width]`, as `[width, columns]`.
fn interleave(planes: &[f32], width: usize, output: &mut [f32]) {
    match output.as_chunks_mut::<2>() {
        (pairs, []) if planes.len() == 2 * width => {
            let (left, right) = planes.split_at(width);
            for (pair, (left, right)) in pairs.iter_mut().zip(left.iter().zip(right)) {
                *pair = [*left, *right];
            }
        }
        _ => {
            let columns = planes.len() / width;
            for (column, plane) in planes.chunks_exact(width).enumerate() {
                let places = output.iter_mut().skip(column).step_by(columns);
                for (place, value) in places.zip(plane) {
                    *place = *value;
                }
            }
        }
    }
}

/// Brings eight points of every channel into a panel; zeros where there are fewer than eight.
fn fill_points(input: &[f32], plane: usize, eight: Eight, panel: &mut [f32]) {
    let channels = input.chunks_exact(plane);
    for (channel, values) in channels.zip(panel.as_chunks_mut::<COLUMNS>().0) {
        let points = &channel[eight.from..eight.from + eight.n];
        // Of a known length, which is a load and a store: WebAssembly's own copying of memory is a call. What is
        // left at the end of maps of 7 by 7 points is one, of 14 by 14 four.
        *values = match *points {
            [a, b, c, d, e, f, g, h] => [a, b, c, d, e, f, g, h],
            [a, b, c, d] => [a, b, c, d, 0.0, 0.0, 0.0, 0.0],
            [a] => [a, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
            _ => {
                let mut some = [0.0; COLUMNS];
                some[..eight.n].copy_from_slice(points);
                some
            }
        };
    }
}

/// Eight neighbours of the output.
#[derive(Clone, Copy)]
struct Eight {
    /// Index of the first in a plane of the output.
    at: usize,
    /// How many of the eight there are.
    n: usize,
    /// Where the first one's window begins in a channel.
    from: usize,
}

fn place<'a>(
    filters: &Filters,
    plane: usize,
    residual: Option<&'a [f32]>,
    output: &'a mut [f32],
) -> Place<'a> {
    assert_eq!(output.len(), filters.rows() * plane, "a plane per filter");
    if let Some(residual) = residual {
        assert_eq!(
            residual.len(),
            output.len(),
            "a residual of the output's size"
        );
    }
    Place {
        output: Shared::new(output),
        residual,
        plane,
    }
}

/// What a convolution looks through, eight neighbours of the output at a time.
struct Windows<E, F> {
    /// How many eights.
    n: usize,
    /// The eight with this number.
    eight: E,
    /// Brings the windows of an eight into a panel, `[depth, 8]`.
    fill: F,
}

/// Cuts the output into parts, by points or where there are few of those by filters, and does each
/// [`in_blocks`].
fn in_parts<E, F>(
    filters: &Filters,
    activation: impl Activate + Sync,
    windows: &Windows<E, F>,
    place: &Place<'_>,
) where
    E: Fn(usize) -> Eight + Sync,
    F: Fn(Eight, &mut [f32]) + Sync,
{
    let n_products = windows.n * COLUMNS * filters.rows() * filters.depth();
    let n_panels = filters.n_panels();
    let by_points = n_parts(windows.n, n_products);
    let by_filters = n_parts(n_panels, n_products);
    // A part of fewer eights would leave threads waiting for the one that has one more.
    if windows.n >= 2 * by_points {
        share(by_points, &|part| {
            let mine = (0..n_panels, part_of(windows.n, part, by_points));
            // SAFETY: no other part has these points.
            unsafe { in_blocks(filters, activation, windows, mine, place) };
        });
    } else {
        share(by_filters, &|part| {
            let mine = (part_of(n_panels, part, by_filters), 0..windows.n);
            // SAFETY: no other part has these filters.
            unsafe { in_blocks(filters, activation, windows, mine, place) };
        });
    }
}

/// Fills as many panels as stay in the nearest cache, has some of the filters see them, and goes on: those panels
/// of filters and those eights that the two ranges tell.
///
/// # Safety
/// Nothing else may read or write these points of these filters' planes meanwhile.
unsafe fn in_blocks<E, F>(
    filters: &Filters,
    activation: impl Activate,
    windows: &Windows<E, F>,
    (panels, mut eights): (Range<usize>, Range<usize>),
    place: &Place<'_>,
) where
    E: Fn(usize) -> Eight,
    F: Fn(Eight, &mut [f32]),
{
    let length = filters.depth() * COLUMNS;
    let n_at_a_time = (BLOCK / length).max(1);
    with_scratch(|scratch| {
        scratch.resize(n_at_a_time * length, 0.0);
        let mut places = Vec::with_capacity(n_at_a_time);
        loop {
            places.clear();
            places.extend(eights.by_ref().take(n_at_a_time).map(&windows.eight));
            if places.is_empty() {
                return;
            }
            for (eight, panel) in places.iter().zip(scratch.chunks_exact_mut(length)) {
                (windows.fill)(*eight, panel);
            }
            for four in filters.panels(panels.clone()) {
                for (Eight { at, n, .. }, points) in places.iter().zip(scratch.chunks_exact(length))
                {
                    // SAFETY: as the caller says.
                    unsafe { multiply(&four, points, place, (*at, *n), activation) };
                }
            }
        }
    });
}

/// The first, third, fifth … of 15 values.
fn every_second(from: &[f32], to: &mut [f32; COLUMNS]) {
    let from = &from[..2 * COLUMNS];
    // SAFETY: sixteen values are readable, eight writable.
    unsafe {
        let half = |at: usize| {
            let first = F32x4::load(from.as_ptr().add(at));
            first.even_with_odd(F32x4::load(from.as_ptr().add(at + 3)))
        };
        half(0).store(to.as_mut_ptr());
        half(8).store(to.as_mut_ptr().add(4));
    }
}

#[cfg(test)]
mod tests {
    use super::super::Padding;
    use super::super::tests::{ACTIVATIONS, activated, check_close, noise, window_sum};
    use super::*;

    #[track_caller]
    fn check(channels: usize, rows: usize, window: Window, activation: Activation, adds: bool) {
        let [kernel_rows, kernel_columns] = window.kernel;
        let depth = channels * kernel_rows * kernel_columns;
        let (weights, bias) = (noise(rows * depth, 1), noise(rows, 2));
        let input = noise(channels * window.input[0] * window.input[1], 3);
        let [height, width] = window.output();
        let residual = adds.then(|| noise(rows * height * width, 4));
        let mut expected = Vec::new();
        for (row, filter) in weights.chunks_exact(depth).enumerate() {
            for i in 0..height {
                for j in 0..width {
                    let sum = window_sum(&input, 0..channels, filter, &window, (i, j));
                    let residual = residual.as_ref().map(|residual| residual[expected.len()]);
                    let sum = sum + f64::from(bias[row]) + f64::from(residual.unwrap_or_default());
                    expected.push(activated(sum, activation));
                }
            }
        }
        let filters = Filters::pack(&weights, &bias, depth).unwrap();
        let mut output = vec![f32::NAN; expected.len()];
        let residual = residual.as_deref();
        full(&filters, &window, activation, &input, residual, &mut output);
        let case = format!("{channels} channels, {rows} filters, {window:?}, {activation:?}");
        check_close(&output, &expected, &case);
        if window.is_pointwise() {
            let mut output = vec![f32::NAN; expected.len()];
            pointwise(&filters, activation, &input, residual, &mut output);
            check_close(&output, &expected, &case);
        }
    }

    fn window(input: [usize; 2], kernel: usize, stride: [usize; 2], pad: [usize; 2]) -> Window {
        Window {
            input,
            kernel: [kernel; 2],
            stride,
            padding: Padding {
                top: pad[0],
                bottom: pad[1],
                left: pad[0],
                right: pad[1],
            },
        }
    }

    #[test]
    fn points_of_every_number_and_filters_of_every_number() {
        for points in [1, 7, 8, 9, 49, 200] {
            for rows in [1, 3, 4, 6, 18] {
                for activation in ACTIVATIONS {
                    for adds in [false, true] {
                        check(
                            5,
                            rows,
                            window([1, points], 1, [1, 1], [0, 0]),
                            activation,
                            adds,
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn blocks_lie_side_by_side() {
        for (block, size) in [
            ([2, 2], [3, 5]),
            ([2, 2], [1, 9]),
            ([1, 3], [2, 8]),
            ([3, 1], [2, 3]),
        ] {
            let ([rows, columns], [height, width]) = (block, size);
            let (depth, channels) = (3, 5);
            let n_filters = channels * rows * columns;
            let (weights, bias) = (noise(n_filters * depth, 1), noise(n_filters, 2));
            let input = noise(depth * height * width, 3);
            let activation = ACTIVATIONS[1];
            let mut expected = Vec::new();
            for channel in 0..channels {
                for i in 0..height * rows {
                    for j in 0..width * columns {
                        let filter = (channel * rows + i % rows) * columns + j % columns;
                        let point = i / rows * width + j / columns;
                        let products = (0..depth).map(|k| {
                            let value = input[k * height * width + point];
                            f64::from(weights[filter * depth + k]) * f64::from(value)
                        });
                        let sum = f64::from(bias[filter]) + products.sum::<f64>();
                        expected.push(activated(sum, activation));
                    }
                }
            }
            let filters = Filters::pack(&weights, &bias, depth).unwrap();
            let mut output = vec![f32::NAN; expected.len()];
            transposed(&filters, block, size, activation, &input, &mut output);
            check_close(&output, &expected, &format!("{block:?} on {size:?}"));
        }
    }

    #[test]
    fn many_channels_fill_a_block_alone() {
        check(
            900,
            5,
            window([3, 5], 1, [1, 1], [0, 0]),
            Activation::None,
            true,
        );
    }

    #[test]
    fn windows_at_every_stride_and_border() {
        for input in [[3, 3], [5, 9], [8, 16], [13, 21]] {
            for kernel in [2, 3, 5] {
                for stride in [[1, 1], [2, 2], [2, 1]] {
                    for pad in [[0, 1], [1, 1], [2, 2]] {
                        let window = window(input, kernel, stride, pad);
                        for activation in ACTIVATIONS {
                            check(3, 6, window, activation, false);
                        }
                        check(2, 4, window, Activation::None, true);
                    }
                }
            }
        }
    }
}
