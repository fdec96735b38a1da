//! Pictures, from bytes to a model's input.

use vitrine_protocol::{PictureInput, ResizeFilter};
use vitrine_tasks::picture::{Limits, center_crop, decode, resize_bilinear, thumbnail};

/// Small limits, so that a fuzzer's time goes into files and not into pixels.
fn limits() -> Limits {
    Limits {
        max_pixels: 10_000,
        max_side: 2_000,
        max_alloc: 1 << 20,
        ..Limits::default()
    }
}

/// Format by content, decoding, orientation, and every way in which pictures are scaled.
pub(super) fn picture(bytes: &[u8]) {
    let limits = limits();
    let Ok(pixels) = decode(bytes, &limits) else {
        return;
    };
    let (width, height) = pixels.dimensions();
    assert!(width > 0 && height > 0 && width.max(height) <= limits.max_side);
    assert!(u64::from(width) * u64::from(height) <= limits.max_pixels);
    let small = thumbnail(&pixels);
    assert!(small.size.width.max(small.size.height) <= 320);
    let n_pixels = u64::from(small.size.width) * u64::from(small.size.height);
    assert_eq!(small.rgba.len() as u64, 4 * n_pixels);
    assert_eq!(resize_bilinear(&pixels, (9, 5)).dimensions(), (9, 5));
    let input = PictureInput {
        resize_short_side: 20,
        crop: 16,
        filter: ResizeFilter::Bicubic,
        mean: [127.0; 3],
        std: [128.0; 3],
    };
    assert_eq!(center_crop(&pixels, &input).dimensions(), (16, 16));
}
