//! `cargo xtask fuzz` and `cargo xtask sanitize`: code under tools that see what ordinary tests do not.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};

use crate::command;
use crate::paths::Paths;
use crate::{setup, toolchain};

/// What to fuzz, and for how long.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only this target; a name under fuzz/fuzz_targets
    #[arg(long, value_name = "NAME")]
    target: Option<String>,
    /// Inputs that each target is run on
    #[arg(long, default_value_t = 1_000_000)]
    runs: u64,
}

/// A program of `fuzz/` and what it may take.
struct Target {
    name: &'static str,
    /// Longest input in bytes.
    max_length: u32,
    /// Whether it holds tract, which may take all memory or time for what a model asks for: both end a
    /// worker and are counted here, while for other targets each is a fault.
    is_engine: bool,
}

const TARGETS: [Target; 7] = [
    Target::of("onnx_gate", MAX_BYTES),
    Target::of("picture", MAX_BYTES),
    Target::of("table", 1024),
    Target::of("tokeniser", 256),
    Target::of("reading", 1024),
    Target::of("registry", 2048),
    Target {
        is_engine: true,
        ..Target::of("engine_load", MAX_BYTES)
    },
];

impl Target {
    const fn of(name: &'static str, max_length: u32) -> Target {
        Target {
            name,
            max_length,
            is_engine: false,
        }
    }
}

/// Longest input where a seed is a whole file: no seed is longer (`crates/hostile/src/fuzz/seeds.rs`), and one that
/// is cut would only be told to be incomplete.
const MAX_BYTES: u32 = 16_384;

/// Seconds for one input, which are 10,000 times what one takes, and most memory in MB.
const SECONDS: u32 = 10;
const MEMORY: u32 = 2048;

/// What came of a target.
struct Tally {
    name: &'static str,
    runs: u64,
    /// Edges of the program that inputs reached.
    edges: u64,
    seconds: u64,
    /// Inputs that took too much memory, too long, or ended the program.
    out_of_memory: u64,
    too_slow: u64,
    crashes: u64,
}

/// Runs every fuzz target, or one of them, and prints what came of each.
///
/// # Errors
/// When an input was found that ends a target; the last lines of its output name the file.
pub(crate) fn run(paths: &Paths, options: &Options) -> Result<()> {
    let chosen = |target: &&Target| {
        options
            .target
            .as_ref()
            .is_none_or(|name| target.name == *name)
    };
    let targets: Vec<&Target> = TARGETS.iter().filter(chosen).collect();
    ensure!(
        !targets.is_empty(),
        "there is no such target; there are {}",
        TARGETS.map(|target| target.name).join(", ")
    );
    let fuzzer = setup::for_fuzzing(paths)?;
    let folder = paths.target().join("fuzz");
    let seeds = folder.join("seeds");
    command::run(
        Command::new("cargo")
            .current_dir(&paths.root)
            .args([
                "run",
                "--quiet",
                "--package",
                "vitrine-hostile",
                "--",
                "--seeds",
            ])
            .arg(&seeds),
    )?;
    if targets.iter().any(|target| target.is_engine) {
        command::run(
            Command::new("cargo")
                .current_dir(&paths.root)
                .args(["run", "--quiet", "--package", "vitrine-engine"])
                .args(["--example", "fuzz_seeds", "--"])
                .arg(seeds.join("engine_load")),
        )?;
    }
    let mut tallies = Vec::new();
    for target in targets {
        let program = build(paths, &fuzzer, target)?;
        let inputs = [
            folder.join("found").join(target.name),
            seeds.join(target.name),
            paths.root.join("fuzz/regressions").join(target.name),
        ];
        tallies.push(fuzz(&program, target, &inputs, options.runs)?);
    }
    print(&tallies);
    let n_crashes: u64 = tallies.iter().map(|tally| tally.crashes).sum();
    ensure!(n_crashes == 0, "{n_crashes} inputs ended their target");
    Ok(())
}

