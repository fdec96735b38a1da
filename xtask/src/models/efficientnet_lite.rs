//! EfficientNet-Lite0 and Lite1 as ONNX graphs.
//!
//! The checkpoint holds weights without a graph, so the graph is written here: Google's
//! EfficientNet-Lite with TensorFlow's SAME padding made explicit and every batch normalisation
//! folded into the convolution before it. Squeeze-and-excitation is absent in the Lite variants,
//! and their activation is ReLU6. Lite1 has the channels of Lite0, more blocks, and a larger input.

use anyhow::{Context as _, Result};
use vitrine_onnx::format::{Attribute, Graph, Model, Node, Tensor, ValueInfo};

use super::checkpoint::Checkpoint;

/// Channels of the stem and of the head.
const STEM_CHANNELS: usize = 32;
const HEAD_CHANNELS: usize = 1280;

/// Classes of ImageNet-1k.
const CLASSES: usize = 1000;

/// TensorFlow's default for this model, not PyTorch's 1e-5.
const BATCH_NORM_EPSILON: f64 = 1e-3;

/// What sets a variant apart.
struct Variant {
    name: &'static str,
    /// Side of the input square in pixels.
    side: usize,
    /// Blocks of each stage.
    repeats: [usize; 7],
}

/// The variants, by the number of blocks that a checkpoint holds: those of M. Tan and Q. V. Le,
/// "EfficientNet", 2019, table 1, and `⌈1.1 n⌉` of them, where the Lite variants leave the first and
/// the last stage as they are.
const VARIANTS: [Variant; 2] = [
    Variant {
        name: "efficientnet-lite0",
        side: 224,
        repeats: [1, 2, 2, 3, 3, 4, 1],
    },
    Variant {
        name: "efficientnet-lite1",
        side: 240,
        repeats: [1, 3, 3, 4, 4, 5, 1],
    },
];

impl Variant {
    /// The one whose blocks a checkpoint holds.
    fn of(checkpoint: &Checkpoint) -> Result<&'static Variant> {
        let has_block = |at: usize| checkpoint.has(&format!("_blocks.{at}._depthwise_conv.weight"));
        let n_blocks = (0..).take_while(|at| has_block(*at)).count();
        VARIANTS
            .iter()
            .find(|variant| variant.repeats.iter().sum::<usize>() == n_blocks)
            .with_context(|| {
                format!("the checkpoint has {n_blocks} blocks, which is neither Lite0 nor Lite1")
            })
    }
}

/// A run of equal blocks; only the first has the stride.
struct Stage {
    kernel: usize,
    stride: usize,
    expand: usize,
    channels: usize,
}

/// M. Tan and Q. V. Le, "EfficientNet", 2019, table 1.
const STAGES: [Stage; 7] = [
    stage(3, 1, 1, 16),
    stage(3, 2, 6, 24),
    stage(5, 2, 6, 40),
    stage(3, 2, 6, 80),
    stage(5, 1, 6, 112),
    stage(5, 2, 6, 192),
    stage(3, 1, 6, 320),
];

const fn stage(kernel: usize, stride: usize, expand: usize, channels: usize) -> Stage {
    Stage {
        kernel,
        stride,
        expand,
        channels,
    }
}

/// Writes the model with input `input` `[1, 3, side, side]`, output `logits` `[1, 1000]` and f32
/// weights.
///
/// The same checkpoint gives the same bytes on every machine.
///
/// # Errors
/// When the checkpoint is of another variant, lacks a tensor or has it in another shape.
pub(super) fn to_onnx(checkpoint: &Checkpoint) -> Result<Vec<u8>> {
    let variant = Variant::of(checkpoint)?;
    let mut graph = Builder::new(checkpoint, variant);
    let stem = graph.conv_bn(
        "_conv_stem",
        "_bn0",
        "input",
        &Conv::dense(3, STEM_CHANNELS, 3, 2),
    )?;
    let mut value = graph.relu6(stem);
    let mut channels = STEM_CHANNELS;
    let mut block_idx = 0;
    for (stage, repeats) in STAGES.iter().zip(variant.repeats) {
        for repeat in 0..repeats {
            let stride = if repeat == 0 { stage.stride } else { 1 };
            let block = format!("_blocks.{block_idx}");
            value = graph.block(&block, value, channels, stage, stride)?;
            channels = stage.channels;
            block_idx += 1;
        }
    }
    let head = graph.conv_bn(
        "_conv_head",
        "_bn1",
        &value,
        &Conv::dense(channels, HEAD_CHANNELS, 1, 1),
    )?;
    let head = graph.relu6(head);
    let pooled = graph.node("GlobalAveragePool", "pool", &[&head], vec![]);
    let flat = graph.node("Flatten", "flatten", &[&pooled], vec![]);
    graph.classifier(&flat)?;
    Ok(Model::new(graph.graph).to_bytes())
}

