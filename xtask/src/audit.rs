//! `cargo xtask audit`: what others wrote and this project takes in.
//!
//! Licences, second versions and sources of crates are checked here, from the lock file. What is known
//! to be wrong with a version is asked of others, who may be out of reach: that is not the same as
//! finding nothing, and is said.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use serde_json::Value;

use crate::paths::Paths;
use crate::{command, setup};

/// Folders without lock files of ours.
const SKIPPED: [&str; 4] = [".git", "dist", "node_modules", "target"];

/// What came of asking about the packages of a lock file.
#[derive(Debug, PartialEq)]
enum Answer {
    /// What is wrong, a line each; none where nothing is known to be.
    Findings(Vec<String>),
    /// Why nobody answered.
    NotAsked(String),
}

/// Checks crates and npm packages; fails for what is found, and where `is_strict` also for what
/// could not be asked.
pub(crate) fn run(paths: &Paths, is_strict: bool) -> Result<()> {
    println!("Set-up for the audit");
    let cargo_deny = setup::cargo_deny(paths)?;
    allowed(paths, &cargo_deny)?;
    println!("Advisories");
    let answers = answers(paths, &cargo_deny)?;
    for (lockfile, answer) in &answers {
        match answer {
            Answer::Findings(found) if found.is_empty() => println!("  {lockfile}: none"),
            Answer::Findings(found) => println!("  {lockfile}:\n    {}", found.join("\n    ")),
            Answer::NotAsked(reason) => println!("  {lockfile}: not asked, {reason}"),
        }
    }
    conclude(&answers, is_strict)
}

/// Checks licences, second versions and sources of crates, which takes no network but for the crates.
pub(crate) fn allowed(paths: &Paths, cargo_deny: &Path) -> Result<()> {
    println!("Licences, versions and sources of crates");
    command::run(
        deny(cargo_deny, paths, &paths.root.join("Cargo.toml"))
            .args(["check", "--hide-inclusion-graph"])
            .args(["licenses", "bans", "sources"]),
    )
    .context("crates are not as deny.toml allows; what it says there may be changed, with a reason")
}

/// Fails as the answers ask for, else says what they come to.
fn conclude(answers: &[(String, Answer)], is_strict: bool) -> Result<()> {
    let named = |wanted: fn(&Answer) -> bool| -> Vec<&str> {
        let those = answers.iter().filter(|(_, answer)| wanted(answer));
        those.map(|(lockfile, _)| lockfile.as_str()).collect()
    };
    let unsafe_ones =
        named(|answer| matches!(answer, Answer::Findings(found) if !found.is_empty()));
    let unasked = named(|answer| matches!(answer, Answer::NotAsked(_)));
    let sentence = format!(
        "advisories were not checked for {}, because who keeps them could not be asked",
        unasked.join(", ")
    );
    if !unsafe_ones.is_empty() {
        bail!(
            "there are advisories for packages in {}",
            unsafe_ones.join(", ")
        );
    }
    if unasked.is_empty() {
        println!("No advisories for any of {} lock files", answers.len());
    } else if is_strict {
        bail!("{sentence}");
    } else {
        println!("Nothing was found, but {sentence}");
    }
    Ok(())
}

/// What is known of the packages in every lock file of the checkout, by its path.
fn answers(paths: &Paths, cargo_deny: &Path) -> Result<Vec<(String, Answer)>> {
    let name = |file: &Path| {
        let short = file.strip_prefix(&paths.root).unwrap_or(file);
        short.to_string_lossy().into_owned()
    };
    let mut answers = Vec::new();
    let unreachable = fetch_advisories(cargo_deny, paths)?;
    for lockfile in lockfiles(&paths.root, "Cargo.lock")? {
        let answer = match &unreachable {
            Some(reason) => Answer::NotAsked(reason.clone()),
            None => crates(cargo_deny, paths, &lockfile.with_file_name("Cargo.toml"))?,
        };
        answers.push((name(&lockfile), answer));
    }
    for lockfile in lockfiles(&paths.root, "package-lock.json")? {
        answers.push((name(&lockfile), npm_packages(&lockfile)));
    }
    Ok(answers)
}

