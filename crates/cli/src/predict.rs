//! `vitrine predict PICTURE…`: the page's answers on the terminal.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use vitrine_protocol::{Classification, Failure, PictureError};

use crate::assets::Assets;

/// What to predict.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Pictures: JPEG, PNG, WebP, GIF or BMP
    #[arg(required = true)]
    pictures: Vec<PathBuf>,
    /// How many classes to print; as many as the page shows by default
    #[arg(long)]
    top_k: Option<usize>,
}

/// Prints the best classes of each picture; pictures that cannot be read do not stop the others.
pub(crate) fn run(assets: &Assets, model: Option<&str>, options: &Options) -> Result<()> {
    let entry = assets.entry(model)?;
    let (mut classifier, _) = assets.load(entry, None)?;
    let top_k = options.top_k.unwrap_or(entry.output.top_k);
    let mut failed = 0;
    for picture in &options.pictures {
        println!("{}", picture.display());
        let answer = read(picture).and_then(|file| classifier.classify(&file, top_k, crate::now));
        match answer {
            Ok(classified) => print!("{}", report(&classified.classification)),
            Err(failure) => {
                failed += 1;
                print!("{}", apology(&failure));
            }
        }
    }
    if failed > 0 {
        bail!(
            "{failed} of {} pictures could not be classified",
            options.pictures.len()
        );
    }
    Ok(())
}

fn read(picture: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(picture).map_err(|error| {
        let detail = error.to_string();
        PictureError::Unreadable { detail }.into()
    })
}

fn report(classification: &Classification) -> String {
    let mut text = String::new();
    for class in &classification.classes {
        text += &format!("  {} {:.1} %\n", class.label, class.probability * 100.0);
    }
    let stages: Vec<String> = classification
        .times
        .stages()
        .iter()
        .map(|(name, ms)| format!("{name} {ms:.1} ms"))
        .collect();
    text + &format!("  ({})\n", stages.join(", "))
}

fn apology(failure: &Failure) -> String {
    let words = failure.explain();
    format!("  {} {} {}\n", words.what, words.why, words.next)
}
