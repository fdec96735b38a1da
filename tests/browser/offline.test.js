// The second visit: without the site, isolated, and from one version to the next.

import assert from "node:assert/strict";
import { cp, mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { dropMany, results } from "./many.js";
import { PATIENCE, Visit } from "./page.js";
import { DIST, SiteServer } from "./site-server.js";
import { fixture, launch } from "./support.js";
import * as versions from "./versions.js";
import { VERSION_B } from "./versions.js";

const THANKS = "Thank you so much";

let browser;
let server;
let visit;
let scratch;
before(async () => {
  browser = await launch();
  scratch = await mkdtemp(path.join(os.tmpdir(), "vitrine-"));
});
after(async () => {
  await browser.close();
  await rm(scratch, { recursive: true });
});
beforeEach(async () => {
  server = await new SiteServer().start();
});
afterEach(async () => {
  await visit?.close();
  visit = undefined;
  await server.stop();
});

async function open(options = {}) {
  visit = await Visit.open(browser, { site: server.url, keepsResults: false, ...options });
  await visit.ready();
}

const textbox = () => visit.page.getByRole("textbox", { name: "Text to analyse" });

async function classify(file = "upright.jpg") {
  await visit.choose(fixture(`pictures/${file}`));
  return visit.predictions(file);
}

async function analyse() {
  await textbox().fill(THANKS);
  return visit.predictions(THANKS, "Emotion");
}

const isKept = (part) => versions.isKept(visit.page, part);
const isShellKept = () => versions.isShellKept(visit.page);
const siteWith = (changes) => versions.siteWith(scratch, changes);
const lookForUpdate = () => versions.lookForUpdate(visit.page);
const prompt = () => versions.prompt(visit.page);

async function reload() {
  await visit.page.reload();
  await visit.ready();
}

describe("without the site", () => {
  test("after one visit and one result of each kind the same works again", async () => {
    await open();
    const classes = await classify();
    const emotions = await analyse();
    await isKept(/engine\/relaxed-.*\.wasm/);
    await isKept(/engine\/threads-.*\.wasm/);
    await server.stop();
    await assert.rejects(fetch(server.url), "nothing answers any more");
    await reload();
    visit.problems.length = 0;
    assert.deepEqual(await classify(), classes);
    assert.deepEqual(await analyse(), emotions);
    await visit.sample("Coffee");
    await visit.predictions("coffee.png");
    assert.deepEqual(visit.problems, []);
    const page = await visit.context.newPage();
    await page.goto(`${server.url}?engine=relaxed`);
    await page.waitForFunction(() => document.documentElement.dataset.phase === "ready");
  });

  test("the page says that it is offline, and that it is online again", async () => {
    await open();
    await isShellKept();
    await visit.context.setOffline(true);
    const note = visit.page.getByText("Offline: what is here keeps working.").last();
    await note.waitFor();
    await visit.context.setOffline(false);
    await visit.page.getByRole("status").getByText("Online again.").waitFor();
    assert.equal(await visit.page.locator(".note.offline").count(), 0);
  });

  test("pages in folders are there, and unknown addresses lead to the first page", async () => {
    server.folder = await siteWith({ "how/index.html": () => "<title>How</title>" });
    await open();
    await isShellKept();
    await server.stop();
    await visit.page.goto(new URL("how/", server.url).href);
    assert.equal(await visit.page.title(), "How");
    await visit.page.goto(new URL("how", server.url).href);
    assert.equal(visit.page.url(), new URL("how/", server.url).href);
    await visit.page.goto(new URL("no/such/page", server.url).href);
    assert.equal(visit.page.url(), server.url);
    await visit.ready();
  });
});

describe("the notices, without the site", () => {
  const notices = () => visit.page.goto(new URL("notices.html", server.url).href);
  const title = () => visit.page.getByRole("heading", { level: 1, name: "Notices" });

  test("are there from when someone opened them", async () => {
    await open();
    await isShellKept();
    await notices();
    await isKept("notices.html");
    await server.stop();
    await notices();
    await title().waitFor();
  });

  test("lead to the first page before that", async () => {
    await open();
    await isShellKept();
    await server.stop();
    await notices();
    assert.equal(visit.page.url(), server.url);
    await visit.ready();
  });
});

describe("the first visit", () => {
  test("asks for the service worker after all that the page starts with", async () => {
    await open();
    await isShellKept();
    const asked = (part) => server.asked.findIndex((file) => file.includes(part));
    assert.ok(asked("sw.js") > asked("_bg.wasm"), server.asked.join(" "));
    assert.ok(asked("sw.js") > asked("tiles.jpg"), server.asked.join(" "));
    assert.deepEqual(server.askedUnder("engine/"), []);
    assert.deepEqual(server.asked.filter((file) => file.endsWith(".part")), []);
  });

  test("a browser without service workers shows the page as ever", async () => {
    await open({
      prepare: (page) =>
        page.addInitScript(() => {
          Object.defineProperty(Navigator.prototype, "serviceWorker", { get: () => undefined });
        }),
    });
    assert.equal((await classify()).length, 5);
    assert.deepEqual(visit.problems, []);
  });
});

describe("the second visit", () => {
  test("is isolated, and so is the engine's worker", async () => {
    await open();
    assert.equal(await visit.page.evaluate(() => crossOriginIsolated), false, "the first is not");
    await isShellKept();
    await reload();
    assert.equal(await visit.page.evaluate(() => crossOriginIsolated), true);
    assert.equal((await classify()).length, 5);
    const [worker] = visit.page.workers();
    assert.equal(await worker.evaluate(() => crossOriginIsolated), true);
    const expected = Math.min(await visit.page.evaluate(() => navigator.hardwareConcurrency), 4) - 1;
    assert.equal(await visit.helpers(expected), expected, "threads that are there");
    await visit.sample("Cat");
    await visit.predictions("chelsea.png");
    assert.equal(await visit.helpers(expected), expected, "and stay");
    assert.deepEqual(visit.problems, []);
  });

  test("takes input within 500 ms", async (t) => {
    await open();
    await isShellKept();
    const times = [];
    for (let round = 0; round < 5; round += 1) {
      await reload();
      times.push(
        await visit.page.evaluate(() => performance.getEntriesByName("vitrine:interactive")[0].startTime),
      );
    }
    times.sort((a, b) => a - b);
    t.diagnostic(`interactive after ${times.map((time) => time.toFixed(0)).join(", ")} ms`);
    assert.ok(times[2] <= 500, `median ${times[2]} ms`);
  });
});

describe("a newer version", () => {
  test("waits until a person asks for it, and then is whole", async () => {
    await open();
    await isShellKept();
    await reload();
    const title = await visit.page.title();
    server.folder = await siteWith(VERSION_B);
    await lookForUpdate();
    await prompt().waitFor({ timeout: PATIENCE });
    for (const prediction of await classify()) assert.doesNotMatch(prediction, /^B /, "labels of its own version");
    await reload();
    assert.equal(await visit.page.title(), title, "loading the page anew is not asking for it");
    await prompt().waitFor({ timeout: PATIENCE });
    await Promise.all([
      visit.page.waitForEvent("load"),
      visit.page.getByRole("button", { name: "Update", exact: true }).click(),
    ]);
    await visit.ready();
    assert.equal(await visit.page.title(), "Version B");
    for (const prediction of await classify()) assert.match(prediction, /^B /);
    await visit.page.waitForFunction(
      async () => (await caches.keys()).filter((name) => name.startsWith("vitrine-site-")).length === 1,
      null,
      { timeout: PATIENCE },
    );
    assert.equal(await prompt().count(), 0);
    assert.equal(await visit.page.getByRole("alert").count(), 0);
  });

  test("taken in the middle of a batch leaves what is finished of it among earlier results", async () => {
    await open({ keepsResults: true });
    await isShellKept();
    await reload();
    server.folder = await siteWith(VERSION_B);
    await lookForUpdate();
    await prompt().waitFor({ timeout: PATIENCE });
    await dropMany(visit.page, { n: 1000, side: 32 });
    await results(visit.page, 30, PATIENCE);
    await Promise.all([
      visit.page.waitForEvent("load"),
      visit.page.getByRole("button", { name: "Update", exact: true }).click(),
    ]);
    await visit.ready();
    assert.equal(await visit.page.title(), "Version B");
    await visit.page.getByRole("button", { name: /^Show all/ }).click();
    const n = await visit.page.getByRole("article").count();
    assert.ok(n >= 30, `${n} results are kept`);
    assert.ok((await visit.card("picture-0000.jpeg").count()) === 1 || n === 200, "from the first on, or the latest");
    assert.deepEqual(visit.problems, []);
  });

  test("is offered to the other tabs when one takes it", async () => {
    await open();
    await isShellKept();
    await reload();
    server.folder = await siteWith(VERSION_B);
    const other = await visit.context.newPage();
    await other.goto(server.url);
    await lookForUpdate();
    await prompt().waitFor({ timeout: PATIENCE });
    await Promise.all([
      visit.page.waitForEvent("load"),
      visit.page.getByRole("button", { name: "Update", exact: true }).click(),
    ]);
    await other.getByRole("region", { name: "A new version is ready." }).waitFor({ timeout: PATIENCE });
    assert.notEqual(await other.title(), "Version B", "no page is loaded anew unasked");
    await Promise.all([
      other.waitForEvent("load"),
      other.getByRole("button", { name: "Update", exact: true }).click(),
    ]);
    assert.equal(await other.title(), "Version B");
  });

  test("of which only a part is there is not taken", async () => {
    await open();
    await isShellKept();
    await reload();
    const title = await visit.page.title();
    const folder = await siteWith(VERSION_B);
    await cp(path.join(DIST, "labels"), path.join(folder, "labels"), { recursive: true });
    server.folder = folder;
    await lookForUpdate();
    await visit.page.waitForTimeout(1000);
    assert.equal(await prompt().count(), 0);
    await reload();
    assert.equal(await visit.page.title(), title);
    assert.equal((await classify()).length, 5);
  });
});
