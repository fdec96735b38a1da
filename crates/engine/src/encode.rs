//! Texts to what they express: tokens, hidden states, features, classes.

use vitrine_protocol::{
    AnalysisTimes, EngineError, Features, FeaturesOutput, TextAnswer, TextScoresOutput, TokenInput,
};
use vitrine_tasks::text::{Tokeniser, Tokens, features};
use vitrine_tasks::{IdTensor, Tensor, scores};

use crate::clock::{Clock, timed};
use crate::model::{Axis, Input, InputSpec, Kind, Model};

/// Turns texts into hidden states.
pub struct Encoder<M> {
    /// Most tokens that are read.
    pub input: TokenInput,
    /// Which hidden states are read.
    pub output: FeaturesOutput,
    /// Text to token ids.
    pub tokeniser: Tokeniser,
    /// The loaded model.
    pub model: M,
}

/// Hidden states of one text.
#[derive(Clone, Debug, PartialEq)]
pub struct Encoded {
    /// `[tokens, length]`: the states that the registry names, one behind the other per token.
    pub states: Tensor,
    /// Length of the first of the states, which a sentence embedding is made of.
    pub embedding: usize,
    /// Tokens of the text, with the two that mark beginning and end.
    pub n_tokens: usize,
    /// Milliseconds from text to token ids.
    pub tokenise: f64,
    /// Milliseconds from token ids to hidden states.
    pub encode: f64,
}

/// Names what a text expresses.
pub struct Head<M> {
    /// The model's id.
    pub id: String,
    /// Which features are read.
    pub features: Features,
    /// How logits become classes.
    pub output: TextScoresOutput,
    /// Names of the classes.
    pub labels: Vec<String>,
    /// The loaded model.
    pub model: M,
}

/// What an encoder accepts: token ids, a mask and token types, `[1, tokens]` each.
pub fn encoder_specs() -> Vec<InputSpec> {
    let tokens = InputSpec {
        kind: Kind::I64,
        axes: vec![Axis::Fixed(1), Axis::Any],
    };
    vec![tokens; 3]
}

/// What a head accepts, for features of this length: see [`Features`].
pub fn head_specs(read: Features, length: usize) -> Vec<InputSpec> {
    match read {
        Features::Mean => vec![InputSpec::fixed(&[1, length])],
        Features::Tokens => vec![
            InputSpec {
                kind: Kind::F32,
                axes: vec![Axis::Any, Axis::Fixed(length)],
            },
            InputSpec {
                kind: Kind::F32,
                axes: vec![Axis::Any],
            },
        ],
    }
}

impl<M: Model> Encoder<M> {
    /// Encodes a text, or as much of it as the encoder reads.
    ///
    /// # Errors
    /// As [`Model::run`], and [`EngineError::Shape`] for hidden states in another shape than
    /// `[1, tokens, length]`.
    pub fn encode(&mut self, text: &str, clock: Clock) -> Result<Encoded, EngineError> {
        let (tokens, tokenise) =
            timed(clock, || self.tokeniser.encode(text, self.input.max_tokens));
        let n_tokens = tokens.n_tokens;
        let (states, encode) = timed(clock, || self.states(tokens));
        Ok(Encoded {
            states: states?,
            embedding: self.output.embedding,
            n_tokens,
            tokenise,
            encode,
        })
    }

    fn states(&mut self, tokens: Tokens) -> Result<Tensor, EngineError> {
        let n = tokens.ids.len();
        let row = |values: Vec<i64>| {
            let shape = vec![1, n];
            Input::I64(IdTensor { shape, values })
        };
        let inputs = vec![row(tokens.ids), row(vec![1; n]), row(vec![0; n])];
        let states = self.model.run(inputs)?;
        for state in &states {
            let is_right = matches!(state.shape[..], [1, met, _] if met == n);
            if !is_right {
                return Err(EngineError::Shape {
                    what: "hidden states".into(),
                    met: state.shape.clone(),
                    expected: vec![1, n, self.output.embedding],
                });
            }
        }
        Ok(side_by_side(&states, n))
    }
}

