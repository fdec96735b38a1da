//! ONNX files: the part of the format that is written here, and rewriting of files from elsewhere.
//!
//! [`narrow`] stores the weights of an existing file in another width, [`keep_rows`] leaves out what
//! is never looked up, [`text_head`] writes a small
//! classifier, [`characters`] reads a recogniser's alphabet, and [`format`](mod@format) holds the
//! messages for whoever builds a graph. [`check`] walks over a file of unknown origin before an
//! engine reads it. Nothing here runs a model.

mod characters;
mod error;
pub mod format;
mod gate;
mod graph;
mod narrow;
mod rounding;
mod rows;
mod text_head;
mod wire;

pub use characters::characters;
pub use error::OnnxError;
pub use gate::{GateLimits, check};
pub use narrow::narrow;
pub use rows::keep_rows;
pub use text_head::{Dense, Matrix, TextHead, text_head};
