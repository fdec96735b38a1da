// Engines in one page behind the same steps: fetch its files, compile it, create a model, run it with
// a Float32Array. Runs in a worker of the bench's page, or in the page itself.

import { readableByRten } from "./onnx.js";
import { fetchTensorFlow } from "./tensorflow.js";

/**
 * How each kind of engine begins: fetches its files, so that no network is in what is timed, and
 * gives `compile()`; that gives `create(bytes, { shape, readsIds })` for a model's file; and that
 * `run(values)`, which gives the first output. An engine that cannot read a file as it is also gives
 * `rewrite(bytes)`: the same model in the form that it reads, made before anything is timed.
 *
 * An engine is `{ kind, url, threads }`.
 */
const KINDS = { vitrine: fetchVitrine, ort: fetchOnnxRuntime, tfjs: fetchTensorFlow, rten: fetchRten };

/** Fetches an engine's files. */
export const fetchEngine = (engine) => KINDS[engine.kind](engine);

/** A model in an engine, ready to run. */
export async function loadModel(engine, bytes, input) {
  const { compile, rewrite = asItIs } = await fetchEngine(engine);
  const { create } = await compile();
  return create(rewrite(bytes), input);
}

/** What most engines make of a file before it is theirs. */
export const asItIs = (bytes) => bytes;

/** Our engine in one flavour, with any model, called from this thread. */
export async function loadVitrine({ engineUrl, threads = 1, modelUrls, shape, readsIds = false }) {
  const engine = { kind: "vitrine", url: engineUrl, threads };
  return loadModel(engine, await unpacked(await pieces(modelUrls)), { shape, readsIds });
}

/** Our engine. More than one thread takes the flavour called threads, which starts them. */
async function fetchVitrine({ url, threads }) {
  const glue = await import(`${url}worker.js`);
  const wasm = await bytesOf(`${url}engine_bg.wasm`);
  return {
    async compile() {
      const module = await WebAssembly.compile(wasm);
      await glue.default({ module_or_path: module });
      glue.rehearse();
      if (threads > 1) {
        // As the page starts the engine's workers.
        const script = await (await fetch(`${url}worker.js`)).text();
        const content = new Blob([script, "\nstart();\n"], { type: "text/javascript" });
        await glue.startThreads(module, threads, URL.createObjectURL(content));
      }
      return {
        async create(bytes, { shape, readsIds = false }) {
          const model = new glue.BareModel(bytes, new Uint32Array(shape), readsIds);
          return {
            run: async (values) => model.run(values),
            profile: (values) => model.profile(values),
            /** What creating it took, in ms. */
            loadTimes() {
              const [parse, optimise] = model.loadTimes();
              return { parse, optimise };
            },
          };
        },
      };
    },
  };
}

/** rten, as tests/peers/rten puts it behind the calls of ours. It has no threads in a browser. */
async function fetchRten({ url }) {
  const glue = await import(`${url}rten.js`);
  const wasm = await bytesOf(`${url}rten_bg.wasm`);
  return {
    rewrite: readableByRten,
    async compile() {
      await glue.default({ module_or_path: await WebAssembly.compile(wasm) });
      return {
        async create(bytes, { shape, readsIds = false }) {
          const model = new glue.BareModel(bytes, new Uint32Array(shape), readsIds);
          return { run: async (values) => model.run(values) };
        },
      };
    },
  };
}

/** onnxruntime-web's wasm engine. */
async function fetchOnnxRuntime({ url, threads }) {
  const ort = await onnxRuntime(url, threads);
  return {
    async compile() {
      // It compiles its module before it looks at its first model. This one holds nothing and is
      // refused, so that no code for models is compiled yet: browsers do that at the first call, and
      // it belongs to creating a model here as in other engines.
      const refusal = await ort.InferenceSession.create(new Uint8Array(), { executionProviders: ["wasm"] }).catch(
        (error) => String(error),
      );
      if (!/graph|protobuf/i.test(refusal)) throw new Error(`onnxruntime-web does not start: ${refusal}`);
      return {
        async create(bytes, input) {
          const session = await ort.InferenceSession.create(bytes, { executionProviders: ["wasm"] });
          return {
            async run(values) {
              const outputs = await session.run(feedsFor(ort, session.inputNames, values, input));
              return Float32Array.from(outputs[session.outputNames[0]].data);
            },
          };
        },
      };
    },
  };
}

/** The library with its files in memory. */
export async function onnxRuntime(url, threads = 1) {
  const ort = await import(`${url}ort.wasm.min.mjs`);
  // Imported once here, so that the library finds it in memory.
  await import(`${url}ort-wasm-simd-threaded.mjs`);
  ort.env.wasm.numThreads = threads;
  ort.env.wasm.wasmPaths = url;
  ort.env.wasm.wasmBinary = await bytesOf(`${url}ort-wasm-simd-threaded.wasm`);
  return ort;
}

/** What a session of onnxruntime-web is fed with: pixels, or token ids with their mask and types. */
export function feedsFor(ort, inputNames, values, { shape, readsIds = false }) {
  if (!readsIds) return { [inputNames[0]]: new ort.Tensor("float32", values, shape) };
  const whole = (value) => new ort.Tensor("int64", BigInt64Array.from(values, (id) => BigInt(value(id))), shape);
  return { input_ids: whole((id) => id), attention_mask: whole(() => 1), token_type_ids: whole(() => 0) };
}

async function bytesOf(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return response.arrayBuffer();
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

/** The pieces that a model travels in, in memory. */
export function pieces(urls) {
  return Promise.all(
    urls.map(async (url) => {
      const response = await fetch(url);
      if (!response.ok) throw new Error(`${url}: ${response.status}`);
      return response.blob();
    }),
  );
}

/** The bytes of a model, which the site sends packed with zlib and in pieces. */
export async function unpacked(pieces) {
  const stream = new Blob(pieces).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
