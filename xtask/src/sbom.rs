//! `sbom.cdx.json`: everything the site is made of, in the CycloneDX format.
//!
//! It is served beside the site, so that whoever meets an advisory can look up whether the site has
//! what it is about. The same site gives the same file: it carries no time, and its serial number is
//! made of its content.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use vitrine_protocol::{Card, ModelEntry, PackageRegistry, Registry, Sample, ServedFile, Source};

use crate::models::{self, sha256};
use crate::paths::Paths;
use crate::shipped::{self, Crate, CrateId, PROGRAMS};

/// Name of the file on the site.
pub(crate) const FILE: &str = "sbom.cdx.json";

/// Under which licence the names of a model's classes are, by file in `assets/labels`; NOTICE says whose
/// they are.
const LABELS: [(&str, Licence); 4] = [
    ("banking77.txt", Licence::Expression("CC-BY-4.0")),
    ("goemotions.txt", Licence::Expression("CC-BY-4.0")),
    ("imagenet-1k.txt", Licence::Named("WordNet 3.0 license")),
    ("sentiment.txt", Licence::Expression("MIT OR Apache-2.0")),
];

/// A licence, by expression where the standard has one.
#[derive(Clone, Copy)]
enum Licence {
    Expression(&'static str),
    Named(&'static str),
}

/// Writes the list into the built site, whose programs must be there.
pub(crate) fn write(paths: &Paths, crates: &[Crate]) -> Result<()> {
    let registry = models::registry(paths)?;
    let parts = Parts {
        crates,
        rust_version: shipped::rust_version()?,
        registry: &registry,
        labels: labels(paths, &registry)?,
        programs: programs(&paths.dist())?,
    };
    let text = parts.bom()?.json()?;
    let file = paths.dist().join(FILE);
    fs::write(&file, text).with_context(|| format!("writing {}", file.display()))?;
    println!("  {FILE}: {} crates", crates.len());
    Ok(())
}

/// What the site is made of.
struct Parts<'a> {
    crates: &'a [Crate],
    rust_version: String,
    registry: &'a Registry,
    /// Files with names of classes, and their SHA-256.
    labels: Vec<(String, String)>,
    programs: Vec<Program>,
}

/// A compiled program of the site.
struct Program {
    /// Path from the site's root.
    file: String,
    sha256: String,
    /// The package it is compiled from.
    package: &'static str,
}

/// The files with names of classes that models of the registry ask for.
fn labels(paths: &Paths, registry: &Registry) -> Result<Vec<(String, String)>> {
    let mut names: Vec<&str> = (registry.models.iter())
        .filter_map(|model| model.spec.labels())
        .collect();
    names.sort_unstable();
    names.dedup();
    let hashed = |name: &str| {
        let file = paths.root.join("assets/labels").join(name);
        let bytes = fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
        Ok((name.to_owned(), sha256(&bytes)))
    };
    names.into_iter().map(hashed).collect()
}

/// The compiled programs in the site: that of the page in its first folder, those of the engine below.
fn programs(dist: &Path) -> Result<Vec<Program>> {
    let [page, engine] = PROGRAMS;
    let mut found = Vec::new();
    let mut folders = vec![(dist.to_owned(), page)];
    for folder in entries(&dist.join("engine"))? {
        folders.push((folder, engine));
    }
    for (folder, package) in folders {
        for file in entries(&folder)? {
            if file.extension().is_none_or(|extension| extension != "wasm") {
                continue;
            }
            let bytes = fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
            let inside = file.strip_prefix(dist).context("a file of the site")?;
            found.push(Program {
                file: inside.to_string_lossy().replace('\\', "/"),
                sha256: sha256(&bytes),
                package,
            });
        }
    }
    Ok(found)
}

/// What is in a folder, sorted.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let list = || format!("listing {}", folder.display());
    let mut found = fs::read_dir(folder)
        .with_context(list)?
        .map(|entry| Ok(entry.with_context(list)?.path()))
        .collect::<Result<Vec<_>>>()?;
    found.sort();
    Ok(found)
}

