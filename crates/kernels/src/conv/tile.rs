//! Four filters times eight points, or as many as are left at the end.

use super::Activate;
use super::filters::Panel;
use crate::gemm_f32_4x8::multiply_add;
use crate::lanes::{F32x4, LANES};
use crate::pool::Shared;

/// Filters of a tile.
pub(super) const ROWS: usize = 4;
/// Points of a tile.
pub(super) const COLUMNS: usize = 8;

/// What the results of one panel of points are added to and where they go.
pub(super) struct Place<'a> {
    /// The output: a plane per filter.
    pub(super) output: Shared<'a>,
    /// As large as the output, where something is added before the activation.
    pub(super) residual: Option<&'a [f32]>,
    /// Values of a plane.
    pub(super) plane: usize,
}

/// Multiplies four filters with a panel of points, `[depth, 8]`, adds bias and residual, and stores
/// what the activation makes of it. Of the eight points `n` lie in the output, from point `at` of each
/// plane on.
///
/// The panel must have as many steps as the filters.
///
/// # Safety
/// Nothing else may read or write these points of these filters' planes meanwhile.
#[inline(always)]
pub(super) unsafe fn multiply(
    filters: &Panel<'_>,
    points: &[f32],
    place: &Place<'_>,
    (at, n): (usize, usize),
    activation: impl Activate,
) {
    let depth = filters.weights.len() / ROWS;
    assert!(points.len() >= depth * COLUMNS && filters.bias.len() == ROWS);
    let (weights, points) = (filters.weights.as_ptr(), points.as_ptr());
    let bias: [F32x4; ROWS] = std::array::from_fn(|row| F32x4::splat(filters.bias[row]));
    // SAFETY: the weights hold four values for each of `depth` steps, the points eight, which was
    // asserted; and the caller gives these points of the output to nobody else.
    unsafe {
        match n {
            1 => {
                let values = one_point(depth, weights, points).to_array();
                let value = |row: usize| F32x4::splat(values[row]);
                let rows = std::array::from_fn(|row| [value(row).add(bias[row]), bias[row]]);
                store_some(filters, rows, place, (at, n), activation);
            }
            2..=4 => {
                let sums = four_points(depth, weights, points);
                let rows = std::array::from_fn(|row| [sums[row].add(bias[row]), bias[row]]);
                store_some(filters, rows, place, (at, n), activation);
            }
            _ => {
                let mut tile = bias.map(|bias| [bias; 2]);
                multiply_add(&mut tile, depth, weights, points);
                match n {
                    COLUMNS => store_all(filters, tile, place, at, activation),
                    _ => store_some(filters, tile, place, (at, n), activation),
                }
            }
        }
    }
}

/// Stores a whole tile.
///
/// # Safety
/// As [`multiply`].
#[inline(always)]
unsafe fn store_all(
    filters: &Panel<'_>,
    tile: [[F32x4; 2]; ROWS],
    place: &Place<'_>,
    at: usize,
    activation: impl Activate,
) {
    for (row, [mut low, mut high]) in tile.into_iter().enumerate().take(filters.n) {
        let start = (filters.first + row) * place.plane + at;
        // SAFETY: the caller gives this piece of the output to nobody else.
        let output = unsafe { place.output.slice_mut(start, COLUMNS) };
        if let Some(residual) = place.residual {
            let residual = residual[start..start + COLUMNS].as_ptr();
            // SAFETY: the residual's slice has eight values.
            let (first, second) = unsafe { (F32x4::load(residual), F32x4::load(residual.add(4))) };
            (low, high) = (low.add(first), high.add(second));
        }
        // SAFETY: the output's slice has eight values.
        unsafe {
            activation.vector(low).store(output.as_mut_ptr());
            activation.vector(high).store(output.as_mut_ptr().add(4));
        }
    }
}

