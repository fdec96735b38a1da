//! What fuzzers once found, and the files that they begin with, given to the fuzz targets.

use std::fs;
use std::path::Path;

use vitrine_hostile::fuzz::{TARGETS, seeds};

#[test]
fn what_once_failed_holds_now() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/regressions");
    let mut n_inputs = 0;
    for target in TARGETS {
        // A target in which nothing was found has no folder.
        let Ok(files) = fs::read_dir(folder.join(target.name)) else {
            continue;
        };
        for file in files {
            let path = file.expect("the folder can be listed").path();
            eprintln!("{}", path.display());
            (target.run)(&fs::read(&path).expect("the input can be read"));
            n_inputs += 1;
        }
    }
    eprintln!("{n_inputs} inputs");
}

#[test]
fn every_target_holds_on_its_seeds() {
    let seeds = seeds();
    for target in TARGETS {
        let of_target = seeds.iter().filter(|seed| seed.target == target.name);
        let mut n_seeds = 0;
        for seed in of_target {
            eprintln!("{}: {}", target.name, seed.name);
            (target.run)(&seed.bytes);
            n_seeds += 1;
        }
        assert!(n_seeds >= 8, "{n_seeds} seeds for {}", target.name);
    }
}