/// Compiles a target with what libFuzzer and the address sanitizer need, and gives the program.
///
/// Their switches are not for stable compilers; `RUSTC_BOOTSTRAP` has one take them.
fn build(paths: &Paths, fuzzer: &Path, target: &Target) -> Result<PathBuf> {
    let folder = paths.target().join("fuzz/build");
    let sanitizer = match toolchain::has_address_sanitizer()? {
        true => "address",
        false => {
            println!("  This toolchain has no address sanitizer: fuzzing without");
            "none"
        }
    };
    let mut command = Command::new(fuzzer);
    command
        .current_dir(&paths.root)
        .env("RUSTC_BOOTSTRAP", "1")
        // `--release` leaves it to fuzz/Cargo.toml which crates keep their debug assertions.
        .args([
            "fuzz",
            "build",
            target.name,
            "--release",
            "--sanitizer",
            sanitizer,
        ])
        .arg("--target-dir")
        .arg(&folder);
    if target.is_engine {
        command.args(["--features", "engine"]);
    }
    command::run_quietly(&format!("fuzz target {}", target.name), &mut command)?;
    let program = folder
        .join(toolchain::host()?)
        .join("release")
        .join(target.name);
    ensure!(
        program.is_file(),
        "cargo-fuzz left no {}",
        program.display()
    );
    Ok(program)
}

/// Runs a target; new inputs that reach something go to the first folder.
fn fuzz(program: &Path, target: &Target, inputs: &[PathBuf], runs: u64) -> Result<Tally> {
    println!("{}, {runs} runs", target.name);
    for folder in inputs {
        fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    }
    // libFuzzer puts what it found behind this.
    let failed = program.with_file_name(format!("{}-failed-", target.name));
    let mut command = Command::new(program);
    command
        // As cargo-fuzz sets it: Rust's own symbols may stand twice.
        .env("ASAN_OPTIONS", "detect_odr_violation=0")
        .arg(format!("-runs={runs}"))
        .arg(format!("-max_len={}", target.max_length))
        .arg(format!("-timeout={SECONDS}"))
        .arg(format!("-rss_limit_mb={MEMORY}"))
        .arg(format!("-artifact_prefix={}", failed.display()))
        .args(inputs);
    if target.is_engine {
        command.args(["-fork=1", "-ignore_ooms=1", "-ignore_timeouts=1"]);
    }
    let started = Instant::now();
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("`{}` could not be started", program.display()))?;
    let messages = child.stderr.take().context("the fuzzer's messages")?;
    let mut tally = Tally {
        name: target.name,
        runs: 0,
        edges: 0,
        seconds: 0,
        out_of_memory: 0,
        too_slow: 0,
        crashes: 0,
    };
    let mut last = Vec::new();
    for line in BufReader::new(messages).split(b'\n') {
        let line = String::from_utf8_lossy(&line?).into_owned();
        tally.read(&line);
        if !line.starts_with('#') {
            last.push(line);
        }
    }
    let status = child.wait().context("waiting for the fuzzer")?;
    tally.seconds = started.elapsed().as_secs();
    if !status.success() {
        tally.crashes = tally.crashes.max(1);
        let from = last.len().saturating_sub(60);
        println!("{}", last[from..].join("\n"));
    }
    Ok(tally)
}

impl Tally {
    /// Takes the figures out of a line of libFuzzer, such as `#500 DONE cov: 90 ft: 200 …`, or with
    /// child processes `#500: cov: 90 … oom/timeout/crash: 0/0/0`.
    fn read(&mut self, line: &str) {
        let Some(line) = line.strip_prefix('#') else {
            return;
        };
        let words: Vec<&str> = line.split_whitespace().collect();
        let number = |word: &str| word.trim_end_matches(':').parse::<u64>().ok();
        let after = |name: &str| {
            let at = words.iter().position(|word| *word == name)?;
            words.get(at + 1).copied()
        };
        if let Some(runs) = words.first().and_then(|word| number(word)) {
            self.runs = self.runs.max(runs);
        }
        if let Some(edges) = after("cov:").and_then(number) {
            self.edges = self.edges.max(edges);
        }
        let counts = after("oom/timeout/crash:").map(|counts| counts.split('/').map(number));
        if let Some([Some(out_of_memory), Some(too_slow), Some(crashes)]) =
            counts.map(Iterator::collect::<Vec<_>>).as_deref()
        {
            (self.out_of_memory, self.too_slow) = (*out_of_memory, *too_slow);
            self.crashes = *crashes;
        }
    }
}

