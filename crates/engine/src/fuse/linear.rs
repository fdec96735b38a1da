//! Products of rows with weights, and GELU, as operators of ours.
//!
//! In the graph a linear map is an `EinSum` with a constant. Behind it stand its bias, a residual or a
//! GELU; the exporter wrote GELU as five operators.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::einsum::EinSum;
use vitrine_kernels::{Linear, LinearActivation, gelu_in_place};

use super::{Rows, axes_of, constant, is_f32, is_one, longer, narrow_at, read_once, with_values};

/// Replaces GELUs, then linear maps with what can be done along with them.
pub(super) fn fuse(model: &mut TypedModel) -> TractResult<()> {
    for node in model.eval_order()? {
        let Some(input) = gelu_at(model, node) else {
            continue;
        };
        let name = format!("{}.gelu", model.node(node).name);
        super::replace(model, &[input], node, name, GeluOp)?;
    }
    for node in model.eval_order()? {
        let Some(chain) = chain_at(model, node)? else {
            continue;
        };
        let inputs: TVec<OutletId> = [Some(chain.input), chain.residual]
            .into_iter()
            .flatten()
            .collect();
        let name = format!("{}.linear", model.node(chain.last).name);
        super::replace(model, &inputs, chain.last, name, chain.operator)?;
    }
    Ok(())
}

/// The `x` of `x · (½ · (1 + erf(x / √2)))` whose product is at this node.
fn gelu_at(model: &TypedModel, product: usize) -> Option<OutletId> {
    let node = model.node(product);
    if node.op.name() != "Mul" || !is_f32(model, product) {
        return None;
    }
    let [left, right] = node.inputs.as_slice() else {
        return None;
    };
    let is_share = |x: OutletId, share: OutletId| {
        let (sum, half) = read_once(model, share, "Mul")?;
        let (erf, one) = read_once(model, sum, "Add")?;
        let scaled = super::input_of(model, erf, "Erf")?;
        let (input, scale) = read_once(model, scaled, "Mul")?;
        let is_gelu = half == 0.5
            && one == 1.0
            && (scale - std::f32::consts::FRAC_1_SQRT_2).abs() < 1e-6
            && input == x;
        is_gelu.then_some(x)
    };
    let x = is_share(*left, *right).or_else(|| is_share(*right, *left))?;
    // A constant of a higher rank would change the shape.
    let same_shape = model.outlet_fact(x).ok()?.shape == node.outputs[0].fact.shape;
    (same_shape && model.outlet_successors(x).len() >= 2).then_some(x)
}

/// A linear map and the operators behind it that are done along with it.
struct Chain {
    input: OutletId,
    residual: Option<OutletId>,
    /// The last operator.
    last: usize,
    operator: LinearOp,
}

/// The linear map at this node, with what follows.
fn chain_at(model: &TypedModel, node: usize) -> TractResult<Option<Chain>> {
    let Some(base) = base_at(model, node)? else {
        return Ok(None);
    };
    let mut bias = vec![0.0; base.outputs];
    let (mut residual, mut activation, mut last) = (None, LinearActivation::None, node);
    loop {
        let value = OutletId::new(last, 0);
        let [next] = model.outlet_successors(value) else {
            break;
        };
        let next = model.node(next.node);
        let shape = &model.outlet_fact(value)?.shape;
        if model.output_outlets()?.contains(&value)
            || activation != LinearActivation::None
            || next.outputs.len() != 1
            || next.outputs[0].fact.shape != *shape
        {
            break;
        }
        if next.op_is::<GeluOp>() {
            activation = LinearActivation::Gelu;
        } else if next.op.name() == "Add" && residual.is_none() {
            let [left, right] = next.inputs.as_slice() else {
                break;
            };
            let other = if *left == value { *right } else { *left };
            let other_shape = &model.outlet_fact(other)?.shape;
            if let Some(terms) = constant(model, other) {
                // One for each output, which are the last axis.
                if terms.len() != base.outputs || other_shape.last() != shape.last() {
                    break;
                }
                bias.iter_mut()
                    .zip(terms)
                    .for_each(|(bias, term)| *bias += term);
            } else if other != value && other_shape == shape {
                residual = Some(other);
            } else {
                break;
            }
        } else {
            break;
        }
        last = next.id;
    }
    let rows = Rows::new(&model.outlet_fact(OutletId::new(last, 0))?.shape);
    let pack = |weights: &[f32]| Linear::pack(weights, &bias, base.transposed);
    let linear = match narrow_at(model, base.weights) {
        Some(narrow) => narrow.pack(&bias, base.transposed),
        None => with_values(model, base.weights, pack).flatten(),
    };
    let (Some(rows), Some(linear)) = (rows, linear) else {
        return Ok(None);
    };
    Ok(Some(Chain {
        input: base.input,
        residual,
        last,
        operator: LinearOp {
            linear: Arc::new(linear),
            activation,
            rows,
        },
    }))
}

