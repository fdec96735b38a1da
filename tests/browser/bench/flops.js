// How many floating-point operations a model's multiply-adds are, counted from its graph. Pure.
//
// Counted are convolutions and matrix products, each multiply-add as two operations, whatever an
// engine makes of them. Everything else, activations, normalisations and softmax among them, is not:
// it is one to three percent, and no two engines do it with the same number of operations.

import { product } from "./onnx.js";

/** Per operator that is counted: the values whose shapes it takes, and multiply-adds by those. */
const COUNTED = {
  // Each output value sums a window of the input channels of its group: `[out, in / groups, …window]`.
  Conv: {
    reads: ({ inputs, outputs }) => [outputs[0], inputs[1]],
    multiplyAdds: ([output, weights]) => product(output) * product(weights.slice(1)),
  },
  // Each input value goes into a window of the output channels of its group: `[in, out / groups, …window]`.
  ConvTranspose: {
    reads: ({ inputs }) => [inputs[0], inputs[1]],
    multiplyAdds: ([input, weights]) => product(input) * product(weights.slice(1)),
  },
  MatMul: {
    reads: ({ inputs, outputs }) => [outputs[0], inputs[0]],
    multiplyAdds: ([output, left]) => product(output) * left.at(-1),
  },
  Gemm: {
    reads: ({ inputs, outputs }) => [outputs[0], inputs[0]],
    multiplyAdds: ([output, left], { transA }) => product(output) * left.at(transA ? 0 : -1),
  },
};

/** Operators that hold multiply-adds which are not counted here: a count without them would be wrong. */
const UNKNOWN = new Set(
  ["Attention", "Einsum", "GRU", "LSTM", "MatMulInteger", "ConvInteger", "QLinearConv", "QLinearMatMul", "RNN"],
);

/** Names of the values whose shapes `operations` needs. */
export function shapesNeeded({ nodes }) {
  return [...new Set(nodes.flatMap((node) => COUNTED[node.operator]?.reads(node) ?? []))];
}

/** Operations of one run, with `shapes` by the names that `shapesNeeded` gives. */
export function operations({ nodes }, shapes) {
  let total = 0;
  for (const node of nodes) {
    if (UNKNOWN.has(node.operator)) throw new Error(`the operations of ${node.operator} are not counted`);
    const counted = COUNTED[node.operator];
    if (!counted) continue;
    const met = counted.reads(node).map((name) => {
      if (!shapes.has(name)) throw new Error(`the shape of ${name} is not known`);
      return shapes.get(name);
    });
    total += 2 * counted.multiplyAdds(met, node.attributes);
  }
  return total;
}
