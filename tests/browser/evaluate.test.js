// The page's answers on labelled pictures and texts are the native command's answers.

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { after, before } from "node:test";
import { parsePrediction, visitingWith } from "./page.js";
import { catalog, classification, labels, launch } from "./support.js";

/** Pictures evaluated in the browser: every fifth of the native 500. */
const EVERY = 5;
/** Pictures given to the page at a time. */
const BATCH = 20;
/** Most difference between a probability here and natively: other instructions sum in another order. */
const TOLERANCE = 0.001;
/** Time for some 300 texts on a slow, shared machine. */
const TABLE_PATIENCE = 300_000;

const data = process.env.VITRINE_DATA;
const native = process.env.VITRINE_NATIVE_PREDICTIONS;
const skip = data && native ? false : "no evaluation data: set VITRINE_DATA";

let browser;
let scratch;
before(async () => {
  browser = await launch();
  scratch = await mkdtemp(path.join(os.tmpdir(), "vitrine-"));
});
after(async () => {
  await browser.close();
  await rm(scratch, { recursive: true });
});

const visiting = visitingWith(() => browser);

const entry = async (id) => (await catalog()).models.find((model) => model.id === id);

async function nativeRows(model) {
  return JSON.parse(await readFile(path.join(native, `${model}.json`), "utf8")).rows;
}

visiting(
  "at least 100 labelled pictures get the native predictions in the page",
  {},
  async (visit, t) => {
    const rows = await nativeRows("efficientnet-lite0");
    const names = await labels(await entry("efficientnet-lite0"));
    const chosen = rows.filter((_, i) => i % EVERY === 0);
    assert.ok(chosen.length >= 100, `${chosen.length} pictures`);
    await visit.ready();
    const right = { top1: 0, top5: 0 };
    for (let start = 0; start < chosen.length; start += BATCH) {
      const batch = chosen.slice(start, start + BATCH);
      await visit.choose(...batch.map(({ file }) => path.join(data, "imagenet-samples", file)));
      for (const { file, expected, top_5, probability } of batch) {
        const predictions = (await visit.predictions(file)).map(parsePrediction);
        assert.deepEqual(
          predictions.map(({ label }) => label),
          top_5.map((index) => names[index]),
          `${file}: the page's five classes are the native ones`,
        );
        assert.ok(Math.abs(predictions[0].probability - probability) <= TOLERANCE, `${file}: same probability`);
        if (top_5[0] === expected) right.top1 += 1;
        if (top_5.includes(expected)) right.top5 += 1;
      }
      // More than a few files are shown as rows of a table, without their five classes.
      await visit.page.getByRole("button", { name: "Clear results" }).click();
    }
    const share = (count) => `${((100 * count) / chosen.length).toFixed(1)} %`;
    t.diagnostic(`in Chromium, n = ${chosen.length}: top-1 ${share(right.top1)}, top-5 ${share(right.top5)}`);
    const marks = await visit.page.evaluate(() =>
      performance.getEntriesByName("vitrine:result").map((mark) => mark.detail),
    );
    assert.equal(marks.length, chosen.length, "one mark per result");
  },
  { skip },
);

for (const [what, models] of [
  ["comments", ["emotion", "sentiment"]],
  ["requests to a bank", ["intent"]],
]) {
  visiting(
    `at least 300 ${what} get the native ${models.join(" and ")} in the page`,
    {},
    async (visit, t) => {
      const expected = await Promise.all(models.map(nativeRows));
      const texts = expected[0].map(({ text }) => text);
      assert.ok(texts.length >= 300, `${texts.length} texts`);
      const found = await analysed(visit, texts);
      for (const [at, model] of models.entries()) {
        const names = await labels(await entry(model));
        const { output } = classification(await entry(model));
        let nSame = 0;
        for (const [row, { probabilities }] of expected[at].entries()) {
          const told = found[row][model];
          const holding = holdingLabels(probabilities, output, names);
          if (holding.certain.every((name) => told.labels.includes(name))) nSame += 1;
          // The class named first is the likeliest of those that hold, if one does.
          const first = told.labels[0] === undefined ? Math.max(...probabilities) : probabilities[names.indexOf(told.labels[0])];
          assert.ok(Math.abs(told.probability - first) <= TOLERANCE, `${model}, row ${row + 1}: same probability`);
          for (const name of told.labels) assert.ok(holding.possible.includes(name), `${model}, row ${row + 1}: ${name}`);
        }
        assert.equal(nSame, texts.length, `${model}: the same labels`);
        t.diagnostic(`in Chromium, n = ${texts.length}: ${model} is the native one`);
      }
    },
    { skip },
  );
}

/** Labels that hold, and those that may: within a rounding error of their threshold. */
function holdingLabels(probabilities, output, names) {
  const ranked = names.map((name, at) => ({ name, margin: probabilities[at] - threshold(at) }));
  function threshold(at) {
    return output.activation === "softmax" ? Math.max(...probabilities) : output.thresholds[at];
  }
  const above = (least) => ranked.filter(({ margin }) => margin >= least).map(({ name }) => name);
  return { certain: above(output.activation === "softmax" ? 0 : TOLERANCE), possible: above(-TOLERANCE) };
}

/** What the page tells of texts, given as a table: per row and model `{ labels, probability }`. */
async function analysed(visit, texts) {
  const cell = (text) => `"${text.replaceAll('"', '""')}"`;
  const table = path.join(scratch, "texts.csv");
  await writeFile(table, ["number,text", ...texts.map((text, at) => `${at},${cell(text)}`)].join("\n"));
  await visit.ready();
  await visit.choose(table);
  const card = visit.card("texts.csv");
  const column = card.getByRole("combobox", { name: "Column with the texts" });
  await column.selectOption({ label: "text" }, { timeout: TABLE_PATIENCE });
  await card.getByRole("button", { name: `Analyse ${texts.length} rows` }).click();
  const save = card.getByRole("button", { name: "Download as CSV" });
  await save.waitFor({ timeout: TABLE_PATIENCE });
  const [head, ...rows] = cells((await visit.saved(() => save.click())).text);
  return rows.map((row) => {
    const at = (name) => row[head.indexOf(name)];
    const models = head.filter((name) => head.includes(`${name} probability`));
    return Object.fromEntries(
      models.map((model) => [
        model,
        { labels: at(model).split("; ").filter(Boolean), probability: Number(at(`${model} probability`)) },
      ]),
    );
  });
}

/** The cells of a CSV file, quoted as RFC 4180 says. */
function cells(csv) {
  const rows = [];
  for (const [, quoted, plain, end] of csv.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/g)) {
    if (rows.at(-1) === undefined || rows.at(-1).isDone) rows.push([]);
    rows.at(-1).push(quoted?.replaceAll('""', '"') ?? plain);
    rows.at(-1).isDone = end !== ",";
  }
  return rows;
}
