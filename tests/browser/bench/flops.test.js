import assert from "node:assert/strict";
import { test } from "node:test";
import { operations, shapesNeeded } from "./flops.js";

const node = (operator, inputs, attributes = {}) => ({ operator, inputs, outputs: ["y"], attributes });

function check(operator, shapes, expected, attributes) {
  const graph = { nodes: [node(operator, ["a", "b"], attributes), node("Relu", ["y"])] };
  const known = new Map(Object.entries(shapes));
  assert.ok(shapesNeeded(graph).every((name) => known.has(name)));
  assert.equal(operations(graph, known), expected);
}

test("a convolution sums a window of each input channel of its group", () => {
  // EfficientNet-Lite0's first: 32 channels of 112 × 112, each of 3 × 3 × 3.
  check("Conv", { y: [1, 32, 112, 112], b: [32, 3, 3, 3] }, 2 * 32 * 112 * 112 * 27);
});

test("a depthwise convolution sums one channel", () => {
  check("Conv", { y: [1, 32, 112, 112], b: [32, 1, 3, 3] }, 2 * 32 * 112 * 112 * 9);
});

test("a transposed convolution spreads each input value", () => {
  check("ConvTranspose", { a: [1, 24, 160, 160], b: [24, 6, 2, 2] }, 2 * 24 * 160 * 160 * 6 * 4);
});

test("a matrix product sums what its left side has last, in every matrix", () => {
  // Attention of 12 heads over 128 tokens, 32 values each.
  check("MatMul", { y: [1, 12, 128, 128], a: [1, 12, 128, 32] }, 2 * 12 * 128 * 128 * 32);
});

test("a general matrix product may have its left side on end", () => {
  check("Gemm", { y: [1, 1000], a: [1, 1280] }, 2 * 1000 * 1280, { transB: 1 });
  check("Gemm", { y: [1, 1000], a: [1280, 1] }, 2 * 1000 * 1280, { transA: 1 });
});

test("the published count of a transformer's layers comes out", () => {
  // MiniLM-L6 on 128 tokens: 6 layers of width 384, with 12 heads and an inner width of 1536.
  const [tokens, width, inner, heads] = [128, 384, 1536, 12];
  const shapes = new Map();
  const nodes = [];
  const product = (rows, sum, columns, batch = 1) => {
    const at = nodes.length;
    nodes.push({ operator: "MatMul", inputs: [`a${at}`, `b${at}`], outputs: [`y${at}`], attributes: {} });
    shapes.set(`a${at}`, [batch, rows, sum]).set(`y${at}`, [batch, rows, columns]);
  };
  for (let layer = 0; layer < 6; layer += 1) {
    for (let at = 0; at < 4; at += 1) product(tokens, width, width);
    product(tokens, width / heads, tokens, heads);
    product(tokens, tokens, width / heads, heads);
    product(tokens, width, inner);
    product(tokens, inner, width);
  }
  assert.equal((operations({ nodes }, shapes) / 1e9).toFixed(2), "2.87");
});

test("operators whose products are hidden are not counted as nothing", () => {
  assert.throws(() => operations({ nodes: [node("LSTM", ["a"])] }, new Map()), /LSTM/);
});

test("an unknown shape is said, not guessed", () => {
  assert.throws(() => operations({ nodes: [node("MatMul", ["a", "b"])] }, new Map([["a", [2, 3]]])), /shape of y/);
});
