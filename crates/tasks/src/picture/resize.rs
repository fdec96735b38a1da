//! Scaling with Pillow's numbers.
//!
//! Models are trained on pictures that Pillow scaled, and other libraries differ from it by
//! several levels, most of all where they shrink without smoothing. The arithmetic here follows
//! Pillow's `Resample.c` as far as it shows in the result: the filter widens with the scale, the
//! weights are computed in f64 and rounded to 22 fractional bits, rows are scaled before columns,
//! and what lies between is rounded to 8 bits. `tests/pillow_parity.rs` holds it to that.

use std::ops::Range;

use image::RgbImage;
use vitrine_protocol::ResizeFilter;

/// Fractional bits of a weight: of 32, 8 are for the pixel and 2 for sums beyond its range.
const PRECISION_BITS: u32 = 32 - 8 - 2;

/// Channels of a pixel.
const CHANNELS: usize = 3;

/// Columns and rows of the scaled picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Window {
    /// Columns, from the left.
    pub(super) x: Range<u64>,
    /// Rows, from the top.
    pub(super) y: Range<u64>,
}

/// Computes the `window` of `image` scaled to `width` × `height`, and nothing around it.
///
/// Time and memory go by the source and the window, so a thin strip may be scaled to any length.
/// The window lies within the scaled picture. A picture without pixels gives black.
pub(super) fn resize_window(
    image: &RgbImage,
    (width, height): (u64, u64),
    window: &Window,
    filter: ResizeFilter,
) -> RgbImage {
    let columns = taps(image.width(), width, &window.x, filter);
    let rows = taps(image.height(), height, &window.y, filter);
    let mut scaled = RgbImage::new(columns.len() as u32, rows.len() as u32);
    if image.is_empty() || scaled.is_empty() {
        return scaled;
    }
    let first_row = rows.iter().map(|taps| taps.first).min().unwrap_or(0);
    let end_row = rows.iter().map(Taps::end).max().unwrap_or(0);
    let narrowed = scale_rows(image, first_row..end_row, &columns);
    let stride = columns.len() * CHANNELS;
    let mut sums = vec![0; stride];
    for (taps, out) in rows.iter().zip(scaled.chunks_exact_mut(stride)) {
        let source = &narrowed[(taps.first - first_row) * stride..];
        scale_column(source, taps, &mut sums, out);
    }
    scaled
}

/// Scales a whole picture with Pillow's triangle filter, which smooths where it shrinks.
///
/// The size must be small enough to allocate; a picture without pixels gives black.
pub fn resize_bilinear(image: &RgbImage, (width, height): (u32, u32)) -> RgbImage {
    let (width, height) = (u64::from(width), u64::from(height));
    let whole = Window {
        x: 0..width,
        y: 0..height,
    };
    resize_window(image, (width, height), &whole, ResizeFilter::Bilinear)
}

/// The source pixels that make one pixel of the result, along one axis.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Taps {
    /// First source pixel.
    first: usize,
    /// Weight of each source pixel from there, with [`PRECISION_BITS`] fractional bits.
    weights: Vec<i32>,
}

impl Taps {
    /// One past the last source pixel.
    fn end(&self) -> usize {
        self.first + self.weights.len()
    }
}

/// The taps of each pixel in `window`, where `from` source pixels become `to`.
fn taps(from: u32, to: u64, window: &Range<u64>, filter: ResizeFilter) -> Vec<Taps> {
    let scale = f64::from(from) / to as f64;
    // A filter narrower than a source pixel would skip some: it never shrinks below one.
    let filter_scale = scale.max(1.0);
    let reach = support(filter) * filter_scale;
    window
        .clone()
        .map(|position| {
            let center = (position as f64 + 0.5) * scale;
            let first = ((center - reach + 0.5).max(0.0) as usize).min(from as usize);
            let end = ((center + reach + 0.5) as usize).min(from as usize);
            let in_filter = |source: usize| (source as f64 - center + 0.5) * (1.0 / filter_scale);
            let weights: Vec<f64> = (first..end)
                .map(|source| weight(filter, in_filter(source)))
                .collect();
            Taps {
                first,
                weights: fixed_point(&weights),
            }
        })
        .collect()
}

