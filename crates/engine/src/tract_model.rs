//! A model run by tract.

use tract_onnx::pb::ModelProto;
use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::TDim;
use vitrine_protocol::{EngineError, LoadTimes, WarmUp};
use vitrine_tasks::{IdTensor, Tensor as PlainTensor};

use crate::clock::{Clock, timed};
use crate::fuse::declutter_and_fuse;
use crate::model::{Axis, Input, InputSpec, Kind, Model};
use crate::narrow::NarrowWeights;
use crate::widen::{take_narrow, widen_weights, widen_what_is_looked_up};

/// Runs after which times no longer fall: the first touches fresh memory, and a browser replaces
/// its baseline code for the hot loops during the next.
const WARM_UP_RUNS: usize = 3;

/// Plans kept for different input shapes. A plan holds its own packed copy of the weights, so
/// this bounds memory; the one that was not used for longest goes first.
pub(crate) const MAX_PLANS: usize = 8;

/// A model with its execution plans.
pub struct TractModel {
    inputs: Vec<InputSpec>,
    /// What plans are made of when inputs of a new shape come. `None` where the one plan there is
    /// takes whatever the inputs accept.
    source: Option<Source>,
    /// Most recently used last.
    plans: Vec<Plan>,
}

/// How long one operator of a plan took.
#[derive(Clone, Debug, PartialEq)]
pub struct OperatorTime {
    /// Name of the node in the graph.
    pub name: String,
    /// Kind of operator, in tract's words.
    pub operator: String,
    /// What tract says of it, such as the kernel of a matrix product.
    pub details: String,
    /// Shapes of its inputs.
    pub inputs: Vec<Vec<usize>>,
    /// Milliseconds.
    pub time: f64,
}

/// A graph before it is prepared for any shape.
///
/// Preparing it anew for every shape costs a few hundred milliseconds, once per shape. Convolutions
/// on symbolic sizes would save that and run seven times slower: tract then has no shape to choose
/// kernels and layouts by.
struct Source {
    proto: ModelProto,
    /// Weights that the graph has as inputs.
    narrow: NarrowWeights,
    outputs: Vec<String>,
    fusion: Fusion,
}

/// Whether chains of operators become operators of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fusion {
    /// Also convolutions with what follows them: where our kernels are the faster ones.
    All,
    /// Chains of operators on single values.
    Chains,
    /// None, for comparing with tract's own operators.
    #[cfg_attr(not(test), allow(dead_code))]
    Off,
}

struct Plan {
    /// Empty where the plan takes every shape.
    shapes: Vec<Vec<usize>>,
    state: TypedSimpleState,
}

impl TractModel {
    /// Loads an ONNX file whose inputs are as `inputs` says, in their order. Where no axis is
    /// [`Axis::Free`] the plan is made, and run as `warm_up` says; else plans are made as shapes come.
    ///
    /// `outputs` names the values of the graph that are wanted; empty for those that the file names.
    ///
    /// # Errors
    /// [`EngineError::Parse`] for bytes that are no ONNX model, [`EngineError::Optimise`] for a
    /// graph that tract cannot run with these inputs, [`EngineError::Run`] when the warm-up fails.
    pub fn load(
        file: Vec<u8>,
        inputs: &[InputSpec],
        outputs: &[String],
        warm_up: WarmUp,
        clock: Clock,
    ) -> Result<(TractModel, LoadTimes), EngineError> {
        // Natively tract's own kernels are the faster ones.
        let fusion = match crate::register_kernels() {
            true => Fusion::All,
            false => Fusion::Chains,
        };
        let (mut model, mut times) = TractModel::load_with(file, inputs, outputs, fusion, clock)?;
        if warm_up == WarmUp::Now {
            let (first_run, time) = timed(clock, || model.warm_up(clock));
            times.warm_up = time;
            times.first_run = first_run?;
        }
        Ok((model, times))
    }

    /// As [`TractModel::load`] without a warm-up, with a choice.
    pub(crate) fn load_with(
        file: Vec<u8>,
        inputs: &[InputSpec],
        outputs: &[String],
        fusion: Fusion,
        clock: Clock,
    ) -> Result<(TractModel, LoadTimes), EngineError> {
        let (parsed, parse) = timed(clock, || parse(file, fusion));
        let (proto, narrow) = parsed?;
        let (model, optimise) = timed(clock, || {
            let source = Source {
                proto,
                narrow,
                outputs: outputs.to_vec(),
                fusion,
            };
            TractModel::prepare(source, inputs)
        });
        let model = model.map_err(|error| optimise_error(&error))?;
        let times = LoadTimes {
            parse,
            optimise,
            ..LoadTimes::default()
        };
        Ok((model, times))
    }