/// `[1, n, length]` tensors as one of `[n, sum of lengths]`.
fn side_by_side(states: &[Tensor], n: usize) -> Tensor {
    let lengths: Vec<usize> = states.iter().map(|state| state.shape[2]).collect();
    let length = lengths.iter().sum();
    let mut values = Vec::with_capacity(n * length);
    for token in 0..n {
        for (state, length) in states.iter().zip(&lengths) {
            values.extend_from_slice(&state.values[token * length..(token + 1) * length]);
        }
    }
    Tensor {
        shape: vec![n, length],
        values,
    }
}

impl Encoded {
    /// Number of tokens that were read.
    pub fn n_read(&self) -> usize {
        self.states.shape[0]
    }

    /// The mean over all tokens, `[1, length]`.
    pub fn mean(&self) -> Tensor {
        let [n, length] = [self.states.shape[0], self.states.shape[1]];
        Tensor {
            shape: vec![1, length],
            values: features::mean(&self.states.values[..n * length], length),
        }
    }

    /// The sentence embedding: the mean of the first states, with L2 norm 1.
    pub fn sentence_embedding(&self) -> Vec<f32> {
        let mut embedding = self.mean().values;
        embedding.truncate(self.embedding);
        features::normalise(&mut embedding);
        embedding
    }
}

impl<M: Model> Head<M> {
    /// Names what a text expresses.
    ///
    /// # Errors
    /// As [`Model::run`], and [`EngineError::Shape`] when the model has not one output per label.
    pub fn answer(&mut self, encoded: &Encoded) -> Result<TextAnswer, EngineError> {
        let logits = self.logits(encoded)?;
        if logits.len() != self.labels.len() {
            return Err(EngineError::Shape {
                what: "output".into(),
                met: vec![logits.len()],
                expected: vec![self.labels.len()],
            });
        }
        Ok(scores::answer(
            &self.id,
            &logits,
            &self.labels,
            &self.output,
        ))
    }

    /// Raw outputs, one per class.
    ///
    /// # Errors
    /// As [`Model::run`].
    pub fn logits(&mut self, encoded: &Encoded) -> Result<Vec<f32>, EngineError> {
        let inputs = match self.features {
            Features::Mean => vec![Input::F32(encoded.mean())],
            Features::Tokens => {
                let n = encoded.n_read();
                // No token is padding, so nothing is taken off the attention scores.
                let mask = Tensor {
                    shape: vec![n],
                    values: vec![0.0; n],
                };
                vec![Input::F32(encoded.states.clone()), Input::F32(mask)]
            }
        };
        let outputs = self.model.run(inputs)?;
        let logits = outputs.into_iter().next();
        Ok(logits.map(|logits| logits.values).unwrap_or_default())
    }
}

/// What every head says of a text, with the time each stage took.
///
/// # Errors
/// As [`Encoder::encode`] and [`Head::answer`].
pub fn analyse<M: Model>(
    encoder: &mut Encoder<M>,
    heads: &mut [Head<M>],
    text: &str,
    clock: Clock,
) -> Result<(Vec<TextAnswer>, Encoded, AnalysisTimes), EngineError> {
    let encoded = encoder.encode(text, clock)?;
    let (answers, classify) = timed(clock, || {
        let answers = heads.iter_mut().map(|head| head.answer(&encoded));
        answers.collect::<Result<Vec<_>, _>>()
    });
    let times = AnalysisTimes {
        tokenise: encoded.tokenise,
        encode: encoded.encode,
        classify,
    };
    Ok((answers?, encoded, times))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_stand_side_by_side_per_token() {
        let state = |values: &[f32], length: usize| Tensor {
            shape: vec![1, 2, length],
            values: values.to_vec(),
        };
        let met = side_by_side(&[state(&[1.0, 2.0, 3.0, 4.0], 2), state(&[5.0, 6.0], 1)], 2);
        assert_eq!(met.shape, [2, 3]);
        assert_eq!(met.values, [1.0, 2.0, 5.0, 3.0, 4.0, 6.0]);
    }

    #[test]
    fn an_embedding_is_the_mean_of_the_first_states_at_length_1() {
        let encoded = Encoded {
            states: Tensor {
                shape: vec![2, 3],
                values: vec![3.0, 4.0, 100.0, 3.0, 4.0, -100.0],
            },
            embedding: 2,
            n_tokens: 2,
            tokenise: 0.0,
            encode: 0.0,
        };
        assert_eq!(encoded.sentence_embedding(), [0.6, 0.8]);
        assert_eq!(encoded.mean().values, [3.0, 4.0, 0.0]);
    }
}
