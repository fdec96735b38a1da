//! Protobuf on the level of fields, so that what is not understood is copied as it is.

use prost::bytes::Buf as _;
use prost::encoding::{WireType, decode_key, decode_varint, encode_key, encode_varint};

use crate::OnnxError;

/// One field of a message, as it stands in the file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field<'a> {
    /// Field number.
    pub(crate) tag: u32,
    /// Key, length and content: what is written to copy the field.
    pub(crate) whole: &'a [u8],
    /// Content of a message, text or bytes; empty for numbers.
    pub(crate) content: &'a [u8],
}

/// The fields of a message in the order of the file.
///
/// # Errors
/// [`OnnxError::Decode`] and [`OnnxError::Field`] for bytes that are no protobuf message.
pub(crate) fn fields(mut message: &[u8]) -> Result<Vec<Field<'_>>, OnnxError> {
    let mut fields = Vec::new();
    while !message.is_empty() {
        let start = message;
        let (tag, wire_type) = decode_key(&mut message)?;
        let length = match wire_type {
            WireType::Varint => {
                decode_varint(&mut message)?;
                0
            }
            WireType::ThirtyTwoBit => 4,
            WireType::SixtyFourBit => 8,
            WireType::LengthDelimited => {
                usize::try_from(decode_varint(&mut message)?).map_err(|_| OnnxError::Field {
                    tag,
                    problem: "is too long",
                })?
            }
            WireType::StartGroup | WireType::EndGroup => {
                return Err(OnnxError::Field {
                    tag,
                    problem: "is a group",
                });
            }
        };
        if length > message.len() {
            return Err(OnnxError::Field {
                tag,
                problem: "ends after the file",
            });
        }
        let content = match wire_type {
            WireType::LengthDelimited => &message[..length],
            _ => &[],
        };
        message.advance(length);
        fields.push(Field {
            tag,
            whole: &start[..start.len() - message.len()],
            content,
        });
    }
    Ok(fields)
}

/// Writes a field that holds a message, a text or bytes.
pub(crate) fn put(tag: u32, content: &[u8], into: &mut Vec<u8>) {
    encode_key(tag, WireType::LengthDelimited, into);
    encode_varint(content.len() as u64, into);
    into.extend_from_slice(content);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_field_is_copied_as_it_stands() {
        let message = [
            &[0x08, 0x96, 0x01][..],
            &[0x12, 0x02, b'a', b'b'],
            &[0x1d, 1, 2, 3, 4],
            &[0x21, 1, 2, 3, 4, 5, 6, 7, 8],
        ]
        .concat();
        let fields = fields(&message).unwrap();
        let tags: Vec<u32> = fields.iter().map(|field| field.tag).collect();
        assert_eq!(tags, [1, 2, 3, 4]);
        assert_eq!(fields[1].content, b"ab");
        let copied: Vec<u8> = fields
            .iter()
            .flat_map(|field| field.whole)
            .copied()
            .collect();
        assert_eq!(copied, message);
    }

    #[test]
    fn what_is_written_is_read() {
        let mut message = Vec::new();
        put(7, &[9; 300], &mut message);
        let fields = fields(&message).unwrap();
        assert_eq!((fields[0].tag, fields[0].content), (7, &[9; 300][..]));
    }

    #[track_caller]
    fn check_refused(message: &[u8]) {
        assert!(fields(message).is_err(), "{message:?}");
    }

    #[test]
    fn bytes_that_are_no_message_are_refused() {
        check_refused(b"<html></html>");
        check_refused(&[0x12, 0x05, b'a']);
        check_refused(&[0x0b]);
        check_refused(&[0x1d, 1, 2]);
    }
}
