//! Labelled texts, read from the files of a data set.

use crate::DataError;
use crate::data_set::{DataSet, Format, Part};
use crate::files::Files;

/// A text with the labels people gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// The text as published.
    pub text: String,
    /// Numbers of its labels, rising, each once.
    pub labels: Vec<usize>,
}

/// Labelled texts in their published split.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Corpus {
    /// Names of the labels.
    pub labels: Vec<String>,
    /// What heads learn from.
    pub train: Vec<Example>,
    /// What choices are made on; empty where the data set has no such part.
    pub dev: Vec<Example>,
    /// What is measured on.
    pub test: Vec<Example>,
}

/// Labels that become one: its name, and the names of those it is made of.
pub type Group = (String, Vec<String>);

impl Corpus {
    /// Reads the files of `data_set`.
    ///
    /// # Errors
    /// [`DataError::Row`] or [`DataError::Rows`] when a file is not as its format says, or has not
    /// as many rows as the list; [`DataError::NoPart`] without training texts, test texts or labels.
    pub fn read(data_set: &DataSet, files: &Files) -> Result<Corpus, DataError> {
        let names = part(data_set, files, Part::Labels, "labels")?;
        let labels: Vec<String> = match data_set.format {
            Format::NumberedTsv => String::from_utf8_lossy(names.bytes)
                .lines()
                .map(str::to_owned)
                .collect(),
            Format::NamedCsv => serde_json::from_slice(names.bytes)
                .map_err(|error| names.row(error.line(), error.to_string()))?,
        };
        names.check_rows(&labels)?;
        let examples = |which, title| {
            let file = part(data_set, files, which, title)?;
            let examples = match data_set.format {
                Format::NumberedTsv => file.numbered_tsv(labels.len()),
                Format::NamedCsv => file.named_csv(&labels),
            }?;
            file.check_rows(&examples)?;
            Ok(examples)
        };
        Ok(Corpus {
            train: examples(Part::Train, "train")?,
            dev: match files.contains_key(&Part::Dev) {
                true => examples(Part::Dev, "dev")?,
                false => Vec::new(),
            },
            test: examples(Part::Test, "test")?,
            labels,
        })
    }

    /// The same texts with a label per group: a text has it when it has any of the group's labels.
    ///
    /// # Errors
    /// [`DataError::Group`] when a group names a label that is not there.
    pub fn grouped(self, groups: &[Group]) -> Result<Corpus, DataError> {
        let mut groups_of = vec![Vec::new(); self.labels.len()];
        for (at, (group, members)) in groups.iter().enumerate() {
            for member in members {
                let label = self.labels.iter().position(|label| label == member);
                let label = label.ok_or_else(|| DataError::Group {
                    group: group.clone(),
                    label: member.clone(),
                })?;
                groups_of[label].push(at);
            }
        }
        let regroup = |examples: Vec<Example>| {
            examples
                .into_iter()
                .map(|example| Example {
                    labels: sorted_once(
                        example
                            .labels
                            .iter()
                            .flat_map(|label| groups_of[*label].iter().copied())
                            .collect(),
                    ),
                    text: example.text,
                })
                .collect()
        };
        Ok(Corpus {
            labels: groups.iter().map(|(name, _)| name.clone()).collect(),
            train: regroup(self.train),
            dev: regroup(self.dev),
            test: regroup(self.test),
        })
    }
}

fn sorted_once(mut labels: Vec<usize>) -> Vec<usize> {
    labels.sort_unstable();
    labels.dedup();
    labels
}

/// One file with its name, for errors.
struct Source<'a> {
    name: &'a str,
    rows: usize,
    bytes: &'a [u8],
}

fn part<'a>(
    data_set: &'a DataSet,
    files: &'a Files,
    part: Part,
    title: &'static str,
) -> Result<Source<'a>, DataError> {
    let listed = data_set.files.iter().find(|file| file.part == part);
    match (listed, files.get(&part)) {
        (Some(file), Some(bytes)) => Ok(Source {
            name: &file.file,
            rows: file.rows,
            bytes,
        }),
        _ => Err(DataError::NoPart {
            id: data_set.id.clone(),
            part: title,
        }),
    }
}

