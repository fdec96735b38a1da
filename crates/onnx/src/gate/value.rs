//! Types and shapes of the values that nodes pass on.

use vitrine_protocol::GateError;

use super::sizes::Known;
use super::tensor::{bytes_per_number, check_lengths, n_numbers, push_axis};
use super::wire::{Field, Once};
use super::{Walk, shown};

/// What an exporter writes for a length that is not known, where it should leave it out.
const UNKNOWN: i64 = -1;

/// A tensor's type, as far as a file states it.
#[derive(Default)]
struct TensorType {
    element: i64,
    shape: Vec<i64>,
    has_shape: bool,
    has_free_axis: bool,
}

/// Walks a `ValueInfoProto` and answers its name. If the shape is stated in full, its bytes count as
/// a value that nodes pass on, and what is known of it is answered too.
pub(super) fn walk<'a>(
    field: &Field<'a>,
    walk: &mut Walk<'_>,
    depth: u32,
) -> Result<(&'a str, Option<Known>), GateError> {
    walk.enter(depth)?;
    let mut name = "";
    let mut kind = TensorType::default();
    let mut once = Once::default();
    let mut fields = field.message()?;
    while let Some(field) = fields.next()? {
        match field.number {
            1 => {
                once.see(&field)?;
                name = walk.name(&field)?;
            }
            2 => {
                once.see(&field)?;
                walk_type(&field, walk, &mut kind, depth + 1)?;
            }
            3 => walk.text(&field)?,
            4 => walk.entry(&field, depth + 1)?,
            _ => {}
        }
    }
    let name_shown = &|| shown(name);
    check_lengths(name_shown, &kind.shape, walk)?;
    let size = bytes_per_number(kind.element).unwrap_or(1);
    // Known axes are within the limit even where others are free.
    let n_numbers = n_numbers(name_shown, &kind.shape, size, walk.limits.max_tensor_bytes)?;
    if !kind.has_shape || kind.has_free_axis {
        return Ok((name, None));
    }
    walk.passes_on(n_numbers * size);
    let known = Known {
        shape: kind.shape,
        bytes_per_number: size,
        numbers: None,
    };
    Ok((name, Some(known)))
}

/// Walks a `TypeProto`. Sequences, maps and optional values hold types again, which only count as
/// nesting.
pub(super) fn ignore_type(
    field: &Field<'_>,
    walk: &mut Walk<'_>,
    depth: u32,
) -> Result<(), GateError> {
    walk_type(field, walk, &mut TensorType::default(), depth)
}

fn walk_type(
    field: &Field<'_>,
    walk: &mut Walk<'_>,
    kind: &mut TensorType,
    depth: u32,
) -> Result<(), GateError> {
    walk.enter(depth)?;
    let mut once = Once::default();
    let mut fields = field.message()?;
    while let Some(field) = fields.next()? {
        match field.number {
            1 => {
                once.see(&field)?;
                walk_tensor_type(&field, walk, kind, depth + 1)?;
            }
            // Tensors that are sparse have the fields of those that are not.
            8 => {
                once.see(&field)?;
                walk_tensor_type(&field, walk, &mut TensorType::default(), depth + 1)?;
            }
            4 | 5 | 9 => {
                once.see(&field)?;
                let element = if field.number == 5 { 2 } else { 1 };
                walk_elements(&field, walk, element, depth + 1)?;
            }
            6 => walk.text(&field)?,
            _ => {}
        }
    }
    Ok(())
}

/// Walks a type made of others, which stand in its field number `element`.
fn walk_elements(
    field: &Field<'_>,
    walk: &mut Walk<'_>,
    element: u32,
    depth: u32,
) -> Result<(), GateError> {
    walk.enter(depth)?;
    let mut fields = field.message()?;
    while let Some(field) = fields.next()? {
        if field.number == element {
            ignore_type(&field, walk, depth + 1)?;
        }
    }
    Ok(())
}

fn walk_tensor_type(
    field: &Field<'_>,
    walk: &mut Walk<'_>,
    kind: &mut TensorType,
    depth: u32,
) -> Result<(), GateError> {
    walk.enter(depth)?;
    let mut once = Once::default();
    let mut fields = field.message()?;
    while let Some(field) = fields.next()? {
        match field.number {
            1 => kind.element = field.int()?,
            2 => {
                once.see(&field)?;
                kind.has_shape = true;
                let mut axes = field.message()?;
                walk.enter(depth + 1)?;
                while let Some(axis) = axes.next()? {
                    if axis.number == 1 {
                        walk_axis(&axis, walk, kind, depth + 2)?;
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn walk_axis(
    field: &Field<'_>,
    walk: &mut Walk<'_>,
    kind: &mut TensorType,
    depth: u32,
) -> Result<(), GateError> {
    walk.enter(depth)?;
    let mut length = UNKNOWN;
    let mut fields = field.message()?;
    while let Some(field) = fields.next()? {
        match field.number {
            1 => length = field.int()?,
            2 | 3 => {
                walk.name(&field)?;
            }
            _ => {}
        }
    }
    // A free axis has at least one number as far as limits go.
    kind.has_free_axis |= length == UNKNOWN;
    let length = if length == UNKNOWN { 1 } else { length };
    push_axis(&mut kind.shape, length, walk);
    Ok(())
}
