//! Weights stored in fewer bytes become f32 before the graph is built.
//!
//! A served model keeps its weights in f16, each followed by a `Cast` to f32, or in int8, each
//! followed by a `Cast` and a `Mul` with a scale per channel. The file is a half or a quarter as
//! long and still valid for every ONNX runtime. tract folds constants only up to a memory budget
//! and would repeat the larger casts at every inference; resolving them in the file's own terms
//! costs a few milliseconds once.
//!
//! Weights of convolutions and matrix products need not become f32 for tract: `take_narrow`.
//!
//! Word vectors are left as they are: of tens of thousands a text looks up some dozens, and those
//! are widened when they were looked up.

use std::collections::{HashMap, HashSet};

use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::tensor_shape_proto::{Dimension, dimension};
use tract_onnx::pb::type_proto::Tensor as TensorTypeProto;
use tract_onnx::pb::{
    GraphProto, NodeProto, TensorProto, TensorShapeProto, TypeProto, ValueInfoProto, type_proto,
};
use tract_onnx::tract_core::internal::f16;

use crate::narrow::{NarrowWeights, Weights, scaled};

/// Replaces every `Cast` of an f16 constant, and every `Cast` and `Mul` of an int8 constant, by an
/// f32 initialiser of the same name. Constants are initialisers or values of `Constant` nodes.
///
/// Returns how many weights were resolved. Casts of anything else stay, and so do those of a
/// constant that something else reads too.
pub(crate) fn widen_weights(graph: &mut GraphProto) -> usize {
    let chains = Index::of(graph).chains(graph);
    let mut spent = Spent::default();
    chains.iter().for_each(|chain| spent.add(chain));
    for chain in &chains {
        let scales = chain.scale.map(|place| f32_values(take(graph, place)));
        // The stored bytes go as soon as they are widened, so only one weight is there twice.
        let stored = take(graph, chain.stored);
        let raw_data = match scales {
            None => widen_f16(&stored.raw_data),
            Some(scales) => widen_int8(stored.raw_data, &scales, chain.inner),
        };
        graph.initializer.push(TensorProto {
            name: chain.name.clone(),
            dims: stored.dims,
            data_type: DataType::Float as i32,
            raw_data,
            ..TensorProto::default()
        });
    }
    // Initialisers that were added stand behind those that go.
    spent.remove(graph);
    chains.len()
}

/// Has a weight that is only looked up by rows stay narrow: `Gather` reads it as it is stored, and what it gives is
/// cast, and multiplied with the scales of those rows.
///
/// Returns how many weights stay.
pub(crate) fn widen_what_is_looked_up(graph: &mut GraphProto) -> usize {
    let index = Index::of(graph);
    let lookups: Vec<(Chain, usize)> = (index.chains(graph).into_iter())
        .filter_map(|chain| {
            let lookup = index.lookup(graph, &chain)?;
            Some((chain, lookup))
        })
        .collect();
    let mut nodes: Vec<Vec<NodeProto>> = std::mem::take(&mut graph.node)
        .into_iter()
        .map(|node| vec![node])
        .collect();
    for (chain, lookup) in &lookups {
        let Some(gather) = nodes[*lookup].pop() else {
            continue;
        };
        let spent = (chain.nodes.iter()).filter_map(|at| nodes[*at].pop());
        nodes[*lookup] = looked_up_first(gather, spent.collect());
    }
    graph.node = nodes.into_iter().flatten().collect();
    lookups.len()
}

/// `Gather` of a weight behind its `Cast` and, with scales, its `Mul`, the other way round: first looked up, then
/// widened.
fn looked_up_first(gather: NodeProto, widening: Vec<NodeProto>) -> Vec<NodeProto> {
    let output = gather.output[0].clone();
    let rows = gather.input[1].clone();
    let named = |what: &str| format!("{output}.{what}");
    let look_up = |from: &str, to: String| NodeProto {
        name: to.clone(),
        input: vec![from.to_owned(), rows.clone()],
        output: vec![to],
        ..gather.clone()
    };
    let mut nodes = Vec::new();
    let mut widening = widening.into_iter();
    if let Some(cast) = widening.next() {
        let wide = cast.output[0].clone();
        nodes.push(look_up(&cast.input[0], named("narrow")));
        let multiply = widening.next();
        let to = match multiply {
            Some(_) => named("wide"),
            None => output.clone(),
        };
        nodes.push(NodeProto {
            input: vec![named("narrow")],
            output: vec![to],
            ..cast
        });
        if let Some(multiply) = multiply {
            let scale = multiply.input.iter().find(|input| **input != wide);
            nodes.push(look_up(scale.map_or("", String::as_str), named("scale")));
            nodes.push(NodeProto {
                input: vec![named("wide"), named("scale")],
                output: vec![output.clone()],
                ..multiply
            });
        }
    }
    nodes
}

