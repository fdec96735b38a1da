// Models on this device: fetched in pieces, kept, resumed, checked, deleted.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { PATIENCE, Visit } from "./page.js";
import { SiteServer } from "./site-server.js";
import { catalog, fixture, launch, MODEL_TITLE } from "./support.js";

/** A small model, so that tests are quick. */
const SMALL_TITLE = "Sentiment";

let browser;
let server;
let visit;
before(async () => {
  browser = await launch();
});
after(() => browser.close());
beforeEach(async () => {
  server = await new SiteServer().start();
});
afterEach(async () => {
  await visit?.close();
  visit = undefined;
  await server.stop();
});

async function open(prepare) {
  visit = await Visit.open(browser, { site: server.url, keepsResults: false, prepare });
  await visit.ready();
}

async function reload() {
  await visit.page.reload();
  await visit.ready();
  server.asked.length = 0;
}

/** Goes to a page of the site by its link. */
const go = (name) => visit.page.getByRole("link", { name, exact: true }).click();

const button = (name) => visit.page.getByRole("button", { name, exact: true });
async function download(title) {
  await go("Models");
  await button(`Fetch ${title}`).click();
}

/** Waits until a model's badge says this; the badge stands beside the model's buttons. */
async function isPlaced(title, words) {
  await go("Models");
  const card = visit.page.locator(".model").filter({ hasText: title }).first();
  await card.getByText(words, { exact: true }).waitFor({ timeout: PATIENCE });
}

async function classify() {
  await go("Demo");
  await visit.choose(fixture("pictures/upright.jpg"));
  assert.equal((await visit.predictions("upright.jpg")).length, 5);
}

async function piecesOf(title) {
  const { models } = await catalog();
  return models.find((model) => model.title === title).chunks.map(({ sha256 }) => `models/${sha256}.part`);
}

/** Pieces that the server was asked for. */
const piecesAsked = () => server.asked.filter((file) => file.endsWith(".part")).sort();

/** Pieces that the browser keeps, by path from the site's root. */
const piecesKept = () =>
  visit.page.evaluate(async () => {
    const names = (await caches.keys()).filter((name) => name.startsWith("vitrine-models-"));
    const requests = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
    return requests.flat().map(({ url }) => url.slice(url.indexOf("models/")));
  });

/** Waits until the browser keeps none of these: they go one after the other, once the page has said that they do. */
async function areGone(pieces) {
  for (let tries = 0; ; tries += 1) {
    const left = await piecesKept();
    if (!pieces.some((piece) => left.includes(piece))) return;
    assert.ok(tries < 100, `${left} are still kept`);
    await visit.page.waitForTimeout(100);
  }
}

