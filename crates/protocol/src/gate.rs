//! What is known of a model's file before an engine reads it, and why one is refused.

use serde::{Deserialize, Serialize};

/// What a walk over a model's file counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelSummary {
    /// Bytes of the file.
    pub file_bytes: u64,
    /// Version of the file format, `ir_version`.
    pub ir_version: i64,
    /// Version of the standard operators.
    pub operator_set: i64,
    /// Nodes, those of inner graphs included.
    pub n_nodes: u64,
    /// Tensors with values: initialisers and constants in attributes.
    pub n_tensors: u64,
    /// Numbers and texts in these tensors.
    pub n_values: u64,
    /// Bytes of these numbers as they are stored.
    pub weight_bytes: u64,
    /// Numbers of f32 tensors that are NaN.
    pub n_nan: u64,
    /// Numbers of f32 tensors that are infinite.
    pub n_infinite: u64,
    /// Deepest nesting of messages; 1 for a model that holds nothing.
    pub depth: u32,
    /// Bytes of the largest value that nodes pass on, among those whose shape the file states.
    pub largest_value_bytes: u64,
    /// Bytes that running takes at least; how they are estimated stands at `vitrine_onnx::check`.
    pub estimated_bytes: u64,
}

/// Why a file is refused before an engine reads it as a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum GateError {
    /// There are no bytes.
    #[error("the file is empty")]
    Empty,
    /// More bytes than the limit.
    #[error("the file has {bytes} bytes, more than the limit of {limit}")]
    TooManyBytes {
        /// Bytes met.
        bytes: u64,
        /// Most bytes accepted.
        limit: u64,
    },
    /// The text by which Git LFS stands in for a file.
    #[error("the file is a Git LFS pointer")]
    LfsPointer,
    /// A page of a site, as is saved when a download link leads to one.
    #[error("the file is an HTML page")]
    WebPage,
    /// A file of another format.
    #[error("the file is {format}, not ONNX")]
    OtherFormat {
        /// Name of the format: `a ZIP archive`, `a TensorFlow Lite model`.
        format: String,
    },
    /// The bytes are nothing that is known here.
    #[error("the file does not start like an ONNX model")]
    NotAModel,
    /// The file starts well and ends early.
    #[error("the file ends early: the field at byte {offset} needs {missing} more bytes")]
    Truncated {
        /// Where the field that is cut begins, in bytes from the beginning.
        offset: u64,
        /// Bytes that are missing at least.
        missing: u64,
    },
    /// Bytes that the format does not allow.
    #[error("the file is damaged at byte {offset}: {problem}")]
    Damaged {
        /// Where, in bytes from the beginning.
        offset: u64,
        /// What is wrong there.
        problem: String,
    },
    /// A model without a graph.
    #[error("the file holds no graph")]
    NoGraph,
    /// A version of the file format out of range.
    #[error("the file has format version {met}, expected {min} to {max}")]
    FormatVersion {
        /// `ir_version` met; 0 where the file has none.
        met: i64,
        /// Oldest accepted.
        min: i64,
        /// Newest accepted.
        max: i64,
    },
    /// A version of the standard operators out of range.
    #[error("the file has operator set {met}, expected {min} to {max}")]
    OperatorSet {
        /// Version met; 0 where the file has none.
        met: i64,
        /// Oldest accepted.
        min: i64,
        /// Newest accepted.
        max: i64,
    },
    /// A part of the format that is not read here.
    #[error("the file holds {part}, which are not read here")]
    Unsupported {
        /// `functions of its own`, `training steps` or `sparse tensors`.
        part: String,
    },
    /// Weights that are in another file.
    #[error("tensor `{tensor}` is in the file `{file}`")]
    ExternalData {
        /// Name of the tensor.
        tensor: String,
        /// Name of the other file, as this one gives it.
        file: String,
    },
    /// Messages within messages, more than the limit.
    #[error("the model is nested deeper than {limit}")]
    TooDeep {
        /// Deepest nesting accepted.
        limit: u32,
    },
    /// More of something than the limit; counting stops there.
    #[error("the model has more than {limit} {what}")]
    TooMany {
        /// `nodes`, `tensors`, `parts` or `list values`.
        what: String,
        /// Most accepted.
        limit: u64,
    },
    /// A name or text that is longer than the limit.
    #[error("a {what} has {met} bytes, more than the limit of {limit}")]
    TextTooLong {
        /// `name` or `text`.
        what: String,
        /// Bytes met.
        met: u64,
        /// Most bytes accepted.
        limit: u64,
    },
    /// A shape of more axes than the limit; counting stops there.
    #[error("`{name}` has more than {limit} axes")]
    TooManyAxes {
        /// Name of the tensor or value.
        name: String,
        /// Most axes accepted.
        limit: u32,
    },
    /// A length of an axis that is negative or more than the limit.
    #[error("`{name}` has an axis of length {met}, expected 0 to {limit}")]
    AxisLength {
        /// Name of the tensor or value.
        name: String,
        /// Length met.
        met: i64,
        /// Longest accepted.
        limit: i64,
    },
    /// A shape whose bytes are more than the limit.
    #[error("`{name}` of shape {shape:?} takes more than {limit} bytes")]
    TensorTooLarge {
        /// Name of the tensor or value.
        name: String,
        /// Its shape.
        shape: Vec<i64>,
        /// Most bytes accepted.
        limit: u64,
    },
    /// A type of numbers that is not read here.
    #[error("`{name}` has numbers of type {met}, which is not read here")]
    ElementType {
        /// Name of the tensor.
        name: String,
        /// `TensorProto.DataType` met.
        met: i64,
    },
    /// A tensor whose values do not fill its shape.
    #[error("tensor `{name}` holds {met} {unit}, its shape takes {expected}")]
    Payload {
        /// Name of the tensor.
        name: String,
        /// How many there are.
        met: u64,
        /// How many the shape takes.
        expected: u64,
        /// `bytes` or `values`, by how the file stores them.
        unit: String,
    },
    /// A node reads what is only made by itself or a later one.
    #[error("node `{node}` reads `{value}` before it is made")]
    Order {
        /// Name of the node, or its operator.
        node: String,
        /// Name of the value.
        value: String,
    },
    /// A node or an output of the graph reads what nothing makes.
    #[error("`{node}` reads `{value}`, which nothing makes")]
    UnknownValue {
        /// Name of the node or its operator; `output` for an output of the graph.
        node: String,
        /// Name of the value.
        value: String,
    },
    /// Two nodes or inputs make one value.
    #[error("the value `{value}` is made twice")]
    MadeTwice {
        /// Name of the value.
        value: String,
    },
    /// Running would take more memory than the limit.
    #[error("the model needs about {bytes} bytes, more than the limit of {limit}")]
    Memory {
        /// Bytes estimated.
        bytes: u64,
        /// Most bytes accepted.
        limit: u64,
    },
}
