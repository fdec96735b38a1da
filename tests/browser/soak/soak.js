// How the page bears much work and many faults: `cargo xtask soak`.
//
// Each test says what it counted; the figures of all are in target/soak/report.json.

import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import { dropMany, finished, progress, results } from "../many.js";
import { PATIENCE, Visit } from "../page.js";
import { SiteServer } from "../site-server.js";
import { catalog, fixture, launch, MODEL_TITLE } from "../support.js";
import { isShellKept, lookForUpdate, prompt, siteWith, VERSION_B } from "../versions.js";
import { kill, limitStorage } from "./faults.js";
import { Memory } from "./memory.js";

/** The share of all work that is done; less than 1 shows that everything runs. */
const SHARE = Number(process.env.VITRINE_SOAK_SHARE ?? 1);
const part = (n, least = 2) => Math.max(least, Math.round(n * SHARE));
/** Fewer files would be cards and no batch. */
const BATCH = 30;
const HOUR = 3_600_000;

const rows = [];
let browser;
let scratch;
let visit;
before(async () => {
  browser = await launch();
  scratch = await mkdtemp(path.join(os.tmpdir(), "vitrine-"));
});
after(async () => {
  await browser.close();
  await rm(scratch, { recursive: true });
  const report = {
    date: new Date().toISOString().slice(0, 10),
    machine: `${os.cpus()[0].model}, ${os.cpus().length} cores`,
    browser: `Chromium ${browser.version()}`,
    share: SHARE,
    rows,
  };
  const file = process.env.VITRINE_SOAK_REPORT;
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify(report, null, 2)}\n`);
  console.table(rows);
});
afterEach(async () => {
  await visit?.close();
  visit = undefined;
});

async function open(options = {}) {
  visit = await Visit.open(browser, options);
  await visit.ready();
  return visit.page;
}

/** Notes what was tried and what came of it, after what holds whatever was tried. */
async function outcome(what, tried, came) {
  assert.deepEqual(visit.refused, [], "refused by the security policy");
  rows.push({ what, tried, ...came });
}

/** Waits until nothing is to be done; a batch may take long. */
const idle = (page) =>
  page.waitForFunction(() => document.documentElement.dataset.phase === "ready", null, { timeout: HOUR });

/** Waits until at least so many files have their outcome. */
const done = (page, n) =>
  page.waitForFunction((n) => document.querySelector('progress[aria-label="Files done"]')?.value >= n, n, { timeout: HOUR });

const marks = (page) => page.evaluate(() => performance.getEntriesByName("vitrine:result").length);

async function classify(name = "upright.jpg", title = MODEL_TITLE) {
  await visit.choose(fixture(`pictures/${name}`));
  return visit.predictions(name, title);
}

/** Files that have no answer, by the filter above the table. */
async function withErrors(page) {
  const filter = page.getByRole("combobox", { name: "Show" });
  const option = await filter.locator("option").filter({ hasText: "With errors" }).innerText().catch(() => "(0)");
  return Number(/\((\d+)\)/.exec(option)?.[1] ?? 0);
}

/** Bytes that an item cost between two readings: in the page, and in the workers, of which one may have been replaced. */
function growth(before, after, n) {
  const grown = (place) => Math.round((after[place].heap + after[place].wasm - before[place].heap - before[place].wasm) / n);
  return { page_bytes_per_item: grown("page"), worker_bytes_per_item: grown("workers") };
}

/** An item may cost so many bytes. */
const MOST_BYTES = 1024;

const megabytes = ({ page, workers }) =>
  [page.heap, page.wasm, workers.heap, workers.wasm].map((bytes) => (bytes / 1e6).toFixed(1)).join(" + ");

describe("much work", { timeout: 3 * HOUR }, () => {
  test("pictures", async (t) => {
    const n = part(5000, BATCH);
    const warm = Math.floor(n / 5);
    const page = await open();
    const memory = await Memory.of(page);
    await classify();
    await dropMany(page, { n, side: 64 });
    await done(page, 1 + warm);
    const before = await memory.held();
    const { done: n_before } = await progress(page);
    const start = Date.now();
    // The worker is replaced once nothing is left to do, so what it holds is read while something is.
    await done(page, Math.floor(0.95 * n));
    const end = await memory.held();
    const { done: n_end } = await progress(page);
    const seconds = (Date.now() - start) / 1000;
    await finished(page, HOUR);
    assert.deepEqual(await progress(page), { done: n + 1, total: n + 1 });
    assert.equal(await withErrors(page), 0);
    const grown = growth(before, end, n_end - n_before);
    t.diagnostic(`MB of page's objects + wasm + workers' objects + wasm: ${megabytes(before)}, then ${megabytes(end)}`);
    assert.deepEqual(visit.problems, []);
    await outcome("pictures", n, { lost: 0, ...grown, per_second: round((n_end - n_before) / seconds) });
    assert.ok(Object.values(grown).every((bytes) => bytes < MOST_BYTES), JSON.stringify(grown));
  });

  test("rows of a table", async (t) => {
    const n = part(50_000);
    const lines = Array.from({ length: n }, (_, at) => `${at},comment ${at}: I like it`);
    const file = path.join(scratch, "rows.csv");
    await writeFile(file, ["id,text", ...lines].join("\n"));
    const page = await open();
    const memory = await Memory.of(page);
    await visit.choose(file);
    const card = visit.card("rows.csv");
    await card.getByRole("button", { name: `Analyse ${n} rows` }).click({ timeout: PATIENCE });
    const bar = card.getByRole("progressbar", { name: "Rows analysed" });
    await bar.waitFor();
    const element = await bar.elementHandle();
    const warm = Math.floor(n / 5);
    await page.waitForFunction(({ element, warm }) => element.value >= warm, { element, warm }, { timeout: HOUR });
    const n_before = await element.evaluate(({ value }) => value);
    const before = await memory.held();
    const start = Date.now();
    const save = card.getByRole("button", { name: "Download as CSV" });
    await save.waitFor({ timeout: HOUR });
    const seconds = (Date.now() - start) / 1000;
    const end = await memory.held();
    const { text } = await visit.saved(() => save.click());
    const written = text.trimEnd().split("\r\n").slice(1);
    assert.equal(written.length, n, "each row is in the file");
    const without = written.filter((line) => !/^\d+,"?comment \d+: I like it"?,"?[a-z; ]+"?,0?\.?\d/.test(line));
    assert.deepEqual(without.slice(0, 3), [], `${without.length} rows have no answer`);
    const grown = growth(before, end, n - n_before);
    t.diagnostic(`MB of page's objects + wasm + workers' objects + wasm: ${megabytes(before)}, then ${megabytes(end)}`);
    assert.deepEqual(visit.problems, []);
    await outcome("rows", n, { lost: 0, ...grown, per_second: round((n - n_before) / seconds) });
    assert.ok(Object.values(grown).every((bytes) => bytes < MOST_BYTES), JSON.stringify(grown));
  });

  test("switching between models", async (t) => {
    const n = part(100);
    const page = await open();
    const memory = await Memory.of(page);
    const classes = await classify();
    const thanks = await analyse("Thank you so much");
    await read();
    const before = await memory.held();
    for (let at = 0; at < n; at += 1) {
      await page.getByRole("button", { name: "Clear results" }).click();
      if (at % 3 === 0) assert.deepEqual(await classify(), classes);
      if (at % 3 === 1) assert.deepEqual(await analyse("Thank you so much"), thanks);
      if (at % 3 === 2) assert.ok((await read()) > 0);
    }
    const end = await memory.held();
    t.diagnostic(`MB of page's objects + wasm + workers' objects + wasm: ${megabytes(before)}, then ${megabytes(end)}`);
    assert.deepEqual(visit.problems, []);
    await outcome("model switches", n, { lost: 0, ...growth(before, end, n) });
  });
});

describe("faults", { timeout: HOUR }, () => {
  test("workers killed in the middle of work", async (t) => {
    const n = part(50);
    const page = await open();
    await classify();
    await dropMany(page, { n: 20 * n });
    const times = [];
    for (let at = 0; at < n; at += 1) {
      // At work again, with a result behind it.
      const n_before = await marks(page);
      await results(page, n_before + 2, PATIENCE);
      const [worker] = page.workers();
      await kill(worker);
      const killed = Date.now();
      await page.waitForFunction(
        ({ n_workers }) => performance.getEntriesByName("vitrine:model-ready").length > n_workers,
        { n_workers: at + 1 },
        { timeout: PATIENCE, polling: 10 },
      );
      const n_then = await marks(page);
      await page.waitForFunction((n) => performance.getEntriesByName("vitrine:result").length > n, n_then, {
        timeout: PATIENCE,
        polling: 10,
      });
      times.push(Date.now() - killed);
    }
    await finished(page, HOUR);
    const { done, total } = await progress(page);
    assert.equal(done, total);
    const errors = await withErrors(page);
    assert.ok(errors <= n, `${errors} items for ${n} workers`);
    times.sort((a, b) => a - b);
    const [median, most] = [times[Math.floor(n / 2)], times.at(-1)];
    t.diagnostic(`recovered after ${times.join(", ")} ms`);
    await outcome("workers killed", n, { lost: total - done, items_that_say_so: errors, recovered_ms: median, at_most_ms: most });
    assert.ok(most <= 1000, `recovered after ${most} ms`);
  });

  test("no room to store", async () => {
    const { origin } = new URL((await open()).url());
    await limitStorage(visit.page, origin, 1_000_000);
    assert.equal((await classify()).length, 5);
    assert.ok((await analyse("Thank you so much")).length > 0);
    await visit.page.getByRole("link", { name: "Models", exact: true }).click();
    await visit.page.getByText(/in memory only.*no room left/i).first().waitFor();
    assert.equal(await visit.page.getByRole("alert").count(), 0);
    await outcome("storage of 1 MB", 1, { lost: 0 });
  });

  test("the network cut in the middle of a download, and there again", async () => {
    const n = part(20);
    const { models } = await catalog();
    const chunks = models.find(({ title }) => title === MODEL_TITLE).chunks;
    const pieces = chunks.map(({ sha256 }) => `models/${sha256}.part`);
    const total = chunks.reduce((sum, { bytes }) => sum + bytes, 0);
    let refetched = 0;
    for (let at = 0; at < n; at += 1) {
      const server = await new SiteServer().start();
      try {
        visit = await Visit.open(browser, { site: server.url, keepsResults: false });
        await visit.ready();
        server.cutAfter(Math.floor((total * (at + 0.5)) / n), pieces);
        await visit.choose(fixture("pictures/upright.jpg"));
        assert.match(await visit.alert(), /could not be downloaded.*try again/i);
        server.mend();
        const whole = await kept(visit.page, pieces);
        server.asked.length = 0;
        await visit.page.getByRole("button", { name: "Try again", exact: true }).click();
        assert.equal((await visit.predictions("upright.jpg")).length, 5);
        const again = server.asked.filter((file) => whole.includes(file));
        refetched += again.length;
        if (at === n - 1) await outcome("downloads cut", n, { lost: 0, pieces_fetched_twice: refetched });
      } finally {
        await visit.close();
        visit = undefined;
        await server.stop();
      }
    }
    assert.equal(refetched, 0);
  });

  test("two tabs at once", async () => {
    const n = part(300, BATCH);
    const first = await open();
    const other = await visit.context.newPage();
    await other.goto(first.url());
    await Promise.all([first, other].map((page) => idle(page)));
    await Promise.all([dropMany(first, { n, prefix: "first" }), dropMany(other, { n, prefix: "other" })]);
    await Promise.all([first, other].map((page) => finished(page, HOUR)));
    for (const page of [first, other]) {
      assert.deepEqual(await progress(page), { done: n, total: n });
      assert.equal(await withErrors(page), 0);
    }
    assert.deepEqual(visit.problems, []);
    await outcome("two tabs", 2 * n, { lost: 0 });
  });

  test("the clock set back and forth while pictures are worked on", async () => {
    const n = part(300, BATCH);
    const page = await open();
    await page.clock.install();
    await page.reload();
    await visit.ready();
    await dropMany(page, { n });
    const day = 24 * HOUR;
    let at = 0;
    while ((await page.evaluate(() => document.documentElement.dataset.phase)) !== "ready") {
      await page.clock.setSystemTime(Date.now() + (at % 2 === 0 ? day : -day));
      at += 1;
      await page.waitForTimeout(500);
    }
    await finished(page, HOUR);
    assert.deepEqual(await progress(page), { done: n, total: n });
    assert.equal(await withErrors(page), 0);
    await outcome("clock changes", at, { lost: 0 });
  });
});

describe("a newer version", { timeout: HOUR }, () => {
  test("comes while pictures are worked on, and is taken in the middle", async () => {
    const n = part(300, BATCH);
    const server = await new SiteServer().start();
    try {
      const page = await open({ site: server.url });
      await isShellKept(page);
      await page.reload();
      await visit.ready();
      const title = await page.title();
      await dropMany(page, { n });
      await done(page, Math.floor(n / 3));
      server.folder = await siteWith(scratch, VERSION_B);
      await lookForUpdate(page);
      await prompt(page).waitFor({ timeout: PATIENCE });
      await finished(page, HOUR);
      assert.equal(await page.title(), title, "nothing is loaded anew unasked");
      assert.deepEqual(await progress(page), { done: n, total: n });
      assert.equal(await withErrors(page), 0);

      await page.getByRole("button", { name: "Clear results" }).click();
      await dropMany(page, { n, prefix: "other" });
      await done(page, Math.floor(n / 3));
      const { done: n_done } = await progress(page);
      await Promise.all([
        page.waitForEvent("load"),
        page.getByRole("button", { name: "Update", exact: true }).click(),
      ]);
      await visit.ready();
      assert.equal(await page.title(), "Version B");
      const all = page.getByRole("button", { name: /^Show all/ });
      await all.click();
      const n_earlier = await page.getByRole("article").count();
      assert.ok(n_earlier >= Math.min(200, Math.floor(n / 3)), `${n_earlier} of ${n_done} results are kept`);
      assert.equal((await classify()).length, 5);
      assert.deepEqual(visit.problems, []);
      await outcome("updates while busy", 2, { lost: 0 });
    } finally {
      await visit.close();
      visit = undefined;
      await server.stop();
    }
  });
});

async function analyse(words) {
  await visit.page.getByRole("textbox", { name: "Text to analyse" }).fill(words);
  const answers = await visit.predictions(words, "Emotion");
  await idle(visit.page);
  return answers;
}

/** Has a picture's text read instead of classifying it; how many lines there were. */
async function read() {
  const name = "227-mixed-line.jpg";
  const [classify, read] = ["Classify", "Read text"].map((name) => visit.page.getByRole("checkbox", { name }));
  await read.check();
  await classify.uncheck();
  await visit.choose(fixture(`pages/sample/${name}`));
  const lines = await visit.lines(name);
  await classify.check();
  await read.uncheck();
  return lines.length;
}

/** Which of these pieces the browser keeps whole. */
const kept = (page, pieces) =>
  page.evaluate(async (pieces) => {
    const names = (await caches.keys()).filter((name) => name.startsWith("vitrine-models-"));
    const requests = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
    const urls = requests.flat().map(({ url }) => url.slice(url.indexOf("models/")));
    return pieces.filter((piece) => urls.includes(piece));
  }, pieces);

function round(value) {
  return Math.round(value * 10) / 10;
}
