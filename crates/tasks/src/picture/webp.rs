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
    let Some(inside) = bytes.get(12..).filter(|inside| inside.starts_with(b"VP8X")) else {
        // With one chunk alone there is one size.
        return Ok(());
    };
    // The decoder reads the canvas here however long the chunk says it is.
    let Some(canvas) = inside.get(12..18) else {
        return Ok(());
    };
    for chunk in chunks(inside) {
        match chunk.name {
            b"VP8 " => check_lossy(chunk.content, size(canvas))?,
            b"ANMF" => check_animated(&chunk)?,
            _ => {}
        }
    }
    Ok(())
}

/// A frame of an animation: its place, then its chunks.
fn check_animated(frame: &Chunk<'_>) -> Result<(), String> {
    let (Some(place), Some(inside)) = (frame.from_here.get(6..12), frame.from_here.get(16..))
    else {
        return Ok(());
    };
    let end = frame.content.len().saturating_sub(16);
    let mut follows_alpha = false;
    // Where a chunk goes on behind the frame's end, so does the decoder.
    for chunk in chunks(inside).take_while(|chunk| inside.len() - chunk.from_here.len() < end) {
        // What follows transparency is read as VP8 whatever it is called.
        if chunk.name == b"VP8 " || follows_alpha {
            check_lossy(chunk.content, size(place))?;
        }
        follows_alpha = chunk.name == b"ALPH";
    }
    Ok(())
}

/// Width and height, each less one, in three bytes.
fn size(six: &[u8]) -> Size {
    (u32_of(&six[..3]) + 1, u32_of(&six[3..]) + 1)
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

/// A part of a file in RIFF.
struct Chunk<'a> {
    name: &'a [u8; 4],
    /// As far as the file goes.
    content: &'a [u8],
    /// The content and all behind it.
    from_here: &'a [u8],
}

/// Chunks one after another.
fn chunks(mut bytes: &[u8]) -> impl Iterator<Item = Chunk<'_>> {
    std::iter::from_fn(move || {
        let length = declared(bytes, 4)?;
        let (name, from_here) = (bytes.first_chunk()?, &bytes[8..]);
        let content = &from_here[..length.min(from_here.len())];
        // Contents of odd length are filled up.
        bytes = from_here.get(length + length % 2..).unwrap_or_default();
        Some(Chunk {
            name,
            content,
            from_here,
        })
    })
}

/// Three bytes, the lowest first.
fn u32_of(bytes: &[u8]) -> u32 {
    let sum = |sum, byte: &u8| sum << 8 | u32::from(*byte);
    bytes.iter().rev().fold(0, sum)
}
