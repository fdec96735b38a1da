//! Figures and sentences as the page writes them, in the language of the page.

use vitrine_protocol::{
    Analysis, Card, Class, Explanation, Flavour, Line, OperatorShare, ServedFile, Spec,
};
use vitrine_stats::Summary;

use crate::lab::Device;
use crate::language::{fill, number, say};
use crate::requests::Tally;
use crate::state::{
    Activity, Connection, Content, Filter, Item, KEPT, LabStep, MOST_KEPT, NotKept, Picture, Place,
    Progress, Run, Shelf, State, Step, TableStage, Text, Transfer, Warning,
};

/// Said when results were removed.
pub(crate) fn cleared() -> String {
    say("Results cleared.")
}

/// What a removal took out.
pub(crate) fn removed(name: &str) -> String {
    fill("{name} removed.", &[("name", name)])
}

/// Said and shown when nothing is kept on the device any more.
pub(crate) fn history_cleared() -> String {
    say("History cleared.")
}

/// Said of a removal that can be taken back.
pub(crate) fn can_be_undone(removed: &str) -> String {
    fill("{removed} It can be undone.", &[("removed", removed)])
}

/// Said when a removal was taken back.
pub(crate) fn restored(n: usize) -> String {
    counted(n, "1 result is back.", "{n} results are back.")
}

/// A button that asks another model about the same picture.
pub(crate) fn compare_with(title: &str) -> String {
    fill("Compare with {title}", &[("title", title)])
}

/// Said when another model has answered for a picture.
pub(crate) fn compared_with(name: &str, class: &Class) -> String {
    let share = percent(f64::from(class.probability));
    format!("{name}: {} {share}", class.label)
}

/// Of a result of an earlier visit: when it was made, and by which versions of the models.
pub(crate) fn made(time: &str, models: &str) -> String {
    fill(
        "Made {time} with {models}",
        &[("time", time), ("models", models)],
    )
}

/// A button that shows all results of earlier visits.
pub(crate) fn show_all(n: usize) -> String {
    fill("Show all {n}", &[("n", &n.to_string())])
}

/// Shown where the browser keeps nothing for this page.
pub(crate) fn history_failed(reason: &str) -> Explanation {
    Explanation {
        what: say("Results cannot be kept on this device."),
        why: fill(
            "The browser said: {reason}.",
            &[("reason", reason.trim_end_matches('.'))],
        ),
        next: say(
            "Everything else works. Outside a private window, with storage allowed for this site, results are there again after a reload.",
        ),
    }
}

/// A heading, and the name of the list below it.
pub(crate) fn recognised_text() -> String {
    say("Recognised text")
}

/// How many lines of text are not written out.
pub(crate) fn more_lines(n: usize) -> String {
    counted(n, "and 1 more line", "and {n} more lines")
}

/// What an answer took, and with which engine.
pub(crate) fn time_with(time: f64, flavour: Flavour) -> String {
    format!("{} · {}", milliseconds(time), flavour.title())
}

/// Stands below a card that is saved as a picture.
pub(crate) fn poster_foot() -> String {
    say("Computed in the browser with Vitrine; nothing was uploaded.")
}

/// Said when text is on the clipboard.
pub(crate) fn copied() -> String {
    say("Text copied.")
}

/// Said when the browser does not let the page write to the clipboard.
pub(crate) fn not_copied() -> String {
    say("The browser did not allow copying. Select the text and copy it by keyboard.")
}

/// Shown for a picture without text in it.
pub(crate) fn no_text() -> String {
    say("No text found in this picture.")
}

/// Shown for a text whose classifier has no class above its threshold.
pub(crate) fn nothing_holds() -> String {
    say("Nothing is above its threshold; the nearest are:")
}

/// In batches, how many outcomes pass between two announcements.
const OUTCOMES_PER_ANNOUNCEMENT: usize = 10;

/// A text's name is no longer than this, in words and in characters.
const NAME_WORDS: usize = 8;
const NAME_CHARACTERS: usize = 60;

/// Lines read with less confidence than this are marked.
pub(crate) const LOW_CONFIDENCE: f32 = 0.8;

/// Below this share of 1 a measured figure needs two decimals.
const RARE: f64 = 0.02;

/// A share of 1 as `87.3 %`.
pub(crate) fn percent(share: f64) -> String {
    format!("{} %", number(100.0 * share, 1))
}

/// Milliseconds as `1.8 ms`; from 100 on without decimals, which would only be noise.
pub(crate) fn milliseconds(time: f64) -> String {
    let decimals = if time < 99.95 { 1 } else { 0 };
    format!("{} ms", number(time, decimals))
}

/// Bytes as `9.3` of a million.
pub(crate) fn megabytes(bytes: u64) -> String {
    number(bytes as f64 / 1e6, 1)
}

/// Bytes for people: `9.3 MB`, or `431 KB` or `1.2 GB` where that says more.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{} KB", number(bytes as f64 / 1e3, 0)),
        1_000_000_000.. => format!("{} GB", number(bytes as f64 / 1e9, 1)),
        _ => format!("{} MB", megabytes(bytes)),
    }
}

/// How far a download is: `3.1 of 9.3 MB · 2.1 MB/s · 3 s left`.
pub(crate) fn transfer(transfer: Transfer, total: u64) -> String {
    let (done, all) = (megabytes(transfer.received.min(total)), megabytes(total));
    let mut words = fill("{done} of {all} MB", &[("done", &done), ("all", &all)]);
    if let Some(speed) = transfer.speed {
        words += &format!(" · {}/s", size(speed));
    }
    if let Some(left) = transfer.seconds_left(total) {
        words += " · ";
        words += &fill("{time} left", &[("time", &duration(left))]);
    }
    words
}

