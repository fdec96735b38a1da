//! `cargo xtask bench`: the engine against those of others, in one page and one run; or the page's
//! own tasks, or a batch of pictures on the page.

use std::path::Path;
use std::process::Command;
use std::thread::available_parallelism;

use anyhow::{Context as _, Result};
use serde::Serialize;

use crate::gates::{self, Engine};
use crate::paths::Paths;
use crate::serve::{Background, Mount};
use crate::{command, engine, peers, setup, test};

/// Rounds of a comparison; the bootstrap interval needs 30.
const ROUNDS: u32 = 40;
/// Loads of each engine for a median.
const VISITS: u32 = 5;
/// Both with `--quick`.
const QUICK: (u32, u32) = (12, 1);
/// As many threads as browsers' engines take at most by themselves.
const MAX_THREADS: usize = 4;

/// What to measure.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Rounds of one run per engine, after warm-up [default: 40]
    #[arg(long)]
    rounds: Option<u32>,
    /// Fewer rounds and loads, to see that everything works
    #[arg(long, conflicts_with_all = ["rounds", "record", "baseline"])]
    quick: bool,
    /// Compare with this engine; onnxruntime-web always is there [default: those of npm packages]
    #[arg(long, value_delimiter = ',', conflicts_with = "record")]
    peer: Vec<Peer>,
    /// Measure this model only, by its id
    #[arg(long, value_delimiter = ',', conflicts_with = "record")]
    model: Vec<String>,
    /// Threads of each engine that has them
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "1",
        conflicts_with = "record"
    )]
    threads: Vec<u32>,
    /// Measure in this browser instead of Chromium: a model of pictures and one of texts
    #[arg(long, value_delimiter = ',', conflicts_with_all = ["record", "baseline", "threads", "peer", "tasks", "batch"])]
    browser: Vec<Engine>,
    /// Measure everything: all peers, one thread and more, all browsers; and write
    /// docs/benchmarks.md and the baseline
    #[arg(long, conflicts_with_all = ["tasks", "batch", "profile"])]
    record: bool,
    /// Write what speed.test.js compares with, for this machine's processor
    #[arg(long, conflicts_with_all = ["tasks", "batch", "profile", "model"])]
    baseline: bool,
    /// Measure the site in dist/ as it is, without building
    #[arg(long)]
    no_build: bool,
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

/// An engine of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
enum Peer {
    /// onnxruntime-web, with which every engine is compared
    Ort,
    /// TensorFlow.js with its wasm engine
    Tfjs,
    /// rten, built from tests/peers/rten
    Rten,
}

/// What `bench/run.js` is to do; it documents the fields.
#[derive(Serialize)]
struct Run<'a> {
    rounds: u32,
    visits: u32,
    threads: Vec<u32>,
    peers: Vec<Peer>,
    models: &'a [String],
    chromium: bool,
    browsers: Vec<&'static str>,
    command: String,
    report: &'a Path,
    table: Option<std::path::PathBuf>,
    baseline: Option<std::path::PathBuf>,
}

/// Builds the site, then measures in headless browsers and writes a report to `target/bench/`.
pub(crate) fn run(paths: &Paths, options: &Options) -> Result<()> {
    if options.no_build {
        gates::built_site(paths)?;
    } else {
        crate::build(paths)?;
    }
    setup::for_tests(paths)?;
    let (script, report) = match options {
        Options { tasks: true, .. } => ("bench/tasks.js", "bench/tasks.json"),
        Options { batch: true, .. } => ("bench/batch.js", "bench/batch.json"),
        Options { profile: true, .. } => return profile(paths, options),
        _ => return compare(paths, options),
    };
    let server = Background::start(&test::site_with_test_files(paths))?;
    let mut node = node(paths, &server)?;
    node.arg(script)
        .arg(options.rounds.unwrap_or(ROUNDS).to_string())
        .arg(paths.target().join(report));
    measure(&mut node)
}

