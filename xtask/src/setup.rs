//! `cargo xtask setup`: every tool at the version this project was tested with.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::command::{find_program, output, run_quietly};
use crate::models::sha256;
use crate::paths::Paths;
use crate::toolchain::{WASM_TARGET, WasmStd};

/// A tool installed with `cargo install` into a folder of its own version, so that it neither
/// replaces nor depends on what the user has.
struct CargoTool {
    package: &'static str,
    version: &'static str,
    binary: &'static str,
    /// Whether the package's own lock file is used. wasm-bindgen-cli's names a crate version that
    /// cannot always be had.
    locked: bool,
}

/// Must equal the `wasm-bindgen` crate in Cargo.toml: the two speak a private format.
const WASM_BINDGEN: CargoTool = CargoTool {
    package: "wasm-bindgen-cli",
    version: "0.2.130",
    binary: "wasm-bindgen",
    locked: false,
};

/// The newest that compiles with the Rust this project asks for.
const TRUNK: CargoTool = CargoTool {
    package: "trunk",
    version: "0.21.14",
    binary: "trunk",
    locked: true,
};

/// Licences, sources and advisories of crates.
const CARGO_DENY: CargoTool = CargoTool {
    package: "cargo-deny",
    version: "0.20.2",
    binary: "cargo-deny",
    locked: true,
};

/// Drives Firefox.
const GECKODRIVER: CargoTool = CargoTool {
    package: "geckodriver",
    version: "0.37.0",
    binary: "geckodriver",
    locked: true,
};

/// Compiles fuzz targets.
const CARGO_FUZZ: CargoTool = CargoTool {
    package: "cargo-fuzz",
    version: "0.13.2",
    binary: "cargo-fuzz",
    locked: true,
};

/// Browsers that the tests can drive, in order of preference.
const CHROMIUM_NAMES: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

/// Checks or installs what a build needs.
pub(crate) fn for_build(paths: &Paths) -> Result<()> {
    println!("Set-up for building");
    // What only a person can mend comes first, before minutes are spent on compiling tools.
    check_rust()?;
    check_python()?;
    wasm_std(WasmStd::from_env()?)?;
    cargo_tool(paths, &WASM_BINDGEN)?;
    cargo_tool(paths, &TRUNK)
}

/// Checks or installs what the tests need beyond a build.
pub(crate) fn for_tests(paths: &Paths) -> Result<()> {
    println!("Set-up for tests");
    check_component("rustfmt", "fmt")?;
    check_component("clippy", "clippy")?;
    let chromium = chromium()?;
    println!(
        "  Chromium: {} ({})",
        output(Command::new(&chromium).arg("--version"))?,
        chromium.display()
    );
    npm_packages(&paths.browser_tests())
}

/// Checks or installs what fuzzing needs, and gives the program.
pub(crate) fn for_fuzzing(paths: &Paths) -> Result<PathBuf> {
    println!("Set-up for fuzzing");
    cargo_tool(paths, &CARGO_FUZZ)?;
    Ok(tool_binary(paths, &CARGO_FUZZ))
}

/// The browsers beside Chromium, and what drives them.
pub(crate) struct OtherBrowsers {
    firefox: PathBuf,
    geckodriver: PathBuf,
    /// WebKit's own small browser.
    minibrowser: PathBuf,
}

