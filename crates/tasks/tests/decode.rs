//! Files as they come: every readable format, and everything that is wrong with files.

use std::io::Cursor;
use std::path::Path;

use image::{DynamicImage, ImageFormat, RgbImage};
use vitrine_protocol::PictureError;
use vitrine_tasks::picture::{Limits, decode};

const FORMATS: [ImageFormat; 5] = [
    ImageFormat::Jpeg,
    ImageFormat::Png,
    ImageFormat::WebP,
    ImageFormat::Gif,
    ImageFormat::Bmp,
];

/// A picture whose content cannot be guessed from its beginning.
fn busy(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let mixed = (x * 31 + y * 17).wrapping_mul(2_654_435_761) >> 13;
        image::Rgb([mixed as u8, (mixed >> 8) as u8, (x ^ y) as u8])
    })
}

fn encode(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    picture
        .into()
        .write_to(&mut file, format)
        .expect("the picture can be encoded");
    file.into_inner()
}

fn read(file: &[u8]) -> Result<RgbImage, PictureError> {
    decode(file, &Limits::default())
}

fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/pictures");
    std::fs::read(folder.join(name)).expect("the fixture is there")
}

#[test]
fn every_format_is_read_whatever_the_shape() {
    for format in FORMATS {
        for (width, height) in [(1, 1), (64, 48), (300, 1), (1, 300)] {
            let picture = read(&encode(busy(width, height), format));
            assert_eq!(
                picture.map(|p| p.dimensions()),
                Ok((width, height)),
                "{format:?}"
            );
        }
    }
}

#[test]
fn lossless_formats_keep_every_value() {
    for format in [ImageFormat::Png, ImageFormat::WebP, ImageFormat::Bmp] {
        assert_eq!(
            read(&encode(busy(33, 21), format)),
            Ok(busy(33, 21)),
            "{format:?}"
        );
    }
}

#[test]
fn depth_and_channels_become_eight_bit_rgb() {
    let deep = image::ImageBuffer::from_pixel(3, 2, image::Rgb([0_u16, 0x8080, 0xFFFF]));
    let file = encode(DynamicImage::ImageRgb16(deep), ImageFormat::Png);
    assert_eq!(read(&file).unwrap().get_pixel(2, 1).0, [0, 128, 255]);
    let grey = image::GrayImage::from_pixel(3, 2, image::Luma([77]));
    for format in [ImageFormat::Png, ImageFormat::Jpeg] {
        let picture = read(&encode(grey.clone(), format)).unwrap();
        assert_eq!(picture.get_pixel(0, 0).0, [77; 3], "{format:?}");
    }
}

#[test]
fn transparency_lies_on_white() {
    let clear = image::RgbaImage::from_pixel(4, 4, image::Rgba([10, 20, 30, 0]));
    for format in [ImageFormat::Png, ImageFormat::WebP, ImageFormat::Gif] {
        let picture = read(&encode(clear.clone(), format)).unwrap();
        assert_eq!(picture.get_pixel(3, 3).0, [255; 3], "{format:?}");
    }
}

#[test]
fn of_an_animation_the_first_frame_is_read() {
    let picture = read(&fixture("animated.gif")).unwrap();
    assert_eq!(picture.dimensions(), (128, 128));
}

/// A JPEG whose EXIF data names an orientation: the segment comes right behind the start marker.
fn with_orientation(jpeg: &[u8], orientation: u8) -> Vec<u8> {
    let mut tiff = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    tiff.extend([orientation, 0, 0, 0, 0, 0, 0]);
    let length = (tiff.len() + 2) as u16;
    let mut file = jpeg[..2].to_vec();
    file.extend([0xFF, 0xE1]);
    file.extend(length.to_be_bytes());
    file.extend(tiff);
    file.extend(&jpeg[2..]);
    file
}

#[test]
fn all_eight_orientations_are_applied() {
    // Corners: red, green / blue, white. Blocks of 16 pixels keep JPEG from mixing them.
    let corners = RgbImage::from_fn(32, 64, |x, y| match (x < 16, y < 32) {
        (true, true) => image::Rgb([255, 0, 0]),
        (false, true) => image::Rgb([0, 255, 0]),
        (true, false) => image::Rgb([0, 0, 255]),
        (false, false) => image::Rgb([255, 255, 255]),
    });
    let jpeg = encode(corners, ImageFormat::Jpeg);
    // Top left, top right, bottom left, bottom right; from the EXIF 2.3 standard, table 6, where
    // an orientation tells where row 0 and column 0 are to be seen.
    let expected = [
        (1, "rgbw"),
        (2, "grwb"),
        (3, "wbgr"),
        (4, "bwrg"),
        (5, "rbgw"),
        (6, "brwg"),
        (7, "wgbr"),
        (8, "gwrb"),
    ];
    for (orientation, corners) in expected {
        let picture = read(&with_orientation(&jpeg, orientation)).unwrap();
        let (right, bottom) = (picture.width() - 3, picture.height() - 3);
        let met: String = [(2, 2), (right, 2), (2, bottom), (right, bottom)]
            .into_iter()
            .map(
                |(x, y)| match picture.get_pixel(x, y).0.map(|value| value > 128) {
                    [true, false, false] => 'r',
                    [false, true, false] => 'g',
                    [false, false, true] => 'b',
                    [true, true, true] => 'w',
                    other => panic!("{other:?}"),
                },
            )
            .collect();
        assert_eq!(met, corners, "orientation {orientation}");
        assert_eq!(picture.width() > picture.height(), orientation > 4);
    }
}

