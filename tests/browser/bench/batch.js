// How a page bears a thousand pictures: rate, frames, memory. `cargo xtask bench --batch`.

import { mkdir, readFile, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { dropMany, finished, quantile, recordedFrames, recordFrames, results } from "../many.js";
import { PATIENCE, Visit } from "../page.js";
import { fixture, launch } from "../support.js";

const [nText, reportFile] = process.argv.slice(2);
const n = Number(nText);
/** Results after which memory no longer counts as warming up. */
const WARM = Math.min(200, Math.floor(n / 4));
const SIDE = 512;

const rows = [];
for (const nWorkers of [1, 2]) {
  const browser = await launch();
  try {
    rows.push(await soak(browser, nWorkers));
  } finally {
    await browser.close();
  }
}
const report = {
  date: new Date().toISOString().slice(0, 10),
  machine: `${os.cpus()[0].model}, ${os.cpus().length} cores`,
  command: `cargo xtask bench --batch --rounds ${n}`,
  rows,
};
await mkdir(path.dirname(reportFile), { recursive: true });
await writeFile(reportFile, `${JSON.stringify(report, null, 2)}\n`);
console.log(`${report.machine}, ${n} pictures of ${SIDE} × ${SIDE} pixels`);
console.table(rows);

async function soak(browser, nWorkers) {
  const visit = await Visit.open(browser, { query: `?workers=${nWorkers}` });
  const { page } = visit;
  await visit.ready();
  await visit.choose(fixture("pictures/upright.jpg"));
  await visit.predictions("upright.jpg");
  const before = await memory(browser, page);
  const drop = await dropMany(page, { n, side: SIDE });
  await results(page, 1 + WARM, 10 * PATIENCE);
  const warm = await memory(browser, page);
  await recordFrames(page);
  const start = Date.now();
  await finished(page, 60 * PATIENCE);
  const seconds = (Date.now() - start) / 1000;
  const frames = await recordedFrames(page);
  const done = await page.evaluate(() => performance.getEntriesByName("vitrine:result").length - 1);
  const end = await memory(browser, page);
  const row = {
    workers: nWorkers,
    n: done,
    drop_ms: round(drop),
    per_second: round((done - WARM) / seconds),
    frames: frames.length,
    frame_p50_ms: round(quantile(frames, 0.5)),
    frame_p95_ms: round(quantile(frames, 0.95)),
    frame_max_ms: round(Math.max(...frames)),
    page_mb_before: before.page,
    page_mb_warm: warm.page,
    page_mb_end: end.page,
    process_mb_before: before.process,
    process_mb_warm: warm.process,
    process_mb_end: end.process,
  };
  await visit.close();
  return row;
}

/**
 * Megabytes: the page's objects and buffers after a collection, and what the process that holds the
 * page and its workers takes of the machine; `null` where that cannot be read.
 */
async function memory(browser, page) {
  const session = await page.context().newCDPSession(page);
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize, backingStorageSize = 0 } = await session.send("Runtime.getHeapUsage");
  await session.detach();
  const system = await browser.newBrowserCDPSession();
  const { processInfo } = await system.send("SystemInfo.getProcessInfo");
  await system.detach();
  const sizes = await Promise.all(
    processInfo.filter(({ type }) => type === "renderer").map(({ id }) => residentBytes(id)),
  );
  return { page: round((usedSize + backingStorageSize) / 1e6), process: round(Math.max(...sizes) / 1e6) };
}

async function residentBytes(process) {
  const status = await readFile(`/proc/${process}/status`, "utf8").catch(() => "");
  return 1024 * Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? NaN);
}

function round(value) {
  return Math.round(value * 10) / 10;
}
