//! Weights in fewer bytes: plain arithmetic on values.

use half::f16;

/// Largest magnitude of a stored int8 value; -128 is left out so that the range is symmetric.
const INT8_MAX: f32 = 127.0;

/// Weights as int8 with one scale per channel: a value is `stored × scale`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Int8 {
    /// One signed byte per value, in the order of the values.
    pub(crate) stored: Vec<u8>,
    /// One scale per channel, each above 0.
    pub(crate) scales: Vec<f32>,
}

/// The nearest f16 of every value, as little-endian bytes; `None` if one is outside f16's range.
pub(crate) fn to_f16(values: &[f32]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(values.len() * 2);
    for value in values {
        let rounded = f16::from_f32(*value);
        if !rounded.is_finite() {
            return None;
        }
        bytes.extend_from_slice(&rounded.to_le_bytes());
    }
    Some(bytes)
}

/// Rounds values of `shape` to int8 with one scale per index of `axis`, so that the largest
/// magnitude of each channel is stored as 127; `None` if a value is not finite.
pub(crate) fn to_int8(values: &[f32], shape: &[usize], axis: usize) -> Option<Int8> {
    let channels = shape[axis];
    let inner: usize = shape[axis + 1..].iter().product();
    let channel_of = |at: usize| at / inner % channels;
    let mut largest = vec![0.0_f32; channels];
    for (at, value) in values.iter().enumerate() {
        if !value.is_finite() {
            return None;
        }
        let largest = &mut largest[channel_of(at)];
        *largest = largest.max(value.abs());
    }
    let scales: Vec<f32> = largest
        .into_iter()
        .map(|largest| match largest / INT8_MAX {
            // A channel of zeros, or of numbers so small that their scale is not normal.
            scale if scale < f32::MIN_POSITIVE => f32::MIN_POSITIVE,
            scale => scale,
        })
        .collect();
    let stored = values
        .iter()
        .enumerate()
        .map(|(at, value)| {
            let rounded = (value / scales[channel_of(at)]).round();
            rounded.clamp(-INT8_MAX, INT8_MAX) as i8 as u8
        })
        .collect();
    Some(Int8 { stored, scales })
}

/// The values that were stored: `stored × scale`, with one scale per index of `axis`, or one for
/// all.
pub(crate) fn from_int8(
    stored: impl Iterator<Item = i8>,
    shape: &[usize],
    axis: usize,
    scales: &[f32],
) -> Vec<f32> {
    let inner: usize = shape[(axis + 1).min(shape.len())..].iter().product();
    stored
        .enumerate()
        .map(|(at, stored)| f32::from(stored) * scales[at / inner % scales.len()])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_int8(values: &[f32], shape: &[usize], axis: usize, stored: &[i8], scales: &[f32]) {
        let int8 = to_int8(values, shape, axis).unwrap();
        let met: Vec<i8> = int8.stored.iter().map(|byte| *byte as i8).collect();
        assert_eq!((met.as_slice(), int8.scales.as_slice()), (stored, scales));
    }

    #[test]
    fn each_channel_has_the_scale_of_its_largest_value() {
        let values = [127.0, -63.4, 25.4, 12.8];
        check_int8(&values, &[2, 2], 0, &[127, -63, 127, 64], &[1.0, 0.2]);
        check_int8(
            &values,
            &[2, 2],
            1,
            &[127, -127, 25, 26],
            &[1.0, 63.4 / 127.0],
        );
    }

    #[test]
    fn channels_of_an_inner_axis_interleave() {
        let values = [1.0, 2.0, 10.0, 20.0, 3.0, 4.0, 30.0, 40.0].map(|value| value * 127.0);
        let int8 = to_int8(&values, &[2, 2, 2], 1).unwrap();
        assert_eq!(int8.scales, [4.0, 40.0]);
        let back = from_int8(
            int8.stored.iter().map(|byte| *byte as i8),
            &[2, 2, 2],
            1,
            &int8.scales,
        );
        for (back, value) in back.iter().zip(values) {
            assert!((back - value).abs() <= 20.0, "{back} for {value}");
        }
    }

    #[test]
    fn a_channel_of_zeros_stays_zero() {
        let int8 = to_int8(&[0.0, 0.0, 1.0, 0.5], &[2, 2], 0).unwrap();
        let back = from_int8(
            int8.stored.iter().map(|byte| *byte as i8),
            &[2, 2],
            0,
            &int8.scales,
        );
        assert_eq!(back[..2], [0.0, 0.0]);
    }

    #[test]
    fn what_has_no_narrow_form_is_refused() {
        assert_eq!(to_f16(&[1.0, 70_000.0]), None);
        assert_eq!(to_int8(&[1.0, f32::NAN], &[1, 2], 0), None);
    }
}