/// Stores the first points of a tile.
///
/// # Safety
/// As [`multiply`].
unsafe fn store_some(
    filters: &Panel<'_>,
    tile: [[F32x4; 2]; ROWS],
    place: &Place<'_>,
    (at, n): (usize, usize),
    activation: impl Activate,
) {
    for (row, halves) in tile.into_iter().enumerate().take(filters.n) {
        let start = (filters.first + row) * place.plane + at;
        // SAFETY: the caller gives this piece of the output to nobody else.
        let output = unsafe { place.output.slice_mut(start, n) };
        let residual = place.residual.map(|residual| &residual[start..start + n]);
        for (half, sums) in halves.into_iter().enumerate() {
            let mut sums = sums.to_array();
            let first = (half * LANES).min(n);
            if let Some(residual) = residual {
                for (sum, residual) in sums.iter_mut().zip(&residual[first..]) {
                    *sum += residual;
                }
            }
            let sums = activation.vector(F32x4::from_array(sums)).to_array();
            for (value, sum) in output[first..].iter_mut().zip(sums) {
                *value = sum;
            }
        }
    }
}

/// Four filters and one point: the sums of all four in one vector. Every other step has chains of its own.
///
/// # Safety
/// `weights` must be readable for `4 * depth` values and `points` for `8 * depth`.
unsafe fn one_point(depth: usize, weights: *const f32, points: *const f32) -> F32x4 {
    let zero = F32x4::splat(0.0);
    let (mut a, mut b, mut c, mut d) = (zero, zero, zero, zero);
    // SAFETY: each step is below `depth`.
    let step = |sum: F32x4, k: usize| unsafe {
        let point = F32x4::load_splat(points.add(k * COLUMNS));
        sum.madd(F32x4::load(weights.add(k * ROWS)), point)
    };
    let whole = depth - depth % 4;
    for k in (0..whole).step_by(4) {
        a = step(a, k);
        b = step(b, k + 1);
        c = step(c, k + 2);
        d = step(d, k + 3);
    }
    for k in whole..depth {
        a = step(a, k);
    }
    a.add(b).add(c.add(d))
}

/// Four filters and the first four points, filter by filter. Two steps at a time have chains of their own.
///
/// # Safety
/// As [`one_point`].
unsafe fn four_points(depth: usize, weights: *const f32, points: *const f32) -> [F32x4; ROWS] {
    let zero = F32x4::splat(0.0);
    let (mut a0, mut a1, mut a2, mut a3) = (zero, zero, zero, zero);
    let (mut b0, mut b1, mut b2, mut b3) = (zero, zero, zero, zero);
    // SAFETY: each step is below `depth`.
    let at = |k: usize| unsafe { (F32x4::load(points.add(k * COLUMNS)), weights.add(k * ROWS)) };
    // SAFETY: a step has four weights.
    let weight = |weights: *const f32, row: usize| unsafe { F32x4::load_splat(weights.add(row)) };
    for k in (0..depth - depth % 2).step_by(2) {
        let (values, weights) = at(k);
        a0 = a0.madd(values, weight(weights, 0));
        a1 = a1.madd(values, weight(weights, 1));
        a2 = a2.madd(values, weight(weights, 2));
        a3 = a3.madd(values, weight(weights, 3));
        let (values, weights) = at(k + 1);
        b0 = b0.madd(values, weight(weights, 0));
        b1 = b1.madd(values, weight(weights, 1));
        b2 = b2.madd(values, weight(weights, 2));
        b3 = b3.madd(values, weight(weights, 3));
    }
    if depth % 2 == 1 {
        let (values, weights) = at(depth - 1);
        a0 = a0.madd(values, weight(weights, 0));
        a1 = a1.madd(values, weight(weights, 1));
        a2 = a2.madd(values, weight(weights, 2));
        a3 = a3.madd(values, weight(weights, 3));
    }
    [a0.add(b0), a1.add(b1), a2.add(b2), a3.add(b3)]
}
