//! Bad models.

use prost::Message as _;
use prost::encoding::{WireType, encode_key, encode_varint};
use vitrine_onnx::format::{
    Attribute, FLOAT, Graph, INT64, Model, Node, OperatorSet, Tensor, ValueInfo,
};

use crate::random::Random;
use crate::{Case, Content, Kind, Stage, case};

/// Every bad model, with a few odd ones that are good.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    other_formats(&mut cases);
    cut_or_changed(&mut cases);
    wire(&mut cases);
    versions_and_parts(&mut cases);
    counts(&mut cases);
    shapes(&mut cases);
    computed(&mut cases);
    payloads(&mut cases);
    order(&mut cases);
    for_the_engine(&mut cases);
    cases
}

fn model(name: &str, bytes: impl Into<Vec<u8>>) -> Case {
    case(format!("{name}.onnx"), Kind::Model, bytes)
}

/// `logits = relu(x) · weights`.
fn good() -> Model {
    let weights: Vec<f32> = (0..256 * 10).map(|n| (n % 17) as f32 / 17.0).collect();
    Model::new(Graph {
        name: "good".to_owned(),
        node: vec![
            Node::new("Relu", "hidden", &["x"], vec![]),
            Node::new("MatMul", "logits", &["hidden", "weights"], vec![]),
        ],
        initializer: vec![Tensor::f32("weights", &[256, 10], &weights)],
        input: vec![ValueInfo::f32("x", &[1, 256])],
        output: vec![ValueInfo::f32("logits", &[1, 10])],
    })
}

/// The good model with a change to its graph.
fn changed(change: impl FnOnce(&mut Graph)) -> Vec<u8> {
    let mut model = good();
    change(model.graph.get_or_insert_default());
    model.to_bytes()
}

/// The good model whose weights are another tensor.
fn with_weights(change: impl FnOnce(&mut Tensor)) -> Vec<u8> {
    changed(|graph| change(&mut graph.initializer[0]))
}

/// Writes a field that holds a message, a text or bytes.
fn put(number: u32, content: &[u8], into: &mut Vec<u8>) {
    encode_key(number, WireType::LengthDelimited, into);
    encode_varint(content.len() as u64, into);
    into.extend_from_slice(content);
}

fn put_int(number: u32, value: i64, into: &mut Vec<u8>) {
    encode_key(number, WireType::Varint, into);
    encode_varint(value as u64, into);
}

/// A message of the given fields.
fn message(fields: &[(u32, &[u8])]) -> Vec<u8> {
    let mut message = Vec::new();
    for (number, content) in fields {
        put(*number, content, &mut message);
    }
    message
}

/// A file around the content of a graph.
fn around(graph: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    put_int(1, 8, &mut file);
    put(7, graph, &mut file);
    let mut operators = Vec::new();
    put_int(2, 13, &mut operators);
    put(8, &operators, &mut file);
    file
}

/// The good model with more fields in its graph.
fn with_fields(fields: &[(u32, &[u8])]) -> Vec<u8> {
    let mut graph = good().graph.unwrap_or_default().encode_to_vec();
    for (number, content) in fields {
        put(*number, content, &mut graph);
    }
    around(&graph)
}

