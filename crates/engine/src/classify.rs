//! Pictures to classes: the whole flow in one readable function.

use image::RgbImage;
use vitrine_protocol::{Class, EngineError, PictureInput, StageTimes};
use vitrine_tasks::{Tensor, picture, scores};

use crate::clock::{Clock, timed};
use crate::model::{InputSpec, Model, run_one};

/// A model for picture classification with what the registry says of it and its class names.
pub struct Classifier<M> {
    input: PictureInput,
    labels: Vec<String>,
    model: M,
}

impl<M: Model> Classifier<M> {
    /// Puts a loaded model together with what is known of it.
    pub fn new(input: PictureInput, labels: Vec<String>, model: M) -> Classifier<M> {
        Classifier {
            input,
            labels,
            model,
        }
    }

    /// Names what is in an upright picture: the `top_k` best classes, best first, and the time
    /// each stage took. `decode` is 0 in it; decoding is not done here.
    ///
    /// # Errors
    /// As [`Model::run`], and [`EngineError::Shape`] when the model has not one output per label.
    pub fn classify(
        &mut self,
        pixels: &RgbImage,
        top_k: usize,
        clock: Clock,
    ) -> Result<(Vec<Class>, StageTimes), EngineError> {
        let (input, preprocess) = timed(clock, || picture::prepare(pixels, &self.input));
        let (logits, infer) = timed(clock, || self.infer(input));
        let logits = logits?;
        let (classes, postprocess) = timed(clock, || self.interpret(&logits, top_k));
        let times = StageTimes {
            decode: 0.0,
            preprocess,
            infer,
            postprocess,
        };
        Ok((classes?, times))
    }

    /// Runs the model on a tensor that is already prepared, and returns its raw output.
    ///
    /// # Errors
    /// As [`Model::run`].
    pub fn infer(&mut self, input: Tensor) -> Result<Tensor, EngineError> {
        run_one(&mut self.model, input)
    }

    fn interpret(&self, logits: &Tensor, top_k: usize) -> Result<Vec<Class>, EngineError> {
        if logits.values.len() != self.labels.len() {
            return Err(EngineError::Shape {
                what: "output".into(),
                met: logits.shape.clone(),
                expected: vec![1, self.labels.len()],
            });
        }
        Ok(scores::interpret(&logits.values, &self.labels, top_k))
    }
}

/// What a picture classifier accepts: `[1, 3, crop, crop]`.
pub fn picture_spec(input: &PictureInput) -> InputSpec {
    let side = input.crop as usize;
    InputSpec::fixed(&[1, 3, side, side])
}
