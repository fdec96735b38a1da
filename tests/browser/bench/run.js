// `cargo xtask bench`: measures and writes the report.

import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { launch } from "../support.js";
import { withEntry } from "./guard.js";
import { MAX_WARM_UP_ROUNDS, WARM_UP_MS, WARM_UP_ROUNDS } from "./jobs.js";
import { machine, processor } from "./machine.js";
import { countOperations, measure, measureLoad, measurePeak, withPercent } from "./measure.js";
import { CASES, caseName } from "./models.js";
import { openDriven, openInChromium, startDriven } from "./pages.js";
import { versions } from "./peers.js";
import { page, printed } from "./report.js";

/** What other browsers are measured on: one model of pictures, one of texts. */
const ELSEWHERE = ["efficientnet-lite0 1×3×224×224", "all-minilm-l6-v2 1×128"];
/** The flavour that Chromium takes with one thread: its loading is measured, and `baseline.json` keeps it. */
const GUARDED = "relaxed";
/** Runs that count as steady after a load. */
const STEADY_RUNS = 5;

/**
 * `rounds` and `visits` (of each engine, for loading), `threads` as a list, `peers` by
 * name, `models` by id (empty for all), `browsers` beside Chromium, `chromium` itself or not, the
 * `command` as typed, where the `report` goes, and where `table` and `baseline` go, if anywhere.
 */
const options = JSON.parse(process.argv[2]);
const cases = CASES.filter(({ model }) => options.models.length === 0 || options.models.includes(model));
if (cases.length === 0) throw new Error(`no such model: there are ${CASES.map(({ model }) => model).join(", ")}`);

const report = {
  date: new Date().toISOString().slice(0, 10),
  machine: machine(),
  command: options.command,
  versions: await versions(),
  warm_up: { least: WARM_UP_ROUNDS, least_ms: WARM_UP_MS, most: MAX_WARM_UP_ROUNDS },
  browsers: {},
  peaks: {},
  rows: [],
  load: [],
  failures: [],
};
const flops = new Map();

if (options.chromium) await inChromium();
for (const name of options.browsers) await elsewhere(name);
// Only now, because the best loop of all is the peak.
report.rows = report.rows.map(({ browser, ...row }) => {
  const peak = Math.max(...Object.values(report.peaks[browser]));
  return { browser, ...withPercent(row, flops.get(row.model), peak) };
});
await write();

async function inChromium() {
  const browser = await launch();
  try {
    report.browsers.chromium = `Chromium ${browser.version()}`;
    const open = () => openInChromium(browser);
    for (const input of cases) {
      for (const threads of options.threads) {
        const flavours = threads === 1 ? ["simd", "relaxed"] : ["threads"];
        await compare("chromium", open, { input, flavours, threads, peers: options.peers });
      }
    }
    // A model is loaded the same way for each of its shapes.
    for (const input of cases.filter(({ model }, at) => cases.findIndex((other) => other.model === model) === at)) {
      say(`loading ${caseName(input)}`);
      const { visits, peers } = options;
      const setting = { input, peers, flavours: [GUARDED], visits, rounds: STEADY_RUNS };
      report.load.push(...(await measureLoad(open, setting)));
    }
  } finally {
    await browser.close();
  }
}

async function elsewhere(name) {
  const browser = await startDriven(name);
  try {
    report.browsers[name] = browser.title;
    const open = () => openDriven(browser);
    // Its peak says what it has: without relaxed SIMD the flavour that uses it does not even compile.
    const has = await measurePeak(open);
    const flavours = [has.relaxed_madd ? "relaxed" : "simd"];
    for (const input of cases.filter((input) => ELSEWHERE.includes(caseName(input)))) {
      await compare(name, open, { input, flavours, threads: 1, peers: [] });
    }
  } finally {
    await browser.close();
  }
}

/** Adds the rows of one case in one browser, and what is needed to say what share of the peak they are. */
async function compare(browser, open, setting) {
  const name = caseName(setting.input);
  say(`${browser}: ${name}, threads: ${setting.threads}`);
  if (!flops.has(name)) flops.set(name, await countOperations(open, setting.input));
  report.peaks[browser] = best(report.peaks[browser], await measurePeak(open));
  const { rows, failures } = await measure(open, { ...setting, rounds: options.rounds });
  report.rows.push(...rows.map((row) => ({ browser, ...row })));
  report.failures.push(...failures.map((failure) => ({ browser, ...failure })));
}

/** The larger of two peaks, operation by operation. */
function best(known = {}, met) {
  return Object.fromEntries(Object.entries(met).map(([name, gflops]) => [name, Math.max(gflops, known[name] ?? 0)]));
}

async function write() {
  await mkdir(path.dirname(options.report), { recursive: true });
  await writeFile(options.report, `${JSON.stringify(report, null, 2)}\n`);
  console.log(`${report.machine}, ${Object.values(report.browsers).join(", ")}`);
  console.table(report.peaks);
  for (const [title, rows] of printed(report)) {
    console.log(title);
    console.table(rows);
  }
  for (const { browser, model, engine, threads, why } of report.failures) {
    console.log(`${engine} did not run ${model} in ${browser}, threads: ${threads}: ${why}`);
  }
  if (options.table) await writeFile(options.table, page(report));
  if (options.baseline) await writeBaseline();
}

async function writeBaseline() {
  const known = JSON.parse(await readFile(options.baseline, "utf8"));
  const { date, command, rows } = report;
  const entry = { date, browser: report.browsers.chromium, command, flavour: GUARDED };
  const inChromium = rows.filter(({ browser }) => browser === "chromium");
  const baseline = withEntry(known, processor(), { ...entry, rows: inChromium });
  await writeFile(options.baseline, `${JSON.stringify(baseline, null, 2)}\n`);
}

function say(what) {
  console.log(`  ${what}`);
}
