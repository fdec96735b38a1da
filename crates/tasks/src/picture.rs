//! Pictures, from a file's bytes to a model's input.

mod complete;
mod decode;
mod flatten;
mod limits;
mod orient;
mod preprocess;
mod resize;
mod thumbnail;
mod webp;

pub use decode::decode;
pub use limits::Limits;
pub use preprocess::{center_crop, prepare};
pub use resize::resize_bilinear;
pub use thumbnail::{Thumbnail, thumbnail};
