//! The shell: style and scripts joined into one file each, and a document for every route.
//!
//! Each file is a round trip before the page can be used, so what is written as several files for
//! people is joined for the browser.

use std::collections::HashSet;
use std::{env, fs};

use anyhow::{Context as _, Result, bail};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use sha2::{Digest as _, Sha256};

use crate::paths::Paths;

/// Style files that others build upon, in their order; the rest follows by name.
const STYLE_FIRST: [&str; 4] = ["tokens.css", "base.css", "layout.css", "components.css"];

/// Modules of `shell/` that are joined, each after those it imports from. The others are fetched when
/// they are needed.
const SCRIPTS: [&str; 8] = [
    "language.js",
    "routes.js",
    "preferences.js",
    "intake.js",
    "later.js",
    "camera.js",
    "offline.js",
    "program.js",
];

/// A route: its folder, and title and description of its document.
struct Route {
    name: &'static str,
    title: &'static str,
    description: &'static str,
}

const ROUTES: [Route; 4] = [
    Route {
        name: "models",
        title: "Models · Vitrine",
        description: "The models that run in your browser here: source, licence, size, measured quality, and what they get wrong.",
    },
    Route {
        name: "performance",
        title: "Performance · Vitrine",
        description: "How fast neural networks run in this browser, on this device: every percentile, measured when you press a button.",
    },
    Route {
        name: "how",
        title: "How it works · Vitrine",
        description: "What happens to what you add, step by step, what leaves your device (nothing), and where every figure comes from.",
    },
    Route {
        name: "accessibility",
        title: "Accessibility · Vitrine",
        description: "What was done so that everyone can use this page, how it is checked, and what is known to be missing.",
    },
];

/// Scripts that stand by themselves and whose sums the page's document names.
const SUMMED: [&str; 3] = ["head.js", "history.js", "poster.js"];

/// Names the address that the site is built for, where it is known.
const SITE_URL: &str = "VITRINE_SITE_URL";

/// Writes `style.css` and `boot.js` into `paths.site()`, where `index.html` expects them.
pub(crate) fn join(paths: &Paths) -> Result<()> {
    write_changed(paths, "style.css", &style(paths)?)?;
    write_changed(paths, "boot.js", &script(paths)?)
}

fn style(paths: &Paths) -> Result<String> {
    let folder = paths.root.join("style");
    let mut names = fs::read_dir(&folder)
        .with_context(|| format!("listing {}", folder.display()))?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<Result<Vec<String>>>()?;
    names.retain(|name| name.ends_with(".css"));
    let place = |name: &str| STYLE_FIRST.iter().position(|first| *first == name);
    names.sort_by_key(|name| (place(name).unwrap_or(STYLE_FIRST.len()), name.clone()));
    let mut joined = String::new();
    for name in names {
        joined += &read(paths, &format!("style/{name}"))?;
    }
    Ok(joined)
}

fn script(paths: &Paths) -> Result<String> {
    let mut joined = String::new();
    for name in SCRIPTS {
        joined += &without_module_syntax(&read(paths, &format!("shell/{name}"))?);
    }
    check_joined(&joined)?;
    Ok(joined)
}

/// Refuses what only the browser would: module syntax that is left, and names that two modules
/// declare, which had scopes of their own before they were joined.
fn check_joined(script: &str) -> Result<()> {
    let mut names = HashSet::new();
    for line in script.lines() {
        if line.starts_with("import ") || line.starts_with("export ") {
            bail!("the joined script keeps module syntax: {line}");
        }
        let line = line.strip_prefix("async ").unwrap_or(line);
        let declared = ["const ", "let ", "function ", "class "]
            .into_iter()
            .find_map(|keyword| line.strip_prefix(keyword));
        let end = |c: char| !(c.is_alphanumeric() || c == '_' || c == '$');
        let name = declared.and_then(|rest| rest.split(end).next());
        if let Some(name) = name.filter(|name| !name.is_empty())
            && !names.insert(name.to_owned())
        {
            bail!("two modules of shell/ declare {name}: rename one");
        }
    }
    Ok(())
}

/// A module's text without its imports from the other modules, and with exports as declarations.
fn without_module_syntax(module: &str) -> String {
    module
        .lines()
        .filter(|line| !(line.starts_with("import ") && line.contains("from \"./")))
        .map(|line| format!("{}\n", line.strip_prefix("export ").unwrap_or(line)))
        .collect()
}

fn read(paths: &Paths, name: &str) -> Result<String> {
    let file = paths.root.join(name);
    fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))
}