/// One convolution; depthwise where `groups` is the number of channels.
struct Conv {
    channels_in: usize,
    channels_out: usize,
    kernel: usize,
    stride: usize,
    groups: usize,
}

impl Conv {
    fn dense(channels_in: usize, channels_out: usize, kernel: usize, stride: usize) -> Conv {
        Conv {
            channels_in,
            channels_out,
            kernel,
            stride,
            groups: 1,
        }
    }

    fn depthwise(channels: usize, kernel: usize, stride: usize) -> Conv {
        Conv {
            groups: channels,
            ..Conv::dense(channels, channels, kernel, stride)
        }
    }

    fn weight_shape(&self) -> [usize; 4] {
        let Conv {
            channels_in,
            channels_out,
            kernel,
            groups,
            ..
        } = *self;
        [channels_out, channels_in / groups, kernel, kernel]
    }
}

/// Pixels before and after, so that `length` pixels give `ceil(length / stride)`: TensorFlow's
/// SAME, with the odd pixel behind.
fn same_padding(length: usize, kernel: usize, stride: usize) -> (usize, usize) {
    let steps = length.div_ceil(stride) - 1;
    let total = (steps * stride + kernel).saturating_sub(length);
    (total / 2, total - total / 2)
}

/// The graph as it grows from input to output. Values are named after the layer that makes them.
struct Builder<'a> {
    checkpoint: &'a Checkpoint,
    graph: Graph,
    /// Side of the feature map in pixels.
    side: usize,
}

