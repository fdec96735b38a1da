//! What a person added, and how far each is.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vitrine_protocol::{
    Analysis, Classification, Failure, Flavour, PictureError, PictureFormat, Reading, RequestId,
    RowAnalysis, Size, Stages as _, TableFacts,
};

use super::compare::{self, Comparison};

/// One thing a person added.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Item {
    /// Names the item, rising in the order of adding.
    pub(crate) id: RequestId,
    /// The file's name, or the first words of a text that was typed.
    pub(crate) name: String,
    /// What it is.
    pub(crate) content: Content,
}

/// What an item is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Content {
    Picture(Picture),
    Text(Text),
    Table(Table),
}

/// A picture with the tasks that are wanted of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Picture {
    pub(crate) classes: Option<Step<Classification>>,
    pub(crate) reading: Option<Step<Reading>>,
    /// What other models say, in the order they were asked.
    pub(crate) others: Vec<Comparison>,
    pub(crate) thumbnail: Option<Arc<Thumbnail>>,
}

/// A text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Text {
    /// What was typed; `None` for a file.
    pub(crate) typed: Option<String>,
    pub(crate) step: Step<Analysis>,
    /// What is shown while a newer version of the text is on its way.
    pub(crate) earlier: Option<Arc<Answer<Analysis>>>,
}

/// A table of texts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Table {
    pub(crate) stage: TableStage,
    /// Rows that were analysed, in order.
    pub(crate) rows: Vec<RowAnalysis>,
    /// How often each class held, by model and by label.
    pub(crate) totals: BTreeMap<String, BTreeMap<String, usize>>,
    /// Milliseconds that the analysed rows took.
    pub(crate) time: f64,
}

/// How far a table is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum TableStage {
    /// Waits to be opened, or is being opened.
    Opening {
        is_working: bool,
    },
    /// Open; a person is to say which column holds the texts.
    Choosing(Arc<TableFacts>),
    /// Its rows are analysed one lot after another.
    Analysing {
        facts: Arc<TableFacts>,
        column: usize,
        is_working: bool,
    },
    /// Every row is analysed, or as many as were before it was stopped.
    Done {
        facts: Arc<TableFacts>,
        column: usize,
    },
    Failed(Failure),
}

/// How far one task of an item is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step<T> {
    Waiting,
    Working,
    Done(Arc<Answer<T>>),
    Failed(Failure),
}

impl<T> Step<T> {
    pub(crate) fn is_open(&self) -> bool {
        matches!(self, Step::Waiting | Step::Working)
    }
}

/// An answer with the engine that gave it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Answer<T> {
    pub(crate) value: T,
    pub(crate) flavour: Flavour,
}

/// A small copy of the picture.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Thumbnail {
    /// For a card: as the worker made it.
    Pixels {
        size: Size,
        /// Red, green, blue, alpha per pixel, row by row.
        rgba: Vec<u8>,
    },
    /// For a row of a batch: smaller still and compressed, as a `data:` address, because there are
    /// thousands.
    Address(String),
}

/// One thing to do for an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Job {
    /// A text that was typed, which someone looks at while it is done.
    AnalyseTyped,
    Classify,
    Read,
    Analyse,
    OpenTable,
    AnalyseRows,
    /// Classify with one more model.
    Compare,
}

impl Job {
    /// All of them; of one item's jobs the earlier is done first.
    pub(crate) const ALL: [Job; 7] = [
        Job::AnalyseTyped,
        Job::Classify,
        Job::Read,
        Job::Analyse,
        Job::OpenTable,
        Job::AnalyseRows,
        Job::Compare,
    ];

    /// Whether any worker that has the models can do it, so that several are worth having.
    pub(crate) fn is_shared(self) -> bool {
        matches!(self, Job::Classify | Job::Read | Job::Analyse)
    }
}

/// What a file is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileKind {
    Picture,
    Text,
    Table,
}

impl FileKind {
    /// Bytes of a file's beginning that [`FileKind::of`] is to see.
    pub(crate) const BEGINNING: u32 = 512;

