// What holds whatever a page is given: its security policy, in the worker too, the sums of what it runs, and
// an engine that ends in the middle of its work.

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { dropMany, finished, visibleRows } from "./many.js";
import { PATIENCE, visitingWith } from "./page.js";
import { DIST, fixture, launch } from "./support.js";

let browser;
const visiting = visitingWith(() => browser);
before(async () => {
  browser = await launch();
});
after(() => browser.close());

/** Tries what a policy forbids, here or in a worker; gives what came of each. */
const tryForbidden = async () => {
  const told = (attempt) => Promise.resolve().then(attempt).then(() => "done", (error) => error.name);
  // From a timer: what a debugger evaluates by itself is not held to the policy.
  await new Promise((resolve) => setTimeout(resolve));
  return {
    request: await told(() => fetch("http://127.0.0.1:9/")),
    eval: await told(() => (0, eval)("1")),
    function: await told(() => new Function("return 1")()),
  };
};
const FORBIDDEN = { request: "TypeError", eval: "EvalError", function: "EvalError" };

describe("the security policy", () => {
  test("stands in every document, allows nothing that is not named, and no code in text", async () => {
    const files = (await readdir(DIST, { recursive: true })).filter((file) => file.endsWith(".html"));
    assert.ok(files.length >= 7, files.join(" "));
    for (const file of files) {
      const html = await readFile(path.join(DIST, file), "utf8");
      const [, policy] = html.match(/http-equiv="Content-Security-Policy"\s+content="([^"]*)"/) ?? [];
      assert.match(policy ?? "", /^default-src 'none'; /, file);
      assert.doesNotMatch(policy, /unsafe-inline|'unsafe-eval'|https?:|\*/, file);
    }
  });

  test("holds for scripts, which make no code of text", async () => {
    const files = (await readdir(DIST, { recursive: true })).filter((file) => /\.m?js$/.test(file));
    for (const file of files) {
      assert.doesNotMatch(await readFile(path.join(DIST, file), "utf8"), /new Function\(|\beval\(/, file);
    }
  });

  visiting("is the browser's, not only the page's word", {}, async (visit) => {
    await visit.ready();
    assert.deepEqual(await visit.page.evaluate(tryForbidden), FORBIDDEN);
    await visit.page.evaluate(() => {
      const script = document.createElement("script");
      script.textContent = "window.ranInline = true";
      document.head.append(script);
    });
    assert.equal(await visit.page.evaluate(() => window.ranInline), undefined);
    for (let tries = 0; tries < 50 && visit.refused.length < 4; tries += 1) await visit.page.waitForTimeout(100);
    const directives = visit.refused.map((what) => what.split(" ")[0]).sort();
    assert.deepEqual(directives, ["connect-src", "script-src", "script-src", "script-src-elem"]);
    visit.refused.length = 0;
    assert.ok(!visit.requests.some((url) => url.includes(":9/")), "nothing left");
  });

  visiting("holds in the engine's worker", {}, async (visit) => {
    await visit.ready();
    await visit.choose(fixture("pictures/upright.jpg"));
    await visit.predictions("upright.jpg");
    const workers = visit.page.workers();
    assert.equal(workers.length, 1);
    assert.deepEqual(await workers[0].evaluate(tryForbidden), FORBIDDEN);
    assert.ok(!visit.requests.some((url) => url.includes(":9/")), "nothing left");
  });
});

describe("what the page runs is what was built", () => {
  /** Lets a file arrive with something behind it that changes nothing but its sum. */
  const changed = (address, more) => async (page) =>
    page.route(address, async (route) => {
      const answer = await route.fetch();
      await route.fulfill({ response: answer, body: Buffer.concat([await answer.body(), Buffer.from(more)]) });
    });
  // A section without a meaning.
  const SECTION = [0, 1, 0];

  const ENGINE = {
    "the engine's script": changed("**/engine/*/worker.js", "\n"),
    "the engine's module": changed("**/engine/*/engine_bg.wasm", SECTION),
  };
  for (const [what, prepare] of Object.entries(ENGINE)) {
    visiting(`${what} is not started when it is another`, { prepare }, async (visit) => {
      await visit.ready();
      await visit.choose(fixture("pictures/upright.jpg"));
      assert.match(await visit.alert(), /engine did not start/i);
      assert.deepEqual(visit.page.workers(), []);
    });
  }

  const PROGRAM = {
    "the page's glue": changed(/vitrine-[0-9a-f]+\.js$/, "\n"),
    "the page's program": changed(/vitrine-[0-9a-f]+_bg\.wasm$/, SECTION),
  };
  for (const [what, prepare] of Object.entries(PROGRAM)) {
    visiting(`${what} is not started when it is another`, { prepare }, async (visit) => {
      assert.match(await visit.alert(), /this page could not start/i);
    });
  }

  visiting("the first scripts are not run when they are others", { prepare: changed(/(boot-\w+|head)\.js$/, "\n") }, async (visit) => {
    await visit.page.waitForLoadState("load");
    // What a script begins with once it runs: it shows that the page waits for nothing.
    assert.equal(await visit.page.evaluate(() => document.readyState), "complete");
    for (let tries = 0; visit.problems.filter((problem) => /integrity/.test(problem)).length < 2; tries += 1) {
      assert.ok(tries < 100, visit.problems.join(" "));
      await visit.page.waitForTimeout(100);
    }
    const met = await visit.page.evaluate(() => [document.documentElement.dataset.phase, typeof window.takeDropped]);
    assert.deepEqual(met, ["booting", "undefined"]);
  });

  visiting("nor are those that are fetched later", { prepare: changed(/(history|poster)\.js$/, "\n") }, async (visit) => {
    await visit.ready();
    await visit.choose(fixture("pictures/upright.jpg"));
    await visit.predictions("upright.jpg");
    await visit.page.getByText("Results cannot be kept on this device.").first().waitFor();
    await visit.card("upright.jpg").getByRole("button", { name: "Save as picture" }).click();
    await visit.page.getByText("The picture could not be saved").waitFor();
    // A second try is held to the sum as well.
    await visit.choose(fixture("pictures/photo.bmp"));
    await visit.predictions("photo.bmp");
    await visit.page.waitForFunction(() => !document.querySelector("[role=status]").textContent.includes("could not be saved"));
    await visit.card("upright.jpg").getByRole("button", { name: "Save as picture" }).click();
    await visit.page.getByText("The picture could not be saved").waitFor();
  });
});

describe("an engine that ends in the middle of its work", () => {
  /** Sends the engine a message of so many bytes, as no page does. */
  const send = (visit, bytes) =>
    visit.page.workers()[0].evaluate((bytes) => {
      self.dispatchEvent(new MessageEvent("message", { data: { message: new Uint8Array(bytes) } }));
    }, bytes);

  const costs = (title, bytes, words) =>
    visiting(title, { query: "?workers=1" }, async (visit) => {
      await visit.ready();
      await dropMany(visit.page, { n: 300, side: 64 });
      await visit.page.waitForFunction(() => performance.getEntriesByName("vitrine:result").length > 2);
      await send(visit, bytes);
      await finished(visit.page, PATIENCE);
      await visit.page.getByRole("combobox", { name: "Show" }).selectOption({ label: "With errors (1)" });
      const [failed, ...others] = await visibleRows(visit.page);
      assert.deepEqual(others, []);
      assert.match(failed.result, /engine stopped while working on this file/i);
      assert.match(failed.result, words);
    });

  // Longer than any vector may be: the engine's own code panics.
  costs("costs one item, which says what the engine said last", 2 ** 31 + 8, /panicked at .*capacity overflow/s);
  // More than its memory may grow to.
  costs("costs one item when it has no memory left", 2 ** 31 - 2 ** 16, /unreachable/);
});
