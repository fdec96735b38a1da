//! Reading on pictures whose text is known.

mod measure;

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use serde_json::{Value, json};
use vitrine_engine::Workbench;
use vitrine_protocol::Stages as _;
use vitrine_stats::bootstrap_interval;

use self::measure::{Counts, Picture, ReadLine, count};
use super::report::{Metric, MetricKind, Report, Stopwatch, Table, written};
use super::{Options, progress};
use crate::assets::Assets;
use crate::read::{READING_TASKS, read};
use crate::record::today;

/// What the command calls the models that read, together.
pub(super) const NAME: &str = "reading";

/// Samples drawn for a bootstrap interval, and the seed they are drawn with.
const REPLICATES: usize = 2000;
const SEED: u64 = 7;

/// `truth.json`: the pictures and what stands in them.
#[derive(Deserialize)]
struct Truth {
    pictures: Vec<Picture>,
}

/// `reference.json`: what another program read, in the same pictures.
#[derive(Deserialize)]
struct Readings {
    pictures: Vec<Reading>,
}

#[derive(Deserialize)]
struct Reading {
    file: String,
    lines: Vec<ReadLine>,
}

/// Reads every picture of a folder with `truth.json`, and compares with `reference.json` where that
/// is there.
pub(super) fn measure(assets: &Assets, options: &Options) -> Result<Report> {
    ensure!(
        options.weights.is_none(),
        "reading takes three models: --weights says nothing here"
    );
    let folder = options.folder()?;
    let truth: Truth = json_file(&folder.join("truth.json"))?;
    let pictures: Vec<Picture> = truth
        .pictures
        .into_iter()
        .step_by(options.every.max(1))
        .collect();
    let mut workbench = Workbench::new();
    for task in READING_TASKS {
        assets.load(&mut workbench, assets.first_of(task)?, None)?;
    }
    let (mut ours, mut rows, mut stopwatch) = (Vec::new(), Vec::new(), Stopwatch::default());
    for picture in progress(pictures.len())?.wrap_iter(pictures.iter()) {
        let (lines, times) = read(&mut workbench, &folder.join(&picture.file))?;
        stopwatch.take(times.stages());
        let lines: Vec<ReadLine> = lines
            .into_iter()
            .map(|line| ReadLine {
                text: line.text,
                quad: line
                    .quad
                    .map(|point| [f64::from(point.x), f64::from(point.y)]),
            })
            .collect();
        let counts = count(picture, &lines);
        let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
        rows.push(json!({ "file": picture.file, "counts": counts, "lines": texts }));
        ours.push(counts);
    }
    let theirs = reference(&folder.join("reference.json"), &pictures)?;
    let categories = Categories::of(&pictures, &ours, theirs.as_deref());
    Ok(Report {
        model: NAME.to_owned(),
        title: "Reading".to_owned(),
        data: format!(
            "{} with known text",
            folder.file_name().unwrap_or_default().to_string_lossy()
        ),
        n: pictures.len(),
        date: today(),
        figures: categories.figures(),
        latency: stopwatch.latency()?,
        details: categories.details(),
        tables: categories.tables(),
        rows,
    })
}

fn json_file<T: for<'a> Deserialize<'a>>(file: &Path) -> Result<T> {
    let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not as expected", file.display()))
}

/// How well the reference reads the same pictures; none where there is no such file.
fn reference(file: &Path, pictures: &[Picture]) -> Result<Option<Vec<Counts>>> {
    if !file.is_file() {
        return Ok(None);
    }
    let readings: Readings = json_file(file)?;
    let lines_of: HashMap<String, Vec<ReadLine>> = readings
        .pictures
        .into_iter()
        .map(|reading| (reading.file, reading.lines))
        .collect();
    let counts = pictures.iter().map(|picture| {
        let lines = lines_of
            .get(&picture.file)
            .with_context(|| format!("{} says nothing about {}", file.display(), picture.file))?;
        Ok(count(picture, lines))
    });
    counts.collect::<Result<_>>().map(Some)
}

/// One of the three rates of `tests/fixtures/pages/score.py`.
#[derive(Clone, Copy)]
struct Rate {
    name: &'static str,
    /// Errors and characters of a picture.
    of: fn(&Counts) -> (u64, u64),
}