/// Seconds for people: `42 s`, or `3 min` from two minutes on.
fn duration(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        _ => format!("{} min", seconds.div_ceil(60)),
    }
}

/// What a download's progress bar is called. `title` is the model's.
pub(crate) fn downloading(title: &str) -> String {
    fill("Downloading {title}", &[("title", title)])
}

/// What is going on, as a heading.
pub(crate) fn activity(activity: Option<Activity>) -> String {
    match activity {
        Some(Activity::Downloading) => say("Fetching what this needs, once"),
        Some(Activity::StartingEngine) => say("Starting the engine"),
        Some(Activity::Preparing(title)) => fill("Preparing {title}", &[("title", &title)]),
        Some(Activity::Working { n_open }) => working(n_open),
        Some(Activity::Paused { n_open }) => paused(n_open),
        Some(Activity::Rows { done, total }) => fill(
            "{done} of {all} rows",
            &[("done", &done.to_string()), ("all", &total.to_string())],
        ),
        None => String::new(),
    }
}

/// Said when something was added.
pub(crate) fn working(n_open: usize) -> String {
    counted(n_open, "Working on 1 item.", "Working on {n} items.")
}

/// Said when a table was opened.
pub(crate) fn table_opened(name: &str, n_rows: usize) -> String {
    fill(
        "{name}: {rows}. Choose the column that holds the texts.",
        &[("name", name), ("rows", &rows(n_rows))],
    )
}

/// A number of rows: `1 row`, `2 rows`.
pub(crate) fn rows(n: usize) -> String {
    counted(n, "1 row", "{n} rows")
}

/// Said when open items were dropped.
pub(crate) fn cancelled(n_dropped: usize) -> String {
    match n_dropped {
        0 => say("Cancelled."),
        n => counted(
            n,
            "Cancelled, 1 item dropped.",
            "Cancelled, {n} items dropped.",
        ),
    }
}

/// Said when an item has its outcome; in a batch only now and then, so that what is said can be
/// followed. A failure is read out by its own alert.
pub(crate) fn outcome(item: &Item, n_open: usize) -> Option<String> {
    if n_open > 0 {
        return n_open
            .is_multiple_of(OUTCOMES_PER_ANNOUNCEMENT)
            .then(|| fill("{n} items left.", &[("n", &n_open.to_string())]));
    }
    let found = match &item.content {
        Content::Picture(picture) => {
            if let Some(Step::Failed(_)) = picture.classes {
                return Some(done_with_errors());
            }
            if let Some(Step::Failed(_)) = picture.reading {
                return Some(done_with_errors());
            }
            picture_found(picture)
        }
        Content::Text(text) => match &text.step {
            Step::Done(answer) => best_of_each(&answer.value),
            Step::Failed(_) => return Some(done_with_errors()),
            Step::Waiting | Step::Working => return None,
        },
        Content::Table(table) => match &table.stage {
            TableStage::Done { .. } => {
                fill("{rows} analysed", &[("rows", &rows(table.rows.len()))])
            }
            TableStage::Failed(_) => return Some(done_with_errors()),
            _ => return None,
        },
    };
    Some(format!("{}: {found}", item.name))
}

fn done_with_errors() -> String {
    say("Done, with errors.")
}

/// One sentence for one, another for any other number, which stands in it as `{n}`.
fn counted(n: usize, one: &str, many: &str) -> String {
    fill(if n == 1 { one } else { many }, &[("n", &n.to_string())])
}

fn picture_found(picture: &Picture) -> String {
    let mut found = Vec::new();
    if let Some(Step::Done(answer)) = &picture.classes
        && let Some(best) = answer.value.classes.first()
    {
        let share = percent(f64::from(best.probability));
        found.push(format!("{} {share}", best.label));
    }
    if let Some(Step::Done(answer)) = &picture.reading {
        found.push(lines_found(answer.value.lines.len()));
    }
    found.join(", ")
}

fn lines_found(n: usize) -> String {
    match n {
        0 => say("no text found"),
        n => counted(n, "1 line of text", "{n} lines of text"),
    }
}

fn best_of_each(analysis: &Analysis) -> String {
    let best: Vec<String> = analysis
        .answers
        .iter()
        .filter_map(|answer| answer.classes.first())
        .map(|class| format!("{} {}", class.label, percent(f64::from(class.probability))))
        .collect();
    best.join(", ")
}

/// What a text is called: its first words, on one line.
pub(crate) fn first_words(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().take(NAME_WORDS + 1).collect();
    let is_cut = words.len() > NAME_WORDS;
    let name = words[..words.len().min(NAME_WORDS)].join(" ");
    let short: String = name.chars().take(NAME_CHARACTERS).collect();
    if is_cut || short.len() < name.len() {
        format!("{}…", short.trim_end())
    } else {
        short
    }
}

/// Said where a text is longer than the encoder reads.
pub(crate) fn truncated(analysis: &Analysis) -> Option<String> {
    (analysis.n_read < analysis.n_tokens).then(|| {
        let (read, all) = (analysis.n_read.to_string(), analysis.n_tokens.to_string());
        fill(
            "Only the first {read} of {all} tokens were read: the model reads no more at once.",
            &[("read", &read), ("all", &all)],
        )
    })
}

