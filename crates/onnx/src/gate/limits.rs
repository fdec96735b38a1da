//! How much a model may ask for.

use vitrine_protocol::GateError;

/// Upper bounds that are checked before an engine reads a model's file.
///
/// The defaults are for a browser in which WebAssembly addresses 4 GB and the engine's memory is shared
/// with nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateLimits {
    /// Most bytes of the file.
    pub max_bytes: u64,
    /// Deepest nesting of messages, the model itself being 1. An inner graph is three levels deeper
    /// than the one around it. Decoders of the prost library stop at 100.
    pub max_depth: u32,
    /// Most nodes, those of inner graphs included.
    pub max_nodes: u64,
    /// Most tensors with values: initialisers and constants in attributes.
    pub max_tensors: u64,
    /// Most messages, names and texts together. A decoder takes up to 200 bytes for each.
    pub max_parts: u64,
    /// Most numbers in attributes that are lists. A decoder takes 8 bytes for each of 1 byte.
    pub max_list_values: u64,
    /// Most axes of a tensor or value.
    pub max_axes: u32,
    /// Longest axis. What is longer than `i32::MAX` is cut to 32 bits in a browser's engine.
    pub max_axis_length: i64,
    /// Most bytes of one tensor or value. More than `i32::MAX` cannot be allocated at once there.
    pub max_tensor_bytes: u64,
    /// Most bytes of a name.
    pub max_name_bytes: u64,
    /// Most bytes of any other text, such as notes and metadata.
    pub max_text_bytes: u64,
    /// Oldest and newest version of the file format. Version 3 is that of ONNX 1.0 of 2017.
    pub ir_versions: (i64, i64),
    /// Oldest and newest version of the standard operators. Before 7, arithmetic does not broadcast
    /// by itself.
    pub operator_sets: (i64, i64),
    /// Most bytes that running may take by the estimate of [`check`](super::check).
    pub max_memory: u64,
}

impl Default for GateLimits {
    fn default() -> GateLimits {
        GateLimits {
            max_bytes: 200_000_000,
            max_depth: 64,
            max_nodes: 20_000,
            max_tensors: 20_000,
            max_parts: 400_000,
            max_list_values: 1_000_000,
            max_axes: 16,
            max_axis_length: i32::MAX as i64,
            max_tensor_bytes: i32::MAX as u64,
            max_name_bytes: 4096,
            max_text_bytes: 1 << 20,
            ir_versions: (3, 13),
            operator_sets: (7, 25),
            max_memory: 2_000_000_000,
        }
    }
}

impl GateLimits {
    /// Refuses empty files and those with too many bytes; may be asked before a file is read.
    ///
    /// # Errors
    /// [`GateError::Empty`] and [`GateError::TooManyBytes`].
    pub fn check_bytes(&self, n_bytes: u64) -> Result<(), GateError> {
        let limit = self.max_bytes;
        match n_bytes {
            0 => Err(GateError::Empty),
            bytes if bytes > limit => Err(GateError::TooManyBytes { bytes, limit }),
            _ => Ok(()),
        }
    }
}
