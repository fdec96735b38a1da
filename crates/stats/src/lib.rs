//! Pure statistics for what is shown as a figure: shares with their uncertainty, and times.

#![forbid(unsafe_code)]

mod share;
mod times;

pub use share::{accuracy, wilson_interval};
pub use times::{Summary, percentile};