    /// What a file says it is, by its name and the type that the browser says; `None` where it has
    /// neither an ending nor a type.
    ///
    /// Everything that is no text by its name counts as a picture: that decoder looks at the content
    /// and says so when it is none.
    pub(crate) fn named(name: &str, mime: &str) -> Option<FileKind> {
        let extension = name
            .rsplit_once('.')
            .map(|(_, extension)| extension.to_ascii_lowercase())
            .unwrap_or_default();
        match (extension.as_str(), mime) {
            ("csv" | "tsv", _) => Some(FileKind::Table),
            ("txt" | "md" | "markdown" | "text", _) => Some(FileKind::Text),
            (_, "text/csv") => Some(FileKind::Table),
            (_, "text/plain" | "text/markdown") => Some(FileKind::Text),
            ("", "") => None,
            _ => Some(FileKind::Picture),
        }
    }

    /// What a file is, by what it says and by its first bytes: a picture that is called a text is one, and what says
    /// nothing is a text where it reads as one. A drawing in SVG that is called a text stays its source.
    pub(crate) fn of(named: Option<FileKind>, beginning: &[u8]) -> FileKind {
        // Every picture has one there; a text that happens to begin as a format does has none.
        let has_nul = beginning.contains(&0);
        match (PictureFormat::sniff(beginning), named) {
            (Ok(_) | Err(PictureError::UnsupportedFormat { .. }), _) if has_nul => {
                FileKind::Picture
            }
            (_, Some(kind)) => kind,
            (Err(PictureError::NotAPicture), None) if begins_as_text(beginning) => FileKind::Text,
            (_, None) => FileKind::Picture,
        }
    }
}

/// Whether these may be the first bytes of a text: UTF-8 without NUL, perhaps cut within a character,
/// or UTF-16 that says so.
fn begins_as_text(beginning: &[u8]) -> bool {
    let is_utf16 = beginning.starts_with(&[0xFF, 0xFE]) || beginning.starts_with(&[0xFE, 0xFF]);
    let is_utf8 = match str::from_utf8(beginning) {
        Ok(text) => !text.is_empty(),
        Err(error) => error.error_len().is_none(),
    };
    is_utf16 || (is_utf8 && !beginning.contains(&0))
}

impl Item {
    /// The job that is next, if one waits.
    pub(crate) fn waiting(&self) -> Option<Job> {
        match &self.content {
            Content::Picture(picture) => match (&picture.classes, &picture.reading) {
                (Some(Step::Waiting), _) => Some(Job::Classify),
                (_, Some(Step::Waiting)) => Some(Job::Read),
                _ => {
                    let mut others = picture.others.iter();
                    let waits = others.any(|other| other.step == Step::Waiting);
                    waits.then_some(Job::Compare)
                }
            },
            Content::Text(text) => {
                let job = match text.typed {
                    Some(_) => Job::AnalyseTyped,
                    None => Job::Analyse,
                };
                (text.step == Step::Waiting).then_some(job)
            }
            Content::Table(table) => match table.stage {
                TableStage::Opening { is_working: false } => Some(Job::OpenTable),
                TableStage::Analysing {
                    is_working: false, ..
                } => Some(Job::AnalyseRows),
                _ => None,
            },
        }
    }

    /// All jobs that wait, in the order they are done.
    pub(crate) fn all_waiting(&self) -> Vec<Job> {
        match &self.content {
            Content::Picture(picture) => {
                let classify = picture.classes == Some(Step::Waiting);
                let read = picture.reading == Some(Step::Waiting);
                let mut others = picture.others.iter();
                let compare = others.any(|other| other.step == Step::Waiting);
                let jobs = [
                    (classify, Job::Classify),
                    (read, Job::Read),
                    (compare, Job::Compare),
                ];
                jobs.into_iter()
                    .filter_map(|(waits, job)| waits.then_some(job))
                    .collect()
            }
            _ => self.waiting().into_iter().collect(),
        }
    }

