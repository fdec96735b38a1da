//! All items, with everything about them that is asked for at every event kept counted.
//!
//! An item is only changed through [`Items::change`], which takes it out of the counts and puts it
//! back, so that what follows from an event costs the same with five items and with five thousand.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use vitrine_protocol::RequestId;

use super::item::{Content, Item, Job, Step, Thumbnail};

/// How often each class came first, by model and by label.
pub(crate) type Totals = BTreeMap<String, BTreeMap<String, usize>>;

/// What was added.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Items {
    /// In the order of adding, which is that of their ids.
    all: Vec<Item>,
    /// The first id of each lot that was added together, rising.
    starts: Vec<RequestId>,
    /// Items whose job waits and that nothing is being done for, by job.
    waiting: [BTreeSet<RequestId>; Job::ALL.len()],
    /// How many items still want a job, by job; also of those that another is being done for.
    wanted: [usize; Job::ALL.len()],
    counts: Counts,
    totals: Totals,
    /// Pictures that have a compressed copy, the one that got it first in front.
    copies: VecDeque<RequestId>,
}

/// So many compressed copies are kept, of the pictures that were done last. Of a picture further back its file is shown.
pub(crate) const MOST_COPIES: usize = 1000;

/// How many items there are of some sort.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// With something left to do.
    pub(crate) open: usize,
    /// Files that can be rows of the batch: pictures and texts.
    pub(crate) rows: usize,
    /// Rows with something left to do.
    pub(crate) open_rows: usize,
    /// Rows of which something failed.
    pub(crate) failed_rows: usize,
}

