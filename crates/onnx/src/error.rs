//! What can be wrong with an ONNX file.

use prost::DecodeError;

/// Why a file could not be read, rewritten or written.
#[derive(Debug, thiserror::Error)]
pub enum OnnxError {
    /// The bytes are no protobuf message, or one of other types.
    #[error("the bytes are no ONNX file: {0}")]
    Decode(#[from] DecodeError),
    /// A length or a group that protobuf does not allow here.
    #[error("the bytes are no ONNX file: field {tag} {problem}")]
    Field {
        /// Number of the field.
        tag: u32,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A message without a graph, which every empty or foreign file looks like.
    #[error("the file holds no graph")]
    NoGraph,
    /// The file is of a version in which stored weights would mean something else.
    #[error(
        "the file has format version {ir_version} and operator set {operator_set}, expected at least 4 and 7"
    )]
    Old {
        /// `ir_version`; before 4, every stored tensor is also an input.
        ir_version: i64,
        /// Version of the standard operators; before 7, `Mul` does not broadcast by itself.
        operator_set: i64,
    },
    /// A tensor whose values do not fill its shape, or are in another file.
    #[error("tensor `{name}` holds {met} values, its shape {shape:?} has another number")]
    Tensor {
        /// Name of the tensor or of the node that holds it.
        name: String,
        /// Number of values met.
        met: usize,
        /// Shape as stated.
        shape: Vec<i64>,
    },
    /// No table of that many rows is looked up.
    #[error("no table of {rows} rows is looked up by `Gather` alone")]
    NoTable {
        /// Number of rows that was expected.
        rows: usize,
    },
    /// More rows than the list of their places can number.
    #[error("{rows} rows are kept, more than 32767")]
    TooManyRows {
        /// Number of rows that are kept.
        rows: usize,
    },
    /// The model's metadata lack an entry.
    #[error("the metadata have no entry `{key}`")]
    NoMetadata {
        /// Key that was looked for.
        key: &'static str,
    },
    /// A list of characters that cannot be one.
    #[error("line {line} of the characters is `{met}`, expected one character")]
    Character {
        /// Number of the line, from 1.
        line: usize,
        /// What stands there.
        met: String,
    },
    /// Layers that do not fit each other.
    #[error("layer {layer} has {met} {what}, expected {expected}")]
    Layer {
        /// Position of the layer, from 0.
        layer: usize,
        /// What was counted.
        what: &'static str,
        /// How many there are.
        met: usize,
        /// How many there must be.
        expected: usize,
    },
}
