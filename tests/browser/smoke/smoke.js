// The main job on a site that is published somewhere, as a visitor does it: `cargo xtask smoke URL`.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, test } from "node:test";
import { PATIENCE, Visit } from "../page.js";
import { SITE, launch } from "../support.js";
import { isKept } from "../versions.js";

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

test(`every file at ${SITE} is the one that the site lists`, async (t) => {
  const worker = await (await fetch(new URL("sw.js", SITE))).text();
  const [, list] = /^self\.SITE = (.*);$/m.exec(worker) ?? [];
  const { version, shell, later } = JSON.parse(list);
  const files = Object.entries({ ...shell, ...later });
  const others = [];
  for (const [file, sum] of files) {
    const response = await fetch(new URL(file, SITE));
    const met = createHash("sha256").update(Buffer.from(await response.arrayBuffer())).digest("base64");
    if (!response.ok || `sha256-${met}` !== sum) others.push(`${file}: ${response.status} ${met}`);
  }
  t.diagnostic(`version ${version}, ${files.length} files`);
  assert.deepEqual(others, []);
});

test(`the main job works at ${SITE}`, async (t) => {
  const visit = await Visit.open(browser);
  const { page } = visit;
  await visit.ready();
  const times = await page.evaluate(() => performance.getEntriesByName("vitrine:interactive").map((mark) => mark.startTime));
  t.diagnostic(`takes input after ${times[0]?.toFixed(0)} ms`);

  await visit.sample("Cat");
  const classes = await visit.predictions("chelsea.png");
  assert.equal(classes.length, 5);
  assert.match(classes[0], /cat \d+\.\d %$/);
  t.diagnostic(`Cat: ${classes[0]}`);

  await page.getByRole("button", { name: "Thank you so much" }).click();
  const text = page.getByRole("article", { name: "Thank you so much" });
  const emotions = await visit.items(text.getByRole("list", { name: "Emotion" }));
  assert.match(emotions[0], /^gratitude /);
  t.diagnostic(`text: ${emotions[0]}`);

  for (const route of ["models/", "performance/", "how/", "accessibility/"]) {
    const response = await page.context().request.get(new URL(route, SITE).href);
    assert.equal(response.status(), 200, route);
  }
  assert.deepEqual(visit.problems, []);

  // The second visit, without a network.
  // The engines of this visit and the next are kept when the page has nothing to do, and the samples.
  const hasThreads = await page.evaluate(() => navigator.hardwareConcurrency > 1);
  const engines = hasThreads ? ["relaxed", "threads"] : ["relaxed"];
  const parts = engines.flatMap((flavour) => ["worker\\.js", "engine_bg\\.wasm"].map((file) => new RegExp(`engine/${flavour}-.*${file}$`)));
  for (const part of [...parts, "samples/chelsea.png"]) await isKept(page, part);
  await visit.context.setOffline(true);
  await page.reload();
  await visit.ready();
  await visit.sample("Cat");
  assert.deepEqual(await visit.predictions("chelsea.png"), classes, "the same without a network");
  await visit.close();
});
