use std::path::Path;
use std::{env, fs};

use proptest::prelude::*;
use prost::Message as _;
use vitrine_protocol::Weights;

use super::*;
use crate::format::{
    Attribute, FLOAT, Graph, INT8, INT64, Model, Node, OperatorSet, Tensor, ValueInfo,
};
use crate::narrow;
use crate::wire::put;

/// `logits = relu(x) · weights`, with a weight of each kind of storage.
fn small() -> Model {
    Model::new(Graph {
        name: "small".to_owned(),
        node: vec![
            Node::new("Relu", "hidden", &["x"], vec![Attribute::int("axis", 1)]),
            Node::new("MatMul", "logits", &["hidden", "weights"], vec![]),
        ],
        initializer: vec![
            Tensor::f32("weights", &[4, 3], &[0.5; 12]),
            Tensor {
                dims: vec![2],
                data_type: FLOAT,
                name: "listed".to_owned(),
                float_data: vec![f32::NAN, f32::NEG_INFINITY],
                ..Tensor::default()
            },
            Tensor {
                dims: vec![3],
                data_type: INT8,
                name: "bytes".to_owned(),
                int32_data: vec![1, -1, 300],
                ..Tensor::default()
            },
        ],
        input: vec![ValueInfo::f32("x", &[1, 4])],
        output: vec![ValueInfo::f32("logits", &[1, 3])],
    })
}

fn check_default(model: &Model) -> Result<ModelSummary, GateError> {
    check(&model.to_bytes(), &GateLimits::default())
}

#[track_caller]
fn check_refused(change: impl FnOnce(&mut Graph), error: GateError) {
    let mut model = small();
    change(model.graph.as_mut().unwrap());
    assert_eq!(check_default(&model), Err(error));
}

#[track_caller]
fn check_limit(change: impl FnOnce(&mut GateLimits), error: GateError) {
    let mut limits = GateLimits::default();
    change(&mut limits);
    assert_eq!(check(&small().to_bytes(), &limits), Err(error));
}

#[test]
fn a_small_model_is_counted() {
    let file = small().to_bytes();
    let file_bytes = file.len() as u64;
    let expected = ModelSummary {
        file_bytes,
        ir_version: 8,
        operator_set: 13,
        n_nodes: 2,
        n_tensors: 3,
        n_values: 17,
        weight_bytes: 48 + 8 + 3,
        n_nan: 1,
        n_infinite: 1,
        depth: 7,
        largest_value_bytes: 16,
        estimated_bytes: file_bytes + 59 + 17 * 4 + 32,
    };
    assert_eq!(check(&file, &GateLimits::default()), Ok(expected));
}

#[test]
fn every_limit_is_named_when_it_is_passed() {
    let file_bytes = small().to_bytes().len() as u64;
    check_limit(
        |limits| limits.max_bytes = 9,
        GateError::TooManyBytes {
            bytes: file_bytes,
            limit: 9,
        },
    );
    check_limit(
        |limits| limits.max_depth = 6,
        GateError::TooDeep { limit: 6 },
    );
    let too_many = |what: &str, limit| GateError::TooMany {
        what: what.to_owned(),
        limit,
    };
    check_limit(|limits| limits.max_nodes = 1, too_many("nodes", 1));
    check_limit(|limits| limits.max_tensors = 2, too_many("tensors", 2));
    check_limit(|limits| limits.max_parts = 20, too_many("parts", 20));
    check_limit(
        |limits| limits.max_axes = 1,
        GateError::TooManyAxes {
            name: "weights".to_owned(),
            limit: 1,
        },
    );
    check_limit(
        |limits| limits.max_tensor_bytes = 47,
        GateError::TensorTooLarge {
            name: "weights".to_owned(),
            shape: vec![4, 3],
            limit: 47,
        },
    );
    check_limit(
        |limits| limits.max_name_bytes = 6,
        GateError::TextTooLong {
            what: "name".to_owned(),
            met: 7,
            limit: 6,
        },
    );
    let bytes = file_bytes + 59 + 17 * 4 + 32;
    check_limit(
        |limits| limits.max_memory = bytes - 1,
        GateError::Memory {
            bytes,
            limit: bytes - 1,
        },
    );
    check_limit(
        |limits| limits.ir_versions = (9, 10),
        GateError::FormatVersion {
            met: 8,
            min: 9,
            max: 10,
        },
    );
    let mut model = small();
    model.opset_import[0].domain = "elsewhere".to_owned();
    let missing = GateError::OperatorSet {
        met: 0,
        min: 7,
        max: 25,
    };
    assert_eq!(check_default(&model), Err(missing));
    model.opset_import.push(OperatorSet {
        domain: "ai.onnx".to_owned(),
        version: 17,
    });
    assert_eq!(check_default(&model).unwrap().operator_set, 17);
}

