//! Four rows of a matrix as it lies in memory, times a panel of eight columns.
//!
//! Transformers keep their values token by token: the rows that a product reads lie as they are needed,
//! and only the other side, which is weights or a head's keys and values, is brought into panels. A
//! tile then reads nothing that was copied for it.

use crate::lanes::F32x4;

/// Rows of a tile.
pub(crate) const ROWS: usize = 4;
/// Columns of a tile, and values of one step of a panel.
pub(crate) const COLUMNS: usize = 8;

/// Sums of four rows and eight columns: columns 0–3 of row `r` in `tile[r][0]`, 4–7 in `tile[r][1]`.
pub(crate) type Tile = [[F32x4; 2]; ROWS];

/// `tile[r][c] += Σ_k rows[r][k] · panel[k][c]` for `depth` steps.
///
/// # Safety
/// Each of the rows must be readable for `depth` values, `panel` for `8 · depth`.
#[inline(always)]
pub(crate) unsafe fn multiply_add(
    tile: &mut Tile,
    depth: usize,
    rows: [*const f32; ROWS],
    panel: *const f32,
) {
    // Locals, not the borrowed tile: the compiler then keeps the eight accumulators in registers.
    let [
        [mut t00, mut t01],
        [mut t10, mut t11],
        [mut t20, mut t21],
        [mut t30, mut t31],
    ] = *tile;
    let [mut a0, mut a1, mut a2, mut a3] = rows;
    let mut b = panel;
    macro_rules! step {
        ($k:expr) => {{
            let low = F32x4::load(b.add($k * COLUMNS));
            let high = F32x4::load(b.add($k * COLUMNS + 4));
            let a = F32x4::load_splat(a0.add($k));
            t00 = t00.madd(a, low);
            t01 = t01.madd(a, high);
            let a = F32x4::load_splat(a1.add($k));
            t10 = t10.madd(a, low);
            t11 = t11.madd(a, high);
            let a = F32x4::load_splat(a2.add($k));
            t20 = t20.madd(a, low);
            t21 = t21.madd(a, high);
            let a = F32x4::load_splat(a3.add($k));
            t30 = t30.madd(a, low);
            t31 = t31.madd(a, high);
        }};
    }
    // Four steps at a time: five pointers move on once for them, offsets are part of the loads.
    for _ in 0..depth / 4 {
        // SAFETY: the four steps lie inside the `depth` that the caller guarantees.
        unsafe {
            step!(0);
            step!(1);
            step!(2);
            step!(3);
            (a0, a1, a2, a3) = (a0.add(4), a1.add(4), a2.add(4), a3.add(4));
            b = b.add(4 * COLUMNS);
        }
    }
    for _ in 0..depth % 4 {
        // SAFETY: as above, for one step.
        unsafe {
            step!(0);
            (a0, a1, a2, a3) = (a0.add(1), a1.add(1), a2.add(1), a3.add(1));
            b = b.add(COLUMNS);
        }
    }
    *tile = [[t00, t01], [t10, t11], [t20, t21], [t30, t31]];
}

/// Pointers to four rows of a matrix with `stride` values from row to row, from row `first` on. Where there are
/// fewer than four, the last stands for those that are missing: what comes of it is not stored.
///
/// # Panics
/// Where a row of `length` values does not lie inside `matrix`, or `n_rows` is 0.
#[inline(always)]
pub(crate) fn four_rows(
    matrix: &[f32],
    (first, n_rows): (usize, usize),
    stride: usize,
    length: usize,
) -> [*const f32; ROWS] {
    std::array::from_fn(|row| {
        let row = first + row.min(n_rows - 1);
        matrix[row * stride..][..length].as_ptr()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gemm_f32_4x8::tests::noise;

    #[test]
    fn rows_as_they_lie_are_multiplied() {
        for depth in [0, 1, 3, 4, 7, 8, 33] {
            for n_rows in 1..=4 {
                let stride = depth + 3;
                let matrix = noise(5 * stride, 1);
                let panel = noise(depth * COLUMNS, 2);
                let mut tile = [[F32x4::splat(0.5); 2]; ROWS];
                let rows = four_rows(&matrix, (1, n_rows), stride, depth);
                // SAFETY: the rows were checked to have `depth` values, the panel has eight times as
                // many.
                unsafe { multiply_add(&mut tile, depth, rows, panel.as_ptr()) };
                for row in 0..n_rows {
                    for column in 0..COLUMNS {
                        let sum: f64 = (0..depth)
                            .map(|k| {
                                let value = matrix[(1 + row) * stride + k];
                                f64::from(value) * f64::from(panel[k * COLUMNS + column])
                            })
                            .sum();
                        let met = f64::from(tile[row][column / 4].to_array()[column % 4]);
                        assert!((met - 0.5 - sum).abs() < 1e-5, "{met}, {sum}");
                    }
                }
            }
        }
    }
}
