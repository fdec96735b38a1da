//! Four f32 lanes: the wasm vector type there, an array elsewhere, with the same meaning.

/// Values in a vector.
pub(crate) const LANES: usize = 4;

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub(crate) use wasm::F32x4;

#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
pub(crate) use portable::F32x4;

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod wasm {
    use std::arch::wasm32::*;

    /// Four f32 lanes in one v128.
    #[derive(Clone, Copy)]
    pub(crate) struct F32x4(v128);

    impl F32x4 {
        #[inline(always)]
        pub(crate) fn splat(value: f32) -> F32x4 {
            F32x4(f32x4_splat(value))
        }

        /// Reads one value into all lanes.
        ///
        /// # Safety
        /// `from` must be readable for one f32.
        #[inline(always)]
        pub(crate) unsafe fn load_splat(from: *const f32) -> F32x4 {
            // SAFETY: the caller guarantees one readable f32; the instruction needs no alignment.
            // One load that broadcasts saves the shuffle port that a load and a shuffle would take.
            F32x4(unsafe { v128_load32_splat(from.cast()) })
        }

        /// # Safety
        /// `from` must be readable for four f32.
        #[inline(always)]
        pub(crate) unsafe fn load(from: *const f32) -> F32x4 {
            // SAFETY: the caller guarantees four readable f32; the instruction needs no alignment.
            F32x4(unsafe { v128_load(from.cast()) })
        }

        /// Reads four int8.
        ///
        /// # Safety
        /// `from` must be readable for four bytes.
        #[inline(always)]
        pub(crate) unsafe fn load_i8(from: *const i8) -> F32x4 {
            // SAFETY: the caller guarantees four readable bytes; the instruction needs no alignment.
            let bytes = unsafe { v128_load32_zero(from.cast()) };
            let wide = i32x4_extend_low_i16x8(i16x8_extend_low_i8x16(bytes));
            F32x4(f32x4_convert_i32x4(wide))
        }

        /// # Safety
        /// `to` must be writable for four f32.
        #[inline(always)]
        pub(crate) unsafe fn store(self, to: *mut f32) {
            // SAFETY: the caller guarantees four writable f32; the instruction needs no alignment.
            unsafe { v128_store(to.cast(), self.0) }
        }

        #[inline(always)]
        pub(crate) fn to_array(self) -> [f32; 4] {
            [
                f32x4_extract_lane::<0>(self.0),
                f32x4_extract_lane::<1>(self.0),
                f32x4_extract_lane::<2>(self.0),
                f32x4_extract_lane::<3>(self.0),
            ]
        }

        #[inline(always)]
        pub(crate) fn from_array(lanes: [f32; 4]) -> F32x4 {
            F32x4(f32x4(lanes[0], lanes[1], lanes[2], lanes[3]))
        }

        #[inline(always)]
        pub(crate) fn add(self, other: F32x4) -> F32x4 {
            F32x4(f32x4_add(self.0, other.0))
        }

        #[inline(always)]
        pub(crate) fn sub(self, other: F32x4) -> F32x4 {
            F32x4(f32x4_sub(self.0, other.0))
        }

        #[inline(always)]
        pub(crate) fn mul(self, other: F32x4) -> F32x4 {
            F32x4(f32x4_mul(self.0, other.0))
        }

        #[inline(always)]
        pub(crate) fn div(self, other: F32x4) -> F32x4 {
            F32x4(f32x4_div(self.0, other.0))
        }

        #[inline(always)]
        pub(crate) fn abs(self) -> F32x4 {
            F32x4(f32x4_abs(self.0))
        }

        /// The magnitude of `self` with the sign of `other`.
        #[inline(always)]
        pub(crate) fn with_sign_of(self, other: F32x4) -> F32x4 {
            F32x4(v128_bitselect(other.0, self.0, f32x4_splat(-0.0)))
        }

        /// The nearest whole number, ties to even.
        #[inline(always)]
        pub(crate) fn nearest(self) -> F32x4 {
            F32x4(f32x4_nearest(self.0))
        }

        /// Two to the power of whole numbers from -126 to 127.
        #[inline(always)]
        pub(crate) fn power_of_two(self) -> F32x4 {
            let exponent = i32x4_add(i32x4_trunc_sat_f32x4(self.0), i32x4_splat(127));
            F32x4(i32x4_shl(exponent, 23))
        }

        /// `self + a * b`, rounded once where the machine has a fused multiply-add.
        #[cfg(target_feature = "relaxed-simd")]
        #[inline(always)]
        pub(crate) fn madd(self, a: F32x4, b: F32x4) -> F32x4 {
            F32x4(f32x4_relaxed_madd(a.0, b.0, self.0))
        }

        /// `self + a * b`.
        #[cfg(not(target_feature = "relaxed-simd"))]
        #[inline(always)]
        pub(crate) fn madd(self, a: F32x4, b: F32x4) -> F32x4 {
            F32x4(f32x4_add(self.0, f32x4_mul(a.0, b.0)))
        }

        /// The smaller lane, `self` where they do not compare. One instruction on x86, where the
        /// NaN-exact minimum takes several.
        #[inline(always)]
        pub(crate) fn pmin(self, other: F32x4) -> F32x4 {
            F32x4(f32x4_pmin(self.0, other.0))
        }

        /// The larger lane, `self` where they do not compare.
        #[inline(always)]
        pub(crate) fn pmax(self, other: F32x4) -> F32x4 {
            F32x4(f32x4_pmax(self.0, other.0))
        }

        /// `self` where it is positive, `slope * self` elsewhere.
        #[inline(always)]
        pub(crate) fn leaky_relu(self, slope: F32x4) -> F32x4 {
            let positive = f32x4_gt(self.0, f32x4_splat(0.0));
            F32x4(v128_bitselect(self.0, f32x4_mul(slope.0, self.0), positive))
        }

        /// Lanes 0 and 2 of `self`, then 1 and 3 of `other`.
        #[inline(always)]
        pub(crate) fn even_with_odd(self, other: F32x4) -> F32x4 {
            F32x4(i32x4_shuffle::<0, 2, 5, 7>(self.0, other.0))
        }

        /// Of the eight values of `self` and `other`, those at even places and those at odd ones.
        #[inline(always)]
        pub(crate) fn split(self, other: F32x4) -> [F32x4; 2] {
            [
                F32x4(i32x4_shuffle::<0, 2, 4, 6>(self.0, other.0)),
                F32x4(i32x4_shuffle::<1, 3, 5, 7>(self.0, other.0)),
            ]
        }

        /// The transpose of four rows.
        #[inline(always)]
        pub(crate) fn transpose([a, b, c, d]: [F32x4; 4]) -> [F32x4; 4] {
            let ab_low = i32x4_shuffle::<0, 4, 1, 5>(a.0, b.0);
            let ab_high = i32x4_shuffle::<2, 6, 3, 7>(a.0, b.0);
            let cd_low = i32x4_shuffle::<0, 4, 1, 5>(c.0, d.0);
            let cd_high = i32x4_shuffle::<2, 6, 3, 7>(c.0, d.0);
            [
                F32x4(i64x2_shuffle::<0, 2>(ab_low, cd_low)),
                F32x4(i64x2_shuffle::<1, 3>(ab_low, cd_low)),
                F32x4(i64x2_shuffle::<0, 2>(ab_high, cd_high)),
                F32x4(i64x2_shuffle::<1, 3>(ab_high, cd_high)),
            ]
        }
    }
}

