//! Whether a file reaches the end that its format promises.

use vitrine_protocol::PictureFormat;

/// True when a file stops before its own end.
///
/// Decoders tell this apart badly: those of JPEG fill what is missing with grey, others report
/// damage. So the containers are walked here, without looking at pixels.
pub(super) fn ends_early(format: PictureFormat, bytes: &[u8]) -> bool {
    let end = match format {
        PictureFormat::Jpeg => jpeg_end(bytes),
        PictureFormat::Png => png_end(bytes),
        PictureFormat::WebP => declared(bytes, 4).and_then(|length| length.checked_add(8)),
        PictureFormat::Gif => gif_end(bytes),
        PictureFormat::Bmp => declared(bytes, 2),
    };
    end.is_none_or(|end| end > bytes.len())
}

/// Four bytes, the lowest first.
pub(super) fn declared(bytes: &[u8], at: usize) -> Option<usize> {
    let field = bytes.get(at..at + 4)?;
    Some(u32::from_le_bytes(field.try_into().ok()?) as usize)
}

/// Walks the segments of a JPEG (ITU-T T.81, annex B) to behind its end-of-image marker, which
/// one in an embedded thumbnail is not.
fn jpeg_end(bytes: &[u8]) -> Option<usize> {
    const STUFFED: u8 = 0x00;
    const TEMPORARY: u8 = 0x01;
    const END_OF_IMAGE: u8 = 0xD9;
    let mut at = 0;
    loop {
        // Between segments, and in entropy-coded data, a marker is the next 0xFF that is followed
        // by neither padding nor a stuffed zero.
        at += bytes.get(at..)?.iter().position(|byte| *byte == 0xFF)?;
        match *bytes.get(at + 1)? {
            0xFF => at += 1,
            END_OF_IMAGE => return Some(at + 2),
            // Restarts and start of image, like these, stand alone.
            STUFFED | TEMPORARY | 0xD0..=0xD8 => at += 2,
            _ => {
                let length = bytes.get(at + 2..at + 4)?;
                at += 2 + usize::from(u16::from_be_bytes([length[0], length[1]]));
            }
        }
    }
}

/// Walks the chunks of a PNG to behind `IEND`.
fn png_end(bytes: &[u8]) -> Option<usize> {
    let mut at: usize = 8;
    loop {
        let header = bytes.get(at..at.checked_add(8)?)?;
        let length = u32::from_be_bytes([header[0], header[1], header[2], header[3]]);
        at = at.checked_add(12)?.checked_add(length as usize)?;
        if &header[4..] == b"IEND" {
            return Some(at);
        }
    }
}

/// Walks the blocks of a GIF to behind the data of its first picture.
fn gif_end(bytes: &[u8]) -> Option<usize> {
    const EXTENSION: u8 = 0x21;
    const IMAGE: u8 = 0x2C;
    let mut at = 13 + gif_colours(*bytes.get(10)?);
    loop {
        match *bytes.get(at)? {
            EXTENSION => at = gif_data_end(bytes, at + 2)?,
            IMAGE => {
                // The descriptor, its colours, and the byte with the code size.
                let data = at + 10 + gif_colours(*bytes.get(at + 9)?) + 1;
                return gif_data_end(bytes, data);
            }
            _ => return Some(at),
        }
    }
}

/// Bytes of the colour table that a field of flags announces.
fn gif_colours(flags: u8) -> usize {
    if flags & 0x80 == 0 {
        0
    } else {
        3 << ((flags & 7) + 1)
    }
}

/// Walks sub-blocks to behind the empty one.
fn gif_data_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let length = usize::from(*bytes.get(at)?);
        at += 1 + length;
        if length == 0 {
            return Some(at);
        }
    }
}
