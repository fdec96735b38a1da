//! Shares: how many of how many, and how sure that is.

/// Where the standard normal distribution has 2.5 % above: `scipy.stats.norm.ppf(0.975)`.
const Z_95: f64 = 1.959_963_984_540_054;

/// The share of `successes` among `n`, 0 to 1; `None` when `n` is 0.
pub fn accuracy(successes: u64, n: u64) -> Option<f64> {
    (n > 0).then(|| successes.min(n) as f64 / n as f64)
}

/// Wilson's 95 % score interval of a share: its lower and upper bound, within 0 to 1.
///
/// `n` of 0 says nothing and gives (0, 1). More successes than `n` count as `n`.
///
/// E. B. Wilson, "Probable inference, the law of succession, and statistical inference", 1927. It
/// keeps its promise for small `n` and for shares near 0 and 1, where the usual `p ± 1.96 σ` is
/// far too narrow.
pub fn wilson_interval(successes: u64, n: u64) -> (f64, f64) {
    let Some(share) = accuracy(successes, n) else {
        return (0.0, 1.0);
    };
    let n = n as f64;
    let z_squared = Z_95 * Z_95;
    let scale = 1.0 + z_squared / n;
    let center = (share + z_squared / (2.0 * n)) / scale;
    let variance = share * (1.0 - share) / n + z_squared / (4.0 * n * n);
    let half = Z_95 * variance.sqrt() / scale;
    // Rounding may leave the bounds of 0 and of n a hair outside.
    let low = if successes == 0 { 0.0 } else { center - half };
    let high = if share == 1.0 { 1.0 } else { center + half };
    (low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_interval(successes: u64, n: u64, expected: (f64, f64)) {
        let met = wilson_interval(successes, n);
        let difference = (met.0 - expected.0).abs().max((met.1 - expected.1).abs());
        assert!(difference < 1e-12, "{met:?} instead of {expected:?}");
    }

    #[test]
    fn intervals_are_those_of_statsmodels() {
        // statsmodels.stats.proportion.proportion_confint(successes, n, 0.05, method="wilson")
        check_interval(446, 500, (0.861_745_326_715_193_4, 0.916_277_190_362_949_7));
        check_interval(486, 500, (0.953_553_597_325_051_1, 0.983_249_025_279_243_6));
        check_interval(5, 10, (0.236_593_090_512_563_94, 0.763_406_909_487_436_1));
        check_interval(
            75_100,
            100_000,
            (0.748_310_189_171_891_2, 0.753_670_527_445_592_3),
        );
    }

    #[test]
    fn none_and_all_right_keep_one_bound_and_do_not_claim_certainty() {
        // The same call as above.
        check_interval(0, 10, (0.0, 0.277_532_799_862_889_26));
        check_interval(10, 10, (0.722_467_200_137_110_6, 1.0));
        check_interval(1, 1, (0.206_549_314_377_237_4, 1.0));
    }

    #[test]
    fn nothing_measured_says_nothing() {
        check_interval(0, 0, (0.0, 1.0));
        assert_eq!(accuracy(0, 0), None);
    }

    #[test]
    fn more_successes_than_trials_count_as_all() {
        assert_eq!(wilson_interval(11, 10), wilson_interval(10, 10));
        assert_eq!(accuracy(11, 10), Some(1.0));
    }

    #[test]
    fn accuracy_is_a_share() {
        assert_eq!(accuracy(446, 500), Some(0.892));
    }
}