    /// Whether one of its jobs is being worked on.
    pub(crate) fn is_working(&self) -> bool {
        match &self.content {
            Content::Picture(picture) => {
                let mut others = picture.others.iter();
                picture.classes == Some(Step::Working)
                    || picture.reading == Some(Step::Working)
                    || others.any(|other| other.step == Step::Working)
            }
            Content::Text(text) => text.step == Step::Working,
            Content::Table(table) => matches!(
                table.stage,
                TableStage::Opening { is_working: true }
                    | TableStage::Analysing {
                        is_working: true,
                        ..
                    }
            ),
        }
    }

    /// Whether it can be a row of a batch: a file that is done once without any more questions.
    pub(crate) fn is_row(&self) -> bool {
        match &self.content {
            Content::Picture(_) => true,
            Content::Text(text) => text.typed.is_none(),
            Content::Table(_) => false,
        }
    }

    /// What failed of it.
    pub(crate) fn failure(&self) -> Option<&Failure> {
        match &self.content {
            Content::Picture(picture) => match (&picture.classes, &picture.reading) {
                (Some(Step::Failed(failure)), _) | (_, Some(Step::Failed(failure))) => {
                    Some(failure)
                }
                _ => None,
            },
            Content::Text(text) => match &text.step {
                Step::Failed(failure) => Some(failure),
                _ => None,
            },
            Content::Table(table) => match &table.stage {
                TableStage::Failed(failure) => Some(failure),
                _ => None,
            },
        }
    }

    /// Milliseconds that a row's answers took, all stages together.
    pub(crate) fn time(&self) -> f64 {
        fn of<T>(step: Option<&Step<T>>, times: impl Fn(&T) -> f64) -> f64 {
            match step {
                Some(Step::Done(answer)) => times(&answer.value),
                _ => 0.0,
            }
        }
        match &self.content {
            Content::Picture(picture) => {
                of(picture.classes.as_ref(), |value| value.times.total())
                    + of(picture.reading.as_ref(), |value| value.times.total())
            }
            Content::Text(text) => of(Some(&text.step), |value| value.times.total()),
            Content::Table(_) => 0.0,
        }
    }

    /// Whether anything is still to be done for it.
    pub(crate) fn is_open(&self) -> bool {
        self.is_working() || !self.all_waiting().is_empty()
    }

    /// Says that a job of it is being worked on.
    pub(crate) fn start(&mut self, job: Job) {
        match (&mut self.content, job) {
            (Content::Picture(picture), Job::Classify) => picture.classes = Some(Step::Working),
            (Content::Picture(picture), Job::Read) => picture.reading = Some(Step::Working),
            (Content::Picture(picture), Job::Compare) => {
                let mut others = picture.others.iter_mut();
                if let Some(other) = others.find(|other| other.step == Step::Waiting) {
                    other.step = Step::Working;
                }
            }
            (Content::Text(text), _) => text.step = Step::Working,
            (Content::Table(table), _) => table.set_working(true),
            (Content::Picture(_), _) => {}
        }
    }

    /// Gives the job being worked on a failure.
    pub(crate) fn fail(&mut self, failure: Failure) {
        match &mut self.content {
            Content::Picture(picture) => {
                if picture.classes == Some(Step::Working) {
                    picture.classes = Some(Step::Failed(failure.clone()));
                    // What cannot be decoded for one task cannot be for the other.
                    if matches!(failure, Failure::Picture(_)) {
                        picture.reading = None;
                    }
                } else if picture.reading == Some(Step::Working) {
                    picture.reading = Some(Step::Failed(failure));
                } else if let Some(other) = compare::working(picture) {
                    other.step = Step::Failed(failure);
                }
            }
            Content::Text(text) => text.step = Step::Failed(failure),
            Content::Table(table) => table.stage = TableStage::Failed(failure),
        }
    }

