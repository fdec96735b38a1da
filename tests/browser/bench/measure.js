// Measurements in a browser's page, and the rows made of them.

import { engineFolder, modelUrls } from "../support.js";
import { median, percentOfPeak, quantile, ratioInterval } from "./figures.js";
import { caseName } from "./models.js";
import { enginesFor, entryOf, ORT_URL, TOLERANCE } from "./peers.js";

/** What a job needs to know of a case. */
async function settingFor(input) {
  return { ...input, modelUrls: modelUrls(await entryOf(input)) };
}

/** What this machine reaches at most in this browser, by operation, in GFLOP/s. */
export async function measurePeak(open) {
  return inPage(open, (page) => page.run("peak"));
}

/** Operations of one run of a case. */
export async function countOperations(open, input) {
  const setting = await settingFor(input);
  return inPage(open, (page) => page.run("countOperations", { ...setting, ortUrl: ORT_URL }));
}

/**
 * Engines on one case, in one page, interleaved. Gives rows, and `failures` of peers as
 * `{ model, engine, threads, why }`. `open` opens a page as those of pages.js.
 */
export async function measure(open, { input, peers = [], flavours, threads = 1, rounds }) {
  const engines = await enginesFor(input, { peers, flavours, threads });
  const setting = { ...(await settingFor(input)), engines, rounds, tolerance: TOLERANCE };
  const { times, nWarmUp, differences, failures } = await inPage(open, (page) => page.run("compare", setting));
  // In the order of the engines: WebDriver may give the times in another.
  const ran = engines.map(({ name }) => [name, times[name]]).filter(([, runs]) => runs);
  const rows = ran.map(([engine, runs]) => ({
    model: caseName(input),
    engine,
    threads,
    n: runs.length,
    n_warm_up: nWarmUp,
    min_ms: Math.min(...runs),
    median_ms: median(runs),
    p95_ms: quantile(runs, 0.95),
    ratio_to_ort: median(runs) / median(times.ort),
    ratio_interval: ratioInterval(runs, times.ort),
    min_ratio_to_ort: Math.min(...runs) / Math.min(...times.ort),
    max_diff: differences[engine],
  }));
  const refused = Object.entries(failures).map(([engine, why]) => ({ model: caseName(input), engine, threads, why }));
  return { rows, failures: refused };
}

/** A row with the operations of its model, and what share of the peak its fastest run reached. */
export function withPercent(row, flop, peakGflops) {
  const { min_ms: minMs, threads } = row;
  return { ...row, gflop: flop / 1e9, percent_of_peak: percentOfPeak({ flop, minMs, peakGflops, threads }) };
}

/**
 * How long engines take from nothing to steady runs of one case, and what memory they take: `visits`
 * of each in turn, each in a page of its own. Gives rows of medians.
 */
export async function measureLoad(open, { input, peers, flavours, visits, rounds }) {
  const engines = await enginesFor(input, { peers, flavours });
  const setting = await settingFor(input);
  const met = new Map(engines.map(({ name }) => [name, []]));
  for (let visit = 0; visit < visits; visit += 1) {
    for (const engine of visit % 2 === 0 ? engines : [...engines].reverse()) {
      const once = inPage(open, (page) => page.run("load", { ...setting, engine, rounds }));
      // Why a peer cannot run a model stands among the failures of `measure`.
      const result = engine.required ? await once : await once.catch(() => null);
      if (result) met.get(engine.name).push(result);
    }
  }
  const rows = [...met].filter(([, results]) => results.length > 0).map(([engine, results]) => loadRow(input, engine, results));
  return withRatios(rows);
}

function loadRow(input, engine, results) {
  const of = (pick) => median(results.map(pick));
  const splits = results.map(({ split }) => split).filter(Boolean);
  const part = (name) => (splits.length === results.length ? median(splits.map((split) => split[name])) : null);
  return {
    model: caseName(input),
    engine,
    threads: 1,
    n: results.length,
    compile_ms: of(({ ms }) => ms.compile),
    unpack_ms: of(({ ms }) => ms.unpack),
    create_ms: of(({ ms }) => ms.create),
    parse_ms: part("parse"),
    optimise_ms: part("optimise"),
    first_run_ms: of(({ ms }) => ms.first_run),
    total_ms: of(({ ms }) => ms.compile + ms.unpack + ms.create + ms.first_run),
    steady_ms: of(({ steady }) => median(steady)),
    memory_loaded_mb: of(({ memory }) => memory.loaded) / 1e6,
    memory_mb: of(({ memory }) => memory.run) / 1e6,
  };
}

/** Adds what each row is of onnxruntime-web's. */
export function withRatios(rows) {
  const reference = rows.find(({ engine }) => engine === "ort");
  return rows.map((row) => ({
    ...row,
    create_ratio_to_ort: row.create_ms / reference.create_ms,
    memory_ratio_to_ort: row.memory_mb / reference.memory_mb,
  }));
}

async function inPage(open, steps) {
  const page = await open();
  try {
    return await steps(page);
  } finally {
    await page.close();
  }
}

/** Time per operator of our engine: the median of `rounds` runs each, in the order of the plan. */
export async function profile(open, { input, flavour, rounds }) {
  const engine = { name: flavour, kind: "vitrine", url: await engineFolder(flavour), threads: 1 };
  const setting = { ...(await settingFor(input)), engine, rounds };
  const runs = await inPage(open, (page) => page.run("profile", setting));
  return runs[0].map(([name, operator, details, inputs], at) => ({
    name,
    operator,
    details,
    inputs,
    ms: median(runs.map((run) => run[at][4])),
  }));
}
