//! What can go wrong, and how a person is told.

use serde::{Deserialize, Serialize};

use crate::GateError;

/// Anything that keeps an item from getting an answer, by stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Failure {
    /// The file cannot be read as a picture.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// The text or table cannot be read.
    #[error(transparent)]
    Text(#[from] TextError),
    /// The model's file cannot be had.
    #[error(transparent)]
    Download(#[from] DownloadError),
    /// The engine cannot load or run the model.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The file is refused before the engine reads it as a model.
    #[error(transparent)]
    Gate(#[from] GateError),
}

/// Why a file was not read as a picture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum PictureError {
    /// The browser could not hand over the bytes, for example because the file was moved.
    #[error("{detail}")]
    Unreadable {
        /// The browser's words.
        detail: String,
    },
    /// There are no bytes.
    #[error("the file is empty")]
    Empty,
    /// More bytes than the limit.
    #[error("the file has {bytes} bytes, more than the limit of {limit}")]
    TooManyBytes {
        /// Bytes met.
        bytes: u64,
        /// Most bytes accepted.
        limit: u64,
    },
    /// More pixels than the limit.
    #[error("the picture has {width} × {height} pixels, more than the limit of {limit}")]
    TooManyPixels {
        /// Width met.
        width: u32,
        /// Height met.
        height: u32,
        /// Most pixels accepted.
        limit: u64,
    },
    /// A side longer than the limit.
    #[error("the picture has {width} × {height} pixels, a longer side than the limit of {limit}")]
    SideTooLong {
        /// Width met.
        width: u32,
        /// Height met.
        height: u32,
        /// Longest side accepted.
        limit: u32,
    },
    /// A drawing in SVG, which is a program and not pixels.
    #[error("the file is an SVG drawing")]
    Svg,
    /// A picture format that browsers or phones write and this project does not read.
    #[error("the file is a {format} picture, which is not read here")]
    UnsupportedFormat {
        /// Name of the format: `HEIC`, `AVIF`, `TIFF`.
        format: String,
    },
    /// The bytes are no picture that is known here.
    #[error("the file does not start like any picture format")]
    NotAPicture,
    /// The picture starts well and ends early.
    #[error("the {format} data ends early")]
    Truncated {
        /// Name of the format.
        format: String,
    },
    /// The decoder met something it does not accept.
    #[error("the {format} data is damaged: {detail}")]
    Damaged {
        /// Name of the format.
        format: String,
        /// The decoder's words.
        detail: String,
    },
}

/// Why a text or a table was not read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum TextError {
    /// The browser could not hand over the bytes, for example because the file was moved.
    #[error("{detail}")]
    Unreadable {
        /// The browser's words.
        detail: String,
    },
    /// There are no bytes, or nothing but white space.
    #[error("there is no text")]
    Empty,
    /// More bytes than the limit.
    #[error("the file has {bytes} bytes, more than the limit of {limit}")]
    TooManyBytes {
        /// Bytes met.
        bytes: u64,
        /// Most bytes accepted.
        limit: u64,
    },
    /// Bytes that no text has.
    #[error("the file holds a NUL byte at {offset}, which no text does")]
    NotText {
        /// Where the first of them stands, in bytes from the beginning.
        offset: u64,
    },
    /// A row of a table has another number of cells than the first.
    #[error("line {line} has {met} cells, the first has {expected}")]
    RaggedRow {
        /// Number of the line in the file, from 1.
        line: u64,
        /// Cells met.
        met: usize,
        /// Cells of the first row.
        expected: usize,
    },
    /// A quotation mark opens a cell and nothing closes it.
    #[error("the quotation mark that opens on line {line} is never closed")]
    OpenQuote {
        /// Number of the line in the file, from 1.
        line: u64,
    },
    /// More columns or rows than the limit.
    #[error("the table has more than {limit} {what}")]
    TooMany {
        /// `columns` or `rows`.
        what: String,
        /// Most accepted.
        limit: u64,
    },
    /// The table has no row beyond the one that names the columns.
    #[error("the table has no rows")]
    NoRows,
    /// Rows were asked for of a table that is not open, or of a column it does not have.
    #[error("the table has no such rows")]
    NoSuchRows,
}

