//! Matrix multiplication in f32, tile by tile of 4 rows and 8 columns.
//!
//! Eight vector accumulators are what V8 keeps in registers on x86-64: it has 15 to give, and
//! tract's 8×8 tile needs 16 for the accumulators alone, which then live in memory.
//! `docs/decisions/0004-own-gemm-kernel.md` has the measurement.

use tract_linalg::Scaler;
use tract_linalg::mmm::FusedKerSpec;
use tract_linalg::mmm::OutputStoreKer;

use crate::lanes::F32x4;

/// Rows of a tile.
pub(crate) const ROWS: usize = 4;
/// Columns of a tile.
pub(crate) const COLUMNS: usize = 8;
/// Bytes from one contiguous f32 to the next.
const CONTIGUOUS: isize = size_of::<f32>() as isize;

/// A tile in registers: row `r` holds columns 0–3 in `tile[r][0]` and 4–7 in `tile[r][1]`.
type Tile = [[F32x4; 2]; ROWS];

/// Runs one tile through tract's list of fused operations and returns 0, tract's sign of success.
///
/// # Safety
/// The pointers inside `operations` must be valid for one tile of 4×8, as tract's driver makes
/// them: per-row operands for 4 values, per-column for 8, packed panels for `k` steps, and output
/// tiles for writing at their strides.
pub(crate) unsafe fn run(operations: &[FusedKerSpec<f32>]) -> isize {
    let mut tile: Tile = [[F32x4::splat(0.0); 2]; ROWS];
    for operation in operations {
        match *operation {
            FusedKerSpec::Done => break,
            FusedKerSpec::Clear => tile = [[F32x4::splat(0.0); 2]; ROWS],
            // SAFETY: the driver gives the tile in both orders; the second holds it row by row.
            FusedKerSpec::LoadTile(_, row_major) => unsafe { load_tile(&mut tile, row_major) },
            FusedKerSpec::ScalarMin(a) => with_scalar(&mut tile, a, F32x4::pmin),
            FusedKerSpec::ScalarMax(a) => with_scalar(&mut tile, a, F32x4::pmax),
            FusedKerSpec::ScalarAdd(a) => with_scalar(&mut tile, a, F32x4::add),
            FusedKerSpec::ScalarMul(a) => with_scalar(&mut tile, a, F32x4::mul),
            FusedKerSpec::ScalarSub(a) => with_scalar(&mut tile, a, |acc, a| a.sub(acc)),
            FusedKerSpec::ScalarSubF(a) => with_scalar(&mut tile, a, F32x4::sub),
            FusedKerSpec::LeakyRelu(a) => with_scalar(&mut tile, a, F32x4::leaky_relu),
            // SAFETY: per-row operands hold one value for each of the four rows.
            FusedKerSpec::PerRowMin(rows) => unsafe { per_row(&mut tile, rows, F32x4::pmin) },
            // SAFETY: as above.
            FusedKerSpec::PerRowMax(rows) => unsafe { per_row(&mut tile, rows, F32x4::pmax) },
            // SAFETY: as above.
            FusedKerSpec::PerRowAdd(rows) => unsafe { per_row(&mut tile, rows, F32x4::add) },
            // SAFETY: as above.
            FusedKerSpec::PerRowMul(rows) => unsafe { per_row(&mut tile, rows, F32x4::mul) },
            FusedKerSpec::PerRowSub(rows) => {
                // SAFETY: as above.
                unsafe { per_row(&mut tile, rows, |acc, row| row.sub(acc)) }
            }
            // SAFETY: as above.
            FusedKerSpec::PerRowSubF(rows) => unsafe { per_row(&mut tile, rows, F32x4::sub) },
            // SAFETY: per-column operands hold one value for each of the eight columns.
            FusedKerSpec::PerColMin(cols) => unsafe { per_column(&mut tile, cols, F32x4::pmin) },
            // SAFETY: as above.
            FusedKerSpec::PerColMax(cols) => unsafe { per_column(&mut tile, cols, F32x4::pmax) },
            // SAFETY: as above.
            FusedKerSpec::PerColAdd(cols) => unsafe { per_column(&mut tile, cols, F32x4::add) },
            // SAFETY: as above.
            FusedKerSpec::PerColMul(cols) => unsafe { per_column(&mut tile, cols, F32x4::mul) },
            FusedKerSpec::PerColSub(cols) => {
                // SAFETY: as above.
                unsafe { per_column(&mut tile, cols, |acc, col| col.sub(acc)) }
            }
            // SAFETY: as above.
            FusedKerSpec::PerColSubF(cols) => unsafe { per_column(&mut tile, cols, F32x4::sub) },
            FusedKerSpec::QScale(shift, policy, mult) => {
                let scale = Scaler::from_fuse_params(shift, policy, mult).scale;
                with_scalar(&mut tile, scale, F32x4::mul);
            }
            FusedKerSpec::RoundingShiftRight(shift, _) => {
                with_scalar(&mut tile, 2f32.powi(-(shift as i32)), F32x4::mul);
            }
            FusedKerSpec::ShiftLeft(shift) => {
                with_scalar(&mut tile, 2f32.powi(shift as i32), F32x4::mul);
            }
            // SAFETY: the driver gives a whole tile at the strides it names.
            FusedKerSpec::AddUnicast(other) => unsafe { add_unicast(&mut tile, &other) },
            // SAFETY: one value per row and per column, as above.
            FusedKerSpec::AddRowColProducts(rows, cols) => unsafe {
                multiply_add(&mut tile, 1, rows, cols)
            },
            // SAFETY: the driver gives a whole writable tile, its own scratch at the borders.
            FusedKerSpec::Store(out) => unsafe { store(&tile, &out) },
            FusedKerSpec::AddMatMul { k, pa, pb, .. } => {
                // SAFETY: the panels hold `k` steps of 4 and 8 values, the packing this kernel
                // declares.
                unsafe { multiply_add(&mut tile, k, pa.cast(), pb.cast()) };
            }
        }
    }
    0
}

