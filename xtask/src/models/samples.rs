//! Sample pictures and the strip of small tiles that offer them.

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

/// All tiles side by side, in the order of the registry: one file, because each is a round trip.
pub(super) const TILES: &str = "tiles.jpg";

/// The samples whose picture is not there as it should be.
pub(super) fn missing<'a>(paths: &Paths, samples: &'a [Sample]) -> Result<Vec<&'a Sample>> {
    let folder = paths.samples();
    fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
    let is_served = |sample: &Sample| {
        fs::read(folder.join(&sample.file))
            .is_ok_and(|bytes| sha256(&bytes) == sample.source.sha256)
    };
    Ok(samples.iter().filter(|sample| !is_served(sample)).collect())
}

/// Writes a sample's picture as it is.
pub(super) fn serve(paths: &Paths, sample: &Sample, sources: &Sources) -> Result<()> {
    let bytes = sources.read(&sample.source)?;
    write_whole(&paths.samples().join(&sample.file), &bytes)
}

/// Writes the strip of tiles, where it is missing or `is_stale`. The samples must be there.
pub(super) fn write_tiles(paths: &Paths, samples: &[Sample], is_stale: bool) -> Result<()> {
    let folder = paths.samples();
    let file = folder.join(TILES);
    if !is_stale && file.is_file() {
        return Ok(());
    }
    let pictures = samples
        .iter()
        .map(|sample| {
            let picture = folder.join(&sample.file);
            fs::read(&picture).with_context(|| format!("reading {}", picture.display()))
        })
        .collect::<Result<Vec<_>>>()?;
    write_whole(&file, &tiles(&pictures)?)
}

fn tiles(pictures: &[Vec<u8>]) -> Result<Vec<u8>> {
    let square = PictureInput {
        resize_short_side: TILE_SIDE,
        crop: TILE_SIDE,
        filter: ResizeFilter::Bicubic,
        mean: [0.0; 3],
        std: [1.0; 3],
    };
    let n = u32::try_from(pictures.len()).context("counting the samples")?;
    let mut strip = image::RgbImage::new(n * TILE_SIDE, TILE_SIDE);
    for (at, bytes) in pictures.iter().enumerate() {
        let tile = picture::center_crop(&picture::decode(bytes, &Limits::default())?, &square);
        let left = i64::try_from(at)? * i64::from(TILE_SIDE);
        image::imageops::replace(&mut strip, &tile, left, 0);
    }
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, TILE_QUALITY)
        .encode_image(&strip)
        .context("encoding")?;
    let most = MAX_TILE_BYTES * pictures.len();
    if jpeg.len() > most {
        bail!("the tiles have {} bytes, more than {most}", jpeg.len());
    }
    Ok(jpeg)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_are_squares_side_by_side() {
        let mut png = Vec::new();
        image::RgbImage::from_pixel(400, 300, image::Rgb([200, 10, 10]))
            .write_to(&mut std::io::Cursor::new(&mut png), image::ImageFormat::Png)
            .unwrap();
        let strip = image::load_from_memory(&tiles(&[png.clone(), png]).unwrap()).unwrap();
        assert_eq!((strip.width(), strip.height()), (2 * TILE_SIDE, TILE_SIDE));
    }

    #[test]
    fn what_is_no_picture_gets_no_tile() {
        assert!(tiles(&[b"text".to_vec()]).is_err());
    }
}
