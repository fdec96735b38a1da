//! Removing results, and bringing back what was removed last.
//!
//! What can be brought back keeps its place, its answers and its file; all of that is let go once
//! something else is removed or nobody wanted it back in time.

use vitrine_protocol::RequestId;

use super::history::Past;
use super::{Effect, Item, Layout, State};
use crate::words;

/// What was removed last.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Undo {
    /// Number of the removal, so that the end of an earlier one's time is not taken for this one's.
    number: u32,
    removed: Option<Removed>,
}

/// What a removal took out.
#[derive(Clone, Debug, Default, PartialEq)]
struct Removed {
    items: Vec<Item>,
    /// Where lots began before.
    starts: Vec<RequestId>,
    /// How files were shown before.
    layout: Layout,
    past: Vec<Past>,
    /// What was removed, for people.
    words: String,
}

impl Undo {
    /// What was removed, in a sentence, while it can be brought back.
    pub(crate) fn offer(&self) -> Option<&str> {
        self.removed.as_ref().map(|removed| &*removed.words)
    }
}

impl State {
    /// Removes one result, of this visit or of an earlier one.
    pub(super) fn remove_one(&mut self, id: RequestId) -> Vec<Effect> {
        let mut effects = vec![self.focus_after(id)];
        if let Some(worker) = self.pool.at(id).map(|worker| worker.id) {
            self.pool.end(worker);
            effects.push(Effect::EndEngine(worker));
        }
        let mut removed = self.removal();
        removed.items.extend(self.items.remove(id));
        removed.past = self.history.take_out(|past| past.item.id == id);
        let mut names = removed
            .items
            .iter()
            .chain(removed.past.iter().map(|past| &past.item));
        removed.words = names
            .next()
            .map(|item| words::removed(&item.name))
            .unwrap_or_default();
        self.offer_undo(removed, &mut effects);
        effects
    }

    /// Removes what is finished.
    pub(super) fn clear(&mut self) -> Vec<Effect> {
        let mut effects = vec![Effect::FocusResults];
        let mut removed = self.removal();
        removed.items = self.items.take_out(|item| item.is_open());
        removed.words = words::cleared();
        self.offer_undo(removed, &mut effects);
        effects
    }

    /// Removes what is kept of earlier visits, and everything that is kept on the device.
    pub(super) fn clear_history(&mut self) -> Vec<Effect> {
        let mut effects = vec![Effect::FocusResults];
        let mut removed = self.removal();
        removed.past = self.history.take_out(|_| true);
        removed.words = words::history_cleared();
        self.announcement = words::history_cleared();
        self.offer_undo(removed, &mut effects);
        effects.push(self.history.forget_all());
        effects
    }

    /// Brings back what was removed last.
    pub(super) fn undo(&mut self) -> Vec<Effect> {
        let Some(mut removed) = self.undo.removed.take() else {
            return Vec::new();
        };
        removed.items.iter_mut().for_each(Item::rest);
        let ids: Vec<RequestId> = ids(&removed).collect();
        let is_history = !removed.past.is_empty();
        self.items.restore(removed.items, removed.starts);
        self.batch.layout = removed.layout;
        self.history.put_back(removed.past);
        for id in &ids {
            self.history.note(*id);
        }
        if is_history {
            // What this visit had written went with it.
            let items = self.items.iter();
            items.for_each(|item| self.history.note(item.id));
        }
        self.announcement = words::restored(ids.len());
        vec![Effect::FocusCard(ids.first().copied())]
    }

    /// Lets go of what a removal took out, unless it was brought back or another came after it.
    pub(super) fn end_undo(&mut self, number: u32) -> Vec<Effect> {
        let removed = self.undo.removed.take_if(|_| self.undo.number == number);
        removed.iter().map(forget).collect()
    }

    fn removal(&self) -> Removed {
        Removed {
            starts: self.items.starts(),
            layout: self.batch.layout,
            ..Removed::default()
        }
    }

    fn offer_undo(&mut self, removed: Removed, effects: &mut Vec<Effect>) {
        let ids: Vec<RequestId> = ids(&removed).collect();
        if ids.is_empty() {
            return;
        }
        self.let_go(&ids);
        self.announcement = words::can_be_undone(&removed.words);
        effects.extend(self.history.forget(ids));
        effects.extend(self.undo.removed.replace(removed).iter().map(forget));
        self.undo.number += 1;
        effects.push(Effect::OfferUndo(self.undo.number));
    }

    /// Where the focus goes when a card goes: to the next one, or to the heading of them all.
    fn focus_after(&self, id: RequestId) -> Effect {
        fn next<'a>(mut items: impl Iterator<Item = &'a Item>, id: RequestId) -> Option<Effect> {
            items.find(|item| item.id == id)?;
            Some(Effect::FocusCard(items.next().map(|item| item.id)))
        }
        next(self.cards(), id)
            .or_else(|| next(self.history.past().iter().map(|past| &past.item), id))
            .unwrap_or(Effect::FocusResults)
    }
}

fn ids(removed: &Removed) -> impl Iterator<Item = RequestId> {
    let past = removed.past.iter().map(|past| past.item.id);
    removed.items.iter().map(|item| item.id).chain(past)
}

fn forget(removed: &Removed) -> Effect {
    Effect::Forget(removed.items.iter().map(|item| item.id).collect())
}
