//! A picture classifier on pictures that are named after their class.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde::Serialize;
use serde_json::Value;
use vitrine_engine::Workbench;
use vitrine_protocol::{ModelEntry, Stages as _};
use vitrine_stats::wilson_interval;
use vitrine_tasks::labels::Label;

use super::report::{Metric, MetricKind, Report, Stopwatch};
use super::{Options, progress};
use crate::assets::Assets;
use crate::predict::classify;
use crate::record::today;

/// One picture with its answer.
#[derive(Debug, Serialize)]
struct Row {
    file: String,
    /// Class index that the file's name says.
    expected: usize,
    /// Best five class indices, best first.
    top_5: Vec<usize>,
    /// Probability of the best class.
    probability: f32,
}

/// Classifies every picture.
pub(super) fn measure(assets: &Assets, entry: &ModelEntry, options: &Options) -> Result<Report> {
    let labels = assets.labels(entry)?;
    let folder = options.folder()?;
    let pictures = pictures(folder, options.every)?;
    let mut workbench = Workbench::new();
    assets.load(&mut workbench, entry, options.weights.as_deref())?;
    let (mut rows, mut stopwatch) = (Vec::new(), Stopwatch::default());
    for picture in progress(pictures.len())?.wrap_iter(pictures.iter()) {
        let name = file_name(picture);
        let expected = class_of(&name, &labels)?;
        let (classes, times) = classify(&mut workbench, &entry.id, picture, 5)
            .with_context(|| format!("classifying {}", picture.display()))?;
        stopwatch.take(times.stages());
        rows.push(Row {
            file: name,
            expected,
            top_5: classes.iter().map(|class| class.index).collect(),
            probability: classes.first().map_or(0.0, |class| class.probability),
        });
    }
    Ok(Report {
        model: entry.id.clone(),
        title: entry.title.clone(),
        data: file_name(folder),
        n: rows.len(),
        date: today(),
        figures: vec![accuracy(&rows, 1), accuracy(&rows, 5)],
        latency: stopwatch.latency()?,
        details: Value::Null,
        tables: Vec::new(),
        rows: rows
            .into_iter()
            .map(|row| serde_json::to_value(row).context("writing an answer"))
            .collect::<Result<_>>()?,
    })
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// The pictures of a folder by name, every n-th.
fn pictures(folder: &Path, every: usize) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("listing {}", folder.display()))? {
        let path = entry?.path();
        let extension = path
            .extension()
            .and_then(|e| e.to_str())
            .unwrap_or_default()
            .to_lowercase();
        if matches!(extension.as_str(), "jpeg" | "jpg" | "png" | "webp") {
            files.push(path);
        }
    }
    files.sort();
    let chosen: Vec<PathBuf> = files.into_iter().step_by(every.max(1)).collect();
    if chosen.is_empty() {
        bail!("{} holds no pictures", folder.display());
    }
    Ok(chosen)
}

/// The class index that a file's name says by the key before its first underscore.
fn class_of(name: &str, labels: &[Label]) -> Result<usize> {
    let key = name.split('_').next().unwrap_or_default();
    labels
        .iter()
        .position(|label| label.key == key)
        .with_context(|| format!("{name} does not begin with a class key of this model"))
}

/// The share of rows that have the expected class among their best `k`, with Wilson's interval.
fn accuracy(rows: &[Row], k: usize) -> Metric {
    let is_right = |row: &&Row| row.top_5.iter().take(k).any(|class| *class == row.expected);
    let right = rows.iter().filter(is_right).count() as u64;
    let (low, high) = wilson_interval(right, rows.len() as u64);
    Metric {
        name: format!("top-{k} accuracy"),
        value: right as f64 / rows.len() as f64,
        interval: [low, high],
        kind: MetricKind::Share,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(key: &str) -> Label {
        Label {
            key: key.into(),
            name: key.into(),
        }
    }

    fn row(expected: usize, top_5: [usize; 5]) -> Row {
        Row {
            file: "x".into(),
            expected,
            top_5: top_5.to_vec(),
            probability: 0.5,
        }
    }

    #[test]
    fn a_picture_belongs_to_the_class_its_name_begins_with() {
        let labels = [label("n01"), label("n02")];
        assert_eq!(class_of("n02_tabby_cat.JPEG", &labels).unwrap(), 1);
        assert!(class_of("holiday.jpg", &labels).is_err());
    }

    #[test]
    fn a_right_answer_in_second_place_counts_for_top_5_only() {
        let rows = [
            row(7, [3, 7, 1, 2, 4]),
            row(9, [9, 0, 1, 2, 3]),
            row(8, [0, 1, 2, 3, 4]),
            row(0, [5, 6, 7, 8, 9]),
        ];
        assert_eq!(accuracy(&rows, 1).value, 0.25);
        assert_eq!(accuracy(&rows, 5).value, 0.5);
    }
}
