// Every flavour of the engine against logits that ONNX Runtime computed for the same tensors.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { catalog, classification, engineFolder, fixture, launch, modelUrls, TEST_FILES } from "./support.js";

/** Largest difference on a logit that the foundation allows. */
const TOLERANCE = 1e-3;

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

for (const [flavour, threads] of [["simd", 1], ["relaxed", 1], ["threads", 2]]) {
  test(`the ${flavour} engine gives ONNX Runtime's logits`, async (t) => {
    const { models } = await catalog();
    const entry = models[0];
    const { pictures } = JSON.parse(await readFile(fixture("manifest.json"), "utf8"));
    const cases = await Promise.all(
      pictures.map(async ({ picture, crop, logits }) => ({
        picture,
        cropUrl: new URL(`fixtures/${crop}`, TEST_FILES).href,
        logits: [...new Float32Array(new Uint8Array(await readFile(fixture(logits))).buffer)],
      })),
    );
    const page = await browser.newPage();
    await page.goto(new URL("browser/bench/index.html", TEST_FILES).href);
    const results = await page.evaluate(
      async ({ enginesUrl, engineUrl, threads, modelUrls, input: spec, cases }) => {
        const { loadVitrine, maxDifference } = await import(enginesUrl);
        const side = spec.crop;
        const engine = await loadVitrine({ engineUrl, threads, modelUrls, shape: [1, 3, side, side] });
        const results = [];
        for (const { picture, cropUrl, logits } of cases) {
          const bitmap = await createImageBitmap(await (await fetch(cropUrl)).blob(), {
            colorSpaceConversion: "none",
          });
          const context = new OffscreenCanvas(side, side).getContext("2d");
          context.drawImage(bitmap, 0, 0);
          const { data } = context.getImageData(0, 0, side, side);
          const input = new Float32Array(3 * side * side);
          for (let channel = 0; channel < 3; channel += 1) {
            for (let i = 0; i < side * side; i += 1) {
              input[channel * side * side + i] =
                (data[4 * i + channel] - spec.mean[channel]) / spec.std[channel];
            }
          }
          results.push({ picture, difference: maxDifference(await engine.run(input), logits) });
        }
        return results;
      },
      {
        enginesUrl: new URL("browser/bench/engines.js", TEST_FILES).href,
        engineUrl: await engineFolder(flavour),
        threads,
        modelUrls: modelUrls(entry),
        input: classification(entry).input,
        cases,
      },
    );
    await page.close();
    assert.ok(results.length >= 5, "the fixtures were found");
    for (const { picture, difference } of results) {
      t.diagnostic(`${picture}: largest difference ${difference.toExponential(1)}`);
      assert.ok(difference <= TOLERANCE, `${picture}: ${difference}`);
    }
  });
}
