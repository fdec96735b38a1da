//! Models as they travel: packed at build time, because hosts leave files of unknown kinds as they
//! are, and cut into pieces that are fetched, checked and kept one by one.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::Path;

use anyhow::{Context as _, Result};
use flate2::Compression;
use flate2::write::ZlibEncoder;
use vitrine_protocol::{Chunk, Registry};

use crate::models::{remove_others, sha256};
use crate::paths::Paths;

/// Bytes of a piece; the last of a file is shorter. An interruption costs at most this much, and
/// each costs a request.
const CHUNK_BYTES: usize = 2 << 20;

/// Writes every served model packed and in pieces, and every vocabulary as it is, into the folder
/// that the page is built with, and notes pieces and sizes in the registry.
pub(crate) fn models(paths: &Paths, registry: &mut Registry) -> Result<()> {
    let served = paths.site().join("models");
    let whole = paths.target().join("packed");
    for folder in [&served, &whole] {
        fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    }
    let mut names = HashSet::new();
    for model in &mut registry.models {
        let packed = whole.join(format!("{}.zlib", model.served.file));
        pack(&paths.models().join(&model.served.file), &packed)?;
        let bytes = fs::read(&packed).with_context(|| format!("reading {}", packed.display()))?;
        model.served.packed = bytes.len() as u64;
        model.chunks = cut(&bytes, CHUNK_BYTES, &served)?;
        names.extend(model.chunks.iter().map(Chunk::file));
        if let Some(vocabulary) = &model.vocabulary {
            let file = &vocabulary.served.file;
            let copied = fs::copy(paths.models().join(file), served.join(file));
            copied.with_context(|| format!("copying {file}"))?;
            names.insert(file.clone());
        }
    }
    remove_others(&served, &names)
}

/// Cuts bytes into pieces of `size` and writes each into `folder` under its own name.
fn cut(bytes: &[u8], size: usize, folder: &Path) -> Result<Vec<Chunk>> {
    let write = |piece: &[u8]| {
        let chunk = Chunk {
            bytes: piece.len() as u64,
            sha256: sha256(piece),
        };
        let file = folder.join(chunk.file());
        // The name says what is in it, so one of the right size is right, unless it was cut.
        if !fs::metadata(&file).is_ok_and(|metadata| metadata.len() == chunk.bytes) {
            fs::write(&file, piece).with_context(|| format!("writing {}", file.display()))?;
        }
        Ok(chunk)
    };
    bytes.chunks(size).map(write).collect()
}

/// Packs a file, unless that was done since it changed.
fn pack(file: &Path, packed: &Path) -> Result<()> {
    let age = |path: &Path| fs::metadata(path).and_then(|metadata| metadata.modified());
    let changed = age(file).with_context(|| format!("reading {}", file.display()))?;
    if age(packed).is_ok_and(|packed| packed >= changed) {
        return Ok(());
    }
    let bytes = fs::read(file).with_context(|| format!("reading {}", file.display()))?;
    // Whole or not at all: a part of one would be newer than the file too.
    let part = packed.with_extension("part");
    write_packed(&bytes, &part).with_context(|| format!("writing {}", part.display()))?;
    fs::rename(&part, packed).with_context(|| format!("writing {}", packed.display()))
}

fn write_packed(bytes: &[u8], file: &Path) -> std::io::Result<()> {
    let writer = BufWriter::new(File::create(file)?);
    let mut encoder = ZlibEncoder::new(writer, Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()?.flush()
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn what_is_packed_comes_out_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let (file, packed) = (
            folder.path().join("a.onnx"),
            folder.path().join("a.onnx.zlib"),
        );
        let bytes: Vec<u8> = (0..100_000_u32).map(|at| (at % 251) as u8).collect();
        fs::write(&file, &bytes).unwrap();
        pack(&file, &packed).unwrap();
        assert!(fs::metadata(&packed).unwrap().len() < bytes.len() as u64);
        let mut met = Vec::new();
        let mut decoder = flate2::read::ZlibDecoder::new(File::open(&packed).unwrap());
        decoder.read_to_end(&mut met).unwrap();
        assert_eq!(met, bytes);
    }

    #[test]
    fn a_changed_file_is_packed_anew() {
        let folder = tempfile::tempdir().unwrap();
        let (file, packed) = (
            folder.path().join("a.onnx"),
            folder.path().join("a.onnx.zlib"),
        );
        let length = || fs::metadata(&packed).unwrap().len();
        fs::write(&file, vec![7; 1000]).unwrap();
        pack(&file, &packed).unwrap();
        let before = length();
        fs::write(&file, (0..=255).collect::<Vec<u8>>()).unwrap();
        let later = std::time::SystemTime::now() + std::time::Duration::from_secs(5);
        File::open(&file).unwrap().set_modified(later).unwrap();
        pack(&file, &packed).unwrap();
        assert!(length() > before);
    }

    #[test]
    fn pieces_together_are_the_whole_and_named_by_what_is_in_them() {
        let folder = tempfile::tempdir().unwrap();
        let bytes: Vec<u8> = (0..2500_u32).map(|at| (at % 249) as u8).collect();
        let chunks = cut(&bytes, 1000, folder.path()).unwrap();
        let sizes: Vec<u64> = chunks.iter().map(|chunk| chunk.bytes).collect();
        assert_eq!(sizes, [1000, 1000, 500]);
        let mut whole = Vec::new();
        for chunk in &chunks {
            let piece = fs::read(folder.path().join(chunk.file())).unwrap();
            assert_eq!(sha256(&piece), chunk.sha256);
            whole.extend(piece);
        }
        assert_eq!(whole, bytes);
    }

    #[test]
    fn a_piece_that_was_cut_short_is_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let chunks = cut(b"abcdef", 4, folder.path()).unwrap();
        let file = folder.path().join(chunks[0].file());
        fs::write(&file, b"ab").unwrap();
        assert_eq!(cut(b"abcdef", 4, folder.path()).unwrap(), chunks);
        assert_eq!(fs::read(&file).unwrap(), b"abcd");
    }
}
