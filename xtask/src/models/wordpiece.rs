//! BERT's vocabulary as one word per line.

use anyhow::{Context as _, Result};

/// What begins a word in SentencePiece's way of writing vocabularies.
const WORD_START: char = '▁';

/// What BERT's list calls the entry that SentencePiece writes as an empty word.
const EMPTY_WORD: &str = "[unused0]";

/// Turns a vocabulary written SentencePiece-style, a list of strings in JSON, into WordPiece's
/// `vocab.txt`: `▁word` becomes `word`, `piece` becomes `##piece`, and names in brackets stay.
pub(super) fn vocabulary(json: &[u8]) -> Result<Vec<u8>> {
    let entries: Vec<String> =
        serde_json::from_slice(json).context("a vocabulary is a list of strings in JSON")?;
    let mut lines = String::new();
    for entry in &entries {
        match entry.strip_prefix(WORD_START) {
            Some("") => lines.push_str(EMPTY_WORD),
            Some(word) => lines.push_str(word),
            None if is_special(entry) => lines.push_str(entry),
            None => {
                lines.push_str("##");
                lines.push_str(entry);
            }
        }
        lines.push('\n');
    }
    Ok(lines.into_bytes())
}

/// Whether an entry is a mark such as `[CLS]`; brackets alone are ordinary pieces.
fn is_special(entry: &str) -> bool {
    entry.len() > 2 && entry.starts_with('[') && entry.ends_with(']')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_pieces_change_their_marks() {
        let json = r###"["[PAD]", "▁", "[unused1]", "[MASK]", "▁the", "ing", "▁[", "["]"###;
        let lines = String::from_utf8(vocabulary(json.as_bytes()).unwrap()).unwrap();
        let expected = "[PAD]\n[unused0]\n[unused1]\n[MASK]\nthe\n##ing\n[\n##[\n";
        assert_eq!(lines, expected);
    }

    #[test]
    fn what_is_no_list_of_strings_is_refused() {
        assert!(vocabulary(br#"{"a": 1}"#).is_err());
    }
}