/// A linear map as it stands in the graph.
struct Base {
    input: OutletId,
    weights: OutletId,
    /// Whether weights lie `[outputs, depth]`.
    transposed: bool,
    outputs: usize,
}

/// `output[rows…, o] = Σ input[rows…, k…] · weights[k…, o]`, where axes of length 1 may lie anywhere.
fn base_at(model: &TypedModel, node: usize) -> TractResult<Option<Base>> {
    let node = model.node(node);
    let (Some(einsum), [left, right]) = (node.op_as::<EinSum>(), node.inputs.as_slice()) else {
        return Ok(None);
    };
    if einsum.q_params.is_some() || !is_f32(model, node.id) {
        return Ok(None);
    }
    let expression = einsum.axes.to_string();
    let Some((of_left, of_right, to)) = axes_of(&expression) else {
        return Ok(None);
    };
    let is_constant = |value: OutletId| {
        let fact = model.outlet_fact(value);
        fact.is_ok_and(|fact| fact.konst.is_some() && fact.datum_type == f32::datum_type())
            || narrow_at(model, value).is_some()
    };
    let (input, weights, from, of) = match (is_constant(*left), is_constant(*right)) {
        (false, true) => (*left, *right, of_left, of_right),
        (true, false) => (*right, *left, of_right, of_left),
        _ => return Ok(None),
    };
    let from = longer(from, &model.outlet_fact(input)?.shape);
    let to = longer(to, &node.outputs[0].fact.shape);
    let weights_shape = &model.outlet_fact(weights)?.shape;
    let of = longer(of, weights_shape);
    // What both the input and the weights have is summed up, what the output has besides are its rows.
    let summed: String = from.chars().filter(|axis| of.contains(*axis)).collect();
    let Some(rows) = from.strip_suffix(summed.as_str()) else {
        return Ok(None);
    };
    let Some(outputs) = to.strip_prefix(rows) else {
        return Ok(None);
    };
    // A matrix times a vector has nothing to share between rows.
    if rows.is_empty() || summed.is_empty() || outputs.is_empty() {
        return Ok(None);
    }
    let transposed = if of == format!("{summed}{outputs}") {
        false
    } else if of == format!("{outputs}{summed}") {
        true
    } else {
        return Ok(None);
    };
    let n_outputs = of
        .chars()
        .zip(weights_shape.iter().filter(|length| !is_one(length)))
        .filter(|(axis, _)| outputs.contains(*axis))
        .map(|(_, length)| length.to_usize().ok())
        .product::<Option<usize>>();
    Ok(n_outputs.map(|outputs| Base {
        input,
        weights,
        transposed,
        outputs,
    }))
}

/// [`Linear`] as an operator of tract's: one input, or a second that is added.
#[derive(Clone, Debug)]
struct LinearOp {
    linear: Arc<Linear>,
    activation: LinearActivation,
    /// Shape of the output.
    rows: Rows,
}

