//! Every model that was loaded, and what can be done with them.

use std::collections::HashMap;

use image::RgbImage;
use vitrine_onnx::GateLimits;
use vitrine_protocol::{
    AnalysisTimes, Class, EngineError, Failure, Line, LoadTimes, ModelEntry, OperatorShare,
    ReadingTimes, Spec, StageTimes, TextAnswer, WarmUp,
};
use vitrine_tasks::labels;
use vitrine_tasks::reading::Characters;
use vitrine_tasks::text::Tokeniser;

use crate::classify::{Classifier, picture_spec};
use crate::clock::Clock;
use crate::encode::{Encoded, Encoder, Head, analyse, encoder_specs, head_specs};
use crate::measure::{by_operator, made_up_inputs, run_often};
use crate::model::{Input, InputSpec};
use crate::read::{
    Detector, Direction, Recogniser, detector_spec, direction_spec, read, recogniser_spec,
};
use crate::tract_model::TractModel;

/// The models of one worker, or of one run of the native command.
#[derive(Default)]
pub struct Workbench {
    classifiers: HashMap<String, Classifier<TractModel>>,
    detector: Option<Detector<TractModel>>,
    direction: Option<Direction<TractModel>>,
    recogniser: Option<Recogniser<TractModel>>,
    encoder: Option<Encoder<TractModel>>,
    heads: Vec<Head<TractModel>>,
    /// What the registry says of every model that was loaded, by id.
    specs: HashMap<String, Spec>,
}

/// Walks over a model's file before tract sees it; see [`vitrine_onnx::check`].
///
/// # Errors
/// [`Failure::Gate`] for a file that an engine should not be given.
pub fn check_model(file: &[u8]) -> Result<(), Failure> {
    vitrine_onnx::check(file, &GateLimits::default())?;
    Ok(())
}

impl Workbench {
    /// A workbench without models.
    pub fn new() -> Workbench {
        Workbench::default()
    }

    /// Whether no model was loaded yet.
    pub fn is_empty(&self) -> bool {
        self.specs.is_empty()
    }

    /// Loads a model for its task. Of classifiers and heads there may
    /// be several, told apart by their ids; of the other tasks the model loaded last is used.
    ///
    /// `text` is the model's label file or vocabulary, `weights` its ONNX file.
    ///
    /// # Errors
    /// [`Failure::Gate`] for a file that an engine should not be given, before one sees it; as
    /// [`TractModel::load`]; [`EngineError::Parse`] also for a text that is not as it should be.
    pub fn load(
        &mut self,
        entry: ModelEntry,
        text: &str,
        weights: Vec<u8>,
        warm_up: WarmUp,
        clock: Clock,
    ) -> Result<LoadTimes, Failure> {
        check_model(&weights)?;
        let id = entry.id;
        let spec = entry.spec.clone();
        let load = |inputs: &[InputSpec], outputs: &[String]| {
            TractModel::load(weights, inputs, outputs, warm_up, clock)
        };
        let times = match entry.spec {
            Spec::PictureClassification { input, output } => {
                let names = class_names(text)?;
                let (model, times) = load(&[picture_spec(&input)], &[])?;
                let classifier = Classifier::new(input, output.gives, names, model);
                self.classifiers.insert(id.clone(), classifier);
                times
            }
            Spec::TextDetection { input, output } => {
                let (model, times) = load(&[detector_spec()], &[])?;
                self.detector = Some(Detector {
                    input,
                    output,
                    model,
                });
                times
            }
            Spec::LineDirection { input, output } => {
                let (model, times) = load(&[direction_spec(&input)], &[])?;
                self.direction = Some(Direction {
                    input,
                    output,
                    model,
                });
                times
            }
            Spec::LineRecognition { input, output } => {
                let characters = Characters::parse(text).map_err(bad_text)?;
                let (model, times) = load(&[recogniser_spec(&input)], &[])?;
                self.recogniser = Some(Recogniser {
                    input,
                    min_confidence: output.min_confidence,
                    characters,
                    model,
                    widths: Vec::new(),
                });
                times
            }
            Spec::TextEncoding { input, output } => {
                let tokeniser = Tokeniser::new(text).map_err(bad_text)?;
                let (model, times) = load(&encoder_specs(), &output.states)?;
                let encoder = Encoder {
                    input,
                    output,
                    tokeniser,
                    model,
                };
                self.encoder = Some(encoder);
                times
            }
            Spec::TextClassification { input, output } => {
                let labels = class_names(text)?;
                let (model, times) = load(&head_specs(input.features, input.length), &[])?;
                self.heads.retain(|head| head.id != id);
                self.heads.push(Head {
                    id: id.clone(),
                    features: input.features,
                    output,
                    labels,
                    model,
                });
                times
            }
        };
        self.specs.insert(id, spec);
        Ok(times)
    }

    /// Names what is in a picture; see [`Classifier::classify`].
    ///
    /// # Errors
    /// [`EngineError::NoModel`] when no picture classifier with this id was loaded.
    pub fn classify(
        &mut self,
        model: &str,
        pixels: &RgbImage,
        top_k: usize,
        clock: Clock,
    ) -> Result<(Vec<Class>, StageTimes), EngineError> {
        self.classifier(model)?.classify(pixels, top_k, clock)
    }

