//! The characters that a line recogniser was trained on, out of its metadata.

use prost::Message as _;

use crate::{OnnxError, wire};

/// Key under which the PP-OCR models carry their alphabet.
const KEY: &str = "character";

/// Field number of `ModelProto.metadata_props`.
const METADATA_PROPS: u32 = 14;

/// `StringStringEntryProto`.
#[derive(Clone, PartialEq, prost::Message)]
struct Entry {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(string, tag = "2")]
    value: String,
}

/// The characters in the order of the recogniser's classes, without blank and space.
///
/// They stand one per line. The ideographic space U+3000 is one of them, so nothing is trimmed.
///
/// # Errors
/// [`OnnxError::NoMetadata`] for a model that carries none, [`OnnxError::Character`] for a line
/// that is not one character, [`OnnxError::Decode`] and [`OnnxError::Field`] for other bytes.
pub fn characters(file: &[u8]) -> Result<Vec<char>, OnnxError> {
    for field in wire::fields(file)? {
        if field.tag != METADATA_PROPS {
            continue;
        }
        let entry = Entry::decode(field.content)?;
        if entry.key == KEY {
            return entry.value.lines().enumerate().map(one_character).collect();
        }
    }
    Err(OnnxError::NoMetadata { key: KEY })
}

fn one_character((at, line): (usize, &str)) -> Result<char, OnnxError> {
    let mut characters = line.chars();
    match (characters.next(), characters.next()) {
        (Some(character), None) => Ok(character),
        _ => Err(OnnxError::Character {
            line: at + 1,
            met: line.to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(key: &str, value: &str) -> Vec<u8> {
        let entry = Entry {
            key: key.to_owned(),
            value: value.to_owned(),
        };
        let mut file = Vec::new();
        wire::put(METADATA_PROPS, &entry.encode_to_vec(), &mut file);
        file
    }

    #[test]
    fn a_space_that_is_a_character_stays() {
        let met = characters(&file(KEY, "'\n疗\n\u{3000}\nì")).unwrap();
        assert_eq!(met, ['\'', '疗', '\u{3000}', 'ì']);
    }

    #[test]
    fn a_line_of_two_characters_is_named() {
        let error = characters(&file(KEY, "a\nbc")).unwrap_err();
        assert!(
            matches!(error, OnnxError::Character { line: 2, .. }),
            "{error}"
        );
    }

    #[test]
    fn a_model_without_characters_says_so() {
        let error = characters(&file("author", "a")).unwrap_err();
        assert!(matches!(error, OnnxError::NoMetadata { .. }), "{error}");
    }
}
