//! Bad and odd texts and tables.

use crate::random::Random;
use crate::{Case, Content, Kind, case};

/// Every bad text and table, with odd ones that are good.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    texts(&mut cases);
    tables(&mut cases);
    cases
}

fn text(name: &str, bytes: impl Into<Vec<u8>>) -> Case {
    case(format!("{name}.txt"), Kind::Text, bytes)
}

fn table(name: &str, bytes: impl Into<Vec<u8>>) -> Case {
    case(format!("{name}.csv"), Kind::Table, bytes)
}

fn repeated(like: Case, pattern: &[u8], length: u64) -> Case {
    Case {
        content: Content::Repeated {
            pattern: pattern.to_vec(),
            length,
        },
        ..like
    }
}

fn utf16(text: &str, mark: bool, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    let mark = mark.then_some(0xFEFF);
    mark.into_iter()
        .chain(text.encode_utf16())
        .flat_map(bytes)
        .collect()
}

fn utf32(text: &str) -> Vec<u8> {
    let characters = std::iter::once('\u{FEFF}').chain(text.chars());
    characters
        .flat_map(|c| u32::from(c).to_le_bytes())
        .collect()
}

fn texts(cases: &mut Vec<Case>) {
    const WORDS: &str = "Größe, naïve, 日本語 🙂";
    cases.push(text("empty", []));
    cases.push(text("one-byte", *b"a"));
    cases.push(text("one-nul", [0]));
    cases.push(text("spaces", " \r\n\t\u{3000}\u{A0}\u{2003}"));
    cases.push(text("mark-only", *b"\xEF\xBB\xBF"));
    cases.push(text("mark-only-utf16", *b"\xFF\xFE"));
    cases.push(text("half-a-mark", *b"\xFF"));
    cases.push(text("utf8", WORDS));
    cases.push(text("utf8-mark", format!("\u{FEFF}{WORDS}")));
    cases.push(text("utf8-mark-twice", format!("\u{FEFF}\u{FEFF}{WORDS}")));
    cases.push(text("utf16-le", utf16(WORDS, true, u16::to_le_bytes)));
    cases.push(text("utf16-be", utf16(WORDS, true, u16::to_be_bytes)));
    cases.push(text(
        "utf16-le-without-mark",
        utf16(WORDS, false, u16::to_le_bytes),
    ));
    cases.push(text(
        "utf16-be-without-mark",
        utf16(WORDS, false, u16::to_be_bytes),
    ));
    cases.push(text(
        "utf16-without-mark-or-latin",
        utf16("日本語中文", false, u16::to_le_bytes),
    ));
    cases.push(text("utf16-odd", *b"\xFF\xFEa\0b"));
    cases.push(text(
        "utf16-lone-surrogates",
        *b"\xFE\xFF\xD8\0\0a\xDC\0\0b",
    ));
    cases.push(text("utf32", utf32(WORDS)));
    cases.push(case("text-without-ending", Kind::Text, WORDS));
    cases.push(text("latin-1", *b"caf\xE9 na\xEFve"));
    cases.push(text("windows-1252", *b"\x93quoted\x94 \x96 \x80 5"));
    cases.push(text("shift-jis", *b"\x93\xFA\x96\x7B\x8C\xEA"));
    cases.push(text("gb18030", *b"\xD6\xD0\xCE\xC4"));
    cases.push(text("ebcdic", *b"\xC8\x85\x93\x93\x96"));
    cases.push(text("utf-7", "Hi Mom +Jjo--!"));
    cases.push(text("overlong", *b"a\xC0\x80b\xE0\x80\xAFc"));
    cases.push(text("surrogates-in-utf8", *b"a\xED\xA0\x80b"));
    cases.push(text(
        "beyond-unicode",
        *b"a\xF4\x90\x80\x80b\xF8\x88\x80\x80\x80c",
    ));
    cases.push(text("cut-character", *b"a\xF0\x9F\x99"));
    cases.push(text("continuations", [0x80; 1000]));
    cases.push(text("all-bytes-but-nul", (1..=255).collect::<Vec<u8>>()));
    cases.push(text("nul-at-the-end", *b"some text\0"));
    cases.push(text("nul-in-utf16", *b"\xFF\xFEa\0\0\0b\0"));
    cases.push(text("random", Random::seeded(3).bytes(4096)));
    cases.push(text("archive", *b"PK\x03\x04\x14\0\0\0"));
    cases.push(text(
        "controls",
        "a\u{1}b\u{7}c\u{8}d\u{1B}[31mred\u{7F}\u{85}",
    ));
    cases.push(text(
        "turned",
        "name \u{202E}gpj.exe\u{202C} \u{2066}x\u{2069} \u{200F}y",
    ));
    cases.push(text("turned-without-end", "\u{202E}".repeat(1000) + "x"));
    cases.push(text(
        "invisible",
        "\u{200B}\u{200C}\u{200D}\u{2060}\u{FEFF}",
    ));
    cases.push(text("tags", "a\u{E0068}\u{E0069}\u{E007F}b"));
    cases.push(text(
        "stacked-accents",
        format!("Z{}", "\u{301}".repeat(100_000)),
    ));
    cases.push(text("families", "👩‍👩‍👧‍👦".repeat(10_000)));
    cases.push(text("joined-without-end", "👩\u{200D}".repeat(50_000)));
    cases.push(text("flags", "🇩".repeat(50_001)));
    cases.push(text("hangul-letters", "\u{1100}".repeat(100_000)));
    cases.push(text("expands-when-composed", "\u{FDFA}".repeat(50_000)));
    cases.push(text("not-characters", "a\u{FFFE}\u{FFFF}\u{10FFFF}b"));
    cases.push(text("private-use", "\u{E000}\u{F8FF}\u{10FFFD}"));
    cases.push(text("page", "<script>alert(1)</script>&amp;{file}"));
    cases.push(text(
        "formula",
        "=HYPERLINK(\"https://example.invalid\",\"x\")",
    ));
    cases.push(text(
        "special-tokens",
        "[CLS] [SEP] [MASK] <s> </s> <|endoftext|>",
    ));
    cases.push(text(
        "line-ends",
        "a\rb\nc\r\nd\u{2028}e\u{2029}f\u{B}g\u{C}h",
    ));
    cases.push(repeated(text("one-word-of-5-mb", []), b"a", 5_000_000));
    cases.push(repeated(
        text("one-line-of-20-mb", []),
        b"word ",
        20_000_000,
    ));
    cases.push(repeated(text("lines-of-5-mb", []), b"\n", 5_000_000));
    cases.push(repeated(text("replaced-5-mb", []), b"\xFF", 5_000_000));
    cases.push(repeated(text("over-the-limit", []), b"word ", 20_000_001));
    cases.push(repeated(text("100-mb", []), b"word ", 100_000_000));
}