/// Takes int8 weights of convolutions and matrix products out of the graph, which then has an input of the same name
/// for each: operators of ours are made of them as they are (`narrow.rs`).
///
/// Only such as one operator alone reads.
pub(crate) fn take_narrow(graph: &mut GraphProto) -> NarrowWeights {
    let index = Index::of(graph);
    let chains: Vec<Chain> = (index.chains(graph).into_iter())
        .filter(|chain| index.is_of_an_operator(graph, chain))
        .collect();
    let mut narrow = NarrowWeights::default();
    let mut spent = Spent::default();
    for chain in chains {
        let Some(scale) = chain.scale else {
            continue;
        };
        spent.add(&chain);
        let scales = f32_values(take(graph, scale));
        let stored = take(graph, chain.stored);
        graph.input.push(f32_input(&chain.name, &stored.dims));
        let weights = Weights::new(signed(stored.raw_data), scales, chain.inner);
        narrow.insert(chain.name, weights);
    }
    spent.remove(graph);
    narrow
}

/// An input of f32 as a graph lists it.
fn f32_input(name: &str, dims: &[i64]) -> ValueInfoProto {
    let dim = |length: &i64| Dimension {
        value: Some(dimension::Value::DimValue(*length)),
        ..Dimension::default()
    };
    let tensor = TensorTypeProto {
        elem_type: DataType::Float as i32,
        shape: Some(TensorShapeProto {
            dim: dims.iter().map(dim).collect(),
        }),
    };
    ValueInfoProto {
        name: name.to_owned(),
        r#type: Some(TypeProto {
            value: Some(type_proto::Value::TensorType(tensor)),
            ..TypeProto::default()
        }),
        ..ValueInfoProto::default()
    }
}

/// What a graph no longer needs once weights were taken out of it.
#[derive(Default)]
struct Spent {
    nodes: HashSet<usize>,
    initializers: HashSet<usize>,
}

impl Spent {
    fn add(&mut self, chain: &Chain) {
        self.nodes.extend(chain.nodes.iter().copied());
        for place in [Some(chain.stored), chain.scale].into_iter().flatten() {
            match place {
                Place::Node(at) => self.nodes.insert(at),
                Place::Initializer(at) => self.initializers.insert(at),
            };
        }
    }

    fn remove(&self, graph: &mut GraphProto) {
        retain_by_position(&mut graph.node, |at| !self.nodes.contains(&at));
        retain_by_position(&mut graph.initializer, |at| {
            !self.initializers.contains(&at)
        });
    }
}

/// Where a constant stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Initializer(usize),
    Node(usize),
}

/// A stored weight and the nodes that make f32 values of it.
struct Chain {
    /// Name of the f32 values.
    name: String,
    stored: Place,
    /// The factor of int8 values.
    scale: Option<Place>,
    /// How many neighbouring values share a factor.
    inner: usize,
    /// Positions of the `Cast`, and of the `Mul`.
    nodes: Vec<usize>,
}

/// Who makes and who reads a value.
struct Index {
    constants: HashMap<String, Place>,
    /// Nodes that read a value; what the graph gives out counts as read by none in particular.
    readers: HashMap<String, Vec<Option<usize>>>,
}

impl Index {
    fn of(graph: &GraphProto) -> Index {
        let mut constants = HashMap::new();
        for (at, tensor) in graph.initializer.iter().enumerate() {
            constants.insert(tensor.name.clone(), Place::Initializer(at));
        }
        let mut readers: HashMap<String, Vec<Option<usize>>> = HashMap::new();
        for (at, node) in graph.node.iter().enumerate() {
            for input in &node.input {
                readers.entry(input.clone()).or_default().push(Some(at));
            }
            if let ("Constant", [output]) = (node.op_type.as_str(), node.output.as_slice()) {
                constants.insert(output.clone(), Place::Node(at));
            }
        }
        for output in &graph.output {
            readers.entry(output.name.clone()).or_default().push(None);
        }
        Index { constants, readers }
    }

