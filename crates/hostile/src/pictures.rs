//! Bad and odd pictures.

use std::io::{Cursor, Write as _};

use flate2::Compression;
use flate2::write::ZlibEncoder;
use image::codecs::gif::GifEncoder;
use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, Frame, ImageFormat, RgbImage, RgbaImage};

use crate::random::Random;
use crate::{Case, Content, Kind, case};

/// Every bad picture, with odd ones that are good.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    not_pictures(&mut cases);
    sizes(&mut cases);
    bombs(&mut cases);
    truncated(&mut cases);
    orientations(&mut cases);
    kinds(&mut cases);
    damaged(&mut cases);
    cases
}

fn picture(name: &str, bytes: impl Into<Vec<u8>>) -> Case {
    case(name, Kind::Picture, bytes)
}

/// Four colours, one a quarter, by which a picture's orientation is seen at its corners.
fn quarters(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        image::Rgb(match (2 * x < width, 2 * y < height) {
            (true, true) => [255, 0, 0],
            (false, true) => [0, 255, 0],
            (true, false) => [0, 0, 255],
            (false, false) => [255, 255, 255],
        })
    })
}

/// Noise, which no format makes small.
fn noise(width: u32, height: u32) -> RgbImage {
    let mut random = Random::seeded(7);
    RgbImage::from_fn(width, height, |_, _| {
        let [red, green, blue, ..] = random.draw().to_le_bytes();
        image::Rgb([red, green, blue])
    })
}

/// An encoded picture. What is encoded here fits its format, so a failure leaves it empty, which the
/// expected answers show.
fn encoded(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    match image.into().write_to(&mut bytes, format) {
        Ok(()) => bytes.into_inner(),
        Err(_) => Vec::new(),
    }
}

fn jpeg(image: RgbImage, quality: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut bytes, quality);
    match DynamicImage::from(image).write_with_encoder(encoder) {
        Ok(()) => bytes,
        Err(_) => Vec::new(),
    }
}

const PNG_START: &[u8] = b"\x89PNG\r\n\x1A\n";

/// A chunk of a PNG with its checksum.
fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let body = [&kind[..], data].concat();
    let length = (data.len() as u32).to_be_bytes();
    let checksum = crc32fast::hash(&body).to_be_bytes();
    [&length[..], &body, &checksum].concat()
}

/// The header of a PNG; colour types are those of its specification: 0 grey, 2 RGB, 3 palette, 6 RGBA.
fn header(width: u32, height: u32, depth: u8, colours: u8) -> Vec<u8> {
    let sides = [width.to_be_bytes(), height.to_be_bytes()].concat();
    chunk(b"IHDR", &[&sides[..], &[depth, colours, 0, 0, 0]].concat())
}

fn deflated(data: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    let written = encoder.write_all(data);
    written.and_then(|()| encoder.finish()).unwrap_or_default()
}

fn png(chunks: &[Vec<u8>]) -> Vec<u8> {
    [PNG_START, &chunks.concat(), &chunk(b"IEND", &[])].concat()
}

/// A good PNG of four pixels, with chunks between its header and its pixels.
fn png_with(chunks: &[Vec<u8>]) -> Vec<u8> {
    let rows = [0, 255, 0, 0, 0, 255, 0, 0, 0, 0, 255, 9, 9, 9];
    let pixels = chunk(b"IDAT", &deflated(&rows));
    png(&[&[header(2, 2, 8, 2)], chunks, &[pixels]].concat())
}

