//! Time, handed in by whoever has a clock.

/// Milliseconds since some fixed moment.
///
/// `std::time::Instant` panics on wasm32-unknown-unknown, so the worker passes
/// `performance.now()` and the native command passes `Instant`.
pub type Clock = fn() -> f64;

/// Runs `work` and returns what it gives with the milliseconds it took.
pub fn timed<T>(clock: Clock, work: impl FnOnce() -> T) -> (T, f64) {
    let start = clock();
    let value = work();
    (value, clock() - start)
}