/// Weights whose sum is 1, in fixed point, ties away from zero.
fn fixed_point(weights: &[f64]) -> Vec<i32> {
    let sum: f64 = weights.iter().sum();
    let one = f64::from(1_u32 << PRECISION_BITS);
    weights
        .iter()
        .map(|weight| {
            let normalised = if sum == 0.0 { *weight } else { weight / sum };
            (normalised * one + 0.5_f64.copysign(normalised)) as i32
        })
        .collect()
}

/// Distance from the centre, in result pixels, from which on a filter is 0.
fn support(filter: ResizeFilter) -> f64 {
    match filter {
        ResizeFilter::Bilinear => 1.0,
        ResizeFilter::Bicubic => 2.0,
    }
}

/// The filter at `distance` from its centre. The order of operations matters to the last bit.
fn weight(filter: ResizeFilter, distance: f64) -> f64 {
    // Keys' parameter: Pillow, like Matlab, takes -0.5; OpenCV and browsers take -0.75.
    const A: f64 = -0.5;
    let x = distance.abs();
    match filter {
        ResizeFilter::Bilinear if x < 1.0 => 1.0 - x,
        ResizeFilter::Bicubic if x < 1.0 => ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0,
        ResizeFilter::Bicubic if x < 2.0 => (((x - 5.0) * x + 8.0) * x - 4.0) * A,
        ResizeFilter::Bilinear | ResizeFilter::Bicubic => 0.0,
    }
}

/// Scales `rows` of the picture to `columns.len()` pixels each, row after row.
fn scale_rows(image: &RgbImage, rows: Range<usize>, columns: &[Taps]) -> Vec<u8> {
    // One weight per byte, so that a tap is a plain product of two runs of numbers.
    let columns: Vec<(usize, Vec<i32>)> = columns
        .iter()
        .map(|taps| {
            let weights = taps.weights.iter().flat_map(|weight| [*weight; CHANNELS]);
            (taps.first * CHANNELS, weights.collect())
        })
        .collect();
    let stride = image.width() as usize * CHANNELS;
    let source = &image.as_raw()[rows.start * stride..rows.end * stride];
    let mut scaled = vec![0; rows.len() * columns.len() * CHANNELS];
    let (pixels, _) = scaled.as_chunks_mut::<CHANNELS>();
    for (row, out) in source
        .chunks_exact(stride)
        .zip(pixels.chunks_exact_mut(columns.len()))
    {
        for ((first, weights), pixel) in columns.iter().zip(out) {
            *pixel = weighted_sum(&row[*first..first + weights.len()], weights).map(rounded);
        }
    }
    scaled
}

/// Sums of `bytes × weights` per channel.
///
/// Four pixels at a time in twelve sums, which is three vectors of four numbers.
fn weighted_sum(bytes: &[u8], weights: &[i32]) -> [i32; CHANNELS] {
    const LANES: usize = 4 * CHANNELS;
    let (byte_runs, last_bytes) = bytes.as_chunks::<LANES>();
    let (weight_runs, last_weights) = weights.as_chunks::<LANES>();
    let mut lanes = [0_i32; LANES];
    for (bytes, weights) in byte_runs.iter().zip(weight_runs) {
        for lane in 0..LANES {
            lanes[lane] += i32::from(bytes[lane]) * weights[lane];
        }
    }
    for (lane, (byte, weight)) in last_bytes.iter().zip(last_weights).enumerate() {
        lanes[lane] += i32::from(*byte) * weight;
    }
    let mut sums = [0; CHANNELS];
    for (lane, sum) in lanes.iter().enumerate() {
        sums[lane % CHANNELS] += sum;
    }
    sums
}

/// Makes one row of the result of the rows in `source`, which begins at the first tap.
fn scale_column(source: &[u8], taps: &Taps, sums: &mut [i32], out: &mut [u8]) {
    sums.fill(0);
    for (row, weight) in source.chunks_exact(out.len()).zip(&taps.weights) {
        for (sum, byte) in sums.iter_mut().zip(row) {
            *sum += i32::from(*byte) * weight;
        }
    }
    for (byte, sum) in out.iter_mut().zip(sums) {
        *byte = rounded(*sum);
    }
}

/// A sum in fixed point as the nearest level, halves up.
fn rounded(sum: i32) -> u8 {
    const HALF: i32 = 1 << (PRECISION_BITS - 1);
    ((sum + HALF) >> PRECISION_BITS).clamp(0, 255) as u8
}
