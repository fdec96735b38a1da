//! The types that cross a boundary: page to worker, build to page, registry to everything; and what both sides of
//! one tell pictures by.
//!
//! Nothing here names the web or the inference engine, so the page, the worker, the native
//! command and the build all read the same definitions.

mod catalog;
mod failure;
mod gate;
mod message;
mod packed;
mod picture_format;
mod prediction;
mod registry;

pub use catalog::{Catalog, EngineBuild, Flavour};
pub use failure::{
    DownloadError, EngineError, Explanation, Failure, PictureError, Speaker, TextError, fill,
};
pub use gate::{GateError, ModelSummary};
pub use message::{Reply, Request, RequestId, WarmUp};
pub use packed::{Unreadable, pack, unpack};
pub use picture_format::PictureFormat;
pub use prediction::{
    Analysis, AnalysisTimes, Class, Classification, Line, LoadTimes, OperatorShare, PictureFacts,
    Point, Reading, ReadingTimes, RowAnalysis, Size, StageTimes, Stages, TableFacts, TextAnswer,
};
pub use registry::{
    Activation, Card, Channels, CharactersOutput, Chunk, Conversion, DetectionInput,
    DetectionOutput, DirectionOutput, Features, FeaturesInput, FeaturesOutput, Gives, Licence,
    LineInput, ModelEntry, PackageRegistry, PictureInput, Registry, ResizeFilter, Sample,
    ScoresOutput, ServedFile, Source, Spec, TextScoresOutput, TokenInput, Tokeniser, Variant,
    Vocabulary, Weights,
};
#[cfg(feature = "registry")]
pub use registry::{RegistryError, RegistryErrors};