fn other_formats(cases: &mut Vec<Case>) {
    cases.push(model("format-empty", []));
    cases.push(model("format-one-byte", [0x08]));
    cases.push(model(
        "format-lfs-pointer",
        "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n",
    ));
    cases.push(model(
        "format-html",
        "<!DOCTYPE html>\n<html><head><title>Sign in</title></head></html>",
    ));
    cases.push(model(
        "format-html-upper",
        "\r\n\r\n<HTML><BODY>404</BODY></HTML>",
    ));
    cases.push(model(
        "format-xml",
        "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>",
    ));
    cases.push(model(
        "format-json",
        "{\"error\": \"Repository not found\"}",
    ));
    cases.push(model("format-json-bom", "\u{FEFF}[1, 2, 3]"));
    cases.push(model("format-plain-text", "Entry not found"));
    cases.push(model(
        "format-text-like-a-key",
        "Big models are kept elsewhere.",
    ));
    cases.push(model(
        "format-zip",
        *b"PK\x03\x04\x14\0\0\0\x08\0archive/data.pkl",
    ));
    cases.push(model(
        "format-zip-empty",
        [&b"PK\x05\x06"[..], &[0; 18]].concat(),
    ));
    cases.push(model("format-gzip", *b"\x1F\x8B\x08\0\0\0\0\0\0\x03"));
    cases.push(model("format-zstd", *b"\x28\xB5\x2F\xFD\x04\0"));
    let mut tar = vec![0; 512];
    tar[..10].copy_from_slice(b"model.onnx");
    tar[257..262].copy_from_slice(b"ustar");
    cases.push(model("format-tar", tar));
    cases.push(model("format-pickle-2", *b"\x80\x02}q\0X\x05\0\0\0state"));
    cases.push(model("format-pickle-5", *b"\x80\x05\x95\0\0\0\0\0\0\0\0}"));
    cases.push(model(
        "format-hdf5",
        *b"\x89HDF\r\n\x1A\n\0\0\0\0\0\x08\x08\0",
    ));
    cases.push(model(
        "format-safetensors",
        *b"\x40\0\0\0\0\0\0\0{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
    ));
    cases.push(model("format-gguf", *b"GGUF\x03\0\0\0\0\0\0\0"));
    cases.push(model("format-tflite", *b"\x1C\0\0\0TFL3\x14\0\x20\0"));
    cases.push(model("format-ort", *b"\x1C\0\0\0ORTM\0\0\0\0"));
    cases.push(model("format-numpy", *b"\x93NUMPY\x01\0v\0{'descr'"));
    cases.push(model("format-png", *b"\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR"));
    cases.push(model("format-pdf", *b"%PDF-1.7\n%\xE2\xE3\xCF\xD3"));
    cases.push(model("format-zeros", [0; 4096]));
    cases.push(model("format-ones", [0xFF; 4096]));
    for seed in 0..4 {
        let bytes = Random::seeded(seed).bytes(4096);
        cases.push(model(&format!("format-random-{seed}"), bytes));
    }
    cases.push(Case {
        content: Content::Repeated {
            pattern: vec![0x08, 0x08],
            length: 200_000_001,
        },
        ..model("size-over-the-limit", [])
    });
}

fn cut_or_changed(cases: &mut Vec<Case>) {
    let file = good().to_bytes();
    for tenth in 1..10 {
        let cut = &file[..file.len() * tenth / 10];
        cases.push(model(&format!("truncated-{tenth}0-percent"), cut));
    }
    for n_bytes in [1, 2, 3, 5, 10, 20] {
        let cut = &file[..file.len() - n_bytes];
        cases.push(model(&format!("truncated-last-{n_bytes}"), cut));
        cases.push(model(
            &format!("truncated-after-{n_bytes}"),
            &file[..n_bytes],
        ));
    }
    cases.push(model("zero-behind-the-end", [&file[..], &[0]].concat()));
    cases.push(model(
        "page-behind-the-end",
        [&file[..], b"<html>"].concat(),
    ));
    let mut middle_lost = file.clone();
    middle_lost.drain(100..200);
    cases.push(model("middle-lost", middle_lost));
    let crlf: Vec<u8> = (file.iter())
        .flat_map(|byte| {
            if *byte == b'\n' {
                vec![b'\r', b'\n']
            } else {
                vec![*byte]
            }
        })
        .collect();
    cases.push(model("line-ends-rewritten", crlf));
    let mut random = Random::seeded(5);
    for n in 1..=8 {
        // The first half kilobyte holds everything but the weights.
        let head = random.mutated(&file[..512], n);
        let bytes = [&head, &file[512..]].concat();
        cases.push(model(&format!("{n}-bytes-changed"), bytes));
    }
    let lossy = String::from_utf8_lossy(&file).into_owned();
    cases.push(model("read-as-text", lossy));
}

