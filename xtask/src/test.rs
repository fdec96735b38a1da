//! `cargo xtask test`: set-up, then every test, fastest to fail first.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, anyhow};
use indicatif::HumanDuration;
use vitrine_protocol::Flavour;

use crate::budgets::Budgets;
use crate::command;
use crate::paths::Paths;
use crate::serve::{Background, Mount};
use crate::{audit, engine, models, page, setup};

/// Sub-path that the browser tests serve the site under, as GitHub Pages would.
pub(crate) const SUB_PATH: &str = "/vitrine";

/// Runs set-up and every test; the first failure ends it.
pub(crate) fn run(paths: &Paths) -> Result<()> {
    let started = Instant::now();
    setup::for_tests(paths)?;
    setup::for_build(paths)?;
    models::run(paths)?;
    step(
        "Format",
        Command::new("cargo")
            .current_dir(&paths.root)
            .args(["fmt", "--all", "--check"]),
    )?;
    step(
        "Lints",
        cargo(paths).args([
            "clippy",
            "--workspace",
            "--all-targets",
            "--quiet",
            "--",
            "-D",
            "warnings",
        ]),
    )?;
    audit::allowed(paths, &setup::cargo_deny(paths)?)?;
    step("Native tests", cargo(paths).args(["test", "--workspace"]))?;
    write_hostile_files(paths)?;
    let engines = engine::build(paths, &Flavour::FASTEST_FIRST)?;
    page::build(paths, engines, page::Finish::Small)?;
    let predictions = native_predictions(paths)?;
    browser_tests(paths, &[], predictions)?;
    let server = Background::start(&[Mount::new(SUB_PATH, paths.dist())])?;
    smoke(paths, &server.url(SUB_PATH))?;
    println!("All tests passed in {}", HumanDuration(started.elapsed()));
    Ok(())
}

/// Runs some files of the browser tests against the site as it was built last.
pub(crate) fn run_browser_files(paths: &Paths, files: &[String]) -> Result<()> {
    setup::for_tests(paths)?;
    let predictions = Some(predictions_folder(paths)).filter(|folder| folder.is_dir());
    if files.iter().any(|file| file.contains("hostile")) {
        write_hostile_files(paths)?;
    }
    browser_tests(paths, files, predictions)
}

/// Does the main job on the site at this address.
pub(crate) fn smoke(paths: &Paths, url: &str) -> Result<()> {
    setup::for_tests(paths)?;
    let site = format!("{}/", url.trim_end_matches('/'));
    let mut command = Command::new("node");
    command
        .current_dir(paths.browser_tests())
        .env("VITRINE_URL", &site)
        .env("VITRINE_TESTS_URL", &site)
        .env("VITRINE_CHROMIUM", setup::chromium()?)
        .args(["--test", "--test-reporter=spec", "smoke/smoke.js"]);
    step(&format!("Smoke test of {site}"), &mut command)
}

fn cargo(paths: &Paths) -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(&paths.root);
    command
}

fn step(title: &str, program: &mut Command) -> Result<()> {
    println!("{title}");
    command::run(program).with_context(|| format!("{title} failed"))
}

/// Runs these files of `tests/browser`, or all where none is named.
fn browser_tests(paths: &Paths, files: &[String], predictions: Option<PathBuf>) -> Result<()> {
    let [site, test_files] = site_with_test_files(paths);
    let isolated = Mount::new(ISOLATED, paths.dist()).isolated();
    let server = Background::start(&[site, test_files, isolated])?;
    let failures = paths.target().join("failed-browser-tests.txt");
    // Those of an earlier run are not this one's.
    if failures.exists() {
        fs::remove_file(&failures).with_context(|| format!("removing {}", failures.display()))?;
    }
    let mut command = Command::new("node");
    command
        .current_dir(paths.browser_tests())
        .env("VITRINE_URL", server.url(SUB_PATH))
        .env("VITRINE_ISOLATED_URL", server.url(ISOLATED))
        .env("VITRINE_TESTS_URL", server.url(TEST_FILES))
        .env("VITRINE_CHROMIUM", setup::chromium()?)
        .env("VITRINE_BUDGETS", Budgets::read(paths)?.json()?)
        // One file after another: on two cores, parallel browsers would disturb each other's time limits.
        .args(["--test", "--test-concurrency=1"])
        .args(["--test-reporter=spec", "--test-reporter-destination=stdout"])
        .arg("--test-reporter=./failures.js")
        .arg(format!(
            "--test-reporter-destination={}",
            failures.display()
        ))
        .args(files);
    if let Some(data) = evaluation_data(paths) {
        command.env("VITRINE_DATA", data);
    }
    let hostile = hostile_folder(paths);
    if hostile.join("index.json").is_file() {
        command.env("VITRINE_HOSTILE", hostile);
    }
    if let Some(predictions) = predictions {
        command.env("VITRINE_NATIVE_PREDICTIONS", predictions);
    }
    step("Browser tests", &mut command).map_err(|error| {
        let named = fs::read_to_string(&failures).unwrap_or_default();
        anyhow!("{error:#}\n{}", named.trim_end())
    })
}

