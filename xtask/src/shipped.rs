//! The crates that the site serves: those compiled into the page and into the engine.
//!
//! Cargo says which they are, for the wasm target and with the features of that build. Macros and build
//! scripts run while compiling and are not among them, nor is what only tests use.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};
use serde::Deserialize;
use spdx::Expression;

use crate::command::output;
use crate::paths::Paths;
use crate::toolchain::{WASM_TARGET, WasmStd};

/// The packages that are compiled to WebAssembly: the page's program and the engine.
pub(crate) const PROGRAMS: [&str; 2] = ["vitrine", "vitrine-worker"];

/// A crate's name and version, which tell it from every other.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CrateId {
    pub(crate) name: String,
    pub(crate) version: String,
}

/// A crate that is served.
#[derive(Clone, Debug)]
pub(crate) struct Crate {
    pub(crate) id: CrateId,
    /// Under which licence, as an SPDX expression.
    pub(crate) licence: String,
    pub(crate) authors: Vec<String>,
    pub(crate) description: Option<String>,
    pub(crate) repository: Option<String>,
    /// Where its source lies on this machine.
    pub(crate) folder: PathBuf,
    /// SHA-256 of its package; none for those of this workspace.
    pub(crate) sha256: Option<String>,
    /// Those of [`PROGRAMS`] that it is compiled into.
    pub(crate) programs: BTreeSet<&'static str>,
    /// The crates it is compiled with.
    pub(crate) needs: BTreeSet<CrateId>,
}

impl Crate {
    /// Whether it is one of this workspace.
    pub(crate) fn is_ours(&self) -> bool {
        self.sha256.is_none()
    }
}

/// The crates that are served, by name and version.
pub(crate) fn crates(paths: &Paths) -> Result<Vec<Crate>> {
    let mut programs: BTreeMap<CrateId, BTreeSet<&'static str>> = BTreeMap::new();
    let mut needs = Needs::new();
    for program in PROGRAMS {
        let tree = tree(&compiled_into(paths, program)?)?;
        for (id, its_needs) in tree {
            programs.entry(id.clone()).or_default().insert(program);
            needs.entry(id).or_default().extend(its_needs);
        }
    }
    let mut packages = packages(paths)?;
    let mut checksums = checksums(paths)?;
    let known = |(id, needs): (CrateId, BTreeSet<CrateId>)| {
        let package = packages.remove(&id);
        let package = package.with_context(|| format!("cargo describes no {}", id.name))?;
        Ok(Crate {
            licence: expression(package.license.as_deref().unwrap_or_default())
                .with_context(|| format!("the licence of {} {}", id.name, id.version))?,
            authors: package.authors,
            description: package.description,
            repository: package.repository,
            folder: package
                .manifest_path
                .parent()
                .context("a manifest lies in a folder")?
                .to_owned(),
            sha256: checksums.remove(&id),
            programs: programs.remove(&id).unwrap_or_default(),
            needs,
            id,
        })
    };
    needs.into_iter().map(known).collect()
}

/// The version of the compiler for wasm, which is that of the standard library in every program.
pub(crate) fn rust_version() -> Result<String> {
    let compiler = WasmStd::from_env()?.rustc();
    let told = output(Command::new(compiler).arg("--version"))?;
    let version = told.split_whitespace().nth(1);
    Ok(version.context("rustc names its version")?.to_owned())
}

/// An SPDX expression as the standard has it; crates also write `MIT/Apache-2.0`.
fn expression(written: &str) -> Result<String> {
    let canonical =
        Expression::canonicalize(written).map_err(|error| anyhow::anyhow!("{error}"))?;
    let text = canonical.unwrap_or_else(|| written.to_owned());
    Expression::parse(&text).map_err(|error| anyhow::anyhow!("{error}"))?;
    Ok(text)
}

/// Crates, each with those it is compiled with.
type Needs = BTreeMap<CrateId, BTreeSet<CrateId>>;

/// What cargo says a program is compiled from: a line per crate, its depth before a bar.
fn compiled_into(paths: &Paths, program: &str) -> Result<String> {
    let mut cargo = Command::new("cargo");
    cargo
        .current_dir(&paths.root)
        .args(["tree", "--locked", "--package", program])
        .args(["--target", WASM_TARGET, "--edges", "normal,no-proc-macro"])
        .args(["--prefix", "depth", "--format", "|{p}"]);
    output(&mut cargo)
}

fn tree(text: &str) -> Result<Needs> {
    let mut needs = Needs::new();
    let mut above: Vec<CrateId> = Vec::new();
    for line in text.lines() {
        let read = || format!("cargo tree says {line}");
        let (depth, package) = line.split_once('|').with_context(read)?;
        let depth: usize = depth.parse().with_context(read)?;
        let mut words = package.split_whitespace();
        let (name, version) = (words.next(), words.next());
        let id = CrateId {
            name: name.with_context(read)?.to_owned(),
            version: version
                .and_then(|version| version.strip_prefix('v'))
                .with_context(read)?
                .to_owned(),
        };
        above.truncate(depth);
        if let Some(parent) = above.last() {
            needs.entry(parent.clone()).or_default().insert(id.clone());
        }
        needs.entry(id.clone()).or_default();
        above.push(id);
    }
    Ok(needs)
}

