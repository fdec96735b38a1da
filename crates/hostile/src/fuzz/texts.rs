//! Texts and tables of texts.

use std::sync::LazyLock;

use vitrine_tasks::text::{Limits, Table, Tokeniser, Tokens, can_occur, decode, excerpt, opening};

use super::Bytes;

/// A file as a text and as a table. A row that is asked for by itself gives the same cell as when all are
/// asked for at once; a few rows stand for all, because each reader is made anew.
pub(super) fn table(bytes: &[u8]) {
    if let Ok(decoded) = decode(bytes.to_vec()) {
        assert!(!decoded.text.contains('\0') && decoded.n_replaced <= bytes.len());
        assert!(excerpt(&decoded.text).chars().count() <= 641);
        assert!(opening(&decoded.text).chars().count() <= 3201);
    }
    let limits = Limits {
        max_rows: 200,
        max_columns: 50,
        ..Limits::default()
    };
    let Ok(table) = Table::open(bytes.to_vec(), &limits) else {
        return;
    };
    let facts = table.facts();
    assert!((1..=limits.max_rows).contains(&facts.n_rows));
    assert!((1..=limits.max_columns).contains(&facts.columns.len()));
    assert!((facts.preview.iter()).all(|row| row.len() == facts.columns.len()));
    let last = facts.n_rows - 1;
    for column in [0, facts.columns.len() - 1] {
        let all = table.texts(column, 0, usize::MAX);
        let all = all.expect("a table that opens has the cells of its columns");
        assert_eq!(all.len(), facts.n_rows);
        for row in [0, 1.min(last), last / 2, last] {
            let alone = table.texts(column, row, 1);
            assert_eq!(alone.as_deref(), Ok(std::slice::from_ref(&all[row])));
        }
    }
    assert!(table.texts(0, facts.n_rows, 1).is_err());
    assert!(table.texts(facts.columns.len(), 0, 1).is_err());
}

/// A few pieces of every kind: marks, words, endings, letters of several scripts.
const VOCABULARY: &str = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n!\n.\n##s\n##ing\na\n##a\nb\n##b\nthe\nread\nun\n##read\nu\n##u\no\n##o\n中\n語\nß\n\u{3b1}\n##\u{3b1}\n[\n]\n##12\n1\n";

static FIXED: LazyLock<Tokeniser> =
    LazyLock::new(|| Tokeniser::new(VOCABULARY).expect("the vocabulary has its marks"));

/// A text cut into tokens, where the first byte says how many may come of it, and the text as a
/// vocabulary of its own.
pub(super) fn tokeniser(bytes: &[u8]) {
    let mut bytes = Bytes(bytes);
    let max_tokens = 2 + usize::from(bytes.byte() % 64);
    let text = String::from_utf8_lossy(bytes.rest());
    check(&FIXED, &text, max_tokens, VOCABULARY.lines().count());
    for piece in text.lines() {
        can_occur(piece);
    }
    if let Ok(own) = Tokeniser::new(&text) {
        check(&own, &text, max_tokens, text.lines().count());
    }
}

/// What holds for the tokens of every text: there are as many as fit, each is in the vocabulary, and
/// what fits does not depend on what does not.
fn check(tokeniser: &Tokeniser, text: &str, max_tokens: usize, n_pieces: usize) {
    let Tokens { ids, n_tokens } = tokeniser.encode(text, max_tokens);
    assert!(n_tokens >= 2);
    assert_eq!(ids.len(), n_tokens.min(max_tokens));
    assert!(ids.iter().all(|id| (0..n_pieces as i64).contains(id)));
    let whole = tokeniser.encode(text, usize::MAX);
    assert_eq!((whole.n_tokens, whole.ids.len()), (n_tokens, n_tokens));
    assert_eq!(ids[..ids.len() - 1], whole.ids[..ids.len() - 1]);
    assert_eq!(ids.last(), whole.ids.last());
}
