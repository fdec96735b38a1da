//! The language of the page.
//!
//! As in gettext the English sentence is the key: `assets/words/LANGUAGE.json` has it in another
//! language, and a sentence that it lacks stays English. `shell/language.js` fetches the table
//! before this program starts.

use vitrine_protocol::{Explanation, Failure, Speaker};

/// A sentence in the page's language.
pub(crate) fn say(sentence: &str) -> String {
    table::get(sentence).unwrap_or_else(|| sentence.to_owned())
}

/// A sentence in the page's language, each `{name}` in it replaced by the value of that name.
pub(crate) fn fill(sentence: &str, values: &[(&str, &str)]) -> String {
    vitrine_protocol::fill(&say(sentence), values)
}

/// A number with so many decimals, written as the page's language does.
pub(crate) fn number(value: f64, decimals: usize) -> String {
    let plain = format!("{value:.decimals$}");
    match table::get(DECIMAL_POINT) {
        Some(point) => plain.replace('.', &point),
        None => plain,
    }
}

/// The key under which a table has its language's decimal point.
const DECIMAL_POINT: &str = "decimal point";

/// Has failures told in the page's language.
struct PageSpeaker;

impl Speaker for PageSpeaker {
    fn say(&self, sentence: &str, values: &[(&str, &str)]) -> String {
        fill(sentence, values)
    }

    fn number(&self, value: f64, decimals: usize) -> String {
        number(value, decimals)
    }
}

/// A failure in the page's language.
pub(crate) fn explain(failure: &Failure) -> Explanation {
    failure.explain_by(&PageSpeaker)
}

#[cfg(target_arch = "wasm32")]
mod table {
    use js_sys::Reflect;
    use wasm_bindgen::JsValue;

    thread_local! {
        /// What `shell/language.js` left there; undefined where the page speaks English.
        static TABLE: JsValue =
            Reflect::get(&js_sys::global(), &"vitrineWords".into()).unwrap_or_default();
    }

    pub(super) fn get(sentence: &str) -> Option<String> {
        TABLE.with(|table| {
            // Fails where the table is no object, which is the English page.
            Reflect::get(table, &sentence.into()).ok()?.as_string()
        })
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod table {
    /// Natively there is no page, and tests read English.
    pub(super) fn get(_sentence: &str) -> Option<String> {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::Path;
    use std::{env, fs};

    use vitrine_protocol::{AnalysisTimes, ReadingTimes, StageTimes, Stages};

    use super::*;

    #[test]
    fn numbers_are_rounded_to_their_decimals() {
        assert_eq!(number(87.349, 1), "87.3");
        assert_eq!(number(1234.5, 0), "1234");
    }

    fn root() -> &'static Path {
        Path::new(env!("CARGO_MANIFEST_DIR"))
    }

    /// Every sentence that source files hand to a function of this module, or of its twin in the
    /// shell: the string right behind the opening parenthesis, and in `words.rs` also constants, and
    /// lists whose members are said.
    fn spoken_in(folder: &Path, ending: &str, sentences: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                spoken_in(&path, ending, sentences);
            } else if path.to_string_lossy().ends_with(ending) {
                let text = fs::read_to_string(&path).unwrap();
                let text = text.split("#[cfg(test)]").next().unwrap();
                let first = |behind: &str| Some(literal_in(behind.trim_start().strip_prefix('"')?));
                for call in ["say(", "fill(", "fact(", ": &str ="] {
                    sentences.extend(text.split(call).skip(1).filter_map(first));
                }
                for behind in text.split("counted(").skip(1) {
                    // A number, and two sentences: for one, and for any other number.
                    let (number, _) = behind.split_once('"').unwrap_or((")", ""));
                    if !number.contains(')') {
                        sentences.extend(
                            behind
                                .split('"')
                                .skip(1)
                                .step_by(2)
                                .take(2)
                                .map(str::to_owned),
                        );
                    }
                }
                let lists = text.match_indices(".map(say)").filter_map(|(at, _)| {
                    let before = text[..at].trim_end().strip_suffix(']')?;
                    Some(&before[before.rfind('[')? + 1..])
                });
                for list in lists {
                    sentences.extend(list.split('"').skip(1).step_by(2).map(str::to_owned));
                }
            }
        }
    }

