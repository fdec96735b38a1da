//! `cargo xtask reproduce`: whether the same source gives the same site, wherever it is built.
//!
//! The site is built here, and again from a copy of the checkout at another place, which has nothing
//! that was compiled before; or another checkout, perhaps of another machine, has built it. Then every file is
//! compared.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use memchr::memmem;

use crate::command::output;
use crate::models::sha256;
use crate::paths::Paths;
use crate::toolchain::{self, WasmStd};

/// Builds the site twice, or once where `other` is a site that was built elsewhere, and fails with every
/// file that differs, or that tells where it was built.
pub(crate) fn run(paths: &Paths, other: Option<&Path>) -> Result<()> {
    println!("The site, from {}", paths.root.display());
    crate::build(paths)?;
    let elsewhere = elsewhere(paths);
    let second = match other {
        Some(other) => other.to_owned(),
        None => {
            copy_checkout(&paths.root, &elsewhere.root)?;
            println!("The site again, from {}", elsewhere.root.display());
            crate::build(&elsewhere)?;
            elsewhere.dist()
        }
    };
    let (first, again) = (files(&paths.dist())?, files(&second)?);
    let folders = folders(paths, &elsewhere)?;
    let mut problems = compare(&first, &again, &folders)?;
    problems.extend(telling(&first, &folders)?);
    if !problems.is_empty() {
        bail!(
            "the two sites are not the same; the second is in {}:\n{}",
            second.display(),
            problems.join("\n")
        );
    }
    println!(
        "Both sites have the same {} files, which together are {}",
        first.len(),
        digest(&first)
    );
    remove(&elsewhere.root)
}

/// A checkout at another place, whose name is of another length.
fn elsewhere(paths: &Paths) -> Paths {
    Paths {
        root: paths.target().join("reproduce/another-place/vitrine"),
        cache: paths.cache.clone(),
    }
}

/// Copies what belongs to a checkout: what git keeps or would take. The rest is made anew.
fn copy_checkout(from: &Path, to: &Path) -> Result<()> {
    remove(to)?;
    let listed = output(Command::new("git").current_dir(from).args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]))
    .context("only a checkout by git can be copied, because git knows what belongs to it")?;
    for name in listed.split('\0').filter(|name| !name.is_empty()) {
        let (source, copy) = (from.join(name), to.join(name));
        // One that was deleted and not yet committed.
        if !source.is_file() {
            continue;
        }
        let folder = copy.parent().context("a file lies in a folder")?;
        fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        fs::copy(&source, &copy).with_context(|| format!("copying {}", source.display()))?;
    }
    Ok(())
}

fn remove(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("removing {}", folder.display()))?;
    }
    Ok(())
}

/// A file of a site.
#[derive(Clone, Debug)]
struct SiteFile {
    place: PathBuf,
    sha256: String,
}

/// Files by path from the site's root.
type Site = BTreeMap<String, SiteFile>;

fn files(dist: &Path) -> Result<Site> {
    let mut site = Site::new();
    collect(dist, "", &mut site)?;
    Ok(site)
}

fn collect(folder: &Path, prefix: &str, site: &mut Site) -> Result<()> {
    let list = || format!("listing {}", folder.display());
    for entry in fs::read_dir(folder).with_context(list)? {
        let place = entry.with_context(list)?.path();
        let name = place.file_name().unwrap_or_default().to_string_lossy();
        let path = format!("{prefix}{name}");
        if place.is_dir() {
            collect(&place, &format!("{path}/"), site)?;
        } else {
            let sha256 = sha256(&read(&place)?);
            site.insert(path, SiteFile { place, sha256 });
        }
    }
    Ok(())
}

fn read(file: &Path) -> Result<Vec<u8>> {
    fs::read(file).with_context(|| format!("reading {}", file.display()))
}

/// One figure for a whole site, to be compared between machines.
fn digest(site: &Site) -> String {
    let lines = site
        .iter()
        .map(|(path, file)| format!("{}  {path}\n", file.sha256));
    sha256(lines.collect::<String>().as_bytes())
}

/// Folders of this machine that have no place in a site.
fn folders(paths: &Paths, elsewhere: &Paths) -> Result<Vec<PathBuf>> {
    let wasm_std = WasmStd::from_env()?;
    let known = toolchain::known_folders(wasm_std, paths)?;
    let mut folders: Vec<PathBuf> = known.into_iter().map(|(folder, _)| folder).collect();
    folders.insert(0, elsewhere.root.clone());
    folders.extend(std::env::home_dir());
    Ok(folders)
}

