// What is measured: live, of a visitor's own results, and in the latency lab.

import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import { PATIENCE, visitingWith } from "./page.js";
import { fixture, launch, MODEL_TITLE } from "./support.js";

let browser;
before(async () => {
  browser = await launch();
});
after(async () => {
  await browser.close();
});

const visiting = visitingWith(() => browser);

/** A visit that begins on the lab's own page. */
const LAB = { query: "performance/" };

/** Chooses in one of the lab's lists. */
async function pick(visit, label, title) {
  await lab(visit).getByRole("combobox", { name: label, exact: true }).selectOption({ label: title });
}

function lab(visit) {
  return visit.page.getByRole("region", { name: "Latency lab" });
}

/** The lab's latest run, once it is there. */
async function result(visit, title = MODEL_TITLE) {
  const latest = lab(visit).getByRole("region", { name: `${title}, measured`, exact: true });
  await latest.waitFor({ timeout: PATIENCE });
  return latest;
}

async function run(visit, { model = MODEL_TITLE, runs = "20" } = {}) {
  await visit.ready();
  await pick(visit, "Model", model);
  await pick(visit, "Runs", runs);
  await lab(visit).getByRole("button", { name: "Run", exact: true }).click();
}

async function report(visit) {
  const save = () => lab(visit).getByRole("button", { name: "Download report" }).click();
  const { name, text } = await visit.saved(save);
  assert.equal(name, "vitrine-performance.json");
  return JSON.parse(text);
}

/** Says that the page is out of view, as the browser does when a person turns to another tab. */
function hide(visit) {
  return visit.page.evaluate(() => {
    Object.defineProperty(document, "hidden", { value: true, configurable: true });
    Object.defineProperty(document, "visibilityState", { value: "hidden", configurable: true });
    document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
  });
}

/** A chart's table as rows of cells. */
async function cells(chart) {
  await chart.getByText("Show as table").click();
  return chart.locator("tbody tr").evaluateAll((rows) =>
    rows.map((row) => [...row.cells].map((cell) => cell.textContent)),
  );
}

