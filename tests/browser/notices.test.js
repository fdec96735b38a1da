// Whose work the site is: the page that says it, and the list for programs.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { visitingWith } from "./page.js";
import { scan } from "./scan.js";
import { catalog, DIST, launch } from "./support.js";

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

const visiting = visitingWith(() => browser);

const heading = (page) => page.getByRole("heading", { level: 1, name: "Notices" });

describe("the notices", () => {
  visiting(
    "need no program, and name works, licences and their texts",
    { query: "notices.html", context: { javaScriptEnabled: false } },
    async (visit) => {
      const { page } = visit;
      await heading(page).waitFor();
      for (const name of ["leptos", "tract-core", "The Rust standard library"]) {
        const work = page.getByRole("listitem").filter({ has: page.getByText(name, { exact: true }) });
        const links = work.getByRole("link");
        assert.ok((await links.count()) > 0, `${name} has a text`);
        const target = await links.first().getAttribute("href");
        assert.equal(await page.locator(target).count(), 1, target);
      }
      await page.getByRole("heading", { name: "all-MiniLM-L6-v2" }).waitFor();
      const text = page.locator("details").first();
      await text.locator("summary").click();
      assert.ok((await text.locator("pre").innerText()).length > 200);
      assert.deepEqual(visit.problems, []);
    },
  );

  visiting(
    "are found from the first page, in the theme that was chosen, and stay in English",
    { query: "?lang=de", context: { locale: "de-DE", colorScheme: "light" } },
    async (visit) => {
      const { page } = visit;
      await visit.ready();
      await page.evaluate(() => localStorage.setItem("vitrine-theme", "dark"));
      await page.getByRole("contentinfo").getByRole("link", { name: "Hinweise" }).click();
      await heading(page).waitFor();
      const { lang, theme } = await page.evaluate(() => ({
        lang: document.documentElement.lang,
        theme: document.documentElement.dataset.theme,
      }));
      assert.deepEqual({ lang, theme }, { lang: "en", theme: "dark" });
      await page.getByRole("link", { name: "Vitrine", exact: true }).click();
      await visit.ready();
      assert.deepEqual(visit.problems, []);
    },
  );

  // As they are at first, they are looked at with the other pages, in accessibility.test.js.
  visiting("are accessible with a text opened", { query: "notices.html" }, async (visit) => {
    await heading(visit.page).waitFor();
    await visit.page.locator("summary").first().click();
    await scan(visit.page, "a licence's text");
  });
});

describe("the list of components", () => {
  test("has every model and every program that is served, by its hash", async () => {
    const list = JSON.parse(await readFile(path.join(DIST, "sbom.cdx.json"), "utf8"));
    const hashOf = (type, name) =>
      list.components.find((component) => component.type === type && component.name === name)?.hashes[0].content;
    for (const { served } of (await catalog()).models) {
      assert.equal(hashOf("machine-learning-model", served.file), served.sha256, served.file);
    }
    const programs = list.components.filter(({ type }) => type === "file");
    assert.ok(programs.length >= 3, "the page's program and the engine in two flavours");
    for (const { name } of programs) {
      const bytes = await readFile(path.join(DIST, name));
      assert.equal(hashOf("file", name), createHash("sha256").update(bytes).digest("hex"), name);
    }
  });
});
