//! Lines cut out of a picture, turned level.

use image::RgbImage;
use vitrine_protocol::Point;

use super::rectangle::Rectangle;

/// Taller than this times its width, a cut-out is taken for a line that runs up or down: the
/// reference's figure.
const STANDING: f32 = 1.5;

/// A cut-out has at most this many pixels a side; pictures have no larger ones.
const MOST_SIDE: f32 = 16_384.0;

/// And at most this many pixels, which is what a whole picture may have. Boxes around lines have a small
/// part of it; a map that is all text, grown, would have three times as many.
const MOST_PIXELS: f32 = 50e6;

/// A line cut out of its picture.
#[derive(Clone, Debug, PartialEq)]
pub struct CutLine {
    /// Its pixels, level.
    pub pixels: RgbImage,
    /// Corners in the picture, clockwise from the cut-out's top left.
    pub quad: [Point; 4],
}

/// Cuts a box out of a picture; see [`cut_quad`].
pub fn cut_line(picture: &RgbImage, line: &Rectangle) -> CutLine {
    cut_quad(picture, line.corners())
}

/// Cuts out what lies between four corners, clockwise from the top left, at the picture's own
/// resolution or what 50 million pixels allow, by cubic interpolation with a = -0.75 as OpenCV has it.
/// Beyond the picture its outermost pixels go on.
///
/// Lines that run up or down come out level, turned a quarter counter-clockwise, as the reference
/// turns them. Corners are taken for those of a parallelogram, which boxes are but for rounding.
pub fn cut_quad(picture: &RgbImage, corners: [Point; 4]) -> CutLine {
    let [a, b, c, d] = corners;
    // Sides that are no number, of corners that are none, count as the shortest.
    let side = |one: f32, other: f32| match one.max(other) {
        longer if longer >= 1.0 => longer.min(MOST_SIDE),
        _ => 1.0,
    };
    let width = side(distance(a, b), distance(d, c));
    let height = side(distance(a, d), distance(b, c));
    let (quad, width, height) = if height.floor() >= STANDING * width.floor() {
        // What was at the top right comes to the top left.
        ([b, c, d, a], height, width)
    } else {
        (corners, width, height)
    };
    let (width, height) = bounded(width, height);
    let pixels = sample(picture, &quad, width, height);
    CutLine { pixels, quad }
}

/// Whole sides of a cut-out, in proportion and of no more pixels than are allowed; at least 1.
fn bounded(width: f32, height: f32) -> (u32, u32) {
    let shrink = (MOST_PIXELS / (width * height)).sqrt().min(1.0);
    let side = |length: f32| ((length * shrink) as u32).max(1);
    (side(width), side(height))
}

fn distance(from: Point, to: Point) -> f32 {
    (to.x - from.x).hypot(to.y - from.y)
}

/// A line turned by half a turn, with its corners.
pub fn turned(line: &CutLine) -> CutLine {
    let [a, b, c, d] = line.quad;
    CutLine {
        pixels: image::imageops::rotate180(&line.pixels),
        quad: [c, d, a, b],
    }
}

/// Samples the parallelogram that three corners span.
fn sample(picture: &RgbImage, quad: &[Point; 4], width: u32, height: u32) -> RgbImage {
    let mut cut = RgbImage::new(width, height);
    if picture.is_empty() {
        return cut;
    }
    let [origin, right, _, below] = *quad;
    let step = |to: Point, n: u32| Point {
        x: (to.x - origin.x) / n as f32,
        y: (to.y - origin.y) / n as f32,
    };
    let (across, down) = (step(right, width), step(below, height));
    for (v, row) in cut.chunks_exact_mut(3 * width as usize).enumerate() {
        let v = v as f32;
        let (pixels, _) = row.as_chunks_mut::<3>();
        for (u, pixel) in pixels.iter_mut().enumerate() {
            let u = u as f32;
            let x = origin.x + u * across.x + v * down.x;
            let y = origin.y + u * across.y + v * down.y;
            *pixel = cubic(picture, x, y);
        }
    }
    cut
}

/// The picture's value between pixels, which stand at whole coordinates.
fn cubic(picture: &RgbImage, x: f32, y: f32) -> [u8; 3] {
    let (columns, rows) = (picture.width() as i64, picture.height() as i64);
    let (left, top) = (x.floor(), y.floor());
    let (weights_x, weights_y) = (taps(x - left), taps(y - top));
    let bytes = picture.as_raw();
    let mut sums = [0.0_f32; 3];
    for (j, weight_y) in weights_y.into_iter().enumerate() {
        let row = (top as i64).saturating_add(j as i64 - 1).clamp(0, rows - 1);
        let mut in_row = [0.0_f32; 3];
        for (i, weight_x) in weights_x.into_iter().enumerate() {
            let column = (left as i64)
                .saturating_add(i as i64 - 1)
                .clamp(0, columns - 1);
            let at = 3 * (row * columns + column) as usize;
            for (sum, byte) in in_row.iter_mut().zip(&bytes[at..at + 3]) {
                *sum += weight_x * f32::from(*byte);
            }
        }
        for (sum, value) in sums.iter_mut().zip(in_row) {
            *sum += weight_y * value;
        }
    }
    sums.map(|sum| (sum + 0.5).clamp(0.0, 255.0) as u8)
}

