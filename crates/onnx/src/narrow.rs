//! Weights of an existing file in another width.
//!
//! A weight in f16 stands behind a `Cast` to f32, one in int8 behind a `Cast` and a `Mul` with a
//! scale per output channel. Both are valid in every operator set since 7, while
//! `DequantizeLinear` per channel needs 13. The f32 value keeps its name, so nothing that reads it
//! changes. Every field that is not rewritten is copied as it stands.

use prost::Message as _;
use vitrine_protocol::Weights;

use crate::OnnxError;
use crate::format::{Attribute, FLOAT, FLOAT16, INT8, Node, OperatorSet, Tensor};
use crate::graph::{Graph, INITIALIZER, NODE, Weight};
use crate::rounding::{to_f16, to_int8};
use crate::wire::{self, Field, put};

/// Field numbers of `ModelProto`.
const IR_VERSION: u32 = 1;
pub(crate) const GRAPH: u32 = 7;
const OPERATOR_SETS: u32 = 8;

/// Since version 4 of the format, a stored tensor need not be an input of the graph.
const MIN_IR_VERSION: i64 = 4;

/// Since version 7, `Mul` broadcasts by itself.
const MIN_OPERATOR_SET: i64 = 7;

/// A weight with fewer values stays as it is: what it would save is less than what the scale and
/// the nodes around it take.
const MIN_VALUES: usize = 256;

/// Stores the weights of an ONNX file in another width; the file stays a valid one that every
/// runtime can run, and the same file gives the same bytes.
///
/// To f16 and int8 go the constants, in initialisers or `Constant` nodes, that convolutions,
/// matrix products and look-ups read as their weights, if they have two axes and 256 values or more.
/// Biases, normalisations and constants of other kinds stay f32, and so does what has no finite
/// form in the wanted width, or is an input that a caller may override. The int8 scale belongs to
/// the output channel: axis 0 of `Conv`, axis 1 of `ConvTranspose`, the last of the right operand
/// of `MatMul`, that of the outputs in `Gemm`, and the row of a table that `Gather` looks up. A
/// weight that two nodes read along different axes goes to f16 at most. To f32 goes every weight
/// that is stored narrower.
///
/// # Errors
/// [`OnnxError::Decode`], [`OnnxError::Field`] and [`OnnxError::NoGraph`] for other bytes,
/// [`OnnxError::Old`] for a file that is too old, [`OnnxError::Tensor`] for a constant that is not
/// in the file as a whole.
pub fn narrow(file: &[u8], weights: Weights) -> Result<Vec<u8>, OnnxError> {
    if weights == Weights::AsSource {
        return Ok(file.to_vec());
    }
    let model = wire::fields(file)?;
    let content = check(file, &model)?;
    let graph = rewrite(Graph::read(content)?, weights)?;
    let mut narrowed = Vec::with_capacity(graph.len() + file.len() - content.len());
    for field in model {
        match field.tag {
            GRAPH => put(GRAPH, &graph, &mut narrowed),
            _ => narrowed.extend_from_slice(field.whole),
        }
    }
    Ok(narrowed)
}

/// `ModelProto`, as far as it says what may be written.
#[derive(Clone, PartialEq, prost::Message)]
struct Version {
    #[prost(int64, tag = "1")]
    ir_version: i64,
    #[prost(message, repeated, tag = "8")]
    operator_sets: Vec<OperatorSet>,
}

/// The graph's bytes, if the file is recent enough.
pub(crate) fn check<'a>(file: &[u8], model: &[Field<'a>]) -> Result<&'a [u8], OnnxError> {
    let graph = model.iter().find(|field| field.tag == GRAPH);
    let content = graph.ok_or(OnnxError::NoGraph)?.content;
    let mut head = Vec::with_capacity(file.len() - content.len());
    for field in model {
        if matches!(field.tag, IR_VERSION | OPERATOR_SETS) {
            head.extend_from_slice(field.whole);
        }
    }
    let version = Version::decode(head.as_slice())?;
    let standard = |set: &&OperatorSet| matches!(set.domain.as_str(), "" | "ai.onnx");
    let operator_set = version.operator_sets.iter().find(standard);
    let operator_set = operator_set.map_or(0, |set| set.version);
    if version.ir_version < MIN_IR_VERSION || operator_set < MIN_OPERATOR_SET {
        return Err(OnnxError::Old {
            ir_version: version.ir_version,
            operator_set,
        });
    }
    Ok(content)
}

