//! How messages cross between page and worker, and how results are kept: as postcard's bytes.
//!
//! The format has no names of fields, so both ends must be of one build, as page and worker are. What
//! is kept for later carries a mark of its form beside it (`src/history.rs`).

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The bytes are not of the type that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable(String);

impl fmt::Display for Unreadable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the bytes are of another build: {}", self.0)
    }
}

impl std::error::Error for Unreadable {}

/// A value as bytes.
pub fn pack(value: &impl Serialize) -> Vec<u8> {
    // Writing to memory fails for sequences of unknown length alone, and no type here has one.
    postcard::to_allocvec(value).unwrap_or_default()
}

/// The value in these bytes, all of which must belong to it.
///
/// # Errors
/// When the bytes are not of this type, or some are left over.
pub fn unpack<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Unreadable> {
    let (value, rest) =
        postcard::take_from_bytes(bytes).map_err(|error| Unreadable(error.to_string()))?;
    match rest.len() {
        0 => Ok(value),
        n => Err(Unreadable(format!("{n} bytes are left over"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_comes_back() {
        let value = (7_u32, Some("Größe".to_owned()), vec![0.5_f32]);
        assert_eq!(unpack(&pack(&value)), Ok(value));
    }

    #[test]
    fn bytes_that_are_cut_or_too_many_are_refused() {
        let mut bytes = pack(&"a label".to_owned());
        assert!(unpack::<String>(&bytes[..4]).is_err());
        bytes.push(0);
        assert!(unpack::<String>(&bytes).is_err());
    }
}
