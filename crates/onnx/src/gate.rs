//! A walk over a model's file that comes before an engine reads it.
//!
//! Decoding a protobuf message takes memory in proportion to what it claims: two bytes on the wire
//! become a node of 200. So the file is first walked as it lies, without decoding, and what would
//! overflow, wrap around on 32 bits, or ask for another file is refused with its name.
//! Field numbers are those of `onnx.proto3` of ONNX 1.20.

mod graph;
mod limits;
mod sizes;
mod sniff;
mod tensor;
mod value;
mod wire;

use vitrine_protocol::{GateError, ModelSummary};

pub use limits::GateLimits;

use wire::{Field, Once, Reader};

/// Walks over an ONNX file and refuses what an engine should not be given.
///
/// Nothing is run and no weight is copied. Time is linear in the length of the file. Memory is taken
/// for the names of values alone, which `limits` bounds, and the depth of recursion is bounded too.
///
/// What a model needs is estimated from below: the file, its weights as stored and once more in the
/// four bytes a number that they are computed with, and twice the largest value whose shape the file
/// states, because a node reads one while it writes another. Where a node makes a value whose size
/// constants in the file say, as `ConstantOfShape`, `Expand`, `Tile`, `Range` and `Resize` do, that
/// size counts as stated. Values whose shape depends on the input are not in it.
///
/// Infinite weights and those that are NaN are counted and not refused: masks hold infinities, and
/// models made from tables compare with a NaN to find missing cells.
///
/// # Errors
/// The first thing met that `limits` or the format does not allow; see [`GateError`].
pub fn check(bytes: &[u8], limits: &GateLimits) -> Result<ModelSummary, GateError> {
    let file_bytes = bytes.len() as u64;
    limits.check_bytes(file_bytes)?;
    sniff::refuse_other_formats(bytes)?;
    let mut walk = Walk {
        limits,
        summary: ModelSummary {
            file_bytes,
            ..ModelSummary::default()
        },
        n_parts: 0,
        n_list_values: 0,
    };
    model(bytes, &mut walk)?;
    walk.finish()
}

/// What is counted over the whole file.
struct Walk<'l> {
    limits: &'l GateLimits,
    summary: ModelSummary,
    /// Messages, texts and lists met, each of which a decoder gives memory of its own.
    n_parts: u64,
    /// Numbers in attributes that are lists.
    n_list_values: u64,
}

