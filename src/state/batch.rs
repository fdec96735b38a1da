//! Many files at once: how far they are, how fast they go, and which of them are shown.

use std::collections::VecDeque;

use vitrine_protocol::RequestId;

use super::item::Item;
use super::items::Counts;

/// So many files are shown as cards; more become rows of a table, and stay rows until none is left.
pub(crate) const MOST_CARDS: usize = 24;

/// Rows on one page of the table.
pub(crate) const ROWS_PER_PAGE: usize = 50;

/// How long the pace is measured over, in ms.
const PACE_WINDOW: f64 = 15_000.0;

/// So long after the last job workers beyond the first are kept, in ms.
const IDLE_TIME: f64 = 10_000.0;

/// Whether what waits is worked on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Flow {
    #[default]
    Running,
    /// What is begun is finished; nothing is begun but typed texts.
    Paused,
}

/// Which rows are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Filter {
    #[default]
    All,
    Open,
    Failed,
}

impl Filter {
    pub(crate) const ALL: [Filter; 3] = [Filter::All, Filter::Open, Filter::Failed];

    pub(crate) fn holds(self, item: &Item) -> bool {
        match self {
            Filter::All => true,
            Filter::Open => item.is_open(),
            Filter::Failed => item.failure().is_some(),
        }
    }

    /// How many rows it shows.
    pub(crate) fn count(self, counts: Counts) -> usize {
        match self {
            Filter::All => counts.rows,
            Filter::Open => counts.open_rows,
            Filter::Failed => counts.failed_rows,
        }
    }
}

/// How files are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Layout {
    #[default]
    Cards,
    Table,
}

/// What is shown of many files.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Batch {
    pub(crate) flow: Flow,
    pub(crate) layout: Layout,
    pub(crate) filter: Filter,
    /// Number of the page of the table, from 0; may lie beyond the last one when rows go.
    pub(crate) page: usize,
    /// The row that is shown as a card.
    pub(crate) opened: Option<RequestId>,
    /// How often the time was told: figures that change with every file are shown anew that often.
    pub(crate) n_ticks: u32,
    pace: Pace,
}

/// How far the batch is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Progress {
    pub(crate) done: usize,
    pub(crate) total: usize,
    pub(crate) failed: usize,
    /// Files per second and seconds that are left, once that is known.
    pub(crate) pace: Option<(f64, f64)>,
    pub(crate) flow: Flow,
}

impl Batch {
    /// How far it is.
    pub(crate) fn progress(&self, counts: Counts) -> Progress {
        let pace = self.pace.per_second().filter(|_| counts.open_rows > 0);
        Progress {
            done: counts.rows - counts.open_rows,
            total: counts.rows,
            failed: counts.failed_rows,
            pace: pace.map(|rate| (rate, counts.open_rows as f64 / rate)),
            flow: self.flow,
        }
    }

    /// Takes in how many files there are. A table does not fall apart into cards when files are
    /// removed or given up: whoever looks at it would lose their place.
    pub(crate) fn arrange(&mut self, n_rows: usize) {
        match n_rows {
            0 => self.layout = Layout::Cards,
            n if n > MOST_CARDS => self.layout = Layout::Table,
            _ => {}
        }
    }

    /// Works on what waits, or leaves it for now.
    pub(crate) fn choose_flow(&mut self, flow: Flow) {
        self.flow = flow;
        // The pace would otherwise be that of a rest.
        self.pace.samples.clear();
    }

    /// Takes in that something is done.
    pub(crate) fn step(&mut self) {
        self.pace.n_done += 1;
    }

    /// Takes in the time in ms; `true` when nothing was worked on for so long that workers beyond the
    /// first can go.
    pub(crate) fn tick(&mut self, now: f64, is_running: bool) -> bool {
        self.n_ticks += 1;
        if is_running {
            self.pace.idle_since = None;
            self.pace.take(now);
            return false;
        }
        self.pace.samples.clear();
        now - *self.pace.idle_since.get_or_insert(now) >= IDLE_TIME
    }
}

/// How many were done when.
#[derive(Clone, Debug, Default, PartialEq)]
struct Pace {
    n_done: usize,
    /// Time in ms and how many were done.
    samples: VecDeque<(f64, usize)>,
    idle_since: Option<f64>,
}

impl Pace {
    fn take(&mut self, now: f64) {
        self.samples.push_back((now, self.n_done));
        while self.samples.len() > 2 && now - self.samples[0].0 > PACE_WINDOW {
            self.samples.pop_front();
        }
    }

    fn per_second(&self) -> Option<f64> {
        let (start, n_before) = self.samples.front()?;
        let (end, n_after) = self.samples.back()?;
        let rate = (n_after - n_before) as f64 / ((end - start) / 1000.0);
        (rate.is_finite() && rate > 0.0).then_some(rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(open_rows: usize) -> Counts {
        Counts {
            rows: 100,
            open: open_rows,
            open_rows,
            failed_rows: 0,
        }
    }

    #[test]
    fn the_pace_is_that_of_the_last_seconds() {
        let mut batch = Batch::default();
        batch.tick(0.0, true);
        assert_eq!(batch.progress(counts(100)).pace, None);
        let mut now = 0.0;
        for n_per_second in [1, 10] {
            for _ in 0..20 {
                now += 1000.0;
                for _ in 0..n_per_second {
                    batch.step();
                }
                batch.tick(now, true);
            }
        }
        let progress = batch.progress(counts(50));
        assert_eq!(progress.pace, Some((10.0, 5.0)));
        assert_eq!((progress.done, progress.total), (50, 100));
        assert_eq!(batch.progress(counts(0)).pace, None);
    }

    #[test]
    fn workers_may_go_once_nothing_was_done_for_a_while() {
        let mut batch = Batch::default();
        assert!(!batch.tick(0.0, false));
        assert!(!batch.tick(9_000.0, false));
        assert!(!batch.tick(9_500.0, true));
        assert!(!batch.tick(11_000.0, false));
        assert!(batch.tick(21_000.0, false));
    }
}
