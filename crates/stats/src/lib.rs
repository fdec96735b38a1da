//! Pure statistics for what is shown as a figure: shares and scores with their uncertainty, times,
//! and how far probabilities can be trusted.

#![forbid(unsafe_code)]

mod bootstrap;
mod calibration;
mod characters;
mod classes;
mod histogram;
mod random;
mod share;
mod times;

pub use bootstrap::bootstrap_interval;
pub use calibration::{Bin, Calibration, calibration};
pub use characters::CharacterErrors;
pub use classes::{ClassCounts, Confusion, Mistake, macro_f1, micro_f1};
pub use histogram::Histogram;
pub use random::Random;
pub use share::{accuracy, wilson_interval};
pub use times::{Summary, median_interval, percentile};
