//! A picture as a text detector's input.

use image::RgbImage;
use vitrine_protocol::{DetectionInput, Size};

use super::line_input::{Normalise, planes};
use crate::Tensor;
use crate::picture::resize_bilinear;

/// A detector's input and where its pixels come from.
#[derive(Clone, Debug, PartialEq)]
pub struct DetectorInput {
    /// `[1, 3, height, width]`, normalised.
    pub tensor: Tensor,
    /// Size of the tensor's map: the whole picture is scaled to it.
    pub size: Size,
}

/// Pictures whose sides differ by more than this are strips: the reference's `width_height_ratio`.
const MOST_ELONGATED: f32 = 8.0;

/// Scales and normalises a picture for a detector.
///
/// The short side becomes at least `min_short_side`, in strips at least an eighth of the long one,
/// and the long side at most `max_long_side`; both are then rounded to a multiple of `multiple`.
/// Smaller pictures are scaled up because small type is only found when it is large enough.
pub fn detector_input(picture: &RgbImage, input: &DetectionInput) -> DetectorInput {
    let size = detector_size(picture.dimensions(), input);
    let scaled = resize_bilinear(picture, (size.width, size.height));
    let (width, height) = (size.width as usize, size.height as usize);
    let mut values = vec![0.0; 3 * width * height];
    let normalise = Normalise {
        channels: input.channels,
        mean: input.mean,
        std: input.std,
    };
    planes(&scaled, &normalise, width, &mut values);
    DetectorInput {
        tensor: Tensor {
            shape: vec![1, 3, height, width],
            values,
        },
        size,
    }
}

/// Size of the detector's input for a picture.
fn detector_size((width, height): (u32, u32), input: &DetectionInput) -> Size {
    let (width, height) = (width.max(1) as f32, height.max(1) as f32);
    let (short, long) = (width.min(height), width.max(height));
    let wanted = input.min_short_side as f32;
    // A strip's own text is as high as the strip: an eighth of the long side is enough for it.
    let wanted = if long / short > MOST_ELONGATED {
        (long / MOST_ELONGATED).clamp(input.multiple as f32, wanted)
    } else {
        wanted
    };
    let up = (wanted / short).max(1.0);
    let down = input.max_long_side as f32 / long;
    let scale = up.min(down);
    let multiple = input.multiple.max(1);
    let side = |length: f32| {
        // As the reference rounds: to whole pixels first, downward, then halves to even.
        let pixels = (length * scale).floor();
        let steps = (pixels / multiple as f32).round_ties_even().max(1.0);
        (steps as u32).min(input.max_long_side.div_ceil(multiple)) * multiple
    };
    Size {
        width: side(width),
        height: side(height),
    }
}

#[cfg(test)]
mod tests {
    use vitrine_protocol::Channels;

    use super::*;

    fn input() -> DetectionInput {
        DetectionInput {
            min_short_side: 736,
            max_long_side: 2000,
            multiple: 32,
            channels: Channels::Bgr,
            mean: 127.5,
            std: 127.5,
        }
    }

    #[track_caller]
    fn check(size: (u32, u32), expected: (u32, u32)) {
        let met = detector_size(size, &input());
        assert_eq!((met.width, met.height), expected);
    }

    #[test]
    fn sizes_are_those_of_the_reference() {
        // rapidocr-onnxruntime 1.4.4, DetPreProcess(736, "min"): int(round(side / 32) * 32)
        check((1280, 960), (1280, 960));
        check((640, 480), (992, 736));
        check((500, 700), (736, 1024));
        check((1000, 736), (992, 736));
    }

    #[test]
    fn large_pictures_shrink_and_strips_do_not_explode() {
        check((4000, 3000), (1984, 1504));
        check((20_000, 1), (1984, 32));
        check((1, 1), (736, 736));
        check((1000, 40), (1984, 64));
    }

    #[test]
    fn channels_are_in_the_order_of_the_registry() {
        let picture = RgbImage::from_pixel(736, 736, image::Rgb([255, 0, 0]));
        let met = detector_input(&picture, &input());
        assert_eq!(met.tensor.shape, [1, 3, 736, 736]);
        let plane = 736 * 736;
        assert_eq!(
            (met.tensor.values[0], met.tensor.values[2 * plane]),
            (-1.0, 1.0)
        );
    }
}
