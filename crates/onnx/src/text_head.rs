//! A head for an encoder's features as an ONNX file.

use vitrine_protocol::Weights;

use crate::format::{Attribute, Graph, INT64, Model, Node, Tensor, ValueInfo};
use crate::{OnnxError, narrow};

/// Numbers in rows of the same length.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    /// Number of rows and of columns.
    pub shape: [usize; 2],
    /// Row after row.
    pub values: Vec<f32>,
}

/// One fully connected layer: `x · weights + bias`.
#[derive(Clone, Debug, PartialEq)]
pub struct Dense {
    /// `[inputs, outputs]`.
    pub weights: Matrix,
    /// `[outputs]`.
    pub bias: Vec<f32>,
}

/// What tells labels from the rows of a text: `h = gelu(hidden(x))`, then `last(h)`.
///
/// With queries, label `c` looks at row `t` with `a = softmax over t of queries[c] · h[t]`, and its
/// logit is `Σ a · (weights[c] · h[t]) + bias[c]`.
#[derive(Clone, Debug, PartialEq)]
pub struct TextHead {
    /// The layer before GELU; none for a linear head.
    pub hidden: Option<Dense>,
    /// `[inputs of last, labels]`; none for a head that reads one row per text.
    pub queries: Option<Matrix>,
    /// What each label makes of a row.
    pub last: Dense,
}

/// Writes a head as a model.
///
/// Without queries it has the input `features` `[n, length]` and the output `logits` `[n, labels]`.
/// With queries it takes one text: `features` `[tokens, length]` and `mask` `[tokens]`, which is
/// added to every label's scores, 0 for a token and -1e9 for padding; `logits` is `[1, labels]`.
///
/// Large weights are stored in the given width; see [`narrow`](crate::narrow). The same head gives
/// the same bytes.
///
/// # Errors
/// [`OnnxError::Layer`] when layers do not fit each other.
pub fn text_head(head: &TextHead, weights: Weights) -> Result<Vec<u8>, OnnxError> {
    let first = head.hidden.as_ref().unwrap_or(&head.last);
    let length = first.weights.shape[0];
    let mut graph = Graph {
        name: "head".to_owned(),
        input: vec![ValueInfo::f32_rows("features", length)],
        ..Graph::default()
    };
    let (mut rows, mut width) = ("features", length);
    if let Some(hidden) = &head.hidden {
        check_dense(0, hidden, width)?;
        dense(&mut graph, "hidden", rows, hidden);
        gelu(&mut graph, "gelu", "hidden");
        (rows, width) = ("gelu", hidden.bias.len());
    }
    let at = usize::from(head.hidden.is_some());
    check_dense(at, &head.last, width)?;
    let n_labels = head.last.bias.len();
    match &head.queries {
        None => dense(&mut graph, "logits", rows, &head.last),
        Some(queries) => {
            check_matrix(at, queries, [width, n_labels])?;
            label_attention(&mut graph, rows, queries, &head.last);
        }
    }
    graph.output = vec![match head.queries {
        None => ValueInfo::f32_rows("logits", n_labels),
        Some(_) => ValueInfo::f32("logits", &[1, n_labels]),
    }];
    narrow(&Model::new(graph).to_bytes(), weights)
}

fn dense(graph: &mut Graph, name: &str, rows: &str, layer: &Dense) {
    let (weights, bias) = (format!("{name}.weights"), format!("{name}.bias"));
    constant(graph, &weights, &layer.weights.shape, &layer.weights.values);
    constant(graph, &bias, &[layer.bias.len()], &layer.bias);
    node(graph, "Gemm", name, &[rows, &weights, &bias], vec![]);
}

/// `x · ½ · (1 + erf(x / √2))`; operator set 13 has no operator for it.
fn gelu(graph: &mut Graph, name: &str, value: &str) {
    constant(
        graph,
        "gelu.sqrt_half",
        &[],
        &[std::f32::consts::FRAC_1_SQRT_2],
    );
    constant(graph, "gelu.one", &[], &[1.0]);
    constant(graph, "gelu.half", &[], &[0.5]);
    node(
        graph,
        "Mul",
        "gelu.scaled",
        &[value, "gelu.sqrt_half"],
        vec![],
    );
    node(graph, "Erf", "gelu.erf", &["gelu.scaled"], vec![]);
    node(
        graph,
        "Add",
        "gelu.doubled",
        &["gelu.erf", "gelu.one"],
        vec![],
    );
    node(
        graph,
        "Mul",
        "gelu.share",
        &["gelu.doubled", "gelu.half"],
        vec![],
    );
    node(graph, "Mul", name, &[value, "gelu.share"], vec![]);
}

fn label_attention(graph: &mut Graph, rows: &str, queries: &Matrix, last: &Dense) {
    graph.input.push(ValueInfo::f32_list("mask"));
    constant(graph, "queries.weights", &queries.shape, &queries.values);
    constant(
        graph,
        "values.weights",
        &last.weights.shape,
        &last.weights.values,
    );
    constant(graph, "logits.bias", &[1, last.bias.len()], &last.bias);
    whole_numbers(graph, "labels_axis", &[1]);
    whole_numbers(graph, "tokens_axis", &[0]);
    node(
        graph,
        "MatMul",
        "scores",
        &[rows, "queries.weights"],
        vec![],
    );
    node(
        graph,
        "Unsqueeze",
        "mask.column",
        &["mask", "labels_axis"],
        vec![],
    );
    node(
        graph,
        "Add",
        "scores.masked",
        &["scores", "mask.column"],
        vec![],
    );
    let over_tokens = vec![Attribute::int("axis", 0)];
    node(
        graph,
        "Softmax",
        "attention",
        &["scores.masked"],
        over_tokens,
    );
    node(graph, "MatMul", "values", &[rows, "values.weights"], vec![]);
    node(
        graph,
        "Mul",
        "values.seen",
        &["attention", "values"],
        vec![],
    );
    let keep = vec![Attribute::int("keepdims", 1)];
    node(
        graph,
        "ReduceSum",
        "sum",
        &["values.seen", "tokens_axis"],
        keep,
    );
    node(graph, "Add", "logits", &["sum", "logits.bias"], vec![]);
}

