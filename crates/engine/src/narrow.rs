//! Int8 weights that tract never sees.
//!
//! As f32 they would be there three times while a model loads: widened, read by tract, packed; and memory that is
//! touched for the first time is much of what loading takes. So tract is given a value that is known only when the model
//! runs, and what becomes an operator of ours takes the weights themselves.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::konst::Const;
use vitrine_kernels::Linear;

/// Int8 weights by the name of the value they stand for.
#[derive(Clone, Debug, Default)]
pub(crate) struct NarrowWeights(HashMap<String, Arc<Weights>>);

/// Values that stand for themselves times a scale.
#[derive(Debug)]
pub(crate) struct Weights {
    values: Vec<i8>,
    scales: Vec<f32>,
    inner: usize,
}

impl Weights {
    /// `inner` neighbours have one scale, the next `inner` the next, and after the last scale the first comes again.
    pub(crate) fn new(values: Vec<i8>, scales: Vec<f32>, inner: usize) -> Weights {
        Weights {
            values,
            scales,
            inner,
        }
    }
}

impl NarrowWeights {
    pub(crate) fn insert(&mut self, name: String, weights: Weights) {
        self.0.insert(name, Arc::new(weights));
    }

    /// Puts the weights where the graph has inputs of their names.
    ///
    /// # Errors
    /// Where the graph lacks one.
    pub(crate) fn put_into(&self, model: &mut TypedModel) -> TractResult<()> {
        for (name, weights) in &self.0 {
            let node = model.node_id_by_name(name)?;
            model.inputs.retain(|input| input.node != node);
            let node = &mut model.nodes[node];
            node.op = Box::new(NarrowOp {
                weights: Arc::clone(weights),
                shape: node.outputs[0].fact.shape.clone(),
            });
        }
        Ok(())
    }
}

/// Makes constants of the weights that are read by operators like these, which did not become some of ours.
pub(crate) fn widen_for(
    model: &mut TypedModel,
    is_reader: impl Fn(&TypedNode) -> bool,
) -> TractResult<()> {
    let has_reader = |node: &TypedNode| {
        let mut readers = node.outputs.iter().flat_map(|output| &output.successors);
        readers.any(|reader| is_reader(model.node(reader.node)))
    };
    let rest: Vec<(usize, Tensor)> = (model.nodes.iter())
        .filter(|node| has_reader(node))
        .filter_map(|node| Some((node.id, node.op_as::<NarrowOp>()?)))
        .map(|(id, narrow)| Ok((id, narrow.widened()?)))
        .collect::<TractResult<_>>()?;
    for (id, wide) in rest {
        let wide = wide.into_arc_tensor();
        let node = &mut model.nodes[id];
        node.outputs[0].fact = TypedFact::try_from(&wide)?;
        node.op = Box::new(Const::new(wide)?);
    }
    Ok(())
}

/// Weights as a value of the graph that has nothing before it.
#[derive(Clone, Debug)]
pub(crate) struct NarrowOp {
    weights: Arc<Weights>,
    /// As the graph sees them: their order is the same in every shape.
    shape: ShapeFact,
}

impl NarrowOp {
    /// A linear map with these weights and one bias per output. `transposed` says that the graph has outputs first.
    pub(crate) fn pack(&self, bias: &[f32], transposed: bool) -> Option<Linear> {
        let Weights {
            values,
            scales,
            inner,
        } = &*self.weights;
        match transposed {
            false if scales.len() == bias.len() && *inner == 1 => {
                Linear::pack_narrow(values, scales, bias, transposed)
            }
            _ => Linear::pack(&self.values(), bias, transposed),
        }
    }

    /// What they stand for.
    pub(crate) fn values(&self) -> Vec<f32> {
        let Weights {
            values,
            scales,
            inner,
        } = &*self.weights;
        scaled(values, scales, *inner)
    }

    fn widened(&self) -> TractResult<Tensor> {
        let shape: Option<TVec<usize>> = self
            .shape
            .iter()
            .map(|length| length.to_usize().ok())
            .collect();
        let shape = shape.with_context(|| format!("weights of shape {:?}", self.shape))?;
        Tensor::from_shape(&shape, &self.values())
    }
}

/// Each value times its scale, as [`Weights::new`] has them.
pub(crate) fn scaled(values: &[i8], scales: &[f32], inner: usize) -> Vec<f32> {
    let mut wide = Vec::with_capacity(values.len());
    if inner == 1 {
        for row in values.chunks(scales.len().max(1)) {
            let row = row.iter().zip(scales);
            wide.extend(row.map(|(value, scale)| f32::from(*value) * scale));
        }
        return wide;
    }
    for (run, scale) in values.chunks(inner).zip(scales.iter().cycle()) {
        wide.extend(run.iter().map(|value| f32::from(*value) * scale));
    }
    wide
}

impl PartialEq for NarrowOp {
    fn eq(&self, other: &NarrowOp) -> bool {
        Arc::ptr_eq(&self.weights, &other.weights) && self.shape == other.shape
    }
}

impl Eq for NarrowOp {}

impl Hash for NarrowOp {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.weights).hash(state);
        self.shape.hash(state);
    }
}

impl Op for NarrowOp {
    fn name(&self) -> StaticName {
        "VitrineNarrowWeights".into()
    }

    op_as_typed_op!();
}

impl EvalOp for NarrowOp {
    // Or tract would fold them to a constant of f32.
    not_out_of_plan!();

    fn eval(&self, _context: &EvalContext, _inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        Ok(tvec!(self.widened()?.into_tvalue()))
    }
}

impl TypedOp for NarrowOp {
    fn output_facts(&self, _inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        Ok(tvec!(f32::datum_type().fact(self.shape.clone())))
    }

    fn change_axes(
        &self,
        model: &TypedModel,
        node: &TypedNode,
        _io: InOut,
        change: &AxisOp,
    ) -> TractResult<Option<AxisChangeConsequence>> {
        let mut shape = self.shape.clone();
        // Other changes leave every value where it lies.
        if matches!(change, AxisOp::Move(..)) || change.change_shape(&mut shape, false).is_err() {
            return Ok(None);
        }
        let weights = Arc::clone(&self.weights);
        let operator: Box<dyn TypedOp> = Box::new(NarrowOp { weights, shape });
        let consequence = AxisChangeConsequence::new(model, node, Some(operator), change);
        Ok(Some(consequence))
    }

    as_op!();
}
