//! `cargo xtask bench`: the engine against onnxruntime-web, in one page and one run.

use std::process::Command;

use anyhow::{Context as _, Result};

use crate::command;
use crate::paths::Paths;
use crate::{setup, test};

/// What to measure.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Rounds of one run per engine, after warm-up
    #[arg(long, default_value_t = 40)]
    rounds: u32,
}

/// Builds the site, then measures in headless Chromium and writes `target/bench/report.json`.
pub(crate) fn run(paths: &Paths, options: &Options) -> Result<()> {
    crate::build(paths)?;
    setup::for_tests(paths)?;
    let server = test::site_with_test_files(paths)?;
    let report = paths.target().join("bench/report.json");
    command::run(
        Command::new("node")
            .current_dir(paths.browser_tests())
            .env("VITRINE_URL", server.url(test::SUB_PATH))
            .env("VITRINE_TESTS_URL", server.url(test::TEST_FILES))
            .env("VITRINE_CHROMIUM", setup::chromium()?)
            .arg("bench/run.js")
            .arg(options.rounds.to_string())
            .arg(&report),
    )
    .context("measuring in the browser failed")
}
