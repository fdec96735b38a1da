//! Other programs, run so that a person sees what happens and why it failed.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use indicatif::{HumanDuration, ProgressBar, ProgressStyle};

/// How often a long step shows a sign of life where there is no terminal to animate.
const SIGN_OF_LIFE: Duration = Duration::from_secs(30);

/// Runs a command with its output on this terminal.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let name = words(command);
    let status = command
        .status()
        .with_context(|| format!("`{name}` could not be started"))?;
    if !status.success() {
        bail!("`{name}` failed with {status}");
    }
    Ok(())
}

/// Runs a long command behind one line of progress; its output is shown only if it fails.
pub(crate) fn run_quietly(title: &str, command: &mut Command) -> Result<()> {
    let name = words(command);
    let started = Instant::now();
    let bar = ProgressBar::new_spinner().with_style(
        ProgressStyle::with_template("{spinner} {prefix} {elapsed} {wide_msg}")
            .context("progress template")?,
    );
    bar.set_prefix(title.to_owned());
    bar.enable_steady_tick(Duration::from_millis(120));
    // One pipe for both: some programs, trunk among them, say what went wrong on standard output.
    let (messages, pipe) = std::io::pipe().context("opening a pipe")?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(pipe.try_clone().context("opening a pipe")?)
        .stderr(pipe)
        .spawn()
        .with_context(|| format!("`{name}` could not be started"))?;
    // The command keeps its ends of the pipe, and with them the pipe open, until it gets others.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut log = Vec::new();
    let mut last_sign = Instant::now();
    for line in BufReader::new(messages).split(b'\n') {
        let line = line.with_context(|| format!("reading what `{name}` says"))?;
        let line = String::from_utf8_lossy(&line).into_owned();
        bar.set_message(line.trim().to_owned());
        if !std::io::stderr().is_terminal() && last_sign.elapsed() > SIGN_OF_LIFE {
            println!(
                "  {title}: {}, {}",
                HumanDuration(started.elapsed()),
                line.trim()
            );
            last_sign = Instant::now();
        }
        log.push(line);
    }
    let status = child
        .wait()
        .with_context(|| format!("waiting for `{name}`"))?;
    bar.finish_and_clear();
    if !status.success() {
        let tail = log.len().saturating_sub(60);
        bail!("`{name}` failed with {status}:\n{}", log[tail..].join("\n"));
    }
    println!("  {title}: done in {}", HumanDuration(started.elapsed()));
    Ok(())
}

/// Runs a command and returns what it prints, trimmed.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let name = words(command);
    let output = command
        .output()
        .with_context(|| format!("`{name}` could not be started"))?;
    if !output.status.success() {
        bail!(
            "`{name}` failed with {}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The first of `names` found on the PATH.
pub(crate) fn find_program<'a>(names: impl IntoIterator<Item = &'a str>) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    names.into_iter().find_map(|name| {
        folders
            .iter()
            .map(|folder| {
                folder
                    .join(name)
                    .with_extension(std::env::consts::EXE_EXTENSION)
            })
            .find(|file| file.is_file())
    })
}

/// `folders` before the present PATH.
pub(crate) fn path_with<'a>(
    folders: impl IntoIterator<Item = &'a Path>,
) -> Result<std::ffi::OsString> {
    let present = std::env::var_os("PATH").unwrap_or_default();
    let all = folders
        .into_iter()
        .map(Path::to_owned)
        .chain(std::env::split_paths(&present));
    std::env::join_paths(all).context("a folder on the PATH has a separator in its name")
}

fn words(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(OsStr::to_string_lossy)
        .collect::<Vec<_>>()
        .join(" ")
}
