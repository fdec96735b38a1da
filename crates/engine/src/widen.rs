//! Weights stored in f16 become f32 before the graph is built.
//!
//! A served model keeps its weights as f16 initialisers, each followed by a `Cast` to f32, so the
//! file is half as long and still valid for every ONNX runtime. tract folds constants only up to a
//! memory budget and would repeat the larger casts at every inference; resolving them in the file's
//! own terms costs a few milliseconds once.

use std::collections::HashMap;

use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{GraphProto, NodeProto};
use tract_onnx::tract_core::internal::f16;

/// Replaces every `Cast` to f32 of an f16 initialiser by the widened initialiser.
///
/// Returns how many casts were resolved. Casts of anything else stay.
pub(crate) fn widen_f16_weights(graph: &mut GraphProto) -> usize {
    let positions: HashMap<String, usize> = graph
        .initializer
        .iter()
        .enumerate()
        .filter(|(_, tensor)| {
            tensor.data_type == DataType::Float16 as i32 && !tensor.raw_data.is_empty()
        })
        .map(|(position, tensor)| (tensor.name.clone(), position))
        .collect();
    let mut uses: HashMap<String, usize> = HashMap::new();
    for name in graph.node.iter().flat_map(|node| &node.input) {
        *uses.entry(name.clone()).or_default() += 1;
    }

    let initializers = &mut graph.initializer;
    let before = graph.node.len();
    graph.node.retain(|node| {
        let Some(source) = cast_to_f32(node) else {
            return true;
        };
        let Some(&position) = positions.get(source) else {
            return true;
        };
        // A weight with a second reader keeps its f16 form for that reader.
        if uses.get(source) != Some(&1) {
            return true;
        }
        let tensor = &mut initializers[position];
        tensor.raw_data = tensor
            .raw_data
            .chunks_exact(2)
            .flat_map(|pair| {
                f16::from_le_bytes([pair[0], pair[1]])
                    .to_f32()
                    .to_le_bytes()
            })
            .collect();
        tensor.data_type = DataType::Float as i32;
        tensor.name.clone_from(&node.output[0]);
        false
    });
    before - graph.node.len()
}

/// The input's name if the node is a `Cast` to f32 with one input and one output.
fn cast_to_f32(node: &NodeProto) -> Option<&str> {
    let to_f32 = node.attribute.iter().any(|attribute| {
        attribute.name == "to" && attribute.i == i64::from(DataType::Float as i32)
    });
    match (
        node.op_type.as_str(),
        node.input.as_slice(),
        node.output.as_slice(),
    ) {
        ("Cast", [input], [_]) if to_f32 => Some(input),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tract_onnx::pb::{AttributeProto, TensorProto};

    fn f16_tensor(name: &str, values: &[f32]) -> TensorProto {
        TensorProto {
            name: name.into(),
            dims: vec![values.len() as i64],
            data_type: DataType::Float16 as i32,
            raw_data: values
                .iter()
                .flat_map(|value| f16::from_f32(*value).to_le_bytes())
                .collect(),
            ..TensorProto::default()
        }
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

    #[test]
    fn a_cast_weight_becomes_an_f32_weight_under_the_casts_name() {
        let mut graph = GraphProto {
            initializer: vec![f16_tensor("w16", &[1.5, -0.25])],
            node: vec![cast("w16", "w"), node("Add", &["x", "w"], "y")],
            ..GraphProto::default()
        };
        assert_eq!(widen_f16_weights(&mut graph), 1);
        let weight = &graph.initializer[0];
        assert_eq!(
            (weight.name.as_str(), weight.data_type),
            ("w", DataType::Float as i32)
        );
        assert_eq!(
            weight.raw_data,
            [1.5f32.to_le_bytes(), (-0.25f32).to_le_bytes()].concat()
        );
        assert_eq!(graph.node.len(), 1);
    }

    #[test]
    fn a_weight_with_two_readers_is_left_alone() {
        let mut graph = GraphProto {
            initializer: vec![f16_tensor("w16", &[1.0])],
            node: vec![cast("w16", "w"), node("Identity", &["w16"], "z")],
            ..GraphProto::default()
        };
        assert_eq!(widen_f16_weights(&mut graph), 0);
        assert_eq!(graph.node.len(), 2);
    }

    #[test]
    fn a_cast_of_an_activation_stays() {
        let mut graph = GraphProto {
            node: vec![cast("x", "y")],
            ..GraphProto::default()
        };
        assert_eq!(widen_f16_weights(&mut graph), 0);
        assert_eq!(graph.node.len(), 1);
    }
}
