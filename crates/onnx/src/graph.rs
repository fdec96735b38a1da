//! A graph as it stands in a file, and the weights in it however they are stored.

use std::collections::{HashMap, HashSet};

use half::f16;
use prost::Message as _;
use vitrine_protocol::Weights;

use crate::OnnxError;
use crate::format::{FLOAT, FLOAT16, INT8, Node, Tensor, ValueInfo};
use crate::rounding::from_int8;
use crate::wire::{self, Field};

/// Field numbers of `GraphProto`.
pub(crate) const NODE: u32 = 1;
pub(crate) const INITIALIZER: u32 = 5;
const INPUT: u32 = 11;
const OUTPUT: u32 = 12;

/// What a field of the graph is, as far as it matters here.
enum Part {
    Node(Node),
    /// An initialiser, or the value of a `Constant` node under the name of its output.
    Constant(Tensor),
    Other,
}

/// The fields of a graph with what they hold.
pub(crate) struct Graph<'a> {
    pub(crate) fields: Vec<Field<'a>>,
    parts: Vec<Part>,
    /// Positions of constants by name; those that a caller may override are not among them.
    constants: HashMap<String, usize>,
    /// Nodes that read a value, each with the number of the input, by the value's name.
    readers: HashMap<String, Vec<(usize, usize)>>,
    /// What the graph gives out.
    outputs: HashSet<String>,
    /// Every name in use.
    names: HashSet<String>,
}

/// A constant f32 tensor as nodes read it, stored as it is or behind `Cast` or `Cast` and `Mul`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Weight {
    /// Name by which nodes read the f32 values.
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    /// How it is stored: f32, f16 or int8.
    pub(crate) stored: Weights,
    pub(crate) values: Vec<f32>,
    /// Positions of the fields that make it: first the constant, then its scale and nodes.
    pub(crate) fields: Vec<usize>,
}