/// Said where a file's bytes were no UTF-8.
pub(crate) fn replaced(n_replaced: usize) -> Option<String> {
    (n_replaced > 0).then(|| {
        counted(
            n_replaced,
            "1 byte was no UTF-8 and stands as �.",
            "{n} bytes were no UTF-8 and stand as �.",
        )
    })
}

/// All lines of a picture, one below the other.
pub(crate) fn all_lines(lines: &[Line]) -> String {
    let lines: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
    lines.join("\n")
}

/// What a model does, in a word or two.
pub(crate) fn task(spec: &Spec) -> String {
    match spec {
        Spec::PictureClassification { .. } => say("names what a picture shows"),
        Spec::TextDetection { .. } => say("finds text in pictures"),
        Spec::LineDirection { .. } => say("tells which way up a line is"),
        Spec::LineRecognition { .. } => say("reads lines of text"),
        Spec::TextEncoding { .. } => say("turns text into numbers"),
        Spec::TextClassification { .. } => say("tells what a text expresses"),
    }
}

/// A measured figure with all it needs to be believed: `89.0 % top-1 accuracy (95 % interval
/// 86.0–91.5 %), n = 500: ImageNet samples; 2026-11-24`.
pub(crate) fn card(card: &Card) -> String {
    let Card {
        dataset,
        metric,
        value,
        interval: [low, high],
        n,
        date,
        ..
    } = card;
    let figure = |share: f64| percent_of_card(share, *value);
    fill(
        "{value} % {metric} (95 % interval {low}–{high} %), n = {n}: {dataset}; {date}",
        &[
            ("value", &figure(*value)),
            ("metric", metric),
            ("low", &figure(*low)),
            ("high", &figure(*high)),
            ("n", &n.to_string()),
            ("dataset", dataset),
            ("date", date),
        ],
    )
}

/// A share as percent without its sign; of rare errors with a decimal more.
fn percent_of_card(share: f64, value: f64) -> String {
    let decimals = if value < RARE { 2 } else { 1 };
    number(100.0 * share, decimals)
}

/// The engine that ran, as the name of a figure.
pub(crate) fn engine() -> String {
    say(ENGINE)
}

/// Beside a line that was read with little confidence.
pub(crate) fn read_with_confidence(confidence: f64) -> String {
    fill(
        "Read with {share} confidence",
        &[("share", &percent(confidence))],
    )
}

/// The button that begins a table.
pub(crate) fn analyse_rows(n: usize) -> String {
    fill("Analyse {rows}", &[("rows", &rows(n))])
}

/// What the table of the first rows is called.
pub(crate) fn first_rows(n: usize) -> String {
    fill("The first {rows}", &[("rows", &rows(n))])
}

/// How far a table is, and what a row took in milliseconds.
pub(crate) fn rows_done(done: usize, n_rows: usize, per_row: f64) -> String {
    fill(
        "{done} of {rows}, {time} each",
        &[
            ("done", &done.to_string()),
            ("rows", &rows(n_rows)),
            ("time", &milliseconds(per_row)),
        ],
    )
}

/// The button that removes an item.
pub(crate) fn remove(name: &str) -> String {
    fill("Remove {name}", &[("name", name)])
}

/// Where weights are from and under which licence they are.
pub(crate) fn licence(origin: &str, spdx: &str, holder: &str) -> String {
    fill(
        "{origin}, {licence} by {holder}",
        &[("origin", origin), ("licence", spdx), ("holder", holder)],
    )
}

/// How large a model is, and how much of that is fetched.
pub(crate) fn download_size(served: &ServedFile) -> String {
    fill(
        "{size}, {packed} to fetch, weights in {weights}",
        &[
            ("size", &size(served.bytes)),
            ("packed", &size(served.packed)),
            ("weights", served.weights.title()),
        ],
    )
}

// Batches of files.

/// What the batch's parts are called.
pub(crate) fn batch() -> String {
    say("Batch")
}
pub(crate) fn files_done() -> String {
    say("Files done")
}
pub(crate) fn pause() -> String {
    say("Pause")
}
pub(crate) fn resume() -> String {
    say("Resume")
}
pub(crate) fn show() -> String {
    say("Show")
}
pub(crate) fn save_csv() -> String {
    say("Download as CSV")
}
pub(crate) fn save_json() -> String {
    say("Download as JSON")
}
pub(crate) fn batch_file() -> String {
    say("File")
}
pub(crate) fn batch_result() -> String {
    say("Result")
}
pub(crate) fn batch_time() -> String {
    say("Time")
}
pub(crate) fn batch_table() -> String {
    say("Files and what was found in them")
}
pub(crate) fn pages() -> String {
    say("Pages of the table")
}
pub(crate) fn page_steps() -> [String; 4] {
    [say("First"), say("Previous"), say("Next"), say("Last")]
}
pub(crate) fn close() -> String {
    say("Close")
}
pub(crate) fn waiting() -> String {
    say("Waiting")
}
pub(crate) fn is_working() -> String {
    say("Working")
}
pub(crate) fn no_rows() -> String {
    say("No file is like that.")
}

/// What is going on while a batch rests.
fn paused(n_open: usize) -> String {
    counted(n_open, "Paused, 1 item left", "Paused, {n} items left")
}

