import assert from "node:assert/strict";
import { test } from "node:test";
import { constant, field, joined, readGraph, withOutputs } from "./onnx.js";

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

test("a file that was cut off is refused", () => {
  assert.throws(() => readGraph(file().subarray(0, 40)), /ends within/);
  assert.throws(() => readGraph(new Uint8Array()), /no graph/);
});
