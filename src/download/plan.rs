//! How far a download is and how fast it goes; pure, and told the time.

use std::collections::VecDeque;

use vitrine_protocol::Chunk;

use crate::state::Transfer;

/// Speed is that of the last seconds: the network's now, not its average since the beginning.
const WINDOW_MS: f64 = 3000.0;

/// Over less time than this, speed would be a guess.
const LEAST_MS: f64 = 300.0;

/// Time between two reports, so that people can read the figures and the page is not busy with them.
const REPORT_MS: f64 = 100.0;

/// Bytes of those pieces that are kept already.
pub(crate) fn kept_bytes(chunks: &[Chunk], is_kept: impl Fn(&Chunk) -> bool) -> u64 {
    let kept = chunks.iter().filter(|chunk| is_kept(chunk));
    kept.map(|chunk| chunk.bytes).sum()
}

/// Follows one download.
#[derive(Debug)]
pub(crate) struct Meter {
    received: u64,
    /// When how much was here, in milliseconds; the oldest first.
    readings: VecDeque<(f64, u64)>,
}

impl Meter {
    /// Begins at `now`, in milliseconds, with the bytes that are here already.
    pub(crate) fn new(now: f64, kept: u64) -> Meter {
        Meter {
            received: kept,
            readings: VecDeque::from([(now, kept)]),
        }
    }

    /// Takes in that more has come, or that what had come of a piece does not count (a negative
    /// number). Gives the progress when it is time to show it.
    pub(crate) fn add(&mut self, now: f64, bytes: i64) -> Option<Transfer> {
        self.received = self.received.saturating_add_signed(bytes);
        let is_due = |(last, _): &(f64, u64)| now - last >= REPORT_MS;
        if !self.readings.back().is_none_or(is_due) {
            return None;
        }
        self.readings.push_back((now, self.received));
        while self
            .readings
            .front()
            .is_some_and(|(at, _)| now - at > WINDOW_MS)
        {
            self.readings.pop_front();
        }
        Some(self.progress())
    }

    /// Where the download is.
    pub(crate) fn progress(&self) -> Transfer {
        let speed = match (self.readings.front(), self.readings.back()) {
            (Some((first, before)), Some((last, now))) if last - first >= LEAST_MS => {
                Some((now.saturating_sub(*before) as f64 / (last - first) * 1e3) as u64)
            }
            _ => None,
        };
        Transfer {
            received: self.received,
            speed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(name: &str, bytes: u64) -> Chunk {
        Chunk {
            bytes,
            sha256: name.to_owned(),
        }
    }

    #[test]
    fn only_pieces_that_are_kept_count_as_here() {
        let chunks = [chunk("a", 5), chunk("b", 5), chunk("c", 2)];
        assert_eq!(kept_bytes(&chunks, |_| false), 0);
        assert_eq!(kept_bytes(&chunks, |chunk| chunk.sha256 != "b"), 7);
    }

    #[test]
    fn speed_is_that_of_what_came_and_not_of_what_was_here() {
        let mut meter = Meter::new(0.0, 1_000_000);
        assert_eq!(meter.progress().speed, None);
        for tenth in 1..=10 {
            meter.add(f64::from(tenth) * 100.0, 50_000);
        }
        let progress = meter.progress();
        assert_eq!(progress.received, 1_500_000);
        assert_eq!(progress.speed, Some(500_000));
        assert_eq!(progress.seconds_left(4_000_000), Some(5));
    }

    #[test]
    fn speed_follows_the_network() {
        let mut meter = Meter::new(0.0, 0);
        for tenth in 1..=100 {
            let bytes = if tenth <= 50 { 100_000 } else { 10_000 };
            meter.add(f64::from(tenth) * 100.0, bytes);
        }
        assert_eq!(meter.progress().speed, Some(100_000));
    }

    #[test]
    fn progress_is_shown_now_and_then() {
        let mut meter = Meter::new(0.0, 0);
        assert_eq!(meter.add(20.0, 10), None);
        assert_eq!(
            meter.add(120.0, 10).map(|progress| progress.received),
            Some(20)
        );
        assert_eq!(meter.add(130.0, -20), None);
        assert_eq!(meter.progress().received, 0);
    }
}