fn wire(cases: &mut Vec<Case>) {
    let start = [0x08, 8];
    let with = |rest: &[u8]| [&start[..], rest].concat();
    cases.push(model("wire-group-start", with(&[0x3B])));
    cases.push(model("wire-group-end", with(&[0x3C])));
    cases.push(model("wire-type-6", with(&[0x3E])));
    cases.push(model("wire-type-7", with(&[0x3F])));
    cases.push(model("wire-field-0", with(&[0x00, 0])));
    cases.push(model(
        "wire-key-33-bits",
        with(&[0x80, 0x80, 0x80, 0x80, 0x10, 0]),
    ));
    cases.push(model(
        "wire-varint-11-bytes",
        [&[0x08][..], &[0xFF; 11]].concat(),
    ));
    cases.push(model(
        "wire-varint-65-bits",
        [
            0x08, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F,
        ],
    ));
    cases.push(model(
        "wire-length-64-bits",
        with(&[
            0x3A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1,
        ]),
    ));
    cases.push(model("wire-graph-as-number", with(&[0x38, 1])));
    cases.push(model(
        "wire-version-as-text",
        [0x08, 8, 0x42, 3, 0x12, 1, 55],
    ));
    cases.push(model("wire-node-as-number", around(&[0x08, 1])));
    cases.push(model("wire-node-runs-past-graph", around(&[0x0A, 100, 1])));
    cases.push(model(
        "wire-name-not-utf8",
        with_fields(&[(1, &message(&[(1, b"\xFF\xFE")]))]),
    ));
    cases.push(model(
        "wire-note-not-utf8",
        with_fields(&[(10, b"caf\xE9")]),
    ));
    let mut unended = Vec::new();
    put(1, &[0x80], &mut unended);
    cases.push(model(
        "wire-packed-dims-unended",
        with_fields(&[(5, &unended)]),
    ));
    let mut odd = Vec::new();
    put_int(2, 1, &mut odd);
    put(4, &[0; 7], &mut odd);
    cases.push(model(
        "wire-packed-floats-unended",
        with_fields(&[(5, &odd)]),
    ));
    let mut twice = good().to_bytes();
    put(7, &[], &mut twice);
    cases.push(model("wire-graph-twice", twice));
    let tensor = Tensor::f32("t", &[1], &[1.0]).encode_to_vec();
    let attribute = message(&[(1, b"value"), (5, &tensor), (5, &tensor)]);
    let node = message(&[(2, b"constant"), (4, b"Constant"), (5, &attribute)]);
    cases.push(model("wire-tensor-twice", with_fields(&[(1, &node)])));
    let raw_twice = message(&[(9, &[0; 4]), (9, &[0; 4])]);
    cases.push(model(
        "wire-raw-data-twice",
        with_fields(&[(5, &raw_twice)]),
    ));
    let mut unknown = good().to_bytes();
    put(4_000_000, b"from a later version", &mut unknown);
    cases.push(model("good-with-unknown-field", unknown));
}

