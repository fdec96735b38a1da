//! Chains of operators that one operator of ours does in one pass over memory.
//!
//! The rewrite works on a graph that tract has decluttered, where constants are folded and chains are
//! still visible, before kernels are chosen.

mod attention;
mod conv;
mod gate;
mod layer_norm;
mod linear;

use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::cnn::{Conv, Deconv};
use tract_onnx::tract_core::optim::{Optimizer, TypedPass};
use vitrine_kernels::HardSwish;

use crate::narrow::{NarrowOp, widen_for};
use crate::tract_model::Fusion;

/// Declutters a graph as tract does, and replaces what can be fused.
pub(crate) fn declutter_and_fuse(mut model: TypedModel, fusion: Fusion) -> TractResult<TypedModel> {
    match fusion {
        Fusion::Off => model.into_decluttered(),
        Fusion::Chains => {
            model = model.into_decluttered()?;
            fuse_hard_swish(&mut model)?;
            Ok(model)
        }
        Fusion::All => {
            // Before tract rewrites the graph, which takes longer than all the rest of loading a model: what
            // becomes an operator of ours needs no rewriting.
            Optimizer::prop_consts().optimize(&mut model)?;
            fuse_convolutions(&mut model)?;
            if model.nodes.iter().any(is_convolution) {
                widen_for(&mut model, is_convolution)?;
                declutter_in_place(&mut model)?;
                fuse_convolutions(&mut model)?;
            }
            // What is left tract may lay out as it likes: it brings texts into token after token, which
            // is how the next operators want them.
            model.declutter()?;
            gate::fuse(&mut model)?;
            layer_norm::fuse(&mut model)?;
            attention::fuse(&mut model)?;
            linear::fuse(&mut model)?;
            widen_for(&mut model, |_| true)?;
            model.compact()?;
            Ok(model)
        }
    }
}

fn fuse_convolutions(model: &mut TypedModel) -> TractResult<()> {
    fuse_hard_swish(model)?;
    conv::fuse(model)
}

/// Whether this is a convolution of tract's.
fn is_convolution(node: &TypedNode) -> bool {
    node.op_is::<Conv>() || node.op_is::<Deconv>()
}

/// Declutters, and leaves every value in the layout that the file has it in: channels first.
///
/// In wasm tract would rather have channels last wherever a filter per channel occurs, because its own
/// kernel for those is faster so. Ours works on rows.
fn declutter_in_place(model: &mut TypedModel) -> TractResult<()> {
    let mut optimizer = Optimizer::declutter();
    optimizer.passes.retain(|pass| !moves_axes(&**pass));
    optimizer.optimize(model)
}

/// Whether this is tract's pass that moves axes, which is known by its name alone.
fn moves_axes(pass: &dyn TypedPass) -> bool {
    format!("{pass:?}").starts_with("ChangeAxes")
}

fn fuse_hard_swish(model: &mut TypedModel) -> TractResult<()> {
    // A patch adds nodes and rewires, but numbers none anew until the graph is compacted.
    for node in model.eval_order()? {
        let Some(chain) = chain_at(model, node) else {
            continue;
        };
        let name = format!("{}.hard_swish", model.node(chain.last).name);
        replace(model, &[chain.input], chain.last, name, chain.operator)?;
    }
    model.compact()
}

/// Has an operator of ours make what the node `last` makes, from these values.
fn replace(
    model: &mut TypedModel,
    inputs: &[OutletId],
    last: usize,
    name: String,
    operator: impl Into<Box<dyn TypedOp>>,
) -> TractResult<()> {
    let mut patch = TypedModelPatch::default();
    let inputs = patch.taps(model, inputs)?;
    let output = patch.wire_node(name, operator, &inputs)?;
    patch.shunt_outside(model, last.into(), output[0])?;
    patch.apply(model)
}

/// `Mul(u, Min(Max(Add(u, 3), 0), 6))` with what scales, divides and shifts before and behind it.
struct Chain {
    /// What the first operator reads.
    input: OutletId,
    /// The last operator.
    last: usize,
    operator: HardSwishOp,
}

