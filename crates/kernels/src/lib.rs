//! Our kernels, registered with tract-linalg's public registries.
//!
//! tract picks a matrix kernel by asking tiers of the running architecture in order of precedence;
//! [`register`] makes sure that ours stands above tract's own on wasm. Natively they run
//! on a portable vector type, so that ordinary tests run the same source.

pub mod conv;
mod depthwise_w;
// Natively only its inner loop is used, by convolutions.
#[cfg_attr(not(any(test, ours)), allow(dead_code))]
mod gemm_f32_4x8;
mod hard_swish;
// Natively the operators above use part of it.
#[cfg_attr(not(any(test, ours)), allow(dead_code))]
mod lanes;
#[cfg(ours)]
mod registry;

pub use hard_swish::HardSwish;

/// Keeps the linker from dropping the registrations, and says whether they took effect.
///
/// wasm-ld drops an object that nothing references together with its registry entries, and tract
/// would then silently run its own kernels. Call this once before a model is optimised.
#[cfg(ours)]
pub fn register() -> bool {
    registry::present()
}

/// Natively tract's own kernels are the better ones: nothing is registered.
#[cfg(not(ours))]
pub fn register() -> bool {
    false
}
