//! Answers and how long they took.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Width and height in pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
}

/// One class with its score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Class {
    /// Position in the model's output.
    pub index: usize,
    /// Name for people; shared, because thousands of answers say the same names.
    pub label: Arc<str>,
    /// The model's raw output.
    pub logit: f32,
    /// Softmax over all classes, or the sigmoid of this one, 0 to 1.
    pub probability: f32,
}

/// What a picture was classified as.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Classification {
    /// The model's id.
    pub model: String,
    /// Best first.
    pub classes: Vec<Class>,
    /// The picture.
    pub picture: PictureFacts,
    /// How long each stage took.
    pub times: StageTimes,
}

/// What is known of a picture that was decoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PictureFacts {
    /// Size of the picture as a person sees it, after its EXIF orientation.
    pub size: Size,
    /// Size of the thumbnail that travels beside the answer.
    pub thumbnail: Size,
}

/// A place in a picture, in pixels of the original from its top left corner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Pixels from the left edge.
    pub x: f32,
    /// Pixels from the top edge.
    pub y: f32,
}

/// One line of text in a picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Corners around the line in pixels of the original picture, clockwise as the line is read:
    /// the first is where its first character has its top left.
    pub quad: [Point; 4],
    /// What it says.
    pub text: String,
    /// Mean probability of its characters, 0 to 1.
    pub confidence: f32,
}

/// The text in a picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// In reading order; empty where there is no text.
    pub lines: Vec<Line>,
    /// The picture.
    pub picture: PictureFacts,
    /// How long each stage took.
    pub times: ReadingTimes,
}

/// What a text was found to express.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Analysis {
    /// The text as it was read, or as much of its beginning as is shown.
    pub excerpt: String,
    /// One answer per text classifier, in the order of the registry.
    pub answers: Vec<TextAnswer>,
    /// Tokens of the text, with the two that mark beginning and end.
    pub n_tokens: usize,
    /// Tokens that were read; fewer than `n_tokens` where the text is too long for the encoder.
    pub n_read: usize,
    /// Bytes of the file that are no UTF-8 and were replaced by `�`.
    pub n_replaced: usize,
    /// How long each stage took.
    pub times: AnalysisTimes,
}

/// What one classifier says of a text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TextAnswer {
    /// The model's id.
    pub model: String,
    /// Best first.
    pub classes: Vec<Class>,
    /// How many of `classes` hold, from the first on: those above their thresholds, or the best.
    pub n_holding: usize,
}

/// A table of texts that was opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableFacts {
    /// Names of the columns; `Column 1` and so on where the file names none.
    pub columns: Vec<String>,
    /// Rows, without the one that names the columns.
    pub n_rows: usize,
    /// The column whose cells are the longest texts.
    pub likely_column: usize,
    /// Cells of the first rows.
    pub preview: Vec<Vec<String>>,
    /// Bytes that are no UTF-8 and were replaced by `�`.
    pub n_replaced: usize,
}

/// What the best class of each classifier is for one row of a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RowAnalysis {
    /// Number of the row, from 0.
    pub row: usize,
    /// The beginning of its text.
    pub excerpt: String,
    /// One answer per text classifier; empty for a cell without text.
    pub answers: Vec<TextAnswer>,
}

/// Milliseconds per stage of one picture's classification.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StageTimes {
    /// File bytes to oriented RGB pixels.
    pub decode: f64,
    /// Pixels to the input tensor.
    pub preprocess: f64,
    /// Input tensor to output tensor.
    pub infer: f64,
    /// Output tensor to named classes.
    pub postprocess: f64,
}

/// Milliseconds per stage of reading the text in one picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ReadingTimes {
    /// File bytes to oriented RGB pixels; 0 where they were decoded for another task before.
    pub decode: f64,
    /// Pixels to boxes around lines.
    pub detect: f64,
    /// Cutting the lines out and turning them upright.
    pub direct: f64,
    /// Lines to characters.
    pub recognise: f64,
}

/// Milliseconds per stage of one text's analysis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AnalysisTimes {
    /// Text to token ids.
    pub tokenise: f64,
    /// Token ids to features.
    pub encode: f64,
    /// Features to named classes, all classifiers together.
    pub classify: f64,
}

/// Stages with their names and milliseconds, in the order they run.
pub trait Stages {
    /// The stages.
    fn stages(&self) -> Vec<(&'static str, f64)>;

    /// Milliseconds of all stages together.
    fn total(&self) -> f64 {
        self.stages().iter().map(|(_, time)| time).sum()
    }
}

impl Stages for StageTimes {
    fn stages(&self) -> Vec<(&'static str, f64)> {
        vec![
            ("Decode", self.decode),
            ("Preprocess", self.preprocess),
            ("Infer", self.infer),
            ("Postprocess", self.postprocess),
        ]
    }
}

impl Stages for ReadingTimes {
    fn stages(&self) -> Vec<(&'static str, f64)> {
        vec![
            ("Decode", self.decode),
            ("Detect", self.detect),
            ("Direct", self.direct),
            ("Recognise", self.recognise),
        ]
    }
}

impl Stages for AnalysisTimes {
    fn stages(&self) -> Vec<(&'static str, f64)> {
        vec![
            ("Tokenise", self.tokenise),
            ("Encode", self.encode),
            ("Classify", self.classify),
        ]
    }
}

/// What all operators of one kind take in a run of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OperatorShare {
    /// Kind of operator, in the engine's words.
    pub operator: String,
    /// How many the model has.
    pub n: usize,
    /// Milliseconds of all of them together.
    pub time: f64,
}

/// Milliseconds per part of loading a model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LoadTimes {
    /// File bytes to the engine's graph.
    pub parse: f64,
    /// Graph to execution plan.
    pub optimise: f64,
    /// First runs, after which times are steady; 0 where the first answer was awaited already, or the
    /// input's size is not known before.
    pub warm_up: f64,
    /// The first of those runs; 0 where there were none.
    #[serde(default)]
    pub first_run: f64,
}
