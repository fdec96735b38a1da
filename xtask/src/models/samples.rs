//! Sample pictures and the small tiles that offer them.

use std::fs;

use anyhow::{Context as _, Result, bail};
use image::codecs::jpeg::JpegEncoder;
use vitrine_protocol::{PictureInput, ResizeFilter, Sample};
use vitrine_tasks::picture::{self, Limits};

use super::fetch::Sources;
use super::{sha256, write_whole};
use crate::paths::Paths;

/// Side of a tile in pixels: twice what it takes on the page, for dense screens.
const TILE_SIDE: u32 = 192;

/// JPEG quality of a tile.
const TILE_QUALITY: u8 = 74;

/// Tiles are downloaded at every first visit, so their size is part of the page's.
const MAX_TILE_BYTES: usize = 12_000;

/// The samples whose picture or tile is not there as it should be.
pub(super) fn missing<'a>(paths: &Paths, samples: &'a [Sample]) -> Result<Vec<&'a Sample>> {
    let folder = paths.samples();
    fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
    let is_served = |sample: &Sample| {
        fs::read(folder.join(&sample.file))
            .is_ok_and(|bytes| sha256(&bytes) == sample.source.sha256)
            && folder.join(tile_file(sample)).is_file()
    };
    Ok(samples.iter().filter(|sample| !is_served(sample)).collect())
}

/// Writes a sample's picture as it is, and its tile.
pub(super) fn serve(paths: &Paths, sample: &Sample, sources: &Sources) -> Result<()> {
    let bytes = sources.read(&sample.source)?;
    let tile = tile(&bytes).with_context(|| format!("making a tile of {}", sample.file))?;
    write_whole(&paths.samples().join(&sample.file), &bytes)?;
    write_whole(&paths.samples().join(tile_file(sample)), &tile)
}

/// File name of a sample's tile: `chelsea.thumb.jpg` for `chelsea.png`.
pub(super) fn tile_file(sample: &Sample) -> String {
    let stem = sample
        .file
        .rsplit_once('.')
        .map_or(sample.file.as_str(), |(stem, _)| stem);
    format!("{stem}.thumb.jpg")
}

fn tile(bytes: &[u8]) -> Result<Vec<u8>> {
    let square = PictureInput {
        resize_short_side: TILE_SIDE,
        crop: TILE_SIDE,
        filter: ResizeFilter::Bicubic,
        mean: [0.0; 3],
        std: [1.0; 3],
    };
    let pixels = picture::center_crop(&picture::decode(bytes, &Limits::default())?, &square);
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, TILE_QUALITY)
        .encode_image(&pixels)
        .context("encoding")?;
    if jpeg.len() > MAX_TILE_BYTES {
        bail!(
            "the tile has {} bytes, more than {MAX_TILE_BYTES}",
            jpeg.len()
        );
    }
    Ok(jpeg)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tile_is_a_small_square() {
        let mut png = Vec::new();
        image::RgbImage::from_pixel(400, 300, image::Rgb([200, 10, 10]))
            .write_to(&mut std::io::Cursor::new(&mut png), image::ImageFormat::Png)
            .unwrap();
        let tile = image::load_from_memory(&tile(&png).unwrap()).unwrap();
        assert_eq!((tile.width(), tile.height()), (TILE_SIDE, TILE_SIDE));
    }

    #[test]
    fn what_is_no_picture_gets_no_tile() {
        assert!(tile(b"text").is_err());
    }
}
