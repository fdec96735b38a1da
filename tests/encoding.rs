//! Sentence embeddings of the native engine, on the texts of `tests/fixtures/text_reference.py`.
//!
//! Two questions, apart from each other: does the engine compute what ONNX Runtime computes of the
//! served weights, and how far are the served weights from the published ones.

use std::fs;
use std::path::Path;

use serde_json::Value;
use vitrine_engine::{Encoder, TractModel, encoder_specs};
use vitrine_protocol::{Registry, Spec, WarmUp};
use vitrine_tasks::text::Tokeniser;

/// Least cosine to ONNX Runtime with the same weights. Both compute in f32; the golden values are
/// stored in f16, which costs up to 1e-6.
const LEAST_TO_RUNTIME: f64 = 0.999_99;

/// Least cosine to the published f32 weights. `docs/decisions/0007-wordpiece.md` has the whole
/// distribution: what is lost is lost to the served weights, not to the engine.
const LEAST_TO_PUBLISHED: f64 = 0.995;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn no_time() -> f64 {
    0.0
}

/// Rows of `width` values from little-endian f16.
fn read_f16(name: &str, width: usize) -> Vec<Vec<f64>> {
    let bytes = fs::read(root().join("tests/fixtures/texts").join(name)).expect("the fixture");
    let (pairs, _) = bytes.as_chunks::<2>();
    let values: Vec<f64> = pairs
        .iter()
        .map(|pair| widen(u16::from_le_bytes(*pair)))
        .collect();
    values.chunks_exact(width).map(<[f64]>::to_vec).collect()
}

/// The value of a finite f16.
fn widen(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023) / 1024.0);
    match exponent {
        0 => sign * fraction * 2_f64.powi(-14),
        _ => sign * (1.0 + fraction) * 2_f64.powi(exponent - 15),
    }
}

fn cosine(a: &[f64], b: &[f64]) -> f64 {
    let dot = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// Least value, and those below which 1 %, 5 % and 50 % lie.
fn summary(mut values: Vec<f64>) -> [f64; 4] {
    values.sort_by(f64::total_cmp);
    [0, 1, 5, 50].map(|percent| values[values.len() * percent / 100])
}

#[test]
fn embeddings_are_those_of_onnx_runtime_and_near_the_published_ones() {
    let registry = fs::read_to_string(root().join("assets/models.toml")).expect("the registry");
    let registry = Registry::parse(&registry).expect("the registry is valid");
    let (entry, input, output) = registry
        .models
        .iter()
        .find_map(|model| match &model.spec {
            Spec::TextEncoding { input, output } => Some((model, input.clone(), output.clone())),
            _ => None,
        })
        .expect("the registry has a text encoder");
    let models = root().join("assets/models");
    let vocabulary = &entry
        .vocabulary
        .as_ref()
        .expect("it has a vocabulary")
        .served;
    let (Ok(weights), Ok(vocabulary)) = (
        fs::read(models.join(&entry.served.file)),
        fs::read_to_string(models.join(&vocabulary.file)),
    ) else {
        println!("skipped: assets/models is empty, run `cargo xtask models`");
        return;
    };
    let golden = fs::read_to_string(root().join("tests/fixtures/texts/texts.json"));
    let golden: Value = serde_json::from_str(&golden.expect("the fixture")).expect("valid JSON");
    assert_eq!(
        golden["made_by"]["served_sha256"].as_str(),
        Some(entry.served.sha256.as_str()),
        "the golden values are of another model: run tests/fixtures/text_reference.py"
    );
    assert_eq!(golden["max_tokens"].as_u64(), Some(input.max_tokens as u64));
    let (model, _) = TractModel::load(
        weights,
        &encoder_specs(),
        &output.states,
        WarmUp::Skipped,
        no_time,
    )
    .expect("it loads");
    let width = output.embedding;
    let mut encoder = Encoder {
        input,
        output,
        tokeniser: Tokeniser::new(&vocabulary).expect("the vocabulary is whole"),
        model,
    };

    let (served, published) = (
        read_f16("served.f16", width),
        read_f16("published.f16", width),
    );
    let texts = golden["texts"].as_array().expect("a list of texts");
    assert_eq!((served.len(), published.len()), (texts.len(), texts.len()));
    let (mut to_runtime, mut to_published) = (Vec::new(), Vec::new());
    for (at, text) in texts.iter().enumerate() {
        let text = text["text"].as_str().expect("a text");
        let encoded = encoder.encode(text, no_time).expect("the text is encoded");
        let met = encoded.sentence_embedding();
        let met: Vec<f64> = met.into_iter().map(f64::from).collect();
        to_runtime.push(cosine(&met, &served[at]));
        to_published.push(cosine(&met, &published[at]));
    }
    let (to_runtime, to_published) = (summary(to_runtime), summary(to_published));
    println!("cosine to ONNX Runtime, least, 1 %, 5 %, 50 %: {to_runtime:.6?}");
    println!("cosine to the published weights: {to_published:.6?}");
    assert!(to_runtime[0] >= LEAST_TO_RUNTIME);
    assert!(to_published[0] >= LEAST_TO_PUBLISHED);
}