fn versions_and_parts(cases: &mut Vec<Case>) {
    for version in [0, 2, 99, -1] {
        let mut old = good();
        old.ir_version = version;
        cases.push(model(&format!("format-version-{version}"), old.to_bytes()));
    }
    for version in [0, 6, 99, -1] {
        let mut old = good();
        old.opset_import[0].version = version;
        cases.push(model(&format!("operator-set-{version}"), old.to_bytes()));
    }
    let mut without = good();
    without.opset_import.clear();
    cases.push(model("operator-set-missing", without.to_bytes()));
    let mut elsewhere = good();
    elsewhere.opset_import[0].domain = "com.example".to_owned();
    cases.push(model("operator-set-of-others-only", elsewhere.to_bytes()));
    let mut bare = good();
    bare.graph = None;
    cases.push(model("no-graph", bare.to_bytes()));
    let mut functions = good().to_bytes();
    put(25, &message(&[(1, b"mine")]), &mut functions);
    cases.push(model("functions", functions));
    let mut training = good().to_bytes();
    put(20, &[], &mut training);
    cases.push(model("training", training));
    let values = Tensor::f32("sparse", &[1], &[1.0]).encode_to_vec();
    let sparse = message(&[(1, &values)]);
    cases.push(model("sparse-initialiser", with_fields(&[(15, &sparse)])));
    let attribute = message(&[(1, b"sparse_value"), (22, &sparse)]);
    let node = message(&[(2, b"constant"), (4, b"Constant"), (5, &attribute)]);
    cases.push(model("sparse-attribute", with_fields(&[(1, &node)])));

    let external = |file: &str| {
        let location = message(&[(1, b"location"), (2, file.as_bytes())]);
        let length = message(&[(1, b"length"), (2, b"4096")]);
        let mut tensor = Tensor::f32("far", &[1024], &[]).encode_to_vec();
        put(13, &location, &mut tensor);
        put(13, &length, &mut tensor);
        put_int(14, 1, &mut tensor);
        with_fields(&[(5, &tensor)])
    };
    cases.push(model("external-data", external("model.onnx.data")));
    cases.push(model(
        "external-data-climbing",
        external("../../../../etc/passwd"),
    ));
    cases.push(model("external-data-device", external("/dev/zero")));
    cases.push(model(
        "external-data-turned",
        external("weights\u{202E}xnno.atad"),
    ));
    cases.push(model("external-data-long", external(&"a/".repeat(500))));
    let mut unnamed = Tensor::f32("far", &[1], &[]).encode_to_vec();
    put_int(14, 1, &mut unnamed);
    cases.push(model(
        "external-data-unnamed",
        with_fields(&[(5, &unnamed)]),
    ));
}

/// Graphs in `If` nodes, one in another, made from the inside so that none is copied twice.
fn nested(n_levels: usize) -> Vec<u8> {
    let mut graph = Vec::new();
    for _ in 0..n_levels {
        let attribute = message(&[(1, b"then_branch"), (6, &graph)]);
        let node = message(&[(4, b"If"), (5, &attribute)]);
        graph = message(&[(1, &node)]);
    }
    around(&graph)
}

/// A type of sequences of sequences.
fn nested_type(n_levels: usize) -> Vec<u8> {
    let mut kind = Vec::new();
    for _ in 0..n_levels {
        kind = message(&[(4, &message(&[(1, &kind)]))]);
    }
    with_fields(&[(13, &message(&[(1, b"deep"), (2, &kind)]))])
}

fn counts(cases: &mut Vec<Case>) {
    cases.push(model("nested-25-graphs", nested(25)));
    cases.push(model("nested-1000-graphs", nested(1000)));
    cases.push(model("nested-100-types", nested_type(100)));
    cases.push(model(
        "many-nodes",
        changed(|graph| {
            let identity = |n: usize| Node::new("Identity", &format!("n{n}"), &["x"], vec![]);
            graph.node.extend((0..20_000).map(identity));
        }),
    ));
    cases.push(model(
        "many-empty-nodes",
        around(&message(&vec![(1, &[][..]); 1_000_000])),
    ));
    cases.push(model(
        "many-tensors",
        changed(|graph| {
            let one = |n: usize| Tensor::f32(&format!("t{n}"), &[], &[1.0]);
            graph.initializer.extend((0..20_000).map(one));
        }),
    ));
    let attributes = vec![(5, &[][..]); 500_000];
    cases.push(model(
        "many-empty-attributes",
        around(&message(&[(1, &message(&attributes))])),
    ));
    let inputs = vec![(1, &[][..]); 500_000];
    cases.push(model(
        "many-empty-inputs",
        around(&message(&[(1, &message(&inputs))])),
    ));
    let infos = vec![(13, &[][..]); 500_000];
    cases.push(model("many-value-infos", around(&message(&infos))));
    let mut operators = good().to_bytes();
    operators.extend(message(&vec![(8, &[][..]); 500_000]));
    cases.push(model("many-operator-sets", operators));
    let mut metadata = good().to_bytes();
    metadata.extend(message(&vec![(14, &[][..]); 500_000]));
    cases.push(model("many-metadata", metadata));
    let attribute = message(&[(1, b"ints"), (8, &[1; 1_000_001])]);
    let node = message(&[(4, b"Constant"), (5, &attribute)]);
    cases.push(model("many-list-values", around(&message(&[(1, &node)]))));
    let strings = vec![(9, &[][..]); 500_000];
    let node = message(&[(4, b"Constant"), (5, &message(&strings))]);
    cases.push(model("many-list-texts", around(&message(&[(1, &node)]))));
    cases.push(model(
        "many-axes-17",
        with_weights(|tensor| tensor.dims = vec![1; 17]),
    ));
    cases.push(model(
        "many-axes-1000000",
        with_weights(|tensor| tensor.dims = vec![1; 1_000_000]),
    ));
    let long = "n".repeat(5000);
    cases.push(model(
        "long-name",
        changed(|graph| graph.node[0].name = long),
    ));
    cases.push(model("long-note", with_fields(&[(10, &[b'x'; 2_000_000])])));
}

