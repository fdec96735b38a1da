//! `vitrine models`: what the registry has, whether its files are there, and a card for each.

use std::fs;
use std::path::PathBuf;

use anyhow::{Result, bail};
use vitrine_protocol::{
    Card, Conversion, ModelEntry, PackageRegistry, ServedFile, Source, Spec, Variant, Weights,
};
use vitrine_tasks::labels::Label;
use vitrine_train::sha256;

use crate::assets::Assets;

/// What to do with the registry's models.
#[derive(clap::Subcommand)]
pub(crate) enum Task {
    /// Name every model with its task, size and licence, and say whether it is there
    List,
    /// Check every served file and vocabulary by its hash, and the labels
    Verify,
    /// Print a model's card in Markdown
    Card {
        /// The model's id
        id: String,
    },
}

/// Runs one of them; `verify` fails when anything is not as the registry says.
pub(crate) fn run(assets: &Assets, task: &Task) -> Result<()> {
    match task {
        Task::List => {
            let rows = assets
                .registry
                .models
                .iter()
                .map(|entry| (entry, presence(&entry.served, read(assets, &entry.served))));
            print!("{}", table(&rows.collect::<Vec<_>>()));
            Ok(())
        }
        Task::Verify => verify(assets),
        Task::Card { id } => {
            print!("{}", card(assets.entry(id)?));
            Ok(())
        }
    }
}

fn verify(assets: &Assets) -> Result<()> {
    let mut findings = Vec::new();
    for entry in &assets.registry.models {
        let vocabulary = entry.vocabulary.as_ref();
        let vocabulary = vocabulary.map(|vocabulary| &vocabulary.served);
        for served in [Some(&entry.served), vocabulary].into_iter().flatten() {
            findings.push(Finding {
                model: &entry.id,
                what: served.file.clone(),
                problem: presence(served, read(assets, served)).problem(served),
            });
        }
        if let Some(file) = entry.spec.labels() {
            let problem = match assets.label_file(file) {
                Ok(labels) => label_problem(&entry.spec, &labels),
                Err(error) => Some(format!("{error:#}")),
            };
            findings.push(Finding {
                model: &entry.id,
                what: format!("labels/{file}"),
                problem,
            });
        }
    }
    print!("{}", report(&findings));
    let wrong = findings.iter().filter(|f| f.problem.is_some()).count();
    if wrong > 0 {
        bail!(
            "{wrong} of {} files are not as the registry says",
            findings.len()
        );
    }
    Ok(())
}

fn read(assets: &Assets, served: &ServedFile) -> Option<Vec<u8>> {
    let file: PathBuf = assets.models().join(&served.file);
    fs::read(file).ok()
}

/// Whether a served file is there.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Presence {
    Missing,
    /// Present, with another content than the registry says.
    Other {
        sha256: String,
        bytes: u64,
    },
    Present,
}

fn presence(served: &ServedFile, file: Option<Vec<u8>>) -> Presence {
    let Some(file) = file else {
        return Presence::Missing;
    };
    let (sha256, bytes) = (sha256(&file), file.len() as u64);
    match sha256 == served.sha256 && bytes == served.bytes {
        true => Presence::Present,
        false => Presence::Other { sha256, bytes },
    }
}

impl Presence {
    /// One word for the table.
    fn word(&self) -> &'static str {
        match self {
            Presence::Missing => "no",
            Presence::Other { .. } => "differs",
            Presence::Present => "yes",
        }
    }

    /// What is wrong, in words.
    fn problem(&self, served: &ServedFile) -> Option<String> {
        match self {
            Presence::Missing => Some("is not there: run `cargo xtask models`".to_owned()),
            Presence::Other { sha256, bytes } => Some(format!(
                "has {bytes} bytes and SHA-256 {sha256}, the registry says {} bytes and {}",
                served.bytes, served.sha256
            )),
            Presence::Present => None,
        }
    }
}

/// What is wrong with the number of labels, as far as the entry says how many there must be.
fn label_problem(spec: &Spec, labels: &[Label]) -> Option<String> {
    let Spec::TextClassification { output, .. } = spec else {
        return None;
    };
    let thresholds = output.thresholds.len();
    (thresholds > 0 && thresholds != labels.len()).then(|| {
        format!(
            "has {} classes, the entry has {thresholds} thresholds",
            labels.len()
        )
    })
}

/// One file that was checked.
struct Finding<'a> {
    model: &'a str,
    what: String,
    problem: Option<String>,
}

fn report(findings: &[Finding<'_>]) -> String {
    let line = |finding: &Finding<'_>| match &finding.problem {
        None => format!("ok     {}: {}\n", finding.model, finding.what),
        Some(problem) => format!("WRONG  {}: {} {problem}\n", finding.model, finding.what),
    };
    findings.iter().map(line).collect()
}

