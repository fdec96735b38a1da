//! `assets/data.toml`: which data there is, under which terms, and how to know it is the right one.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::DataError;

/// Every data set of `assets/data.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataSets {
    /// In the order of the file.
    #[serde(rename = "data")]
    pub all: Vec<DataSet>,
}

/// One data set of labelled texts.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataSet {
    /// Stable key, lower case: `goemotions`. Also the folder's name in the cache.
    pub id: String,
    /// Name as people write it.
    pub title: String,
    /// What is in it, in a sentence.
    pub about: String,
    /// Who published it, where.
    pub citation: String,
    /// Where people read about it.
    pub homepage: String,
    /// SPDX identifier of its licence.
    pub licence: String,
    /// How its files are written.
    pub format: Format,
    /// Its files, each part at most once.
    #[serde(rename = "file")]
    pub files: Vec<DataFile>,
}

/// How the files of a data set are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Tab-separated without a head line: the text, in double quotes where it holds some, then the
    /// numbers of its labels separated by commas. The label file has a name per line.
    NumberedTsv,
    /// Comma-separated with the columns `text` and `category`, the name of its one label. The label
    /// file is a JSON list of names.
    NamedCsv,
}

/// Which part of a data set a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// What heads learn from.
    Train,
    /// What choices are made on: how long to train, which thresholds.
    Dev,
    /// What is measured on, once.
    Test,
    /// The names of the labels.
    Labels,
}

/// One file of a data set.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataFile {
    /// Which part it is.
    pub part: Part,
    /// Its name in a folder.
    pub file: String,
    /// Where it is published.
    pub url: String,
    /// SHA-256, lower-case hex.
    pub sha256: String,
    /// Number of texts, or of labels.
    pub rows: usize,
}

impl DataSets {
    /// Reads the text of `assets/data.toml`.
    ///
    /// # Errors
    /// [`DataError::List`] when it is not as described here.
    pub fn parse(text: &str) -> Result<DataSets, DataError> {
        toml::from_str(text).map_err(|error| DataError::List(error.to_string().trim_end().into()))
    }

    /// The data set with this id.
    ///
    /// # Errors
    /// [`DataError::Unknown`] with the ids there are.
    pub fn get(&self, id: &str) -> Result<&DataSet, DataError> {
        self.all
            .iter()
            .find(|data_set| data_set.id == id)
            .ok_or_else(|| DataError::Unknown {
                id: id.to_owned(),
                known: self.all.iter().map(|known| known.id.clone()).collect(),
            })
    }
}

impl DataSet {
    /// SHA-256 over the hashes of all its files, lower-case hex: one name for exactly this data.
    pub fn hash(&self) -> String {
        let mut hasher = Sha256::new();
        for file in &self.files {
            hasher.update(file.sha256.as_bytes());
        }
        hex(&hasher.finalize())
    }
}

/// SHA-256 of `bytes`, lower-case hex.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_that_of_sha256sum() {
        // printf abc | sha256sum
        assert_eq!(
            sha256(b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn the_list_of_this_repository_is_read() {
        let sets = DataSets::parse(include_str!("../../../assets/data.toml")).unwrap();
        let rows = |id: &str, part| {
            let set = sets.get(id).unwrap();
            set.files
                .iter()
                .find(|file| file.part == part)
                .unwrap()
                .rows
        };
        assert_eq!(rows("goemotions", Part::Train), 43_410);
        assert_eq!(rows("banking77", Part::Labels), 77);
        for file in sets.all.iter().flat_map(|set| &set.files) {
            assert_eq!(file.sha256.len(), 64, "{file:?}");
            assert!(file.url.starts_with("https://"), "{file:?}");
        }
    }

    #[test]
    fn an_unknown_set_is_answered_with_the_known_ones() {
        let sets = DataSets::parse(include_str!("../../../assets/data.toml")).unwrap();
        let error = sets.get("imdb").unwrap_err().to_string();
        assert!(
            error.contains("goemotions") && error.contains("imdb"),
            "{error}"
        );
    }

    #[test]
    fn a_misspelt_field_is_an_error() {
        let error = DataSets::parse("[[data]]\nidd = \"x\"").unwrap_err();
        assert!(error.to_string().contains("idd"), "{error}");
    }
}