#[test]
fn lists_in_attributes_are_bounded() {
    let limits = GateLimits {
        max_list_values: 4,
        ..GateLimits::default()
    };
    let mut model = small();
    let node = &mut model.graph.as_mut().unwrap().node[0];
    node.attribute.push(Attribute::ints("many", &[300; 5]));
    let error = GateError::TooMany {
        what: "list values".to_owned(),
        limit: 4,
    };
    assert_eq!(check(&model.to_bytes(), &limits), Err(error));
}

#[test]
fn shapes_are_multiplied_in_64_bits() {
    let shaped = |dims: &[i64]| {
        let dims = dims.to_vec();
        move |graph: &mut Graph| graph.initializer[0].dims = dims
    };
    let length = |met| GateError::AxisLength {
        name: "weights".to_owned(),
        met,
        limit: i64::from(i32::MAX),
    };
    check_refused(shaped(&[-1, 3]), length(-1));
    check_refused(shaped(&[i64::MIN]), length(i64::MIN));
    // Cut to 32 bits this would be 1.
    check_refused(shaped(&[4_294_967_297, 12]), length(4_294_967_297));
    let too_large = |shape: &[i64]| GateError::TensorTooLarge {
        name: "weights".to_owned(),
        shape: shape.to_vec(),
        limit: i32::MAX as u64,
    };
    // On 32 bits the first two are 65536 and 0 numbers; the others overflow 64 bits.
    check_refused(shaped(&[65_536, 65_537]), too_large(&[65_536, 65_537]));
    check_refused(shaped(&[65_536, 65_536]), too_large(&[65_536, 65_536]));
    let long = i64::from(i32::MAX);
    check_refused(shaped(&[long; 3]), too_large(&[long; 3]));
    check_refused(
        shaped(&[long, long, long, 0]),
        too_large(&[long, long, long, 0]),
    );
}

#[test]
fn values_must_fill_their_shape() {
    let payload = |name: &str, met, expected, unit: &str| GateError::Payload {
        name: name.to_owned(),
        met,
        expected,
        unit: unit.to_owned(),
    };
    check_refused(
        |graph| graph.initializer[0].raw_data.truncate(47),
        payload("weights", 47, 48, "bytes"),
    );
    check_refused(
        |graph| graph.initializer[0].raw_data.clear(),
        payload("weights", 0, 12, "values"),
    );
    check_refused(
        |graph| graph.initializer[1].float_data.push(1.0),
        payload("listed", 3, 2, "values"),
    );
    check_refused(
        |graph| graph.initializer[2].data_type = INT64,
        payload("bytes", 0, 3, "values"),
    );
    check_refused(
        |graph| graph.initializer[0].data_type = 17,
        GateError::ElementType {
            name: "weights".to_owned(),
            met: 17,
        },
    );
}

#[test]
fn an_empty_tensor_and_a_single_number_are_fine() {
    let mut model = small();
    let graph = model.graph.as_mut().unwrap();
    graph.initializer.push(Tensor::f32("none", &[0, 5], &[]));
    graph.initializer.push(Tensor::f32("one", &[], &[1.0]));
    assert_eq!(check_default(&model).unwrap().n_values, 18);
}

