//! WordPiece as BERT's uncased models use it: text to token ids.
//!
//! `marks → words → normalised words → pieces`. The rules are those of BERT's `BasicTokenizer` and
//! `WordpieceTokenizer`, as Hugging Face's `tokenizers` carries them out; parity with it is tested
//! in `crates/tasks/tests/token_parity.rs`.

use std::collections::HashMap;

use unicode_general_category::{GeneralCategory, get_general_category};
use unicode_normalization::UnicodeNormalization as _;

/// Words with more characters become one unknown token, as in BERT.
const MAX_WORD: usize = 100;

/// Tokens that stand for something else than text. A text that holds one of them, letter for
/// letter, is read as holding the token itself, as the reference reads it.
const MARKS: [&str; 5] = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];

/// What a piece that continues a word begins with, in a vocabulary.
const CONTINUES: &str = "##";

/// Splits texts into the pieces of a vocabulary.
#[derive(Clone, Debug)]
pub struct Tokeniser {
    /// Pieces that begin a word.
    beginnings: HashMap<Box<str>, u32>,
    /// Pieces that continue one, without their [`CONTINUES`].
    continuations: HashMap<Box<str>, u32>,
    /// Longest piece in bytes, past which nothing needs to be looked up.
    longest: usize,
    unknown: u32,
    begin: u32,
    end: u32,
}

/// A text as a model reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokens {
    /// Ids of the tokens: `[CLS]`, the beginning of the text, `[SEP]`; at most `max_tokens`.
    pub ids: Vec<i64>,
    /// Tokens of the whole text with the two marks, of which `ids` holds the first.
    pub n_tokens: usize,
}

/// A vocabulary that texts cannot be split with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VocabularyError {
    /// The same piece stands on two lines, so one of the ids could never be met.
    #[error("line {line} of the vocabulary is `{piece}`, which stands on an earlier line too")]
    Twice {
        /// Number of the line, from 1.
        line: usize,
        /// The piece.
        piece: String,
    },
    /// A token that every text needs is not there.
    #[error("the vocabulary has no `{mark}`")]
    NoMark {
        /// The token: `[UNK]`, `[CLS]` or `[SEP]`.
        mark: &'static str,
    },
}

impl Tokeniser {
    /// Reads a vocabulary: one piece per line, whose id is the number of the line, from 0.
    ///
    /// # Errors
    /// [`VocabularyError`] for a piece that stands twice and for a mark that is missing.
    pub fn new(vocabulary: &str) -> Result<Tokeniser, VocabularyError> {
        let mut beginnings = HashMap::new();
        let mut continuations = HashMap::new();
        for (id, piece) in vocabulary.lines().enumerate() {
            let (pieces, text) = match piece.strip_prefix(CONTINUES) {
                Some(text) if !text.is_empty() => (&mut continuations, text),
                _ => (&mut beginnings, piece),
            };
            if pieces.insert(Box::from(text), id as u32).is_some() {
                let piece = piece.to_owned();
                return Err(VocabularyError::Twice {
                    line: id + 1,
                    piece,
                });
            }
        }
        let mark = |mark| {
            let id = beginnings.get(mark).copied();
            id.ok_or(VocabularyError::NoMark { mark })
        };
        let (unknown, begin, end) = (mark("[UNK]")?, mark("[CLS]")?, mark("[SEP]")?);
        let pieces = beginnings.keys().chain(continuations.keys());
        Ok(Tokeniser {
            longest: pieces.map(|piece| piece.len()).max().unwrap_or(0),
            beginnings,
            continuations,
            unknown,
            begin,
            end,
        })
    }

    /// Splits a text and keeps the first tokens, the two marks among them; `max_tokens` is at
    /// least 2.
    ///
    /// All of the text is split, so that [`Tokens::n_tokens`] is counted and not estimated; what is
    /// beyond `max_tokens` takes no memory.
    pub fn encode(&self, text: &str, max_tokens: usize) -> Tokens {
        let mut pieces = Pieces {
            tokeniser: self,
            ids: vec![i64::from(self.begin)],
            room: max_tokens.saturating_sub(2),
            n_pieces: 0,
            word: String::new(),
        };
        let mut rest = text;
        while let Some((before, mark, after)) = split_at_mark(rest) {
            pieces.take_text(before);
            pieces.take_id(self.beginnings.get(mark).copied().unwrap_or(self.unknown));
            rest = after;
        }
        pieces.take_text(rest);
        pieces.ids.push(i64::from(self.end));
        Tokens {
            ids: pieces.ids,
            n_tokens: pieces.n_pieces + 2,
        }
    }
}