/// Why the model's file is not here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum DownloadError {
    /// The browser could not reach the site.
    #[error("the network answered with an error: {detail}")]
    Network {
        /// The browser's words.
        detail: String,
    },
    /// The page was opened at an address where the browser cannot check files.
    #[error("the page is not served over https, so files cannot be checked")]
    InsecureAddress,
    /// The site answered, but not with the file.
    #[error("the site answered {status} for {file}")]
    Status {
        /// HTTP status.
        status: u16,
        /// File asked for.
        file: String,
    },
    /// What came is not packed, as every model is: an error page, or a part of a file.
    #[error("{file} cannot be unpacked: {detail}")]
    Packed {
        /// File asked for.
        file: String,
        /// The browser's words.
        detail: String,
    },
    /// The file is not the one this page was built with.
    #[error("{file} has SHA-256 {met}, expected {expected}")]
    WrongHash {
        /// File asked for.
        file: String,
        /// Hash of what came.
        met: String,
        /// Hash this page was built with.
        expected: String,
    },
}

/// Why the engine gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum EngineError {
    /// This browser cannot run the engine, or its file did not arrive.
    #[error("the engine did not start: {detail}")]
    Start {
        /// The browser's words.
        detail: String,
    },
    /// The model file cannot be read.
    #[error("the model cannot be read: {detail}")]
    Parse {
        /// The engine's words.
        detail: String,
    },
    /// The model cannot be prepared.
    #[error("the model cannot be optimised: {detail}")]
    Optimise {
        /// The engine's words.
        detail: String,
    },
    /// The tensor does not fit the model, or the other way round.
    #[error("the {what} has shape {met:?}, expected {expected:?}")]
    Shape {
        /// Which tensor: `input` or `output`.
        what: String,
        /// Shape met.
        met: Vec<usize>,
        /// Shape expected.
        expected: Vec<usize>,
    },
    /// Running failed.
    #[error("the model failed while running: {detail}")]
    Run {
        /// The engine's words.
        detail: String,
    },
    /// The worker ended without an answer.
    #[error("the engine stopped without an answer: {detail}")]
    Crashed {
        /// What the browser said of it.
        detail: String,
    },
    /// The worker had not answered after so long that it was ended.
    #[error("the engine gave no answer within {seconds} s")]
    Overdue {
        /// Seconds waited.
        seconds: u32,
    },
    /// A request came before a model was loaded.
    #[error("no model is loaded")]
    NoModel,
}

/// A failure in the words of the page: what happened, why, what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// What happened, one short sentence without the file's name.
    pub what: String,
    /// Why, with what was met.
    pub why: String,
    /// What to do about it.
    pub next: String,
}

const READABLE: &str = "JPEG, PNG, WebP, GIF or BMP";

impl Failure {
    /// The failure in English words for a person.
    pub fn explain(&self) -> Explanation {
        self.explain_by(&English)
    }

    /// The failure in words for a person, in the speaker's language.
    pub fn explain_by(&self, speaker: &dyn Speaker) -> Explanation {
        let told = match self {
            Failure::Picture(error) => explain_picture(error),
            Failure::Text(error) => explain_text(error),
            Failure::Download(error) => explain_download(error),
            Failure::Engine(error) => explain_engine(error),
            Failure::Gate(error) => explain_gate(error),
        };
        let values: Vec<(&str, String)> = (told.values.into_iter())
            .map(|(name, value)| match value {
                Value::Text(text) => (name, text),
                Value::Word(word) => (name, speaker.say(&word, &[])),
                Value::Megabytes(bytes) => (name, megabytes(bytes as f64 / 1e6, speaker)),
                Value::MegabytesMet(bytes) => {
                    let tenths = bytes.div_ceil(100_000);
                    (name, megabytes(tenths as f64 / 10.0, speaker))
                }
            })
            .collect();
        let values: Vec<(&str, &str)> = (values.iter())
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let [what, why, next] = told
            .sentences
            .map(|sentence| speaker.say(sentence, &values));
        Explanation { what, why, next }
    }
}