/// What differs between two sites, a line each.
fn compare(first: &Site, second: &Site, folders: &[PathBuf]) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for (path, file) in first {
        let other = second.get(path);
        if let Some(other) = other.filter(|other| other.sha256 != file.sha256) {
            problems.push(format!("{path}: {}", why(file, other, folders)?));
        }
    }
    let mut left: Vec<&String> = first
        .keys()
        .filter(|path| !second.contains_key(*path))
        .collect();
    let mut right: Vec<&String> = second
        .keys()
        .filter(|path| !first.contains_key(*path))
        .collect();
    for (path, other) in pairs(&left, &right) {
        let why = why(&first[path], &second[other], folders)?;
        problems.push(format!("{path} and {other}: {why}"));
        left.retain(|one| *one != path);
        right.retain(|one| *one != other);
    }
    problems.extend(left.iter().map(|path| format!("{path}: only in the first")));
    problems.extend(
        right
            .iter()
            .map(|path| format!("{path}: only in the second")),
    );
    Ok(problems)
}

/// Files whose names differ by the hash of their content alone, where there is one of each.
fn pairs<'a>(left: &[&'a String], right: &[&'a String]) -> Vec<(&'a String, &'a String)> {
    let with_name = |paths: &[&'a String], name: &str| -> Option<&'a String> {
        let mut same = paths.iter().filter(|path| without_hashes(path) == name);
        let found = same.next()?;
        same.next().is_none().then_some(*found)
    };
    let names: BTreeSet<String> = left.iter().map(|path| without_hashes(path)).collect();
    names
        .iter()
        .filter_map(|name| Some((with_name(left, name)?, with_name(right, name)?)))
        .collect()
}

/// A path with a star for every run of eight and more hexadecimal digits.
fn without_hashes(path: &str) -> String {
    let mut name = String::new();
    let mut digits = String::new();
    let flush = |digits: &mut String, name: &mut String| {
        name.push_str(if digits.len() >= 8 { "*" } else { digits });
        digits.clear();
    };
    for letter in path.chars() {
        if letter.is_ascii_hexdigit() {
            digits.push(letter);
        } else {
            flush(&mut digits, &mut name);
            name.push(letter);
        }
    }
    flush(&mut digits, &mut name);
    name
}

/// Why two files differ, as far as it shows: a folder that one of them names, else where they part.
fn why(first: &SiteFile, second: &SiteFile, folders: &[PathBuf]) -> Result<String> {
    let (one, other) = (read(&first.place)?, read(&second.place)?);
    for (which, bytes) in [("first", &one), ("second", &other)] {
        if let Some(folder) = named(bytes, folders) {
            return Ok(format!("the {which} names {folder}"));
        }
    }
    let at = one.iter().zip(&other).position(|(one, other)| one != other);
    let at = at.unwrap_or(one.len().min(other.len()));
    let place = match section(&one, at) {
        Some(section) => format!(", in its {section}"),
        None => String::new(),
    };
    let (n, m) = (one.len(), other.len());
    Ok(format!("they part at byte {at}{place}; {n} and {m} bytes"))
}

/// Files that tell where they were built, a line each.
fn telling(site: &Site, folders: &[PathBuf]) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for (path, file) in site {
        if let Some(folder) = named(&read(&file.place)?, folders) {
            found.push(format!("{path}: names {folder}"));
        }
    }
    Ok(found)
}

/// The first of these folders whose files are named in a file.
fn named(bytes: &[u8], folders: &[PathBuf]) -> Option<String> {
    folders.iter().find_map(|folder| {
        let within = format!("{}/", folder.display());
        memmem::find(bytes, within.as_bytes())?;
        Some(within)
    })
}

/// The section of a WebAssembly module that a byte lies in; `None` where it is no module.
fn section(module: &[u8], at: usize) -> Option<String> {
    const HEAD: usize = 8;
    if !module.starts_with(b"\0asm") || at < HEAD {
        return None;
    }
    let mut start = HEAD;
    loop {
        let id = *module.get(start)?;
        let (size, length) = number(module.get(start + 1..)?)?;
        let end = start + 1 + length + size;
        if at < end {
            let name = match id {
                0 => "custom section",
                1 => "types",
                2 => "imports",
                3 => "functions",
                7 => "exports",
                9 => "elements",
                10 => "code",
                11 => "data",
                _ => return Some(format!("section {id}")),
            };
            return Some(name.to_owned());
        }
        start = end;
    }
}