/// Path under which the site stands once more, as a host serves it that makes pages isolated.
const ISOLATED: &str = "/isolated";

/// Path under which the tests' own pages and packages are served, beside the site.
pub(crate) const TEST_FILES: &str = "/tests";

/// The site under a sub-path as it would be deployed, and the tests' files beside it, whose pages
/// are isolated.
pub(crate) fn site_with_test_files(paths: &Paths) -> [Mount; 2] {
    [
        Mount::new(SUB_PATH, paths.dist()),
        Mount::new(TEST_FILES, paths.root.join("tests")).isolated(),
    ]
}

/// Data for evaluation, where this machine has it: `VITRINE_DATA`, else `../shared/data`.
pub(crate) fn evaluation_data(paths: &Paths) -> Option<PathBuf> {
    std::env::var_os("VITRINE_DATA")
        .map(PathBuf::from)
        .or_else(|| paths.root.parent().map(|parent| parent.join("shared/data")))
        .filter(|folder| folder.join("imagenet-samples").is_dir())
}

/// Where native evaluations leave their answers for the browser tests.
fn predictions_folder(paths: &Paths) -> PathBuf {
    paths.target().join("native-predictions")
}

/// Where bad and odd files lie for the browser tests.
fn hostile_folder(paths: &Paths) -> PathBuf {
    paths.target().join("hostile")
}

/// Writes the files of `crates/hostile`, and what each is to get.
fn write_hostile_files(paths: &Paths) -> Result<()> {
    let mut command = cargo(paths);
    command
        .args(["run", "--quiet", "--package", "vitrine-hostile", "--"])
        .arg(hostile_folder(paths));
    step("Hostile files", &mut command)
}

/// What is evaluated natively and again in the browser: a model, the folder of its data, every
/// which item, and the least figures.
///
/// Pictures are all evaluated, of texts about 300: what all of them give is on the models' cards.
const EVALUATIONS: [(&str, &str, usize, &[&str]); 4] = [
    (
        "efficientnet-lite0",
        "imagenet-samples",
        1,
        &["top-1 accuracy=0.888", "top-5 accuracy=0.968"],
    ),
    ("emotion", "goemotions", 18, &["micro-F1=0.52"]),
    ("sentiment", "goemotions", 18, &["macro-F1=0.62"]),
    ("intent", "banking77", 10, &["accuracy=0.91"]),
];

/// Evaluates natively, so that the browser's answers can be compared; `None` without the data.
fn native_predictions(paths: &Paths) -> Result<Option<PathBuf>> {
    let Some(data) = evaluation_data(paths) else {
        println!(
            "Native evaluation skipped: no evaluation data; set VITRINE_DATA to a folder that holds imagenet-samples, goemotions and banking77"
        );
        return Ok(None);
    };
    let folder = predictions_folder(paths);
    fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    for (model, data_set, every, least) in EVALUATIONS {
        let mut command = cargo(paths);
        command
            .args(["run", "--quiet", "--package", "vitrine-cli", "--"])
            .args(["evaluate", model, "--every", &every.to_string(), "--data"])
            .arg(data.join(data_set))
            .arg("--json")
            .arg(folder.join(format!("{model}.json")));
        for figure in least {
            command.args(["--require", figure]);
        }
        step(&format!("Native evaluation of {model}"), &mut command)?;
    }
    Ok(Some(folder))
}
