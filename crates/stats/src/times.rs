//! Lists of measurements: percentiles and what a list comes to.

/// The `percent`-th percentile of values in any order, with `percent` from 0 to 100.
///
/// It lies `percent / 100 · (n - 1)` steps from the smallest value, by linear interpolation
/// between neighbours: definition 7 of R. J. Hyndman and Y. Fan, "Sample quantiles in statistical
/// packages", 1996, which is NumPy's default. Beyond 0 and 100 it stays at the ends. `None` for no
/// values, or when any number is NaN.
pub fn percentile(values: &[f64], percent: f64) -> Option<f64> {
    if percent.is_nan() {
        return None;
    }
    of_sorted(&sorted(values)?, percent)
}

/// The values in rising order; `None` when one is NaN.
fn sorted(values: &[f64]) -> Option<Vec<f64>> {
    if values.iter().any(|value| value.is_nan()) {
        return None;
    }
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    Some(sorted)
}

fn of_sorted(sorted: &[f64], percent: f64) -> Option<f64> {
    let last_idx = sorted.len().checked_sub(1)?;
    let position = percent.clamp(0.0, 100.0) / 100.0 * last_idx as f64;
    let below = *sorted.get(position.floor() as usize)?;
    let above = *sorted.get(position.ceil() as usize)?;
    if below == above {
        // Also keeps the difference of equal infinities out.
        return Some(below);
    }
    Some(below + (above - below) * position.fract())
}

/// What a list of measurements comes to, in their own unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// Number of measurements.
    pub n: usize,
    /// Smallest.
    pub min: f64,
    /// Median; see [`percentile`] for how percentiles are defined.
    pub p50: f64,
    /// 95th percentile.
    pub p95: f64,
    /// 99th percentile.
    pub p99: f64,
    /// Largest.
    pub max: f64,
    /// Arithmetic mean.
    pub mean: f64,
}

impl Summary {
    /// Summarises values in any order; `None` for no values, or when one is NaN.
    pub fn of(values: &[f64]) -> Option<Summary> {
        let sorted = sorted(values)?;
        Some(Summary {
            n: sorted.len(),
            min: *sorted.first()?,
            p50: of_sorted(&sorted, 50.0)?,
            p95: of_sorted(&sorted, 95.0)?,
            p99: of_sorted(&sorted, 99.0)?,
            max: *sorted.last()?,
            mean: sorted.iter().sum::<f64>() / sorted.len() as f64,
        })
    }
}

/// The 95 % interval of the median that values in any order were drawn around: two of the values.
///
/// It is the pair of order statistics, equally far from both ends, that holds the median in at least
/// 95 % of samples whatever the distribution is, by the binomial distribution: H. A. David and H. N.
/// Nagaraja, "Order Statistics", 2003, section 7.1. `None` for fewer than 6 values, where no pair
/// promises that much, or when one is NaN. Values are taken as independent of each other.
pub fn median_interval(values: &[f64]) -> Option<(f64, f64)> {
    let sorted = sorted(values)?;
    let n = sorted.len();
    // Grows to the most values that may be left out on each side: P(below <= left_out) <= 2.5 %.
    let mut left_out = None;
    let mut log_share = n as f64 * 0.5_f64.ln();
    let mut below = 0.0;
    for k in 0..n {
        below += log_share.exp();
        if below > 0.025 {
            break;
        }
        left_out = Some(k);
        log_share += ((n - k) as f64 / (k + 1) as f64).ln();
    }
    let low = left_out?;
    Some((*sorted.get(low)?, *sorted.get(n - 1 - low)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMES: [f64; 7] = [12.5, 3.0, 7.25, 100.0, 8.0, 8.0, 41.0];

    #[track_caller]
    fn assert_close(met: f64, expected: f64) {
        assert!((met - expected).abs() < 1e-9, "{met} instead of {expected}");
    }

    #[track_caller]
    fn check_percentile(percent: f64, expected: f64) {
        assert_close(percentile(&TIMES, percent).unwrap(), expected);
    }

    #[test]
    fn percentiles_are_those_of_numpy() {
        // numpy.percentile(TIMES, percent)
        check_percentile(0.0, 3.0);
        check_percentile(25.0, 7.625);
        check_percentile(50.0, 8.0);
        check_percentile(90.0, 64.6);
        check_percentile(95.0, 82.3);
        check_percentile(99.0, 96.46);
        check_percentile(100.0, 100.0);
    }

    #[test]
    fn percentiles_beyond_the_ends_stay_there() {
        check_percentile(-5.0, 3.0);
        check_percentile(250.0, 100.0);
    }

    #[test]
    fn one_value_is_every_percentile() {
        assert_eq!(percentile(&[4.0], 99.0), Some(4.0));
        assert_eq!(percentile(&[f64::INFINITY; 2], 50.0), Some(f64::INFINITY));
    }

    #[test]
    fn there_is_no_percentile_of_nothing_or_of_nan() {
        assert_eq!(percentile(&[], 50.0), None);
        assert_eq!(percentile(&[1.0, f64::NAN], 50.0), None);
        assert_eq!(percentile(&TIMES, f64::NAN), None);
    }

    #[test]
    fn a_summary_is_that_of_numpy() {
        let rising: Vec<f64> = (1..=100).map(f64::from).collect();
        let falling: Vec<f64> = rising.iter().rev().copied().collect();
        for values in [rising, falling] {
            let summary = Summary::of(&values).unwrap();
            assert_eq!((summary.n, summary.min, summary.max), (100, 1.0, 100.0));
            // numpy.percentile(numpy.arange(1, 101), [50, 95, 99]) and its mean
            assert_close(summary.p50, 50.5);
            assert_close(summary.p95, 95.05);
            assert_close(summary.p99, 99.01);
            assert_close(summary.mean, 50.5);
        }
    }

    #[test]
    fn there_is_no_summary_of_nothing_or_of_nan() {
        assert_eq!(Summary::of(&[]), None);
        assert_eq!(Summary::of(&[f64::NAN]), None);
    }

    #[track_caller]
    fn check_median_interval(n: u32, expected: Option<(f64, f64)>) {
        let falling: Vec<f64> = (1..=n).rev().map(f64::from).collect();
        assert_eq!(median_interval(&falling), expected);
    }

    #[test]
    fn intervals_of_the_median_are_those_of_the_binomial_distribution() {
        // Ranks by scipy.stats.binom.ppf(0.025, n, 0.5) and n + 1 less that.
        check_median_interval(5, None);
        check_median_interval(6, Some((1.0, 6.0)));
        check_median_interval(20, Some((6.0, 15.0)));
        check_median_interval(50, Some((18.0, 33.0)));
        check_median_interval(200, Some((86.0, 115.0)));
        check_median_interval(5000, Some((2431.0, 2570.0)));
    }

    #[test]
    fn there_is_no_interval_of_nan() {
        assert_eq!(median_interval(&[f64::NAN; 10]), None);
    }
}
