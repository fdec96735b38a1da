//! Memory that a picture takes beside its pixels. A test of its own program, because the system tells the
//! most memory of a whole process.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use vitrine_tasks::picture::{Limits, decode};

/// The most memory that this process had at once, in KB.
fn peak_kb() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux tells of processes");
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
    number.expect("Linux tells the most memory")
}

fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let body = [&kind[..], data].concat();
    let length = (data.len() as u32).to_be_bytes();
    [&length[..], &body, &crc32fast::hash(&body).to_be_bytes()].concat()
}

/// Zeros that unpack to so many megabytes.
fn deflated_zeros(n_megabytes: usize) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    for _ in 0..n_megabytes {
        encoder
            .write_all(&[0; 1 << 20])
            .expect("memory takes everything");
    }
    encoder.finish().expect("memory takes everything")
}

#[test]
fn no_more_memory_is_taken_than_a_picture_of_one_pixel_needs() {
    let profile = [&b"icc\0\0"[..], &deflated_zeros(200)].concat();
    let pixel = {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder
            .write_all(&[0, 10, 20, 30])
            .expect("memory takes everything");
        encoder.finish().expect("memory takes everything")
    };
    let png = [
        b"\x89PNG\r\n\x1A\n".to_vec(),
        chunk(b"IHDR", &[0, 0, 0, 1, 0, 0, 0, 1, 8, 2, 0, 0, 0]),
        chunk(b"iCCP", &profile),
        chunk(b"IDAT", &pixel),
        chunk(b"IEND", &[]),
    ]
    .concat();
    assert!(png.len() < 300_000, "{} bytes", png.len());
    let before = peak_kb();
    let pixels = decode(&png, &Limits::default()).expect("the profile is left out");
    assert_eq!(pixels.get_pixel(0, 0).0, [10, 20, 30]);
    let taken = peak_kb() - before;
    assert!(taken < 40_000, "{taken} KB were taken for one pixel");

    // A canvas of one pixel, and a frame in VP8 that says it has 268 million.
    let webp = [
        &b"RIFF\x30\0\0\0WEBPVP8X\x0A\0\0\0\0\0\0\0\0\0\0\0\0\0"[..],
        b"VP8 \x0A\0\0\0\x10\0\0\x9D\x01\x2A\xFF\x3F\xFF\x3F",
        &[0; 8],
    ]
    .concat();
    let before = peak_kb();
    let refused = decode(&webp, &Limits::default()).expect_err("the sizes differ");
    assert!(refused.to_string().contains("16383 × 16383"), "{refused}");
    let taken = peak_kb() - before;
    assert!(taken < 40_000, "{taken} KB were taken for one pixel");
}