/// All models, one line each, in columns.
fn table(rows: &[(&ModelEntry, Presence)]) -> String {
    let head = ["id", "task", "title", "weights", "size", "licence", "there"];
    let mut lines: Vec<[String; 7]> = vec![head.map(str::to_owned)];
    lines.extend(rows.iter().map(|(entry, presence)| {
        [
            entry.id.clone(),
            entry.spec.task().to_owned(),
            entry.title.clone(),
            entry.served.weights.title().to_owned(),
            size(entry.served.bytes),
            entry.licence.spdx.clone(),
            presence.word().to_owned(),
        ]
    }));
    let width = |column: usize| {
        let widths = lines.iter().map(|line| line[column].chars().count());
        widths.max().unwrap_or_default()
    };
    let widths: [usize; 7] = std::array::from_fn(width);
    let mut text = String::new();
    for line in &lines {
        let cells = line.iter().zip(widths);
        let cells: Vec<String> = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        text += cells.join("  ").trim_end();
        text += "\n";
    }
    text
}

/// A model's card: what it is for, what it cannot do, where it comes from, how good it is.
fn card(entry: &ModelEntry) -> String {
    let ModelEntry {
        id,
        title,
        summary,
        limits,
        licence,
        served,
        ..
    } = entry;
    let mut text = format!(
        "# {title}\n\n{summary}\n\n\
         | | |\n|---|---|\n\
         | id | `{id}` |\n\
         | task | {} |\n\
         | licence | {}, {} |\n\
         | source | {} |\n\
         | served | {} |\n",
        entry.spec.task(),
        licence.spdx,
        licence.holder,
        source(&entry.source),
        served_words(served),
    );
    if let Some(vocabulary) = &entry.vocabulary {
        text += &format!(
            "| vocabulary | {}, from {} |\n",
            served_words(&vocabulary.served),
            source(&vocabulary.source)
        );
    }
    if !limits.is_empty() {
        text += &format!("\n## Limits\n\n{limits}\n");
    }
    if !entry.variants.is_empty() {
        text += "\n## Sizes\n\n| weights | size | metric | value | n | inference, native |\n|---|---|---|---|---|---|\n";
        text.extend(entry.variants.iter().map(variant_line));
    }
    text += "\n## Quality\n\n";
    match entry.card.as_slice() {
        [] => text += "Not measured.\n",
        cards => {
            text += "| data | metric | value | 95 % interval | n | day | command |\n|---|---|---|---|---|---|---|\n";
            text.extend(cards.iter().map(card_line));
        }
    }
    text
}

fn variant_line(variant: &Variant) -> String {
    let Variant {
        weights,
        bytes,
        metric,
        value,
        n,
        infer_ms,
    } = variant;
    format!(
        "| {} | {} | {metric} | {} | {n} | {infer_ms:.1} ms |\n",
        weights.title(),
        size(*bytes),
        share(*value)
    )
}

fn card_line(card: &Card) -> String {
    let Card {
        dataset,
        metric,
        value,
        interval: [low, high],
        n,
        date,
        command,
    } = card;
    format!(
        "| {dataset} | {metric} | {} | {}–{} | {n} | {date} | `{command}` |\n",
        share(*value),
        share(*low),
        share(*high)
    )
}

/// `PyPI package 1.0, path, converted`.
fn source(source: &Source) -> String {
    let Source {
        package,
        version,
        path,
        ..
    } = source;
    let place = match source.registry {
        PackageRegistry::Pypi => "PyPI",
        PackageRegistry::Npm => "npm",
        PackageRegistry::Repository => "this repository,",
    };
    let converted = match source.convert {
        Conversion::None => "",
        _ => ", converted",
    };
    format!("{place} {package} {version}, `{path}`{converted}")
}

/// `file, 4.8 MB, int8 weights, SHA-256 …`.
fn served_words(served: &ServedFile) -> String {
    let weights = match served.weights {
        Weights::AsSource => String::new(),
        weights => format!(", {} weights", weights.title()),
    };
    format!(
        "`{}`, {}{weights}, SHA-256 `{}`",
        served.file,
        size(served.bytes),
        served.sha256
    )
}

