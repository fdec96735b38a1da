//! Which compiler makes the wasm, and where its standard library comes from.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::command::output;

/// Compiler target of everything that runs in the browser.
pub(crate) const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// What makes the page's program small; `docs/decisions/0020-page-size.md` has what each saves.
const SMALL_FLAGS: [&str; 5] = [
    // leptos then compiles the parts of a view once, instead of once for each view around them.
    "--cfg=erase_components",
    "-Zunstable-options",
    "-Cpanic=immediate-abort",
    "-Zlocation-detail=none",
    "-Zfmt-debug=none",
];

/// Where the standard library for wasm comes from: `VITRINE_WASM_STD`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WasmStd {
    /// `rustup target add`; what an ordinary machine uses.
    Rustup,
    /// Debian's compiler, which brings the library's source and builds it; for machines that
    /// cannot reach the Rust download host.
    Debian,
}

impl WasmStd {
    /// Reads the switch. It is explicit because guessing from the network would give two machines
    /// two different builds.
    pub(crate) fn from_env() -> Result<WasmStd> {
        match std::env::var("VITRINE_WASM_STD").as_deref() {
            Err(_) | Ok("rustup") => Ok(WasmStd::Rustup),
            Ok("debian") => Ok(WasmStd::Debian),
            Ok(other) => {
                bail!("VITRINE_WASM_STD is `{other}`; it takes `rustup` (default) or `debian`")
            }
        }
    }

    /// Makes `command` (cargo, or trunk which calls cargo) compile for wasm with this library.
    pub(crate) fn apply(self, command: &mut Command) -> Result<()> {
        // Flags for native code are not for wasm.
        for inherited in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"] {
            command.env_remove(inherited);
        }
        if self == WasmStd::Debian {
            // The cargo that runs this command comes from rustup, and names its own compiler.
            command
                .env_remove("RUSTUP_TOOLCHAIN")
                .env_remove("CARGO")
                .env("RUSTC", "/usr/bin/rustc")
                .env("RUSTC_BOOTSTRAP", "1")
                .env("CARGO_UNSTABLE_BUILD_STD", "std,panic_abort")
                .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", rust_lld()?);
        }
        Ok(())
    }

    /// As [`apply`](WasmStd::apply), for a program whose bytes count more than its last words: a
    /// panic stops it on the spot, without a sentence and without all that would write one. The
    /// standard library is built from source for that, in its small form.
    ///
    /// These are switches that the compiler does not promise to keep; `RUSTC_BOOTSTRAP` has a stable
    /// one take them.
    pub(crate) fn apply_small(self, command: &mut Command) -> Result<()> {
        self.apply(command)?;
        command
            .env("RUSTC_BOOTSTRAP", "1")
            .env("CARGO_UNSTABLE_BUILD_STD", "std,panic_abort")
            .env("CARGO_UNSTABLE_BUILD_STD_FEATURES", "optimize_for_size")
            .env(
                "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS",
                SMALL_FLAGS.join(" "),
            );
        Ok(())
    }

    /// The cargo that compiles for wasm.
    pub(crate) fn cargo(self) -> &'static str {
        match self {
            WasmStd::Rustup => "cargo",
            WasmStd::Debian => "/usr/bin/cargo",
        }
    }
}

/// Debian's compiler has no linker for wasm; the one inside the rustup toolchain does it.
fn rust_lld() -> Result<PathBuf> {
    let lld = host_library()?.join("bin/rust-lld");
    if !lld.is_file() {
        bail!(
            "the Rust toolchain has no rust-lld at {}; install Rust through rustup",
            lld.display()
        );
    }
    Ok(lld)
}

/// Compiler target of this machine.
pub(crate) fn host() -> Result<String> {
    let version = output(Command::new("rustc").args(["--version", "--verbose"]))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc names its host")?.to_owned())
}

/// Folder of the rustup toolchain with what belongs to this machine's target.
fn host_library() -> Result<PathBuf> {
    let sysroot = output(
        Command::new("rustc")
            .env_remove("RUSTC")
            .args(["--print", "sysroot"]),
    )?;
    Ok(PathBuf::from(sysroot).join("lib/rustlib").join(host()?))
}

/// Whether the toolchain brings the address sanitizer's library.
pub(crate) fn has_address_sanitizer() -> Result<bool> {
    let folder = host_library()?.join("lib");
    let files = fs::read_dir(&folder).with_context(|| format!("listing {}", folder.display()))?;
    Ok(files
        .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
        .any(|name| name.contains("_rt.asan")))
}
