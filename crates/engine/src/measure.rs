//! Runs a model on made-up inputs, to know how long a run takes on this machine.

use std::collections::BTreeMap;

use vitrine_protocol::{EngineError, Features, OperatorShare, Spec};
use vitrine_tasks::{IdTensor, Tensor};

use crate::clock::{Clock, timed};
use crate::model::{Input, Model};
use crate::tract_model::OperatorTime;

/// Height and width of the picture that a text detector is measured on, in pixels: a photographed
/// receipt at the size that detectors are usually compared at. Detectors ask for multiples of 32.
const DETECTION_SIDE: usize = 640;

/// Tokens of the text that encoders and text classifiers are measured on: a sentence of about 25
/// words.
const TOKENS: usize = 32;

/// The first token id that is used. In BERT's vocabularies ordinary pieces begin here; before it
/// stand marks and places that are not used.
const FIRST_ID: i64 = 1000;

/// What a model of this task is measured on: inputs of its own shape, in their order, the same at
/// every call and on every machine.
///
/// Axes of any length get an ordinary one: a detector's picture is 640 × 640 pixels, a line is as
/// wide as the registry's least width, a text has 32 tokens.
pub fn made_up_inputs(spec: &Spec) -> Vec<Input> {
    match spec {
        Spec::PictureClassification { input, .. } => {
            let side = input.crop as usize;
            vec![noise(&[1, 3, side, side])]
        }
        Spec::TextDetection { .. } => vec![noise(&[1, 3, DETECTION_SIDE, DETECTION_SIDE])],
        Spec::LineDirection { input, .. } | Spec::LineRecognition { input, .. } => {
            vec![noise(&[1, 3, input.height as usize, input.width as usize])]
        }
        Spec::TextEncoding { input, .. } => {
            let n = TOKENS.min(input.max_tokens);
            let ids = (FIRST_ID..).step_by(7).take(n).collect();
            let row = |values: Vec<i64>| {
                let shape = vec![1, n];
                Input::I64(IdTensor { shape, values })
            };
            vec![row(ids), row(vec![1; n]), row(vec![0; n])]
        }
        Spec::TextClassification { input, .. } => match input.features {
            Features::Mean => vec![noise(&[1, input.length])],
            Features::Tokens => vec![
                noise(&[TOKENS, input.length]),
                // No token is padding.
                Input::F32(Tensor {
                    shape: vec![TOKENS],
                    values: vec![0.0; TOKENS],
                }),
            ],
        },
    }
}

/// Values from -1 to 1 without any order: the fractions of multiples of the golden ratio.
///
/// Nothing in it is so small that processors compute with it slowly.
fn noise(shape: &[usize]) -> Input {
    const STEP: u32 = 0x9e37_79b9;
    let n: usize = shape.iter().product();
    let values = (1..=n as u32)
        .map(|at| at.wrapping_mul(STEP) as f32 / u32::MAX as f32 * 2.0 - 1.0)
        .collect();
    Input::F32(Tensor {
        shape: shape.to_vec(),
        values,
    })
}

/// Milliseconds of each of `rounds` runs; making copies of the inputs is not part of them.
///
/// # Errors
/// As [`Model::run`].
pub(crate) fn run_often<M: Model>(
    model: &mut M,
    inputs: &[Input],
    rounds: usize,
    clock: Clock,
) -> Result<Vec<f64>, EngineError> {
    (0..rounds)
        .map(|_| {
            let inputs = inputs.to_vec();
            let (outputs, time) = timed(clock, || model.run(inputs));
            outputs.map(|_| time)
        })
        .collect()
}

/// What the operators of each kind take together, those that take most first.
pub fn by_operator(layers: &[OperatorTime]) -> Vec<OperatorShare> {
    let mut sums: BTreeMap<&str, (usize, f64)> = BTreeMap::new();
    for layer in layers {
        let (n, time) = sums.entry(&layer.operator).or_default();
        (*n, *time) = (*n + 1, *time + layer.time);
    }
    let mut shares: Vec<OperatorShare> = (sums.into_iter())
        .map(|(operator, (n, time))| OperatorShare {
            operator: operator.to_owned(),
            n,
            time,
        })
        .collect();
    shares.sort_by(|a, b| b.time.total_cmp(&a.time));
    shares
}

#[cfg(test)]
mod tests {
    use vitrine_onnx::{Dense, Matrix, TextHead, text_head};
    use vitrine_protocol::{
        Activation, Channels, CharactersOutput, DetectionInput, DetectionOutput, DirectionOutput,
        FeaturesInput, FeaturesOutput, Gives, LineInput, PictureInput, ResizeFilter, ScoresOutput,
        TextScoresOutput, TokenInput, Tokeniser, WarmUp, Weights,
    };

    use crate::encode::{encoder_specs, head_specs};
    use crate::model::InputSpec;
    use crate::read::{detector_spec, direction_spec, recogniser_spec};
    use crate::{TractModel, picture_spec};

    use super::*;

    const LINE: LineInput = LineInput {
        height: 48,
        width: 320,
        channels: Channels::Bgr,
        mean: 127.5,
        std: 127.5,
    };

    #[track_caller]
    fn check_accepted(spec: &Spec, accepted: &[InputSpec], shapes: &[&[usize]]) {
        let inputs = made_up_inputs(spec);
        let met: Vec<&[usize]> = inputs.iter().map(Input::shape).collect();
        assert_eq!(met, shapes);
        assert_eq!(inputs.len(), accepted.len());
        for (input, accepted) in inputs.iter().zip(accepted) {
            assert!(accepted.accepts(input), "{accepted:?}");
        }
        assert_eq!(made_up_inputs(spec), inputs, "the same at every call");
    }