#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
mod portable {
    /// Four f32 lanes in an array.
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub(crate) struct F32x4([f32; 4]);

    impl F32x4 {
        pub(crate) fn splat(value: f32) -> F32x4 {
            F32x4([value; 4])
        }

        /// # Safety
        /// `from` must be readable for one f32.
        pub(crate) unsafe fn load_splat(from: *const f32) -> F32x4 {
            // SAFETY: the caller guarantees one readable f32.
            F32x4::splat(unsafe { from.read_unaligned() })
        }

        /// # Safety
        /// `from` must be readable for four f32.
        pub(crate) unsafe fn load(from: *const f32) -> F32x4 {
            // SAFETY: the caller guarantees four readable f32.
            F32x4(unsafe { from.cast::<[f32; 4]>().read_unaligned() })
        }

        /// Reads four int8.
        ///
        /// # Safety
        /// `from` must be readable for four bytes.
        pub(crate) unsafe fn load_i8(from: *const i8) -> F32x4 {
            // SAFETY: the caller guarantees four readable bytes.
            let bytes = unsafe { from.cast::<[i8; 4]>().read_unaligned() };
            F32x4(bytes.map(f32::from))
        }

        /// # Safety
        /// `to` must be writable for four f32.
        pub(crate) unsafe fn store(self, to: *mut f32) {
            // SAFETY: the caller guarantees four writable f32.
            unsafe { to.cast::<[f32; 4]>().write_unaligned(self.0) }
        }

