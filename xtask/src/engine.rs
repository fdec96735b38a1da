//! The engine's flavours: one crate compiled once per instruction set.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};
use vitrine_protocol::{EngineBuild, Flavour};

use crate::command::{output, run, run_quietly};
use crate::paths::Paths;
use crate::shell::integrity;
use crate::toolchain::{WASM_TARGET, WasmStd};
use crate::{page, setup};

/// The files of a flavour: the script of its workers and the module.
const WORKER_SCRIPT: &str = "worker.js";
const MODULE: &str = "engine_bg.wasm";
/// What wasm-bindgen makes beside the module; the script begins with it.
const GLUE: &str = "engine.js";

/// Builds these flavours into `paths.site()/engine` and returns what is served where. Others that
/// were built earlier are removed.
///
/// A flavour's folder carries a hash of its content in its name: a page built earlier never meets a
/// newer engine, it meets a missing file and says so.
pub(crate) fn build(paths: &Paths, flavours: &[Flavour]) -> Result<Vec<EngineBuild>> {
    println!("Engine");
    let folder = paths.site().join("engine");
    // Side by side, because linking, which is half of the time, keeps one core busy alone.
    let compiled: Vec<Result<PathBuf>> = thread::scope(|scope| {
        let compiling: Vec<_> = (flavours.iter())
            .map(|flavour| scope.spawn(|| compile(paths, *flavour, Kernels::Ours)))
            .collect();
        (compiling.into_iter())
            .map(|flavour| match flavour.join() {
                Ok(compiled) => compiled,
                Err(_) => bail!("a build of the engine ended without a word"),
            })
            .collect()
    });
    let mut builds = Vec::new();
    for (flavour, wasm) in flavours.iter().zip(compiled) {
        builds.push(publish(paths, *flavour, &wasm?, &folder)?);
    }
    remove_other_folders(&folder, &builds)?;
    Ok(builds)
}

/// The flavours that were built last, as far as they stand in `paths.site()/engine`.
///
/// # Errors
/// When there is none: build everything first.
pub(crate) fn built(paths: &Paths) -> Result<Vec<EngineBuild>> {
    let folder = paths.site().join("engine");
    let list = || format!("listing {}: run cargo xtask build first", folder.display());
    let mut builds = Vec::new();
    for entry in fs::read_dir(&folder).with_context(list)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let key = name.rsplit_once('-').map_or("", |(key, _)| key);
        let is_complete = folder.join(&name).join(WORKER_SCRIPT).is_file();
        if let Some(flavour) = Flavour::from_key(key).filter(|_| is_complete) {
            builds.push(served(&folder, &name, flavour)?);
        }
    }
    if builds.is_empty() {
        bail!(
            "{} holds no engine: run cargo xtask build first",
            folder.display()
        );
    }
    builds.sort_by_key(|build| {
        let mut order = Flavour::FASTEST_FIRST.iter();
        order.position(|flavour| *flavour == build.flavour)
    });
    Ok(builds)
}

/// Builds the relaxed flavour with tract's own kernels into `folder`, for comparison only.
pub(crate) fn build_stock(paths: &Paths, folder: &Path) -> Result<EngineBuild> {
    println!("Engine with tract's own kernels");
    let wasm = compile(paths, Flavour::Relaxed, Kernels::Stock)?;
    publish(paths, Flavour::Relaxed, &wasm, folder)
}

/// Whose matrix kernels an engine runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kernels {
    Ours,
    Stock,
}

fn target_features(flavour: Flavour) -> &'static str {
    match flavour {
        Flavour::Simd => "+simd128",
        Flavour::Relaxed => "+simd128,+relaxed-simd",
        Flavour::Threads => "+simd128,+relaxed-simd,+atomics,+bulk-memory,+mutable-globals",
    }
}

