//! Maps of which each channel is weighted, with what is added to them, in one pass over memory.

use crate::pool::{Shared, n_parts, part_of, share};

/// A value that is read, changed and stored takes as long as so many multiplications of a matrix product, whose values
/// are in the nearest cache.
const PRODUCTS_PER_VALUE: usize = 8;

/// Multiplies the values of each channel by its weight, and adds those of `other`, if there is one: as in
/// squeeze-and-excitation (J. Hu et al., "Squeeze-and-Excitation Networks", 2018). `values` and `other` lie channel by
/// channel, all of the same size.
///
/// # Panics
/// Where lengths do not fit.
pub fn gate(values: &mut [f32], weights: &[f32], other: Option<&[f32]>) {
    let area = values.len().checked_div(weights.len()).unwrap_or_default();
    assert_eq!(values.len(), area * weights.len(), "channels of one size");
    assert!(
        other.is_none_or(|other| other.len() == values.len()),
        "as many values are added"
    );
    let n_parts = n_parts(weights.len(), values.len() * PRODUCTS_PER_VALUE);
    let values = Shared::new(values);
    share(n_parts, &|part| {
        for channel in part_of(weights.len(), part, n_parts) {
            let weight = weights[channel];
            // SAFETY: no other part has this channel.
            let values = unsafe { values.slice_mut(channel * area, area) };
            match other {
                None => values.iter_mut().for_each(|value| *value *= weight),
                Some(other) => {
                    let other = &other[channel * area..][..area];
                    for (value, added) in values.iter_mut().zip(other) {
                        *value = *value * weight + added;
                    }
                }
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_channel_has_its_weight() {
        let mut values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        gate(&mut values, &[2.0, 0.0, -1.0], None);
        assert_eq!(values, [2.0, 4.0, 0.0, 0.0, -5.0, -6.0]);
        gate(&mut values, &[0.5, 1.0, 1.0], Some(&[1.0; 6]));
        assert_eq!(values, [2.0, 3.0, 1.0, 1.0, -4.0, -5.0]);
        gate(&mut [], &[], None);
    }

    #[test]
    #[should_panic(expected = "channels of one size")]
    fn channels_of_different_sizes_are_a_mistake() {
        gate(&mut [1.0; 5], &[1.0; 2], None);
    }
}
