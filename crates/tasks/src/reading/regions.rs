//! Connected regions of a mask, each as the points that span it.

use vitrine_protocol::Point;

/// A run of set pixels in one row.
struct Run {
    row: usize,
    first: usize,
    last: usize,
}

/// Regions of set pixels that touch at sides or corners, in the order of their first pixel, at
/// most `limit` of them. Each is given by the first and last pixel of its runs, which span the
/// same convex hull as all its pixels; pixels are points at whole coordinates.
///
/// `mask` has `width` values per row, true where set.
pub(super) fn regions(mask: &[bool], width: usize, limit: usize) -> Vec<Vec<Point>> {
    let runs = runs(mask, width);
    let roots = connect(&runs);
    let mut region_of_root = vec![usize::MAX; runs.len()];
    let mut regions: Vec<Vec<Point>> = Vec::new();
    for (run, root) in runs.iter().zip(roots) {
        if region_of_root[root] == usize::MAX {
            region_of_root[root] = regions.len();
            regions.push(Vec::new());
        }
        let y = run.row as f32;
        regions[region_of_root[root]].extend([
            Point {
                x: run.first as f32,
                y,
            },
            Point {
                x: run.last as f32,
                y,
            },
        ]);
    }
    regions.truncate(limit);
    regions
}

fn runs(mask: &[bool], width: usize) -> Vec<Run> {
    let mut runs = Vec::new();
    for (row, pixels) in mask.chunks_exact(width.max(1)).enumerate() {
        let mut x = 0;
        while x < width {
            if !pixels[x] {
                x += 1;
                continue;
            }
            let first = x;
            while x < width && pixels[x] {
                x += 1;
            }
            runs.push(Run {
                row,
                first,
                last: x - 1,
            });
        }
    }
    runs
}

/// For each run the first run of its region, by union-find over neighbouring rows.
fn connect(runs: &[Run]) -> Vec<usize> {
    let mut parents: Vec<usize> = (0..runs.len()).collect();
    // Runs of the row above that may still touch runs to come.
    let mut above = 0;
    for (at, run) in runs.iter().enumerate() {
        while above < at
            && (runs[above].row + 1 < run.row
                || (runs[above].row + 1 == run.row && runs[above].last + 1 < run.first))
        {
            above += 1;
        }
        let mut other = above;
        while other < at && runs[other].row + 1 == run.row && runs[other].first <= run.last + 1 {
            let (a, b) = (root(&mut parents, other), root(&mut parents, at));
            parents[a.max(b)] = a.min(b);
            other += 1;
        }
    }
    (0..runs.len()).map(|at| root(&mut parents, at)).collect()
}

fn root(parents: &mut [usize], mut at: usize) -> usize {
    while parents[at] != at {
        parents[at] = parents[parents[at]];
        at = parents[at];
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(rows: &[&str], limit: usize, expected: &[&[(f32, f32)]]) {
        let width = rows[0].len();
        let mask: Vec<bool> = rows.concat().bytes().map(|byte| byte == b'#').collect();
        let met: Vec<Vec<(f32, f32)>> = regions(&mask, width, limit)
            .iter()
            .map(|points| points.iter().map(|point| (point.x, point.y)).collect())
            .collect();
        assert_eq!(met, expected);
    }

    #[test]
    fn corners_connect() {
        check(
            &["#..", ".#.", "..#"],
            9,
            &[&[
                (0.0, 0.0),
                (0.0, 0.0),
                (1.0, 1.0),
                (1.0, 1.0),
                (2.0, 2.0),
                (2.0, 2.0),
            ]],
        );
    }

    #[test]
    fn arms_that_meet_below_are_one_region() {
        check(
            &["#.#", "###"],
            9,
            &[&[
                (0.0, 0.0),
                (0.0, 0.0),
                (2.0, 0.0),
                (2.0, 0.0),
                (0.0, 1.0),
                (2.0, 1.0),
            ]],
        );
    }

    #[test]
    fn apart_is_apart_and_the_limit_holds() {
        let rows = ["#..##", ".....", "..#.."];
        check(
            &rows,
            9,
            &[
                &[(0.0, 0.0), (0.0, 0.0)],
                &[(3.0, 0.0), (4.0, 0.0)],
                &[(2.0, 2.0), (2.0, 2.0)],
            ],
        );
        check(&rows, 1, &[&[(0.0, 0.0), (0.0, 0.0)]]);
    }

    #[test]
    fn nothing_set_is_no_region() {
        check(&["...", "..."], 9, &[]);
        assert!(regions(&[], 0, 9).is_empty());
    }
}
