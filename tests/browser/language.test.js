// A second language: chosen by the address, by the browser or by the list, and kept everywhere.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe } from "node:test";
import { PATIENCE, visitingWith } from "./page.js";
import { fixture, launch } from "./support.js";

let browser;
const visiting = visitingWith(() => browser);
before(async () => {
  browser = await launch();
});
after(() => browser.close());

const german = JSON.parse(await readFile(new URL("../../assets/words/de.json", import.meta.url), "utf8"));

/** Sentences on the page that the table has in German and that stand there in English. */
const leftInEnglish = (page) =>
  page.evaluate((german) => {
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const left = new Set();
    while (texts.nextNode()) {
      const sentence = texts.currentNode.data.trim().replace(/\s+/g, " ");
      if (Object.hasOwn(german, sentence) && german[sentence] !== sentence) left.add(sentence);
    }
    return [...left];
  }, german);

describe("in German", () => {
  visiting("results, figures and failures are told in German", { query: "?lang=de" }, async (visit) => {
    const { page } = visit;
    await visit.ready();
    assert.equal(await page.evaluate(() => document.documentElement.lang), "de");
    await page.getByRole("button", { name: "Katze" }).click();
    const classes = page.getByRole("article", { name: "chelsea.png" }).getByRole("listitem");
    await classes.first().waitFor({ timeout: PATIENCE });
    assert.match((await classes.first().innerText()).replace(/\s+/g, " "), /cat \d+,\d %$/);
    await page.getByLabel("Dateien wählen").setInputFiles([fixture("pictures/truncated.jpg")]);
    assert.match(
      await visit.alert(),
      /Dieses Bild ist unvollständig\. Die JPEG-Daten enden vor dem Bild\. Kopieren oder laden Sie es noch einmal/,
    );
    assert.deepEqual(await leftInEnglish(page), []);
    for (const route of ["Modelle", "Leistung", "So funktioniert es"]) {
      await page.getByRole("link", { name: route, exact: true }).click();
      assert.deepEqual(await leftInEnglish(page), [], route);
    }
  });

  visiting("it is the browser's language, until another is chosen", { context: { locale: "de-AT" } }, async (visit) => {
    const { page } = visit;
    await visit.ready();
    await page.getByRole("button", { name: "Dateien wählen" }).or(page.getByLabel("Dateien wählen")).first().waitFor();
    await page.getByRole("combobox", { name: "Sprache" }).selectOption("en");
    await page.getByLabel("Choose files").first().waitFor({ timeout: PATIENCE });
    await visit.ready();
    await page.reload();
    await page.getByLabel("Choose files").first().waitFor({ timeout: PATIENCE });
  });
});
