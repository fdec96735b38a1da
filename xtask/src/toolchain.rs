//! Which compiler makes the wasm, and where its standard library comes from.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::command::output;
use crate::paths::Paths;

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

/// Between flags in `CARGO_ENCODED_RUSTFLAGS`.
const FLAG_SEPARATOR: &str = "\x1f";

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

    /// Makes `command` (cargo, or trunk which calls cargo) compile for wasm with this library and with
    /// these flags; the same wherever the checkout lies.
    pub(crate) fn apply(self, paths: &Paths, flags: &[&str], command: &mut Command) -> Result<()> {
        let mut all = remap_flags(&known_folders(self, paths)?);
        all.extend(flags.iter().map(|flag| (*flag).to_owned()));
        // Flags for native code are not for wasm: these stand in their place. Encoded, because folders
        // may have spaces in their names.
        command
            .env_remove("RUSTFLAGS")
            .env("CARGO_ENCODED_RUSTFLAGS", all.join(FLAG_SEPARATOR));
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

    /// As [`apply`](WasmStd::apply), with a standard library that is built from source: in its small form, which
    /// sorts and writes numbers with less code, and with the same instructions as the program: threads share memory
    /// only where all of it knows of them.
    pub(crate) fn apply_with_small_std(
        self,
        paths: &Paths,
        flags: &[&str],
        command: &mut Command,
    ) -> Result<()> {
        self.apply(paths, flags, command)?;
        command
            .env("RUSTC_BOOTSTRAP", "1")
            .env("CARGO_UNSTABLE_BUILD_STD", "std,panic_abort")
            .env("CARGO_UNSTABLE_BUILD_STD_FEATURES", "optimize_for_size");
        Ok(())
    }

    /// As [`apply_with_small_std`](WasmStd::apply_with_small_std), for a program whose bytes count more than its last
    /// words: a panic stops it on the spot, without a sentence and without all that would write one.
    ///
    /// These are switches that the compiler does not promise to keep; `RUSTC_BOOTSTRAP` has a stable
    /// one take them.
    pub(crate) fn apply_small(self, paths: &Paths, command: &mut Command) -> Result<()> {
        self.apply_with_small_std(paths, &SMALL_FLAGS, command)
    }

    /// The cargo that compiles for wasm.
    pub(crate) fn cargo(self) -> &'static str {
        match self {
            WasmStd::Rustup => "cargo",
            WasmStd::Debian => "/usr/bin/cargo",
        }
    }

    /// The compiler for wasm.
    pub(crate) fn rustc(self) -> &'static str {
        match self {
            WasmStd::Rustup => "rustc",
            WasmStd::Debian => "/usr/bin/rustc",
        }
    }
}

/// Folders of this machine that compilers write into what they make, each with the name that stands
/// for it there.
pub(crate) fn known_folders(
    wasm_std: WasmStd,
    paths: &Paths,
) -> Result<[(PathBuf, &'static str); 3]> {
    let sysroot = output(
        Command::new(wasm_std.rustc())
            .env_remove("RUSTC")
            .args(["--print", "sysroot"]),
    )?;
    Ok([
        (Path::new(&sysroot).join("lib/rustlib/src/rust"), "/rust"),
        (cargo_home()?, "/cargo"),
        (paths.root.clone(), "/vitrine"),
    ])
}

/// Where cargo keeps the sources of crates.
fn cargo_home() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("CARGO_HOME") {
        return Ok(named.into());
    }
    let home = std::env::home_dir().context("no home folder: set CARGO_HOME")?;
    Ok(home.join(".cargo"))
}

/// Flags by which panics and other places in the source are named as on every machine. Without them
/// two checkouts give two programs, and each tells where it was built.
fn remap_flags(folders: &[(PathBuf, &'static str)]) -> Vec<String> {
    folders
        .iter()
        .map(|(folder, name)| format!("--remap-path-prefix={}={name}", folder.display()))
        .collect()
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

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    #[test]
    fn flags_say_the_same_of_every_checkout() {
        let paths = Paths {
            root: PathBuf::from("/home/someone/my work"),
            cache: PathBuf::new(),
        };
        let mut command = Command::new("cargo");
        WasmStd::Rustup
            .apply(&paths, &["-Ctarget-feature=+simd128"], &mut command)
            .unwrap();
        let set = |name: &str| command.get_envs().find(|(key, _)| *key == OsStr::new(name));
        let flags = set("CARGO_ENCODED_RUSTFLAGS").unwrap().1.unwrap();
        let flags: Vec<&str> = flags.to_str().unwrap().split(FLAG_SEPARATOR).collect();
        assert_eq!(
            flags[2..],
            [
                "--remap-path-prefix=/home/someone/my work=/vitrine",
                "-Ctarget-feature=+simd128"
            ]
        );
        assert!(flags[0].ends_with("=/rust") && flags[1].ends_with("=/cargo"));
        assert_eq!(set("RUSTFLAGS").unwrap().1, None, "none are inherited");
    }
}