/// `tile[r][c] += Σ_k a[k][r] * b[k][c]`.
///
/// # Safety
/// `a` must be readable for `4 * k` values and `b` for `8 * k`.
#[inline(always)]
unsafe fn multiply_add(tile: &mut Tile, k: usize, mut a: *const f32, mut b: *const f32) {
    // Locals, not the borrowed tile: the compiler then keeps the eight accumulators in registers.
    let [
        [mut t00, mut t01],
        [mut t10, mut t11],
        [mut t20, mut t21],
        [mut t30, mut t31],
    ] = *tile;
    for _ in 0..k {
        // SAFETY: step by step the pointers stay inside the `k` steps that the caller guarantees.
        unsafe {
            let low = F32x4::load(b);
            let high = F32x4::load(b.add(4));
            let a0 = F32x4::load_splat(a);
            t00 = t00.madd(a0, low);
            t01 = t01.madd(a0, high);
            let a1 = F32x4::load_splat(a.add(1));
            t10 = t10.madd(a1, low);
            t11 = t11.madd(a1, high);
            let a2 = F32x4::load_splat(a.add(2));
            t20 = t20.madd(a2, low);
            t21 = t21.madd(a2, high);
            let a3 = F32x4::load_splat(a.add(3));
            t30 = t30.madd(a3, low);
            t31 = t31.madd(a3, high);
            a = a.add(ROWS);
            b = b.add(COLUMNS);
        }
    }
    *tile = [[t00, t01], [t10, t11], [t20, t21], [t30, t31]];
}

#[inline(always)]
fn with_scalar(tile: &mut Tile, scalar: f32, op: impl Fn(F32x4, F32x4) -> F32x4) {
    let scalar = F32x4::splat(scalar);
    for [low, high] in tile {
        *low = op(*low, scalar);
        *high = op(*high, scalar);
    }
}

