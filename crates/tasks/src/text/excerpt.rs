//! The beginning of a text, by which a person knows it again.

use unicode_segmentation::UnicodeSegmentation as _;

/// Most words of an excerpt.
const MAX_WORDS: usize = 10;

/// Most characters of an excerpt, as a person counts them: a flag or a letter with its accents is
/// one.
const MAX_CHARACTERS: usize = 80;

/// Most code points that excerpts and openings take for each of their characters, on average. Families
/// of four take seven; text with accents stacked without end takes any number.
const MAX_CODE_POINTS: usize = 8;

/// The first words of a text on one line, at most 10 of them and 80 characters; `…` stands for what
/// was left out.
///
/// It is cut between words. Only a first word that is too long by itself, as in scripts written
/// without spaces, is cut inside, and then between characters as a person counts them. Control
/// characters are dropped, so the answer can stand in any list or file, and it has at most 640 code
/// points, whatever one character is made of.
pub fn excerpt(text: &str) -> String {
    let mut excerpt = String::new();
    let mut room = MAX_CHARACTERS;
    for (index, word) in text.split_whitespace().enumerate() {
        // Whoever pastes a novel without spaces waits for its beginning only.
        let length = word.graphemes(true).take(room + 1).count();
        let space = usize::from(index > 0);
        if index < MAX_WORDS && length + space <= room {
            excerpt.extend((index > 0).then_some(' '));
            excerpt.extend(word.chars().filter(|c| !c.is_control()));
            room -= length + space;
            continue;
        }
        if index == 0 {
            let beginning = word.graphemes(true).take(room);
            excerpt.extend(beginning.flat_map(str::chars).filter(|c| !c.is_control()));
        }
        excerpt.push('…');
        break;
    }
    shortened(excerpt, MAX_CHARACTERS)
}

/// Ends a text where its characters take too many code points.
fn shortened(mut text: String, max_characters: usize) -> String {
    let mut code_points = text.char_indices();
    if let Some((at, _)) = code_points.nth(max_characters * MAX_CODE_POINTS) {
        text.truncate(at);
        text.push('…');
    }
    text
}

/// Most characters of an opening.
const MAX_OPENING: usize = 400;

/// The beginning of a text with its lines, at most 400 characters and 3200 code points; `…` stands for
/// what was left out.
pub fn opening(text: &str) -> String {
    let mut graphemes = text.trim().graphemes(true);
    let mut opening: String = graphemes.by_ref().take(MAX_OPENING).collect();
    if graphemes.next().is_some() {
        opening.push('…');
    }
    shortened(opening, MAX_OPENING)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_opening_keeps_its_lines_and_says_where_it_ends() {
        assert_eq!(opening("  two\nlines "), "two\nlines");
        let long = "ü".repeat(500);
        assert_eq!(opening(&long), format!("{}…", "ü".repeat(400)));
    }

    #[track_caller]
    fn check_excerpt(text: &str, expected: &str) {
        assert_eq!(excerpt(text), expected);
    }

    #[test]
    fn a_short_text_is_its_own_excerpt() {
        check_excerpt("I love it!", "I love it!");
        check_excerpt("", "");
    }

    #[test]
    fn white_space_becomes_one_space() {
        check_excerpt("  two\r\n\r\nlines\tand a tab ", "two lines and a tab");
    }

    #[test]
    fn ten_words_are_enough() {
        check_excerpt(
            "one two three four five six seven eight nine ten",
            "one two three four five six seven eight nine ten",
        );
        check_excerpt(
            "one two three four five six seven eight nine ten eleven",
            "one two three four five six seven eight nine ten…",
        );
    }

    #[test]
    fn eighty_characters_are_enough() {
        let word = "a".repeat(39);
        check_excerpt(&format!("{word} {word}x"), &format!("{word} {word}x"));
        check_excerpt(&format!("{word} {word}xx"), &format!("{word}…"));
    }

    #[test]
    fn a_long_word_is_cut_between_what_people_call_characters() {
        check_excerpt(&"漢".repeat(81), &format!("{}…", "漢".repeat(80)));
        let family = "👩‍👩‍👧";
        check_excerpt(&family.repeat(81), &format!("{}…", family.repeat(80)));
        check_excerpt(
            &"e\u{301}".repeat(90),
            &format!("{}…", "e\u{301}".repeat(80)),
        );
    }

    #[test]
    fn accents_stacked_without_end_are_cut() {
        let stacked = format!("Z{}", "\u{301}".repeat(100_000));
        check_excerpt(&stacked, &format!("Z{}…", "\u{301}".repeat(639)));
        let expected = format!("Z{}…", "\u{301}".repeat(3199));
        assert_eq!(opening(&stacked), expected);
    }

    #[test]
    fn control_characters_are_dropped() {
        check_excerpt("be\u{7}ep \u{1b}[1mbold", "beep [1mbold");
    }
}
