//! The native engine against ONNX Runtime, on the tensors that `tests/fixtures/reference.py` used.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use vitrine_engine::{TractModel, picture_spec, run_one};
use vitrine_protocol::{Registry, Spec, WarmUp};
use vitrine_tasks::picture::{Limits, decode, prepare};

/// Largest difference on a logit.
const TOLERANCE: f32 = 1e-3;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn fixture(name: &Value) -> PathBuf {
    root()
        .join("tests/fixtures")
        .join(name.as_str().expect("a file name"))
}

fn no_time() -> f64 {
    0.0
}

#[test]
fn logits_are_those_of_onnx_runtime() {
    let registry = fs::read_to_string(root().join("assets/models.toml")).expect("the registry");
    let registry = Registry::parse(&registry).expect("the registry is valid");
    let entry = &registry.models[0];
    let Spec::PictureClassification { input, .. } = &entry.spec else {
        panic!("the first model is a picture classifier");
    };
    let Ok(weights) = fs::read(root().join("assets/models").join(&entry.served.file)) else {
        println!("skipped: assets/models is empty, run `cargo xtask models`");
        return;
    };
    let manifest =
        fs::read_to_string(root().join("tests/fixtures/manifest.json")).expect("the manifest");
    let manifest: Value = serde_json::from_str(&manifest).expect("the manifest is JSON");
    assert_eq!(
        manifest["made_by"]["model_sha256"].as_str(),
        Some(entry.served.sha256.as_str()),
        "the golden values are of another model: run tests/fixtures/reference.py"
    );
    let (mut model, _) = TractModel::load(
        weights,
        &[picture_spec(input)],
        &[],
        WarmUp::Skipped,
        no_time,
    )
    .expect("the model loads");
    for case in manifest["pictures"].as_array().expect("a list of pictures") {
        let crop = fs::read(fixture(&case["crop"])).expect("the crop");
        let crop = decode(&crop, &Limits::default()).expect("the crop is a picture");
        // The crop has the size that the model wants, so it passes through unscaled.
        let mut as_it_is = input.clone();
        as_it_is.resize_short_side = as_it_is.crop;
        let met = run_one(&mut model, prepare(&crop, &as_it_is))
            .expect("the model runs")
            .values;
        let bytes = fs::read(fixture(&case["logits"])).expect("the logits");
        let (expected, _) = bytes.as_chunks::<4>();
        assert_eq!(met.len(), expected.len());
        let largest = met
            .iter()
            .zip(expected)
            .map(|(met, expected)| (met - f32::from_le_bytes(*expected)).abs())
            .fold(0.0, f32::max);
        println!("{}: largest difference {largest:.1e}", case["picture"]);
        assert!(largest <= TOLERANCE, "{}: {largest}", case["picture"]);
    }
}
