//! Requests to the worker and its replies.
//!
//! A message is packed bytes ([`crate::pack`]). Bulk data never goes through serde: weights and
//! pictures travel beside the message as a `Blob` (passed by reference), thumbnails as a transferred
//! `ArrayBuffer`. `crates/worker` and `src/bridge.rs` are the two ends.

use serde::{Deserialize, Serialize};

use crate::{
    Analysis, Classification, Failure, Flavour, LoadTimes, ModelEntry, OperatorShare, Reading,
    RowAnalysis, TableFacts,
};

/// Names one request, so that a late answer can be told from the one being waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RequestId(pub u32);

/// Whether a model that was loaded is run on a made-up input at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WarmUp {
    /// Until its runs take a steady time, because nothing waits for it yet.
    Now,
    /// Its first answer is awaited, and a made-up input would only delay it.
    Skipped,
}

/// What the page asks of the worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Request {
    /// Loads and optimises a model. The attachment holds the served file.
    LoadModel {
        /// The model's registry entry.
        model: Box<ModelEntry>,
        /// Text of the model's label file or vocabulary; empty where it has none.
        text: String,
        /// Whether it is run before it is said to be ready.
        warm_up: WarmUp,
    },
    /// Classifies the picture in the attachment.
    Classify {
        /// Comes back with the answer.
        id: RequestId,
        /// Id of a model that was loaded.
        model: String,
        /// How many classes to return, best first.
        top_k: usize,
    },
    /// Reads the text in the picture in the attachment.
    ReadText {
        /// Comes back with the answer.
        id: RequestId,
    },
    /// Analyses a text with every text classifier that was loaded.
    AnalyseText {
        /// Comes back with the answer.
        id: RequestId,
        /// The text; without it the attachment is a text file.
        text: Option<String>,
    },
    /// Opens the table in the attachment, for the rows that are asked for next.
    OpenTable {
        /// Comes back with the answer.
        id: RequestId,
    },
    /// Analyses some rows of the table that was opened last.
    AnalyseRows {
        /// The id that the table was opened under.
        id: RequestId,
        /// Which column holds the texts.
        column: usize,
        /// The first row.
        from: usize,
        /// How many rows.
        count: usize,
    },
    /// Runs a model that was loaded on a made-up input of its own shape, over and over.
    ///
    /// Whoever measures asks for a few rounds at a time, so that progress shows and stopping costs
    /// little.
    Measure {
        /// The model's id.
        model: String,
        /// How many runs.
        rounds: usize,
    },
    /// Runs a model that was loaded on the same made-up input, and looks where the time goes.
    Profile {
        /// The model's id.
        model: String,
    },
    /// Whether one run may use all threads of the worker. Where several workers run, each does best on
    /// one: there is no answer.
    ShareWork(bool),
}

impl Request {
    /// The item that the request is about; `None` for what concerns no item.
    pub fn id(&self) -> Option<RequestId> {
        match self {
            Request::LoadModel { .. }
            | Request::Measure { .. }
            | Request::Profile { .. }
            | Request::ShareWork(_) => None,
            Request::Classify { id, .. }
            | Request::ReadText { id }
            | Request::AnalyseText { id, .. }
            | Request::OpenTable { id }
            | Request::AnalyseRows { id, .. } => Some(*id),
        }
    }
}

/// What the worker answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Reply {
    /// The engine's last words: it is about to end of a fault of its own.
    Panicked {
        /// Where, and what it said.
        text: String,
    },
    /// The engine is compiled and listening.
    EngineReady {
        /// The flavour that this module was built as.
        flavour: Flavour,
        /// Whether the matrix kernels of `crates/kernels` are registered in this module.
        own_kernels: bool,
    },
    /// The model is ready to run.
    ModelReady {
        /// The model's id.
        model: String,
        /// How long each part of loading took.
        times: LoadTimes,
    },
    /// The model cannot be used.
    ModelFailed {
        /// The model's id.
        model: String,
        /// Why.
        failure: Failure,
    },
    /// The picture's classes. The attachment holds the thumbnail's RGBA bytes, row by row.
    Classified {
        /// The request this answers.
        id: RequestId,
        /// The answer.
        classification: Classification,
    },
    /// The picture's text. The attachment holds the thumbnail's RGBA bytes, row by row.
    TextRead {
        /// The request this answers.
        id: RequestId,
        /// The answer.
        reading: Reading,
    },
    /// What the text expresses.
    Analysed {
        /// The request this answers.
        id: RequestId,
        /// The answer.
        analysis: Analysis,
    },
    /// The table can be read.
    TableOpened {
        /// The request this answers.
        id: RequestId,
        /// What it holds.
        table: TableFacts,
    },
    /// What some rows of a table express.
    RowsAnalysed {
        /// The request this answers.
        id: RequestId,
        /// The rows, in order.
        rows: Vec<RowAnalysis>,
        /// Milliseconds that they took together.
        time: f64,
    },
    /// How long a model's runs on a made-up input took.
    Measured {
        /// The model's id.
        model: String,
        /// Shape of its first input, outermost axis first.
        shape: Vec<usize>,
        /// Milliseconds of each run, in order.
        times: Vec<f64>,
        /// Bytes of the engine's memory after them.
        memory: f64,
    },
    /// Where the time of a model's run goes.
    Profiled {
        /// The model's id.
        model: String,
        /// Each kind of operator, the one that takes most first.
        operators: Vec<OperatorShare>,
    },
    /// The engine's memory has grown; it never shrinks.
    Memory {
        /// Bytes that it takes now.
        bytes: f64,
    },
    /// This request failed; the worker is well and takes the next one.
    Failed {
        /// The request this answers.
        id: RequestId,
        /// Why.
        failure: Failure,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{PictureError, pack, unpack};

    #[test]
    fn a_reply_survives_the_crossing() {
        let reply = Reply::Failed {
            id: RequestId(7),
            failure: Failure::Picture(PictureError::TooManyPixels {
                width: 50_000,
                height: 50_000,
                limit: 50_000_000,
            }),
        };
        assert_eq!(unpack(&pack(&reply)), Ok(reply));
    }
}
