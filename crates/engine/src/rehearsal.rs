//! What an engine does before it has anything to do: small models, loaded and run.
//!
//! A browser compiles a function when it is first called, and loading a model calls thousands of them once: that
//! takes several times as long as the loading itself. While a model's file is still on its way, nothing waits for
//! that.

use vitrine_onnx::format::{Attribute, ValueInfo};
use vitrine_protocol::{Failure, WarmUp};

use crate::model::{Axis, InputSpec, Kind};
use crate::net::Net;
use crate::tract_model::TractModel;
use crate::workbench::check_model;

/// What models of one kind are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Convolutions and what goes with them, for pictures.
    Convolutions,
    /// Attention, linear maps and normalisation, for texts.
    Attention,
    /// What readers of lines have besides: attention between the columns of a map, written in single operators.
    Lines,
}

impl Part {
    /// All of them, the one that is needed more often first.
    pub const ALL: [Part; 3] = [Part::Convolutions, Part::Attention, Part::Lines];
}

/// Loads a small model of this kind and runs it until it is warm.
///
/// # Errors
/// As [`Workbench::load`](crate::Workbench::load); then this engine cannot run models of this kind at all.
pub fn rehearse(part: Part) -> Result<(), Failure> {
    let (file, inputs) = model(part);
    check_model(&file)?;
    TractModel::load(file, &inputs, &[], WarmUp::Now, || 0.0)?;
    Ok(())
}

/// The small model of a kind, and the inputs it takes.
pub(crate) fn model(part: Part) -> (Vec<u8>, Vec<InputSpec>) {
    match part {
        Part::Convolutions => convolutions(),
        Part::Attention => attention(),
        Part::Lines => lines(),
    }
}

/// Channels of the pictures, and numbers of a row of the texts.
const WIDTH: usize = 8;

/// A picture network in small: what those of the registry have, each at least once.
fn convolutions() -> (Vec<u8>, Vec<InputSpec>) {
    let shape = [1, 3, 16, 16];
    let mut net = Net::new(ValueInfo::f32("x", &shape));
    let depthwise = [WIDTH, 1, 3];
    net.conv([WIDTH, 3, 3], 1, [2, 2], [0, 0, 1, 1]);
    let (least, most) = (net.constant(&[], &[0.0]), net.constant(&[], &[6.0]));
    net.node("Clip", &[&least, &most], vec![])
        .conv(depthwise, WIDTH, [1, 1], [1; 4])
        .node("Relu", &[], vec![]);
    let before = net.value.clone();
    net.conv([WIDTH, WIDTH, 1], 1, [1, 1], [0; 4])
        .by_channel("Mul", WIDTH)
        .by_channel("Add", WIDTH)
        .hard_swish()
        .conv([WIDTH, WIDTH, 1], 1, [1, 1], [0; 4])
        .node("Add", &[&before], vec![]);
    // A channel's weight comes of its mean.
    let before = net.value.clone();
    net.node("GlobalAveragePool", &[], vec![])
        .conv([WIDTH, WIDTH, 1], 1, [1, 1], [0; 4])
        .node("HardSigmoid", &[], vec![])
        .node("Mul", &[&before], vec![])
        .conv(depthwise, WIDTH, [2, 2], [0, 0, 1, 1])
        .node("GlobalAveragePool", &[], vec![])
        .node("Flatten", &[], vec![]);
    let (weights, bias) = (net.noise(&[5, WIDTH]), net.noise(&[5]));
    net.node(
        "Gemm",
        &[&weights, &bias],
        vec![Attribute::int("transB", 1)],
    )
    .node("Softmax", &[], vec![Attribute::int("axis", -1)]);
    let file = net.file(|name| ValueInfo::f32(name, &[1, 5]));
    (file, vec![InputSpec::fixed(&shape)])
}

/// One layer of a transformer in small.
fn attention() -> (Vec<u8>, Vec<InputSpec>) {
    let mut net = Net::new(ValueInfo::f32_rows("x", WIDTH));
    let before = net.value.clone();
    net.attention(2, WIDTH / 2, true, true)
        .linear(WIDTH, WIDTH)
        .node("Add", &[&before], vec![])
        .layer_norm(WIDTH);
    let before = net.value.clone();
    net.linear(WIDTH, 2 * WIDTH)
        .gelu()
        .linear(2 * WIDTH, WIDTH)
        .node("Add", &[&before], vec![])
        .layer_norm(WIDTH);
    let file = net.file(|name| ValueInfo::f32_rows(name, WIDTH));
    let rows = |axes: [Axis; 2]| InputSpec {
        kind: Kind::F32,
        axes: axes.to_vec(),
    };
    let inputs = vec![
        rows([Axis::Any, Axis::Fixed(WIDTH)]),
        rows([Axis::Any, Axis::Any]),
    ];
    (file, inputs)
}