/// How far a batch is: `412 of 1000 done, 3 with errors, 21.3 per second, about 28 s left`.
pub(crate) fn batch_progress(progress: Progress) -> String {
    let Progress {
        done,
        total,
        failed,
        pace,
        ..
    } = progress;
    let mut parts = vec![fill(
        "{done} of {all} done",
        &[("done", &done.to_string()), ("all", &total.to_string())],
    )];
    if failed > 0 {
        parts.push(with_errors(failed));
    }
    if let Some((rate, left)) = pace {
        parts.push(fill("{rate} per second", &[("rate", &number(rate, 1))]));
        parts.push(fill("about {time} left", &[("time", &time_left(left))]));
    }
    parts.join(", ")
}

fn with_errors(n: usize) -> String {
    counted(n, "1 with an error", "{n} with errors")
}

/// Seconds as people say them.
fn time_left(seconds: f64) -> String {
    match seconds.ceil() as u64 {
        seconds @ 0..=90 => format!("{} s", seconds.max(1)),
        seconds @ 91..=5400 => format!("{} min", seconds.div_ceil(60)),
        seconds => format!("{} h", number(seconds as f64 / 3600.0, 1)),
    }
}

/// A choice of rows with how many it shows.
pub(crate) fn filter(filter: Filter, n: usize) -> String {
    let name = match filter {
        Filter::All => say("All files"),
        Filter::Open => say("Not done yet"),
        Filter::Failed => say("With errors"),
    };
    format!("{name} ({n})")
}

/// Which rows of how many are shown, from 1.
pub(crate) fn rows_shown(from: usize, to: usize, total: usize) -> String {
    fill(
        "Rows {from} to {to} of {all}",
        &[
            ("from", &from.to_string()),
            ("to", &to.to_string()),
            ("all", &total.to_string()),
        ],
    )
}

/// A number of files: `1 file`, `2 files`.
pub(crate) fn files(n: usize) -> String {
    counted(n, "1 file", "{n} files")
}

/// What a list of totals of a model is called.
pub(crate) fn class_totals(title: &str) -> String {
    fill("{title}, totals", &[("title", title)])
}

/// Classes that are not in the list of totals.
pub(crate) fn other_classes(n: usize) -> String {
    counted(n, "1 other class", "{n} other classes")
}

/// What was found in a file so far, in a line; empty where there is nothing yet, or it failed.
pub(crate) fn found(item: &Item) -> String {
    match &item.content {
        Content::Picture(picture) => picture_found(picture),
        Content::Text(Text {
            step: Step::Done(answer),
            ..
        }) => best_of_each(&answer.value),
        _ => String::new(),
    }
}

// What is measured.

/// Opens a chart's table.
pub(crate) fn show_as_table() -> String {
    say("Show as table")
}

/// Columns of a histogram's table.
pub(crate) fn histogram_columns() -> Vec<String> {
    ["Time", "How often"].map(say).to_vec()
}

/// Columns of a table of percentiles.
pub(crate) fn percentile_columns() -> Vec<String> {
    ["Stage", "n", LEAST, "P50", "P95", "P99", MOST]
        .map(say)
        .to_vec()
}

const LEAST: &str = "Least";
const MOST: &str = "Most";

/// What a drawing of percentiles shows.
pub(crate) fn percentiles() -> String {
    say(
        "Circle: P50, with its time at the right. Diamond: P95. Triangle: P99. Each line begins at the least.",
    )
}

/// All stages together.
pub(crate) fn total() -> String {
    say("Total")
}

/// A stage, as the engine calls it.
pub(crate) fn stage(name: &str) -> String {
    say(name)
}

/// Heading of the live metrics.
pub(crate) fn live_metrics() -> String {
    say("Measured in this visit")
}

/// Pictures whose text was read, as a group.
pub(crate) fn reading_group() -> String {
    say("Reading text in pictures")
}

/// Texts, as a group.
pub(crate) fn texts_group() -> String {
    say("Analysing texts")
}

/// Names of facts, beside their values.
const ITEMS: &str = "Items";
const THROUGHPUT: &str = "Throughput";
const ENGINE: &str = "Engine";
const WORKERS: &str = "Workers";
const MEMORY: &str = "Engine memory";
const MODEL: &str = "Model";
const PARSE: &str = "Parse";
const OPTIMISE: &str = "Optimise";
const FIRST_RUN: &str = "First run";
const ENGINE_START: &str = "Engine start";

/// A fact's name in the page's language, and its value.
pub(crate) type Fact = (String, String);

fn fact(name: &str, value: String) -> Fact {
    (say(name), value)
}

/// What the answers of this visit come to.
pub(crate) fn live_facts(state: &State) -> Vec<Fact> {
    let metrics = &state.metrics;
    let mut facts = vec![fact(ITEMS, metrics.n_items().to_string())];
    if let Some(per_minute) = metrics.per_minute() {
        let seconds = number(metrics.busy() / 1e3, 1);
        let value = fill(
            "{rate} over {seconds} s of work",
            &[("rate", &rate(per_minute)), ("seconds", &seconds)],
        );
        facts.push(fact(THROUGHPUT, value));
    }
    if let Some(flavour) = state.flavour() {
        facts.push(fact(ENGINE, flavour.title().to_owned()));
        facts.push(fact(WORKERS, state.n_workers().to_string()));
    }
    if let Some(bytes) = metrics.memory() {
        facts.push(fact(MEMORY, size(bytes as u64)));
    }
    facts
}

/// Heading of what loading took.
pub(crate) fn loads() -> String {
    say("Loading a model, once per start of the engine")
}

/// Its columns.
pub(crate) fn load_columns() -> Vec<String> {
    [MODEL, PARSE, OPTIMISE, FIRST_RUN, "Warm-up"]
        .map(say)
        .to_vec()
}