/// `4.8 MB`, or `26 KB` below a tenth of that.
fn size(bytes: u64) -> String {
    match bytes {
        0..100_000 => format!("{:.0} KB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

fn share(value: f64) -> String {
    format!("{:.1} %", value * 100.0)
}

#[cfg(test)]
mod tests {
    use vitrine_protocol::Registry;

    use super::*;

    fn entry(thresholds: &str) -> ModelEntry {
        let text = format!(
            r#"
            [[model]]
            id = "encoder"
            title = "Encoder"
            task = "text-encoding"
            summary = "Reads."
            licence = {{ spdx = "MIT", holder = "us" }}
            source = {{ registry = "npm", package = "e", version = "2", path = "e.onnx", sha256 = "{0}" }}
            served = {{ file = "e.onnx", bytes = 26250, sha256 = "{0}" }}
            vocabulary = {{ source = {{ registry = "npm", package = "v", version = "3", path = "v.json", sha256 = "{0}", convert = "wordpiece-vocabulary" }}, served = {{ file = "v.txt", bytes = 9, sha256 = "{0}" }} }}
            input = {{ tokeniser = "wordpiece-uncased", max_tokens = 128 }}
            output = {{ embedding = 384, states = ["last"] }}

            [[model]]
            id = "head"
            title = "Head"
            task = "text-classification"
            summary = "Names a feeling."
            limits = "Irony."
            licence = {{ spdx = "MIT", holder = "us" }}
            source = {{ registry = "repository", package = "vitrine", version = "1", path = "h.onnx", sha256 = "{0}" }}
            served = {{ file = "h.onnx", weights = "int8", bytes = 4822577, sha256 = "{0}" }}
            input = {{ encoder = "encoder", features = "mean", length = 384 }}
            output = {{ labels = "h.txt", activation = "sigmoid", top_k = 3, thresholds = [{thresholds}] }}

            [[model.variant]]
            weights = "f16"
            bytes = 9332381
            metric = "macro F1"
            value = 0.5
            n = 100
            infer_ms = 0.25

            [[model.card]]
            dataset = "comments"
            metric = "macro F1"
            value = 0.481
            interval = [0.46, 0.5]
            n = 5427
            date = "2026-11-24"
            command = "vitrine evaluate head"
            "#,
            "a".repeat(64)
        );
        Registry::parse(&text).unwrap().models.remove(1)
    }

    fn served(content: &[u8]) -> ServedFile {
        ServedFile {
            file: "a.onnx".to_owned(),
            weights: Weights::F16,
            bytes: content.len() as u64,
            sha256: sha256(content),
            packed: 0,
        }
    }

    #[track_caller]
    fn check_presence(file: Option<&[u8]>, word: &str, problem: Option<&str>) {
        let served = served(b"abc");
        let met = presence(&served, file.map(<[u8]>::to_vec));
        assert_eq!(met.word(), word);
        match (met.problem(&served), problem) {
            (None, None) => {}
            (Some(met), Some(part)) => assert!(met.contains(part), "{met}"),
            (met, expected) => panic!("{met:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn a_file_is_there_when_its_hash_is_right() {
        check_presence(Some(b"abc"), "yes", None);
        check_presence(None, "no", Some("cargo xtask models"));
        check_presence(Some(b"abd"), "differs", Some(&sha256(b"abd")));
    }

    #[test]
    fn there_is_a_threshold_for_every_class() {
        let label = |key: &str| Label {
            key: key.to_owned(),
            name: key.to_owned(),
        };
        let labels = [label("a"), label("b")];
        assert_eq!(label_problem(&entry("0.5, 0.5").spec, &labels), None);
        let problem = label_problem(&entry("0.5").spec, &labels).unwrap();
        assert!(problem.contains("2 classes") && problem.contains("1 thresholds"));
    }

    #[test]
    fn a_report_says_which_file_is_wrong() {
        let finding = |problem: Option<&str>| Finding {
            model: "head",
            what: "h.onnx".to_owned(),
            problem: problem.map(str::to_owned),
        };
        let text = report(&[finding(None), finding(Some("is not there"))]);
        assert_eq!(
            text,
            "ok     head: h.onnx\nWRONG  head: h.onnx is not there\n"
        );
    }

    #[test]
    fn the_table_has_a_line_per_model() {
        let entry = entry("0.5");
        let text = table(&[(&entry, Presence::Present), (&entry, Presence::Missing)]);
        let lines: Vec<Vec<&str>> = text
            .lines()
            .map(|line| {
                line.split("  ")
                    .map(str::trim)
                    .filter(|cell| !cell.is_empty())
                    .collect()
            })
            .collect();
        let row = [
            "head",
            "text-classification",
            "Head",
            "int8",
            "4.8 MB",
            "MIT",
        ];
        assert_eq!(lines[0].len(), 7);
        assert_eq!(lines[1], [&row[..], &["yes"]].concat());
        assert_eq!(lines[2], [&row[..], &["no"]].concat());
    }

    #[track_caller]
    fn check_card(lines: &[&str]) {
        let text = card(&entry("0.5"));
        for line in lines {
            assert!(
                text.lines().any(|met| met == *line),
                "no `{line}` in {text}"
            );
        }
    }

    #[test]
    fn a_card_says_what_is_known() {
        check_card(&[
            "# Head",
            "Names a feeling.",
            "| task | text-classification |",
            "| licence | MIT, us |",
            "| source | this repository, vitrine 1, `h.onnx` |",
            "Irony.",
            "| f16 | 9.3 MB | macro F1 | 50.0 % | 100 | 0.2 ms |",
            "| comments | macro F1 | 48.1 % | 46.0 %–50.0 % | 5427 | 2026-11-24 | `vitrine evaluate head` |",
        ]);
    }

    #[test]
    fn a_card_without_figures_says_so() {
        let mut entry = entry("0.5");
        entry.card.clear();
        assert!(card(&entry).contains("Not measured."));
    }
}
