//! The record of a training run: everything it depends on and everything it came to.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use vitrine_protocol::{Spec, Weights};
use vitrine_train::{
    DataFile, DataSet, Figure, Findings, Kind, Part, Reads, Scores, Thresholds, Training,
};

/// What a run is and what it came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Head, day and the beginning of the head's SHA-256: `emotion-2026-11-24-1a2b3c4`.
    pub(crate) name: String,
    /// Name of the recipe.
    pub(crate) head: String,
    /// Day of the run, in UTC.
    pub(crate) date: String,
    /// The code it ran with.
    pub(crate) revision: Revision,
    /// Where all chance came from.
    pub(crate) seed: u64,
    /// Whether there was nothing to learn, as a check.
    pub(crate) labels_were_shuffled: bool,
    /// The data, by hash.
    pub(crate) data: DataFacts,
    /// The encoder, by hash.
    pub(crate) encoder: EncoderFacts,
    /// One label per text or any number.
    pub(crate) kind: Kind,
    /// What the head reads of a text.
    pub(crate) reads: Reads,
    /// All parameters of training.
    pub(crate) training: Training,
    /// What was found in the data and done about it.
    pub(crate) findings: Findings,
    /// The epoch each member is from.
    pub(crate) epochs: Vec<usize>,
    /// From which probability on a label holds; with any number of labels per text.
    pub(crate) thresholds: Option<Thresholds>,
    /// What the dev scores were measured on.
    pub(crate) dev_is: DevIs,
    /// Scores that choices were made by.
    pub(crate) dev: Scores,
    /// Scores on texts that nothing was chosen by; none where they were left alone.
    pub(crate) test: Option<Scores>,
    /// The head's file.
    pub(crate) file: HeadFacts,
    /// How long it took.
    pub(crate) seconds: Seconds,
    /// Where it ran.
    pub(crate) machine: Machine,
}

/// The code a run was made with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Revision {
    /// The commit.
    pub(crate) commit: String,
    /// Whether files differed from it.
    pub(crate) is_changed: bool,
}

/// The data of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DataFacts {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) licence: String,
    /// One hash over all files.
    pub(crate) sha256: String,
    pub(crate) files: Vec<FileFacts>,
}

/// A file of the data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileFacts {
    pub(crate) part: Part,
    pub(crate) url: String,
    pub(crate) sha256: String,
    pub(crate) rows: usize,
}

/// The encoder of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct EncoderFacts {
    pub(crate) id: String,
    /// Of the weights as served.
    pub(crate) sha256: String,
    /// How texts enter it and which states are read.
    pub(crate) spec: Spec,
    /// Numbers per row of features.
    pub(crate) length: usize,
}

/// What dev was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum DevIs {
    /// A part that is published as such.
    Published,
    /// A stratified tenth of the training texts, which the final head was trained on afterwards.
    TenthOfTrain,
}

/// The file of a head.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HeadFacts {
    pub(crate) weights: Weights,
    pub(crate) bytes: usize,
    pub(crate) sha256: String,
    pub(crate) n_parameters: usize,
    /// Dev texts that are told otherwise than by weights in f32.
    pub(crate) n_dev_told_otherwise: usize,
}

/// How long the parts of a run took.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Seconds {
    /// Computing or reading features.
    pub(crate) features: f64,
    /// Training and choosing thresholds.
    pub(crate) training: f64,
    /// Everything.
    pub(crate) total: f64,
}

/// Where a run was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) system: String,
    pub(crate) n_processors: usize,
}

impl Machine {
    /// This one.
    pub(crate) fn this() -> Machine {
        Machine {
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            n_processors: std::thread::available_parallelism().map_or(1, usize::from),
        }
    }
}

impl From<&DataSet> for DataFacts {
    fn from(data_set: &DataSet) -> DataFacts {
        let file = |file: &DataFile| FileFacts {
            part: file.part,
            url: file.url.clone(),
            sha256: file.sha256.clone(),
            rows: file.rows,
        };
        DataFacts {
            id: data_set.id.clone(),
            title: data_set.title.clone(),
            licence: data_set.licence.clone(),
            sha256: data_set.hash(),
            files: data_set.files.iter().map(file).collect(),
        }
    }
}

impl Revision {
    /// That of the checkout in this folder.
    pub(crate) fn of(checkout: &Path) -> Result<Revision> {
        let git = |arguments: &[&str]| -> Result<String> {
            let output = Command::new("git")
                .current_dir(checkout)
                .args(arguments)
                .output()
                .context("git does not start")?;
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        };
        Ok(Revision {
            commit: git(&["rev-parse", "HEAD"])?,
            is_changed: !git(&["status", "--porcelain", "--untracked-files=no"])?.is_empty(),
        })
    }
}

/// Today in UTC, `YYYY-MM-DD`.
pub(crate) fn today() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%d").to_string()
}

impl Record {
    /// The record with the name that belongs to it.
    pub(crate) fn named(self) -> Record {
        let short = self.file.sha256.get(..7).unwrap_or_default();
        Record {
            name: format!("{}-{}-{short}", self.head, self.date),
            ..self
        }
    }

    /// The record as text.
    pub(crate) fn to_json(&self) -> Result<String> {
        Ok(serde_json::to_string_pretty(self).context("writing the record")? + "\n")
    }

    /// The figures of a run with their names: on dev, then on test where it was measured.
    pub(crate) fn figures(&self) -> Vec<(String, Figure)> {
        let parts = [("dev", Some(&self.dev)), ("test", self.test.as_ref())];
        let mut figures = Vec::new();
        for (part, scores) in parts {
            let Some(scores) = scores else { continue };
            if let Some(accuracy) = scores.accuracy {
                figures.push((format!("{part} accuracy"), accuracy));
            }
            figures.push((format!("{part} macro-F1"), scores.macro_f1));
            if scores.accuracy.is_none() {
                figures.push((format!("{part} micro-F1"), scores.micro_f1));
            }
        }
        figures
    }

    /// A few lines for people.
    pub(crate) fn summary(&self) -> String {
        let mut text = format!(
            "{}, seed {}, epochs {:?}\n",
            self.name, self.seed, self.epochs
        );
        if self.labels_were_shuffled {
            text += "  the labels of the training texts were shuffled: this is chance\n";
        }
        for (name, figure) in self.figures() {
            let [low, high] = figure.interval;
            text += &format!(
                "  {name} {:.4} (95 % interval {low:.4} to {high:.4})\n",
                figure.value
            );
        }
        let scores = self.test.as_ref().unwrap_or(&self.dev);
        text += &format!("  calibration error {:.4}\n", scores.calibration_error);
        if let Some(thresholds) = &self.thresholds {
            text += &format!(
                "  thresholds: on parts of dev they were not chosen on, macro-F1 {:.4} and micro-F1 {:.4}\n",
                thresholds.macro_f1_cross, thresholds.micro_f1_cross
            );
        }
        let (file, seconds) = (&self.file, &self.seconds);
        text += &format!(
            "  {} parameters in {}, {} bytes; {} dev texts told otherwise than in f32\n",
            file.n_parameters,
            file.weights.title(),
            file.bytes,
            file.n_dev_told_otherwise
        );
        text += &format!(
            "  features {:.0} s, training {:.0} s, all {:.0} s\n",
            seconds.features, seconds.training, seconds.total
        );
        text
    }
}