impl Walk<'_> {
    /// Notes that a message lies this deep; the model itself is at 1.
    fn enter(&mut self, depth: u32) -> Result<(), GateError> {
        let limit = self.limits.max_depth;
        if depth > limit {
            return Err(GateError::TooDeep { limit });
        }
        self.summary.depth = self.summary.depth.max(depth);
        self.part()
    }

    fn part(&mut self) -> Result<(), GateError> {
        count(&mut self.n_parts, 1, "parts", self.limits.max_parts)
    }

    fn node(&mut self) -> Result<(), GateError> {
        let limit = self.limits.max_nodes;
        count(&mut self.summary.n_nodes, 1, "nodes", limit)
    }

    fn tensor(&mut self) -> Result<(), GateError> {
        let limit = self.limits.max_tensors;
        count(&mut self.summary.n_tensors, 1, "tensors", limit)
    }

    /// Notes a value of so many bytes that nodes pass on.
    fn passes_on(&mut self, n_bytes: u64) {
        let largest = &mut self.summary.largest_value_bytes;
        *largest = (*largest).max(n_bytes);
    }

    fn list_values(&mut self, n: u64) -> Result<(), GateError> {
        let limit = self.limits.max_list_values;
        count(&mut self.n_list_values, n, "list values", limit)
    }

    /// A text by which something is called.
    fn name<'a>(&mut self, field: &Field<'a>) -> Result<&'a str, GateError> {
        let content = field.content()?;
        self.part()?;
        check_length("name", content, self.limits.max_name_bytes)?;
        std::str::from_utf8(content).map_err(|_| field.damaged("a name is not UTF-8"))
    }

    /// A text that only people read.
    fn text(&mut self, field: &Field<'_>) -> Result<(), GateError> {
        let content = field.content()?;
        self.part()?;
        check_length("text", content, self.limits.max_text_bytes)?;
        match std::str::from_utf8(content) {
            Ok(_) => Ok(()),
            Err(_) => Err(field.damaged("a text is not UTF-8")),
        }
    }

    /// Bytes that may be a text.
    fn blob(&mut self, field: &Field<'_>) -> Result<(), GateError> {
        let content = field.content()?;
        self.part()?;
        check_length("text", content, self.limits.max_text_bytes)
    }

    /// A message of two texts, which keys and values are.
    fn entry(&mut self, field: &Field<'_>, depth: u32) -> Result<(), GateError> {
        self.enter(depth)?;
        let mut fields = field.message()?;
        while let Some(field) = fields.next()? {
            if matches!(field.number, 1 | 2) {
                self.text(&field)?;
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<ModelSummary, GateError> {
        let mut summary = self.summary;
        let computed = summary.n_values.saturating_mul(4);
        summary.estimated_bytes = (summary.file_bytes)
            .saturating_add(summary.weight_bytes)
            .saturating_add(computed)
            .saturating_add(summary.largest_value_bytes.saturating_mul(2));
        let (bytes, limit) = (summary.estimated_bytes, self.limits.max_memory);
        match bytes > limit {
            true => Err(GateError::Memory { bytes, limit }),
            false => Ok(summary),
        }
    }
}

fn count(counter: &mut u64, n: u64, what: &str, limit: u64) -> Result<(), GateError> {
    *counter = counter.saturating_add(n);
    if *counter > limit {
        return Err(GateError::TooMany {
            what: what.to_owned(),
            limit,
        });
    }
    Ok(())
}

fn check_length(what: &str, content: &[u8], limit: u64) -> Result<(), GateError> {
    let met = content.len() as u64;
    if met > limit {
        return Err(GateError::TextTooLong {
            what: what.to_owned(),
            met,
            limit,
        });
    }
    Ok(())
}

/// `ModelProto`.
fn model(bytes: &[u8], walk: &mut Walk<'_>) -> Result<(), GateError> {
    walk.enter(1)?;
    let mut once = Once::default();
    let (mut graph, mut ir_version, mut operator_set) = (None, 0, None);
    let mut fields = Reader::of_file(bytes);
    while let Some(field) = fields.next()? {
        match field.number {
            1 => {
                once.see(&field)?;
                ir_version = field.int()?;
            }
            2 | 3 | 4 | 6 => walk.text(&field)?,
            5 => {
                field.int()?;
            }
            7 => {
                // A decoder would join two graphs into one that was never looked at as a whole.
                once.see(&field)?;
                field.content()?;
                graph = Some(field);
            }
            8 => {
                let (is_standard, version) = operator_set_of(&field, walk)?;
                if is_standard && operator_set.is_none() {
                    operator_set = Some(version);
                }
            }
            14 => walk.entry(&field, 2)?,
            20 => return Err(unsupported("training steps")),
            25 => return Err(unsupported("functions of its own")),
            _ => {}
        }
    }
    let operator_set = operator_set.unwrap_or(0);
    (walk.summary.ir_version, walk.summary.operator_set) = (ir_version, operator_set);
    let graph = graph.ok_or(GateError::NoGraph)?;
    let (min, max) = walk.limits.ir_versions;
    if !(min..=max).contains(&ir_version) {
        return Err(GateError::FormatVersion {
            met: ir_version,
            min,
            max,
        });
    }
    let (min, max) = walk.limits.operator_sets;
    if !(min..=max).contains(&operator_set) {
        return Err(GateError::OperatorSet {
            met: operator_set,
            min,
            max,
        });
    }
    graph::walk(&graph, walk, &mut graph::Names::default(), 2)
}

/// `OperatorSetIdProto`: whether its operators are the standard ones, and its version.
fn operator_set_of(field: &Field<'_>, walk: &mut Walk<'_>) -> Result<(bool, i64), GateError> {
    walk.enter(2)?;
    let (mut domain, mut version) = ("", 0);
    let mut fields = field.message()?;
    while let Some(field) = fields.next()? {
        match field.number {
            1 => domain = walk.name(&field)?,
            2 => version = field.int()?,
            _ => {}
        }
    }
    Ok((is_standard_domain(domain), version))
}

/// Whether operators of this domain are the standard ones.
fn is_standard_domain(domain: &str) -> bool {
    matches!(domain, "" | "ai.onnx")
}

fn unsupported(part: &str) -> GateError {
    GateError::Unsupported {
        part: part.to_owned(),
    }
}

/// A name out of the file as it can stand in a sentence: without characters that steer the line, and
/// at most 60 of them.
fn shown(name: &str) -> String {
    const MAX: usize = 60;
    let steers = |c: &char| {
        c.is_control()
            || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
    };
    let mut characters = name.chars().filter(|c| !steers(c));
    let mut shown: String = characters.by_ref().take(MAX).collect();
    if characters.next().is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests;
