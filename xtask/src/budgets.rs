//! `budgets.toml`: what the site may weigh. Sizes are checked whenever the page is built.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};
use vitrine_protocol::Catalog;

use crate::page::gzip_len;
use crate::paths::Paths;

/// How much more than its accepted size something may weigh.
const GROWTH: f64 = 1.05;

/// The page's program under `[ratchet]`.
const PROGRAM: &str = "program";

/// The file's fields; it says what they are.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Budgets {
    shell_kb: u32,
    program_goal_kb: u32,
    requests_before_interactive: u32,
    repeat_interactive_ms: u32,
    /// Accepted sizes in bytes by what is weighed: `program`, `engine-relaxed`, or a model's file.
    ratchet: BTreeMap<String, u64>,
}

/// What something weighs and may weigh, in bytes.
#[derive(Debug, PartialEq)]
pub(crate) struct Weight {
    what: String,
    bytes: u64,
    limit: u64,
}

impl Budgets {
    /// Reads `budgets.toml`.
    pub(crate) fn read(paths: &Paths) -> Result<Budgets> {
        let file = paths.root.join("budgets.toml");
        let text =
            fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
        toml::from_str(&text).with_context(|| format!("{} is not as it should be", file.display()))
    }

    /// For the browser tests, which have no reader for TOML.
    pub(crate) fn json(&self) -> Result<String> {
        serde_json::to_string(self).context("writing the budgets")
    }
}

/// Weighs the built site; fails with everything that is over and by how much.
pub(crate) fn check(paths: &Paths) -> Result<()> {
    let over = over(&report(paths)?);
    if !over.is_empty() {
        bail!("over budget, see budgets.toml:\n{}", over.join("\n"));
    }
    Ok(())
}

/// Weighs the built site, and says so.
pub(crate) fn report(paths: &Paths) -> Result<Vec<Weight>> {
    let budgets = Budgets::read(paths)?;
    let weights = weigh(paths, &budgets)?;
    for Weight { what, bytes, limit } in &weights {
        println!("  {what}: {} of {}", kilobytes(*bytes), kilobytes(*limit));
    }
    let goal = u64::from(budgets.program_goal_kb) * 1000;
    let program = weights.iter().find(|weight| weight.what == PROGRAM);
    if let Some(over) = program.and_then(|program| program.bytes.checked_sub(goal)) {
        println!(
            "  {PROGRAM}: {} over its goal of {}",
            kilobytes(over),
            kilobytes(goal)
        );
    }
    Ok(weights)
}

/// The files of the page's program: its WebAssembly and the scripts around it.
pub(crate) fn program(dist: &Path) -> Result<Vec<PathBuf>> {
    let mut files = files_in(dist)?;
    files.retain(|file| kind(&file_name(file)) == Kind::Program);
    Ok(files)
}

fn weigh(paths: &Paths, budgets: &Budgets) -> Result<Vec<Weight>> {
    let dist = paths.dist();
    let page = dist.join("index.html");
    let page = fs::read_to_string(&page).with_context(|| format!("reading {}", page.display()))?;
    let (mut shell, mut program) = (gzip_len(page.as_bytes())? as u64, 0);
    for file in files_in(&dist)? {
        let name = file_name(&file);
        match kind(&name) {
            Kind::Program => program += packed(&file)?,
            // What no page names is loaded later, or never.
            Kind::Shell if page.contains(&name) => shell += packed(&file)?,
            Kind::Shell | Kind::Other => {}
        }
    }
    let mut weights = vec![Weight {
        what: "shell".into(),
        bytes: shell,
        limit: u64::from(budgets.shell_kb) * 1000,
    }];
    let mut ratcheted = vec![(PROGRAM.to_owned(), program)];
    ratcheted.extend(fetched_later(paths)?);
    for (what, bytes) in ratcheted {
        let Some(accepted) = budgets.ratchet.get(&what) else {
            bail!(
                "budgets.toml has no size for {what}: add `\"{what}\" = {bytes}` under [ratchet]"
            );
        };
        weights.push(Weight {
            what,
            bytes,
            limit: (*accepted as f64 * GROWTH) as u64,
        });
    }
    Ok(weights)
}

