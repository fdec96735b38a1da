import assert from "node:assert/strict";
import { test } from "node:test";
import { isWarm, median, percentOfPeak, quantile, ratioInterval } from "./figures.js";

test("quantiles lie between order statistics", () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 3]), 2.5);
  assert.equal(quantile([10, 20, 30, 40, 50], 0.95), 48);
  assert.equal(quantile([7], 0.95), 7);
});

test("the interval of a constant ratio is that ratio, whatever noise both engines share", () => {
  const noisy = Array.from({ length: 40 }, (_, at) => 50 + 10 * Math.sin(at));
  const [low, high] = ratioInterval(noisy.map((ms) => ms / 2), noisy);
  assert.ok(Math.abs(low - 0.5) < 1e-12 && Math.abs(high - 0.5) < 1e-12, `${low}–${high}`);
});

test("the interval holds the ratio, and is wider where times scatter more", () => {
  const scattered = (by) => Array.from({ length: 40 }, (_, at) => 10 + by * (((at * 7919) % 97) / 97 - 0.5));
  const reference = Array.from({ length: 40 }, () => 20);
  const width = (by) => {
    const [low, high] = ratioInterval(scattered(by), reference);
    assert.ok(low <= 0.5 * 1.02 && high >= 0.5 * 0.98, `${low}–${high}`);
    return high - low;
  };
  assert.ok(width(4) > 2 * width(1));
});

test("rounds that do not pair have no interval", () => {
  assert.throws(() => ratioInterval([1, 2], [1]), /each round/);
});

test("an engine is warm once its rounds stop getting faster", () => {
  const falling = [50, 45, 40, 35, 30, 25, 20, 15, 12, 10];
  assert.equal(isWarm(falling), false);
  assert.equal(isWarm([...falling, 10, 10, 10, 10, 10, 10, 10, 10, 10]), true);
  assert.equal(isWarm([10, 10, 10, 10, 10, 10, 10, 10, 10]), false, "nine rounds tell nothing");
});

test("percent of peak is of all threads' peaks", () => {
  const row = { flop: 1e9, minMs: 50, peakGflops: 40 };
  assert.equal(percentOfPeak(row), 50);
  assert.equal(percentOfPeak({ ...row, threads: 2 }), 25);
});
