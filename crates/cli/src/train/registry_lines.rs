//! What a run adds to `assets/models.toml`.

use vitrine_protocol::Activation;
use vitrine_train::{DataSet, Figure, HeadRecipe, Kind, Reads};

use crate::record::Record;

/// Classes the page shows.
const TOP_K: usize = 5;

/// The registry's entry for a head, to be pasted. Title, summary and limits are for people to write.
pub(super) fn of(record: &Record, recipe: &HeadRecipe, data_set: &DataSet) -> String {
    let Record {
        head, name, file, ..
    } = record;
    let (sha256, bytes) = (&file.sha256, file.bytes);
    let features = match recipe.reads {
        Reads::Mean => "mean",
        Reads::Tokens => "tokens",
    };
    let (activation, thresholds) = match (recipe.kind, &record.thresholds) {
        (Kind::MultiLabel, Some(thresholds)) => {
            let values: Vec<String> = thresholds.values.iter().map(f32::to_string).collect();
            (
                Activation::Sigmoid,
                format!("thresholds = [{}]\n", values.join(", ")),
            )
        }
        _ => (Activation::Softmax, String::new()),
    };
    let activation = match activation {
        Activation::Sigmoid => "sigmoid",
        Activation::Softmax => "softmax",
    };
    let mut lines = format!(
        r#"[[model]]
id = "{head}"
title = "{head}"
task = "text-classification"
summary = ""
limits = ""

[model.licence]
spdx = "MIT OR Apache-2.0"
holder = "Vitrine; trained on {data} ({data_licence})"

[model.source]
registry = "repository"
package = "vitrine"
version = "{name}"
path = "assets/heads/{head}.onnx"
sha256 = "{sha256}"

[model.served]
file = "{head}.onnx"
bytes = {bytes}
sha256 = "{sha256}"

[model.input]
encoder = "{encoder}"
features = "{features}"
length = {length}

[model.output]
labels = "{labels}"
activation = "{activation}"
top_k = {TOP_K}
{thresholds}"#,
        data = data_set.title,
        data_licence = data_set.licence,
        encoder = recipe.encoder,
        length = record.encoder.length,
        labels = recipe.labels,
    );
    if let Some(test) = &record.test {
        let mut card = |metric: &str, figure: &Figure| {
            let [low, high] = figure.interval;
            lines += &format!(
                r#"
[[model.card]]
dataset = "{data}, test"
metric = "{metric}"
value = {value:.4}
interval = [{low:.4}, {high:.4}]
n = {n}
date = "{date}"
command = "cargo run -p vitrine-cli -- evaluate {head} --data DIR"
"#,
                data = data_set.title,
                value = figure.value,
                n = test.n,
                date = record.date,
            );
        };
        if let Some(accuracy) = &test.accuracy {
            card("accuracy", accuracy);
        }
        card("macro-F1", &test.macro_f1);
        if test.accuracy.is_none() {
            card("micro-F1", &test.micro_f1);
        }
    }
    lines
}