fn not_pictures(cases: &mut Vec<Case>) {
    cases.push(picture("empty.jpg", []));
    cases.push(picture("one-byte.jpg", [0xFF]));
    cases.push(picture("two-bytes.jpg", [0xFF, 0xD8]));
    cases.push(picture("marker-only.jpg", [0xFF, 0xD8, 0xFF]));
    cases.push(picture("signature-only.png", PNG_START));
    cases.push(picture("signature-only.gif", *b"GIF89a"));
    cases.push(picture("signature-only.webp", *b"RIFF\x04\0\0\0WEBP"));
    cases.push(picture(
        "signature-only.bmp",
        *b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0",
    ));
    cases.push(picture("zeros.png", [0; 1000]));
    cases.push(picture("random.jpg", Random::seeded(1).bytes(4096)));
    cases.push(picture("text.jpg", "This is no picture."));
    cases.push(picture(
        "page.png",
        "<!DOCTYPE html><title>Not found</title>",
    ));
    cases.push(picture(
        "drawing.svg",
        "<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
    ));
    cases.push(picture(
        "drawing-named.png",
        "<?xml version=\"1.0\"?>\n<!-- drawn --><svg/>",
    ));
    let entities =
        "<!DOCTYPE svg [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]><svg>&b;</svg>";
    cases.push(picture("drawing-of-entities.svg", entities));
    let endless = format!("<!--{}", "-".repeat(2_000_000));
    cases.push(picture("drawing-without-end.svg", endless));
    let comments = "<!---->".repeat(200_000);
    cases.push(picture("drawing-of-comments.svg", comments));
    cases.push(picture(
        "phone.heic",
        *b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
    ));
    cases.push(picture(
        "picture.avif",
        *b"\0\0\0\x1Cftypavif\0\0\0\0avifmif1miaf",
    ));
    cases.push(picture("scan.tiff", *b"II*\0\x08\0\0\0"));
    cases.push(picture("picture.jxl", *b"\xFF\x0A\x00\x10"));
    cases.push(picture("icon.ico", *b"\0\0\x01\0\x01\0\x10\x10"));
    cases.push(picture("film.mp4", *b"\0\0\0\x18ftypisom\0\0\0\0mp42isom"));
    cases.push(picture("sound.webp", *b"RIFF\x24\0\0\0WAVEfmt "));
    cases.push(picture("document.pdf", *b"%PDF-1.7\n%\xE2\xE3"));
    cases.push(picture("archive.zip", *b"PK\x03\x04\x14\0\0\0"));
    cases.push(picture("program.exe", *b"MZ\x90\0\x03\0\0\0"));
    cases.push(Case {
        content: Content::Repeated {
            pattern: vec![0xFF, 0xD8, 0xFF],
            length: 50_000_001,
        },
        ..picture("over-the-limit.jpg", [])
    });
}

fn sizes(cases: &mut Vec<Case>) {
    let one = quarters(1, 1);
    cases.push(picture("1x1.png", encoded(one.clone(), ImageFormat::Png)));
    cases.push(picture("1x1.jpg", jpeg(one.clone(), 90)));
    cases.push(picture("1x1.gif", encoded(one.clone(), ImageFormat::Gif)));
    cases.push(picture("1x1.bmp", encoded(one.clone(), ImageFormat::Bmp)));
    cases.push(picture("1x1.webp", encoded(one, ImageFormat::WebP)));
    cases.push(picture(
        "16384x1.png",
        encoded(quarters(16_384, 1), ImageFormat::Png),
    ));
    cases.push(picture(
        "1x16384.png",
        encoded(quarters(1, 16_384), ImageFormat::Png),
    ));
    cases.push(picture(
        "20000x1.png",
        encoded(quarters(20_000, 1), ImageFormat::Png),
    ));
    cases.push(picture(
        "1x20000.png",
        encoded(quarters(1, 20_000), ImageFormat::Png),
    ));
    cases.push(picture("20000x1.jpg", jpeg(quarters(20_000, 1), 50)));
    // Noughts pack a thousandfold: a picture just within the limit, and one just beyond.
    let grey = |width: u32, height: u32| {
        let rows = vec![0; (width as usize + 1) * height as usize];
        png(&[
            header(width, height, 8, 0),
            chunk(b"IDAT", &deflated(&rows)),
        ])
    };
    cases.push(picture("16000x3125-of-nothing.png", grey(16_000, 3125)));
    cases.push(picture("16000x3126-of-nothing.png", grey(16_000, 3126)));
    for (width, height) in [(0, 0), (0, 5), (5, 0)] {
        let pixels = chunk(b"IDAT", &deflated(&[]));
        let bytes = png(&[header(width, height, 8, 2), pixels]);
        cases.push(picture(&format!("{width}x{height}.png"), bytes));
    }
}

