import assert from "node:assert/strict";
import { test } from "node:test";
import { constant, field, joined, readableByRten, readGraph, withOutputs } from "./onnx.js";

const text = (words) => new TextEncoder().encode(words);
const number = (tag, value) => Uint8Array.from([tag << 3, value]);
const names = (tag, list) => list.map((name) => field(tag, text(name)));

function node(operator, inputs, outputs, attributes = []) {
  const parts = [...names(1, inputs), ...names(2, outputs), field(4, text(operator)), ...attributes];
  return field(1, joined(parts));
}

function tensor(name, type, dims, raw) {
  return field(5, joined([...dims.map((dim) => number(1, dim)), number(2, type), field(8, text(name)), field(9, raw)]));
}

const bytesOf = (values) => new Uint8Array(values.buffer);
const FLOAT = 1;
const INT8 = 3;

/** A convolution whose int8 weights of shape [2, 1, 1, 2] stand behind a cast and two scales. */
function file() {
  const strides = field(5, joined([field(1, text("strides")), field(8, Uint8Array.from([2, 2]))]));
  const group = field(5, joined([field(1, text("group")), number(3, 1)]));
  const graph = joined([
    node("Cast", ["w.int8"], ["w.cast"]),
    node("Mul", ["w.cast", "w.scale"], ["w"]),
    node("Conv", ["x", "w", "b"], ["y"], [strides, group]),
    tensor("w.int8", INT8, [2, 1, 1, 2], bytesOf(Int8Array.of(1, -2, 3, -128))),
    tensor("w.scale", FLOAT, [2, 1, 1, 1], bytesOf(Float32Array.of(0.5, 2))),
    tensor("b", FLOAT, [2], bytesOf(Float32Array.of(7, 8))),
    field(11, field(1, text("x"))),
    field(12, field(1, text("y"))),
  ]);
  return joined([number(1, 7), field(7, graph), field(8, number(2, 13))]);
}

test("nodes, constants and attributes are read", () => {
  const { nodes, constants, inputs, outputs } = readGraph(file());
  assert.deepEqual(nodes.map(({ operator }) => operator), ["Cast", "Mul", "Conv"]);
  assert.deepEqual(nodes[2].inputs, ["x", "w", "b"]);
  assert.deepEqual(nodes[2].attributes, { strides: [2, 2], group: 1 });
  assert.deepEqual([...constants.keys()], ["w.int8", "w.scale", "b"]);
  assert.deepEqual([inputs, outputs], [["x"], ["y"]]);
});

test("int8 weights are widened with the scale of their channel", () => {
  const graph = readGraph(file());
  const { dims, values } = constant(graph, "w");
  assert.deepEqual(dims, [2, 1, 1, 2]);
  assert.deepEqual([...values], [0.5, -1, 6, -256]);
  assert.deepEqual([...constant(graph, "b").values], [7, 8]);
});

test("what is computed from an input is no constant", () => {
  assert.throws(() => constant(readGraph(file()), "y"), /y is no constant/);
});

test("outputs are added, and everything else stays", () => {
  const before = readGraph(file());
  const after = readGraph(withOutputs(file(), ["w", "w.cast"]));
  assert.deepEqual(after.outputs, ["y", "w", "w.cast"]);
  assert.deepEqual(after.nodes, before.nodes);
  assert.deepEqual(constant(after, "w"), constant(before, "w"));
});

test("packed lists become single numbers, and everything else stays", () => {
  const before = file();
  const after = readableByRten(before);
  assert.deepEqual(readGraph(after), readGraph(before));
  // One byte for the list's length goes, one key for the second number comes; so does nothing else.
  assert.equal(after.length, before.length);
  assert.notDeepEqual(after, before);
  assert.deepEqual(readableByRten(after), after);
});

test("a tensor's lengths become single numbers, and its values stay", () => {
  const packed = (dims) => joined([field(1, Uint8Array.from(dims)), number(2, INT8), field(8, text("w")), field(9, Uint8Array.of(1, 2, 3))]);
  const model = field(7, field(5, packed([1, 3])));
  assert.deepEqual(readGraph(model).constants.get("w").dims, [1, 3]);
  const single = field(7, tensor("w", INT8, [1, 3], Uint8Array.of(1, 2, 3)));
  assert.deepEqual(readableByRten(model), single);
});

test("constants of int16 become int32, with their sign", () => {
  const [INT16, INT32] = [5, 6];
  const before = field(7, tensor("rows", INT16, [3], bytesOf(Int16Array.of(1, -2, 300))));
  const after = field(7, tensor("rows", INT32, [3], bytesOf(Int32Array.of(1, -2, 300))));
  assert.deepEqual(readableByRten(before), after);
});

test("numbers of several bytes and floats are taken apart whole", () => {
  const list = (number, content) => field(5, joined([field(1, text(`f${number}`)), field(number, content)]));
  const integers = list(8, Uint8Array.of(0xac, 0x02, 0x01));
  const floats = list(7, bytesOf(Float32Array.of(0.5, 2)));
  const model = field(7, node("Resize", ["x"], ["y"], [integers, floats]));
  const rewritten = readableByRten(model);
  assert.deepEqual(readGraph(rewritten).nodes[0].attributes.f8, [300, 1]);
  const singles = joined([Uint8Array.of(0x3d), bytesOf(Float32Array.of(0.5)), Uint8Array.of(0x3d), bytesOf(Float32Array.of(2))]);
  assert.ok(Buffer.from(rewritten).includes(Buffer.from(singles)));
});

test("a file that was cut off is refused", () => {
  assert.throws(() => readGraph(file().subarray(0, 40)), /ends within/);
  assert.throws(() => readGraph(new Uint8Array()), /no graph/);
});
