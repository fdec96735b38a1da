// Many files at once: nothing is lost, nothing blocks, and what is said of them adds up.

import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import { dropMany, finished, progress, quantile, recordedFrames, recordFrames, results, settled, visibleRows } from "./many.js";
import { PATIENCE, visitingWith } from "./page.js";
import { fixture, launch, MODEL_TITLE } from "./support.js";

/** Hundreds of pictures take a while on two slow cores that are shared. */
const LONG = 4 * PATIENCE;
const N = 300;
const BROKEN = {
  "words.png": "these are words, not pixels",
  "=formula.png": "neither is this",
  "empty.png": "",
  "drawing.png": "<svg xmlns='http://www.w3.org/2000/svg'/>",
  "cut.png": "\x89PNG\r\n\x1a\n",
};

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());
const visiting = visitingWith(() => browser);

describe("many files", () => {
  visiting("every one has its outcome, and table, totals and exports agree", {}, async (visit, t) => {
    const { page } = visit;
    await visit.ready();
    // The engine is up before frames are counted: what starting it costs is measured elsewhere.
    await visit.choose(fixture("pictures/upright.jpg"));
    await visit.predictions("upright.jpg");
    await page.getByRole("button", { name: "Clear results" }).click();
    await recordFrames(page);
    const blocked = await dropMany(page, { n: N, broken: BROKEN });
    await results(page, 10, PATIENCE);
    await recordedFrames(page);
    await recordFrames(page);
    await finished(page, LONG);
    const frames = await recordedFrames(page);
    const p95 = quantile(frames, 0.95);
    t.diagnostic(`${N} files: drop ${blocked.toFixed(0)} ms; frames n = ${frames.length}, P95 ${p95.toFixed(1)} ms`);
    assert.ok(p95 <= 50, `95 % of frames within ${p95} ms`);
    assert.ok(blocked <= 200, `the drop took ${blocked} ms`);

    const total = N + Object.keys(BROKEN).length;
    assert.deepEqual(await progress(page), { done: total, total });
    assert.equal(await page.getByRole("article").count(), 0, "no cards");
    const rows = await allRows(page);
    assert.equal(rows.length, total);
    assert.equal(new Set(rows.map(({ name }) => name)).size, total, "each file stands once");
    assert.deepEqual(
      rows.map(({ index }) => index),
      rows.map((_, at) => at + 2),
      "rows are numbered through all pages",
    );
    const named = rows.filter(({ name }) => !(name in BROKEN));
    for (const { name, result } of named) assert.match(result, /^.+ \d+\.\d %$/, name);

    await page.getByRole("combobox", { name: "Show" }).selectOption({ label: `With errors (${Object.keys(BROKEN).length})` });
    const failed = await visibleRows(page);
    assert.deepEqual(failed.map(({ name }) => name).sort(), Object.keys(BROKEN).sort());
    const reason = Object.fromEntries(failed.map(({ name, result }) => [name, result]));
    assert.match(reason["words.png"], /not a picture/i);
    assert.match(reason["empty.png"], /empty/i);
    assert.match(reason["drawing.png"], /SVG/);
    assert.match(reason["cut.png"], /incomplete|damaged/i);

    const totals = page.getByRole("list", { name: `${MODEL_TITLE}, totals` });
    const counted = (await visit.items(totals)).map((text) => Number(/ (\d+) files?$/.exec(text)[1]));
    assert.equal(sum(counted), N, "totals add up");

    const best = (result) => /^(.+) \d+\.\d %$/.exec(result)?.[1] ?? "";
    const csv = await visit.saved(() => page.getByRole("button", { name: "Download as CSV" }).click());
    const [head, ...lines] = parseCsv(csv.text);
    assert.equal(csv.name, "vitrine-batch.csv");
    assert.deepEqual(head.slice(0, 4), ["file", "outcome", "efficientnet-lite0", "efficientnet-lite0 probability"]);
    const unescaped = (name) => name.replace(/^'(?==)/, "");
    assert.deepEqual(
      lines.map(([name, outcome, label]) => [unescaped(name), outcome, label]),
      rows.map(({ name, result }) => [name, name in BROKEN ? "failed" : "done", best(result)]),
    );
    assert.ok(
      lines.flat().every((cell) => !/^[=+\-@\t\r]/.test(cell)),
      "no cell is a formula",
    );
    const json = await visit.saved(() => page.getByRole("button", { name: "Download as JSON" }).click());
    const files = JSON.parse(json.text);
    assert.deepEqual(
      files.map(({ file, answers }) => [file, answers[0]?.classes[0].label ?? ""]),
      rows.map(({ name, result }) => [name, best(result)]),
    );
    assert.ok(files.every(({ outcome, error }) => (outcome === "failed") === (error !== undefined)));
    assert.deepEqual(visit.problems, []);
  });

  visiting("cancelling a thousand takes effect within 200 ms", { query: "?workers=2" }, async (visit, t) => {
    const { page } = visit;
    await visit.ready();
    await dropMany(page, { n: 1000, side: 32 });
    await results(page, 20, PATIENCE);
    const time = await page.evaluate(async () => {
      const cancel = [...document.querySelectorAll("button")].find(
        (button) => button.textContent === "Cancel" && button.checkVisibility(),
      );
      const start = performance.now();
      cancel.click();
      while (document.documentElement.dataset.phase !== "ready") {
        await new Promise((resolve) => setTimeout(resolve));
      }
      // Drawn, and not only decided.
      await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
      return performance.now() - start;
    });
    t.diagnostic(`cancelled after ${time.toFixed(0)} ms`);
    assert.ok(time <= 200, `${time} ms`);
    // The browser tells of an ended worker a little later than it ends it.
    for (let wait = 0; wait < 20 && page.workers().length > 0; wait += 1) await page.waitForTimeout(50);
    assert.equal(page.workers().length, 0, "no worker goes on");
    const left = await page.getByRole("article").or(page.getByRole("row")).count();
    const announced = await page.getByRole("status").innerText();
    assert.match(announced, /Cancelled, \d+ items dropped/);
    assert.ok(left > 0, "what was done stays");
    await visit.choose(fixture("pictures/upright.jpg"));
    await results(page, 21, PATIENCE);
    await visit.ready();
    assert.deepEqual(visit.problems, []);
  });

  visiting("a worker that is killed costs one picture", { query: "?workers=2" }, async (visit) => {
    const { page } = visit;
    await visit.ready();
    await dropMany(page, { n: 200 });
    await workersAtWork(visit, 2);
    await page.workers()[1].evaluate(() => {
      setTimeout(() => {
        throw new Error("out of memory");
      });
    });
    await finished(page, LONG);
    assert.deepEqual(await progress(page), { done: 200, total: 200 });
    await page.getByRole("combobox", { name: "Show" }).selectOption({ label: "With errors (1)" });
    const [failed, ...others] = await visibleRows(page);
    assert.deepEqual(others, []);
    assert.match(failed.result, /engine stopped while working on this file.*out of memory/i);
    const totals = page.getByRole("list", { name: `${MODEL_TITLE}, totals` });
    const counted = (await visit.items(totals)).map((text) => Number(/ (\d+) files?$/.exec(text)[1]));
    assert.equal(sum(counted), 199);
  });

  visiting(
    "a worker that hangs is ended after its time, and the rest is done",
    { prepare: (page) => page.clock.install() },
    async (visit) => {
      const { page } = visit;
      await visit.ready();
      // More than are done between two looks at the bar, which is drawn once a second.
      await dropMany(page, { n: 400 });
      // With a clock of the test's own there are no user-timing marks to wait for.
      await page.waitForFunction(
        () => document.querySelector('progress[aria-label="Files done"]')?.value >= 5,
        null,
        { timeout: PATIENCE },
      );
      // Longer than anyone waits; the worker is ended in the middle of it.
      await page.workers()[0].evaluate(() => {
        setTimeout(() => {
          for (;;);
        });
      });
      await settled(page);
      await page.clock.fastForward(62_000);
      await page.waitForFunction(() => document.documentElement.dataset.phase === "ready", null, { timeout: LONG });
      await page.clock.runFor(2000);
      await page.getByRole("combobox", { name: "Show" }).selectOption("2");
      const [failed, ...others] = await visibleRows(page);
      assert.deepEqual(others, []);
      assert.match(failed.result, /took too long.*within 60 s/i);
    },
  );

  visiting("a batch can be paused and goes on", {}, async (visit) => {
    const { page } = visit;
    await visit.ready();
    await dropMany(page, { n: 200 });
    await results(page, 10, PATIENCE);
    await page.getByRole("button", { name: "Pause" }).click();
    await page.getByText(/^Paused, \d+ items left$/).waitFor();
    await page.waitForTimeout(1000);
    const marks = () => page.evaluate(() => performance.getEntriesByName("vitrine:result").length);
    const n = await marks();
    await page.waitForTimeout(2000);
    assert.equal(await marks(), n, "nothing is begun while it rests");
    await page.getByRole("button", { name: "Resume" }).click();
    await finished(page, LONG);
    assert.equal((await progress(page)).done, 200);
  });

  visiting("the table is used by keyboard, and a row opens as a card", {}, async (visit) => {
    const { page } = visit;
    await visit.ready();
    await dropMany(page, { n: 60 });
    await finished(page, LONG);
    const first = page.getByRole("button", { name: "picture-0000.jpeg", exact: true });
    await page.getByRole("group", { name: "Files and what was found in them" }).focus();
    await page.keyboard.press("Tab");
    assert.ok(await first.evaluate((button) => button === document.activeElement), "Tab reaches the first row");
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog", { name: "picture-0000.jpeg" });
    await dialog.waitFor();
    assert.equal((await visit.predictions("picture-0000.jpeg")).length, 5);
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "hidden" });
    assert.ok(await first.evaluate((button) => button === document.activeElement), "the focus returns");
    const next = page.getByRole("navigation", { name: "Pages of the table" }).getByRole("button", { name: "Next" });
    await next.focus();
    await page.keyboard.press("Enter");
    await page.getByText("Rows 51 to 60 of 60").waitFor();
    assert.equal((await visibleRows(page)).length, 10);
    assert.ok(await next.evaluate((button) => button === document.activeElement), "the focus stays");
    await page.keyboard.press("Enter");
    await page.getByText("Rows 51 to 60 of 60").waitFor();
    assert.equal(await page.getByRole("table").first().getAttribute("aria-rowcount"), "61");
  });

  for (const colorScheme of ["dark", "light"]) {
    const context = { colorScheme, viewport: { width: 360, height: 780 } };
    visiting(`axe finds nothing wrong in a batch, nothing is cut off, ${colorScheme}`, { context }, async (visit) => {
      const { page } = visit;
      await visit.ready();
      await dropMany(page, { n: 60, broken: BROKEN });
      await finished(page, LONG);
      const overflow = () =>
        page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.ok((await overflow()) <= 0, "no wider than the window");
      assert.deepEqual(await visit.violations(), []);
      await page.getByRole("button", { name: "picture-0000.jpeg", exact: true }).click();
      await page.getByRole("dialog").waitFor();
      assert.deepEqual(await visit.violations(), []);
    });
  }
});