// As with convolutions: each has its own weights, and comparing those would take long.
impl PartialEq for LinearOp {
    fn eq(&self, other: &LinearOp) -> bool {
        Arc::ptr_eq(&self.linear, &other.linear)
            && self.activation == other.activation
            && self.rows == other.rows
    }
}

impl Eq for LinearOp {}

impl Hash for LinearOp {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.linear).hash(state);
        self.rows.hash(state);
    }
}

impl Op for LinearOp {
    fn name(&self) -> StaticName {
        "VitrineLinear".into()
    }

    fn info(&self) -> TractResult<Vec<String>> {
        let (depth, outputs) = (self.linear.depth(), self.linear.outputs());
        Ok(vec![
            format!("{depth} to {outputs}"),
            match self.linear.is_narrow() {
                true => "weights in int8".to_owned(),
                false => "weights in f32".to_owned(),
            },
            format!("{:?}", self.activation),
        ])
    }

    op_as_typed_op!();
}

impl EvalOp for LinearOp {
    op_out_of_plan!();

    fn eval(&self, _context: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        super::with_slices(&inputs, |slices| {
            let (input, residual) = match slices {
                [input] => (*input, None),
                [input, residual] => (*input, Some(*residual)),
                _ => return Err(TractError::msg("a linear map has one input or two")),
            };
            let n_rows = input.len() / self.linear.depth();
            let shape = self.rows.shape(n_rows * self.linear.outputs())?;
            let output = self.linear.map(self.activation, input, residual, &shape)?;
            Ok(tvec!(output.into_tvalue()))
        })
    }
}

impl TypedOp for LinearOp {
    fn output_facts(&self, _inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        Ok(tvec!(f32::datum_type().fact(self.rows.fact())))
    }

    as_op!();
}

/// GELU as an operator of tract's.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct GeluOp;

impl Op for GeluOp {
    fn name(&self) -> StaticName {
        "VitrineGelu".into()
    }

    op_as_typed_op!();
}

impl EvalOp for GeluOp {
    op_out_of_plan!();

    fn eval(&self, _context: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        super::in_place(inputs, gelu_in_place)
    }
}

impl TypedOp for GeluOp {
    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        Ok(tvec!(inputs[0].without_value()))
    }

    as_op!();
}

#[cfg(test)]
mod tests {
    use vitrine_onnx::format::Attribute;

    use super::super::tests::{check_rows, of_rows};

    #[test]
    fn bias_and_residual_go_along() {
        let mut net = of_rows(6);
        let before = net.value.clone();
        net.linear(6, 10);
        net.linear(10, 6);
        net.node("Add", &[&before], vec![]);
        check_rows(net, 6, &["VitrineLinear", "VitrineLinear"]);
    }

    #[test]
    fn gelu_goes_along_as_exporters_write_it() {
        let mut net = of_rows(6);
        net.linear(6, 9);
        net.gelu();
        check_rows(net, 6, &["VitrineLinear"]);
    }

    #[test]
    fn gelu_stands_alone_where_something_else_reads_the_product() {
        let mut net = of_rows(6);
        net.linear(6, 6);
        let product = net.value.clone();
        net.gelu();
        net.node("Mul", &[&product], vec![]);
        check_rows(net, 6, &["VitrineGelu", "VitrineLinear"]);
    }

    #[test]
    fn weights_that_lie_the_other_way_are_turned() {
        let mut net = of_rows(5);
        let weights = net.noise(&[7, 5]);
        net.node("Gemm", &[&weights], vec![Attribute::int("transB", 1)]);
        check_rows(net, 5, &["VitrineLinear"]);
    }

    #[test]
    fn what_is_no_gelu_stays() {
        let mut net = of_rows(6);
        net.linear(6, 6);
        net.scalar("Mul", 0.5);
        check_rows(net, 6, &["VitrineLinear"]);
    }
}