impl Items {
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// As they are shown: the latest lot first, each in the order it was given.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Item> {
        let ends = self.starts.iter().skip(1).map(|id| self.place(*id));
        let ends: Vec<usize> = ends.chain([self.all.len()]).collect();
        let starts = self.starts.iter().map(|id| self.place(*id));
        let lots: Vec<(usize, usize)> = starts.zip(ends).collect();
        lots.into_iter()
            .rev()
            .flat_map(|(start, end)| &self.all[start..end])
    }

    /// The rows of the batch, as they are shown.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &Item> {
        self.iter().filter(|item| item.is_row())
    }

    pub(crate) fn get(&self, id: RequestId) -> Option<&Item> {
        self.all.get(self.place(id)).filter(|item| item.id == id)
    }

    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }

    /// How often each class came first, in finished rows.
    pub(crate) fn totals(&self) -> &Totals {
        &self.totals
    }

    /// Jobs that some item still wants, in the order of their urgency.
    pub(crate) fn wanted(&self) -> impl Iterator<Item = Job> {
        let jobs = Job::ALL.into_iter();
        jobs.filter(|job| self.wanted[*job as usize] > 0)
    }

    /// The items a job waits for.
    pub(crate) fn waiting(&self, job: Job) -> impl Iterator<Item = RequestId> {
        self.waiting[job as usize].iter().copied()
    }

    /// How many items a job waits for.
    pub(crate) fn n_waiting(&self, job: Job) -> usize {
        self.waiting[job as usize].len()
    }

    /// What has waited longest among what can be done: typed texts come before everything, because
    /// someone looks at them.
    pub(crate) fn next(&self, can_do: impl Fn(Job, RequestId) -> bool) -> Option<(RequestId, Job)> {
        let first = |job: Job| {
            let mut ids = self.waiting[job as usize].iter();
            let id = match job {
                // There are few, and the next may need another worker or another model.
                Job::AnalyseRows | Job::Compare => ids.find(|id| can_do(job, **id)),
                _ => ids.next().filter(|id| can_do(job, **id)),
            };
            id.map(|id| (*id, job))
        };
        first(Job::AnalyseTyped).or_else(|| {
            let jobs = Job::ALL.into_iter();
            jobs.filter_map(first).min_by_key(|(id, _)| *id)
        })
    }

    /// Adds items that belong together; they stand before all earlier ones.
    pub(crate) fn add(&mut self, items: impl IntoIterator<Item = Item>) {
        let from = self.all.len();
        self.all.extend(items);
        if let Some(first) = self.all.get(from) {
            self.starts.push(first.id);
        }
        for at in from..self.all.len() {
            self.count(at);
        }
    }

    /// Changes an item, if it is there.
    pub(crate) fn change(&mut self, id: RequestId, change: impl FnOnce(&mut Item)) {
        let at = self.place(id);
        if self.all.get(at).is_none_or(|item| item.id != id) {
            return;
        }
        self.uncount(at);
        change(&mut self.all[at]);
        self.count(at);
    }

    /// Gives a picture its small copy. Where there are too many, the picture that got one first has none from then on.
    pub(crate) fn give_copy(&mut self, id: RequestId, copy: Thumbnail) {
        let is_compressed = matches!(copy, Thumbnail::Address(_));
        let mut is_first = false;
        self.change(id, |item| {
            if let Content::Picture(picture) = &mut item.content {
                is_first = picture.thumbnail.is_none();
                picture.thumbnail = Some(Arc::new(copy));
            }
        });
        if is_first && is_compressed {
            self.copies.push_back(id);
        }
        if self.copies.len() > MOST_COPIES
            && let Some(id) = self.copies.pop_front()
        {
            self.change(id, |item| {
                if let Content::Picture(picture) = &mut item.content {
                    picture.thumbnail = None;
                }
            });
        }
    }

    /// Changes every item.
    pub(crate) fn change_all(&mut self, change: impl Fn(&mut Item)) {
        for at in 0..self.all.len() {
            self.uncount(at);
            change(&mut self.all[at]);
            self.count(at);
        }
    }

    /// Takes an item out.
    pub(crate) fn remove(&mut self, id: RequestId) -> Option<Item> {
        let at = self.place(id);
        self.all.get(at).filter(|item| item.id == id)?;
        self.uncount(at);
        let item = self.all.remove(at);
        self.drop_empty_lots();
        Some(item)
    }

    /// Where lots begin: with it, what is taken out can be put back where it was.
    pub(crate) fn starts(&self) -> Vec<RequestId> {
        self.starts.clone()
    }

    /// Puts back what was taken out; `starts` is what it was before.
    pub(crate) fn restore(&mut self, items: Vec<Item>, starts: Vec<RequestId>) {
        let ids: Vec<RequestId> = items.iter().map(|item| item.id).collect();
        // Both are in order: they are merged.
        let mut here = std::mem::take(&mut self.all).into_iter().peekable();
        for item in items {
            while let Some(earlier) = here.next_if(|here| here.id < item.id) {
                self.all.push(earlier);
            }
            self.all.push(item);
        }
        self.all.extend(here);
        for start in starts {
            if let Err(at) = self.starts.binary_search(&start) {
                self.starts.insert(at, start);
            }
        }
        self.drop_empty_lots();
        for id in ids {
            self.count(self.place(id));
        }
    }

    /// As [`Items::take_out`]; returns the ids.
    pub(crate) fn keep(&mut self, stays: impl Fn(&mut Item) -> bool) -> Vec<RequestId> {
        let removed = self.take_out(stays).into_iter();
        removed.map(|item| item.id).collect()
    }

    /// Takes out those that are not to stay and returns them in the order of adding; `stays` may
    /// change those that do.
    pub(crate) fn take_out(&mut self, stays: impl Fn(&mut Item) -> bool) -> Vec<Item> {
        let mut removed = Vec::new();
        let mut kept = Items {
            starts: std::mem::take(&mut self.starts),
            ..Items::default()
        };
        for mut item in std::mem::take(&mut self.all) {
            match stays(&mut item) {
                true => kept.all.push(item),
                false => removed.push(item),
            }
        }
        *self = kept;
        for at in 0..self.all.len() {
            self.count(at);
        }
        self.drop_empty_lots();
        removed
    }

    /// Where the item with this id is, or would be.
    fn place(&self, id: RequestId) -> usize {
        self.all.partition_point(|item| item.id < id)
    }

    fn drop_empty_lots(&mut self) {
        let mut starts = std::mem::take(&mut self.starts);
        let mut end = self.all.len();
        starts.reverse();
        starts.retain(|id| {
            let start = self.place(*id);
            std::mem::replace(&mut end, start) > start
        });
        starts.reverse();
        self.starts = starts;
    }

    fn count(&mut self, at: usize) {
        self.tally(at, true);
    }

    fn uncount(&mut self, at: usize) {
        self.tally(at, false);
    }

    /// Brings an item into the counts, or takes it out of them.
    fn tally(&mut self, at: usize, is_added: bool) {
        let item = &self.all[at];
        let add = |count: &mut usize, holds: bool| match is_added {
            true => *count += usize::from(holds),
            false => *count -= usize::from(holds),
        };
        let is_working = item.is_working();
        let jobs = item.all_waiting();
        let is_open = is_working || !jobs.is_empty();
        for job in jobs {
            add(&mut self.wanted[job as usize], true);
            let waiting = &mut self.waiting[job as usize];
            match is_added && !is_working {
                true => waiting.insert(item.id),
                false => waiting.remove(&item.id),
            };
        }
        add(&mut self.counts.open, is_open);
        if item.is_row() {
            add(&mut self.counts.rows, true);
            add(&mut self.counts.open_rows, is_open);
            add(&mut self.counts.failed_rows, item.failure().is_some());
            for (model, label) in best_classes(item) {
                if is_added {
                    let of_model = self.totals.entry(model.to_owned()).or_default();
                    *of_model.entry(label.to_owned()).or_default() += 1;
                } else if let Some(of_model) = self.totals.get_mut(model)
                    && let Some(n) = of_model.get_mut(label)
                {
                    *n -= 1;
                    if *n == 0 {
                        of_model.remove(label);
                    }
                }
            }
        }
    }
}

