//! From a recogniser's probabilities to characters.

/// What a recogniser's classes stand for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Characters {
    /// The vocabulary's characters; class 0 is CTC's blank and comes before, the space after.
    list: Vec<String>,
}

/// A vocabulary that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CharactersError {
    /// There is no line at all.
    #[error("the list of characters is empty")]
    Empty,
}

/// A space is written from these probabilities on, even where it is not the best class.
///
/// The recogniser, trained on Chinese, prefers the blank in gaps between words, yet gives the space
/// far more there than elsewhere. How much tells a gap depends on what stands beside it. Chosen on
/// 8,834 neighbours in rendered English lines, of another seed than the pages that are measured:
/// of 1,099 gaps between letters 4 have less than this, of 6,936 places within words 3 have more.
const GAP_BETWEEN_LETTERS: f32 = 0.03;
/// Beside marks that are written without a space on one side: places without a gap reach 0.0195.
const GAP_BESIDE_TIGHT_MARK: f32 = 0.02;
/// In other company, such as digits, commas and dashes, places without a gap stay below 0.0013.
const GAP_ELSEWHERE: f32 = 0.004;

/// Text read from one line.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadLine {
    /// The characters.
    pub text: String,
    /// Mean probability of the characters, 0 to 1; 0 without any.
    pub confidence: f32,
}

impl Characters {
    /// Reads a vocabulary: one character per line.
    ///
    /// # Errors
    /// [`CharactersError::Empty`].
    pub fn parse(text: &str) -> Result<Characters, CharactersError> {
        // Only line feeds end a line: the list itself holds other characters that separate lines.
        let list: Vec<String> = text
            .strip_suffix('\n')
            .unwrap_or(text)
            .split('\n')
            .map(ToOwned::to_owned)
            .collect();
        if list.iter().all(String::is_empty) {
            return Err(CharactersError::Empty);
        }
        Ok(Characters { list })
    }

    /// How many classes a recogniser with this vocabulary has.
    pub fn n_classes(&self) -> usize {
        self.list.len() + 2
    }

    /// Decodes `[steps, n_classes]` probabilities greedily: the best class of each step, repeats
    /// merged, blanks dropped (A. Graves et al., "Connectionist temporal classification", 2006).
    ///
    /// Outside of East Asian text a space is also written where it is not the best class but likely
    /// enough for what stands beside it.
    ///
    /// Where a line has no character of Chinese, Japanese or Korean script, full-width forms are
    /// written as the ordinary ones they stand for, because the recogniser, trained on Chinese,
    /// cannot tell them apart in small type.
    pub fn decode(&self, probabilities: &[f32]) -> ReadLine {
        let mut text = String::new();
        let (mut sum, mut count) = (0.0_f64, 0_u32);
        let mut previous = 0;
        // Largest probability of the space since the last character.
        let mut space = 0.0_f32;
        for step in probabilities.chunks_exact(self.n_classes()) {
            let (class, probability) = best(step);
            if class == 0 {
                space = step.last().copied().unwrap_or_default().max(space);
            } else {
                if class != previous {
                    let next = self.list.get(class - 1).map_or(" ", String::as_str);
                    if gap_threshold(&text, next).is_some_and(|least| space >= least) {
                        text.push(' ');
                    }
                    text += next;
                    sum += f64::from(probability);
                    count += 1;
                }
                space = 0.0;
            }
            previous = class;
        }
        let confidence = if count == 0 {
            0.0
        } else {
            (sum / f64::from(count)) as f32
        };
        ReadLine {
            text: tidy(&text),
            confidence,
        }
    }
}

/// The probability from which on there is a space between the end of a text and the next character.
///
/// `None` where there cannot be one: beside East Asian text or a space, and before marks that close.
fn gap_threshold(text: &str, next: &str) -> Option<f32> {
    let (before, after) = (text.chars().next_back()?, next.chars().next()?);
    let closes = matches!(
        after,
        ',' | '.' | ';' | ':' | '!' | '?' | ')' | ']' | '}' | '%'
    );
    if !before.is_ascii_graphic() || !after.is_ascii_graphic() || closes {
        return None;
    }
    let is_tight = |c: char| {
        matches!(
            c,
            '"' | '\'' | '@' | '$' | '+' | '#' | '&' | '/' | '\\' | '_'
        )
    };
    Some(match (before, after) {
        (a, b) if a.is_ascii_alphabetic() && b.is_ascii_alphabetic() => GAP_BETWEEN_LETTERS,
        (a, b) if is_tight(a) || is_tight(b) => GAP_BESIDE_TIGHT_MARK,
        _ => GAP_ELSEWHERE,
    })
}