        pub(crate) fn to_array(self) -> [f32; 4] {
            self.0
        }

        pub(crate) fn from_array(lanes: [f32; 4]) -> F32x4 {
            F32x4(lanes)
        }

        fn zip(self, other: F32x4, op: impl Fn(f32, f32) -> f32) -> F32x4 {
            F32x4(std::array::from_fn(|lane| op(self.0[lane], other.0[lane])))
        }

        pub(crate) fn add(self, other: F32x4) -> F32x4 {
            self.zip(other, |a, b| a + b)
        }

        pub(crate) fn sub(self, other: F32x4) -> F32x4 {
            self.zip(other, |a, b| a - b)
        }

        pub(crate) fn mul(self, other: F32x4) -> F32x4 {
            self.zip(other, |a, b| a * b)
        }

        pub(crate) fn div(self, other: F32x4) -> F32x4 {
            self.zip(other, |a, b| a / b)
        }

        pub(crate) fn abs(self) -> F32x4 {
            F32x4(self.0.map(f32::abs))
        }

        pub(crate) fn with_sign_of(self, other: F32x4) -> F32x4 {
            self.zip(other, f32::copysign)
        }

        pub(crate) fn nearest(self) -> F32x4 {
            F32x4(self.0.map(f32::round_ties_even))
        }

        pub(crate) fn power_of_two(self) -> F32x4 {
            F32x4(
                self.0
                    .map(|lane| f32::from_bits(((lane as i32 + 127) as u32) << 23)),
            )
        }

        pub(crate) fn madd(self, a: F32x4, b: F32x4) -> F32x4 {
            self.add(a.mul(b))
        }

        pub(crate) fn pmin(self, other: F32x4) -> F32x4 {
            self.zip(other, |a, b| if b < a { b } else { a })
        }

        pub(crate) fn pmax(self, other: F32x4) -> F32x4 {
            self.zip(other, |a, b| if a < b { b } else { a })
        }

        pub(crate) fn leaky_relu(self, slope: F32x4) -> F32x4 {
            self.zip(slope, |a, slope| if a > 0.0 { a } else { slope * a })
        }

        pub(crate) fn even_with_odd(self, other: F32x4) -> F32x4 {
            F32x4([self.0[0], self.0[2], other.0[1], other.0[3]])
        }

        pub(crate) fn split(self, other: F32x4) -> [F32x4; 2] {
            let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
            [F32x4([a, c, e, g]), F32x4([b, d, f, h])]
        }

        pub(crate) fn transpose(rows: [F32x4; 4]) -> [F32x4; 4] {
            std::array::from_fn(|column| F32x4(std::array::from_fn(|row| rows[row].0[column])))
        }
    }
}