/// What the live figures are of.
pub(crate) fn live_note() -> String {
    fill(
        "The first result after the engine starts is kept apart: it pays for what later ones find done. Percentiles are of the latest {n} results at most; n says how many. Rows of tables count as items and have no percentiles. Memory is that of one worker, the largest.",
        &[("n", &KEPT.to_string())],
    )
}

/// A time as the figures of measurements have it: two decimals below 1 ms, none from 100 ms on.
pub(crate) fn fine_time(time: f64) -> String {
    if time < 0.995 {
        format!("{} ms", number(time, 2))
    } else {
        milliseconds(time)
    }
}

/// What a part of loading took; a dash for one that was left out.
pub(crate) fn load_time(time: f64) -> String {
    match time > 0.0 {
        true => fine_time(time),
        false => "–".to_owned(),
    }
}

/// A round number as it stands at a scale.
pub(crate) fn tick(value: f64) -> String {
    let decimals = (0..4).find(|decimals| {
        let shifted = value * 10_f64.powi(*decimals);
        (shifted - shifted.round()).abs() < 1e-6
    });
    number(value, decimals.unwrap_or(4) as usize)
}

/// From one time to another.
pub(crate) fn time_range(from: f64, to: f64) -> String {
    format!("{}–{} ms", tick(from), tick(to))
}

/// What a histogram shows.
pub(crate) fn histogram(summary: &Summary) -> String {
    fill(
        "How often which time came, n = {n}: half took at most {p50}, 95 of 100 at most {p95}.",
        &[
            ("n", &summary.n.to_string()),
            ("p50", &fine_time(summary.p50)),
            ("p95", &fine_time(summary.p95)),
        ],
    )
}

/// What a group's answers came to. `cold` are its first results.
pub(crate) fn group(cold: &[f64], total: Option<&Summary>) -> String {
    let first: Vec<String> = cold.iter().map(|time| fine_time(*time)).collect();
    let first = first.join(", ");
    match total {
        Some(Summary { n, p50, p95, .. }) => fill(
            "First result: {first}. After it, n = {n}: P50 {p50}, P95 {p95}.",
            &[
                ("first", &first),
                ("n", &n.to_string()),
                ("p50", &fine_time(*p50)),
                ("p95", &fine_time(*p95)),
            ],
        ),
        None => fill(
            "First result: {first}. Percentiles begin with the next one.",
            &[("first", &first)],
        ),
    }
}

/// What a drawing of stages is called.
pub(crate) fn stages_of(name: &str) -> String {
    fill("{name}: time per stage", &[("name", name)])
}

/// What a drawing of total times is called.
pub(crate) fn totals_of(name: &str) -> String {
    fill("{name}: total times", &[("name", name)])
}

/// What a drawing of a lab's runs is called.
pub(crate) fn runs_of(name: &str) -> String {
    fill("{name}: times of the runs", &[("name", name)])
}

/// What a part of the page with figures of `name` is called.
pub(crate) fn measured(name: &str) -> String {
    fill("{name}, measured", &[("name", name)])
}

/// A rate per minute.
pub(crate) fn rate(per_minute: f64) -> String {
    let n = number(per_minute, usize::from(per_minute < 100.0));
    fill("{n} per minute", &[("n", &n)])
}

/// A median with its 95 % interval.
pub(crate) fn with_interval(median: f64, interval: Option<(f64, f64)>) -> String {
    match interval {
        Some((low, high)) => format!(
            "{} ({}–{})",
            fine_time(median),
            fine_time(low).trim_end_matches(" ms"),
            fine_time(high).trim_end_matches(" ms"),
        ),
        None => fine_time(median),
    }
}

/// Heading of the latency lab.
pub(crate) fn lab() -> String {
    say("Latency lab")
}

/// What the lab does.
pub(crate) fn lab_what() -> String {
    say(
        "Runs one model over and over on a made-up input, in a worker of its own, so that starting the engine is measured too. The input is always the same; no picture or text of yours is used.",
    )
}

/// Said when the lab begins.
pub(crate) fn lab_runs() -> String {
    say("The latency lab is measuring.")
}

/// Said when the lab ends.
pub(crate) fn lab_done() -> String {
    say("The latency lab is done.")
}

/// Heading of the lab's results.
pub(crate) fn lab_results() -> String {
    say("Results of the lab")
}

/// Columns of the table that compares runs.
pub(crate) fn lab_columns() -> Vec<String> {
    [
        MODEL,
        ENGINE,
        "n",
        ENGINE_START,
        "Parse and optimise",
        FIRST_RUN,
        MEDIAN,
        "P95",
        "P99",
        THROUGHPUT,
        MEMORY,
    ]
    .map(say)
    .to_vec()
}

const MEDIAN: &str = "P50 (95 % interval)";

/// Labels of the lab's lists: model, engine, number of runs.
pub(crate) fn lab_lists() -> [String; 3] {
    [MODEL, ENGINE, "Runs"].map(say)
}

/// Begins a measurement.
pub(crate) fn run() -> String {
    say("Run")
}

/// Ends a measurement early.
pub(crate) fn stop() -> String {
    say("Stop")
}

/// What the progress bar of the lab is called.
pub(crate) fn measuring() -> String {
    say("Runs measured")
}

/// Heading of what was measured once.
pub(crate) fn cold() -> String {
    say("Cold: once per visit")
}

