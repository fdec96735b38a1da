//! How well text was read.

/// Character mistakes in a read text, or in several together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CharacterErrors {
    /// Fewest characters to insert, delete or replace to get what stands there.
    pub edits: u64,
    /// Number of characters that stand there.
    pub length: u64,
}

impl CharacterErrors {
    /// Compares a text with what was read, character by character (Unicode scalar values).
    ///
    /// Runs of white space, line breaks among them, count as one space, and none at either end:
    /// where a line breaks is not a matter of characters. Case, accents and punctuation count.
    pub fn between(expected: &str, read: &str) -> CharacterErrors {
        let (expected, read) = (spaced_once(expected), spaced_once(read));
        CharacterErrors {
            edits: strsim::levenshtein(&expected, &read) as u64,
            length: expected.chars().count() as u64,
        }
    }

    /// Edits per character that stands there: 0 is perfect, and above 1 where more was read than
    /// stands there. `None` where nothing stands there.
    pub fn rate(&self) -> Option<f64> {
        (self.length > 0).then(|| self.edits as f64 / self.length as f64)
    }
}

impl std::iter::Sum for CharacterErrors {
    /// Mistakes in all texts together, so that long texts count more.
    fn sum<I: Iterator<Item = CharacterErrors>>(texts: I) -> CharacterErrors {
        texts.fold(CharacterErrors::default(), |all, text| CharacterErrors {
            edits: all.edits + text.edits,
            length: all.length + text.length,
        })
    }
}

/// The words of a text with one space between them.
fn spaced_once(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(expected: &str, read: &str, edits: u64, length: u64) {
        let met = CharacterErrors::between(expected, read);
        assert_eq!(met, CharacterErrors { edits, length });
    }

    #[test]
    fn edits_are_those_of_jiwer() {
        // tests/fixtures/statistics.py: jiwer.process_characters(expected, read)
        check("kitten", "sitting", 3, 6);
        check("Grüße aus Köln", "Grusse aus Koln", 4, 14);
        check("", "abc", 3, 0);
        check("abc", "", 3, 3);
        check("識別文字", "識別字", 1, 4);
        check("the same", "the same", 0, 8);
        check("flaw", "lawn", 2, 4);
    }

    #[test]
    fn where_white_space_stands_does_not_count_and_case_does() {
        check(" two\n lines ", "two lines", 0, 9);
        check("two lines", "twolines", 1, 9);
        check("Two", "two", 1, 3);
    }

    #[test]
    fn long_texts_count_more() {
        let all: CharacterErrors = [("abcdefgh", "abcdefgh"), ("ab", "xy")]
            .into_iter()
            .map(|(expected, read)| CharacterErrors::between(expected, read))
            .sum();
        assert_eq!(all.rate(), Some(0.2));
        assert_eq!(CharacterErrors::default().rate(), None);
    }
}
