// What the page is for, in browser engines beside Chromium: a picture classified, a text understood, a page read.

import assert from "node:assert/strict";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { BROWSERS } from "./browsers.js";
import { Browser } from "./driver.js";
import { serve } from "./host.js";

const SITE = process.env.VITRINE_URL;
const FIXTURES = fileURLToPath(new URL("../fixtures/", import.meta.url));
const DIST = fileURLToPath(new URL("../../dist/", import.meta.url));
const only = process.env.VITRINE_ONLY;

/** The items of the first list with this name, once there are some; runs in the page. */
function itemsOf(title) {
  const list = document.querySelector(`[aria-label="${title}"]`);
  const items = [...(list?.querySelectorAll("li") ?? [])].map((item) => item.innerText.replace(/\s+/g, " ").trim());
  return items.length > 0 && items;
}

/** Whether all addresses that hold these words are among what the site keeps; runs in the page. */
async function isKept(...words) {
  const names = await caches.keys();
  const kept = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
  const addresses = kept.flat().map(({ url }) => url);
  return words.every((word) => addresses.some((address) => address.includes(word)));
}

const isReady = () => document.documentElement.dataset.phase === "ready";

for (const [name, how] of Object.entries(BROWSERS).filter(([name]) => !only || name === only)) {
  describe(name, () => {
    let browser;
    before(async () => {
      browser = await Browser.start(how);
      await browser.goto(SITE);
      await browser.until("the page takes input", isReady);
    });
    after(() => browser?.close());

    /** Ends what was shown, for the next task. */
    async function begin() {
      await browser.goto(SITE);
      await browser.until("the page takes input", isReady);
    }

    test("a picture from the picker is classified", async (t) => {
      await browser.type("#picker", path.join(FIXTURES, "pictures/upright.jpg"));
      const classes = await browser.until("five classes", itemsOf, { args: ["EfficientNet-Lite0"] });
      assert.equal(classes.length, 5);
      assert.match(classes[0], /^\S.* \d{1,3}\.\d %$/);
      const marks = await browser.run(() =>
        performance.getEntriesByType("mark").map(({ name, detail }) => ({ name, detail })),
      );
      const { detail } = marks.find((mark) => mark.name === "vitrine:result");
      t.diagnostic(`${marks.find((mark) => mark.name === "vitrine:engine-ready").detail.flavour} engine, inference ${detail.infer.toFixed(0)} ms`);
    });

    test("a sample tile is classified as what it shows", async () => {
      await begin();
      await browser.click('[data-sample$="chelsea.png"]');
      const [best] = await browser.until("five classes", itemsOf, { args: ["EfficientNet-Lite0"] });
      assert.match(best, /cat|lynx/i);
    });

    test("a text is understood", async () => {
      await begin();
      await browser.type("#text", "I am so happy for you");
      await browser.click("#text-form button");
      const [best] = await browser.until("emotions", itemsOf, { args: ["Emotion"] });
      assert.match(best, /^joy /);
    });

    test("the lines of a page are read, with their places on the picture", async () => {
      await begin();
      await browser.click('[data-sample$="page.png"]');
      const lines = await browser.until("lines", itemsOf, { args: ["Recognised text"] });
      assert.ok(lines.length >= 5, lines.join(" / "));
      const outlines = await browser.run(() => document.querySelectorAll("article svg polygon").length);
      assert.equal(outlines, lines.length);
    });

    test("the page is as wide as the window, and nothing was refused by its policy", async () => {
      const { over, failure } = await browser.run(() => ({
        over: document.documentElement.scrollWidth - document.documentElement.clientWidth,
        failure: document.querySelector("#boot-failure").innerText,
      }));
      assert.ok(over <= 0, `${over} px wider`);
      assert.equal(failure, "");
    });

    test("after the first visit a picture is classified without the host", async () => {
      const host = await serve(DIST);
      try {
        await browser.goto(host.url);
        await browser.until("the page takes input", isReady);
        await browser.click('[data-sample$="chelsea.png"]');
        await browser.until("five classes", itemsOf, { args: ["EfficientNet-Lite0"] });
        const has = () => Boolean(navigator.serviceWorker?.controller);
        await browser.goto(host.url);
        await browser.until("the service worker takes over", has, { ms: 30_000 });
        // The engine is kept once it has given a result and the page has nothing else to do.
        await browser.click('[data-sample$="chelsea.png"]');
        await browser.until("five classes", itemsOf, { args: ["EfficientNet-Lite0"] });
        await browser.until("engine and sample are kept", isKept, { args: ["/engine/", "/samples/chelsea.png"], ms: 60_000 });
      } finally {
        host.end();
      }
      await browser.goto(host.url);
      await browser.until("the page takes input", isReady);
      await browser.click('[data-sample$="chelsea.png"]');
      const [best] = await browser.until("five classes", itemsOf, { args: ["EfficientNet-Lite0"] });
      assert.match(best, /cat|lynx/i);
    });

    test("a model on this device is listed, and deleted on demand", async () => {
      await begin();
      await browser.click('[data-sample$="chelsea.png"]');
      await browser.until("five classes", itemsOf, { args: ["EfficientNet-Lite0"] });
      await browser.goto(new URL("models/", SITE).href);
      await browser.until("the page takes input", isReady);
      const button = (name) => document.querySelector(`button[aria-label="${name}"]:not([hidden])`) !== null;
      await browser.until("the model is on this device", button, { args: ["Delete EfficientNet-Lite0"], ms: 30_000 });
      await browser.click('button[aria-label="Delete EfficientNet-Lite0"]');
      await browser.until("the model is gone", button, { args: ["Fetch EfficientNet-Lite0"], ms: 30_000 });
    });
  });
}
