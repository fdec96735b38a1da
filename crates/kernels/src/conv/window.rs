//! Where the windows of a convolution lie.

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
        let [height, width] = self.input;
        let across = self.padded()[1];
        for row in 0..height {
            let at = (row + self.padding.top) * across + self.padding.left;
            to[at..at + width].copy_from_slice(&channel[row * width..(row + 1) * width]);
        }
    }

    /// Where each value of a window lies in a padded channel, from the window's first on.
    pub(super) fn offsets(&self) -> impl Iterator<Item = usize> {
        let across = self.padded()[1];
        let [rows, columns] = self.kernel;
        (0..rows).flat_map(move |row| (0..columns).map(move |column| row * across + column))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
