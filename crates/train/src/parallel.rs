//! Work on all processors, with results that do not depend on how many there are.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Does `n` pieces of work; the results come in the order of the pieces.
///
/// # Panics
/// When a piece panics.
pub(crate) fn in_parallel<T: Send>(n: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let n_threads = thread::available_parallelism()
        .map_or(1, usize::from)
        .min(n);
    if n_threads <= 1 {
        return (0..n).map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let places: Vec<Mutex<Option<T>>> = (0..n).map(|_| Mutex::new(None)).collect();
    thread::scope(|scope| {
        for _ in 0..n_threads {
            scope.spawn(|| {
                while let Some(at) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|at| *at < n)
                {
                    let result = work(at);
                    if let Ok(mut place) = places[at].lock() {
                        *place = Some(result);
                    }
                }
            });
        }
    });
    // Every place is filled here: the scope panics when one of its threads did.
    places
        .into_iter()
        .filter_map(|place| place.into_inner().ok().flatten())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_pieces() {
        assert_eq!(
            in_parallel(100, |at| at * at),
            (0..100).map(|at| at * at).collect::<Vec<_>>()
        );
        assert_eq!(in_parallel(0, |at| at), Vec::<usize>::new());
    }
}
