//! Reading text stage by stage against rapidocr-onnxruntime.
//!
//! `tests/fixtures/reading_reference.py` made the golden values.

use std::path::{Path, PathBuf};

use image::RgbImage;
use serde::Deserialize;
use vitrine_protocol::{Channels, DetectionInput, DetectionOutput, Point, Size};
use vitrine_tasks::reading::{Characters, cut_quad, detector_input, find_boxes};

/// OpenCV scales in fixed point and rounds to whole levels, of which 127.5 are 1.
const INPUT_TOLERANCE: f32 = 1.5 / 127.5;

/// The reference rounds corners to whole pixels, after polygon clipping in whole pixels of the map.
const CORNER_TOLERANCE: f32 = 2.0;

/// Levels, on average: where corners are rounded the reference stretches by perspective.
const CUT_TOLERANCE: f64 = 6.0;

#[derive(Deserialize)]
struct Golden {
    name: String,
    size: [u32; 2],
    input: Input,
    quads: Vec<[[f32; 2]; 4]>,
    cuts: Vec<[[f32; 2]; 4]>,
    read: Vec<Steps>,
}

#[derive(Deserialize)]
struct Input {
    size: [u32; 2],
    mean: f64,
    every_9973rd: Vec<f32>,
}

#[derive(Deserialize)]
struct Steps {
    classes: Vec<usize>,
    probabilities: Vec<f32>,
    spaces: Vec<f32>,
    text: String,
    score: f32,
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/reading")
}

fn text(name: &str) -> String {
    let file = fixtures().join(name);
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn picture(name: &str) -> RgbImage {
    let file = fixtures().join(name);
    image::open(&file)
        .unwrap_or_else(|error| panic!("{}: {error}", file.display()))
        .into_rgb8()
}

fn golden() -> Vec<Golden> {
    let golden: Vec<Golden> = serde_json::from_str(&text("golden.json")).expect("valid JSON");
    assert!(golden.len() >= 8);
    golden
}

fn size([width, height]: [u32; 2]) -> Size {
    Size { width, height }
}

#[test]
fn detector_inputs_are_the_references() {
    let input = DetectionInput {
        min_short_side: 736,
        max_long_side: 2000,
        multiple: 32,
        channels: Channels::Bgr,
        mean: 127.5,
        std: 127.5,
    };
    for one in golden() {
        let met = detector_input(&picture(&format!("{}.png", one.name)), &input);
        assert_eq!(met.size, size(one.input.size), "{}", one.name);
        let values = &met.tensor.values;
        let sum: f64 = values.iter().map(|value| f64::from(*value)).sum();
        let mean = sum / values.len() as f64;
        assert!((mean - one.input.mean).abs() < 1e-3, "{}: {mean}", one.name);
        for (value, expected) in values.iter().step_by(9973).zip(&one.input.every_9973rd) {
            let off = (value - expected).abs();
            assert!(off <= INPUT_TOLERANCE, "{}: {value} {expected}", one.name);
        }
    }
}

/// Largest distance of corners along one axis.
fn distance(corners: &[Point; 4], quad: &[[f32; 2]; 4]) -> f32 {
    let far = |(a, [x, y]): (&Point, &[f32; 2])| (a.x - x).abs().max((a.y - y).abs());
    corners.iter().zip(quad).map(far).fold(0.0, f32::max)
}

#[test]
fn boxes_are_the_references() {
    let output = DetectionOutput {
        threshold: 0.3,
        box_threshold: 0.5,
        unclip_ratio: 1.6,
        max_candidates: 1000,
        dilate: true,
    };
    for one in golden() {
        let map = picture(&format!("{}.map.png", one.name));
        let probabilities: Vec<f32> = map.pixels().map(|p| f32::from(p.0[0]) / 255.0).collect();
        let map_size = size([map.width(), map.height()]);
        let met = find_boxes(&probabilities, map_size, size(one.size), &output);
        assert_eq!(met.len(), one.quads.len(), "{}", one.name);
        for quad in &one.quads {
            let off = met.iter().map(|met| distance(&met.corners(), quad));
            let nearest = off.fold(f32::INFINITY, f32::min);
            println!("{}: {nearest:.2} pixels", one.name);
            assert!(
                nearest <= CORNER_TOLERANCE,
                "{}: {quad:?} {met:?}",
                one.name
            );
        }
    }
}

#[test]
fn cut_lines_are_the_references() {
    for one in golden() {
        let page = picture(&format!("{}.png", one.name));
        for (at, quad) in one.cuts.iter().enumerate() {
            let expected = picture(&format!("{}.crop{at}.png", one.name));
            let met = cut_quad(&page, quad.map(|[x, y]| Point { x, y })).pixels;
            let off = met.width().abs_diff(expected.width());
            assert!(off.max(met.height().abs_diff(expected.height())) <= 1);
            let width = met.width().min(expected.width());
            let height = met.height().min(expected.height());
            let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
            let sum: u64 = pixels
                .map(|(x, y)| {
                    let level = |picture: &RgbImage| picture.get_pixel(x, y).0[0];
                    u64::from(level(&met).abs_diff(level(&expected)))
                })
                .sum();
            let mean = sum as f64 / f64::from(width * height);
            println!("{} {at}: {mean:.3} levels", one.name);
            assert!(mean <= CUT_TOLERANCE, "{} {at}: {mean}", one.name);
        }
    }
}

/// Probabilities with what the reference had of each step, and 0 elsewhere.
fn probabilities(steps: &Steps, n_classes: usize) -> Vec<f32> {
    let mut values = vec![0.0; steps.classes.len() * n_classes];
    for (at, row) in values.chunks_exact_mut(n_classes).enumerate() {
        row[n_classes - 1] = steps.spaces[at];
        row[steps.classes[at]] = steps.probabilities[at];
    }
    values
}

#[test]
fn characters_are_the_references_but_for_spaces_it_misses() {
    let characters = Characters::parse(&text("characters.txt")).expect("a vocabulary");
    assert_eq!(characters.n_classes(), 6625);
    let without_spaces = |text: &str| text.replace(' ', "");
    for steps in golden().iter().flat_map(|one| &one.read) {
        let met = characters.decode(&probabilities(steps, 6625));
        assert_eq!(without_spaces(&met.text), without_spaces(&steps.text));
        assert!(met.text.matches(' ').count() >= steps.text.matches(' ').count());
        assert!((met.confidence - steps.score).abs() < 1e-4, "{}", met.text);
    }
}
