// Text in pictures, as a visitor reads, copies and keeps it.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe } from "node:test";
import { PATIENCE, visitingWith } from "./page.js";
import { catalog, fixture, launch, MODEL_TITLE, modelUrls } from "./support.js";

/** Most character errors of one picture, as a share of its characters. */
const MOST_ERRORS = 0.03;

let browser;
let pictures;
before(async () => {
  browser = await launch();
  ({ pictures } = JSON.parse(await readFile(fixture("pages/sample/truth.json"), "utf8")));
});
after(() => browser.close());

const visiting = visitingWith(() => browser);

/** Asks for the text in pictures alone. */
async function readOnly(visit) {
  await visit.page.getByRole("checkbox", { name: "Read text" }).check();
  await visit.page.getByRole("checkbox", { name: "Classify" }).uncheck();
}

const page = (file) => fixture(`pages/sample/${file}`);

function truth(file) {
  const { lines } = pictures.find((picture) => picture.file === file);
  return lines.map(({ text }) => text);
}

/** Least number of characters to insert, delete or replace to get from one text to the other. */
function editDistance(from, to) {
  let row = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (let i = 1; i <= from.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= to.length; j += 1) {
      const replaced = row[j - 1] + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j] + 1, next[j - 1] + 1));
    }
    row = next;
  }
  return row.at(-1);
}

describe("reading", () => {
  for (const [what, file] of [
    ["a tilted paragraph", "025-en-paragraph.jpg"],
    ["a list, light on dark", "041-en-list.jpg"],
    ["two columns, one after the other", "061-en-columns.jpg"],
    ["Chinese", "179-zh-list.jpg"],
    ["Chinese and English in a line", "227-mixed-line.jpg"],
  ]) {
    visiting(`${what}: the lines are read in order`, {}, async (visit) => {
      await visit.ready();
      await readOnly(visit);
      await visit.choose(page(file));
      const [read, expected] = [await visit.lines(file), truth(file)];
      assert.equal(read.length, expected.length, `${read.join(" | ")}`);
      const errors = editDistance([...read.join("\n")], [...expected.join("\n")]);
      const share = errors / expected.join("\n").length;
      assert.ok(share <= MOST_ERRORS, `${errors} errors in ${read.join(" | ")}`);
      assert.deepEqual(visit.problems, []);
    });
  }

  visiting("a picture without text says so", {}, async (visit) => {
    await visit.ready();
    await readOnly(visit);
    await visit.choose(page("240-none-empty.jpg"));
    await visit.card("240-none-empty.jpg").getByText("No text found").waitFor({ timeout: PATIENCE });
    assert.equal(await visit.page.getByRole("alert").count(), 0);
  });

  visiting("the page among the samples is read, and named as a picture too", {}, async (visit) => {
    await visit.ready();
    await visit.sample("Page");
    const lines = await visit.lines("page.png");
    assert.ok(lines.length >= 5, lines.join(" | "));
    assert.match(lines.join(" "), /^Region-based segmentation Let us first determine markers of the coins and the/);
    assert.equal((await visit.predictions("page.png")).length, 5);
  });

  visiting("a file that is no picture gets one alert", {}, async (visit) => {
    await visit.ready();
    await readOnly(visit);
    await visit.choose(fixture("pictures/truncated.jpg"));
    assert.match(await visit.alert(), /incomplete/i);
    await visit.choose(page("227-mixed-line.jpg"));
    assert.equal((await visit.lines("227-mixed-line.jpg")).length, 1, "the next file works");
  });

  visiting("lines stand over the picture where they are", {}, async (visit) => {
    await visit.ready();
    await readOnly(visit);
    await visit.choose(page("041-en-list.jpg"));
    const lines = await visit.lines("041-en-list.jpg");
    const { quad } = pictures.find(({ file }) => file === "041-en-list.jpg").lines[0];
    const card = visit.card("041-en-list.jpg");
    const frame = await card.getByRole("img", { name: "041-en-list.jpg" }).boundingBox();
    const outlines = card.locator("svg polygon");
    assert.equal(await outlines.count(), lines.length);
    const box = await outlines.first().boundingBox();
    const scale = frame.width / 317;
    const middle = quad.reduce((sum, [x, y]) => [sum[0] + x / 4, sum[1] + y / 4], [0, 0]);
    assert.ok(Math.abs(box.x + box.width / 2 - frame.x - middle[0] * scale) < 8 * scale);
    assert.ok(Math.abs(box.y + box.height / 2 - frame.y - middle[1] * scale) < 8 * scale);
    const text = card.locator("svg text").first();
    const selected = await text.evaluate((element) => {
      const selection = getSelection();
      selection.selectAllChildren(element);
      return selection.toString();
    });
    assert.equal(selected.trim(), lines[0]);
  });

  visiting(
    "the text can be copied, and kept as text or JSON",
    { context: { permissions: ["clipboard-read", "clipboard-write"], acceptDownloads: true } },
    async (visit) => {
      await visit.ready();
      await readOnly(visit);
      await visit.choose(page("061-en-columns.jpg"));
      const lines = await visit.lines("061-en-columns.jpg");
      const press = (name) => visit.card("061-en-columns.jpg").getByRole("button", { name }).click();
      await press("Copy text");
      await visit.page.getByRole("status").getByText("Text copied").waitFor();
      assert.equal(await visit.page.evaluate(() => navigator.clipboard.readText()), lines.join("\n"));
      const text = await visit.saved(() => press("Download as text"));
      assert.equal(text.name, "061-en-columns.txt");
      assert.equal(text.text.trimEnd(), lines.join("\n"));
      const json = await visit.saved(() => press("Download as JSON"));
      assert.equal(json.name, "061-en-columns.json");
      const document = JSON.parse(json.text);
      assert.deepEqual([document.width, document.height], [495, 249]);
      assert.deepEqual(
        document.lines.map((line) => line.text),
        lines,
      );
      for (const { quad, confidence } of document.lines) {
        assert.ok(confidence > 0.5 && confidence <= 1);
        for (const [x, y] of quad) assert.ok(x >= 0 && x <= 495 && y >= 0 && y <= 249, `${x}, ${y}`);
      }
    },
  );

  visiting("reading needs no more than 10 MB, and not the classifier", {}, async (visit) => {
    await visit.ready();
    await readOnly(visit);
    await visit.choose(page("227-mixed-line.jpg"));
    await visit.lines("227-mixed-line.jpg");
    const files = await visit.page.evaluate(() =>
      performance
        .getEntriesByType("resource")
        .filter(({ name }) => /\/models\//.test(name))
        .map(({ name, decodedBodySize }) => ({ name, bytes: decodedBodySize })),
    );
    const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
    assert.ok(bytes > 1e6 && bytes <= 10e6, `${bytes} bytes of models`);
    const { models } = await catalog();
    const classifier = modelUrls(models.find(({ title }) => title === MODEL_TITLE));
    assert.ok(classifier.length > 0 && !files.some(({ name }) => classifier.includes(name)));
    const card = visit.card("227-mixed-line.jpg");
    assert.equal(await card.getByRole("list", { name: MODEL_TITLE }).count(), 0);
  });
});
