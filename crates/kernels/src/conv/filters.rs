//! Weights of a full convolution, in the order that tiles read them.

use std::ops::Range;

use super::tile::ROWS;

/// Filters of a convolution with their bias, packed by four.
#[derive(Clone, Debug, PartialEq)]
pub struct Filters {
    /// Panels of four filters; in a panel the four weights of one depth lie side by side.
    packed: Vec<f32>,
    /// One per filter, and zeros up to a whole panel.
    bias: Vec<f32>,
    /// How many filters.
    rows: usize,
    /// Weights per filter.
    depth: usize,
}

impl Filters {
    /// Packs `weights`, `[rows, depth]`, and `bias`, `[rows]`.
    ///
    /// `None` where the lengths do not fit each other.
    pub fn pack(weights: &[f32], bias: &[f32], depth: usize) -> Option<Filters> {
        let rows = bias.len();
        if rows.checked_mul(depth) != Some(weights.len()) || weights.is_empty() {
            return None;
        }
        let n_panels = rows.div_ceil(ROWS);
        let mut packed = vec![0.0; n_panels * ROWS * depth];
        for (row, filter) in weights.chunks_exact(depth).enumerate() {
            let panel = &mut packed[row / ROWS * ROWS * depth..][..ROWS * depth];
            for (four, weight) in panel.chunks_exact_mut(ROWS).zip(filter) {
                four[row % ROWS] = *weight;
            }
        }
        let mut padded_bias = bias.to_vec();
        padded_bias.resize(n_panels * ROWS, 0.0);
        Some(Filters {
            packed,
            bias: padded_bias,
            rows,
            depth,
        })
    }

    /// How many filters: channels of the output.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Weights per filter: channels of the input times values of a window.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// How many panels of four there are.
    pub(super) fn n_panels(&self) -> usize {
        self.bias.len() / ROWS
    }

    /// Some of the panels.
    pub(super) fn panels(&self, which: Range<usize>) -> impl Iterator<Item = Panel<'_>> {
        let (first, length) = (which.start, ROWS * self.depth);
        let panels = self.packed[which.start * length..which.end * length].chunks_exact(length);
        let biases = self.bias[which.start * ROWS..which.end * ROWS].chunks_exact(ROWS);
        (panels.zip(biases).enumerate()).map(move |(at, (weights, bias))| Panel {
            first: (first + at) * ROWS,
            n: ROWS.min(self.rows - (first + at) * ROWS),
            weights,
            bias,
        })
    }
}

/// Four filters.
pub(super) struct Panel<'a> {
    /// Index of the first.
    pub(super) first: usize,
    /// How many of the four there are; the others have weights of zero.
    pub(super) n: usize,
    pub(super) weights: &'a [f32],
    pub(super) bias: &'a [f32],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_filters_lie_side_by_side() {
        let weights: Vec<f32> = (1..=10).map(|weight| weight as f32).collect();
        let filters = Filters::pack(&weights, &[0.1, 0.2, 0.3, 0.4, 0.5], 2).unwrap();
        let panels: Vec<_> = filters.panels(0..filters.n_panels()).collect();
        assert_eq!(panels[0].weights, [1., 3., 5., 7., 2., 4., 6., 8.]);
        assert_eq!(panels[1].weights, [9., 0., 0., 0., 10., 0., 0., 0.]);
        assert_eq!((panels[1].first, panels[1].n), (4, 1));
        assert_eq!(panels[1].bias, [0.5, 0.0, 0.0, 0.0]);
        let second: Vec<_> = filters.panels(1..2).collect();
        assert_eq!((second[0].first, second.len()), (4, 1));
    }

    #[test]
    fn lengths_that_do_not_fit_are_refused() {
        assert!(Filters::pack(&[1.0; 7], &[0.0; 2], 4).is_none());
        assert!(Filters::pack(&[], &[], 4).is_none());
    }
}
