//! Every hostile file gets exactly the answer that `expected.tsv` has, in time and within memory.
//!
//! `UPDATE_EXPECT=1 cargo test -p vitrine-hostile` writes that file anew; the difference is then to
//! be read.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::panic::catch_unwind;
use std::path::Path;
use std::time::{Duration, Instant};
use std::{env, fs};

use vitrine_hostile::{Answer, Case, Kind, answer, corpus};

/// Longest time for one file.
const TIME: Duration = Duration::from_secs(2);

/// Most memory the process may ever have taken. The largest good picture takes 150 MB as RGB and as
/// much again beside it, and the corpus itself a few dozen.
const MEMORY_KB: u64 = 700_000;

fn row(case: &Case, answer: &Answer) -> String {
    let kind = format!("{:?}", case.kind).to_lowercase();
    let [result, what, why, next] = match answer {
        Answer::Read { facts } => ["read", facts, "", ""],
        Answer::Refused { what, why, next } => ["refused", what, why, next],
        Answer::LeftToEngine => ["left to engine", "", "", ""],
    };
    let fields = [&case.name, &kind, result, what, why, next];
    let escaped = fields.map(|field| field.replace('\t', "\\t").replace('\n', "\\n"));
    escaped.join("\t")
}

/// The most memory that this process had at once, where the system tells it.
fn peak_kb() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[test]
#[allow(clippy::disallowed_methods)]
fn every_file_gets_its_answer() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("expected.tsv");
    let mut met = String::from("name\tkind\tresult\twhat or facts\twhy\tnext\n");
    let mut complaints = Vec::new();
    for case in corpus() {
        let start = Instant::now();
        let answer = catch_unwind(|| answer(&case));
        let took = start.elapsed();
        let peak = peak_kb().unwrap_or(0);
        if took > TIME {
            complaints.push(format!("{} took {took:?}", case.name));
        }
        if took * 4 > TIME {
            eprintln!(
                "{} took {took:?}; the most memory so far is {peak} KB",
                case.name
            );
        }
        match answer {
            Ok(answer) => writeln!(met, "{}", row(&case, &answer)).unwrap(),
            Err(_) => complaints.push(format!("{} panicked", case.name)),
        }
    }
    let peak = peak_kb().unwrap_or(0);
    eprintln!("the most memory was {peak} KB");
    if peak > MEMORY_KB {
        complaints.push(format!("{peak} KB were taken"));
    }
    if env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, &met).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap();
    let (known, new): (BTreeSet<&str>, BTreeSet<&str>) =
        (expected.lines().collect(), met.lines().collect());
    complaints.extend(known.difference(&new).map(|line| format!("- {line}")));
    complaints.extend(new.difference(&known).map(|line| format!("+ {line}")));
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn there_are_enough_files_and_no_two_of_one_name() {
    let corpus = corpus();
    let count = |kinds: &[Kind]| {
        corpus
            .iter()
            .filter(|case| kinds.contains(&case.kind))
            .count()
    };
    let (models, pictures) = (count(&[Kind::Model]), count(&[Kind::Picture]));
    let texts = count(&[Kind::Text, Kind::Table]);
    eprintln!("{models} models, {pictures} pictures, {texts} texts and tables");
    assert!(models >= 60 && pictures >= 100 && texts >= 60);
    let names: BTreeSet<&str> = corpus.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names.len(), corpus.len());
}