    #[test]
    fn pictures_get_what_a_classifier_and_a_detector_accept() {
        let input = PictureInput {
            resize_short_side: 256,
            crop: 224,
            filter: ResizeFilter::Bilinear,
            mean: [0.0; 3],
            std: [1.0; 3],
        };
        let accepted = picture_spec(&input);
        let output = ScoresOutput {
            labels: String::new(),
            top_k: 5,
            gives: Gives::Logits,
        };
        let spec = Spec::PictureClassification { input, output };
        check_accepted(&spec, &[accepted], &[&[1, 3, 224, 224]]);

        let input = DetectionInput {
            min_short_side: 736,
            max_long_side: 960,
            multiple: 32,
            channels: Channels::Bgr,
            mean: 127.5,
            std: 127.5,
        };
        let output = DetectionOutput {
            threshold: 0.3,
            box_threshold: 0.5,
            unclip_ratio: 1.6,
            max_candidates: 1000,
            dilate: true,
        };
        let spec = Spec::TextDetection { input, output };
        check_accepted(&spec, &[detector_spec()], &[&[1, 3, 640, 640]]);
    }

    #[test]
    fn lines_get_what_direction_and_recognition_accept() {
        let output = DirectionOutput { threshold: 0.9 };
        let spec = Spec::LineDirection {
            input: LINE,
            output,
        };
        check_accepted(&spec, &[direction_spec(&LINE)], &[&[1, 3, 48, 320]]);
        let output = CharactersOutput {
            min_confidence: 0.5,
        };
        let spec = Spec::LineRecognition {
            input: LINE,
            output,
        };
        check_accepted(&spec, &[recogniser_spec(&LINE)], &[&[1, 3, 48, 320]]);
    }

    #[test]
    fn texts_get_what_an_encoder_accepts_and_no_more_tokens_than_it_reads() {
        let spec = |max_tokens| Spec::TextEncoding {
            input: TokenInput {
                tokeniser: Tokeniser::WordpieceUncased,
                max_tokens,
            },
            output: FeaturesOutput {
                embedding: 384,
                states: Vec::new(),
            },
        };
        check_accepted(&spec(256), &encoder_specs(), &[&[1, 32][..]; 3]);
        check_accepted(&spec(16), &encoder_specs(), &[&[1, 16][..]; 3]);
    }

    fn head(features: Features, length: usize) -> Spec {
        let input = FeaturesInput {
            encoder: "encoder".to_owned(),
            features,
            length,
        };
        let output = TextScoresOutput {
            labels: String::new(),
            activation: Activation::Softmax,
            top_k: 1,
            thresholds: Vec::new(),
        };
        Spec::TextClassification { input, output }
    }

    #[test]
    fn features_get_what_a_head_accepts() {
        let accepted = head_specs(Features::Mean, 6);
        check_accepted(&head(Features::Mean, 6), &accepted, &[&[1, 6]]);
        let accepted = head_specs(Features::Tokens, 6);
        check_accepted(&head(Features::Tokens, 6), &accepted, &[&[32, 6], &[32]]);
    }

    #[test]
    fn noise_is_spread_over_its_whole_range() {
        let Input::F32(tensor) = noise(&[1000]) else {
            panic!("noise is numbers");
        };
        let below = tensor.values.iter().filter(|value| **value < 0.0).count();
        assert!(below.abs_diff(500) < 20, "{below} of 1000 are below 0");
        assert!(tensor.values.iter().all(|value| value.abs() <= 1.0));
    }

    #[test]
    fn operators_are_listed_by_their_time_together() {
        let layer = |operator: &str, time| OperatorTime {
            name: "layer".to_owned(),
            operator: operator.to_owned(),
            details: String::new(),
            inputs: Vec::new(),
            time,
        };
        let layers = [layer("Add", 1.0), layer("Conv", 2.0), layer("Add", 1.5)];
        let shares = by_operator(&layers);
        let met: Vec<_> = (shares.iter())
            .map(|share| (share.operator.as_str(), share.n, share.time))
            .collect();
        assert_eq!(met, [("Add", 2, 2.5), ("Conv", 1, 2.0)]);
    }

    #[test]
    fn every_run_is_timed_by_itself() {
        thread_local! {
            static NOW: std::cell::Cell<f64> = const { std::cell::Cell::new(0.0) };
        }
        // Each look at this clock finds a millisecond more than the one before.
        let clock: Clock = || NOW.replace(NOW.get() + 1.0);
        let dense = Dense {
            weights: Matrix {
                shape: [6, 2],
                values: vec![0.5; 12],
            },
            bias: vec![0.0; 2],
        };
        let plain = TextHead {
            hidden: None,
            queries: None,
            last: dense,
        };
        let file = text_head(&plain, Weights::F32).unwrap();
        let specs = head_specs(Features::Mean, 6);
        let (mut model, times) = TractModel::load(file, &specs, &[], WarmUp::Now, clock).unwrap();
        assert!(times.first_run > 0.0 && times.first_run < times.warm_up);
        let inputs = made_up_inputs(&head(Features::Mean, 6));
        let times = run_often(&mut model, &inputs, 4, clock).unwrap();
        assert_eq!(times, [1.0; 4]);
        let wrong = made_up_inputs(&head(Features::Mean, 7));
        assert!(run_often(&mut model, &wrong, 1, clock).is_err());
    }
}
