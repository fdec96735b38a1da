// `cargo xtask bench --profile`: where a model's time goes in Chromium, by operator and by layer.

import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { launch } from "../support.js";
import { profile } from "./measure.js";
import { CASES, caseName } from "./models.js";

/** Layers that are printed; the report has all of them. */
const N_PRINTED = 25;

const [rounds, reportFile, ...wanted] = process.argv.slice(2);
const cases = CASES.filter(({ model }) => wanted.length === 0 || wanted.includes(model));
const browser = await launch();
try {
  const report = {};
  for (const input of cases) {
    const page = await browser.newPage();
    const layers = await profile(page, { input, flavour: "relaxed", rounds: Number(rounds) });
    await page.close();
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

function share(part, whole) {
  return `${((100 * part) / whole).toFixed(1)} %`;
}