impl<'a> Builder<'a> {
    fn new(checkpoint: &'a Checkpoint, variant: &Variant) -> Builder<'a> {
        let mut builder = Builder {
            checkpoint,
            graph: Graph {
                name: variant.name.to_owned(),
                input: vec![ValueInfo::f32("input", &[1, 3, variant.side, variant.side])],
                output: vec![ValueInfo::f32("logits", &[1, CLASSES])],
                ..Graph::default()
            },
            side: variant.side,
        };
        builder.tensor("relu6.min", &[], &[0.0]);
        builder.tensor("relu6.max", &[], &[6.0]);
        builder
    }

    /// Expansion, depthwise convolution and projection, with the input added where shapes agree.
    fn block(
        &mut self,
        name: &str,
        input: String,
        channels_in: usize,
        stage: &Stage,
        stride: usize,
    ) -> Result<String> {
        let inner = channels_in * stage.expand;
        let mut value = input.clone();
        if stage.expand > 1 {
            let expanded = self.conv_bn(
                &format!("{name}._expand_conv"),
                &format!("{name}._bn0"),
                &value,
                &Conv::dense(channels_in, inner, 1, 1),
            )?;
            value = self.relu6(expanded);
        }
        let depthwise = self.conv_bn(
            &format!("{name}._depthwise_conv"),
            &format!("{name}._bn1"),
            &value,
            &Conv::depthwise(inner, stage.kernel, stride),
        )?;
        value = self.relu6(depthwise);
        value = self.conv_bn(
            &format!("{name}._project_conv"),
            &format!("{name}._bn2"),
            &value,
            &Conv::dense(inner, stage.channels, 1, 1),
        )?;
        if stride == 1 && channels_in == stage.channels {
            value = self.node("Add", &format!("{name}.add"), &[&value, &input], vec![]);
        }
        Ok(value)
    }

    /// A convolution with the normalisation behind it folded in: `w · γ / √(σ² + ε)` and
    /// `β - μ · γ / √(σ² + ε)`, computed in f64.
    fn conv_bn(&mut self, name: &str, norm: &str, input: &str, conv: &Conv) -> Result<String> {
        let checkpoint = self.checkpoint;
        let channels = [conv.channels_out];
        let weights = checkpoint.tensor(&format!("{name}.weight"), &conv.weight_shape())?;
        let gamma = checkpoint.tensor(&format!("{norm}.weight"), &channels)?;
        let beta = checkpoint.tensor(&format!("{norm}.bias"), &channels)?;
        let mean = checkpoint.tensor(&format!("{norm}.running_mean"), &channels)?;
        let variance = checkpoint.tensor(&format!("{norm}.running_var"), &channels)?;
        let scales: Vec<f64> = gamma
            .iter()
            .zip(variance)
            .map(|(gamma, variance)| {
                f64::from(*gamma) / (f64::from(*variance) + BATCH_NORM_EPSILON).sqrt()
            })
            .collect();
        let folded: Vec<f32> = weights
            .chunks_exact(weights.len() / conv.channels_out)
            .zip(&scales)
            .flat_map(|(filter, scale)| {
                (filter.iter()).map(move |weight| (f64::from(*weight) * scale) as f32)
            })
            .collect();
        let bias: Vec<f32> = (beta.iter().zip(mean).zip(&scales))
            .map(|((beta, mean), scale)| (f64::from(*beta) - f64::from(*mean) * scale) as f32)
            .collect();

        let weight = self.tensor(&format!("{name}.weight"), &conv.weight_shape(), &folded);
        let bias = self.tensor(&format!("{name}.bias"), &channels, &bias);
        let (before, after) = same_padding(self.side, conv.kernel, conv.stride);
        self.side = self.side.div_ceil(conv.stride);
        let attributes = vec![
            Attribute::int("group", conv.groups as i64),
            Attribute::ints("kernel_shape", &[conv.kernel; 2]),
            Attribute::ints("pads", &[before, before, after, after]),
            Attribute::ints("strides", &[conv.stride; 2]),
        ];
        Ok(self.node("Conv", name, &[input, &weight, &bias], attributes))
    }

    fn relu6(&mut self, value: String) -> String {
        let name = format!("{value}.relu6");
        self.node("Clip", &name, &[&value, "relu6.min", "relu6.max"], vec![])
    }

    fn classifier(&mut self, features: &str) -> Result<()> {
        let shape = [CLASSES, HEAD_CHANNELS];
        let weights = self.checkpoint.tensor("_fc.weight", &shape)?;
        let bias = self.checkpoint.tensor("_fc.bias", &[CLASSES])?;
        let weight = self.tensor("_fc.weight", &shape, weights);
        let bias = self.tensor("_fc.bias", &[CLASSES], bias);
        let transposed = vec![Attribute::int("transB", 1)];
        self.node("Gemm", "logits", &[features, &weight, &bias], transposed);
        Ok(())
    }

    /// Adds a node with one output, which carries the node's name.
    fn node(
        &mut self,
        op_type: &str,
        name: &str,
        inputs: &[&str],
        attribute: Vec<Attribute>,
    ) -> String {
        let node = Node::new(op_type, name, inputs, attribute);
        self.graph.node.push(node);
        name.to_owned()
    }

    /// Adds a constant and returns its name.
    fn tensor(&mut self, name: &str, shape: &[usize], values: &[f32]) -> String {
        let tensor = Tensor::f32(name, shape, values);
        self.graph.initializer.push(tensor);
        name.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_padding(length: usize, kernel: usize, stride: usize, expected: (usize, usize)) {
        assert_eq!(same_padding(length, kernel, stride), expected);
    }

    #[test]
    fn padding_is_tensorflows_same() {
        // max((ceil(n / s) - 1) * s + k - n, 0), the smaller half first.
        check_padding(224, 3, 2, (0, 1));
        check_padding(112, 3, 1, (1, 1));
        check_padding(56, 5, 2, (1, 2));
        check_padding(14, 5, 1, (2, 2));
        check_padding(7, 1, 1, (0, 0));
        check_padding(7, 1, 2, (0, 0));
        check_padding(15, 3, 2, (1, 1));
    }

    #[test]
    fn a_checkpoint_of_another_model_is_refused() {
        let error = to_onnx(&Checkpoint::default()).unwrap_err().to_string();
        assert!(error.contains("0 blocks"), "{error}");
    }

    #[test]
    fn lite1_is_deeper_by_a_tenth() {
        let [shallow, deep] = VARIANTS.map(|variant| variant.repeats);
        for at in 1..6 {
            assert_eq!(deep[at], (11 * shallow[at]).div_ceil(10));
        }
        assert_eq!((deep[0], deep[6]), (shallow[0], shallow[6]));
    }
}
