//! Convolutions with what follows them, as one operator of ours.
//!
//! In the graph a convolution is a `Conv`, a `Deconv`, or an `EinSum` where its windows have one point.
//! Behind it stand its bias, a batch normalisation that the exporter left as factors and terms, a
//! residual and an activation, each a pass over memory. Factors and terms go into the weights; the rest
//! is done while results are in registers.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::cnn::{Conv, Deconv, KernelFormat};
use tract_onnx::tract_core::ops::einsum::EinSum;
use vitrine_kernels::conv::{Activation, Convolution, Depthwise, Filters, Padding, Window};

use super::{HardSwishOp, constant, is_f32, with_slices};

/// Replaces convolutions and what can be done along with them.
pub(super) fn fuse(model: &mut TypedModel) -> TractResult<()> {
    for node in model.eval_order()? {
        let Some(chain) = chain_at(model, node)? else {
            continue;
        };
        let inputs = [Some(chain.input), chain.residual];
        let inputs: TVec<OutletId> = inputs.into_iter().flatten().collect();
        let name = format!("{}.conv", model.node(chain.last).name);
        super::replace(model, &inputs, chain.last, name, chain.operator)?;
    }
    model.compact()
}

/// A convolution and the operators behind it that are done along with it.
struct Chain {
    input: OutletId,
    residual: Option<OutletId>,
    /// The last operator.
    last: usize,
    operator: ConvOp,
}

/// The convolution at this node, with what follows.
fn chain_at(model: &TypedModel, node: usize) -> TractResult<Option<Chain>> {
    if !is_f32(model, node) {
        return Ok(None);
    }
    let base = conv_at(model, node)?
        .or(einsum_at(model, node)?)
        .or(deconv_at(model, node)?);
    // Without filters there is nothing to compute.
    let Some(base) = base.filter(|base| !base.weights.is_empty() && !base.bias.is_empty()) else {
        return Ok(None);
    };
    let mut tail = Tail {
        weights: base.weights,
        bias: base.bias,
        channel_axis: base.channel_axis,
        takes_residual: matches!(base.kind, Kind::Pointwise | Kind::Full(_)),
        residual: None,
        activation: Activation::None,
        last: node,
    };
    while tail.take_next(model)? {}
    let Tail {
        weights,
        bias,
        residual,
        activation,
        last,
        ..
    } = tail;
    let depth = weights.len() / bias.len();
    let convolution = match base.kind {
        Kind::Pointwise => Filters::pack(&weights, &bias, depth).map(Convolution::Pointwise),
        Kind::Full(window) => {
            Filters::pack(&weights, &bias, depth).map(|filters| Convolution::Full(filters, window))
        }
        Kind::Depthwise(window) => Some(Convolution::Depthwise(Depthwise {
            weights,
            bias,
            window,
        })),
        Kind::Transposed { block, size } => {
            // A channel's filters lie one behind the other, and each has the channel's bias.
            let area = block[0] * block[1];
            let bias: Vec<f32> = (bias.iter())
                .flat_map(|bias| std::iter::repeat_n(*bias, area))
                .collect();
            let filters = Filters::pack(&weights, &bias, depth / area);
            filters.map(|filters| Convolution::Transposed {
                filters,
                block,
                size,
            })
        }
    };
    let (Some(convolution), Some(shape)) = (convolution, concrete(model, last.into())) else {
        return Ok(None);
    };
    Ok(Some(Chain {
        input: base.input,
        residual,
        last,
        operator: ConvOp {
            convolution: Arc::new(convolution),
            activation,
            shape,
        },
    }))
}

/// A convolution as it stands in the graph.
struct Base {
    input: OutletId,
    /// `[filters, depth]`.
    weights: Vec<f32>,
    /// `[filters]`.
    bias: Vec<f32>,
    /// Axis of the output that tells filters apart.
    channel_axis: usize,
    kind: Kind,
}

enum Kind {
    Pointwise,
    Full(Window),
    Depthwise(Window),
    Transposed { block: [usize; 2], size: [usize; 2] },
}

