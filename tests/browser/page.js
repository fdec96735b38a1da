// The page as a person meets it: steps by role and accessible name.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { MODEL_TITLE, SITE } from "./support.js";

/** Time for the engine to start and the model to load on a slow, shared machine. */
export const PATIENCE = 120_000;

/**
 * Gives a function that declares tests with a visit each, which is closed whatever happens, because
 * an open one would keep the tests running. `browser` gives the file's browser once it is there.
 */
export function visitingWith(browser) {
  return (title, options, steps, settings = {}) =>
    test(title, settings, async (t) => {
      const visit = await Visit.open(browser(), options);
      try {
        await steps(visit, t);
      } catch (error) {
        await visit.context.close();
        throw error;
      }
      await visit.close();
    });
}

/** One visit, watched for everything that should not happen. */
export class Visit {
  /**
   * Opens the site in a context of its own, which starts with an empty cache. Without `keepsResults`
   * the page keeps none, so that after a reload a card is one that was computed.
   */
  static async open(browser, { query = "", context: options = {}, prepare, site = SITE, keepsResults = true } = {}) {
    const context = await browser.newContext(options);
    if (!keepsResults) await context.addInitScript(() => localStorage.setItem("vitrine-history", "off"));
    const page = await context.newPage();
    const visit = new Visit(context, page, site);
    await visit.#watchPolicy();
    if (prepare) await prepare(page);
    await page.goto(`${site}${query}`, { waitUntil: "commit" });
    return visit;
  }

  constructor(context, page, site) {
    this.context = context;
    this.page = page;
    this.site = site;
    this.made = [];
    this.problems = [];
    /** What the security policy refused in documents, which every visit but those that try it ends without. */
    this.refused = [];
    context.on("request", (request) => this.made.push(request));
    page.on("pageerror", (error) => this.problems.push(`page error: ${error.message}`));
    page.on("console", (message) => {
      if (message.type() === "error") this.problems.push(`console: ${message.text()}`);
    });
  }

  /** Addresses of all requests so far, whoever made them. */
  get requests() {
    return this.made.map((request) => request.url());
  }

  async #watchPolicy() {
    await this.context.exposeBinding("noteRefused", (_, what) => this.refused.push(what));
    await this.context.addInitScript(() => {
      document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
        window.noteRefused(`${violatedDirective} ${blockedURI}`),
      );
    });
  }

  /** Requests of the page so far, without those of the service worker, which keeps the site for the next visit. */
  own() {
    return this.made.filter((request) => !request.serviceWorker());
  }

  /** How many threads help the engine, once `expected` do or five seconds are over. */
  async helpers(expected) {
    const met = () => this.page.workers().length - 1;
    for (let wait = 0; wait < 50 && met() < expected; wait += 1) await this.page.waitForTimeout(100);
    return met();
  }

  /**
   * Ends the visit after asserting what holds for every visit: nothing leaves the origin, and the security
   * policy has nothing to refuse.
   */
  async close() {
    const { origin } = new URL(this.site);
    const strangers = this.requests.filter((url) => /^https?:/.test(url) && new URL(url).origin !== origin);
    await this.context.close();
    assert.deepEqual(strangers, [], "requests that left the origin");
    assert.deepEqual(this.refused, [], "what the security policy refused");
  }

  /** Waits until the page takes input and shows it; there may be no document yet. */
  async ready() {
    await this.page.waitForFunction(() => document.documentElement?.dataset.phase === "ready", null, {
      timeout: PATIENCE,
    });
  }

  /** Chooses files of this machine with the file picker. */
  async choose(...files) {
    await this.page.getByLabel("Choose files").setInputFiles(files);
  }

  /** Drops files of this machine on the page. */
  async drop(...files) {
    const contents = await Promise.all(
      files.map(async (file) => ({
        name: path.basename(file),
        bytes: (await readFile(file)).toString("base64"),
      })),
    );
    await this.page.evaluate((contents) => {
      const transfer = new DataTransfer();
      for (const { name, bytes } of contents) {
        transfer.items.add(new File([Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0))], name));
      }
      for (const type of ["dragenter", "dragover", "drop"]) {
        document.body.dispatchEvent(
          new DragEvent(type, { dataTransfer: transfer, bubbles: true, cancelable: true }),
        );
      }
    }, contents);
  }

  /** Presses a sample tile. */
  async sample(title) {
    await this.page.getByRole("button", { name: title, exact: false }).first().click();
  }

  /** The card of a file. */
  card(name) {
    return this.page.getByRole("article", { name, exact: true });
  }

  /** A model's predictions on a card, once they are there, such as `tabby cat 87.3 %`. */
  async predictions(name, title = MODEL_TITLE) {
    return this.items(this.card(name).getByRole("list", { name: title, exact: true }));
  }

  /** The lines of text read in a picture, once they are there. */
  async lines(name) {
    return this.items(this.card(name).getByRole("list", { name: "Recognised text", exact: true }));
  }

  /** What stands in a list, once something does, on one line each. */
  async items(list) {
    const items = list.getByRole("listitem");
    await items.first().waitFor({ timeout: PATIENCE });
    return (await items.allInnerTexts()).map((text) => text.replace(/\s+/g, " ").trim());
  }

  /** Presses something that saves a file; its name and text. */
  async saved(press) {
    const [download] = await Promise.all([this.page.waitForEvent("download"), press()]);
    return { name: download.suggestedFilename(), text: await readFile(await download.path(), "utf8") };
  }

  /**
   * What axe finds against the page as it is, in WCAG 2.2 AA and its best practices, once what has just come has
   * faded in: until then its contrast is less than it will be.
   */
  async violations() {
    const axe = await readFile(new URL("node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
    await this.page.evaluate(axe);
    await this.page.evaluate(async () => {
      const ends = (animation) => animation.effect.getComputedTiming().endTime < Infinity;
      // One that is cancelled, because its element goes, is over as well.
      await Promise.allSettled(document.getAnimations().filter(ends).map(({ finished }) => finished));
    });
    return this.page.evaluate(async () => {
      const { violations } = await globalThis.axe.run(document, {
        runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
      });
      return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target).join(", ")}`);
    });
  }

  /** The text of the first alert. */
  async alert() {
    const alert = this.page.getByRole("alert").first();
    await alert.waitFor({ timeout: PATIENCE });
    return (await alert.innerText()).replace(/\s+/g, " ").trim();
  }
}

/** `tabby cat 87.3 %` as a name and a share of 1. */
export function parsePrediction(text) {
  const match = /^(.+) (\d{1,3}\.\d) %$/.exec(text);
  assert.ok(match, `"${text}" reads like "tabby cat 87.3 %"`);
  return { label: match[1], probability: Number(match[2]) / 100 };
}