/// # Safety
/// `rows` must be readable for four values.
#[inline(always)]
unsafe fn per_row(tile: &mut Tile, rows: *const f32, op: impl Fn(F32x4, F32x4) -> F32x4) {
    for (row, [low, high]) in tile.iter_mut().enumerate() {
        // SAFETY: `row` is below four.
        let value = unsafe { F32x4::load_splat(rows.add(row)) };
        *low = op(*low, value);
        *high = op(*high, value);
    }
}

/// # Safety
/// `columns` must be readable for eight values.
#[inline(always)]
unsafe fn per_column(tile: &mut Tile, columns: *const f32, op: impl Fn(F32x4, F32x4) -> F32x4) {
    // SAFETY: eight values are readable.
    let (first, second) = unsafe { (F32x4::load(columns), F32x4::load(columns.add(4))) };
    for [low, high] in tile {
        *low = op(*low, first);
        *high = op(*high, second);
    }
}

/// # Safety
/// `from` must be readable for 32 values.
#[inline(always)]
unsafe fn load_tile(tile: &mut Tile, from: *const f32) {
    for (row, [low, high]) in tile.iter_mut().enumerate() {
        // SAFETY: row by row inside the 32 values.
        unsafe {
            *low = F32x4::load(from.add(row * COLUMNS));
            *high = F32x4::load(from.add(row * COLUMNS + 4));
        }
    }
}

/// # Safety
/// All 4×8 places at the strides of `other` must be readable.
#[inline(always)]
unsafe fn add_unicast(tile: &mut Tile, other: &OutputStoreKer) {
    let at = |row: usize, column: usize| -> *const f32 {
        other
            .ptr
            .wrapping_offset(
                row as isize * other.row_byte_stride + column as isize * other.col_byte_stride,
            )
            .cast_const()
            .cast()
    };
    if other.col_byte_stride == CONTIGUOUS {
        for (row, [low, high]) in tile.iter_mut().enumerate() {
            // SAFETY: eight values of this row lie side by side inside the tile.
            unsafe {
                *low = low.add(F32x4::load(at(row, 0)));
                *high = high.add(F32x4::load(at(row, 4)));
            }
        }
        return;
    }
    for (row, halves) in tile.iter_mut().enumerate() {
        for (half, lanes) in halves.iter_mut().enumerate() {
            // SAFETY: each place is inside the tile.
            let values =
                std::array::from_fn(|lane| unsafe { at(row, half * 4 + lane).read_unaligned() });
            *lanes = lanes.add(F32x4::from_array(values));
        }
    }
}