fn conv_at(model: &TypedModel, node: usize) -> TractResult<Option<Base>> {
    let node = model.node(node);
    let Some(conv) = node.op_as::<Conv>() else {
        return Ok(None);
    };
    let [input, kernel, bias] = node.inputs.as_slice() else {
        return Ok(None);
    };
    let spec = &conv.pool_spec;
    let (Some(shape), Some(weights), Some(bias)) = (
        concrete(model, *input),
        constant(model, *kernel),
        constant(model, *bias),
    ) else {
        return Ok(None);
    };
    let (&[kernel_rows, kernel_columns], &[row_stride, column_stride]) =
        (spec.kernel_shape.as_slice(), &*spec.strides())
    else {
        return Ok(None);
    };
    let layout = spec.data_format.shape(shape)?;
    let is_plain = conv.q_params.is_none()
        && conv.kernel_fmt == KernelFormat::OIHW
        && !spec.data_format.c_is_last()
        && layout.n().is_none_or(|n| *n == 1)
        && spec.dilations().iter().all(|dilation| *dilation == 1)
        && matches!(column_stride, 1 | 2);
    let channels = spec.output_channels;
    let Some(bias) = per_channel(&bias, channels).filter(|_| is_plain) else {
        return Ok(None);
    };
    let &[rows, columns] = layout.hw_dims() else {
        return Ok(None);
    };
    let padding = spec.computed_padding(layout.hw_dims());
    let window = Window {
        input: [rows, columns],
        kernel: [kernel_rows, kernel_columns],
        stride: [row_stride, column_stride],
        padding: Padding {
            top: padding[0].pad_before,
            bottom: padding[0].pad_after,
            left: padding[1].pad_before,
            right: padding[1].pad_after,
        },
    };
    let kind = if conv.group == 1 && window.is_pointwise() {
        Kind::Pointwise
    } else if conv.group == 1 {
        Kind::Full(window)
    } else if conv.group == channels && conv.group == spec.input_channels {
        Kind::Depthwise(window)
    } else {
        return Ok(None);
    };
    // What tract computes of the output's size is what counts, should the two ever disagree.
    let agrees = [0, 1].map(|axis| padding[axis].convoluted) == window.output();
    Ok(agrees.then(|| Base {
        input: *input,
        weights,
        bias,
        channel_axis: layout.c_axis(),
        kind,
    }))
}

/// A transposed convolution whose windows lie side by side. Weights are `[filters, block, depth]`.
fn deconv_at(model: &TypedModel, node: usize) -> TractResult<Option<Base>> {
    let node = model.node(node);
    let Some(deconv) = node.op_as::<Deconv>() else {
        return Ok(None);
    };
    let [input, kernel, bias] = node.inputs.as_slice() else {
        return Ok(None);
    };
    let spec = &deconv.pool_spec;
    let (Some(shape), Some(kernel), Some(bias), Some(output)) = (
        concrete(model, *input),
        constant(model, *kernel),
        constant(model, *bias),
        concrete(model, node.id.into()),
    ) else {
        return Ok(None);
    };
    let layout = spec.data_format.shape(shape)?;
    let (&[rows, columns], &[height, width]) = (spec.kernel_shape.as_slice(), layout.hw_dims())
    else {
        return Ok(None);
    };
    let (channels, depth, area) = (spec.output_channels, spec.input_channels, rows * columns);
    let is_plain = deconv.group == 1
        && deconv.kernel_format == KernelFormat::OIHW
        && !spec.data_format.c_is_last()
        && layout.n().is_none_or(|n| *n == 1)
        && *spec.strides() == [rows, columns]
        && spec.dilations().iter().all(|dilation| *dilation == 1)
        && deconv.adjustments.iter().all(|adjustment| *adjustment == 0)
        && output.iter().product::<usize>() == channels * area * height * width
        && kernel.len() == channels * depth * area;
    let Some(bias) = per_channel(&bias, channels).filter(|_| is_plain) else {
        return Ok(None);
    };
    let mut weights = Vec::with_capacity(kernel.len());
    for filter in kernel.chunks_exact(depth * area) {
        for at in 0..area {
            weights.extend(filter.iter().skip(at).step_by(area));
        }
    }
    Ok(Some(Base {
        input: *input,
        weights,
        bias,
        channel_axis: layout.c_axis(),
        kind: Kind::Transposed {
            block: [rows, columns],
            size: [height, width],
        },
    }))
}

