//! Runs models: the only room, beside the kernels, that knows tract.
//!
//! `bytes → widen → parse → optimise → warm up` once, then
//! `decode → preprocess → infer → postprocess` for every picture.

mod classify;
mod clock;
mod model;
mod tract_model;
mod widen;

pub use classify::{Classified, Classifier};
pub use clock::Clock;
pub use model::Model;
pub use tract_model::TractModel;

/// Registers our kernels with tract; true where they took effect. See [`vitrine_kernels::register`].
pub fn register_kernels() -> bool {
    vitrine_kernels::register()
}
