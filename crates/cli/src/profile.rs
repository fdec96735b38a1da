//! `vitrine profile MODEL`: where a model's time goes, by operator and by layer.

use anyhow::{Context as _, Result};
use vitrine_engine::{
    Input, InputSpec, OperatorTime, TractModel, by_operator, check_model, encoder_specs,
    made_up_inputs,
};

use vitrine_protocol::WarmUp;

use crate::assets::Assets;

/// What to look into.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The model's id
    model: String,
    /// Runs, of which the median of each operator counts
    #[arg(long, default_value_t = 20)]
    rounds: usize,
    /// Layers to list, slowest first
    #[arg(long, default_value_t = 20)]
    layers: usize,
}

/// Runs a model on made-up inputs of its own shape and prints what its operators took.
///
/// Natively tract's kernels run; `cargo xtask bench --profile` says the same of the browser.
pub(crate) fn run(assets: &Assets, options: &Options) -> Result<()> {
    let entry = assets.entry(&options.model)?;
    let inputs = made_up_inputs(&entry.spec);
    let specs: Vec<InputSpec> = match inputs.first() {
        Some(Input::I64(_)) => encoder_specs(),
        _ => inputs
            .iter()
            .map(|input| InputSpec::fixed(input.shape()))
            .collect(),
    };
    let weights = assets.weights(entry, None)?;
    check_model(&weights)?;
    let (mut model, _) = TractModel::load(weights, &specs, &[], WarmUp::Now, crate::now)
        .with_context(|| format!("loading {}", entry.id))?;
    let mut runs = Vec::new();
    for _ in 0..options.rounds.max(1) {
        runs.push(model.profile(inputs.clone(), crate::now)?);
    }
    let layers = medians(&runs);
    let total: f64 = layers.iter().map(|layer| layer.time).sum();
    println!(
        "{}, {} operators, {total:.1} ms, median of {}",
        entry.id,
        layers.len(),
        runs.len()
    );
    println!("\n{:>9} {:>6} {:>4}  operator", "ms", "%", "n");
    for share in by_operator(&layers) {
        println!(
            "{:>9.3} {:>6.1} {:>4}  {}",
            share.time,
            100.0 * share.time / total,
            share.n,
            share.operator
        );
    }
    let mut slowest = layers;
    slowest.sort_by(|a, b| b.time.total_cmp(&a.time));
    println!("\n{:>9} {:>6}  layer", "ms", "%");
    for layer in slowest.iter().take(options.layers) {
        let share = 100.0 * layer.time / total;
        println!(
            "{:>9.3} {share:>6.1}  {} {:?} {}",
            layer.time, layer.operator, layer.inputs, layer.name
        );
    }
    Ok(())
}

/// Each operator with the median of its times over all runs.
fn medians(runs: &[Vec<OperatorTime>]) -> Vec<OperatorTime> {
    let Some(first) = runs.first() else {
        return Vec::new();
    };
    let median = |at: usize| {
        let times: Vec<f64> = runs
            .iter()
            .filter_map(|run| Some(run.get(at)?.time))
            .collect();
        vitrine_stats::percentile(&times, 50.0).unwrap_or_default()
    };
    (first.iter().enumerate())
        .map(|(at, layer)| OperatorTime {
            time: median(at),
            ..layer.clone()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(operator: &str, time: f64) -> OperatorTime {
        OperatorTime {
            name: "layer".to_owned(),
            operator: operator.to_owned(),
            details: String::new(),
            inputs: Vec::new(),
            time,
        }
    }

    #[test]
    fn one_disturbed_run_does_not_count() {
        let run = |time| vec![layer("Conv", time), layer("Add", 1.0)];
        let layers = medians(&[run(2.0), run(90.0), run(3.0)]);
        assert_eq!([layers[0].time, layers[1].time], [3.0, 1.0]);
    }
}