fn print(tallies: &[Tally]) {
    println!(
        "{:<12} {:>10} {:>7} {:>8} {:>8} {:>14} {:>9}",
        "target", "runs", "edges", "seconds", "crashes", "out of memory", "too slow"
    );
    for tally in tallies {
        println!(
            "{:<12} {:>10} {:>7} {:>8} {:>8} {:>14} {:>9}",
            tally.name,
            tally.runs,
            tally.edges,
            tally.seconds,
            tally.crashes,
            tally.out_of_memory,
            tally.too_slow
        );
    }
}

/// Runs the kernels' tests with two sanitizers: that of addresses sees a read or a write beside what is
/// allocated where a test's figures would still come out right, that of threads one that another thread's may
/// meet.
///
/// # Errors
/// Where the toolchain has no sanitizers or not the standard library's source, and when a test fails under one.
pub(crate) fn sanitize(paths: &Paths) -> Result<()> {
    if !toolchain::has_address_sanitizer()? {
        bail!("this Rust toolchain has no sanitizers; rustup's for Linux and macOS have");
    }
    sanitized(paths, "address", &[])?;
    // What the standard library does between threads is seen only where it is compiled with it.
    sanitized(paths, "thread", &["-Zbuild-std"])
}

fn sanitized(paths: &Paths, sanitizer: &str, more: &[&str]) -> Result<()> {
    let folder = paths.target().join(format!("sanitize-{sanitizer}"));
    println!("Kernels' tests, sanitizer of {sanitizer}");
    command::run(
        Command::new("cargo")
            .current_dir(&paths.root)
            .env("CARGO_TARGET_DIR", folder)
            .env("RUSTC_BOOTSTRAP", "1")
            .env("RUSTFLAGS", format!("-Zsanitizer={sanitizer}"))
            // What is looked at are the kernels; tract compiles in a quarter of the time without this.
            .args(["--config", "profile.dev.package.tract-core.opt-level=0"])
            .args(["test", "--package", "vitrine-kernels", "--lib"])
            .args(more)
            // With a target named, build scripts and macros are compiled without the sanitizer.
            .args(["--target", &toolchain::host()?]),
    )
    .with_context(|| format!("the kernels' tests failed under the sanitizer of {sanitizer}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> Tally {
        let mut tally = Tally {
            name: "picture",
            runs: 0,
            edges: 0,
            seconds: 0,
            out_of_memory: 0,
            too_slow: 0,
            crashes: 0,
        };
        for line in lines {
            tally.read(line);
        }
        tally
    }

    #[test]
    fn figures_are_taken_from_one_process() {
        let met = read(&[
            "INFO: Seed: 1",
            "#2\tINITED cov: 57 ft: 58 corp: 1/1b exec/s: 0 rss: 27Mb",
            "#1000000\tDONE   cov: 1432 ft: 5130 corp: 340/41Kb lim: 4096 exec/s: 9000 rss: 400Mb",
            "==1== libFuzzer: done",
        ]);
        assert_eq!((met.runs, met.edges, met.crashes), (1_000_000, 1432, 0));
    }

    #[test]
    fn figures_are_taken_from_child_processes() {
        let met = read(&[
            "#12034: cov: 20411 ft: 40112 corp: 301 exec/s: 120 oom/timeout/crash: 3/1/2 time: 96s job: 4 dft_time: 0",
        ]);
        assert_eq!((met.runs, met.edges), (12_034, 20_411));
        assert_eq!((met.out_of_memory, met.too_slow, met.crashes), (3, 1, 2));
    }
}
