// The page's answers on labelled pictures are the native command's answers.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { parsePrediction, Visit } from "./page.js";
import { catalog, labels, launch } from "./support.js";

/** Pictures evaluated in the browser: every fifth of the native 500. */
const EVERY = 5;
/** Pictures given to the page at a time. */
const BATCH = 25;

const data = process.env.VITRINE_DATA;
const nativeFile = process.env.VITRINE_NATIVE_PREDICTIONS;
const skip = data && nativeFile ? false : "no evaluation data: set VITRINE_DATA";

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

test("at least 100 labelled pictures get the native predictions in the page", { skip }, async (t) => {
  const { rows } = JSON.parse(await readFile(nativeFile, "utf8"));
  const names = await labels((await catalog()).models[0]);
  const chosen = rows.filter((_, i) => i % EVERY === 0);
  assert.ok(chosen.length >= 100, `${chosen.length} pictures`);
  const visit = await Visit.open(browser);
  await visit.ready();
  const right = { top1: 0, top5: 0 };
  for (let start = 0; start < chosen.length; start += BATCH) {
    const batch = chosen.slice(start, start + BATCH);
    await visit.choose(...batch.map(({ file }) => path.join(data, "imagenet-samples", file)));
    for (const { file, expected, top_5, probability } of batch) {
      const predictions = (await visit.predictions(file)).map(parsePrediction);
      assert.deepEqual(
        predictions.map(({ label }) => label),
        top_5.map((index) => names[index]),
        `${file}: the page's five classes are the native ones`,
      );
      assert.ok(Math.abs(predictions[0].probability - probability) <= 0.001, `${file}: same probability`);
      if (top_5[0] === expected) right.top1 += 1;
      if (top_5.includes(expected)) right.top5 += 1;
    }
  }
  const share = (count) => `${((100 * count) / chosen.length).toFixed(1)} %`;
  t.diagnostic(`in Chromium, n = ${chosen.length}: top-1 ${share(right.top1)}, top-5 ${share(right.top5)}`);
  const marks = await visit.page.evaluate(() =>
    performance.getEntriesByName("vitrine:result").map((mark) => mark.detail),
  );
  assert.equal(marks.length, chosen.length, "one mark per result");
  await visit.close();
});
