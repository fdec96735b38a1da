//! Puts the catalogue that `cargo xtask` makes where the page's source can include it.

use std::path::Path;
use std::{env, fs};

/// The catalogue of a page without models and engines: two empty lists. Enough for tests, lints and
/// documentation.
const EMPTY: [u8; 2] = [0, 0];

fn main() {
    let root = env::var("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR");
    let out = env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    let made = Path::new(&root).join("target/site/catalog.postcard");
    println!("cargo::rerun-if-changed={}", made.display());
    let catalog = fs::read(made).unwrap_or_else(|_| EMPTY.to_vec());
    fs::write(Path::new(&out).join("catalog.postcard"), catalog)
        .expect("the catalogue can be written");
}
