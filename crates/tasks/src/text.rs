//! Texts and tables of texts, from a file's bytes to what a text model reads.
//!
//! `bytes → decode → tokens → (the encoder) → features → (a head) → scores`, and for tables
//! `bytes → decode → table → one text per row`.

mod decode;
mod excerpt;
pub mod features;
mod limits;
mod table;
mod tokens;

pub use decode::{DecodedText, decode};
pub use excerpt::{excerpt, opening};
pub use limits::Limits;
pub use table::Table;
pub use tokens::{Tokeniser, Tokens, VocabularyError, can_occur};
