import assert from "node:assert/strict";
import { test } from "node:test";
import { loopModule } from "./peak.js";

test("the loop is valid and computes what its chains tend to", async () => {
  const { instance } = await WebAssembly.instantiate(loopModule("mul+add"));
  // 12 chains begin at 1 to 12, and a round is four steps of `chain * 0.999 + 0.001`.
  const start = instance.exports.loop(1);
  const expected = Array.from({ length: 12 }, (_, at) => 1 + at * 0.999 ** 4).reduce((sum, chain) => sum + chain, 0);
  assert.ok(Math.abs(start - expected) < 1e-3, `${start} instead of ${expected}`);
  assert.ok(Math.abs(instance.exports.loop(100_000) - 12) < 0.1, "every chain tends to 1");
});