fn shapes(cases: &mut Vec<Case>) {
    let max = i64::from(i32::MAX);
    let shapes: [(&str, &[i64]); 14] = [
        ("negative", &[-1, 10]),
        ("most-negative", &[i64::MIN]),
        ("most-positive", &[i64::MAX]),
        ("wraps-to-one", &[4_294_967_297, 2560]),
        ("wraps-to-2560", &[4_294_967_296 + 2560]),
        ("product-wraps-to-zero", &[65_536, 65_536]),
        ("product-wraps-to-65536", &[65_536, 65_537]),
        ("bytes-wrap-to-zero", &[32_768, 32_768]),
        ("bytes-at-2-gb", &[536_870_912]),
        ("product-overflows-64-bits", &[max, max, max]),
        ("overflows-behind-zero", &[max, max, max, 0]),
        ("zero-then-overflow", &[0, max, max, max]),
        ("other-product", &[256, 11]),
        ("no-axes", &[]),
    ];
    for (name, shape) in shapes {
        let bytes = with_weights(|tensor| tensor.dims = shape.to_vec());
        cases.push(model(&format!("shape-{name}"), bytes));
    }
    let value = |lengths: &[i64]| {
        let mut shape = Vec::new();
        for length in lengths {
            let mut axis = Vec::new();
            put_int(1, *length, &mut axis);
            put(1, &axis, &mut shape);
        }
        let mut tensor = Vec::new();
        put_int(1, 1, &mut tensor);
        put(2, &shape, &mut tensor);
        with_fields(&[(
            13,
            &message(&[(1, b"huge"), (2, &message(&[(1, &tensor)]))]),
        )])
    };
    cases.push(model("value-negative", value(&[1, -2])));
    cases.push(model("value-of-8-gb", value(&[2_000_000_000])));
    cases.push(model("value-of-1-gb", value(&[1, 3, 10_000, 10_000])));
    cases.push(model("value-of-17-axes", value(&[1; 17])));
    cases.push(model("value-length-64-bits", value(&[i64::MAX])));
    cases.push(model("good-with-unknown-length", value(&[-1, 3])));
    for kind in [-1, 0, 17, 22, 99] {
        let bytes = with_weights(|tensor| tensor.data_type = kind);
        cases.push(model(&format!("element-type-{kind}"), bytes));
    }
}

/// A constant list of whole numbers.
fn whole(name: &str, values: &[i64]) -> Tensor {
    let bytes = values.iter().flat_map(|value| value.to_le_bytes());
    Tensor::raw(name, INT64, &[values.len()], bytes.collect())
}

/// The good model with a node more, which makes `large` out of these constants.
fn with_computed(operator: &str, inputs: &[&str], constants: Vec<Tensor>) -> Vec<u8> {
    let node = Node::new(operator, "large", inputs, vec![]);
    changed(|graph| {
        graph.initializer.extend(constants);
        graph.node.push(node);
        graph.output.push(ValueInfo::f32("large", &[1]));
    })
}

