//! The workers: how many there may be, what each is doing and has ready.

use vitrine_protocol::{Flavour, RequestId};

use super::item::Job;

/// Never more workers than this: each holds an engine and models of its own.
const MOST_WORKERS: usize = 4;

/// Up to so many gigabytes, a device is taken to have no memory for a second worker.
const SMALL_MEMORY: f64 = 4.0;

/// So many workers that died one after another before they answered anything, and no other is
/// started until a person asks for it.
const MOST_BARREN: usize = 3;

/// A worker that has answered so often is replaced: WebAssembly's memory never shrinks, and what a library
/// holds on to by mistake ends with the worker.
pub(super) const MOST_ANSWERS: usize = 2000;

/// A worker whose engine takes so many bytes is replaced as well: half of what it may grow to.
pub(super) const MUCH_MEMORY: f64 = 1e9;

/// So many answers are worth a worker's start.
const FEW_ANSWERS: usize = 20;

/// Names a worker; a later one never has the id of an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WorkerId(pub(crate) u32);

/// What the browser says about the device.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Device {
    /// Logical cores.
    pub(crate) n_cores: usize,
    /// Gigabytes of memory, roughly, where the browser tells.
    pub(crate) memory: Option<f64>,
    /// A phone or the like: a small screen that is touched.
    pub(crate) is_handheld: bool,
}

/// How many workers there may be: one core is left to the page. `wish` is what the address asks for.
pub(crate) fn most_workers(device: Device, wish: Option<usize>) -> usize {
    let is_small = device.is_handheld || device.memory.is_some_and(|memory| memory <= SMALL_MEMORY);
    let fitting = match is_small {
        true => 1,
        false => device.n_cores.saturating_sub(1),
    };
    wish.unwrap_or(fitting).clamp(1, MOST_WORKERS)
}

/// A model inside a worker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Loaded {
    #[default]
    No,
    Loading,
    Ready,
}

/// One worker.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Worker {
    pub(crate) id: WorkerId,
    /// The engine that runs in it, once it listens.
    pub(crate) flavour: Option<Flavour>,
    /// What it is doing.
    pub(crate) job: Option<(RequestId, Job)>,
    /// The table that is open in it.
    pub(crate) open_table: Option<RequestId>,
    /// How often it has answered.
    n_answers: usize,
    /// Bytes that its engine's memory has grown to.
    memory: f64,
    /// Whether it holds a model that was given up for another.
    is_outdated: bool,
    /// By model; a model beyond the end is not loaded.
    loaded: Vec<Loaded>,
}

impl Worker {
    pub(crate) fn loaded(&self, model: usize) -> Loaded {
        self.loaded.get(model).copied().unwrap_or_default()
    }

    pub(crate) fn set_loaded(&mut self, model: usize, loaded: Loaded) {
        if self.loaded.len() <= model {
            self.loaded.resize(model + 1, Loaded::No);
        }
        self.loaded[model] = loaded;
    }

    pub(crate) fn is_loading(&self) -> bool {
        self.loaded.contains(&Loaded::Loading)
    }

    /// Whether there is something in it already that the page could not have again at once.
    pub(crate) fn is_set_up(&self) -> bool {
        self.loaded.contains(&Loaded::Ready)
    }

    fn has_answered(&self) -> bool {
        self.n_answers > 0
    }

    /// Whether it is time for another in its place; while there is more to do, work that takes much memory
    /// by itself must not cost a start with each item.
    fn is_worn(&self, is_idle: bool) -> bool {
        let least = if is_idle { 1 } else { FEW_ANSWERS };
        self.is_outdated
            || self.n_answers >= MOST_ANSWERS
            || self.n_answers >= least && self.memory >= MUCH_MEMORY
    }

    /// Whether it starts, loads or works.
    pub(crate) fn is_busy(&self) -> bool {
        self.flavour.is_none() || self.is_loading() || self.job.is_some()
    }
}

/// All workers, the one that was started first in front.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pool {
    pub(crate) workers: Vec<Worker>,
    /// How many there may be.
    most: usize,
    /// How many there may be as long as those that are started come to something.
    allowed: usize,
    n_started: u32,
    /// How many died one after another without an answer.
    n_barren: usize,
}

impl Default for Pool {
    fn default() -> Pool {
        Pool::new(1)
    }
}

impl Pool {
    /// A pool without workers, of which there may be `most`.
    pub(crate) fn new(most: usize) -> Pool {
        Pool {
            workers: Vec::new(),
            most,
            allowed: most,
            n_started: 0,
            n_barren: 0,
        }
    }

    pub(crate) fn get_mut(&mut self, id: WorkerId) -> Option<&mut Worker> {
        self.workers.iter_mut().find(|worker| worker.id == id)
    }

    /// The worker that is at this item.
    pub(crate) fn at(&self, item: RequestId) -> Option<&Worker> {
        let mut workers = self.workers.iter();
        workers.find(|worker| worker.job.is_some_and(|(id, _)| id == item))
    }