/// Weights of the four pixels around a point that lies `t` behind the second: R. Keys' cubic with
/// a = -0.75.
fn taps(t: f32) -> [f32; 4] {
    const A: f32 = -0.75;
    let near = |d: f32| ((A + 2.0) * d - (A + 3.0)) * d * d + 1.0;
    let far = |d: f32| ((A * d - 5.0 * A) * d + 8.0 * A) * d - 4.0 * A;
    [far(1.0 + t), near(t), near(1.0 - t), far(2.0 - t)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture() -> RgbImage {
        RgbImage::from_fn(20, 10, |x, y| image::Rgb([10 * x as u8, 20 * y as u8, 7]))
    }

    fn rectangle(center: (f32, f32), width: f32, height: f32) -> Rectangle {
        Rectangle {
            center: Point {
                x: center.0,
                y: center.1,
            },
            along: Point { x: 1.0, y: 0.0 },
            width,
            height,
        }
    }

    #[test]
    fn a_level_cut_is_the_pixels_themselves() {
        let cut = cut_line(&picture(), &rectangle((7.0, 4.0), 6.0, 4.0));
        assert_eq!(cut.pixels.dimensions(), (6, 4));
        assert_eq!(cut.pixels.get_pixel(0, 0).0, [40, 40, 7]);
        assert_eq!(cut.pixels.get_pixel(5, 3).0, [90, 100, 7]);
    }

    #[test]
    fn a_standing_line_is_laid_down() {
        let cut = cut_line(&picture(), &rectangle((4.0, 5.0), 4.0, 8.0));
        assert_eq!(cut.pixels.dimensions(), (8, 4));
        assert_eq!(cut.quad[0], Point { x: 6.0, y: 1.0 });
        // Its left is what was on top, its top what was on the right.
        assert_eq!(cut.pixels.get_pixel(0, 0).0, [60, 20, 7]);
    }

    #[test]
    fn the_edge_goes_on_beyond_the_picture() {
        let cut = cut_line(&picture(), &rectangle((0.0, 0.0), 8.0, 6.0));
        assert_eq!(cut.pixels.get_pixel(0, 0).0, [0, 0, 7]);
    }

    #[test]
    fn turning_twice_changes_nothing() {
        let cut = cut_line(&picture(), &rectangle((7.0, 4.0), 6.0, 4.0));
        let half = turned(&cut);
        assert_eq!(half.quad[0], cut.quad[2]);
        assert_eq!(half.pixels.get_pixel(5, 3), cut.pixels.get_pixel(0, 0));
        assert_eq!(turned(&half), cut);
    }

    #[test]
    fn nothing_breaks_on_boxes_without_extent() {
        let cut = cut_line(&picture(), &rectangle((500.0, -500.0), 0.0, 0.0));
        assert_eq!(cut.pixels.dimensions(), (1, 1));
        let cut = cut_line(&RgbImage::new(0, 0), &rectangle((0.0, 0.0), 3.0, 3.0));
        assert_eq!(cut.pixels.dimensions(), (3, 3));
    }

    #[test]
    fn a_cut_has_no_more_pixels_than_a_picture() {
        assert_eq!(bounded(640.9, 48.0), (640, 48));
        assert_eq!(bounded(MOST_SIDE, 1.0), (16_384, 1));
        assert_eq!(bounded(MOST_SIDE, MOST_SIDE), (7071, 7071));
        let (width, height) = bounded(MOST_SIDE, 8192.0);
        assert!(width.abs_diff(10_000) < 2 && height.abs_diff(5000) < 2);
    }

    #[test]
    fn weights_add_up() {
        for t in [0.0, 0.25, 0.5, 0.9] {
            let sum: f32 = taps(t).iter().sum();
            assert!((sum - 1.0).abs() < 1e-6);
        }
    }

    #[test]
    fn corners_that_are_nowhere_give_a_picture_all_the_same() {
        let nowhere = Point {
            x: f32::NAN,
            y: f32::NAN,
        };
        let cut = cut_quad(&picture(), [nowhere; 4]);
        assert_eq!(cut.pixels.dimensions(), (1, 1));
        let far = rectangle((1e30, -1e30), 3.0, 2.0);
        let cut = cut_line(&picture(), &far);
        assert!(!cut.pixels.is_empty());
    }
}
