//! Decoding, scaling and cropping against what Pillow makes of the same files.
//!
//! `tests/fixtures/reference.py` made the crops.

use std::path::{Path, PathBuf};

use image::RgbImage;
use serde::Deserialize;
use vitrine_protocol::{PictureInput, ResizeFilter};
use vitrine_tasks::picture::{Limits, center_crop, decode};

/// JPEG and WebP leave open how chroma is scaled up and how the inverse transform is rounded, so
/// decoders differ by a few levels in places; on average they must agree.
const LOSSY_MEAN: f64 = 0.5;
const LOSSY_LARGEST: u8 = 8;

#[derive(Deserialize)]
struct Manifest {
    pictures: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    picture: String,
    crop: String,
    lossless: bool,
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures")
}

fn read(name: &str) -> Vec<u8> {
    let file = fixtures().join(name);
    std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn manifest() -> Manifest {
    serde_json::from_slice(&read("manifest.json")).expect("the manifest is valid")
}

fn input() -> PictureInput {
    PictureInput {
        resize_short_side: 256,
        crop: 224,
        filter: ResizeFilter::Bicubic,
        mean: [127.0; 3],
        std: [128.0; 3],
    }
}

fn picture(name: &str) -> RgbImage {
    decode(&read(name), &Limits::default()).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Largest and mean difference of two pictures' values.
fn differences(a: &RgbImage, b: &RgbImage) -> (u8, f64) {
    assert_eq!(a.dimensions(), b.dimensions());
    let differences = a
        .as_raw()
        .iter()
        .zip(b.as_raw())
        .map(|(a, b)| a.abs_diff(*b));
    let sum: u64 = differences.clone().map(u64::from).sum();
    (
        differences.max().unwrap_or(0),
        sum as f64 / a.as_raw().len() as f64,
    )
}

#[test]
fn crops_are_pillows() {
    let entries = manifest().pictures;
    assert!(entries.len() >= 8);
    for entry in entries {
        let met = center_crop(&picture(&entry.picture), &input());
        let (largest, mean) = differences(&met, &picture(&entry.crop));
        println!("{}: largest {largest}, mean {mean:.4}", entry.picture);
        if entry.lossless {
            assert_eq!(largest, 0, "{}", entry.picture);
        } else {
            assert!(
                mean <= LOSSY_MEAN && largest <= LOSSY_LARGEST,
                "{}",
                entry.picture
            );
        }
    }
}

#[test]
fn a_picture_stored_on_its_side_comes_out_upright() {
    let upright = center_crop(&picture("pictures/upright.jpg"), &input());
    let turned = center_crop(&picture("pictures/rotated-exif-6.jpg"), &input());
    // Saved as JPEG a second time, so not the same to the level.
    let (_, mean) = differences(&upright, &turned);
    assert!(mean < 2.0, "mean difference {mean}");
}