/// Heading of what was measured over and over.
pub(crate) fn steady() -> String {
    say("Steady: every run after the warm-up")
}

/// What the table of a run's operators is called.
pub(crate) fn operators() -> String {
    say("Where the time of one run goes, by kind of operator")
}

/// Its columns.
pub(crate) fn operator_columns() -> Vec<String> {
    ["Operator", "n", "Time", "Share"].map(say).to_vec()
}

/// Its rows. Names of operators are the engine's and the same in every language.
pub(crate) fn operator_rows(operators: &[OperatorShare]) -> Vec<Vec<String>> {
    let total: f64 = operators.iter().map(|share| share.time).sum();
    let row = |share: &OperatorShare| {
        vec![
            share.operator.clone(),
            share.n.to_string(),
            fine_time(share.time),
            percent(share.time / total.max(f64::MIN_POSITIVE)),
        ]
    };
    operators.iter().map(row).collect()
}

/// What the table of all runs is called.
pub(crate) fn compared() -> String {
    say("All runs of this visit, side by side")
}

/// Saves what was measured.
pub(crate) fn download_report() -> String {
    say("Download report")
}

/// Copies what was measured.
pub(crate) fn copy_markdown() -> String {
    say("Copy as Markdown")
}

/// Drops what was measured.
pub(crate) fn clear_runs() -> String {
    say("Clear runs")
}

/// Heading of what a device has.
pub(crate) fn this_device() -> String {
    say("This device")
}

/// What the lab does right now.
pub(crate) fn lab_step(step: LabStep, done: usize, rounds: usize) -> String {
    match step {
        LabStep::StartingEngine => say("Starting an engine"),
        LabStep::Fetching => say("Fetching the model"),
        LabStep::Loading => say("Loading the model"),
        LabStep::WarmingUp => say("Warming up"),
        LabStep::Profiling => say("Looking where the time goes"),
        LabStep::Measuring | LabStep::Done | LabStep::Stopped => fill(
            "{done} of {all} runs",
            &[("done", &done.to_string()), ("all", &rounds.to_string())],
        ),
    }
}

/// What a run of the lab is called.
pub(crate) fn run_title(model: &str, run: &Run) -> String {
    let shape: Vec<String> = run.shape.iter().map(ToString::to_string).collect();
    fill(
        "{model}, {engine}, input {shape}",
        &[
            ("model", model),
            ("engine", run.choice.flavour.title()),
            ("shape", &shape.join(" × ")),
        ],
    )
}

/// What was measured once.
pub(crate) fn cold_facts(run: &Run) -> Vec<Fact> {
    let time = fine_time(run.fetch);
    let fetched = match run.network_bytes {
        Some(bytes) if bytes > 0.0 => fill(
            "{time}, {size} over the network",
            &[("time", &time), ("size", &size(bytes as u64))],
        ),
        _ => fill("{time}, kept on this device", &[("time", &time)]),
    };
    vec![
        fact(ENGINE_START, fine_time(run.engine_start)),
        fact("Model file", fetched),
        fact(PARSE, fine_time(run.load.parse)),
        fact(OPTIMISE, fine_time(run.load.optimise)),
        fact(FIRST_RUN, fine_time(run.first_run)),
    ]
}

/// What was measured over and over.
pub(crate) fn steady_facts(run: &Run, summary: &Summary) -> Vec<Fact> {
    vec![
        fact("n", summary.n.to_string()),
        fact(LEAST, fine_time(summary.min)),
        fact(MEDIAN, with_interval(summary.p50, run.interval())),
        fact("P95", fine_time(summary.p95)),
        fact("P99", fine_time(summary.p99)),
        fact(MOST, fine_time(summary.max)),
        fact("Mean", fine_time(summary.mean)),
        fact(THROUGHPUT, run.per_minute().map(rate).unwrap_or_default()),
        fact(MEMORY, size(run.memory as u64)),
    ]
}

/// What makes figures less good than they could be.
pub(crate) fn warning(warning: Warning) -> String {
    match warning {
        Warning::Hidden => say(
            "The page was out of view during this run, and browsers give hidden pages less of the processor. Run it again with the page in view.",
        ),
        Warning::Throttled(gap) => fill(
            "A timer of the page came {time} late: the browser or the device was holding the page back. Run it again when nothing else is going on.",
            &[("time", &fine_time(gap))],
        ),
        Warning::Unsteady(times) => fill(
            "P95 is {times} times P50: something else used the processor, or the device changed its speed. Run it again, or trust the least and P50 more than the rest.",
            &[("times", &number(times, 1))],
        ),
        Warning::Coarse => say(
            "The times are near the steps in which browsers tell the time (0.1 to 1 ms unless a page is isolated): read them as an order of magnitude.",
        ),
        Warning::Stopped(n) => counted(n, "Stopped after 1 run.", "Stopped after {n} runs."),
    }
}

/// What a device says of itself.
pub(crate) fn device(device: &Device) -> Vec<Fact> {
    vec![
        fact(
            "Logical processors",
            device.hardware_concurrency.to_string(),
        ),
        fact("Browser", device.user_agent.clone()),
    ]
}

