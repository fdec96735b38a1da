//! `vitrine read PICTURE…`: the text in pictures, on the terminal or as JSON.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use serde::Serialize;
use vitrine_engine::{Workbench, timed};
use vitrine_protocol::{Line, ReadingTimes, Stages as _};
use vitrine_tasks::picture::{self, Limits};

use crate::assets::Assets;

/// The tasks whose models reading needs.
pub(crate) const READING_TASKS: [&str; 3] =
    ["text-detection", "line-direction", "line-recognition"];

/// What to read.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Pictures: JPEG, PNG, WebP, GIF or BMP; of a folder, all in it
    #[arg(required = true)]
    pictures: Vec<PathBuf>,
    /// Write lines with corners and confidence to this file, as
    /// tests/fixtures/pages/score.py reads them
    #[arg(long)]
    json: Option<PathBuf>,
}

#[derive(Serialize)]
struct Document {
    pictures: Vec<Picture>,
}

#[derive(Serialize)]
struct Picture {
    file: String,
    lines: Vec<JsonLine>,
    /// Milliseconds of all stages.
    ms: f64,
}

#[derive(Serialize)]
struct JsonLine {
    quad: [[f32; 2]; 4],
    text: String,
    confidence: f32,
}

/// Reads every picture; those that cannot be read do not stop the others.
pub(crate) fn run(assets: &Assets, options: &Options) -> Result<()> {
    let mut workbench = Workbench::new();
    for task in READING_TASKS {
        assets.load(&mut workbench, assets.first_of(task)?, None)?;
    }
    let mut document = Document {
        pictures: Vec::new(),
    };
    let mut failed = 0;
    for path in files(&options.pictures)? {
        match read(&mut workbench, &path) {
            Ok((lines, times)) => {
                if options.json.is_none() {
                    print(&path.display().to_string(), &lines, &times);
                }
                document.pictures.push(picture(&path, lines, &times));
            }
            Err(error) => {
                failed += 1;
                println!("{}\n  {error:#}", path.display());
            }
        }
    }
    if let Some(file) = &options.json {
        let text = serde_json::to_string(&document).context("writing the lines")?;
        fs::write(file, text + "\n").with_context(|| format!("writing {}", file.display()))?;
    }
    if failed > 0 {
        bail!("{failed} pictures could not be read");
    }
    Ok(())
}

/// Decodes and reads one file.
pub(crate) fn read(
    workbench: &mut Workbench,
    file: &std::path::Path,
) -> Result<(Vec<Line>, ReadingTimes)> {
    let bytes = fs::read(file).with_context(|| format!("reading {}", file.display()))?;
    let (pixels, decode) = timed(crate::now, || picture::decode(&bytes, &Limits::default()));
    let (lines, times) = workbench.read(&pixels?, crate::now)?;
    Ok((lines, ReadingTimes { decode, ..times }))
}

/// The pictures themselves, and those in folders, by name.
fn files(named: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in named {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let mut inside = Vec::new();
        for entry in fs::read_dir(path).with_context(|| format!("listing {}", path.display()))? {
            let file = entry?.path();
            let extension = file.extension().and_then(|extension| extension.to_str());
            if matches!(extension, Some("jpg" | "jpeg" | "png" | "webp" | "bmp")) {
                inside.push(file);
            }
        }
        inside.sort();
        files.extend(inside);
    }
    Ok(files)
}

fn picture(path: &std::path::Path, lines: Vec<Line>, times: &ReadingTimes) -> Picture {
    let name = path.file_name().unwrap_or_default();
    let lines = lines.into_iter().map(|line| JsonLine {
        quad: line.quad.map(|point| [point.x, point.y]),
        text: line.text,
        confidence: line.confidence,
    });
    Picture {
        file: name.to_string_lossy().into_owned(),
        lines: lines.collect(),
        ms: times.total(),
    }
}

fn print(name: &str, lines: &[Line], times: &ReadingTimes) {
    println!("{name}");
    for line in lines {
        println!("  {}", line.text);
    }
    let stages: Vec<String> = times
        .stages()
        .iter()
        .map(|(stage, ms)| format!("{stage} {ms:.1} ms"))
        .collect();
    println!("  ({} lines; {})", lines.len(), stages.join(", "));
}
