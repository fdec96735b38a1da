//! From a detector's map of probabilities to boxes around lines.
//!
//! The steps and constants are those of differentiable binarisation (M. Liao et al., "Real-time
//! scene text detection with differentiable binarization", 2020) as PP-OCR applies it.

use vitrine_protocol::{DetectionOutput, Point, Size};

use super::rectangle::Rectangle;
use super::regions::regions;

/// Boxes with a shorter side are specks, in pixels of the map, before and after they are grown.
const LEAST_SIDE: f32 = 3.0;
const LEAST_GROWN_SIDE: f32 = 5.0;

/// Boxes with a shorter side cannot be read, in pixels of the picture.
const LEAST_SIDE_IN_PICTURE: f32 = 3.0;

/// Finds the boxes around lines in a map of probabilities with `map` pixels, row by row, and gives
/// them in pixels of a picture of size `picture`, which the map shows as a whole.
///
/// Boxes are grown so that they hold whole characters, and may reach beyond the picture. A map of
/// another length than its size says, or NaN in it, counts as holding no text there.
pub fn find_boxes(
    probabilities: &[f32],
    map: Size,
    picture: Size,
    output: &DetectionOutput,
) -> Vec<Rectangle> {
    let (width, height) = (map.width as usize, map.height as usize);
    if probabilities.len() != width * height || width == 0 {
        return Vec::new();
    }
    let mut mask: Vec<bool> = probabilities
        .iter()
        .map(|probability| *probability > output.threshold)
        .collect();
    if output.dilate {
        dilate(&mut mask, width);
    }
    let scale = Point {
        x: picture.width as f32 / map.width as f32,
        y: picture.height as f32 / map.height as f32,
    };
    regions(&mask, width, output.max_candidates)
        .iter()
        .filter_map(|region| Rectangle::around(region))
        .filter(|shrunk| shrunk.width.min(shrunk.height) >= LEAST_SIDE)
        .filter(|shrunk| mean_inside(probabilities, width, shrunk) >= output.box_threshold)
        .map(|shrunk| shrunk.grown(shrunk.area_over_perimeter() * output.unclip_ratio))
        .filter(|grown| grown.width.min(grown.height) >= LEAST_GROWN_SIDE)
        .map(|grown| in_picture(&grown, scale))
        .filter(|lines| lines.width.min(lines.height) > LEAST_SIDE_IN_PICTURE)
        .collect()
}

/// Sets each pixel whose left, upper or upper left neighbour is set: what OpenCV's `dilate` does
/// with a 2 × 2 kernel, whose anchor is its lower right pixel.
fn dilate(mask: &mut [bool], width: usize) {
    for at in (0..mask.len()).rev() {
        let has_left = !at.is_multiple_of(width);
        let left = has_left && mask[at - 1];
        let above = at >= width && (mask[at - width] || (has_left && mask[at - width - 1]));
        mask[at] |= left || above;
    }
}

/// Mean probability of the pixels inside a rectangle; 0 where there are none.
fn mean_inside(probabilities: &[f32], width: usize, rectangle: &Rectangle) -> f32 {
    let height = probabilities.len() / width;
    let corners = rectangle.corners();
    let xs = corners.map(|corner| corner.x);
    let ys = corners.map(|corner| corner.y);
    let (left, right) = span(&xs, width);
    let (top, bottom) = span(&ys, height);
    let (half_width, half_height) = (rectangle.width / 2.0, rectangle.height / 2.0);
    // Pixels on the outline belong to it, up to rounding.
    let slack = 0.5;
    let (mut sum, mut count) = (0.0_f64, 0_u32);
    for y in top..=bottom {
        let row = &probabilities[y * width..(y + 1) * width];
        for (x, probability) in row.iter().enumerate().take(right + 1).skip(left) {
            let (dx, dy) = (x as f32 - rectangle.center.x, y as f32 - rectangle.center.y);
            let u = dx * rectangle.along.x + dy * rectangle.along.y;
            let v = dy * rectangle.along.x - dx * rectangle.along.y;
            if u.abs() <= half_width + slack && v.abs() <= half_height + slack {
                sum += f64::from(*probability);
                count += 1;
            }
        }
    }
    if count == 0 {
        0.0
    } else {
        (sum / f64::from(count)) as f32
    }
}

