//! Small graphs, put together operator by operator: what the engine rehearses with, and what tests compare.

use vitrine_onnx::format::{Attribute, Graph, INT8, INT64, Model, Node, Tensor, ValueInfo};

/// Version of the operators, the oldest that has all of them.
const OPERATORS: i64 = 17;

/// A graph under construction, whose input is called `x`; each step reads what the step before made.
pub(crate) struct Net {
    pub(crate) graph: Graph,
    /// Name of what was made last.
    pub(crate) value: String,
    /// How many names there are.
    n: usize,
}

impl Net {
    pub(crate) fn new(input: ValueInfo) -> Net {
        Net {
            value: input.name.clone(),
            graph: Graph {
                name: "g".to_owned(),
                input: vec![input],
                ..Graph::default()
            },
            n: 0,
        }
    }

    /// The file, which gives out what was made last, in the shape that `output` makes of its name.
    pub(crate) fn file(mut self, output: impl Fn(&str) -> ValueInfo) -> Vec<u8> {
        self.graph.output.push(output(&self.value));
        let mut model = Model::new(self.graph);
        model.opset_import[0].version = OPERATORS;
        model.to_bytes()
    }

    fn name(&mut self, kind: &str) -> String {
        self.n += 1;
        format!("{kind}{}", self.n)
    }

    pub(crate) fn constant(&mut self, shape: &[usize], values: &[f32]) -> String {
        let name = self.name("c");
        self.graph
            .initializer
            .push(Tensor::f32(&name, shape, values));
        name
    }

    /// A constant of repeatable values, others each time: tract would join equal operators.
    pub(crate) fn noise(&mut self, shape: &[usize]) -> String {
        let len = shape.iter().product::<usize>();
        let values = noise(len + self.n).split_off(self.n);
        self.constant(shape, &values)
    }

    /// The same as models are served: in int8, made f32 by a cast and a factor for each place on this axis.
    fn narrow(&mut self, shape: &[usize], axis: usize) -> String {
        let len = shape.iter().product::<usize>();
        let bytes = (0..len).map(|at| (at * 37 + self.n) as u8).collect();
        let (stored, cast, made) = (self.name("c"), self.name("v"), self.name("v"));
        let stored_values = Tensor::raw(&stored, INT8, shape, bytes);
        self.graph.initializer.push(stored_values);
        let mut factors_shape = vec![1; shape.len()];
        factors_shape[axis] = shape[axis];
        let factors: Vec<f32> = (0..shape[axis])
            .map(|at| 1.0 / (100.0 + at as f32))
            .collect();
        let factor = self.constant(&factors_shape, &factors);
        let to = vec![Attribute::int("to", 1)];
        let nodes = [
            Node::new("Cast", &cast, &[&stored], to),
            Node::new("Mul", &made, &[&cast, &factor], vec![]),
        ];
        self.graph.node.extend(nodes);
        made
    }

    pub(crate) fn whole_numbers(&mut self, values: &[i64]) -> String {
        let name = self.name("c");
        let bytes = values.iter().flat_map(|value| value.to_le_bytes());
        let constant = Tensor::raw(&name, INT64, &[values.len()], bytes.collect());
        self.graph.initializer.push(constant);
        name
    }

    /// An operator with what was made last as its first input.
    pub(crate) fn node(
        &mut self,
        operator: &str,
        others: &[&str],
        attributes: Vec<Attribute>,
    ) -> &mut Net {
        let made = self.name("v");
        let mut inputs = vec![self.value.as_str()];
        inputs.extend(others);
        let node = Node::new(operator, &made, &inputs, attributes);
        self.graph.node.push(node);
        self.value = made;
        self
    }

    /// An operator with one number.
    pub(crate) fn scalar(&mut self, operator: &str, value: f32) -> &mut Net {
        let constant = self.constant(&[], &[value]);
        self.node(operator, &[&constant], vec![])
    }

    /// An operator with one number for each channel.
    pub(crate) fn by_channel(&mut self, operator: &str, channels: usize) -> &mut Net {
        let constant = self.noise(&[1, channels, 1, 1]);
        self.node(operator, &[&constant], vec![])
    }

    /// A convolution with filters `[filters, channels, kernel, kernel]` and a bias.
    pub(crate) fn conv(
        &mut self,
        [filters, channels, kernel]: [usize; 3],
        group: usize,
        strides: [usize; 2],
        pads: [usize; 4],
    ) -> &mut Net {
        let weights = self.narrow(&[filters, channels, kernel, kernel], 0);
        let bias = self.noise(&[filters]);
        let attributes = vec![
            Attribute::int("group", group as i64),
            Attribute::ints("strides", &strides),
            Attribute::ints("pads", &pads),
            Attribute::ints("kernel_shape", &[kernel; 2]),
        ];
        self.node("Conv", &[&weights, &bias], attributes)
    }

