//! Attention of several heads, without storing scores: for four queries at a time they are computed,
//! weighed and summed up before the next four.

use std::cell::RefCell;

use tract_core::internal::{Datum as _, Tensor, TractResult};

use crate::functions::exp;
use crate::lanes::F32x4;
use crate::pool::{Shared, n_parts, part_of, share};
use crate::rows::{add_4x8, some_rows};

/// Queries of a tile.
const ROWS: usize = 4;
/// Keys of a tile, or numbers of a value: heads are 32 or 64 long, which eight divides.
const COLUMNS: usize = 8;
/// What the sums of a row begin with.
static ZEROS: [f32; COLUMNS] = [0.0; COLUMNS];

/// `softmax(scale · Q · Kᵀ + mask) · V` for each head (A. Vaswani et al., "Attention is all you need",
/// 2017).
///
/// Queries, keys, values and output lie token by token, `[tokens, heads · length]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attention {
    /// How many heads.
    pub heads: usize,
    /// Values of one head.
    pub length: usize,
    /// Factor of the products of queries and keys.
    pub scale: f32,
}

thread_local! {
    /// Panels of keys and values and the scores of four queries, which every head brings together anew.
    static SCRATCH: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

impl Attention {
    /// Values of a token.
    pub fn width(&self) -> usize {
        self.heads * self.length
    }

    /// As [`run`](Attention::run) on queries, keys and values, into a new tensor of this shape.
    ///
    /// # Errors
    /// When tract cannot make the tensor.
    ///
    /// # Panics
    /// Where lengths do not fit.
    pub fn attend(
        &self,
        sides: [&[f32]; 3],
        mask: Option<&[f32]>,
        shape: &[usize],
    ) -> TractResult<Tensor> {
        // SAFETY: every bit pattern is an f32, and `run` writes all of the output, whose length it
        // asserts, before anything reads from it.
        let mut tensor = unsafe { Tensor::uninitialized_dt(f32::datum_type(), shape)? };
        let mut view = tensor.try_as_plain_ram_mut()?;
        self.run(sides, mask, view.as_slice_mut::<f32>()?);
        Ok(tensor)
    }

    /// Runs on queries, keys and values of one text. What `mask` has for a query and a key, `[queries, keys]` or
    /// for all queries `[keys]`, is added to their score; a
    /// query without keys, or whose keys are all masked with minus infinity, gives zeros.
    ///
    /// # Panics
    /// Where lengths do not fit.
    pub fn run(
        &self,
        [queries, keys, values]: [&[f32]; 3],
        mask: Option<&[f32]>,
        output: &mut [f32],
    ) {
        let width = self.width();
        let (n_queries, n_keys) = (queries.len() / width, keys.len() / width);
        assert_eq!(queries.len(), n_queries * width, "whole queries");
        assert_eq!(keys.len(), n_keys * width, "whole keys");
        assert_eq!(values.len(), keys.len(), "a value per key");
        assert_eq!(output.len(), queries.len(), "an output per query");
        assert!(
            mask.is_none_or(|mask| [n_keys, n_queries * n_keys].contains(&mask.len())),
            "a mask for each key, or for each query and key"
        );
        if n_keys == 0 {
            return output.fill(0.0);
        }
        let output = Shared::new(output);
        let n_parts = n_parts(self.heads, 2 * queries.len() * n_keys);
        share(n_parts, &|part| {
            SCRATCH.with_borrow_mut(|scratch| {
                for head in part_of(self.heads, part, n_parts) {
                    let head = Head {
                        attention: self,
                        first: head * self.length,
                        n_keys,
                    };
                    // SAFETY: no other part has this head's columns of the output.
                    unsafe { head.run([queries, keys, values], mask, &output, scratch) };
                }
            });
        });
    }
}

/// One head at work.
struct Head<'a> {
    attention: &'a Attention,
    /// Where its values begin in a token.
    first: usize,
    n_keys: usize,
}

