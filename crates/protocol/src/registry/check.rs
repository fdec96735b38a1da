//! Reads `assets/models.toml` and says what is wrong with it by entry and field.

use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

use super::{
    Activation, Card, Licence, ModelEntry, PackageRegistry, Registry, Sample, ServedFile, Source,
    Spec, Variant, Vocabulary,
};

/// One thing that is wrong: `model efficientnet-lite0, input.crop: …`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistryError {
    /// The entry: `model ID`, `sample TITLE`, or with a number where it has no name.
    pub entry: String,
    /// Path of the field in the entry, such as `input.crop`; empty for the entry as a whole.
    pub field: String,
    /// What is wrong with it.
    pub problem: String,
}

impl fmt::Display for RegistryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RegistryError {
            entry,
            field,
            problem,
        } = self;
        match field.as_str() {
            "" => write!(f, "{entry}: {problem}"),
            field => write!(f, "{entry}, {field}: {problem}"),
        }
    }
}

/// Everything that is wrong, one line each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistryErrors(pub Vec<RegistryError>);

impl fmt::Display for RegistryErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for RegistryErrors {}

impl Registry {
    /// Reads and checks the text of `assets/models.toml`.
    ///
    /// # Errors
    /// [`RegistryErrors`] with one line per entry that cannot be read and one per field that
    /// cannot be right.
    pub fn parse(text: &str) -> Result<Registry, RegistryErrors> {
        let mut document: Table = text.parse().map_err(|error: toml::de::Error| {
            RegistryErrors(vec![RegistryError {
                entry: "registry".to_owned(),
                field: String::new(),
                problem: error.to_string().trim_end().to_owned(),
            }])
        })?;
        let mut errors = Vec::new();
        let models = entries(&mut document, "model", "id", model_entry, &mut errors);
        let samples = entries(
            &mut document,
            "sample",
            "title",
            read::<Sample>,
            &mut errors,
        );
        for stranger in document.keys() {
            errors.push(RegistryError {
                entry: "registry".to_owned(),
                field: stranger.clone(),
                problem: "is not known; there are `model` and `sample`".to_owned(),
            });
        }
        let registry = Registry { models, samples };
        registry.check(&mut errors);
        if errors.is_empty() {
            Ok(registry)
        } else {
            Err(RegistryErrors(errors))
        }
    }

    fn check(&self, errors: &mut Vec<RegistryError>) {
        let mut ids = HashSet::new();
        let encoders: HashSet<&str> = self
            .models
            .iter()
            .filter(|model| matches!(model.spec, Spec::TextEncoding { .. }))
            .map(|model| model.id.as_str())
            .collect();
        for model in &self.models {
            let mut check = Check {
                entry: format!("model {}", model.id),
                errors,
            };
            check.that("id", is_key(&model.id), || {
                format!(
                    "is `{}`, expected lower-case letters, digits and hyphens",
                    model.id
                )
            });
            check.that("id", ids.insert(model.id.as_str()), || {
                "stands twice in the registry".to_owned()
            });
            check.source("source", &model.source);
            check.served("served", &model.served);
            if let Some(vocabulary) = &model.vocabulary {
                check.source("vocabulary.source", &vocabulary.source);
                check.served("vocabulary.served", &vocabulary.served);
            }
            check.spec(model, &encoders);
            for (at, card) in model.card.iter().enumerate() {
                check.card(&format!("card[{at}]"), card);
            }
            for (at, variant) in model.variants.iter().enumerate() {
                let field = format!("variant[{at}].value");
                check.share(&field, variant.value);
            }
        }
        for sample in &self.samples {
            let mut check = Check {
                entry: format!("sample {}", sample.title),
                errors,
            };
            check.source("source", &sample.source);
            check.file("file", &sample.file);
        }
    }
}

/// What an entry looks like in the text: `task` decides how `input` and `output` are read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawModel {
    id: String,
    title: String,
    task: String,
    summary: String,
    #[serde(default)]
    limits: String,
    licence: Licence,
    source: Source,
    served: ServedFile,
    vocabulary: Option<Vocabulary>,
    input: Table,
    output: Table,
    #[serde(default)]
    variant: Vec<Variant>,
    #[serde(default)]
    card: Vec<Card>,
}

/// A field's path and what is wrong with it.
type Problem = (String, String);

