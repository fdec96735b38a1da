// What the bench's worker does: each function takes a setting that can be cloned, and gives a result
// that can be. An engine in a setting is `{ name, kind, url, threads }`.

import { asItIs, feedsFor, fetchEngine, loadModel, maxDifference, onnxRuntime, pieces, unpacked, valuesFor } from "./engines.js";
import { isWarm } from "./figures.js";
import { operations, shapesNeeded } from "./flops.js";
import { memoryBytes, watchMemory } from "./memory.js";
import { readGraph, withOutputs } from "./onnx.js";
import { peak as measuredPeak } from "./peak.js";

/** Rounds before anything counts: V8 still replaces its baseline code during the first ones. */
export const WARM_UP_ROUNDS = 12;
/**
 * Milliseconds before anything counts: V8 compiles in the background, and of a model that takes one the
 * first rounds are over before it is done.
 */
export const WARM_UP_MS = 1500;
/** An engine that gets faster for longer than this is measured as it is. */
export const MAX_WARM_UP_ROUNDS = 40;

/** What the fastest loops of multiply-adds reach here, in GFLOP/s. */
export const peak = () => measuredPeak();

/**
 * Engines on one model, in turn. Gives times in ms and the largest difference from the first
 * engine's output by name, and why engines failed: a `required` one must not.
 */
export async function compare({ engines, modelUrls, shape, readsIds, rounds, tolerance }) {
  const bytes = await unpacked(await pieces(modelUrls));
  const values = valuesFor({ shape, readsIds });
  const models = new Map();
  const differences = {};
  const failures = {};
  let reference;
  for (const engine of engines) {
    try {
      const model = await loadModel(engine, bytes.slice(), { shape, readsIds });
      const output = await model.run(values);
      reference ??= output;
      differences[engine.name] = maxDifference(output, reference);
      // Written so that an output which is no number fails too.
      if (!(differences[engine.name] <= tolerance)) {
        throw new Error(`its output differs from ${engines[0].name}'s by ${differences[engine.name]}`);
      }
      models.set(engine.name, model);
    } catch (error) {
      if (engine.required) throw new Error(`${engine.name}: ${inFull(error)}`);
      failures[engine.name] = String(error?.message ?? error);
    }
  }
  const isThreaded = engines.some(({ threads }) => threads > 1);
  return { ...(await interleave(models, values, rounds, isThreaded)), differences, failures };
}

/** An error with its stack, which says the message too in some browsers only. */
export function inFull(error) {
  const { message, stack } = Object(error);
  return stack?.includes(message) ? stack : `${error}\n${stack ?? ""}`;
}

/** Milliseconds after which the threads of an engine that has nothing to do are at rest. */
const REST_MS = 20;

/**
 * Runs the engines in turn until all are warm, then `rounds` times each. Threads of the engine before go on looking for
 * work for a while, on the cores that the next needs: with threads each rests first, and runs once uncounted.
 */
async function interleave(models, values, rounds, isThreaded) {
  const names = [...models.keys()];
  let nWarmUp = 0;
  const once = async (times) => {
    const round = times[names[0]].length;
    // Every other round goes backwards, so that no engine always follows the same other.
    for (const name of round % 2 === 0 ? names : [...names].reverse()) {
      if (isThreaded) {
        await new Promise((resolve) => setTimeout(resolve, REST_MS));
        await models.get(name).run(values);
      }
      const start = performance.now();
      await models.get(name).run(values);
      times[name].push(performance.now() - start);
    }
  };
  const empty = () => Object.fromEntries(names.map((name) => [name, []]));
  const warmUp = empty();
  const areWarm = () => nWarmUp >= WARM_UP_ROUNDS && names.every((name) => isWarm(warmUp[name]));
  const start = performance.now();
  const isTooEarly = () => performance.now() - start < WARM_UP_MS;
  while (isTooEarly() || (!areWarm() && nWarmUp < MAX_WARM_UP_ROUNDS)) {
    await once(warmUp);
    nWarmUp += 1;
  }
  const times = empty();
  for (let round = 0; round < rounds; round += 1) await once(times);
  return { times, nWarmUp };
}

/**
 * One engine from nothing to steady runs, with everything it needs in memory: ms of each step, and
 * bytes of WebAssembly memory once the model is loaded and after the runs.
 */
export async function load({ engine, modelUrls, shape, readsIds, rounds }) {
  watchMemory();
  const packed = await pieces(modelUrls);
  const values = valuesFor({ shape, readsIds });
  const { compile, rewrite = asItIs } = await fetchEngine(engine);
  const ms = {};
  const timed = async (step, run) => {
    const start = performance.now();
    const result = await run();
    ms[step] = performance.now() - start;
    return result;
  };
  const { create } = await timed("compile", compile);
  const bytes = rewrite(await timed("unpack", () => unpacked(packed)));
  const model = await timed("create", () => create(bytes, { shape, readsIds }));
  const loaded = memoryBytes();
  const steady = [];
  await timed("first_run", () => model.run(values));
  for (let run = 0; run < rounds; run += 1) {
    const start = performance.now();
    await model.run(values);
    steady.push(performance.now() - start);
  }
  return { ms, steady, split: model.loadTimes?.(), memory: { loaded, run: memoryBytes() } };
}

/** Runs of our engine by operator, once it is warm: of each run, rows as `BareModel.profile` gives them. */
export async function profile({ engine, modelUrls, shape, readsIds, rounds }) {
  const model = await loadModel(engine, await unpacked(await pieces(modelUrls)), { shape, readsIds });
  const values = valuesFor({ shape, readsIds });
  const start = performance.now();
  for (let round = 0; round < WARM_UP_ROUNDS || performance.now() - start < WARM_UP_MS; round += 1) model.profile(values);
  return Array.from({ length: rounds }, () => model.profile(values));
}

/**
 * Operations of one run (flops.js), with the shapes that values have in a run: onnxruntime-web gives
 * those of every value that is an output.
 */
export async function countOperations({ ortUrl, modelUrls, shape, readsIds }) {
  const file = await unpacked(await pieces(modelUrls));
  const graph = readGraph(file);
  const shapes = new Map([...graph.constants].map(([name, { dims }]) => [name, dims]));
  const asked = shapesNeeded(graph).filter((name) => !shapes.has(name) && !graph.outputs.includes(name));
  const ort = await onnxRuntime(ortUrl);
  const session = await ort.InferenceSession.create(withOutputs(file, asked), {
    executionProviders: ["wasm"],
    graphOptimizationLevel: "disabled",
  });
  const feeds = feedsFor(ort, session.inputNames, valuesFor({ shape, readsIds }), { shape, readsIds });
  for (const values of [feeds, await session.run(feeds)]) {
    for (const [name, { dims }] of Object.entries(values)) shapes.set(name, [...dims]);
  }
  return operations(graph, shapes);
}