/// The first mark in a text, with what stands before and behind it.
fn split_at_mark(text: &str) -> Option<(&str, &'static str, &str)> {
    text.match_indices('[').find_map(|(at, _)| {
        let (before, rest) = text.split_at(at);
        MARKS
            .iter()
            .find_map(|mark| Some((before, *mark, rest.strip_prefix(mark)?)))
    })
}

/// Collects the pieces of one text.
struct Pieces<'a> {
    tokeniser: &'a Tokeniser,
    ids: Vec<i64>,
    /// Pieces that still fit into `ids`.
    room: usize,
    n_pieces: usize,
    /// The normalised word that is being put together.
    word: String,
}

impl Pieces<'_> {
    fn take_text(&mut self, text: &str) {
        // Neither decomposition nor the order of accents reaches across white space, so each part
        // can be normalised by itself, and parts in ASCII need only small letters.
        for part in text.split(is_space) {
            if part.is_ascii() {
                for byte in part.bytes().filter(|byte| !byte.is_ascii_control()) {
                    self.take_character(byte.to_ascii_lowercase().into());
                }
            } else {
                let spaced = part
                    .chars()
                    .filter(|c| !is_control(*c))
                    .flat_map(space_ideograph);
                let plain = spaced.nfd().filter(|c| !is_accent(*c));
                for character in plain.flat_map(char::to_lowercase) {
                    self.take_character(character);
                }
            }
            self.end_word();
        }
    }

    fn take_character(&mut self, character: char) {
        if character.is_whitespace() {
            self.end_word();
        } else if is_punctuation(character) {
            self.end_word();
            self.word.push(character);
            self.end_word();
        } else {
            self.word.push(character);
        }
    }

    /// Splits the word, if there is one, into the longest pieces from left to right. A word that
    /// does not come out even is one unknown token.
    fn end_word(&mut self) {
        let mut word = std::mem::take(&mut self.word);
        let n_before = self.ids.len();
        let (mut n_pieces, mut rest) = (0, word.as_str());
        let mut is_known = word.chars().nth(MAX_WORD).is_none();
        while is_known && !rest.is_empty() {
            match self.tokeniser.longest_piece(rest, n_pieces > 0) {
                Some((id, length)) => {
                    if n_pieces < self.room {
                        self.ids.push(i64::from(id));
                    }
                    n_pieces += 1;
                    rest = &rest[length..];
                }
                None => is_known = false,
            }
        }
        if is_known {
            self.n_pieces += n_pieces;
            self.room -= self.ids.len() - n_before;
        } else {
            self.ids.truncate(n_before);
            self.take_id(self.tokeniser.unknown);
        }
        word.clear();
        self.word = word;
    }

    fn take_id(&mut self, id: u32) {
        if self.room > 0 {
            self.ids.push(i64::from(id));
            self.room -= 1;
        }
        self.n_pieces += 1;
    }
}

impl Tokeniser {
    /// Id and length in bytes of the longest piece that a text begins with.
    fn longest_piece(&self, text: &str, continues: bool) -> Option<(u32, usize)> {
        let pieces = match continues {
            true => &self.continuations,
            false => &self.beginnings,
        };
        let longest = text.floor_char_boundary(self.longest);
        (1..=longest)
            .rev()
            .filter(|length| text.is_char_boundary(*length))
            .find_map(|length| Some((*pieces.get(&text[..length])?, length)))
    }
}

