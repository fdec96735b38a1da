//! What a picture file is, by its first bytes; its name says nothing.

use crate::PictureError;

/// A format of pictures that is read here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // The names are the formats' own.
pub enum PictureFormat {
    Jpeg,
    Png,
    WebP,
    Gif,
    Bmp,
}

impl PictureFormat {
    /// Finds the format of a file by its first bytes: 16 tell all formats but HEIF, whose list of
    /// brands may be longer, and SVG, which may begin with a comment of any length.
    ///
    /// # Errors
    /// [`PictureError::Svg`] and [`PictureError::UnsupportedFormat`] for pictures of other formats,
    /// [`PictureError::NotAPicture`] for everything else.
    pub fn sniff(bytes: &[u8]) -> Result<PictureFormat, PictureError> {
        if let Some(format) = readable(bytes) {
            return Ok(format);
        }
        if let Some(name) = unsupported(bytes) {
            return Err(PictureError::UnsupportedFormat {
                format: name.to_owned(),
            });
        }
        if is_svg(bytes) {
            return Err(PictureError::Svg);
        }
        Err(PictureError::NotAPicture)
    }

    /// Name for people.
    pub fn name(self) -> String {
        match self {
            PictureFormat::Jpeg => "JPEG",
            PictureFormat::Png => "PNG",
            PictureFormat::WebP => "WebP",
            PictureFormat::Gif => "GIF",
            PictureFormat::Bmp => "BMP",
        }
        .to_owned()
    }
}

fn readable(bytes: &[u8]) -> Option<PictureFormat> {
    let starts = |magic: &[u8]| bytes.starts_with(magic);
    if starts(&[0xFF, 0xD8, 0xFF]) {
        Some(PictureFormat::Jpeg)
    } else if starts(b"\x89PNG\r\n\x1A\n") {
        Some(PictureFormat::Png)
    } else if starts(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        Some(PictureFormat::WebP)
    } else if starts(b"GIF87a") || starts(b"GIF89a") {
        Some(PictureFormat::Gif)
    } else if is_bmp(bytes) {
        Some(PictureFormat::Bmp)
    } else {
        None
    }
}

/// The two letters alone also begin ordinary text, so the reserved zeros and the offset of the
/// pixels, which lie behind the 14-byte file header, are looked at too.
fn is_bmp(bytes: &[u8]) -> bool {
    bytes.starts_with(b"BM")
        && bytes.get(6..10) == Some(&[0; 4])
        && bytes
            .get(10..14)
            .is_some_and(|offset| offset[1..] != [0; 3] || offset[0] > 14)
}

/// Formats that browsers, phones, cameras or scanners write and that are not read here.
fn unsupported(bytes: &[u8]) -> Option<&'static str> {
    const MAGIC: [(&[u8], &str); 7] = [
        (b"II*\0", "TIFF"),
        (b"MM\0*", "TIFF"),
        (b"II+\0", "TIFF"),
        (b"MM\0+", "TIFF"),
        (&[0xFF, 0x0A], "JPEG XL"),
        (b"\0\0\0\x0CJXL \r\n\x87\n", "JPEG XL"),
        (&[0, 0, 1, 0], "ICO"),
    ];
    MAGIC
        .iter()
        .find(|(magic, _)| bytes.starts_with(magic))
        .map(|(_, name)| *name)
        .or_else(|| heif_brand(bytes))
}

/// Reads the `ftyp` box that HEIF files begin with: ISO/IEC 23008-12, and the brands of its
/// annexes for HEVC, and of the AVIF specification for AV1.
fn heif_brand(bytes: &[u8]) -> Option<&'static str> {
    const AVIF: [&[u8; 4]; 2] = [b"avif", b"avis"];
    const HEIC: [&[u8; 4]; 10] = [
        b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1",
    ];
    if bytes.get(4..8) != Some(b"ftyp") {
        return None;
    }
    let length = u32::from_be_bytes(bytes.get(..4)?.try_into().ok()?) as usize;
    let in_box = &bytes[8..length.clamp(8, bytes.len())];
    // The major brand, the minor version, then the compatible brands.
    let (brands, _) = in_box.as_chunks::<4>();
    if brands.iter().any(|brand| AVIF.contains(&brand)) {
        Some("AVIF")
    } else if brands.iter().any(|brand| HEIC.contains(&brand)) {
        Some("HEIC")
    } else {
        None
    }
}

/// True when the first element is `svg`, behind any byte order mark, declarations, comments and
/// document type.
fn is_svg(bytes: &[u8]) -> bool {
    let mut rest = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    loop {
        rest = rest.trim_ascii_start();
        let skipped = if rest.starts_with(b"<?") {
            after(rest, b"?>")
        } else if rest.starts_with(b"<!--") {
            after(rest, b"-->")
        } else if rest.starts_with(b"<!DOCTYPE") {
            after_doctype(rest)
        } else {
            return is_svg_tag(rest);
        };
        match skipped {
            Some(behind) => rest = behind,
            None => return false,
        }
    }
}

