//! Shapes and values of tensors, counted where they lie.

use vitrine_protocol::GateError;

use super::sizes::Known;
use super::wire::{Field, Once};
use super::{Walk, shown, unsupported};

/// `TensorProto.DataType` of texts, which have no fixed size.
const STRING: i64 = 8;

/// `TensorProto.DataType` of f32.
const FLOAT: i64 = 1;

/// `TensorProto.DataType` of i32 and of i64.
const INT32: i64 = 6;
const INT64: i64 = 7;

/// Most numbers of a tensor whose values are looked at: sizes of as many axes as any tensor may have,
/// before and behind each.
pub(super) const MOST_NUMBERS: usize = 32;

/// Bytes of one number of a `TensorProto.DataType`; none for texts and for types not read here, which
/// are those of less than a byte and the 8-bit floats.
pub(super) fn bytes_per_number(data_type: i64) -> Option<u64> {
    match data_type {
        // u8, i8, bool.
        2 | 3 | 9 => Some(1),
        // u16, i16, f16, bf16.
        4 | 5 | 10 | 16 => Some(2),
        // f32, i32, u32.
        1 | 6 | 12 => Some(4),
        // i64, f64, u64, complex of two f32.
        7 | 11 | 13 | 14 => Some(8),
        // Complex of two f64.
        15 => Some(16),
        _ => None,
    }
}

/// How many numbers a shape holds, if their bytes are within the limit.
///
/// Axes of length 0 are left out of what is compared with the limit, because an engine multiplies in
/// any order.
pub(super) fn n_numbers(
    name: &dyn Fn() -> String,
    shape: &[i64],
    bytes_per_number: u64,
    limit: u64,
) -> Result<u64, GateError> {
    let lengths = shape.iter().map(|length| length.unsigned_abs());
    let product = lengths
        .filter(|length| *length > 0)
        .try_fold(1, u64::checked_mul);
    let n_bytes = product.and_then(|n| n.checked_mul(bytes_per_number));
    match (product, n_bytes) {
        (Some(product), Some(n_bytes)) if n_bytes <= limit => {
            Ok(if shape.contains(&0) { 0 } else { product })
        }
        _ => Err(GateError::TensorTooLarge {
            name: name(),
            shape: shape.to_vec(),
            limit,
        }),
    }
}

/// What a tensor holds, in the order in which its fields come.
#[derive(Default)]
struct Stored<'a> {
    name: &'a str,
    shape: Vec<i64>,
    data_type: i64,
    raw: &'a [u8],
    n_float: u64,
    n_int32: u64,
    n_int64: u64,
    n_double: u64,
    n_uint64: u64,
    n_string: u64,
    string_bytes: u64,
    n_nan: u64,
    n_infinite: u64,
    /// The first whole numbers, at most [`MOST_NUMBERS`], where they are stored in a list.
    first_whole: Vec<i64>,
    /// As many of f32.
    first_f32: Vec<f32>,
    /// The file that the values are in, if it is another.
    other_file: Option<&'a str>,
}

/// Walks a `TensorProto` and answers its name and what is known of it. Where it has none, a message
/// names `owner`, which is asked only then.
pub(super) fn walk<'a>(
    field: &Field<'a>,
    walk: &mut Walk<'_>,
    owner: &dyn Fn() -> String,
    depth: u32,
) -> Result<(&'a str, Known), GateError> {
    walk.enter(depth)?;
    walk.tensor()?;
    let tensor = read(field, walk, depth)?;
    let name = &|| match tensor.name {
        "" => owner(),
        name => shown(name),
    };
    if let Some(file) = tensor.other_file {
        return Err(GateError::ExternalData {
            tensor: name(),
            file: if file.is_empty() {
                "?".to_owned()
            } else {
                shown(file)
            },
        });
    }
    let size = match tensor.data_type {
        // For the limit alone: what a decoder takes for an empty text.
        STRING => 24,
        other => bytes_per_number(other).ok_or_else(|| GateError::ElementType {
            name: name(),
            met: other,
        })?,
    };
    check_lengths(name, &tensor.shape, walk)?;
    let n_numbers = n_numbers(name, &tensor.shape, size, walk.limits.max_tensor_bytes)?;
    check_payload(field, &tensor, name, n_numbers, size)?;
    let summary = &mut walk.summary;
    summary.n_values += n_numbers;
    summary.weight_bytes += match tensor.data_type {
        STRING => tensor.string_bytes,
        _ => n_numbers * size,
    };
    if tensor.data_type == FLOAT {
        summary.n_nan += tensor.n_nan;
        summary.n_infinite += tensor.n_infinite;
    }
    let numbers = tensor.few_numbers(n_numbers);
    let known = Known {
        shape: tensor.shape,
        bytes_per_number: size,
        numbers,
    };
    Ok((tensor.name, known))
}

