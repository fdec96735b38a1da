//! `cargo xtask`: everything a developer runs.

// Only the wasm rooms are forbidden the clock and threads; this program runs natively.
#![allow(clippy::disallowed_methods)]

mod audit;
mod bench;
mod budgets;
mod command;
mod engine;
mod fuzz;
mod gates;
mod models;
mod notices;
mod pack;
mod page;
mod paths;
mod peers;
mod precache;
mod reproduce;
mod sbom;
mod serve;
mod setup;
mod shell;
mod shipped;
mod shrink;
mod test;
mod toolchain;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use vitrine_protocol::Flavour;

use crate::page::Finish;
use crate::paths::Paths;
use crate::serve::Mount;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Everything a developer of Vitrine runs")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Check or install every tool at its pinned version
    Setup,
    /// Fetch, check and convert the models and sample pictures
    Models {
        /// Also write every model with f32, f16 and int8 weights to this folder, by default
        /// target/variants
        #[arg(long, value_name = "DIR")]
        variants: Option<Option<PathBuf>>,
    },
    /// Set up, fetch models, and build the site into dist/
    Build {
        /// Build only the page, around the engines that were built last
        #[arg(long)]
        page_only: bool,
        /// Build only these engines, such as `relaxed`, into a site that has no others
        #[arg(long, conflicts_with = "page_only", value_parser = flavour)]
        engine: Vec<Flavour>,
        /// With --page-only: make it as small as it is served, which takes a while
        #[arg(long, requires = "page_only")]
        small: bool,
    },
    /// Build the site and serve it on this machine
    Serve {
        /// Port to listen on; 0 takes a free one
        #[arg(long, default_value_t = 8080)]
        port: u16,
        /// Path the site is served under, such as /vitrine/
        #[arg(long, default_value = "/")]
        base: String,
        /// Serve this folder as it is, without building
        #[arg(long)]
        folder: Option<PathBuf>,
    },
    /// Set up and run every test
    Test {
        /// Run only these files of tests/browser, against the site in dist/ as it is
        #[arg(long, value_name = "FILE", num_args = 1..)]
        browser: Vec<String>,
    },
    /// Do the main job on a published site, as a visitor does it
    Smoke {
        /// Where the site is, such as https://name.github.io/vitrine/
        url: String,
    },
    /// Measure the built site with Lighthouse, on a desktop and on a phone
    Lighthouse {
        /// Visits of each page, of which the median counts
        #[arg(long, default_value_t = 5)]
        runs: u32,
    },
    /// Try the main tasks of the built site in Firefox and WebKit
    Browsers {
        /// Try this one only
        #[arg(long)]
        only: Option<gates::Engine>,
    },
    /// Give the built site much work and many faults: thousands of files, killed workers, cut networks
    Soak {
        /// Do this share of the work only, such as 0.02, to see that everything runs
        #[arg(long, default_value_t = 1.0)]
        share: f64,
        /// Only what has this in its name, such as `pictures`
        #[arg(long)]
        only: Option<String>,
    },
    /// Take the README's pictures from the built site, into docs/img
    Screenshots,
    /// Check licences, sources and advisories of everything that others wrote
    Audit {
        /// Fail as well where advisories could not be asked for
        #[arg(long)]
        strict: bool,
    },
    /// Build the site twice, at two places, and compare every file
    Reproduce {
        /// Compare with this site instead, a folder that was built elsewhere from the same commit
        #[arg(long, value_name = "DIST")]
        with: Option<PathBuf>,
    },
    /// Run programs that look for inputs on which something fails
    Fuzz(fuzz::Options),
    /// Run the kernels' tests with the sanitizers of addresses and threads
    Sanitize,
    /// Compare the engine with other engines in one page: speed, loading, memory, share of the
    /// machine's peak
    Bench(bench::Options),
}

fn main() -> ExitCode {
    match run(Arguments::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Without a backtrace, also where RUST_BACKTRACE is set: what failed is another program,
            // and its last words have to stay the last of a log.
            eprintln!("Error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<()> {
    let paths = Paths::find()?;
    match task {
        Task::Setup => {
            setup::for_tests(&paths)?;
            setup::for_build(&paths)
        }
        Task::Models { variants } => {
            models::run(&paths)?;
            let Some(folder) = variants else {
                return Ok(());
            };
            let folder = folder.unwrap_or_else(|| paths.target().join("variants"));
            models::write_variants(&paths, &folder)
        }
        Task::Build {
            page_only: false,
            engine,
            ..
        } if engine.is_empty() => build(&paths),
        Task::Build {
            page_only: false,
            engine,
            ..
        } => build_with(&paths, &engine),
        Task::Build {
            page_only: true,
            small,
            ..
        } => {
            let engines = engine::built(&paths)?;
            let finish = match small {
                true => Finish::Small,
                false => Finish::Quick,
            };
            page::build(&paths, engines, finish)
        }
        Task::Serve { port, base, folder } => {
            let folder = match folder {
                Some(folder) => folder,
                None => {
                    build(&paths)?;
                    paths.dist()
                }
            };
            serve::forever(&[Mount::new(&base, folder)], port)
        }
        Task::Test { browser } if browser.is_empty() => test::run(&paths),
        Task::Test { browser } => test::run_browser_files(&paths, &browser),
        Task::Smoke { url } => test::smoke(&paths, &url),
        Task::Lighthouse { runs } => gates::lighthouse(&paths, runs),
        Task::Browsers { only } => gates::browsers(&paths, only),
        Task::Soak { share, only } => gates::soak(&paths, share, only.as_deref()),
        Task::Screenshots => gates::screenshots(&paths),
        Task::Audit { strict } => audit::run(&paths, strict),
        Task::Reproduce { with } => reproduce::run(&paths, with.as_deref()),
        Task::Fuzz(options) => fuzz::run(&paths, &options),
        Task::Sanitize => fuzz::sanitize(&paths),
        Task::Bench(options) => bench::run(&paths, &options),
    }
}

fn flavour(key: &str) -> Result<Flavour, String> {
    let keys = Flavour::FASTEST_FIRST.map(Flavour::key).join(", ");
    Flavour::from_key(key).ok_or_else(|| format!("there are: {keys}"))
}

/// Everything between a clean checkout and a site in `dist/`.
fn build(paths: &Paths) -> Result<()> {
    build_with(paths, &Flavour::FASTEST_FIRST)
}

fn build_with(paths: &Paths, flavours: &[Flavour]) -> Result<()> {
    setup::for_build(paths)?;
    models::run(paths)?;
    let engines = engine::build(paths, flavours)?;
    page::build(paths, engines, Finish::Small)
}
