//! What can go wrong with data and training.

/// Data that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The list of data sets is not as it should be.
    #[error("the list of data sets: {0}")]
    List(String),
    /// No such data set.
    #[error("there is no data set `{id}`; there are {}", .known.join(", "))]
    Unknown {
        /// The one asked for.
        id: String,
        /// Those there are.
        known: Vec<String>,
    },
    /// A data set without a part that is needed.
    #[error("data set {id} has no {part} file")]
    NoPart {
        /// The data set.
        id: String,
        /// The part.
        part: &'static str,
    },
    /// A file that is not in the folder given.
    #[error("{file} is not there; {url} is where it is published")]
    Missing {
        /// Path of the file.
        file: String,
        /// Where it is published.
        url: String,
    },
    /// A file that cannot be read or written.
    #[error("{file}: {source}")]
    File {
        /// Path of the file.
        file: String,
        /// Why not.
        source: std::io::Error,
    },
    /// A file that is not the one it should be.
    #[error("{file} has SHA-256 {met}, expected {expected}")]
    Hash {
        /// Path of the file.
        file: String,
        /// What it has.
        met: String,
        /// What it should have.
        expected: String,
    },
    /// A file that could not be fetched.
    #[error("{url} could not be fetched: {why}; where it is already, name its folder with --data")]
    Download {
        /// Address of the file.
        url: String,
        /// What went wrong.
        why: String,
    },
    /// The system names no folder for caches.
    #[error("this system names no cache folder; name the data's folder with --data")]
    NoCache,
    /// A row that cannot be read.
    #[error("{file}, row {row}: {problem}")]
    Row {
        /// Name of the file.
        file: String,
        /// Number of the row, from 1.
        row: usize,
        /// What is wrong.
        problem: String,
    },
    /// Not as many rows as there should be.
    #[error("{file} has {met} rows, expected {expected}")]
    Rows {
        /// Name of the file.
        file: String,
        /// What it has.
        met: usize,
        /// What it should have.
        expected: usize,
    },
    /// A group names a label that the data does not have.
    #[error("group {group} names `{label}`, which is no label of the data")]
    Group {
        /// The group.
        group: String,
        /// The label.
        label: String,
    },
}

/// Training that cannot be done as asked.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The recipe is not as it should be.
    #[error("the recipes: {0}")]
    Recipe(String),
    /// Features and labels do not fit each other.
    #[error("{what}: {met}, expected {expected}")]
    Shape {
        /// What was counted.
        what: &'static str,
        /// What there is.
        met: usize,
        /// What there should be.
        expected: usize,
    },
    /// Nothing to learn from.
    #[error("there is no text to train on")]
    Empty,
    /// The loss is no longer a number.
    #[error("the loss is {loss} in epoch {epoch}: the learning rate is too high")]
    Diverged {
        /// Epoch, from 1.
        epoch: usize,
        /// The loss.
        loss: f32,
    },
}
