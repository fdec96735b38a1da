// One measurement in Chromium, and the figures made of it.

import { catalog, classification, engineFolder, labelFile, TEST_FILES, SITE } from "../support.js";

/** Rounds before anything counts: V8 still replaces its baseline code during the first ones. */
const WARM_UP_ROUNDS = 12;

/** Our flavours and onnxruntime-web in one page, interleaved, one thread each. */
export async function measure(page, { flavours, rounds, stockEngine }) {
  const { models } = await catalog();
  const entry = models[0];
  await page.goto(new URL("browser/bench/index.html", TEST_FILES).href);
  const setting = {
    entry,
    side: classification(entry).input.crop,
    labels: await labelFile(entry),
    enginesUrl: new URL("browser/bench/engines.js", TEST_FILES).href,
    ortUrl: new URL("browser/node_modules/onnxruntime-web/dist/", TEST_FILES).href,
    modelUrl: new URL(`models/${entry.served.file}.zlib`, SITE).href,
    engineUrls: Object.fromEntries(
      await Promise.all(flavours.map(async (flavour) => [flavour, await engineFolder(flavour)])),
    ),
    rounds,
    warmUp: WARM_UP_ROUNDS,
  };
  if (stockEngine) setting.engineUrls["relaxed, tract's kernels"] = new URL("./", stockEngine).href;
  const { times, differences } = await page.evaluate(async (setting) => {
    const { loadVitrine, loadOnnxRuntime, pseudoPhotograph, maxDifference, interleave } =
      await import(setting.enginesUrl);
    const { side } = setting;
    const shape = [1, 3, side, side];
    const engines = { ort: await loadOnnxRuntime({ ...setting, shape }) };
    for (const [flavour, engineUrl] of Object.entries(setting.engineUrls)) {
      engines[flavour] = await loadVitrine({ ...setting, engineUrl });
    }
    const pixels = pseudoPhotograph(3 * side * side);
    const reference = await engines.ort.run(pixels);
    const differences = {};
    for (const flavour of Object.keys(setting.engineUrls)) {
      differences[flavour] = maxDifference(await engines[flavour].run(pixels), reference);
    }
    return { times: await interleave(engines, pixels, setting), differences };
  }, setting);
  return Object.entries(times).map(([engine, runs]) => ({
    model: entry.id,
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
