//! A file of unknown origin on its whole way: the gate, loading, one run on made-up inputs. For fuzzers
//! and the tests that replay what they found; natively, where a panic can be caught.

use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use vitrine_onnx::format::{FLOAT, Graph, INT64, Model as OnnxModel, ValueInfo};
use vitrine_protocol::{EngineError, Failure};
use vitrine_tasks::Tensor;

use crate::model::{Axis, InputSpec, Kind, Model as _};
use crate::rehearsal::{self, Part};
use crate::tract_model::{Fusion, TractModel, zeros};
use crate::workbench::check_model;

/// Length of axes that a file leaves open.
const OPEN_LENGTH: usize = 2;

/// Most numbers of one input, so that trying many files takes little time.
const MAX_INPUT: usize = 1 << 16;

/// What came of a file.
#[derive(Clone, Debug, PartialEq)]
pub enum Trial {
    /// It ran and gave these outputs.
    Ran(Vec<Tensor>),
    /// The gate or the engine refused it.
    Refused(Failure),
    /// tract, or a library under it, panicked. A worker ends of that, and costs one item.
    EngineEnded {
        /// Where, as `file:line: message`.
        panic: String,
    },
}

thread_local! {
    static IS_TRYING: Cell<bool> = const { Cell::new(false) };
    static LAST_PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Loads a file as a browser's engine does, with operators fused, and runs it once, on zeros in the shapes
/// that the file states.
///
/// The hook that tells of panics gets one before it for the whole process, because a hook alone knows
/// where a panic was. What tract panics of is kept from the hook that was there.
///
/// # Panics
/// Where our own code panicked, whose answer to any file is an error.
pub fn trial(file: &[u8]) -> Trial {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let place = info.location().map(ToString::to_string).unwrap_or_default();
            let message = info.payload_as_str().unwrap_or_default();
            let panic = format!("{place}: {message}");
            if !IS_TRYING.get() || is_ours(&panic) {
                before(info);
            }
            LAST_PANIC.set(panic);
        }));
    });
    IS_TRYING.set(true);
    let result = panic::catch_unwind(AssertUnwindSafe(|| run(file)));
    IS_TRYING.set(false);
    match result {
        Ok(Ok(outputs)) => Trial::Ran(outputs),
        Ok(Err(failure)) => Trial::Refused(failure),
        Err(_) => {
            let panic = LAST_PANIC.take();
            assert!(!is_ours(&panic), "our own code panicked at {panic}");
            Trial::EngineEnded { panic }
        }
    }
}

/// Small models that reach the fused operators, by file name: what a fuzzer changes step by step.
pub fn seeds() -> Vec<(String, Vec<u8>)> {
    let seed = |part| (format!("{part:?}.onnx"), rehearsal::model(part).0);
    Part::ALL.map(seed).to_vec()
}

/// Whether a place is in a room of this workspace.
fn is_ours(place: &str) -> bool {
    let rooms = [
        "allocator",
        "engine",
        "fourier",
        "kernels",
        "onnx",
        "protocol",
        "tasks",
    ];
    rooms
        .iter()
        .any(|room| place.contains(&format!("crates/{room}/src/")))
}

fn run(file: &[u8]) -> Result<Vec<Tensor>, Failure> {
    check_model(file)?;
    let specs = stated_inputs(file)?;
    let inputs = specs.iter().map(zeros).collect();
    let (mut model, _) = TractModel::load_with(file.to_vec(), &specs, &[], Fusion::All, || 0.0)?;
    let outputs = model.run(inputs)?;
    Ok(outputs)
}

/// The inputs as the file states them, those with a default value aside.
fn stated_inputs(file: &[u8]) -> Result<Vec<InputSpec>, EngineError> {
    let model = OnnxModel::from_bytes(file).map_err(|error| EngineError::Parse {
        detail: error.to_string(),
    })?;
    let graph = model.graph.unwrap_or_default();
    let is_stored = |graph: &Graph, name: &str| graph.initializer.iter().any(|t| t.name == name);
    let inputs = graph.input.iter();
    let inputs = inputs.filter(|input| !is_stored(&graph, &input.name));
    inputs.map(stated_input).collect()
}

fn stated_input(input: &ValueInfo) -> Result<InputSpec, EngineError> {
    let other = |detail: &str| EngineError::Optimise {
        detail: format!("input `{}` {detail}", input.name),
    };
    let kind = (input.kind.as_ref()).and_then(|kind| kind.tensor_type.as_ref());
    let kind = kind.ok_or_else(|| other("is no tensor"))?;
    let shape = kind.shape.clone().unwrap_or_default();
    let length = |stated: Option<i64>| match stated {
        Some(length) => usize::try_from(length).unwrap_or(OPEN_LENGTH),
        None => OPEN_LENGTH,
    };
    let lengths: Vec<usize> = shape
        .dim
        .iter()
        .map(|axis| length(axis.dim_value))
        .collect();
    let product = lengths
        .iter()
        .try_fold(1, |n: usize, length| n.checked_mul(*length));
    if product.is_none_or(|n| n > MAX_INPUT) {
        return Err(other("is larger than what is tried here"));
    }
    Ok(InputSpec {
        kind: match kind.elem_type {
            FLOAT => Kind::F32,
            INT64 => Kind::I64,
            _ => return Err(other("has numbers of a type that is not tried here")),
        },
        axes: lengths.into_iter().map(Axis::Fixed).collect(),
    })
}