describe("models on this device", () => {
  test("a model is fetched once and is there on the next visit", async () => {
    await open();
    await isPlaced(MODEL_TITLE, "Not downloaded");
    await classify();
    await isPlaced(MODEL_TITLE, "Downloaded");
    assert.deepEqual(piecesAsked(), (await piecesOf(MODEL_TITLE)).sort());
    await reload();
    await isPlaced(MODEL_TITLE, "Downloaded");
    await classify();
    assert.deepEqual(piecesAsked(), [], "nothing is fetched again");
  });

  test("a download that was cut goes on where it stopped, also after a reload", async () => {
    const pieces = await piecesOf(MODEL_TITLE);
    assert.ok(pieces.length >= 3, `${pieces.length} pieces`);
    await open();
    let arrived;
    const firstCame = new Promise((resolve) => (arrived = resolve));
    server.interfere = async (file, response) => {
      if (file === pieces[0]) {
        response.on("finish", () => setTimeout(arrived, 500));
        return false;
      }
      if (!pieces.includes(file)) return false;
      await firstCame;
      response.destroy();
      return true;
    };
    await download(MODEL_TITLE);
    assert.match(await visit.alert(), /could not be downloaded.*try again/i);
    await isPlaced(MODEL_TITLE, "Partly downloaded");
    server.interfere = () => false;
    await reload();
    await isPlaced(MODEL_TITLE, "Partly downloaded");
    await download(MODEL_TITLE);
    await isPlaced(MODEL_TITLE, "Downloaded");
    assert.deepEqual(piecesAsked(), pieces.slice(1).sort());
    await classify();
  });

  test("a short failure of the network is got over without a word", async () => {
    const [first] = await piecesOf(SMALL_TITLE);
    let failures = 0;
    server.interfere = (file, response) => {
      if (file !== first || failures > 0) return false;
      failures += 1;
      response.destroy();
      return true;
    };
    await open();
    await download(SMALL_TITLE);
    await isPlaced(SMALL_TITLE, "Downloaded");
    assert.equal(failures, 1);
    assert.equal(await visit.page.getByRole("alert").count(), 0);
  });

  test("a host that falls silent is given up on, and trying again works", async () => {
    const [first] = await piecesOf(SMALL_TITLE);
    let silences = 0;
    server.interfere = (file, response) => {
      if (file !== first || silences === 3) return false;
      silences += 1;
      response.writeHead(200, { "content-type": "application/octet-stream", "content-length": 100_000 });
      response.write(Buffer.alloc(1000));
      return true;
    };
    let asked = 0;
    await open(async (page) => {
      page.on("request", (request) => (asked += request.url().includes(first) ? 1 : 0));
      await page.clock.install();
    });
    await download(SMALL_TITLE);
    const alert = visit.page.getByRole("alert");
    for (let step = 0; step < 100 && (await alert.count()) === 0; step += 1) {
      // Only time of the host's counts, not that which a request takes to reach it on a busy machine.
      for (let wait = 0; wait < 100 && silences < asked; wait += 1) await visit.page.waitForTimeout(20);
      await visit.page.clock.fastForward(10_000);
      await visit.page.waitForTimeout(50);
    }
    assert.match(await visit.alert(), /could not be downloaded.*no data came for 30 s.*try again/i);
    assert.equal(silences, 3, "tried again by itself");
    await download(SMALL_TITLE);
    await isPlaced(SMALL_TITLE, "Downloaded");
  });

  test("wrong bytes are refused with what to do, kept nowhere, and trying again works", async () => {
    const pieces = await piecesOf(MODEL_TITLE);
    let isBroken = true;
    server.interfere = (file, response) => {
      if (file !== pieces[1] || !isBroken) return false;
      response.writeHead(200, { "content-type": "text/html" }).end("<html>not found</html>");
      return true;
    };
    await open();
    await visit.choose(fixture("pictures/upright.jpg"));
    assert.match(await visit.alert(), /not the expected one.*checksum.*not used.*reload/i);
    assert.ok(!(await piecesKept()).includes(pieces[1]));
    isBroken = false;
    await button("Try again").click();
    assert.equal((await visit.predictions("upright.jpg")).length, 5);
    assert.equal(await visit.page.getByRole("alert").count(), 0);
  });

  test("what was kept and changed since is refused, and fetched anew when tried again", async () => {
    await open();
    await download(SMALL_TITLE);
    await isPlaced(SMALL_TITLE, "Downloaded");
    await visit.page.evaluate(async () => {
      const name = (await caches.keys()).find((name) => name.startsWith("vitrine-models-"));
      const cache = await caches.open(name);
      const [request] = await cache.keys();
      await cache.put(request, new Response("damaged"));
    });
    await reload();
    await go("Demo");
    await visit.page.getByRole("textbox", { name: "Text to analyse" }).fill("Thank you so much");
    assert.match(await visit.alert(), /not the expected one/i);
    await button("Try again").click();
    const name = "Thank you so much";
    assert.ok((await visit.predictions(name, SMALL_TITLE)).length > 0);
    await isPlaced(SMALL_TITLE, "Downloaded");
  });

  test("one model or all can be deleted, and stay deleted", async () => {
    await open();
    await download(SMALL_TITLE);
    await download(MODEL_TITLE);
    await isPlaced(SMALL_TITLE, "Downloaded");
    await isPlaced(MODEL_TITLE, "Downloaded");
    await visit.page.getByText(/Models take [\d.]+ MB on this device\. The site takes .* of the .* that the browser allows/).waitFor();
    await button(`Delete ${MODEL_TITLE}`).click();
    await isPlaced(MODEL_TITLE, "Not downloaded");
    await visit.page.getByRole("status").getByText("1 model deleted").waitFor();
    await areGone(await piecesOf(MODEL_TITLE));
    const left = await piecesKept();
    for (const piece of await piecesOf(SMALL_TITLE)) assert.ok(left.includes(piece));
    await button("Delete all models").click();
    await isPlaced(SMALL_TITLE, "Not downloaded");
    await visit.page.waitForFunction(
      async () => {
        const names = (await caches.keys()).filter((name) => name.startsWith("vitrine-models-"));
        const keys = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
        return keys.flat().length === 0;
      },
      null,
      { timeout: PATIENCE },
    );
    await reload();
    await isPlaced(MODEL_TITLE, "Not downloaded");
    assert.equal(await button("Delete all models").count(), 0);
  });

  test("a model deleted while in use keeps working, and the page says so", async () => {
    await open();
    await classify();
    await isPlaced(MODEL_TITLE, "Downloaded");
    await button(`Delete ${MODEL_TITLE}`).click();
    await isPlaced(MODEL_TITLE, "In memory only");
    await visit.page.getByRole("status").getByText("stays in memory until the page is closed").waitFor();
    await areGone(await piecesOf(MODEL_TITLE));
    assert.deepEqual(await piecesKept(), []);
    await go("Demo");
    await visit.choose(fixture("pictures/photo.bmp"));
    assert.equal((await visit.predictions("photo.bmp")).length, 5);
  });

  test("without room a model works from memory and the page says so", async () => {
    await open((page) =>
      page.addInitScript(() => {
        Cache.prototype.put = () => Promise.reject(new DOMException("no room", "QuotaExceededError"));
      }),
    );
    await classify();
    await isPlaced(MODEL_TITLE, "In memory only");
    await visit.page.getByText(/in memory only.*no room left/i).first().waitFor();
    assert.equal(await visit.page.getByRole("alert").count(), 0);
  });

  test("where nothing may be kept a model works from memory and the page says so", async () => {
    await open((page) =>
      page.addInitScript(() => {
        Object.defineProperty(window, "caches", { get: () => undefined });
      }),
    );
    await classify();
    await isPlaced(MODEL_TITLE, "In memory only");
    await visit.page.getByText(/in memory only.*does not let the page keep files/i).waitFor();
  });

  test("a download shows bytes, speed and time left, and cancelling keeps what came", async () => {
    const pieces = await piecesOf(MODEL_TITLE);
    server.interfere = async (file) => {
      const at = pieces.indexOf(file);
      if (at > 0) await new Promise((resolve) => setTimeout(resolve, 1500 * at));
      return false;
    };
    await open();
    await download(MODEL_TITLE);
    const bar = visit.page.getByRole("progressbar", { name: `Downloading ${MODEL_TITLE}` });
    await bar.waitFor({ timeout: PATIENCE });
    const figures = visit.page.getByText(/[\d.]+ of [\d.]+ MB · [\d.]+ [KM]B\/s · \d+ s left/);
    await figures.filter({ visible: true }).first().waitFor();
    await button("Cancel").click();
    await bar.waitFor({ state: "hidden" });
    await isPlaced(MODEL_TITLE, "Partly downloaded");
    server.interfere = () => false;
    server.asked.length = 0;
    await download(MODEL_TITLE);
    await isPlaced(MODEL_TITLE, "Downloaded");
    assert.ok(!server.asked.includes(pieces[0]), "what came before is not fetched again");
  });

  test("what earlier versions of the site kept is removed, and nothing of others", async () => {
    await open();
    await visit.page.waitForFunction(async () => (await caches.keys()).some((name) => name.startsWith("vitrine-models-")));
    await visit.page.evaluate(async () => {
      const name = (await caches.keys()).find((name) => name.startsWith("vitrine-models-"));
      await (await caches.open(name)).put("models/old.part", new Response("old"));
      await (await caches.open("another-program")).put("models/old.part", new Response("theirs"));
    });
    await reload();
    await visit.page.waitForFunction(
      async () => {
        const name = (await caches.keys()).find((name) => name.startsWith("vitrine-models-"));
        return (await (await caches.open(name)).match("models/old.part")) === undefined;
      },
      null,
      { timeout: PATIENCE },
    );
    const theirs = await visit.page.evaluate(async () =>
      (await (await caches.open("another-program")).match("models/old.part"))?.text(),
    );
    assert.equal(theirs, "theirs");
  });
});