impl OtherBrowsers {
    /// As tests/browsers/browsers.js looks for them.
    pub(crate) fn environment(self) -> [(&'static str, PathBuf); 3] {
        [
            ("VITRINE_FIREFOX", self.firefox),
            ("VITRINE_GECKODRIVER", self.geckodriver),
            ("VITRINE_MINIBROWSER", self.minibrowser),
        ]
    }
}

/// Checks or installs Firefox, WebKit and the programs that drive browsers.
pub(crate) fn for_other_browsers(paths: &Paths) -> Result<OtherBrowsers> {
    println!("Set-up for other browsers");
    let find = || {
        Some(OtherBrowsers {
            firefox: find_program(["firefox-esr", "firefox"])?,
            geckodriver: tool_binary(paths, &GECKODRIVER),
            minibrowser: find_program(["xvfb-run"])
                .and(find_program(["WebKitWebDriver"]))
                .and_then(|_| minibrowser())?,
        })
    };
    cargo_tool(paths, &GECKODRIVER)?;
    if let Some(found) = find() {
        return Ok(found);
    }
    apt_install(&[
        "chromium-driver",
        "firefox-esr",
        "webkit2gtk-driver",
        "xauth",
        "xvfb",
    ])
    .context("Firefox, WebKit and their drivers are needed to try the page in them")?;
    find().context("apt-get installed the browsers, but they are not where they should be")
}

/// It stands in WebKit's library folder, which differs by machine.
fn minibrowser() -> Option<PathBuf> {
    let libraries = fs::read_dir("/usr/lib").ok()?;
    libraries
        .filter_map(|entry| Some(entry.ok()?.path().join("webkit2gtk-4.1/MiniBrowser")))
        .find(|file| file.is_file())
}

/// Folders of the installed tools, for the PATH of builds.
pub(crate) fn tool_folders(paths: &Paths) -> Vec<PathBuf> {
    [&WASM_BINDGEN, &TRUNK]
        .map(|tool| tool_folder(paths, tool).join("bin"))
        .to_vec()
}

/// The `wasm-bindgen` program at the pinned version.
pub(crate) fn wasm_bindgen(paths: &Paths) -> PathBuf {
    tool_binary(paths, &WASM_BINDGEN)
}

/// The `trunk` program at the pinned version.
pub(crate) fn trunk(paths: &Paths) -> PathBuf {
    tool_binary(paths, &TRUNK)
}

/// The `cargo-deny` program at the pinned version, installed where it is missing.
pub(crate) fn cargo_deny(paths: &Paths) -> Result<PathBuf> {
    cargo_tool(paths, &CARGO_DENY)?;
    Ok(tool_binary(paths, &CARGO_DENY))
}

/// The browser for tests: `VITRINE_CHROMIUM`, else one on the PATH, else Debian's where apt-get may
/// install it.
pub(crate) fn chromium() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("VITRINE_CHROMIUM") {
        let file = PathBuf::from(named);
        if !file.is_file() {
            bail!(
                "VITRINE_CHROMIUM names {}, which is no file",
                file.display()
            );
        }
        return Ok(file);
    }
    if let Some(found) = find_program(CHROMIUM_NAMES) {
        return Ok(found);
    }
    apt_install(&["chromium"]).context(
        "Chromium is needed for the browser tests: install it, or set VITRINE_CHROMIUM to the program",
    )?;
    find_program(CHROMIUM_NAMES).context("apt-get installed chromium, but it is not on the PATH")
}

fn check_rust() -> Result<()> {
    let version = output(Command::new("rustc").arg("--version"))
        .context("Rust is needed: install it with rustup, see the Rust home page")?;
    println!("  Rust: {version}");
    Ok(())
}

fn check_component(component: &str, subcommand: &str) -> Result<()> {
    let version =
        output(Command::new("cargo").args([subcommand, "--version"])).with_context(|| {
            format!("{component} is needed: run `rustup component add {component}`")
        })?;
    println!("  {component}: {version}");
    Ok(())
}

fn check_python() -> Result<()> {
    let version = output(Command::new("python3").args(["-m", "pip", "--version"])).context(
        "Python 3 with pip is needed to fetch model packages: install `python3` and `python3-pip`",
    )?;
    let short: Vec<&str> = version.split_whitespace().take(2).collect();
    println!("  Python: {}", short.join(" "));
    Ok(())
}

fn wasm_std(choice: WasmStd) -> Result<()> {
    match choice {
        WasmStd::Rustup => {
            let installed = output(Command::new("rustup").args(["target", "list", "--installed"])).context(
                "rustup is needed to add the wasm target; with Debian's Rust set VITRINE_WASM_STD=debian",
            )?;
            if !installed.lines().any(|target| target == WASM_TARGET) {
                run_quietly(
                    "standard library for wasm",
                    Command::new("rustup").args(["target", "add", WASM_TARGET]),
                )
                .context("without access to the Rust download host set VITRINE_WASM_STD=debian")?;
            }
            if !installed_components()?
                .lines()
                .any(|name| name == "rust-src")
            {
                run_quietly(
                    "source of the standard library",
                    Command::new("rustup").args(["component", "add", "rust-src"]),
                )
                .context("without access to the Rust download host set VITRINE_WASM_STD=debian")?;
            }
            println!("  Standard library for wasm: rustup target {WASM_TARGET}, and its source");
        }
        WasmStd::Debian => {
            const PACKAGES: [&str; 3] = ["rustc-web", "cargo-web", "rust-web-src"];
            if !debian_packages_present(&PACKAGES) {
                apt_install(&PACKAGES)
                    .context("VITRINE_WASM_STD=debian needs Debian's compiler")?;
            }
            let version = output(Command::new("/usr/bin/rustc").arg("--version"))?;
            println!("  Standard library for wasm: from source, by Debian's {version}");
        }
    }
    Ok(())
}

