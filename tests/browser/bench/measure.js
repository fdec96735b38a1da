// One measurement in Chromium, and the figures made of it.

import { catalog, engineFolder, modelUrls, TEST_FILES } from "../support.js";
import { CASES, caseName } from "./models.js";

/** Rounds before anything counts: V8 still replaces its baseline code during the first ones. */
export const WARM_UP_ROUNDS = 12;

/**
 * Our flavours and onnxruntime-web on one model, in one page, interleaved, one thread each. `input`
 * is one of `CASES`.
 */
export async function measure(page, { input = CASES[0], flavours, rounds, stockEngine }) {
  const { models } = await catalog();
  const entry = models.find(({ id }) => id === input.model);
  await page.goto(new URL("browser/bench/index.html", TEST_FILES).href);
  const setting = {
    ...input,
    enginesUrl: new URL("browser/bench/engines.js", TEST_FILES).href,
    ortUrl: new URL("browser/node_modules/onnxruntime-web/dist/", TEST_FILES).href,
    modelUrls: modelUrls(entry),
    engineUrls: Object.fromEntries(
      await Promise.all(flavours.map(async (flavour) => [flavour, await engineFolder(flavour)])),
    ),
    rounds,
    warmUp: WARM_UP_ROUNDS,
  };
  if (stockEngine) setting.engineUrls["relaxed, tract's kernels"] = new URL("./", stockEngine).href;
  const { times, differences } = await page.evaluate(async (setting) => {
    const { loadVitrine, loadOnnxRuntime, valuesFor, maxDifference, interleave } = await import(setting.enginesUrl);
    const engines = { ort: await loadOnnxRuntime(setting) };
    for (const [flavour, engineUrl] of Object.entries(setting.engineUrls)) {
      engines[flavour] = await loadVitrine({ ...setting, engineUrl });
    }
    const values = valuesFor(setting);
    const reference = await engines.ort.run(values);
    const differences = {};
    for (const flavour of Object.keys(setting.engineUrls)) {
      differences[flavour] = maxDifference(await engines[flavour].run(values), reference);
    }
    return { times: await interleave(engines, values, setting), differences };
  }, setting);
  return Object.entries(times).map(([engine, runs]) => ({
    model: caseName(input),
    engine,
    threads: 1,
    n: runs.length,
    min_ms: Math.min(...runs),
    median_ms: quantile(runs, 0.5),
    p95_ms: quantile(runs, 0.95),
    ratio_to_ort: quantile(runs, 0.5) / quantile(times.ort, 0.5),
    ratio_interval: ratioInterval(runs, times.ort),
    min_ratio_to_ort: Math.min(...runs) / Math.min(...times.ort),
    max_diff: differences[engine] ?? 0,
  }));
}

/** Time per operator of our engine: the median of `rounds` runs each, in the order of the plan. */
export async function profile(page, { input, flavour, rounds }) {
  const { models } = await catalog();
  const entry = models.find(({ id }) => id === input.model);
  await page.goto(new URL("browser/bench/index.html", TEST_FILES).href);
  const setting = {
    ...input,
    enginesUrl: new URL("browser/bench/engines.js", TEST_FILES).href,
    modelUrls: modelUrls(entry),
    engineUrl: await engineFolder(flavour),
    rounds,
    warmUp: WARM_UP_ROUNDS,
  };
  const runs = await page.evaluate(async (setting) => {
    const { loadVitrine, valuesFor } = await import(setting.enginesUrl);
    const engine = await loadVitrine(setting);
    const values = valuesFor(setting);
    const runs = [];
    for (let round = 0; round < setting.warmUp + setting.rounds; round += 1) {
      const run = engine.profile(values);
      if (round >= setting.warmUp) runs.push(run);
    }
    return runs;
  }, setting);
  return runs[0].map(([name, operator, details, inputs], at) => ({
    name,
    operator,
    details,
    inputs,
    ms: quantile(
      runs.map((run) => run[at][4]),
      0.5,
    ),
  }));
}

/** Linear interpolation between order statistics, as NumPy's default. */
export function quantile(values, q) {
  const sorted = [...values].sort((a, b) => a - b);
  const position = q * (sorted.length - 1);
  const below = Math.floor(position);
  const above = Math.ceil(position);
  return sorted[below] + (sorted[above] - sorted[below]) * (position - below);
}

/** 95 % interval of the ratio of medians: 2,000 bootstrap resamples of rounds, seeded. */
export function ratioInterval(runs, reference, resamples = 2000) {
  let state = 1;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const ratios = Array.from({ length: resamples }, () => {
    // Rounds are drawn together: both engines met the same noise in a round.
    const picks = runs.map(() => Math.floor(random() * runs.length));
    return (
      quantile(picks.map((i) => runs[i]), 0.5) / quantile(picks.map((i) => reference[i]), 0.5)
    );
  });
  return [quantile(ratios, 0.025), quantile(ratios, 0.975)];
}