fn after<'a>(text: &'a [u8], end: &[u8]) -> Option<&'a [u8]> {
    let at = text.windows(end.len()).position(|window| window == end)?;
    Some(&text[at + end.len()..])
}

/// A document type may hold declarations of its own between brackets.
fn after_doctype(text: &[u8]) -> Option<&[u8]> {
    let stop = text.iter().position(|byte| matches!(byte, b'>' | b'['))?;
    match text[stop] {
        b'[' => after(after(text, b"]")?, b">"),
        _ => Some(&text[stop + 1..]),
    }
}

fn is_svg_tag(text: &[u8]) -> bool {
    let Some(name) = text.strip_prefix(b"<") else {
        return false;
    };
    let name = name.strip_prefix(b"svg:").unwrap_or(name);
    name.strip_prefix(b"svg")
        .and_then(|behind| behind.first())
        .is_some_and(|next| next.is_ascii_whitespace() || matches!(next, b'>' | b'/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_unsupported(bytes: &[u8], name: &str) {
        assert_eq!(
            PictureFormat::sniff(bytes),
            Err(PictureError::UnsupportedFormat {
                format: name.into()
            })
        );
    }

    #[track_caller]
    fn check_not_a_picture(bytes: &[u8]) {
        assert_eq!(PictureFormat::sniff(bytes), Err(PictureError::NotAPicture));
    }

    #[track_caller]
    fn check_svg(text: &str) {
        assert_eq!(
            PictureFormat::sniff(text.as_bytes()),
            Err(PictureError::Svg)
        );
    }

    #[test]
    fn readable_formats_are_known_by_their_first_bytes() {
        assert_eq!(
            PictureFormat::sniff(&[0xFF, 0xD8, 0xFF, 0xE0]),
            Ok(PictureFormat::Jpeg)
        );
        assert_eq!(
            PictureFormat::sniff(b"\x89PNG\r\n\x1A\n"),
            Ok(PictureFormat::Png)
        );
        assert_eq!(
            PictureFormat::sniff(b"RIFF\x04\0\0\0WEBPVP8 "),
            Ok(PictureFormat::WebP)
        );
        assert_eq!(PictureFormat::sniff(b"GIF89a"), Ok(PictureFormat::Gif));
        assert_eq!(
            PictureFormat::sniff(b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0"),
            Ok(PictureFormat::Bmp)
        );
    }

    #[test]
    fn formats_that_are_not_read_are_named() {
        check_unsupported(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC");
        check_unsupported(b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "HEIC");
        check_unsupported(b"\0\0\0\x1Cftypmif1\0\0\0\0mif1miafavif", "AVIF");
        check_unsupported(b"\0\0\0\x14ftypavif\0\0\0\0avif", "AVIF");
        check_unsupported(b"\xFF\xFF\xFF\xFFftypheic", "HEIC");
        check_unsupported(b"II*\0\x08\0\0\0", "TIFF");
        check_unsupported(b"MM\0*\0\0\0\x08", "TIFF");
        check_unsupported(&[0xFF, 0x0A, 0x00], "JPEG XL");
        check_unsupported(b"\0\0\0\x0CJXL \r\n\x87\n", "JPEG XL");
        check_unsupported(b"\0\0\x01\0\x01\0", "ICO");
    }

    #[test]
    fn svg_is_found_behind_what_may_precede_it() {
        check_svg("<svg xmlns='http://www.w3.org/2000/svg'/>");
        check_svg("\u{FEFF} \r\n<svg>");
        check_svg("<?xml version=\"1.0\"?>\n<!-- a > b -->\n<svg\n>");
        check_svg("<!DOCTYPE svg PUBLIC \"-//W3C//DTD SVG 1.1//EN\" \"svg11.dtd\"><svg/>");
        check_svg("<!DOCTYPE svg [ <!ENTITY a \"b\"> ]>\n<svg:svg >");
    }

    #[test]
    fn other_files_are_no_pictures() {
        check_not_a_picture(b"plain text");
        check_not_a_picture(b"BMW is a maker of cars");
        check_not_a_picture(b"<html><svg></svg></html>");
        check_not_a_picture(b"<svgfoo>");
        check_not_a_picture(b"<?xml version=\"1.0\"");
        check_not_a_picture(b"\0\0\0\x18ftypisom\0\0\0\0mp42");
        check_not_a_picture(b"\0\0\0\0ftyp");
        check_not_a_picture(b"RIFF\x04\0\0\0WAVE");
        check_not_a_picture(&[0xFF]);
    }
}