/// What a file of the site's first folder belongs to.
#[derive(Debug, PartialEq)]
enum Kind {
    Program,
    Shell,
    Other,
}

/// Trunk names the program after the crate.
fn kind(name: &str) -> Kind {
    match name.rsplit_once('.') {
        Some((stem, "js" | "wasm")) if stem.starts_with("vitrine-") => Kind::Program,
        Some((_, "js" | "css")) => Kind::Shell,
        _ => Kind::Other,
    }
}

/// What is fetched when it is needed: engines as gzip, models as they are packed, in all their pieces.
fn fetched_later(paths: &Paths) -> Result<Vec<(String, u64)>> {
    let mut found = Vec::new();
    for folder in files_in(&paths.dist().join("engine"))? {
        // The rest of the name is a hash.
        let Some((flavour, _)) = file_name(&folder)
            .rsplit_once('-')
            .map(|(flavour, hash)| (flavour.to_owned(), hash.to_owned()))
        else {
            continue;
        };
        let mut bytes = 0;
        for file in files_in(&folder)? {
            bytes += packed(&file)?;
        }
        found.push((format!("engine-{flavour}"), bytes));
    }
    let catalog = paths.site().join("catalog.json");
    let text =
        fs::read_to_string(&catalog).with_context(|| format!("reading {}", catalog.display()))?;
    let catalog: Catalog = serde_json::from_str(&text).context("reading the catalogue")?;
    for model in catalog.models {
        found.push((model.served.file, model.served.packed));
        if let Some(vocabulary) = model.vocabulary {
            found.push((vocabulary.served.file, vocabulary.served.bytes));
        }
    }
    found.sort();
    Ok(found)
}

fn over(weights: &[Weight]) -> Vec<String> {
    weights
        .iter()
        .filter(|weight| weight.bytes > weight.limit)
        .map(|Weight { what, bytes, limit }| {
            format!(
                "{what}: {}, {} over",
                kilobytes(*bytes),
                kilobytes(bytes - limit)
            )
        })
        .collect()
}

fn files_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let list = || format!("listing {}", folder.display());
    let mut files = fs::read_dir(folder)
        .with_context(list)?
        .map(|entry| Ok(entry.with_context(list)?.path()))
        .collect::<Result<Vec<_>>>()?;
    files.sort();
    Ok(files)
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn packed(file: &Path) -> Result<u64> {
    let bytes = fs::read(file).with_context(|| format!("reading {}", file.display()))?;
    Ok(gzip_len(&bytes)? as u64)
}

fn kilobytes(bytes: u64) -> String {
    format!("{:.1} KB", bytes as f64 / 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weight(bytes: u64) -> Weight {
        Weight {
            what: "program".into(),
            bytes,
            limit: 220_000,
        }
    }

    #[test]
    fn what_is_over_is_told_with_by_how_much() {
        assert_eq!(over(&[weight(220_000)]), Vec::<String>::new());
        assert_eq!(over(&[weight(222_500)]), ["program: 222.5 KB, 2.5 KB over"]);
    }

    #[test]
    fn the_program_is_told_from_the_shell() {
        assert_eq!(kind("vitrine-0123_bg.wasm"), Kind::Program);
        assert_eq!(kind("vitrine-0123.js"), Kind::Program);
        assert_eq!(kind("boot-4567.js"), Kind::Shell);
        assert_eq!(kind("style-89ab.css"), Kind::Shell);
        assert_eq!(kind("NOTICE"), Kind::Other);
    }

    #[test]
    fn the_committed_budgets_are_read() {
        let budgets = Budgets::read(&Paths::find().unwrap()).unwrap();
        assert!(budgets.program_goal_kb > 0);
        assert!(
            budgets
                .json()
                .unwrap()
                .contains("requests_before_interactive")
        );
    }
}
