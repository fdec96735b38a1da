//! The site: engines, catalogue, and the page that trunk builds around them.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use vitrine_protocol::{Catalog, Conversion, EngineBuild};

use crate::command::{path_with, run_quietly};
use crate::paths::Paths;
use crate::toolchain::WasmStd;
use crate::{budgets, models, notices, pack, precache, sbom, setup, shell, shipped, shrink};

/// How much is done about the size of the page's program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finish {
    /// As it is served, within its budgets.
    Small,
    /// Without the steps behind the compiler, for whoever changes the page and looks at it.
    Quick,
}

/// Builds everything that is served into `paths.dist()`, around these engines. Set-up and models
/// must be there.
pub(crate) fn build(paths: &Paths, engines: Vec<EngineBuild>, finish: Finish) -> Result<()> {
    println!("Page");
    write_catalog(paths, engines)?;
    shell::join(paths)?;
    let wasm_std = WasmStd::from_env()?;
    let tools = setup::tool_folders(paths);
    let mut command = Command::new(setup::trunk(paths));
    wasm_std.apply_small(paths, &mut command)?;
    // Trunk calls the first cargo on the PATH.
    let debian = (wasm_std == WasmStd::Debian).then(|| "/usr/bin".into());
    command
        .current_dir(&paths.root)
        .env(
            "PATH",
            path_with(
                tools
                    .iter()
                    .map(AsRef::as_ref)
                    .chain(debian.iter().map(std::path::PathBuf::as_path)),
            )?,
        )
        .env("CARGO_TARGET_DIR", paths.target().join("page"))
        // Some environments set NO_COLOR=1, which trunk 0.21 does not take for a boolean.
        .env_remove("NO_COLOR")
        .args(["build", "--release", "--offline", "--dist"])
        .arg(paths.dist());
    run_quietly("page", &mut command)?;
    if finish == Finish::Small {
        shrink::program(paths)?;
    }
    shell::write_routes(paths)?;
    let crates = shipped::crates(paths)?;
    sbom::write(paths, &crates)?;
    notices::write(paths, &crates)?;
    precache::write(paths)?;
    match finish {
        Finish::Small => budgets::check(paths),
        Finish::Quick => budgets::report(paths).map(|_| ()),
    }
}

/// As JSON for tests and scripts, and packed for the page.
fn write_catalog(paths: &Paths, engines: Vec<EngineBuild>) -> Result<()> {
    let mut registry = models::registry(paths)?;
    pack::models(paths, &mut registry)?;
    // How a file came about is set-up's business: the page and its engine only need what is served.
    for model in &mut registry.models {
        model.source.convert = Conversion::default();
    }
    let catalog = Catalog {
        models: registry.models,
        engines,
    };
    let text = serde_json::to_string_pretty(&catalog).context("writing the catalogue")?;
    write_if_changed(&paths.site().join("catalog.json"), text.as_bytes())?;
    write_if_changed(
        &paths.site().join("catalog.postcard"),
        &vitrine_protocol::pack(&catalog),
    )
}

/// Unchanged content keeps its time stamp, so that cargo does not rebuild the page for nothing.
fn write_if_changed(file: &Path, content: &[u8]) -> Result<()> {
    if fs::read(file).ok().as_deref() != Some(content) {
        fs::write(file, content).with_context(|| format!("writing {}", file.display()))?;
    }
    Ok(())
}

/// Bytes after compression as a static host does it on the fly.
pub(crate) fn gzip_len(bytes: &[u8]) -> Result<usize> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).context("compressing")?;
    Ok(encoder.finish().context("compressing")?.len())
}
