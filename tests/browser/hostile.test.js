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

/** As many files of a kind as are tried, spread over all of them. */
function sample(kind) {
  const all = index.filter(
    // Of models only what is refused: reading one is other tests' business.
    (entry) => entry.kind === kind && entry.stage === "door" && (kind !== "model" || entry.answer === "refused"),
  );
  const n = Math.min(SAMPLE[kind], all.length);
  return Array.from({ length: n }, (_, at) => all[Math.floor((at * all.length) / n)]);
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
    await page.goto(new URL("browser/bench/index.html", TEST_FILES).href);
    await page.evaluate(async (engineUrl) => {
      const glue = await import(`${engineUrl}worker.js`);
      await glue.default();
      window.refusal = (bytes) => {
        try {
          new glue.BareModel(bytes, new Uint32Array([1, 3, 8, 8]), false).free();
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
    await page.close();
  });
});