fn installed_components() -> Result<String> {
    output(Command::new("rustup").args(["component", "list", "--installed"]))
        .context("rustup lists what it has installed")
}

fn debian_packages_present(packages: &[&str]) -> bool {
    packages.iter().all(|package| {
        output(Command::new("dpkg-query").args(["-W", "-f=${Status}", package]))
            .is_ok_and(|status| status == "install ok installed")
    })
}

fn apt_install(packages: &[&str]) -> Result<()> {
    let list = packages.join(" ");
    let may_install = find_program(["apt-get"]).is_some()
        && output(Command::new("id").arg("-u")).is_ok_and(|user| user == "0");
    if !may_install {
        bail!(
            "install the packages `{list}` (on Debian: `sudo apt-get install {list}`), then run this again"
        );
    }
    run_quietly("apt-get update", Command::new("apt-get").arg("update"))?;
    run_quietly(
        &format!("apt-get install {list}"),
        Command::new("apt-get")
            .env("DEBIAN_FRONTEND", "noninteractive")
            .args(["install", "-y", "--no-install-recommends"])
            .args(packages),
    )
}

fn tool_folder(paths: &Paths, tool: &CargoTool) -> PathBuf {
    paths
        .cache
        .join("tools")
        .join(format!("{}-{}", tool.package, tool.version))
}

fn tool_binary(paths: &Paths, tool: &CargoTool) -> PathBuf {
    tool_folder(paths, tool)
        .join("bin")
        .join(tool.binary)
        .with_extension(std::env::consts::EXE_EXTENSION)
}

fn cargo_tool(paths: &Paths, tool: &CargoTool) -> Result<()> {
    let CargoTool {
        package, version, ..
    } = tool;
    if !tool_binary(paths, tool).is_file() {
        let mut command = Command::new("cargo");
        // A debug build of a tool halves the wait and costs nothing that would be noticed.
        command.args([
            "install",
            package,
            "--version",
            version,
            "--debug",
            "--root",
        ]);
        command.arg(tool_folder(paths, tool));
        if tool.locked {
            command.arg("--locked");
        }
        run_quietly(&format!("{package} {version}"), &mut command)
            .with_context(|| format!("{package} {version} could not be installed"))?;
    }
    println!("  {package}: {version}");
    Ok(())
}

/// The test runner's option to run files one after another came with 20.10.
fn is_node_new_enough(version: &str) -> bool {
    let mut numbers = version
        .trim_start_matches('v')
        .split('.')
        .map(|number| number.parse::<u32>().unwrap_or(0));
    (numbers.next(), numbers.next()) >= (Some(20), Some(10))
}

/// Installs the packages of a folder's lock file, where that changed since the last time.
pub(crate) fn npm_packages(folder: &Path) -> Result<()> {
    let node = output(Command::new("node").arg("--version"))
        .context("Node.js 20.10 or later is needed for tests in browsers: install it with npm")?;
    if !is_node_new_enough(&node) {
        bail!("Node.js 20.10 or later is needed for the browser tests, this is {node}: update it");
    }
    let lock = folder.join("package-lock.json");
    let stamp = folder.join("node_modules/.vitrine-lock-sha256");
    let wanted = sha256(&fs::read(&lock).with_context(|| format!("reading {}", lock.display()))?);
    if fs::read_to_string(&stamp).ok().as_deref() != Some(wanted.as_str()) {
        // Scripts of packages stay unrun: they would download browsers, and need no trust then.
        run_quietly(
            "npm packages",
            Command::new("npm").current_dir(folder).args([
                "ci",
                "--ignore-scripts",
                "--no-audit",
                "--no-fund",
            ]),
        )
        .context("npm packages could not be installed")?;
        fs::write(&stamp, &wanted).with_context(|| format!("writing {}", stamp.display()))?;
    }
    println!("  npm packages: by lockfile, Node {node}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_is_new_enough_from_20_10() {
        assert!(is_node_new_enough("v20.10.0"));
        assert!(is_node_new_enough("v22.1.0"));
        assert!(!is_node_new_enough("v20.9.1"));
        assert!(!is_node_new_enough("v18.20.0"));
        assert!(!is_node_new_enough("nightly"));
    }
}
