//! `notices.html`: whose work the site is made of, and under which licences.
//!
//! A page without a program, because licences ask that their text goes with what is served, whoever
//! reads it and however. Texts are those the crates bring; equal ones stand there once.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use spdx::Expression;

use crate::paths::Paths;
use crate::shipped::{self, Crate};

/// Name of the page on the site.
pub(crate) const FILE: &str = "notices.html";

/// How the names of files begin that say under which licence a crate is.
const LICENCE_FILES: [&str; 6] = [
    "COPYING",
    "COPYRIGHT",
    "LICENCE",
    "LICENSE",
    "NOTICE",
    "UNLICENSE",
];

/// Licences of our own crates, which have them at the root of the checkout.
const OUR_LICENCES: [&str; 2] = ["LICENSE-APACHE", "LICENSE-MIT"];

/// Who holds the standard library, as its own licence says.
const RUST_AUTHORS: &str = "the Rust Project contributors";

/// Writes the page into the built site, whose first page must be there.
pub(crate) fn write(paths: &Paths, crates: &[Crate]) -> Result<()> {
    let index = paths.dist().join("index.html");
    let index =
        fs::read_to_string(&index).with_context(|| format!("reading {}", index.display()))?;
    let notice = paths.root.join("NOTICE");
    let notice =
        fs::read_to_string(&notice).with_context(|| format!("reading {}", notice.display()))?;
    let mut works = Works::default();
    works.add_standard_library(&shipped::rust_version()?)?;
    for one in crates {
        works.add(paths, one)?;
    }
    let file = paths.dist().join(FILE);
    let page = page(style_link(&index)?, &notice, &works)?;
    fs::write(&file, page).with_context(|| format!("writing {}", file.display()))?;
    println!(
        "  {FILE}: {} works under {} texts",
        works.works.len(),
        works.texts.len()
    );
    Ok(())
}

/// Something that others or we wrote.
struct Work {
    name: String,
    version: String,
    licence: String,
    /// Places of its licences' texts among all of them.
    texts: Vec<usize>,
}

impl Work {
    fn title(&self) -> String {
        format!("{} {}", self.name, self.version)
    }
}

/// A licence's text, as a file has it.
#[derive(Clone, Debug, PartialEq)]
struct Text {
    /// Name of the file, or of the licence where there is no file.
    name: String,
    content: String,
}

/// Works, and the texts of their licences, each once.
#[derive(Default)]
struct Works {
    works: Vec<Work>,
    texts: Vec<Text>,
    /// Place of each text by its words: line breaks differ where nothing else does.
    places: HashMap<String, usize>,
}

impl Works {
    fn add(&mut self, paths: &Paths, one: &Crate) -> Result<()> {
        let mut texts = match one.is_ours() {
            true => read_all(OUR_LICENCES.map(|name| paths.root.join(name)))?,
            false => read_all(licence_files(&one.folder)?)?,
        };
        // Some files only name the licences, which the list does as well.
        texts.retain(|text| Expression::parse(&text.content).is_err());
        if texts.is_empty() {
            texts = standard_texts(&one.licence, &one.authors.join(", "))?;
        }
        self.push(&one.id.name, &one.id.version, &one.licence, texts);
        Ok(())
    }

    fn add_standard_library(&mut self, version: &str) -> Result<()> {
        let licence = "MIT OR Apache-2.0";
        let texts = standard_texts(licence, RUST_AUTHORS)?;
        self.push("The Rust standard library", version, licence, texts);
        Ok(())
    }

    fn push(&mut self, name: &str, version: &str, licence: &str, texts: Vec<Text>) {
        let mut places: Vec<usize> = texts.into_iter().map(|text| self.place(text)).collect();
        places.dedup();
        self.works.push(Work {
            name: name.to_owned(),
            version: version.to_owned(),
            licence: licence.to_owned(),
            texts: places,
        });
    }

    fn place(&mut self, text: Text) -> usize {
        let words = text.content.split_whitespace().collect::<Vec<_>>();
        *self.places.entry(words.join(" ")).or_insert_with(|| {
            self.texts.push(text);
            self.texts.len() - 1
        })
    }
}