    fn prepare(source: Source, inputs: &[InputSpec]) -> TractResult<TractModel> {
        let is_free = inputs.iter().any(|input| input.axes.contains(&Axis::Free));
        if is_free {
            return Ok(TractModel {
                inputs: inputs.to_vec(),
                source: Some(source),
                plans: Vec::new(),
            });
        }
        let state = source.prepare(inputs, None)?;
        let shapes = Vec::new();
        Ok(TractModel {
            inputs: inputs.to_vec(),
            source: None,
            plans: vec![Plan { shapes, state }],
        })
    }

    /// Runs the model until it is warm and returns the milliseconds of the first run, 0 where the
    /// plan is yet to be made.
    fn warm_up(&mut self, clock: Clock) -> Result<f64, EngineError> {
        if self.source.is_some() {
            return Ok(0.0);
        }
        let zeros: Vec<Input> = self.inputs.iter().map(zeros).collect();
        let (first, time) = timed(clock, || self.run(zeros.clone()));
        first?;
        for _ in 1..WARM_UP_RUNS {
            self.run(zeros.clone())?;
        }
        Ok(time)
    }

    /// Makes the plan for these shapes the most recent one.
    fn plan(&mut self, shapes: Vec<Vec<usize>>) -> TractResult<&mut Plan> {
        let fits = |plan: &Plan| plan.shapes.is_empty() || plan.shapes == shapes;
        let plan = match (self.plans.iter().position(fits), &self.source) {
            (Some(at), _) => self.plans.remove(at),
            (None, Some(source)) => {
                let state = source.prepare(&self.inputs, Some(&shapes))?;
                if self.plans.len() >= MAX_PLANS {
                    self.plans.remove(0);
                }
                Plan { shapes, state }
            }
            (None, None) => return Err(TractError::msg("the model has no plan for this shape")),
        };
        self.plans.push(plan);
        self.plans
            .last_mut()
            .ok_or_else(|| TractError::msg("the model has no plan"))
    }

    /// Runs the model once and gives the time of each of its operators, in the order of the plan.
    ///
    /// # Errors
    /// As [`Model::run`].
    pub fn profile(
        &mut self,
        inputs: Vec<Input>,
        clock: Clock,
    ) -> Result<Vec<OperatorTime>, EngineError> {
        self.check(&inputs)?;
        self.profile_checked(inputs, clock)
            .map_err(|error| EngineError::Run {
                detail: words(&error),
            })
    }

    fn profile_checked(
        &mut self,
        inputs: Vec<Input>,
        clock: Clock,
    ) -> TractResult<Vec<OperatorTime>> {
        let (plan, values) = self.planned(inputs)?;
        let mut operators = Vec::new();
        plan.state
            .run_plan_with_eval(values, |context, state, node, inputs| {
                let input_shapes = inputs.iter().map(|value| value.shape().to_vec()).collect();
                let (outputs, time) = timed(clock, || {
                    tract_onnx::tract_core::plan::eval(context, state, node, inputs)
                });
                operators.push(OperatorTime {
                    name: node.name.clone(),
                    operator: node.op().name().into_owned(),
                    details: node.op().info().unwrap_or_default().join(" "),
                    inputs: input_shapes,
                    time,
                });
                outputs
            })?;
        Ok(operators)
    }

    fn check(&self, inputs: &[Input]) -> Result<(), EngineError> {
        if inputs.len() != self.inputs.len() {
            return Err(EngineError::Shape {
                what: "list of inputs".into(),
                met: vec![inputs.len()],
                expected: vec![self.inputs.len()],
            });
        }
        for (input, spec) in inputs.iter().zip(&self.inputs) {
            if !spec.accepts(input) {
                return Err(EngineError::Shape {
                    what: "input".into(),
                    met: input.shape().to_vec(),
                    expected: spec.lengths(),
                });
            }
        }
        Ok(())
    }

    /// The plan for these inputs, and the inputs as tract takes them.
    fn planned(&mut self, inputs: Vec<Input>) -> TractResult<(&mut Plan, TVec<TValue>)> {
        let shapes = inputs.iter().map(|input| input.shape().to_vec()).collect();
        let plan = self.plan(shapes)?;
        let values = inputs
            .into_iter()
            .map(|input| Ok(into_tract(input)?.into_tvalue()))
            .collect::<TractResult<_>>()?;
        Ok((plan, values))
    }

    fn run_checked(&mut self, inputs: Vec<Input>) -> TractResult<Vec<PlainTensor>> {
        let (plan, values) = self.planned(inputs)?;
        let outputs = plan.state.run(values)?;
        outputs.iter().map(|output| from_tract(output)).collect()
    }
}

impl Model for TractModel {
    fn run(&mut self, inputs: Vec<Input>) -> Result<Vec<PlainTensor>, EngineError> {
        self.check(&inputs)?;
        let outputs = self.run_checked(inputs).map_err(|error| EngineError::Run {
            detail: words(&error),
        })?;
        // One bad weight makes everything behind it no number, and a score of that would only look like one.
        let mut values = outputs.iter().flat_map(|output| &output.values);
        match values.any(|value| value.is_nan()) {
            true => Err(EngineError::Run {
                detail: "it gave values that are no numbers".to_owned(),
            }),
            false => Ok(outputs),
        }
    }
}