/// # Safety
/// All 4×8 places at the strides of `out` must be writable.
#[inline(always)]
unsafe fn store(tile: &Tile, out: &OutputStoreKer) {
    let at = |row: usize, column: usize| -> *mut f32 {
        out.ptr
            .wrapping_offset(
                row as isize * out.row_byte_stride + column as isize * out.col_byte_stride,
            )
            .cast()
    };
    if out.col_byte_stride == CONTIGUOUS {
        for (row, [low, high]) in tile.iter().enumerate() {
            // SAFETY: eight places of this row lie side by side inside the tile.
            unsafe {
                low.store(at(row, 0));
                high.store(at(row, 4));
            }
        }
    } else if out.row_byte_stride == CONTIGUOUS {
        for half in [0, 1] {
            let columns = F32x4::transpose(tile.map(|halves| halves[half]));
            for (lane, column) in columns.into_iter().enumerate() {
                // SAFETY: four places of this column lie one above the other inside the tile.
                unsafe { column.store(at(0, half * 4 + lane)) };
            }
        }
    } else {
        for (row, halves) in tile.iter().enumerate() {
            for (half, lanes) in halves.iter().enumerate() {
                for (lane, value) in lanes.to_array().into_iter().enumerate() {
                    // SAFETY: each place is inside the tile.
                    unsafe { at(row, half * 4 + lane).write_unaligned(value) };
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tract_core::internal::*;
    use tract_linalg::mmm::{AsInputValue, DynKernel, FusedSpec, MatMatMul};
    use tract_linalg::pack::PackedFormat;

    fn kernel() -> Box<dyn MatMatMul> {
        DynKernel::<ROWS, COLUMNS, f32>::new(
            "test_f32_4x8",
            run,
            PackedFormat::new(DatumType::F32, ROWS, 16),
            PackedFormat::new(DatumType::F32, COLUMNS, 16),
        )
        .mmm()
    }

    /// A repeatable, badly behaved sequence in -1..1.
    fn noise(len: usize, seed: u32) -> Vec<f32> {
        let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
        (0..len)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) as f32 / (1 << 23) as f32 - 1.0
            })
            .collect()
    }

    /// Multiplies through tract's driver and through three loops, and compares.
    #[track_caller]
    fn check(m: usize, k: usize, n: usize, transposed_output: bool) {
        let (a, b) = (noise(m * k, 1), noise(k * n, 2));
        let bias = noise(m, 3);
        let kernel = kernel();
        let (pack_a, pack_b) = &kernel.packings()[0];
        let a_tensor = Tensor::from_shape(&[m, k], &a).unwrap();
        let b_tensor = Tensor::from_shape(&[k, n], &b).unwrap();
        let packed_a = pack_a.prepare_one(&a_tensor, 1, 0).unwrap();
        let packed_b = pack_b.prepare_one(&b_tensor, 0, 1).unwrap();
        let shape = if transposed_output { [n, m] } else { [m, n] };
        let mut output = Tensor::zero::<f32>(&shape).unwrap();
        let (m_axis, n_axis) = if transposed_output { (1, 0) } else { (0, 1) };
        let bias_tensor = Tensor::from_shape(&[m], &bias).unwrap();
        // SAFETY: the operands are packed by the kernel's own formats for m, k and n, and the
        // output has exactly m × n places.
        unsafe {
            let store = kernel
                .c_view(Some(m_axis), Some(n_axis))
                .wrap(&output.view_mut());
            let low = tensor0(-0.5f32);
            let operations = [
                FusedSpec::AddMatMul {
                    a: AsInputValue::Borrowed(&*packed_a),
                    b: AsInputValue::Borrowed(&*packed_b),
                    packing: 0,
                },
                FusedSpec::BinPerRow(bias_tensor.view(), tract_linalg::BinOp::Add),
                FusedSpec::BinScalar(&low, tract_linalg::BinOp::Max),
                FusedSpec::Store(store),
            ];
            kernel.run(m, n, &operations).unwrap();
        }
        let output = output.try_as_plain_ram().unwrap();
        let output = output.as_slice::<f32>().unwrap();
        for row in 0..m {
            for column in 0..n {
                let sum: f64 = (0..k)
                    .map(|i| f64::from(a[row * k + i]) * f64::from(b[i * n + column]))
                    .sum();
                let expected = (sum + f64::from(bias[row])).max(-0.5);
                let met = output[if transposed_output {
                    column * m + row
                } else {
                    row * n + column
                }];
                assert!(
                    (f64::from(met) - expected).abs() <= 1e-6 * k as f64,
                    "{m}×{k}×{n} at {row},{column}: {met} instead of {expected}"
                );
            }
        }
    }

    #[test]
    fn a_whole_tile_is_multiplied() {
        check(4, 16, 8, false);
        check(4, 16, 8, true);
    }

    #[test]
    fn shapes_that_do_not_fill_tiles_are_multiplied() {
        for (m, k, n) in [
            (1, 1, 1),
            (3, 5, 7),
            (5, 1, 9),
            (49, 32, 13),
            (17, 96, 24),
            (4, 0, 8),
        ] {
            check(m, k, n, false);
            check(m, k, n, true);
        }
    }

    #[test]
    fn transposing_four_rows_swaps_rows_and_columns() {
        let rows = std::array::from_fn(|row| {
            F32x4::from_array(std::array::from_fn(|column| (row * 4 + column) as f32))
        });
        let columns = F32x4::transpose(rows);
        for (index, column) in columns.into_iter().enumerate() {
            let expected: [f32; 4] = std::array::from_fn(|row| (row * 4 + index) as f32);
            assert_eq!(column.to_array(), expected);
        }
    }
}