    /// Says that nothing is being done for it: what was, waits again.
    pub(crate) fn rest(&mut self) {
        fn rest<T: PartialEq>(step: &mut Step<T>) {
            if *step == Step::Working {
                *step = Step::Waiting;
            }
        }
        match &mut self.content {
            Content::Picture(picture) => {
                picture.classes.iter_mut().for_each(rest);
                picture.reading.iter_mut().for_each(rest);
                let others = picture.others.iter_mut();
                others.for_each(|other| rest(&mut other.step));
            }
            Content::Text(text) => rest(&mut text.step),
            Content::Table(table) => table.set_working(false),
        }
    }

    /// Drops what is not finished; `false` when nothing is left of the item.
    pub(crate) fn drop_open(&mut self) -> bool {
        match &mut self.content {
            Content::Picture(picture) => {
                for_open(&mut picture.classes);
                for_open(&mut picture.reading);
                picture.others.retain(|other| !other.step.is_open());
                picture.classes.is_some() || picture.reading.is_some()
            }
            Content::Text(text) => !text.step.is_open(),
            Content::Table(table) => table.stop(),
        }
    }
}

fn for_open<T>(step: &mut Option<Step<T>>) {
    if step.as_ref().is_some_and(Step::is_open) {
        *step = None;
    }
}

impl Table {
    /// A table that waits to be opened.
    pub(crate) fn new() -> Table {
        Table {
            stage: TableStage::Opening { is_working: false },
            rows: Vec::new(),
            totals: BTreeMap::new(),
            time: 0.0,
        }
    }

    fn set_working(&mut self, working: bool) {
        if let TableStage::Opening { is_working } | TableStage::Analysing { is_working, .. } =
            &mut self.stage
        {
            *is_working = working;
        }
    }

    /// Takes in that the table can be read.
    pub(crate) fn open(&mut self, facts: TableFacts) {
        match &mut self.stage {
            // Opened again by a worker that was started anew: it goes on where it was.
            TableStage::Analysing { is_working, .. } => *is_working = false,
            stage => *stage = TableStage::Choosing(Arc::new(facts)),
        }
    }

    /// Takes the column that a person chose; rows of another column are dropped.
    pub(crate) fn choose(&mut self, column: usize) {
        if let TableStage::Choosing(facts) | TableStage::Done { facts, .. } = &self.stage {
            let facts = facts.clone();
            *self = Table::new();
            self.stage = TableStage::Analysing {
                facts,
                column,
                is_working: false,
            };
        }
    }

    /// Takes rows in.
    pub(crate) fn add(&mut self, rows: Vec<RowAnalysis>, time: f64) {
        for row in &rows {
            for answer in &row.answers {
                let totals = self.totals.entry(answer.model.clone()).or_default();
                for class in answer.classes.iter().take(answer.n_holding) {
                    *totals.entry(class.label.to_string()).or_default() += 1;
                }
            }
        }
        self.rows.extend(rows);
        self.time += time;
        if let TableStage::Analysing { facts, column, .. } = &self.stage {
            let (facts, column) = (facts.clone(), *column);
            self.stage = if self.rows.len() >= facts.n_rows {
                TableStage::Done { facts, column }
            } else {
                TableStage::Analysing {
                    facts,
                    column,
                    is_working: false,
                }
            };
        }
    }