/// The chain whose product of `u` and its gate is at this node.
fn chain_at(model: &TypedModel, product: usize) -> Option<Chain> {
    let node = model.node(product);
    if node.op.name() != "Mul" || !is_f32(model, product) {
        return None;
    }
    let [left, right] = node.inputs.as_slice() else {
        return None;
    };
    let u = [(*left, *right), (*right, *left)]
        .into_iter()
        .find_map(|(u, gate)| (gated(model, gate)? == u).then_some(u))?;
    let mut operator = HardSwish {
        inner_scale: 1.0,
        inner_offset: 0.0,
        scale: 1.0,
        offset: 0.0,
    };
    // `u` is read twice, by the product and by the gate; what makes it is read once.
    let mut input = u;
    if model.outlet_successors(u).len() == 2 {
        if let Some((before, offset)) = with_constant(model, input, "Add") {
            operator.inner_offset = offset;
            input = before;
            if let Some((before, scale)) = read_once(model, input, "Mul") {
                operator.inner_scale = scale;
                input = before;
            }
        } else if let Some((before, scale)) = with_constant(model, input, "Mul") {
            operator.inner_scale = scale;
            input = before;
        }
    } else {
        return None;
    }
    let mut last = product;
    while let Some((next, scale)) = successor(model, last, "Mul").or_else(|| quotient(model, last))
    {
        operator.scale *= scale;
        last = next;
    }
    if let Some((next, offset)) = successor(model, last, "Add") {
        operator.offset = offset;
        last = next;
    }
    // A constant of a higher rank would change the shape.
    let same_shape = model.outlet_fact(input).ok()?.shape == model.node(last).outputs[0].fact.shape;
    same_shape.then_some(Chain {
        input,
        last,
        operator: HardSwishOp(operator),
    })
}

/// The value `u` whose gate `Min(Max(Add(u, 3), 0), 6)` this is, if nothing else reads its parts.
fn gated(model: &TypedModel, gate: OutletId) -> Option<OutletId> {
    let (value, six) = read_once(model, gate, "Min")?;
    let (value, zero) = read_once(model, value, "Max")?;
    let (u, three) = read_once(model, value, "Add")?;
    (six == 6.0 && zero == 0.0 && three == 3.0).then_some(u)
}

/// The other input and the constant of an operator that makes this value, if one node reads it.
fn read_once(model: &TypedModel, value: OutletId, operator: &str) -> Option<(OutletId, f32)> {
    let is_alone = model.outlet_successors(value).len() == 1;
    is_alone.then(|| with_constant(model, value, operator))?
}

/// The other input and the constant of an operator that makes this value.
fn with_constant(model: &TypedModel, value: OutletId, operator: &str) -> Option<(OutletId, f32)> {
    let node = model.node(value.node);
    if node.op.name() != operator || model.output_outlets().ok()?.contains(&value) {
        return None;
    }
    let [left, right] = node.inputs.as_slice() else {
        return None;
    };
    match (scalar(model, *left), scalar(model, *right)) {
        (None, Some(constant)) => Some((*left, constant)),
        (Some(constant), None) => Some((*right, constant)),
        _ => None,
    }
}

/// The one node that reads this one's output, if it is of this kind with a constant beside.
fn successor(model: &TypedModel, node: usize, operator: &str) -> Option<(usize, f32)> {
    let value = OutletId::new(node, 0);
    let [next] = model.outlet_successors(value) else {
        return None;
    };
    let (input, constant) =
        with_constant(model, OutletId::new(next.node, 0), operator).or_else(|| {
            // The graph gives out what this node makes: it may be the last of a chain.
            let node = model.node(next.node);
            let is_kind = node.op.name() == operator && node.inputs.len() == 2;
            let other = node.inputs.iter().find(|input| **input != value)?;
            is_kind.then_some((value, scalar(model, *other)?))
        })?;
    (input == value && !model.output_outlets().ok()?.contains(&value))
        .then_some((next.node, constant))
}

/// The one node that divides this one's output by a constant, and what it multiplies by.
fn quotient(model: &TypedModel, node: usize) -> Option<(usize, f32)> {
    let (next, divisor) = successor(model, node, "Div")?;
    let is_divided = model.node(next).inputs.first() == Some(&OutletId::new(node, 0));
    is_divided.then_some((next, divisor.recip()))
}