/// As much of what `cargo metadata` writes as is read here.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
    authors: Vec<String>,
    description: Option<String>,
    repository: Option<String>,
    manifest_path: PathBuf,
}

fn packages(paths: &Paths) -> Result<BTreeMap<CrateId, Package>> {
    let text = output(
        Command::new("cargo")
            .current_dir(&paths.root)
            .args(["metadata", "--locked", "--format-version", "1"])
            .args(["--filter-platform", WASM_TARGET]),
    )?;
    let metadata: Metadata = serde_json::from_str(&text).context("reading cargo's metadata")?;
    let by_id = metadata.packages.into_iter().map(|package| {
        let id = CrateId {
            name: package.name.clone(),
            version: package.version.clone(),
        };
        (id, package)
    });
    Ok(by_id.collect())
}

/// As much of `Cargo.lock` as is read here.
#[derive(Deserialize)]
struct Lock {
    package: Vec<LockedPackage>,
}

#[derive(Deserialize)]
struct LockedPackage {
    name: String,
    version: String,
    checksum: Option<String>,
}

fn checksums(paths: &Paths) -> Result<BTreeMap<CrateId, String>> {
    let file = paths.root.join("Cargo.lock");
    let text = fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
    let lock: Lock =
        toml::from_str(&text).with_context(|| format!("{} is no lock file", file.display()))?;
    let checksum = |package: LockedPackage| {
        let LockedPackage { name, version, .. } = package;
        Some((CrateId { name, version }, package.checksum?))
    };
    Ok(lock.package.into_iter().filter_map(checksum).collect())
}

/// The crates of this checkout, asked for once by all tests.
#[cfg(test)]
pub(crate) fn of_this_checkout() -> &'static [Crate] {
    static CRATES: std::sync::LazyLock<Vec<Crate>> = std::sync::LazyLock::new(|| {
        let paths = Paths::find().expect("the tests run in a checkout");
        crates(&paths).expect("cargo says what is compiled")
    });
    &CRATES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str, version: &str) -> CrateId {
        CrateId {
            name: name.into(),
            version: version.into(),
        }
    }

    #[test]
    fn what_a_crate_needs_is_read_from_the_depth_of_the_lines() {
        let text = "0|a v1.0.0 (/somewhere)\n1|b v2.0.0\n2|c v3.0.0\n1|c v3.0.0 (*)\n1|b v1.0.0\n";
        let needs = tree(text).unwrap();
        let c = id("c", "3.0.0");
        let (b1, b2) = (id("b", "1.0.0"), id("b", "2.0.0"));
        assert_eq!(needs.len(), 4);
        assert_eq!(
            needs[&id("a", "1.0.0")],
            BTreeSet::from([b1.clone(), b2.clone(), c.clone()])
        );
        assert_eq!(needs[&b2], BTreeSet::from([c]));
        assert!(needs[&b1].is_empty());
        assert!(tree("a v1.0.0").is_err());
    }

    #[test]
    fn licences_are_expressions_of_the_standard() {
        assert_eq!(expression("MIT/Apache-2.0").unwrap(), "MIT OR Apache-2.0");
        assert_eq!(expression("Zlib").unwrap(), "Zlib");
        assert!(expression("Bespoke").is_err());
        assert!(expression("").is_err());
    }

    #[test]
    fn what_compiles_and_tests_is_not_served_and_what_runs_is() {
        let crates = of_this_checkout();
        let named = |name: &str| crates.iter().find(|one| one.id.name == name);
        let leptos = named("leptos").unwrap();
        assert_eq!(leptos.programs, BTreeSet::from(["vitrine"]));
        assert_eq!(leptos.sha256.as_ref().unwrap().len(), 64);
        let tract = named("tract-core").unwrap();
        assert_eq!(tract.programs, BTreeSet::from(["vitrine-worker"]));
        let protocol = named("vitrine-protocol").unwrap();
        assert_eq!(protocol.programs, BTreeSet::from(PROGRAMS));
        assert!(protocol.is_ours() && !leptos.is_ours());
        for name in ["serde_derive", "proptest", "clap", "tempfile", "xtask"] {
            assert!(named(name).is_none(), "{name} is not served");
        }
        for one in crates {
            assert!(one.folder.join("Cargo.toml").is_file());
            let is_known = |need: &CrateId| crates.iter().any(|other| other.id == *need);
            assert!(one.needs.iter().all(is_known), "{:?}", one.id);
        }
    }
}
