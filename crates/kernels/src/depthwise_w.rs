//! Depthwise convolution over rows of one channel, at strides 1 and 2.
//!
//! tract's own kernel for wasm takes rows shorter than 32 points four at a time on one chain of
//! additions, takes what is left over one by one, and everything one by one at stride 2. This one
//! keeps four chains, ends a row with a vector that overlaps the one before, and sorts out the even
//! columns with a shuffle.

use crate::lanes::{F32x4, LANES};

/// Writes `len` output points: each is `bias` plus every
/// `taps[t] * input[offsets[t] + i * in_stride]`.
///
/// # Safety
/// `input.offset(offsets[t] + i * in_stride)` must be readable for every tap and every `i` below
/// `len`, and `len` points writable from `output`, which overlaps none of what is read.
#[cfg(any(test, ours))]
pub(crate) unsafe fn run(
    input: *const f32,
    output: *mut f32,
    taps: &[f32],
    offsets: &[isize],
    bias: f32,
    len: usize,
    in_stride: isize,
) {
    // SAFETY: the caller guarantees the same.
    unsafe {
        run_with(
            input,
            output,
            taps,
            offsets,
            bias,
            len,
            in_stride,
            |values| values,
        )
    }
}

/// As [`run`], and what is written is what `finish` makes of each vector.
///
/// # Safety
/// As [`run`].
#[allow(clippy::too_many_arguments)]
#[inline(always)]
pub(crate) unsafe fn run_with(
    input: *const f32,
    output: *mut f32,
    taps: &[f32],
    offsets: &[isize],
    bias: f32,
    len: usize,
    in_stride: isize,
    finish: impl Fn(F32x4) -> F32x4,
) {
    let row = Row {
        input,
        output,
        taps,
        offsets,
        bias,
        finish,
    };
    // SAFETY: the caller guarantees what `Row`'s methods ask for.
    unsafe {
        match in_stride {
            1 if len >= LANES => row.vectors::<1>(len),
            2 if len >= LANES => row.vectors::<2>(len),
            _ => row.points(0, len, in_stride),
        }
    }
}

struct Row<'a, F> {
    input: *const f32,
    output: *mut f32,
    taps: &'a [f32],
    offsets: &'a [isize],
    bias: f32,
    finish: F,
}

impl<F: Fn(F32x4) -> F32x4> Row<'_, F> {
    /// # Safety
    /// As [`run`], with `len` at least [`LANES`] and a stride of `STRIDE`, 1 or 2.
    #[inline(always)]
    unsafe fn vectors<const STRIDE: usize>(&self, len: usize) {
        let mut at = 0;
        // SAFETY: blocks stay within `len`; the last one begins `LANES` points before its end.
        unsafe {
            while at + 8 * LANES <= len {
                self.block::<STRIDE, 8>(at);
                at += 8 * LANES;
            }
            while at + 4 * LANES <= len {
                self.block::<STRIDE, 4>(at);
                at += 4 * LANES;
            }
            if at + 2 * LANES <= len {
                self.block::<STRIDE, 2>(at);
                at += 2 * LANES;
            }
            if at + LANES <= len {
                self.block::<STRIDE, 1>(at);
                at += LANES;
            }
            if at < len {
                // Points that are written twice are written the same twice.
                self.block::<STRIDE, 1>(len - LANES);
            }
        }
    }

    /// `N` vectors of points from point `at` on, each on a chain of additions of its own.
    ///
    /// # Safety
    /// As [`run`], and `at + N * LANES` is at most its `len`.
    #[inline(always)]
    unsafe fn block<const STRIDE: usize, const N: usize>(&self, at: usize) {
        let mut sums = [F32x4::splat(self.bias); N];
        for (tap, offset) in self.taps.iter().zip(self.offsets) {
            let tap = F32x4::splat(*tap);
            // SAFETY: the caller of `run` guarantees that these points are readable.
            unsafe {
                let from = self.input.offset(*offset).add(at * STRIDE);
                for (vector, sum) in sums.iter_mut().enumerate() {
                    let values = load::<STRIDE>(from.add(vector * LANES * STRIDE));
                    *sum = sum.madd(values, tap);
                }
            }
        }
        for (vector, sum) in sums.into_iter().enumerate() {
            // SAFETY: the caller of `run` guarantees that these points are writable.
            unsafe { (self.finish)(sum).store(self.output.add(at + vector * LANES)) };
        }
    }

    /// Points one by one.
    ///
    /// # Safety
    /// As [`run`], for the points from `from` to `to`.
    unsafe fn points(&self, from: usize, to: usize, in_stride: isize) {
        for at in from..to {
            let mut sum = self.bias;
            for (tap, offset) in self.taps.iter().zip(self.offsets) {
                // SAFETY: the caller of `run` guarantees that this point is readable.
                sum += tap * unsafe { *self.input.offset(*offset + at as isize * in_stride) };
            }
            let [sum, ..] = (self.finish)(F32x4::splat(sum)).to_array();
            // SAFETY: the caller of `run` guarantees that this point is writable.
            unsafe { *self.output.add(at) = sum };
        }
    }
}

