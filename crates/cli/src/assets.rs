//! The registry and the files it names, as they lie in the checkout.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use vitrine_engine::Workbench;
use vitrine_protocol::{LoadTimes, ModelEntry, Registry, WarmUp};
use vitrine_tasks::labels::{self, Label};
use vitrine_train::{DataSets, Recipes};

/// The folder with `models.toml`, `labels/` and `models/`.
pub(crate) struct Assets {
    folder: PathBuf,
    /// What `models.toml` says.
    pub(crate) registry: Registry,
}

impl Assets {
    /// Reads the registry in `folder`, by default the one of the checkout this program was built from.
    pub(crate) fn open(folder: Option<PathBuf>) -> Result<Assets> {
        let folder =
            folder.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets"));
        let file = folder.join("models.toml");
        let text =
            fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
        let registry = Registry::parse(&text)
            .with_context(|| format!("{} is not as the registry should be", file.display()))?;
        Ok(Assets { folder, registry })
    }

    /// The entry with this id.
    pub(crate) fn entry(&self, id: &str) -> Result<&ModelEntry> {
        let models = &self.registry.models;
        models.iter().find(|entry| entry.id == id).with_context(|| {
            let known: Vec<&str> = models.iter().map(|entry| entry.id.as_str()).collect();
            format!(
                "the registry has no model `{id}`; it has {}",
                known.join(", ")
            )
        })
    }

    /// The first entry whose task has this name.
    pub(crate) fn first_of(&self, task: &str) -> Result<&ModelEntry> {
        let models = &self.registry.models;
        models
            .iter()
            .find(|entry| entry.spec.task() == task)
            .with_context(|| format!("the registry has no model for {task}"))
    }

    /// The recipes of `training.toml`.
    pub(crate) fn recipes(&self) -> Result<Recipes> {
        let text = self.read("training.toml")?;
        Ok(Recipes::parse(&text)?)
    }

    /// The data sets of `data.toml`.
    pub(crate) fn data_sets(&self) -> Result<DataSets> {
        let text = self.read("data.toml")?;
        Ok(DataSets::parse(&text)?)
    }

    /// The class keys and names in a file of `labels/`.
    pub(crate) fn label_file(&self, file: &str) -> Result<Vec<Label>> {
        let text = self.read(&format!("labels/{file}"))?;
        labels::parse(&text).with_context(|| format!("the labels in {file}"))
    }

    /// Folder of the heads that are committed.
    pub(crate) fn heads(&self) -> PathBuf {
        self.folder.join("heads")
    }

    /// The checkout that the folder belongs to.
    pub(crate) fn checkout(&self) -> PathBuf {
        self.folder.join("..")
    }

    /// Folder of training runs, or `instead`.
    pub(crate) fn runs(&self, instead: Option<&Path>) -> PathBuf {
        instead.map_or_else(|| self.checkout().join("target/runs"), Path::to_owned)
    }

    /// Folder for features with this key.
    pub(crate) fn features(&self, key: &str) -> PathBuf {
        self.checkout().join("target/features").join(key)
    }

    fn read(&self, file: &str) -> Result<String> {
        let path = self.folder.join(file);
        fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))
    }

    /// Folder of the files that are served.
    pub(crate) fn models(&self) -> PathBuf {
        self.folder.join("models")
    }

    /// The served file of a model.
    pub(crate) fn served(&self, entry: &ModelEntry) -> PathBuf {
        self.models().join(&entry.served.file)
    }

    /// The class keys and names of a model, in the order of its outputs; none where it has none.
    pub(crate) fn labels(&self, entry: &ModelEntry) -> Result<Vec<Label>> {
        if entry.spec.labels().is_none() {
            return Ok(Vec::new());
        }
        let text = self.text(entry)?;
        labels::parse(&text).with_context(|| format!("the labels of {}", entry.id))
    }

    /// Text of a model's label file or vocabulary; empty where it has neither.
    pub(crate) fn text(&self, entry: &ModelEntry) -> Result<String> {
        let file = match (entry.spec.labels(), &entry.vocabulary) {
            (Some(labels), _) => self.folder.join("labels").join(labels),
            (None, Some(vocabulary)) => self.folder.join("models").join(&vocabulary.served.file),
            (None, None) => return Ok(String::new()),
        };
        fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))
    }

    /// The bytes of a model's served file, or of `instead`.
    pub(crate) fn weights(&self, entry: &ModelEntry, instead: Option<&Path>) -> Result<Vec<u8>> {
        let file = instead.map_or_else(|| self.served(entry), Path::to_owned);
        if !file.is_file() {
            bail!(
                "{} is not there: run `cargo xtask models` first",
                file.display()
            );
        }
        fs::read(&file).with_context(|| format!("reading {}", file.display()))
    }

    /// Loads a model into a workbench, from the served file or from `instead`.
    pub(crate) fn load(
        &self,
        workbench: &mut Workbench,
        entry: &ModelEntry,
        instead: Option<&Path>,
    ) -> Result<LoadTimes> {
        let weights = self.weights(entry, instead)?;
        let text = self.text(entry)?;
        workbench
            .load(entry.clone(), &text, weights, WarmUp::Now, crate::now)
            .with_context(|| format!("loading {}", entry.id))
    }
}