fn tables(cases: &mut Vec<Case>) {
    cases.push(table("empty", []));
    cases.push(table("blank-lines", "\n\r\n\r\n"));
    cases.push(table("header-only", "id,text\n"));
    cases.push(table("header-only-without-end", "id,text"));
    cases.push(table("one-cell", "x"));
    cases.push(table("delimiters-only", ",,,\n,,,\n"));
    cases.push(table("good", "id,text\n1,a\n2,b\n"));
    cases.push(table("good-semicolons", "id;text\n1;a, b\n"));
    cases.push(table("good-tabs", "id\ttext\n1\ta, b; c\n"));
    cases.push(table("good-cr", "id,text\r1,a\r2,b"));
    cases.push(table(
        "good-utf16",
        utf16("id,text\n1,ä\n", true, u16::to_le_bytes),
    ));
    cases.push(table("good-mark", "\u{FEFF}id,text\n1,a\n"));
    cases.push(table("mark-before-quote", "\u{FEFF}\"id\",\"text\"\n1,a\n"));
    cases.push(table(
        "utf16-without-mark",
        utf16("id,text\n1,a\n", false, u16::to_le_bytes),
    ));
    cases.push(table("latin-1", *b"id,text\n1,caf\xE9\n"));
    cases.push(table("nul", *b"id,text\n1,a\0b\n"));
    cases.push(table(
        "nul-late",
        [&b"id,text\n1,"[..], &[b'a'; 100_000], b"\0\n"].concat(),
    ));
    cases.push(table("workbook.xlsx", *b"PK\x03\x04\x14\0\x06\0\x08\0\0\0"));
    cases.push(table(
        "page",
        "<!DOCTYPE html>\n<html><body>Sign in, please</body></html>\n",
    ));
    cases.push(table("json", "[{\"id\": 1, \"text\": \"a\"}]"));
    cases.push(table("row-short", "id,text\n1,a\n2\n"));
    cases.push(table("row-long", "id,text\n1,a,b\n"));
    cases.push(table("row-of-separator", "id,text\n1,a\n,\n"));
    cases.push(table(
        "row-ragged-behind-blank-lines",
        "id,text\n\n\n1,a\n\n2\n",
    ));
    cases.push(table(
        "row-ragged-behind-a-long-cell",
        "id,text\n1,\"a\nb\nc\"\n2\n",
    ));
    cases.push(table("quote-open", "id,text\n1,\"a\n2,b\n"));
    cases.push(table("quote-open-first", "\"id,text\n1,a\n"));
    cases.push(table("quote-open-last", "id,text\n1,a\n2,\""));
    cases.push(table("quote-lone", "\""));
    cases.push(table("quotes-only", "\"\"\"\"\"\"\n\"\"\"\"\n"));
    cases.push(table("quote-inside", "id,text\n1,a \"b\" c\n"));
    cases.push(table("quote-then-text", "id,text\n1,\"a\"b\n"));
    cases.push(table("quote-backslash", "id,text\n1,\"a\\\"b\"\n"));
    cases.push(table("quotes-of-a-typesetter", "id,text\n1,“a, b”\n"));
    cases.push(table("header-twice", "text,text\na,b\n"));
    cases.push(table("header-empty", ",\na,b\n"));
    cases.push(table(
        "header-long",
        format!("{},id\na,1\n", "h".repeat(100_000)),
    ));
    cases.push(table("header-turned", "\u{202E}di,text\n1,a\n"));
    cases.push(table("header-page", "<b>id</b>,text\n1,a\n"));
    cases.push(table("cells-empty", "id,text\n1,\n2,\n"));
    cases.push(table("numbers", "1,2\n3,4\n"));
    cases.push(table("not-a-number", "NaN,inf\n1,2\n"));
    cases.push(table(
        "formulas",
        "id,text\n1,=1+1\n2,+1\n3,-1\n4,@x\n5,\"\tx\"\n",
    ));
    cases.push(table("separator-line", "sep=;\nid;text\n1;a\n"));
    cases.push(table("pipes", "id|text\n1|a\n"));
    cases.push(table(
        "columns-1000",
        format!("{}\n{}\n", columns(1000), columns(1000)),
    ));
    cases.push(table("columns-1001", format!("{}\n1\n", columns(1001))));
    cases.push(repeated(table("columns-1000000", []), b",", 999_999));
    cases.push(repeated(table("quotes-20-mb", []), b"\"", 20_000_001));
    cases.push(repeated(
        table("open-quotes-20-mb", []),
        b"\"a\n",
        20_000_000,
    ));
    cases.push(repeated(table("lines-of-20-mb", []), b"\n", 20_000_000));
    cases.push(repeated(table("cell-of-20-mb", []), b"a", 20_000_000));
    cases.push(repeated(table("rows-1000000", []), b"a\n", 2_000_000));
    cases.push(repeated(table("rows-1000002", []), b"a\n", 2_000_004));
    cases.push(repeated(
        table("rows-5000000-of-two", []),
        b"1,2\n",
        20_000_000,
    ));
    cases.push(repeated(table("replaced-20-mb", []), b"\xFE\n", 2_000_000));
    cases.push(repeated(table("over-the-limit", []), b"1,a\n", 100_000_001));
    let mut random = Random::seeded(11);
    let letters = [
        b'a', b',', b';', b'\t', b'"', b'\n', b'\r', b' ', 0xC3, 0xBC,
    ];
    for n in 0..12 {
        let bytes: Vec<u8> = (0..200)
            .map(|_| letters[random.below(letters.len())])
            .collect();
        cases.push(table(&format!("letters-at-random-{n}"), bytes));
    }
}

/// Names of so many columns.
fn columns(n: usize) -> String {
    let names: Vec<String> = (0..n).map(|column| format!("c{column}")).collect();
    names.join(",")
}