    fn chains(&self, graph: &GraphProto) -> Vec<Chain> {
        (0..graph.node.len())
            .filter_map(|cast| self.chain(graph, cast))
            .collect()
    }

    /// The chain that begins with the `Cast` at this position.
    fn chain(&self, graph: &GraphProto, cast: usize) -> Option<Chain> {
        let (source, cast_output) = cast_to_f32(&graph.node[cast])?;
        self.only_reader(source)?;
        let stored = *self.constants.get(source)?;
        let tensor = tensor(graph, stored)?;
        if tensor.data_type == DataType::Float16 as i32 {
            return (bytes_per_value(tensor) == Some(2)).then(|| Chain {
                name: cast_output.to_owned(),
                stored,
                scale: None,
                inner: 1,
                nodes: vec![cast],
            });
        }
        if tensor.data_type != DataType::Int8 as i32 || bytes_per_value(tensor) != Some(1) {
            return None;
        }
        let mul = self.only_reader(cast_output)?;
        let node = &graph.node[mul];
        let ("Mul", [left, right], [name]) = (
            node.op_type.as_str(),
            node.input.as_slice(),
            node.output.as_slice(),
        ) else {
            return None;
        };
        let scale = if left == cast_output { right } else { left };
        self.only_reader(scale)?;
        let scale = *self.constants.get(scale)?;
        Some(Chain {
            name: name.clone(),
            stored,
            inner: values_per_scale(tensor, self::tensor(graph, scale)?)?,
            scale: Some(scale),
            nodes: vec![cast, mul],
        })
    }

    /// The node that looks up rows of this weight, if nothing else reads it and rows have their own scales.
    fn lookup(&self, graph: &GraphProto, chain: &Chain) -> Option<usize> {
        let at = self.only_reader(&chain.name)?;
        let node = &graph.node[at];
        let is_along_rows =
            (node.attribute.iter()).all(|attribute| attribute.name != "axis" || attribute.i == 0);
        let [data, _] = node.input.as_slice() else {
            return None;
        };
        if node.op_type != "Gather" || *data != chain.name || !is_along_rows {
            return None;
        }
        let Some(scale) = chain.scale else {
            return Some(at);
        };
        let (stored, scale) = (tensor(graph, chain.stored)?, tensor(graph, scale)?);
        let mut others = scale.dims.iter().skip(1);
        let has_row_scales = scale.dims.len() == stored.dims.len()
            && scale.dims.first() == stored.dims.first()
            && others.all(|length| *length == 1);
        has_row_scales.then_some(at)
    }

    /// Whether int8 values are the filters of a convolution or what a matrix product multiplies with from the right,
    /// and nothing else reads them.
    fn is_of_an_operator(&self, graph: &GraphProto, chain: &Chain) -> bool {
        let reader = self.only_reader(&chain.name).map(|at| &graph.node[at]);
        let is_weight = reader.is_some_and(|node| {
            let is_second = node.input.get(1) == Some(&chain.name);
            is_second && matches!(node.op_type.as_str(), "Conv" | "MatMul")
        });
        is_weight && chain.scale.is_some()
    }

    /// The node that reads a value, if nothing else does.
    fn only_reader(&self, name: &str) -> Option<usize> {
        match self.readers.get(name)?.as_slice() {
            [Some(at)] => Some(*at),
            _ => None,
        }
    }
}

/// The names of input and output if the node is a `Cast` to f32.
fn cast_to_f32(node: &NodeProto) -> Option<(&str, &str)> {
    let to_f32 = node.attribute.iter().any(|attribute| {
        attribute.name == "to" && attribute.i == i64::from(DataType::Float as i32)
    });
    match (
        node.op_type.as_str(),
        node.input.as_slice(),
        node.output.as_slice(),
    ) {
        ("Cast", [input], [output]) if to_f32 => Some((input, output)),
        _ => None,
    }
}

