//! What a file is that is no ONNX model, by its first bytes; its name says nothing.

use vitrine_protocol::GateError;

const ZIP: &str = "a ZIP archive, as PyTorch and Keras save";
const ARCHIVE: &str = "an archive";
const PICTURE: &str = "a picture";

/// Formats by what stands at a position.
const MAGIC: [(usize, &[u8], &str); 17] = [
    (0, b"PK\x03\x04", ZIP),
    (0, b"PK\x05\x06", ZIP),
    (0, b"\x1F\x8B", "a gzip archive"),
    (0, b"\x28\xB5\x2F\xFD", ARCHIVE),
    (0, b"\xFD7zXZ\0", ARCHIVE),
    (0, b"7z\xBC\xAF\x27\x1C", ARCHIVE),
    (0, b"BZh", ARCHIVE),
    (257, b"ustar", ARCHIVE),
    (0, b"\x89HDF\r\n\x1A\n", "HDF5, as older Keras saves"),
    (0, b"GGUF", "GGUF, as llama.cpp reads"),
    (4, b"TFL3", "a TensorFlow Lite model"),
    (4, b"ORTM", "an ONNX Runtime model in ORT format"),
    (0, b"\x93NUMPY", "a NumPy array"),
    (0, b"\x89PNG", PICTURE),
    (0, b"\xFF\xD8\xFF", PICTURE),
    (0, b"GIF8", PICTURE),
    (0, b"%PDF", "a PDF document"),
];

/// Refuses files that do not begin with a field of `ModelProto`, by what they are.
pub(super) fn refuse_other_formats(bytes: &[u8]) -> Result<(), GateError> {
    if bytes.starts_with(b"version https://git-lfs") {
        return Err(GateError::LfsPointer);
    }
    let format = |name: &str| {
        let format = name.to_owned();
        Err(GateError::OtherFormat { format })
    };
    let stands = |(at, magic, _): &&(usize, &[u8], &str)| {
        bytes.get(*at..).is_some_and(|rest| rest.starts_with(magic))
    };
    if let Some((_, _, name)) = MAGIC.iter().find(stands) {
        return format(name);
    }
    if matches!(bytes, [0x80, 2..=5, ..]) {
        return format("a Python pickle, as older PyTorch saves");
    }
    // The length of the header in eight bytes, then the header in JSON.
    if bytes.get(4..9) == Some(b"\0\0\0\0{") {
        return format("safetensors: weights without a graph");
    }
    let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let text = text.trim_ascii_start();
    match text {
        [b'{' | b'[', ..] => format("JSON"),
        [b'<', ..] if is_page(text) => Err(GateError::WebPage),
        [b'<', b'?' | b'!' | b'a'..=b'z' | b'A'..=b'Z', ..] => format("XML"),
        _ if begins_a_model(bytes) => Ok(()),
        _ => Err(GateError::NotAModel),
    }
}

fn is_page(text: &[u8]) -> bool {
    const STARTS: [&[u8]; 6] = [
        b"<!doctype html",
        b"<html",
        b"<head",
        b"<body",
        b"<!--",
        b"<script",
    ];
    let starts = |start: &&[u8]| {
        text.get(..start.len())
            .is_some_and(|met| met.eq_ignore_ascii_case(start))
    };
    STARTS.iter().any(starts)
}

/// True when the first byte is the key of one of the eight fields that `ModelProto` begins with, and
/// what follows is not plain text, whose letters are such keys too.
fn begins_a_model(bytes: &[u8]) -> bool {
    let is_key = match bytes.first() {
        Some(key) if matches!(key >> 3, 1 | 5) => key & 7 == 0,
        Some(key) if matches!(key >> 3, 2..=4 | 6..=8) => key & 7 == 2,
        _ => false,
    };
    let is_letter = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
    is_key && !bytes.iter().take(64).all(is_letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_format(bytes: &[u8], name: &str) {
        let format = name.to_owned();
        let expected = Err(GateError::OtherFormat { format });
        assert_eq!(refuse_other_formats(bytes), expected);
    }

    #[test]
    fn other_formats_are_named() {
        check_format(b"PK\x03\x04\x14\0", ZIP);
        check_format(b"\x1F\x8B\x08\0", "a gzip archive");
        check_format(b"\x80\x02}q\0", "a Python pickle, as older PyTorch saves");
        check_format(b"\x89HDF\r\n\x1A\n\0", "HDF5, as older Keras saves");
        check_format(
            b"\x10\0\0\0\0\0\0\0{\"a\":1}",
            "safetensors: weights without a graph",
        );
        check_format(b"GGUF\x03\0\0\0", "GGUF, as llama.cpp reads");
        check_format(b"\x1C\0\0\0TFL3", "a TensorFlow Lite model");
        check_format(b"\x93NUMPY\x01\0", "a NumPy array");
        check_format(b" \n{\"a\": 1}", "JSON");
        check_format(b"\xEF\xBB\xBF[1]", "JSON");
        check_format(b"<?xml version=\"1.0\"?><svg/>", "XML");
    }

    #[test]
    fn pages_and_pointers_are_told_apart() {
        let page = Err(GateError::WebPage);
        assert_eq!(refuse_other_formats(b"<!DOCTYPE html><title>"), page);
        assert_eq!(refuse_other_formats(b"\r\n <HTML lang=en>"), page);
        let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n";
        let refused = Err(GateError::LfsPointer);
        assert_eq!(refuse_other_formats(pointer), refused);
    }

    #[test]
    fn a_model_begins_with_one_of_its_fields() {
        assert_eq!(refuse_other_formats(&[0x08, 8]), Ok(()));
        assert_eq!(refuse_other_formats(&[0x3A, 0]), Ok(()));
        let other = Err(GateError::NotAModel);
        assert_eq!(refuse_other_formats(b"plain text"), other);
        assert_eq!(refuse_other_formats(b"Begin with a key"), other);
        assert_eq!(refuse_other_formats(&[0x80]), other);
        assert_eq!(refuse_other_formats(&[0; 100]), other);
    }
}