/// The best class of each model that has answered for an item: model's id and label.
fn best_classes(item: &Item) -> Vec<(&str, &str)> {
    match &item.content {
        Content::Picture(picture) => match &picture.classes {
            Some(Step::Done(answer)) => {
                let best = answer.value.classes.first();
                let best = best.map(|class| (answer.value.model.as_str(), &*class.label));
                best.into_iter().collect()
            }
            _ => Vec::new(),
        },
        Content::Text(text) => match &text.step {
            Step::Done(answer) => {
                let answers = answer.value.answers.iter();
                answers
                    .filter_map(|answer| Some((&*answer.model, &*answer.classes.first()?.label)))
                    .collect()
            }
            _ => Vec::new(),
        },
        Content::Table(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use vitrine_protocol::{Failure, PictureError};

    use super::super::item::Picture;
    use super::*;

    fn picture(id: u32) -> Item {
        Item {
            id: RequestId(id),
            name: format!("{id}.jpg"),
            content: Content::Picture(Picture {
                classes: Some(Step::Waiting),
                ..Picture::default()
            }),
        }
    }

    fn three_lots() -> Items {
        let mut items = Items::default();
        items.add([picture(0), picture(1)]);
        items.add([picture(2)]);
        items.add([picture(3), picture(4)]);
        items
    }

    #[track_caller]
    fn check_order(items: &Items, expected: &[u32]) {
        let met: Vec<u32> = items.iter().map(|item| item.id.0).collect();
        assert_eq!(met, expected);
    }

    #[test]
    fn the_latest_lot_stands_first_in_the_order_it_was_given() {
        check_order(&three_lots(), &[3, 4, 2, 0, 1]);
    }

    #[test]
    fn only_the_latest_pictures_keep_their_copies() {
        let mut items = Items::default();
        let n = MOST_COPIES as u32 + 2;
        items.add((0..n).map(picture));
        for id in 0..n {
            // One that is read as well as classified gets its copy twice.
            for _ in 0..2 {
                items.give_copy(RequestId(id), Thumbnail::Address("data:,".to_owned()));
            }
        }
        let without: Vec<u32> = (items.iter())
            .filter(|item| matches!(&item.content, Content::Picture(it) if it.thumbnail.is_none()))
            .map(|item| item.id.0)
            .collect();
        assert_eq!(without, [0, 1]);
    }

    #[test]
    fn lots_keep_their_places_when_items_go() {
        let mut items = three_lots();
        items.remove(RequestId(2));
        check_order(&items, &[3, 4, 0, 1]);
        items.add([picture(5)]);
        check_order(&items, &[5, 3, 4, 0, 1]);
        assert_eq!(
            items.keep(|item| item.id.0 % 2 == 1),
            [RequestId(0), RequestId(4)]
        );
        check_order(&items, &[5, 3, 1]);
    }

    #[test]
    fn what_is_put_back_stands_where_it_was_and_counts() {
        let before = three_lots();
        let mut items = three_lots();
        let starts = items.starts();
        let removed = items.take_out(|item| item.id.0 == 1);
        check_order(&items, &[1]);
        items.restore(removed, starts.clone());
        assert_eq!(items, before);
        let removed = items.remove(RequestId(2)).into_iter().collect();
        items.add([picture(5)]);
        items.restore(removed, starts);
        check_order(&items, &[5, 3, 4, 2, 0, 1]);
    }

    #[test]
    fn counts_follow_every_change() {
        let mut items = three_lots();
        items.change(RequestId(1), |item| item.start(Job::Classify));
        assert_eq!(items.n_waiting(Job::Classify), 4);
        assert_eq!((items.counts().open, items.wanted().count()), (5, 1));
        items.change(RequestId(1), |item| {
            item.fail(Failure::Picture(PictureError::Svg));
        });
        let expected = Counts {
            open: 4,
            rows: 5,
            open_rows: 4,
            failed_rows: 1,
        };
        assert_eq!(items.counts(), expected);
        items.remove(RequestId(1));
        assert_eq!((items.counts().rows, items.counts().failed_rows), (4, 0));
        assert_eq!(
            items.next(|_, _| true),
            Some((RequestId(0), Job::Classify)),
            "what was added first is done first"
        );
    }

    #[test]
    fn changing_what_is_not_there_changes_nothing() {
        let mut items = three_lots();
        let before = items.clone();
        items.change(RequestId(9), |item| item.name.clear());
        assert_eq!(items.remove(RequestId(9)), None);
        assert_eq!(items, before);
    }
}
