//! The page's program as it is served: smaller than what compiler and wasm-bindgen leave.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest as _, Sha384};

use crate::command::run_quietly;
use crate::paths::Paths;
use crate::{budgets, setup};

/// Makes program and glue of the site that trunk built smaller, and has its first page expect them.
///
/// They keep the names trunk gave them: these change with what was compiled, and the same is made
/// of that until another version of a tool is pinned.
pub(crate) fn program(paths: &Paths) -> Result<()> {
    let folder = paths.root.join("xtask/shrink");
    setup::npm_packages(&folder)?;
    let files = program_files(&paths.dist())?;
    let before = files
        .iter()
        .map(|file| integrity(file))
        .collect::<Result<Vec<_>>>()?;
    run_quietly(
        "smaller program",
        Command::new("node")
            .current_dir(&folder)
            .arg("shrink.js")
            .args(&files),
    )?;
    let page = paths.dist().join("index.html");
    let mut html =
        fs::read_to_string(&page).with_context(|| format!("reading {}", page.display()))?;
    for (file, before) in files.iter().zip(before) {
        ensure!(
            html.contains(&before),
            "the page does not expect {} as it was built",
            file.display()
        );
        html = html.replace(&before, &integrity(file)?);
    }
    fs::write(&page, html).with_context(|| format!("writing {}", page.display()))
}

/// The program and its glue, in this order.
fn program_files(dist: &Path) -> Result<[PathBuf; 2]> {
    let only = |ending: &str| -> Result<PathBuf> {
        let found: Vec<PathBuf> = budgets::program(dist)?
            .into_iter()
            .filter(|file| file.extension().is_some_and(|found| found == ending))
            .collect();
        ensure!(
            found.len() == 1,
            "the site has {} programs in .{ending}",
            found.len()
        );
        Ok(found[0].clone())
    };
    Ok([only("wasm")?, only("js")?])
}

/// As trunk writes it and browsers check it.
fn integrity(file: &Path) -> Result<String> {
    let content = fs::read(file).with_context(|| format!("reading {}", file.display()))?;
    Ok(format!(
        "sha384-{}",
        BASE64.encode(Sha384::digest(&content))
    ))
}
