//! Some rows of one channel's output, and of each some vectors: what a depthwise convolution works on at a time.

use super::Activate;
use crate::lanes::F32x4;

/// Weights of a filter that lie side by side, and see values that do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Run {
    /// How many.
    pub(super) n: usize,
    /// Values of the channel from the end of this run to the beginning of the next.
    pub(super) skip: usize,
}

/// A channel with its filter: what all its tiles have in common.
pub(super) struct Channel<'a> {
    /// The filter, run by run.
    pub(super) runs: &'a [Run],
    /// The filter's weights in the order of its runs.
    pub(super) weights: &'a [f32],
    pub(super) bias: f32,
    /// Values of the channel from one row of windows to the next.
    pub(super) step: usize,
    /// Points of a row of the output.
    pub(super) columns: usize,
}

/// Makes a function for tiles of one size. Each sum is a variable of its own, and runs are loops: V8 then keeps the
/// sums in registers, and reads each weight once for all of them. Written out for filters of a known size, the same
/// took half as long again.
macro_rules! tile {
    (
        $(#[$doc:meta])*
        $name:ident<$n_rows:literal, $n_vectors:literal>($last:ident),
        columns: $($column:ident = $at:expr),+;
        $(row $row:ident to $out:ident: $($sum:ident at $of:ident),+;)+
    ) => {
        $(#[$doc])*
        ///
        /// Vectors begin four points after each other, the last one `last` points after the first: where a row
        /// ends with less than a vector, it overlaps the one before.
        ///
        /// # Safety
        /// The runs must be as long together as the weights. The windows of the tile's rows begin at `from` and every
        /// `channel.step` behind it: what the filter sees there of each point must be readable. From `to` on, and every
        /// `channel.columns` behind it, these points must be writable.
        #[inline(always)]
        pub(super) unsafe fn $name(
            channel: &Channel<'_>,
            from: *const f32,
            to: *mut f32,
            $last: usize,
            activation: impl Activate,
        ) {
            let bias = F32x4::splat(channel.bias);
            $($(let mut $sum = bias;)+)+
            let [$($column),+] = [$($at),+];
            let [$(mut $row),+]: [_; $n_rows] =
                std::array::from_fn(|row| from.wrapping_add(row * channel.step));
            let mut weights = channel.weights.as_ptr();
            for run in channel.runs {
                for _ in 0..run.n {
                    // SAFETY: the runs together are as long as the weights.
                    let weight = unsafe { F32x4::load_splat(weights) };
                    weights = weights.wrapping_add(1);
                    $(
                        // SAFETY: the caller guarantees what the filter sees.
                        unsafe { $($sum = $sum.madd(F32x4::load($row.add($of)), weight);)+ }
                        $row = $row.wrapping_add(1);
                    )+
                }
                $($row = $row.wrapping_add(run.skip);)+
            }
            let [$($out),+]: [_; $n_rows] =
                std::array::from_fn(|row| to.wrapping_add(row * channel.columns));
            // SAFETY: the caller guarantees that these points are writable.
            unsafe { $($(activation.vector($sum).store($out.add($of));)+)+ }
        }
    };
}

tile! {
    /// Two rows of four vectors.
    two_by_four<2, 4>(last),
    columns: a = 0, b = 4, c = 8, d = last;
    row first to upper: s00 at a, s01 at b, s02 at c, s03 at d;
    row second to lower: s10 at a, s11 at b, s12 at c, s13 at d;
}

tile! {
    /// Two rows of three vectors.
    two_by_three<2, 3>(last),
    columns: a = 0, b = 4, c = last;
    row first to upper: s00 at a, s01 at b, s02 at c;
    row second to lower: s10 at a, s11 at b, s12 at c;
}

tile! {
    /// Four rows of two vectors.
    four_by_two<4, 2>(last),
    columns: a = 0, b = last;
    row first to out1: s00 at a, s01 at b;
    row second to out2: s10 at a, s11 at b;
    row third to out3: s20 at a, s21 at b;
    row fourth to out4: s30 at a, s31 at b;
}

tile! {
    /// Four rows of one vector.
    four_by_one<4, 1>(last),
    columns: a = last;
    row first to out1: s0 at a;
    row second to out2: s1 at a;
    row third to out3: s2 at a;
    row fourth to out4: s3 at a;
}
