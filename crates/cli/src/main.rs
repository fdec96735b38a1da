//! `vitrine`: the page's pipeline as a native command.

// Only the wasm rooms are forbidden the clock; this program runs natively.
#![allow(clippy::disallowed_methods)]

mod analyse;
mod assets;
mod evaluate;
mod models;
mod predict;
mod profile;
mod read;
mod record;
mod runs;
mod train;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::assets::Assets;

#[derive(Parser)]
#[command(
    name = "vitrine",
    version,
    about = "Runs the site's models natively, with the same code as the page"
)]
struct Arguments {
    /// Folder with models.toml, labels/ and models/; the checkout's own by default
    #[arg(long, global = true)]
    assets: Option<PathBuf>,
    /// Model by its id; the first of the registry by default
    #[arg(long, global = true)]
    model: Option<String>,
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Name what is in pictures
    Predict(predict::Options),
    /// Read the text in pictures
    Read(read::Options),
    /// Tell what texts express
    Analyse(analyse::Options),
    /// Train a text head, measure it, and write it with its record
    Train(train::Options),
    /// What was trained, and what differs between two runs
    Runs(runs::Options),
    /// Measure a model on labelled data
    Evaluate(evaluate::Options),
    /// Where a model's time goes, by operator and by layer
    Profile(profile::Options),
    /// What the registry has, and whether it is there
    Models {
        #[command(subcommand)]
        task: models::Task,
    },
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let assets = Assets::open(arguments.assets)?;
    let model = arguments.model.as_deref();
    match arguments.task {
        Task::Predict(options) => predict::run(&assets, model, &options),
        Task::Read(options) => read::run(&assets, &options),
        Task::Analyse(options) => analyse::run(&assets, &options),
        Task::Train(options) => train::run(&assets, &options),
        Task::Runs(options) => runs::run(&assets, &options),
        Task::Evaluate(options) => evaluate::run(&assets, &options),
        Task::Profile(options) => profile::run(&assets, &options),
        Task::Models { task } => models::run(&assets, &task),
    }
}

/// Milliseconds since the program first asked.
fn now() -> f64 {
    static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    START
        .get_or_init(std::time::Instant::now)
        .elapsed()
        .as_secs_f64()
        * 1e3
}
