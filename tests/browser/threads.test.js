// Where a host makes pages isolated, the engine works on several threads.

import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import { visitingWith } from "./page.js";
import { fixture, ISOLATED_SITE, launch } from "./support.js";

let browser;
const visiting = visitingWith(() => browser);
before(async () => {
  browser = await launch();
});
after(() => browser.close());

const engineReady = (visit) =>
  visit.page.evaluate(() => performance.getEntriesByName("vitrine:engine-ready").map(({ detail }) => detail.flavour));

describe("on an isolated page", () => {
  visiting("threads of one engine share its work", { site: ISOLATED_SITE }, async (visit, t) => {
    await visit.ready();
    await visit.choose(fixture("pictures/upright.jpg"));
    const classes = await visit.predictions("upright.jpg");
    assert.equal(classes.length, 5);
    assert.deepEqual(await engineReady(visit), ["threads"]);
    const threads = await visit.page.evaluate(() => navigator.hardwareConcurrency);
    const expected = Math.min(threads, 4) - 1;
    const n_helpers = await visit.helpers(expected);
    await visit.choose(fixture("pictures/photo.bmp"));
    assert.equal((await visit.predictions("photo.bmp")).length, 5);
    t.diagnostic(`${threads} cores, ${n_helpers} helpers`);
    assert.equal(await visit.helpers(expected), expected, "helpers that are there and stay");
    assert.deepEqual(visit.problems, []);
    assert.match(await visit.card("upright.jpg").innerText(), /relaxed SIMD with threads/i);
  });

  visiting("the answers are those of one thread", { site: ISOLATED_SITE, keepsResults: false }, async (visit) => {
    await visit.ready();
    await visit.choose(fixture("pictures/upright.jpg"));
    const shared = await visit.predictions("upright.jpg");
    await visit.page.goto(`${ISOLATED_SITE}?engine=relaxed`);
    await visit.ready();
    await visit.choose(fixture("pictures/upright.jpg"));
    assert.deepEqual(await visit.predictions("upright.jpg"), shared);
    assert.deepEqual(await engineReady(visit), ["relaxed"]);
  });

  visiting(
    "where its threads' engine cannot start, that of one thread does",
    {
      site: ISOLATED_SITE,
      prepare: (page) => page.route(/engine\/threads-.*engine_bg\.wasm/, (route) => route.abort()),
    },
    async (visit) => {
      await visit.ready();
      await visit.choose(fixture("pictures/upright.jpg"));
      assert.equal((await visit.predictions("upright.jpg")).length, 5);
      assert.deepEqual(await engineReady(visit), ["relaxed"]);
      visit.problems.length = 0;
    },
  );
});
