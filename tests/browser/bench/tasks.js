// `cargo xtask bench --tasks`: how long the page takes for a whole page of text, and for a text.

import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { PATIENCE, Visit } from "../page.js";
import { fixture, launch } from "../support.js";

const [rounds, reportFile] = process.argv.slice(2);
/** Long enough for what an answer changes to be drawn. */
const REST_MS = 1000;
const SHEET = fixture("pages/sample/sheet.jpg");
/** Each text is another one, or the page would show the answer it has. */
const text = (at) =>
  `Number ${at}: I ordered the blue jacket three weeks ago, it has still not arrived, nobody answers my calls, ` +
  "and now you tell me that the refund takes ten more days to come.";

const browser = await launch();
try {
  const visit = await Visit.open(browser);
  await visit.ready();
  const { page } = visit;
  await page.getByRole("checkbox", { name: "Read text" }).check();
  await page.getByRole("checkbox", { name: "Classify" }).uncheck();
  const sheets = [];
  for (let at = 0; at <= Number(rounds); at += 1) {
    await visit.choose(SHEET);
    sheets.push(await result(page, at));
    const lines = await page.getByRole("article").first().getByRole("listitem").count();
    assert.equal(lines, 30, "30 lines are read");
  }
  await page.getByRole("button", { name: "Clear results" }).click();
  const texts = [];
  const box = page.getByRole("textbox", { name: "Text to analyse" });
  for (let at = 0; at <= 5 * Number(rounds); at += 1) {
    // As it is typed, with a pause in which the page comes to rest: without a graphics card drawing
    // takes the cores that the engine computes on.
    await page.waitForTimeout(REST_MS);
    await box.fill(text(at));
    texts.push(await result(page, sheets.length + at));
  }
  const rows = [
    row("page of 30 lines, first", sheets.slice(0, 1)),
    row("page of 30 lines", sheets.slice(1)),
    row("text of 30 words, first", texts.slice(0, 1)),
    row("text of 30 words", texts.slice(1)),
  ];
  const report = {
    date: new Date().toISOString().slice(0, 10),
    machine: `${os.cpus()[0].model}, ${os.cpus().length} cores`,
    browser: `Chromium ${browser.version()}`,
    command: `cargo xtask bench --tasks --rounds ${rounds}`,
    rows,
  };
  await mkdir(path.dirname(reportFile), { recursive: true });
  await writeFile(reportFile, `${JSON.stringify(report, null, 2)}\n`);
  console.log(`${report.machine}, ${report.browser}`);
  console.table(rows);
  await visit.close();
} finally {
  await browser.close();
}

/** The stage times of the result with this number, once it is there. */
async function result(page, at) {
  await page.waitForFunction((at) => performance.getEntriesByName("vitrine:result").length > at, at, {
    timeout: PATIENCE,
  });
  return page.evaluate((at) => performance.getEntriesByName("vitrine:result")[at].detail, at);
}

/** Median of each stage and of all together, in ms. */
function row(what, results) {
  const stages = Object.keys(results[0]).filter((key) => typeof results[0][key] === "number");
  const total = results.map((result) => stages.reduce((sum, stage) => sum + result[stage], 0));
  const medians = stages.map((stage) => [stage, round(quantile(results.map((result) => result[stage]), 0.5))]);
  return {
    what,
    n: results.length,
    ...Object.fromEntries(medians),
    median_ms: round(quantile(total, 0.5)),
    p95_ms: round(quantile(total, 0.95)),
  };
}

function round(value) {
  return Math.round(value * 10) / 10;
}

/** By the nearest rank. */
function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}
