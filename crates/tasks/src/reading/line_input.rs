//! Cut-out lines as the input of the models that turn and read them.

use image::{RgbImage, imageops};
use vitrine_protocol::{Channels, LineInput};

use crate::Tensor;
use crate::picture::resize_bilinear;

/// Widths of lines are rounded up to a multiple of this, so that shapes repeat and their plans
/// with them, while at most an eighth of an ordinary line is padding.
const WIDTH_STEP: u32 = 64;

/// Longer lines are squeezed to this width: a line of about 150 characters.
const MOST_WIDTH: u32 = 2048;

/// How pixel values become numbers: `(value - mean) / std`.
pub(super) struct Normalise {
    /// Order of the planes.
    pub(super) channels: Channels,
    /// On the 0–255 scale.
    pub(super) mean: f32,
    /// On the 0–255 scale.
    pub(super) std: f32,
}

impl From<&LineInput> for Normalise {
    fn from(input: &LineInput) -> Normalise {
        Normalise {
            channels: input.channels,
            mean: input.mean,
            std: input.std,
        }
    }
}

/// Width of the tensor for a line: its own at the input's height, at least
/// the input's width, rounded up so that few widths occur.
pub fn line_width(line: &RgbImage, input: &LineInput) -> u32 {
    let width = scaled_width(line, input);
    width.max(input.width).next_multiple_of(WIDTH_STEP)
}

/// Puts a line into a `[1, 3, height, width]` tensor, with a `width` of at least [`line_width`]:
/// scaled to the input's height, with zeros on the right.
pub fn line_tensor(line: &RgbImage, input: &LineInput, width: u32) -> Tensor {
    let width = width.max(line_width(line, input));
    fill(line, input, scaled_width(line, input), width)
}

/// Of a line, this many times its height is enough to tell which way up it is.
///
/// Squeezing whole lines, as the reference does, makes characters of long ones too narrow to tell:
/// of 362 rendered lines it turned 22 that were upright and left 96 that were upside down; with
/// their beginnings these are 0 and 2.
const DIRECTION_REACH: u32 = 6;

/// Puts the beginning of a line, at most six times as long as high, into a
/// `[1, 3, height, width]` tensor of the input's own width, squeezed where it is longer.
pub fn squeezed_tensor(line: &RgbImage, input: &LineInput) -> Tensor {
    let reach = line.height().saturating_mul(DIRECTION_REACH);
    let width = line.width().min(reach);
    let beginning = imageops::crop_imm(line, 0, 0, width, line.height()).to_image();
    let scaled = scaled_width(&beginning, input).min(input.width);
    fill(&beginning, input, scaled, input.width)
}

/// A line's width in pixels at the input's height; at least 1.
fn scaled_width(line: &RgbImage, input: &LineInput) -> u32 {
    let ratio = line.width() as f32 / line.height().max(1) as f32;
    let width = (ratio * input.height as f32).ceil();
    (width as u32).clamp(1, MOST_WIDTH)
}

fn fill(line: &RgbImage, input: &LineInput, scaled: u32, width: u32) -> Tensor {
    let pixels = resize_bilinear(line, (scaled, input.height));
    let (width, height) = (width as usize, input.height as usize);
    let mut values = vec![0.0; 3 * width * height];
    planes(&pixels, &input.into(), width, &mut values);
    Tensor {
        shape: vec![1, 3, height, width],
        values,
    }
}

/// Writes a picture as three planes with `width` values per row, of which the picture fills the
/// first; there are as many rows as the picture has.
pub(super) fn planes(picture: &RgbImage, normalise: &Normalise, width: usize, values: &mut [f32]) {
    let (columns, rows) = (picture.width() as usize, picture.height() as usize);
    let Normalise {
        channels,
        mean,
        std,
    } = normalise;
    for channel in 0..3 {
        let from = match channels {
            Channels::Rgb => channel,
            Channels::Bgr => 2 - channel,
        };
        let plane = &mut values[channel * width * rows..][..width * rows];
        let (pixels, _) = picture.as_raw().as_chunks::<3>();
        let lines = plane
            .chunks_exact_mut(width.max(1))
            .zip(pixels.chunks_exact(columns.max(1)));
        for (out, line) in lines {
            for (value, pixel) in out.iter_mut().zip(line) {
                *value = (f32::from(pixel[from]) - mean) / std;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input() -> LineInput {
        LineInput {
            height: 48,
            width: 320,
            channels: Channels::Bgr,
            mean: 127.5,
            std: 127.5,
        }
    }

    #[track_caller]
    fn check_width(size: (u32, u32), expected: u32) {
        let line = RgbImage::new(size.0, size.1);
        assert_eq!(line_width(&line, &input()), expected);
    }

    #[test]
    fn widths_are_few() {
        check_width((100, 48), 320);
        check_width((330, 48), 384);
        check_width((330, 24), 704);
        check_width((1, 1000), 320);
        check_width((16_000, 10), 2048);
    }

    #[test]
    fn a_line_stands_left_and_zeros_right() {
        let line = RgbImage::from_pixel(48, 24, image::Rgb([255, 127, 0]));
        let tensor = line_tensor(&line, &input(), 320);
        assert_eq!(tensor.shape, [1, 3, 48, 320]);
        let blue = &tensor.values[..320];
        assert!(blue[..96].iter().all(|value| *value == -1.0));
        assert!(blue[96..].iter().all(|value| *value == 0.0));
        assert_eq!(tensor.values[2 * 48 * 320], 1.0);
    }

    #[test]
    fn a_long_line_is_squeezed_for_its_direction() {
        let line = RgbImage::from_pixel(1000, 20, image::Rgb([255; 3]));
        let tensor = squeezed_tensor(
            &line,
            &LineInput {
                width: 192,
                ..input()
            },
        );
        assert_eq!(tensor.shape, [1, 3, 48, 192]);
        assert!(tensor.values.iter().all(|value| *value == 1.0));
    }
    #[test]
    fn direction_is_told_by_the_beginning_of_a_line() {
        let narrow = LineInput {
            width: 192,
            ..input()
        };
        let beginning = RgbImage::from_fn(120, 20, |x, _| image::Rgb([(2 * x) as u8; 3]));
        let mut long = RgbImage::from_pixel(900, 20, image::Rgb([255; 3]));
        imageops::replace(&mut long, &beginning, 0, 0);
        assert_eq!(
            squeezed_tensor(&long, &narrow),
            squeezed_tensor(&beginning, &narrow)
        );
        assert_eq!(
            squeezed_tensor(&RgbImage::new(0, 0), &narrow).shape,
            [1, 3, 48, 192]
        );
    }
}