#[test]
fn every_value_is_made_once_and_before_it_is_read() {
    let order = |node: &str, value: &str| GateError::Order {
        node: node.to_owned(),
        value: value.to_owned(),
    };
    check_refused(|graph| graph.node.reverse(), order("logits", "hidden"));
    check_refused(
        |graph| graph.node[0].input[0] = "logits".to_owned(),
        order("hidden", "logits"),
    );
    check_refused(
        |graph| graph.node[0].input[0] = "hidden".to_owned(),
        order("hidden", "hidden"),
    );
    check_refused(
        |graph| graph.node[0].input[0] = "nowhere".to_owned(),
        GateError::UnknownValue {
            node: "hidden".to_owned(),
            value: "nowhere".to_owned(),
        },
    );
    check_refused(
        |graph| graph.output[0].name = "nowhere".to_owned(),
        GateError::UnknownValue {
            node: "output".to_owned(),
            value: "nowhere".to_owned(),
        },
    );
    let twice = |value: &str| GateError::MadeTwice {
        value: value.to_owned(),
    };
    check_refused(
        |graph| graph.node[1].output.push("hidden".to_owned()),
        twice("hidden"),
    );
    check_refused(
        |graph| graph.initializer.push(Tensor::f32("weights", &[], &[1.0])),
        twice("weights"),
    );
    let mut old = small();
    let graph = old.graph.as_mut().unwrap();
    graph.input.push(ValueInfo::f32("weights", &[4, 3]));
    graph.node[0].input.push(String::new());
    assert!(
        check_default(&old).is_ok(),
        "an initialiser may be an input"
    );
}

/// The small model with one more node, whose attribute holds a graph.
fn with_inner(inner: &Graph) -> Vec<u8> {
    let (mut attribute, mut node, mut graph) = (Vec::new(), Vec::new(), Vec::new());
    put(1, b"then_branch", &mut attribute);
    put(6, &inner.encode_to_vec(), &mut attribute);
    put(1, b"x", &mut node);
    put(2, b"chosen", &mut node);
    put(4, b"If", &mut node);
    put(5, &attribute, &mut node);
    put(1, &node, &mut graph);
    let mut model = small();
    let mut whole = model.graph.take().unwrap().encode_to_vec();
    whole.extend(graph);
    let mut file = model.to_bytes();
    put(7, &whole, &mut file);
    file
}

#[test]
fn inner_graphs_see_what_is_around_them_and_keep_their_own() {
    let mut inner = Graph {
        node: vec![Node::new("Relu", "hidden", &["hidden"], vec![])],
        output: vec![ValueInfo::f32("hidden", &[1, 4])],
        ..Graph::default()
    };
    let limits = GateLimits::default();
    let summary = check(&with_inner(&inner), &limits).unwrap();
    assert_eq!((summary.n_nodes, summary.depth), (4, 10));
    inner.node[0].input[0] = "chosen".to_owned();
    let error = GateError::Order {
        node: "hidden".to_owned(),
        value: "chosen".to_owned(),
    };
    assert_eq!(check(&with_inner(&inner), &limits), Err(error));
}

#[test]
fn weights_elsewhere_are_refused_with_their_file() {
    let mut tensor = Tensor::f32("far", &[2], &[]).encode_to_vec();
    let mut entry = Vec::new();
    put(1, b"location", &mut entry);
    put(2, b"../../etc/passwd", &mut entry);
    put(13, &entry, &mut tensor);
    let mut graph = Vec::new();
    put(5, &tensor, &mut graph);
    let mut file = vec![0x08, 8, 0x42, 2, 0x10, 13];
    put(7, &graph, &mut file);
    let error = GateError::ExternalData {
        tensor: "far".to_owned(),
        file: "../../etc/passwd".to_owned(),
    };
    assert_eq!(check(&file, &GateLimits::default()), Err(error));
}

#[test]
fn what_a_decoder_would_join_is_refused() {
    let mut file = small().to_bytes();
    let offset = file.len() as u64;
    put(7, &[], &mut file);
    let error = GateError::Damaged {
        offset,
        problem: "a field that may stand once stands twice".to_owned(),
    };
    assert_eq!(check(&file, &GateLimits::default()), Err(error));
}

#[test]
fn parts_that_are_not_read_are_named() {
    for (number, part) in [(20, "training steps"), (25, "functions of its own")] {
        let mut file = small().to_bytes();
        put(number, &[], &mut file);
        let error = GateError::Unsupported {
            part: part.to_owned(),
        };
        assert_eq!(check(&file, &GateLimits::default()), Err(error));
    }
}

