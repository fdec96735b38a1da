//! Character errors of one picture, as `tests/fixtures/pages/score.py` counts them.

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization as _;
use vitrine_stats::CharacterErrors;

/// A place in a picture, in its pixels.
pub(super) type Point = [f64; 2];

/// A picture and what stands in it.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Picture {
    pub(super) file: String,
    /// `en`, `zh`, `mixed`, or `none` for a picture without text.
    pub(super) language: String,
    pub(super) layout: String,
    /// `mild` up to a few degrees, or `strong`.
    pub(super) rotation: String,
    pub(super) degradations: Vec<String>,
    pub(super) background: String,
    /// In reading order.
    pub(super) lines: Vec<ReadLine>,
}

/// A line of text and where it is: its corners clockwise, the first where its first character has
/// its top left.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct ReadLine {
    pub(super) text: String,
    pub(super) quad: [Point; 4],
}

/// What was read wrongly in a picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Counts {
    /// Characters that stand there.
    pub(super) chars: u64,
    /// Errors where each read line is compared with the one it lies on.
    pub(super) placed: u64,
    /// Errors where all lines are compared in their order.
    pub(super) ordered: u64,
    /// Characters that stand there, without spaces.
    pub(super) unspaced_chars: u64,
    /// `placed` without spaces on either side.
    pub(super) unspaced: u64,
    /// Lines on which nothing was read.
    pub(super) unread: u64,
    /// Read lines that lie on none.
    pub(super) extra: u64,
}

/// How far the middle of a read line may lie outside a line, in heights of that line.
const REACH: f64 = 0.75;

/// Compares what stands in a picture with what was read.
pub(super) fn count(picture: &Picture, read: &[ReadLine]) -> Counts {
    let language = &picture.language;
    let texts: Vec<String> = picture
        .lines
        .iter()
        .map(|line| normalised(&line.text, language))
        .collect();
    let (matched, rest) = matched(&picture.lines, read);
    let joined = |lines: &[usize]| {
        let texts: Vec<&str> = lines.iter().map(|line| read[*line].text.as_str()).collect();
        normalised(&texts.join(" "), language)
    };
    // What lies on no line stands against an empty one.
    let pairs: Vec<(&str, String)> = texts
        .iter()
        .zip(&matched)
        .map(|(text, lines)| (text.as_str(), joined(lines)))
        .chain(rest.iter().map(|line| ("", joined(&[*line]))))
        .collect();
    let placed = pairs
        .iter()
        .map(|(text, read)| CharacterErrors::between(text, read));
    let placed: CharacterErrors = placed.sum();
    let unspaced = pairs.iter().map(|(text, read)| {
        CharacterErrors::between(&text.replace(' ', ""), &read.replace(' ', ""))
    });
    let unspaced: CharacterErrors = unspaced.sum();
    let whole = normalised(&texts.join(" "), language);
    let in_order: Vec<usize> = (0..read.len()).collect();
    Counts {
        chars: placed.length,
        placed: placed.edits,
        ordered: CharacterErrors::between(&whole, &joined(&in_order)).edits,
        unspaced_chars: unspaced.length,
        unspaced: unspaced.edits,
        unread: matched.iter().filter(|lines| lines.is_empty()).count() as u64,
        extra: rest.len() as u64,
    }
}

/// The text as it is compared. White space counts as one space; Chinese and mixed texts lose
/// theirs, which carries no meaning, and go through NFKC, because full-width and half-width
/// punctuation look the same in print.
fn normalised(text: &str, language: &str) -> String {
    let words =
        |text: &str, between: &str| text.split_whitespace().collect::<Vec<_>>().join(between);
    match language {
        "zh" | "mixed" => words(&text.nfkc().collect::<String>(), ""),
        _ => words(text, " "),
    }
}

/// Which read lines lie on each line, from its beginning to its end, and which lie on none.
///
/// A read line belongs to the line nearest to its middle, at most [`REACH`] away; among lines that
/// hold the middle, to the one whose own middle is nearest.
fn matched(lines: &[ReadLine], read: &[ReadLine]) -> (Vec<Vec<usize>>, Vec<usize>) {
    let mut pieces: Vec<Vec<(f64, usize)>> = vec![Vec::new(); lines.len()];
    let mut rest = Vec::new();
    for (at, piece) in read.iter().enumerate() {
        let middle =
            [0, 1].map(|axis| piece.quad.iter().map(|corner| corner[axis]).sum::<f64>() / 4.0);
        let mut best: Option<(f64, f64, usize, f64)> = None;
        for (number, line) in lines.iter().enumerate() {
            let place = Place::of(&line.quad, middle);
            let candidate = (
                place.heights_outside(),
                (place.down - 0.5).abs(),
                number,
                place.along,
            );
            let is_nearer = best.is_none_or(|best| {
                let order = candidate
                    .0
                    .total_cmp(&best.0)
                    .then(candidate.1.total_cmp(&best.1));
                order.is_lt()
            });
            if candidate.0 <= REACH && is_nearer {
                best = Some(candidate);
            }
        }
        match best {
            Some((_, _, number, along)) => pieces[number].push((along, at)),
            None => rest.push(at),
        }
    }
    let in_order = pieces.into_iter().map(|mut pieces| {
        pieces.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        pieces.into_iter().map(|(_, at)| at).collect()
    });
    (in_order.collect(), rest)
}

