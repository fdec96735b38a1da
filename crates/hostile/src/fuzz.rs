//! What fuzzers run: functions that take any bytes and panic where something does not hold.
//!
//! `fuzz/` wraps each for libFuzzer, and `tests/fuzz.rs` gives them the files of the corpus and the
//! inputs that once failed, so that an ordinary test run guards what a fuzzer found. The engine, which
//! this crate may not name, has its own in `vitrine_engine::trial`.

mod pictures;
mod reading;
mod seeds;
mod texts;

use vitrine_onnx::format::Model;
use vitrine_onnx::{GateLimits, check};
use vitrine_protocol::{Registry, Weights};

pub use seeds::{Seed, seeds};

/// Something that any bytes are given to.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// As the fuzz crate's program and the folders of inputs are called.
    pub name: &'static str,
    /// Takes the bytes; panics where something does not hold that should for every input.
    pub run: fn(&[u8]),
}

/// Every target but that of the engine.
pub const TARGETS: [Target; 6] = [
    Target {
        name: "onnx_gate",
        run: onnx_gate,
    },
    Target {
        name: "picture",
        run: pictures::picture,
    },
    Target {
        name: "table",
        run: texts::table,
    },
    Target {
        name: "tokeniser",
        run: texts::tokeniser,
    },
    Target {
        name: "reading",
        run: reading::reading,
    },
    Target {
        name: "registry",
        run: registry,
    },
];

/// Runs a target on some bytes.
///
/// # Panics
/// Where something does not hold, and for a name that no target has.
pub fn run(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    let target = target.unwrap_or_else(|| panic!("no target is called `{name}`"));
    (target.run)(bytes);
}

/// The gate. What it lets through can be decoded and holds no more than was counted; where its weights can
/// be narrowed, as set-up does, the outcome can be decoded too.
fn onnx_gate(bytes: &[u8]) {
    let limits = GateLimits::default();
    let Ok(summary) = check(bytes, &limits) else {
        return;
    };
    assert_eq!(summary.file_bytes, bytes.len() as u64);
    assert!(summary.estimated_bytes <= limits.max_memory);
    assert!(summary.depth <= limits.max_depth);
    let model = Model::from_bytes(bytes).expect("what passed the gate can be decoded");
    let graph = model.graph.expect("what passed the gate has a graph");
    assert!(graph.node.len() as u64 <= summary.n_nodes);
    assert!(graph.initializer.len() as u64 <= summary.n_tensors);
    let n_values: i64 = (graph.initializer.iter())
        .map(|tensor| tensor.dims.iter().product::<i64>())
        .sum();
    assert!(n_values as u64 <= summary.n_values);
    let _ = vitrine_onnx::characters(bytes);
    if let Ok(narrowed) = vitrine_onnx::narrow(bytes, Weights::Int8) {
        Model::from_bytes(&narrowed).expect("a narrowed file can be decoded");
    }
}

/// The registry's text: read and checked, or told what is wrong with it.
fn registry(bytes: &[u8]) {
    match Registry::parse(&String::from_utf8_lossy(bytes)) {
        Ok(registry) => {
            for model in &registry.models {
                assert!(!model.id.is_empty());
            }
        }
        Err(errors) => {
            assert!(!errors.0.is_empty());
            assert!(!errors.to_string().is_empty());
        }
    }
}

/// Takes an input apart: numbers that choose from its beginning, the rest as it is.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    /// The next byte; 0 behind the end.
    fn byte(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *first
    }

    /// A number from 0 to 1, both possible.
    fn share(&mut self) -> f32 {
        f32::from(self.byte()) / 255.0
    }

    /// The next bytes, fewer at the end.
    fn take(&mut self, n: usize) -> &'a [u8] {
        let (first, rest) = self.0.split_at(n.min(self.0.len()));
        self.0 = rest;
        first
    }

    fn rest(self) -> &'a [u8] {
        self.0
    }
}