/** The rows of all pages. */
async function allRows(page) {
  const pages = page.getByRole("navigation", { name: "Pages of the table" });
  const rows = await visibleRows(page);
  const next = pages.getByRole("button", { name: "Next" });
  while ((await next.getAttribute("aria-disabled")) !== "true") {
    await next.click();
    rows.push(...(await visibleRows(page)));
  }
  return rows;
}

/** Waits until so many workers answer. */
async function workersAtWork(visit, n) {
  await visit.page.waitForFunction(
    (n) => performance.getEntriesByName("vitrine:model-ready").length >= n,
    n,
    { timeout: PATIENCE },
  );
  assert.equal(visit.page.workers().length, n);
}

function sum(values) {
  return values.reduce((total, value) => total + value, 0);
}

/** Rows of cells, by RFC 4180. */
function parseCsv(text) {
  const rows = [[]];
  const cell = /("(?:[^"]|"")*"|[^,\r\n]*)(,|\r\n)/y;
  for (let match = cell.exec(text); match; match = cell.exec(text)) {
    const [, raw, end] = match;
    rows.at(-1).push(raw.startsWith('"') ? raw.slice(1, -1).replaceAll('""', '"') : raw);
    if (end !== ",") rows.push([]);
  }
  return rows.slice(0, -1);
}