impl Source {
    /// Makes a plan: for concrete shapes, or for whatever the inputs accept.
    fn prepare(
        &self,
        inputs: &[InputSpec],
        shapes: Option<&[Vec<usize>]>,
    ) -> TractResult<TypedSimpleState> {
        // Exporters leave shapes in the file that contradict concrete inputs; tract infers its own.
        let onnx = onnx()
            .with_ignore_value_info(true)
            .with_ignore_output_shapes(true);
        let mut model = onnx.model_for_proto_model(&self.proto)?;
        if !self.outputs.is_empty() {
            model.select_outputs_by_name(&self.outputs)?;
        }
        for (at, input) in inputs.iter().enumerate() {
            let dims: TVec<TDim> = (input.axes.iter().enumerate())
                .map(|(axis, length)| match (length, shapes) {
                    (_, Some(shapes)) => shapes[at][axis].to_dim(),
                    (Axis::Fixed(length), None) => length.to_dim(),
                    // One symbol for all inputs: they are as long as each other.
                    (Axis::Free | Axis::Any, None) => model.symbols.sym("N").into(),
                })
                .collect();
            let datum = match input.kind {
                Kind::F32 => f32::datum_type(),
                Kind::I64 => i64::datum_type(),
            };
            model.set_input_fact(at, datum.fact(dims).into())?;
        }
        let mut model = model.into_typed()?;
        self.narrow.put_into(&mut model)?;
        let mut model = declutter_and_fuse(model, self.fusion)?;
        // Not `into_optimized`, which would declutter once more.
        model.optimize()?;
        model.into_runnable()?.spawn()
    }
}

/// Zeros that an input accepts; axes of any length are as long as an ordinary sentence.
pub(crate) fn zeros(spec: &InputSpec) -> Input {
    const SENTENCE: usize = 24;
    let length = |axis: &Axis| match axis {
        Axis::Fixed(length) => *length,
        Axis::Free | Axis::Any => SENTENCE,
    };
    let shape: Vec<usize> = spec.axes.iter().map(length).collect();
    let len = shape.iter().product();
    match spec.kind {
        Kind::F32 => Input::F32(PlainTensor {
            shape,
            values: vec![0.0; len],
        }),
        Kind::I64 => Input::I64(IdTensor {
            shape,
            values: vec![0; len],
        }),
    }
}

fn into_tract(input: Input) -> TractResult<Tensor> {
    match input {
        Input::F32(tensor) => Tensor::from_shape(&tensor.shape, &tensor.values),
        Input::I64(tensor) => Tensor::from_shape(&tensor.shape, &tensor.values),
    }
}

fn from_tract(output: &Tensor) -> TractResult<PlainTensor> {
    let output = output.cast_to::<f32>()?;
    let values = output.try_as_plain_ram()?.as_slice::<f32>()?.to_vec();
    Ok(PlainTensor {
        shape: output.shape().to_vec(),
        values,
    })
}

/// A file's model, and of its weights those that stay as they are stored: operators of ours are made of them.
fn parse(file: Vec<u8>, fusion: Fusion) -> Result<(ModelProto, NarrowWeights), EngineError> {
    // The reader copies what it reads; the file is dropped at the end of this function, before
    // optimisation needs its memory.
    let mut proto = onnx()
        .proto_model_for_read(&mut file.as_slice())
        .map_err(|error| EngineError::Parse {
            detail: words(&error),
        })?;
    let Some(graph) = &mut proto.graph else {
        return Err(EngineError::Parse {
            detail: "the file holds no graph".into(),
        });
    };
    widen_what_is_looked_up(graph);
    let narrow = match fusion {
        Fusion::All => take_narrow(graph),
        Fusion::Chains | Fusion::Off => NarrowWeights::default(),
    };
    widen_weights(graph);
    Ok((proto, narrow))
}

fn optimise_error(error: &TractError) -> EngineError {
    EngineError::Optimise {
        detail: words(error),
    }
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
        let spec = InputSpec::fixed(&[1, 3, 8, 8]);
        let error = TractModel::load(b"<html>".to_vec(), &[spec], &[], WarmUp::Now, no_time).err();
        assert!(
            matches!(error, Some(EngineError::Parse { .. })),
            "{error:?}"
        );
    }

    #[test]
    fn an_empty_file_is_a_parse_error() {
        let spec = InputSpec::fixed(&[1, 3, 8, 8]);
        let error = TractModel::load(Vec::new(), &[spec], &[], WarmUp::Now, no_time).err();
        assert!(
            matches!(error, Some(EngineError::Parse { .. })),
            "{error:?}"
        );
    }
}