/// Four values that lie `STRIDE` apart; nothing behind the last of them is read.
///
/// # Safety
/// The four values and what lies between them must be readable.
#[inline(always)]
unsafe fn load<const STRIDE: usize>(from: *const f32) -> F32x4 {
    // SAFETY: at stride 1 these are the four values, at stride 2 values 0 to 3 and 3 to 6, of
    // which the caller guarantees 0 to 6.
    unsafe {
        match STRIDE {
            1 => F32x4::load(from),
            _ => F32x4::load(from).even_with_odd(F32x4::load(from.add(LANES - 1))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sums in f64, and how large a rounding error of each may be.
    fn reference(
        input: &[f32],
        taps: &[f32],
        offsets: &[isize],
        bias: f32,
        len: usize,
        in_stride: isize,
    ) -> Vec<f64> {
        let tap = |at: usize| {
            let pairs = taps.iter().zip(offsets);
            let products = pairs.map(|(tap, offset)| {
                let value = input[(offset + at as isize * in_stride) as usize];
                f64::from(*tap) * f64::from(value)
            });
            f64::from(bias) + products.sum::<f64>()
        };
        (0..len).map(tap).collect()
    }

    #[track_caller]
    fn check(kernel: usize, len: usize, in_stride: isize) {
        let width = (len - 1) * in_stride as usize + kernel;
        // Exactly as many values as are read: one more would be found by Miri.
        let input: Vec<f32> = (0..width * kernel)
            .map(|at| ((at * 7919 % 1000) as f32 - 500.0) / 250.0)
            .collect();
        let taps: Vec<f32> = (0..kernel * kernel)
            .map(|at| ((at * 31 % 17) as f32 - 8.0) / 9.0)
            .collect();
        let offsets: Vec<isize> = (0..kernel * kernel)
            .map(|at| (at / kernel * width + at % kernel) as isize)
            .collect();
        let mut output = vec![f32::NAN; len + 1];
        // SAFETY: `input` has `kernel` rows of `width` values, `output` has `len` points and one
        // more that must stay.
        unsafe {
            run(
                input.as_ptr(),
                output.as_mut_ptr(),
                &taps,
                &offsets,
                0.25,
                len,
                in_stride,
            );
        }
        assert!(output[len].is_nan(), "a point behind the row was written");
        let expected = reference(&input, &taps, &offsets, 0.25, len, in_stride);
        for (met, expected) in output.iter().zip(expected) {
            assert!(
                (f64::from(*met) - expected).abs() < 1e-4,
                "{kernel} × {kernel}, {len} points, stride {in_stride}: {met} is not {expected}"
            );
        }
    }

    #[test]
    fn rows_of_every_length_are_as_in_f64() {
        for kernel in [1, 2, 3, 5, 7] {
            for len in (1..=40).chain([56, 112, 113]) {
                for in_stride in [1, 2, 3] {
                    check(kernel, len, in_stride);
                }
            }
        }
    }
}
