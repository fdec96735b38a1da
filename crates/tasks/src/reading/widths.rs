//! Which widths lines are padded to, so that few plans are made and little is computed for nothing.

/// What a plan for a new width costs, in columns that could be read in the same time: 0.36 s
/// against 0.11 ms per column (PP-OCRv4 recognition, measured natively; both are about half again
/// as long in a browser).
const PLAN_COLUMNS: u64 = 3200;

/// For each line the width it is padded to, at least its own, such that reading all of them costs
/// least. `known` are widths that there are plans for.
pub fn shared_widths(widths: &[u32], known: &[u32]) -> Vec<u32> {
    let mut candidates: Vec<u32> = widths.iter().chain(known).copied().collect();
    candidates.sort_unstable();
    candidates.dedup();
    let n_at_most = |width: u32| widths.iter().filter(|own| **own <= width).count() as u64;
    let plan = |width: &u32| {
        if known.contains(width) {
            0
        } else {
            PLAN_COLUMNS
        }
    };
    // For each candidate the least cost of all lines up to its width if it is used, and the next
    // narrower candidate that is used then.
    let mut best: Vec<(u64, Option<usize>)> = Vec::with_capacity(candidates.len());
    for (at, width) in candidates.iter().enumerate() {
        let alone = (n_at_most(*width) * u64::from(*width) + plan(width), None);
        let after = |narrower: usize| {
            let n_wider = n_at_most(*width) - n_at_most(candidates[narrower]);
            let cost = best[narrower].0 + n_wider * u64::from(*width) + plan(width);
            (cost, Some(narrower))
        };
        let choices = (0..at).map(after).chain([alone]);
        best.push(choices.min_by_key(|(cost, _)| *cost).unwrap_or(alone));
    }
    let widest = widths.iter().max().copied().unwrap_or_default();
    let covers = candidates.partition_point(|width| *width < widest);
    let mut used = Vec::new();
    let mut next = (covers..candidates.len()).min_by_key(|at| best[*at].0);
    while let Some(at) = next {
        used.push(candidates[at]);
        next = best[at].1;
    }
    let padded = |own: &u32| used.iter().rev().find(|width| *width >= own).copied();
    widths
        .iter()
        .map(|own| padded(own).unwrap_or(*own))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(widths: &[u32], known: &[u32], expected: &[u32]) {
        assert_eq!(shared_widths(widths, known), expected);
    }

    #[test]
    fn few_lines_share_one_plan() {
        check(&[640, 320, 576], &[], &[640, 640, 640]);
        check(&[], &[640], &[]);
    }

    #[test]
    fn many_narrow_lines_get_their_own() {
        let mut widths = vec![320; 12];
        widths.push(1280);
        let mut expected = vec![320; 12];
        expected.push(1280);
        check(&widths, &[], &expected);
    }

    #[test]
    fn a_plan_that_is_there_is_used() {
        check(&[320, 576], &[640], &[640, 640]);
        check(&[320, 700], &[320, 640], &[320, 700]);
        check(&[320, 320], &[2048, 640], &[640, 640]);
    }
}
