//! `vitrine runs`: what was trained, and what differs between two runs.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::assets::Assets;
use crate::record::Record;

/// Which runs to look at.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Folder of the runs; target/runs of the checkout by default
    #[arg(long, global = true)]
    runs: Option<PathBuf>,
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(clap::Subcommand)]
enum Action {
    /// A line per run, oldest first
    List,
    /// Everything that differs between two runs
    Compare {
        /// Name of a run, or a record's file
        first: String,
        /// Another one
        second: String,
    },
}

/// Lists or compares runs.
pub(crate) fn run(assets: &Assets, options: &Options) -> Result<()> {
    let folder = assets.runs(options.runs.as_deref());
    match &options.action {
        None | Some(Action::List) => list(&folder),
        Some(Action::Compare { first, second }) => {
            let (first, second) = (read(&folder, first)?, read(&folder, second)?);
            print!("{}", compare(&first, &second)?);
            Ok(())
        }
    }
}

fn list(folder: &Path) -> Result<()> {
    let mut records = Vec::new();
    if folder.is_dir() {
        for entry in
            fs::read_dir(folder).with_context(|| format!("listing {}", folder.display()))?
        {
            let file = entry?.path().join("record.json");
            if file.is_file() {
                records.push(read_file(&file)?);
            }
        }
    }
    if records.is_empty() {
        println!(
            "{} holds no runs; `vitrine train` makes one",
            folder.display()
        );
        return Ok(());
    }
    records.sort_by(|a: &Record, b| (&a.date, &a.name).cmp(&(&b.date, &b.name)));
    for record in records {
        let figures: Vec<String> = record
            .figures()
            .iter()
            .map(|(name, figure)| format!("{name} {:.4}", figure.value))
            .collect();
        let shuffled = if record.labels_were_shuffled {
            ", shuffled"
        } else {
            ""
        };
        let commit = record.revision.commit.get(..7).unwrap_or_default();
        let changed = if record.revision.is_changed { "+" } else { "" };
        println!(
            "{}  seed {}{shuffled}  {commit}{changed}  {}",
            record.name,
            record.seed,
            figures.join(", ")
        );
    }
    Ok(())
}

/// A run by its name, or by the path of its record or folder.
fn read(folder: &Path, name: &str) -> Result<Record> {
    let path = Path::new(name);
    match path.is_file() {
        true => read_file(path),
        false => read_file(&folder.join(name).join("record.json")),
    }
}

fn read_file(file: &Path) -> Result<Record> {
    let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is no record", file.display()))
}

/// A line per field that differs, figures with whether one lies in the other's interval.
fn compare(first: &Record, second: &Record) -> Result<String> {
    let mut text = format!("{}\n{}\n\n", first.name, second.name);
    let others = second.figures();
    for (name, figure) in first.figures() {
        let Some((_, other)) = others.iter().find(|(other, _)| *other == name) else {
            continue;
        };
        let within = |value: f64, [low, high]: [f64; 2]| low <= value && value <= high;
        let is_clear =
            !within(other.value, figure.interval) && !within(figure.value, other.interval);
        let verdict = match is_clear {
            true => "each outside the other's 95 % interval",
            false => "within chance",
        };
        text += &format!(
            "{name} {:.4} → {:.4} ({:+.4}, {verdict})\n",
            figure.value,
            other.value,
            other.value - figure.value
        );
    }
    text += "\n";
    let (first, second) = (serde_json::to_value(first)?, serde_json::to_value(second)?);
    for part in [
        "seed", "revision", "data", "encoder", "kind", "reads", "training", "findings", "epochs",
        "file", "seconds", "machine",
    ] {
        differences(part, &first[part], &second[part], &mut text);
    }
    Ok(text)
}

/// Adds a line for every value that differs, by its path.
fn differences(path: &str, first: &Value, second: &Value, text: &mut String) {
    match (first, second) {
        (Value::Object(a), Value::Object(b)) => {
            for (key, value) in a {
                let other = b.get(key).unwrap_or(&Value::Null);
                differences(&format!("{path}.{key}"), value, other, text);
            }
            for (key, value) in b.iter().filter(|(key, _)| !a.contains_key(*key)) {
                differences(&format!("{path}.{key}"), &Value::Null, value, text);
            }
        }
        _ if first != second => *text += &format!("{path}: {first} → {second}\n"),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check_differences(first: Value, second: Value, expected: &str) {
        let mut text = String::new();
        differences("training", &first, &second, &mut text);
        assert_eq!(text, expected);
    }

    #[test]
    fn only_what_differs_is_named() {
        check_differences(
            json!({"epochs": 4, "batch": 128, "rate": {"most": 0.1}}),
            json!({"epochs": 5, "batch": 128, "rate": {"most": 0.2}}),
            "training.epochs: 4 → 5\ntraining.rate.most: 0.1 → 0.2\n",
        );
        check_differences(json!({"a": 1}), json!({"a": 1}), "");
    }

    #[test]
    fn what_only_one_has_is_named_too() {
        check_differences(
            json!({"a": 1}),
            json!({"b": 2}),
            "training.a: 1 → null\ntraining.b: null → 2\n",
        );
    }
}