impl Head<'_> {
    /// # Safety
    /// Nothing else may read or write this head's columns of the output meanwhile.
    unsafe fn run(
        &self,
        [queries, keys, values]: [&[f32]; 3],
        mask: Option<&[f32]>,
        output: &Shared<'_>,
        scratch: &mut Vec<f32>,
    ) {
        let (length, width, n_keys) = (self.attention.length, self.attention.width(), self.n_keys);
        let n_queries = queries.len() / width;
        // Of keys eight per panel, of values eight of their numbers.
        let key_panels = n_keys.div_ceil(COLUMNS) * COLUMNS * length;
        let value_panels = length.div_ceil(COLUMNS) * COLUMNS * n_keys;
        let scores_length = n_keys.next_multiple_of(COLUMNS);
        scratch.clear();
        scratch.resize(key_panels + value_panels + ROWS * scores_length, 0.0);
        let (key_panels, rest) = scratch.split_at_mut(key_panels);
        let (value_panels, scores) = rest.split_at_mut(value_panels);
        self.pack_keys(keys, key_panels);
        self.pack_values(values, value_panels);
        for first in (0..n_queries).step_by(ROWS) {
            let n_rows = ROWS.min(n_queries - first);
            let rows = some_rows(&queries[self.first..], (first, n_rows), width, length);
            for (at, panel) in key_panels.chunks_exact(COLUMNS * length).enumerate() {
                let mut tile = [[0.0; COLUMNS]; ROWS];
                let places = tile.each_mut().map(|row| row.as_mut_ptr());
                // SAFETY: `some_rows` made sure of `length` values in each row; a panel has eight times as many, and
                // zeros and tile have eight.
                unsafe { add_4x8([ZEROS.as_ptr(); ROWS], places, length, rows, panel.as_ptr()) };
                for (scores, row) in scores.chunks_exact_mut(scores_length).zip(&tile) {
                    scores[at * COLUMNS..][..COLUMNS].copy_from_slice(row);
                }
            }
            let mut factors = [0.0; ROWS];
            for (row, scores) in scores.chunks_exact_mut(scores_length).enumerate() {
                if row < n_rows {
                    // One for each key is the same for all queries.
                    let mask = mask.map(|mask| match mask.len() == n_keys {
                        true => mask,
                        false => &mask[(first + row) * n_keys..][..n_keys],
                    });
                    factors[row] = weigh(&mut scores[..n_keys], self.attention.scale, mask);
                }
            }
            let rows = some_rows(scores, (0, n_rows), scores_length, n_keys);
            for (at, panel) in value_panels.chunks_exact(COLUMNS * n_keys).enumerate() {
                let mut tile = [[0.0; COLUMNS]; ROWS];
                let places = tile.each_mut().map(|row| row.as_mut_ptr());
                // SAFETY: as above, for `n_keys` values.
                unsafe { add_4x8([ZEROS.as_ptr(); ROWS], places, n_keys, rows, panel.as_ptr()) };
                let n = COLUMNS.min(length - at * COLUMNS);
                for (row, values) in tile.iter().enumerate().take(n_rows) {
                    let from = (first + row) * width + self.first + at * COLUMNS;
                    // SAFETY: the caller gives this head's columns to nobody else.
                    let place = unsafe { output.slice_mut(from, n) };
                    for (place, value) in place.iter_mut().zip(values) {
                        *place = value * factors[row];
                    }
                }
            }
        }
    }

    /// Keys as `[panels, length, 8]`; zeros where the last panel has fewer than eight.
    fn pack_keys(&self, keys: &[f32], panels: &mut [f32]) {
        let (length, width) = (self.attention.length, self.attention.width());
        let keys = keys
            .chunks_exact(width)
            .map(|key| &key[self.first..][..length]);
        for (at, key) in keys.enumerate() {
            let panel = &mut panels[at / COLUMNS * COLUMNS * length..][..COLUMNS * length];
            let places = panel.iter_mut().skip(at % COLUMNS).step_by(COLUMNS);
            for (place, value) in places.zip(key) {
                *place = *value;
            }
        }
    }

    /// Values as `[panels, keys, 8]`; zeros where the last panel has fewer than eight.
    fn pack_values(&self, values: &[f32], panels: &mut [f32]) {
        let (length, width) = (self.attention.length, self.attention.width());
        let values = values
            .chunks_exact(width)
            .map(|value| &value[self.first..][..length]);
        for (key, value) in values.enumerate() {
            for (at, eight) in value.chunks(COLUMNS).enumerate() {
                let from = (at * self.n_keys + key) * COLUMNS;
                panels[from..from + eight.len()].copy_from_slice(eight);
            }
        }
    }
}