const RATES: [Rate; 3] = [
    Rate {
        name: "placed",
        of: |counts| (counts.placed, counts.chars),
    },
    Rate {
        name: "unspaced",
        of: |counts| (counts.unspaced, counts.unspaced_chars),
    },
    Rate {
        name: "ordered",
        of: |counts| (counts.ordered, counts.chars),
    },
];

/// Pictures of a kind, with how they were read.
struct Category<'a> {
    name: String,
    ours: Vec<&'a Counts>,
    theirs: Option<Vec<&'a Counts>>,
}

struct Categories<'a> {
    all: Vec<Category<'a>>,
    /// Characters read on each picture without text.
    on_nothing: Vec<u64>,
}

impl<'a> Categories<'a> {
    fn of(
        pictures: &[Picture],
        ours: &'a [Counts],
        theirs: Option<&'a [Counts]>,
    ) -> Categories<'a> {
        let named = categories();
        let all = named.into_iter().filter_map(|(name, belongs)| {
            let rows: Vec<usize> = (0..pictures.len())
                .filter(|row| !pictures[*row].lines.is_empty() && belongs(&pictures[*row]))
                .collect();
            let pick = |counts: &'a [Counts]| rows.iter().map(|row| &counts[*row]).collect();
            (!rows.is_empty()).then(|| Category {
                name,
                ours: pick(ours),
                theirs: theirs.map(pick),
            })
        });
        Categories {
            all: all.collect(),
            on_nothing: pictures
                .iter()
                .zip(ours)
                .filter(|(picture, _)| picture.lines.is_empty())
                .map(|(_, counts)| counts.placed)
                .collect(),
        }
    }

    /// The `placed` rate of every category, under the category's name.
    fn figures(&self) -> Vec<Metric> {
        let metric = |category: &Category| {
            let (value, interval) = rate(&category.ours, RATES[0]);
            Metric {
                name: format!("character error rate, {}", category.name),
                value,
                interval,
                kind: MetricKind::ErrorRate,
            }
        };
        self.all.iter().map(metric).collect()
    }

    fn details(&self) -> Value {
        let side = |counts: &[&Counts]| {
            let rates = RATES.map(|kind| {
                let (value, interval) = rate(counts, kind);
                (
                    kind.name.to_owned(),
                    json!({ "value": value, "interval": interval }),
                )
            });
            json!({
                "rates": serde_json::Map::from_iter(rates),
                "unread_lines": counts.iter().map(|counts| counts.unread).sum::<u64>(),
                "extra_lines": counts.iter().map(|counts| counts.extra).sum::<u64>(),
            })
        };
        let categories = self.all.iter().map(|category| {
            json!({
                "category": category.name,
                "pictures": category.ours.len(),
                "chars": category.ours.iter().map(|counts| counts.chars).sum::<u64>(),
                "read": side(&category.ours),
                "reference": category.theirs.as_deref().map(side),
            })
        });
        json!({
            "categories": categories.collect::<Vec<Value>>(),
            "no_text": {
                "pictures": self.on_nothing.len(),
                "with_text_read": self.on_nothing.iter().filter(|read| **read > 0).count(),
                "characters_read": self.on_nothing.iter().sum::<u64>(),
            },
        })
    }

    fn tables(&self) -> Vec<Table> {
        let columns = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let words = |counts: &[&Counts], kind: Rate| {
            let (value, [low, high]) = rate(counts, kind);
            written(MetricKind::ErrorRate, value, low, high)
        };
        let mut tables = vec![Table {
            title: "Character error rates".into(),
            columns: columns(&[
                "pictures of",
                "n",
                "characters",
                "placed",
                "unspaced",
                "ordered",
            ]),
            rows: (self.all.iter())
                .map(|category| {
                    let chars: u64 = category.ours.iter().map(|counts| counts.chars).sum();
                    let mut row = vec![
                        category.name.clone(),
                        category.ours.len().to_string(),
                        chars.to_string(),
                    ];
                    row.extend(RATES.map(|kind| words(&category.ours, kind)));
                    row
                })
                .collect(),
        }];
        let compared = self.all.iter().filter_map(|category| {
            let theirs = category.theirs.as_ref()?;
            let [low, high] = difference_interval(&category.ours, theirs, RATES[0]);
            let difference = rate(&category.ours, RATES[0]).0 - rate(theirs, RATES[0]).0;
            Some(vec![
                category.name.clone(),
                words(&category.ours, RATES[0]),
                words(theirs, RATES[0]),
                format!(
                    "{:+.2} ({:+.2} to {:+.2})",
                    100.0 * difference,
                    100.0 * low,
                    100.0 * high
                ),
            ])
        });
        let compared: Vec<Vec<String>> = compared.collect();
        if !compared.is_empty() {
            tables.push(Table {
                title: "Beside the reference, placed".into(),
                columns: columns(&["pictures of", "here", "reference", "difference in points"]),
                rows: compared,
            });
        }
        tables
    }
}