/// What stands in the place of a weight: tensors where it was, nodes at the graph's beginning.
struct Stored {
    tensors: Vec<Tensor>,
    nodes: Vec<Node>,
}

fn rewrite(mut graph: Graph<'_>, width: Weights) -> Result<Vec<u8>, OnnxError> {
    let mut instead: Vec<Option<Vec<Tensor>>> = vec![None; graph.fields.len()];
    let mut rewritten = Vec::new();
    for weight in graph.weights()? {
        let Some(stored) = store(&mut graph, &weight, width) else {
            continue;
        };
        for at in &weight.fields {
            instead[*at] = Some(Vec::new());
        }
        instead[weight.fields[0]] = Some(stored.tensors);
        for node in stored.nodes {
            put(NODE, &node.encode_to_vec(), &mut rewritten);
        }
    }
    for (field, instead) in graph.fields.iter().zip(instead) {
        match instead {
            None => rewritten.extend_from_slice(field.whole),
            Some(tensors) => {
                for tensor in tensors {
                    put(INITIALIZER, &tensor.encode_to_vec(), &mut rewritten);
                }
            }
        }
    }
    Ok(rewritten)
}

/// The weight in the wanted width; `None` where it stays as it is.
fn store(graph: &mut Graph<'_>, weight: &Weight, width: Weights) -> Option<Stored> {
    if weight.stored == width {
        return None;
    }
    if width == Weights::F32 {
        return Some(Stored {
            tensors: vec![Tensor::f32(&weight.name, &weight.shape, &weight.values)],
            nodes: Vec::new(),
        });
    }
    let role = role(graph, weight)?;
    match (width, role) {
        (Weights::Int8, Role::Channels(axis)) => store_int8(graph, weight, axis),
        _ if weight.stored == Weights::F16 => None,
        _ => store_f16(graph, weight),
    }
}

fn store_f16(graph: &mut Graph<'_>, weight: &Weight) -> Option<Stored> {
    let bytes = to_f16(&weight.values)?;
    let stored = graph.fresh_name(format!("{}.f16", weight.name));
    Some(Stored {
        tensors: vec![Tensor::raw(&stored, FLOAT16, &weight.shape, bytes)],
        nodes: vec![cast_to_f32(&weight.name, &stored)],
    })
}

fn store_int8(graph: &mut Graph<'_>, weight: &Weight, axis: usize) -> Option<Stored> {
    let int8 = to_int8(&weight.values, &weight.shape, axis)?;
    let stored = graph.fresh_name(format!("{}.int8", weight.name));
    let scale = graph.fresh_name(format!("{}.scale", weight.name));
    let cast = graph.fresh_name(format!("{}.unscaled", weight.name));
    let mut scale_shape = vec![1; weight.shape.len()];
    scale_shape[axis] = weight.shape[axis];
    Some(Stored {
        tensors: vec![
            Tensor::raw(&stored, INT8, &weight.shape, int8.stored),
            Tensor::f32(&scale, &scale_shape, &int8.scales),
        ],
        nodes: vec![
            cast_to_f32(&cast, &stored),
            Node::new("Mul", &weight.name, &[&cast, &scale], vec![]),
        ],
    })
}

fn cast_to_f32(name: &str, stored: &str) -> Node {
    let to = vec![Attribute::int("to", i64::from(FLOAT))];
    Node::new("Cast", name, &[stored], to)
}

/// What a weight is to the nodes that read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// All of them have their output channels along this axis.
    Channels(usize),
    /// They differ in the axis.
    Mixed,
}

/// The role of a constant that is a weight, large enough to be worth storing narrower.
fn role(graph: &Graph<'_>, weight: &Weight) -> Option<Role> {
    if weight.shape.len() < 2 || weight.values.len() < MIN_VALUES {
        return None;
    }
    let mut role = None;
    for (node, input) in graph.readers(&weight.name) {
        let axis = channel_axis(node, input, weight.shape.len())?;
        role = match role {
            None => Some(Role::Channels(axis)),
            Some(Role::Channels(other)) if other == axis => role,
            _ => Some(Role::Mixed),
        };
    }
    role
}