/// The input of an operator of this kind that makes this value.
fn input_of(model: &TypedModel, value: OutletId, operator: &str) -> Option<OutletId> {
    let node = model.node(value.node);
    (node.op.name() == operator).then(|| node.inputs.first().copied())?
}

/// The node that makes this value, if one other reads it and the graph does not give it out.
fn alone(model: &TypedModel, value: OutletId) -> Option<&TypedNode> {
    let is_alone =
        model.outlet_successors(value).len() == 1 && !model.output_outlets().ok()?.contains(&value);
    is_alone.then(|| model.node(value.node))
}

/// The letters of an `EinSum` with two inputs: those of both and of the output.
fn axes_of(expression: &str) -> Option<(&str, &str, &str)> {
    let (inputs, output) = expression.split_once("->")?;
    let (left, right) = inputs.split_once(',')?;
    Some((left, right, output))
}

/// The axes that are longer than 1, or of any length: those of length 1 lie anywhere without moving a value.
fn longer(axes: &str, shape: &ShapeFact) -> String {
    let axes = axes.chars().zip(shape.iter());
    axes.filter(|(_, length)| !is_one(length))
        .map(|(axis, _)| axis)
        .collect()
}

fn is_one(length: &TDim) -> bool {
    *length == 1.to_dim()
}

/// The values of a constant of f32, or what weights in int8 stand for.
fn constant(model: &TypedModel, value: OutletId) -> Option<Vec<f32>> {
    match narrow_at(model, value) {
        Some(narrow) => Some(narrow.values()),
        None => with_values(model, value, <[f32]>::to_vec),
    }
}

/// The weights in int8 that this value is.
fn narrow_at(model: &TypedModel, value: OutletId) -> Option<&NarrowOp> {
    model.node(value.node).op_as::<NarrowOp>()
}

/// Calls a function with the values of a constant of f32, which for weights are many to copy.
fn with_values<R>(
    model: &TypedModel,
    value: OutletId,
    work: impl FnOnce(&[f32]) -> R,
) -> Option<R> {
    let constant = model.outlet_fact(value).ok()?.konst.as_ref()?;
    if constant.datum_type() != f32::datum_type() {
        return None;
    }
    let view = constant.try_as_plain_ram().ok()?;
    Some(work(view.as_slice::<f32>().ok()?))
}

/// Calls a function with the values of tensors of f32.
fn with_slices<R>(
    tensors: &[TValue],
    work: impl FnOnce(&[&[f32]]) -> TractResult<R>,
) -> TractResult<R> {
    let views = (tensors.iter())
        .map(|tensor| tensor.try_as_plain_ram())
        .collect::<TractResult<Vec<_>>>()?;
    let slices = (views.iter())
        .map(|view| view.as_slice::<f32>())
        .collect::<TractResult<Vec<_>>>()?;
    work(&slices)
}

/// Changes the values of the one input where they lie, or a copy if someone else holds the tensor.
fn in_place(inputs: TVec<TValue>, change: impl FnOnce(&mut [f32])) -> TractResult<TVec<TValue>> {
    let mut tensor = args_1!(inputs).into_tensor();
    let mut view = tensor.try_as_plain_ram_mut()?;
    change(view.as_slice_mut::<f32>()?);
    Ok(tvec!(tensor.into_tvalue()))
}

/// A shape of which one length, at most, is known only when the model runs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Rows(TVec<TDim>);

impl Rows {
    /// `None` where more lengths than one are unknown.
    fn new(shape: &ShapeFact) -> Option<Rows> {
        let n_unknown = shape.iter().filter(|length| length.to_usize().is_err());
        (n_unknown.count() <= 1).then(|| Rows(shape.iter().cloned().collect()))
    }

    fn fact(&self) -> &[TDim] {
        &self.0
    }

    /// The shape of a tensor of so many values.
    fn shape(&self, n_values: usize) -> TractResult<TVec<usize>> {
        let known = self.0.iter().filter_map(|length| length.to_usize().ok());
        let known: usize = known.product();
        let unknown = n_values.checked_div(known).unwrap_or_default();
        let lengths = self
            .0
            .iter()
            .map(|length| length.to_usize().unwrap_or(unknown));
        let shape: TVec<usize> = lengths.collect();
        ensure!(
            shape.iter().product::<usize>() == n_values,
            "{n_values} values do not make {:?}",
            self.0
        );
        Ok(shape)
    }
}