/// `output[o, …] = Σ_i weights[o, i] · input[i, …]`: a convolution with windows of one point.
fn einsum_at(model: &TypedModel, node: usize) -> TractResult<Option<Base>> {
    let node = model.node(node);
    let Some(einsum) = node.op_as::<EinSum>() else {
        return Ok(None);
    };
    let [input, kernel] = node.inputs.as_slice() else {
        return Ok(None);
    };
    let expression = einsum.axes.to_string();
    let (Some((from, of, to)), Some(in_shape), Some(out_shape)) = (
        super::axes_of(&expression),
        concrete(model, *input),
        concrete(model, node.id.into()),
    ) else {
        return Ok(None);
    };
    let (Some(depth), Some(rows)) = (
        length_of('I', from, &in_shape),
        length_of('O', to, &out_shape),
    ) else {
        return Ok(None);
    };
    // Axes of length 1 lie anywhere without moving a value.
    let (from, to_points) = (longer(from, &in_shape), longer(to, &out_shape));
    let points: String = from.chars().filter(|axis| *axis != 'I').collect();
    let n_points: usize = out_shape.iter().product::<usize>() / rows.max(1);
    let is_plain = einsum.q_params.is_none()
        && einsum.operating_dt == f32::datum_type()
        && of == "OI"
        && from.replacen('I', "", 1) == points
        && from.find('I').is_none_or(|at| at == 0)
        && to_points.replacen('O', "", 1) == points
        && to_points.find('O').is_none_or(|at| at == 0)
        // A matrix times a vector has nothing to share between points.
        && n_points > 1;
    if !is_plain {
        return Ok(None);
    }
    // Only now: an encoder's weights, which are not for here, are large to copy.
    let weights = constant(model, *kernel).filter(|weights| weights.len() == rows * depth);
    Ok(weights.map(|weights| Base {
        input: *input,
        weights,
        bias: vec![0.0; rows],
        channel_axis: to.find('O').unwrap_or_default(),
        kind: Kind::Pointwise,
    }))
}

/// How long this axis is.
fn length_of(axis: char, axes: &str, shape: &[usize]) -> Option<usize> {
    shape.get(axes.find(axis)?).copied()
}

/// The axes that are longer than 1.
fn longer(axes: &str, shape: &[usize]) -> String {
    let axes = axes.chars().zip(shape);
    axes.filter(|(_, length)| **length != 1)
        .map(|(axis, _)| axis)
        .collect()
}

/// What follows a convolution and is done along with it.
struct Tail {
    weights: Vec<f32>,
    bias: Vec<f32>,
    channel_axis: usize,
    takes_residual: bool,
    residual: Option<OutletId>,
    activation: Activation,
    last: usize,
}

impl Tail {
    /// Takes in the operator behind the last one; `false` where there is none that can be.
    fn take_next(&mut self, model: &TypedModel) -> TractResult<bool> {
        let value = OutletId::new(self.last, 0);
        let [next] = model.outlet_successors(value) else {
            return Ok(false);
        };
        let next = model.node(next.node);
        let shape = &model.outlet_fact(value)?.shape;
        if model.output_outlets()?.contains(&value)
            || next.outputs.len() != 1
            || next.outputs[0].fact.shape != *shape
        {
            return Ok(false);
        }
        let is_taken = if let Some(HardSwishOp(swish)) = next.op_as::<HardSwishOp>() {
            let is_first = self.activation == Activation::None && self.residual.is_none();
            if is_first {
                self.scale(&vec![swish.inner_scale; self.bias.len()]);
                self.shift(&vec![swish.inner_offset; self.bias.len()]);
                self.activation = Activation::HardSwish {
                    scale: swish.scale,
                    offset: swish.offset,
                };
            }
            is_first
        } else if let [left, right] = next.inputs.as_slice() {
            let other = if *left == value { *right } else { *left };
            match self.factors(model, other)? {
                Some(factors) => self.take_constant(&next.op.name(), &factors),
                None => self.take_residual(model, &next.op.name(), value, other)?,
            }
        } else {
            false
        };
        if is_taken {
            self.last = next.id;
        }
        Ok(is_taken)
    }

