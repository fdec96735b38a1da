//! Some rows of a matrix as it lies in memory, times a panel of columns.
//!
//! Transformers keep their values token by token: the rows that a product reads lie as they are needed,
//! and only the other side, which is weights or a head's keys and values, is brought into panels. A
//! tile then reads nothing that was copied for it.

use crate::lanes::F32x4;

/// Makes a function that adds products to a tile of sums, with each sum a variable of its own: compilers keep those
/// in registers, and arrays only where every loop over them is unrolled early enough.
///
/// The sums come from memory and go to memory. As values that a caller computes and goes on computing with, they
/// live on beyond the loop, and Firefox's compiler then keeps them in memory within it, too: a third of the speed.
macro_rules! product {
    (
        $(#[$doc:meta])*
        $name:ident<$n_rows:literal, $n_vectors:literal>,
        columns: $($column:ident at $at:literal),+;
        $(row $row:ident: $($sum:ident of $of:ident at $of_at:literal),+;)+
    ) => {
        $(#[$doc])*
        ///
        /// # Safety
        /// As many values as the tile has columns must be readable from each of `starts` on and writable from each of
        /// `places` on; each of the rows must be readable for `depth` values, `panel` for as many times its columns.
        #[inline(always)]
        pub(crate) unsafe fn $name(
            starts: [*const f32; $n_rows],
            places: [*mut f32; $n_rows],
            depth: usize,
            rows: [*const f32; $n_rows],
            mut panel: *const f32,
        ) {
            let [$($row),+] = starts;
            // SAFETY: the caller guarantees a tile's columns from each start on.
            $($(let mut $sum = unsafe { F32x4::load($row.add(4 * $of_at)) };)+)+
            let [$(mut $row),+] = rows;
            for _ in 0..depth {
                // SAFETY: one step of the `depth` that the caller guarantees.
                unsafe {
                    $(let $column = F32x4::load(panel.add(4 * $at));)+
                    $(
                        let value = F32x4::load_splat($row);
                        $($sum = $sum.madd(value, $of);)+
                        $row = $row.add(1);
                    )+
                    panel = panel.add(4 * $n_vectors);
                }
            }
            let [$($row),+] = places;
            // SAFETY: as for the starts.
            $($(unsafe { $sum.store($row.add(4 * $of_at)) };)+)+
        }
    };
}

product! {
    /// `places[r][c] = starts[r][c] + Σ_k rows[r][k] · panel[k][c]` for three rows and twelve columns: the tile that
    /// comes nearest to the machine's peak. Nine sums, three vectors of a panel and one value are 13 of the 15
    /// registers that V8 gives on x86-64; and more than one step at a time makes it slower.
    add_3x12<3, 3>,
    columns: left at 0, middle at 1, right at 2;
    row first: s00 of left at 0, s01 of middle at 1, s02 of right at 2;
    row second: s10 of left at 0, s11 of middle at 1, s12 of right at 2;
    row third: s20 of left at 0, s21 of middle at 1, s22 of right at 2;
}

product! {
    /// The same for four rows and eight columns.
    add_4x8<4, 2>,
    columns: left at 0, right at 1;
    row first: s00 of left at 0, s01 of right at 1;
    row second: s10 of left at 0, s11 of right at 1;
    row third: s20 of left at 0, s21 of right at 1;
    row fourth: s30 of left at 0, s31 of right at 1;
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

    type Add<const R: usize> =
        unsafe fn([*const f32; R], [*mut f32; R], usize, [*const f32; R], *const f32);

    #[track_caller]
    fn check<const R: usize, const W: usize>(add: Add<R>, depth: usize, n_rows: usize) {
        let stride = depth + 3;
        let matrix = noise((R + 1) * stride, 1);
        let panel = noise(depth * W, 2);
        let start = [0.5; W];
        let mut tile = [[f32::NAN; W]; R];
        let places = tile.each_mut().map(|row| row.as_mut_ptr());
        let rows = some_rows(&matrix, (1, n_rows), stride, depth);
        // SAFETY: the rows were checked to have `depth` values, the panel has as many steps, and start and tile have
        // as many columns.
        unsafe { add([start.as_ptr(); R], places, depth, rows, panel.as_ptr()) };
        for row in 0..n_rows {
            for column in 0..W {
                let sum: f64 = (0..depth)
                    .map(|k| {
                        let value = matrix[(1 + row) * stride + k];
                        f64::from(value) * f64::from(panel[k * W + column])
                    })
                    .sum();
                let met = f64::from(tile[row][column]);
                assert!((met - 0.5 - sum).abs() < 1e-5, "{met}, {sum}");
            }
        }
    }

    #[test]
    fn rows_as_they_lie_are_multiplied() {
        for depth in [0, 1, 3, 4, 7, 8, 33] {
            for n_rows in 1..=3 {
                check::<3, 12>(add_3x12, depth, n_rows);
                check::<4, 8>(add_4x8, depth, n_rows);
            }
        }
    }
}
