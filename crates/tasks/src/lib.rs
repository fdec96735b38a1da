//! Pure steps around a model, named as the field names them.
//!
//! `picture::decode → picture::prepare → (the engine) → scores::interpret` for pictures, and
//! `text::decode → text::Tokeniser → (the encoder) → text::features → (a head) → scores::answer` for
//! texts. Nothing here knows the web or the engine, so everything runs under plain `cargo test`.

#![forbid(unsafe_code)]

pub mod labels;
pub mod picture;
pub mod reading;
pub mod scores;
mod tensor;
pub mod text;

pub use tensor::{IdTensor, Tensor, TensorError};
