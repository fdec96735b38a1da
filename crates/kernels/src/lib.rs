//! Our kernels, registered with tract-linalg's public registries.
//!
//! tract picks a matrix kernel by asking tiers of the running architecture in order of precedence;
//! [`register`] makes sure that ours stands above tract's own on wasm. Natively they run
//! on a portable vector type, so that ordinary tests run the same source.

#![cfg_attr(
    all(target_arch = "wasm32", target_feature = "atomics"),
    feature(stdarch_wasm_atomic_wait)
)]

mod attention;
pub mod conv;
mod depthwise_w;
mod functions;
mod gate;
// Natively only its inner loop is used, by convolutions.
#[cfg_attr(not(any(test, ours)), allow(dead_code))]
mod gemm_f32_4x8;
mod hard_swish;
// Natively the operators above use part of it.
#[cfg_attr(not(any(test, ours)), allow(dead_code))]
mod lanes;
mod layer_norm;
mod linear;
pub mod pool;
#[cfg(ours)]
mod registry;
mod rows;

pub use attention::Attention;
pub use functions::gelu_in_place;
pub use gate::gate;
pub use hard_swish::HardSwish;
pub use layer_norm::LayerNorm;
pub use linear::{Linear, LinearActivation};

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
