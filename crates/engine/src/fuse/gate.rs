//! Weighted channels as one operator of ours: a product of a map with a weight for each of its channels, and the map
//! itself or another that is added.
//!
//! tract's operators for that run on one thread, and pass over memory once each.

use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::*;
use vitrine_kernels::gate;

use super::{constant, is_f32, is_one};

/// Replaces such products.
pub(super) fn fuse(model: &mut TypedModel) -> TractResult<()> {
    for node in model.eval_order()? {
        let Some(chain) = chain_at(model, node) else {
            continue;
        };
        let inputs: TVec<OutletId> = [Some(chain.values), Some(chain.weights), chain.other]
            .into_iter()
            .flatten()
            .collect();
        let name = format!("{}.gate", model.node(chain.last).name);
        super::replace(model, &inputs, chain.last, name, chain.operator)?;
    }
    Ok(())
}

struct Chain {
    values: OutletId,
    weights: OutletId,
    /// What is added behind.
    other: Option<OutletId>,
    /// The last operator.
    last: usize,
    operator: GateOp,
}

/// `x · w`, `x · w + x`, and either with `+ y`, whose product is at this node.
fn chain_at(model: &TypedModel, product: usize) -> Option<Chain> {
    let node = model.node(product);
    if node.op.name() != "Mul" || !is_f32(model, product) {
        return None;
    }
    let [left, right] = node.inputs.as_slice() else {
        return None;
    };
    let (values, weights) = if are_channels(model, *left, *right) {
        (*left, *right)
    } else if are_channels(model, *right, *left) {
        (*right, *left)
    } else {
        return None;
    };
    let mut last = product;
    let mut operator = GateOp { adds_itself: false };
    if let Some((sum, other)) = sum_with(model, last)
        && other == values
    {
        operator.adds_itself = true;
        last = sum;
    }
    let mut other = None;
    if let Some((sum, added)) = sum_with(model, last)
        && constant(model, added).is_none()
    {
        other = Some(added);
        last = sum;
    }
    Some(Chain {
        values,
        weights,
        other,
        last,
        operator,
    })
}

/// Whether there is one computed weight for each channel, which are the first two axes.
fn are_channels(model: &TypedModel, values: OutletId, weights: OutletId) -> bool {
    let shapes = (model.outlet_fact(values), model.outlet_fact(weights));
    let (Ok(of_values), Ok(of_weights)) = shapes else {
        return false;
    };
    let (of_values, of_weights) = (&of_values.shape, &of_weights.shape);
    let mut axes = of_values.iter().zip(of_weights.iter()).enumerate();
    of_values.rank() == 4
        && of_weights.rank() == 4
        && !of_values.iter().skip(2).all(is_one)
        && axes.all(|(axis, (value, weight))| match axis {
            0 | 1 => value == weight,
            _ => is_one(weight),
        })
        && constant(model, weights).is_none()
}

/// The sum of this node's output with another value of its shape, if nothing else reads the output.
fn sum_with(model: &TypedModel, node: usize) -> Option<(usize, OutletId)> {
    let value = OutletId::new(node, 0);
    let [next] = model.outlet_successors(value) else {
        return None;
    };
    let sum = model.node(next.node);
    let [left, right] = sum.inputs.as_slice() else {
        return None;
    };
    let other = if *left == value { *right } else { *left };
    let shape = &model.outlet_fact(value).ok()?.shape;
    let fits = sum.op.name() == "Add"
        && is_f32(model, sum.id)
        && other != value
        && model.outlet_fact(other).ok()?.shape == *shape
        && !model.output_outlets().ok()?.contains(&value);
    fits.then_some((sum.id, other))
}

/// [`gate`] as an operator of tract's: values, weights, and what is added.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct GateOp {
    /// Whether the values are added to their products.
    adds_itself: bool,
}

impl Op for GateOp {
    fn name(&self) -> StaticName {
        "VitrineGate".into()
    }

    op_as_typed_op!();
}

impl EvalOp for GateOp {
    op_out_of_plan!();

    fn eval(&self, _context: &EvalContext, mut inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        ensure!(
            inputs.len() >= 2,
            "weighted channels have two inputs or three"
        );
        let rest: TVec<TValue> = inputs.drain(1..).collect();
        let own = if self.adds_itself { 1.0 } else { 0.0 };
        super::with_slices(&rest, |rest| {
            let weights: Vec<f32> = rest[0].iter().map(|weight| weight + own).collect();
            super::in_place(inputs, |values| {
                gate(values, &weights, rest.get(1).copied())
            })
        })
    }
}

impl TypedOp for GateOp {
    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        Ok(tvec!(inputs[0].without_value()))
    }

    as_op!();
}

#[cfg(test)]
mod tests {
    use vitrine_onnx::format::ValueInfo;

    use super::super::tests::{check_close, count, run};
    use crate::net::{Net, noise};
    use crate::tract_model::Fusion;

    const SHAPE: [usize; 4] = [1, 4, 5, 6];

    /// Compares a graph of a map with tract's operators; `n_ours` are the operators of ours that come of it.
    #[track_caller]
    fn check(build: impl Fn(&mut Net, &str), n_ours: usize) {
        let mut net = Net::new(ValueInfo::f32("x", &SHAPE));
        net.scalar("Mul", 0.5).node("Sin", &[], vec![]);
        let map = net.value.clone();
        net.node("GlobalAveragePool", &[], vec![]);
        build(&mut net, &map);
        let file = net.file(|name| ValueInfo::f32(name, &SHAPE));
        let run = |fusion: Fusion| run(&file, &SHAPE, noise(SHAPE.iter().product()), fusion);
        let (expected, of_tract) = run(Fusion::Off);
        let (met, ours) = run(Fusion::All);
        let counts = [of_tract, ours].map(|operators| count(&operators, "VitrineGate"));
        assert_eq!(counts, [0, n_ours]);
        check_close(&met, &expected);
    }

    #[test]
    fn weighted_channels_are_one_operator_with_what_is_added() {
        let product = |net: &mut Net, map: &str, added: &[&str]| {
            net.node("Mul", &[map], vec![]);
            for added in added {
                net.node("Add", &[added], vec![]);
            }
        };
        check(|net, map| product(net, map, &[]), 1);
        check(|net, map| product(net, map, &[map]), 1);
        check(|net, map| product(net, map, &["x"]), 1);
        check(|net, map| product(net, map, &[map, "x"]), 1);
    }

    #[test]
    fn products_with_constants_or_of_points_stay() {
        let none = |net: &mut Net, map: &str| {
            net.node("Add", &[map], vec![]);
        };
        check(none, 0);
        let constants = |net: &mut Net, map: &str| {
            net.value = map.to_owned();
            net.by_channel("Mul", SHAPE[1]);
        };
        check(constants, 0);
        let points = |net: &mut Net, map: &str| {
            net.value = map.to_owned();
            net.node("Mul", &["x"], vec![]);
        };
        check(points, 0);
    }
}