    /// Stops where it is; `false` when it was not even open.
    fn stop(&mut self) -> bool {
        match &self.stage {
            TableStage::Opening { .. } => return false,
            TableStage::Analysing { facts, column, .. } => {
                let (facts, column) = (facts.clone(), *column);
                self.stage = if self.rows.is_empty() {
                    TableStage::Choosing(facts)
                } else {
                    TableStage::Done { facts, column }
                };
            }
            TableStage::Choosing(_) | TableStage::Done { .. } | TableStage::Failed(_) => {}
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use vitrine_protocol::{Class, TextAnswer};

    use super::*;

    #[track_caller]
    fn check_named(name: &str, mime: &str, expected: impl Into<Option<FileKind>>) {
        assert_eq!(FileKind::named(name, mime), expected.into());
    }

    #[test]
    fn a_name_counts_before_a_type() {
        check_named("a.CSV", "", FileKind::Table);
        check_named("a.tsv", "text/plain", FileKind::Table);
        check_named("notes.md", "", FileKind::Text);
        check_named("notes", "text/plain", FileKind::Text);
        check_named("photo.jpg", "image/jpeg", FileKind::Picture);
        check_named("model.onnx", "", FileKind::Picture);
        check_named("drawing.svg", "image/svg+xml", FileKind::Picture);
        check_named("photo", "image/jpeg", FileKind::Picture);
        check_named("README", "", None);
    }

    #[track_caller]
    fn check_kind(named: impl Into<Option<FileKind>>, beginning: &[u8], expected: FileKind) {
        assert_eq!(FileKind::of(named.into(), beginning), expected);
    }

    #[test]
    fn a_picture_is_one_whatever_it_is_called() {
        let png = b"\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR";
        check_kind(FileKind::Text, png, FileKind::Picture);
        check_kind(FileKind::Table, b"GIF89a\x01\0\x01\0", FileKind::Picture);
        check_kind(FileKind::Text, b"GIF89a is a format", FileKind::Text);
        check_kind(None, &[0xFF, 0xD8, 0xFF, 0xE0], FileKind::Picture);
        check_kind(FileKind::Text, b"\0\0\0\x18ftypheic", FileKind::Picture);
        check_kind(FileKind::Text, b"BMW is a maker of cars", FileKind::Text);
        check_kind(FileKind::Text, b"<svg>", FileKind::Text);
        check_kind(None, b"<svg>", FileKind::Picture);
        check_kind(FileKind::Table, b"PK\x03\x04", FileKind::Table);
    }

    #[test]
    fn what_says_nothing_is_a_text_where_it_reads_as_one() {
        check_kind(None, "für dich".as_bytes(), FileKind::Text);
        check_kind(None, &"für".as_bytes()[..2], FileKind::Text);
        check_kind(None, b"\xFF\xFEa\0", FileKind::Text);
        check_kind(None, b"", FileKind::Picture);
        check_kind(None, b"a\0", FileKind::Picture);
        check_kind(None, b"a\xFFb", FileKind::Picture);
    }

    fn facts(n_rows: usize) -> TableFacts {
        TableFacts {
            columns: vec!["text".to_owned()],
            n_rows,
            likely_column: 0,
            preview: Vec::new(),
            n_replaced: 0,
        }
    }

    fn row(row: usize, label: &str, n_holding: usize) -> RowAnalysis {
        let class = Class {
            index: 0,
            label: label.into(),
            logit: 1.0,
            probability: 0.7,
        };
        RowAnalysis {
            row,
            excerpt: String::new(),
            answers: vec![TextAnswer {
                model: "emotion".to_owned(),
                classes: vec![class],
                n_holding,
            }],
        }
    }

    #[test]
    fn a_table_is_done_with_its_last_row_and_counts_what_held() {
        let mut table = Table::new();
        table.open(facts(3));
        table.choose(0);
        table.add(vec![row(0, "joy", 1), row(1, "joy", 1)], 5.0);
        assert!(matches!(table.stage, TableStage::Analysing { .. }));
        table.add(vec![row(2, "anger", 0)], 2.0);
        assert!(matches!(table.stage, TableStage::Done { .. }));
        assert_eq!(table.totals["emotion"]["joy"], 2);
        assert!(!table.totals["emotion"].contains_key("anger"));
        assert_eq!(table.time, 7.0);
    }

    #[test]
    fn a_stopped_table_keeps_its_rows() {
        let mut table = Table::new();
        assert!(!table.stop(), "one that is not open leaves nothing");
        table.open(facts(3));
        table.choose(0);
        table.add(vec![row(0, "joy", 1)], 1.0);
        assert!(table.stop());
        assert!(matches!(table.stage, TableStage::Done { .. }));
        assert_eq!(table.rows.len(), 1);
    }

    #[test]
    fn choosing_another_column_begins_anew() {
        let mut table = Table::new();
        table.open(facts(1));
        table.choose(0);
        table.add(vec![row(0, "joy", 1)], 1.0);
        table.choose(0);
        assert!(table.rows.is_empty() && table.totals.is_empty());
    }
}
