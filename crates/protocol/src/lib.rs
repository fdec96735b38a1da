//! The types that cross a boundary: page to worker, build to page, registry to everything.
//!
//! Nothing here names the web or the inference engine, so the page, the worker, the native
//! command and the build all read the same definitions.

mod catalog;
mod failure;
mod message;
mod prediction;

pub use catalog::{
    Card, Catalog, Conversion, EngineBuild, Flavour, Licence, ModelEntry, PackageRegistry,
    PictureInput, Registry, ResizeFilter, Sample, ScoresOutput, ServedFile, Source, Task,
};
pub use failure::{DownloadError, EngineError, Explanation, Failure, PictureError};
pub use message::{Reply, Request, RequestId};
pub use prediction::{Class, Classification, LoadTimes, Size, StageTimes};
