//! `cargo run -p vitrine-hostile -- FOLDER`: writes every hostile file, and `index.json` with the
//! answer to each, for tests in a browser. With `--seeds` before the folder it writes what fuzzers begin
//! with, a folder per target.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde::Serialize;
use vitrine_hostile::fuzz::seeds;
use vitrine_hostile::{Answer, Content, Kind, Stage, answer, corpus};

/// One file in the index.
#[derive(Serialize)]
struct Entry {
    name: String,
    kind: Kind,
    stage: Stage,
    n_bytes: u64,
    #[serde(flatten)]
    expected: Answer,
}

fn main() -> anyhow::Result<()> {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    match arguments.as_slice() {
        [folder] => write_corpus(&PathBuf::from(folder)),
        [flag, folder] if flag == "--seeds" => write_seeds(&PathBuf::from(folder)),
        _ => bail!("give the folder to write to, for example target/hostile"),
    }
}

/// Writes every file, and `index.json`.
fn write_corpus(folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    let mut index = Vec::new();
    for case in corpus() {
        let path = folder.join(&case.name);
        let file = File::create(&path).with_context(|| format!("making {}", path.display()))?;
        write(&case.content, file).with_context(|| format!("writing {}", path.display()))?;
        index.push(Entry {
            expected: answer(&case),
            n_bytes: case.content.n_bytes(),
            name: case.name,
            kind: case.kind,
            stage: case.stage,
        });
    }
    let path = folder.join("index.json");
    fs::write(&path, serde_json::to_vec_pretty(&index)?)
        .with_context(|| format!("writing {}", path.display()))?;
    println!("{} files in {}", index.len(), folder.display());
    Ok(())
}

/// Writes the seeds of every fuzz target.
fn write_seeds(folder: &Path) -> anyhow::Result<()> {
    let seeds = seeds();
    for seed in &seeds {
        let of_target = folder.join(seed.target);
        fs::create_dir_all(&of_target)
            .with_context(|| format!("making {}", of_target.display()))?;
        let path = of_target.join(&seed.name);
        fs::write(&path, &seed.bytes).with_context(|| format!("writing {}", path.display()))?;
    }
    println!("{} seeds in {}", seeds.len(), folder.display());
    Ok(())
}

/// Writes a file without ever holding more than a pattern of it.
fn write(content: &Content, file: File) -> std::io::Result<()> {
    let mut file = BufWriter::new(file);
    match content {
        Content::Bytes(bytes) => file.write_all(bytes)?,
        Content::Repeated { pattern, length } => {
            let mut left = *length;
            while left > 0 {
                let n = left.min(pattern.len() as u64);
                file.write_all(&pattern[..n as usize])?;
                left -= n;
            }
        }
    }
    file.flush()
}