    /// A constant as one value per channel; `None` where it is none or differs within a channel.
    fn factors(&self, model: &TypedModel, value: OutletId) -> TractResult<Option<Vec<f32>>> {
        let Some(values) = constant(model, value) else {
            return Ok(None);
        };
        let shape = &model.outlet_fact(value)?.shape;
        let is_along_channels =
            values.len() == 1 || shape.get(self.channel_axis) == Some(&values.len().to_dim());
        let channels = self.bias.len();
        Ok(per_channel(&values, channels).filter(|_| is_along_channels))
    }

    /// Takes in `operator` with a constant beside; `false` where what came before does not allow it.
    fn take_constant(&mut self, operator: &str, factors: &[f32]) -> bool {
        let is_linear = self.activation == Activation::None;
        let is_same = factors.iter().all(|factor| *factor == factors[0]);
        match (operator, self.activation) {
            ("Mul", Activation::None) if self.residual.is_none() => self.scale(factors),
            ("Add", Activation::None) => self.shift(factors),
            ("Max", _) if is_linear && is_same => {
                self.activation = Activation::Clamp {
                    least: factors[0],
                    most: f32::INFINITY,
                };
            }
            ("Min", Activation::Clamp { least, most }) if is_same && least <= factors[0] => {
                self.activation = Activation::Clamp {
                    least,
                    most: most.min(factors[0]),
                };
            }
            _ => return false,
        }
        true
    }

    /// Takes in the addition of another value of the same shape.
    fn take_residual(
        &mut self,
        model: &TypedModel,
        operator: &str,
        value: OutletId,
        other: OutletId,
    ) -> TractResult<bool> {
        let same_shape = model.outlet_fact(other)?.shape == model.outlet_fact(value)?.shape;
        let is_taken = operator == "Add"
            && self.takes_residual
            && same_shape
            && other != value
            && constant(model, other).is_none()
            && self.activation == Activation::None
            && self.residual.is_none();
        if is_taken {
            self.residual = Some(other);
        }
        Ok(is_taken)
    }

    fn scale(&mut self, factors: &[f32]) {
        let depth = self.weights.len() / self.bias.len();
        for (filter, factor) in self.weights.chunks_exact_mut(depth).zip(factors) {
            filter.iter_mut().for_each(|weight| *weight *= factor);
        }
        for (bias, factor) in self.bias.iter_mut().zip(factors) {
            *bias *= factor;
        }
    }

    fn shift(&mut self, terms: &[f32]) {
        for (bias, term) in self.bias.iter_mut().zip(terms) {
            *bias += term;
        }
    }
}

/// One value for each channel, of as many or of one for all.
fn per_channel(values: &[f32], channels: usize) -> Option<Vec<f32>> {
    match values {
        [value] => Some(vec![*value; channels]),
        values => (values.len() == channels).then(|| values.to_vec()),
    }
}

/// The shape of a value, where every axis is known and none is empty: our kernels have at least one point.
fn concrete(model: &TypedModel, value: OutletId) -> Option<TVec<usize>> {
    let shape = model.outlet_fact(value).ok()?.shape.as_concrete()?;
    (!shape.contains(&0)).then(|| shape.into())
}