impl Stored<'_> {
    /// The values, where there are so few that they may be a shape: whole numbers and those of f32.
    fn few_numbers(&self, n_numbers: u64) -> Option<Vec<f64>> {
        if n_numbers > MOST_NUMBERS as u64 {
            return None;
        }
        let whole = |value: i64| value as f64;
        let numbers: Vec<f64> = match (self.data_type, self.raw) {
            (FLOAT, []) => self.first_f32.iter().copied().map(f64::from).collect(),
            (INT32 | INT64, []) => self.first_whole.iter().copied().map(whole).collect(),
            (FLOAT, raw) => {
                let (fours, _) = raw.as_chunks();
                fours
                    .iter()
                    .map(|four| f32::from_le_bytes(*four).into())
                    .collect()
            }
            (INT32, raw) => {
                let (fours, _) = raw.as_chunks();
                fours
                    .iter()
                    .map(|four| i32::from_le_bytes(*four).into())
                    .collect()
            }
            (INT64, raw) => {
                let (eights, _) = raw.as_chunks();
                eights
                    .iter()
                    .map(|eight| whole(i64::from_le_bytes(*eight)))
                    .collect()
            }
            _ => return None,
        };
        Some(numbers)
    }
}

fn read<'a>(field: &Field<'a>, walk: &mut Walk<'_>, depth: u32) -> Result<Stored<'a>, GateError> {
    let mut tensor = Stored::default();
    let mut once = Once::default();
    let mut fields = field.message()?;
    while let Some(field) = fields.next()? {
        match field.number {
            1 => field.each_varint(|length| {
                push_axis(&mut tensor.shape, length, walk);
                Ok(())
            })?,
            2 => {
                once.see(&field)?;
                tensor.data_type = field.int()?;
            }
            3 => return Err(field.damaged("a tensor is stored in segments")),
            4 => {
                let (mut n_nan, mut n_infinite) = (0, 0);
                tensor.n_float += field.each_fixed32(|bits| {
                    let value = f32::from_bits(bits);
                    n_nan += u64::from(value.is_nan());
                    n_infinite += u64::from(value.is_infinite());
                    if tensor.first_f32.len() < MOST_NUMBERS {
                        tensor.first_f32.push(value);
                    }
                })?;
                tensor.n_nan += n_nan;
                tensor.n_infinite += n_infinite;
            }
            5 => tensor.n_int32 += take_whole(&field, &mut tensor.first_whole)?,
            6 => {
                walk.blob(&field)?;
                tensor.n_string += 1;
                tensor.string_bytes += field.content()?.len() as u64;
            }
            7 => tensor.n_int64 += take_whole(&field, &mut tensor.first_whole)?,
            8 => {
                once.see(&field)?;
                tensor.name = walk.name(&field)?;
            }
            9 => {
                once.see(&field)?;
                tensor.raw = field.content()?;
            }
            10 => tensor.n_double += field.n_fixed64()?,
            11 => tensor.n_uint64 += field.n_varints()?,
            12 => walk.text(&field)?,
            13 => {
                let location = location(&field, walk, depth + 1)?;
                if tensor.other_file.is_none_or(str::is_empty) {
                    tensor.other_file = Some(location);
                }
            }
            // DEFAULT is 0, EXTERNAL is 1.
            14 => {
                let is_elsewhere = field.int()? != 0;
                if is_elsewhere {
                    tensor.other_file.get_or_insert("");
                }
            }
            16 => walk.entry(&field, depth + 1)?,
            _ => {}
        }
    }
    if tensor.data_type == FLOAT {
        let (numbers, _) = tensor.raw.as_chunks();
        for number in numbers {
            let value = f32::from_le_bytes(*number);
            tensor.n_nan += u64::from(value.is_nan());
            tensor.n_infinite += u64::from(value.is_infinite());
        }
    }
    Ok(tensor)
}

