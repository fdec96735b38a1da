import assert from "node:assert/strict";
import { test } from "node:test";
import { isDisturbed, limitsFor, misses, withEntry } from "./guard.js";

const entry = (ratio_to_ort, percent_of_peak) => ({ cases: { model: { ratio_to_ort, percent_of_peak } } });
const baseline = { fast: entry(0.4, 66), slow: entry(0.7, 44), old: entry(0.5, null), level: entry(0.98, 33) };

test("a known processor has its own limits, a tenth from what was recorded", () => {
  const { ratio, percent, from } = limitsFor(baseline, "fast", "model");
  assert.equal(ratio.toFixed(4), "0.4400");
  assert.equal(percent.toFixed(4), "60.0000");
  assert.equal(from, "fast");
});

test("an unknown processor must not be slower than onnxruntime-web, and no more", () => {
  const { ratio, percent, from } = limitsFor({ fast: baseline.fast, slow: baseline.slow }, "new", "model");
  assert.equal(ratio, 1);
  assert.equal(percent, null);
  assert.match(from, /does not know new/);
});

test("a machine is disturbed where the peer's own runs are far from its fastest", () => {
  assert.equal(isDisturbed({ min_ms: 34.1, median_ms: 34.8 }), false);
  assert.equal(isDisturbed({ min_ms: 64.5, median_ms: 85.0 }), true);
  assert.equal(isDisturbed({ min_ms: NaN, median_ms: NaN }), true);
});

test("no limit allows to be slower than onnxruntime-web", () => {
  assert.equal(limitsFor(baseline, "level", "model").ratio, 1);
  assert.equal(limitsFor(baseline, "new", "model").ratio, 1);
  assert.equal(limitsFor({}, "new", "model").ratio, 1);
});

test("a percentage that was never recorded is not asked for", () => {
  assert.equal(limitsFor(baseline, "old", "model").percent, null);
  assert.equal(limitsFor(baseline, "fast", "another model").percent, null);
});

test("either figure that is worse is a miss, at the limit is none", () => {
  const limits = { ratio: 0.5, percent: 50 };
  assert.deepEqual(misses({ ratio_to_ort: 0.5, percent_of_peak: 50 }, limits), []);
  assert.equal(misses({ ratio_to_ort: 0.51, percent_of_peak: 50 }, limits).length, 1);
  assert.equal(misses({ ratio_to_ort: 0.5, percent_of_peak: 49 }, limits).length, 1);
  assert.equal(misses({ ratio_to_ort: 0.51, percent_of_peak: 49 }, limits).length, 2);
  assert.deepEqual(misses({ ratio_to_ort: 0.5, percent_of_peak: 1 }, { ratio: 0.5, percent: null }), []);
});

test("a figure that is no number is a miss", () => {
  assert.equal(misses({ ratio_to_ort: NaN, percent_of_peak: NaN }, { ratio: 0.5, percent: 50 }).length, 2);
});

test("a new entry takes the guarded flavour's rows with one thread, and leaves other processors", () => {
  const row = { model: "model", threads: 1, ratio_to_ort: 0.45678, percent_of_peak: 61.234 };
  const rows = [
    { ...row, engine: "ort", ratio_to_ort: 1 },
    { ...row, engine: "relaxed" },
    { ...row, engine: "relaxed", threads: 2, ratio_to_ort: 0.3 },
  ];
  const made = withEntry(baseline, "new", { rows, flavour: "relaxed", date: "2026-01-01" });
  assert.deepEqual(made.new, {
    date: "2026-01-01",
    cases: { model: { ratio_to_ort: 0.457, percent_of_peak: 61.2 } },
  });
  assert.equal(made.fast, baseline.fast);
});