    /// Bounds as exporters write ReLU6.
    pub(crate) fn relu6(&mut self) -> &mut Net {
        self.scalar("Max", 0.0).scalar("Min", 6.0)
    }

    pub(crate) fn hard_swish(&mut self) -> &mut Net {
        let before = self.value.clone();
        self.scalar("Add", 3.0).relu6();
        self.node("Mul", &[&before], vec![])
            .scalar("Mul", 1.0 / 6.0)
    }

    /// A product with weights `[depth, outputs]`, and a bias.
    pub(crate) fn linear(&mut self, depth: usize, outputs: usize) -> &mut Net {
        let weights = self.narrow(&[depth, outputs], 1);
        let bias = self.noise(&[outputs]);
        self.node("MatMul", &[&weights], vec![])
            .node("Add", &[&bias], vec![])
    }

    pub(crate) fn gelu(&mut self) -> &mut Net {
        let before = self.value.clone();
        self.scalar("Div", std::f32::consts::SQRT_2)
            .node("Erf", &[], vec![])
            .scalar("Add", 1.0)
            .scalar("Mul", 0.5)
            .node("Mul", &[&before], vec![])
    }

    pub(crate) fn layer_norm(&mut self, length: usize) -> &mut Net {
        let scale = self.noise(&[length]);
        let bias = self.noise(&[length]);
        self.node("LayerNormalization", &[&scale, &bias], vec![])
    }

    /// The same of `[1, rows, length]` in single operators, as some exporters write it.
    pub(crate) fn single_layer_norm(&mut self, length: usize) -> &mut Net {
        let mean = || vec![Attribute::ints("axes", &[2])];
        let before = self.value.clone();
        self.node("ReduceMean", &[], mean());
        let middle = std::mem::replace(&mut self.value, before);
        self.node("Sub", &[&middle], vec![]);
        let deviation = self.value.clone();
        self.scalar("Pow", 2.0)
            .node("ReduceMean", &[], mean())
            .scalar("Add", 1e-5)
            .node("Sqrt", &[], vec![]);
        let spread = std::mem::replace(&mut self.value, deviation);
        let (scale, bias) = (self.noise(&[length]), self.noise(&[length]));
        self.node("Div", &[&spread], vec![])
            .node("Mul", &[&scale], vec![])
            .node("Add", &[&bias], vec![])
    }

    pub(crate) fn batch_norm(&mut self, channels: usize) -> &mut Net {
        let [scale, bias, mean] = [(); 3].map(|()| self.noise(&[channels]));
        let variance = self.constant(&[channels], &vec![1.0; channels]);
        self.node(
            "BatchNormalization",
            &[&scale, &bias, &mean, &variance],
            vec![],
        )
    }

    pub(crate) fn swish(&mut self) -> &mut Net {
        let before = self.value.clone();
        self.node("Sigmoid", &[], vec![])
            .node("Mul", &[&before], vec![])
    }

    /// Attention between the rows of `[rows, heads · length]`, with a second input of the graph, `mask`, where
    /// it is `masked`; `guarded` against rows that see nothing, as exporters write it.
    pub(crate) fn attention(
        &mut self,
        heads: usize,
        length: usize,
        masked: bool,
        guarded: bool,
    ) -> &mut Net {
        let width = heads * length;
        let from = self.value.clone();
        let split = self.whole_numbers(&[1, -1, heads as i64, length as i64]);
        let turn = |order: &[usize]| vec![Attribute::ints("perm", order)];
        let sides = [[0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3]].map(|order| {
            self.value.clone_from(&from);
            self.linear(width, width)
                .node("Reshape", &[&split], vec![])
                .node("Transpose", &[], turn(&order));
            self.value.clone()
        });
        self.value.clone_from(&sides[0]);
        self.scalar("Mul", 0.5).node("MatMul", &[&sides[1]], vec![]);
        if masked {
            self.graph.input.push(ValueInfo::f32_rows("mask", 1));
            self.node("Add", &["mask"], vec![]);
        }
        self.node("Softmax", &[], vec![Attribute::int("axis", -1)]);
        if guarded {
            let weights = self.value.clone();
            let zero = self.constant(&[], &[0.0]);
            self.node("IsNaN", &[], vec![])
                .node("Where", &[&zero, &weights], vec![]);
        }
        let joined = self.whole_numbers(&[-1, width as i64]);
        self.node("MatMul", &[&sides[2]], vec![])
            .node("Transpose", &[], turn(&[0, 2, 1, 3]))
            .node("Reshape", &[&joined], vec![])
    }
}

/// Repeatable values between -1 and 1.
pub(crate) fn noise(n: usize) -> Vec<f32> {
    (0..n)
        .map(|at| ((at * 37 + n) % 41) as f32 / 20.5 - 1.0)
        .collect()
}
