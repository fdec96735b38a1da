//! What holds for every list of figures, on lists that are drawn at random.

use proptest::collection::vec;
use proptest::prelude::*;
use vitrine_stats::{
    Bin, CharacterErrors, Histogram, Summary, accuracy, bootstrap_interval, calibration,
    median_interval, percentile, wilson_interval,
};

/// Figures as they are measured, with some that are equal.
fn figures(most: usize) -> impl Strategy<Value = Vec<f64>> {
    vec(prop_oneof![-1e6..1e6, Just(0.0), Just(7.5)], 1..most)
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let n = values.len() as f64;
    values.sum::<f64>() / n
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn wilson_holds_the_share_and_stays_within_0_to_1(
        n in 1..1_000_000_u64, part in 0.0..=1.0_f64,
    ) {
        let successes = (part * n as f64) as u64;
        let share = accuracy(successes, n).unwrap();
        let (low, high) = wilson_interval(successes, n);
        prop_assert!(0.0 <= low && low <= share && share <= high && high <= 1.0, "{low} to {high}");
        // Failures are as sure as successes.
        let (failed_low, failed_high) = wilson_interval(n - successes, n);
        prop_assert!((failed_low - (1.0 - high)).abs() < 1e-12);
        prop_assert!((failed_high - (1.0 - low)).abs() < 1e-12);
    }

    #[test]
    fn wilson_narrows_with_more_and_rises_with_success(
        n in 1..10_000_u64, successes in 0..10_000_u64, times in 2..50_u64,
    ) {
        let successes = successes % (n + 1);
        let (low, high) = wilson_interval(successes, n);
        let (more_low, more_high) = wilson_interval(times * successes, times * n);
        prop_assert!(more_high - more_low < high - low);
        if successes < n {
            let (next_low, next_high) = wilson_interval(successes + 1, n);
            prop_assert!(next_low > low && next_high >= high);
        }
    }

    #[test]
    fn percentiles_rise_and_lie_among_the_values(
        values in figures(60), a in 0.0..=100.0_f64, b in 0.0..=100.0_f64,
    ) {
        let at = |percent| percentile(&values, percent).unwrap();
        let (least, most) = (at(0.0), at(100.0));
        prop_assert!(values.contains(&least) && values.contains(&most));
        prop_assert!(values.iter().all(|value| (least..=most).contains(value)));
        prop_assert!(at(a.min(b)) <= at(a.max(b)));
        // Seen from the other end it is the same. Values are within a million.
        let turned: Vec<f64> = values.iter().map(|value| -value).collect();
        prop_assert!((percentile(&turned, 100.0 - a).unwrap() + at(a)).abs() < 1e-6);
        // At least as many values as the percentage says are at or below it.
        let below = values.iter().filter(|value| **value <= at(a) + 1e-6).count();
        prop_assert!(below as f64 >= a / 100.0 * (values.len() - 1) as f64);
    }

    #[test]
    fn the_order_of_measurements_does_not_matter(values in figures(60), by in 0..60_usize) {
        let mut moved = values.clone();
        moved.rotate_left(by % values.len());
        moved.reverse();
        let (met, other) = (Summary::of(&values).unwrap(), Summary::of(&moved).unwrap());
        prop_assert!((met.mean - other.mean).abs() < 1e-6);
        prop_assert_eq!(Summary { mean: 0.0, ..met }, Summary { mean: 0.0, ..other });
        prop_assert!(met.min <= met.p50 && met.p50 <= met.p95);
        prop_assert!(met.p95 <= met.p99 && met.p99 <= met.max);
        prop_assert!(met.min - 1e-6 <= met.mean && met.mean <= met.max + 1e-6);
        if let Some((low, high)) = median_interval(&values) {
            prop_assert!(low <= met.p50 && met.p50 <= high);
            prop_assert!(values.contains(&low) && values.contains(&high));
            prop_assert_eq!(median_interval(&moved), Some((low, high)));
        } else {
            prop_assert!(values.len() < 6);
        }
    }

    #[test]
    fn histograms_count_every_value_once_where_it_lies(
        values in figures(80), max_bins in 2..40_usize,
    ) {
        let met = Histogram::of(&values, max_bins).unwrap();
        prop_assert!(met.counts.len() <= max_bins);
        prop_assert_eq!(met.counts.iter().sum::<usize>(), values.len());
        let slack = met.width * 1e-6;
        for (at, count) in met.counts.iter().enumerate() {
            let (from, to) = (met.border(at) - slack, met.border(at + 1) + slack);
            let near = values.iter().filter(|value| (from..=to).contains(*value)).count();
            prop_assert!(near >= *count, "{at} of {met:?}");
        }
    }

    #[test]
    fn any_numbers_have_a_summary_or_none(values in vec(any::<f64>(), 0..30), percent in any::<f64>()) {
        let is_number = !values.is_empty() && values.iter().all(|value| !value.is_nan());
        prop_assert_eq!(percentile(&values, percent).is_some(), is_number && !percent.is_nan());
        prop_assert_eq!(Summary::of(&values).is_some(), is_number);
        let is_finite = is_number && values.iter().all(|value| value.is_finite());
        prop_assert!(is_finite || Histogram::of(&values, 10).is_none());
    }

    #[test]
    fn calibration_is_bounded_and_counts_every_statement(
        statements in vec((0.0..=1.0_f64, any::<bool>()), 1..80), n_bins in 1..20_usize,
    ) {
        let (stated, came_true): (Vec<f64>, Vec<bool>) = statements.iter().copied().unzip();
        let met = calibration(&stated, &came_true, n_bins).unwrap();
        prop_assert_eq!(met.bins.len(), n_bins);
        prop_assert_eq!(met.bins.iter().map(|bin| bin.n).sum::<u64>(), statements.len() as u64);
        prop_assert!((0.0..=1.0).contains(&met.error));
        for Bin { above, up_to, n, stated, observed } in &met.bins {
            prop_assert!(above < up_to && (0.0..=1.0).contains(observed));
            prop_assert!(*n == 0 || (above - 1e-9..=up_to + 1e-9).contains(stated));
        }
        // By the triangle inequality no binning sees less than one bin for all does, nor more than
        // statements taken one by one.
        let share = mean(came_true.iter().map(|came| f64::from(u8::from(*came))));
        let as_whole = (mean(stated.iter().copied()) - share).abs();
        let one_by_one = mean(
            statements.iter().map(|(stated, came)| (stated - f64::from(u8::from(*came))).abs()),
        );
        prop_assert!(as_whole - 1e-9 <= met.error && met.error <= one_by_one + 1e-9);
    }

    #[test]
    fn edits_are_a_distance(a in "[a-c ]{0,12}", b in "[a-c ]{0,12}", c in "[a-c ]{0,12}") {
        let edits = |from: &str, to: &str| CharacterErrors::between(from, to).edits;
        prop_assert_eq!(edits(&a, &a), 0);
        prop_assert_eq!(edits(&a, &b), edits(&b, &a));
        prop_assert!(edits(&a, &c) <= edits(&a, &b) + edits(&b, &c));
        let longest = a.chars().count().max(b.chars().count()) as u64;
        prop_assert!(edits(&a, &b) <= longest);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn bootstrap_stays_among_the_values_and_moves_with_them(
        values in figures(30), seed in any::<u64>(), shift in -1000.0..1000.0_f64,
    ) {
        let interval = |shift: f64| {
            let of_drawn = |drawn: &[usize]| mean(drawn.iter().map(|at| values[*at] + shift));
            bootstrap_interval(values.len(), 200, seed, of_drawn).unwrap()
        };
        let (low, high) = interval(0.0);
        let (least, most) = (percentile(&values, 0.0).unwrap(), percentile(&values, 100.0).unwrap());
        prop_assert!(least - 1e-6 <= low && low <= high && high <= most + 1e-6);
        let moved = interval(shift);
        prop_assert!((moved.0 - low - shift).abs() < 1e-6);
        prop_assert!((moved.1 - high - shift).abs() < 1e-6);
    }
}