fn constant(graph: &mut Graph, name: &str, shape: &[usize], values: &[f32]) {
    graph.initializer.push(Tensor::f32(name, shape, values));
}

fn whole_numbers(graph: &mut Graph, name: &str, values: &[i64]) {
    let bytes = values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    let tensor = Tensor::raw(name, INT64, &[values.len()], bytes);
    graph.initializer.push(tensor);
}

fn node(graph: &mut Graph, op_type: &str, name: &str, inputs: &[&str], settings: Vec<Attribute>) {
    graph.node.push(Node::new(op_type, name, inputs, settings));
}

fn check_dense(layer: usize, dense: &Dense, inputs: usize) -> Result<(), OnnxError> {
    check_matrix(layer, &dense.weights, [inputs, dense.bias.len()])
}

fn check_matrix(layer: usize, matrix: &Matrix, expected: [usize; 2]) -> Result<(), OnnxError> {
    let that = |what, met, expected| match met == expected {
        true => Ok(()),
        false => Err(OnnxError::Layer {
            layer,
            what,
            met,
            expected,
        }),
    };
    that("inputs", matrix.shape[0], expected[0])?;
    that("outputs", matrix.shape[1], expected[1])?;
    that("weights", matrix.values.len(), expected[0] * expected[1])
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;

    fn matrix(rows: usize, columns: usize) -> Matrix {
        Matrix {
            shape: [rows, columns],
            values: vec![0.5; rows * columns],
        }
    }

    fn dense(inputs: usize, outputs: usize) -> Dense {
        Dense {
            weights: matrix(inputs, outputs),
            bias: vec![0.25; outputs],
        }
    }

    fn head(hidden: Option<Dense>, queries: Option<Matrix>, last: Dense) -> TextHead {
        TextHead {
            hidden,
            queries,
            last,
        }
    }

    #[track_caller]
    fn check_operators(head: &TextHead, weights: Weights, inputs: &[&str], operators: &[&str]) {
        let file = text_head(head, weights).unwrap();
        let graph = Model::decode(file.as_slice()).unwrap().graph.unwrap();
        let names: Vec<&str> = graph
            .input
            .iter()
            .map(|input| input.name.as_str())
            .collect();
        assert_eq!(names, inputs);
        let met: Vec<&str> = graph
            .node
            .iter()
            .map(|node| node.op_type.as_str())
            .collect();
        assert_eq!(met, operators);
        assert_eq!(graph.node.last().unwrap().output, ["logits"]);
        for (at, node) in graph.node.iter().enumerate() {
            let is_known = |name: &String| {
                graph.input.iter().any(|input| &input.name == name)
                    || graph.initializer.iter().any(|tensor| &tensor.name == name)
                    || graph.node[..at]
                        .iter()
                        .any(|node| node.output.contains(name))
            };
            assert!(node.input.iter().all(is_known), "{node:?}");
        }
    }

    const GELU: [&str; 5] = ["Mul", "Erf", "Add", "Mul", "Mul"];

    #[test]
    fn a_linear_head_is_one_product() {
        let linear = head(None, None, dense(5, 3));
        check_operators(&linear, Weights::F32, &["features"], &["Gemm"]);
        let large = head(None, None, dense(100, 3));
        check_operators(&large, Weights::F16, &["features"], &["Cast", "Gemm"]);
    }

    #[test]
    fn a_hidden_layer_ends_in_gelu() {
        let operators = [&["Gemm"][..], &GELU, &["Gemm"]].concat();
        let with_hidden = head(Some(dense(5, 4)), None, dense(4, 3));
        check_operators(&with_hidden, Weights::F32, &["features"], &operators);
    }

    #[test]
    fn queries_make_labels_look_at_tokens() {
        let attention = [
            "MatMul",
            "Unsqueeze",
            "Add",
            "Softmax",
            "MatMul",
            "Mul",
            "ReduceSum",
            "Add",
        ];
        let operators = [&["Gemm"][..], &GELU, &attention].concat();
        let with_queries = head(Some(dense(5, 4)), Some(matrix(4, 3)), dense(4, 3));
        check_operators(
            &with_queries,
            Weights::F32,
            &["features", "mask"],
            &operators,
        );
        let stored = [&["Cast"; 3][..], &operators].concat();
        let large = head(Some(dense(9, 90)), Some(matrix(90, 3)), dense(90, 3));
        check_operators(&large, Weights::F16, &["features", "mask"], &stored);
    }

    #[track_caller]
    fn check_refused(head: &TextHead, layer: usize, what: &str) {
        let error = text_head(head, Weights::F32).unwrap_err();
        let is_right = |error: &OnnxError| match error {
            OnnxError::Layer {
                layer: met,
                what: part,
                ..
            } => *met == layer && *part == what,
            _ => false,
        };
        assert!(is_right(&error), "{error}");
    }

    #[test]
    fn layers_that_do_not_fit_are_named() {
        check_refused(&head(Some(dense(5, 4)), None, dense(5, 3)), 1, "inputs");
        check_refused(&head(None, Some(matrix(5, 2)), dense(5, 3)), 0, "outputs");
        let mut short = dense(5, 3);
        short.weights.values.pop();
        check_refused(&head(None, None, short), 0, "weights");
    }
}