fn model_entry(value: Value) -> Result<ModelEntry, Problem> {
    let raw: RawModel = read(value)?;
    let mut fields = Table::new();
    fields.insert("input".to_owned(), Value::Table(raw.input));
    fields.insert("output".to_owned(), Value::Table(raw.output));
    let mut tagged = Table::new();
    tagged.insert(raw.task.clone(), Value::Table(fields));
    let spec = read::<Spec>(Value::Table(tagged)).map_err(|(field, problem)| {
        match field.strip_prefix(&format!("{}.", raw.task)) {
            Some(inner) => (inner.to_owned(), problem),
            None => ("task".to_owned(), problem),
        }
    })?;
    Ok(ModelEntry {
        id: raw.id,
        title: raw.title,
        summary: raw.summary,
        limits: raw.limits,
        licence: raw.licence,
        source: raw.source,
        served: raw.served,
        chunks: Vec::new(),
        vocabulary: raw.vocabulary,
        spec,
        variants: raw.variant,
        card: raw.card,
    })
}

fn read<T: DeserializeOwned>(value: Value) -> Result<T, Problem> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let field = match error.path().to_string().as_str() {
            "." => String::new(),
            path => path.to_owned(),
        };
        (field, error.inner().to_string().trim_end().to_owned())
    })
}

/// Takes the entries under `key` out of the document; those that cannot be read become errors.
fn entries<T>(
    document: &mut Table,
    key: &str,
    name: &str,
    read_one: impl Fn(Value) -> Result<T, Problem>,
    errors: &mut Vec<RegistryError>,
) -> Vec<T> {
    let Some(list) = document.remove(key) else {
        return Vec::new();
    };
    let Value::Array(list) = list else {
        errors.push(RegistryError {
            entry: "registry".to_owned(),
            field: key.to_owned(),
            problem: format!("is no list: write [[{key}]]"),
        });
        return Vec::new();
    };
    let mut good = Vec::new();
    for (at, value) in list.into_iter().enumerate() {
        let entry = match value.get(name).and_then(Value::as_str) {
            Some(name) => format!("{key} {name}"),
            None => format!("{key} number {}", at + 1),
        };
        match read_one(value) {
            Ok(one) => good.push(one),
            Err((field, problem)) => errors.push(RegistryError {
                entry,
                field,
                problem,
            }),
        }
    }
    good
}

/// Collects what is wrong with one entry.
struct Check<'a> {
    entry: String,
    errors: &'a mut Vec<RegistryError>,
}

