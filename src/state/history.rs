//! Results that stay on this device: which are to be written, and what earlier visits left.
//!
//! The state says what is kept and what is forgotten; `crate::history` and `shell/history.js` do it.

use std::collections::BTreeSet;

use vitrine_protocol::RequestId;

use super::item::{Content, Item, Step};
use super::{Effect, State};
use crate::words;

/// So many results are kept; the oldest go.
pub(crate) const MOST_KEPT: usize = 200;

/// So many of them are shown before somebody asks for all.
const SHOWN: usize = 12;

/// Milliseconds that what is finished waits to be written while there is more to do, and one or two until
/// somebody looks: what ends the page in the middle of a batch costs little more than this.
const LONGEST_WAIT: f64 = 5_000.0;

/// Results of earlier visits, and what is still to be written of this one.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct History {
    is_on: bool,
    /// Latest first.
    past: Vec<Past>,
    shows_all: bool,
    /// What the browser said when nothing could be kept.
    trouble: Option<String>,
    /// Finished and not written yet.
    pending: BTreeSet<RequestId>,
    wait: Wait,
}

/// How long the pending results have waited.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Wait {
    #[default]
    Unknown,
    /// At least since then, in ms since some fixed moment.
    Since(f64),
    Over,
}

/// A result of an earlier visit.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Past {
    /// Without its file.
    pub(crate) item: Item,
    /// When it was made, in milliseconds since 1970.
    pub(crate) made: f64,
    /// Ids of the models that answered, with their versions.
    pub(crate) models: Vec<(String, String)>,
}

/// What happens to what is kept.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum HistoryEvent {
    /// Results are to be kept from now on, or none any more.
    Chosen(bool),
    /// What earlier visits left, latest first.
    Recalled(Vec<Past>),
    /// All of it is to be shown.
    AllWanted,
    /// The page is no longer seen, and may end without another word.
    Hidden,
    /// The browser keeps nothing; its words.
    Failed(String),
    /// Everything that is kept is to go.
    Cleared,
}

/// What is to be done with what is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HistoryEffect {
    /// Reads what earlier visits left.
    Recall,
    /// Writes these results, in place of what was written of them before.
    Keep(Vec<RequestId>),
    Forget(Vec<RequestId>),
    ForgetAll,
}

impl History {
    /// Results of earlier visits, latest first.
    pub(crate) fn past(&self) -> &[Past] {
        &self.past
    }

    /// Those of them that are shown.
    pub(crate) fn shown(&self) -> &[Past] {
        let n = if self.shows_all { usize::MAX } else { SHOWN };
        &self.past[..self.past.len().min(n)]
    }

    /// What the browser said when nothing could be kept.
    pub(crate) fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    /// Takes in that an item is finished, or finished anew.
    pub(super) fn note(&mut self, id: RequestId) {
        if self.is_on {
            self.pending.insert(id);
        }
    }

    /// Whether results are kept for later visits.
    pub(crate) fn is_on(&self) -> bool {
        self.is_on
    }

    /// Whether anything is finished and not written yet.
    pub(super) fn has_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Takes in the time, in ms since some fixed moment.
    pub(super) fn tick(&mut self, now: f64) {
        match self.wait {
            Wait::Unknown if self.has_pending() => self.wait = Wait::Since(now),
            Wait::Since(since) if now - since >= LONGEST_WAIT => self.wait = Wait::Over,
            _ => {}
        }
    }

    /// Has what is pending written with the next chance, whatever else there is to do.
    pub(super) fn hurry(&mut self) {
        self.wait = Wait::Over;
    }

    /// Takes out what is not wanted any more.
    pub(super) fn take_out(&mut self, goes: impl Fn(&Past) -> bool) -> Vec<Past> {
        let (out, past) = std::mem::take(&mut self.past).into_iter().partition(goes);
        self.past = past;
        out
    }

    /// Puts in what was recalled, or back what was taken out: ids rise with age.
    pub(super) fn put_back(&mut self, past: Vec<Past>) {
        for past in past {
            let at = self
                .past
                .partition_point(|here| here.item.id < past.item.id);
            self.past.insert(at, past);
        }
    }

    pub(super) fn forget(&mut self, ids: Vec<RequestId>) -> Option<Effect> {
        self.pending.retain(|id| !ids.contains(id));
        self.is_on
            .then_some(Effect::History(HistoryEffect::Forget(ids)))
    }

    pub(super) fn forget_all(&mut self) -> Effect {
        self.pending.clear();
        Effect::History(HistoryEffect::ForgetAll)
    }
}

impl State {
    pub(super) fn take_history(&mut self, event: HistoryEvent) -> Vec<Effect> {
        match event {
            HistoryEvent::Chosen(is_on) => return self.choose_history(is_on).into_iter().collect(),
            HistoryEvent::Recalled(past) if self.history.is_on => self.history.put_back(past),
            HistoryEvent::Recalled(_) => {}
            HistoryEvent::AllWanted => self.history.shows_all = true,
            HistoryEvent::Hidden => self.history.hurry(),
            HistoryEvent::Failed(reason) => {
                // Nothing more is tried until somebody asks: it would only fail again.
                self.history.is_on = false;
                self.history.pending.clear();
                self.announcement = words::history_failed(&reason).what;
                self.history.trouble = Some(reason);
            }
            HistoryEvent::Cleared => return self.clear_history(),
        }
        Vec::new()
    }

    fn choose_history(&mut self, is_on: bool) -> Option<Effect> {
        if is_on == self.history.is_on {
            return None;
        }
        self.history = History {
            is_on,
            ..History::default()
        };
        if !is_on {
            return Some(self.history.forget_all());
        }
        let finished = self.items.iter().filter(|item| is_worth_keeping(item));
        self.history.pending = finished.map(|item| item.id).collect();
        Some(Effect::History(HistoryEffect::Recall))
    }

    /// Has everything that is finished written at once: when nothing is being worked on, and every
    /// few seconds of a batch, which must not wait for it with each result.
    pub(super) fn keep_finished(&mut self, effects: &mut Vec<Effect>) {
        let waits_on = self.is_running() && self.history.wait != Wait::Over;
        if !self.history.has_pending() || waits_on {
            return;
        }
        self.history.wait = Wait::Unknown;
        let pending = std::mem::take(&mut self.history.pending);
        let is_kept = |id: &RequestId| {
            let past = || self.history.past.iter().any(|past| past.item.id == *id);
            self.item(*id).map_or_else(past, is_worth_keeping)
        };
        let mut ids: Vec<RequestId> = pending.into_iter().filter(is_kept).collect();
        ids.drain(..ids.len().saturating_sub(MOST_KEPT));
        if !ids.is_empty() {
            effects.push(Effect::History(HistoryEffect::Keep(ids)));
        }
    }
}

/// Whether something was found that a later visit can show; tables are files of their own.
fn is_worth_keeping(item: &Item) -> bool {
    let has_answer = match &item.content {
        Content::Picture(picture) => {
            matches!(picture.classes, Some(Step::Done(_)))
                || matches!(picture.reading, Some(Step::Done(_)))
        }
        Content::Text(text) => matches!(text.step, Step::Done(_)),
        Content::Table(_) => false,
    };
    has_answer && !item.is_open()
}
