//! Any channels and depth to opaque 8-bit RGB.

use image::{DynamicImage, RgbImage, RgbaImage};

/// Brings pixels to 8-bit RGB.
///
/// Transparent pixels are laid on white, as on paper. Grey becomes three equal channels, 16 bits
/// are rounded to 8.
pub(super) fn flatten(image: DynamicImage) -> RgbImage {
    if image.color().has_alpha() {
        on_white(&image.into_rgba8())
    } else {
        image.into_rgb8()
    }
}

fn on_white(rgba: &RgbaImage) -> RgbImage {
    let mut rgb = RgbImage::new(rgba.width(), rgba.height());
    let (from, _) = rgba.as_raw().as_chunks::<4>();
    let (to, _) = rgb.as_chunks_mut::<3>();
    for ([r, g, b, alpha], pixel) in from.iter().zip(to) {
        *pixel = [*r, *g, *b].map(|value| over_white(value, *alpha));
    }
    rgb
}

/// `value * alpha + white * (1 - alpha)`, rounded; no tie can occur, because 255 is odd.
fn over_white(value: u8, alpha: u8) -> u8 {
    let (value, alpha) = (u32::from(value), u32::from(alpha));
    ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_flat(image: impl Into<DynamicImage>, expected: [u8; 3]) {
        assert_eq!(flatten(image.into()).get_pixel(0, 0).0, expected);
    }

    #[test]
    fn transparency_lies_on_white() {
        let one = |pixel| RgbaImage::from_pixel(1, 1, image::Rgba(pixel));
        check_flat(one([10, 20, 30, 255]), [10, 20, 30]);
        check_flat(one([10, 20, 30, 0]), [255, 255, 255]);
        check_flat(one([0, 100, 255, 128]), [127, 177, 255]);
        let grey = image::GrayAlphaImage::from_pixel(1, 1, image::LumaA([0, 51]));
        check_flat(grey, [204, 204, 204]);
    }

    #[test]
    fn grey_becomes_three_equal_channels() {
        check_flat(
            image::GrayImage::from_pixel(1, 1, image::Luma([77])),
            [77, 77, 77],
        );
    }

    #[test]
    fn sixteen_bits_are_rounded_to_eight() {
        let pixel = image::Rgb([0_u16, 0x8000, 0xFFFF]);
        check_flat(image::ImageBuffer::from_pixel(1, 1, pixel), [0, 128, 255]);
    }
}
