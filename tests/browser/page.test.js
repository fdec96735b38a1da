// What a visitor does, step by step, in a real browser, with the site under a sub-path.

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { parsePrediction, PATIENCE, visitingWith } from "./page.js";
import { catalog, fixture, launch, MODEL_TITLE, SITE } from "./support.js";

let browser;
let scratch;
before(async () => {
  browser = await launch();
  scratch = await mkdtemp(path.join(os.tmpdir(), "vitrine-"));
});
after(async () => {
  await browser.close();
  await rm(scratch, { recursive: true });
});

const visiting = visitingWith(() => browser);

describe("results", () => {
  visiting("a sample tile is classified into five named classes", {}, async (visit) => {
    await visit.ready();
    await visit.sample("Cat");
    const name = await firstCardName(visit);
    const predictions = (await visit.predictions(name)).map(parsePrediction);
    assert.equal(predictions.length, 5);
    assert.match(predictions[0].label, /cat|lynx/i);
    const shares = predictions.map(({ probability }) => probability);
    assert.deepEqual(shares, [...shares].sort((a, b) => b - a), "best first");
    assert.ok(shares.reduce((sum, share) => sum + share, 0) <= 1.0005);
    const card = await visit.card(name).innerText();
    for (const stage of ["Decode", "Preprocess", "Infer", "Postprocess"]) {
      assert.match(card, new RegExp(`${stage}\\s*[\\d.]+\\s*ms`, "i"), `the card shows ${stage} in ms`);
    }
    assert.deepEqual(visit.problems, []);
  });

  visiting("a file chosen with the picker is classified and announced", {}, async (visit) => {
    await visit.ready();
    await visit.choose(fixture("pictures/upright.jpg"));
    const predictions = await visit.predictions("upright.jpg");
    assert.equal(predictions.length, 5);
    const status = visit.page.getByRole("status");
    assert.equal(await status.count(), 1, "one status region");
    await visit.page.waitForFunction(
      () => document.querySelector('[role="status"]').textContent.trim() !== "",
    );
  });

  visiting("dropped files are classified, the newest result first", {}, async (visit) => {
    await visit.ready();
    await visit.drop(fixture("pictures/upright.jpg"));
    await visit.predictions("upright.jpg");
    await visit.drop(fixture("pictures/photo.bmp"), fixture("pictures/photo.webp"));
    await visit.predictions("photo.bmp");
    await visit.predictions("photo.webp");
    assert.equal(await visit.page.getByRole("article").count(), 3);
    const first = await visit.page.getByRole("article").first().getAttribute("aria-label");
    assert.notEqual(first, "upright.jpg");
  });

  visiting("a picture stored on its side with EXIF orientation is classified upright", {}, async (visit) => {
    await visit.ready();
    await visit.choose(fixture("pictures/upright.jpg"), fixture("pictures/rotated-exif-6.jpg"));
    const [upright, rotated] = [
      (await visit.predictions("upright.jpg")).map(parsePrediction),
      (await visit.predictions("rotated-exif-6.jpg")).map(parsePrediction),
    ];
    assert.equal(rotated[0].label, upright[0].label);
    assert.ok(Math.abs(rotated[0].probability - upright[0].probability) < 0.05);
    const width = (name) => visit.card(name).getByRole("img").evaluate((canvas) => canvas.width / canvas.height);
    assert.ok(Math.abs((await width("rotated-exif-6.jpg")) - (await width("upright.jpg"))) < 0.02);
  });

  visiting("a pasted picture is classified", {}, async (visit) => {
    await visit.ready();
    const bytes = (await readFile(fixture("pictures/upright.jpg"))).toString("base64");
    await visit.page.evaluate((bytes) => {
      const clipboardData = new DataTransfer();
      const content = Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0));
      clipboardData.items.add(new File([content], "image.png"));
      document.dispatchEvent(new ClipboardEvent("paste", { clipboardData, cancelable: true }));
    }, bytes);
    assert.equal((await visit.predictions("image.png")).length, 5);
  });

  visiting("results can be cleared", {}, async (visit) => {
    await visit.ready();
    await visit.choose(fixture("pictures/upright.jpg"));
    await visit.predictions("upright.jpg");
    await visit.page.getByRole("button", { name: "Clear results" }).click();
    await visit.card("upright.jpg").waitFor({ state: "detached" });
    assert.equal(await visit.page.getByRole("button", { name: "Clear results" }).count(), 0);
  });

  visiting("transparent and animated pictures are read", {}, async (visit) => {
    await visit.ready();
    await visit.choose(fixture("pictures/transparent.png"), fixture("pictures/animated.gif"));
    assert.equal((await visit.predictions("transparent.png")).length, 5);
    assert.equal((await visit.predictions("animated.gif")).length, 5);
  });
});

