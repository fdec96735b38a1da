//! Work that several threads share, where the engine has more than one.
//!
//! An inference is a hundred short stretches of work with little between them, so that whoever helps
//! must be there within microseconds: a helper looks for work for a while before it goes to sleep,
//! and what is to be done is taken part by part from one counter, without a lock. In a build without
//! threads, and as long as no helper has come, the caller does all parts itself.

use std::marker::PhantomData;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering};

/// How often a helper looks for work before it goes to sleep: some hundred microseconds, which is longer
/// than what an operator of one thread between two shared ones takes.
const LOOKS: u32 = 100_000;

/// Parts that work is cut into: enough that a thread which comes late finds some left, and few enough that what
/// each of them prepares for itself does not count.
const PARTS: usize = 8;

/// Multiplications that are worth sharing: they take one thread about ten microseconds.
const LEAST_PRODUCTS: usize = 200_000;

/// The parts of a job take two bytes of [`Pool::state`], which bounds how many there may be.
const MOST_PARTS: usize = 1 << 15;

static POOL: Pool = Pool::new();

/// Calls `work` with every number below `n_parts`, on this thread and on all helpers, in any order; comes back
/// when all calls have.
///
/// # Panics
/// For more than 32,768 parts, and when a helper ended in the middle of one.
pub(crate) fn share(n_parts: usize, work: &(dyn Fn(usize) + Sync)) {
    POOL.share(n_parts, work);
}

/// How many parts to cut `n` things into that take so many multiplications together: 1 where nobody
/// would help or the work is done sooner than shared.
pub(crate) fn n_parts(n: usize, n_products: usize) -> usize {
    match POOL.has_help() && n_products >= LEAST_PRODUCTS {
        true => n.min(PARTS),
        false => 1,
    }
}

/// Which of `n` things are this part's, of so many parts of nearly the same size.
pub(crate) fn part_of(n: usize, part: usize, n_parts: usize) -> Range<usize> {
    part * n / n_parts..(part + 1) * n / n_parts
}

/// Helps whoever calls [`share`] for as long as the thread lives. What a build with threads calls on
/// each thread it has beside the engine's.
pub fn help() -> ! {
    POOL.n_helpers.fetch_add(1, Ordering::Relaxed);
    loop {
        POOL.help_once();
    }
}

/// Says that a helper ended in the middle of a part, which therefore is never done: whoever waits for it
/// ends as well.
pub fn helper_died() {
    POOL.is_broken.store(true, Ordering::Release);
}

/// Has work shared with helpers, or not: where several engines run, their helpers would only take the cores
/// from each other.
pub fn share_work(is_shared: bool) {
    POOL.is_shared.store(is_shared, Ordering::Relaxed);
}

/// What helpers are to call, and for which numbers.
struct Job<'a> {
    work: &'a (dyn Fn(usize) + Sync),
}

struct Pool {
    /// Which job it is (four bytes, counted up), how many parts it has (two), and the first that nobody
    /// has taken (two). One number, so that whoever takes a part knows that it is of the job it saw.
    state: AtomicU64,
    /// Valid from the moment that `state` names a job until all of its parts are done.
    job: AtomicPtr<Job<'static>>,
    /// Parts of the job that are done.
    n_done: AtomicUsize,
    /// Counted up with every job; what sleeping helpers wait for.
    signal: AtomicU32,
    n_asleep: AtomicU32,
    n_helpers: AtomicUsize,
    is_shared: AtomicBool,
    /// Whether a helper ended in the middle of a part.
    is_broken: AtomicBool,
    /// Whether a job is under way: one at a time.
    is_busy: AtomicBool,
}

impl Pool {
    const fn new() -> Pool {
        Pool {
            state: AtomicU64::new(0),
            job: AtomicPtr::new(std::ptr::null_mut()),
            n_done: AtomicUsize::new(0),
            signal: AtomicU32::new(0),
            n_asleep: AtomicU32::new(0),
            n_helpers: AtomicUsize::new(0),
            is_shared: AtomicBool::new(true),
            is_broken: AtomicBool::new(false),
            is_busy: AtomicBool::new(false),
        }
    }

    fn has_help(&self) -> bool {
        self.n_helpers.load(Ordering::Relaxed) > 0 && self.is_shared.load(Ordering::Relaxed)
    }

