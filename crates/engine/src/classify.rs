//! Pictures to classes: the whole flow in one readable function.

use vitrine_protocol::{Class, Classification, EngineError, Failure, ModelEntry, Size, StageTimes};
use vitrine_tasks::picture::{self, Limits, Thumbnail};
use vitrine_tasks::{Tensor, scores};

use crate::clock::{Clock, timed};
use crate::model::Model;

/// A model for picture classification with its registry entry and class names.
pub struct Classifier<M> {
    entry: ModelEntry,
    labels: Vec<String>,
    model: M,
}

/// An answer, and the small picture shown beside it.
#[derive(Clone, Debug)]
pub struct Classified {
    /// The classes with sizes and times.
    pub classification: Classification,
    /// The oriented picture, scaled down.
    pub thumbnail: Thumbnail,
}

impl<M: Model> Classifier<M> {
    /// Puts a loaded model together with what is known of it.
    pub fn new(entry: ModelEntry, labels: Vec<String>, model: M) -> Classifier<M> {
        Classifier {
            entry,
            labels,
            model,
        }
    }

    /// Shape of the input tensor for a registry entry: `[1, 3, crop, crop]`.
    pub fn input_shape(entry: &ModelEntry) -> [usize; 4] {
        let side = entry.input.crop as usize;
        [1, 3, side, side]
    }

    /// Classifies the picture in `file` and returns the `top_k` best classes, best first.
    ///
    /// # Errors
    /// [`Failure::Picture`] when the file is no picture within the limits, [`Failure::Engine`]
    /// when the model fails.
    pub fn classify(
        &mut self,
        file: &[u8],
        top_k: usize,
        clock: Clock,
    ) -> Result<Classified, Failure> {
        let (pixels, decode) = timed(clock, || picture::decode(file, &Limits::default()));
        let pixels = pixels?;
        let (input, preprocess) = timed(clock, || picture::prepare(&pixels, &self.entry.input));
        let (logits, infer) = timed(clock, || self.model.run(input));
        let logits = logits?;
        let (classes, postprocess) = timed(clock, || self.interpret(&logits, top_k));
        let thumbnail = picture::thumbnail(&pixels);
        let classification = Classification {
            model: self.entry.id.clone(),
            classes: classes?,
            size: Size {
                width: pixels.width(),
                height: pixels.height(),
            },
            thumbnail: thumbnail.size,
            times: StageTimes {
                decode,
                preprocess,
                infer,
                postprocess,
            },
        };
        Ok(Classified {
            classification,
            thumbnail,
        })
    }

    /// Runs the model on a tensor that is already prepared, and returns its raw output.
    ///
    /// # Errors
    /// As [`Model::run`].
    pub fn infer(&mut self, input: Tensor) -> Result<Tensor, EngineError> {
        self.model.run(input)
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
