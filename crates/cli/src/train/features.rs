//! An encoder's features of a data set, computed once and kept in a file.

use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;
use std::thread;

use anyhow::{Context as _, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use vitrine_engine::Workbench;
use vitrine_protocol::{ModelEntry, Spec, WarmUp};
use vitrine_train::{DataSet, Example, Features, HeadRecipe, Reads, sha256};

use crate::assets::Assets;
use crate::record::EncoderFacts;

/// Counts up when features of the same texts and weights come out otherwise.
const VERSION: u32 = 1;

/// Texts that are encoded before the next ones are looked at.
const BLOCK: usize = 512;

/// Features of one data set by one encoder.
pub(super) struct Source {
    folder: PathBuf,
    weights: Vec<u8>,
    vocabulary: String,
    entry: ModelEntry,
    reads: Reads,
    length: usize,
}

impl Source {
    /// Finds the encoder of a recipe and the folder for what it makes of the data.
    ///
    /// The folder's name has a hash of everything that the features depend on: weights, vocabulary,
    /// what is read of them, and the texts.
    pub(super) fn open(assets: &Assets, data_set: &DataSet, recipe: &HeadRecipe) -> Result<Source> {
        let entry = assets.entry(&recipe.encoder)?.clone();
        let Spec::TextEncoding { output, .. } = &entry.spec else {
            bail!(
                "{} is for {}, not for encoding texts",
                entry.id,
                entry.spec.task()
            );
        };
        let length = output.embedding * output.states.len();
        let weights = assets.weights(&entry, None)?;
        let vocabulary = assets.text(&entry)?;
        let depends_on = format!(
            "{VERSION} {} {} {:?} {} {:?}",
            sha256(&weights),
            sha256(vocabulary.as_bytes()),
            entry.spec,
            data_set.hash(),
            recipe.reads,
        );
        let key = &sha256(depends_on.as_bytes())[..12];
        let reads = match recipe.reads {
            Reads::Mean => "mean",
            Reads::Tokens => "tokens",
        };
        Ok(Source {
            folder: assets.features(&format!("{}-{reads}-{key}", data_set.id)),
            weights,
            vocabulary,
            entry,
            reads: recipe.reads,
            length,
        })
    }

    /// What is recorded of the encoder.
    pub(super) fn encoder_facts(&self) -> EncoderFacts {
        EncoderFacts {
            id: self.entry.id.clone(),
            sha256: sha256(&self.weights),
            spec: self.entry.spec.clone(),
            length: self.length,
        }
    }

    /// Features of a part's texts, in their order: from the file, or computed and put there.
    pub(super) fn features(&self, part: &str, examples: &[Example]) -> Result<Features> {
        let file = self.folder.join(format!("{part}.features"));
        if file.is_file() {
            let features =
                Features::read(&file).with_context(|| format!("reading {}", file.display()))?;
            if features.n_texts() == examples.len() && features.length() == self.length {
                return Ok(features);
            }
        }
        if examples.is_empty() {
            return Ok(Features::new(self.length));
        }
        let features = self.encode(part, examples)?;
        fs::create_dir_all(&self.folder)
            .with_context(|| format!("making {}", self.folder.display()))?;
        // Whole files only: one that is cut short would be computed again, but for nothing.
        let unfinished = file.with_extension("part");
        features
            .write(&unfinished)
            .with_context(|| format!("writing {}", unfinished.display()))?;
        fs::rename(&unfinished, &file).with_context(|| format!("writing {}", file.display()))?;
        Ok(features)
    }

    fn encode(&self, part: &str, examples: &[Example]) -> Result<Features> {
        let template = "encoding {prefix} {bar:30} {pos}/{len} texts {elapsed} eta {eta}";
        let style = ProgressStyle::with_template(template).context("progress template")?;
        println!("  encoding {part}, to keep in {}", self.folder.display());
        let bar = ProgressBar::new(examples.len() as u64)
            .with_style(style)
            .with_prefix(part.to_owned());
        let n_threads = thread::available_parallelism().map_or(1, usize::from);
        let encoders = (0..n_threads)
            .map(|_| self.encoder())
            .collect::<Result<Vec<_>>>()?;
        let encoders: Vec<Mutex<Workbench>> = encoders.into_iter().map(Mutex::new).collect();
        let mut features = Features::new(self.length);
        for block in examples.chunks(BLOCK) {
            let share = block.len().div_ceil(n_threads);
            let parts: Vec<Result<Vec<Vec<f32>>>> = thread::scope(|scope| {
                let workers: Vec<_> = block
                    .chunks(share)
                    .zip(&encoders)
                    .map(|(texts, encoder)| scope.spawn(|| self.rows(texts, encoder)))
                    .collect();
                let join = |worker: thread::ScopedJoinHandle<_>| match worker.join() {
                    Ok(rows) => rows,
                    Err(panic) => std::panic::resume_unwind(panic),
                };
                workers.into_iter().map(join).collect()
            });
            for rows in parts {
                rows?.iter().for_each(|rows| features.push(rows));
            }
            bar.inc(block.len() as u64);
        }
        bar.finish();
        Ok(features)
    }

    fn encoder(&self) -> Result<Workbench> {
        let mut workbench = Workbench::new();
        let (entry, weights) = (self.entry.clone(), self.weights.clone());
        workbench.load(
            entry,
            &self.vocabulary,
            weights,
            WarmUp::Skipped,
            crate::now,
        )?;
        Ok(workbench)
    }

    fn rows(&self, texts: &[Example], encoder: &Mutex<Workbench>) -> Result<Vec<Vec<f32>>> {
        let mut encoder = encoder
            .lock()
            .ok()
            .context("an encoder's thread has panicked")?;
        let rows = texts.iter().map(|example| {
            let encoded = encoder.encode(&example.text, crate::now)?;
            Ok(match self.reads {
                Reads::Mean => encoded.mean().values,
                Reads::Tokens => encoded.states.values,
            })
        });
        rows.collect()
    }
}