/// Counts whole numbers and keeps the first of them.
fn take_whole(field: &Field<'_>, first: &mut Vec<i64>) -> Result<u64, GateError> {
    let mut n = 0;
    field.each_varint(|value| {
        n += 1;
        if first.len() < MOST_NUMBERS {
            first.push(value);
        }
        Ok(())
    })?;
    Ok(n)
}

/// Adds the length of an axis. One more than the most axes is kept, by which it is known that there
/// are too many; whether the length can be one is asked once the name is known.
pub(super) fn push_axis(shape: &mut Vec<i64>, length: i64, walk: &Walk<'_>) {
    if shape.len() <= walk.limits.max_axes as usize {
        shape.push(length);
    }
}

/// Refuses more axes than the limit, and lengths out of range.
pub(super) fn check_lengths(
    name: &dyn Fn() -> String,
    shape: &[i64],
    walk: &Walk<'_>,
) -> Result<(), GateError> {
    let limit = walk.limits.max_axes;
    if shape.len() > limit as usize {
        let name = name();
        return Err(GateError::TooManyAxes { name, limit });
    }
    let limit = walk.limits.max_axis_length;
    match shape.iter().find(|length| !(0..=limit).contains(length)) {
        None => Ok(()),
        Some(met) => Err(GateError::AxisLength {
            name: name(),
            met: *met,
            limit,
        }),
    }
}

/// Where an entry of `external_data` says that the values are; empty for entries of other keys.
fn location<'a>(field: &Field<'a>, walk: &mut Walk<'_>, depth: u32) -> Result<&'a str, GateError> {
    walk.enter(depth)?;
    let (mut key, mut value) = ("", "");
    let mut fields = field.message()?;
    while let Some(field) = fields.next()? {
        match field.number {
            1 => key = walk.name(&field)?,
            2 => value = walk.name(&field)?,
            _ => {}
        }
    }
    Ok(if key == "location" { value } else { "" })
}

/// Refuses a tensor whose values do not fill its shape, each type being stored in a list of its own.
fn check_payload(
    field: &Field<'_>,
    tensor: &Stored<'_>,
    name: &dyn Fn() -> String,
    n_numbers: u64,
    size: u64,
) -> Result<(), GateError> {
    let lists = [
        tensor.n_float,
        tensor.n_int32,
        tensor.n_int64,
        tensor.n_double,
        tensor.n_uint64,
        tensor.n_string,
        tensor.raw.len() as u64,
    ];
    if lists.iter().filter(|n| **n > 0).count() > 1 {
        return Err(field.damaged("a tensor has its values in two places"));
    }
    let (met, expected, unit) = match tensor.data_type {
        _ if !tensor.raw.is_empty() && tensor.data_type != STRING => {
            (tensor.raw.len() as u64, n_numbers * size, "bytes")
        }
        STRING => (tensor.n_string, n_numbers, "values"),
        FLOAT => (tensor.n_float, n_numbers, "values"),
        // Complex numbers are stored as two, the real part first.
        14 => (tensor.n_float, 2 * n_numbers, "values"),
        7 => (tensor.n_int64, n_numbers, "values"),
        11 => (tensor.n_double, n_numbers, "values"),
        15 => (tensor.n_double, 2 * n_numbers, "values"),
        12 | 13 => (tensor.n_uint64, n_numbers, "values"),
        _ => (tensor.n_int32, n_numbers, "values"),
    };
    if met == expected {
        return Ok(());
    }
    Err(GateError::Payload {
        name: name(),
        met,
        expected,
        unit: unit.to_owned(),
    })
}

/// Refuses sparse tensors, which are read as a type of value but not as weights.
pub(super) fn sparse() -> GateError {
    unsupported("sparse tensors")
}