/// The value of a constant that has only one.
fn scalar(model: &TypedModel, value: OutletId) -> Option<f32> {
    let constant = model.outlet_fact(value).ok()?.konst.as_ref()?;
    if constant.datum_type() != f32::datum_type() || constant.len() != 1 {
        return None;
    }
    let view = constant.try_as_plain_ram().ok()?;
    view.as_slice::<f32>().ok()?.first().copied()
}

fn is_f32(model: &TypedModel, node: usize) -> bool {
    // A node that a patch has replaced has no outputs any more.
    let output = model.node(node).outputs.first();
    output.is_some_and(|output| output.fact.datum_type == f32::datum_type())
}

/// [`HardSwish`] as an operator of tract's.
#[derive(Clone, Debug)]
struct HardSwishOp(HardSwish);

impl HardSwishOp {
    fn bits(&self) -> [u32; 4] {
        let HardSwish {
            inner_scale,
            inner_offset,
            scale,
            offset,
        } = self.0;
        [inner_scale, inner_offset, scale, offset].map(f32::to_bits)
    }
}

impl PartialEq for HardSwishOp {
    fn eq(&self, other: &HardSwishOp) -> bool {
        self.bits() == other.bits()
    }
}

impl Eq for HardSwishOp {}

impl std::hash::Hash for HardSwishOp {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.bits().hash(state);
    }
}

impl Op for HardSwishOp {
    fn name(&self) -> StaticName {
        "VitrineHardSwish".into()
    }

    fn info(&self) -> TractResult<Vec<String>> {
        Ok(vec![format!("{:?}", self.0)])
    }

    op_as_typed_op!();
}

impl EvalOp for HardSwishOp {
    op_out_of_plan!();

    fn eval(&self, _context: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        in_place(inputs, |values| self.0.apply(values))
    }
}

impl TypedOp for HardSwishOp {
    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        Ok(tvec!(inputs[0].without_value()))
    }

    as_op!();
}

#[cfg(test)]
mod tests {
    use vitrine_onnx::format::{Graph, Model as File, Node, Tensor as Constant, ValueInfo};
    use vitrine_tasks::{IdTensor, Tensor as PlainTensor};

    use crate::model::{Axis, Input, InputSpec, Kind, Model as _};
    use crate::net::{Net, noise};
    use crate::tract_model::{Fusion, OperatorTime, TractModel};

    /// As close as sums in another order come.
    #[track_caller]
    pub(super) fn check_close(met: &PlainTensor, expected: &PlainTensor) {
        assert_eq!(met.shape, expected.shape);
        for (met, expected) in met.values.iter().zip(&expected.values) {
            let tolerance = 1e-4 * expected.abs().max(1.0);
            assert!(
                (met - expected).abs() < tolerance,
                "{met} is not {expected}"
            );
        }
    }

    /// A graph whose input is any number of rows of so many numbers.
    pub(super) fn of_rows(columns: usize) -> Net {
        Net::new(ValueInfo::f32_rows("x", columns))
    }

    /// Runs the graph, whose rows have so many columns, on inputs of several lengths with tract's operators and with ours, and compares;
    /// `ours` are the operators of ours that should have come of it, in order of their names.
    #[track_caller]
    pub(super) fn check_rows(net: Net, columns: usize, ours: &[&str]) {
        let has_mask = net.graph.input.len() > 1;
        let file = net.file(|name| ValueInfo::f32_rows(name, 1));
        let any = |axes: Vec<Axis>| InputSpec {
            kind: Kind::F32,
            axes,
        };
        let mut specs = vec![any(vec![Axis::Any, Axis::Fixed(columns)])];
        if has_mask {
            specs.push(any(vec![Axis::Any, Axis::Any]));
        }
        let load = |fusion: Fusion| {
            let loaded = TractModel::load_with(file.clone(), &specs, &[], fusion, || 0.0);
            loaded.unwrap().0
        };
        let (mut reference, mut model) = (load(Fusion::Off), load(Fusion::All));
        for rows in [1, 4, 7, 24] {
            let tensor = |shape: Vec<usize>| {
                let values = noise(shape.iter().product());
                Input::F32(PlainTensor::new(shape, values).unwrap())
            };
            let mut inputs = vec![tensor(vec![rows, columns])];
            if has_mask {
                inputs.push(tensor(vec![rows, rows]));
            }
            let operators = model.profile(inputs.clone(), || 0.0).unwrap();
            let mut met: Vec<&str> = (operators.iter())
                .map(|row| row.operator.as_str())
                .filter(|operator| operator.starts_with("Vitrine"))
                .collect();
            met.sort_unstable();
            assert_eq!(met, ours);
            let expected = reference.run(inputs.clone()).unwrap().remove(0);
            let met = model.run(inputs).unwrap().remove(0);
            check_close(&met, &expected);
        }
    }

