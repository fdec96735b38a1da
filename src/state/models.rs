//! The models of this site: which are needed for what, and how far each is.

use vitrine_protocol::{ModelEntry, Spec};

use super::item::Job;

/// What a model takes part in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    Classify,
    Read,
    Analyse,
}

impl Use {
    fn of(spec: &Spec) -> Use {
        match spec {
            Spec::PictureClassification { .. } => Use::Classify,
            Spec::TextDetection { .. }
            | Spec::LineDirection { .. }
            | Spec::LineRecognition { .. } => Use::Read,
            Spec::TextEncoding { .. } | Spec::TextClassification { .. } => Use::Analyse,
        }
    }
}

/// One model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ModelState {
    /// What it takes part in.
    pub(crate) used_for: Use,
    /// Name as people write it.
    pub(crate) title: String,
    /// Bytes of its file.
    pub(crate) bytes: u64,
    /// Its file.
    pub(crate) weights: Weights,
}

/// A model's file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Weights {
    #[default]
    Absent,
    Downloading {
        /// Bytes that have come, transfer encoding undone.
        received: u64,
    },
    Here,
}

/// The site's models, in the order of the catalogue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Models {
    all: Vec<ModelState>,
    /// The picture classifier that is used, where there are several.
    classifier: usize,
}

impl Models {
    pub(crate) fn new(entries: &[ModelEntry]) -> Models {
        let all: Vec<ModelState> = entries
            .iter()
            .map(|entry| ModelState {
                used_for: Use::of(&entry.spec),
                title: entry.title.clone(),
                bytes: entry.served.packed,
                weights: Weights::Absent,
            })
            .collect();
        let classifier = all
            .iter()
            .position(|model| model.used_for == Use::Classify)
            .unwrap_or_default();
        Models { all, classifier }
    }

    #[cfg(test)]
    pub(crate) fn of(all: Vec<ModelState>) -> Models {
        Models { all, classifier: 0 }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, &ModelState)> {
        self.all.iter().enumerate()
    }

    pub(crate) fn get_mut(&mut self, model: usize) -> Option<&mut ModelState> {
        self.all.get_mut(model)
    }

    /// A model's name and the bytes of its file.
    pub(crate) fn title_and_bytes(&self, model: usize) -> (String, u64) {
        let model = self.all.get(model);
        model.map_or_else(Default::default, |model| (model.title.clone(), model.bytes))
    }

    /// The picture classifier that is used.
    pub(crate) fn classifier(&self) -> usize {
        self.classifier
    }

    /// Uses another picture classifier from now on.
    pub(crate) fn choose_classifier(&mut self, model: usize) {
        if self
            .all
            .get(model)
            .is_some_and(|model| model.used_for == Use::Classify)
        {
            self.classifier = model;
        }
    }

    /// The models that a job cannot be done without.
    pub(crate) fn needed_for(&self, job: Job) -> Vec<usize> {
        let of_use = |wanted: Use| {
            self.iter()
                .filter(move |(_, model)| model.used_for == wanted)
                .map(|(at, _)| at)
                .collect()
        };
        match job {
            Job::Classify => vec![self.classifier],
            Job::Read => of_use(Use::Read),
            Job::AnalyseTyped | Job::Analyse | Job::AnalyseRows => of_use(Use::Analyse),
            Job::OpenTable => Vec::new(),
        }
    }
}
