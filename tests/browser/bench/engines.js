// Engines in one page behind the same two calls: load, then run with a Float32Array of pixels.

/** Our engine in one flavour, on this thread. */
export async function loadVitrine({ engineUrl, modelUrl, entry, labels }) {
  const glue = await import(`${engineUrl}engine.js`);
  await glue.default();
  const weights = await unpacked(modelUrl);
  const session = new glue.Session(entry, labels, weights);
  return { run: async (pixels) => session.run(pixels) };
}

/** onnxruntime-web's wasm engine with one thread, on the same file. */
export async function loadOnnxRuntime({ ortUrl, modelUrl, shape }) {
  const ort = await import(`${ortUrl}ort.wasm.min.mjs`);
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmPaths = ortUrl;
  const bytes = await unpacked(modelUrl);
  const session = await ort.InferenceSession.create(bytes, { executionProviders: ["wasm"] });
  const [inputName] = session.inputNames;
  const [outputName] = session.outputNames;
  return {
    run: async (pixels) => {
      const outputs = await session.run({ [inputName]: new ort.Tensor("float32", pixels, shape) });
      return Float32Array.from(outputs[outputName].data);
    },
  };
}

/** Values like those of a normalised photograph, the same at every call. */
export function pseudoPhotograph(length) {
  const values = new Float32Array(length);
  let state = 12345;
  for (let i = 0; i < length; i += 1) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    values[i] = 0.6 * Math.sin(i / 37) + 0.4 * (state / 2 ** 31 - 1);
  }
  return values;
}

/** Largest absolute difference between two outputs. */
export function maxDifference(a, b) {
  if (a.length !== b.length) throw new Error(`outputs of ${a.length} and ${b.length} values`);
  return a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - b[i])), 0);
}

/** Runs the engines in turn, `rounds` times each after `warmUp`, and returns milliseconds per run. */
export async function interleave(engines, pixels, { warmUp, rounds }) {
  const names = Object.keys(engines);
  const times = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round < warmUp + rounds; round += 1) {
    // Every other round goes backwards, so that neither engine always follows the other.
    const order = round % 2 === 0 ? names : [...names].reverse();
    for (const name of order) {
      const start = performance.now();
      await engines[name].run(pixels);
      const elapsed = performance.now() - start;
      if (round >= warmUp) times[name].push(elapsed);
    }
  }
  return times;
}

/** The bytes of a model, which the site sends packed with zlib. */
async function unpacked(url) {
  const { body } = await fetch(url);
  return new Uint8Array(await new Response(body.pipeThrough(new DecompressionStream("deflate"))).arrayBuffer());
}
