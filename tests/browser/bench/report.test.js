import assert from "node:assert/strict";
import { test } from "node:test";
import { page, printed } from "./report.js";

const row = (more) => ({
  browser: "chromium",
  model: "model 1×3",
  engine: "ort",
  threads: 1,
  n: 40,
  min_ms: 10,
  median_ms: 11,
  p95_ms: 12,
  ratio_to_ort: 1,
  ratio_interval: [1, 1],
  max_diff: 0,
  gflop: 0.25,
  percent_of_peak: 50,
  ...more,
});

const load = (more) => ({
  model: "model 1×3",
  engine: "ort",
  n: 5,
  compile_ms: 300,
  unpack_ms: 40,
  create_ms: 200,
  parse_ms: null,
  optimise_ms: null,
  first_run_ms: 20,
  total_ms: 560,
  steady_ms: 11,
  memory_loaded_mb: 70,
  memory_mb: 80,
  create_ratio_to_ort: 1,
  memory_ratio_to_ort: 1,
  ...more,
});

const report = {
  date: "2026-01-02",
  machine: "A processor, 2 cores",
  command: "cargo xtask bench --record",
  versions: { ort: "1.2.3", tfjs: "4.5.6", rten: null },
  warm_up: { least: 12, least_ms: 1500, most: 40 },
  browsers: { chromium: "Chromium 100", webkit: "MiniBrowser 2" },
  peaks: { chromium: { "mul+add": 30, relaxed_madd: 60 }, webkit: { "mul+add": 20 } },
  rows: [
    row(),
    row({ engine: "relaxed", ratio_to_ort: 0.5, ratio_interval: [0.4, 0.6], max_diff: 1e-6 }),
    row({ engine: "threads", threads: 2, ratio_to_ort: 0.7, ratio_interval: [0.6, 0.8] }),
    row({ browser: "webkit", engine: "simd", ratio_to_ort: 0.9, ratio_interval: [0.8, 1] }),
  ],
  load: [
    load(),
    load({ engine: "tfjs" }),
    load({ engine: "relaxed", parse_ms: 10, optimise_ms: 70, create_ratio_to_ort: 0.4 }),
  ],
  failures: [{ browser: "chromium", model: "model 1×3", engine: "rten", threads: 1, why: "no such operator\nat …" }],
};

/** The text under a heading. */
function section(text, heading) {
  const [, rest] = text.split(`\n## ${heading}\n`);
  assert.ok(rest, `there is a section ${heading}`);
  return rest.split("\n## ")[0];
}

test("each kind of figure has its section, with its rows only", () => {
  const text = page(report);
  assert.match(section(text, "One thread"), /\| relaxed \| 40 \| 10\.0 \| 11\.0 \| 12\.0 \| \*\*0\.50\*\* \(0\.40–0\.60\) \| 50 \| 1\.0e-6 \|/);
  assert.doesNotMatch(section(text, "One thread"), /threads|simd/);
  assert.match(section(text, "2 threads"), /\*\*0\.70\*\*/);
  assert.match(section(text, "MiniBrowser 2"), /\| simd \|.*\*\*0\.90\*\*/);
  assert.match(section(text, "Memory, one thread"), /70\.0 \| 80\.0/);
  assert.match(section(text, "What did not run"), /rten, model 1×3, chromium, one thread: no such operator$/m);
});

test("the peak of a browser without relaxed SIMD says so, and each model's operations stand once", () => {
  const text = section(page(report), "The machine's peak, and what models take");
  assert.match(text, /\| Chromium 100 \| 30\.0 \| 60\.0 \|/);
  assert.match(text, /\| MiniBrowser 2 \| 20\.0 \| not there \|/);
  assert.equal(text.match(/model 1×3/g).length, 1);
});

test("an engine that tells what creating is made of has it in its row", () => {
  const text = section(page(report), "Loading, one thread");
  assert.match(text, /\| relaxed \|.*10 \+ 70 \|.*\| \*\*0\.40\*\*/);
  assert.match(text, /\| TensorFlow\.js \|.*\| \*\*1\.00\*\*/);
});

test("a report without loading or failures has no empty sections", () => {
  const text = page({ ...report, load: [], failures: [] });
  assert.doesNotMatch(text, /## Loading|## Memory|## What did not run/);
});

test("tables on the terminal are by browser and threads", () => {
  assert.deepEqual(
    printed(report).map(([title]) => title),
    ["chromium, one thread", "chromium, 2 threads", "webkit, one thread", "loading", "memory"],
  );
});