describe("files that are no pictures", () => {
  for (const [file, what, advice] of [
    ["not-a-picture.jpg", /not a picture/i, /choose a photo/i],
    ["truncated.jpg", /incomplete/i, /again/i],
    ["drawing.svg", /SVG/, /PNG or JPEG/],
    ["photo.heic", /HEIC/, /JPEG or PNG/],
  ]) {
    visiting(`${file} gets an alert that says what happened and what to do`, {}, async (visit) => {
      await visit.ready();
      await visit.choose(fixture("pictures/upright.jpg"));
      await visit.predictions("upright.jpg");
      await visit.choose(fixture(`pictures/${file}`));
      const alert = await visit.alert();
      assert.match(alert, what);
      assert.match(alert, advice);
      assert.ok(alert.includes(file), `"${alert}" names the file`);
      assert.equal((await visit.predictions("upright.jpg")).length, 5, "the earlier result stays");
      await visit.choose(fixture("pictures/photo.bmp"));
      assert.equal((await visit.predictions("photo.bmp")).length, 5, "the next file works");
    });
  }

  visiting("an empty file and one over the limit are told apart", {}, async (visit) => {
    await visit.ready();
    const empty = path.join(scratch, "empty.jpg");
    await writeFile(empty, "");
    await visit.choose(empty);
    assert.match(await visit.alert(), /empty/i);
    const large = path.join(scratch, "large.jpg");
    await writeFile(large, Buffer.alloc(50_000_001, 0xff));
    await visit.choose(large);
    await visit.page.getByRole("alert").filter({ hasText: "too large" }).waitFor({ timeout: PATIENCE });
  });
});

