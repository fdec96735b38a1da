//! Checks of the built site that need more than `cargo xtask test` installs: Lighthouse, other
//! browsers; and the README's pictures, taken from the same site.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::paths::Paths;
use crate::serve::{Background, Mount};
use crate::{command, setup, test};

/// Which browser engines to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Engine {
    /// Firefox
    Firefox,
    /// Safari
    Webkit,
}

impl Engine {
    /// Both, in the order they are tried.
    pub(crate) const ALL: [Engine; 2] = [Engine::Firefox, Engine::Webkit];

    /// As tests/browsers/browsers.js calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Engine::Firefox => "firefox",
            Engine::Webkit => "webkit",
        }
    }
}

/// Runs Lighthouse over every page; fails where a target is missed.
pub(crate) fn lighthouse(paths: &Paths, runs: u32) -> Result<()> {
    ensure!(runs > 0, "--runs takes at least 1");
    let folder = paths.root.join("tests/lighthouse");
    setup::npm_packages(&folder)?;
    let server = served(paths)?;
    command::run(
        Command::new("node")
            .current_dir(&folder)
            .env("VITRINE_URL", server.url(test::SUB_PATH))
            .env("VITRINE_DIST", paths.dist())
            .env("VITRINE_CHROMIUM", setup::chromium()?)
            .arg("run.js")
            .arg(runs.to_string())
            .arg(paths.target().join("lighthouse/report.json")),
    )
    .context("Lighthouse found targets missed, or could not run")
}

/// Runs the main tasks in the browser engines that the other tests do not use, or in one of them.
pub(crate) fn browsers(paths: &Paths, only: Option<Engine>) -> Result<()> {
    let browsers = setup::for_other_browsers(paths)?;
    let server = served(paths)?;
    let mut node = Command::new("node");
    node.current_dir(paths.root.join("tests/browsers"))
        .env("VITRINE_URL", server.url(test::SUB_PATH))
        .envs(browsers.environment())
        .args(["--test", "--test-concurrency=1", "--test-reporter=spec"]);
    if let Some(only) = only {
        node.env("VITRINE_ONLY", only.name());
    }
    command::run(&mut node).context("the tests in other browsers failed")
}

/// Much work and many faults in Chromium: this share of all there is to do, and the tests of this name.
pub(crate) fn soak(paths: &Paths, share: f64, only: Option<&str>) -> Result<()> {
    ensure!(
        share > 0.0 && share <= 1.0,
        "--share is above 0 and at most 1"
    );
    setup::for_tests(paths)?;
    let server = served(paths)?;
    let mut node = Command::new("node");
    node.current_dir(paths.browser_tests())
        .env("VITRINE_URL", server.url(test::SUB_PATH))
        .env("VITRINE_TESTS_URL", server.url(test::TEST_FILES))
        .env("VITRINE_CHROMIUM", setup::chromium()?)
        .env("VITRINE_SOAK_SHARE", share.to_string())
        .env(
            "VITRINE_SOAK_REPORT",
            paths.target().join("soak/report.json"),
        )
        .args(["--test", "--test-reporter=spec"]);
    if let Some(only) = only {
        node.arg(format!("--test-name-pattern={only}"));
    }
    command::run(node.arg("soak/soak.js")).context("the page did not bear it")
}

/// Takes the README's pictures from the built site, into `docs/img`.
pub(crate) fn screenshots(paths: &Paths) -> Result<()> {
    setup::for_tests(paths)?;
    let server = served(paths)?;
    let folder: PathBuf = paths.root.join("docs/img");
    command::run(
        Command::new("node")
            .current_dir(paths.browser_tests())
            .env("VITRINE_URL", server.url(test::SUB_PATH))
            .env("VITRINE_TESTS_URL", server.url(test::TEST_FILES))
            .env("VITRINE_CHROMIUM", setup::chromium()?)
            .arg("screenshots.js")
            .arg(folder),
    )
    .context("the pictures could not be taken")
}

/// The site as it was built last, under a sub-path.
fn served(paths: &Paths) -> Result<Background> {
    let dist = built_site(paths)?;
    Background::start(&[Mount::new(test::SUB_PATH, dist)])
}

/// Where the site stands, if there is one.
pub(crate) fn built_site(paths: &Paths) -> Result<PathBuf> {
    let dist = paths.dist();
    ensure!(
        dist.join("index.html").is_file(),
        "there is no site in dist/: run cargo xtask build first"
    );
    Ok(dist)
}