describe("the latency lab", () => {
  visiting("measures a model in a worker of its own and reports every figure", LAB, async (visit) => {
    await run(visit);
    const latest = await result(visit);
    const written = await report(visit);
    assert.equal(written.unit, "ms");
    assert.ok(!Number.isNaN(Date.parse(written.date)));
    assert.ok(written.device.hardware_concurrency >= 1);
    assert.match(written.device.user_agent, /Chrome/);
    assert.equal(written.runs.length, 1);
    const [{ model, engine, input_shape, cold, steady, memory_bytes, times, operators }] = written.runs;
    assert.equal(model, "efficientnet-lite0");
    assert.equal(engine, "relaxed");
    assert.deepEqual(input_shape, [1, 3, 224, 224]);
    for (const part of ["engine_start", "fetch", "parse", "optimise", "warm_up", "first_run"]) {
      assert.ok(cold[part] > 0, `${part} took ${cold[part]} ms`);
    }
    assert.ok(cold.first_run <= cold.warm_up);
    assert.ok(cold.network_bytes > 1e6, "the model came over the network");
    assert.equal(steady.n, 20);
    assert.equal(times.length, 20);
    const { min, p50, p95, p99, max, mean, p50_interval_95 } = steady;
    const rising = [min, p50, p95, p99, max];
    assert.deepEqual(rising, [...rising].sort((a, b) => a - b));
    assert.equal(min, Math.min(...times));
    assert.ok(Math.abs(mean - times.reduce((sum, time) => sum + time, 0) / 20) < 1e-6);
    assert.deepEqual(p50_interval_95, [5, 14].map((rank) => [...times].sort((a, b) => a - b)[rank]));
    assert.ok(steady.runs_per_minute > 0 && steady.runs_per_minute <= 60_000 / min);
    assert.ok(memory_bytes > 16e6, "the module's memory holds the model");
    const byTime = operators.map(({ time }) => time);
    assert.deepEqual(byTime, [...byTime].sort((a, b) => b - a));
    assert.deepEqual([operators[0].operator, operators[0].n], ["VitrineConv", 49], "what takes most");
    assert.ok(byTime[0] > 0 && byTime[0] < max * 2);
    const shown = latest.getByRole("table", { name: "Where the time of one run goes" });
    const [first] = (await shown.getByRole("row").allInnerTexts()).slice(1);
    assert.match(first.replace(/\s+/g, " "), /^VitrineConv 49 [\d.]+ ms \d+\.\d %$/);

    const table = await cells(latest.getByRole("figure"));
    const counted = table.reduce((sum, [, count]) => sum + Number(count), 0);
    assert.equal(counted, 20, "the histogram's table holds every run");
    assert.deepEqual(await visit.violations(), []);
    assert.deepEqual(visit.problems, []);
  });

  visiting("stops when asked, and keeps what was measured until then", LAB, async (visit) => {
    await run(visit, { runs: "200" });
    const progress = lab(visit).getByRole("progressbar", { name: "Runs measured" });
    await progress.waitFor({ timeout: PATIENCE });
    await visit.page.waitForFunction(
      () => document.querySelector('progress[aria-label="Runs measured"]').value > 0,
      null,
      { timeout: PATIENCE },
    );
    await lab(visit).getByRole("button", { name: "Stop" }).click();
    const latest = await result(visit);
    assert.match(await latest.innerText(), /Stopped after \d+ runs/);
    const [{ steady, warnings }] = (await report(visit)).runs;
    assert.ok(steady.n > 0 && steady.n < 200, `${steady.n} runs`);
    assert.deepEqual(
      warnings.find((warning) => typeof warning === "object" && "stopped" in warning),
      { stopped: steady.n },
    );
    assert.ok(await lab(visit).getByRole("button", { name: "Run", exact: true }).isEnabled());
    assert.deepEqual(visit.problems, []);
  });

  visiting("says so when the page was out of view meanwhile", LAB, async (visit) => {
    await run(visit);
    await lab(visit).getByRole("button", { name: "Stop" }).waitFor();
    await hide(visit);
    const latest = await result(visit);
    assert.match(await latest.innerText(), /The page was out of view during this run/);
    assert.ok((await report(visit)).runs[0].warnings.includes("hidden"));
  });

  visiting("compares several runs, and clears them", LAB, async (visit) => {
    await run(visit);
    await result(visit);
    await run(visit);
    const compared = lab(visit).getByRole("table", { name: /side by side/ });
    await compared.locator("tbody tr").nth(1).waitFor({ timeout: PATIENCE });
    for (const row of await compared.locator("tbody tr").allInnerTexts()) {
      assert.match(row, /EfficientNet-Lite0\s+relaxed SIMD\s+20\s/);
    }
    const written = await report(visit);
    assert.equal(written.runs.length, 2);
    await lab(visit).getByRole("button", { name: "Clear runs" }).click();
    assert.equal(await compared.isVisible(), false);
  });

  visiting("measures a model that takes pictures of any size", LAB, async (visit) => {
    await visit.ready();
    const titles = await lab(visit).getByRole("combobox", { name: "Model", exact: true }).locator("option").allInnerTexts();
    const detector = titles.find((title) => /detect/i.test(title));
    assert.ok(detector, `one of ${titles} finds text`);
    await run(visit, { model: detector });
    await result(visit, detector);
    const [{ input_shape, cold, steady }] = (await report(visit)).runs;
    assert.deepEqual(input_shape, [1, 3, 640, 640]);
    assert.equal(steady.n, 20);
    assert.ok(cold.first_run > 0);
  });

  visiting("says why a fast path is off", LAB, async (visit) => {
    await visit.ready();
    const device = lab(visit).getByRole("region", { name: "This device" });
    const words = await device.innerText();
    assert.match(words, /Relaxed SIMD: on/);
    assert.match(words, /Threads within one run: off/);
  });
});