/// Errors over characters of all pictures together, with a bootstrap interval over pictures.
fn rate(counts: &[&Counts], kind: Rate) -> (f64, [f64; 2]) {
    let all = |drawn: &mut dyn Iterator<Item = usize>| {
        let (errors, chars) = drawn.map(|at| (kind.of)(counts[at])).fold((0, 0), add);
        errors as f64 / chars as f64
    };
    let interval = bootstrap_interval(counts.len(), REPLICATES, SEED, |drawn| {
        all(&mut drawn.iter().copied())
    });
    let (low, high) = interval.unwrap_or((0.0, f64::INFINITY));
    (all(&mut (0..counts.len())), [low, high])
}

/// The interval of the difference of two rates on the same pictures.
fn difference_interval(ours: &[&Counts], theirs: &[&Counts], kind: Rate) -> [f64; 2] {
    let interval = bootstrap_interval(ours.len(), REPLICATES, SEED, |drawn| {
        let share = |counts: &[&Counts]| {
            let (errors, chars) = drawn
                .iter()
                .map(|at| (kind.of)(counts[*at]))
                .fold((0, 0), add);
            errors as f64 / chars as f64
        };
        share(ours) - share(theirs)
    });
    let (low, high) = interval.unwrap_or((f64::NEG_INFINITY, f64::INFINITY));
    [low, high]
}

fn add(all: (u64, u64), one: (u64, u64)) -> (u64, u64) {
    (all.0 + one.0, all.1 + one.1)
}

type Belongs = Box<dyn Fn(&Picture) -> bool>;

/// The categories of `tests/fixtures/pages/score.py`, by name, in its order; one picture may belong
/// to several.
fn categories() -> Vec<(String, Belongs)> {
    let is_mild = |picture: &Picture| picture.rotation == "mild" && picture.degradations.is_empty();
    let in_language = |language: &'static str, also: Belongs| -> Belongs {
        Box::new(move |picture| picture.language == language && also(picture))
    };
    let any: fn() -> Belongs = || Box::new(|_| true);
    let strong: fn() -> Belongs = || Box::new(|picture| picture.rotation == "strong");
    let mut all: Vec<(String, Belongs)> = vec![
        ("mild English".into(), in_language("en", Box::new(is_mild))),
        ("all English".into(), in_language("en", any())),
        ("Chinese".into(), in_language("zh", any())),
        ("Chinese, mild".into(), in_language("zh", Box::new(is_mild))),
        ("mixed".into(), in_language("mixed", any())),
        (
            "English, strong rotation".into(),
            in_language("en", strong()),
        ),
        (
            "Chinese, strong rotation".into(),
            in_language("zh", strong()),
        ),
    ];
    for tag in ["low_contrast", "noise", "blur", "jpeg", "photo", "small"] {
        let has = move |picture: &Picture| picture.degradations.iter().any(|one| one == tag);
        let name = format!("English, {}", tag.replace('_', " "));
        all.push((name, in_language("en", Box::new(has))));
    }
    let degraded = |picture: &Picture| !picture.degradations.is_empty();
    all.push((
        "Chinese, degraded".into(),
        in_language("zh", Box::new(degraded)),
    ));
    for layout in ["line", "paragraph", "list", "long", "columns"] {
        let has = move |picture: &Picture| picture.layout == layout;
        all.push((
            format!("English, {layout}"),
            in_language("en", Box::new(has)),
        ));
    }
    let dark = |picture: &Picture| picture.background == "dark";
    all.push((
        "English, light text on dark".into(),
        in_language("en", Box::new(dark)),
    ));
    all
}
