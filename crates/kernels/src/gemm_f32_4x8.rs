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
    match Product::parse(operations) {
        // SAFETY: the caller guarantees what the operations point at.
        Some(product) => unsafe { product.run() },
        // SAFETY: as above.
        None => unsafe { run_each(operations) },
    }
}

/// The usual list of operations: a product, a bias, a residual, a linear map, two bounds, the store. Done at
/// once, the tile stays in registers; one operation after the other, each reads and writes it, which
/// takes as long as the product itself where there are few steps.
struct Product {
    k: usize,
    a: *const f32,
    b: *const f32,
    bias: Bias,
    residual: Option<OutputStoreKer>,
    /// Factor and what is added behind it.
    linear: Option<(f32, f32)>,
    least: Option<f32>,
    most: Option<f32>,
    out: OutputStoreKer,
}

enum Bias {
    None,
    /// One value for each row.
    Rows(*const f32),
    /// One value for each column.
    Columns(*const f32),
}

impl Product {
    /// `None` for any other list.
    #[inline(always)]
    fn parse(operations: &[FusedKerSpec<f32>]) -> Option<Product> {
        let mut rest = match operations {
            [FusedKerSpec::Clear, rest @ ..] => rest,
            _ => return None,
        };
        let [FusedKerSpec::AddMatMul { k, pa, pb, .. }, behind @ ..] = rest else {
            return None;
        };
        rest = behind;
        let mut bias = Bias::None;
        match rest {
            [FusedKerSpec::PerRowAdd(rows), behind @ ..] => {
                (bias, rest) = (Bias::Rows(*rows), behind);
            }
            [FusedKerSpec::PerColAdd(columns), behind @ ..] => {
                (bias, rest) = (Bias::Columns(*columns), behind);
            }
            _ => {}
        }
        let mut residual = None;
        if let [FusedKerSpec::AddUnicast(other), behind @ ..] = rest {
            (residual, rest) = (Some(*other), behind);
        }
        let mut linear = None;
        if let [FusedKerSpec::ScalarMul(factor), behind @ ..] = rest {
            (linear, rest) = (Some((*factor, 0.0)), behind);
        }
        if let [FusedKerSpec::ScalarAdd(offset), behind @ ..] = rest {
            let factor = linear.map_or(1.0, |(factor, _)| factor);
            (linear, rest) = (Some((factor, *offset)), behind);
        }
        let (mut least, mut most) = (None, None);
        if let [FusedKerSpec::ScalarMax(bound), behind @ ..] = rest {
            (least, rest) = (Some(*bound), behind);
        }
        if let [FusedKerSpec::ScalarMin(bound), behind @ ..] = rest {
            (most, rest) = (Some(*bound), behind);
        }
        let [FusedKerSpec::Store(out), FusedKerSpec::Done, ..] = rest else {
            return None;
        };
        Some(Product {
            k: *k,
            a: pa.cast(),
            b: pb.cast(),
            bias,
            residual,
            linear,
            least,
            most,
            out: *out,
        })
    }

    /// # Safety
    /// As [`run`].
    #[inline(always)]
    unsafe fn run(&self) -> isize {
        let mut tile = [[F32x4::splat(0.0); 2]; ROWS];
        // SAFETY: the panels hold `k` steps, a bias one value per row or column, and the output is a
        // whole writable tile, as the caller guarantees.
        unsafe {
            multiply_add(&mut tile, self.k, self.a, self.b);
            match self.bias {
                Bias::None => {}
                Bias::Rows(rows) => per_row(&mut tile, rows, F32x4::add),
                Bias::Columns(columns) => per_column(&mut tile, columns, F32x4::add),
            }
            if let Some(other) = &self.residual {
                add_unicast(&mut tile, other);
            }
            if let Some((factor, offset)) = self.linear {
                let offset = F32x4::splat(offset);
                with_scalar(&mut tile, factor, |acc, factor| offset.madd(acc, factor));
            }
            if let Some(least) = self.least {
                with_scalar(&mut tile, least, F32x4::pmax);
            }
            if let Some(most) = self.most {
                with_scalar(&mut tile, most, F32x4::pmin);
            }
            store(&tile, &self.out);
        }
        0
    }
}

