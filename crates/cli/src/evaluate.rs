//! `vitrine evaluate imagenet-samples`: accuracy with intervals, and latency.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use vitrine_protocol::ModelEntry;
use vitrine_stats::{Summary, wilson_interval};
use vitrine_tasks::labels::Label;

use crate::assets::Assets;

/// What to evaluate on.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Folder of pictures whose names begin with their class key, such as n02123045_tabby.JPEG
    #[arg(long)]
    data: PathBuf,
    /// Take only every n-th picture in the order of names
    #[arg(long, default_value_t = 1)]
    every: usize,
    /// Model file to load instead of the served one
    #[arg(long)]
    weights: Option<PathBuf>,
    /// Also write the figures and every prediction to this file
    #[arg(long)]
    json: Option<PathBuf>,
    /// Fail when top-1 accuracy is below this share
    #[arg(long)]
    require_top_1: Option<f64>,
    /// Fail when top-5 accuracy is below this share
    #[arg(long)]
    require_top_5: Option<f64>,
}

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

/// A share of right answers with its 95 % Wilson interval.
#[derive(Debug, Serialize)]
struct Share {
    value: f64,
    interval: [f64; 2],
    right: u64,
}

/// What is written as JSON.
#[derive(Debug, Serialize)]
struct Report {
    model: String,
    data: &'static str,
    n: u64,
    top_1: Share,
    top_5: Share,
    /// Milliseconds of the model alone.
    infer_ms: Latency,
    /// Milliseconds of all stages.
    total_ms: Latency,
    rows: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Latency {
    p50: f64,
    p95: f64,
    n: usize,
}

/// Classifies every picture and prints accuracy and latency.
pub(crate) fn run(assets: &Assets, model: Option<&str>, options: &Options) -> Result<()> {
    let entry = assets.entry(model)?;
    let labels = assets.labels(entry)?;
    let pictures = pictures(&options.data, options.every)?;
    let (mut classifier, _) = assets.load(entry, options.weights.as_deref())?;
    let bar = ProgressBar::new(pictures.len() as u64).with_style(
        ProgressStyle::with_template("{bar:40} {pos}/{len} {elapsed} eta {eta}")
            .context("progress template")?,
    );
    let (mut rows, mut infer, mut total) = (Vec::new(), Vec::new(), Vec::new());
    for picture in bar.wrap_iter(pictures.iter()) {
        let name = picture
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let expected = class_of(&name, &labels)?;
        let file = fs::read(picture).with_context(|| format!("reading {}", picture.display()))?;
        let answer = classifier
            .classify(&file, 5, crate::now)
            .with_context(|| format!("classifying {}", picture.display()))?
            .classification;
        infer.push(answer.times.infer);
        total.push(answer.times.total());
        rows.push(Row {
            file: name,
            expected,
            top_5: answer.classes.iter().map(|class| class.index).collect(),
            probability: answer
                .classes
                .first()
                .map_or(0.0, |class| class.probability),
        });
    }
    let report = report(entry, rows, &infer, &total)?;
    print(entry, &report);
    if let Some(file) = &options.json {
        let text = serde_json::to_string_pretty(&report).context("writing the report")?;
        fs::write(file, text + "\n").with_context(|| format!("writing {}", file.display()))?;
    }
    require("top-1", report.top_1.value, options.require_top_1)?;
    require("top-5", report.top_5.value, options.require_top_5)
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

fn report(entry: &ModelEntry, rows: Vec<Row>, infer: &[f64], total: &[f64]) -> Result<Report> {
    let n = rows.len() as u64;
    let share = |right: u64| {
        let (low, high) = wilson_interval(right, n);
        Share {
            value: right as f64 / n as f64,
            interval: [low, high],
            right,
        }
    };
    Ok(Report {
        model: entry.id.clone(),
        data: "imagenet-samples",
        n,
        top_1: share(right_within(&rows, 1)),
        top_5: share(right_within(&rows, 5)),
        infer_ms: latency(infer)?,
        total_ms: latency(total)?,
        rows,
    })
}

/// How many rows have the expected class among their best `k`.
fn right_within(rows: &[Row], k: usize) -> u64 {
    rows.iter()
        .filter(|row| row.top_5.iter().take(k).any(|class| *class == row.expected))
        .count() as u64
}

fn latency(ms: &[f64]) -> Result<Latency> {
    let summary = Summary::of(ms).context("no times were taken")?;
    Ok(Latency {
        p50: summary.p50,
        p95: summary.p95,
        n: summary.n,
    })
}

fn print(entry: &ModelEntry, report: &Report) {
    let line = |name: &str, share: &Share| {
        println!(
            "{name} {:.1} % (95 % interval {:.1}–{:.1} %, {} of {})",
            share.value * 100.0,
            share.interval[0] * 100.0,
            share.interval[1] * 100.0,
            share.right,
            report.n
        );
    };
    println!("{} on {}, n = {}", entry.title, report.data, report.n);
    line("top-1", &report.top_1);
    line("top-5", &report.top_5);
    println!(
        "infer P50 {:.1} ms, P95 {:.1} ms",
        report.infer_ms.p50, report.infer_ms.p95
    );
    println!(
        "all stages P50 {:.1} ms, P95 {:.1} ms",
        report.total_ms.p50, report.total_ms.p95
    );
}

fn require(name: &str, met: f64, least: Option<f64>) -> Result<()> {
    match least {
        Some(least) if met < least => {
            bail!("{name} accuracy is {met:.4}, below the required {least}")
        }
        _ => Ok(()),
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
        let rows = vec![
            row(7, [3, 7, 1, 2, 4]),
            row(9, [9, 0, 1, 2, 3]),
            row(8, [0, 1, 2, 3, 4]),
        ];
        assert_eq!((right_within(&rows, 1), right_within(&rows, 5)), (1, 2));
    }

    #[test]
    fn an_accuracy_below_the_requirement_is_an_error() {
        assert!(require("top-1", 0.87, Some(0.888)).is_err());
        assert!(require("top-1", 0.892, Some(0.888)).is_ok());
        assert!(require("top-1", 0.1, None).is_ok());
    }
}
