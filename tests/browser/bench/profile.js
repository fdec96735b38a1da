// `cargo xtask bench --profile`: where a model's time goes in a browser, by operator and by layer.

import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { launch } from "../support.js";
import { measurePeak, profile } from "./measure.js";
import { CASES, caseName } from "./models.js";
import { openDriven, openInChromium, startDriven } from "./pages.js";

/** Layers that are printed; the report has all of them. */
const N_PRINTED = 25;

const [rounds, reportFile, browserName, ...wanted] = process.argv.slice(2);
const cases = CASES.filter(({ model }) => wanted.length === 0 || wanted.includes(model));
const [browser, open] = await start(browserName);
try {
  const report = {};
  // Without relaxed SIMD the flavour that uses it does not even compile.
  const flavour = (await measurePeak(open)).relaxed_madd ? "relaxed" : "simd";
  for (const input of cases) {
    const layers = await profile(open, { input, flavour, rounds: Number(rounds) });
    report[caseName(input)] = layers;
    const total = layers.reduce((sum, { ms }) => sum + ms, 0);
    const operators = new Map();
    for (const { operator, ms } of layers) {
      const { n, sum } = operators.get(operator) ?? { n: 0, sum: 0 };
      operators.set(operator, { n: n + 1, sum: sum + ms });
    }
    console.log(`${caseName(input)}: ${total.toFixed(1)} ms in ${layers.length} operators`);
    console.table(
      [...operators]
        .sort(([, a], [, b]) => b.sum - a.sum)
        .map(([operator, { n, sum }]) => ({ operator, n, ms: sum.toFixed(2), share: share(sum, total) })),
    );
    console.table(
      [...layers]
        .sort((a, b) => b.ms - a.ms)
        .slice(0, N_PRINTED)
        .map(({ operator, inputs, ms }) => ({ operator, inputs, ms: ms.toFixed(2), share: share(ms, total) })),
    );
  }
  await mkdir(path.dirname(reportFile), { recursive: true });
  await writeFile(reportFile, `${JSON.stringify(report, null, 1)}\n`);
} finally {
  await browser.close();
}

/** A browser, and what opens the bench's page in it. */
async function start(name) {
  if (name === "chromium") {
    const browser = await launch();
    return [browser, () => openInChromium(browser)];
  }
  const browser = await startDriven(name);
  return [browser, () => openDriven(browser)];
}

function share(part, whole) {
  return `${((100 * part) / whole).toFixed(1)} %`;
}
