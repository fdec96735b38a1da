//! Models as they travel: packed once at build time, because hosts leave files of unknown kinds as
//! they are, and unpacked by the browser.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::Path;

use anyhow::{Context as _, Result};
use flate2::Compression;
use flate2::write::ZlibEncoder;
use vitrine_protocol::Registry;

use crate::models::remove_others;
use crate::paths::Paths;

/// Writes every served model packed, and every vocabulary as it is, into the folder that the page
/// is built with, and notes the packed sizes in the registry.
pub(crate) fn models(paths: &Paths, registry: &mut Registry) -> Result<()> {
    let folder = paths.site().join("models");
    fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
    let mut names = std::collections::HashSet::new();
    for model in &mut registry.models {
        let served = &mut model.served;
        let packed = folder.join(served.packed_file());
        served.packed = pack(&paths.models().join(&served.file), &packed)?;
        names.insert(served.packed_file());
        if let Some(vocabulary) = &model.vocabulary {
            let file = &vocabulary.served.file;
            let copied = fs::copy(paths.models().join(file), folder.join(file));
            copied.with_context(|| format!("copying {file}"))?;
            names.insert(file.clone());
        }
    }
    remove_others(&folder, &names)
}

/// Packs a file, unless that was done since it changed, and returns how many bytes came out.
fn pack(file: &Path, packed: &Path) -> Result<u64> {
    let age = |path: &Path| fs::metadata(path).and_then(|metadata| metadata.modified());
    let changed = age(file).with_context(|| format!("reading {}", file.display()))?;
    if !age(packed).is_ok_and(|packed| packed >= changed) {
        let bytes = fs::read(file).with_context(|| format!("reading {}", file.display()))?;
        // Whole or not at all: a part of one would be newer than the file too.
        let part = packed.with_extension("part");
        write_packed(&bytes, &part).with_context(|| format!("writing {}", part.display()))?;
        fs::rename(&part, packed).with_context(|| format!("writing {}", packed.display()))?;
    }
    let metadata = fs::metadata(packed).with_context(|| format!("reading {}", packed.display()))?;
    Ok(metadata.len())
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
        let length = pack(&file, &packed).unwrap();
        assert!(length < bytes.len() as u64);
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
        fs::write(&file, vec![7; 1000]).unwrap();
        let before = pack(&file, &packed).unwrap();
        fs::write(&file, (0..=255).collect::<Vec<u8>>()).unwrap();
        let later = std::time::SystemTime::now() + std::time::Duration::from_secs(5);
        File::open(&file).unwrap().set_modified(later).unwrap();
        assert!(pack(&file, &packed).unwrap() > before);
    }
}
