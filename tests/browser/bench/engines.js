// Engines in one page behind the same two calls: load, then run with a Float32Array of pixels.

/** Our engine in one flavour, on this thread, with any model. */
export async function loadVitrine({ engineUrl, modelUrls, shape, readsIds = false }) {
  const glue = await import(`${engineUrl}engine.js`);
  await glue.default();
  const model = new glue.BareModel(await unpacked(modelUrls), new Uint32Array(shape), readsIds);
  return { run: async (values) => model.run(values), profile: (values) => model.profile(values) };
}

/** onnxruntime-web's wasm engine with one thread, on the same file. */
export async function loadOnnxRuntime({ ortUrl, modelUrls, shape, readsIds = false }) {
  const ort = await import(`${ortUrl}ort.wasm.min.mjs`);
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmPaths = ortUrl;
  const bytes = await unpacked(modelUrls);
  const session = await ort.InferenceSession.create(bytes, { executionProviders: ["wasm"] });
  const feeds = (values) => {
    if (!readsIds) return { [session.inputNames[0]]: new ort.Tensor("float32", values, shape) };
    const whole = (value) => new ort.Tensor("int64", BigInt64Array.from(values, (id) => BigInt(value(id))), shape);
    return { input_ids: whole((id) => id), attention_mask: whole(() => 1), token_type_ids: whole(() => 0) };
  };
  return {
    run: async (values) => {
      const outputs = await session.run(feeds(values));
      return Float32Array.from(outputs[session.outputNames[0]].data);
    },
  };
}

/** An input of this shape, the same at every call. */
export function valuesFor({ shape, readsIds }) {
  const length = shape.reduce((product, side) => product * side, 1);
  // Ids of ordinary words, which every vocabulary of BERT's size has.
  return readsIds ? Float32Array.from({ length }, (_, at) => 2000 + ((at * 379) % 8000)) : pseudoPhotograph(length);
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

/** The bytes of a model, which the site sends packed with zlib and in pieces. */
async function unpacked(urls) {
  const pieces = await Promise.all(urls.map(async (url) => (await fetch(url)).blob()));
  const stream = new Blob(pieces).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
