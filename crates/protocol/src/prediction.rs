//! Answers and how long they took.

use serde::{Deserialize, Serialize};

/// Width and height in pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
}

/// One class with its score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Class {
    /// Position in the model's output.
    pub index: usize,
    /// Name for people.
    pub label: String,
    /// The model's raw output.
    pub logit: f32,
    /// Softmax over all classes, 0 to 1.
    pub probability: f32,
}

/// What a picture was classified as.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Classification {
    /// The model's id.
    pub model: String,
    /// Best first.
    pub classes: Vec<Class>,
    /// Size of the picture as a person sees it, after its EXIF orientation.
    pub size: Size,
    /// Size of the thumbnail that travels beside the answer.
    pub thumbnail: Size,
    /// How long each stage took.
    pub times: StageTimes,
}

/// Milliseconds per stage of one inference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StageTimes {
    /// File bytes to oriented RGB pixels.
    pub decode: f64,
    /// Pixels to the input tensor.
    pub preprocess: f64,
    /// Input tensor to output tensor.
    pub infer: f64,
    /// Output tensor to named classes.
    pub postprocess: f64,
}

impl StageTimes {
    /// Milliseconds of all stages together.
    pub fn total(&self) -> f64 {
        self.decode + self.preprocess + self.infer + self.postprocess
    }

    /// The stages with their names, in the order they run.
    pub fn stages(&self) -> [(&'static str, f64); 4] {
        [
            ("Decode", self.decode),
            ("Preprocess", self.preprocess),
            ("Infer", self.infer),
            ("Postprocess", self.postprocess),
        ]
    }
}

/// Milliseconds per part of loading a model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LoadTimes {
    /// File bytes to the engine's graph.
    pub parse: f64,
    /// Graph to execution plan.
    pub optimise: f64,
    /// First runs, after which times are steady.
    pub warm_up: f64,
}
