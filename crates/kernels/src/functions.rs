//! Functions that have no instruction, four lanes at a time.

use crate::lanes::F32x4;

/// `e^x`, for `x` up to 88; what is below -87 gives e⁻⁸⁷, which is 10⁻³⁸.
///
/// By `x = n · ln 2 + r` with whole `n`, and the polynomial for `e^r` of Cephes' `expf` (S. L. Moshier, 1992):
/// relative error below 2e-7.
#[inline(always)]
pub(crate) fn exp(x: F32x4) -> F32x4 {
    // ln 2 in two parts, of which the first has few digits: its products with `n` are exact.
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    const POLYNOMIAL: [f32; 6] = [
        1.987_569_1e-4,
        1.398_199_9e-3,
        8.333_452e-3,
        4.166_579_6e-2,
        1.666_666_5e-1,
        0.5,
    ];
    let x = x.pmax(F32x4::splat(-87.0)).pmin(F32x4::splat(88.0));
    let n = x.mul(F32x4::splat(std::f32::consts::LOG2_E)).nearest();
    let r = x
        .madd(n, F32x4::splat(-LN_2_HIGH))
        .madd(n, F32x4::splat(-LN_2_LOW));
    let mut sum = F32x4::splat(POLYNOMIAL[0]);
    for coefficient in &POLYNOMIAL[1..] {
        sum = F32x4::splat(*coefficient).madd(sum, r);
    }
    let sum = r.add(F32x4::splat(1.0)).madd(sum, r.mul(r));
    sum.mul(n.power_of_two())
}

/// The error function, within 1e-6.
///
/// By formula 7.1.28 of Abramowitz and Stegun's handbook, which has an error of 3e-7 itself:
/// `1 - 1 / (1 + a₁|x| + … + a₆|x|⁶)¹⁶`, with the sign of `x`.
#[inline(always)]
pub(crate) fn erf(x: F32x4) -> F32x4 {
    const POLYNOMIAL: [f32; 6] = [
        4.306_38e-5,
        2.765_672e-4,
        1.520_143e-4,
        9.270_527e-3,
        4.228_201e-2,
        7.052_308e-2,
    ];
    let one = F32x4::splat(1.0);
    let size = x.abs();
    let mut sum = F32x4::splat(POLYNOMIAL[0]);
    for coefficient in &POLYNOMIAL[1..] {
        sum = F32x4::splat(*coefficient).madd(sum, size);
    }
    let sum = one.madd(sum, size);
    let mut power = sum.mul(sum);
    for _ in 0..3 {
        power = power.mul(power);
    }
    one.sub(one.div(power)).with_sign_of(x)
}

/// `x · Φ(x)` with the normal distribution Φ (D. Hendrycks and K. Gimpel, "Gaussian Error Linear
/// Units", 2016).
#[inline(always)]
pub(crate) fn gelu(x: F32x4) -> F32x4 {
    let half = x.mul(F32x4::splat(0.5));
    half.madd(
        half,
        erf(x.mul(F32x4::splat(std::f32::consts::FRAC_1_SQRT_2))),
    )
}

/// Replaces every value by its [`gelu`].
pub fn gelu_in_place(values: &mut [f32]) {
    let (fours, rest) = values.as_chunks_mut::<4>();
    for four in fours {
        *four = gelu(F32x4::from_array(*four)).to_array();
    }
    for value in rest {
        *value = gelu(F32x4::splat(*value)).to_array()[0];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(function: impl Fn(F32x4) -> F32x4, x: f32) -> f32 {
        function(F32x4::splat(x)).to_array()[0]
    }

    #[test]
    fn powers_of_e_are_right_to_the_last_digits() {
        for step in -8700..=8800 {
            let x = step as f32 * 0.01;
            let (met, expected) = (f64::from(at(exp, x)), f64::from(x).exp());
            assert!(
                (met / expected - 1.0).abs() < 3e-7,
                "{x}: {met}, {expected}"
            );
        }
        assert!(at(exp, f32::NEG_INFINITY) < 1e-37);
        assert!(at(exp, -1000.0) < 1e-37);
    }

    /// Values from table 7.1 of Abramowitz and Stegun's handbook.
    const ERF: [(f32, f64); 8] = [
        (0.0, 0.0),
        (0.1, 0.112_462_916_0),
        (0.5, 0.520_499_877_8),
        (1.0, 0.842_700_792_9),
        (1.5, 0.966_105_146_5),
        (2.0, 0.995_322_265_0),
        (3.0, 0.999_977_909_5),
        (10.0, 1.0),
    ];

    #[test]
    fn the_error_function_has_the_values_of_its_table() {
        for (x, expected) in ERF {
            for (x, expected) in [(x, expected), (-x, -expected)] {
                let met = f64::from(at(erf, x));
                assert!((met - expected).abs() < 1e-6, "{x}: {met}, {expected}");
            }
        }
        assert_eq!(at(erf, 1e20), 1.0, "powers that overflow");
    }

    #[test]
    fn gelu_is_the_value_times_its_share_below() {
        for (x, erf) in ERF {
            let x = f64::from(x) * std::f64::consts::SQRT_2;
            let (above, below) = (0.5 * x * (1.0 + erf), -0.5 * x * (1.0 - erf));
            assert!((f64::from(at(gelu, x as f32)) - above).abs() < 1e-5);
            assert!((f64::from(at(gelu, -x as f32)) - below).abs() < 1e-5);
        }
        assert_eq!(at(gelu, -1e10), -0.0);
    }
}
