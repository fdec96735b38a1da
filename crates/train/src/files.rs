//! Files of a data set: from a folder, or fetched once, and only when their hash is right.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::DataError;
use crate::data_set::{DataFile, DataSet, Part, sha256};

/// The files of a data set, as bytes whose hash was checked.
pub type Files = HashMap<Part, Vec<u8>>;

/// Reads the files of `data_set` from `folder`, or from the user's cache folder after fetching what
/// is not there yet.
///
/// `folder` holds the files themselves, or a folder named after the data set that does.
///
/// # Errors
/// [`DataError::Hash`] when a file is another one than the list says, [`DataError::Missing`] when it
/// is not in `folder`, [`DataError::Download`] when it cannot be fetched.
pub fn read(data_set: &DataSet, folder: Option<&Path>) -> Result<Files, DataError> {
    let (folder, may_fetch) = match folder {
        Some(folder) => {
            let inner = folder.join(&data_set.id);
            let holder = if inner.is_dir() {
                inner
            } else {
                folder.to_owned()
            };
            (holder, false)
        }
        None => (cache_folder()?.join(&data_set.id), true),
    };
    data_set
        .files
        .iter()
        .map(|file| {
            let path = folder.join(&file.file);
            if may_fetch && !path.is_file() {
                fetch(file, &path)?;
            }
            Ok((file.part, checked(file, &path)?))
        })
        .collect()
}

fn cache_folder() -> Result<PathBuf, DataError> {
    let caches = dirs::cache_dir().ok_or(DataError::NoCache)?;
    Ok(caches.join("vitrine").join("data"))
}

fn checked(file: &DataFile, path: &Path) -> Result<Vec<u8>, DataError> {
    if !path.is_file() {
        return Err(DataError::Missing {
            file: path.display().to_string(),
            url: file.url.clone(),
        });
    }
    let bytes = fs::read(path).map_err(|source| failed(path, source))?;
    let met = sha256(&bytes);
    if met != file.sha256 {
        return Err(DataError::Hash {
            file: path.display().to_string(),
            met,
            expected: file.sha256.clone(),
        });
    }
    Ok(bytes)
}

/// Fetches into a file beside `path` that takes its name only when it is complete and right, so
/// that an interrupted download leaves nothing to trip over.
fn fetch(file: &DataFile, path: &Path) -> Result<(), DataError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|source| failed(folder, source))?;
    }
    let unchecked = path.with_file_name(format!("{}.part", file.file));
    let answer = Command::new("curl")
        .args(["--fail", "--silent", "--show-error", "--location"])
        .args(["--proto", "=https", "--retry", "2", "--output"])
        .arg(&unchecked)
        .arg(&file.url)
        .output();
    let why = match answer {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        Err(error) => Some(format!("curl does not start: {error}")),
    };
    let outcome = match why {
        Some(why) => Err(DataError::Download {
            url: file.url.clone(),
            why,
        }),
        None => checked(file, &unchecked)
            .and_then(|_| fs::rename(&unchecked, path).map_err(|source| failed(path, source))),
    };
    if outcome.is_err() {
        // The first error says more than one about a file that may never have been written.
        let _ = fs::remove_file(&unchecked);
    }
    outcome
}

fn failed(path: &Path, source: std::io::Error) -> DataError {
    DataError::File {
        file: path.display().to_string(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data_set::Format;

    fn data_set(sha256: String, url: &str) -> DataSet {
        DataSet {
            id: "small".into(),
            title: "Small".into(),
            about: String::new(),
            citation: String::new(),
            homepage: String::new(),
            licence: "CC0-1.0".into(),
            format: Format::NamedCsv,
            files: vec![DataFile {
                part: Part::Test,
                file: "test.csv".into(),
                url: url.into(),
                sha256,
                rows: 1,
            }],
        }
    }

    /// A new folder with `test.csv` in it.
    fn folder(name: &str) -> PathBuf {
        let folder =
            std::env::temp_dir().join(format!("vitrine-files-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("test.csv"), "text,category\n").unwrap();
        folder
    }

    #[test]
    fn the_right_file_is_read_from_its_folder_or_the_one_above() {
        let above = folder("right");
        let inner = above.join("small");
        let set = data_set(sha256(b"text,category\n"), "");
        assert_eq!(
            read(&set, Some(&above)).unwrap()[&Part::Test],
            b"text,category\n"
        );
        fs::create_dir_all(&inner).unwrap();
        fs::rename(above.join("test.csv"), inner.join("test.csv")).unwrap();
        assert_eq!(
            read(&set, Some(&above)).unwrap()[&Part::Test],
            b"text,category\n"
        );
        fs::remove_dir_all(above).unwrap();
    }

    #[test]
    fn a_wrong_file_is_refused_with_both_hashes() {
        let folder = folder("wrong");
        let expected = sha256(b"something else");
        let error = read(&data_set(expected.clone(), ""), Some(&folder)).unwrap_err();
        let words = error.to_string();
        assert!(words.contains(&expected), "{words}");
        assert!(words.contains(&sha256(b"text,category\n")), "{words}");
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_missing_file_is_named_with_its_address() {
        let folder = folder("missing");
        fs::remove_file(folder.join("test.csv")).unwrap();
        let set = data_set(sha256(b""), "https://example.org/test.csv");
        let words = read(&set, Some(&folder)).unwrap_err().to_string();
        assert!(words.contains("https://example.org/test.csv"), "{words}");
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_cannot_be_fetched_says_what_to_do_and_leaves_nothing() {
        let folder = folder("unfetched");
        // A plain address is refused before anything goes over a network.
        let set = data_set(sha256(b""), "http://localhost/test.csv");
        let path = folder.join("other.csv");
        let words = fetch(&set.files[0], &path).unwrap_err().to_string();
        assert!(words.contains("--data"), "{words}");
        let left: Vec<_> = fs::read_dir(&folder).unwrap().flatten().collect();
        assert_eq!(left.len(), 1, "{left:?}");
        fs::remove_dir_all(folder).unwrap();
    }
}
