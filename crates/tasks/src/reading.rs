//! Text in pictures, from pixels to lines in reading order.
//!
//! `detect_input → (the detector) → boxes → cut → line_input → (direction) → (the recogniser) →
//! characters → order`. Corners of lines are in pixels of the original picture throughout.

mod boxes;
mod characters;
mod cut;
mod detect_input;
mod line_input;
mod order;
mod rectangle;
mod regions;
mod widths;

pub use boxes::find_boxes;
pub use characters::{Characters, CharactersError, ReadLine};
pub use cut::{CutLine, cut_line, cut_quad, turned};
pub use detect_input::{DetectorInput, detector_input};
pub use line_input::{line_tensor, line_width, squeezed_tensor};
pub use order::reading_order;
pub use rectangle::Rectangle;
pub use widths::shared_widths;
