//! The registry and the files it names, as they lie in the checkout.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use vitrine_engine::{Classifier, TractModel};
use vitrine_protocol::{LoadTimes, ModelEntry, Registry};
use vitrine_tasks::labels::{self, Label};

/// The folder with `models.toml`, `labels/` and `models/`.
pub(crate) struct Assets {
    folder: PathBuf,
    registry: Registry,
}

impl Assets {
    /// Reads the registry in `folder`, by default the one of the checkout this program was built from.
    pub(crate) fn open(folder: Option<PathBuf>) -> Result<Assets> {
        let folder =
            folder.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets"));
        let file = folder.join("models.toml");
        let text =
            fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
        let registry = toml::from_str(&text)
            .with_context(|| format!("{} is not as the registry should be", file.display()))?;
        Ok(Assets { folder, registry })
    }

    /// The entry with this id, or the first one.
    pub(crate) fn entry(&self, id: Option<&str>) -> Result<&ModelEntry> {
        let Some(id) = id else {
            return self
                .registry
                .models
                .first()
                .context("the registry names no model");
        };
        self.registry
            .models
            .iter()
            .find(|entry| entry.id == id)
            .with_context(|| {
                let known: Vec<&str> = self
                    .registry
                    .models
                    .iter()
                    .map(|entry| entry.id.as_str())
                    .collect();
                format!(
                    "the registry has no model `{id}`; it has {}",
                    known.join(", ")
                )
            })
    }

    /// The class keys and names of a model, in the order of its outputs.
    pub(crate) fn labels(&self, entry: &ModelEntry) -> Result<Vec<Label>> {
        let file = self.folder.join("labels").join(&entry.output.labels);
        let text =
            fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
        labels::parse(&text)
            .with_context(|| format!("{} is not as a label file should be", file.display()))
    }

    /// Loads, optimises and warms up a model, from the served file or from `instead`.
    pub(crate) fn load(
        &self,
        entry: &ModelEntry,
        instead: Option<&Path>,
    ) -> Result<(Classifier<TractModel>, LoadTimes)> {
        let served = self.folder.join("models").join(&entry.served.file);
        let file = instead.map_or(served, Path::to_owned);
        if !file.is_file() {
            bail!(
                "{} is not there: run `cargo xtask models` first",
                file.display()
            );
        }
        let weights = fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
        let shape = Classifier::<TractModel>::input_shape(entry);
        let (model, times) = TractModel::load(weights, &shape, crate::now)
            .with_context(|| format!("loading {}", file.display()))?;
        let names = self
            .labels(entry)?
            .into_iter()
            .map(|label| label.name)
            .collect();
        Ok((Classifier::new(entry.clone(), names, model), times))
    }
}
