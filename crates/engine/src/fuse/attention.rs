//! Attention as one operator of ours: from queries, keys and values, token by token, to what each token
//! takes from the others.

use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::einsum::EinSum;
use tract_onnx::tract_core::ops::logic::Iff;
use tract_onnx::tract_core::ops::nn::{Softmax, SoftmaxKind};
use vitrine_kernels::Attention;

use super::{Rows, alone, axes_of, input_of, is_f32, is_one, longer, read_once, scalar};

/// Replaces attentions.
pub(super) fn fuse(model: &mut TypedModel) -> TractResult<()> {
    for node in model.eval_order()? {
        let Some(found) = attention_at(model, node)? else {
            continue;
        };
        let inputs: TVec<OutletId> = [Some(found.queries), Some(found.keys), Some(found.values)]
            .into_iter()
            .chain([found.mask])
            .flatten()
            .collect();
        let name = format!("{}.attention", model.node(node).name);
        super::replace(model, &inputs, node, name, found.operator)?;
    }
    Ok(())
}

struct Found {
    queries: OutletId,
    keys: OutletId,
    values: OutletId,
    mask: Option<OutletId>,
    operator: AttentionOp,
}

/// The attention whose weighted sum is at this node: `softmax(s · Q · Kᵀ + mask) · V`, where the softmax may be
/// guarded against rows without any weight.
fn attention_at(model: &TypedModel, node: usize) -> TractResult<Option<Found>> {
    if !is_f32(model, node) {
        return Ok(None);
    }
    let find = || {
        let sum = product_at(model, node)?;
        let (weights, values) = (sum.inputs[0], sum.inputs[1]);
        let weights = guarded(model, weights).unwrap_or(weights);
        let softmax = softmax_at(model, weights)?;
        let mut scores = *softmax.inputs.first()?;
        let mut mask = None;
        if let Some(node) = alone(model, scores).filter(|node| node.op.name() == "Add") {
            let [left, right] = node.inputs.as_slice() else {
                return None;
            };
            // A mask is the same for all heads, scores are not.
            let is_mask = |value: OutletId| {
                let shape = &model.outlet_fact(value).ok()?.shape;
                let heads = shape.rank().checked_sub(3).map(|axis| &shape[axis]);
                Some(heads.is_none_or(is_one))
            };
            (scores, mask) = match (is_mask(*left)?, is_mask(*right)?) {
                (false, true) => (*left, Some(*right)),
                (true, false) => (*right, Some(*left)),
                _ => return None,
            };
        }
        let mut scale = 1.0;
        let mut unscaled = |value: OutletId| match read_once(model, value, "Mul") {
            Some((inner, factor)) => {
                scale *= factor;
                inner
            }
            None => value,
        };
        let scores = unscaled(scores);
        let product = product_at(model, alone(model, scores)?.id)?;
        let queries = unscaled(product.inputs[0]);
        let keys = unscaled(product.inputs[1]);
        let found = Sides {
            product: &product,
            sum: &sum,
        };
        let (heads, length) = found.heads_and_length(model)?;
        let mask = match mask {
            Some(mask) => Some(found.mask(model, mask)?),
            None => None,
        };
        let rows = Rows::new(&model.node(node).outputs[0].fact.shape)?;
        Some(Found {
            queries,
            keys,
            values,
            mask,
            operator: AttentionOp {
                heads,
                length,
                scale: scale.to_bits(),
                rows,
            },
        })
    };
    Ok(find())
}

/// A product of two values that are both no constants, with its axes of length above 1.
struct Product {
    inputs: [OutletId; 2],
    axes: [String; 3],
}

fn product_at(model: &TypedModel, node: usize) -> Option<Product> {
    let node = model.node(node);
    let einsum = node.op_as::<EinSum>()?;
    let [left, right] = node.inputs.as_slice() else {
        return None;
    };
    let expression = einsum.axes.to_string();
    let (of_left, of_right, to) = axes_of(&expression)?;
    let shape = |value: OutletId| Some(&model.outlet_fact(value).ok()?.shape);
    einsum.q_params.is_none().then_some(Product {
        inputs: [*left, *right],
        axes: [
            longer(of_left, shape(*left)?),
            longer(of_right, shape(*right)?),
            longer(to, &node.outputs[0].fact.shape),
        ],
    })
}

/// The softmax over the last axis that makes this value.
fn softmax_at(model: &TypedModel, value: OutletId) -> Option<&TypedNode> {
    let node = model.node(value.node);
    let softmax = node.op_as::<Softmax>()?;
    let rank = model.outlet_fact(value).ok()?.shape.rank();
    let is_plain = softmax.kind == SoftmaxKind::Softmax
        && softmax.quant_output_dt.is_none()
        && softmax.axes.as_slice() == [rank.checked_sub(1)?]
        && !model.output_outlets().ok()?.contains(&value);
    is_plain.then_some(node)
}