impl Check<'_> {
    fn that(&mut self, field: &str, holds: bool, problem: impl FnOnce() -> String) {
        if !holds {
            self.errors.push(RegistryError {
                entry: self.entry.clone(),
                field: field.to_owned(),
                problem: problem(),
            });
        }
    }

    fn hash(&mut self, field: &str, hash: &str) {
        let is_hash = hash.len() == 64
            && hash
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        self.that(field, is_hash, || {
            format!("is `{hash}`, expected 64 lower-case hexadecimal digits")
        });
    }

    fn file(&mut self, field: &str, file: &str) {
        let is_plain = !file.is_empty()
            && !file.starts_with('.')
            && file
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
        self.that(field, is_plain, || {
            format!("is `{file}`, expected a file name of letters, digits, `.`, `-` and `_`")
        });
    }

    fn source(&mut self, field: &str, source: &Source) {
        self.hash(&format!("{field}.sha256"), &source.sha256);
        let stays_inside = source.registry != PackageRegistry::Repository
            || !(source.path.starts_with('/') || source.path.split('/').any(|part| part == ".."));
        self.that(&format!("{field}.path"), stays_inside, || {
            format!("is `{}`, which leaves the repository", source.path)
        });
    }

    fn served(&mut self, field: &str, served: &ServedFile) {
        self.file(&format!("{field}.file"), &served.file);
        self.hash(&format!("{field}.sha256"), &served.sha256);
        self.that(&format!("{field}.bytes"), served.bytes > 0, || {
            "is 0".to_owned()
        });
    }

    fn share(&mut self, field: &str, value: f64) {
        self.that(field, (0.0..=1.0).contains(&value), || {
            format!("is {value}, expected a share between 0 and 1")
        });
    }

    fn card(&mut self, field: &str, card: &Card) {
        self.share(&format!("{field}.value"), card.value);
        let [low, high] = card.interval;
        self.that(
            &format!("{field}.interval"),
            low <= card.value && card.value <= high,
            || format!("is [{low}, {high}], which does not hold {}", card.value),
        );
        self.that(&format!("{field}.n"), card.n > 0, || "is 0".to_owned());
        let is_date = card.date.len() == 10
            && card.date.char_indices().all(|(at, c)| match at {
                4 | 7 => c == '-',
                _ => c.is_ascii_digit(),
            });
        self.that(&format!("{field}.date"), is_date, || {
            format!("is `{}`, expected a day such as 2026-11-24", card.date)
        });
        self.that(
            &format!("{field}.command"),
            !card.command.is_empty(),
            || "is empty: a figure without its command cannot be checked".to_owned(),
        );
    }

    fn positive(&mut self, field: &str, value: f64) {
        self.that(field, value > 0.0 && value.is_finite(), || {
            format!("is {value}, expected a number above 0")
        });
    }

    fn spec(&mut self, model: &ModelEntry, encoders: &HashSet<&str>) {
        if let Some(labels) = model.spec.labels() {
            self.file("output.labels", labels);
        }
        let needs_vocabulary = matches!(
            model.spec,
            Spec::LineRecognition { .. } | Spec::TextEncoding { .. }
        );
        self.that(
            "vocabulary",
            needs_vocabulary == model.vocabulary.is_some(),
            || match needs_vocabulary {
                true => "is missing: this task cannot do without".to_owned(),
                false => "is there, but this task reads none".to_owned(),
            },
        );
        match &model.spec {
            Spec::PictureClassification { input, output } => {
                self.that(
                    "input.crop",
                    (1..=input.resize_short_side).contains(&input.crop),
                    || {
                        format!(
                            "is {}, expected 1 to resize_short_side = {}",
                            input.crop, input.resize_short_side
                        )
                    },
                );
                self.that(
                    "input.resize_short_side",
                    input.resize_short_side <= 2048,
                    || format!("is {}, expected at most 2048", input.resize_short_side),
                );
                for std in input.std {
                    self.positive("input.std", f64::from(std));
                }
                self.positive("output.top_k", output.top_k as f64);
            }
            Spec::TextDetection { input, output } => {
                self.positive("input.multiple", f64::from(input.multiple));
                self.positive("input.std", f64::from(input.std));
                self.that(
                    "input.min_short_side",
                    (input.multiple..=input.max_long_side).contains(&input.min_short_side),
                    || {
                        format!(
                            "is {}, expected multiple = {} to max_long_side = {}",
                            input.min_short_side, input.multiple, input.max_long_side
                        )
                    },
                );
                self.share("output.threshold", f64::from(output.threshold));
                self.share("output.box_threshold", f64::from(output.box_threshold));
                self.positive("output.unclip_ratio", f64::from(output.unclip_ratio));
                self.positive("output.max_candidates", output.max_candidates as f64);
            }
            Spec::LineDirection { input, output } => {
                self.line_input(input);
                self.share("output.threshold", f64::from(output.threshold));
            }
            Spec::LineRecognition { input, output } => {
                self.line_input(input);
                self.share("output.min_confidence", f64::from(output.min_confidence));
            }
            Spec::TextEncoding { input, output } => {
                self.that("input.max_tokens", input.max_tokens >= 3, || {
                    format!(
                        "is {}, expected at least 3: two marks and a word",
                        input.max_tokens
                    )
                });
                self.positive("output.embedding", output.embedding as f64);
                self.that("output.states", !output.states.is_empty(), || {
                    "is empty: there is nothing to read".to_owned()
                });
            }
            Spec::TextClassification { input, output } => {
                self.that(
                    "input.encoder",
                    encoders.contains(input.encoder.as_str()),
                    || {
                        format!(
                            "is `{}`, which is no text-encoding model of this registry",
                            input.encoder
                        )
                    },
                );
                self.positive("output.top_k", output.top_k as f64);
                self.that(
                    "output.thresholds",
                    (output.activation == Activation::Sigmoid) != output.thresholds.is_empty(),
                    || "are needed with `sigmoid`, and only then".to_owned(),
                );
                for threshold in &output.thresholds {
                    self.share("output.thresholds", f64::from(*threshold));
                }
            }
        }
    }

    fn line_input(&mut self, input: &super::LineInput) {
        self.positive("input.height", f64::from(input.height));
        self.positive("input.width", f64::from(input.width));
        self.positive("input.std", f64::from(input.std));
    }
}