/// Writes sentences and numbers as a language does.
pub trait Speaker {
    /// The sentence in this language, each `{name}` in it replaced by the value of that name.
    fn say(&self, sentence: &str, values: &[(&str, &str)]) -> String;
    /// A number with so many decimals.
    fn number(&self, value: f64, decimals: usize) -> String;
}

/// Says sentences as they stand in the sources.
struct English;

impl Speaker for English {
    fn say(&self, sentence: &str, values: &[(&str, &str)]) -> String {
        fill(sentence, values)
    }

    fn number(&self, value: f64, decimals: usize) -> String {
        format!("{value:.decimals$}")
    }
}

/// Replaces every `{name}` in one pass, so that a value may itself hold braces.
pub fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        text += before;
        let Some((name, behind)) = after.split_once('}') else {
            text.push('{');
            rest = after;
            continue;
        };
        match values.iter().find(|(known, _)| *known == name) {
            Some((_, value)) => text += value,
            None => {
                text.push('{');
                text += name;
                text.push('}');
            }
        }
        rest = behind;
    }
    text + rest
}

/// What happened, why, and what to do, with what stands in the places of all three.
struct Told {
    sentences: [&'static str; 3],
    values: Vec<(&'static str, Value)>,
}

/// What stands in a place of a sentence.
enum Value {
    Text(String),
    /// A word of English.
    Word(String),
    /// The bytes of a limit.
    Megabytes(u64),
    /// Bytes beyond a limit; rounded up, so that one too many shows.
    MegabytesMet(u64),
}

fn told<const N: usize>(sentences: [&'static str; 3], values: [(&'static str, Value); N]) -> Told {
    Told {
        sentences,
        values: values.into(),
    }
}

fn megabytes(value: f64, speaker: &dyn Speaker) -> String {
    format!("{} MB", speaker.number(value, 1))
}

fn text(value: impl ToString) -> Value {
    Value::Text(value.to_string())
}

fn explain_picture(error: &PictureError) -> Told {
    match error {
        PictureError::Unreadable { detail } => told(
            [
                "This file could not be read.",
                "The reason given: {detail}.",
                "It may have been moved or changed: choose it again.",
            ],
            [("detail", text(detail))],
        ),
        PictureError::Empty => told(
            [
                "This file is empty.",
                "It has 0 bytes, so there is nothing to look at.",
                "Copy or export it again, then add it once more.",
            ],
            [],
        ),
        PictureError::TooManyBytes { bytes, limit } => told(
            [
                "This file is too large.",
                "It has {met}; the limit is {limit}.",
                "Save it smaller, for example as a JPEG, and add it again.",
            ],
            [
                ("met", Value::MegabytesMet(*bytes)),
                ("limit", Value::Megabytes(*limit)),
            ],
        ),
        PictureError::TooManyPixels {
            width,
            height,
            limit,
        } => told(
            [
                "This picture is too large.",
                "It has {width} × {height} pixels; the limit is {limit} megapixels.",
                "Scale it down and add it again.",
            ],
            [
                ("width", text(width)),
                ("height", text(height)),
                ("limit", text(limit / 1_000_000)),
            ],
        ),
        PictureError::SideTooLong {
            width,
            height,
            limit,
        } => told(
            [
                "This picture is too long.",
                "It has {width} × {height} pixels; the limit is {limit} pixels a side.",
                "Scale or cut it down and add it again.",
            ],
            [
                ("width", text(width)),
                ("height", text(height)),
                ("limit", text(limit)),
            ],
        ),
        PictureError::Svg => told(
            [
                "SVG drawings cannot be classified.",
                "An SVG file is a list of drawing commands, not a photograph.",
                "Export it as PNG or JPEG and add that.",
            ],
            [],
        ),
        PictureError::UnsupportedFormat { format } => told(
            [
                "{format} pictures cannot be read yet.",
                "This page reads {formats}.",
                "Save it as JPEG or PNG and add that.",
            ],
            [
                ("format", text(format)),
                ("formats", Value::Word(READABLE.to_owned())),
            ],
        ),
        PictureError::NotAPicture => told(
            [
                "This file is not a picture.",
                "Its content is not {formats}, whatever its name says.",
                "Choose a photo instead.",
            ],
            [("formats", Value::Word(READABLE.to_owned()))],
        ),
        PictureError::Truncated { format } => told(
            [
                "This picture is incomplete.",
                "The {format} data ends before the picture does.",
                "Copy or download it again, then add it once more.",
            ],
            [("format", text(format))],
        ),
        PictureError::Damaged { format, detail } => told(
            [
                "This picture is damaged.",
                "Its {format} data could not be decoded: {detail}.",
                "Open it in a picture editor, save it again, and add that.",
            ],
            [("format", text(format)), ("detail", text(detail))],
        ),
    }
}

fn explain_text(error: &TextError) -> Told {
    match error {
        TextError::Unreadable { detail } => told(
            [
                "This file could not be read.",
                "The reason given: {detail}.",
                "It may have been moved or changed: choose it again.",
            ],
            [("detail", text(detail))],
        ),
        TextError::Empty => told(
            [
                "There is no text in it.",
                "It is empty, or holds nothing but white space.",
                "Write or choose something with words in it.",
            ],
            [],
        ),
        TextError::TooManyBytes { bytes, limit } => told(
            [
                "This text is too large.",
                "It has {met}; the limit is {limit}.",
                "Split it and add the parts.",
            ],
            [
                ("met", Value::MegabytesMet(*bytes)),
                ("limit", Value::Megabytes(*limit)),
            ],
        ),
        TextError::NotText { offset } => told(
            [
                "This file is not a text.",
                "It holds a NUL byte at position {offset}, which texts do not.",
                "Save it as plain text or CSV in UTF-8 and add that.",
            ],
            [("offset", text(offset))],
        ),
        TextError::RaggedRow {
            line,
            met,
            expected,
        } => told(
            [
                "Line {line} of this table does not fit.",
                "It has {met} cells, but the first line has {expected}.",
                "Mend that line, or put cells with separators in them in quotation marks.",
            ],
            [
                ("line", text(line)),
                ("met", text(met)),
                ("expected", text(expected)),
            ],
        ),
        TextError::OpenQuote { line } => told(
            [
                "Line {line} of this table opens a quotation mark that is never closed.",
                "Everything behind it would be one cell.",
                "Close it, or write two of them for one that is meant.",
            ],
            [("line", text(line))],
        ),
        TextError::TooMany { what, limit } => told(
            [
                "This table is too large.",
                "It has more than {limit} {what}.",
                "Split it and add the parts.",
            ],
            [("limit", text(limit)), ("what", Value::Word(what.clone()))],
        ),
        TextError::NoRows => told(
            [
                "This table has no rows.",
                "There is at most one line, which names the columns.",
                "Choose a table with texts in it.",
            ],
            [],
        ),
        TextError::NoSuchRows => told(
            [
                "The table is not open any more.",
                "The engine was started anew since.",
                "Add the table again.",
            ],
            [],
        ),
    }
}

fn explain_download(error: &DownloadError) -> Told {
    match error {
        DownloadError::Network { detail } => told(
            [
                "The model could not be downloaded.",
                "The connection failed: {detail}.",
                "Check the connection, then try again.",
            ],
            [("detail", text(detail))],
        ),
        DownloadError::InsecureAddress => told(
            [
                "The model cannot be checked at this address.",
                "The page was not opened over https, where the browser offers no checksums.",
                "Open it over https, or on the machine that serves it.",
            ],
            [],
        ),
        DownloadError::Status { status, file } => told(
            [
                "The model could not be downloaded.",
                "The site answered {status} for {file}.",
                "Reload the page: a newer version may have been published.",
            ],
            [("status", text(status)), ("file", text(file))],
        ),
        DownloadError::Packed { file, detail } => told(
            [
                "The downloaded model is not the expected one.",
                "{file} could not be unpacked: {detail}.",
                "Reload the page: a newer version may have been published, or the download was cut.",
            ],
            [("file", text(file)), ("detail", text(detail))],
        ),
        DownloadError::WrongHash { file, .. } => told(
            [
                "The downloaded model is not the expected one.",
                "The checksum of {file} does not match, so it was not used.",
                "Reload the page: a newer version may have been published, or the download was cut.",
            ],
            [("file", text(file))],
        ),
    }
}

fn explain_engine(error: &EngineError) -> Told {
    match error {
        EngineError::Start { detail } => told(
            [
                "The engine did not start.",
                "The browser said: {detail}.",
                "Check the connection and try again, or reload the page. If it stays, update the browser: WebAssembly with SIMD is needed.",
            ],
            [("detail", text(detail))],
        ),
        EngineError::Crashed { detail } => told(
            [
                "The engine stopped while working on this file.",
                "The browser said: {detail}.",
                "The engine starts anew for the next file. Try this one again, or a smaller copy of it.",
            ],
            [("detail", text(detail))],
        ),
        EngineError::Overdue { seconds } => told(
            [
                "This took too long.",
                "The engine gave no answer within {seconds} s, so it was ended.",
                "Other files are not affected. Try this one again, or a smaller copy of it.",
            ],
            [("seconds", text(seconds))],
        ),
        EngineError::NoModel
        | EngineError::Parse { .. }
        | EngineError::Optimise { .. }
        | EngineError::Shape { .. }
        | EngineError::Run { .. } => told(
            [
                "The model could not be run.",
                "The engine said: {error}.",
                "Reload the page. If it stays, this is a fault of the site: please report it.",
            ],
            [("error", text(error.to_string().trim_end_matches('.')))],
        ),
    }
}

fn explain_gate(error: &GateError) -> Told {
    match error {
        GateError::Empty => told(
            [
                "This file is empty.",
                "It has 0 bytes, so there is no model in it.",
                "Copy or export it again, then add it once more.",
            ],
            [],
        ),
        GateError::TooManyBytes { bytes, limit } => told(
            [
                "This model is too large.",
                "It has {met}; the limit is {limit}.",
                "Export it with narrower weights, for example int8, and add it again.",
            ],
            [
                ("met", Value::MegabytesMet(*bytes)),
                ("limit", Value::Megabytes(*limit)),
            ],
        ),
        GateError::LfsPointer => told(
            [
                "This file only stands in for a model.",
                "It is a Git LFS pointer: a short text that names the real file.",
                "Fetch the real file with “git lfs pull”, or download it from the site, and add that.",
            ],
            [],
        ),
        GateError::WebPage => told(
            [
                "This file is a web page, not a model.",
                "It holds HTML, as is saved when a link leads to a page and not to the file.",
                "Open the page and download the model itself.",
            ],
            [],
        ),
        GateError::OtherFormat { format } => told(
            [
                "This file is not an ONNX model.",
                "Its content is {format}, whatever its name says.",
                "Export the model as ONNX and add that.",
            ],
            [("format", Value::Word(format.clone()))],
        ),
        GateError::NotAModel => told(
            [
                "This file is not an ONNX model.",
                "It does not begin as ONNX files do, nor like any other format known here.",
                "Export the model as ONNX and add that.",
            ],
            [],
        ),
        GateError::Truncated { offset, missing } => told(
            [
                "This model is incomplete.",
                "The part at byte {offset} needs at least {missing} more bytes than the file has.",
                "Copy or download it again, then add it once more.",
            ],
            [("offset", text(offset)), ("missing", text(missing))],
        ),
        GateError::Damaged { offset, problem } => told(
            [
                "This model is damaged.",
                "It breaks the format at byte {offset}: {problem}.",
                "Download or export it again, then add it once more.",
            ],
            [
                ("offset", text(offset)),
                ("problem", Value::Word(problem.clone())),
            ],
        ),
        GateError::NoGraph => told(
            [
                "There is no model in this file.",
                "It begins like ONNX but holds no graph, so there is nothing to run.",
                "Export the model again, then add it once more.",
            ],
            [],
        ),
        GateError::FormatVersion { met, min, max } => told(
            [
                "This version of ONNX is not read here.",
                "The file has format version {met}; versions {min} to {max} are read.",
                "Export the model again with a current program.",
            ],
            [("met", text(met)), ("min", text(min)), ("max", text(max))],
        ),
        GateError::OperatorSet { met, min, max } => told(
            [
                "This version of ONNX is not read here.",
                "The model uses operator set {met}; sets {min} to {max} are read.",
                "Export it again for operator set 17, which most programs offer.",
            ],
            [("met", text(met)), ("min", text(min)), ("max", text(max))],
        ),
        GateError::Unsupported { part } => told(
            [
                "This model has parts that are not read here.",
                "It holds {part}.",
                "Export it for inference alone, with standard operators and dense tensors.",
            ],
            [("part", Value::Word(part.clone()))],
        ),
        GateError::ExternalData { tensor, file } => told(
            [
                "This model keeps its weights in a second file.",
                "The tensor “{tensor}” is in “{file}”, and a page can only read the file it is given.",
                "Export it again as one file, with its weights inside.",
            ],
            [("tensor", text(tensor)), ("file", text(file))],
        ),
        GateError::TooDeep { limit } => told(
            [
                "This model is nested too deeply.",
                "It has graphs within graphs, deeper than the limit of {limit} levels.",
                "Export it without inner graphs and add it again.",
            ],
            [("limit", text(limit))],
        ),
        GateError::TooMany { what, limit } => told(
            [
                "This model has too many parts.",
                "There are more than {limit} {what} in it.",
                "Simplify it, for example with onnxsim, and add it again.",
            ],
            [("limit", text(limit)), ("what", Value::Word(what.clone()))],
        ),
        GateError::TextTooLong { what, met, limit } => told(
            [
                "This model holds a text that is too long.",
                "One {what} has {met} bytes; the limit is {limit}.",
                "Export it again without notes and added data.",
            ],
            [
                ("what", Value::Word(what.clone())),
                ("met", text(met)),
                ("limit", text(limit)),
            ],
        ),
        GateError::TooManyAxes { name, limit } => told(
            [
                "This model holds a shape that cannot be used.",
                "“{name}” has more than {limit} axes.",
                "Check how the model was exported, and export it again.",
            ],
            [("name", text(name)), ("limit", text(limit))],
        ),
        GateError::AxisLength { name, met, limit } => told(
            [
                "This model holds a shape that cannot be used.",
                "“{name}” has an axis of length {met}; lengths go from 0 to {limit}.",
                "Check how the model was exported, and export it again.",
            ],
            [
                ("name", text(name)),
                ("met", text(met)),
                ("limit", text(limit)),
            ],
        ),
        GateError::TensorTooLarge { name, shape, limit } => told(
            [
                "This model holds a shape that cannot be used.",
                "“{name}” has the shape {shape}, which takes more than the limit of {limit}.",
                "Export the model for smaller inputs, or split its weights, and add it again.",
            ],
            [
                ("name", text(name)),
                ("shape", text(by(shape))),
                ("limit", Value::Megabytes(*limit)),
            ],
        ),
        GateError::ElementType { name, met } => told(
            [
                "This model has numbers of a type that is not read here.",
                "“{name}” is of ONNX element type {met}.",
                "Export it with weights as f32, f16 or int8 and add it again.",
            ],
            [("name", text(name)), ("met", text(met))],
        ),
        GateError::Payload {
            name,
            met,
            expected,
            unit,
        } => told(
            [
                "The weights of this model do not fit.",
                "The tensor “{name}” holds {met} {unit}, but its shape takes {expected}.",
                "Download or export it again, then add it once more.",
            ],
            [
                ("name", text(name)),
                ("met", text(met)),
                ("expected", text(expected)),
                ("unit", Value::Word(unit.clone())),
            ],
        ),
        GateError::Order { node, value } => told(
            [
                "The steps of this model are in no order that can be run.",
                "The node “{node}” reads “{value}” before it is made: the graph has a cycle, or is not sorted.",
                "Check the model with the program that made it, and export it again.",
            ],
            [("node", text(node)), ("value", text(value))],
        ),
        GateError::UnknownValue { node, value } => told(
            [
                "This model lacks a value that it needs.",
                "“{node}” reads “{value}”, but no input, constant or node makes it.",
                "Check the model with the program that made it, and export it again.",
            ],
            [("node", text(node)), ("value", text(value))],
        ),
        GateError::MadeTwice { value } => told(
            [
                "This model makes a value twice.",
                "“{value}” is made in two places, so it is unclear which is meant.",
                "Check the model with the program that made it, and export it again.",
            ],
            [("value", text(value))],
        ),
        GateError::Memory { bytes, limit } => told(
            [
                "This model needs too much memory.",
                "It takes at least {met}; the limit is {limit}.",
                "Export it for smaller inputs or with fewer weights, and add it again.",
            ],
            [
                ("met", Value::MegabytesMet(*bytes)),
                ("limit", Value::Megabytes(*limit)),
            ],
        ),
    }
}

/// A shape as people write it: `3 × 224 × 224`.
fn by(shape: &[i64]) -> String {
    let lengths: Vec<String> = shape.iter().map(i64::to_string).collect();
    lengths.join(" × ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_take_their_places_whatever_they_hold() {
        let values = [("a", "{b}"), ("b", "2")];
        assert_eq!(fill("{a} of {b}, {c}", &values), "{b} of 2, {c}");
        assert_eq!(fill("an open { brace", &values), "an open { brace");
    }

    #[test]
    fn a_failure_is_told_in_the_language_of_the_speaker() {
        struct Loud;
        impl Speaker for Loud {
            fn say(&self, sentence: &str, values: &[(&str, &str)]) -> String {
                fill(&sentence.to_uppercase(), values)
            }
            fn number(&self, value: f64, _: usize) -> String {
                format!("<{value}>")
            }
        }
        let error = TextError::TooManyBytes {
            bytes: 2_000_000,
            limit: 1_000_000,
        };
        let words = Failure::from(error).explain_by(&Loud);
        assert_eq!(words.what, "THIS TEXT IS TOO LARGE.");
        assert_eq!(words.next, "SPLIT IT AND ADD THE PARTS.");
        let plain = Failure::from(TextError::TooMany {
            what: "rows".into(),
            limit: 3,
        });
        assert_eq!(plain.explain().why, "It has more than 3 rows.");
    }

    #[test]
    fn a_limit_is_named_with_what_was_met() {
        let failure = Failure::from(PictureError::TooManyBytes {
            bytes: 73_400_000,
            limit: 50_000_000,
        });
        let words = failure.explain();
        assert!(
            words.why.contains("73.4 MB") && words.why.contains("50.0 MB"),
            "{words:?}"
        );
    }

    #[test]
    fn one_byte_too_many_shows() {
        let failure = Failure::from(TextError::TooManyBytes {
            bytes: 20_000_001,
            limit: 20_000_000,
        });
        assert_eq!(
            failure.explain().why,
            "It has 20.1 MB; the limit is 20.0 MB."
        );
    }

    #[test]
    fn every_picture_error_says_what_why_and_what_to_do() {
        let errors = [
            PictureError::Unreadable {
                detail: "gone".into(),
            },
            PictureError::Empty,
            PictureError::TooManyBytes { bytes: 2, limit: 1 },
            PictureError::TooManyPixels {
                width: 2,
                height: 1,
                limit: 1,
            },
            PictureError::SideTooLong {
                width: 2,
                height: 1,
                limit: 1,
            },
            PictureError::Svg,
            PictureError::UnsupportedFormat {
                format: "HEIC".into(),
            },
            PictureError::NotAPicture,
            PictureError::Truncated {
                format: "PNG".into(),
            },
            PictureError::Damaged {
                format: "JPEG".into(),
                detail: "bad marker".into(),
            },
        ];
        for error in errors {
            let words = Failure::from(error).explain();
            for sentence in [&words.what, &words.why, &words.next] {
                assert!(sentence.ends_with('.') && sentence.len() > 10, "{words:?}");
            }
        }
    }

    #[test]
    fn what_a_gate_met_stands_in_its_sentences() {
        let failure = Failure::from(GateError::TensorTooLarge {
            name: "weights".into(),
            shape: vec![65_536, 65_537],
            limit: 2_147_483_647,
        });
        assert_eq!(
            failure.explain().why,
            "“weights” has the shape 65536 × 65537, which takes more than the limit of 2147.5 MB."
        );
        let failure = Failure::from(GateError::Order {
            node: "Add_3".into(),
            value: "{node}".into(),
        });
        assert_eq!(
            failure.explain().why,
            "The node “Add_3” reads “{node}” before it is made: the graph has a cycle, or is not sorted."
        );
    }
}
