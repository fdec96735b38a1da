//! Four filters times eight points.

use super::Activate;
use super::filters::Panel;
use crate::gemm_f32_4x8::multiply_add;
use crate::lanes::F32x4;
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
    let mut tile: [[F32x4; 2]; ROWS] =
        std::array::from_fn(|row| [F32x4::splat(filters.bias[row]); 2]);
    // SAFETY: the weights hold four values for each of `depth` steps, the points eight, which was
    // asserted.
    unsafe { multiply_add(&mut tile, depth, filters.weights.as_ptr(), points.as_ptr()) };
    for (row, [low, high]) in tile.into_iter().enumerate().take(filters.n) {
        let start = (filters.first + row) * place.plane + at;
        // SAFETY: the caller gives this piece of the output to nobody else.
        let output = unsafe { place.output.slice_mut(start, n) };
        let residual = place.residual.map(|residual| &residual[start..start + n]);
        if let Ok(output) = <&mut [f32; COLUMNS]>::try_from(&mut *output) {
            let (mut low, mut high) = (low, high);
            if let Some(residual) = residual {
                // SAFETY: the residual's slice is as long as the output's: eight values.
                let (first, second) = unsafe {
                    (
                        F32x4::load(residual.as_ptr()),
                        F32x4::load(residual.as_ptr().add(4)),
                    )
                };
                (low, high) = (low.add(first), high.add(second));
            }
            // SAFETY: the output's slice has eight values.
            unsafe {
                activation.vector(low).store(output.as_mut_ptr());
                activation.vector(high).store(output.as_mut_ptr().add(4));
            }
        } else {
            let mut sums = [0.0; COLUMNS];
            // SAFETY: eight values are writable.
            unsafe {
                low.store(sums.as_mut_ptr());
                high.store(sums.as_mut_ptr().add(4));
            }
            for (sum, residual) in sums.iter_mut().zip(residual.unwrap_or_default()) {
                *sum += residual;
            }
            // SAFETY: eight values are readable and writable.
            unsafe {
                let (low, high) = (
                    F32x4::load(sums.as_ptr()),
                    F32x4::load(sums.as_ptr().add(4)),
                );
                activation.vector(low).store(sums.as_mut_ptr());
                activation.vector(high).store(sums.as_mut_ptr().add(4));
            }
            output.copy_from_slice(&sums[..n]);
        }
    }
}
