//! `vitrine`: the page's pipeline as a native command.

// Only the wasm rooms are forbidden the clock; this program runs natively.
#![allow(clippy::disallowed_methods)]

mod assets;
mod evaluate;
mod predict;

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
    /// Measure a model on labelled data
    Evaluate {
        #[command(subcommand)]
        data: Dataset,
    },
}

#[derive(Subcommand)]
enum Dataset {
    /// Pictures named by ImageNet class, such as n02123045_tabby.JPEG
    ImagenetSamples(evaluate::Options),
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let assets = Assets::open(arguments.assets)?;
    let model = arguments.model.as_deref();
    match arguments.task {
        Task::Predict(options) => predict::run(&assets, model, &options),
        Task::Evaluate {
            data: Dataset::ImagenetSamples(options),
        } => evaluate::run(&assets, model, &options),
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
