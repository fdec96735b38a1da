//! What the pipeline needs of an inference engine.

use vitrine_protocol::EngineError;
use vitrine_tasks::{IdTensor, Tensor};

/// A value that enters a model.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// Numbers, such as pixels or features.
    F32(Tensor),
    /// Whole numbers, such as token ids.
    I64(IdTensor),
}

impl Input {
    /// Length of each axis, outermost first.
    pub fn shape(&self) -> &[usize] {
        match self {
            Input::F32(tensor) => &tensor.shape,
            Input::I64(tensor) => &tensor.shape,
        }
    }

    /// What the values are.
    pub fn kind(&self) -> Kind {
        match self {
            Input::F32(_) => Kind::F32,
            Input::I64(_) => Kind::I64,
        }
    }
}

/// What the values of an input are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// 32-bit floating point numbers.
    F32,
    /// 64-bit whole numbers.
    I64,
}

/// One axis of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axis {
    /// Always this long.
    Fixed(usize),
    /// Any length; a plan is made for each that occurs. For sizes of pictures, of which few occur
    /// and on which tract's convolutions depend.
    Free,
    /// Any length, all with one plan. For numbers of tokens, of which many occur.
    Any,
}

/// What a model accepts as one of its inputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputSpec {
    /// What the values are.
    pub kind: Kind,
    /// Outermost first.
    pub axes: Vec<Axis>,
}

impl InputSpec {
    /// An input of f32 with the same shape at every run.
    pub fn fixed(shape: &[usize]) -> InputSpec {
        InputSpec {
            kind: Kind::F32,
            axes: shape.iter().map(|length| Axis::Fixed(*length)).collect(),
        }
    }

    /// Whether a value may enter here.
    pub fn accepts(&self, input: &Input) -> bool {
        let shape = input.shape();
        let fits = |(axis, length): (&Axis, &usize)| match axis {
            Axis::Fixed(expected) => expected == length,
            Axis::Free | Axis::Any => *length > 0,
        };
        self.kind == input.kind()
            && self.axes.len() == shape.len()
            && self.axes.iter().zip(shape).all(fits)
    }

    /// The axes with 0 for those that are free, for messages.
    pub(crate) fn lengths(&self) -> Vec<usize> {
        let length = |axis: &Axis| match axis {
            Axis::Fixed(length) => *length,
            Axis::Free | Axis::Any => 0,
        };
        self.axes.iter().map(length).collect()
    }
}

/// A loaded model.
pub trait Model {
    /// Runs the model once, on its inputs in their order, and returns its outputs in theirs.
    ///
    /// # Errors
    /// [`EngineError::Shape`] when an input is not as the model accepts it, [`EngineError::Run`]
    /// when the engine fails, or gives values that are no numbers.
    fn run(&mut self, inputs: Vec<Input>) -> Result<Vec<Tensor>, EngineError>;
}

/// Runs a model with one f32 input and takes its first output.
///
/// # Errors
/// As [`Model::run`]; also [`EngineError::Run`] for a model without an output.
pub fn run_one<M: Model>(model: &mut M, input: Tensor) -> Result<Tensor, EngineError> {
    let outputs = model.run(vec![Input::F32(input)])?;
    outputs.into_iter().next().ok_or_else(|| EngineError::Run {
        detail: "the model has no output".into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_accepted(axes: &[Axis], shape: &[usize], accepted: bool) {
        let spec = InputSpec {
            kind: Kind::F32,
            axes: axes.to_vec(),
        };
        let input = Input::F32(Tensor {
            shape: shape.to_vec(),
            values: Vec::new(),
        });
        assert_eq!(spec.accepts(&input), accepted);
    }

    #[test]
    fn a_free_axis_takes_any_length_but_none() {
        check_accepted(&[Axis::Fixed(1), Axis::Free], &[1, 7], true);
        check_accepted(&[Axis::Fixed(1), Axis::Free], &[1, 0], false);
        check_accepted(&[Axis::Fixed(1), Axis::Free], &[2, 7], false);
        check_accepted(&[Axis::Free], &[1, 7], false);
    }

    #[test]
    fn whole_numbers_do_not_enter_where_fractions_are_expected() {
        let ids = Input::I64(IdTensor {
            shape: vec![1],
            values: vec![7],
        });
        assert!(!InputSpec::fixed(&[1]).accepts(&ids));
    }
}
