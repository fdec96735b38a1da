//! What the linker is told of the engine's memory.

use std::env;

/// Most bytes that it may grow to: what the largest pictures and models need several times over, and
/// what browsers on phones still give. Whoever asks for more gets an error instead of the device's last
/// memory.
const MOST_MEMORY: u64 = 2 << 30;

/// Has memory come from outside, for threads to share. Compilers before 2025 told the linker by themselves.
const SHARED_MEMORY: [&str; 7] = [
    "--shared-memory",
    "--import-memory",
    "--export=__heap_base",
    "--export=__wasm_init_tls",
    "--export=__tls_size",
    "--export=__tls_align",
    "--export=__tls_base",
];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |name: &str, value: &str| {
        env::var(name).is_ok_and(|met| met.split(',').any(|part| part == value))
    };
    if !is("CARGO_CFG_TARGET_ARCH", "wasm32") {
        return;
    }
    println!("cargo::rustc-cdylib-link-arg=--max-memory={MOST_MEMORY}");
    if is("CARGO_CFG_TARGET_FEATURE", "atomics") {
        for argument in SHARED_MEMORY {
            println!("cargo::rustc-cdylib-link-arg={argument}");
        }
    }
}