/// Why each fast path is on or off. `flavours` are the engines of this site that run here.
pub(crate) fn fast_paths(device: &Device, flavours: &[Flavour]) -> [String; 2] {
    let relaxed = if flavours.contains(&Flavour::Relaxed) {
        "Relaxed SIMD: on. This browser has it."
    } else if device.relaxed_simd {
        "Relaxed SIMD: off. This browser has it, but this site was built without that engine."
    } else {
        "Relaxed SIMD: off. This browser does not have it; SIMD runs instead."
    };
    let threads = if flavours.contains(&Flavour::Threads) {
        "Threads within one run: on. This page is isolated, as they need it."
    } else if device.cross_origin_isolated {
        "Threads within one run: off. This page is isolated, as they need it, but the browser has no relaxed SIMD or the device no second core."
    } else {
        "Threads within one run: off. They need the page to be cross-origin isolated, which it is from the second visit on where this browser keeps sites for use without a network."
    };
    [relaxed, threads].map(say)
}

/// Heading of the count of requests.
pub(crate) fn requests_heading() -> String {
    say("Requests since this page was ready")
}

/// What is counted.
pub(crate) fn requests_note() -> String {
    say(
        "Counted by the browser: what the page itself asked for after its program was up, such as the engine, models, labels and sample pictures. The engine's worker is started from what the page fetched and checked, and asks for nothing itself. Pictures and texts are never part of a request.",
    )
}

/// How many requests went where.
pub(crate) fn requests(tally: Tally) -> String {
    let own = counted(
        tally.own,
        "1 request to this site",
        "{n} requests to this site",
    );
    fill(
        "{own}, {foreign} to anywhere else.",
        &[("own", &own), ("foreign", &tally.foreign.to_string())],
    )
}

// The models on this device, and the site without a network.

/// Said when a newer version of the site is here.
pub(crate) fn new_version() -> String {
    say("A new version is ready.")
}
/// Stands beside the button that loads the newer version.
pub(crate) fn new_version_costs(keeps_results: bool) -> String {
    if keeps_results {
        fill(
            "Updating loads the page anew: what is still being worked on is lost, and so are the files you added. The latest {n} results of pictures and texts stay; tables do not.",
            &[("n", &MOST_KEPT.to_string())],
        )
    } else {
        say(
            "Updating loads the page anew: the files you added are lost, and so are all results, because none is kept on this device.",
        )
    }
}
pub(crate) fn update() -> String {
    say("Update")
}
/// Shown without a network.
pub(crate) fn offline() -> String {
    say("Offline: what is here keeps working.")
}
pub(crate) fn delete_all() -> String {
    say("Delete all models")
}

/// Said when the network came or went.
pub(crate) fn connection(connection: Connection) -> String {
    match connection {
        Connection::Online => say("Online again."),
        Connection::Offline => offline(),
    }
}

/// The button that fetches a model, stops that, or removes the model from the disk: what it says,
/// and its name, which tells it from the other models' buttons.
pub(crate) fn keeping(place: Place, title: &str) -> (String, String) {
    let (button, name) = match place {
        Place::OnDisk => ("Delete", "Delete {title}"),
        Place::Downloading(_) => ("Cancel", "Cancel"),
        _ => ("Fetch", "Fetch {title}"),
    };
    (say(button), fill(name, &[("title", title)]))
}

/// Said when models were removed from the disk, of which some are in memory still.
pub(crate) fn deleted(n: usize, n_in_memory: usize) -> String {
    let deleted = counted(
        n,
        "1 model deleted from this device.",
        "{n} models deleted from this device.",
    );
    match n_in_memory {
        0 => deleted,
        _ => format!(
            "{deleted} {}",
            say("What is in use stays in memory until the page is closed.")
        ),
    }
}

/// Where a model is, in a word or two.
pub(crate) fn place(place: Place) -> String {
    match place {
        Place::Nowhere => say("Not downloaded"),
        Place::Downloading(_) => say("Downloading"),
        Place::PartOnDisk(_) => say("Partly downloaded"),
        Place::OnDisk => say("Downloaded"),
        Place::MemoryOnly => say("In memory only"),
    }
}

/// How much of a model is where. `bytes` is the whole.
pub(crate) fn place_figures(place: Place, bytes: u64) -> String {
    let on_device = |size: &str| fill("{size} on this device", &[("size", size)]);
    match place {
        Place::Nowhere => fill("{size} to fetch", &[("size", &size(bytes))]),
        Place::Downloading(at) => transfer(at, bytes),
        Place::PartOnDisk(received) => {
            let at = Transfer {
                received,
                speed: None,
            };
            on_device(&transfer(at, bytes))
        }
        Place::OnDisk => on_device(&size(bytes)),
        Place::MemoryOnly => say("until the page is closed"),
    }
}

/// What models take on the disk, how much room there is as far as the browser says, and why models
/// are not kept, if they are not.
pub(crate) fn shelf(shelf: &Shelf, not_kept: Option<&NotKept>) -> String {
    let models = size(shelf.on_disk.iter().sum());
    let mut sentences = vec![fill(
        "Models take {size} on this device.",
        &[("size", &models)],
    )];
    if let (Some(used), Some(quota)) = (shelf.used, shelf.quota) {
        sentences.push(fill(
            "The site takes {used} of the {quota} that the browser allows.",
            &[("used", &size(used)), ("quota", &size(quota))],
        ));
    }
    if let Some(reason) = not_kept {
        sentences.push(say(
            "Some are in memory only and must be fetched again on the next visit:",
        ));
        sentences.push(match reason {
            NotKept::Full => say(
                "there is no room left. Delete models that you do not need, or free space on the device.",
            ),
            NotKept::Unavailable { detail } => fill(
                "this browser does not let the page keep files, as in a private window ({detail}).",
                &[("detail", detail)],
            ),
        });
    }
    sentences.join(" ")
}