fn compile(paths: &Paths, flavour: Flavour, kernels: Kernels) -> Result<PathBuf> {
    let wasm_std = WasmStd::from_env()?;
    // A folder for each flavour: cargo would otherwise rebuild everything at each change of flags.
    let target = paths.target().join(format!("engine-{}", flavour.key()));
    let mut command = Command::new(wasm_std.cargo());
    let features = format!("-Ctarget-feature={}", target_features(flavour));
    let flags = [features.as_str(), "--cfg=getrandom_backend=\"wasm_js\""];
    wasm_std.apply_with_small_std(paths, &flags, &mut command)?;
    command
        .current_dir(&paths.root)
        .env("CARGO_TARGET_DIR", &target)
        .args([
            "build",
            "--package",
            "vitrine-worker",
            "--profile",
            "engine",
            "--target",
            WASM_TARGET,
        ]);
    if kernels == Kernels::Stock {
        command.args(["--features", "stock-kernels"]);
    }
    run_quietly(&format!("engine, {}", flavour.title()), &mut command)?;
    Ok(target.join(WASM_TARGET).join("engine/vitrine_worker.wasm"))
}

fn publish(paths: &Paths, flavour: Flavour, wasm: &Path, folder: &Path) -> Result<EngineBuild> {
    let compiled = fs::read(wasm).with_context(|| format!("reading {}", wasm.display()))?;
    let script = paths.root.join("crates/worker/worker.js");
    let script = fs::read(&script).with_context(|| format!("reading {}", script.display()))?;
    let mut hasher = Sha256::new();
    hasher.update(&compiled);
    hasher.update(&script);
    hasher.update(output(
        Command::new(setup::wasm_bindgen(paths)).arg("--version"),
    )?);
    let hash: String = hasher
        .finalize()
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let name = format!("{}-{hash}", flavour.key());
    let out = folder.join(&name);
    let is_complete = fs::read(out.join(WORKER_SCRIPT)).is_ok_and(|met| met.ends_with(&script));
    if !is_complete {
        let _ = fs::remove_dir_all(&out);
        run(Command::new(setup::wasm_bindgen(paths))
            .args([
                "--target",
                "web",
                "--no-typescript",
                "--remove-name-section",
                "--remove-producers-section",
            ])
            .args(["--out-name", "engine", "--out-dir"])
            .arg(&out)
            .arg(wasm))?;
        let glue = out.join(GLUE);
        let joined = [
            fs::read(&glue).context("reading the engine's glue")?,
            script,
        ]
        .concat();
        fs::remove_file(&glue).context("removing the engine's glue")?;
        // Last, because it says that the folder is complete.
        fs::write(out.join(WORKER_SCRIPT), joined).context("writing the worker's script")?;
    }
    let module = fs::read(out.join(MODULE)).context("reading the engine's size")?;
    println!(
        "  {}: {name}, {:.1} MB, {:.1} MB gzip",
        flavour.title(),
        module.len() as f64 / 1e6,
        page::gzip_len(&module)? as f64 / 1e6
    );
    served(folder, &name, flavour)
}

/// What the page needs to know of a flavour whose files stand in `folder` under this name.
fn served(folder: &Path, name: &str, flavour: Flavour) -> Result<EngineBuild> {
    let read = |file: &str| {
        let path = folder.join(name).join(file);
        fs::read(&path).with_context(|| format!("reading {}", path.display()))
    };
    let module = read(MODULE)?;
    Ok(EngineBuild {
        flavour,
        worker: format!("engine/{name}/{WORKER_SCRIPT}"),
        worker_sum: integrity(&read(WORKER_SCRIPT)?),
        wasm: format!("engine/{name}/{MODULE}"),
        wasm_sum: integrity(&module),
        wasm_bytes: module.len() as u64,
    })
}

fn remove_other_folders(folder: &Path, builds: &[EngineBuild]) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("listing {}", folder.display()))? {
        let entry = entry?;
        let served = format!(
            "engine/{}/{WORKER_SCRIPT}",
            entry.file_name().to_string_lossy()
        );
        if !builds.iter().any(|build| build.worker == served) {
            fs::remove_dir_all(entry.path())
                .with_context(|| format!("removing {}", entry.path().display()))?;
        }
    }
    Ok(())
}
