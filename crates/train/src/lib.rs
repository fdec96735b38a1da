//! Small heads on an encoder's features: labelled texts by hash, their preparation, training,
//! thresholds and scores.
//!
//! The encoder itself is not named here: [`Features`] hold what it makes of texts, whoever runs it.

#![forbid(unsafe_code)]

mod corpus;
mod data_set;
mod error;
mod features;
mod files;
mod fit;
mod head;
mod optimise;
mod parallel;
mod prepare;
mod recipe;
mod scores;
mod split;
mod thresholds;

pub use corpus::{Corpus, Example, Group};
pub use data_set::{DataFile, DataSet, DataSets, Format, Part, sha256};
pub use error::{DataError, TrainError};
pub use features::Features;
pub use files::{Files, read as read_files};
pub use fit::{Fitted, cross_fit, fit, probabilities, targets, with_second_opinion};
pub use head::{Head, Layer};
pub use optimise::{DevScore, Epoch, Labelled};
pub use prepare::{Findings, prepare};
pub use recipe::{FOLDS, HeadRecipe, Kind, NamedGroup, Reads, Recipes, Training};
pub use scores::{ClassScore, Confused, Figure, N_BINS, REPLICATES, ReliabilityBin, Scores};
pub use split::folds;
pub use thresholds::{Caution, Thresholds};