fn is_key(key: &str) -> bool {
    !key.is_empty()
        && key
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "dc4d915bc3e49e696d8e744e1fef1e6b00066889206b1183538fcd21b018d3de";

    fn text() -> String {
        format!(
            r#"
            [[model]]
            id = "net"
            title = "Net"
            task = "picture-classification"
            summary = "Names things."
            licence = {{ spdx = "MIT", holder = "us" }}
            source = {{ registry = "pypi", package = "p", version = "1", path = "a/b", sha256 = "{HASH}" }}
            served = {{ file = "net.onnx", bytes = 9, sha256 = "{HASH}" }}
            input = {{ resize_short_side = 256, crop = 224, filter = "bicubic", mean = [0.0, 0.0, 0.0], std = [1.0, 1.0, 1.0] }}
            output = {{ labels = "net.txt", top_k = 5 }}
            "#
        )
    }

    #[track_caller]
    fn check_error(text: &str, entry: &str, field: &str, part: &str) {
        let RegistryErrors(errors) = Registry::parse(text).unwrap_err();
        assert_eq!(errors.len(), 1, "{errors:?}");
        let error = &errors[0];
        assert_eq!((error.entry.as_str(), error.field.as_str()), (entry, field));
        assert!(error.problem.contains(part), "{error}");
    }

    #[track_caller]
    fn check_change(from: &str, to: &str, field: &str, part: &str) {
        let changed = text().replace(from, to);
        assert_ne!(changed, text(), "the change takes place");
        check_error(&changed, "model net", field, part);
    }

    #[test]
    fn a_whole_entry_is_read() {
        let registry = Registry::parse(&text()).unwrap();
        assert_eq!(registry.models[0].spec.task(), "picture-classification");
        assert_eq!(registry.models[0].spec.labels(), Some("net.txt"));
    }

    #[test]
    fn entry_and_field_are_named() {
        check_change("crop = 224", "crop = 300", "input.crop", "is 300");
        check_change("crop = 224", "crop = \"224\"", "input.crop", "string");
        check_change("crop = 224, ", "", "input", "missing field `crop`");
        check_change("crop =", "corp = 3, crop =", "input.corp", "corp");
        check_change("top_k = 5", "top_k = 0", "output.top_k", "above 0");
        check_change("net.onnx", "../net.onnx", "served.file", "file name");
        check_change("bytes = 9", "bytes = 0", "served.bytes", "is 0");
        check_change("summary", "sumary", "sumary", "unknown field");
        check_change(
            "picture-classification",
            "picture-clasification",
            "task",
            "picture-clasification",
        );
    }

    #[test]
    fn a_wrong_hash_is_named_where_it_stands() {
        let changed = text().replacen(HASH, "abc", 1);
        check_error(&changed, "model net", "source.sha256", "`abc`");
    }

    #[test]
    fn an_entry_without_a_name_is_counted() {
        check_error(
            &text().replace("id = \"net\"", ""),
            "model number 1",
            "",
            "missing field `id`",
        );
    }

    #[test]
    fn an_id_stands_once() {
        let twice = format!("{}{}", text(), text());
        check_error(&twice, "model net", "id", "twice");
    }

    #[test]
    fn a_text_that_is_no_toml_says_where() {
        let error = Registry::parse("[[model]\n").unwrap_err().to_string();
        assert!(error.contains("line 1"), "{error}");
    }

    #[test]
    fn an_unknown_list_is_refused() {
        check_error(
            &format!("{}\n[[modle]]\nid = \"x\"", text()),
            "registry",
            "modle",
            "not known",
        );
    }

    #[test]
    fn a_card_without_a_command_is_no_figure() {
        let card = "\n[[model.card]]\ndataset = \"d\"\nmetric = \"m\"\nvalue = 0.5\ninterval = [0.4, 0.6]\nn = 10\ndate = \"2026-11-24\"\ncommand = \"\"";
        check_error(
            &format!("{}{card}", text()),
            "model net",
            "card[0].command",
            "empty",
        );
    }

    #[test]
    fn the_entry_in_the_guide_add_a_model_is_valid() {
        let guide = include_str!("../../../../docs/add-a-model.md");
        let (_, behind) = guide.split_once("```toml").unwrap();
        let (entry, _) = behind.split_once("```").unwrap();
        let registry = Registry::parse(entry).unwrap();
        assert_eq!(registry.models.len(), 1);
    }
}