#[cfg(test)]
mod tests {
    use vitrine_protocol::{AnalysisTimes, Failure, PictureError, RequestId};

    use super::*;

    #[test]
    fn figures_have_one_decimal_where_it_says_something() {
        assert_eq!(percent(0.8731), "87.3 %");
        assert_eq!(percent(1.0), "100.0 %");
        assert_eq!(milliseconds(1.84), "1.8 ms");
        assert_eq!(milliseconds(99.96), "100 ms");
        assert_eq!(milliseconds(1234.5), "1234 ms");
        assert_eq!(size(9_332_381), "9.3 MB");
        assert_eq!(size(431_000), "431 KB");
    }

    #[test]
    fn a_download_never_shows_more_than_there_is() {
        let received = |received, speed| transfer(Transfer { received, speed }, 9_332_381);
        assert_eq!(received(3_140_000, None), "3.1 of 9.3 MB");
        assert_eq!(received(10_000_000, None), "9.3 of 9.3 MB");
        assert_eq!(
            received(3_140_000, Some(2_100_000)),
            "3.1 of 9.3 MB · 2.1 MB/s · 3 s left"
        );
        assert_eq!(
            received(0, Some(50_000)),
            "0.0 of 9.3 MB · 50 KB/s · 4 min left"
        );
        assert_eq!(received(5, Some(0)), "0.0 of 9.3 MB · 0 KB/s");
    }

    #[test]
    fn batches_are_announced_now_and_then() {
        let item = Item {
            id: RequestId(0),
            name: "a.jpg".to_owned(),
            content: Content::Picture(Picture {
                classes: Some(Step::Failed(Failure::Picture(PictureError::Svg))),
                ..Picture::default()
            }),
        };
        assert_eq!(outcome(&item, 20).as_deref(), Some("20 items left."));
        assert_eq!(outcome(&item, 19), None);
        assert_eq!(outcome(&item, 0).as_deref(), Some("Done, with errors."));
    }

    #[test]
    fn numbers_agree_with_their_nouns() {
        assert_eq!(working(1), "Working on 1 item.");
        assert_eq!(working(2), "Working on 2 items.");
        assert_eq!(cancelled(1), "Cancelled, 1 item dropped.");
        assert_eq!(cancelled(0), "Cancelled.");
        assert_eq!(rows(1), "1 row");
        assert_eq!(
            replaced(1).as_deref(),
            Some("1 byte was no UTF-8 and stands as �.")
        );
        assert_eq!(replaced(0), None);
    }

    #[test]
    fn a_text_is_called_by_its_first_words() {
        assert_eq!(first_words("  Thank you\nso much "), "Thank you so much");
        assert_eq!(
            first_words("one two three four five six seven eight nine"),
            "one two three four five six seven eight…"
        );
        let long = "ü".repeat(200);
        assert_eq!(first_words(&long).chars().count(), NAME_CHARACTERS + 1);
        assert_eq!(first_words(" \n"), "");
    }

    #[test]
    fn truncation_is_said_only_where_it_happened() {
        let mut analysis = Analysis {
            excerpt: String::new(),
            answers: Vec::new(),
            n_tokens: 300,
            n_read: 256,
            n_replaced: 0,
            times: AnalysisTimes::default(),
        };
        assert!(truncated(&analysis).is_some_and(|words| words.contains("256 of 300")));
        analysis.n_tokens = 256;
        assert_eq!(truncated(&analysis), None);
    }

    #[test]
    fn a_figure_says_on_what_how_often_and_when() {
        let measured = Card {
            dataset: "ImageNet samples".to_owned(),
            metric: "top-1 accuracy".to_owned(),
            value: 0.89,
            interval: [0.8595, 0.9145],
            n: 500,
            date: "2026-11-24".to_owned(),
            command: "vitrine evaluate".to_owned(),
        };
        assert_eq!(
            card(&measured),
            "89.0 % top-1 accuracy (95 % interval 86.0–91.5 %), n = 500: ImageNet samples; 2026-11-24"
        );
        let rare = Card {
            metric: "character error rate".to_owned(),
            value: 0.0041,
            interval: [0.003, 0.0053],
            ..measured
        };
        assert!(card(&rare).starts_with("0.41 % character error rate (95 % interval 0.30–0.53 %)"));
    }

    #[test]
    fn times_have_as_many_decimals_as_they_can_bear() {
        assert_eq!(fine_time(0.014), "0.01 ms");
        assert_eq!(fine_time(0.996), "1.0 ms");
        assert_eq!(fine_time(63.27), "63.3 ms");
        assert_eq!(fine_time(250.7), "251 ms");
        assert_eq!(
            (load_time(63.27).as_str(), load_time(0.0).as_str()),
            ("63.3 ms", "–")
        );
        assert_eq!(
            with_interval(63.2, Some((61.0, 64.51))),
            "63.2 ms (61.0–64.5)"
        );
        assert_eq!(with_interval(63.2, None), "63.2 ms");
    }

    #[test]
    fn scales_have_no_needless_digits() {
        assert_eq!(tick(20.0), "20");
        assert_eq!(tick(0.30000000000000004), "0.3");
        assert_eq!(time_range(60.0, 60.5), "60–60.5 ms");
    }

    #[test]
    fn requests_are_counted_in_words() {
        let tally = Tally { own: 1, foreign: 0 };
        assert_eq!(
            requests(tally),
            "1 request to this site, 0 to anywhere else."
        );
    }
}