/// A point in a line's own frame.
struct Place {
    /// 0 at the line's beginning, 1 at its end.
    along: f64,
    /// 0 at its top, 1 at its bottom.
    down: f64,
    /// The line's length and height in pixels.
    size: [f64; 2],
}

impl Place {
    fn of(quad: &[Point; 4], point: Point) -> Place {
        let minus = |a: Point, b: Point| [a[0] - b[0], a[1] - b[1]];
        let dot = |a: Point, b: Point| a[0] * b[0] + a[1] * b[1];
        let (along, down) = (minus(quad[1], quad[0]), minus(quad[3], quad[0]));
        let offset = minus(point, quad[0]);
        Place {
            along: dot(offset, along) / dot(along, along),
            down: dot(offset, down) / dot(down, down),
            size: [dot(along, along).sqrt(), dot(down, down).sqrt()],
        }
    }

    /// How far the point is outside the line, in heights of the line.
    fn heights_outside(&self) -> f64 {
        let outside = |share: f64, pixels: f64| (-share).max(share - 1.0).max(0.0) * pixels;
        let [length, height] = self.size;
        outside(self.along, length).hypot(outside(self.down, height)) / height
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A level line of 100 × 20 pixels with its top left corner here.
    fn line(text: &str, left: f64, top: f64) -> ReadLine {
        let (right, bottom) = (left + 100.0, top + 20.0);
        ReadLine {
            text: text.to_owned(),
            quad: [[left, top], [right, top], [right, bottom], [left, bottom]],
        }
    }

    fn picture(language: &str, lines: Vec<ReadLine>) -> Picture {
        Picture {
            file: String::new(),
            language: language.to_owned(),
            layout: String::new(),
            rotation: String::new(),
            degradations: Vec::new(),
            background: String::new(),
            lines,
        }
    }

    /// `expected` are chars, placed, ordered, unspaced chars, unspaced, unread, extra, as
    /// `score.count` of tests/fixtures/pages/score.py gives them.
    #[track_caller]
    fn check(language: &str, stands: Vec<ReadLine>, read: Vec<ReadLine>, expected: [u64; 7]) {
        let met = count(&picture(language, stands), &read);
        let Counts {
            chars,
            placed,
            ordered,
            unspaced_chars,
            unspaced,
            unread,
            extra,
        } = met;
        let met = [
            chars,
            placed,
            ordered,
            unspaced_chars,
            unspaced,
            unread,
            extra,
        ];
        assert_eq!(met, expected);
    }

    #[test]
    fn lines_in_another_order_are_wrong_in_order_only() {
        check(
            "en",
            vec![line("first line", 0.0, 0.0), line("second line", 0.0, 40.0)],
            vec![line("second line", 0.0, 41.0), line("first line", 2.0, 1.0)],
            [21, 0, 12, 19, 0, 0, 0],
        );
    }

    #[test]
    fn pieces_of_a_line_are_joined_from_its_beginning() {
        check(
            "en",
            vec![line("one two", 0.0, 0.0)],
            vec![line("two", 45.0, 0.0), line("one", -45.0, 0.0)],
            [7, 0, 6, 6, 0, 0, 0],
        );
    }

    #[test]
    fn what_lies_on_no_line_is_inserted_in_full() {
        check(
            "en",
            vec![line("text", 0.0, 0.0), line("unread", 0.0, 60.0)],
            vec![line("text", 0.0, 0.0), line("dirt", 300.0, 200.0)],
            [10, 10, 5, 10, 10, 1, 1],
        );
    }

    #[test]
    fn lost_spaces_are_errors_in_english_only() {
        check(
            "en",
            vec![line("a b c", 0.0, 0.0)],
            vec![line("abc", 0.0, 0.0)],
            [5, 2, 2, 3, 0, 0, 0],
        );
        check(
            "zh",
            vec![line("識別 文字,", 0.0, 0.0)],
            vec![line("識別文字，", 0.0, 0.0)],
            [5, 0, 0, 5, 0, 0, 0],
        );
    }

    #[test]
    fn a_picture_without_text_has_only_insertions() {
        check(
            "none",
            vec![],
            vec![line("dirt", 0.0, 0.0)],
            [0, 4, 4, 0, 4, 0, 1],
        );
    }
}
