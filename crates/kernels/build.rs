//! Says in one word, `ours`, where our kernels stand in for tract's: in wasm with SIMD, unless the
//! feature `stock-kernels` leaves tract its own.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(ours)");
    let is = |name: &str, value: &str| {
        env::var(name).is_ok_and(|met| met.split(',').any(|part| part == value))
    };
    let wasm_simd =
        is("CARGO_CFG_TARGET_ARCH", "wasm32") && is("CARGO_CFG_TARGET_FEATURE", "simd128");
    if wasm_simd && env::var_os("CARGO_FEATURE_STOCK_KERNELS").is_none() {
        println!("cargo::rustc-cfg=ours");
    }
}
