//! Runs models: the only room, beside the kernels, that knows tract.
//!
//! `bytes → widen → parse → simplify → plan per shape` once, then a task's own flow for every
//! picture or text: `classify`, `read`, `encode`.

mod classify;
mod clock;
mod encode;
mod fuse;
mod measure;
mod model;
mod narrow;
mod net;
mod read;
mod rehearsal;
mod tract_model;
pub mod trial;
mod widen;
mod workbench;

pub use classify::{Classifier, picture_spec};
pub use clock::{Clock, timed};
pub use encode::{Encoded, Encoder, Head, analyse, encoder_specs, head_specs};
pub use measure::{by_operator, made_up_inputs};
pub use model::{Axis, Input, InputSpec, Kind, Model, run_one};
pub use read::{Detector, Direction, Recogniser, read};
pub use rehearsal::{Part, rehearse};
pub use tract_model::{OperatorTime, TractModel};
pub use workbench::{Workbench, check_model};

pub use vitrine_kernels::pool;

/// Registers our kernels with tract; true where they took effect. See [`vitrine_kernels::register`].
pub fn register_kernels() -> bool {
    vitrine_kernels::register()
}