fn tensor(graph: &GraphProto, place: Place) -> Option<&TensorProto> {
    match place {
        Place::Initializer(at) => Some(&graph.initializer[at]),
        Place::Node(at) => value_of(&graph.node[at])?.t.as_ref(),
    }
}

fn value_of(node: &NodeProto) -> Option<&tract_onnx::pb::AttributeProto> {
    (node.attribute.iter()).find(|attribute| attribute.name == "value")
}

/// Moves a constant out of the graph; an empty one stays in its place.
fn take(graph: &mut GraphProto, place: Place) -> TensorProto {
    match place {
        Place::Initializer(at) => std::mem::take(&mut graph.initializer[at]),
        Place::Node(at) => (graph.node[at].attribute.iter_mut())
            .find(|attribute| attribute.name == "value")
            .and_then(|attribute| attribute.t.take())
            .unwrap_or_default(),
    }
}

/// Length of `raw_data` per value; `None` where it does not fill the shape.
fn bytes_per_value(tensor: &TensorProto) -> Option<usize> {
    let values = tensor.dims.iter().product::<i64>() as usize;
    let bytes = tensor.raw_data.len();
    (values > 0 && bytes.is_multiple_of(values)).then(|| bytes / values)
}

/// How many neighbouring values share a scale, if the scale differs along one axis at most.
fn values_per_scale(tensor: &TensorProto, scale: &TensorProto) -> Option<usize> {
    let listed = scale.float_data.len() as i64 == scale.dims.iter().product::<i64>();
    if scale.data_type != DataType::Float as i32 || !(listed || bytes_per_value(scale) == Some(4)) {
        return None;
    }
    let missing = tensor.dims.len().checked_sub(scale.dims.len())?;
    let mut axes = (0..scale.dims.len()).filter(|axis| scale.dims[*axis] != 1);
    let Some(axis) = axes.next() else {
        return Some(1);
    };
    if axes.next().is_some() || scale.dims[axis] != tensor.dims[missing + axis] {
        return None;
    }
    Some(tensor.dims[missing + axis + 1..].iter().product::<i64>() as usize)
}

fn f32_values(tensor: TensorProto) -> Vec<f32> {
    match tensor.raw_data.as_chunks::<4>().0 {
        [] => tensor.float_data,
        chunks => chunks
            .iter()
            .map(|bytes| f32::from_le_bytes(*bytes))
            .collect(),
    }
}

/// Little-endian f16 to little-endian f32.
fn widen_f16(stored: &[u8]) -> Vec<u8> {
    let (stored, _) = stored.as_chunks::<2>();
    let mut wide = vec![0; stored.len() * 4];
    for (wide, stored) in wide.as_chunks_mut::<4>().0.iter_mut().zip(stored) {
        *wide = f16::from_le_bytes(*stored).to_f32().to_le_bytes();
    }
    wide
}

/// Signed bytes to little-endian f32, each times its scale, as [`scaled`] does it.
fn widen_int8(stored: Vec<u8>, scales: &[f32], inner: usize) -> Vec<u8> {
    let wide = scaled(&signed(stored), scales, inner);
    wide.into_iter().flat_map(f32::to_le_bytes).collect()
}

/// Bytes as the numbers they hold, in the same memory.
fn signed(bytes: Vec<u8>) -> Vec<i8> {
    bytes.into_iter().map(|byte| byte as i8).collect()
}