    /// Operators in a line from `x` to `y`; `Gate` stands for the product of a value with its gate.
    fn file(operators: &[(&str, f32)]) -> Vec<u8> {
        let mut graph = Graph {
            name: "g".to_owned(),
            input: vec![ValueInfo::f32("x", &[1, 3, 5, 7])],
            output: vec![ValueInfo::f32("y", &[1, 3, 5, 7])],
            ..Graph::default()
        };
        let constant = |graph: &mut Graph, name: &str, value: f32| {
            graph.initializer.push(Constant::f32(name, &[], &[value]));
        };
        let mut value = "x".to_owned();
        for (at, (operator, operand)) in operators.iter().enumerate() {
            let name = if at + 1 == operators.len() {
                "y".to_owned()
            } else {
                format!("v{at}")
            };
            if *operator == "Gate" {
                let part = |what: &str| format!("{name}.{what}");
                for (what, number) in [("three", 3.0), ("zero", 0.0), ("six", 6.0)] {
                    constant(&mut graph, &part(what), number);
                }
                let steps = [
                    ("Add", "three", "sum"),
                    ("Max", "zero", "least"),
                    ("Min", "six", "gate"),
                ];
                let mut gate = value.clone();
                for (step, number, made) in steps {
                    let node = Node::new(step, &part(made), &[&gate, &part(number)], vec![]);
                    graph.node.push(node);
                    gate = part(made);
                }
                graph
                    .node
                    .push(Node::new("Mul", &name, &[&value, &gate], vec![]));
            } else {
                let operand_name = format!("c{at}");
                constant(&mut graph, &operand_name, *operand);
                graph
                    .node
                    .push(Node::new(operator, &name, &[&value, &operand_name], vec![]));
            }
            value = name;
        }
        File::new(graph).to_bytes()
    }

    /// The first output of a model with one input of these values, and its operators.
    pub(super) fn run(
        file: &[u8],
        shape: &[usize],
        values: Vec<f32>,
        fusion: Fusion,
    ) -> (PlainTensor, Vec<OperatorTime>) {
        let spec = [InputSpec::fixed(shape)];
        let loaded = TractModel::load_with(file.to_vec(), &spec, &[], fusion, || 0.0);
        let mut model = loaded.unwrap().0;
        let input = vec![Input::F32(
            PlainTensor::new(shape.to_vec(), values).unwrap(),
        )];
        let operators = model.profile(input.clone(), || 0.0).unwrap();
        (model.run(input).unwrap().remove(0), operators)
    }

    /// How many of the operators are of this kind.
    pub(super) fn count(operators: &[OperatorTime], name: &str) -> usize {
        operators.iter().filter(|row| row.operator == name).count()
    }

    #[track_caller]
    fn check(operators: &[(&str, f32)], n_ours: usize) {
        let file = file(operators);
        let run = |fusion: Fusion| {
            let values = (0..105).map(|at| at as f32 * 0.13 - 6.0).collect();
            let (output, operators) = run(&file, &[1, 3, 5, 7], values, fusion);
            (output.values, count(&operators, "VitrineHardSwish"))
        };
        let (expected, none) = run(Fusion::Off);
        let (met, n_fused) = run(Fusion::Chains);
        assert_eq!((none, n_fused), (0, n_ours));
        for (met, expected) in met.iter().zip(expected) {
            assert!((met - expected).abs() < 1e-4, "{met} is not {expected}");
        }
    }

