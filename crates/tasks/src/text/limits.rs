//! How much a text or a table may ask for.

use vitrine_protocol::TextError;

/// Upper bounds that are checked before memory is taken.
///
/// The defaults are for a phone's browser tab, which the system ends at about 1 GB. A table is kept
/// as its text and four bytes per row, beside the copy that the file's bytes arrive in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes of a file that is one text.
    pub max_text_bytes: u64,
    /// Most bytes of a file that is a table.
    pub max_table_bytes: u64,
    /// Most rows of a table.
    pub max_rows: usize,
    /// Most columns of a table.
    pub max_columns: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            max_text_bytes: 20_000_000,
            max_table_bytes: 100_000_000,
            max_rows: 1_000_000,
            max_columns: 1_000,
        }
    }
}

impl Limits {
    /// Refuses files that are empty or too large for one text; may be asked before one is read.
    ///
    /// # Errors
    /// [`TextError::Empty`] and [`TextError::TooManyBytes`].
    pub fn check_text_bytes(&self, n_bytes: u64) -> Result<(), TextError> {
        check_bytes(n_bytes, self.max_text_bytes)
    }

    /// Refuses files that are empty or too large for a table; may be asked before one is read.
    ///
    /// # Errors
    /// [`TextError::Empty`] and [`TextError::TooManyBytes`].
    pub fn check_table_bytes(&self, n_bytes: u64) -> Result<(), TextError> {
        check_bytes(n_bytes, self.max_table_bytes)
    }
}

fn check_bytes(bytes: u64, limit: u64) -> Result<(), TextError> {
    match bytes {
        0 => Err(TextError::Empty),
        _ if bytes > limit => Err(TextError::TooManyBytes { bytes, limit }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_counted_before_anything_is_read() {
        let limits = Limits {
            max_text_bytes: 3,
            max_table_bytes: 4,
            ..Limits::default()
        };
        let too_many = |bytes, limit| Err(TextError::TooManyBytes { bytes, limit });
        assert_eq!(limits.check_text_bytes(0), Err(TextError::Empty));
        assert_eq!(limits.check_text_bytes(3), Ok(()));
        assert_eq!(limits.check_text_bytes(4), too_many(4, 3));
        assert_eq!(limits.check_table_bytes(4), Ok(()));
        assert_eq!(limits.check_table_bytes(5), too_many(5, 4));
    }
}