#[test]
fn a_model_cut_anywhere_is_refused() {
    let file = small().to_bytes();
    for length in 0..file.len() {
        let met = check(&file[..length], &GateLimits::default());
        assert!(met.is_err(), "{length} of {} bytes passed", file.len());
    }
    let half = check(&file[..file.len() / 2], &GateLimits::default());
    assert!(matches!(half, Err(GateError::Truncated { .. })), "{half:?}");
}

#[test]
fn a_name_is_shown_without_what_steers_a_line() {
    assert_eq!(shown("a\u{202E}b\n\u{0}c"), "abc");
    let long = "x".repeat(61);
    assert_eq!(shown(&long), format!("{}…", "x".repeat(60)));
}

/// Models of this workspace: those that `cargo xtask models` puts into `assets/models`, and the heads
/// that are committed.
#[test]
fn every_model_that_is_served_passes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut n_passed = 0;
    let elsewhere = env::var_os("VITRINE_MODELS").map(Into::into);
    let models = elsewhere.unwrap_or_else(|| root.join("assets/models"));
    for folder in [root.join("assets/heads"), models] {
        let Ok(entries) = fs::read_dir(&folder) else {
            eprintln!("skipped: {} is not there", folder.display());
            continue;
        };
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path.extension().is_some_and(|ending| ending == "onnx") {
                let file = fs::read(&path).unwrap();
                let summary = check(&file, &GateLimits::default());
                assert!(summary.is_ok(), "{}: {summary:?}", path.display());
                for weights in [Weights::F16, Weights::Int8] {
                    let narrowed = narrow(&file, weights).unwrap();
                    let summary = check(&narrowed, &GateLimits::default());
                    assert!(summary.is_ok(), "{} narrowed: {summary:?}", path.display());
                }
                eprintln!("{}: {summary:?}", path.display());
                n_passed += 1;
            }
        }
    }
    assert!(n_passed > 0, "the committed heads are models");
}

/// As [`check`], which must not read more fields than this file can make it: a field takes two bytes
/// at least and is read in at most three passes, and once or twice more to name what is refused.
#[track_caller]
fn check_in_time(file: &[u8], limits: &GateLimits) -> Result<ModelSummary, GateError> {
    wire::N_READ.set(0);
    let met = check(file, limits);
    let n_read = wire::N_READ.get();
    assert!(
        n_read <= 5 * file.len().div_ceil(2),
        "{n_read} fields in {} bytes",
        file.len()
    );
    met
}

/// Every change a mutation can make to a file.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<prop::sample::Index>(), any::<u8>(), 0..4_u8);
    prop::collection::vec(change, 1..8).prop_map(|changes| {
        let mut file = small().to_bytes();
        for (at, byte, kind) in changes {
            if file.is_empty() {
                break;
            }
            let at = at.index(file.len());
            match kind {
                0 => file[at] = byte,
                1 => file[at] ^= 1 << (byte & 7),
                2 => file.truncate(at),
                _ => file.insert(at, byte),
            }
        }
        file
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_get_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..2048)) {
        let _ = check_in_time(&bytes, &GateLimits::default());
    }

    #[test]
    fn any_bytes_behind_a_good_beginning_get_an_answer(
        bytes in prop::collection::vec(any::<u8>(), 0..512),
    ) {
        let mut file = vec![0x08, 8];
        put(7, &bytes, &mut file);
        file.extend([0x42, 2, 0x10, 13]);
        let _ = check_in_time(&file, &GateLimits::default());
    }

    #[test]
    fn what_passes_is_what_a_decoder_reads(file in mutated()) {
        let limits = GateLimits::default();
        if let Ok(summary) = check_in_time(&file, &limits) {
            let model = Model::decode(file.as_slice());
            prop_assert!(model.is_ok(), "{model:?}");
            let graph = model.unwrap().graph.unwrap();
            prop_assert!(summary.n_nodes >= graph.node.len() as u64);
            prop_assert!(summary.n_tensors >= graph.initializer.len() as u64);
            prop_assert!(summary.estimated_bytes <= limits.max_memory);
        }
    }
}

