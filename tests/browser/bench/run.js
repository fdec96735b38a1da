// `cargo xtask bench`: measures and writes the report.

import { mkdir, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { launch } from "../support.js";
import { measure } from "./measure.js";
import { CASES } from "./models.js";

const [rounds, reportFile, wanted] = process.argv.slice(2);
const cases = CASES.filter(({ model }) => !wanted || model === wanted);
if (cases.length === 0) throw new Error(`no model is called ${wanted}: ${CASES.map(({ model }) => model).join(", ")}`);
const browser = await launch();
try {
  const rows = [];
  for (const input of cases) {
    // A page of its own each, because an engine's memory never shrinks.
    const page = await browser.newPage();
    rows.push(
      ...(await measure(page, {
        input,
        flavours: ["simd", "relaxed"],
        rounds: Number(rounds),
        stockEngine: process.env.VITRINE_STOCK_ENGINE,
      })),
    );
    await page.close();
  }
  const report = {
    date: new Date().toISOString().slice(0, 10),
    machine: `${os.cpus()[0].model}, ${os.cpus().length} cores`,
    browser: `Chromium ${browser.version()}`,
    command: `cargo xtask bench --rounds ${rounds}`,
    rows,
  };
  await mkdir(path.dirname(reportFile), { recursive: true });
  await writeFile(reportFile, `${JSON.stringify(report, null, 2)}\n`);
  console.log(`${report.machine}, ${report.browser}`);
  console.table(
    rows.map((row) => ({
      model: row.model,
      engine: row.engine,
      n: row.n,
      "min ms": row.min_ms.toFixed(1),
      "median ms": row.median_ms.toFixed(1),
      "P95 ms": row.p95_ms.toFixed(1),
      "÷ ort (median)": row.ratio_to_ort.toFixed(2),
      "95 % interval": row.ratio_interval.map((bound) => bound.toFixed(2)).join("–"),
      "÷ ort (min)": row.min_ratio_to_ort.toFixed(2),
      "max difference": row.max_diff.toExponential(1),
    })),
  );
} finally {
  await browser.close();
}
