//! How often values fall where.

/// Counts of values in bins of equal width.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    /// Where the first bin begins; a multiple of `width`.
    pub start: f64,
    /// Width of every bin: 1, 2 or 5 times a power of ten.
    pub width: f64,
    /// Number of values in each bin; the first and the last hold at least one. A value on the border
    /// of two bins counts in the upper one.
    pub counts: Vec<usize>,
}

impl Histogram {
    /// Sorts finite values into at most `max_bins` bins with round borders; `None` for no values,
    /// for one that is not finite, or for fewer than two bins.
    pub fn of(values: &[f64], max_bins: usize) -> Option<Histogram> {
        if values.is_empty() || max_bins < 2 || !values.iter().all(|value| value.is_finite()) {
            return None;
        }
        let min = values.iter().copied().fold(f64::INFINITY, f64::min);
        let max = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        // Equal values get a bin that suits their size.
        let span = match max - min {
            0.0 => min.abs().max(1.0),
            span => span,
        };
        let mut width = round_step(span / max_bins as f64);
        let index = |value: f64, width: f64| (value / width).floor();
        // Borders are multiples of the width, so a bin more than the division says may be needed.
        while index(max, width) - index(min, width) >= max_bins as f64 {
            width = round_step(width * 1.5);
        }
        let first = index(min, width);
        let n_bins = (index(max, width) - first) as usize + 1;
        let mut counts = vec![0; n_bins];
        for value in values {
            counts[(index(*value, width) - first) as usize] += 1;
        }
        Some(Histogram {
            start: first * width,
            width,
            counts,
        })
    }

    /// Where the bin at `at` begins; with the number of bins, where the last one ends.
    pub fn border(&self, at: usize) -> f64 {
        self.start + self.width * at as f64
    }
}

/// The least of 1, 2 and 5 times a power of ten that is not below `step`.
fn round_step(step: f64) -> f64 {
    let power = 10_f64.powi(step.log10().floor() as i32);
    // A hair of room: rounding must not push a round step to the next one.
    let factor = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .find(|factor| factor * power >= step * (1.0 - 1e-9));
    factor.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(values: &[f64], max_bins: usize, start: f64, width: f64, counts: &[usize]) {
        let met = Histogram::of(values, max_bins).unwrap();
        assert!((met.start - start).abs() < 1e-9, "{met:?}");
        assert!((met.width - width).abs() < 1e-9, "{met:?}");
        assert_eq!(met.counts, counts, "{met:?}");
    }

    #[test]
    fn bins_have_round_borders() {
        check(&[0.0, 1.0, 9.9, 10.0], 10, 0.0, 2.0, &[2, 0, 0, 0, 1, 1]);
        check(&[61.2, 63.9, 62.0, 79.5], 5, 60.0, 5.0, &[3, 0, 0, 1]);
        check(&[0.013, 0.017, 0.021], 4, 0.01, 0.005, &[1, 1, 1]);
    }

    #[test]
    fn equal_values_are_in_one_bin() {
        check(&[4.0; 3], 10, 4.0, 0.5, &[3]);
        check(&[0.0], 10, 0.0, 0.1, &[1]);
    }

    #[test]
    fn there_are_never_more_bins_than_asked_for_and_no_value_is_lost() {
        for n in 1..200_u32 {
            let values: Vec<f64> = (0..n)
                .map(|at| (f64::from(at) * 0.731).sin() * 9.7)
                .collect();
            for max_bins in 2..30 {
                let met = Histogram::of(&values, max_bins).unwrap();
                assert!(met.counts.len() <= max_bins, "{met:?}");
                assert_eq!(met.counts.iter().sum::<usize>(), values.len());
                assert!(met.counts[0] > 0 && met.counts.last().is_some_and(|last| *last > 0));
            }
        }
    }

    #[test]
    fn there_is_no_histogram_of_nothing_or_of_nan() {
        assert_eq!(Histogram::of(&[], 10), None);
        assert_eq!(Histogram::of(&[f64::NAN], 10), None);
        assert_eq!(Histogram::of(&[f64::INFINITY], 10), None);
        assert_eq!(Histogram::of(&[1.0], 1), None);
    }
}
