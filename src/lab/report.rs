//! What the lab measured, as a file and as text to paste: plain functions.

use serde::Serialize;
use vitrine_protocol::{ModelEntry, OperatorShare};

use crate::state::{Run, Warning};
use crate::words;

/// What a device says of itself.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Device {
    pub(crate) user_agent: String,
    /// Logical processors that the browser admits to.
    pub(crate) hardware_concurrency: f64,
    /// Whether the page may share memory between threads.
    pub(crate) cross_origin_isolated: bool,
    /// Whether the browser has the instructions of the fastest engine.
    pub(crate) relaxed_simd: bool,
}

/// A report of several runs.
#[derive(Serialize)]
pub(crate) struct Report<'a> {
    /// When it was written, ISO 8601.
    date: String,
    device: &'a Device,
    /// Of every time in this report.
    unit: &'static str,
    runs: Vec<RunOut<'a>>,
}

#[derive(Serialize)]
struct RunOut<'a> {
    model: &'a str,
    engine: &'static str,
    input_shape: &'a [usize],
    cold: Cold,
    steady: Steady,
    memory_bytes: f64,
    warnings: Vec<Warning>,
    times: &'a [f64],
    operators: &'a [OperatorShare],
}

#[derive(Serialize)]
struct Cold {
    engine_start: f64,
    fetch: f64,
    network_bytes: Option<f64>,
    parse: f64,
    optimise: f64,
    warm_up: f64,
    first_run: f64,
}

#[derive(Serialize)]
struct Steady {
    n: usize,
    min: f64,
    p50: f64,
    p50_interval_95: Option<(f64, f64)>,
    p95: f64,
    p99: f64,
    max: f64,
    mean: f64,
    runs_per_minute: Option<f64>,
}

impl<'a> Report<'a> {
    /// A report of these runs.
    pub(crate) fn of(
        date: String,
        device: &'a Device,
        models: &'a [ModelEntry],
        runs: &'a [Run],
    ) -> Report<'a> {
        Report {
            date,
            device,
            unit: "ms",
            runs: runs.iter().filter_map(|run| run_out(run, models)).collect(),
        }
    }

    /// The report as JSON.
    pub(crate) fn json(&self) -> String {
        // Numbers, texts and lists: nothing in it can fail to be written.
        serde_json::to_string(self).unwrap_or_default()
    }
}

fn run_out<'a>(run: &'a Run, models: &'a [ModelEntry]) -> Option<RunOut<'a>> {
    let summary = run.summary()?;
    let load = run.load;
    Some(RunOut {
        model: &models.get(run.choice.model)?.id,
        engine: run.choice.flavour.key(),
        input_shape: &run.shape,
        cold: Cold {
            engine_start: run.engine_start,
            fetch: run.fetch,
            network_bytes: run.network_bytes,
            parse: load.parse,
            optimise: load.optimise,
            warm_up: load.warm_up,
            first_run: run.first_run,
        },
        steady: Steady {
            n: summary.n,
            min: summary.min,
            p50: summary.p50,
            p50_interval_95: run.interval(),
            p95: summary.p95,
            p99: summary.p99,
            max: summary.max,
            mean: summary.mean,
            runs_per_minute: run.per_minute(),
        },
        memory_bytes: run.memory,
        warnings: run.warnings(),
        times: &run.times,
        operators: &run.operators,
    })
}

/// One row of figures per run, under [`words::lab_columns`].
pub(crate) fn rows(runs: &[Run], models: &[ModelEntry]) -> Vec<Vec<String>> {
    runs.iter()
        .filter_map(|run| {
            let summary = run.summary()?;
            let time = words::fine_time;
            Some(vec![
                models.get(run.choice.model)?.title.clone(),
                run.choice.flavour.title().to_owned(),
                summary.n.to_string(),
                time(run.engine_start),
                time(run.load.parse + run.load.optimise),
                time(run.first_run),
                words::with_interval(summary.p50, run.interval()),
                time(summary.p95),
                time(summary.p99),
                run.per_minute().map(words::rate).unwrap_or_default(),
                words::size(run.memory as u64),
            ])
        })
        .collect()
}

/// The same rows as a table in Markdown.
pub(crate) fn markdown(device: &Device, runs: &[Run], models: &[ModelEntry]) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let head = words::lab_columns();
    let rule = vec!["---".to_owned(); head.len()];
    let mut text = line(head) + &line(rule);
    for row in rows(runs, models) {
        text += &line(row);
    }
    text + "\n" + &device.user_agent + "\n"
}
