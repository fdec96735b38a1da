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
    /// Bytes of its file that are kept on the disk.
    pub(crate) on_disk: u64,
    /// Whether a person asked for its file, whatever else needs it.
    pub(crate) is_asked_for: bool,
    /// Its file.
    pub(crate) weights: Weights,
}

/// A model's file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Weights {
    #[default]
    Absent,
    Downloading(Transfer),
    /// In memory, wherever else.
    Here,
}

/// How far a download is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Transfer {
    /// Bytes that are here, those that were kept before included.
    pub(crate) received: u64,
    /// Bytes per second, as long as it is known.
    pub(crate) speed: Option<u64>,
}

impl Transfer {
    /// Seconds until `total` bytes are here, at least 1.
    pub(crate) fn seconds_left(self, total: u64) -> Option<u64> {
        let speed = self.speed.filter(|speed| *speed > 0)?;
        Some(total.saturating_sub(self.received).div_ceil(speed).max(1))
    }
}

/// Where a model's file is, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Nowhere,
    Downloading(Transfer),
    /// So many bytes of it are on the disk.
    PartOnDisk(u64),
    OnDisk,
    MemoryOnly,
}

/// What the page keeps on the disk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shelf {
    /// Bytes of each model, in the order of the catalogue.
    pub(crate) on_disk: Vec<u64>,
    /// Bytes that all of this origin takes, if the browser says so.
    pub(crate) used: Option<u64>,
    /// Bytes that the browser lets this origin take, if it says so.
    pub(crate) quota: Option<u64>,
}

/// Why a model is in memory only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NotKept {
    /// There is no room.
    Full,
    /// The browser lets the page keep nothing.
    Unavailable {
        /// The browser's words.
        detail: String,
    },
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
                on_disk: 0,
                is_asked_for: false,
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

    /// Where a model's file is.
    pub(crate) fn place(&self, model: usize) -> Place {
        match self.all.get(model) {
            None => Place::Nowhere,
            Some(model) => match model.weights {
                Weights::Downloading(progress) => Place::Downloading(progress),
                _ if model.on_disk > 0 && model.on_disk >= model.bytes => Place::OnDisk,
                Weights::Here => Place::MemoryOnly,
                Weights::Absent if model.on_disk > 0 => Place::PartOnDisk(model.on_disk),
                Weights::Absent => Place::Nowhere,
            },
        }
    }

    /// Models of which something is on the disk.
    pub(crate) fn on_disk(&self) -> Vec<usize> {
        let kept = self.iter().filter(|(_, model)| model.on_disk > 0);
        kept.map(|(at, _)| at).collect()
    }

    /// Takes in what is on the disk.
    pub(crate) fn put_on_disk(&mut self, on_disk: &[u64]) {
        for (model, bytes) in self.all.iter_mut().zip(on_disk) {
            model.on_disk = *bytes;
        }
    }

    /// Takes in that downloads begin of the models that a person asked for; which those are.
    pub(crate) fn start_asked_for(&mut self) -> Vec<usize> {
        let asked = |(_, model): &(usize, &mut ModelState)| {
            model.is_asked_for && model.weights == Weights::Absent
        };
        let start = |(at, model): (usize, &mut ModelState)| {
            model.weights = Weights::Downloading(Transfer::default());
            at
        };
        self.all
            .iter_mut()
            .enumerate()
            .filter(asked)
            .map(start)
            .collect()
    }

    /// Takes in that nothing is asked for any more.
    pub(crate) fn ask_for_nothing(&mut self) {
        for model in &mut self.all {
            model.is_asked_for = false;
        }
    }

    /// Gives a model's file up: what the worker has of it stays with it, and so does the file,
    /// because another worker may need it. `false` where the file may go.
    pub(crate) fn give_up(&mut self, model: usize, is_in_use: bool) -> bool {
        let Some(model) = self.all.get_mut(model) else {
            return false;
        };
        model.is_asked_for = false;
        model.on_disk = 0;
        if !is_in_use && model.weights == Weights::Here {
            model.weights = Weights::Absent;
        }
        model.weights == Weights::Here
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
            // A comparison needs the model that it is with, which differs by item.
            Job::OpenTable | Job::Compare => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_left_is_said_only_where_it_can_be_known() {
        let at = |speed| Transfer { received: 0, speed };
        assert_eq!(at(None).seconds_left(100), None);
        assert_eq!(at(Some(0)).seconds_left(100), None);
        assert_eq!(at(Some(30)).seconds_left(100), Some(4));
        assert_eq!(at(Some(1000)).seconds_left(100), Some(1));
    }
}
