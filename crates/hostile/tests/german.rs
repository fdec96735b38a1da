//! Everything that is said of a hostile file, and every word in it, is there in German.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use vitrine_hostile::{corpus, read};
use vitrine_protocol::{Speaker, fill};

/// Speaks from a table and notes what it lacks.
struct German {
    words: BTreeMap<String, String>,
    missing: RefCell<BTreeSet<String>>,
}

impl Speaker for German {
    fn say(&self, sentence: &str, values: &[(&str, &str)]) -> String {
        let Some(german) = self.words.get(sentence) else {
            self.missing.borrow_mut().insert(sentence.to_owned());
            return fill(sentence, values);
        };
        let said = fill(german, values);
        for (name, _) in values {
            let place = format!("{{{name}}}");
            if german.contains(&place) != sentence.contains(&place) {
                self.missing
                    .borrow_mut()
                    .insert(format!("{sentence}: {place}"));
            }
        }
        said
    }

    fn number(&self, value: f64, decimals: usize) -> String {
        format!("{value:.decimals$}").replace('.', ",")
    }
}

#[test]
fn every_refusal_is_told_in_german() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/words/de.json");
    let words = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let german = German {
        words,
        missing: RefCell::default(),
    };
    let mut n_refused = 0;
    for case in corpus() {
        if let Err(failure) = read(&case) {
            failure.explain_by(&german);
            n_refused += 1;
        }
    }
    assert!(n_refused > 300, "{n_refused} files were refused");
    let missing = german.missing.into_inner();
    assert!(missing.is_empty(), "{missing:#?}");
}
