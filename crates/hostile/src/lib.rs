//! Files that are broken, odd or built to harm, and what is said of each.
//!
//! Every file is made by rules from a fixed seed, so nothing of it is committed but
//! `expected.tsv`, which has the exact answer to each. [`corpus`] makes the cases, [`answer`] gives
//! one to the same functions that the worker calls, and the binary writes all of them to a folder,
//! for tests in a browser.

mod answer;
pub mod fuzz;
mod models;
mod pictures;
mod random;
mod texts;

pub use answer::{Answer, answer, read};
pub use random::Random;

/// What a file is given to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The gate before the engine, as an ONNX model.
    Model,
    /// The picture decoder.
    Picture,
    /// The text decoder, as one text.
    Text,
    /// The table reader.
    Table,
}

/// Which step is to give the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// The first step that sees the bytes.
    Door,
    /// The engine: the gate lets the file through, and what comes of it needs the engine to tell.
    Engine,
}

/// A file's bytes, written down only when they are asked for.
#[derive(Clone, Debug)]
pub enum Content {
    /// The bytes themselves.
    Bytes(Vec<u8>),
    /// A pattern repeated up to a length, for files too large to keep.
    Repeated {
        /// What is repeated; not empty.
        pattern: Vec<u8>,
        /// Bytes of the whole file.
        length: u64,
    },
}

impl Content {
    /// Bytes of the file.
    pub fn n_bytes(&self) -> u64 {
        match self {
            Content::Bytes(bytes) => bytes.len() as u64,
            Content::Repeated { length, .. } => *length,
        }
    }

    /// The whole file.
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            Content::Bytes(bytes) => bytes.clone(),
            Content::Repeated { pattern, length } => {
                let length = *length as usize;
                let mut bytes = pattern.repeat(length.div_ceil(pattern.len()));
                bytes.truncate(length);
                bytes
            }
        }
    }
}

/// One file.
#[derive(Clone, Debug)]
pub struct Case {
    /// Name of the file, with the ending under which it would be given; unlike every other.
    pub name: String,
    /// What it is given to.
    pub kind: Kind,
    /// Which step is to answer.
    pub stage: Stage,
    /// What is in it.
    pub content: Content,
}

/// All cases; the same at every call.
pub fn corpus() -> Vec<Case> {
    [models::cases(), pictures::cases(), texts::cases()].concat()
}

fn case(name: impl Into<String>, kind: Kind, bytes: impl Into<Vec<u8>>) -> Case {
    Case {
        name: name.into(),
        kind,
        stage: Stage::Door,
        content: Content::Bytes(bytes.into()),
    }
}
