//! What the pipeline needs of an inference engine.

use vitrine_protocol::EngineError;
use vitrine_tasks::Tensor;

/// A loaded model with one f32 input and one f32 output.
pub trait Model {
    /// Shape that [`Model::run`] accepts, such as `[1, 3, 224, 224]`.
    fn input_shape(&self) -> &[usize];

    /// Runs the model once.
    ///
    /// # Errors
    /// [`EngineError::Shape`] when `input` has another shape, [`EngineError::Run`] when the engine
    /// fails.
    fn run(&mut self, input: Tensor) -> Result<Tensor, EngineError>;
}