impl Source<'_> {
    fn row(&self, row: usize, problem: String) -> DataError {
        DataError::Row {
            file: self.name.to_owned(),
            row,
            problem,
        }
    }

    fn check_rows<T>(&self, met: &[T]) -> Result<(), DataError> {
        if met.len() == self.rows {
            return Ok(());
        }
        Err(DataError::Rows {
            file: self.name.to_owned(),
            met: met.len(),
            expected: self.rows,
        })
    }

    fn records(&self, delimiter: u8, has_head: bool) -> Result<Vec<csv::StringRecord>, DataError> {
        csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(has_head)
            .from_reader(self.bytes)
            .records()
            .enumerate()
            .map(|(at, record)| record.map_err(|error| self.row(at + 1, error.to_string())))
            .collect()
    }

    fn numbered_tsv(&self, n_labels: usize) -> Result<Vec<Example>, DataError> {
        self.records(b'\t', false)?
            .iter()
            .enumerate()
            .map(|(at, record)| {
                let text = record.get(0).unwrap_or_default().to_owned();
                let labels = record
                    .get(1)
                    .unwrap_or_default()
                    .split(',')
                    .map(|number| match number.parse() {
                        Ok(label) if label < n_labels => Ok(label),
                        _ => Err(self.row(at + 1, format!("`{number}` is no label's number"))),
                    })
                    .collect::<Result<Vec<usize>, DataError>>()?;
                let labels = sorted_once(labels);
                Ok(Example { text, labels })
            })
            .collect()
    }

    fn named_csv(&self, labels: &[String]) -> Result<Vec<Example>, DataError> {
        self.records(b',', true)?
            .iter()
            .enumerate()
            .map(|(at, record)| {
                let text = record.get(0).unwrap_or_default().to_owned();
                let name = record.get(1).unwrap_or_default();
                let label = labels.iter().position(|label| label == name);
                let label =
                    label.ok_or_else(|| self.row(at + 1, format!("`{name}` is no label")))?;
                let labels = vec![label];
                Ok(Example { text, labels })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data_set::DataFile;

    fn read(format: Format, labels: &str, rows: &str, n_rows: usize) -> Result<Corpus, DataError> {
        let file = |part, n_rows| DataFile {
            part,
            file: format!("{part:?}"),
            url: String::new(),
            sha256: String::new(),
            rows: n_rows,
        };
        let data_set = DataSet {
            id: "small".into(),
            title: String::new(),
            about: String::new(),
            citation: String::new(),
            homepage: String::new(),
            licence: String::new(),
            format,
            files: vec![
                file(Part::Labels, 3),
                file(Part::Train, n_rows),
                file(Part::Test, n_rows),
            ],
        };
        let files = Files::from([
            (Part::Labels, labels.as_bytes().to_vec()),
            (Part::Train, rows.as_bytes().to_vec()),
            (Part::Test, rows.as_bytes().to_vec()),
        ]);
        Corpus::read(&data_set, &files)
    }

    fn example(text: &str, labels: &[usize]) -> Example {
        Example {
            text: text.to_owned(),
            labels: labels.to_vec(),
        }
    }

    #[test]
    fn numbered_rows_lose_their_quotes_and_keep_their_labels() {
        let rows = "plain\t2\tid\n\"she said \"\"no\"\".\"\t2,0\tid\n";
        let corpus = read(Format::NumberedTsv, "joy\nfear\nneutral", rows, 2).unwrap();
        assert_eq!(corpus.labels, ["joy", "fear", "neutral"]);
        assert_eq!(
            corpus.train,
            [example("plain", &[2]), example("she said \"no\".", &[0, 2])]
        );
        assert_eq!((corpus.dev.len(), corpus.test.len()), (0, 2));
    }

    #[test]
    fn named_rows_may_hold_line_breaks() {
        let rows = "text,category\r\n\"two\nlines, one text\",b\r\nshort,a\r\n";
        let corpus = read(Format::NamedCsv, r#"["a", "b", "c"]"#, rows, 2).unwrap();
        assert_eq!(
            corpus.test,
            [
                example("two\nlines, one text", &[1]),
                example("short", &[0])
            ]
        );
    }

    #[track_caller]
    fn check_error(format: Format, labels: &str, rows: &str, part: &str) {
        let words = read(format, labels, rows, 1).unwrap_err().to_string();
        assert!(words.contains(part), "{words}");
    }

    #[test]
    fn a_row_that_cannot_be_read_is_named() {
        let three = "joy\nfear\nneutral";
        check_error(Format::NumberedTsv, three, "text\t3\tid\n", "row 1: `3`");
        check_error(
            Format::NumberedTsv,
            three,
            "text\tjoy\tid\n",
            "row 1: `joy`",
        );
        check_error(
            Format::NumberedTsv,
            three,
            "a\t1\tid\nb\t1\tid\n",
            "has 2 rows, expected 1",
        );
        check_error(
            Format::NumberedTsv,
            "joy",
            "text\t0\tid\n",
            "has 1 rows, expected 3",
        );
        let three = r#"["a", "b", "c"]"#;
        check_error(
            Format::NamedCsv,
            three,
            "text,category\nx,d\n",
            "row 1: `d`",
        );
    }

    #[test]
    fn a_text_has_a_group_when_it_has_one_of_its_labels() {
        let rows = "x\t0,2\tid\ny\t1,2\tid\n";
        let corpus = read(Format::NumberedTsv, "joy\nfear\nlove", rows, 2).unwrap();
        let group = |name: &str, members: &[&str]| {
            let members = members.iter().map(|&member| member.to_owned()).collect();
            (name.to_owned(), members)
        };
        let groups = [group("good", &["love", "joy"]), group("bad", &["fear"])];
        let grouped = corpus.clone().grouped(&groups).unwrap();
        assert_eq!(grouped.labels, ["good", "bad"]);
        assert_eq!(grouped.train, [example("x", &[0]), example("y", &[0, 1])]);
        let error = corpus.grouped(&[group("good", &["bliss"])]).unwrap_err();
        assert!(error.to_string().contains("`bliss`"), "{error}");
    }
}
