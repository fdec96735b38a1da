//! Pixels to a model's input: scaled by the short side, the centre cut out, normalised.

use std::ops::Range;

use image::RgbImage;
use vitrine_protocol::PictureInput;

use super::resize::{Window, resize_window};
use crate::Tensor;

/// Turns a picture into the input of a model: a `[1, 3, crop, crop]` tensor of
/// `(value - mean) / std` per channel in RGB order, rows from top to bottom, with values on the
/// 0–255 scale. See [`center_crop`] for the pixels.
pub fn prepare(image: &RgbImage, input: &PictureInput) -> Tensor {
    let cropped = center_crop(image, input);
    let (pixels, _) = cropped.as_raw().as_chunks::<3>();
    let mut values = Vec::with_capacity(3 * pixels.len());
    for channel in 0..3 {
        let (mean, std) = (input.mean[channel], input.std[channel]);
        values.extend(
            pixels
                .iter()
                .map(|pixel| (f32::from(pixel[channel]) - mean) / std),
        );
    }
    let side = input.crop as usize;
    Tensor {
        shape: vec![1, 3, side, side],
        values,
    }
}

/// Scales a picture so that its short side is `resize_short_side`, and cuts the centre square of
/// `crop` pixels: to the byte what Pillow's `resize` and `crop` give.
///
/// The long side is rounded to the nearest pixel and an odd pixel of margin goes behind, which
/// `docs/decisions/0005-resize-rounds.md` compares with torchvision's habits. A `crop` larger than
/// `resize_short_side`, which the registry does not allow, is taken as the short side as well.
pub fn center_crop(image: &RgbImage, input: &PictureInput) -> RgbImage {
    let short_side = u64::from(input.resize_short_side.max(input.crop));
    let (width, height) = scaled_size(image.dimensions(), short_side);
    let window = Window {
        x: centre(width, u64::from(input.crop)),
        y: centre(height, u64::from(input.crop)),
    };
    resize_window(image, (width, height), &window, input.filter)
}

/// Width and height after scaling to a short side; half a pixel of the long one is rounded up.
fn scaled_size((width, height): (u32, u32), short_side: u64) -> (u64, u64) {
    let (short, long) = (u64::from(width.min(height)), u64::from(width.max(height)));
    let long_side = (2 * short_side * long + short) / (2 * short).max(1);
    if width <= height {
        (short_side, long_side)
    } else {
        (long_side, short_side)
    }
}

/// The middle `crop` of `length` pixels.
fn centre(length: u64, crop: u64) -> Range<u64> {
    let offset = length.saturating_sub(crop) / 2;
    offset..offset + crop
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use vitrine_protocol::ResizeFilter;

    use super::*;

    fn input(crop: u32) -> PictureInput {
        PictureInput {
            resize_short_side: 256,
            crop,
            filter: ResizeFilter::Bicubic,
            mean: [127.0; 3],
            std: [128.0; 3],
        }
    }

    #[track_caller]
    fn check_scaled(size: (u32, u32), expected: (u64, u64)) {
        assert_eq!(scaled_size(size, 256), expected);
    }

    #[track_caller]
    fn check_offset(length: u64, expected: u64) {
        assert_eq!(centre(length, 224), expected..expected + 224);
    }

    #[track_caller]
    fn check_uniform(width: u32, height: u32) {
        let image = RgbImage::from_pixel(width, height, image::Rgb([255, 128, 1]));
        let cropped = center_crop(&image, &input(224));
        assert_eq!(cropped.dimensions(), (224, 224));
        assert!(cropped.pixels().all(|pixel| pixel.0 == [255, 128, 1]));
    }

    #[test]
    fn the_long_side_is_rounded() {
        check_scaled((500, 375), (341, 256));
        check_scaled((500, 333), (384, 256));
        check_scaled((375, 500), (256, 341));
        check_scaled((4000, 3000), (341, 256));
        check_scaled((97, 64), (388, 256));
        check_scaled((1, 1), (256, 256));
        check_scaled((u32::MAX, 1), (256 * u64::from(u32::MAX), 256));
    }

    #[test]
    fn an_odd_pixel_of_margin_goes_behind() {
        check_offset(224, 0);
        check_offset(256, 16);
        check_offset(225, 0);
        check_offset(227, 1);
        check_offset(229, 2);
        check_offset(341, 58);
    }

    #[test]
    fn one_colour_stays_one_colour_at_any_shape() {
        check_uniform(1, 1);
        check_uniform(20_000, 1);
        check_uniform(1, 20_000);
        check_uniform(3, 2);
        check_uniform(256, 256);
        check_uniform(1023, 768);
    }

    #[test]
    fn values_are_normalised_and_planar() {
        let image = RgbImage::from_pixel(9, 9, image::Rgb([255, 127, 0]));
        let tensor = prepare(&image, &input(2));
        assert_eq!(tensor.shape, [1, 3, 2, 2]);
        let expected = [1.0, 0.0, -127.0 / 128.0].map(|value: f32| [value; 4]);
        assert_eq!(tensor.values, expected.concat());
    }

    #[test]
    fn odd_requests_do_not_panic() {
        let image = RgbImage::from_pixel(5, 7, image::Rgb([9, 9, 9]));
        assert!(prepare(&image, &input(0)).values.is_empty());
        assert_eq!(center_crop(&image, &input(300)).dimensions(), (300, 300));
        assert_eq!(
            center_crop(&RgbImage::new(0, 0), &input(4)).dimensions(),
            (4, 4)
        );
    }

    #[test]
    #[allow(clippy::disallowed_methods)]
    fn twelve_megapixels_take_a_moment() {
        let image = RgbImage::from_fn(4000, 3000, |x, y| image::Rgb([x as u8, y as u8, 7]));
        let start = std::time::Instant::now();
        let cropped = center_crop(&image, &input(224));
        let took = start.elapsed();
        println!("4000 x 3000 to a crop of 224: {took:?}");
        assert_eq!(cropped.dimensions(), (224, 224));
        // Ten times what it takes on a machine of 2024, for machines under load.
        assert!(took < Duration::from_millis(1500), "{took:?}");
    }
}
