//! A hundred thousand changed models: the gate answers to each, and what it lets through can be decoded.

use std::fs;
use std::path::{Path, PathBuf};

use prost::Message as _;
use vitrine_hostile::Random;
use vitrine_onnx::format::Model;
use vitrine_onnx::{GateLimits, check};

/// Changed copies of each model.
const COPIES: u64 = 35_000;

/// Models that are committed.
fn models() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/heads");
    let files = fs::read_dir(folder).expect("the heads are there");
    let mut paths: Vec<PathBuf> = files
        .map(|file| file.expect("the folder can be listed").path())
        .collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "onnx"));
    paths.sort();
    paths
}

/// The model with four numbers a tensor: weights are nearly all of a file, and changing them changes
/// nothing that the gate looks at.
fn without_long_weights(file: &[u8]) -> Vec<u8> {
    let mut model = Model::decode(file).expect("the head is a model");
    let graph = model.graph.as_mut().expect("the head has a graph");
    for tensor in &mut graph.initializer {
        if tensor.raw_data.len() > 1024 {
            let size = tensor.raw_data.len() as i64 / tensor.dims.iter().product::<i64>();
            tensor.dims = vec![4];
            tensor.raw_data.truncate(4 * size as usize);
        }
    }
    model.to_bytes()
}

#[test]
fn every_changed_model_gets_an_answer() {
    let limits = GateLimits::default();
    let (mut n_passed, mut n_refused) = (0, 0);
    for (seed, path) in models().iter().enumerate() {
        let file = without_long_weights(&fs::read(path).unwrap());
        assert!(check(&file, &limits).is_ok(), "{}", path.display());
        let mut random = Random::seeded(seed as u64);
        for copy in 0..COPIES {
            let mut changed = random.mutated(&file, 1 + (copy % 8) as usize);
            if copy % 5 == 4 {
                changed.truncate(random.below(file.len()));
            }
            let Ok(summary) = check(&changed, &limits) else {
                n_refused += 1;
                continue;
            };
            n_passed += 1;
            let model = Model::decode(changed.as_slice());
            let graph = model.unwrap().graph.unwrap();
            assert!(graph.node.len() as u64 <= summary.n_nodes);
            for tensor in &graph.initializer {
                let product: i64 = tensor.dims.iter().product();
                assert!(product as u64 <= summary.n_values, "{}", tensor.name);
            }
        }
    }
    eprintln!("{n_passed} passed, {n_refused} were refused");
    assert!(n_passed + n_refused >= 100_000 && n_passed > 5000);
}
