//! Small copies for the page.

use image::RgbImage;
use vitrine_protocol::Size;

/// Longest side of a thumbnail in pixels: a result card's width on a dense screen.
const LONGEST_SIDE: u32 = 320;

/// A small copy of a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thumbnail {
    /// Width and height; neither is above 320.
    pub size: Size,
    /// Red, green, blue and an alpha of 255 per pixel, row by row from the top left.
    pub rgba: Vec<u8>,
}

/// Shrinks a picture so that its longest side is at most 320 pixels; a smaller one is copied.
///
/// Every source pixel counts once, in the average of the thumbnail's pixel it falls on.
pub fn thumbnail(image: &RgbImage) -> Thumbnail {
    let (width, height) = image.dimensions();
    let longest = width.max(height);
    let shrunk = |side: u32| {
        if longest <= LONGEST_SIDE {
            return side;
        }
        let scaled = u64::from(side) * u64::from(LONGEST_SIDE) / u64::from(longest);
        scaled.max(1) as u32
    };
    let size = Size {
        width: shrunk(width),
        height: shrunk(height),
    };
    Thumbnail {
        size,
        rgba: average(image, size),
    }
}

fn average(image: &RgbImage, size: Size) -> Vec<u8> {
    let mut rgba = Vec::with_capacity(4 * size.width as usize * size.height as usize);
    let stride = image.width() as usize * 3;
    let mut sums = vec![0_u32; stride];
    for y in 0..size.height {
        let (top, bottom) = span(y, size.height, image.height());
        sums.fill(0);
        for row in image.as_raw()[top * stride..bottom * stride].chunks_exact(stride) {
            for (sum, byte) in sums.iter_mut().zip(row) {
                *sum += u32::from(*byte);
            }
        }
        let (columns, _) = sums.as_chunks::<3>();
        for x in 0..size.width {
            let (left, right) = span(x, size.width, image.width());
            let n_pixels = ((bottom - top) * (right - left)) as u64;
            let mut total = [0_u64; 3];
            for column in &columns[left..right] {
                for channel in 0..3 {
                    total[channel] += u64::from(column[channel]);
                }
            }
            rgba.extend(total.map(|sum| ((sum + n_pixels / 2) / n_pixels) as u8));
            rgba.push(255);
        }
    }
    rgba
}

/// First and one past the last source pixel under pixel `position` of `to`.
fn span(position: u32, to: u32, from: u32) -> (usize, usize) {
    let edge = |position: u32| (u64::from(position) * u64::from(from) / u64::from(to)) as usize;
    (edge(position), edge(position + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_size(width: u32, height: u32, expected: (u32, u32)) {
        let small = thumbnail(&RgbImage::from_pixel(
            width,
            height,
            image::Rgb([1, 200, 3]),
        ));
        assert_eq!((small.size.width, small.size.height), expected);
        assert_eq!(
            small.rgba,
            [1, 200, 3, 255].repeat((expected.0 * expected.1) as usize)
        );
    }

    #[test]
    fn the_longest_side_is_320() {
        check_size(4000, 3000, (320, 240));
        check_size(300, 1000, (96, 320));
        check_size(321, 1, (320, 1));
        check_size(20_000, 1, (320, 1));
        check_size(1, 20_000, (1, 320));
    }

    #[test]
    fn small_pictures_keep_their_size() {
        check_size(320, 10, (320, 10));
        check_size(1, 1, (1, 1));
    }

    #[test]
    fn a_pixel_is_the_average_of_those_it_covers() {
        let image = RgbImage::from_fn(640, 320, |x, _| image::Rgb([(x % 2) as u8 * 100, 0, 9]));
        let small = thumbnail(&image);
        assert_eq!(small.rgba[..4], [50, 0, 9, 255]);
    }

    #[test]
    fn a_picture_without_pixels_has_an_empty_thumbnail() {
        assert!(thumbnail(&RgbImage::new(0, 0)).rgba.is_empty());
    }
}