/// Where the time goes, in Chromium or the browsers that were asked for.
fn profile(paths: &Paths, options: &Options) -> Result<()> {
    let server = Background::start(&test::site_with_test_files(paths))?;
    let mut browsers: Vec<&str> = options.browser.iter().map(|engine| engine.name()).collect();
    let mut environment = Vec::new();
    match browsers.is_empty() {
        true => browsers.push("chromium"),
        false => environment.extend(setup::for_other_browsers(paths)?.environment()),
    }
    for browser in browsers {
        let mut node = node(paths, &server)?;
        node.envs(environment.clone())
            .arg("bench/profile.js")
            .arg(options.rounds.unwrap_or(ROUNDS).to_string())
            .arg(paths.target().join(format!("bench/profile-{browser}.json")))
            .arg(browser)
            .args(&options.model);
        measure(&mut node)?;
    }
    Ok(())
}

/// Our engine beside others.
fn compare(paths: &Paths, options: &Options) -> Result<()> {
    let [site, test_files] = test::site_with_test_files(paths);
    // Threads of our engine are workers whose script comes from the site.
    let mut mounts = vec![site.isolated(), test_files];
    let peers = peers(options);
    let browsers = match options.record {
        true => Engine::ALL.to_vec(),
        false => options.browser.clone(),
    };
    let mut environment = Vec::new();
    if peers.contains(&Peer::Rten) {
        let rten = peers::build_rten(paths)?;
        mounts.push(Mount::new("/peers/rten", rten.folder));
        environment.push(("VITRINE_RTEN_VERSION", rten.version.into()));
    }
    let mut stock_worker = None;
    if options.with_stock {
        let folder = paths.target().join("bench/stock");
        stock_worker = Some(engine::build_stock(paths, &folder)?.worker);
        mounts.push(Mount::new("/stock/engine", folder));
    }
    if !browsers.is_empty() {
        environment.extend(setup::for_other_browsers(paths)?.environment());
    }
    let server = Background::start(&mounts)?;
    let (quick_rounds, quick_visits) = QUICK;
    let report = paths.target().join("bench/report.json");
    let task = Run {
        rounds: (options.rounds).unwrap_or(if options.quick { quick_rounds } else { ROUNDS }),
        visits: if options.quick { quick_visits } else { VISITS },
        threads: threads(options),
        peers: peers
            .iter()
            .copied()
            .filter(|peer| *peer != Peer::Ort)
            .collect(),
        models: &options.model,
        chromium: options.record || options.browser.is_empty(),
        browsers: browsers.into_iter().map(Engine::name).collect(),
        command: as_typed(std::env::args().skip(1)),
        report: &report,
        table: (options.record).then(|| paths.root.join("docs/benchmarks.md")),
        baseline: (options.record || options.baseline)
            .then(|| paths.browser_tests().join("bench/baseline.json")),
    };
    let mut node = node(paths, &server)?;
    if let Some(worker) = stock_worker {
        node.env("VITRINE_STOCK_ENGINE", server.url("/stock") + &worker);
    }
    node.envs(environment)
        .env("VITRINE_RTEN", server.url("/peers/rten"))
        .arg("bench/run.js")
        .arg(serde_json::to_string(&task).context("writing down what to measure")?);
    measure(&mut node)
}

/// Who is compared with: rten has to be compiled, so it waits to be asked for.
fn peers(options: &Options) -> Vec<Peer> {
    if options.record {
        return vec![Peer::Ort, Peer::Tfjs, Peer::Rten];
    }
    match options.peer.as_slice() {
        [] => vec![Peer::Ort, Peer::Tfjs],
        asked => asked.to_vec(),
    }
}

/// One thread, and for the record as many as this machine has cores, too.
fn threads(options: &Options) -> Vec<u32> {
    let cores = available_parallelism().map_or(1, |cores| cores.get().min(MAX_THREADS)) as u32;
    match options.record {
        true if cores > 1 => vec![1, cores],
        true => vec![1],
        false => options.threads.clone(),
    }
}

fn as_typed(words: impl Iterator<Item = String>) -> String {
    std::iter::once("cargo xtask".to_owned())
        .chain(words)
        .collect::<Vec<_>>()
        .join(" ")
}

fn node(paths: &Paths, server: &Background) -> Result<Command> {
    let mut node = Command::new("node");
    node.current_dir(paths.browser_tests())
        .env("VITRINE_URL", server.url(test::SUB_PATH))
        .env("VITRINE_TESTS_URL", server.url(test::TEST_FILES))
        .env("VITRINE_CHROMIUM", setup::chromium()?);
    Ok(node)
}

fn measure(node: &mut Command) -> Result<()> {
    command::run(node).context("measuring in the browser failed")
}