/// Makes scores `e^(scale · score + mask - largest)`, and gives one divided by their sum; zeros where all scores
/// are minus infinity.
fn weigh(scores: &mut [f32], scale: f32, mask: Option<&[f32]>) -> f32 {
    let factor = F32x4::splat(scale);
    let (fours, rest) = scores.as_chunks_mut::<4>();
    let (mask_fours, mask_rest) = mask.map(<[f32]>::as_chunks::<4>).unwrap_or_default();
    let mut most = F32x4::splat(f32::NEG_INFINITY);
    match mask {
        None => {
            for four in fours.iter_mut() {
                let score = F32x4::from_array(*four).mul(factor);
                most = most.pmax(score);
                *four = score.to_array();
            }
        }
        Some(_) => {
            for (four, mask) in fours.iter_mut().zip(mask_fours) {
                let score = F32x4::from_array(*mask).madd(F32x4::from_array(*four), factor);
                most = most.pmax(score);
                *four = score.to_array();
            }
        }
    }
    let mut most = most
        .to_array()
        .into_iter()
        .fold(f32::NEG_INFINITY, f32::max);
    for (at, score) in rest.iter_mut().enumerate() {
        *score = *score * scale + mask_rest.get(at).copied().unwrap_or_default();
        most = most.max(*score);
    }
    if most == f32::NEG_INFINITY {
        scores.fill(0.0);
        return 0.0;
    }
    let most = F32x4::splat(most);
    let mut sum = F32x4::splat(0.0);
    for four in fours {
        let weight = exp(F32x4::from_array(*four).sub(most));
        sum = sum.add(weight);
        *four = weight.to_array();
    }
    let mut sum: f32 = sum.to_array().iter().sum();
    for score in rest {
        *score = exp(F32x4::splat(*score).sub(most)).to_array()[0];
        sum += *score;
    }
    sum.recip()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gemm_f32_4x8::tests::noise;

    /// The definition, in f64.
    fn expected(
        attention: &Attention,
        [queries, keys, values]: [&[f32]; 3],
        mask: Option<&[f32]>,
    ) -> Vec<f64> {
        let (width, length) = (attention.width(), attention.length);
        let n_keys = keys.len() / width;
        let mut output = vec![0.0; queries.len()];
        for query in 0..queries.len() / width {
            for head in 0..attention.heads {
                let at = |tokens: &[f32], token: usize, i: usize| {
                    f64::from(tokens[token * width + head * length + i])
                };
                let scores: Vec<f64> = (0..n_keys)
                    .map(|key| {
                        let product: f64 = (0..length)
                            .map(|i| at(queries, query, i) * at(keys, key, i))
                            .sum();
                        let mask = mask.map_or(0.0, |mask| {
                            f64::from(mask[(query * n_keys + key) % mask.len()])
                        });
                        product * f64::from(attention.scale) + mask
                    })
                    .collect();
                let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                if most == f64::NEG_INFINITY {
                    continue;
                }
                let weights: Vec<f64> = scores.iter().map(|score| (score - most).exp()).collect();
                let sum: f64 = weights.iter().sum();
                for i in 0..length {
                    let weighed = weights.iter().enumerate();
                    let total: f64 = weighed
                        .map(|(key, weight)| weight * at(values, key, i))
                        .sum();
                    output[query * width + head * length + i] = total / sum;
                }
            }
        }
        output
    }

    #[track_caller]
    fn check(attention: Attention, n_queries: usize, n_keys: usize, mask: Option<&[f32]>) {
        let width = attention.width();
        let tokens = [
            noise(n_queries * width, 1),
            noise(n_keys * width, 2),
            noise(n_keys * width, 3),
        ];
        let sides = tokens.each_ref().map(Vec::as_slice);
        let mut output = vec![f32::NAN; n_queries * width];
        attention.run(sides, mask, &mut output);
        let expected = expected(&attention, sides, mask);
        for (met, expected) in output.iter().zip(expected) {
            assert!(
                (f64::from(*met) - expected).abs() < 1e-5,
                "{attention:?}, {n_queries} × {n_keys}: {met}, {expected}"
            );
        }
    }

    #[test]
    fn heads_and_tokens_of_every_number() {
        for (heads, length) in [(1, 8), (3, 32), (2, 5), (12, 12)] {
            for (n_queries, n_keys) in [(2, 0), (1, 1), (4, 8), (5, 5), (7, 17), (32, 32)] {
                let attention = Attention {
                    heads,
                    length,
                    scale: 0.7,
                };
                check(attention, n_queries, n_keys, None);
                let mask = noise(n_queries * n_keys, 4);
                check(attention, n_queries, n_keys, Some(&mask));
                check(attention, n_queries, n_keys, Some(&mask[..n_keys]));
            }
        }
    }

    #[test]
    fn what_is_masked_does_not_count() {
        let attention = Attention {
            heads: 2,
            length: 8,
            scale: 1.0,
        };
        let (n_queries, n_keys) = (5, 9);
        let mut mask = vec![0.0; n_queries * n_keys];
        for (at, mask) in mask.iter_mut().enumerate() {
            // The first query sees nothing, the others every second key.
            if at < n_keys || at % 2 == 0 {
                *mask = f32::NEG_INFINITY;
            }
        }
        check(attention, n_queries, n_keys, Some(&mask));
        mask.fill(f32::MIN);
        check(attention, n_queries, n_keys, Some(&mask));
    }
}
