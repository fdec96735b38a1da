//! Puts the catalogue that `cargo xtask` makes where the page's source can include it.

use std::path::Path;
use std::{env, fs};

/// What a page without models and engines knows; enough for tests, lints and documentation.
const EMPTY: &str = r#"{"models":[],"engines":[]}"#;

fn main() {
    let root = env::var("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR");
    let out = env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    let made = Path::new(&root).join("target/site/catalog.json");
    println!("cargo::rerun-if-changed={}", made.display());
    let catalog = fs::read_to_string(made).unwrap_or_else(|_| EMPTY.to_owned());
    fs::write(Path::new(&out).join("catalog.json"), catalog).expect("the catalogue can be written");
}