/// A list of components in CycloneDX 1.6.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Bom {
    #[serde(rename = "$schema")]
    schema: &'static str,
    bom_format: &'static str,
    spec_version: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    serial_number: String,
    version: u32,
    metadata: Metadata,
    components: Vec<Component>,
    dependencies: Vec<Dependency>,
}

#[derive(Serialize)]
struct Metadata {
    lifecycles: [Lifecycle; 1],
    component: Component,
}

#[derive(Serialize)]
struct Lifecycle {
    phase: &'static str,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Component {
    r#type: &'static str,
    /// What dependencies name it by; none for what is no part of the site.
    #[serde(rename = "bom-ref", skip_serializing_if = "String::is_empty")]
    bom_ref: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    authors: Vec<Author>,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hashes: Vec<Hash>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    licenses: Vec<LicenseChoice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purl: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pedigree: Option<Pedigree>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    external_references: Vec<Reference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model_card: Option<ModelCard>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    properties: Vec<Property>,
}

#[derive(Serialize)]
struct Author {
    name: String,
}

#[derive(Serialize)]
struct Hash {
    alg: &'static str,
    content: String,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum LicenseChoice {
    Expression(String),
    License { name: String },
}

/// What something was made of.
#[derive(Serialize)]
struct Pedigree {
    ancestors: Vec<Component>,
}

#[derive(Serialize)]
struct Reference {
    r#type: &'static str,
    url: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ModelCard {
    model_parameters: ModelParameters,
    quantitative_analysis: QuantitativeAnalysis,
}

#[derive(Serialize)]
struct ModelParameters {
    task: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct QuantitativeAnalysis {
    performance_metrics: Vec<Metric>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metric {
    r#type: String,
    value: String,
    slice: String,
    confidence_interval: Interval,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Interval {
    lower_bound: String,
    upper_bound: String,
}

#[derive(Serialize)]
struct Property {
    name: &'static str,
    value: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Dependency {
    r#ref: String,
    depends_on: Vec<String>,
}

impl Parts<'_> {
    fn bom(&self) -> Result<Bom> {
        let standard_library = self.standard_library();
        let mut components: Vec<Component> = self.crates.iter().map(crate_component).collect();
        let mut dependencies: Vec<Dependency> = self.crates.iter().map(crate_dependency).collect();
        let mut of_the_site = Vec::new();
        for program in &self.programs {
            let component = program_component(program);
            let package = self
                .crates
                .iter()
                .find(|one| one.id.name == program.package);
            let package = package.with_context(|| format!("no crate {}", program.package))?;
            dependencies.push(Dependency {
                r#ref: component.bom_ref.clone(),
                depends_on: vec![crate_ref(&package.id), standard_library.bom_ref.clone()],
            });
            of_the_site.push(component);
        }
        for model in &self.registry.models {
            of_the_site.extend(model_components(model));
        }
        for label in &self.labels {
            of_the_site.push(label_component(label)?);
        }
        of_the_site.extend(self.registry.samples.iter().map(sample_component));
        let site = site_component();
        dependencies.push(Dependency {
            r#ref: site.bom_ref.clone(),
            depends_on: (of_the_site.iter())
                .map(|component| component.bom_ref.clone())
                .collect(),
        });
        components.push(standard_library);
        components.extend(of_the_site);
        Ok(Bom {
            schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
            bom_format: "CycloneDX",
            spec_version: "1.6",
            serial_number: String::new(),
            version: 1,
            metadata: Metadata {
                lifecycles: [Lifecycle { phase: "build" }],
                component: site,
            },
            components,
            dependencies,
        })
    }

    /// What the compiler brings into every program.
    fn standard_library(&self) -> Component {
        Component {
            r#type: "library",
            bom_ref: "rust-standard-library".into(),
            name: "std".into(),
            version: Some(self.rust_version.clone()),
            description: Some("The Rust standard library, with what it is built from".into()),
            licenses: expression("MIT OR Apache-2.0"),
            ..Component::default()
        }
    }
}

impl Bom {
    /// As text, under a number that is made of the rest.
    fn json(mut self) -> Result<String> {
        let write = |bom: &Bom| serde_json::to_string_pretty(bom).context("writing the components");
        self.serial_number = serial_number(&write(&self)?);
        Ok(write(&self)? + "\n")
    }
}

/// A UUID of version 8, whose digits are up to the writer: here those of a hash.
fn serial_number(text: &str) -> String {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&Sha256::digest(text)[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut uuid = String::from("urn:uuid:");
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            uuid.push('-');
        }
        uuid += &format!("{byte:02x}");
    }
    uuid
}

fn site_component() -> Component {
    Component {
        r#type: "application",
        bom_ref: "vitrine-site".into(),
        name: "Vitrine".into(),
        version: Some(env!("CARGO_PKG_VERSION").into()),
        licenses: expression("MIT OR Apache-2.0"),
        ..Component::default()
    }
}

fn crate_ref(id: &CrateId) -> String {
    format!("crate:{}@{}", id.name, id.version)
}

fn crate_component(one: &Crate) -> Component {
    let CrateId { name, version } = &one.id;
    let named = |author: &String| Author {
        name: author.clone(),
    };
    Component {
        r#type: "library",
        bom_ref: crate_ref(&one.id),
        authors: one.authors.iter().map(named).collect(),
        name: name.clone(),
        version: Some(version.clone()),
        description: one
            .description
            .as_ref()
            .map(|text| text.split_whitespace().collect::<Vec<_>>().join(" ")),
        hashes: one.sha256.clone().map(hash).into_iter().collect(),
        licenses: expression(&one.licence),
        purl: (!one.is_ours()).then(|| format!("pkg:cargo/{name}@{version}")),
        external_references: (one.repository.iter())
            .map(|url| Reference {
                r#type: "vcs",
                url: url.clone(),
            })
            .collect(),
        properties: (one.programs.iter())
            .map(|program| Property {
                name: "vitrine:compiled-into",
                value: (*program).to_owned(),
            })
            .collect(),
        ..Component::default()
    }
}

fn crate_dependency(one: &Crate) -> Dependency {
    Dependency {
        r#ref: crate_ref(&one.id),
        depends_on: one.needs.iter().map(crate_ref).collect(),
    }
}

fn program_component(program: &Program) -> Component {
    Component {
        r#type: "file",
        bom_ref: format!("file:{}", program.file),
        name: program.file.clone(),
        hashes: vec![hash(program.sha256.clone())],
        ..Component::default()
    }
}

/// A model, and the vocabulary of one that has some.
fn model_components(model: &ModelEntry) -> Vec<Component> {
    let licences = || expression(&model.licence.spdx);
    let made_of = |source: &Source, served: &ServedFile| Component {
        name: served.file.clone(),
        authors: vec![Author {
            name: model.licence.holder.clone(),
        }],
        hashes: vec![hash(served.sha256.clone())],
        licenses: licences(),
        pedigree: Some(Pedigree {
            ancestors: vec![source_component(source)],
        }),
        ..Component::default()
    };
    let mut components = vec![Component {
        r#type: "machine-learning-model",
        bom_ref: format!("model:{}", model.id),
        version: Some(model.source.version.clone()),
        description: Some(format!("{}: {}", model.title, model.summary)),
        model_card: Some(ModelCard {
            model_parameters: ModelParameters {
                task: model.spec.task(),
            },
            quantitative_analysis: QuantitativeAnalysis {
                performance_metrics: model.card.iter().map(metric).collect(),
            },
        }),
        ..made_of(&model.source, &model.served)
    }];
    components.extend(model.vocabulary.as_ref().map(|vocabulary| Component {
        r#type: "data",
        bom_ref: format!("vocabulary:{}", model.id),
        ..made_of(&vocabulary.source, &vocabulary.served)
    }));
    components
}

fn metric(card: &Card) -> Metric {
    let [lower, upper] = card.interval;
    Metric {
        r#type: card.metric.clone(),
        value: card.value.to_string(),
        slice: format!("{}, n = {}", card.dataset, card.n),
        confidence_interval: Interval {
            lower_bound: lower.to_string(),
            upper_bound: upper.to_string(),
        },
    }
}

/// The file in a package that something is made of.
fn source_component(source: &Source) -> Component {
    let Source {
        package,
        version,
        path,
        ..
    } = source;
    let kind = match source.registry {
        PackageRegistry::Pypi => Some("pypi"),
        PackageRegistry::Npm => Some("npm"),
        PackageRegistry::Repository => None,
    };
    Component {
        r#type: "file",
        name: path.clone(),
        version: Some(version.clone()),
        hashes: vec![hash(source.sha256.clone())],
        purl: kind.map(|kind| format!("pkg:{kind}/{package}@{version}#{path}")),
        ..Component::default()
    }
}

fn label_component((name, sha256): &(String, String)) -> Result<Component> {
    let (_, licence) = LABELS
        .iter()
        .find(|(file, _)| file == name)
        .with_context(|| format!("xtask/src/sbom.rs does not say under which licence {name} is"))?;
    Ok(Component {
        r#type: "data",
        bom_ref: format!("labels:{name}"),
        name: format!("labels/{name}"),
        hashes: vec![hash(sha256.clone())],
        licenses: match licence {
            Licence::Expression(text) => expression(text),
            Licence::Named(name) => named_licence(name),
        },
        ..Component::default()
    })
}

fn sample_component(sample: &Sample) -> Component {
    Component {
        r#type: "data",
        bom_ref: format!("sample:{}", sample.file),
        name: format!("samples/{}", sample.file),
        hashes: vec![hash(sample.source.sha256.clone())],
        licenses: named_licence(&sample.credit),
        pedigree: Some(Pedigree {
            ancestors: vec![source_component(&sample.source)],
        }),
        ..Component::default()
    }
}

fn hash(content: String) -> Hash {
    Hash {
        alg: "SHA-256",
        content,
    }
}

fn expression(text: &str) -> Vec<LicenseChoice> {
    vec![LicenseChoice::Expression(text.to_owned())]
}

fn named_licence(name: &str) -> Vec<LicenseChoice> {
    vec![LicenseChoice::License {
        name: name.to_owned(),
    }]
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::process::Command;

    use serde_json::Value;

    use super::*;
    use crate::command::output;
    use crate::toolchain::WASM_TARGET;

    fn bom() -> Value {
        let paths = Paths::find().unwrap();
        let registry = models::registry(&paths).unwrap();
        let program = |package: &'static str| Program {
            file: format!("{package}_bg.wasm"),
            sha256: sha256(package.as_bytes()),
            package,
        };
        let parts = Parts {
            crates: shipped::of_this_checkout(),
            rust_version: "1.2.3".into(),
            labels: labels(&paths, &registry).unwrap(),
            registry: &registry,
            programs: PROGRAMS.map(program).into(),
        };
        let text = parts.bom().unwrap().json().unwrap();
        assert_eq!(text, parts.bom().unwrap().json().unwrap());
        serde_json::from_str(&text).unwrap()
    }

    fn components(bom: &Value) -> &[Value] {
        bom["components"].as_array().unwrap()
    }

    /// The fields that the format requires, and those it gives few values to choose from.
    #[test]
    fn the_list_is_as_the_format_asks() {
        let bom = bom();
        assert_eq!(bom["bomFormat"], "CycloneDX");
        assert_eq!(bom["specVersion"], "1.6");
        let serial = bom["serialNumber"].as_str().unwrap();
        let digits: Vec<usize> = serial["urn:uuid:".len()..]
            .split('-')
            .map(str::len)
            .collect();
        assert_eq!(digits, [8, 4, 4, 4, 12], "{serial}");
        assert!(bom["metadata"].get("timestamp").is_none());
        let mut references = HashSet::from(["vitrine-site"]);
        for component in components(&bom) {
            let kinds = ["library", "file", "data", "machine-learning-model"];
            assert!(kinds.contains(&component["type"].as_str().unwrap()));
            assert!(!component["name"].as_str().unwrap().is_empty());
            for hash in component["hashes"].as_array().into_iter().flatten() {
                assert_eq!(hash["alg"], "SHA-256");
                assert_eq!(hash["content"].as_str().unwrap().len(), 64);
            }
            let is_file = component["type"] == "file";
            assert_eq!(component.get("licenses").is_none(), is_file, "{component}");
            let reference = component["bom-ref"].as_str().unwrap();
            assert!(references.insert(reference), "{reference} stands twice");
            // Two files may be made of one source, which so can have no name of its own.
            let source = &component["pedigree"]["ancestors"][0];
            assert!(source.get("bom-ref").is_none());
        }
        for dependency in bom["dependencies"].as_array().unwrap() {
            let needed = dependency["dependsOn"].as_array().unwrap();
            for reference in needed.iter().chain([&dependency["ref"]]) {
                let reference = reference.as_str().unwrap();
                assert!(references.contains(reference), "{reference}");
            }
        }
    }

    #[test]
    fn every_file_of_the_registry_is_listed_with_its_hash() {
        let bom = bom();
        let registry = models::registry(&Paths::find().unwrap()).unwrap();
        let listed = |kind: &str, name: &str, sha256: &str| {
            let is_it = |component: &&Value| {
                component["type"] == kind
                    && component["name"] == name
                    && component["hashes"][0]["content"] == sha256
            };
            assert!(components(&bom).iter().any(|one| is_it(&one)), "{name}");
        };
        assert!(!registry.models.is_empty() && !registry.samples.is_empty());
        for model in &registry.models {
            let ServedFile { file, sha256, .. } = &model.served;
            listed("machine-learning-model", file, sha256);
            if let Some(vocabulary) = &model.vocabulary {
                listed("data", &vocabulary.served.file, &vocabulary.served.sha256);
            }
        }
        for sample in &registry.samples {
            let name = format!("samples/{}", sample.file);
            listed("data", &name, &sample.source.sha256);
        }
    }

    /// Asked of cargo in another way than the list is made.
    #[test]
    fn every_crate_of_both_programs_is_listed_and_no_other() {
        let bom = bom();
        let listed: HashSet<String> = components(&bom)
            .iter()
            .filter_map(|component| component["bom-ref"].as_str()?.strip_prefix("crate:"))
            .map(str::to_owned)
            .collect();
        let mut compiled = HashSet::new();
        for package in PROGRAMS {
            let tree = output(
                Command::new("cargo")
                    .current_dir(Paths::find().unwrap().root)
                    .args(["tree", "--package", package, "--target", WASM_TARGET])
                    .args(["--edges", "no-dev,no-build,no-proc-macro"])
                    .args(["--prefix", "none", "--no-dedupe"]),
            )
            .unwrap();
            compiled.extend(tree.lines().map(|line| {
                let words: Vec<&str> = line.split_whitespace().take(2).collect();
                words.join("@").replace("@v", "@")
            }));
        }
        assert!(compiled.len() > 100);
        assert_eq!(listed, compiled);
    }

    #[test]
    fn the_serial_number_is_made_of_the_content() {
        assert_eq!(
            serial_number("abc"),
            "urn:uuid:ba7816bf-8f01-8fea-8141-40de5dae2223"
        );
        assert_ne!(serial_number("abc"), serial_number("abd"));
    }

    #[test]
    fn the_programs_of_a_site_are_found_where_it_has_them() {
        let dist = tempfile::tempdir().unwrap();
        let flavour = dist.path().join("engine/simd-0123");
        fs::create_dir_all(&flavour).unwrap();
        for file in [
            dist.path().join("vitrine-4567_bg.wasm"),
            dist.path().join("boot.js"),
            flavour.join("engine_bg.wasm"),
        ] {
            fs::write(file, "abc").unwrap();
        }
        let found = programs(dist.path()).unwrap();
        let found: Vec<_> = (found.iter())
            .map(|program| (program.file.as_str(), program.package))
            .collect();
        assert_eq!(
            found,
            [
                ("vitrine-4567_bg.wasm", "vitrine"),
                ("engine/simd-0123/engine_bg.wasm", "vitrine-worker")
            ]
        );
    }
}