/// First and last whole coordinate between the least and the greatest value, within `0..length`.
fn span(values: &[f32; 4], length: usize) -> (usize, usize) {
    let least = values.iter().copied().fold(f32::INFINITY, f32::min);
    let greatest = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let last = length.saturating_sub(1);
    let first = (least.floor().max(0.0) as usize).min(last);
    (first, (greatest.ceil().max(0.0) as usize).min(last))
}

/// A rectangle of the map in pixels of the picture. Where the two sides are scaled differently a
/// turned rectangle becomes a parallelogram; the rectangle with the same middle lines is taken.
fn in_picture(rectangle: &Rectangle, scale: Point) -> Rectangle {
    let Point { x, y } = rectangle.along;
    let (along_x, along_y) = (x * scale.x, y * scale.y);
    let stretch = along_x.hypot(along_y).max(f32::MIN_POSITIVE);
    let across = (y * scale.x).hypot(x * scale.y);
    Rectangle {
        // A pixel's middle lies half a pixel from its corner, on both scales.
        center: Point {
            x: (rectangle.center.x + 0.5) * scale.x - 0.5,
            y: (rectangle.center.y + 0.5) * scale.y - 0.5,
        },
        along: Point {
            x: along_x / stretch,
            y: along_y / stretch,
        },
        width: rectangle.width * stretch,
        height: rectangle.height * across,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output() -> DetectionOutput {
        DetectionOutput {
            threshold: 0.3,
            box_threshold: 0.5,
            unclip_ratio: 1.6,
            max_candidates: 1000,
            dilate: false,
        }
    }

    fn size(width: u32, height: u32) -> Size {
        Size { width, height }
    }

    /// A map of 40 × 20 pixels with one block of text.
    fn map(probability: f32) -> Vec<f32> {
        let mut map = vec![0.0; 800];
        for y in 8..=12 {
            for x in 10..=29 {
                map[y * 40 + x] = probability;
            }
        }
        map
    }

    #[test]
    fn a_block_becomes_a_grown_box_in_the_picture() {
        let boxes = find_boxes(&map(0.9), size(40, 20), size(80, 40), &output());
        assert_eq!(boxes.len(), 1);
        let Rectangle {
            center,
            width,
            height,
            ..
        } = boxes[0];
        // 19 × 4 from first to last pixel, grown by 1.6 · 76 / 46 on every side, twice as large.
        let grown = 2.0 * 1.6 * 76.0 / 46.0;
        assert!((width - 2.0 * (19.0 + grown)).abs() < 1e-3, "{width}");
        assert!((height - 2.0 * (4.0 + grown)).abs() < 1e-3, "{height}");
        assert_eq!((center.x, center.y), (39.5, 20.5));
    }

    #[test]
    fn faint_text_and_specks_are_left_out() {
        assert!(find_boxes(&map(0.4), size(40, 20), size(80, 40), &output()).is_empty());
        let mut speck = vec![0.0; 800];
        speck[100] = 0.99;
        assert!(find_boxes(&speck, size(40, 20), size(80, 40), &output()).is_empty());
    }

    #[test]
    fn nothing_breaks_on_a_broken_map() {
        assert!(find_boxes(&[f32::NAN; 800], size(40, 20), size(80, 40), &output()).is_empty());
        assert!(find_boxes(&[0.9; 7], size(40, 20), size(80, 40), &output()).is_empty());
        assert!(find_boxes(&[], size(0, 0), size(1, 1), &output()).is_empty());
        let all_text = find_boxes(&[1.0; 800], size(40, 20), size(80, 40), &output());
        assert_eq!(all_text.len(), 1);
    }

    #[test]
    fn dilating_reaches_right_and_down() {
        let mut mask = vec![false; 9];
        mask[4] = true;
        dilate(&mut mask, 3);
        // cv2.dilate(mask, numpy.ones((2, 2)))
        assert_eq!(
            mask,
            [false, false, false, false, true, true, false, true, true]
        );
    }
}
