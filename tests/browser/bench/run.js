// `cargo xtask bench`: measures and writes the report.

import { mkdir, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { launch } from "../support.js";
import { measure, WARM_UP_ROUNDS } from "./measure.js";
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
  if (process.env.VITRINE_BENCH_TABLE) await writeFile(process.env.VITRINE_BENCH_TABLE, table(report));
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

/** The report as a page of the documentation. */
function table({ date, machine, browser, command, rows }) {
  const head = ["model and input", "engine", "n", "min ms", "median ms", "P95 ms", "÷ onnxruntime-web", "largest difference"];
  const cells = rows.map((row) => [
    row.model,
    row.engine === "ort" ? "onnxruntime-web" : row.engine,
    row.n,
    row.min_ms.toFixed(1),
    row.median_ms.toFixed(1),
    row.p95_ms.toFixed(1),
    row.engine === "ort" ? "" : `**${row.ratio_to_ort.toFixed(2)}** (${row.ratio_interval.map((bound) => bound.toFixed(2)).join("–")})`,
    row.engine === "ort" ? "" : row.max_diff.toExponential(1),
  ]);
  const line = (cells) => `| ${cells.join(" | ")} |`;
  return `# Benchmarks

Written by \`${command} --record\` on ${date}: ${machine}, ${browser}, onnxruntime-web 1.30, one thread each. All
engines run in one page, in turn, on the same file and input, after ${WARM_UP_ROUNDS} rounds that do not count. The ratio is
that of medians with a 95 % bootstrap interval over rounds; below 1 is faster than onnxruntime-web.

${[line(head), line(head.map(() => "---")), ...cells.map(line)].join("\n")}
`;
}
