//! Sizes that a WebP file states more than once. The decoder takes memory for what a frame says of itself
//! before it compares that with the canvas, and in one kind of animation it never compares.

use super::complete::declared;

/// Width and height.
type Size = (u32, u32);

/// Refuses a file in which a frame in VP8 has another size than the canvas, or its place in the animation,
/// gives it (WebP container specification, RFC 9649, section 2.7). What is cut off is left to the decoder.
///
/// # Errors
/// Both sizes, in words.
pub(super) fn check_frames(bytes: &[u8]) -> Result<(), String> {
    let Some((b"VP8X", canvas)) = bytes.get(12..).and_then(first_chunk) else {
        // With one chunk alone there is one size.
        return Ok(());
    };
    let side = |at: usize| Some(u32_of(canvas.get(at..at + 3)?) + 1);
    let (Some(width), Some(height)) = (side(4), side(7)) else {
        return Ok(());
    };
    for (name, content) in chunks(&bytes[12..]) {
        match name {
            b"VP8 " => check_lossy(content, (width, height))?,
            b"ANMF" => check_animated(content)?,
            _ => {}
        }
    }
    Ok(())
}

/// A frame of an animation: its place, then its chunks.
fn check_animated(frame: &[u8]) -> Result<(), String> {
    let (Some(place), Some(inside)) = (frame.get(..16), frame.get(16..)) else {
        return Ok(());
    };
    let size = (u32_of(&place[6..9]) + 1, u32_of(&place[9..12]) + 1);
    let mut follows_alpha = false;
    for (name, content) in chunks(inside) {
        // What follows transparency is read as VP8 whatever it is called.
        if name == b"VP8 " || follows_alpha {
            check_lossy(content, size)?;
        }
        follows_alpha = name == b"ALPH";
    }
    Ok(())
}

/// The header of a key frame in VP8 (RFC 6386, section 9.1): three bytes of flags, a mark, the sizes.
fn check_lossy(content: &[u8], (width, height): Size) -> Result<(), String> {
    let Some(&[_, _, _, 0x9D, 0x01, 0x2A, w0, w1, h0, h1]) = content.first_chunk() else {
        return Ok(());
    };
    // The two bits above say how it is to be scaled.
    let side = |low, high| u32::from(u16::from_le_bytes([low, high]) & 0x3FFF);
    let met = (side(w0, w1), side(h0, h1));
    match met == (width, height) {
        true => Ok(()),
        false => Err(format!(
            "a frame says that it has {} × {} pixels where {width} × {height} belong",
            met.0, met.1
        )),
    }
}

/// Names and contents of chunks one after another; the last as far as it goes.
fn chunks(mut bytes: &[u8]) -> impl Iterator<Item = (&[u8; 4], &[u8])> {
    std::iter::from_fn(move || {
        let (name, content) = first_chunk(bytes)?;
        // Contents of odd length are filled up.
        let rest = 8 + content.len() + content.len() % 2;
        bytes = bytes.get(rest..).unwrap_or_default();
        Some((name, content))
    })
}

fn first_chunk(bytes: &[u8]) -> Option<(&[u8; 4], &[u8])> {
    let (name, behind) = bytes.split_first_chunk()?;
    let length = declared(bytes, 4)?;
    let content = behind.get(4..)?;
    Some((name, &content[..length.min(content.len())]))
}

/// Three bytes, the lowest first.
fn u32_of(bytes: &[u8]) -> u32 {
    let sum = |sum, byte: &u8| sum << 8 | u32::from(*byte);
    bytes.iter().rev().fold(0, sum)
}
