//! A file's bytes to text.

use vitrine_protocol::TextError;

/// What stands for bytes that are no text.
const REPLACEMENT: char = char::REPLACEMENT_CHARACTER;

/// A file's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodedText {
    /// The text, without a byte order mark.
    pub text: String,
    /// Bytes that are no text in the file's encoding and were replaced by `�`.
    pub n_replaced: usize,
}

/// Reads bytes as UTF-8, or as UTF-16 where they begin with its byte order mark.
///
/// Every other encoding is read as UTF-8, and what does not fit is replaced and counted, so that a
/// page can say so. How many bytes one `�` stands for follows [`String::from_utf8_lossy`].
///
/// # Errors
/// [`TextError::NotText`] for the first NUL, which no text holds and UTF-16 without a mark and
/// nearly every binary file does; [`TextError::Empty`] when there is nothing but white space.
pub fn decode(bytes: Vec<u8>) -> Result<DecodedText, TextError> {
    let decoded = match bytes.as_slice() {
        [0xFF, 0xFE, units @ ..] => decode_utf16(units, u16::from_le_bytes)?,
        [0xFE, 0xFF, units @ ..] => decode_utf16(units, u16::from_be_bytes)?,
        _ => decode_utf8(bytes)?,
    };
    if decoded.text.trim_start().is_empty() {
        return Err(TextError::Empty);
    }
    Ok(decoded)
}

fn decode_utf8(mut bytes: Vec<u8>) -> Result<DecodedText, TextError> {
    if let Some(offset) = bytes.iter().position(|byte| *byte == 0) {
        return Err(not_text(offset));
    }
    if bytes.starts_with(&[0xEF, 0xBB, 0xBF]) {
        bytes.drain(..3);
    }
    let bytes = match String::from_utf8(bytes) {
        Ok(text) => {
            let n_replaced = 0;
            return Ok(DecodedText { text, n_replaced });
        }
        Err(error) => error.into_bytes(),
    };
    let mut text = String::with_capacity(bytes.len());
    let mut n_replaced = 0;
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            text.push(REPLACEMENT);
            n_replaced += chunk.invalid().len();
        }
    }
    Ok(DecodedText { text, n_replaced })
}

/// Reads what stands behind the byte order mark. A lone surrogate and an odd last byte are replaced.
fn decode_utf16(units: &[u8], unit: fn([u8; 2]) -> u16) -> Result<DecodedText, TextError> {
    let (pairs, odd_byte) = units.as_chunks::<2>();
    if let Some(position) = pairs.iter().position(|pair| *pair == [0, 0]) {
        return Err(not_text(2 + 2 * position));
    }
    let mut text = String::with_capacity(units.len() / 2);
    let mut n_replaced = 0;
    for character in char::decode_utf16(pairs.iter().map(|pair| unit(*pair))) {
        text.push(character.unwrap_or_else(|_| {
            n_replaced += 2;
            REPLACEMENT
        }));
    }
    if !odd_byte.is_empty() {
        text.push(REPLACEMENT);
        n_replaced += 1;
    }
    Ok(DecodedText { text, n_replaced })
}

fn not_text(offset: usize) -> TextError {
    let offset = offset as u64;
    TextError::NotText { offset }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_decoded(bytes: &[u8], text: &str, n_replaced: usize) {
        let text = text.to_owned();
        let expected = DecodedText { text, n_replaced };
        assert_eq!(decode(bytes.to_vec()), Ok(expected));
    }

    #[track_caller]
    fn check_refused(bytes: &[u8], error: TextError) {
        assert_eq!(decode(bytes.to_vec()), Err(error));
    }

    fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        let mark = bytes(0xFEFF).into_iter();
        mark.chain(text.encode_utf16().flat_map(bytes)).collect()
    }

    #[test]
    fn utf_8_is_read_with_and_without_its_mark() {
        check_decoded("naïve 🙂".as_bytes(), "naïve 🙂", 0);
        check_decoded(b"\xEF\xBB\xBFid,text", "id,text", 0);
        check_decoded(b"a\xEF\xBB\xBFb", "a\u{FEFF}b", 0);
    }

    #[test]
    fn utf_16_is_known_by_its_mark() {
        check_decoded(&utf16("Größe 🙂", u16::to_le_bytes), "Größe 🙂", 0);
        check_decoded(&utf16("Größe 🙂", u16::to_be_bytes), "Größe 🙂", 0);
    }

    #[test]
    fn bytes_that_do_not_fit_are_replaced_and_counted() {
        // Windows-1252's `é` and `“`, and the first three bytes of a four-byte character.
        check_decoded(b"caf\xE9 \x93", "caf\u{FFFD} \u{FFFD}", 2);
        check_decoded(b"a\xF0\x9F\x99b", "a\u{FFFD}b", 3);
        check_decoded(b"a\xFF\xFEb", "a\u{FFFD}\u{FFFD}b", 2);
        // A surrogate without its other half, and half a unit.
        check_decoded(b"\xFE\xFF\xD8\x00\x00a", "\u{FFFD}a", 2);
        check_decoded(b"\xFF\xFEa\0b", "a\u{FFFD}", 1);
    }

    #[test]
    fn a_nul_is_no_text() {
        let at = |offset| TextError::NotText { offset };
        check_refused(b"PK\x03\x04\0\0", at(4));
        check_refused(b"\xEF\xBB\xBFa\0", at(4));
        check_refused(b"\xFF\xFEa\0\0\0b\0", at(4));
        check_refused(b"h\0i\0", at(1));
    }

    #[test]
    fn white_space_is_no_text() {
        check_refused(b"", TextError::Empty);
        check_refused(b" \r\n\t", TextError::Empty);
        check_refused("\u{3000}\u{A0}".as_bytes(), TextError::Empty);
        check_refused(b"\xEF\xBB\xBF", TextError::Empty);
        check_refused(b"\xFF\xFE \0", TextError::Empty);
    }
}
