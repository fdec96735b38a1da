// Bad and odd files, as `crates/hostile` makes them: each gets the answer that its corpus lists, the page
// stays as it was, and nothing leaves it.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { finished } from "./many.js";
import { PATIENCE, visitingWith } from "./page.js";
import { engineFolder, fixture, launch, TEST_FILES } from "./support.js";

const FOLDER = process.env.VITRINE_HOSTILE;
/** Files of each kind that are tried here; all of them are natively. */
const SAMPLE = { picture: 90, text: 30, table: 20, model: 60 };

const skip = FOLDER ? false : "the corpus is not written: cargo run -p vitrine-hostile -- target/hostile, then VITRINE_HOSTILE";
const index = FOLDER ? JSON.parse(await readFile(path.join(FOLDER, "index.json"), "utf8")) : [];

/** Always among them: what stands for a kind of attack of its own. */
const ALWAYS =
  /^(format-(html|lfs|pickle|zip)|.*named\.|.*without-ending|20000x1|1x20000|claims-4294967295|packed-|frame-|clear-frame|animated|orientation-|16-bits|four-inks|100-mb|rows-1000000|columns-1000000|one-nul|.*appended|.*behind)/;

/** As many files of a kind as are tried: those that always are, and others spread over the rest. */
function sample(kind) {
  const all = index.filter(
    // Of models only what is refused: reading one is other tests' business.
    (entry) => entry.kind === kind && entry.stage === "door" && (kind !== "model" || entry.answer === "refused"),
  );
  const always = all.filter(({ name }) => ALWAYS.test(name));
  const others = all.filter(({ name }) => !ALWAYS.test(name));
  const n = SAMPLE[kind] - always.length;
  assert.ok(n >= 0 && n <= others.length, `${always.length} and ${others.length} files of ${kind}`);
  return [...always, ...Array.from({ length: n }, (_, at) => others[Math.floor((at * others.length) / n)])];
}

const file = ({ name }) => path.join(FOLDER, name);

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());
const visiting = visitingWith(() => browser);

describe("hostile files", { skip }, () => {
  visiting("pictures and texts in one batch", {}, async (visit) => {
    const { page } = visit;
    await visit.ready();
    const entries = [...sample("picture"), ...sample("text")];
    await visit.choose(...entries.map(file));
    await finished(page, PATIENCE);
    const saved = await visit.saved(() => page.getByRole("button", { name: "Download as JSON" }).click());
    const answers = new Map(JSON.parse(saved.text).map((answer) => [answer.file, answer]));
    for (const { name, answer, what, why, next } of entries) {
      const met = answers.get(name);
      assert.ok(met, `${name} has a row`);
      if (answer === "refused") assert.deepEqual(met.error, { what, why, next }, name);
      else assert.equal(met.outcome, "done", `${name}: ${JSON.stringify(met.error)}`);
    }
    await page.getByRole("button", { name: "Clear results" }).click();
    await visit.choose(fixture("pictures/upright.jpg"));
    await visit.predictions("upright.jpg");
    assert.deepEqual(visit.problems, []);
  });

  visiting("odd pictures that are read are shown as they are natively", { context: { deviceScaleFactor: 1 } }, async (visit) => {
    await visit.ready();
    const entries = index.filter(({ name, answer }) => answer === "read" && /^(orientation-\d|16-bits|four-inks|animated\.)/.test(name));
    assert.ok(entries.length >= 14 && entries.length <= 20, `${entries.length} files`);
    await visit.choose(...entries.map(file));
    for (const { name, facts } of entries) {
      await visit.predictions(name);
      const met = await visit
        .card(name)
        .locator("canvas")
        .first()
        .evaluate((canvas) => {
          const { width, height } = canvas;
          const pixels = canvas.getContext("2d");
          const corners = [
            [0, 0],
            [width - 1, 0],
            [0, height - 1],
            [width - 1, height - 1],
          ].map(([x, y]) => pixels.getImageData(x, y, 1, 1).data.slice(0, 3));
          return { size: `${width} × ${height}`, corners: corners.map((corner) => [...corner]) };
        });
      const [, expected] = /thumbnail (.*)$/.exec(facts);
      assert.equal(met.size, expected, name);
      const colours = facts.match(/#\w{6}/g).map((hex) => [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)));
      assert.deepEqual(met.corners, colours, name);
    }
    assert.deepEqual(visit.problems, []);
  });

  visiting("tables, one after the other", {}, async (visit) => {
    const { page } = visit;
    await visit.ready();
    for (const entry of sample("table")) {
      await visit.choose(file(entry));
      if (entry.answer === "refused") {
        const alert = await visit.alert();
        for (const sentence of [entry.what, entry.why, entry.next]) {
          assert.ok(alert.includes(sentence.replace(/\s+/g, " ")), `${entry.name}: “${alert}” says “${sentence}”`);
        }
      } else {
        await visit.card(entry.name).getByRole("combobox").waitFor({ timeout: PATIENCE });
      }
      await page.getByRole("button", { name: "Clear results" }).click();
      await page.getByRole("article").first().waitFor({ state: "detached" });
    }
    assert.deepEqual(visit.problems, []);
  });

  test("models, at the engine's gate", async () => {
    const page = await browser.newPage();
    const strangers = [];
    const { origin } = new URL(TEST_FILES);
    page.on("request", (request) => new URL(request.url()).origin === origin || strangers.push(request.url()));
    await page.goto(new URL("browser/bench/index.html", TEST_FILES).href);
    await page.evaluate(async (engineUrl) => {
      const glue = await import(`${engineUrl}worker.js`);
      await glue.default();
      window.refusal = (bytes, shape = [1, 3, 8, 8]) => {
        try {
          new glue.BareModel(bytes, new Uint32Array(shape), false).free();
        } catch (error) {
          return error.message;
        }
        return null;
      };
    }, await engineFolder("simd"));
    const entries = sample("model");
    assert.equal(entries.length, SAMPLE.model);
    for (const entry of entries) {
      const bytes = (await readFile(file(entry))).toString("base64");
      const met = await page.evaluate(
        async (bytes) => window.refusal(Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt(0))),
        bytes,
      );
      assert.equal(met, `${entry.what} ${entry.why} ${entry.next}`, entry.name);
    }
    // After all of them the same engine takes a good one.
    const good = (await readFile(path.join(FOLDER, "good.onnx"))).toString("base64");
    assert.equal(await page.evaluate((bytes) => window.refusal(Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt(0)), [1, 256]), good), null);
    assert.deepEqual(strangers, []);
    await page.close();
  });
});
