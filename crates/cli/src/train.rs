//! `vitrine train`: labelled texts to a head, with a record of how it came to be.

mod features;
mod head_file;
mod learn;
mod progress;
mod registry_lines;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use vitrine_train::{Corpus, DataSet, HeadRecipe, prepare, read_files, sha256};

use self::features::Source;
use self::learn::{Part, learn};
use crate::assets::Assets;
use crate::record::{self, HeadFacts, Record, Seconds};

/// What to train.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Name of the head in assets/training.toml: emotion, sentiment or intent
    head: String,
    /// Folder with the data set's files, or with folders named after data sets; without it they
    /// are fetched once from where they are published
    #[arg(long)]
    data: Option<PathBuf>,
    /// Where all chance comes from: the same seed gives the same file
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Leave the test part alone, as long as there is something to choose
    #[arg(long, conflicts_with = "install")]
    dev_only: bool,
    /// Shuffle the labels of the training texts: what is measured then is chance
    #[arg(long, conflicts_with = "install")]
    shuffle_labels: bool,
    /// Copy the head and its record to assets/heads/
    #[arg(long)]
    install: bool,
    /// Folder for the runs; target/runs of the checkout by default
    #[arg(long)]
    runs: Option<PathBuf>,
}

/// Largest difference between logits of a head and of its file, run by the engine. f32 sums of
/// hundreds of products in another order differ by about 1e-5.
const TOLERANCE: f32 = 1e-3;

/// Trains a head as its recipe says, measures it, and writes it with its record.
pub(crate) fn run(assets: &Assets, options: &Options) -> Result<()> {
    let started = crate::now();
    let recipes = assets.recipes()?;
    let recipe = recipes.get(&options.head)?;
    let data_sets = assets.data_sets()?;
    let data_set = data_sets.get(&recipe.data)?;
    println!(
        "{} from {} ({})",
        recipe.name, data_set.title, data_set.licence
    );
    let corpus = read_corpus(assets, recipe, data_set, options.data.as_deref())?;
    let (kept, findings) = prepare(&corpus);
    for line in findings.lines() {
        println!("  {line}");
    }

    let encoding = crate::now();
    let source = Source::open(assets, data_set, recipe)?;
    let (train_features, dev_features) = (
        source.features("train", &corpus.train)?,
        source.features("dev", &corpus.dev)?,
    );
    let test_features = match options.dev_only {
        true => None,
        false => Some(source.features("test", &corpus.test)?),
    };
    let encoded = crate::now();

    let mut train = Part::new(&train_features, kept, corpus.labels.len());
    if options.shuffle_labels {
        train.shuffle_labels(options.seed);
    }
    let all = |examples: &[_]| examples.iter().cloned().enumerate().collect();
    let dev = Part::new(&dev_features, all(&corpus.dev), corpus.labels.len());
    let trained = learn(recipe, &corpus.labels, &train, &dev, options.seed)?;
    let learnt = crate::now();

    let file = head_file::write(&trained.stored, trained.weights)?;
    let most = head_file::largest_difference(&file, &trained.stored, &train_features)?;
    ensure!(
        most < TOLERANCE,
        "the engine's logits differ from the head's by {most}: the file is not kept"
    );
    let test = test_features.map(|features| {
        let test = Part::new(&features, all(&corpus.test), corpus.labels.len());
        trained.score(recipe, &corpus.labels, &test)
    });

    let record = Record {
        name: String::new(),
        head: recipe.name.clone(),
        date: record::today(),
        revision: record::Revision::of(&assets.checkout())?,
        seed: options.seed,
        labels_were_shuffled: options.shuffle_labels,
        data: data_set.into(),
        encoder: source.encoder_facts(),
        kind: recipe.kind,
        reads: recipe.reads,
        training: recipe.training.clone(),
        findings,
        epochs: trained.epochs,
        thresholds: trained.thresholds,
        dev_is: trained.dev_is,
        dev: trained.dev,
        test,
        file: HeadFacts {
            weights: trained.weights,
            bytes: file.len(),
            sha256: sha256(&file),
            n_parameters: trained.stored.n_parameters(),
            n_dev_told_otherwise: trained.n_told_otherwise,
        },
        seconds: Seconds {
            features: (encoded - encoding) / 1e3,
            training: (learnt - encoded) / 1e3,
            total: (crate::now() - started) / 1e3,
        },
        machine: record::Machine::this(),
    }
    .named();
    print!("{}", record.summary());
    let lines = registry_lines::of(&record, recipe, data_set);
    let runs = assets.runs(options.runs.as_deref());
    keep(&runs.join(&record.name), &record, &file, &lines)?;
    if options.install {
        install(&assets.heads(), &record, &file)?;
    }
    println!("\nFor assets/models.toml:\n\n{lines}");
    Ok(())
}

/// The data set's texts, with the labels of the recipe in the order of its label file.
fn read_corpus(
    assets: &Assets,
    recipe: &HeadRecipe,
    data_set: &DataSet,
    folder: Option<&Path>,
) -> Result<Corpus> {
    let files = read_files(data_set, folder)?;
    let mut corpus = Corpus::read(data_set, &files)?;
    if !recipe.group.is_empty() {
        corpus = corpus.grouped(&recipe.groups())?;
    }
    let keys: Vec<String> = assets
        .label_file(&recipe.labels)?
        .into_iter()
        .map(|label| label.key)
        .collect();
    ensure!(
        keys == corpus.labels,
        "the keys in assets/labels/{} are not the labels of the data, in their order",
        recipe.labels
    );
    Ok(corpus)
}

/// Writes what a run leaves behind into a folder of its own.
fn keep(folder: &Path, record: &Record, file: &[u8], lines: &str) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    write(&folder.join("head.onnx"), file)?;
    write(&folder.join("record.json"), record.to_json()?.as_bytes())?;
    write(&folder.join("models.toml"), lines.as_bytes())?;
    println!("\n{}", folder.display());
    Ok(())
}

/// Copies the head and its record to where they are committed.
fn install(folder: &Path, record: &Record, file: &[u8]) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    for (ending, bytes) in [("onnx", file), ("json", record.to_json()?.as_bytes())] {
        let path = folder.join(format!("{}.{ending}", record.head));
        write(&path, bytes)?;
        println!("{} ({} bytes)", path.display(), bytes.len());
    }
    Ok(())
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).with_context(|| format!("writing {}", path.display()))
}
