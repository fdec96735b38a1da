// TensorFlow.js with its wasm engine, on a convolutional network that is built from an ONNX file: the
// same weights, with the fused operators that a converted model would have.

import { constant, readGraph } from "./onnx.js";

/** The modules of its engine. */
const BUILDS = {
  plain: "tfjs-backend-wasm.wasm",
  simd: "tfjs-backend-wasm-simd.wasm",
  threaded: "tfjs-backend-wasm-threaded-simd.wasm",
};

/** TensorFlow.js as engines.js wants engines. */
export async function fetchTensorFlow({ url, threads }) {
  // Its bundles put themselves into one global object, which also says how its engine is set.
  await import(`${url}tfjs-core/dist/tf-core.min.js`);
  await import(`${url}tfjs-backend-cpu/dist/tf-backend-cpu.min.js`);
  await import(`${url}tfjs-backend-wasm/dist/tf-backend-wasm.min.js`);
  const { tf } = globalThis;
  const name = threads > 1 ? BUILDS.threaded : BUILDS.simd;
  const wasm = await (await fetch(`${url}tfjs-backend-wasm/dist/${name}`)).blob();
  return {
    async compile() {
      tf.env().set("WASM_HAS_SIMD_SUPPORT", true);
      // With this, one thread would run in the build for many.
      tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", threads > 1);
      // It wants to be told of every build, and takes the one that the flags say.
      const address = URL.createObjectURL(wasm);
      tf.wasm.setWasmPaths(Object.fromEntries(Object.values(BUILDS).map((build) => [build, address])));
      if (threads > 1) tf.wasm.setThreadsCount(threads);
      if (!(await tf.setBackend("wasm"))) throw new Error("TensorFlow.js does not start its wasm engine");
      return { create: async (bytes, { shape }) => network(tf, readGraph(bytes), shape) };
    },
  };
}

/** The network of a graph whose nodes stand in a row, each with the layer that it becomes. */
function network(tf, graph, shape) {
  const layers = graph.nodes.flatMap((node) => {
    // Made in the load, not in the run: int8 weights behind a Cast and a Mul.
    if (["Cast", "Mul", "Constant"].includes(node.operator)) return [];
    const layer = LAYERS[node.operator];
    if (!layer) throw new Error(`no layer is made of ${node.operator}`);
    const output = fusedClip(graph, node) ?? node.outputs[0];
    const run = layer(tf, graph, node, output !== node.outputs[0]);
    return run ? [{ run, inputs: node.inputs, output }] : [];
  });
  let prepared = {};
  return {
    async run(values) {
      // Pictures come with channels last where TensorFlow.js is used, so turning them is not timed
      // more than once.
      if (prepared.values !== values) {
        prepared.pixels?.dispose();
        prepared = { values, pixels: channelsLast(tf, values, shape) };
      }
      const output = tf.tidy(() => {
        const made = new Map([[graph.inputs[0], prepared.pixels]]);
        for (const { run, inputs, output } of layers) {
          made.set(output, run(...inputs.map((name) => made.get(name))));
        }
        return made.get(graph.outputs[0]);
      });
      const result = await output.data();
      output.dispose();
      return Float32Array.from(result);
    },
  };
}

/** Per operator a layer: made once, with its weights, and run with the values that are computed. */
const LAYERS = {
  Conv(tf, graph, { inputs, attributes }, isClipped) {
    const { dims, values } = constant(graph, inputs[1]);
    const [, perGroup] = dims;
    const group = attributes.group ?? 1;
    const isDepthwise = group > 1;
    if (isDepthwise && perGroup !== 1) throw new Error("convolutions in groups of several channels are not built");
    const filter = tf.tidy(() => {
      const weights = tf.tensor4d(values, dims);
      // From output, input, height, width; a depthwise one has its channels where others have inputs.
      return tf.transpose(weights, isDepthwise ? [2, 3, 0, 1] : [2, 3, 1, 0]);
    });
    const bias = inputs[2] ? tf.tensor1d(constant(graph, inputs[2]).values) : undefined;
    const [top, left, bottom, right] = attributes.pads ?? [0, 0, 0, 0];
    const setting = {
      filter,
      bias,
      strides: attributes.strides ?? [1, 1],
      pad: samePadding(attributes) ?? [[0, 0], [top, bottom], [left, right], [0, 0]],
      activation: isClipped ? "relu6" : "linear",
    };
    const fused = isDepthwise ? tf.fused.depthwiseConv2d : tf.fused.conv2d;
    return (x) => fused({ x, ...setting });
  },
  /** Those that a convolution has taken up need no layer. */
  Clip(tf, graph, node) {
    const isTakenUp = graph.nodes.some((other) => fusedClip(graph, other) === node.outputs[0]);
    return isTakenUp ? null : (x) => tf.relu6(x);
  },
  Add: (tf) => (a, b) => tf.add(a, b),
  GlobalAveragePool: (tf) => (x) => tf.mean(x, [1, 2], true),
  Flatten: (tf) => (x) => tf.reshape(x, [x.shape[0], -1]),
  Gemm(tf, graph, { inputs, attributes }) {
    const { dims, values } = constant(graph, inputs[1]);
    // Turned here, because the wasm engine's fused product overlooks `transposeB`.
    const b = tf.tidy(() => tf.transpose(tf.tensor2d(values, dims), attributes.transB === 1 ? [1, 0] : [0, 1]));
    const bias = tf.tensor1d(constant(graph, inputs[2]).values);
    return (a) => tf.fused.matMul({ a, b, bias });
  },
};

/** The name of the clip to 0–6 that alone reads what this convolution gives. */
function fusedClip(graph, { operator, outputs }) {
  if (operator !== "Conv") return undefined;
  const readers = graph.nodes.filter(({ inputs }) => inputs.includes(outputs[0]));
  const [clip] = readers;
  if (readers.length !== 1 || clip.operator !== "Clip") return undefined;
  const bounds = clip.inputs.slice(1).map((name) => constant(graph, name).values[0]);
  return bounds[0] === 0 && bounds[1] === 6 ? clip.outputs[0] : undefined;
}

/** `"same"` for a stride of 1 and equal margins, which the engine has a faster way for. */
function samePadding({ kernel_shape: kernel, strides = [1, 1], pads = [0, 0, 0, 0] }) {
  const isSame = strides.every((stride) => stride === 1) && pads.every((pad, at) => 2 * pad === kernel[at % 2] - 1);
  return isSame ? "same" : undefined;
}

function channelsLast(tf, values, shape) {
  return tf.tidy(() => tf.transpose(tf.tensor4d(values, shape), [0, 2, 3, 1]));
}