/// Sizes that nodes would compute from constants: a few bytes that ask for terabytes.
fn computed(cases: &mut Vec<Case>) {
    let mut computed = |name: &str, operator: &str, inputs: &[&str], constants: Vec<Tensor>| {
        let bytes = with_computed(operator, inputs, constants);
        cases.push(model(&format!("computed-{name}"), bytes));
    };
    let size = |values: &[i64]| vec![whole("size", values)];
    let million = 1_000_000;
    let filled = |length: i64| size(&[length, length]);
    computed(
        "filled-of-4-tb",
        "ConstantOfShape",
        &["size"],
        filled(million),
    );
    computed(
        "filled-of-negative-size",
        "ConstantOfShape",
        &["size"],
        filled(-5),
    );
    computed(
        "filled-of-17-axes",
        "ConstantOfShape",
        &["size"],
        size(&[1; 17]),
    );
    computed(
        "expanded-to-1-tb",
        "Expand",
        &["x", "size"],
        size(&[million, 1000, 256]),
    );
    computed(
        "tiled-to-1-tb",
        "Tile",
        &["x", "size"],
        size(&[million, 1000]),
    );
    computed(
        "tiled-to-64-bits",
        "Tile",
        &["x", "size"],
        size(&[i64::MAX; 2]),
    );
    let number = |name: &str, value: i64| Tensor {
        dims: Vec::new(),
        ..whole(name, &[value])
    };
    let range = |step| {
        vec![
            number("from", 0),
            number("to", i64::MAX),
            number("step", step),
        ]
    };
    computed(
        "range-of-64-bits",
        "Range",
        &["from", "to", "step"],
        range(1),
    );
    computed(
        "range-without-end",
        "Range",
        &["from", "to", "step"],
        range(0),
    );
    computed(
        "resized-to-4-tb",
        "Resize",
        &["x", "", "", "size"],
        size(&[million, million]),
    );
    computed(
        "scaled-to-4-tb",
        "Resize",
        &["x", "", "scales"],
        vec![Tensor::f32("scales", &[2], &[1e6, 4e3])],
    );
    computed(
        "good-expanded",
        "Expand",
        &["x", "size"],
        size(&[3, 1, 256]),
    );
}

fn payloads(cases: &mut Vec<Case>) {
    let short = with_weights(|tensor| tensor.raw_data.truncate(100));
    cases.push(model("payload-short", short));
    let long = with_weights(|tensor| tensor.raw_data.extend([0; 4]));
    cases.push(model("payload-long", long));
    let none = with_weights(|tensor| tensor.raw_data.clear());
    cases.push(model("payload-none", none));
    let other_type = with_weights(|tensor| tensor.data_type = 11);
    cases.push(model("payload-of-another-type", other_type));
    let text = with_weights(|tensor| tensor.data_type = 8);
    cases.push(model("payload-of-texts", text));
    let twice = with_weights(|tensor| tensor.float_data = vec![1.0]);
    cases.push(model("payload-in-two-places", twice));
    let wrong_list = with_weights(|tensor| {
        tensor.raw_data.clear();
        tensor.int32_data = vec![1; 2560];
    });
    cases.push(model("payload-in-the-wrong-list", wrong_list));
    let few = with_weights(|tensor| {
        tensor.raw_data.clear();
        tensor.float_data = vec![1.0; 2559];
    });
    cases.push(model("payload-list-short", few));
    let segment = message(&[(3, &[])]);
    cases.push(model("payload-in-segments", with_fields(&[(5, &segment)])));
    let not_numbers = with_weights(|tensor| {
        *tensor = Tensor::f32("weights", &[256, 10], &[f32::NAN; 2560]);
    });
    cases.push(model("good-nan-weights", not_numbers));
    let infinite = with_weights(|tensor| {
        *tensor = Tensor::f32("weights", &[256, 10], &[f32::NEG_INFINITY; 2560]);
    });
    cases.push(model("good-infinite-weights", infinite));
    let empty = changed(|graph| graph.initializer.push(Tensor::f32("none", &[0], &[])));
    cases.push(model("good-empty-tensor", empty));
    cases.push(model("good", good().to_bytes()));
}

