//! What was measured: for the terminal, as JSON and as Markdown.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use serde::Serialize;
use serde_json::Value;
use vitrine_stats::Summary;

/// The figures of one model on one set of data.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// Id of the model.
    pub(crate) model: String,
    /// Its name.
    pub(crate) title: String,
    /// What it was measured on.
    pub(crate) data: String,
    /// Number of items.
    pub(crate) n: usize,
    /// Day of the measurement, in UTC.
    pub(crate) date: String,
    /// The figures, the most important one first.
    pub(crate) figures: Vec<Metric>,
    /// Times per stage.
    pub(crate) latency: Vec<Latency>,
    /// Everything else that was measured.
    pub(crate) details: Value,
    /// Each item with its answer.
    pub(crate) rows: Vec<Value>,
    /// The details for people.
    #[serde(skip)]
    pub(crate) tables: Vec<Table>,
}

/// One figure with its 95 % interval.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Metric {
    /// Its name: `top-1 accuracy`.
    pub(crate) name: String,
    /// The figure, 0 to 1; an error rate may be higher.
    pub(crate) value: f64,
    /// Lower and upper bound.
    pub(crate) interval: [f64; 2],
    /// How it is written.
    #[serde(skip)]
    pub(crate) kind: MetricKind,
}

/// How a figure is written and which direction is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MetricKind {
    /// A share of right ones, in percent.
    Share,
    /// A score between 0 and 1.
    Score,
    /// A rate of wrong ones, in percent.
    ErrorRate,
}

/// How long a stage takes, in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Latency {
    pub(crate) stage: String,
    pub(crate) p50: f64,
    pub(crate) p95: f64,
    pub(crate) n: usize,
}

/// Rows under a title.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Table {
    pub(crate) title: String,
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
}

impl Metric {
    /// The figure as it is written, with its interval: `89.0 % (86.0–91.5 %)`.
    pub(crate) fn words(&self) -> String {
        let [low, high] = self.interval;
        written(self.kind, self.value, low, high)
    }

    fn is_at_least_as_good_as(&self, required: f64) -> bool {
        match self.kind {
            MetricKind::Share | MetricKind::Score => self.value >= required,
            MetricKind::ErrorRate => self.value <= required,
        }
    }
}

/// A figure and its interval in words.
pub(crate) fn written(kind: MetricKind, value: f64, low: f64, high: f64) -> String {
    match kind {
        MetricKind::Share => {
            format!(
                "{:.1} % ({:.1}–{:.1} %)",
                100.0 * value,
                100.0 * low,
                100.0 * high
            )
        }
        MetricKind::ErrorRate => {
            format!(
                "{:.2} % ({:.2}–{:.2} %)",
                100.0 * value,
                100.0 * low,
                100.0 * high
            )
        }
        MetricKind::Score => format!("{value:.3} ({low:.3}–{high:.3})"),
    }
}

/// Milliseconds per stage, item by item.
#[derive(Default)]
pub(crate) struct Stopwatch {
    stages: Vec<(&'static str, Vec<f64>)>,
    total: Vec<f64>,
}

impl Stopwatch {
    /// Takes the stages of one item, always the same in the same order.
    pub(crate) fn take(&mut self, stages: Vec<(&'static str, f64)>) {
        self.total.push(stages.iter().map(|(_, ms)| ms).sum());
        if self.stages.is_empty() {
            self.stages = stages
                .iter()
                .map(|(stage, _)| (*stage, Vec::new()))
                .collect();
        }
        for ((_, all), (_, ms)) in self.stages.iter_mut().zip(stages) {
            all.push(ms);
        }
    }

    /// What the times come to, all stages together last.
    pub(crate) fn latency(&self) -> Result<Vec<Latency>> {
        let all = self.stages.iter().map(|(stage, ms)| (*stage, ms));
        all.chain([("All", &self.total)])
            .map(|(stage, ms)| {
                let summary = Summary::of(ms).context("no times were taken")?;
                Ok(Latency {
                    stage: stage.to_owned(),
                    p50: summary.p50,
                    p95: summary.p95,
                    n: summary.n,
                })
            })
            .collect()
    }
}

impl Report {
    /// A few lines for the terminal.
    pub(crate) fn lines(&self) -> String {
        let mut text = format!("{} on {}, n = {}\n", self.title, self.data, self.n);
        for figure in &self.figures {
            text += &format!("{} {}\n", figure.name, figure.words());
        }
        for latency in &self.latency {
            let Latency {
                stage, p50, p95, ..
            } = latency;
            text += &format!(
                "{} P50 {p50:.1} ms, P95 {p95:.1} ms\n",
                stage.to_lowercase()
            );
        }
        text
    }

    /// Everything but the rows, as Markdown.
    pub(crate) fn markdown(&self) -> String {
        let Report {
            title,
            data,
            n,
            date,
            ..
        } = self;
        let mut text =
            format!("# {title} on {data}\n\n{date}, n = {n}. In brackets: 95 % intervals.\n");
        let figures = Table {
            title: "Figures".into(),
            columns: vec!["figure".into(), "value".into()],
            rows: self
                .figures
                .iter()
                .map(|figure| vec![figure.name.clone(), figure.words()])
                .collect(),
        };
        let ms = |ms: f64| format!("{ms:.1}");
        let latency = Table {
            title: "Milliseconds".into(),
            columns: ["stage", "P50", "P95", "n"].map(String::from).to_vec(),
            rows: (self.latency.iter())
                .map(|l| vec![l.stage.clone(), ms(l.p50), ms(l.p95), l.n.to_string()])
                .collect(),
        };
        for table in [&figures, &latency].into_iter().chain(&self.tables) {
            text += &format!("\n## {}\n\n{}", table.title, table.markdown());
        }
        text
    }

