//! Normalisation of rows as one operator of ours.
//!
//! tract reads a `LayerNormalization` as nine operators, of which it joins four to its `RmsNorm`: the
//! mean is taken away, the rest normalised, scaled and shifted, in five passes over memory.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::nn::{Reduce, Reducer, RmsNorm};
use vitrine_kernels::LayerNorm;

use super::{alone, constant, is_f32, read_once};

/// Replaces normalisations.
pub(super) fn fuse(model: &mut TypedModel) -> TractResult<()> {
    for node in model.eval_order()? {
        let Some((input, norm)) = norm_at(model, node) else {
            continue;
        };
        let name = format!("{}.layer_norm", model.node(node).name);
        super::replace(model, &[input], node, name, LayerNormOp(Arc::new(norm)))?;
    }
    Ok(())
}

/// The input and the parameters of the normalisation whose last operator is at this node:
/// `RmsNorm(x - mean(x)) · scale + bias`.
fn norm_at(model: &TypedModel, last: usize) -> Option<(OutletId, LayerNorm)> {
    let node = model.node(last);
    if node.op.name() != "Add" || !is_f32(model, last) {
        return None;
    }
    let (scaled, bias) = with_row(model, node)?;
    let product = alone(model, scaled).filter(|node| node.op.name() == "Mul")?;
    let (normalised, scale) = with_row(model, product)?;
    let rms_norm = alone(model, normalised)?;
    let operator = rms_norm.op_as::<RmsNorm>()?;
    let difference = alone(model, *rms_norm.inputs.first()?)?;
    let [x, mean] = difference.inputs.as_slice() else {
        return None;
    };
    let shape = &model.outlet_fact(*x).ok()?.shape;
    let (last_axis, length) = (shape.rank().checked_sub(1)?, scale.len());
    let (sum, share) = read_once(model, *mean, "Mul")?;
    let reduce = alone(model, sum)?;
    let operator_of_sum = reduce.op_as::<Reduce>()?;
    let is_norm = difference.op.name() == "Sub"
        && operator.axis == last_axis
        && operator_of_sum.reducer == Reducer::Sum
        && operator_of_sum.axes.as_slice() == [last_axis]
        && reduce.inputs.first() == Some(x)
        && shape.last() == Some(&length.to_dim())
        && bias.len() == length
        && (share * length as f32 - 1.0).abs() < 1e-5
        && node.outputs[0].fact.shape == *shape;
    let epsilon = operator.eps.cast_to_scalar::<f32>().ok()?;
    is_norm.then_some((
        *x,
        LayerNorm {
            scale,
            bias,
            epsilon,
        },
    ))
}

/// The other input of an operator with a constant of one value for each place of a row.
fn with_row(model: &TypedModel, node: &TypedNode) -> Option<(OutletId, Vec<f32>)> {
    let [left, right] = node.inputs.as_slice() else {
        return None;
    };
    let row = |value: OutletId| {
        let shape = &model.outlet_fact(value).ok()?.shape;
        let row = constant(model, value)?;
        (shape.last() == Some(&row.len().to_dim())).then_some(row)
    };
    match (row(*left), row(*right)) {
        (None, Some(row)) => Some((*left, row)),
        (Some(row), None) => Some((*right, row)),
        _ => None,
    }
}

/// [`LayerNorm`] as an operator of tract's.
#[derive(Clone, Debug)]
struct LayerNormOp(Arc<LayerNorm>);

// As with convolutions: each has its own weights.
impl PartialEq for LayerNormOp {
    fn eq(&self, other: &LayerNormOp) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for LayerNormOp {}

impl Hash for LayerNormOp {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.0).hash(state);
    }
}

impl Op for LayerNormOp {
    fn name(&self) -> StaticName {
        "VitrineLayerNorm".into()
    }

    op_as_typed_op!();
}

impl EvalOp for LayerNormOp {
    op_out_of_plan!();

    fn eval(&self, _context: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        super::in_place(inputs, |values| self.0.apply(values))
    }
}

impl TypedOp for LayerNormOp {
    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        Ok(tvec!(inputs[0].without_value()))
    }

    as_op!();
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check_rows, of_rows};

    #[test]
    fn a_normalisation_is_one_operator() {
        let mut net = of_rows(12);
        net.layer_norm(12);
        check_rows(net, 12, &["VitrineLayerNorm"]);
    }

    #[test]
    fn one_behind_a_residual_leaves_what_is_read_again() {
        let mut net = of_rows(12);
        net.linear(12, 12);
        let before = net.value.clone();
        net.layer_norm(12);
        net.node("Add", &[&before], vec![]);
        check_rows(net, 12, &["VitrineLayerNorm", "VitrineLinear"]);
    }
}