fn retain_by_position<T>(list: &mut Vec<T>, keep: impl Fn(usize) -> bool) {
    let mut at = 0;
    list.retain(|_| {
        at += 1;
        keep(at - 1)
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use tract_onnx::pb::{AttributeProto, ValueInfoProto};
    use tract_onnx::prelude::Framework as _;
    use vitrine_onnx::format;
    use vitrine_protocol::Weights;

    fn raw(name: &str, data_type: DataType, dims: &[i64], raw_data: Vec<u8>) -> TensorProto {
        TensorProto {
            name: name.into(),
            dims: dims.to_vec(),
            data_type: data_type as i32,
            raw_data,
            ..TensorProto::default()
        }
    }

    fn f16_tensor(name: &str, values: &[f32]) -> TensorProto {
        let bytes = values
            .iter()
            .flat_map(|value| f16::from_f32(*value).to_le_bytes())
            .collect();
        raw(name, DataType::Float16, &[values.len() as i64], bytes)
    }

    fn int8_tensor(name: &str, dims: &[i64], values: &[i8]) -> TensorProto {
        let bytes = values.iter().map(|value| *value as u8).collect();
        raw(name, DataType::Int8, dims, bytes)
    }

    fn f32_tensor(name: &str, dims: &[i64], values: &[f32]) -> TensorProto {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes());
        raw(name, DataType::Float, dims, bytes.collect())
    }

    fn node(op: &str, inputs: &[&str], output: &str) -> NodeProto {
        NodeProto {
            op_type: op.into(),
            input: inputs.iter().map(|name| (*name).into()).collect(),
            output: vec![output.into()],
            ..NodeProto::default()
        }
    }

    fn cast(input: &str, output: &str) -> NodeProto {
        let to = AttributeProto {
            name: "to".into(),
            i: DataType::Float as i64,
            ..AttributeProto::default()
        };
        NodeProto {
            attribute: vec![to],
            ..node("Cast", &[input], output)
        }
    }

    /// The same constant as a node.
    fn constant(tensor: TensorProto) -> NodeProto {
        let output = tensor.name.clone();
        let value = AttributeProto {
            name: "value".into(),
            t: Some(tensor),
            ..AttributeProto::default()
        };
        NodeProto {
            attribute: vec![value],
            ..node("Constant", &[], &output)
        }
    }

    /// Checks that `constants`, as initialisers and as nodes, become the one f32 initialiser `w`.
    #[track_caller]
    fn check_widened(constants: &[TensorProto], chain: &[NodeProto], expected: &[f32]) {
        let reader = node("Add", &["x", "w"], "y");
        let with_initializers = GraphProto {
            initializer: constants.to_vec(),
            node: [chain, std::slice::from_ref(&reader)].concat(),
            ..GraphProto::default()
        };
        let nodes: Vec<NodeProto> = constants.iter().cloned().map(constant).collect();
        let with_nodes = GraphProto {
            node: [&nodes, chain, std::slice::from_ref(&reader)].concat(),
            ..GraphProto::default()
        };
        for mut graph in [with_initializers, with_nodes] {
            assert_eq!(widen_weights(&mut graph), 1);
            assert_eq!(graph.node, std::slice::from_ref(&reader));
            let dims = &constants[0].dims;
            assert_eq!(graph.initializer, [f32_tensor("w", dims, expected)]);
        }
    }

    #[test]
    fn an_f16_weight_becomes_an_f32_weight_under_the_casts_name() {
        let weight = f16_tensor("w16", &[1.5, -0.25]);
        check_widened(&[weight], &[cast("w16", "w")], &[1.5, -0.25]);
    }

    #[test]
    fn an_int8_weight_is_scaled_per_channel() {
        let weight = int8_tensor("w8", &[2, 3], &[1, -2, 127, 4, -127, 0]);
        let chain = [cast("w8", "w.cast"), node("Mul", &["w.cast", "scale"], "w")];
        let turned = [cast("w8", "w.cast"), node("Mul", &["scale", "w.cast"], "w")];
        let rows = f32_tensor("scale", &[2, 1], &[0.5, 10.0]);
        let columns = f32_tensor("scale", &[1, 3], &[0.5, 1.0, 2.0]);
        let all = f32_tensor("scale", &[], &[2.0]);
        let by_row = [0.5, -1.0, 63.5, 40.0, -1270.0, 0.0];
        check_widened(&[weight.clone(), rows.clone()], &chain, &by_row);
        check_widened(&[weight.clone(), rows], &turned, &by_row);
        let by_column = [0.5, -2.0, 254.0, 2.0, -127.0, 0.0];
        check_widened(&[weight.clone(), columns], &chain, &by_column);
        check_widened(
            &[weight, all],
            &chain,
            &[2.0, -4.0, 254.0, 8.0, -254.0, 0.0],
        );
    }

    #[test]
    fn a_middle_axis_has_its_scales_in_turn() {
        let weight = int8_tensor("w8", &[2, 2, 2], &[1, 1, 1, 1, 2, 2, 2, 2]);
        let scale = f32_tensor("scale", &[2, 1], &[1.0, 10.0]);
        let chain = [cast("w8", "w.cast"), node("Mul", &["w.cast", "scale"], "w")];
        let expected = [1.0, 1.0, 10.0, 10.0, 2.0, 2.0, 20.0, 20.0];
        check_widened(&[weight, scale], &chain, &expected);
    }

    /// Names of the inputs, and kinds of the nodes, that are left once narrow weights were taken.
    fn left(reader: NodeProto, scale_dims: &[i64]) -> (Vec<String>, Vec<String>) {
        let mut graph = GraphProto {
            initializer: vec![
                int8_tensor("w8", &[2, 2], &[1, 2, 3, 4]),
                f32_tensor("scale", scale_dims, &[1.0, 2.0]),
            ],
            node: vec![cast("w8", "c"), node("Mul", &["c", "scale"], "w"), reader],
            ..GraphProto::default()
        };
        take_narrow(&mut graph);
        let inputs = graph.input.into_iter().map(|input| input.name);
        let nodes = graph.node.into_iter().map(|node| node.op_type);
        (inputs.collect(), nodes.collect())
    }

    #[test]
    fn int8_weights_of_products_and_convolutions_become_inputs() {
        for (kind, scale_dims) in [("MatMul", [1, 2]), ("Conv", [2, 1])] {
            let (inputs, nodes) = left(node(kind, &["x", "w"], "y"), &scale_dims);
            assert_eq!(
                (inputs, nodes),
                (vec!["w".to_owned()], vec![kind.to_owned()])
            );
        }
        for (kind, operands) in [
            ("MatMul", ["w", "x"]),
            ("Add", ["x", "w"]),
            ("MatMul", ["w", "w"]),
        ] {
            let (inputs, nodes) = left(node(kind, &operands, "y"), &[1, 2]);
            assert_eq!(
                (inputs.len(), nodes.len()),
                (0, 3),
                "{kind} of {operands:?}"
            );
        }
    }

    #[track_caller]
    fn check_left_alone(mut graph: GraphProto) {
        let before = graph.clone();
        assert_eq!(widen_weights(&mut graph), 0);
        assert_eq!(graph, before);
    }

    #[test]
    fn a_weight_with_two_readers_is_left_alone() {
        check_left_alone(GraphProto {
            initializer: vec![f16_tensor("w16", &[1.0])],
            node: vec![cast("w16", "w"), node("Identity", &["w16"], "z")],
            ..GraphProto::default()
        });
        check_left_alone(GraphProto {
            initializer: vec![f16_tensor("w16", &[1.0])],
            node: vec![cast("w16", "w")],
            output: vec![ValueInfoProto {
                name: "w16".into(),
                ..ValueInfoProto::default()
            }],
            ..GraphProto::default()
        });
    }

    #[test]
    fn a_scale_that_is_computed_or_does_not_fit_is_left_alone() {
        let graph = |initializer: Vec<TensorProto>| GraphProto {
            initializer,
            node: vec![cast("w8", "c"), node("Mul", &["c", "scale"], "w")],
            ..GraphProto::default()
        };
        let weight = || int8_tensor("w8", &[2, 2], &[1, 2, 3, 4]);
        check_left_alone(graph(vec![weight()]));
        let each = f32_tensor("scale", &[2, 2], &[1.0; 4]);
        check_left_alone(graph(vec![weight(), each]));
        let cut = raw("w8", DataType::Int8, &[2, 2], vec![1, 2, 3]);
        check_left_alone(graph(vec![cut, f32_tensor("scale", &[2, 1], &[1.0; 2])]));
    }

    #[test]
    fn a_cast_of_an_activation_stays() {
        check_left_alone(GraphProto {
            node: vec![cast("x", "y")],
            ..GraphProto::default()
        });
    }

    #[test]
    fn word_vectors_stay_narrow_and_are_widened_when_they_were_looked_up() {
        let stored = int8_tensor("w8", &[3, 2], &[1, -2, 127, 4, -127, 0]);
        let scale = f32_tensor("scale", &[3, 1], &[0.5, 1.0, 2.0]);
        let mut graph = GraphProto {
            initializer: vec![stored.clone(), scale.clone()],
            node: vec![
                cast("w8", "w.cast"),
                node("Mul", &["w.cast", "scale"], "w"),
                node("Gather", &["w", "ids"], "y"),
            ],
            ..GraphProto::default()
        };
        assert_eq!(widen_what_is_looked_up(&mut graph), 1);
        assert_eq!(widen_weights(&mut graph), 0);
        assert_eq!(graph.initializer, [stored, scale]);
        let steps: Vec<(&str, Vec<&str>, &str)> = (graph.node.iter())
            .map(|node| {
                let inputs = node.input.iter().map(String::as_str).collect();
                (node.op_type.as_str(), inputs, node.output[0].as_str())
            })
            .collect();
        assert_eq!(
            steps,
            [
                ("Gather", vec!["w8", "ids"], "y.narrow"),
                ("Cast", vec!["y.narrow"], "y.wide"),
                ("Gather", vec!["scale", "ids"], "y.scale"),
                ("Mul", vec!["y.wide", "y.scale"], "y"),
            ]
        );
    }

    #[test]
    fn weights_that_are_read_otherwise_are_widened_before() {
        let graph = |reader: NodeProto, scale: &[i64]| GraphProto {
            initializer: vec![
                int8_tensor("w8", &[2, 2], &[1, 2, 3, 4]),
                f32_tensor("scale", scale, &[0.5, 2.0]),
            ],
            node: vec![
                cast("w8", "w.cast"),
                node("Mul", &["w.cast", "scale"], "w"),
                reader,
            ],
            ..GraphProto::default()
        };
        let along_columns = NodeProto {
            attribute: vec![AttributeProto {
                name: "axis".into(),
                i: 1,
                ..AttributeProto::default()
            }],
            ..node("Gather", &["w", "ids"], "y")
        };
        let cases = [
            graph(node("MatMul", &["x", "w"], "y"), &[2, 1]),
            graph(node("Gather", &["x", "w"], "y"), &[2, 1]),
            graph(along_columns, &[2, 1]),
            graph(node("Gather", &["w", "ids"], "y"), &[1, 2]),
            graph(node("Gather", &["w", "ids"], "y"), &[2]),
        ];
        for mut graph in cases {
            let before = graph.clone();
            assert_eq!(widen_what_is_looked_up(&mut graph), 0);
            assert_eq!(graph, before);
            assert_eq!(widen_weights(&mut graph), 1);
        }
    }

    /// A weight with the axes of `shape`, stored in `width` and widened again, is off by no more
    /// than `largest_error`, and has its name and shape.
    #[track_caller]
    fn check_round_trip(op_type: &str, shape: &[usize], width: Weights, largest_error: f32) {
        let count: usize = shape.iter().product();
        let values: Vec<f32> = (0..count)
            .map(|at| (at * 7919 % 1000) as f32 / 500.0 - 1.0)
            .collect();
        let file = format::Model::new(format::Graph {
            node: vec![format::Node::new(op_type, "y", &["x", "w"], vec![])],
            initializer: vec![format::Tensor::f32("w", shape, &values)],
            ..format::Graph::default()
        });
        let narrowed = vitrine_onnx::narrow(&file.to_bytes(), width).unwrap();
        let onnx = tract_onnx::onnx();
        let mut graph = onnx
            .proto_model_for_read(&mut narrowed.as_slice())
            .unwrap()
            .graph
            .unwrap();
        assert_eq!(widen_weights(&mut graph), 1);
        let [weight] = graph.initializer.as_slice() else {
            panic!("{:?}", graph.initializer);
        };
        let dims: Vec<i64> = shape.iter().map(|length| *length as i64).collect();
        assert_eq!((weight.name.as_str(), &weight.dims), ("w", &dims));
        for (met, value) in f32_values(weight.clone()).iter().zip(&values) {
            assert!((met - value).abs() <= largest_error, "{met} for {value}");
        }
    }

    #[test]
    fn what_set_up_narrows_is_widened_to_the_rounded_values() {
        for (op_type, shape) in [
            ("Conv", &[16, 2, 3, 3][..]),
            ("ConvTranspose", &[8, 8, 2, 2]),
            ("MatMul", &[16, 20]),
        ] {
            check_round_trip(op_type, shape, Weights::F16, 1.0 / 4096.0);
            check_round_trip(op_type, shape, Weights::Int8, 0.5 / 127.0 + 1e-6);
        }
    }
}
