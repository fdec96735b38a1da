//! What runs on the project's account: every action by its commit, no more rights than needed, and
//! every list of dependencies watched.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The workflows, by file name.
fn workflows() -> Vec<(String, String)> {
    let folder = root().join(".github/workflows");
    let entries = fs::read_dir(folder).expect("the workflows can be listed");
    let mut workflows: Vec<(String, String)> = entries
        .map(|entry| {
            let file = entry.expect("the entry can be read").path();
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            let text = fs::read_to_string(&file).expect("the workflow can be read");
            (name.into_owned(), text)
        })
        .collect();
    workflows.sort();
    workflows
}

/// What a workflow uses without naming commit and version, as `owner/name@<40 hex digits> # v1.2.3`.
fn unpinned(workflow: &str) -> Vec<&str> {
    let uses = workflow.lines().filter_map(|line| {
        let step = line.trim_start().trim_start_matches("- ");
        Some(step.strip_prefix("uses:")?.trim())
    });
    // What is of the same commit is pinned with it.
    uses.filter(|used| !used.starts_with("./"))
        .filter(|used| {
            let named = used
                .split_once('@')
                .and_then(|(_, version)| version.split_once(" # "));
            !named.is_some_and(|(commit, version)| {
                commit.len() == 40
                    && commit.bytes().all(|byte| byte.is_ascii_hexdigit())
                    && version.starts_with('v')
            })
        })
        .collect()
}

/// The rights that every job of a workflow has which names none of its own; `None` where the workflow
/// leaves them to the account's settings.
fn rights(workflow: &str) -> Option<Vec<&str>> {
    let mut lines = workflow.lines();
    let all = lines.find_map(|line| line.strip_prefix("permissions:"))?;
    let each = lines.take_while(|line| line.starts_with(' '));
    let rights = std::iter::once(all).chain(each).map(str::trim);
    Some(rights.filter(|right| !right.is_empty()).collect())
}

#[test]
fn every_action_is_named_by_its_commit() {
    let workflows = workflows();
    assert!(workflows.len() >= 3, "the workflows were found");
    for (name, text) in workflows {
        assert!(text.contains("uses:"), "{name} uses something");
        let unpinned = unpinned(&text);
        assert!(unpinned.is_empty(), "{name} uses {unpinned:?}");
    }
}

#[test]
fn every_workflow_may_only_read_and_only_the_deploying_job_may_more() {
    for (name, text) in workflows() {
        assert_eq!(
            rights(&text),
            Some(vec!["contents: read"]),
            "{name} has other rights"
        );
        let writes: Vec<&str> = text
            .lines()
            .map(str::trim)
            .filter(|line| line.ends_with(": write") || line.ends_with("write-all"))
            .collect();
        let may: &[&str] = match name.as_str() {
            "deploy.yml" => &["pages: write", "id-token: write"],
            _ => &[],
        };
        assert_eq!(writes, may, "{name} may write");
    }
}

#[test]
fn what_is_published_passed_the_tests() {
    let workflows = workflows();
    let text = |wanted: &str| {
        let found = workflows.iter().find(|(name, _)| name == wanted);
        &found.expect("the workflow is there").1
    };
    let deploy = text("deploy.yml");
    let test = "\n  test:\n    uses: ./.github/workflows/test.yml\n";
    assert!(deploy.contains(test), "it tests");
    for (job, before) in [("build", "test"), ("deploy", "build"), ("smoke", "deploy")] {
        let order = format!("\n  {job}:\n    needs: {before}\n");
        assert!(deploy.contains(&order), "{job} comes after {before}");
    }
    assert!(text("test.yml").contains("\n  workflow_call:\n"));
}

#[test]
fn nothing_that_is_checked_out_can_push() {
    for (name, text) in workflows() {
        let checkouts = text.matches("actions/checkout@").count();
        let without = text.matches("persist-credentials: false").count();
        assert_eq!(checkouts, without, "{name} leaves a token in the checkout");
    }
}

#[test]
fn what_is_not_pinned_is_found() {
    let commit = "0123456789abcdef0123456789abcdef01234567";
    for used in [
        "a/b@v4".to_owned(),
        "a/b".to_owned(),
        format!("a/b@{commit}"),
        format!("a/b@{commit}8 # v1"),
        format!("a/b@{} # v1", &commit[1..]),
    ] {
        assert_eq!(unpinned(&format!("      - uses: {used}\n")), [used]);
    }
    let pinned = format!("      - id: x\n        uses: a/b@{commit} # v1.2.3\n");
    assert_eq!(unpinned(&pinned), Vec::<&str>::new());
    assert_eq!(rights("on: push\njobs:\n  permissions:\n"), None);
    let writing = "permissions: write-all\njobs:\n";
    assert_eq!(rights(writing), Some(vec!["write-all"]));
}

/// Folders of the checkout with a file of this name, as a path from the root.
fn folders_with(name: &str, folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("the folder can be listed") {
        let path: PathBuf = entry.expect("the entry can be read").path();
        let last = path.file_name().unwrap_or_default();
        if path.is_dir() {
            if ![".git", "dist", "node_modules", "target"].contains(&&*last.to_string_lossy()) {
                folders_with(name, &path, found);
            }
        } else if last == name {
            let inside = folder.strip_prefix(root()).expect("inside the checkout");
            found.push(format!("/{}", inside.to_string_lossy()));
        }
    }
}

#[test]
fn every_lock_file_is_watched_for_updates() {
    let watched = fs::read_to_string(root().join(".github/dependabot.yml"))
        .expect("the configuration can be read");
    let mut folders = Vec::new();
    folders_with("package-lock.json", root(), &mut folders);
    assert!(folders.len() >= 3, "{folders:?}");
    folders_with("Cargo.lock", root(), &mut folders);
    for folder in folders {
        let is_named = watched.lines().any(|line| {
            let line = line.trim();
            line == format!("- {folder}") || line == format!("directory: {folder}")
        });
        assert!(is_named, ".github/dependabot.yml does not name {folder}");
    }
}