/// Runs the operations one after the other.
///
/// # Safety
/// As [`run`].
unsafe fn run_each(operations: &[FusedKerSpec<f32>]) -> isize {
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
pub(crate) unsafe fn multiply_add(tile: &mut Tile, k: usize, mut a: *const f32, mut b: *const f32) {
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
pub(crate) mod tests {
    use super::*;
    use tract_core::internal::*;
    use tract_linalg::BinOp;
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
    pub(crate) fn noise(len: usize, seed: u32) -> Vec<f32> {
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
                FusedSpec::BinPerRow(bias_tensor.view(), BinOp::Add),
                FusedSpec::BinScalar(&low, BinOp::Max),
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

    /// The output of a list of operations behind a product, run by one of the two ways.
    fn output_of(
        run: unsafe fn(&[FusedKerSpec<f32>]) -> isize,
        behind: &[Behind],
        transposed: bool,
    ) -> Vec<f32> {
        let (m, k, n) = (6, 5, 11);
        let kernel = DynKernel::<ROWS, COLUMNS, f32>::new(
            "test_f32_4x8",
            run,
            PackedFormat::new(DatumType::F32, ROWS, 16),
            PackedFormat::new(DatumType::F32, COLUMNS, 16),
        )
        .mmm();
        let (pack_a, pack_b) = &kernel.packings()[0];
        let tensor = |shape: &[usize], seed| {
            let values = noise(shape.iter().product(), seed);
            Tensor::from_shape(shape, &values).unwrap()
        };
        let packed_a = pack_a.prepare_one(&tensor(&[m, k], 1), 1, 0).unwrap();
        let packed_b = pack_b.prepare_one(&tensor(&[k, n], 2), 0, 1).unwrap();
        let (rows, columns) = (tensor(&[m], 3), tensor(&[n], 4));
        let (m_axis, n_axis) = if transposed { (1, 0) } else { (0, 1) };
        let shape = if transposed { [n, m] } else { [m, n] };
        let residual = tensor(&shape, 5);
        let scalars: Vec<Tensor> = behind
            .iter()
            .map(|behind| match behind {
                Behind::Scalar(_, value) => tensor0(*value),
                _ => tensor0(0.0_f32),
            })
            .collect();
        let mut output = Tensor::zero::<f32>(&shape).unwrap();
        // SAFETY: the operands are packed by the kernel's own formats for m, k and n, and output
        // and residual have exactly m × n places.
        unsafe {
            let view = kernel.c_view(Some(m_axis), Some(n_axis));
            let mut operations = vec![FusedSpec::AddMatMul {
                a: AsInputValue::Borrowed(&*packed_a),
                b: AsInputValue::Borrowed(&*packed_b),
                packing: 0,
            }];
            for (behind, scalar) in behind.iter().zip(&scalars) {
                operations.push(match behind {
                    Behind::Rows(op) => FusedSpec::BinPerRow(rows.view(), *op),
                    Behind::Columns(op) => FusedSpec::BinPerCol(columns.view(), *op),
                    Behind::Scalar(op, _) => FusedSpec::BinScalar(scalar, *op),
                    Behind::Residual => FusedSpec::AddUnicast(view.wrap(&residual.view())),
                });
            }
            operations.push(FusedSpec::Store(view.wrap(&output.view_mut())));
            kernel.run(m, n, &operations).unwrap();
        }
        let output = output.try_as_plain_ram().unwrap();
        output.as_slice::<f32>().unwrap().to_vec()
    }

    /// What stands behind a product.
    enum Behind {
        Rows(BinOp),
        Columns(BinOp),
        Scalar(BinOp, f32),
        Residual,
    }

    #[test]
    fn both_ways_to_run_a_list_give_the_same() {
        use Behind::{Columns, Residual, Rows, Scalar};
        let lists = [
            vec![],
            vec![Rows(BinOp::Add)],
            vec![Columns(BinOp::Add), Residual],
            vec![Columns(BinOp::Mul), Columns(BinOp::Add)],
            vec![
                Rows(BinOp::Add),
                Scalar(BinOp::Max, 0.0),
                Scalar(BinOp::Min, 0.5),
            ],
            vec![
                Rows(BinOp::Add),
                Scalar(BinOp::Mul, 1.5),
                Scalar(BinOp::Add, 0.2),
            ],
            vec![Scalar(BinOp::Add, 0.2), Scalar(BinOp::Min, 0.4)],
            vec![Scalar(BinOp::Min, 0.4), Scalar(BinOp::Max, 0.1)],
            vec![Residual, Scalar(BinOp::Mul, 0.5), Scalar(BinOp::Max, 0.0)],
        ];
        for (at, list) in lists.iter().enumerate() {
            for transposed in [false, true] {
                let once = output_of(run, list, transposed);
                let each = output_of(run_each, list, transposed);
                for (once, each) in once.iter().zip(each) {
                    assert!(
                        (once - each).abs() < 1e-5,
                        "list {at}: {once} is not {each}"
                    );
                }
            }
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
