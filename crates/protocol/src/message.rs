//! Requests to the worker and its replies.
//!
//! Bulk data never goes through serde: weights and pictures travel beside the message as a `Blob`
//! (passed by reference), thumbnails as a transferred `ArrayBuffer`. `crates/worker` and
//! `src/bridge.rs` are the two ends.

use serde::{Deserialize, Serialize};

use crate::{Classification, Failure, Flavour, LoadTimes, ModelEntry};

/// Names one request, so that a late answer can be told from the one being waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RequestId(pub u32);

/// What the page asks of the worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Request {
    /// Loads, optimises and warms up a model. The attachment holds the served file.
    LoadModel {
        /// The model's registry entry.
        model: Box<ModelEntry>,
        /// Text of the model's label file.
        labels: String,
    },
    /// Classifies the picture in the attachment with the loaded model.
    Classify {
        /// Comes back with the answer.
        id: RequestId,
        /// How many classes to return, best first.
        top_k: usize,
    },
}

/// What the worker answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Reply {
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
    use crate::PictureError;

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
        let crossed: Reply = serde_json::from_str(&serde_json::to_string(&reply).unwrap()).unwrap();
        assert_eq!(crossed, reply);
    }
}