/// The axis of a node's weights along which its output channels lie; `None` if this input of the
/// node is not its weights.
fn channel_axis(node: &Node, input: usize, rank: usize) -> Option<usize> {
    let is_set = |name| {
        node.attribute(name)
            .is_some_and(|attribute| attribute.i != 0)
    };
    match (node.op_type.as_str(), input) {
        ("Conv", 1) => Some(0),
        ("ConvTranspose", 1) => Some(1),
        ("MatMul", 1) => Some(rank - 1),
        ("Gemm", 1) => Some(if is_set("transB") { 0 } else { 1 }),
        ("Gather", 0) if !is_set("axis") => Some(0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::{Graph as GraphMessage, Model, ValueInfo};

    /// Values between -1 and 1 of many magnitudes, the same every time.
    fn values(count: usize) -> Vec<f32> {
        (0..count)
            .map(|at| ((at * 7919 % 1000) as f32 / 500.0 - 1.0) * (1.0 + (at % 5) as f32) / 5.0)
            .collect()
    }

    fn constant(name: &str, tensor: Tensor) -> Node {
        let value = Attribute {
            name: "value".to_owned(),
            t: Some(tensor),
            kind: 4,
            ..Attribute::default()
        };
        Node::new("Constant", name, &[], vec![value])
    }

    fn file(initializer: Vec<Tensor>, node: Vec<Node>) -> Vec<u8> {
        Model::new(GraphMessage {
            node,
            name: "g".to_owned(),
            initializer,
            input: vec![ValueInfo::f32("x", &[1, 16])],
            output: vec![ValueInfo::f32("y", &[1, 16])],
        })
        .to_bytes()
    }

    fn weight(shape: &[usize]) -> Tensor {
        Tensor::f32("w", shape, &values(shape.iter().product()))
    }

    /// The one weight called `w`, out of a file.
    fn read_weight(file: &[u8]) -> Weight {
        let model = wire::fields(file).unwrap();
        let graph = Graph::read(check(file, &model).unwrap()).unwrap();
        let mut weights = graph.weights().unwrap();
        weights.retain(|weight| weight.name == "w");
        assert_eq!(weights.len(), 1);
        weights.remove(0)
    }

    #[track_caller]
    fn check_stored(file: &[u8], width: Weights, stored: Weights, largest_error: f32) {
        let before = read_weight(file);
        let narrowed = narrow(file, width).unwrap();
        let after = read_weight(&narrowed);
        assert_eq!((after.stored, &after.shape), (stored, &before.shape));
        let error = (before.values.iter().zip(&after.values))
            .map(|(before, after)| (before - after).abs())
            .fold(0.0, f32::max);
        assert!(error <= largest_error, "{error}");
        let widened = narrow(&narrowed, Weights::F32).unwrap();
        let wide = read_weight(&widened);
        assert_eq!((wide.stored, wide.values), (Weights::F32, after.values));
    }

    /// Half of the smallest step below 1.
    const F16_ERROR: f32 = 1.0 / 4096.0;

    /// Half of a 127th of the largest value.
    const INT8_ERROR: f32 = 0.5 / 127.0 + 1e-6;

    #[test]
    fn weights_of_every_operator_are_stored_narrower() {
        for (op_type, shape, inputs) in [
            ("Conv", &[32, 1, 3, 3][..], ["x", "w"]),
            ("ConvTranspose", &[16, 8, 2, 2], ["x", "w"]),
            ("MatMul", &[16, 16], ["x", "w"]),
            ("Gemm", &[16, 16], ["x", "w"]),
            ("Gather", &[16, 16], ["w", "x"]),
        ] {
            let file = file(
                vec![weight(shape)],
                vec![Node::new(op_type, "y", &inputs, vec![])],
            );
            check_stored(&file, Weights::F16, Weights::F16, F16_ERROR);
            check_stored(&file, Weights::Int8, Weights::Int8, INT8_ERROR);
        }
    }

    #[test]
    fn a_constant_node_is_a_weight_too() {
        let mut listed = weight(&[16, 16]);
        listed.raw_data.clear();
        listed.float_data = values(256);
        for tensor in [weight(&[16, 16]), listed] {
            let nodes = vec![
                constant("w", tensor),
                Node::new("MatMul", "y", &["x", "w"], vec![]),
            ];
            let file = file(vec![], nodes);
            check_stored(&file, Weights::Int8, Weights::Int8, INT8_ERROR);
        }
    }

    #[test]
    fn each_output_channel_has_its_own_scale() {
        let mut steep = values(256);
        for (at, value) in steep.iter_mut().enumerate() {
            *value *= 0.5_f32.powi((at % 16) as i32);
        }
        let file = file(
            vec![Tensor::f32("w", &[16, 16], &steep)],
            vec![Node::new("MatMul", "y", &["x", "w"], vec![])],
        );
        let after = read_weight(&narrow(&file, Weights::Int8).unwrap());
        for (at, (before, after)) in steep.iter().zip(&after.values).enumerate() {
            let error = INT8_ERROR * 0.5_f32.powi((at % 16) as i32);
            assert!((before - after).abs() <= error, "{before} became {after}");
        }
    }

    #[test]
    fn what_is_no_large_weight_stays() {
        let matmul = || vec![Node::new("MatMul", "y", &["x", "w"], vec![])];
        let small = file(vec![weight(&[15, 17])], matmul());
        let bias = file(
            vec![weight(&[256])],
            vec![Node::new("Conv", "y", &["x", "k", "w"], vec![])],
        );
        let factor = file(
            vec![weight(&[16, 16])],
            vec![Node::new("Mul", "y", &["x", "w"], vec![])],
        );
        let mut overridable =
            Model::decode(file(vec![weight(&[16, 16])], matmul()).as_slice()).unwrap();
        let input = ValueInfo::f32("w", &[16, 16]);
        overridable.graph.as_mut().unwrap().input.push(input);
        for file in [small, bias, factor, overridable.to_bytes()] {
            for width in [Weights::F16, Weights::Int8, Weights::F32] {
                assert_eq!(narrow(&file, width).unwrap(), file);
            }
        }
    }

    #[test]
    fn a_weight_read_along_two_axes_goes_to_f16() {
        let nodes = vec![
            Node::new("Gather", "rows", &["w", "ids"], vec![]),
            Node::new("MatMul", "y", &["x", "w"], vec![]),
        ];
        let file = file(vec![weight(&[16, 16])], nodes);
        check_stored(&file, Weights::Int8, Weights::F16, F16_ERROR);
    }

    #[test]
    fn narrowing_twice_changes_nothing() {
        let file = file(
            vec![weight(&[16, 16])],
            vec![Node::new("MatMul", "y", &["x", "w"], vec![])],
        );
        for width in [Weights::F16, Weights::Int8, Weights::F32] {
            let once = narrow(&file, width).unwrap();
            assert_eq!(narrow(&once, width).unwrap(), once);
        }
    }

    #[test]
    fn names_that_are_taken_are_left_alone() {
        let nodes = vec![
            Node::new("Relu", "w.f16", &["x"], vec![]),
            Node::new("MatMul", "y", &["w.f16", "w"], vec![]),
        ];
        let narrowed = narrow(&file(vec![weight(&[16, 16])], nodes), Weights::F16).unwrap();
        let graph = Model::decode(narrowed.as_slice()).unwrap().graph.unwrap();
        assert_eq!(graph.initializer[0].name, "w.f16_");
        assert_eq!(graph.node[0].input, ["w.f16_"]);
        assert_eq!(graph.node[2].input, ["w.f16", "w"]);
    }

    #[test]
    fn fields_that_are_not_known_are_kept() {
        let mut file = file(
            vec![weight(&[16, 16])],
            vec![Node::new("MatMul", "y", &["x", "w"], vec![])],
        );
        put(14, b"\x0a\x01k\x12\x01v", &mut file);
        put(4000, b"from the future", &mut file);
        let narrowed = narrow(&file, Weights::Int8).unwrap();
        let fields = wire::fields(&narrowed).unwrap();
        let kept: Vec<(u32, &[u8])> = fields[fields.len() - 2..]
            .iter()
            .map(|field| (field.tag, field.content))
            .collect();
        assert_eq!(
            kept,
            [(14, &b"\x0a\x01k\x12\x01v"[..]), (4000, b"from the future")]
        );
    }

    #[test]
    fn an_old_file_is_refused() {
        let mut model = Model::new(GraphMessage::default());
        model.ir_version = 3;
        let error = narrow(&model.to_bytes(), Weights::F16).unwrap_err();
        assert!(
            matches!(error, OnnxError::Old { ir_version: 3, .. }),
            "{error}"
        );
    }

    #[test]
    fn a_tensor_that_is_elsewhere_is_named() {
        let mut outside = weight(&[16, 16]);
        outside.raw_data.clear();
        let file = file(
            vec![outside],
            vec![Node::new("MatMul", "y", &["x", "w"], vec![])],
        );
        let error = narrow(&file, Weights::F16).unwrap_err();
        assert!(matches!(error, OnnxError::Tensor { met: 0, .. }), "{error}");
    }
}