    fn share(&self, n_parts: usize, work: &(dyn Fn(usize) + Sync)) {
        assert!(n_parts <= MOST_PARTS, "{n_parts} parts");
        let is_alone =
            n_parts < 2 || !self.has_help() || self.is_busy.swap(true, Ordering::Acquire);
        if is_alone {
            return (0..n_parts).for_each(work);
        }
        let job = Job { work };
        self.job
            .store((&raw const job).cast_mut().cast(), Ordering::Relaxed);
        self.n_done.store(0, Ordering::Relaxed);
        let number = (self.state.load(Ordering::Relaxed) >> 32).wrapping_add(1);
        let state = number << 32 | (n_parts as u64) << 16;
        // From here on helpers may take parts: they see what was written before.
        self.state.store(state, Ordering::Release);
        self.signal.fetch_add(1, Ordering::SeqCst);
        if self.n_asleep.load(Ordering::SeqCst) > 0 {
            wake(&self.signal);
        }
        while self.take_and_do() {}
        // The job lives on this stack: nobody may be at it any more when this function returns.
        while self.n_done.load(Ordering::Acquire) < n_parts {
            let is_whole = !self.is_broken.load(Ordering::Relaxed);
            assert!(is_whole, "a thread ended in the middle of its work");
            std::hint::spin_loop();
        }
        self.is_busy.store(false, Ordering::Release);
    }

    /// Takes one part of the job, if there is one, and does it.
    fn take_and_do(&self) -> bool {
        let mut state = self.state.load(Ordering::Acquire);
        loop {
            let (n_parts, next) = ((state >> 16) & 0xffff, state & 0xffff);
            if next >= n_parts {
                return false;
            }
            match self.state.compare_exchange_weak(
                state,
                state + 1,
                Ordering::AcqRel,
                Ordering::Acquire,
            ) {
                Ok(_) => break,
                Err(met) => state = met,
            }
        }
        // SAFETY: a part was taken of the job that `state` names, and until that part is done, which is said
        // below, `share` does not return: the pointer is that of its living `Job`. A number would have
        // to come round, four billion jobs later, between the two lines above for it to be another.
        let job = unsafe { &*self.job.load(Ordering::Relaxed) };
        (job.work)((state & 0xffff) as usize);
        self.n_done.fetch_add(1, Ordering::Release);
        true
    }

    /// Does all there is to do, then waits for the next job.
    fn help_once(&self) {
        let seen = self.signal.load(Ordering::SeqCst);
        while self.take_and_do() {}
        for _ in 0..LOOKS {
            if self.signal.load(Ordering::Relaxed) != seen {
                return;
            }
            std::hint::spin_loop();
        }
        self.n_asleep.fetch_add(1, Ordering::SeqCst);
        sleep_while(&self.signal, seen);
        self.n_asleep.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Sleeps until the signal is another than `seen`.
#[cfg(all(target_arch = "wasm32", target_feature = "atomics"))]
fn sleep_while(signal: &AtomicU32, seen: u32) {
    // SAFETY: the pointer is that of a living, aligned atomic; without a limit in time.
    unsafe {
        std::arch::wasm32::memory_atomic_wait32(signal.as_ptr().cast(), seen.cast_signed(), -1);
    }
}

#[cfg(all(target_arch = "wasm32", target_feature = "atomics"))]
fn wake(signal: &AtomicU32) {
    // SAFETY: the pointer is that of a living, aligned atomic.
    unsafe {
        std::arch::wasm32::memory_atomic_notify(signal.as_ptr().cast(), u32::MAX);
    }
}

/// Elsewhere only tests have helpers, and they may keep a core busy.
#[cfg(not(all(target_arch = "wasm32", target_feature = "atomics")))]
fn sleep_while(signal: &AtomicU32, seen: u32) {
    while signal.load(Ordering::SeqCst) == seen {
        std::hint::spin_loop();
    }
}

#[cfg(not(all(target_arch = "wasm32", target_feature = "atomics")))]
fn wake(_signal: &AtomicU32) {}

/// A slice of which several threads write different pieces.
#[derive(Clone, Copy)]
pub(crate) struct Shared<'a> {
    start: *mut f32,
    len: usize,
    life: PhantomData<&'a mut [f32]>,
}

// SAFETY: it gives access only through functions that ask their callers to keep pieces apart.
unsafe impl Send for Shared<'_> {}
// SAFETY: as above.
unsafe impl Sync for Shared<'_> {}

impl<'a> Shared<'a> {
    pub(crate) fn new(values: &'a mut [f32]) -> Shared<'a> {
        Shared {
            start: values.as_mut_ptr(),
            len: values.len(),
            life: PhantomData,
        }
    }

    /// Where `n` values lie from `from` on.
    ///
    /// # Panics
    /// Where they do not lie inside.
    #[inline(always)]
    pub(crate) fn place(&self, from: usize, n: usize) -> *mut f32 {
        assert!(from <= self.len && n <= self.len - from);
        // SAFETY: inside.
        unsafe { self.start.add(from) }
    }

    /// `n` values from `from` on.
    ///
    /// # Panics
    /// Where they do not lie inside.
    ///
    /// # Safety
    /// Nobody may write them while the slice lives.
    #[inline(always)]
    pub(crate) unsafe fn slice(&self, from: usize, n: usize) -> &'a [f32] {
        // SAFETY: inside, and the caller keeps writers away.
        unsafe { std::slice::from_raw_parts(self.place(from, n), n) }
    }

