//! rten behind the two calls that the bench makes of every engine: load a file, run it.

use rten::{ModelOptions, NodeId, Value, ValueOrView};
use rten_tensor::Tensor;
use rten_tensor::prelude::*;
use wasm_bindgen::prelude::*;

/// A model with inputs of one shape.
#[wasm_bindgen]
pub struct BareModel {
    model: rten::Model,
    shape: Vec<usize>,
    reads_ids: bool,
}

#[wasm_bindgen]
impl BareModel {
    /// Loads a model whose one input of f32 has this shape; or, with `reads_ids`, an encoder whose
    /// inputs of token ids, mask and types have it.
    ///
    /// Weights are laid out for the matrix kernels once, as rten's documentation advises where a
    /// model runs more than once.
    #[wasm_bindgen(constructor)]
    pub fn new(file: Vec<u8>, shape: Vec<usize>, reads_ids: bool) -> Result<BareModel, JsError> {
        let model = ModelOptions::with_all_ops()
            .prepack_weights(true)
            .load(file)?;
        Ok(BareModel {
            model,
            shape,
            reads_ids,
        })
    }

    /// Runs the model; token ids are given as numbers too. The first output comes back.
    pub fn run(&self, values: Vec<f32>) -> Result<Vec<f32>, JsError> {
        let first = *(self.model.output_ids().first()).ok_or_else(|| JsError::new("no output"))?;
        let [output] = self.model.run_n(self.inputs(values)?, [first], None)?;
        match output {
            Value::FloatTensor(tensor) => Ok(tensor.to_vec()),
            _ => Err(JsError::new("the first output is not of f32")),
        }
    }

    fn inputs(&self, values: Vec<f32>) -> Result<Vec<(NodeId, ValueOrView<'static>)>, JsError> {
        let shape = self.shape.as_slice();
        let ids = self.model.input_ids();
        if !self.reads_ids {
            let input = *ids.first().ok_or_else(|| JsError::new("no input"))?;
            return Ok(vec![(input, Tensor::from_data(shape, values).into())]);
        }
        let n = values.len();
        // rten keeps whole numbers of 64 bits in 32.
        let tokens: Vec<i32> = values.iter().map(|value| *value as i32).collect();
        let named = [
            ("input_ids", tokens),
            ("attention_mask", vec![1; n]),
            ("token_type_ids", vec![0; n]),
        ];
        named
            .into_iter()
            .map(|(name, values)| {
                let tensor = Tensor::from_data(shape, values);
                Ok((self.model.node_id(name)?, tensor.into()))
            })
            .collect()
    }
}
