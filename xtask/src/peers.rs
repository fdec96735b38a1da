//! Engines of others that the bench compiles itself, because no package brings them for the browser.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::command::{run, run_quietly};
use crate::paths::Paths;
use crate::setup;
use crate::toolchain::{WASM_TARGET, WasmStd};

/// rten for the browser, as the bench serves it.
pub(crate) struct Rten {
    /// Holds `rten.js` and `rten_bg.wasm`.
    pub(crate) folder: PathBuf,
    pub(crate) version: String,
}

/// Builds `tests/peers/rten` as our fastest flavour with one thread is built: by the same compiler,
/// with relaxed SIMD.
pub(crate) fn build_rten(paths: &Paths) -> Result<Rten> {
    let source = paths.root.join("tests/peers/rten");
    let wasm_std = WasmStd::from_env()?;
    let target = paths.target().join("peer-rten");
    let mut command = Command::new(wasm_std.cargo());
    let flags = ["-Ctarget-feature=+simd128,+relaxed-simd"];
    wasm_std.apply(paths, &flags, &mut command)?;
    command
        .current_dir(&source)
        .env("CARGO_TARGET_DIR", &target)
        .args(["build", "--locked", "--release", "--target", WASM_TARGET]);
    run_quietly("rten", &mut command)?;
    let folder = paths.target().join("bench/rten");
    run(Command::new(setup::wasm_bindgen(paths))
        .args(["--target", "web", "--no-typescript"])
        .args(["--out-name", "rten", "--out-dir"])
        .arg(&folder)
        .arg(
            target
                .join(WASM_TARGET)
                .join("release/vitrine_peer_rten.wasm"),
        ))?;
    let manifest = source.join("Cargo.toml");
    let text =
        fs::read_to_string(&manifest).with_context(|| format!("reading {}", manifest.display()))?;
    Ok(Rten {
        folder,
        version: pinned(&text, "rten")?,
    })
}

/// The version at which a manifest pins a dependency.
fn pinned(manifest: &str, name: &str) -> Result<String> {
    let manifest: toml::Table = manifest.parse().context("the manifest is no TOML")?;
    manifest
        .get("dependencies")
        .and_then(|dependencies| dependencies.get(name)?.as_str()?.strip_prefix('='))
        .map(str::to_owned)
        .with_context(|| format!("the manifest does not pin {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pinned_version_is_found_and_a_loose_one_is_not() {
        let manifest = "[dependencies]\npinned = \"=1.2.3\"\nloose = \"1.2\"\n";
        assert_eq!(pinned(manifest, "pinned").unwrap(), "1.2.3");
        assert!(pinned(manifest, "loose").is_err());
        assert!(pinned(manifest, "absent").is_err());
    }
}
