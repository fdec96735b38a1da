//! What other models of the same task say of a picture, beside the one that was asked first.

use std::sync::Arc;

use vitrine_protocol::{Classification, RequestId};

use super::State;
use super::item::{Answer, Content, Job, Picture, Step};
use super::metrics::Group;
use super::models::Use;
use crate::words;

/// The answer of one more picture classifier.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Comparison {
    /// Index of the model in the catalogue.
    pub(crate) model: usize,
    pub(crate) step: Step<Classification>,
}

/// The picture classifiers, by index and id, that have not answered for a picture yet; none before
/// there is an answer to compare with.
pub(crate) fn offers(picture: &Picture, classifiers: &[(usize, String)]) -> Vec<usize> {
    let Some(Step::Done(answer)) = &picture.classes else {
        return Vec::new();
    };
    let asked = |model| {
        let mut others = picture.others.iter();
        others.any(|other| other.model == model && !matches!(other.step, Step::Failed(_)))
    };
    let rest = classifiers
        .iter()
        .filter(|(_, id)| *id != answer.value.model);
    rest.map(|(model, _)| *model)
        .filter(|model| !asked(*model))
        .collect()
}

impl State {
    /// Asks one more model about a picture that has its classes.
    pub(super) fn compare(&mut self, id: RequestId, model: usize) {
        let mut models = self.models.iter();
        if !models.any(|(at, it)| at == model && it.used_for == Use::Classify) {
            return;
        }
        self.trouble = None;
        self.items.change(id, |item| {
            if let Content::Picture(picture) = &mut item.content
                && matches!(picture.classes, Some(Step::Done(_)))
            {
                let step = Step::Waiting;
                picture.others.retain(|other| other.model != model);
                picture.others.push(Comparison { model, step });
            }
        });
    }

    /// The models that a job needs, whatever item it is done for.
    pub(super) fn needed(&self, job: Job) -> Vec<usize> {
        match job {
            Job::Compare => {
                let waiting = self.items.waiting(job);
                waiting.filter_map(|id| self.compared(id)).collect()
            }
            job => self.models.needed_for(job),
        }
    }

    /// The models that a job of this item needs.
    pub(super) fn needed_by(&self, id: RequestId, job: Job) -> Vec<usize> {
        match job {
            Job::Compare => self.compared(id).into_iter().collect(),
            job => self.models.needed_for(job),
        }
    }

    /// The model that is next to be compared with.
    pub(super) fn compared(&self, id: RequestId) -> Option<usize> {
        let Content::Picture(picture) = &self.item(id)?.content else {
            return None;
        };
        let mut others = picture.others.iter();
        Some(others.find(|other| other.step.is_open())?.model)
    }

    /// Takes in what the model says that was asked in addition.
    pub(super) fn take_comparison(&mut self, id: RequestId, value: Classification) {
        let (model, times) = (value.model.clone(), value.times);
        let best = value.classes.first().cloned();
        let mut told = None;
        let is_taken = self.take(id, &[Job::Compare], |item, flavour| {
            if let Content::Picture(picture) = &mut item.content
                && let Some(other) = working(picture)
            {
                other.step = Step::Done(Arc::new(Answer { value, flavour }));
                told = Some((item.name.clone(), best));
            }
        });
        if is_taken {
            self.metrics.answered(Group::Classifier(model), &times);
        }
        if let Some((name, Some(class))) = told {
            self.announcement = words::compared_with(&name, &class);
        }
    }
}

/// The comparison of a picture that is being worked on.
pub(super) fn working(picture: &mut Picture) -> Option<&mut Comparison> {
    let mut others = picture.others.iter_mut();
    others.find(|other| other.step == Step::Working)
}