describe("loading", () => {
  visiting(
    "a picture dropped before the app is up is classified once it is",
    {
      prepare: (page) =>
        page.route("**/*.wasm", async (route) => {
          await new Promise((resolve) => setTimeout(resolve, 3000));
          await route.continue();
        }),
    },
    async (visit) => {
      await visit.page.getByLabel("Choose files").waitFor({ state: "attached" });
      assert.equal(await visit.page.evaluate(() => document.documentElement.dataset.phase), "booting");
      await visit.drop(fixture("pictures/upright.jpg"));
      assert.equal((await visit.predictions("upright.jpg")).length, 5);
    },
  );

  visiting("the shell paints before anything of the engine or model is asked for", {}, async (visit) => {
    await visit.ready();
    await visit.page.waitForTimeout(500);
    // The service worker keeps the page of the models, which stands in the same folder.
    const early = visit.requests.filter((url) => /\/(engine\/|models\/.*\.(part|txt))/.test(url));
    assert.deepEqual(early, [], "no engine or model without a reason");
    const paint = await visit.page.evaluate(
      () => performance.getEntriesByName("first-contentful-paint")[0]?.startTime,
    );
    assert.ok(paint > 0, "the browser painted");
    await visit.sample("Cat");
    await visit.predictions(await firstCardName(visit));
    const engineStart = await visit.page.evaluate(
      () =>
        Math.min(
          ...performance
            .getEntriesByType("resource")
            .filter(({ name }) => /\/(engine|models)\//.test(name))
            .map(({ startTime }) => startTime),
        ),
    );
    assert.ok(engineStart > paint, `engine at ${engineStart} ms, first paint at ${paint} ms`);
  });

  visiting(
    "the download shows real bytes, can be cancelled, and works afterwards",
    {
      prepare: async (page) => {
        const session = await page.context().newCDPSession(page);
        await session.send("Network.enable");
        page.slowDown = (bytesPerSecond) =>
          session.send("Network.emulateNetworkConditions", {
            offline: false,
            latency: 0,
            downloadThroughput: bytesPerSecond,
            uploadThroughput: -1,
          });
      },
    },
    async (visit) => {
      await visit.ready();
      await visit.page.slowDown(1_500_000);
      await visit.sample("Cat");
      const bar = visit.page.getByRole("progressbar", { name: `Downloading ${MODEL_TITLE}` });
      await bar.waitFor({ timeout: PATIENCE });
      const { models } = await catalog();
      const total = (models[0].served.packed / 1e6).toFixed(1);
      await visit.page.getByText(new RegExp(`[0-9.]+ of ${total} MB`)).first().waitFor();
      await visit.page.getByRole("button", { name: "Cancel" }).click();
      await bar.waitFor({ state: "hidden" });
      await visit.ready();
      assert.equal(await visit.page.getByRole("article").count(), 0, "the cancelled picture is gone");
      await visit.page.slowDown(-1);
      await visit.choose(fixture("pictures/upright.jpg"));
      assert.equal((await visit.predictions("upright.jpg")).length, 5);
    },
  );

  visiting("cancelling while pictures are worked on keeps the finished ones", {}, async (visit) => {
    await visit.ready();
    await visit.choose(fixture("pictures/upright.jpg"));
    await visit.predictions("upright.jpg");
    const many = await Promise.all(
      Array.from({ length: 20 }, async (_, i) => {
        const file = path.join(scratch, `copy-${i}.jpg`);
        await writeFile(file, await readFile(fixture("pictures/upright.jpg")));
        return file;
      }),
    );
    await visit.choose(...many);
    // In the page, because the pictures may be done before a pointer from outside gets there.
    await visit.page.waitForFunction(() => {
      const buttons = [...document.querySelectorAll("button")];
      const cancel = buttons.find((button) => button.textContent === "Cancel" && button.checkVisibility());
      cancel?.click();
      return cancel !== undefined;
    });
    await visit.ready();
    assert.ok((await visit.page.getByRole("article").count()) < 21, "some were not finished");
    assert.equal((await visit.predictions("upright.jpg")).length, 5);
    await visit.choose(fixture("pictures/photo.bmp"));
    assert.equal((await visit.predictions("photo.bmp")).length, 5);
  });

  visiting(
    "a model that is not the expected one is refused, and the next try works",
    {
      prepare: (page) =>
        page.route("**/models/*", (route) => route.fulfill({ body: "<html>not found</html>" }), { times: 1 }),
    },
    async (visit) => {
      await visit.ready();
      await visit.choose(fixture("pictures/upright.jpg"));
      assert.match(await visit.alert(), /not the expected one/i);
      await visit.choose(fixture("pictures/photo.bmp"));
      assert.equal((await visit.predictions("photo.bmp")).length, 5);
    },
  );

  visiting(
    "an engine that does not arrive is told as such, and trying again works",
    { prepare: (page) => page.route("**/worker.js", (route) => route.fulfill({ status: 404 }), { times: 1 }) },
    async (visit) => {
      await visit.ready();
      await visit.choose(fixture("pictures/upright.jpg"));
      assert.match(await visit.alert(), /engine did not start/i);
      assert.equal(await visit.page.evaluate(() => document.documentElement.dataset.phase), "failed");
      await visit.page.getByRole("button", { name: "Try again" }).click();
      assert.equal((await visit.predictions("upright.jpg")).length, 5);
      assert.equal(await visit.page.getByRole("alert").count(), 0);
    },
  );

  visiting(
    "what waits behind a problem can be given up",
    { prepare: (page) => page.route("**/models/*", (route) => route.fulfill({ status: 404 })) },
    async (visit) => {
      await visit.ready();
      await visit.choose(fixture("pictures/upright.jpg"));
      assert.match(await visit.alert(), /could not be downloaded/i);
      await visit.page.getByRole("button", { name: "Cancel" }).click();
      await visit.ready();
      assert.equal(await visit.page.getByRole("article").count(), 0);
      const focused = await visit.page.evaluate(() => document.activeElement.id);
      assert.equal(focused, "workspace", "the focus is not lost with the button");
    },
  );

  visiting("the engine that runs can be chosen in the address and is named", { query: "?engine=simd" }, async (visit) => {
    await visit.ready();
    await visit.choose(fixture("pictures/upright.jpg"));
    await visit.predictions("upright.jpg");
    const engines = visit.requests.filter((url) => url.includes("/engine/"));
    assert.ok(engines.length > 0 && engines.every((url) => url.includes("/engine/simd-")), engines.join(" "));
    assert.match(await visit.card("upright.jpg").innerText(), /(^|[^d] )SIMD/m);
  });

  visiting("without a wish the fastest engine that the browser has is taken", {}, async (visit) => {
    await visit.ready();
    await visit.choose(fixture("pictures/upright.jpg"));
    await visit.predictions("upright.jpg");
    // Not by its requests: when the page is idle its service worker fetches the next visit's engine, too.
    const marks = await visit.page.evaluate(() => performance.getEntriesByName("vitrine:engine-ready").map(({ detail }) => detail));
    assert.deepEqual(marks.map(({ flavour }) => flavour), ["relaxed"]);
    assert.match(await visit.card("upright.jpg").innerText(), /relaxed SIMD/i);
  });

  visiting("an engine that does not exist is named, and the fastest runs", { query: "?engine=gpu" }, async (visit) => {
    await visit.ready();
    await visit.page.getByText(/asks for the engine “gpu”.*relaxed SIMD runs instead/).waitFor();
    await visit.choose(fixture("pictures/upright.jpg"));
    assert.equal((await visit.predictions("upright.jpg")).length, 5);
  });

  visiting("our matrix kernels run, and every result is marked with its times", {}, async (visit) => {
    await visit.ready();
    await visit.choose(fixture("pictures/upright.jpg"));
    await visit.predictions("upright.jpg");
    const marks = await visit.page.evaluate(() =>
      Object.fromEntries(performance.getEntriesByType("mark").map(({ name, detail }) => [name, detail])),
    );
    assert.deepEqual(marks["vitrine:engine-ready"], { flavour: "relaxed", own_kernels: true });
    assert.ok("vitrine:interactive" in marks);
    const { file, ...times } = marks["vitrine:result"];
    assert.equal(file, "upright.jpg");
    assert.deepEqual(Object.keys(times).sort(), ["decode", "infer", "postprocess", "preprocess"]);
    assert.ok(times.infer > 0);
  });

  visiting(
    "a page whose program does not arrive says so",
    { prepare: (page) => page.route("**/vitrine-*_bg.wasm", (route) => route.fulfill({ status: 404 })) },
    async (visit) => {
      const alert = await visit.alert();
      assert.match(alert, /could not start/i);
      assert.match(alert, /reload/i);
      assert.equal(await visit.page.evaluate(() => document.documentElement.dataset.phase), "failed");
    },
  );

  visiting("a crashed engine costs one picture and starts anew", {}, async (visit) => {
    await visit.ready();
    await visit.choose(fixture("pictures/upright.jpg"));
    await visit.predictions("upright.jpg");
    // Chromium ends a worker whose target is closed as it would after running out of memory.
    const workers = visit.page.workers();
    assert.equal(workers.length, 1);
    const ended = workers[0].waitForEvent("close");
    await workers[0].evaluate(() => {
      setTimeout(() => {
        throw new Error("out of memory");
      });
    });
    await ended;
    await visit.choose(fixture("pictures/photo.bmp"));
    await visit.predictions("photo.bmp");
    assert.equal((await visit.predictions("upright.jpg")).length, 5, "the earlier result stays");
  });
});

describe("shell", () => {
  test("everything is served compressed under a sub-path", async () => {
    assert.notEqual(new URL(SITE).pathname, "/");
    const response = await fetch(SITE, { headers: { "accept-encoding": "gzip" } });
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("content-encoding"), "gzip");
  });
});

async function firstCardName(visit) {
  const card = visit.page.getByRole("article").first();
  await card.waitFor({ timeout: PATIENCE });
  return card.getAttribute("aria-label");
}
