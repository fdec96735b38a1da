//! The protobuf wire format, read where it lies: <https://protobuf.dev/programming-guides/encoding/>.

use vitrine_protocol::GateError;

/// What is wrong where a field cannot be what ONNX says it is.
const OTHER_TYPE: &str = "a field has another wire type than ONNX gives it";

#[cfg(test)]
thread_local! {
    /// Fields read by this thread, by which tests hold the walk to a time that is linear.
    pub(super) static N_READ: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// Reads the fields of one message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Where the message begins in the file.
    base: usize,
    /// True where the message ends with the file, so that what is missing was cut off.
    is_file: bool,
}

/// One field of a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field<'a> {
    pub(super) number: u32,
    /// Where the field begins in the file.
    pub(super) offset: usize,
    value: Value<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Value<'a> {
    Varint(u64),
    Fixed64,
    Fixed32(u32),
    /// The content and where it begins in the file.
    Bytes(&'a [u8], usize),
}

impl<'a> Reader<'a> {
    pub(super) fn of_file(bytes: &'a [u8]) -> Reader<'a> {
        Reader {
            bytes,
            at: 0,
            base: 0,
            is_file: true,
        }
    }

    /// The next field; none at the end of the message.
    pub(super) fn next(&mut self) -> Result<Option<Field<'a>>, GateError> {
        if self.at == self.bytes.len() {
            return Ok(None);
        }
        #[cfg(test)]
        N_READ.set(N_READ.get() + 1);
        let start = self.at;
        let key = self.varint(start)?;
        let number = u32::try_from(key >> 3).unwrap_or(0);
        // The same bound as prost's: a key is a number of 32 bits.
        if number == 0 || key > u64::from(u32::MAX) {
            return Err(self.damaged(start, "a field has number 0 or a number that is too large"));
        }
        let value = match key & 7 {
            0 => Value::Varint(self.varint(start)?),
            1 => {
                self.fixed::<8>(start)?;
                Value::Fixed64
            }
            2 => {
                let length = self.varint(start)?;
                let content_at = self.base + self.at;
                Value::Bytes(self.take(start, length)?, content_at)
            }
            3 | 4 => {
                return Err(self.damaged(start, "a field is a group, which ONNX does not use"));
            }
            5 => Value::Fixed32(u32::from_le_bytes(self.fixed(start)?)),
            _ => return Err(self.damaged(start, "a field has a wire type that does not exist")),
        };
        Ok(Some(Field {
            number,
            offset: self.base + start,
            value,
        }))
    }

    fn varint(&mut self, start: usize) -> Result<u64, GateError> {
        match varint(&self.bytes[self.at..]) {
            Ok((value, length)) => {
                self.at += length;
                Ok(value)
            }
            Err(VarintError::Ends) => Err(self.ends(start, 1)),
            Err(VarintError::TooLong) => {
                Err(self.damaged(start, "a number is longer than 64 bits"))
            }
        }
    }

    fn fixed<const N: usize>(&mut self, start: usize) -> Result<[u8; N], GateError> {
        match self.bytes[self.at..].first_chunk() {
            Some(bytes) => {
                self.at += N;
                Ok(*bytes)
            }
            None => Err(self.ends(start, (N - (self.bytes.len() - self.at)) as u64)),
        }
    }

    fn take(&mut self, start: usize, length: u64) -> Result<&'a [u8], GateError> {
        // Protobuf's own bound; a longer field is no field that was cut off.
        if length > i32::MAX as u64 {
            return Err(self.damaged(start, "a field is longer than 2 GB"));
        }
        let rest = &self.bytes[self.at..];
        match usize::try_from(length).ok().and_then(|n| rest.get(..n)) {
            Some(content) => {
                self.at += content.len();
                Ok(content)
            }
            None => Err(self.ends(start, length - rest.len() as u64)),
        }
    }

    fn ends(&self, start: usize, missing: u64) -> GateError {
        if self.is_file {
            GateError::Truncated {
                offset: (self.base + start) as u64,
                missing,
            }
        } else {
            self.damaged(start, "a field runs past the message that holds it")
        }
    }

    fn damaged(&self, at: usize, problem: &str) -> GateError {
        GateError::Damaged {
            offset: (self.base + at) as u64,
            problem: problem.to_owned(),
        }
    }
}

impl<'a> Field<'a> {
    pub(super) fn damaged(&self, problem: &str) -> GateError {
        GateError::Damaged {
            offset: self.offset as u64,
            problem: problem.to_owned(),
        }
    }

    /// A whole number.
    pub(super) fn int(&self) -> Result<i64, GateError> {
        match self.value {
            Value::Varint(value) => Ok(value as i64),
            _ => Err(self.damaged(OTHER_TYPE)),
        }
    }

    /// The bits of an f32.
    pub(super) fn fixed32(&self) -> Result<u32, GateError> {
        match self.value {
            Value::Fixed32(bits) => Ok(bits),
            _ => Err(self.damaged(OTHER_TYPE)),
        }
    }