/// Index and value of the largest number; of equal ones the first.
fn best(values: &[f32]) -> (usize, f32) {
    let mut best = (0, f32::NEG_INFINITY);
    for (at, value) in values.iter().enumerate() {
        if *value > best.1 {
            best = (at, *value);
        }
    }
    best
}

/// Ordinary forms for full-width ones outside of East Asian text, no spaces at the ends, and one
/// space where there are several.
fn tidy(text: &str) -> String {
    let is_east_asian = text.chars().any(is_east_asian);
    let halved = text.chars().map(|c| match c {
        // The block mirrors ASCII from `!` to `~`.
        '\u{FF01}'..='\u{FF5E}' if !is_east_asian => {
            char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c)
        }
        '\u{3000}' => ' ',
        c => c,
    });
    let halved: String = halved.collect();
    halved.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Ideographs, kana and hangul; not the punctuation that goes with them.
fn is_east_asian(c: char) -> bool {
    matches!(c,
        '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}'
        | '\u{AC00}'..='\u{D7AF}' | '\u{F900}'..='\u{FAFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Probabilities with 0.8 on one class per step.
    fn steps(classes: &[usize], n_classes: usize) -> Vec<f32> {
        let mut values = vec![0.01; classes.len() * n_classes];
        for (step, class) in classes.iter().enumerate() {
            values[step * n_classes + class] = 0.8;
        }
        values
    }

    #[track_caller]
    fn check_decoded(classes: &[usize], expected: &str) {
        let characters = Characters::parse("a\nb\n，\n我\n").unwrap();
        assert_eq!(characters.n_classes(), 6);
        let read = characters.decode(&steps(classes, 6));
        assert_eq!(read.text, expected);
    }

    #[test]
    fn repeats_merge_and_blanks_part() {
        check_decoded(&[0, 1, 1, 0, 1, 2, 2, 0], "aab");
        check_decoded(&[1, 5, 2], "a b");
        check_decoded(&[0, 0], "");
    }

    /// `first`, a blank step that gives the space some probability, then `second`.
    #[track_caller]
    fn check_gap(first: usize, second: usize, space: f32, expected: &str) {
        let characters = Characters::parse("a\nb\n1\n2\n.\n我\n\"").unwrap();
        let n = characters.n_classes();
        let mut values = vec![0.0; 3 * n];
        values[first] = 0.9;
        values[n] = 0.9;
        values[2 * n - 1] = space;
        values[2 * n + second] = 0.9;
        assert_eq!(characters.decode(&values).text, expected);
    }

    #[test]
    fn a_likely_space_parts_words() {
        check_gap(1, 2, 0.05, "a b");
        check_gap(1, 2, 0.01, "ab");
        check_gap(1, 3, 0.05, "a 1");
    }

    #[test]
    fn how_likely_depends_on_what_stands_beside_it() {
        check_gap(3, 4, 0.005, "1 2");
        check_gap(3, 4, 0.003, "12");
        check_gap(5, 1, 0.005, ". a");
        check_gap(7, 1, 0.005, "\"a");
        check_gap(1, 7, 0.025, "a \"");
    }

    #[test]
    fn nothing_is_added_before_marks_that_close_or_in_chinese() {
        check_gap(1, 5, 0.05, "a.");
        check_gap(6, 6, 0.05, "我我");
    }

    #[test]
    fn full_width_marks_belong_to_east_asian_text() {
        check_decoded(&[1, 3, 2], "a,b");
        check_decoded(&[4, 3, 2], "我，b");
    }

    #[test]
    fn spaces_at_the_ends_go() {
        check_decoded(&[5, 1, 5, 0, 5, 2, 5], "a b");
    }

    #[test]
    fn confidence_is_the_mean_over_characters() {
        let characters = Characters::parse("a\nb").unwrap();
        let mut values = steps(&[1, 0, 2], 4);
        values[8 + 2] = 0.6;
        assert!((characters.decode(&values).confidence - 0.7).abs() < 1e-6);
        assert_eq!(characters.decode(&[]).confidence, 0.0);
    }

    #[test]
    fn a_line_separator_is_a_character_like_any_other() {
        let characters = Characters::parse("a\n\u{2028}\nb\n").unwrap();
        assert_eq!(characters.n_classes(), 5);
        assert_eq!(Characters::parse(""), Err(CharactersError::Empty));
    }

    #[test]
    fn nan_is_no_character() {
        let characters = Characters::parse("a").unwrap();
        assert_eq!(characters.decode(&[f32::NAN; 3]).text, "");
    }
}
