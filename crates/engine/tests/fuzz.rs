//! What the fuzzer of the engine once found, and the models that it begins with: each is refused, runs, or
//! ends tract, and none reaches a panic of our own.

use std::fs;
use std::path::Path;

use vitrine_engine::trial::{Trial, trial};
use vitrine_hostile::fuzz::seeds;

#[test]
fn what_once_failed_holds_now() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/regressions/engine_load");
    let files = fs::read_dir(folder).into_iter().flatten();
    for file in files {
        let path = file.expect("the folder can be listed").path();
        let met = trial(&fs::read(&path).expect("the input can be read"));
        eprintln!("{}: {met:?}", path.display());
    }
}

#[test]
fn models_that_break_no_rule_are_refused_run_or_end_tract() {
    let (mut n_ran, mut n_refused, mut n_ended) = (0, 0, 0);
    for seed in seeds() {
        // What the gate refuses is other tests' business.
        let passes = seed.name.starts_with("engine-") || seed.name.starts_with("good");
        if seed.target != "engine_load" || !passes {
            continue;
        }
        match trial(&seed.bytes) {
            Trial::Ran(_) => n_ran += 1,
            Trial::Refused(_) => n_refused += 1,
            Trial::EngineEnded { panic } => {
                eprintln!("{} ends tract at {panic}", seed.name);
                n_ended += 1;
            }
        }
    }
    eprintln!("{n_ran} ran, {n_refused} were refused, {n_ended} ended tract");
    assert!(
        n_ran >= 4 && n_refused >= 8,
        "{n_ran} ran, {n_refused} were refused"
    );
}
