//! Whether probabilities mean what they say.

/// Statements whose probabilities lie close together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bin {
    /// Probabilities in this bin are above this one; the first bin also holds 0.
    pub above: f64,
    /// And at most this one.
    pub up_to: f64,
    /// Number of statements in it.
    pub n: u64,
    /// Their mean probability; 0 in an empty bin.
    pub stated: f64,
    /// The share of them that came true; 0 in an empty bin.
    pub observed: f64,
}

/// How far probabilities are from what happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Calibration {
    /// Bins of equal width from 0 to 1.
    pub bins: Vec<Bin>,
    /// Expected calibration error: the mean of |stated − observed| over the bins, weighted by the
    /// number of statements in each; 0 is perfect.
    pub error: f64,
}

/// Compares stated probabilities with what came true, in `n_bins` bins of equal width.
///
/// For a model that names one class, a statement is an item's best class with its probability. For
/// one that decides on every class by itself, each class of each item is a statement.
///
/// `None` for no statements or bins, lists of different lengths, or a probability outside 0 to 1.
///
/// M. P. Naeini, G. Cooper and M. Hauskrecht, "Obtaining well calibrated probabilities using
/// Bayesian binning", 2015. A probability on a border belongs to the bin below, as in
/// scikit-learn.
pub fn calibration(
    probabilities: &[f64],
    came_true: &[bool],
    n_bins: usize,
) -> Option<Calibration> {
    let are_probabilities = probabilities.iter().all(|p| (0.0..=1.0).contains(p));
    if n_bins == 0
        || probabilities.is_empty()
        || probabilities.len() != came_true.len()
        || !are_probabilities
    {
        return None;
    }
    let border = |at: usize| at as f64 / n_bins as f64;
    let upper_borders: Vec<f64> = (1..n_bins).map(border).collect();
    let mut bins: Vec<Bin> = (0..n_bins)
        .map(|at| Bin {
            above: border(at),
            up_to: border(at + 1),
            n: 0,
            stated: 0.0,
            observed: 0.0,
        })
        .collect();
    for (probability, came_true) in probabilities.iter().zip(came_true) {
        let at = upper_borders.partition_point(|border| border < probability);
        bins[at].n += 1;
        bins[at].stated += probability;
        bins[at].observed += f64::from(u8::from(*came_true));
    }
    let mut error = 0.0;
    for bin in bins.iter_mut().filter(|bin| bin.n > 0) {
        error += (bin.stated - bin.observed).abs();
        bin.stated /= bin.n as f64;
        bin.observed /= bin.n as f64;
    }
    Some(Calibration {
        bins,
        error: error / probabilities.len() as f64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROBABILITIES: [f64; 12] = [
        0.05, 0.2, 0.2, 0.25, 0.4, 0.55, 0.62, 0.8, 0.81, 0.95, 0.99, 1.0,
    ];
    const CAME_TRUE: [bool; 12] = [
        false, false, true, false, true, false, true, true, false, true, true, true,
    ];

    /// `filled` are number, stated and observed probability of the bins that are not empty, as
    /// `tests/fixtures/statistics.py` prints them from scikit-learn's `calibration_curve`.
    #[track_caller]
    fn check(n_bins: usize, filled: &[(u64, f64, f64)], error: f64) {
        let met = calibration(&PROBABILITIES, &CAME_TRUE, n_bins).unwrap();
        assert_eq!(met.bins.len(), n_bins);
        assert!((met.error - error).abs() < 1e-12, "{}", met.error);
        let met: Vec<&Bin> = met.bins.iter().filter(|bin| bin.n > 0).collect();
        assert_eq!(met.len(), filled.len());
        for (bin, (n, stated, observed)) in met.into_iter().zip(filled) {
            assert_eq!(bin.n, *n, "{bin:?}");
            assert!((bin.stated - stated).abs() < 1e-12, "{bin:?}");
            assert!((bin.observed - observed).abs() < 1e-12, "{bin:?}");
        }
    }

    #[test]
    fn bins_are_those_of_scikit_learn() {
        check(
            5,
            &[
                (3, 0.15, 1.0 / 3.0),
                (2, 0.325, 0.5),
                (1, 0.55, 0.0),
                (2, 0.71, 1.0),
                (4, 0.9375, 0.75),
            ],
            0.231_666_666_666_666_7,
        );
        check(
            10,
            &[
                (1, 0.05, 0.0),
                (2, 0.2, 0.5),
                (1, 0.25, 0.0),
                (1, 0.4, 1.0),
                (1, 0.55, 0.0),
                (1, 0.62, 1.0),
                (1, 0.8, 1.0),
                (1, 0.81, 0.0),
                (3, 0.98, 1.0),
            ],
            0.291_666_666_666_666_7,
        );
    }

    #[test]
    fn what_is_no_list_of_probabilities_has_no_calibration() {
        assert_eq!(calibration(&[], &[], 5), None);
        assert_eq!(calibration(&[0.5], &[true, false], 5), None);
        assert_eq!(calibration(&[0.5], &[true], 0), None);
        assert_eq!(calibration(&[1.5], &[true], 5), None);
        assert_eq!(calibration(&[f64::NAN], &[true], 5), None);
    }

    #[test]
    fn certainty_that_comes_true_is_perfect() {
        let met = calibration(&[0.0, 1.0], &[false, true], 10).unwrap();
        assert_eq!(met.error, 0.0);
        assert_eq!((met.bins[0].n, met.bins[9].n), (1, 1));
    }
}
