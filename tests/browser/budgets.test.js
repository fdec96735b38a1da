// What a visit costs until the page takes input, against budgets.toml.

import assert from "node:assert/strict";
import { after, before, describe } from "node:test";
import { visitingWith } from "./page.js";
import { BUDGETS, launch } from "./support.js";

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

const visiting = visitingWith(() => browser);

/** When the page took input, in ms since the visit began, and what was asked for until then. */
async function start(page) {
  return page.evaluate(() => {
    const [{ startTime }] = performance.getEntriesByName("vitrine:interactive");
    const asked = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
      .filter((entry) => entry.startTime <= startTime)
      .map(({ name, initiatorType }) => ({ file: name.split("/").at(-1), initiatorType }));
    return { interactive: startTime, asked };
  });
}

describe("budgets", () => {
  visiting("few requests lie before the page takes input, and a second visit is quick", {}, async (visit, t) => {
    await visit.ready();
    const first = await start(visit.page);
    const needed = first.asked.filter(({ initiatorType }) => initiatorType !== "img");
    const files = needed.map(({ file }) => file).join(", ");
    t.diagnostic(`${needed.length} requests and ${first.asked.length - needed.length} pictures before interactive: ${files}`);
    assert.ok(needed.length <= BUDGETS.requests_before_interactive, `${needed.length}: ${files}`);
    const times = [];
    for (let visits = 0; visits < 5; visits += 1) {
      await visit.page.reload();
      await visit.ready();
      times.push((await start(visit.page)).interactive);
    }
    const median = times.sort((a, b) => a - b)[2];
    t.diagnostic(`interactive after ${first.interactive.toFixed(0)} ms, again after ${median.toFixed(0)} ms (median of 5)`);
    assert.ok(median <= BUDGETS.repeat_interactive_ms, `${median.toFixed(0)} ms`);
  });
});
