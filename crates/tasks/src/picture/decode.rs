//! A file's bytes to upright RGB pixels.

use std::error::Error;
use std::io::{Cursor, ErrorKind};

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, RgbImage};
use vitrine_protocol::{PictureError, PictureFormat};

use super::complete::ends_early;
use super::flatten::flatten;
use super::limits::Limits;
use super::orient::upright;
use super::webp::check_frames;

/// Reads a JPEG, PNG, WebP, GIF or BMP file into 8-bit RGB pixels, upright as its EXIF data says.
///
/// The format is told by content, not by name. Of an animation the first frame is taken.
/// Transparency is laid on white; grey, palettes, CMYK and 16 bits a channel become 8-bit RGB.
/// Colour profiles are ignored, as in the pipelines that models are trained with.
///
/// # Errors
/// [`PictureError::Empty`], [`PictureError::TooManyBytes`], [`PictureError::TooManyPixels`] and
/// [`PictureError::SideTooLong`] before any memory is taken for pixels;
/// [`PictureError::Svg`], [`PictureError::UnsupportedFormat`] and [`PictureError::NotAPicture`]
/// by the first bytes; [`PictureError::Truncated`] for a file that stops early, or is too short for
/// its pixels, even where the decoder would fill the rest with grey, and [`PictureError::Damaged`] for any other fault.
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<RgbImage, PictureError> {
    limits.check_bytes(bytes.len() as u64)?;
    let format = PictureFormat::sniff(bytes)?;
    let (pixels, orientation) = read(bytes, format, limits)?;
    Ok(upright(flatten(pixels), orientation))
}

fn read(
    bytes: &[u8],
    format: PictureFormat,
    limits: &Limits,
) -> Result<(DynamicImage, Orientation), PictureError> {
    let failed = |error: ImageError| failure(&error, bytes, format, limits);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), of_image(format));
    reader.limits(of_decoder(format, bytes.len(), limits));
    let mut decoder = reader.into_decoder().map_err(failed)?;
    let (width, height) = decoder.dimensions();
    // `into_decoder` leaves the allocation unchecked.
    let bytes_per_pixel = u64::from(decoder.color_type().bytes_per_pixel());
    limits.check_size(width, height, bytes_per_pixel)?;
    if width == 0 || height == 0 {
        return Err(damaged(format, "the picture has no pixels"));
    }
    if format == PictureFormat::Jpeg
        && (ends_early(format, bytes) || lacks_blocks(bytes, width, height))
    {
        return Err(PictureError::Truncated {
            format: format.name(),
        });
    }
    if format == PictureFormat::WebP {
        check_frames(bytes).map_err(|met| damaged(format, met))?;
    }
    let orientation = orientation(&mut decoder);
    let pixels = DynamicImage::from_decoder(decoder).map_err(failed)?;
    Ok((pixels, orientation))
}

/// True when a JPEG has fewer bits than blocks of 8 × 8 pixels, each of which takes at least one in
/// Huffman's code, whether it is sequential or progressive (ITU-T T.81, annexes F and G).
///
/// The decoder would fill what is missing with grey: a few bytes make a picture of any size. A
/// quarter is enough here, because no component need have the full resolution along both axes.
fn lacks_blocks(bytes: &[u8], width: u32, height: u32) -> bool {
    let n_blocks = u64::from(width / 8) * u64::from(height / 8);
    8 * (bytes.len() as u64) < n_blocks / 4
}

/// Bytes that a PNG's colour profile may unpack to, beside what its chunks take as they are. Those of
/// printers have up to 4 MB.
const PROFILE: u64 = 8 << 20;

/// The decoders' name of a format.
fn of_image(format: PictureFormat) -> ImageFormat {
    match format {
        PictureFormat::Jpeg => ImageFormat::Jpeg,
        PictureFormat::Png => ImageFormat::Png,
        PictureFormat::WebP => ImageFormat::WebP,
        PictureFormat::Gif => ImageFormat::Gif,
        PictureFormat::Bmp => ImageFormat::Bmp,
    }
}

/// What a decoder may take beside the picture's own pixels.
///
/// That of PNG unpacks the colour profile, which nothing here reads, as far as it is let: a hundred
/// kilobytes would become a hundred megabytes. Chunks are kept twice at most, and a profile that does
/// not fit is left out by the decoder without a word. A row of pixels always fits.
fn of_decoder(format: PictureFormat, n_bytes: usize, limits: &Limits) -> image::Limits {
    let most = match format {
        PictureFormat::Png => PROFILE + 2 * n_bytes as u64,
        _ => limits.max_alloc,
    };
    let mut of_decoder = image::Limits::no_limits();
    of_decoder.max_alloc = Some(most.min(limits.max_alloc));
    of_decoder
}

/// The orientation in the EXIF data; upright where there is none or it makes no sense.
fn orientation(decoder: &mut impl ImageDecoder) -> Orientation {
    let exif = decoder.exif_metadata().ok().flatten().unwrap_or_default();
    // Some programs put JPEG's prefix into WebP and PNG files too.
    let exif = exif.strip_prefix(b"Exif\0\0").unwrap_or(&exif);
    Orientation::from_exif_chunk(exif).unwrap_or(Orientation::NoTransforms)
}

fn failure(
    error: &ImageError,
    bytes: &[u8],
    format: PictureFormat,
    limits: &Limits,
) -> PictureError {
    if let (ImageError::Limits(_), Err(too_large)) = (error, check_claimed(bytes, format, limits)) {
        too_large
    } else if is_end_of_file(error) || ends_early(format, bytes) {
        PictureError::Truncated {
            format: format.name(),
        }
    } else {
        damaged(format, error)
    }
}

/// Refuses a size beyond the limits that the decoder gave up on before it could be asked for it,
/// which that of PNG does where a single row is too much.
fn check_claimed(bytes: &[u8], format: PictureFormat, limits: &Limits) -> Result<(), PictureError> {
    let side = |at: usize| {
        bytes
            .get(at..)?
            .first_chunk()
            .copied()
            .map(u32::from_be_bytes)
    };
    match (format, side(16), side(20)) {
        (PictureFormat::Png, Some(width), Some(height)) => limits.check_size(width, height, 1),
        _ => Ok(()),
    }
}

/// The decoder's words stand within a sentence, so they lose the end of their own.
fn damaged(format: PictureFormat, detail: impl ToString) -> PictureError {
    let detail = detail.to_string();
    let detail = detail.trim_end_matches(|c: char| c == '.' || c.is_whitespace());
    PictureError::Damaged {
        format: format.name(),
        detail: detail.to_owned(),
    }
}

/// True when the decoder met the end of the bytes, however deep in its error that is told.
fn is_end_of_file(error: &ImageError) -> bool {
    // It names as its source what lies behind the error that it holds.
    if let ImageError::IoError(error) = error {
        return error.kind() == ErrorKind::UnexpectedEof;
    }
    let mut cause: Option<&dyn Error> = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<std::io::Error>() {
            return error.kind() == ErrorKind::UnexpectedEof;
        }
        cause = error.source();
    }
    false
}