    /// The content of a text, of bytes, of packed numbers or of a message.
    pub(super) fn content(&self) -> Result<&'a [u8], GateError> {
        match self.value {
            Value::Bytes(content, _) => Ok(content),
            _ => Err(self.damaged(OTHER_TYPE)),
        }
    }

    /// The fields of a message.
    pub(super) fn message(&self) -> Result<Reader<'a>, GateError> {
        match self.value {
            Value::Bytes(bytes, base) => Ok(Reader {
                bytes,
                at: 0,
                base,
                is_file: false,
            }),
            _ => Err(self.damaged(OTHER_TYPE)),
        }
    }

    /// How many whole numbers a repeated field holds, packed or as one of several.
    pub(super) fn n_varints(&self) -> Result<u64, GateError> {
        let mut n = 0;
        self.each_varint(|_| {
            n += 1;
            Ok(())
        })?;
        Ok(n)
    }

    /// Hands every whole number of a repeated field to `take`, packed or as one of several.
    pub(super) fn each_varint(
        &self,
        mut take: impl FnMut(i64) -> Result<(), GateError>,
    ) -> Result<(), GateError> {
        let mut packed = match self.value {
            Value::Varint(value) => return take(value as i64),
            Value::Bytes(content, _) => content,
            _ => return Err(self.damaged(OTHER_TYPE)),
        };
        while !packed.is_empty() {
            let (value, length) = varint(packed).map_err(|error| match error {
                VarintError::Ends => self.damaged("packed numbers end within a number"),
                VarintError::TooLong => self.damaged("a number is longer than 64 bits"),
            })?;
            take(value as i64)?;
            packed = &packed[length..];
        }
        Ok(())
    }

    /// Hands every number of four bytes of a repeated field to `take`, and answers how many there are.
    pub(super) fn each_fixed32(&self, mut take: impl FnMut(u32)) -> Result<u64, GateError> {
        let packed = match self.value {
            Value::Fixed32(bits) => {
                take(bits);
                return Ok(1);
            }
            Value::Bytes(content, _) => content,
            _ => return Err(self.damaged(OTHER_TYPE)),
        };
        let (numbers, rest) = packed.as_chunks();
        if !rest.is_empty() {
            return Err(self.damaged("packed numbers end within a number"));
        }
        for number in numbers {
            take(u32::from_le_bytes(*number));
        }
        Ok(numbers.len() as u64)
    }

    /// How many numbers of eight bytes a repeated field holds.
    pub(super) fn n_fixed64(&self) -> Result<u64, GateError> {
        match self.value {
            Value::Fixed64 => Ok(1),
            Value::Bytes(content, _) if content.len() % 8 == 0 => Ok((content.len() / 8) as u64),
            Value::Bytes(..) => Err(self.damaged("packed numbers end within a number")),
            _ => Err(self.damaged(OTHER_TYPE)),
        }
    }
}

enum VarintError {
    Ends,
    TooLong,
}

/// A number of seven bits a byte, and how many bytes it takes: at most ten, of which the last holds
/// one bit.
fn varint(bytes: &[u8]) -> Result<(u64, usize), VarintError> {
    let mut value = 0;
    for (at, byte) in bytes.iter().take(10).enumerate() {
        if at == 9 && *byte > 1 {
            return Err(VarintError::TooLong);
        }
        value |= u64::from(byte & 0x7F) << (7 * at);
        if byte & 0x80 == 0 {
            return Ok((value, at + 1));
        }
    }
    Err(VarintError::Ends)
}

/// Refuses a second field of a number that stands once in a message.
///
/// Decoders take the last of several numbers and join several messages into one, so what was checked
/// apart would not be what is run.
#[derive(Default)]
pub(super) struct Once(u32);

impl Once {
    /// Notes a field whose number is below 32.
    pub(super) fn see(&mut self, field: &Field<'_>) -> Result<(), GateError> {
        let bit = 1_u32.checked_shl(field.number).unwrap_or(0);
        if self.0 & bit != 0 {
            return Err(field.damaged("a field that may stand once stands twice"));
        }
        self.0 |= bit;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_refused(message: &[u8], error: GateError) {
        let mut reader = Reader::of_file(message);
        loop {
            match reader.next() {
                Ok(Some(_)) => {}
                Ok(None) => panic!("{message:?} was read"),
                Err(met) => return assert_eq!(met, error),
            }
        }
    }

    fn damaged(offset: u64, problem: &str) -> GateError {
        let problem = problem.to_owned();
        GateError::Damaged { offset, problem }
    }

    #[test]
    fn what_is_missing_is_counted() {
        let truncated = |offset, missing| GateError::Truncated { offset, missing };
        check_refused(&[0x08], truncated(0, 1));
        check_refused(&[0x08, 1, 0x12, 5, 1, 2], truncated(2, 3));
        check_refused(&[0x0D, 1], truncated(0, 3));
        check_refused(&[0x09, 1], truncated(0, 7));
        check_refused(&[0x80], truncated(0, 1));
        let longest = [0x12, 0xFF, 0xFF, 0xFF, 0xFF, 0x07];
        check_refused(&longest, truncated(0, i32::MAX as u64));
    }

    #[test]
    fn what_the_format_does_not_allow_is_named() {
        let number = "a field has number 0 or a number that is too large";
        check_refused(&[0x00], damaged(0, number));
        check_refused(&[0x80, 0x80, 0x80, 0x80, 0x10, 0], damaged(0, number));
        let group = "a field is a group, which ONNX does not use";
        check_refused(&[0x08, 1, 0x0B], damaged(2, group));
        check_refused(&[0x0C], damaged(0, group));
        let kind = "a field has a wire type that does not exist";
        check_refused(&[0x0E], damaged(0, kind));
        let long = "a number is longer than 64 bits";
        check_refused(&[0xFF; 11], damaged(0, long));
        let ten = [
            0x08, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 2,
        ];
        check_refused(&ten, damaged(0, long));
        let huge = [
            0x12, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1,
        ];
        check_refused(&huge, damaged(0, "a field is longer than 2 GB"));
    }

    #[test]
    fn packed_and_single_numbers_are_alike() {
        let mut reader = Reader::of_file(&[0x0A, 3, 1, 0x80, 1, 0x08, 7]);
        let mut met = Vec::new();
        while let Some(field) = reader.next().unwrap() {
            let take = |value| {
                met.push(value);
                Ok(())
            };
            field.each_varint(take).unwrap();
        }
        assert_eq!(met, [1, 128, 7]);
    }
}