/// One layer of a reader of lines in small, between convolutions of a map that is one point high.
fn lines() -> (Vec<u8>, Vec<InputSpec>) {
    const LENGTH: usize = 6;
    const HEADS: usize = 2;
    let shape = [1, WIDTH, 1, LENGTH];
    let turn = |order: &[usize]| vec![Attribute::ints("perm", order)];
    let mut net = Net::new(ValueInfo::f32("x", &shape));
    let height = net.whole_numbers(&[2]);
    net.conv([WIDTH, WIDTH, 1], 1, [1, 1], [0; 4])
        .batch_norm(WIDTH)
        .swish();
    let map = net.value.clone();
    net.node("Squeeze", &[&height], vec![])
        .node("Transpose", &[], turn(&[0, 2, 1]));
    let before = net.value.clone();
    // Queries, keys and values come of one product.
    let split = net.whole_numbers(&[1, -1, 3, HEADS as i64, (WIDTH / HEADS) as i64]);
    net.single_layer_norm(WIDTH)
        .linear(WIDTH, 3 * WIDTH)
        .node("Reshape", &[&split], vec![])
        .node("Transpose", &[], turn(&[2, 0, 3, 1, 4]));
    let all = net.value.clone();
    let first_axis = net.whole_numbers(&[0]);
    let [queries, keys, values] = [0, 1, 2].map(|at| {
        let (from, to) = (net.whole_numbers(&[at]), net.whole_numbers(&[at + 1]));
        net.value.clone_from(&all);
        net.node("Slice", &[&from, &to, &first_axis], vec![]).node(
            "Squeeze",
            &[&first_axis],
            vec![],
        );
        net.value.clone()
    });
    net.value = keys;
    net.node("Transpose", &[], turn(&[0, 1, 3, 2]));
    let keys = std::mem::replace(&mut net.value, queries);
    let joined = net.whole_numbers(&[1, -1, WIDTH as i64]);
    net.scalar("Mul", 0.5)
        .node("MatMul", &[&keys], vec![])
        .node("Softmax", &[], vec![Attribute::int("axis", 3)])
        .node("MatMul", &[&values], vec![])
        .node("Transpose", &[], turn(&[0, 2, 1, 3]))
        .node("Reshape", &[&joined], vec![])
        .linear(WIDTH, WIDTH)
        .node("Add", &[&before], vec![]);
    let unfolded = net.whole_numbers(&[1, 1, -1, WIDTH as i64]);
    net.single_layer_norm(WIDTH)
        .linear(WIDTH, WIDTH)
        .swish()
        .node("Reshape", &[&unfolded], vec![])
        .node("Transpose", &[], turn(&[0, 3, 1, 2]))
        .node("Concat", &[&map], vec![Attribute::int("axis", 1)])
        .conv([WIDTH, 2 * WIDTH, 1], 1, [1, 1], [0; 4])
        .batch_norm(WIDTH)
        .swish()
        .node("Squeeze", &[&height], vec![])
        .node("Transpose", &[], turn(&[0, 2, 1]))
        .linear(WIDTH, 5)
        .node("Softmax", &[], vec![Attribute::int("axis", 2)]);
    let file = net.file(|name| ValueInfo::f32(name, &[1, LENGTH, 5]));
    (file, vec![InputSpec::fixed(&shape)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Model as _;
    use crate::tract_model::{Fusion, zeros};

    /// Names of the operators of ours that come of a part, each once.
    fn ours(part: Part) -> Vec<String> {
        let (file, inputs) = model(part);
        let (mut model, _) =
            TractModel::load_with(file, &inputs, &[], Fusion::All, || 0.0).unwrap();
        let inputs: Vec<_> = inputs.iter().map(zeros).collect();
        model.run(inputs.clone()).unwrap();
        let operators = model.profile(inputs, || 0.0).unwrap();
        let mut names: Vec<String> = (operators.into_iter())
            .map(|row| row.operator)
            .filter(|name| name.starts_with("Vitrine"))
            .collect();
        names.sort();
        names.dedup();
        names
    }

    #[test]
    fn each_part_calls_the_operators_of_its_models() {
        for part in Part::ALL {
            rehearse(part).unwrap();
        }
        assert_eq!(ours(Part::Convolutions), ["VitrineConv", "VitrineGate"]);
        assert_eq!(
            ours(Part::Attention),
            ["VitrineAttention", "VitrineLayerNorm", "VitrineLinear"]
        );
        assert_eq!(ours(Part::Lines), ["VitrineAttention", "VitrineConv"]);
    }
}