    /// Reads the text in a picture; see [`read`].
    ///
    /// # Errors
    /// [`EngineError::NoModel`] unless a model for each of its three tasks was loaded.
    pub fn read(
        &mut self,
        picture: &RgbImage,
        clock: Clock,
    ) -> Result<(Vec<Line>, ReadingTimes), EngineError> {
        match (
            &mut self.detector,
            &mut self.direction,
            &mut self.recogniser,
        ) {
            (Some(detector), Some(direction), Some(recogniser)) => {
                read(detector, direction, recogniser, picture, clock)
            }
            _ => Err(EngineError::NoModel),
        }
    }

    /// Hidden states of a text; see [`Encoder::encode`].
    ///
    /// # Errors
    /// [`EngineError::NoModel`] when no text encoder was loaded.
    pub fn encode(&mut self, text: &str, clock: Clock) -> Result<Encoded, EngineError> {
        let encoder = self.encoder.as_mut().ok_or(EngineError::NoModel)?;
        encoder.encode(text, clock)
    }

    /// What every head that was loaded says of a text; see [`analyse`].
    ///
    /// # Errors
    /// [`EngineError::NoModel`] when no text encoder was loaded.
    pub fn analyse(
        &mut self,
        text: &str,
        clock: Clock,
    ) -> Result<(Vec<TextAnswer>, Encoded, AnalysisTimes), EngineError> {
        let encoder = self.encoder.as_mut().ok_or(EngineError::NoModel)?;
        analyse(encoder, &mut self.heads, text, clock)
    }

    /// Raw outputs of one head for a text that is encoded already.
    ///
    /// # Errors
    /// [`EngineError::NoModel`] when no head with this id was loaded.
    pub fn logits(&mut self, head: &str, encoded: &Encoded) -> Result<Vec<f32>, EngineError> {
        let head = self.heads.iter_mut().find(|known| known.id == head);
        head.ok_or(EngineError::NoModel)?.logits(encoded)
    }

    /// Runs a model `rounds` times on the inputs that [`made_up_inputs`] gives for its task: the
    /// shape of the first of them, and the milliseconds of each run.
    ///
    /// # Errors
    /// As [`Model::run`]; [`EngineError::NoModel`] when no model with this id was loaded.
    pub fn measure(
        &mut self,
        model: &str,
        rounds: usize,
        clock: Clock,
    ) -> Result<(Vec<usize>, Vec<f64>), EngineError> {
        let (model, inputs) = self.model_and_inputs(model)?;
        let times = run_often(model, &inputs, rounds, clock)?;
        let shape = inputs.first().map(|input| input.shape().to_vec());
        Ok((shape.unwrap_or_default(), times))
    }

    /// Runs a model once on the inputs that [`measure`](Workbench::measure) uses, and looks what each kind of
    /// operator takes, in milliseconds by this clock.
    ///
    /// # Errors
    /// As [`Workbench::measure`].
    pub fn profile(
        &mut self,
        model: &str,
        clock: Clock,
    ) -> Result<Vec<OperatorShare>, EngineError> {
        let (model, inputs) = self.model_and_inputs(model)?;
        Ok(by_operator(&model.profile(inputs, clock)?))
    }

    /// A model that was loaded and what it is measured on.
    fn model_and_inputs(
        &mut self,
        model: &str,
    ) -> Result<(&mut TractModel, Vec<Input>), EngineError> {
        let spec = self.specs.get(model).ok_or(EngineError::NoModel)?;
        let inputs = made_up_inputs(spec);
        let task = match spec {
            Spec::PictureClassification { .. } => {
                self.classifiers.get_mut(model).map(|task| &mut task.model)
            }
            Spec::TextDetection { .. } => self.detector.as_mut().map(|task| &mut task.model),
            Spec::LineDirection { .. } => self.direction.as_mut().map(|task| &mut task.model),
            Spec::LineRecognition { .. } => self.recogniser.as_mut().map(|task| &mut task.model),
            Spec::TextEncoding { .. } => self.encoder.as_mut().map(|task| &mut task.model),
            Spec::TextClassification { .. } => {
                let head = self.heads.iter_mut().find(|head| head.id == model);
                head.map(|task| &mut task.model)
            }
        };
        Ok((task.ok_or(EngineError::NoModel)?, inputs))
    }

    fn classifier(&mut self, model: &str) -> Result<&mut Classifier<TractModel>, EngineError> {
        self.classifiers.get_mut(model).ok_or(EngineError::NoModel)
    }
}

fn class_names(text: &str) -> Result<Vec<String>, EngineError> {
    let labels = labels::parse(text).map_err(bad_text)?;
    Ok(labels.into_iter().map(|label| label.name).collect())
}

fn bad_text(error: impl std::error::Error) -> EngineError {
    EngineError::Parse {
        detail: error.to_string(),
    }
}