/// [`Convolution`] as an operator of tract's: one input, or a second that is added.
#[derive(Clone, Debug)]
struct ConvOp {
    convolution: Arc<Convolution>,
    activation: Activation,
    /// Shape of the output.
    shape: TVec<usize>,
}

// Two operators are the same where they share their weights: comparing those would take long, and each
// convolution of a graph has its own.
impl PartialEq for ConvOp {
    fn eq(&self, other: &ConvOp) -> bool {
        Arc::ptr_eq(&self.convolution, &other.convolution)
            && self.activation == other.activation
            && self.shape == other.shape
    }
}

impl Eq for ConvOp {}

impl Hash for ConvOp {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.convolution).hash(state);
        self.shape.hash(state);
    }
}

impl Op for ConvOp {
    fn name(&self) -> StaticName {
        "VitrineConv".into()
    }

    fn info(&self) -> TractResult<Vec<String>> {
        let kind = match &*self.convolution {
            Convolution::Pointwise(filters) => format!("1×1, depth {}", filters.depth()),
            Convolution::Full(_, window) => format!("{window:?}"),
            Convolution::Depthwise(filters) => format!("depthwise, {:?}", filters.window),
            Convolution::Transposed { block, size, .. } => {
                format!("transposed, {block:?} on {size:?}")
            }
        };
        Ok(vec![kind, format!("{:?}", self.activation)])
    }

    op_as_typed_op!();
}

impl EvalOp for ConvOp {
    op_out_of_plan!();

    fn eval(&self, _context: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        with_slices(&inputs, |slices| {
            let (input, residual) = match slices {
                [input] => (*input, None),
                [input, residual] => (*input, Some(*residual)),
                _ => return Err(TractError::msg("a convolution has one input or two")),
            };
            let output = (self.convolution).run(self.activation, input, residual, &self.shape)?;
            Ok(tvec!(output.into_tvalue()))
        })
    }
}

impl TypedOp for ConvOp {
    fn output_facts(&self, _inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        Ok(tvec!(f32::datum_type().fact(&*self.shape)))
    }

    as_op!();
}

#[cfg(test)]
mod tests {
    use vitrine_onnx::format::{Attribute, ValueInfo};
    use vitrine_tasks::Tensor as PlainTensor;

    use super::super::tests::check_close;
    use crate::model::{Input, InputSpec, Model as _};
    use crate::net::Net;
    use crate::tract_model::{Fusion, TractModel};
    use crate::trial::trial;

    fn of_picture(shape: &[usize]) -> Net {
        Net::new(ValueInfo::f32("x", shape))
    }

    /// Runs the graph with tract's operators and with ours, and compares.
    #[track_caller]
    fn check(net: Net, input: &[usize], output: &[usize], n_ours: usize) {
        let file = net.file(|name| ValueInfo::f32(name, output));
        let len = input.iter().product::<usize>();
        let values: Vec<f32> = (0..len)
            .map(|at| ((at * 37) % 41) as f32 / 10.0 - 2.0)
            .collect();
        let run = |fusion: Fusion| {
            let spec = InputSpec::fixed(input);
            let (mut model, _) =
                TractModel::load_with(file.clone(), &[spec], &[], fusion, || 0.0).unwrap();
            let input = || {
                let input = PlainTensor::new(input.to_vec(), values.clone());
                vec![Input::F32(input.unwrap())]
            };
            let operators = model.profile(input(), || 0.0).unwrap();
            let ours = operators.iter().filter(|row| row.operator == "VitrineConv");
            let n = ours.count();
            (model.run(input()).unwrap().remove(0), n, operators.len())
        };
        let (expected, none, _) = run(Fusion::Off);
        let (met, n, n_operators) = run(Fusion::All);
        assert_eq!((none, n), (0, n_ours), "convolutions of ours");
        // The input, and nothing of the chains is left.
        assert!(n_operators <= n_ours + 2, "{n_operators} operators");
        check_close(&met, &expected);
    }

