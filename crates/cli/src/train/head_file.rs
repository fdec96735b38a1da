//! A head as the file that the engine runs.

use anyhow::{Context as _, Result};
use ndarray::Array2;
use vitrine_engine::{Input, Model as _, TractModel, head_specs};
use vitrine_onnx::{Dense, Matrix, TextHead, text_head};
use vitrine_protocol::{Features as Read, WarmUp, Weights};
use vitrine_tasks::Tensor;
use vitrine_train::{Features, Head, Layer};

/// Texts that a written head is tried on.
const N_TRIED: usize = 50;

/// The bytes of the file.
pub(super) fn write(head: &Head, weights: Weights) -> Result<Vec<u8>> {
    let head = TextHead {
        hidden: head.hidden.as_ref().map(dense),
        queries: head.queries.as_ref().map(matrix),
        last: dense(&head.last),
    };
    text_head(&head, weights).context("writing the head")
}

fn dense(layer: &Layer) -> Dense {
    Dense {
        weights: matrix(&layer.weights),
        bias: layer.bias.to_vec(),
    }
}

fn matrix(values: &Array2<f32>) -> Matrix {
    Matrix {
        shape: [values.nrows(), values.ncols()],
        values: values.iter().copied().collect(),
    }
}

/// Runs the file as the page does, and returns how far its logits are from the head's at most, over
/// some texts and labels.
pub(super) fn largest_difference(file: &[u8], head: &Head, features: &Features) -> Result<f32> {
    let length = features.length();
    let read = match head.queries {
        Some(_) => Read::Tokens,
        None => Read::Mean,
    };
    let inputs = head_specs(read, length);
    let (mut model, _) =
        TractModel::load(file.to_vec(), &inputs, &[], WarmUp::Skipped, crate::now)?;
    let texts: Vec<usize> = (0..features.n_texts().min(N_TRIED)).collect();
    let expected = head.logits(features, &texts);
    let mut most = 0.0_f32;
    for (text, expected) in texts.into_iter().zip(expected.outer_iter()) {
        let values = features.rows(text);
        let n_rows = values.len() / length.max(1);
        let mut inputs = vec![Input::F32(Tensor::new(vec![n_rows, length], values)?)];
        if head.queries.is_some() {
            inputs.push(Input::F32(Tensor::new(vec![n_rows], vec![0.0; n_rows])?));
        }
        let outputs = model.run(inputs)?;
        let met = outputs.first().context("the head has no output")?;
        for (met, expected) in met.values.iter().zip(expected) {
            most = most.max((met - expected).abs());
        }
    }
    Ok(most)
}