/// The `w` of `if w is NaN then 0 else w`.
fn guarded(model: &TypedModel, value: OutletId) -> Option<OutletId> {
    let node = alone(model, value).filter(|node| node.op_is::<Iff>())?;
    let [condition, instead, weights] = node.inputs.as_slice() else {
        return None;
    };
    let is_guard = input_of(model, *condition, "IsNan") == Some(*weights)
        && scalar(model, *instead) == Some(0.0)
        && model.outlet_successors(*weights).len() == 2;
    is_guard.then_some(*weights)
}

/// The two products of an attention.
struct Sides<'a> {
    product: &'a Product,
    sum: &'a Product,
}

impl Sides<'_> {
    /// How many heads there are and how long each is, where everything lies token by token:
    /// queries `[m, h, k]`, keys `[n, h, k]`, scores `[h, m, n]`, values `[n, h, v]`, output `[m, h, v]`, with
    /// one text and as many keys as values.
    fn heads_and_length(&self, model: &TypedModel) -> Option<(usize, usize)> {
        let letters =
            |axes: &str| -> Option<[char; 3]> { axes.chars().collect::<Vec<_>>().try_into().ok() };
        let [queries, keys, scores] = self.product.axes.each_ref().map(|axes| letters(axes));
        let [weights, values, output] = self.sum.axes.each_ref().map(|axes| letters(axes));
        let ([m, h, k], [head, query, key]) = (queries?, weights?);
        let [n, ..] = keys?;
        let [.., v] = values?;
        let fits = keys? == [n, h, k]
            && scores? == [h, m, n]
            && values? == [key, head, v]
            && output? == [query, head, v];
        let shape = |value: OutletId| -> Option<Vec<TDim>> {
            let shape = &model.outlet_fact(value).ok()?.shape;
            Some(
                shape
                    .iter()
                    .filter(|length| !is_one(length))
                    .cloned()
                    .collect(),
            )
        };
        let (of_keys, of_values) = (shape(self.product.inputs[1])?, shape(self.sum.inputs[1])?);
        let is_even = of_keys == of_values;
        let (heads, length) = (of_keys.get(1)?.to_usize(), of_keys.get(2)?.to_usize());
        (fits && is_even).then_some((heads.ok()?, length.ok()?))
    }

    /// The mask, if it has a value for each query and key. tract says so as well of one that it has not repeated
    /// for every query, which the kernel takes too.
    fn mask(&self, model: &TypedModel, mask: OutletId) -> Option<OutletId> {
        let fact = model.outlet_fact(mask).ok()?;
        let lengths: Vec<&TDim> = fact.shape.iter().filter(|length| !is_one(length)).collect();
        let of = |value: OutletId| {
            let shape = &model.outlet_fact(value).ok()?.shape;
            shape.iter().find(|length| !is_one(length)).cloned()
        };
        let (queries, keys) = (of(self.product.inputs[0])?, of(self.product.inputs[1])?);
        let fits = fact.datum_type == f32::datum_type() && lengths == [&queries, &keys];
        fits.then_some(mask)
    }
}

/// [`Attention`] as an operator of tract's: queries, keys, values, and a mask where there is one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct AttentionOp {
    heads: usize,
    length: usize,
    /// Bits of an f32.
    scale: u32,
    /// Shape of the output.
    rows: Rows,
}

impl Op for AttentionOp {
    fn name(&self) -> StaticName {
        "VitrineAttention".into()
    }

    fn info(&self) -> TractResult<Vec<String>> {
        Ok(vec![format!("{} heads of {}", self.heads, self.length)])
    }

    op_as_typed_op!();
}

impl EvalOp for AttentionOp {
    op_out_of_plan!();

    fn eval(&self, _context: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let attention = Attention {
            heads: self.heads,
            length: self.length,
            scale: f32::from_bits(self.scale),
        };
        super::with_slices(&inputs, |slices| {
            let (sides, mask) = match slices {
                [queries, keys, values] => ([*queries, *keys, *values], None),
                [queries, keys, values, mask] => ([*queries, *keys, *values], Some(*mask)),
                _ => return Err(TractError::msg("attention has three inputs or four")),
            };
            let shape = self.rows.shape(sides[0].len())?;
            let output = attention.attend(sides, mask, &shape)?;
            Ok(tvec!(output.into_tvalue()))
        })
    }
}

impl TypedOp for AttentionOp {
    fn output_facts(&self, _inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        Ok(tvec!(f32::datum_type().fact(self.rows.fact())))
    }

    as_op!();
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check_rows, of_rows};

    #[test]
    fn heads_become_one_operator() {
        for guarded in [false, true] {
            for masked in [false, true] {
                let mut net = of_rows(12);
                net.attention(3, 4, masked, guarded);
                let linear = "VitrineLinear";
                check_rows(net, 12, &["VitrineAttention", linear, linear, linear]);
            }
        }
    }
}
