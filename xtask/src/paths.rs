//! Where things are: the checkout, what is built, and what outlives a checkout.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Folders that the commands read and write.
#[derive(Clone, Debug)]
pub(crate) struct Paths {
    /// The checkout.
    pub(crate) root: PathBuf,
    /// Tools and package files shared by every checkout of this user, keyed by version or hash.
    /// `VITRINE_CACHE` overrides the place.
    pub(crate) cache: PathBuf,
}

impl Paths {
    /// Finds the checkout this command was compiled from and the user's cache folder.
    pub(crate) fn find() -> Result<Paths> {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = manifest
            .parent()
            .context("xtask stands inside the checkout")?
            .to_owned();
        Ok(Paths {
            root,
            cache: cache_folder()?,
        })
    }

    /// The registry of models and samples.
    pub(crate) fn registry(&self) -> PathBuf {
        self.root.join("assets/models.toml")
    }

    /// Model files as served; made by `cargo xtask models`.
    pub(crate) fn models(&self) -> PathBuf {
        self.root.join("assets/models")
    }

    /// Sample pictures as served; made by `cargo xtask models`.
    pub(crate) fn samples(&self) -> PathBuf {
        self.root.join("assets/samples")
    }

    /// What the build makes for the page: engines and the catalogue.
    pub(crate) fn site(&self) -> PathBuf {
        self.target().join("site")
    }

    /// The built site, ready for any static host.
    pub(crate) fn dist(&self) -> PathBuf {
        self.root.join("dist")
    }

    /// The Node package that drives Chromium.
    pub(crate) fn browser_tests(&self) -> PathBuf {
        self.root.join("tests/browser")
    }

    /// Cargo's target folder, also the place of everything else that is built.
    pub(crate) fn target(&self) -> PathBuf {
        self.root.join("target")
    }
}

fn cache_folder() -> Result<PathBuf> {
    if let Some(folder) = std::env::var_os("VITRINE_CACHE") {
        return Ok(folder.into());
    }
    if let Some(folder) = std::env::var_os("XDG_CACHE_HOME") {
        return Ok(PathBuf::from(folder).join("vitrine"));
    }
    let home = std::env::var_os("HOME")
        .or_else(|| std::env::var_os("USERPROFILE"))
        .context("no home folder: set VITRINE_CACHE to a folder for tools and packages")?;
    Ok(PathBuf::from(home).join(".cache/vitrine"))
}