describe("live metrics", () => {
  visiting("count results, keep the first apart, and stand in a table as in the drawing", {}, async (visit) => {
    await visit.ready();
    for (const name of ["upright.jpg", "photo.bmp", "photo.webp"]) {
      await visit.choose(fixture(`pictures/${name}`));
      await visit.predictions(name);
    }
    const metrics = visit.page.getByRole("region", { name: "Measured in this visit" });
    const group = metrics.getByRole("region", { name: `${MODEL_TITLE}, measured` });
    const words = await group.innerText();
    assert.match(words, /First result: [\d.]+ ms\. After it, n = 2: P50 [\d.]+ ms/);
    assert.match(await metrics.innerText(), /Items\s+3\s/);
    assert.match(await metrics.innerText(), /Throughput\s+[\d.]+ per minute/);
    assert.match(await metrics.innerText(), /Engine memory\s+[\d.]+ MB/);

    const stages = group.getByRole("figure").filter({ hasText: "Diamond" });
    await stages.getByRole("img", { name: `${MODEL_TITLE}: time per stage` }).waitFor();
    const table = await cells(stages);
    assert.deepEqual(
      table.map(([stage, n]) => `${stage} ${n}`),
      ["Decode 2", "Preprocess 2", "Infer 2", "Postprocess 2", "Total 2"],
    );
    const drawn = await stages.locator("svg text").allTextContents();
    for (const [stage, , , p50] of table) {
      assert.ok(drawn.includes(stage) && drawn.includes(p50), `${stage} ${p50} is drawn: ${drawn}`);
    }
    const marked = await visit.page.evaluate(() =>
      performance.getEntriesByName("vitrine:result").map(({ detail }) => detail.infer),
    );
    const infer = table.find(([stage]) => stage === "Infer");
    const warm = marked.slice(1);
    // Shown with one decimal, from 100 ms on with none.
    const near = (cell, time) => assert.ok(Math.abs(Number.parseFloat(cell) - time) <= 0.51, `${cell} is ${time}`);
    near(infer[2], Math.min(...warm));
    near(infer[6], Math.max(...warm));

    // A table that was opened stays open when the next result comes.
    await visit.choose(fixture("pictures/upright.jpg"));
    await group.getByText("n = 3").first().waitFor({ timeout: PATIENCE });
    assert.ok(await stages.getByRole("table").isVisible());
    assert.deepEqual(await visit.violations(), []);
    assert.deepEqual(visit.problems, []);
  });

  visiting("requests are counted as the browser counts them, and none goes anywhere else", {}, async (visit) => {
    await visit.ready();
    await visit.choose(fixture("pictures/upright.jpg"));
    await visit.predictions("upright.jpg");
    await visit.page.getByRole("navigation").first().getByRole("link", { name: "Performance" }).click();
    const count = visit.page.getByRole("region", { name: "Requests since this page was ready" });
    /** What the page could know: `[address, whether it began once the page counted]`. */
    const listed = () =>
      visit.page.evaluate(() => {
        const [{ startTime: from }] = performance.getEntriesByName("vitrine:counting");
        const requests = performance.getEntriesByType("resource").filter(({ name }) => name.startsWith("http"));
        return requests.map(({ name, startTime }) => [name, startTime >= from]);
      });
    /** What the browser did for the page but its document. */
    const made = () =>
      visit
        .own()
        .filter((request) => request.url().startsWith("http") && !request.isNavigationRequest())
        .map((request) => request.url());
    /** What of `some` is not among `others`, as often as it is there. */
    const beyond = (some, others) => {
      const left = [...others];
      return some.filter((address) => {
        const at = left.indexOf(address);
        if (at >= 0) left.splice(at, 1);
        return at < 0;
      });
    };
    let met;
    // A request is on the page's list once it is answered, on the browser's once it is made.
    for (let tries = 0; tries < 50; tries += 1) {
      const words = await count.innerText();
      const [own, foreign] = /(\d+) requests? to this site, (\d+) to anywhere else/.exec(words).slice(1).map(Number);
      const all = await listed();
      const since = all.filter(([, isSince]) => isSince).map(([address]) => address);
      const unlisted = beyond(made(), all.map(([address]) => address));
      met = { own, foreign, since, unlisted, invented: beyond(since, made()) };
      if (own === since.length && unlisted.length === 0) break;
      await visit.page.waitForTimeout(100);
    }
    const { own, foreign, since, unlisted, invented } = met;
    assert.ok(since.length >= 4, "labels, weights, and the engine's script and module");
    assert.equal(own, since.length, since.join(" "));
    assert.deepEqual(unlisted, [], "what the page was not told of");
    assert.deepEqual(invented, [], "what was never asked for");
    assert.equal(foreign, 0);
  });
});