    /// What stands in the shell between its tags and in the attributes that are read out, as
    /// `shell/language.js` looks it up.
    fn shown_in(document: &str) -> BTreeSet<String> {
        let body = document.split_once("<body>").unwrap().1;
        // Without scripts nothing can be looked up.
        let (before, rest) = body.split_once("<noscript>").unwrap();
        let body = format!("{before}{}", rest.split_once("</noscript>").unwrap().1);
        let mut sentences = BTreeSet::new();
        for part in body.split('<') {
            let (tag, text) = part.split_once('>').unwrap_or(("", part));
            // Keys of a keyboard are what is written on them, and phrases are given to models that
            // learnt English.
            if !tag.starts_with("kbd") && !tag.contains("class=\"phrase\"") {
                sentences.insert(text.split_whitespace().collect::<Vec<_>>().join(" "));
            }
            for name in ["aria-label=\"", "placeholder=\"", "alt=\""] {
                let value = tag
                    .split_once(name)
                    .and_then(|(_, rest)| rest.split_once('"'));
                sentences.extend(value.map(|(value, _)| value.to_owned()));
            }
        }
        sentences.retain(|sentence| sentence.chars().filter(|c| c.is_alphabetic()).count() > 1);
        sentences
    }

    /// The three sentences of every failure.
    fn told_in(file: &str) -> Vec<String> {
        let text = fs::read_to_string(root().join(file)).unwrap();
        let text = text.split("#[cfg(test)]").next().unwrap();
        let told = text.split("told(\n").skip(1);
        let sentences = |told: &str| {
            let list = told
                .split_once("\n            ],")?
                .0
                .trim_start()
                .strip_prefix('[')?;
            let literals = list
                .split("\n")
                .filter_map(|line| line.trim().strip_prefix('"'));
            Some(literals.map(literal_in).collect::<Vec<_>>())
        };
        told.filter_map(sentences).flatten().collect()
    }

    /// A string literal without its escapes, up to its closing quotation mark.
    fn literal_in(text: &str) -> String {
        let mut literal = String::new();
        let mut characters = text.chars().peekable();
        while let Some(character) = characters.next() {
            match character {
                '"' => break,
                '\\' => match characters.next() {
                    // A line that goes on in the next, after its indentation.
                    Some('\n') => while characters.next_if(|c| c.is_whitespace()).is_some() {},
                    Some(escaped) => literal.push(escaped),
                    None => break,
                },
                other => literal.push(other),
            }
        }
        literal
    }

    fn placeholders(sentence: &str) -> BTreeSet<&str> {
        let parts = sentence.split('{').skip(1);
        parts.filter_map(|part| part.split('}').next()).collect()
    }

    #[test]
    fn every_language_has_every_sentence_with_its_placeholders() {
        let mut sentences = BTreeSet::new();
        spoken_in(&root().join("src"), ".rs", &mut sentences);
        spoken_in(&root().join("shell"), ".js", &mut sentences);
        let shell = fs::read_to_string(root().join("index.html")).unwrap();
        sentences.extend(shown_in(&shell));
        let stages: [&dyn Stages; 3] = [
            &StageTimes::default(),
            &ReadingTimes::default(),
            &AnalysisTimes::default(),
        ];
        let stages = stages.into_iter().flat_map(|times| times.stages());
        sentences.extend(stages.map(|(name, _)| name.to_owned()));
        sentences.extend(told_in("crates/protocol/src/failure.rs"));
        sentences.extend(["rows", "columns", "JPEG, PNG, WebP, GIF or BMP"].map(str::to_owned));
        // A few of each kind, so that a search that finds nothing is noticed.
        for known in [
            "Cancel",
            "P95",
            "1 row",
            "Stage",
            "Model file",
            "No upload",
            "Language",
            "Stop",
            "This file is empty.",
            "Add the table again.",
        ] {
            assert!(sentences.contains(known), "{known} was not found");
        }
        let mut complaints = Vec::new();
        for entry in fs::read_dir(root().join("assets/words")).unwrap() {
            let path = entry.unwrap().path();
            let text = fs::read_to_string(&path).unwrap();
            let table: BTreeMap<String, String> = serde_json::from_str(&text).unwrap();
            for sentence in &sentences {
                match table.get(sentence) {
                    None => complaints.push(format!("{} lacks: {sentence}", path.display())),
                    Some(other) if placeholders(other) != placeholders(sentence) => {
                        complaints.push(format!("other placeholders: {other}"));
                    }
                    Some(_) => {}
                }
            }
        }
        assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    }
}
