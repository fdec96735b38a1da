//! Some rows of a matrix as it lies in memory, times a panel of columns.
//!
//! Transformers keep their values token by token: the rows that a product reads lie as they are needed,
//! and only the other side, which is weights or a head's keys and values, is brought into panels. A
//! tile then reads nothing that was copied for it.

use crate::lanes::F32x4;

/// Sums of `R` rows and `4 · V` columns: columns 0–3 of row `r` in `tile[r][0]`, 4–7 in `tile[r][1]`.
pub(crate) type Tile<const R: usize, const V: usize> = [[F32x4; V]; R];

/// `tile[r][c] += Σ_k rows[r][k] · panel[k][c]` for `depth` steps.
///
/// Of x86-64's registers V8 gives 15: a tile with more than nine sums, or four steps at a time, is slower by
/// a quarter (`docs/decisions/0027-tiles.md`).
///
/// # Safety
/// Each of the rows must be readable for `depth` values, `panel` for `4 · V · depth`.
#[inline(always)]
pub(crate) unsafe fn multiply_add<const R: usize, const V: usize>(
    tile: &mut Tile<R, V>,
    depth: usize,
    mut rows: [*const f32; R],
    mut panel: *const f32,
) {
    // A local, not the borrowed tile: the compiler then keeps the sums in registers.
    let mut sums = *tile;
    for _ in 0..depth {
        let mut columns = [F32x4::splat(0.0); V];
        for (at, four) in columns.iter_mut().enumerate() {
            // SAFETY: the panel has `4 · V` values for each step.
            *four = unsafe { F32x4::load(panel.add(4 * at)) };
        }
        for (sums, row) in sums.iter_mut().zip(&mut rows) {
            // SAFETY: each row has a value for each step.
            let value = unsafe { F32x4::load_splat(*row) };
            for (sum, columns) in sums.iter_mut().zip(columns) {
                *sum = sum.madd(value, columns);
            }
            // SAFETY: one step further at most behind the last value.
            *row = unsafe { row.add(1) };
        }
        // SAFETY: as above.
        panel = unsafe { panel.add(4 * V) };
    }
    *tile = sums;
}

/// Pointers to `R` rows of a matrix with `stride` values from row to row, from row `first` on. Where there are
/// fewer, the last stands for those that are missing: what comes of it is not stored.
///
/// # Panics
/// Where a row of `length` values does not lie inside `matrix`, or `n_rows` is 0.
#[inline(always)]
pub(crate) fn some_rows<const R: usize>(
    matrix: &[f32],
    (first, n_rows): (usize, usize),
    stride: usize,
    length: usize,
) -> [*const f32; R] {
    std::array::from_fn(|row| {
        let row = first + row.min(n_rows - 1);
        matrix[row * stride..][..length].as_ptr()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gemm_f32_4x8::tests::noise;

    #[track_caller]
    fn check<const R: usize, const V: usize>(depth: usize, n_rows: usize) {
        let (stride, width) = (depth + 3, 4 * V);
        let matrix = noise((R + 1) * stride, 1);
        let panel = noise(depth * width, 2);
        let mut tile = [[F32x4::splat(0.5); V]; R];
        let rows = some_rows(&matrix, (1, n_rows), stride, depth);
        // SAFETY: the rows were checked to have `depth` values, the panel has as many steps.
        unsafe { multiply_add(&mut tile, depth, rows, panel.as_ptr()) };
        for row in 0..n_rows {
            for column in 0..width {
                let sum: f64 = (0..depth)
                    .map(|k| {
                        let value = matrix[(1 + row) * stride + k];
                        f64::from(value) * f64::from(panel[k * width + column])
                    })
                    .sum();
                let met = f64::from(tile[row][column / 4].to_array()[column % 4]);
                assert!((met - 0.5 - sum).abs() < 1e-5, "{met}, {sum}");
            }
        }
    }

    #[test]
    fn rows_as_they_lie_are_multiplied() {
        for depth in [0, 1, 3, 4, 7, 8, 33] {
            for n_rows in 1..=3 {
                check::<3, 3>(depth, n_rows);
                check::<4, 2>(depth, n_rows);
            }
        }
    }
}