impl<'a> Graph<'a> {
    /// Reads the content of a `GraphProto`.
    pub(crate) fn read(content: &'a [u8]) -> Result<Graph<'a>, OnnxError> {
        let mut graph = Graph {
            fields: wire::fields(content)?,
            parts: Vec::new(),
            constants: HashMap::new(),
            readers: HashMap::new(),
            outputs: HashSet::new(),
            names: HashSet::new(),
        };
        let mut inputs = HashSet::new();
        for (at, field) in graph.fields.iter().enumerate() {
            let part = match field.tag {
                NODE => constant_or_node(Node::decode(field.content)?),
                INITIALIZER => Part::Constant(Tensor::decode(field.content)?),
                _ => Part::Other,
            };
            match &part {
                Part::Node(node) => {
                    for (number, input) in node.input.iter().enumerate() {
                        let readers = graph.readers.entry(input.clone()).or_default();
                        readers.push((at, number));
                    }
                    graph.names.extend(node.output.iter().cloned());
                }
                Part::Constant(tensor) => {
                    graph.constants.insert(tensor.name.clone(), at);
                    graph.names.insert(tensor.name.clone());
                }
                Part::Other if field.tag == INPUT => {
                    inputs.insert(ValueInfo::decode(field.content)?.name);
                }
                Part::Other if field.tag == OUTPUT => {
                    graph.outputs.insert(ValueInfo::decode(field.content)?.name);
                }
                Part::Other => {}
            }
            graph.parts.push(part);
        }
        graph.constants.retain(|name, _| !inputs.contains(name));
        graph.names.extend(inputs);
        Ok(graph)
    }

    /// All constant f32 tensors, in the order of the file.
    pub(crate) fn weights(&self) -> Result<Vec<Weight>, OnnxError> {
        let mut positions: Vec<usize> = self.constants.values().copied().collect();
        positions.sort_unstable();
        let mut weights = Vec::new();
        for at in positions {
            weights.extend(self.weight(at)?);
        }
        Ok(weights)
    }

    /// The nodes that read a value, each with the number of the input.
    pub(crate) fn readers(&self, name: &str) -> impl Iterator<Item = (&Node, usize)> {
        let readers = self.readers.get(name).map_or(&[][..], Vec::as_slice);
        readers
            .iter()
            .filter_map(|(at, number)| match &self.parts[*at] {
                Part::Node(node) => Some((node, *number)),
                _ => None,
            })
    }

    /// Positions of the nodes that read a value.
    pub(crate) fn reader_positions(&self, name: &str) -> Vec<usize> {
        let readers = self.readers.get(name).map_or(&[][..], Vec::as_slice);
        readers.iter().map(|(at, _)| *at).collect()
    }

    /// Whether a value is read by `Gather` along axis 0, and by nothing else.
    pub(crate) fn is_only_looked_up(&self, name: &str) -> bool {
        let is_along_rows = |node: &Node| node.attribute("axis").is_none_or(|axis| axis.i == 0);
        !self.outputs.contains(name)
            && !self.reader_positions(name).is_empty()
            && self
                .readers(name)
                .all(|(node, input)| node.op_type == "Gather" && input == 0 && is_along_rows(node))
    }

    /// A name that is not in use, like `base`; it is in use from now on.
    pub(crate) fn fresh_name(&mut self, base: String) -> String {
        let mut name = base;
        while !self.names.insert(name.clone()) {
            name.push('_');
        }
        name
    }

    fn weight(&self, at: usize) -> Result<Option<Weight>, OnnxError> {
        let Part::Constant(tensor) = &self.parts[at] else {
            return Ok(None);
        };
        match tensor.data_type {
            FLOAT => Ok(Some(Weight {
                name: tensor.name.clone(),
                shape: shape(tensor)?,
                stored: Weights::F32,
                values: f32_values(tensor)?,
                fields: vec![at],
            })),
            FLOAT16 => self.f16_weight(at, tensor),
            INT8 => self.int8_weight(at, tensor),
            _ => Ok(None),
        }
    }

    fn f16_weight(&self, at: usize, tensor: &Tensor) -> Result<Option<Weight>, OnnxError> {
        let Some((cast_at, name)) = self.cast_to_f32(&tensor.name) else {
            return Ok(None);
        };
        Ok(Some(Weight {
            name: name.to_owned(),
            shape: shape(tensor)?,
            stored: Weights::F16,
            values: f16_values(tensor)?,
            fields: vec![at, cast_at],
        }))
    }

    fn int8_weight(&self, at: usize, tensor: &Tensor) -> Result<Option<Weight>, OnnxError> {
        let Some((cast_at, cast)) = self.cast_to_f32(&tensor.name) else {
            return Ok(None);
        };
        let Some((mul_at, mul, number)) = self.only_reader(cast) else {
            return Ok(None);
        };
        let ("Mul", [left, right], [name]) = (
            mul.op_type.as_str(),
            mul.input.as_slice(),
            mul.output.as_slice(),
        ) else {
            return Ok(None);
        };
        let scale = if number == 0 { right } else { left };
        let Some((&scale_at, _)) = self.constants.get(scale).zip(self.only_reader(scale)) else {
            return Ok(None);
        };
        let Part::Constant(scale) = &self.parts[scale_at] else {
            return Ok(None);
        };
        let shape_of_weight = shape(tensor)?;
        let Some(axis) = channel_axis(&shape_of_weight, &shape(scale)?) else {
            return Ok(None);
        };
        if scale.data_type != FLOAT {
            return Ok(None);
        }
        let values = from_int8(
            i8_values(tensor)?.into_iter(),
            &shape_of_weight,
            axis,
            &f32_values(scale)?,
        );
        Ok(Some(Weight {
            name: name.clone(),
            shape: shape_of_weight,
            stored: Weights::Int8,
            values,
            fields: vec![at, scale_at, cast_at, mul_at],
        }))
    }

    /// Position and output of the `Cast` to f32 that is the only reader of a value.
    fn cast_to_f32(&self, name: &str) -> Option<(usize, &str)> {
        let (at, node, _) = self.only_reader(name)?;
        let to = node.attribute("to")?.i;
        match (node.op_type.as_str(), node.output.as_slice()) {
            ("Cast", [output]) if to == i64::from(FLOAT) => Some((at, output)),
            _ => None,
        }
    }

    /// The one node that reads a value, if nothing else does.
    fn only_reader(&self, name: &str) -> Option<(usize, &Node, usize)> {
        let [(at, number)] = self.readers.get(name)?.as_slice() else {
            return None;
        };
        match &self.parts[*at] {
            Part::Node(node) if !self.outputs.contains(name) => Some((*at, node, *number)),
            _ => None,
        }
    }
}

fn constant_or_node(node: Node) -> Part {
    if node.op_type != "Constant" {
        return Part::Node(node);
    }
    let value = node.attribute("value").and_then(|value| value.t.clone());
    match (value, node.output.as_slice()) {
        (Some(mut tensor), [output]) => {
            tensor.name.clone_from(output);
            Part::Constant(tensor)
        }
        _ => Part::Node(node),
    }
}

/// The axis along which a scale of this shape differs when it is broadcast to `shape`; 0 where it
/// has one value only, `None` where it differs along several axes or does not fit.
fn channel_axis(shape: &[usize], scale: &[usize]) -> Option<usize> {
    let missing = shape.len().checked_sub(scale.len())?;
    let mut axes = (0..scale.len()).filter(|axis| scale[*axis] != 1);
    let Some(axis) = axes.next() else {
        return Some(0);
    };
    (axes.next().is_none() && scale[axis] == shape[missing + axis]).then_some(missing + axis)
}

fn shape(tensor: &Tensor) -> Result<Vec<usize>, OnnxError> {
    let lengths = tensor.dims.iter().map(|length| usize::try_from(*length));
    lengths
        .collect::<Result<_, _>>()
        .map_err(|_| misfit(tensor, 0))
}

fn misfit(tensor: &Tensor, met: usize) -> OnnxError {
    OnnxError::Tensor {
        name: tensor.name.clone(),
        met,
        shape: tensor.dims.clone(),
    }
}

fn f32_values(tensor: &Tensor) -> Result<Vec<f32>, OnnxError> {
    values(
        tensor,
        tensor.float_data.iter().copied(),
        f32::from_le_bytes,
    )
}

fn f16_values(tensor: &Tensor) -> Result<Vec<f32>, OnnxError> {
    let listed = tensor
        .int32_data
        .iter()
        .map(|bits| f16::from_bits(*bits as u16).to_f32());
    values(tensor, listed, |bytes| f16::from_le_bytes(bytes).to_f32())
}

fn i8_values(tensor: &Tensor) -> Result<Vec<i8>, OnnxError> {
    let listed = tensor.int32_data.iter().map(|value| *value as i8);
    values(tensor, listed, i8::from_le_bytes)
}

/// The values of a tensor out of its bytes, or else out of the list for its type.
fn values<T, const N: usize>(
    tensor: &Tensor,
    listed: impl Iterator<Item = T>,
    from_bytes: impl Fn([u8; N]) -> T,
) -> Result<Vec<T>, OnnxError> {
    let (chunks, rest) = tensor.raw_data.as_chunks::<N>();
    let values: Vec<T> = match chunks {
        [] => listed.collect(),
        chunks => chunks.iter().map(|bytes| from_bytes(*bytes)).collect(),
    };
    let expected: usize = shape(tensor)?.iter().product();
    if values.len() != expected || !rest.is_empty() {
        return Err(misfit(tensor, values.len()));
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_axis(shape: &[usize], scale: &[usize], expected: Option<usize>) {
        assert_eq!(channel_axis(shape, scale), expected);
    }

    #[test]
    fn a_scale_belongs_to_one_axis() {
        check_axis(&[8, 3, 3, 3], &[8, 1, 1, 1], Some(0));
        check_axis(&[384, 1536], &[1, 1536], Some(1));
        check_axis(&[384, 1536], &[1536], Some(1));
        check_axis(&[384, 1536], &[], Some(0));
        check_axis(&[384, 1536], &[1, 1], Some(0));
        check_axis(&[384, 1536], &[384, 1536], None);
        check_axis(&[384, 1536], &[384], None);
        check_axis(&[4], &[4, 1], None);
    }
}