/// A model of one node with this many attributes, each a tensor without a name, and the last of them
/// one that does not fill its shape.
fn of_unnamed_tensors(n: usize) -> Vec<u8> {
    let tensor = |shape: &[usize]| {
        let tensor = Tensor::f32("", shape, &[1.0]).encode_to_vec();
        let mut attribute = Vec::new();
        put(5, &tensor, &mut attribute);
        attribute
    };
    let mut node = Vec::new();
    for _ in 1..n {
        put(5, &tensor(&[]), &mut node);
    }
    put(5, &tensor(&[2]), &mut node);
    put(4, b"Constant", &mut node);
    let mut graph = Vec::new();
    put(1, &node, &mut graph);
    let mut file = vec![0x08, 8, 0x42, 2, 0x10, 13];
    put(7, &graph, &mut file);
    file
}

#[test]
fn what_names_a_tensor_is_looked_for_once() {
    let error = GateError::Payload {
        name: "Constant".to_owned(),
        met: 4,
        expected: 8,
        unit: "bytes".to_owned(),
    };
    let limits = GateLimits::default();
    assert_eq!(
        check_in_time(&of_unnamed_tensors(20_000), &limits),
        Err(error)
    );
    let error = GateError::TooMany {
        what: "tensors".to_owned(),
        limit: 20_000,
    };
    assert_eq!(
        check_in_time(&of_unnamed_tensors(30_000), &limits),
        Err(error)
    );
}

#[test]
fn graphs_in_graphs_are_not_read_again_at_every_level() {
    let mut graph = Vec::new();
    for level in 0..20 {
        for n in 0..200 {
            let name = format!("{level}.{n}");
            let node = Node::new("Identity", &name, &[], vec![]).encode_to_vec();
            put(1, &node, &mut graph);
        }
        let (mut attribute, mut node) = (Vec::new(), Vec::new());
        put(6, &graph, &mut attribute);
        put(5, &attribute, &mut node);
        put(4, b"If", &mut node);
        graph.clear();
        put(1, &node, &mut graph);
    }
    // What nothing makes is looked for in every graph that is open.
    let unknown = Node::new("Identity", "last", &["nowhere"], vec![]);
    put(1, &unknown.encode_to_vec(), &mut graph);
    let mut file = vec![0x08, 8, 0x42, 2, 0x10, 13];
    put(7, &graph, &mut file);
    let error = GateError::UnknownValue {
        node: "last".to_owned(),
        value: "nowhere".to_owned(),
    };
    assert_eq!(check_in_time(&file, &GateLimits::default()), Err(error));
}

/// A constant list of whole numbers.
fn whole(name: &str, values: &[i64]) -> Tensor {
    let bytes = values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    Tensor::raw(name, INT64, &[values.len()], bytes)
}

/// What the gate says of the small model with `large` made by a node out of `x`, of shape `[1, 4]`, and
/// these constants.
#[track_caller]
fn check_sized(operator: &str, constants: &[Tensor], inputs: &[&str]) -> Result<u64, GateError> {
    let mut model = small();
    let graph = model.graph.as_mut().unwrap();
    graph.initializer.extend(constants.iter().cloned());
    graph
        .node
        .push(Node::new(operator, "large", inputs, vec![]));
    check_default(&model).map(|summary| summary.largest_value_bytes)
}

fn too_large(shape: &[i64]) -> GateError {
    GateError::TensorTooLarge {
        name: "large".to_owned(),
        shape: shape.to_vec(),
        limit: i32::MAX as u64,
    }
}

#[test]
fn sizes_that_constants_ask_for_are_refused_or_counted() {
    let size = |values: &[i64]| [whole("size", values)];
    let filled = |values: &[i64]| check_sized("ConstantOfShape", &size(values), &["size"]);
    assert_eq!(filled(&[1_000_000; 2]), Err(too_large(&[1_000_000; 2])));
    assert_eq!(filled(&[10, 5]), Ok(200));
    assert_eq!(filled(&[]), Ok(16));
    let negative = GateError::AxisLength {
        name: "large".to_owned(),
        met: -5,
        limit: i32::MAX.into(),
    };
    assert_eq!(filled(&[3, -5]), Err(negative));
    let axes = GateError::TooManyAxes {
        name: "large".to_owned(),
        limit: 16,
    };
    assert_eq!(filled(&[1; 17]), Err(axes));

    let expanded = |values: &[i64]| check_sized("Expand", &size(values), &["x", "size"]);
    assert_eq!(
        expanded(&[70_000, 10_000, 1]),
        Err(too_large(&[70_000, 10_000, 4]))
    );
    assert_eq!(expanded(&[3, 1, 4]), Ok(48));
    assert_eq!(
        expanded(&[9, -1]),
        Ok(16),
        "negative lengths are the engine's to refuse"
    );

    let tiled = |values: &[i64]| check_sized("Tile", &size(values), &["x", "size"]);
    assert_eq!(tiled(&[60_000, 30_000]), Err(too_large(&[60_000, 120_000])));
    assert_eq!(
        tiled(&[i64::MAX, i64::MAX]).unwrap_err(),
        GateError::AxisLength {
            name: "large".to_owned(),
            met: i64::MAX,
            limit: i32::MAX.into(),
        }
    );
    assert_eq!(tiled(&[2, 2]), Ok(64));
    assert_eq!(
        tiled(&[2]),
        Ok(16),
        "repeats of other axes are the engine's to refuse"
    );
}

