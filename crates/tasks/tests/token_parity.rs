//! Token ids against Hugging Face's `tokenizers`, on the texts of `tests/fixtures/text_reference.py`.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use vitrine_tasks::text::{Tokeniser, can_occur};

#[derive(Deserialize)]
struct Golden {
    max_tokens: usize,
    texts: Vec<Text>,
}

#[derive(Deserialize)]
struct Text {
    text: String,
    ids: Vec<i64>,
    n_tokens: usize,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn token_ids_are_those_of_the_reference() {
    let vocabulary = root().join("assets/models/bert-base-uncased.vocab.txt");
    let Ok(vocabulary) = fs::read_to_string(vocabulary) else {
        println!("skipped: assets/models is empty, run `cargo xtask models`");
        return;
    };
    let tokeniser = Tokeniser::new(&vocabulary).expect("the vocabulary is whole");
    let golden = fs::read_to_string(root().join("tests/fixtures/texts/texts.json"));
    let golden: Golden = serde_json::from_str(&golden.expect("the fixture")).expect("valid JSON");
    assert_eq!(golden.texts.len(), 200);
    let occurs: Vec<bool> = vocabulary.lines().map(can_occur).collect();
    for Text {
        text,
        ids,
        n_tokens,
    } in golden.texts
    {
        assert!(ids.iter().all(|id| occurs[*id as usize]), "{text:?}");
        let met = tokeniser.encode(&text, golden.max_tokens);
        assert_eq!(met.ids, ids, "{text:?}");
        assert_eq!(met.n_tokens, n_tokens, "{text:?}");
    }
}