/// Files of this name in a folder and those inside it, sorted.
fn lockfiles(folder: &Path, name: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let list = || format!("listing {}", folder.display());
    for entry in fs::read_dir(folder).with_context(list)? {
        let entry = entry.with_context(list)?;
        let met = entry.file_name();
        if entry.file_type().with_context(list)?.is_dir() {
            if !SKIPPED.iter().any(|skipped| met == *skipped) {
                found.extend(lockfiles(&entry.path(), name)?);
            }
        } else if met == name {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

fn deny(cargo_deny: &Path, paths: &Paths, manifest: &Path) -> Command {
    let mut command = Command::new(cargo_deny);
    command.current_dir(&paths.root);
    command.arg("--workspace").arg("--manifest-path");
    command.arg(manifest).arg("--config");
    command.arg(paths.root.join("deny.toml"));
    command
}

/// Brings the database of advisories for crates up to date; gives why that was not possible.
fn fetch_advisories(cargo_deny: &Path, paths: &Paths) -> Result<Option<String>> {
    let output = Command::new(cargo_deny)
        .current_dir(&paths.root)
        .args(["fetch", "db"])
        .output()
        .context("cargo-deny could not be started")?;
    Ok((!output.status.success()).then(|| last_line(&output.stderr)))
}

fn crates(cargo_deny: &Path, paths: &Paths, manifest: &Path) -> Result<Answer> {
    let output = deny(cargo_deny, paths, manifest)
        // Fetching is over, so that no failure of it can pass for a finding here.
        .args(["--offline", "--format", "json", "check"])
        .args(["--hide-inclusion-graph", "advisories"])
        .output()
        .context("cargo-deny could not be started")?;
    Ok(crate_answer(&output))
}

/// A line of what cargo-deny says as JSON.
#[derive(Deserialize)]
struct DenyLine {
    r#type: String,
    #[serde(default)]
    fields: DenyFields,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct DenyFields {
    severity: String,
    message: String,
    labels: Vec<DenyLabel>,
    notes: Vec<String>,
}

#[derive(Deserialize)]
struct DenyLabel {
    span: String,
}

/// Reads what cargo-deny found. It ends with a summary where it came to an end.
fn crate_answer(output: &Output) -> Answer {
    let text = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<DenyLine> = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    if !lines.iter().any(|line| line.r#type == "summary") {
        return Answer::NotAsked(last_line(&output.stderr));
    }
    let errors = lines.iter().filter(|line| line.fields.severity == "error");
    let mut found: Vec<String> = errors.map(|line| finding(&line.fields)).collect();
    if found.is_empty() && !output.status.success() {
        found.push(last_line(&output.stderr));
    }
    Answer::Findings(found)
}

fn finding(fields: &DenyFields) -> String {
    let package = fields.labels.first().map_or("", |label| &label.span);
    let package: Vec<&str> = package.split_whitespace().take(2).collect();
    let told = |start: &str| fields.notes.iter().find(|note| note.starts_with(start));
    [told("ID: "), told("Solution: ")]
        .into_iter()
        .flatten()
        .fold(
            format!("{}: {}", package.join(" "), fields.message),
            |text, note| format!("{text}; {note}"),
        )
}

fn npm_packages(lockfile: &Path) -> Answer {
    let mut command = Command::new("npm");
    command
        .current_dir(lockfile.parent().unwrap_or(lockfile))
        .args(["audit", "--package-lock-only", "--json"]);
    match command.output() {
        Ok(output) => npm_answer(&output.stdout),
        Err(error) => Answer::NotAsked(format!("npm could not be started: {error}")),
    }
}

/// What `npm audit --json` writes: vulnerabilities where it was answered, else a message.
#[derive(Deserialize)]
struct NpmReport {
    vulnerabilities: Option<BTreeMap<String, NpmVulnerability>>,
    message: Option<String>,
}

#[derive(Deserialize)]
struct NpmVulnerability {
    severity: String,
    range: String,
    /// Advisories, and names of packages that have some.
    via: Vec<Value>,
}

fn npm_answer(report: &[u8]) -> Answer {
    let report: NpmReport = match serde_json::from_slice(report) {
        Ok(report) => report,
        Err(error) => return Answer::NotAsked(format!("npm's report is none: {error}")),
    };
    let Some(vulnerabilities) = report.vulnerabilities else {
        let reason = report
            .message
            .unwrap_or_else(|| "npm gave no reason".into());
        return Answer::NotAsked(reason);
    };
    let told = |via: &Value| -> Option<String> {
        let title = via.get("title").and_then(Value::as_str);
        let by_another = || via.as_str().map(|name| format!("through {name}"));
        title.map(str::to_owned).or_else(by_another)
    };
    let found = vulnerabilities.iter().map(|(name, vulnerability)| {
        let NpmVulnerability {
            severity,
            range,
            via,
        } = vulnerability;
        let reasons: Vec<String> = via.iter().filter_map(told).collect();
        format!("{name} {range}: {severity}; {}", reasons.join("; "))
    });
    Answer::Findings(found.collect())
}

/// The last thing that was said, which with most programs is the cause.
fn last_line(said: &[u8]) -> String {
    let text = String::from_utf8_lossy(said);
    let last = text.lines().rfind(|line| !line.trim().is_empty());
    last.unwrap_or("no reason was given").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    fn denied(code: i32, stderr: &str) -> Output {
        use std::os::unix::process::ExitStatusExt as _;
        Output {
            status: std::process::ExitStatus::from_raw(code << 8),
            stdout: Vec::new(),
            stderr: stderr.into(),
        }
    }

    const DIAGNOSTIC: &str = r#"{"fields":{"code":"vulnerability","labels":[{"span":"half 2.7.1 registry"}],"message":"Reads too far","notes":["ID: RUSTSEC-2026-9999","Solution: Upgrade to >=3"],"severity":"error"},"type":"diagnostic"}"#;
    const SUMMARY: &str = r#"{"fields":{"advisories":{"errors":1}},"type":"summary"}"#;

    #[cfg(unix)]
    #[test]
    fn what_cargo_deny_finds_is_told_from_its_not_having_asked() {
        assert_eq!(
            crate_answer(&denied(1, &format!("{DIAGNOSTIC}\n{SUMMARY}\n"))),
            Answer::Findings(vec![
                "half 2.7.1: Reads too far; ID: RUSTSEC-2026-9999; Solution: Upgrade to >=3".into()
            ])
        );
        assert_eq!(
            crate_answer(&denied(0, &format!("{SUMMARY}\n"))),
            Answer::Findings(Vec::new())
        );
        assert_eq!(
            crate_answer(&denied(1, "no database\n\n")),
            Answer::NotAsked("no database".into())
        );
        let Answer::Findings(found) = crate_answer(&denied(1, SUMMARY)) else {
            panic!("it came to an end");
        };
        assert_eq!(found.len(), 1, "a failure is never taken for nothing found");
    }

    #[test]
    fn what_npm_finds_is_told_from_its_not_having_asked() {
        let refused = br#"{"message": "405 Method Not Allowed", "error": {"summary": ""}}"#;
        assert_eq!(
            npm_answer(refused),
            Answer::NotAsked("405 Method Not Allowed".into())
        );
        let clean = br#"{"auditReportVersion": 2, "vulnerabilities": {}}"#;
        assert_eq!(npm_answer(clean), Answer::Findings(Vec::new()));
        let bad = br#"{"vulnerabilities": {
            "a": {"severity": "high", "range": "<2", "via": [{"title": "Loops"}]},
            "b": {"severity": "high", "range": "*", "via": ["a"]}}}"#;
        assert_eq!(
            npm_answer(bad),
            Answer::Findings(vec![
                "a <2: high; Loops".into(),
                "b *: high; through a".into()
            ])
        );
        assert!(matches!(npm_answer(b""), Answer::NotAsked(_)));
    }

    #[test]
    fn findings_fail_and_silence_fails_where_it_is_not_allowed() {
        let clean = || ("a".to_owned(), Answer::Findings(Vec::new()));
        let silent = || ("b".to_owned(), Answer::NotAsked("no network".into()));
        let bad = || ("c".to_owned(), Answer::Findings(vec!["x".into()]));
        assert!(conclude(&[clean()], true).is_ok());
        assert!(conclude(&[clean(), silent()], false).is_ok());
        let error = conclude(&[clean(), silent()], true).unwrap_err();
        assert!(error.to_string().contains("not checked for b,"), "{error}");
        let error = conclude(&[silent(), bad()], false).unwrap_err();
        assert!(error.to_string().contains("packages in c"), "{error}");
    }

    #[test]
    fn every_lock_file_of_the_checkout_is_found() {
        let root = Paths::find().unwrap().root;
        assert!(
            lockfiles(&root, "Cargo.lock")
                .unwrap()
                .contains(&root.join("Cargo.lock"))
        );
        let npm = lockfiles(&root, "package-lock.json").unwrap();
        for folder in ["tests/browser", "tests/lighthouse", "xtask/shrink"] {
            assert!(npm.contains(&root.join(folder).join("package-lock.json")));
        }
        let is_others = |file: &PathBuf| file.iter().any(|part| part == "node_modules");
        assert!(!npm.iter().any(is_others));
    }
}