    #[test]
    fn a_normalisation_and_bounds_go_along() {
        let input = [1, 3, 9, 14];
        let mut net = of_picture(&input);
        net.conv([6, 3, 3], 1, [2, 2], [0, 0, 1, 1])
            .by_channel("Mul", 6)
            .by_channel("Add", 6)
            .relu6();
        check(net, &input, &[1, 6, 4, 7], 1);
    }

    #[test]
    fn a_filter_per_channel_goes_along() {
        let input = [1, 6, 9, 13];
        let mut net = of_picture(&input);
        net.conv([6, 1, 5], 6, [2, 1], [2, 2, 2, 2])
            .by_channel("Mul", 6)
            .hard_swish();
        check(net, &input, &[1, 6, 5, 13], 1);
    }

    #[test]
    fn a_residual_goes_along() {
        let input = [1, 4, 5, 7];
        let mut net = of_picture(&input);
        net.conv([4, 4, 1], 1, [1, 1], [0; 4]).relu6();
        let before = net.value.clone();
        net.conv([8, 4, 1], 1, [1, 1], [0; 4])
            .relu6()
            .conv([4, 8, 1], 1, [1, 1], [0; 4])
            .node("Add", &[&before], vec![]);
        check(net, &input, &[1, 4, 5, 7], 3);
    }

    #[test]
    fn factors_and_terms_around_an_activation_go_along() {
        let input = [1, 3, 6, 6];
        let mut net = of_picture(&input);
        net.conv([5, 3, 1], 1, [1, 1], [0; 4])
            .scalar("Mul", 1.5)
            .scalar("Add", -0.25)
            .hard_swish()
            .scalar("Add", 0.5);
        check(net, &input, &[1, 5, 6, 6], 1);
    }

    #[test]
    fn a_transposed_convolution_goes_along() {
        let input = [1, 3, 4, 5];
        let mut net = of_picture(&input);
        let weights = net.noise(&[3, 6, 2, 2]);
        let bias = net.noise(&[6]);
        let attributes = vec![
            Attribute::ints("strides", &[2, 2]),
            Attribute::ints("kernel_shape", &[2, 2]),
        ];
        net.node("ConvTranspose", &[&weights, &bias], attributes)
            .by_channel("Mul", 6)
            .by_channel("Add", 6)
            .relu6();
        check(net, &input, &[1, 6, 8, 10], 1);
    }

    #[test]
    fn what_comes_behind_bounds_stays() {
        let input = [1, 3, 6, 6];
        let mut net = of_picture(&input);
        net.conv([5, 3, 3], 1, [1, 1], [1; 4])
            .relu6()
            .by_channel("Mul", 5);
        check(net, &input, &[1, 5, 6, 6], 1);
    }

    #[test]
    fn groups_and_dilations_are_left_to_tract() {
        let mut net = of_picture(&[1, 4, 6, 6]);
        net.conv([4, 2, 3], 2, [1, 1], [1; 4]);
        let file = net.file(|name| ValueInfo::f32(name, &[1, 4, 6, 6]));
        let spec = InputSpec::fixed(&[1, 4, 6, 6]);
        let (mut model, _) =
            TractModel::load_with(file, &[spec], &[], Fusion::All, || 0.0).unwrap();
        let input = PlainTensor::new(vec![1, 4, 6, 6], vec![1.0; 144]).unwrap();
        let operators = model.profile(vec![Input::F32(input)], || 0.0).unwrap();
        assert!(operators.iter().all(|row| row.operator != "VitrineConv"));
    }

    /// A padding that is wider than the window makes an output even where there is no input.
    #[test]
    fn pictures_without_pixels_are_left_to_tract() {
        for (channels, depth, group) in [(5, 3, 1), (3, 1, 3)] {
            let mut net = of_picture(&[1, 3, 0, 6]);
            net.conv([channels, depth, 3], group, [1, 1], [2, 1, 2, 1]);
            // Whatever tract makes of it, our own code does not panic.
            trial(&net.file(|name| ValueInfo::f32(name, &[1, channels, 2, 6])));
        }
    }
}
