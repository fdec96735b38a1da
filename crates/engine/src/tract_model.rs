//! A model run by tract.

use std::sync::Arc;

use tract_onnx::pb::ModelProto;
use tract_onnx::prelude::*;
use vitrine_protocol::{EngineError, LoadTimes};
use vitrine_tasks::Tensor as PlainTensor;

use crate::Model;
use crate::clock::{Clock, timed};
use crate::widen::widen_f16_weights;

/// Runs after which times no longer fall: the first touches fresh memory, and a browser replaces
/// its baseline code for the hot loops during the next.
const WARM_UP_RUNS: usize = 3;

/// An optimised plan for one input shape, with its working memory.
pub struct TractModel {
    state: TypedSimpleState,
    input_shape: Vec<usize>,
}

impl TractModel {
    /// Loads an ONNX file with one input and one output, optimises it for `input_shape`, and runs
    /// it until it is warm.
    ///
    /// # Errors
    /// [`EngineError::Parse`] for bytes that are no ONNX model, [`EngineError::Optimise`] for a
    /// graph that tract cannot run at this shape, [`EngineError::Run`] when the warm-up fails.
    pub fn load(
        file: Vec<u8>,
        input_shape: &[usize],
        clock: Clock,
    ) -> Result<(TractModel, LoadTimes), EngineError> {
        crate::register_kernels();
        let (proto, parse) = timed(clock, || parse(file));
        let proto = proto?;
        let (plan, optimise) = timed(clock, || optimise(proto, input_shape));
        let plan = plan.map_err(|error| EngineError::Optimise {
            detail: words(&error),
        })?;
        let state = plan.spawn().map_err(|error| EngineError::Optimise {
            detail: words(&error),
        })?;
        let mut model = TractModel {
            state,
            input_shape: input_shape.to_vec(),
        };
        let (warm, warm_up) = timed(clock, || model.warm_up());
        warm?;
        Ok((
            model,
            LoadTimes {
                parse,
                optimise,
                warm_up,
            },
        ))
    }

    fn warm_up(&mut self) -> Result<(), EngineError> {
        for _ in 0..WARM_UP_RUNS {
            let len = self.input_shape.iter().product();
            let zeros = PlainTensor {
                shape: self.input_shape.clone(),
                values: vec![0.0; len],
            };
            self.run(zeros)?;
        }
        Ok(())
    }
}

impl Model for TractModel {
    fn input_shape(&self) -> &[usize] {
        &self.input_shape
    }

    fn run(&mut self, input: PlainTensor) -> Result<PlainTensor, EngineError> {
        if input.shape != self.input_shape {
            return Err(EngineError::Shape {
                what: "input".into(),
                met: input.shape,
                expected: self.input_shape.clone(),
            });
        }
        self.run_checked(input).map_err(|error| EngineError::Run {
            detail: words(&error),
        })
    }
}

impl TractModel {
    fn run_checked(&mut self, input: PlainTensor) -> TractResult<PlainTensor> {
        let tensor = Tensor::from_shape(&input.shape, &input.values)?;
        let outputs = self.state.run(tvec!(tensor.into_tvalue()))?;
        let output = outputs
            .first()
            .ok_or_else(|| TractError::msg("the model has no output"))?;
        let output = output.cast_to::<f32>()?;
        let values = output.try_as_plain_ram()?.as_slice::<f32>()?.to_vec();
        Ok(PlainTensor {
            shape: output.shape().to_vec(),
            values,
        })
    }
}

fn parse(file: Vec<u8>) -> Result<ModelProto, EngineError> {
    // The reader copies what it reads; the file is dropped at the end of this function, before
    // optimisation needs its memory.
    let mut proto = onnx()
        .proto_model_for_read(&mut file.as_slice())
        .map_err(|error| EngineError::Parse {
            detail: words(&error),
        })?;
    match &mut proto.graph {
        Some(graph) => widen_f16_weights(graph),
        None => {
            return Err(EngineError::Parse {
                detail: "the file holds no graph".into(),
            });
        }
    };
    Ok(proto)
}

fn optimise(proto: ModelProto, input_shape: &[usize]) -> TractResult<Arc<TypedRunnableModel>> {
    let mut model = onnx().model_for_proto_model(&proto)?;
    drop(proto);
    model.set_input_fact(0, f32::fact(input_shape).into())?;
    model.into_optimized()?.into_runnable()
}

/// An error with its causes, outermost first, on one line.
fn words(error: &TractError) -> String {
    error
        .chain()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn no_time() -> f64 {
        0.0
    }

    #[test]
    fn bytes_that_are_no_model_are_a_parse_error() {
        let error = TractModel::load(b"<html>".to_vec(), &[1, 3, 8, 8], no_time).err();
        assert!(
            matches!(error, Some(EngineError::Parse { .. })),
            "{error:?}"
        );
    }

    #[test]
    fn an_empty_file_is_a_parse_error() {
        let error = TractModel::load(Vec::new(), &[1, 3, 8, 8], no_time).err();
        assert!(
            matches!(error, Some(EngineError::Parse { .. })),
            "{error:?}"
        );
    }
}
