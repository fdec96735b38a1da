//! The service worker as served: `sw.js` with the list of the site's files before it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::paths::Paths;
use crate::shell::integrity;
use crate::{notices, sbom};

/// Name of the service worker, in the checkout and on the site.
const SERVICE_WORKER: &str = "sw.js";

/// Files by path from the site's root, each with its hash as `integrity` takes it.
type Hashes = BTreeMap<String, String>;

/// What the service worker knows of the site it belongs to.
#[derive(Debug, PartialEq, Serialize)]
struct Manifest {
    /// Changes with any file, and with the service worker itself.
    version: String,
    /// What the page needs to start: kept at once.
    shell: Hashes,
    /// What is kept once it is used.
    later: Hashes,
}

/// When the service worker keeps a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keep {
    AtOnce,
    Later,
    /// Not its business: the page keeps models itself, and some files are for hosts only.
    Never,
}

/// Writes the service worker into the built site; to be called when everything else is there.
pub(crate) fn write(paths: &Paths) -> Result<()> {
    let script = paths.root.join(SERVICE_WORKER);
    let script =
        fs::read_to_string(&script).with_context(|| format!("reading {}", script.display()))?;
    let mut files = Hashes::new();
    collect(&paths.dist(), "", &mut files)?;
    let manifest = manifest(files, &script);
    let list = serde_json::to_string(&manifest).context("writing the list of files")?;
    let file = paths.dist().join(SERVICE_WORKER);
    fs::write(&file, format!("self.SITE = {list};\n{script}"))
        .with_context(|| format!("writing {}", file.display()))?;
    println!(
        "  {SERVICE_WORKER}: version {}, {} files at once, {} later",
        manifest.version,
        manifest.shell.len(),
        manifest.later.len()
    );
    Ok(())
}

fn manifest(files: Hashes, script: &str) -> Manifest {
    let mut hasher = Sha256::new();
    hasher.update(script);
    for (path, hash) in &files {
        hasher.update(format!("{path}\n{hash}\n"));
    }
    let version = hasher
        .finalize()
        .iter()
        .take(8)
        .fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    let (shell, later) = files
        .into_iter()
        .partition(|(path, _)| keep(path) == Keep::AtOnce);
    Manifest {
        version,
        shell,
        later,
    }
}

/// Adds the files of a folder whose path from the site's root is `prefix`.
fn collect(folder: &Path, prefix: &str, files: &mut Hashes) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("listing {}", folder.display()))? {
        let entry = entry?;
        let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &format!("{path}/"), files)?;
        } else if keep(&path) != Keep::Never {
            let bytes = fs::read(entry.path()).with_context(|| format!("reading {path}"))?;
            files.insert(path, integrity(&bytes));
        }
    }
    Ok(())
}

fn keep(path: &str) -> Keep {
    let is_page = path.ends_with("/index.html");
    match path.split_once('/') {
        None if matches!(path, SERVICE_WORKER | "404.html" | sbom::FILE) => Keep::Never,
        // Texts of licences weigh as much as the shell, and few read them.
        None if path == notices::FILE => Keep::Later,
        Some(("models", _)) if !is_page => Keep::Never,
        Some(("engine", _)) => Keep::Later,
        Some(("samples", file)) if file != "tiles.jpg" => Keep::Later,
        _ => Keep::AtOnce,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(paths: &[&str]) -> Hashes {
        let hash = |path: &&str| (path.to_string(), format!("sha256-of-{path}"));
        paths.iter().map(hash).collect()
    }

    #[test]
    fn what_the_page_starts_with_is_kept_at_once_and_weights_never() {
        for (path, expected) in [
            ("index.html", Keep::AtOnce),
            ("models/index.html", Keep::AtOnce),
            ("vitrine-0123_bg.wasm", Keep::AtOnce),
            ("labels/imagenet-1k.txt", Keep::AtOnce),
            ("samples/tiles.jpg", Keep::AtOnce),
            ("samples/page.png", Keep::Later),
            ("engine/simd-0123/engine_bg.wasm", Keep::Later),
            ("models/0123.part", Keep::Never),
            ("models/vocabulary.txt", Keep::Never),
            ("sw.js", Keep::Never),
            ("404.html", Keep::Never),
            ("notices.html", Keep::Later),
            ("sbom.cdx.json", Keep::Never),
        ] {
            assert_eq!(keep(path), expected, "{path}");
        }
    }

    #[test]
    fn the_version_changes_with_any_file_and_with_the_script() {
        let version = |paths: &[&str], script: &str| manifest(files(paths), script).version;
        let first = version(&["index.html", "engine/a"], "script");
        assert_eq!(first, version(&["engine/a", "index.html"], "script"));
        assert_ne!(first, version(&["index.html", "engine/b"], "script"));
        assert_ne!(first, version(&["index.html", "engine/a"], "other"));
        assert_eq!(first.len(), 16);
    }

    #[test]
    fn every_file_stands_on_the_list_with_its_hash() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("labels")).unwrap();
        fs::write(folder.path().join("labels/a.txt"), b"abc").unwrap();
        fs::write(folder.path().join(SERVICE_WORKER), b"old").unwrap();
        let mut met = Hashes::new();
        collect(folder.path(), "", &mut met).unwrap();
        let abc = "sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=";
        let expected = Hashes::from([("labels/a.txt".to_owned(), abc.to_owned())]);
        assert_eq!(met, expected);
    }
}
