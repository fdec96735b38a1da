//! What becomes of a detector's map and a recogniser's probabilities.

use image::RgbImage;
use vitrine_protocol::{Channels, DetectionOutput, LineInput, Size};
use vitrine_tasks::reading::{
    Characters, cut_line, find_boxes, line_tensor, line_width, reading_order, shared_widths, turned,
};

use super::Bytes;

const LINE: LineInput = LineInput {
    height: 8,
    width: 32,
    channels: Channels::Bgr,
    mean: 127.5,
    std: 127.5,
};

/// The first bytes are sizes and thresholds, then come the map, one byte a pixel, and probabilities of
/// characters, four bytes each.
pub(super) fn reading(bytes: &[u8]) {
    let mut bytes = Bytes(bytes);
    let side = |byte: u8| 1 + u32::from(byte % 24);
    let map = Size {
        width: side(bytes.byte()),
        height: side(bytes.byte()),
    };
    // A map shows its picture at nearly the same scale along both sides.
    let picture = Size {
        width: map.width * 2 + u32::from(bytes.byte() % 32),
        height: map.height * 2 + u32::from(bytes.byte() % 32),
    };
    let output = DetectionOutput {
        threshold: bytes.share(),
        box_threshold: bytes.share(),
        unclip_ratio: 3.0 * bytes.share(),
        max_candidates: usize::from(bytes.byte()),
        dilate: bytes.byte() % 2 == 1,
    };
    let of_map = bytes.take((map.width * map.height) as usize);
    boxes(of_map, map, picture, &output);
    characters(bytes.rest());
}

/// Boxes are where the picture is, up to how far they grow; each can be cut out and becomes an input,
/// and reading order has each once.
fn boxes(of_map: &[u8], map: Size, picture: Size, output: &DetectionOutput) {
    // The largest byte is no number at all.
    let probability = |byte: &u8| match byte {
        255 => f32::NAN,
        byte => f32::from(*byte) / 254.0,
    };
    let mut probabilities: Vec<f32> = of_map.iter().map(probability).collect();
    probabilities.resize((map.width * map.height) as usize, 0.0);
    let boxes = find_boxes(&probabilities, map, picture, output);
    assert!(boxes.len() <= output.max_candidates);
    let pixels = RgbImage::from_fn(picture.width, picture.height, |x, y| {
        image::Rgb([x as u8, y as u8, 7])
    });
    let (mut quads, mut widths) = (Vec::new(), Vec::new());
    for found in &boxes {
        assert!(found.width.min(found.height) > 0.0, "{found:?}");
        assert!((found.width * found.height).is_finite(), "{found:?}");
        quads.push(found.corners());
    }
    // Cutting takes most of the time, and two boxes show as much as all.
    for found in boxes.iter().take(2) {
        let cut = cut_line(&pixels, found);
        assert!(!cut.pixels.is_empty());
        let width = line_width(&cut.pixels, &LINE);
        let tensor = line_tensor(&turned(&cut).pixels, &LINE, width);
        assert!(tensor.values.iter().all(|value| value.abs() <= 1.0));
        widths.push(width);
    }
    let shared = shared_widths(&widths, &[]);
    assert!(
        widths
            .iter()
            .zip(&shared)
            .all(|(own, shared)| own <= shared)
    );
    let mut order = reading_order(&quads);
    order.sort_unstable();
    assert!(order.into_iter().eq(0..quads.len()));
}

/// Any numbers are a line, and any text is a list of characters or none.
fn characters(bytes: &[u8]) {
    let listed = Characters::parse("a\nb\n1\n.\n，\n我\n\"");
    let own = Characters::parse(&String::from_utf8_lossy(&bytes[..bytes.len().min(40)]));
    let (numbers, _) = bytes.as_chunks();
    let probabilities: Vec<f32> = numbers
        .iter()
        .map(|four| f32::from_le_bytes(*four))
        .collect();
    for characters in [listed, own].into_iter().flatten() {
        let read = characters.decode(&probabilities);
        let n_steps = probabilities.len() / characters.n_classes();
        assert!(read.text.is_empty() || n_steps > 0);
        assert_eq!(read.text, read.text.trim());
    }
}