/// A JPEG whose frame header claims another size.
fn jpeg_of_size(width: u16, height: u16) -> Vec<u8> {
    let mut bytes = jpeg(quarters(16, 16), 80);
    if let Some(at) = find(&bytes, &[0xFF, 0xC0]) {
        bytes[at + 5..at + 7].copy_from_slice(&height.to_be_bytes());
        bytes[at + 7..at + 9].copy_from_slice(&width.to_be_bytes());
    }
    bytes
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

fn bombs(cases: &mut Vec<Case>) {
    let tiny = chunk(b"IDAT", &deflated(&[0; 16]));
    for (width, height, depth, colours) in [
        (50_000, 50_000, 8, 2),
        (50_000, 50_000, 1, 0),
        (16_000, 3000, 8, 2),
        (7000, 7000, 16, 6),
        (5500, 5500, 16, 6),
        (u32::MAX, u32::MAX, 16, 6),
        (0x7FFF_FFFF, 1, 8, 2),
        (0x8000_0000, 1, 8, 2),
        (65_536, 65_536, 8, 6),
    ] {
        let bytes = png(&[header(width, height, depth, colours), tiny.clone()]);
        let name = format!("claims-{width}x{height}-of-{depth}-bits-type-{colours}.png");
        cases.push(picture(&name, bytes));
    }
    for (width, height) in [(65_535, 65_535), (16_000, 3000), (0, 16), (16, 0)] {
        let name = format!("claims-{width}x{height}.jpg");
        cases.push(picture(&name, jpeg_of_size(width, height)));
    }
    let gif = |screen: [u16; 2], frame: [u16; 4]| {
        let mut bytes = b"GIF89a".to_vec();
        bytes.extend(screen.iter().flat_map(|side| side.to_le_bytes()));
        bytes.extend([0x80, 0, 0, 255, 0, 0, 0, 0, 255, 0x2C]);
        bytes.extend(frame.iter().flat_map(|side| side.to_le_bytes()));
        // Codes of two bits: clear, the first colour, end.
        bytes.extend([0, 2, 2, 0x44, 0x01, 0, 0x3B]);
        bytes
    };
    cases.push(picture(
        "claims-65535x65535.gif",
        gif([65_535; 2], [0, 0, 1, 1]),
    ));
    cases.push(picture(
        "claims-16000x3000.gif",
        gif([16_000, 3000], [0, 0, 1, 1]),
    ));
    cases.push(picture(
        "frame-larger-than-screen.gif",
        gif([1, 1], [0, 0, 65_535, 65_535]),
    ));
    cases.push(picture(
        "frame-outside-screen.gif",
        gif([4, 4], [60_000, 60_000, 1, 1]),
    ));
    cases.push(picture("screen-of-nothing.gif", gif([0, 0], [0, 0, 1, 1])));
    cases.push(picture("frame-of-nothing.gif", gif([4, 4], [0, 0, 0, 0])));
    let bmp = |width: i32, height: i32, bits: u16, compression: u32| {
        let mut bytes = b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0".to_vec();
        bytes.extend(width.to_le_bytes());
        bytes.extend(height.to_le_bytes());
        bytes.extend(1_u16.to_le_bytes());
        bytes.extend(bits.to_le_bytes());
        bytes.extend(compression.to_le_bytes());
        bytes.extend([0; 20]);
        bytes.extend([0; 16]);
        bytes
    };
    cases.push(picture(
        "claims-50000x50000.bmp",
        bmp(50_000, 50_000, 24, 0),
    ));
    cases.push(picture("claims-16000x3000.bmp", bmp(16_000, 3000, 24, 0)));
    cases.push(picture("negative-width.bmp", bmp(-2, 2, 24, 0)));
    cases.push(picture("top-down.bmp", bmp(2, -2, 24, 0)));
    cases.push(picture("most-negative-height.bmp", bmp(2, i32::MIN, 24, 0)));
    cases.push(picture(
        "run-lengths-of-nothing.bmp",
        bmp(16_000, 3000, 8, 1),
    ));
    cases.push(picture("holds-a-jpeg.bmp", bmp(2, 2, 0, 4)));
    cases.push(picture("of-3-bits.bmp", bmp(2, 2, 3, 0)));
    let webp = |sides: [u32; 2]| {
        let mut bytes = b"RIFF\x1A\0\0\0WEBPVP8X\x0A\0\0\0\0\0\0\0".to_vec();
        for side in sides {
            bytes.extend(&(side - 1).to_le_bytes()[..3]);
        }
        bytes
    };
    cases.push(picture("claims-16777216x16777216.webp", webp([1 << 24; 2])));
    cases.push(picture("claims-16000x3000.webp", webp([16_000, 3000])));
    for (name, content) in webps_of_several_chunks() {
        cases.push(picture(name, content));
    }
    // Data behind the last row, and text that unpacks to a hundred megabytes.
    let nothing = vec![0; 100_000_000];
    let packed = deflated(&nothing);
    let pixels = chunk(b"IDAT", &packed);
    cases.push(picture(
        "rows-without-end.png",
        png(&[header(1, 1, 8, 2), pixels]),
    ));
    let mut text = b"Comment\0\0".to_vec();
    text.extend(&packed);
    cases.push(picture(
        "packed-text.png",
        png_with(&[chunk(b"zTXt", &text)]),
    ));
    let mut international = b"Comment\0\x01\0\0\0".to_vec();
    international.extend(&packed);
    cases.push(picture(
        "packed-text-of-all-languages.png",
        png_with(&[chunk(b"iTXt", &international)]),
    ));
    let mut profile = b"icc\0\0".to_vec();
    profile.extend(&packed);
    cases.push(picture(
        "packed-profile.png",
        png_with(&[chunk(b"iCCP", &profile)]),
    ));
    let many = vec![chunk(b"tEXt", b"Comment\0x"); 50_000];
    cases.push(picture("50000-comments.png", png_with(&many)));
    let mut frames = Vec::new();
    let mut encoder = GifEncoder::new(&mut frames);
    let small = RgbaImage::from_pixel(2, 2, image::Rgba([255, 0, 0, 255]));
    let n_written = (0..2000)
        .take_while(|_| encoder.encode_frame(Frame::new(small.clone())).is_ok())
        .count();
    drop(encoder);
    cases.push(picture(&format!("{n_written}-frames.gif"), frames));
}

/// A chunk of a WebP, filled up to an even length.
fn riff_chunk(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let length = (content.len() as u32).to_le_bytes();
    let mut chunk = [name, &length[..], content].concat();
    chunk.resize(chunk.len().next_multiple_of(2), 0);
    chunk
}

/// A WebP of several chunks, of which the first gives flags and the size of the canvas.
fn webp_of(flags: u8, (width, height): (u32, u32), chunks: &[Vec<u8>]) -> Vec<u8> {
    let mut canvas = vec![flags, 0, 0, 0];
    for side in [width, height] {
        canvas.extend(&(side - 1).to_le_bytes()[..3]);
    }
    let chunks = [riff_chunk(b"VP8X", &canvas), chunks.concat()].concat();
    riff_chunk(b"RIFF", &[&b"WEBP"[..], &chunks].concat())
}

/// A frame of an animation at the canvas' upper left corner.
fn webp_frame((width, height): (u32, u32), chunks: &[Vec<u8>]) -> Vec<u8> {
    let mut content = vec![0; 6];
    for side in [width, height] {
        content.extend(&(side - 1).to_le_bytes()[..3]);
    }
    content.extend([100, 0, 0, 0]);
    riff_chunk(b"ANMF", &[content, chunks.concat()].concat())
}

/// Animations, and files whose frames are not what the canvas says: decoders take memory for a frame
/// before they compare.
fn webps_of_several_chunks() -> Vec<(&'static str, Vec<u8>)> {
    const ANIMATED: u8 = 0x02;
    const ALPHA: u8 = 0x10;
    let huge = |name| {
        let mut header = vec![0x10, 0, 0, 0x9D, 0x01, 0x2A, 0xFF, 0x3F, 0xFF, 0x3F];
        header.extend([0; 64]);
        riff_chunk(name, &header)
    };
    let alpha = || riff_chunk(b"ALPH", &[0, 255]);
    let still = encoded(quarters(8, 6), ImageFormat::WebP);
    let frame = webp_frame((8, 6), &[still[12..].to_vec()]);
    let animation = riff_chunk(b"ANIM", &[255, 255, 255, 255, 0, 0]);
    let one = (1, 1);
    let animated = |flags, frame: Vec<u8>| webp_of(flags, one, &[animation.clone(), frame]);
    vec![
        (
            "animated.webp",
            webp_of(ANIMATED, (8, 6), &[animation.clone(), frame.clone(), frame]),
        ),
        (
            "frame-larger-than-canvas.webp",
            webp_of(0, one, &[huge(b"VP8 ")]),
        ),
        (
            "frame-larger-than-its-place.webp",
            animated(ANIMATED, webp_frame(one, &[huge(b"VP8 ")])),
        ),
        (
            "clear-frame-larger-than-its-place.webp",
            animated(ANIMATED | ALPHA, webp_frame(one, &[alpha(), huge(b"VP8 ")])),
        ),
        // The header's length says six bytes; decoders read ten.
        ("short-header-then-frame.webp", {
            let mut chunks = riff_chunk(b"VP8X", &[0; 6]);
            chunks.extend([0; 4]);
            chunks.extend(4_u32.to_le_bytes());
            chunks.extend([0; 4]);
            chunks.extend(huge(b"VP8 "));
            riff_chunk(b"RIFF", &[&b"WEBP"[..], &chunks].concat())
        }),
        // The frame ends in the middle of the header within it.
        ("frame-that-ends-in-a-header.webp", {
            let inside = [alpha(), riff_chunk(b"VP8 ", &huge(b"VP8 ")[8..18])].concat();
            let mut frame = webp_frame(one, &[inside]);
            let shorter = (frame.len() - 9) as u32;
            frame[4..8].copy_from_slice(&shorter.to_le_bytes());
            animated(ANIMATED | ALPHA, frame)
        }),
        (
            "frame-by-another-name.webp",
            animated(ANIMATED | ALPHA, webp_frame(one, &[alpha(), huge(b"ABCD")])),
        ),
    ]
}

fn truncated(cases: &mut Vec<Case>) {
    const KB: usize = 1024;
    let pixels = noise(120, 90);
    let files = [
        ("jpg", jpeg(noise(160, 120), 90)),
        ("png", encoded(pixels.clone(), ImageFormat::Png)),
        ("webp", encoded(noise(60, 50), ImageFormat::WebP)),
        ("gif", encoded(noise(60, 50), ImageFormat::Gif)),
        ("bmp", encoded(noise(50, 40), ImageFormat::Bmp)),
    ];
    for (ending, file) in files {
        let n_kb = file.len() / KB;
        for kb in 1..=n_kb {
            let cut = &file[..kb * KB];
            cases.push(picture(&format!("cut-after-{kb}-kb.{ending}"), cut));
        }
        cases.push(picture(
            &format!("cut-last-byte.{ending}"),
            &file[..file.len() - 1],
        ));
        cases.push(picture(
            &format!("cut-last-2-bytes.{ending}"),
            &file[..file.len() - 2],
        ));
        cases.push(picture(
            &format!("cut-after-30-bytes.{ending}"),
            &file[..30],
        ));
        cases.push(picture(&format!("whole.{ending}"), file));
    }
}

/// An EXIF segment of a JPEG that holds one orientation.
fn exif(orientation: u16) -> Vec<u8> {
    let mut tiff = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    tiff.extend(orientation.to_le_bytes());
    tiff.extend([0; 6]);
    tiff
}

fn with_segment(jpeg: &[u8], marker: u8, content: &[u8]) -> Vec<u8> {
    let length = (content.len() as u16 + 2).to_be_bytes();
    [&jpeg[..2], &[0xFF, marker], &length, content, &jpeg[2..]].concat()
}

fn orientations(cases: &mut Vec<Case>) {
    let upright = jpeg(quarters(64, 32), 95);
    for orientation in 0..=9 {
        let content = [&b"Exif\0\0"[..], &exif(orientation)].concat();
        let bytes = with_segment(&upright, 0xE1, &content);
        cases.push(picture(&format!("orientation-{orientation}.jpg"), bytes));
    }
    cases.push(picture(
        "orientation-6.png",
        png_with(&[chunk(b"eXIf", &exif(6))]),
    ));
    let garbage = with_segment(&upright, 0xE1, b"Exif\0\0II*\0\xFF\xFF\xFF\xFF");
    cases.push(picture("orientation-out-of-file.jpg", garbage));
    let endless = with_segment(&upright, 0xE1, b"Exif\0\0II*\0\x08\0\0\0\xFF\xFF");
    cases.push(picture("orientation-65535-entries.jpg", endless));
    let full = with_segment(&upright, 0xE1, &[0xFF; 65_533]);
    cases.push(picture("segment-of-64-kb.jpg", full));
    let mut many = upright.clone();
    for _ in 0..2000 {
        many = [&many[..2], &[0xFF, 0xFE, 0, 3, b'x'], &many[2..]].concat();
    }
    cases.push(picture("2000-comments.jpg", many));
}

/// A JPEG of one block in four inks, coded by hand: ITU-T T.81, with tables of one code each.
fn four_inks(adobe: Option<u8>) -> Vec<u8> {
    let mut bytes = vec![0xFF, 0xD8];
    if let Some(transform) = adobe {
        bytes.extend([0xFF, 0xEE, 0, 14]);
        bytes.extend(b"Adobe\0\x64\0\0\0\0");
        bytes.push(transform);
    }
    bytes.extend([0xFF, 0xDB, 0, 67, 0]);
    bytes.extend([1; 64]);
    bytes.extend([0xFF, 0xC0, 0, 20, 8, 0, 8, 0, 8, 4]);
    for ink in 1..=4 {
        bytes.extend([ink, 0x11, 0]);
    }
    for class in [0x00, 0x10] {
        // One code of one bit, for the value 0: no difference, and no more coefficients.
        bytes.extend([0xFF, 0xC4, 0, 20, class, 1]);
        bytes.extend([0; 15]);
        bytes.push(0);
    }
    bytes.extend([0xFF, 0xDA, 0, 14, 4]);
    for ink in 1..=4 {
        bytes.extend([ink, 0]);
    }
    // Eight bits of code 0: two for each ink.
    bytes.extend([0, 63, 0, 0x00, 0xFF, 0xD9]);
    bytes
}

fn kinds(cases: &mut Vec<Case>) {
    let deep = image::ImageBuffer::<image::Rgba<u16>, _>::from_pixel(
        3,
        3,
        image::Rgba([0x1234, 0x8000, 0xFFFF, 0x7FFF]),
    );
    cases.push(picture(
        "16-bits-with-alpha.png",
        encoded(deep, ImageFormat::Png),
    ));
    let clear = RgbaImage::from_pixel(3, 3, image::Rgba([255, 0, 0, 0]));
    cases.push(picture(
        "wholly-clear.png",
        encoded(clear.clone(), ImageFormat::Png),
    ));
    cases.push(picture(
        "wholly-clear.webp",
        encoded(clear, ImageFormat::WebP),
    ));
    let bit = png(&[header(8, 1, 1, 0), chunk(b"IDAT", &deflated(&[0, 0xAA]))]);
    cases.push(picture("1-bit-grey.png", bit));
    let colours = chunk(b"PLTE", &[255, 0, 0, 0, 0, 255]);
    let palette = |pixel: u8| {
        let pixels = chunk(b"IDAT", &deflated(&[0, pixel]));
        png(&[header(1, 1, 8, 3), colours.clone(), pixels])
    };
    cases.push(picture("palette.png", palette(1)));
    cases.push(picture("colour-beyond-palette.png", palette(200)));
    let without = png(&[header(1, 1, 8, 3), chunk(b"IDAT", &deflated(&[0, 0]))]);
    cases.push(picture("palette-missing.png", without));
    cases.push(picture("four-inks.jpg", four_inks(None)));
    cases.push(picture("four-inks-by-adobe.jpg", four_inks(Some(0))));
    cases.push(picture("four-inks-as-ycck.jpg", four_inks(Some(2))));
    let grey = DynamicImage::from(quarters(16, 16)).to_luma8();
    cases.push(picture("grey.jpg", encoded(grey, ImageFormat::Jpeg)));

    let mut frames = Vec::new();
    let mut encoder = GifEncoder::new(&mut frames);
    for colour in [[255, 0, 0, 255], [0, 0, 255, 255]] {
        let frame = Frame::new(RgbaImage::from_pixel(8, 8, image::Rgba(colour)));
        if encoder.encode_frame(frame).is_err() {
            break;
        }
    }
    drop(encoder);
    cases.push(picture("animated.gif", frames));
    let control = |sequence: u32| {
        let mut data = sequence.to_be_bytes().to_vec();
        data.extend([
            0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 10, 0, 0,
        ]);
        chunk(b"fcTL", &data)
    };
    let mut second = 2_u32.to_be_bytes().to_vec();
    second.extend(deflated(&[0, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1]));
    let rows = deflated(&[0, 255, 0, 0, 255, 0, 0, 0, 255, 0, 0, 255, 0, 0]);
    let animation = |n_frames: u32| {
        let count = [n_frames.to_be_bytes(), [0; 4]].concat();
        png(&[
            header(2, 2, 8, 2),
            chunk(b"acTL", &count),
            control(0),
            chunk(b"IDAT", &rows),
            control(1),
            chunk(b"fdAT", &second),
        ])
    };
    cases.push(picture("animated.png", animation(2)));
    cases.push(picture(
        "animated-4-billion-frames.png",
        animation(u32::MAX),
    ));

    let good = png_with(&[]);
    cases.push(picture("png-named.jpg", good.clone()));
    cases.push(picture("jpeg-named.png", jpeg(quarters(8, 8), 90)));
    cases.push(picture(
        "gif-named.webp",
        encoded(quarters(4, 4), ImageFormat::Gif),
    ));
    cases.push(picture("without-ending", good.clone()));
    // Called texts and tables: the page looks at the bytes before it decides who reads them.
    cases.push(picture("png-named.txt", good.clone()));
    cases.push(picture("jpeg-named.csv", jpeg(quarters(8, 8), 90)));
    cases.push(picture(
        "heic-named.md",
        *b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
    ));
    cases.push(picture("cut-png-named.txt", good[..12].to_vec()));
    let page = [&good[..], b"<script>alert(1)</script>"].concat();
    cases.push(picture("page-behind.png", page));
    let zip = [&jpeg(quarters(8, 8), 90)[..], b"PK\x05\x06", &[0; 18]].concat();
    cases.push(picture("archive-behind.jpg", zip));
    let script = chunk(b"tEXt", b"Comment\0<svg onload=alert(1)>");
    cases.push(picture("script-inside.png", png_with(&[script])));
    let html_gif = [b"GIF89a/*<html>*/=1;".as_slice(), &[0; 20]].concat();
    cases.push(picture("program-as.gif", html_gif));
    cases.push(picture("line-before.png", [b"\n", &good[..]].concat()));
    let two = [&good[..], &good].concat();
    cases.push(picture("two-in-one.png", two));
    let mut long_name = "x".repeat(150);
    long_name += ".png";
    cases.push(picture(&long_name, good));
}

fn damaged(cases: &mut Vec<Case>) {
    let good = png_with(&[]);
    let mut checksum = good.clone();
    checksum[29] ^= 1;
    cases.push(picture("wrong-checksum.png", checksum));
    let pixels = chunk(b"IDAT", &deflated(&[0, 0, 0, 0]));
    cases.push(picture(
        "too-few-rows.png",
        png(&[header(1, 5, 8, 2), pixels.clone()]),
    ));
    cases.push(picture(
        "filter-9.png",
        png(&[header(1, 1, 8, 2), chunk(b"IDAT", &deflated(&[9, 0, 0, 0]))]),
    ));
    cases.push(picture(
        "depth-3.png",
        png(&[header(1, 1, 3, 2), pixels.clone()]),
    ));
    cases.push(picture(
        "colour-type-5.png",
        png(&[header(1, 1, 8, 5), pixels.clone()]),
    ));
    cases.push(picture(
        "not-deflated.png",
        png(&[header(1, 1, 8, 2), chunk(b"IDAT", &[0xFF; 20])]),
    ));
    cases.push(picture("no-pixels.png", png(&[header(1, 1, 8, 2)])));
    cases.push(picture("no-header.png", png(std::slice::from_ref(&pixels))));
    cases.push(picture(
        "header-twice.png",
        png(&[header(1, 1, 8, 2), header(9000, 9000, 8, 2), pixels.clone()]),
    ));
    cases.push(picture(
        "unknown-critical-chunk.png",
        png_with(&[chunk(b"CRIT", &[1])]),
    ));
    let mut endless = [PNG_START, &header(1, 1, 8, 2)].concat();
    endless.extend([0xFF, 0xFF, 0xFF, 0xFF]);
    endless.extend(b"IDAT");
    cases.push(picture("chunk-of-4-gb.png", endless));
    cases.push(picture("converted-line-ends.png", {
        let mut bytes = good.clone();
        bytes.remove(4);
        bytes
    }));

    let plain = jpeg(quarters(16, 16), 80);
    if let Some(at) = find(&plain, &[0xFF, 0xC0]) {
        for (marker, name) in [
            (0xC1, "extended"),
            (0xC2, "progressive"),
            (0xC3, "lossless"),
            (0xC9, "arithmetic"),
        ] {
            let mut bytes = plain.clone();
            bytes[at + 1] = marker;
            cases.push(picture(&format!("called-{name}.jpg"), bytes));
        }
        let mut bits = plain.clone();
        bits[at + 4] = 12;
        cases.push(picture("12-bits.jpg", bits));
        let mut sampling = plain.clone();
        sampling[at + 11] = 0xFF;
        cases.push(picture("sampling-15.jpg", sampling));
        let mut none = plain.clone();
        none[at + 11] = 0;
        cases.push(picture("sampling-0.jpg", none));
        let mut components = plain.clone();
        components[at + 9] = 255;
        cases.push(picture("255-components.jpg", components));
        let mut gone = plain.clone();
        gone.drain(at..at + 19);
        cases.push(picture("no-frame.jpg", gone));
    }
    if let Some(at) = find(&plain, &[0xFF, 0xC4]) {
        let mut table = plain.clone();
        table[at + 5..at + 21].fill(0xFF);
        cases.push(picture("codes-overfull.jpg", table));
    }
    cases.push(picture(
        "restarts-only.jpg",
        [
            &[0xFF, 0xD8][..],
            &[0xFF, 0xD0].repeat(50_000),
            &[0xFF, 0xD9],
        ]
        .concat(),
    ));
    cases.push(picture("padding-only.jpg", vec![0xFF; 1_000_000]));
    cases.push(picture("starts-only.jpg", [0xFF, 0xD8].repeat(100_000)));

    let mut random = Random::seeded(42);
    let files = [
        ("jpg", jpeg(noise(64, 48), 80)),
        ("png", encoded(quarters(64, 48), ImageFormat::Png)),
        ("gif", encoded(quarters(64, 48), ImageFormat::Gif)),
        ("webp", encoded(quarters(64, 48), ImageFormat::WebP)),
        ("bmp", encoded(quarters(16, 12), ImageFormat::Bmp)),
    ];
    for (ending, file) in files {
        for n in 1..=8 {
            let bytes = random.mutated(&file, n);
            cases.push(picture(&format!("{n}-bytes-changed.{ending}"), bytes));
        }
    }
}