#[test]
fn ranges_and_scaled_values_have_their_size() {
    let number =
        |name: &str, value: i64| Tensor::raw(name, INT64, &[], value.to_le_bytes().to_vec());
    let range = |start, limit, delta| {
        let constants = [number("a", start), number("b", limit), number("c", delta)];
        check_sized("Range", &constants, &["a", "b", "c"])
    };
    assert_eq!(range(0, 1_000_000_000, 1), Err(too_large(&[1_000_000_000])));
    assert_eq!(range(10, 0, -3), Ok(32));
    assert_eq!(range(0, 10, -1), Ok(16));
    assert_eq!(range(5, 5, 0), Ok(16), "0 / 0 is no number of steps");
    let endless = GateError::AxisLength {
        name: "large".to_owned(),
        met: i64::MAX,
        limit: i32::MAX.into(),
    };
    assert_eq!(range(0, 1, 0), Err(endless));

    let sizes = [whole("sizes", &[40_000, 40_000])];
    let resized = check_sized("Resize", &sizes, &["x", "", "", "sizes"]);
    assert_eq!(resized, Err(too_large(&[40_000, 40_000])));
    let scales = [Tensor::f32("scales", &[2], &[1000.0, 2e6])];
    let resized = check_sized("Resize", &scales, &["x", "", "scales"]);
    assert_eq!(resized, Err(too_large(&[1000, 8_000_000])));
    let scales = [Tensor::f32("scales", &[2], &[2.5, 4.0])];
    assert_eq!(check_sized("Upsample", &scales, &["x", "scales"]), Ok(128));
    let none = [Tensor::f32("none", &[0], &[])];
    assert_eq!(check_sized("Resize", &none, &["x", "", "none"]), Ok(16));
}

#[test]
fn constants_are_known_however_they_are_stored() {
    let refused = Err(too_large(&[65_536; 2]));
    let filled = |tensor: Tensor| check_sized("ConstantOfShape", &[tensor], &["size"]);
    let listed = Tensor {
        raw_data: Vec::new(),
        int32_data: vec![65_536; 2],
        data_type: 6,
        ..whole("size", &[0; 2])
    };
    assert_eq!(filled(listed), refused);
    assert_eq!(filled(whole("size", &[65_536; 2])), refused);

    // A node that gives a constant, and one that passes it on.
    let mut model = small();
    let graph = model.graph.as_mut().unwrap();
    let value = Attribute {
        name: "value".to_owned(),
        t: Some(whole("", &[65_536; 2])),
        kind: 4,
        ..Attribute::default()
    };
    graph.node.extend([
        Node::new("Constant", "size", &[], vec![value]),
        Node::new("Identity", "same", &["size"], vec![]),
        Node::new("ConstantOfShape", "large", &["same"], vec![]),
    ]);
    assert_eq!(check_default(&model), Err(too_large(&[65_536; 2])));

    // Operators of others may be called the same and do something else.
    let mut graph = model.graph.take().unwrap();
    let mut node = graph.node.pop().unwrap().encode_to_vec();
    put(7, b"com.example", &mut node);
    let mut content = graph.encode_to_vec();
    put(1, &node, &mut content);
    let mut file = model.to_bytes();
    put(7, &content, &mut file);
    assert!(check(&file, &GateLimits::default()).is_ok());
}
