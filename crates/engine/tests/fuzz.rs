//! What the engine makes of files of unknown origin: the fuzzer's seeds and what it once found, and the models of
//! the hostile corpus that its gate lets through. None reaches a panic of our own.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

use vitrine_engine::trial::{self, Trial, trial};
use vitrine_hostile::{Answer, Kind, answer, corpus};

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
fn seeds_of_the_fuzzer_run() {
    for (name, file) in trial::seeds() {
        let met = trial(&file);
        assert!(matches!(met, Trial::Ran(_)), "{name}: {met:?}");
        // No longer than what `cargo xtask fuzz` lets an input be.
        assert!(file.len() <= 16_384, "{name} has {} bytes", file.len());
    }
}

/// `UPDATE_EXPECT=1 cargo test -p vitrine-engine --test fuzz` writes `expected.tsv` anew; the difference is then
/// to be read.
#[test]
fn models_that_pass_the_gate_have_their_answer() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/expected.tsv");
    let mut met = String::from("name\tresult\twords\n");
    for case in corpus() {
        let passes = !matches!(answer(&case), Answer::Refused { .. });
        if case.kind != Kind::Model || !passes {
            continue;
        }
        let (result, words) = match trial(&case.content.bytes()) {
            Trial::Ran(outputs) => {
                let shapes: Vec<&[usize]> = outputs.iter().map(|out| &out.shape[..]).collect();
                let mut values = outputs.iter().flat_map(|out| &out.values);
                let finite = values.all(|value| value.is_finite());
                ("ran", format!("{shapes:?}, finite: {finite}"))
            }
            Trial::Refused(failure) => ("refused", failure.explain().why),
            // Without the place, which names a folder of this machine.
            Trial::EngineEnded { panic } => ("ended", last_words(&panic).to_owned()),
        };
        let words = words.replace(['\t', '\n'], " ");
        writeln!(met, "{}\t{result}\t{words}", case.name).expect("a text takes everything");
    }
    if env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, &met).expect("the file can be written");
    }
    let expected = fs::read_to_string(&path).expect("the file is there");
    for (expected, met) in expected.lines().zip(met.lines()) {
        assert_eq!(met, expected);
    }
    assert_eq!(met.lines().count(), expected.lines().count());
}

/// What stands behind `file:line:column: `.
fn last_words(panic: &str) -> &str {
    let place_end = panic.match_indices(": ").next();
    place_end.map_or(panic, |(at, _)| &panic[at + 2..])
}