    /// Whether another worker may be started.
    pub(crate) fn has_room(&self) -> bool {
        self.workers.len() < self.allowed
    }

    /// Starts a worker.
    pub(crate) fn start(&mut self) -> WorkerId {
        let id = WorkerId(self.n_started);
        self.n_started += 1;
        self.workers.push(Worker {
            id,
            flavour: None,
            job: None,
            open_table: None,
            n_answers: 0,
            memory: 0.0,
            is_outdated: false,
            loaded: Vec::new(),
        });
        id
    }

    /// Takes in that the worker which is at this item has answered; it is free again.
    pub(crate) fn answered(&mut self, item: RequestId) -> Option<(Flavour, Job)> {
        let mut workers = self.workers.iter_mut();
        let worker = workers.find(|worker| worker.job.is_some_and(|(id, _)| id == item))?;
        let (_, job) = worker.job.take()?;
        if !worker.has_answered() {
            self.n_barren = 0;
        }
        worker.n_answers += 1;
        worker.flavour.map(|flavour| (flavour, job))
    }

    /// Takes in that a worker's engine has grown to so many bytes.
    pub(crate) fn grew(&mut self, id: WorkerId, bytes: f64) {
        if let Some(worker) = self.get_mut(id) {
            worker.memory = bytes;
        }
    }

    /// Takes in that a model is not wanted any more: memory that it took comes back with another worker only.
    pub(crate) fn wear_out(&mut self, model: usize) {
        for worker in &mut self.workers {
            worker.is_outdated |= worker.loaded(model) != Loaded::No;
        }
    }

    /// Ends the workers that are worn and not at work.
    pub(crate) fn end_worn(&mut self, is_idle: bool) -> Vec<WorkerId> {
        self.end_if(|worker| worker.is_worn(is_idle) && !worker.is_busy())
    }

    /// Ends a worker.
    pub(crate) fn end(&mut self, id: WorkerId) -> Option<Worker> {
        let at = self.workers.iter().position(|worker| worker.id == id)?;
        Some(self.workers.remove(at))
    }

    /// Ends all workers for which `is_over` holds.
    pub(crate) fn end_if(&mut self, is_over: impl Fn(&Worker) -> bool) -> Vec<WorkerId> {
        let ended = self.workers.extract_if(.., |worker| is_over(worker));
        ended.map(|worker| worker.id).collect()
    }

    /// Whether every worker is there to work: none starts or loads, and the first has shown that
    /// engine and models are well.
    pub(crate) fn is_proven(&self) -> bool {
        self.workers
            .first()
            .is_some_and(|first| first.has_answered())
            && self
                .workers
                .iter()
                .all(|worker| worker.flavour.is_some() && !worker.is_loading())
    }

    /// Takes in that this worker died by itself. `false` when too many did that never answered:
    /// then those that are left must do.
    pub(crate) fn mourn(&mut self, dead: &Worker) -> bool {
        if dead.has_answered() {
            return true;
        }
        self.n_barren += 1;
        self.n_barren < MOST_BARREN
    }

    /// No more workers than there are.
    pub(crate) fn stay_small(&mut self) {
        self.allowed = self.workers.len().max(1);
    }

    /// A person wants it to be tried again.
    pub(crate) fn forgive(&mut self) {
        self.allowed = self.most;
        self.n_barren = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_most(n_cores: usize, memory: Option<f64>, is_handheld: bool, expected: usize) {
        let device = Device {
            n_cores,
            memory,
            is_handheld,
        };
        assert_eq!(most_workers(device, None), expected);
    }

    #[test]
    fn one_core_is_left_to_the_page_and_small_devices_have_one_worker() {
        check_most(1, None, false, 1);
        check_most(2, Some(8.0), false, 1);
        check_most(4, Some(8.0), false, 3);
        check_most(16, None, false, 4);
        check_most(8, Some(4.0), false, 1);
        check_most(8, None, true, 1);
    }

    #[test]
    fn the_address_may_ask_for_another_number_within_reason() {
        let device = Device {
            n_cores: 2,
            memory: Some(2.0),
            is_handheld: true,
        };
        assert_eq!(most_workers(device, Some(2)), 2);
        assert_eq!(most_workers(device, Some(0)), 1);
        assert_eq!(most_workers(device, Some(99)), MOST_WORKERS);
    }

    #[test]
    fn workers_that_never_answer_are_not_started_for_ever() {
        let mut pool = Pool::new(2);
        let mut is_worth_it = Vec::new();
        for _ in 0..MOST_BARREN {
            let id = pool.start();
            let dead = pool.end(id).expect("a worker");
            is_worth_it.push(pool.mourn(&dead));
        }
        assert_eq!(is_worth_it, [true, true, false]);
        pool.forgive();
        let id = pool.start();
        let dead = pool.end(id).expect("a worker");
        assert!(pool.mourn(&dead));
    }
}
