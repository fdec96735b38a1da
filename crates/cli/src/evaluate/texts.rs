//! A text head on the test part of the data it was trained for.

use anyhow::{Context as _, Result, bail};
use ndarray::Array2;
use serde_json::{Value, json};
use vitrine_engine::{Workbench, timed};
use vitrine_protocol::{Activation, AnalysisTimes, ModelEntry, Spec, Stages as _};
use vitrine_train::{Corpus, Example, Figure, Kind, Scores, probabilities, read_files, targets};

use super::report::{Metric, MetricKind, Report, Stopwatch, Table};
use super::{Options, progress};
use crate::assets::Assets;
use crate::record::today;

/// Tells the labels of every test text, in the very way of the page.
pub(super) fn measure(assets: &Assets, entry: &ModelEntry, options: &Options) -> Result<Report> {
    let Spec::TextClassification { input, output } = &entry.spec else {
        bail!("{} is for {}, not for texts", entry.id, entry.spec.task());
    };
    let recipes = assets.recipes()?;
    let recipe = recipes.get(&entry.id).with_context(|| {
        format!(
            "assets/training.toml does not say which data {} is for",
            entry.id
        )
    })?;
    let data_sets = assets.data_sets()?;
    let data_set = data_sets.get(&recipe.data)?;
    let files = read_files(data_set, options.data.as_deref())?;
    let mut corpus = Corpus::read(data_set, &files)?;
    if !recipe.group.is_empty() {
        corpus = corpus.grouped(&recipe.groups())?;
    }
    let test: Vec<Example> = corpus
        .test
        .into_iter()
        .step_by(options.every.max(1))
        .collect();

    let mut workbench = Workbench::new();
    assets.load(&mut workbench, assets.entry(&input.encoder)?, None)?;
    assets.load(&mut workbench, entry, options.weights.as_deref())?;
    let mut logits = Array2::zeros((test.len(), corpus.labels.len()));
    let mut stopwatch = Stopwatch::default();
    for (at, example) in progress(test.len())?.wrap_iter(test.iter().enumerate()) {
        let encoded = workbench.encode(&example.text, crate::now)?;
        let (row, classify) = timed(crate::now, || workbench.logits(&entry.id, &encoded));
        let row = row?;
        if row.len() != corpus.labels.len() {
            bail!(
                "{} has {} labels, the data {}",
                entry.id,
                row.len(),
                corpus.labels.len()
            );
        }
        logits
            .row_mut(at)
            .iter_mut()
            .zip(row)
            .for_each(|(place, logit)| *place = logit);
        let times = AnalysisTimes {
            tokenise: encoded.tokenise,
            encode: encoded.encode,
            classify,
        };
        stopwatch.take(times.stages());
    }

    let kind = match output.activation {
        Activation::Softmax => Kind::SingleLabel,
        Activation::Sigmoid => Kind::MultiLabel,
    };
    let labels = targets(test.iter(), corpus.labels.len());
    let scores = Scores::of(
        &logits,
        labels.view(),
        kind,
        &output.thresholds,
        &corpus.labels,
    );
    let probabilities = probabilities(&logits, kind);
    let rows = test.iter().zip(probabilities.outer_iter()).enumerate();
    Ok(Report {
        model: entry.id.clone(),
        title: entry.title.clone(),
        data: format!("{}, test", data_set.title),
        n: test.len(),
        date: today(),
        figures: figures(&scores),
        latency: stopwatch.latency()?,
        tables: tables(&scores),
        details: serde_json::to_value(&scores).context("writing the scores")?,
        rows: rows
            .map(|(at, (example, probabilities))| {
                let rounded: Vec<f64> = probabilities
                    .iter()
                    .map(|p| (p * 1e4).round() / 1e4)
                    .collect();
                json!({
                    "row": at * options.every.max(1),
                    "text": example.text,
                    "expected": example.labels,
                    "probabilities": rounded,
                })
            })
            .collect::<Vec<Value>>(),
    })
}

fn figures(scores: &Scores) -> Vec<Metric> {
    let metric = |name: &str, kind, figure: Figure| Metric {
        name: name.to_owned(),
        value: figure.value,
        interval: figure.interval,
        kind,
    };
    let score = |name, figure| metric(name, MetricKind::Score, figure);
    match scores.accuracy {
        Some(accuracy) => vec![
            metric("accuracy", MetricKind::Share, accuracy),
            score("macro-F1", scores.macro_f1),
        ],
        None => vec![
            score("macro-F1", scores.macro_f1),
            score("micro-F1", scores.micro_f1),
        ],
    }
}

fn tables(scores: &Scores) -> Vec<Table> {
    let columns = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let number = |value: f64| format!("{value:.3}");
    let classes = Table {
        title: "Classes".into(),
        columns: columns(&["class", "precision", "recall", "F1", "texts"]),
        rows: (scores.classes.iter())
            .map(|class| {
                vec![
                    class.label.clone(),
                    number(class.precision),
                    number(class.recall),
                    number(class.f1),
                    class.support.to_string(),
                ]
            })
            .collect(),
    };
    let confused = Table {
        title: "Taken for each other most often".into(),
        columns: columns(&["is", "was told", "times"]),
        rows: (scores.confused.iter())
            .map(|pair| {
                vec![
                    pair.expected.clone(),
                    pair.predicted.clone(),
                    pair.count.to_string(),
                ]
            })
            .collect(),
    };
    let reliability = Table {
        title: format!(
            "Calibration (expected error {:.4})",
            scores.calibration_error
        ),
        columns: columns(&["probability", "statements", "stated", "came true"]),
        rows: (scores.reliability.iter())
            .filter(|bin| bin.n > 0)
            .map(|bin| {
                vec![
                    format!("{:.1}–{:.1}", bin.above, bin.up_to),
                    bin.n.to_string(),
                    number(bin.stated),
                    number(bin.observed),
                ]
            })
            .collect(),
    };
    vec![classes, confused, reliability]
}
