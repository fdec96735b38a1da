//! Pictures to classes: the whole flow in one readable function.

use image::RgbImage;
use vitrine_protocol::{Class, EngineError, Gives, PictureInput, StageTimes};
use vitrine_tasks::{Tensor, picture, scores};

use crate::clock::{Clock, timed};
use crate::model::{InputSpec, Model, run_one};

/// A model for picture classification with what the registry says of it and its class names.
pub struct Classifier<M> {
    input: PictureInput,
    gives: Gives,
    labels: Vec<String>,
    pub(crate) model: M,
}

impl<M: Model> Classifier<M> {
    /// Puts a loaded model together with what is known of it.
    pub fn new(input: PictureInput, gives: Gives, labels: Vec<String>, model: M) -> Classifier<M> {
        Classifier {
            input,
            gives,
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

    fn interpret(&self, output: &Tensor, top_k: usize) -> Result<Vec<Class>, EngineError> {
        if output.values.len() != self.labels.len() {
            return Err(EngineError::Shape {
                what: "output".into(),
                met: output.shape.clone(),
                expected: vec![1, self.labels.len()],
            });
        }
        Ok(match self.gives {
            Gives::Logits => scores::interpret(&output.values, &self.labels, top_k),
            // The softmax of their logarithms gives probabilities back as they are.
            Gives::Probabilities => {
                let logits: Vec<f32> = output.values.iter().map(|share| share.ln()).collect();
                scores::interpret(&logits, &self.labels, top_k)
            }
        })
    }
}

/// What a picture classifier accepts: `[1, 3, crop, crop]`.
pub fn picture_spec(input: &PictureInput) -> InputSpec {
    let side = input.crop as usize;
    InputSpec::fixed(&[1, 3, side, side])
}

#[cfg(test)]
mod tests {
    use vitrine_protocol::ResizeFilter;

    use crate::model::Input;

    use super::*;

    /// A model that answers the same whatever it is given.
    struct Fixed(Vec<f32>);

    impl Model for Fixed {
        fn run(&mut self, _inputs: Vec<Input>) -> Result<Vec<Tensor>, EngineError> {
            Ok(vec![Tensor {
                shape: vec![1, self.0.len()],
                values: self.0.clone(),
            }])
        }
    }

    #[track_caller]
    fn check_probabilities(gives: Gives, output: &[f32], expected: &[f32]) {
        let input = PictureInput {
            resize_short_side: 4,
            crop: 4,
            filter: ResizeFilter::Bilinear,
            mean: [0.0; 3],
            std: [1.0; 3],
        };
        let labels = vec!["a".to_owned(), "b".to_owned()];
        let mut classifier = Classifier::new(input, gives, labels, Fixed(output.to_vec()));
        let (classes, _) = classifier
            .classify(&RgbImage::new(8, 8), 2, || 0.0)
            .unwrap();
        let probabilities: Vec<f32> = classes.iter().map(|class| class.probability).collect();
        for (met, expected) in probabilities.iter().zip(expected) {
            assert!((met - expected).abs() < 1e-6, "{probabilities:?}");
        }
    }

    #[test]
    fn the_softmax_is_taken_once() {
        check_probabilities(Gives::Logits, &[0.0, 0.0], &[0.5, 0.5]);
        check_probabilities(Gives::Probabilities, &[0.25, 0.75], &[0.75, 0.25]);
        check_probabilities(Gives::Probabilities, &[1.0, 0.0], &[1.0, 0.0]);
    }
}
