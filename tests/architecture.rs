//! The invariants of `docs/ARCHITECTURE.md` that a test can check.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Crates of the web: bindings to the browser and what is built on them.
const WEB: [&str; 7] = [
    "js-sys",
    "leptos",
    "serde-wasm-bindgen",
    "wasm-bindgen",
    "wasm-bindgen-futures",
    "web-sys",
    "gloo-net",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Names of the packages that a manifest depends on, in all its dependency tables but the tests'.
fn dependencies(manifest: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(root().join(manifest)).expect("the manifest can be read");
    let manifest: toml::Table = text.parse().expect("the manifest is TOML");
    let mut names = BTreeSet::new();
    collect(&manifest, &mut names);
    if let Some(targets) = manifest.get("target").and_then(|value| value.as_table()) {
        for target in targets.values().filter_map(|value| value.as_table()) {
            collect(target, &mut names);
        }
    }
    names
}

fn collect(table: &toml::Table, names: &mut BTreeSet<String>) {
    for key in ["dependencies", "build-dependencies"] {
        if let Some(dependencies) = table.get(key).and_then(|value| value.as_table()) {
            names.extend(dependencies.keys().cloned());
        }
    }
}

#[track_caller]
fn check_room(manifest: &str, may_name_tract: bool, may_name_the_web: bool) {
    let names = dependencies(manifest);
    let tract: Vec<_> = names
        .iter()
        .filter(|name| name.starts_with("tract"))
        .collect();
    assert!(
        may_name_tract || tract.is_empty(),
        "{manifest} names {tract:?}; only engine and kernels may"
    );
    let web: Vec<_> = names
        .iter()
        .filter(|name| WEB.contains(&name.as_str()))
        .collect();
    assert!(
        may_name_the_web || web.is_empty(),
        "{manifest} names {web:?}; only the page and the worker may"
    );
}

#[test]
fn only_engine_and_kernels_name_tract_and_only_page_and_worker_name_the_web() {
    for room in ["protocol", "tasks", "stats", "onnx", "hostile", "cli"] {
        check_room(&format!("crates/{room}/Cargo.toml"), false, false);
    }
    for room in ["engine", "kernels"] {
        check_room(&format!("crates/{room}/Cargo.toml"), true, false);
    }
    check_room("crates/worker/Cargo.toml", false, true);
    check_room("Cargo.toml", false, true);
    check_room("xtask/Cargo.toml", false, false);
    check_room("fuzz/Cargo.toml", false, false);
}

/// What a package is built from, followed through the lock file, tests aside.
fn built_from(package: &str) -> BTreeSet<String> {
    let output = std::process::Command::new(env!("CARGO"))
        .current_dir(root())
        .args([
            "tree",
            "--offline",
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--format",
            "{p}",
        ])
        .args(["--target", "wasm32-unknown-unknown", "--package", package])
        .output()
        .expect("cargo tree runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_page_holds_no_tract_and_the_engine_no_leptos() {
    let page = built_from("vitrine");
    assert!(
        page.contains("leptos"),
        "the page is built from leptos: {page:?}"
    );
    assert!(
        !page.iter().any(|name| name.starts_with("tract")),
        "tract reached the page"
    );
    let engine = built_from("vitrine-worker");
    assert!(
        engine.contains("tract-onnx"),
        "the engine is built from tract: {engine:?}"
    );
    assert!(
        !engine.iter().any(|name| name.starts_with("leptos")),
        "leptos reached the engine"
    );
}

#[test]
fn the_worker_is_a_cdylib_alone() {
    let text = fs::read_to_string(root().join("crates/worker/Cargo.toml"))
        .expect("the manifest can be read");
    let manifest: toml::Table = text.parse().expect("the manifest is TOML");
    let kinds = manifest["lib"]["crate-type"]
        .as_array()
        .expect("crate-type is a list");
    assert_eq!(
        kinds.len(),
        1,
        "a second crate type switches link-time optimisation off in silence"
    );
    assert_eq!(kinds[0].as_str(), Some("cdylib"));
}

fn rust_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder can be listed") {
        let path = entry.expect("the entry can be read").path();
        if path.is_dir() {
            rust_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

#[test]
fn unsafe_code_is_in_the_kernels_and_the_allocator_only() {
    let mut files = Vec::new();
    for folder in ["src", "crates", "xtask", "fuzz/fuzz_targets"] {
        rust_files(&root().join(folder), &mut files);
    }
    assert!(files.len() > 20, "the sources were found");
    let may = ["crates/kernels", "crates/allocator"].map(|room| root().join(room));
    for file in (files.iter()).filter(|file| !may.iter().any(|room| file.starts_with(room))) {
        let text = fs::read_to_string(file).expect("the source can be read");
        for word in ["unsafe {", "unsafe fn", "unsafe impl", "allow(unsafe_code)"] {
            assert!(!text.contains(word), "{} has `{word}`", file.display());
        }
    }
}

#[test]
fn only_the_state_room_writes_state() {
    let mut files = Vec::new();
    rust_files(&root().join("src/view"), &mut files);
    assert!(!files.is_empty(), "the views were found");
    for file in files {
        let text = fs::read_to_string(&file).expect("the source can be read");
        for word in ["WriteSignal", ".write()", "RwSignal"] {
            assert!(
                !text.contains(word),
                "{} has `{word}`: views report events",
                file.display()
            );
        }
    }
}

#[test]
fn the_page_asks_for_one_wasm_bindgen_and_set_up_installs_the_same() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("the manifest can be read");
    let manifest: toml::Table = manifest.parse().expect("the manifest is TOML");
    let wanted = manifest["workspace"]["dependencies"]["wasm-bindgen"]
        .as_str()
        .expect("a pinned version");
    let version = wanted.strip_prefix('=').expect("the version is exact");
    let setup =
        fs::read_to_string(root().join("xtask/src/setup.rs")).expect("the source can be read");
    let one_line = setup.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        one_line.contains(&format!(
            "package: \"wasm-bindgen-cli\", version: \"{version}\""
        )),
        "set-up installs another wasm-bindgen-cli than {version}"
    );
}

/// Markup of our own making is safe only where all of it passes `view/markup.rs`, which escapes.
#[test]
fn only_figures_are_written_as_markup() {
    fn check(folder: &Path) {
        for entry in fs::read_dir(folder).expect("the folder can be listed") {
            let path = entry.expect("the entry can be read").path();
            if path.is_dir() {
                check(&path);
                continue;
            }
            let text = fs::read_to_string(&path).expect("the file can be read");
            let may = [
                "charts.rs",
                "metrics.rs",
                "parts.rs",
                "performance.rs",
                "table.rs",
            ];
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            assert!(
                !text.contains("inner_html=")
                    || may.contains(&&*name) && text.contains("::markup::"),
                "{} writes markup",
                path.display()
            );
        }
    }
    check(&root().join("src"));
}