/// Whether there is a text that a piece of a vocabulary occurs in.
///
/// A vocabulary also holds pieces that no text is split into: places kept free, and pieces with
/// characters that are words of their own or are written otherwise by the time they are looked up.
pub fn can_occur(piece: &str) -> bool {
    if MARKS.contains(&piece) {
        return true;
    }
    let (text, begins) = match piece.strip_prefix(CONTINUES) {
        Some(text) if !text.is_empty() => (text, false),
        _ => (piece, true),
    };
    let is_alone = |c: char| is_punctuation(c) || is_ideograph(c);
    let is_single = begins && text.chars().nth(1).is_none();
    text.chars()
        .all(|c| stays_as_it_is(c) && (is_single || !is_alone(c)))
}

/// Whether normalisation leaves a character alone.
fn stays_as_it_is(c: char) -> bool {
    let plain = std::iter::once(c).nfd().filter(|c| !is_accent(*c));
    !c.is_whitespace() && !is_control(c) && plain.flat_map(char::to_lowercase).eq([c])
}

/// White space that separates words. Vertical tab, form feed and next line are white space to
/// Unicode and control characters to BERT, which drops them before it looks for spaces.
fn is_space(c: char) -> bool {
    c.is_whitespace() && !is_control(c)
}

/// Characters that are dropped: NUL, the replacement character, and the categories Cc, Cf and Co.
/// BERT also drops unassigned characters, but the reference does not.
fn is_control(c: char) -> bool {
    match c {
        '\t' | '\n' | '\r' => false,
        char::REPLACEMENT_CHARACTER => true,
        _ if c.is_ascii() => c.is_ascii_control(),
        _ => matches!(
            get_general_category(c),
            GeneralCategory::Control | GeneralCategory::Format | GeneralCategory::PrivateUse
        ),
    }
}

/// Puts spaces around an ideograph, so that each is a word.
fn space_ideograph(c: char) -> impl Iterator<Item = char> {
    let space = is_ideograph(c).then_some(' ');
    space.into_iter().chain([c]).chain(space)
}

/// The blocks that BERT calls Chinese. Hiragana, Katakana and Hangul are not among them.
fn is_ideograph(c: char) -> bool {
    matches!(c,
        '\u{3400}'..='\u{4DBF}'
        | '\u{4E00}'..='\u{9FFF}'
        | '\u{F900}'..='\u{FAFF}'
        | '\u{20000}'..='\u{2A6DF}'
        | '\u{2A700}'..='\u{2B73F}'
        | '\u{2B740}'..='\u{2B81F}'
        // BERT's own list begins this block at 2B820; the reference at 2B920.
        | '\u{2B920}'..='\u{2CEAF}'
        | '\u{2F800}'..='\u{2FA1F}')
}

/// Accents and other marks that take no space of their own, category Mn.
fn is_accent(c: char) -> bool {
    get_general_category(c) == GeneralCategory::NonspacingMark
}