#[test]
fn an_orientation_that_makes_no_sense_is_ignored() {
    let jpeg = encode(busy(40, 20), ImageFormat::Jpeg);
    let picture = read(&with_orientation(&jpeg, 77)).unwrap();
    assert_eq!(picture.dimensions(), (40, 20));
}

#[test]
fn a_file_cut_anywhere_is_an_error_and_mostly_called_incomplete() {
    for format in FORMATS {
        let whole = encode(busy(90, 70), format);
        for percent in [3, 20, 50, 80, 99] {
            let cut = &whole[..whole.len() * percent / 100];
            let error = read(cut).expect_err("cut files are refused");
            assert!(
                matches!(error, PictureError::Truncated { .. }),
                "{format:?} at {percent} %: {error:?}"
            );
        }
    }
}

#[test]
fn damage_is_an_error_and_no_panic() {
    for format in FORMATS {
        let whole = encode(busy(60, 60), format);
        for start in (12..whole.len().min(400)).step_by(7) {
            let mut damaged = whole.clone();
            for byte in damaged.iter_mut().skip(start).take(5) {
                *byte ^= 0x5A;
            }
            // Some damage only changes colours; what matters is that this returns.
            let _ = read(&damaged);
        }
    }
}

#[test]
fn a_bomb_is_refused_by_its_header() {
    let mut gif = b"GIF89a".to_vec();
    gif.extend([0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0]);
    gif.extend(b",\0\0\0\0\xFF\xFF\xFF\xFF\0");
    assert!(matches!(
        read(&gif),
        Err(PictureError::TooManyPixels {
            width: 65_535,
            height: 65_535,
            ..
        })
    ));
    let mut bmp = encode(busy(4, 4), ImageFormat::Bmp);
    bmp[18..22].copy_from_slice(&30_000_i32.to_le_bytes());
    bmp[22..26].copy_from_slice(&30_000_i32.to_le_bytes());
    assert!(matches!(
        read(&bmp),
        Err(PictureError::TooManyPixels { .. })
    ));
}

#[test]
fn limits_are_named() {
    let limits = Limits {
        max_side: 100,
        ..Limits::default()
    };
    let strip = encode(busy(101, 2), ImageFormat::Png);
    assert_eq!(
        decode(&strip, &limits),
        Err(PictureError::SideTooLong {
            width: 101,
            height: 2,
            limit: 100
        })
    );
    let limits = Limits {
        max_bytes: 10,
        ..Limits::default()
    };
    assert_eq!(
        decode(&strip, &limits),
        Err(PictureError::TooManyBytes {
            bytes: strip.len() as u64,
            limit: 10
        })
    );
}

#[test]
fn what_is_no_picture_is_told_apart() {
    assert_eq!(read(b""), Err(PictureError::Empty));
    assert_eq!(
        read(&fixture("not-a-picture.jpg")),
        Err(PictureError::NotAPicture)
    );
    assert_eq!(read(&fixture("drawing.svg")), Err(PictureError::Svg));
    assert_eq!(
        read(&fixture("photo.heic")),
        Err(PictureError::UnsupportedFormat {
            format: "HEIC".to_owned()
        })
    );
    assert_eq!(
        read(&fixture("truncated.jpg")),
        Err(PictureError::Truncated {
            format: "JPEG".to_owned()
        })
    );
}

/// A PNG of a header and nothing else.
fn header_of_png(width: u32, height: u32) -> Vec<u8> {
    let mut file = encode(busy(1, 1), ImageFormat::Png);
    file[16..20].copy_from_slice(&width.to_be_bytes());
    file[20..24].copy_from_slice(&height.to_be_bytes());
    let checksum = crc32(&file[12..29]);
    file[29..33].copy_from_slice(&checksum.to_be_bytes());
    file
}

/// The checksum of PNG's chunks: ISO/IEC 15948, annex D.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg())
        })
    })
}

#[test]
fn a_row_that_is_too_long_for_the_decoder_is_too_many_pixels() {
    for (width, height) in [(u32::MAX >> 1, 1), (u32::MAX >> 1, u32::MAX >> 1)] {
        let limit = Limits::default().max_pixels;
        let expected = PictureError::TooManyPixels {
            width,
            height,
            limit,
        };
        assert_eq!(read(&header_of_png(width, height)), Err(expected));
    }
}

#[test]
fn rows_that_are_not_there_are_missing_and_not_damaged() {
    let mut file = encode(busy(8, 8), ImageFormat::Bmp);
    // Its header claims more rows; the length it states stays that of the file.
    file[22..26].copy_from_slice(&800_i32.to_le_bytes());
    let format = "BMP".to_owned();
    assert_eq!(read(&file), Err(PictureError::Truncated { format }));
}

#[test]
fn a_jpeg_of_fewer_bits_than_blocks_is_incomplete() {
    let mut file = encode(busy(16, 16), ImageFormat::Jpeg);
    let frame = file.windows(2).position(|marker| marker == [0xFF, 0xC0]);
    let at = frame.expect("the file has a frame");
    file[at + 5..at + 9].copy_from_slice(&[0x0B, 0xB8, 0x3E, 0x80]);
    let format = "JPEG".to_owned();
    assert_eq!(read(&file), Err(PictureError::Truncated { format }));
    // One colour takes least; the bound must not touch it.
    let plain = RgbImage::from_pixel(4000, 3000, image::Rgb([127; 3]));
    let mut smallest = Vec::new();
    let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut smallest, 1);
    DynamicImage::from(plain)
        .write_with_encoder(encoder)
        .expect("the picture can be encoded");
    let met = read(&smallest).map(|picture| picture.dimensions());
    assert_eq!(met, Ok((4000, 3000)));
}
