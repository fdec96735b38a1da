//! `cargo run -p vitrine-engine --example fuzz_seeds -- FOLDER`: writes small models that reach the fused
//! operators, for the engine's fuzzer to begin with; `cargo xtask fuzz` calls it.

use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let folder = env::args().nth(1);
    let folder = folder.ok_or_else(|| io::Error::other("give the folder to write to"))?;
    fs::create_dir_all(&folder)?;
    for (name, file) in vitrine_engine::trial::seeds() {
        fs::write(Path::new(&folder).join(name), file)?;
    }
    Ok(())
}