    #[test]
    fn an_encoder_gives_what_it_gives_with_operators_of_tract() {
        let path = "../../assets/models/minilm-l6.int8.onnx";
        let Ok(file) = std::fs::read(path) else {
            return println!("skipped: {path} is not there; cargo xtask models fetches it");
        };
        let load = |fusion: Fusion| {
            let specs = crate::encoder_specs();
            TractModel::load_with(file.clone(), &specs, &[], fusion, || 0.0)
                .unwrap()
                .0
        };
        let (mut reference, mut model) = (load(Fusion::Chains), load(Fusion::All));
        for n in [3, 24, 50] {
            let row = |values: Vec<i64>| {
                let shape = vec![1, n];
                Input::I64(IdTensor { shape, values })
            };
            let ids = (0..n as i64).map(|at| 2000 + at * 379 % 8000).collect();
            let inputs = vec![row(ids), row(vec![1; n]), row(vec![0; n])];
            let operators = model.profile(inputs.clone(), || 0.0).unwrap();
            assert_eq!(count(&operators, "VitrineAttention"), 6);
            assert_eq!(count(&operators, "VitrineLayerNorm"), 13);
            assert_eq!(count(&operators, "VitrineLinear"), 36);
            let is_narrow = |row: &&OperatorTime| row.details.contains("int8");
            assert_eq!(operators.iter().filter(is_narrow).count(), 36);
            let expected = reference.run(inputs.clone()).unwrap().remove(0);
            let met = model.run(inputs).unwrap().remove(0);
            assert_eq!(met.shape, expected.shape);
            for (met, expected) in met.values.iter().zip(expected.values) {
                assert!((met - expected).abs() < 1e-4, "{met} is not {expected}");
            }
        }
    }

    #[test]
    fn models_of_pictures_give_what_they_give_with_operators_of_tract() {
        for (name, shape) in [
            ("efficientnet-lite0", [1, 3, 64, 64]),
            ("pp-ocr-detection", [1, 3, 64, 64]),
            ("pp-ocr-direction", [1, 3, 48, 192]),
            ("pp-ocr-recognition", [1, 3, 48, 48]),
        ] {
            let path = format!("../../assets/models/{name}.int8.onnx");
            let Ok(file) = std::fs::read(&path) else {
                return println!("skipped: {path} is not there; cargo xtask models fetches it");
            };
            let run = |fusion: Fusion| run(&file, &shape, noise(shape.iter().product()), fusion);
            let (expected, _) = run(Fusion::Chains);
            let (met, operators) = run(Fusion::All);
            check_close(&met, &expected);
            let is_left = |row: &OperatorTime| {
                row.operator.contains("Narrow")
                    || row.operator.contains("Conv") && row.operator != "VitrineConv"
            };
            let left: Vec<_> = operators.iter().filter(|row| is_left(row)).collect();
            assert!(left.is_empty(), "{name}: {left:?}");
        }
    }

    #[test]
    fn chains_of_every_length_are_fused() {
        check(&[("Gate", 0.0)], 1);
        check(&[("Gate", 0.0), ("Mul", 0.2)], 1);
        check(&[("Add", 0.5), ("Gate", 0.0), ("Add", 0.1)], 1);
        check(
            &[
                ("Mul", 1.5),
                ("Add", -0.5),
                ("Gate", 0.0),
                ("Mul", 0.2),
                ("Add", 0.1),
            ],
            1,
        );
        check(
            &[("Gate", 0.0), ("Mul", 0.2), ("Gate", 0.0), ("Mul", 0.2)],
            2,
        );
    }

    #[test]
    fn one_pass_of_tract_moves_axes() {
        let passes = super::Optimizer::declutter().passes;
        let n = passes
            .iter()
            .filter(|pass| super::moves_axes(&***pass))
            .count();
        assert_eq!(n, 1, "{passes:?}");
    }

    #[test]
    fn what_is_no_gate_stays() {
        check(&[("Mul", 1.5), ("Add", 0.5), ("Max", 0.0), ("Min", 6.0)], 0);
    }
}
