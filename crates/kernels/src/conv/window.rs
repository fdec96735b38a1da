//! Where the windows of a convolution lie.

use crate::lanes::{F32x4, LANES};

/// Zeros that stand around the input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Padding {
    /// Rows above.
    pub top: usize,
    /// Rows below.
    pub bottom: usize,
    /// Columns to the left.
    pub left: usize,
    /// Columns to the right.
    pub right: usize,
}

impl Padding {
    /// Whether nothing stands around the input.
    pub fn is_none(&self) -> bool {
        *self == Padding::default()
    }
}

/// The windows that a convolution without dilation looks through; sizes are `[rows, columns]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    /// Size of one channel of the input.
    pub input: [usize; 2],
    /// Size of the window.
    pub kernel: [usize; 2],
    /// Steps from one window to the next; columns 1 or 2.
    pub stride: [usize; 2],
    /// Zeros around the input.
    pub padding: Padding,
}

/// Values that may be read behind the last one of a padded channel: a vector of points at stride 2
/// begins at the last column.
pub(super) const SLACK: usize = 32;

impl Window {
    /// Size of one channel with its padding.
    pub(super) fn padded(&self) -> [usize; 2] {
        let Padding {
            top,
            bottom,
            left,
            right,
        } = self.padding;
        [self.input[0] + top + bottom, self.input[1] + left + right]
    }

    /// Size of one channel of the output. Zero where the window does not fit into the input.
    pub fn output(&self) -> [usize; 2] {
        let padded = self.padded();
        std::array::from_fn(|axis| match padded[axis].checked_sub(self.kernel[axis]) {
            Some(room) => room / self.stride[axis] + 1,
            None => 0,
        })
    }

    /// Whether each point of the output sees the same point of the input and no other.
    pub fn is_pointwise(&self) -> bool {
        self.kernel == [1, 1] && self.stride == [1, 1] && self.padding.is_none()
    }

    /// Copies one channel of the input between its zeros. `to` holds a padded channel, whose zeros are
    /// there already.
    pub(super) fn pad(&self, channel: &[f32], to: &mut [f32]) {
        let across = self.padded()[1];
        let rows = to.chunks_exact_mut(across).skip(self.padding.top);
        for (from, to) in channel.chunks_exact(self.input[1]).zip(rows) {
            copy(from, &mut to[self.padding.left..]);
        }
    }

    /// As [`pad`](Window::pad), with the columns of each row sorted: first those at even places, then those at odd
    /// ones, from the middle of the row on. A row is made even for that: [`sorted_width`](Window::sorted_width).
    pub(super) fn pad_sorted(&self, channel: &[f32], to: &mut [f32]) {
        let across = self.sorted_width();
        let left = self.padding.left;
        let rows = to.chunks_exact_mut(across).skip(self.padding.top);
        for (from, to) in channel.chunks_exact(self.input[1]).zip(rows) {
            let (evens, odds) = to.split_at_mut(across / 2);
            match left % 2 {
                0 => split(from, &mut evens[left / 2..], &mut odds[left / 2..]),
                _ => split(from, &mut odds[left / 2..], &mut evens[left / 2 + 1..]),
            }
        }
    }

    /// Values of a padded row that is sorted.
    pub(super) fn sorted_width(&self) -> usize {
        self.padded()[1].next_multiple_of(2)
    }

    /// Where each value of a window lies in a padded channel, from the window's first on.
    pub(super) fn offsets(&self) -> impl Iterator<Item = usize> {
        let across = self.padded()[1];
        let [rows, columns] = self.kernel;
        (0..rows).flat_map(move |row| (0..columns).map(move |column| row * across + column))
    }
}

/// Copies a row to the beginning of another. Rows are short, and WebAssembly's own copying of memory is
/// a call, which takes as long as 30 values take here.
fn copy(from: &[f32], to: &mut [f32]) {
    let to = &mut to[..from.len()];
    let last = match from.len().checked_sub(LANES) {
        Some(last) => last,
        None => {
            for (to, from) in to.iter_mut().zip(from) {
                *to = *from;
            }
            return;
        }
    };
    // What does not fill a vector is copied with some that was copied before.
    for at in (0..last).step_by(LANES).chain([last]) {
        // SAFETY: both rows have `LANES` values from `last` on, and more from an earlier place.
        unsafe { F32x4::load(from.as_ptr().add(at)).store(to.as_mut_ptr().add(at)) };
    }
}

/// Copies values at even places to the beginning of `evens`, those at odd ones to that of `odds`.
fn split(from: &[f32], evens: &mut [f32], odds: &mut [f32]) {
    let n = from.len();
    let (evens, odds) = (&mut evens[..n.div_ceil(2)], &mut odds[..n / 2]);
    let n_whole = n - n % (2 * LANES);
    for at in (0..n_whole).step_by(2 * LANES) {
        // SAFETY: two vectors begin at `at` inside `from`, and as half as many values are in each of the
        // others, one vector at half the place.
        unsafe {
            let first = F32x4::load(from.as_ptr().add(at));
            let [even, odd] = first.split(F32x4::load(from.as_ptr().add(at + LANES)));
            even.store(evens.as_mut_ptr().add(at / 2));
            odd.store(odds.as_mut_ptr().add(at / 2));
        }
    }
    for (at, value) in from.iter().enumerate().skip(n_whole) {
        match at % 2 {
            0 => evens[at / 2] = *value,
            _ => odds[at / 2] = *value,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_copied_between_their_zeros_and_sorted() {
        for columns in 1..=21 {
            for left in 0..=3 {
                let window = Window {
                    input: [2, columns],
                    kernel: [1, 1],
                    stride: [1, 2],
                    padding: Padding {
                        top: 1,
                        bottom: 1,
                        left,
                        right: 1,
                    },
                };
                let channel: Vec<f32> = (1..=2 * columns).map(|value| value as f32).collect();
                let [height, width] = window.padded();
                let mut padded = vec![0.0; height * width];
                window.pad(&channel, &mut padded);
                let across = window.sorted_width();
                let mut sorted = vec![0.0; height * across];
                window.pad_sorted(&channel, &mut sorted);
                for row in 0..height {
                    for column in 0..width {
                        let inside = (row.checked_sub(1).filter(|row| *row < 2))
                            .zip(column.checked_sub(left).filter(|at| *at < columns));
                        let expected = inside.map_or(0.0, |(row, at)| channel[row * columns + at]);
                        let place = column % 2 * (across / 2) + column / 2;
                        let case = format!("{columns} columns, {left} to the left");
                        assert_eq!(padded[row * width + column], expected, "{case}");
                        assert_eq!(sorted[row * across + place], expected, "{case}, sorted");
                    }
                }
            }
        }
    }

    #[test]
    fn outputs_are_as_large_as_windows_fit() {
        let window = |input, kernel, stride, (top, bottom)| Window {
            input: [input; 2],
            kernel: [kernel; 2],
            stride: [stride; 2],
            padding: Padding {
                top,
                bottom,
                left: top,
                right: bottom,
            },
        };
        assert_eq!(window(224, 3, 2, (0, 1)).output(), [112, 112]);
        assert_eq!(window(28, 5, 1, (2, 2)).output(), [28, 28]);
        assert_eq!(window(56, 5, 2, (1, 2)).output(), [28, 28]);
        assert_eq!(window(2, 3, 1, (0, 0)).output(), [0, 0]);
    }
}
