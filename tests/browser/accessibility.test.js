// Every state of the page, in every width, theme and preference: nothing for axe to object to or
// to leave undecided, enough contrast for every text, nothing wider than the window.

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { after, before, describe } from "node:test";
import { dropMany, finished } from "./many.js";
import { PATIENCE, visitingWith } from "./page.js";
import { leastContrast, scan } from "./scan.js";
import { fixture, launch, MODEL_TITLE, SITE } from "./support.js";

let browser;
let scratch;
before(async () => {
  browser = await launch();
  scratch = await mkdtemp(path.join(os.tmpdir(), "vitrine-"));
});
after(async () => {
  for (const [theme, { contrast, needed, text, selector }] of leastContrast) {
    console.log(`least contrast, ${theme}: ${contrast.toFixed(2)} of ${needed}, “${text}” (${selector})`);
  }
  await browser.close();
  await rm(scratch, { recursive: true });
});

const visiting = visitingWith(() => browser);

/** Tells the page that files are dragged over it, or no longer are. */
async function drag(page, type) {
  await page.evaluate((type) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File(["a"], "a.png", { type: "image/png" }));
    document.body.dispatchEvent(new DragEvent(type, { dataTransfer: transfer, bubbles: true, cancelable: true }));
  }, type);
}

async function clear(page) {
  await page.getByRole("button", { name: "Clear results" }).click();
  await page.getByRole("article").first().waitFor({ state: "detached" });
}

/** Pages of the site that this one links to, by address. */
async function linkedPages(page) {
  const addresses = await page.evaluate(() =>
    [...document.querySelectorAll("a[href]")].map(({ href }) => href.replace(/#.*$/, "")),
  );
  const ours = [...new Set(addresses)].filter((address) => address.startsWith(SITE) && address !== SITE);
  const kinds = await Promise.all(
    ours.map(async (address) => (await fetch(address)).headers.get("content-type") ?? ""),
  );
  return ours.filter((_, at) => kinds[at].startsWith("text/html"));
}

/** Keeps models from arriving until the function it gives is called. */
async function holdModels(page) {
  let release;
  const released = new Promise((resolve) => {
    release = resolve;
  });
  await page.route("**/models/*", async (route) => {
    await released;
    await route.continue();
  });
  return release;
}

describe("accessible in every state", () => {
  visiting("empty, dragging, downloading, a picture, an error", {}, async (visit) => {
    const { page } = visit;
    const release = await holdModels(page);
    await visit.ready();
    await scan(page, "empty");
    await drag(page, "dragenter");
    await scan(page, "dragging");
    await drag(page, "dragleave");
    await visit.sample("Cat");
    await page.getByRole("progressbar").first().waitFor({ timeout: PATIENCE });
    await scan(page, "downloading");
    release();
    await visit.predictions("chelsea.png");
    await scan(page, "a picture's result");
    await clear(page);
    await visit.choose(fixture("pictures/not-a-picture.jpg"));
    await visit.alert();
    await scan(page, "an error");
    assert.deepEqual(visit.problems, []);
  });

  visiting("a page that was read, and one without text", {}, async (visit) => {
    const { page } = visit;
    await visit.ready();
    await page.getByRole("checkbox", { name: "Read text" }).check();
    const [list, none] = ["041-en-list.jpg", "240-none-empty.jpg"];
    await visit.choose(fixture(`pages/sample/${list}`), fixture(`pages/sample/${none}`));
    await visit.lines(list);
    await visit.card(none).getByText("No text found").waitFor({ timeout: PATIENCE });
    await visit.predictions(list);
    await visit.ready();
    await scan(page, "a page's text");
  });

  visiting("a text, a table", {}, async (visit) => {
    const { page } = visit;
    await visit.ready();
    await page.getByRole("textbox", { name: "Text to analyse" }).fill("I am so happy for you");
    await page.getByRole("button", { name: "Analyse", exact: true }).click();
    await visit.predictions("I am so happy for you", "Emotion");
    await visit.ready();
    await scan(page, "a text's result");
    await clear(page);
    const table = path.join(scratch, "letters.csv");
    await writeFile(table, "id,message\n1,Thank you so much\n2,My card has not arrived\n3,I want a refund\n");
    await visit.choose(table);
    await page.getByRole("combobox").first().waitFor({ timeout: PATIENCE });
    await scan(page, "a table's columns");
    await visit.card("letters.csv").getByRole("button", { name: "Analyse" }).click();
    await visit.card("letters.csv").getByRole("button", { name: "Download as CSV" }).waitFor({ timeout: PATIENCE });
    await scan(page, "a table's result");
  });

  visiting("many files, one of them opened", {}, async (visit) => {
    const { page } = visit;
    await visit.ready();
    await dropMany(page, { n: 30, broken: { "words.png": "these are words, not pixels" } });
    await finished(page, PATIENCE);
    await scan(page, "many files");
    await page.getByRole("button", { name: "picture-0000.jpeg" }).click();
    await page.locator("dialog:modal").getByRole("article").waitFor();
    await scan(page, "a file of many");
  });

  visiting("a measured run, with its figures as a table", { query: "performance/" }, async (visit) => {
    const { page } = visit;
    await visit.ready();
    const lab = page.getByRole("region", { name: "Latency lab" });
    await lab.getByRole("combobox", { name: "Runs", exact: true }).selectOption({ label: "20" });
    await lab.getByRole("button", { name: "Run", exact: true }).click();
    const latest = lab.getByRole("region", { name: `${MODEL_TITLE}, measured`, exact: true });
    await latest.waitFor({ timeout: PATIENCE });
    await latest.getByText("Show as table").click();
    await scan(page, "a measured run");
  });

  visiting("in German", { query: "?lang=de" }, async (visit) => {
    await visit.ready();
    assert.equal(await visit.page.evaluate(() => document.documentElement.lang), "de");
    await scan(visit.page, "in German");
  });

  visiting(
    "an engine that does not start",
    { prepare: (page) => page.route("**/worker.js", (route) => route.fulfill({ status: 404 })) },
    async (visit) => {
      await visit.ready();
      await visit.sample("Cat");
      await visit.alert();
      // The model goes on arriving, and figures with it.
      await visit.page.getByRole("progressbar").first().waitFor({ state: "hidden", timeout: PATIENCE });
      await scan(visit.page, "no engine");
    },
  );

  visiting(
    "a program that does not arrive",
    { prepare: (page) => page.route("**/vitrine-*_bg.wasm", (route) => route.fulfill({ status: 404 })) },
    async (visit) => {
      await visit.alert();
      await scan(visit.page, "no program");
    },
  );

  visiting("every page that the first one links to, every dialog, and an address that is none", {}, async (visit) => {
    const { page } = visit;
    await visit.ready();
    for (const opener of await page.locator("button[aria-haspopup=dialog]").all()) {
      if (!(await opener.isVisible())) continue;
      await opener.click();
      await page.locator("dialog:modal").waitFor();
      await scan(page, `the dialog of “${await opener.evaluate((button) => button.ariaLabel ?? button.innerText)}”`);
      await page.keyboard.press("Escape");
      await page.locator("dialog:modal").waitFor({ state: "detached" });
    }
    for (const address of await linkedPages(page)) {
      await page.goto(address);
      await visit.ready();
      await scan(page, address.replace(SITE, "/"));
    }
    const missing = `${SITE}no-such-page/`;
    const response = await fetch(missing);
    if ((response.headers.get("content-type") ?? "").startsWith("text/html")) {
      await page.goto(missing);
      await scan(page, "an address that is none");
    }
  });
});