    /// Writes the report where it is wanted.
    pub(crate) fn write(&self, json: Option<&Path>, markdown: Option<&Path>) -> Result<()> {
        if let Some(file) = json {
            let text = serde_json::to_string_pretty(self).context("writing the report")?;
            fs::write(file, text + "\n").with_context(|| format!("writing {}", file.display()))?;
        }
        if let Some(file) = markdown {
            fs::write(file, self.markdown())
                .with_context(|| format!("writing {}", file.display()))?;
        }
        Ok(())
    }

    /// Checks a requirement such as `macro-F1=0.41`.
    pub(crate) fn require(&self, requirement: &str) -> Result<()> {
        let (name, value) = requirement
            .rsplit_once('=')
            .with_context(|| format!("`{requirement}` is no requirement such as macro-F1=0.41"))?;
        let required: f64 = value
            .parse()
            .with_context(|| format!("`{value}` in `{requirement}` is no number"))?;
        let Some(figure) = self.figures.iter().find(|figure| figure.name == name) else {
            let known: Vec<&str> = self
                .figures
                .iter()
                .map(|figure| figure.name.as_str())
                .collect();
            bail!(
                "there is no figure `{name}`; there are {}",
                known.join(", ")
            );
        };
        ensure!(
            figure.is_at_least_as_good_as(required),
            "{name} is {:.4}, required is {required}",
            figure.value
        );
        Ok(())
    }
}

impl Table {
    fn markdown(&self) -> String {
        let row = |cells: &[String]| {
            let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
            format!("| {} |\n", cells.join(" | "))
        };
        let rule = vec!["---".to_owned(); self.columns.len()];
        let rows: String = self.rows.iter().map(|cells| row(cells)).collect();
        row(&self.columns) + &row(&rule) + &rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metric(name: &str, value: f64, kind: MetricKind) -> Metric {
        Metric {
            name: name.into(),
            value,
            interval: [value - 0.03, value + 0.025],
            kind,
        }
    }

    fn report() -> Report {
        Report {
            model: "net".into(),
            title: "Net".into(),
            data: "things".into(),
            n: 500,
            date: "2026-11-24".into(),
            figures: vec![
                metric("top-1 accuracy", 0.89, MetricKind::Share),
                metric("macro-F1", 0.512, MetricKind::Score),
                metric("character error rate", 0.04, MetricKind::ErrorRate),
            ],
            latency: Vec::new(),
            details: Value::Null,
            rows: Vec::new(),
            tables: vec![Table {
                title: "Classes".into(),
                columns: vec!["class".into(), "F1".into()],
                rows: vec![vec!["a|b".into(), "0.5".into()]],
            }],
        }
    }

    #[track_caller]
    fn check_words(at: usize, expected: &str) {
        assert_eq!(report().figures[at].words(), expected);
    }

    #[test]
    fn figures_are_written_with_their_intervals() {
        check_words(0, "89.0 % (86.0–91.5 %)");
        check_words(1, "0.512 (0.482–0.537)");
        check_words(2, "4.00 % (1.00–6.50 %)");
    }

    #[track_caller]
    fn check_requirement(requirement: &str, problem: Option<&str>) {
        let met = report()
            .require(requirement)
            .err()
            .map(|error| error.to_string());
        match (&met, problem) {
            (None, None) => {}
            (Some(met), Some(problem)) => assert!(met.contains(problem), "{met}"),
            _ => panic!("{met:?} instead of {problem:?}"),
        }
    }

    #[test]
    fn a_figure_below_its_requirement_is_an_error() {
        check_requirement("top-1 accuracy=0.888", None);
        check_requirement("top-1 accuracy=0.9", Some("is 0.8900, required is 0.9"));
        check_requirement("character error rate=0.05", None);
        check_requirement("character error rate=0.03", Some("required is 0.03"));
    }

    #[test]
    fn a_requirement_that_says_nothing_is_an_error() {
        check_requirement("accuracy=0.5", Some("there are top-1 accuracy, macro-F1"));
        check_requirement("macro-F1", Some("no requirement"));
        check_requirement("macro-F1=high", Some("no number"));
    }

    #[test]
    fn markdown_keeps_its_columns() {
        let text = report().markdown();
        assert!(text.contains("| a\\|b | 0.5 |"), "{text}");
        assert!(
            text.contains("| top-1 accuracy | 89.0 % (86.0–91.5 %) |"),
            "{text}"
        );
    }

    #[test]
    fn stages_and_their_sum_are_summed_up() {
        let mut stopwatch = Stopwatch::default();
        for ms in [1.0, 3.0] {
            stopwatch.take(vec![("Infer", ms), ("Decode", 10.0)]);
        }
        let latency = stopwatch.latency().unwrap();
        let met: Vec<(&str, f64)> = latency.iter().map(|l| (l.stage.as_str(), l.p50)).collect();
        assert_eq!(met, [("Infer", 2.0), ("Decode", 10.0), ("All", 12.0)]);
        assert!(Stopwatch::default().latency().is_err());
    }
}