/// A number as WebAssembly writes sizes, seven bits a byte, and in how many bytes it stands.
fn number(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut value = 0;
    for (at, byte) in bytes.iter().take(5).enumerate() {
        value |= usize::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((value, at + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(folder: &Path, content: &[(&str, &[u8])]) -> Site {
        for (path, bytes) in content {
            let file = folder.join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, bytes).unwrap();
        }
        files(folder).unwrap()
    }

    fn compared(first: &[(&str, &[u8])], second: &[(&str, &[u8])]) -> Vec<String> {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let folders = [PathBuf::from("/home/someone")];
        compare(
            &site(one.path(), first),
            &site(other.path(), second),
            &folders,
        )
        .unwrap()
    }

    #[test]
    fn the_same_files_are_the_same_site() {
        let content: [(&str, &[u8]); 2] = [("index.html", b"a"), ("engine/x/y.wasm", b"b")];
        assert_eq!(compared(&content, &content), Vec::<String>::new());
        let folder = tempfile::tempdir().unwrap();
        let first = digest(&site(folder.path(), &content));
        assert_eq!(first, digest(&site(folder.path(), &[])));
        assert_ne!(first, digest(&site(folder.path(), &[("new", b"")])));
    }

    #[test]
    fn what_differs_is_told_with_why() {
        assert_eq!(
            compared(&[("a", b"one"), ("b", b"")], &[("a", b"ore"), ("c", b"")]),
            [
                "a: they part at byte 1; 3 and 3 bytes",
                "b: only in the first",
                "c: only in the second"
            ]
        );
        assert_eq!(
            compared(&[("a", b"x /home/someone/src")], &[("a", b"x")]),
            ["a: the first names /home/someone/"]
        );
    }

    #[test]
    fn files_named_by_their_content_are_compared_with_each_other() {
        let first: [(&str, &[u8]); 1] = [("engine/simd-0123456789abcdef/engine.js", b"one")];
        let second: [(&str, &[u8]); 1] = [("engine/simd-fedcba9876543210/engine.js", b"two")];
        assert_eq!(
            compared(&first, &second),
            [
                "engine/simd-0123456789abcdef/engine.js and engine/simd-fedcba9876543210/engine.js: \
                 they part at byte 0; 3 and 3 bytes"
            ]
        );
        // Of two there is no telling which belongs to which.
        assert_eq!(
            compared(
                &[("11111111.part", b"1"), ("22222222.part", b"2")],
                &[("33333333.part", b"3")]
            )
            .len(),
            3
        );
    }

    #[test]
    fn a_file_that_is_the_same_twice_may_still_tell_where_it_was_built() {
        let folder = tempfile::tempdir().unwrap();
        let site = site(folder.path(), &[("a", b"/home/someone/.cargo"), ("b", b"")]);
        let folders = [PathBuf::from("/home/someone")];
        assert_eq!(
            telling(&site, &folders).unwrap(),
            ["a: names /home/someone/"]
        );
    }

    #[test]
    fn a_byte_of_a_module_lies_in_a_section() {
        let module = b"\0asm\x01\0\0\0\x01\x02ab\x0a\x03abc\x0b\x01d";
        let places: Vec<Option<String>> = [3, 8, 11, 12, 16, 18, 19]
            .map(|at| section(module, at))
            .into();
        let names = [
            None,
            Some("types"),
            Some("types"),
            Some("code"),
            Some("code"),
            Some("data"),
        ];
        let names = names.into_iter().chain([Some("data")]);
        assert_eq!(
            places,
            names
                .map(|name| name.map(str::to_owned))
                .collect::<Vec<_>>()
        );
        assert_eq!(section(module, 30), None);
        assert_eq!(section(b"text, not a module", 10), None);
    }

    #[test]
    fn a_copy_has_what_git_knows_and_not_what_is_built() {
        let paths = Paths::find().unwrap();
        let copy = tempfile::tempdir().unwrap();
        copy_checkout(&paths.root, &copy.path().join("copy")).unwrap();
        let copied = |name: &str| copy.path().join("copy").join(name).exists();
        assert!(copied("Cargo.lock") && copied(".cargo/config.toml") && copied("sw.js"));
        assert!(!copied("target") && !copied("dist") && !copied(".git"));
    }
}
