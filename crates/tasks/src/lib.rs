//! Pure steps around a model, named as the field names them.
//!
//! `picture::decode → picture::prepare → (the engine) → scores::interpret`. Nothing here knows the
//! web or the engine, so everything runs under plain `cargo test`.

#![forbid(unsafe_code)]

pub mod labels;
pub mod picture;
pub mod scores;
mod tensor;

pub use tensor::{Tensor, TensorError};