/// Characters that are a word each: the P categories, and ASCII's symbols.
fn is_punctuation(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_punctuation();
    }
    matches!(
        get_general_category(c),
        GeneralCategory::ConnectorPunctuation
            | GeneralCategory::DashPunctuation
            | GeneralCategory::OpenPunctuation
            | GeneralCategory::ClosePunctuation
            | GeneralCategory::InitialPunctuation
            | GeneralCategory::FinalPunctuation
            | GeneralCategory::OtherPunctuation
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const VOCABULARY: &str = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nun\n##aff\n##able\nhello\n,\n!\ncafe\n中\n国\n##b\nb\n##\u{5d0}\n\u{5d0}\n";

    #[track_caller]
    fn check_pieces(text: &str, expected: &[&str]) {
        let tokens = Tokeniser::new(VOCABULARY).unwrap().encode(text, 100);
        let pieces: Vec<&str> = VOCABULARY.lines().collect();
        let met: Vec<&str> = tokens.ids.iter().map(|id| pieces[*id as usize]).collect();
        assert_eq!(met, [&["[CLS]"], expected, &["[SEP]"]].concat());
        assert_eq!(tokens.n_tokens, expected.len() + 2);
    }

    #[test]
    fn words_are_split_into_the_longest_pieces() {
        check_pieces("unaffable", &["un", "##aff", "##able"]);
        check_pieces("unbbaff", &["un", "##b", "##b", "##aff"]);
        check_pieces("אאb", &["א", "##א", "##b"]);
    }

    #[test]
    fn a_word_that_does_not_come_out_even_is_unknown_as_a_whole() {
        check_pieces("unhello hello", &["[UNK]", "hello"]);
        check_pieces("aff", &["[UNK]"]);
    }

    #[test]
    fn a_word_of_more_than_a_hundred_characters_is_unknown() {
        check_pieces(&"b".repeat(101), &["[UNK]"]);
        let tokens = Tokeniser::new(VOCABULARY)
            .unwrap()
            .encode(&"א".repeat(100), 4);
        assert_eq!((tokens.ids, tokens.n_tokens), (vec![2, 17, 16, 3], 102));
    }

    #[test]
    fn letters_lose_size_and_accents() {
        check_pieces(
            "HELLO, CAFÉ Cafe\u{301}!",
            &["hello", ",", "cafe", "cafe", "!"],
        );
    }

    #[test]
    fn ideographs_are_words_and_other_scripts_are_not_cut() {
        check_pieces("中国hello", &["中", "国", "hello"]);
        check_pieces("ひらがな", &["[UNK]"]);
    }

    #[test]
    fn control_characters_are_no_spaces() {
        check_pieces("hel\u{0}lo\u{7f}", &["hello"]);
        check_pieces("hel\u{b}lo hel\u{85}lo", &["hello", "hello"]);
        check_pieces("hel\u{200d}lo\u{feff}", &["hello"]);
        check_pieces(
            "hello\thello\u{2028}hello\u{3000}",
            &["hello", "hello", "hello"],
        );
    }

    #[test]
    fn a_mark_in_the_text_is_read_as_the_mark() {
        check_pieces("hello[SEP]hello", &["hello", "[SEP]", "hello"]);
        check_pieces("[[MASK]b", &["[UNK]", "[MASK]", "b"]);
        check_pieces("[sep]", &["[UNK]", "[UNK]", "[UNK]"]);
    }

    #[test]
    fn a_text_without_words_has_the_two_marks() {
        check_pieces("", &[]);
        check_pieces(" \n\u{200b} ", &[]);
    }

    #[test]
    fn what_is_too_much_is_counted_and_left_out() {
        let tokeniser = Tokeniser::new(VOCABULARY).unwrap();
        let met = |text, max_tokens| {
            let tokens = tokeniser.encode(text, max_tokens);
            (tokens.ids, tokens.n_tokens)
        };
        assert_eq!(met("hello hello hello", 5), (vec![2, 8, 8, 8, 3], 5));
        assert_eq!(met("hello hello hello", 4), (vec![2, 8, 8, 3], 5));
        // A word is cut inside, and an unknown one at the edge is still one token.
        assert_eq!(met("hello unaffable", 4), (vec![2, 8, 5, 3], 6));
        assert_eq!(met("hello unbhello b", 4), (vec![2, 8, 1, 3], 5));
        assert_eq!(met("hello unbhello", 3), (vec![2, 8, 3], 4));
        assert_eq!(met("hello", 2), (vec![2, 3], 3));
    }

    #[test]
    fn a_vocabulary_needs_each_piece_once_and_the_marks() {
        let error = |vocabulary: &str| Tokeniser::new(vocabulary).map(|_| ()).unwrap_err();
        assert_eq!(
            error("[UNK]\n[CLS]\n[SEP]\na\n##a\n##a"),
            VocabularyError::Twice {
                line: 6,
                piece: "##a".to_owned()
            }
        );
        assert_eq!(error(""), VocabularyError::NoMark { mark: "[UNK]" });
        assert_eq!(
            error("[UNK]\n[CLS]\n"),
            VocabularyError::NoMark { mark: "[SEP]" }
        );
    }

    #[track_caller]
    fn check_occurs(piece: &str, expected: bool) {
        assert_eq!(can_occur(piece), expected, "{piece}");
    }

    #[test]
    fn pieces_that_no_text_is_split_into_are_known() {
        for piece in ["hello", "##ing", "!", "#", "我", "ß", "[MASK]", "1920s"] {
            check_occurs(piece, true);
        }
        for piece in [
            "[unused1]",
            "##",
            "##!",
            "##我",
            "Hello",
            "é",
            "##\u{301}",
            "한",
        ] {
            check_occurs(piece, false);
        }
    }
}
