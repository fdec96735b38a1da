//! Hard swish with an affine map before and after it, in one pass over memory.

use crate::lanes::{F32x4, LANES};

/// `scale · u · clamp(u + 3, 0, 6) + offset` with `u = inner_scale · x + inner_offset`.
///
/// With `scale` 1/6 and neither map this is hard swish (A. Howard et al., "Searching for
/// MobileNetV3", 2019); PP-LCNetV3 puts a learnt scale and offset before and behind it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HardSwish {
    /// Factor of the input.
    pub inner_scale: f32,
    /// Added to the scaled input.
    pub inner_offset: f32,
    /// Factor of `u · clamp(u + 3, 0, 6)`.
    pub scale: f32,
    /// Added at the end.
    pub offset: f32,
}

/// Vectors that are worked on at a time, each a chain of its own.
const VECTORS: usize = 4;

impl HardSwish {
    /// Replaces every value by its image.
    pub fn apply(&self, values: &mut [f32]) {
        let (blocks, rest) = values.as_chunks_mut::<{ VECTORS * LANES }>();
        for block in blocks {
            let (vectors, _) = block.as_chunks_mut::<LANES>();
            for vector in vectors {
                *vector = self.vector(*vector);
            }
        }
        let (vectors, rest) = rest.as_chunks_mut::<LANES>();
        for vector in vectors {
            *vector = self.vector(*vector);
        }
        let mut last = [0.0; LANES];
        last[..rest.len()].copy_from_slice(rest);
        rest.copy_from_slice(&self.vector(last)[..rest.len()]);
    }

    #[inline(always)]
    fn vector(&self, x: [f32; LANES]) -> [f32; LANES] {
        let u = F32x4::splat(self.inner_offset)
            .madd(F32x4::from_array(x), F32x4::splat(self.inner_scale));
        let gate = u
            .add(F32x4::splat(3.0))
            .pmax(F32x4::splat(0.0))
            .pmin(F32x4::splat(6.0));
        F32x4::splat(self.offset)
            .madd(u.mul(gate), F32x4::splat(self.scale))
            .to_array()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(swish: HardSwish, n: usize) {
        let mut values: Vec<f32> = (0..n).map(|at| at as f32 * 0.37 - 5.0).collect();
        let expected: Vec<f64> = values
            .iter()
            .map(|x| {
                let u =
                    f64::from(swish.inner_scale) * f64::from(*x) + f64::from(swish.inner_offset);
                f64::from(swish.scale) * u * (u + 3.0).clamp(0.0, 6.0) + f64::from(swish.offset)
            })
            .collect();
        swish.apply(&mut values);
        for (met, expected) in values.iter().zip(expected) {
            assert!(
                (f64::from(*met) - expected).abs() < 1e-4,
                "{met}, {expected}"
            );
        }
    }

    #[test]
    fn every_length_is_as_in_f64() {
        let plain = HardSwish {
            inner_scale: 1.0,
            inner_offset: 0.0,
            scale: 1.0 / 6.0,
            offset: 0.0,
        };
        let learnt = HardSwish {
            inner_scale: 1.4,
            inner_offset: -0.5,
            scale: 0.03,
            offset: 0.2,
        };
        for n in 0..40 {
            check(plain, n);
            check(learnt, n);
        }
    }

    #[test]
    fn what_is_no_number_stays_none() {
        let swish = HardSwish {
            inner_scale: 1.0,
            inner_offset: 0.0,
            scale: 1.0,
            offset: 0.0,
        };
        let mut values = [f32::NAN, 1.0];
        swish.apply(&mut values);
        assert!(values[0].is_nan());
        assert_eq!(values[1], 4.0);
    }
}