/// Unchanged content keeps its time stamp, so that nothing is built anew for nothing.
fn write_changed(paths: &Paths, name: &str, text: &str) -> Result<()> {
    let file = paths.site().join(name);
    if fs::read_to_string(&file).ok().as_deref() == Some(text) {
        return Ok(());
    }
    fs::create_dir_all(paths.site()).context("making the site's folder")?;
    fs::write(&file, text).with_context(|| format!("writing {}", file.display()))
}

/// Writes a document for each route beside the built `index.html`, and the one for addresses that
/// do not exist.
pub(crate) fn write_routes(paths: &Paths) -> Result<()> {
    let file = paths.dist().join("index.html");
    let mut index = fs::read_to_string(&file).context("reading the page")?;
    index = program_later(&index)?;
    for file in SUMMED {
        let content =
            fs::read(paths.dist().join(file)).with_context(|| format!("reading {file}"))?;
        index = replace_once(&index, &format!("sum of {file}"), &integrity(&content))?;
    }
    if let Ok(site) = env::var(SITE_URL) {
        index = at_address(&index, &site)?;
    }
    fs::write(&file, &index).context("writing the page")?;
    for route in ROUTES {
        let folder = paths.dist().join(route.name);
        fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
        let document = document(&index, &route)?;
        fs::write(folder.join("index.html"), document)
            .with_context(|| format!("writing the document of {}", route.name))?;
    }
    let lost = with_hashes(&read(paths, "404.html")?)?;
    fs::write(paths.dist().join("404.html"), lost).context("writing 404.html")
}

/// Puts the links that have the browser fetch the page's program, which Trunk writes at the head's end,
/// into a template, where they do nothing: `shell/program.js` takes them out once the page is painted.
/// On a slow network the program would otherwise share the line with what is painted.
fn program_later(index: &str) -> Result<String> {
    let first = "<link rel=\"modulepreload\"";
    let (before, links) = index
        .split_once(first)
        .context("the page has no link to its program")?;
    let (links, behind) = links
        .split_once("</head>")
        .context("the page has no head")?;
    if links.matches("<link").count() != 1 || !links.contains("as=\"fetch\"") {
        bail!("the page's head ends with other links than those to its program: {first}{links}");
    }
    let links = format!("{first}{links}");
    Ok(format!(
        "{before}<template id=\"program\">{}</template></head>{behind}",
        links.trim_end()
    ))
}

/// Makes the picture that goes with shared links absolute, because who shows it knows no base, and
/// names the page's own address.
fn at_address(index: &str, site: &str) -> Result<String> {
    let site = format!("{}/", site.trim_end_matches('/'));
    if !site.starts_with("https://") && !site.starts_with("http://") {
        bail!("{SITE_URL} is {site}, which is no address: it begins with https://");
    }
    if site.contains(['"', '<', '>', '&', ' ']) {
        bail!("{SITE_URL} holds a character that no address has: {site}");
    }
    let picture = attribute_after(index, "property=\"og:image\"")?;
    let text = replace_once(
        index,
        &format!("content=\"{picture}\""),
        &format!("content=\"{site}{picture}\""),
    )?;
    replace_once(
        &text,
        "</title>",
        &format!("</title><meta property=\"og:url\" content=\"{site}\" />"),
    )
}

/// Names the style and the script that stand in the document in its security policy. Nothing else
/// can be loaded there: at an unknown depth no relative address is right.
fn with_hashes(document: &str) -> Result<String> {
    let mut text = document.to_owned();
    for (element, mark) in [("style", "'sha256-STYLE'"), ("script", "'sha256-SCRIPT'")] {
        let inside = document
            .split_once(&format!("<{element}>"))
            .and_then(|(_, rest)| rest.split_once(&format!("</{element}>")))
            .map(|(inside, _)| inside)
            .with_context(|| format!("404.html has no {element}"))?;
        text = replace_once(&text, mark, &format!("'{}'", integrity(inside.as_bytes())))?;
    }
    Ok(text)
}

/// The sum of a file as an `integrity` attribute has it.
pub(crate) fn integrity(content: &[u8]) -> String {
    format!("sha256-{}", BASE64_STANDARD.encode(Sha256::digest(content)))
}

fn document(index: &str, route: &Route) -> Result<String> {
    let text = replace_once(index, "<base href=\"./\"", "<base href=\"../\"")?;
    let text = replace_once(
        &text,
        "data-route=\"demo\"",
        &format!("data-route=\"{}\"", route.name),
    )?;
    let title_end = text.find("</title>").context("the page has no title")?;
    let title_start = text.find("<title>").context("the page has no title")? + "<title>".len();
    let title = &text[title_start..title_end];
    let text = text.replace(title, route.title);
    let text = replace_once(
        &text,
        attribute_after(&text, "name=\"description\"")?,
        route.description,
    )?;
    let described = attribute_after(&text, "property=\"og:description\"")?.to_owned();
    let text = replace_once(&text, &described, route.description)?;
    let Ok(site) = attribute_after(&text, "property=\"og:url\"") else {
        return Ok(text);
    };
    let own = format!("content=\"{site}{}/\"", route.name);
    replace_once(&text, &format!("content=\"{site}\""), &own)
}