/// Files with licences in a crate's folder, sorted.
fn licence_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let list = || format!("listing {}", folder.display());
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(list)? {
        let entry = entry.with_context(list)?;
        let name = entry.file_name().to_string_lossy().to_uppercase();
        let is_licence = LICENCE_FILES.iter().any(|start| name.starts_with(start));
        if is_licence && entry.path().is_file() {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

fn read_all(files: impl IntoIterator<Item = PathBuf>) -> Result<Vec<Text>> {
    let read = |file: PathBuf| {
        let bytes = fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
        Ok(Text {
            name: file
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            content: tidy(&String::from_utf8_lossy(&bytes)),
        })
    };
    files.into_iter().map(read).collect()
}

/// A text without what has no place on a page: marks of byte order, form feeds, ends of lines.
fn tidy(text: &str) -> String {
    let lines = text.trim_start_matches('\u{feff}').lines();
    let tidied: Vec<String> = lines
        .map(|line| line.replace(|c: char| c.is_control() && c != '\t', ""))
        .map(|line| line.trim_end().to_owned())
        .collect();
    tidied.join("\n").trim_matches('\n').to_owned()
}

/// The texts that the standard has for the licences of an expression, with whose work it is where they
/// leave room for that.
fn standard_texts(licence: &str, authors: &str) -> Result<Vec<Text>> {
    let expression = Expression::parse(licence).map_err(|error| anyhow::anyhow!("{error}"))?;
    let text = |requirement: &spdx::expression::ExpressionReq| {
        let id = requirement.req.license.id()?;
        let whose = match authors {
            "" => "the authors",
            authors => authors,
        };
        let content = id.text().replace("<year> <copyright holders>", whose);
        Some(Text {
            name: id.name.to_owned(),
            content: tidy(&content),
        })
    };
    let texts: Option<Vec<Text>> = expression.requirements().map(text).collect();
    texts.with_context(|| format!("the standard has no text for {licence}"))
}

/// The element by which a page of the site takes its style, as trunk wrote it.
fn style_link(index: &str) -> Result<&str> {
    let links = index.match_indices("<link").filter_map(|(start, _)| {
        let end = index[start..].find('>')?;
        Some(&index[start..=start + end])
    });
    let mut styles = links.filter(|link| link.contains("rel=\"stylesheet\""));
    styles.next().context("the first page has no style")
}

fn page(style: &str, notice: &str, works: &Works) -> Result<String> {
    let mut page = String::new();
    // The phase is what the site's other pages reach once they can be used, which this one always can.
    write!(
        page,
        r##"<!doctype html>
<html lang="en" translate="no" data-phase="ready">
  <head>
    <meta charset="utf-8" />
    <meta
      http-equiv="Content-Security-Policy"
      content="default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'"
    />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="dark light" />
    <title>Notices · Vitrine</title>
    <meta name="description" content="Whose work Vitrine is made of, and under which licences." />
    <link rel="icon" type="image/svg+xml" href="icons/favicon.svg" />
    <script src="head.js"></script>
    {style}
  </head>
  <body>
    <header class="site-header">
      <a class="wordmark" href="./"><span class="mark" aria-hidden="true"></span>Vitrine</a>
    </header>
    <main id="main" class="prose notices">
      <h1>Notices</h1>
      <p class="lead">
        Whose work this site is made of, and under which licences. It is listed for programs as well:
        <a href="{sbom}">components in the CycloneDX format</a>.
      </p>
"##,
        sbom = crate::sbom::FILE
    )?;
    write_notice(&mut page, notice)?;
    write_works(&mut page, &works.works)?;
    write_texts(&mut page, works)?;
    page += "    </main>\n  </body>\n</html>\n";
    Ok(page)
}

/// Writes `NOTICE`: a heading for each of its paragraphs' first lines. Indented lines are a paragraph,
/// but those with columns, which are a list.
fn write_notice(page: &mut String, notice: &str) -> Result<()> {
    page.push_str("      <h2>Models, class names and pictures</h2>\n");
    for block in notice.split("\n\n") {
        let (heading, rest): (Vec<&str>, Vec<&str>) =
            block.lines().partition(|line| !line.starts_with(' '));
        if rest.is_empty() {
            let lines: Vec<String> = heading.iter().map(|line| escaped(line)).collect();
            writeln!(page, "      <p>{}</p>", lines.join("<br />"))?;
            continue;
        }
        writeln!(page, "      <h3>{}</h3>", escaped(&heading.join(" ")))?;
        let lines: Vec<&str> = rest.iter().map(|line| line.trim()).collect();
        if lines.iter().all(|line| line.contains("  ")) {
            page.push_str("      <ul>\n");
            for line in lines {
                let words: Vec<&str> = line.split_whitespace().collect();
                writeln!(page, "        <li>{}</li>", escaped(&words.join(" ")))?;
            }
            page.push_str("      </ul>\n");
        } else {
            writeln!(page, "      <p>{}</p>", escaped(&lines.join(" ")))?;
        }
    }
    Ok(())
}

fn write_works(page: &mut String, works: &[Work]) -> Result<()> {
    write!(
        page,
        "      <h2>The program</h2>\n      <p>\n        {} works in Rust are compiled into the page and its engine. Where one is under one licence or\n        another, both texts are here.\n      </p>\n      <ul>\n",
        works.len()
    )?;
    for work in works {
        let links: Vec<String> = (work.texts.iter())
            .map(|at| format!("<a href=\"#text-{0}\">text {0}</a>", at + 1))
            .collect();
        writeln!(
            page,
            "        <li><strong>{}</strong> {}, {}: {}</li>",
            escaped(&work.name),
            escaped(&work.version),
            escaped(&work.licence),
            links.join(", ")
        )?;
    }
    page.push_str("      </ul>\n");
    Ok(())
}

fn write_texts(page: &mut String, works: &Works) -> Result<()> {
    page.push_str("      <h2>Texts of the licences</h2>\n");
    for (at, text) in works.texts.iter().enumerate() {
        let under: Vec<String> = (works.works.iter())
            .filter(|work| work.texts.contains(&at))
            .map(Work::title)
            .collect();
        let n = match under.len() {
            1 => under[0].clone(),
            n => format!("{n} works"),
        };
        write!(
            page,
            "      <details id=\"text-{number}\">\n        <summary>Text {number}, {name}: {n}</summary>\n        <p>{under}</p>\n<pre>\n{content}</pre>\n      </details>\n",
            number = at + 1,
            name = escaped(&text.name),
            n = escaped(&n),
            under = escaped(&under.join(", ")),
            content = escaped(&text.content)
        )?;
    }
    Ok(())
}

/// A text as it stands in a document.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    const STYLE: &str = r#"<link rel="stylesheet" href="./style-0123.css" integrity="sha384-x"/>"#;

    fn text(name: &str, content: &str) -> Text {
        Text {
            name: name.into(),
            content: content.into(),
        }
    }

    #[test]
    fn equal_texts_stand_there_once_however_their_lines_break() {
        let mut works = Works::default();
        works.push(
            "a",
            "1.0.0",
            "MIT",
            vec![text("LICENSE", "do as\nyou like")],
        );
        works.push(
            "b",
            "2.0.0",
            "MIT",
            vec![text("LICENSE-MIT", "do as you\n like")],
        );
        works.push(
            "c",
            "3.0.0",
            "Zlib",
            vec![text("LICENSE", "do <this> & that")],
        );
        assert_eq!(works.texts.len(), 2);
        let page = page(STYLE, "Ours", &works).unwrap();
        assert_eq!(page.matches("do as").count(), 1);
        assert!(page.contains("<summary>Text 1, LICENSE: 2 works</summary>"));
        assert!(page.contains("<p>a 1.0.0, b 2.0.0</p>"));
        assert!(page.contains("<strong>c</strong> 3.0.0, Zlib: <a href=\"#text-2\">text 2</a>"));
        assert!(page.contains("do &lt;this&gt; &amp; that"));
        assert!(page.contains(STYLE));
    }

    #[test]
    fn a_crate_without_a_text_gets_the_standards_with_its_authors() {
        let texts = standard_texts("MIT OR Apache-2.0", "Ada, Grace").unwrap();
        let names: Vec<&str> = texts.iter().map(|text| text.name.as_str()).collect();
        assert_eq!(names, ["MIT", "Apache-2.0"]);
        assert!(texts[0].content.contains("Copyright (c) Ada, Grace\n"));
        assert!(texts[1].content.contains("Apache License"));
        assert!(standard_texts("LicenseRef-own", "Ada").is_err());
    }

    #[test]
    fn what_has_no_place_on_a_page_is_taken_out() {
        assert_eq!(tidy("\u{feff}\r\n  a \u{c}b\t\r\nc\n\n"), "  a b\nc");
    }

    #[test]
    fn the_notice_becomes_headings_paragraphs_and_lists() {
        let mut page = String::new();
        let notice =
            "Own\nwork\n\nWeights\n  By A,\n  and B.\n\nPictures\n  a.png   A\n  b.png   B\n";
        write_notice(&mut page, notice).unwrap();
        for part in [
            "<p>Own<br />work</p>",
            "<h3>Weights</h3>\n      <p>By A, and B.</p>",
            "<h3>Pictures</h3>\n      <ul>\n        <li>a.png A</li>\n        <li>b.png B</li>",
        ] {
            assert!(page.contains(part), "{part} in {page}");
        }
    }

    #[test]
    fn the_style_is_that_of_the_first_page() {
        let index = format!("<link rel=\"icon\"><link\n rel=\"manifest\">{STYLE}<link rel=\"x\">");
        assert_eq!(style_link(&index).unwrap(), STYLE);
        assert!(style_link("<link rel=\"icon\">").is_err());
    }

    /// A site with a first page and nothing else, from the crates of this checkout.
    #[test]
    fn every_crate_that_is_served_is_named_with_a_text_of_its_licence() {
        let paths = Paths::find().unwrap();
        let crates = shipped::of_this_checkout();
        let mut works = Works::default();
        for one in crates {
            works.add(&paths, one).unwrap();
        }
        let notice = fs::read_to_string(paths.root.join("NOTICE")).unwrap();
        let page = page(STYLE, &notice, &works).unwrap();
        assert_eq!(works.works.len(), crates.len());
        for (work, one) in works.works.iter().zip(crates) {
            let named = format!("<strong>{}</strong> {},", one.id.name, one.id.version);
            assert!(page.contains(&named), "{named}");
            let is_whole = |at: &usize| works.texts[*at].content.len() > 400;
            assert!(work.texts.iter().any(is_whole), "{} has no text", work.name);
        }
        let first_words = [
            "EfficientNet-Lite0",
            "all-MiniLM-L6-v2",
            "WordNet Release 3.0",
        ];
        assert!(first_words.iter().all(|words| page.contains(words)));
    }
}
