//! How much a picture may ask for.

use vitrine_protocol::PictureError;

/// Upper bounds that are checked before memory is taken.
///
/// The defaults are for a phone's browser tab, which the system ends at about 1 GB: 50 megapixels
/// are 150 MB as RGB, and the model needs room beside them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes of the file.
    pub max_bytes: u64,
    /// Most pixels: width times height.
    pub max_pixels: u64,
    /// Longest side in pixels.
    pub max_side: u32,
    /// Most bytes the decoded pixels may take in the file's own depth and channels.
    pub max_alloc: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            max_bytes: 50_000_000,
            max_pixels: 50_000_000,
            max_side: 16_384,
            max_alloc: 256 * 1024 * 1024,
        }
    }
}

impl Limits {
    /// Refuses empty files and those with too many bytes; may be asked before a file is read.
    ///
    /// # Errors
    /// [`PictureError::Empty`] and [`PictureError::TooManyBytes`].
    pub fn check_bytes(&self, n_bytes: u64) -> Result<(), PictureError> {
        if n_bytes == 0 {
            return Err(PictureError::Empty);
        }
        if n_bytes > self.max_bytes {
            return Err(PictureError::TooManyBytes {
                bytes: n_bytes,
                limit: self.max_bytes,
            });
        }
        Ok(())
    }

    /// Refuses sizes with too long a side, or whose pixels or decoded bytes are too many.
    ///
    /// A limit in bytes is told as the number of pixels that would fit it at this depth.
    pub(super) fn check_size(
        &self,
        width: u32,
        height: u32,
        bytes_per_pixel: u64,
    ) -> Result<(), PictureError> {
        let limit = self.max_pixels.min(self.max_alloc / bytes_per_pixel.max(1));
        if u64::from(width) * u64::from(height) > limit {
            return Err(PictureError::TooManyPixels {
                width,
                height,
                limit,
            });
        }
        if width.max(height) > self.max_side {
            return Err(PictureError::SideTooLong {
                width,
                height,
                limit: self.max_side,
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_size(size: (u32, u32), bytes_per_pixel: u64, limit_broken: Option<u64>) {
        let met = match Limits::default().check_size(size.0, size.1, bytes_per_pixel) {
            Ok(()) => None,
            Err(PictureError::TooManyPixels { limit, .. }) => Some(limit),
            Err(PictureError::SideTooLong { limit, .. }) => Some(u64::from(limit)),
            Err(other) => panic!("{other:?}"),
        };
        assert_eq!(met, limit_broken);
    }

    #[test]
    fn a_picture_within_every_limit_passes() {
        check_size((8000, 6250), 3, None);
        check_size((16_384, 1), 4, None);
    }

    #[test]
    fn the_limit_that_was_broken_is_named() {
        check_size((8000, 6251), 3, Some(50_000_000));
        check_size((16_385, 1), 3, Some(16_384));
        check_size((1, 20_000), 3, Some(16_384));
        check_size((7000, 7000), 8, Some(33_554_432));
        check_size((u32::MAX, u32::MAX), 8, Some(33_554_432));
    }

    #[test]
    fn bytes_are_counted_before_anything_is_read() {
        let limits = Limits {
            max_bytes: 3,
            ..Limits::default()
        };
        assert_eq!(limits.check_bytes(0), Err(PictureError::Empty));
        assert_eq!(limits.check_bytes(3), Ok(()));
        assert_eq!(
            limits.check_bytes(4),
            Err(PictureError::TooManyBytes { bytes: 4, limit: 3 })
        );
    }
}