/// The value of the `content` attribute that follows a mark.
fn attribute_after<'a>(text: &'a str, mark: &str) -> Result<&'a str> {
    let from = text.find(mark).with_context(|| format!("no {mark}"))?;
    let rest = &text[from..];
    let start = rest.find("content=\"").context("no content attribute")? + "content=\"".len();
    let end = rest[start..]
        .find('"')
        .context("an attribute is not closed")?;
    Ok(&rest[start..start + end])
}

fn replace_once(text: &str, from: &str, to: &str) -> Result<String> {
    if !text.contains(from) {
        bail!("the page holds no {from}");
    }
    Ok(text.replacen(from, to, 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const INDEX: &str = r#"<html data-route="demo"><base href="./" /><title>All of it</title>
<meta name="description" content="What it is" /><meta property="og:title" content="All of it" />
<meta property="og:description" content="In short" />"#;

    #[test]
    fn the_program_is_fetched_when_someone_takes_its_links_out() {
        let glue = r#"<link rel="modulepreload" href="./p.js">"#;
        let module = r#"<link rel="preload" href="./p.wasm" as="fetch">"#;
        let page = |links: &str| format!("<head><link rel=\"icon\">{links}</head><body></body>");
        assert_eq!(
            program_later(&page(&format!("{glue}{module}"))).unwrap(),
            page(&format!(
                "<template id=\"program\">{glue}{module}</template>"
            ))
        );
        assert!(program_later(&page(module)).is_err());
        assert!(program_later(&page(&format!("{glue}{module}{module}"))).is_err());
    }

    #[test]
    fn a_route_has_a_document_of_its_own() {
        let text = document(INDEX, &ROUTES[0]).unwrap();
        assert!(text.contains("data-route=\"models\"") && text.contains("href=\"../\""));
        assert!(!text.contains("All of it"), "{text}");
        assert_eq!(text.matches(ROUTES[0].title).count(), 2);
        assert_eq!(text.matches(ROUTES[0].description).count(), 2);
    }

    #[test]
    fn links_that_are_shared_name_their_page_and_its_picture_in_full() {
        let picture = r#"<meta property="og:image" content="icons/preview.png" />"#;
        let index = at_address(&format!("{INDEX}{picture}"), "https://a.example/vitrine").unwrap();
        assert!(index.contains(r#"content="https://a.example/vitrine/icons/preview.png""#));
        assert!(index.contains(r#"property="og:url" content="https://a.example/vitrine/""#));
        let text = document(&index, &ROUTES[0]).unwrap();
        assert!(text.contains(r#"property="og:url" content="https://a.example/vitrine/models/""#));
        assert!(at_address(&index, "vitrine").is_err());
        assert!(at_address(&index, "https://a.example/\"><script>").is_err());
    }

    #[test]
    fn a_page_without_what_differs_is_refused() {
        assert!(document("<title>x</title>", &ROUTES[0]).is_err());
    }

    #[test]
    fn what_stands_in_a_document_is_named_by_its_hash() {
        let text = "'sha256-STYLE' 'sha256-SCRIPT'<style>a</style><script>b</script>";
        // printf a | openssl dgst -sha256 -binary | base64, and the same of b.
        assert_eq!(
            with_hashes(text).unwrap(),
            "'sha256-ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs=' \
             'sha256-PiPoFgA5WUoziU9lZOGxNIu9egCI1CxKy3PurtWcAJ0='<style>a</style><script>b</script>"
        );
    }

    #[test]
    fn a_name_that_two_modules_declare_is_refused() {
        assert!(check_joined("const a = 1;\nfunction b() {\n  const a = 2;\n}\n").is_ok());
        let error = check_joined("const a = 1;\nasync function a() {}\n").unwrap_err();
        assert!(error.to_string().contains("declare a:"), "{error}");
        assert!(check_joined("import x from 'y';\n").is_err());
    }

    #[test]
    fn modules_lose_their_imports_and_exports() {
        let module =
            "import { say } from \"./language.js\";\nexport function go() {}\nconst a = 1;\n";
        assert_eq!(
            without_module_syntax(module),
            "function go() {}\nconst a = 1;\n"
        );
    }
}