fn order(cases: &mut Vec<Case>) {
    let read = |node: usize, value: &str| {
        let value = value.to_owned();
        changed(move |graph| graph.node[node].input[0] = value)
    };
    cases.push(model("order-cycle", read(0, "logits")));
    cases.push(model("order-reads-itself", read(0, "hidden")));
    cases.push(model(
        "order-reversed",
        changed(|graph| graph.node.reverse()),
    ));
    cases.push(model("order-unknown-input", read(0, "nowhere")));
    let output = changed(|graph| graph.output[0].name = "nowhere".to_owned());
    cases.push(model("order-unknown-output", output));
    let twice = changed(|graph| graph.node[1].output = vec!["hidden".to_owned()]);
    cases.push(model("order-made-twice", twice));
    let in_one = changed(|graph| graph.node[0].output.push("hidden".to_owned()));
    cases.push(model("order-made-twice-by-one-node", in_one));
    let weights = changed(|graph| graph.initializer.push(graph.initializer[0].clone()));
    cases.push(model("order-initialiser-twice", weights));
    let input = changed(|graph| graph.input.push(graph.input[0].clone()));
    cases.push(model("order-input-twice", input));
    let shadowed = changed(|graph| graph.node[1].output = vec!["weights".to_owned()]);
    cases.push(model("order-output-over-initialiser", shadowed));
    let inner = message(&[(1, &message(&[(1, b"chosen"), (2, b"inner"), (4, b"Relu")]))]);
    let attribute = message(&[(1, b"then_branch"), (6, &inner)]);
    let node = message(&[(1, b"x"), (2, b"chosen"), (4, b"If"), (5, &attribute)]);
    cases.push(model(
        "order-inner-graph-reads-its-node",
        with_fields(&[(1, &node)]),
    ));
    let strange = changed(|graph| {
        graph.node[0].name = "\u{202E}\u{0}{value}<b>".to_owned();
        graph.node[0].input[0] = "😀".repeat(100);
    });
    cases.push(model("order-strange-names", strange));
}

/// Files that break no rule that can be seen without knowing the operators.
fn for_the_engine(cases: &mut Vec<Case>) {
    let mut engine = |name: &str, bytes: Vec<u8>| {
        cases.push(Case {
            stage: Stage::Engine,
            ..model(&format!("engine-{name}"), bytes)
        });
    };
    let operator = |name: &str| {
        let name = name.to_owned();
        changed(move |graph| graph.node[0].op_type = name)
    };
    engine("unknown-operator", operator("FlashAttentionFromTheFuture"));
    engine("empty-operator", operator(""));
    engine("training-operator", operator("Gradient"));
    engine("loop", operator("Loop"));
    engine("if-without-branches", operator("If"));
    engine("convolution-without-weights", operator("Conv"));
    engine("reshape-without-shape", operator("Reshape"));
    engine("empty-graph", around(&[]));
    engine("nested-10-graphs", nested(10));
    engine(
        "shapes-that-do-not-fit",
        with_weights(|tensor| tensor.dims = vec![10, 256]),
    );
    engine(
        "one-input-left-out",
        changed(|graph| graph.node[1].input[0].clear()),
    );
    engine("no-outputs", changed(|graph| graph.output.clear()));
    engine("no-inputs", {
        let values = [0.5; 256];
        changed(move |graph| {
            graph.input.clear();
            graph.initializer.push(Tensor::f32("x", &[1, 256], &values));
        })
    });
    engine(
        "other-input-type",
        with_weights(|tensor| {
            *tensor = Tensor::raw("weights", INT64, &[256, 10], vec![0; 20_480]);
        }),
    );
    engine(
        "axis-out-of-range",
        changed(|graph| {
            graph.node[0].op_type = "Softmax".to_owned();
            graph.node[0].attribute = vec![Attribute::int("axis", i64::MAX)];
        }),
    );
    let mut foreign = good();
    foreign.opset_import.push(OperatorSet {
        domain: "com.microsoft".to_owned(),
        version: 1,
    });
    engine("domain-without-operators", foreign.to_bytes());
    engine(
        "one-number-as-matrix",
        changed(|graph| {
            graph.initializer[0] = Tensor::raw("weights", FLOAT, &[], vec![0; 4]);
        }),
    );
}
