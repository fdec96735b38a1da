//! `cargo xtask models`.
use crate::paths::Paths;
use anyhow::Result;
pub(crate) fn run(_paths: &Paths) -> Result<()> {
    Ok(())
}
