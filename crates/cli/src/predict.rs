//! `vitrine predict PICTURE…`: the page's answers on the terminal.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use vitrine_engine::{Workbench, timed};
use vitrine_protocol::{Class, Failure, PictureError, Spec, StageTimes, Stages as _};
use vitrine_tasks::picture::{self, Limits};

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
    let entry = match model {
        Some(id) => assets.entry(id)?,
        None => assets.first_of("picture-classification")?,
    };
    let Spec::PictureClassification { output, .. } = &entry.spec else {
        bail!(
            "{} is for {}, not for pictures",
            entry.id,
            entry.spec.task()
        );
    };
    let mut workbench = Workbench::new();
    assets.load(&mut workbench, entry, None)?;
    let top_k = options.top_k.unwrap_or(output.top_k);
    let mut failed = 0;
    for picture in &options.pictures {
        println!("{}", picture.display());
        match classify(&mut workbench, &entry.id, picture, top_k) {
            Ok((classes, times)) => print!("{}", report(&classes, &times)),
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

/// Reads, decodes and classifies one file.
pub(crate) fn classify(
    workbench: &mut Workbench,
    model: &str,
    file: &Path,
    top_k: usize,
) -> Result<(Vec<Class>, StageTimes), Failure> {
    let bytes = read(file)?;
    let (pixels, decode) = timed(crate::now, || picture::decode(&bytes, &Limits::default()));
    let (classes, times) = workbench.classify(model, &pixels?, top_k, crate::now)?;
    Ok((classes, StageTimes { decode, ..times }))
}

fn read(picture: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(picture).map_err(|error| {
        let detail = error.to_string();
        PictureError::Unreadable { detail }.into()
    })
}

fn report(classes: &[Class], times: &StageTimes) -> String {
    let mut text = String::new();
    for class in classes {
        text += &format!("  {} {:.1} %\n", class.label, class.probability * 100.0);
    }
    let stages: Vec<String> = times
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