    /// `n` values from `from` on, for writing.
    ///
    /// # Panics
    /// Where they do not lie inside.
    ///
    /// # Safety
    /// Nobody else may read or write them while the slice lives.
    #[inline(always)]
    pub(crate) unsafe fn slice_mut(&self, from: usize, n: usize) -> &'a mut [f32] {
        // SAFETY: inside, and the caller keeps everyone else away.
        unsafe { std::slice::from_raw_parts_mut(self.place(from, n), n) }
    }
}

#[cfg(test)]
mod tests {
    // Only code for the browser is kept from threads.
    #![allow(clippy::disallowed_methods)]

    use std::{panic, thread};

    use super::*;

    #[track_caller]
    fn check_every_part_once(pool: &Pool, n_parts: usize) {
        let counts: Vec<AtomicUsize> = (0..n_parts).map(|_| AtomicUsize::new(0)).collect();
        pool.share(n_parts, &|part| {
            counts[part].fetch_add(1, Ordering::Relaxed);
        });
        for count in counts {
            assert_eq!(count.into_inner(), 1);
        }
    }

    #[test]
    fn alone_every_part_is_done_here() {
        let pool = Pool::new();
        for n_parts in [0, 1, 2, 100] {
            check_every_part_once(&pool, n_parts);
        }
    }

    #[test]
    #[should_panic(expected = "a thread ended in the middle of its work")]
    fn a_helper_that_ends_in_the_middle_ends_the_wait_for_it() {
        let pool = Pool::new();
        let here = thread::current().id();
        let has_begun = AtomicBool::new(false);
        thread::scope(|scope| {
            pool.n_helpers.fetch_add(1, Ordering::Relaxed);
            scope.spawn(|| {
                let help = || panic::catch_unwind(panic::AssertUnwindSafe(|| pool.help_once()));
                while help().is_ok() {}
                pool.is_broken.store(true, Ordering::Release);
            });
            pool.share(2, &|_| match thread::current().id() == here {
                // The other part is the helper's.
                true => {
                    while !has_begun.load(Ordering::Acquire) {
                        std::hint::spin_loop();
                    }
                }
                false => {
                    has_begun.store(true, Ordering::Release);
                    panic!("as a trap ends a thread");
                }
            });
        });
    }

    #[test]
    fn with_helpers_every_part_is_done_once_in_every_job() {
        let pool = Pool::new();
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    pool.n_helpers.fetch_add(1, Ordering::Relaxed);
                    while !is_over.load(Ordering::Relaxed) {
                        pool.help_once();
                    }
                });
            }
            while pool.n_helpers.load(Ordering::Relaxed) < 3 {
                thread::yield_now();
            }
            for job in 0..2000 {
                check_every_part_once(&pool, job % 17);
            }
            is_over.store(true, Ordering::Relaxed);
            pool.signal.fetch_add(1, Ordering::SeqCst);
        });
    }

    #[test]
    fn a_job_inside_a_job_is_done_by_whoever_asks() {
        let pool = Pool::new();
        pool.n_helpers.store(1, Ordering::Relaxed);
        let count = AtomicUsize::new(0);
        pool.share(3, &|_| {
            pool.share(4, &|_| {
                count.fetch_add(1, Ordering::Relaxed);
            });
        });
        assert_eq!(count.into_inner(), 12);
    }

    #[test]
    fn parts_are_everything_once() {
        for (n, n_parts) in [(0, 1), (7, 1), (7, 7), (25, 8), (100, 8)] {
            let parts: Vec<usize> = (0..n_parts)
                .flat_map(|part| part_of(n, part, n_parts))
                .collect();
            assert_eq!(parts, (0..n).collect::<Vec<_>>());
        }
    }

    #[test]
    fn helpers_are_left_alone_where_nothing_is_shared() {
        let pool = Pool::new();
        pool.n_helpers.store(1, Ordering::Relaxed);
        pool.is_shared.store(false, Ordering::Relaxed);
        check_every_part_once(&pool, 5);
        assert_eq!(pool.signal.load(Ordering::Relaxed), 0, "nobody was called");
    }

    #[test]
    #[should_panic(expected = "from <= self.len")]
    fn pieces_outside_are_refused() {
        let mut values = [0.0; 4];
        // SAFETY: nobody else has the slice.
        unsafe { Shared::new(&mut values).slice(3, 2) };
    }
}
