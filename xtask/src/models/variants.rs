//! `cargo xtask models --variants`: every model in every width, to measure what a width costs.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use vitrine_protocol::{ModelEntry, Source, Weights};

use super::fetch::Sources;
use super::{convert, registry, write_whole};
use crate::paths::Paths;

/// Widths in the order of the table, widest first.
const WIDTHS: [Weights; 3] = [Weights::F32, Weights::F16, Weights::Int8];

/// Writes `ID.f32.onnx`, `ID.f16.onnx` and `ID.int8.onnx` of every model to `folder` and prints
/// their sizes.
pub(crate) fn write(paths: &Paths, folder: &Path) -> Result<()> {
    let registry = registry(paths)?;
    let sources = Sources::fetch(paths, registry.models.iter().flat_map(sources_of))?;
    fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    println!("Variants in {}, bytes", folder.display());
    println!(
        "{:32} {:>11} {:>11} {:>11}  served",
        "model", "f32", "f16", "int8"
    );
    for model in &registry.models {
        let converted = convert(model, &model.source, &sources)?;
        let mut row = format!("{:32}", model.id);
        for width in WIDTHS {
            let variant = vitrine_onnx::narrow(&converted, width)
                .with_context(|| format!("{}: storing weights as {}", model.id, width.title()))?;
            row += &format!(" {:>11}", variant.len());
            let file = format!("{}.{}.onnx", model.id, width.title());
            write_whole(&folder.join(file), &variant)?;
        }
        println!("{row}  {}", model.served.weights.title());
    }
    Ok(())
}

/// The sources of a model and of its vocabulary.
fn sources_of(model: &ModelEntry) -> impl Iterator<Item = &Source> {
    let vocabulary = model.vocabulary.iter();
    std::iter::once(&model.source).chain(vocabulary.map(|vocabulary| &vocabulary.source))
}
