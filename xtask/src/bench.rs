//! `cargo xtask bench`: the engine against onnxruntime-web, in one page and one run; or the page's
//! own tasks, or a batch of pictures on the page.

use std::process::Command;

use anyhow::{Context as _, Result};

use crate::command;
use crate::paths::Paths;
use crate::serve::{Background, Mount};
use crate::{engine, setup, test};

/// What to measure.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Rounds of one run per engine, after warm-up
    #[arg(long, default_value_t = 40)]
    rounds: u32,
    /// Also write the table to docs/benchmarks.md
    #[arg(long, conflicts_with_all = ["tasks", "batch", "profile", "model"])]
    record: bool,
    /// Measure this model only, by its id
    #[arg(long)]
    model: Option<String>,
    /// Tell where the time goes by operator and layer, instead of comparing
    #[arg(long, conflicts_with_all = ["with_stock", "tasks"])]
    profile: bool,
    /// Measure what the page does instead: reading a page of 30 lines, analysing a text of 30 words
    #[arg(long, conflicts_with = "with_stock")]
    tasks: bool,
    /// Measure a batch of as many pictures as `--rounds` says, on one worker and on two
    #[arg(long, conflicts_with_all = ["with_stock", "tasks", "profile"])]
    batch: bool,
    /// Also measure the engine with tract's own kernels; builds one more engine
    #[arg(long)]
    with_stock: bool,
}

/// Builds the site, then measures in headless Chromium and writes a report to `target/bench/`.
pub(crate) fn run(paths: &Paths, options: &Options) -> Result<()> {
    crate::build(paths)?;
    setup::for_tests(paths)?;
    let (script, report) = match options {
        Options { tasks: true, .. } => ("bench/tasks.js", "bench/tasks.json"),
        Options { batch: true, .. } => ("bench/batch.js", "bench/batch.json"),
        Options { profile: true, .. } => ("bench/profile.js", "bench/profile.json"),
        _ => ("bench/run.js", "bench/report.json"),
    };
    let report = paths.target().join(report);
    let mut mounts = test::site_with_test_files(paths).to_vec();
    let mut stock_worker = None;
    if options.with_stock {
        let folder = paths.target().join("bench/stock");
        stock_worker = Some(engine::build_stock(paths, &folder)?.worker);
        mounts.push(Mount::new("/stock/engine", folder));
    }
    let server = Background::start(&mounts)?;
    let mut node = Command::new("node");
    if let Some(worker) = stock_worker {
        node.env("VITRINE_STOCK_ENGINE", server.url("/stock") + &worker);
    }
    command::run(
        node.current_dir(paths.browser_tests())
            .env("VITRINE_URL", server.url(test::SUB_PATH))
            .env("VITRINE_TESTS_URL", server.url(test::TEST_FILES))
            .env("VITRINE_CHROMIUM", setup::chromium()?)
            .arg(script)
            .arg(options.rounds.to_string())
            .arg(&report)
            .args(&options.model)
            .envs(options.record.then(|| {
                let table = paths.root.join("docs/benchmarks.md");
                ("VITRINE_BENCH_TABLE", table)
            })),
    )
    .context("measuring in the browser failed")
}
