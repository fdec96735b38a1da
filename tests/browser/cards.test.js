// What can be done with results: bring them back, compare models, find them again, save them.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe } from "node:test";
import { dropMany, finished, progress, results } from "./many.js";
import { parsePrediction, PATIENCE, visitingWith } from "./page.js";
import { fixture, launch, MODEL_TITLE, SITE } from "./support.js";

const OTHER_TITLE = "EfficientNet-Lite1";

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

const visiting = visitingWith(() => browser);

/** Names of the cards in the order they stand. */
const names = (page) =>
  page.getByRole("article").evaluateAll((cards) => cards.map((card) => card.getAttribute("aria-label")));
const remove = (page, name) => page.getByRole("button", { name: `Remove ${name}` });
const undo = (page) => page.getByRole("button", { name: "Undo" });
const focused = (page) => page.evaluate(() => document.activeElement.getAttribute("aria-label") ?? document.activeElement.textContent.trim());
const status = (page, words) =>
  page.waitForFunction((words) => document.querySelector("[role=status]").textContent.includes(words), words);
/** How many results the browser's database holds. */
const kept = (page) =>
  page.evaluate(async () => {
    const found = (await indexedDB.databases()).find(({ name }) => name.startsWith("vitrine"));
    if (!found) return 0;
    return new Promise((resolve, reject) => {
      const request = indexedDB.open(found.name);
      request.onerror = () => reject(request.error);
      request.onsuccess = () => {
        const count = request.result.transaction("results").objectStore("results").count();
        count.onsuccess = () => {
          request.result.close();
          resolve(count.result);
        };
      };
    });
  });
async function untilKept(page, n) {
  for (let tries = 0; (await kept(page)) !== n; tries += 1) {
    assert.ok(tries < 200, `${await kept(page)} results are kept, not ${n}`);
    await page.waitForTimeout(100);
  }
}
async function reload(visit) {
  await visit.page.reload({ waitUntil: "commit" });
  await visit.ready();
}
const switchKeeping = async (page, on) => {
  await page.getByRole("button", { name: "Settings", exact: true }).click();
  await page.getByRole("checkbox", { name: "Keep results on this device" }).setChecked(on);
  await page.getByRole("button", { name: "Close" }).click();
};
const THREE = ["upright.jpg", "photo.bmp", "photo.webp"];
async function addThree(visit) {
  await visit.ready();
  await visit.choose(...THREE.map((name) => fixture(`pictures/${name}`)));
  for (const name of THREE) await visit.predictions(name);
  await visit.ready();
}

describe("removing", () => {
  visiting("a removed result comes back where it was, with its answer", {}, async (visit) => {
    await addThree(visit);
    const before = await visit.predictions("photo.bmp");
    await remove(visit.page, "photo.bmp").press("Enter");
    await visit.card("photo.bmp").waitFor({ state: "detached" });
    await status(visit.page, "photo.bmp removed. It can be undone.");
    await visit.page.waitForFunction(() => document.activeElement.ariaLabel === "Remove photo.webp");
    // The browser asks for the tab's icon when it gets to it.
    const asked = () => visit.own().filter((request) => !request.url().endsWith("/icons/favicon.svg")).length;
    const n_requests = asked();
    await undo(visit.page).press("Enter");
    assert.deepEqual(await visit.predictions("photo.bmp"), before);
    assert.deepEqual(await names(visit.page), THREE);
    await visit.page.waitForFunction(() => document.activeElement.ariaLabel === "Remove photo.bmp");
    await status(visit.page, "1 result is back.");
    assert.equal(await undo(visit.page).count(), 0);
    assert.equal(asked(), n_requests, "nothing is computed or fetched again");
    const marks = () => performance.getEntriesByName("vitrine:result").length;
    assert.equal(await visit.page.evaluate(marks), 3);
    assert.deepEqual(visit.problems, []);
  });

  visiting("the last one of a list hands the focus to the heading, and a key brings it back", {}, async (visit) => {
    await addThree(visit);
    await remove(visit.page, "photo.webp").press("Enter");
    await visit.page.waitForFunction(() => document.activeElement.matches("h2"));
    assert.equal(await focused(visit.page), "Results");
    await visit.page.keyboard.press("Tab");
    await visit.page.keyboard.press("Tab");
    assert.equal(await focused(visit.page), "Undo", "the way back is two steps behind the heading");
    await visit.page.keyboard.press("u");
    await visit.card("photo.webp").waitFor();
    assert.deepEqual(await names(visit.page), THREE);
  });

  visiting("cleared results come back; only the last removal does", {}, async (visit) => {
    await addThree(visit);
    await remove(visit.page, "upright.jpg").click();
    await visit.page.getByRole("button", { name: "Clear results" }).click();
    await visit.card("photo.bmp").waitFor({ state: "detached" });
    await status(visit.page, "Results cleared.");
    assert.deepEqual(await visit.violations(), []);
    await undo(visit.page).click();
    await status(visit.page, "2 results are back.");
    assert.deepEqual(await names(visit.page), ["photo.bmp", "photo.webp"]);
    // The file is there too: another answer can be asked for.
    await visit.page.getByRole("checkbox", { name: "Read text" }).check();
    await visit.page.waitForFunction(() => document.documentElement.dataset.phase === "busy");
  });

  visiting("the offer stays ten seconds at least, longer under the focus, and ends", {}, async (visit) => {
    await addThree(visit);
    await remove(visit.page, "photo.bmp").click();
    await visit.page.waitForTimeout(10_500);
    assert.equal(await undo(visit.page).count(), 1);
    await undo(visit.page).focus();
    await visit.page.waitForTimeout(11_000);
    assert.equal(await undo(visit.page).count(), 1, "what somebody is about to press stays");
    await visit.page.getByRole("button", { name: "Clear results" }).focus();
    await undo(visit.page).waitFor({ state: "detached", timeout: 25_000 });
  });
});

describe("comparing", () => {
  visiting("another model says what it sees, beside the first, with its time", {}, async (visit) => {
    await visit.ready();
    await visit.choose(fixture("pictures/upright.jpg"));
    const first = await visit.predictions("upright.jpg");
    const card = visit.card("upright.jpg");
    await card.getByRole("button", { name: `Compare with ${OTHER_TITLE}` }).click();
    const second = await visit.predictions("upright.jpg", OTHER_TITLE);
    assert.equal(second.length, 5);
    assert.notDeepEqual(second.map(parsePrediction), first.map(parsePrediction));
    assert.deepEqual(await visit.predictions("upright.jpg", MODEL_TITLE), first);
    assert.equal((await card.innerText()).match(/Infer\s*[\d.]+\s*ms/gi).length, 2, "each has its time");
    assert.equal(await card.getByRole("button", { name: /Compare with/ }).count(), 0);
    const left = async (title) => (await card.getByRole("list", { name: title }).boundingBox()).x;
    await visit.page.setViewportSize({ width: 1280, height: 900 });
    assert.ok((await left(OTHER_TITLE)) > (await left(MODEL_TITLE)), "side by side where there is room");
    await status(visit.page, "upright.jpg:");
    await visit.page.waitForFunction(() => document.documentElement.dataset.phase === "ready");
    assert.deepEqual(visit.problems, []);
  });

  visiting("a comparison that is cancelled leaves the first answer", {}, async (visit) => {
    await visit.ready();
    await visit.choose(fixture("pictures/upright.jpg"));
    const first = await visit.predictions("upright.jpg");
    // From now on no model comes.
    await visit.page.route("**/models/*.part", () => {});
    await visit.card("upright.jpg").getByRole("button", { name: /Compare with/ }).click();
    await visit.page.getByRole("progressbar", { name: `Downloading ${OTHER_TITLE}` }).waitFor();
    await visit.page.getByRole("button", { name: "Cancel" }).click();
    await visit.ready();
    assert.deepEqual(await visit.predictions("upright.jpg"), first);
    assert.equal(await visit.card("upright.jpg").getByRole("button", { name: /Compare with/ }).count(), 1);
  });
});

describe("history", () => {
  visiting("results are there again after a reload, with when they were made", {}, async (visit) => {
    await visit.ready();
    await visit.choose(fixture("pictures/upright.jpg"));
    const before = await visit.predictions("upright.jpg");
    await visit.page.getByRole("textbox", { name: "Text to analyse" }).fill("Thank you so much!");
    await visit.page.getByRole("button", { name: "Analyse" }).click();
    await visit.predictions("Thank you so much!", "Emotion");
    await untilKept(visit.page, 2);
    await reload(visit);
    await visit.page.getByRole("heading", { name: "Earlier results" }).waitFor();
    assert.deepEqual(await visit.predictions("upright.jpg"), before);
    const card = visit.card("upright.jpg");
    assert.match(await card.innerText(), new RegExp(`Made .*${new Date().getFullYear()}.* with ${MODEL_TITLE} 0\\.1\\.0`));
    const shown = await card.getByRole("img").evaluate(async (image) => {
      await image.decode();
      return [image.naturalWidth, image.naturalHeight, image.src.slice(0, 16)];
    });
    assert.ok(Math.max(shown[0], shown[1]) <= 192, `${shown} is small`);
    assert.equal(shown[2], "data:image/webp;");
    await visit.card("Thank you so much!").getByRole("list", { name: "Emotion" }).waitFor();
    assert.equal(await card.getByRole("button", { name: /Compare/ }).count(), 0, "its file is not here");
    assert.deepEqual(await visit.violations(), []);
    assert.deepEqual(visit.problems, []);
  });

  visiting("what is removed is not kept, and kept again when it comes back", {}, async (visit) => {
    await addThree(visit);
    await untilKept(visit.page, 3);
    await remove(visit.page, "photo.bmp").click();
    await untilKept(visit.page, 2);
    await undo(visit.page).click();
    await untilKept(visit.page, 3);
    await reload(visit);
    await remove(visit.page, "photo.webp").click();
    await untilKept(visit.page, 2);
    await undo(visit.page).click();
    await untilKept(visit.page, 3);
    await visit.card("photo.webp").waitFor();
    await visit.page.getByRole("button", { name: "Clear history" }).click();
    await untilKept(visit.page, 0);
    assert.deepEqual(await names(visit.page), []);
    await undo(visit.page).click();
    await untilKept(visit.page, 3);
  });

  visiting("without the tick nothing is kept, also on later visits", {}, async (visit) => {
    await addThree(visit);
    await untilKept(visit.page, 3);
    await switchKeeping(visit.page, false);
    await untilKept(visit.page, 0);
    await reload(visit);
    await visit.choose(fixture("pictures/upright.jpg"));
    await visit.predictions("upright.jpg");
    await visit.page.waitForTimeout(2000);
    assert.equal(await kept(visit.page), 0);
    await switchKeeping(visit.page, true);
    await untilKept(visit.page, 1);
  });

  visiting("of a batch the last 200 are kept", {}, async (visit) => {
    await visit.ready();
    await dropMany(visit.page, { n: 215, side: 32 });
    await finished(visit.page, 3 * PATIENCE);
    await untilKept(visit.page, 200);
    await reload(visit);
    await visit.card("picture-0214.jpeg").waitFor();
    assert.equal(await visit.page.getByRole("article").count(), 12);
    await visit.page.getByRole("button", { name: "Show all 200" }).click();
    assert.equal(await visit.page.getByRole("article").count(), 200);
    assert.equal(await visit.card("picture-0014.jpeg").count(), 0);
  });

  visiting("what is finished of a batch stays when the page is left in the middle of it", {}, async (visit) => {
    await visit.ready();
    await dropMany(visit.page, { n: 1000, side: 32 });
    await results(visit.page, 20, PATIENCE);
    // By the page's own marks: the bar is drawn once a second.
    const least = await visit.page.evaluate(() => performance.getEntriesByName("vitrine:result").length);
    // As the browser does when a tab is left; no page hears of more.
    await visit.page.evaluate(() => {
      Object.defineProperty(document, "hidden", { value: true });
      document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
    });
    let n = 0;
    for (let tries = 0; n < least && tries < 100; tries += 1) {
      await visit.page.waitForTimeout(20);
      n = await kept(visit.page);
    }
    const { done, total } = await progress(visit.page);
    assert.ok(done < total, `${done} of ${total} are done`);
    assert.ok(n >= least, `${n} results are kept, ${least} were there`);
    await reload(visit);
    await visit.page.getByRole("button", { name: /^Show all/ }).click();
    assert.ok((await visit.page.getByRole("article").count()) >= n);
    assert.deepEqual(visit.problems, []);
  });

  const forbid = (page) =>
    page.addInitScript(() => {
      IDBFactory.prototype.open = () => {
        throw new DOMException("storage is not allowed here", "SecurityError");
      };
    });
  visiting("a browser that keeps nothing says so, and everything else works", { prepare: forbid }, async (visit) => {
    await visit.ready();
    await visit.page.getByText("Results cannot be kept on this device.").first().waitFor();
    await visit.page.getByText("storage is not allowed here").waitFor();
    await visit.choose(fixture("pictures/upright.jpg"));
    assert.equal((await visit.predictions("upright.jpg")).length, 5);
    assert.deepEqual(visit.problems, []);
  });
});

/** Size of a PNG as the browser decodes it, how many colours it has, and whether it has this one. */
async function decoded(page, file, [red, green, blue]) {
  const bytes = (await readFile(file)).toString("base64");
  return page.evaluate(
    async ({ bytes, wanted }) => {
      const content = Uint8Array.from(atob(bytes), (character) => character.charCodeAt(0));
      const picture = await createImageBitmap(new Blob([content], { type: "image/png" }));
      const canvas = new OffscreenCanvas(picture.width, picture.height);
      const context = canvas.getContext("2d");
      context.drawImage(picture, 0, 0);
      const { data } = context.getImageData(0, 0, picture.width, picture.height);
      const colours = new Set();
      for (let at = 0; at < data.length; at += 4) colours.add((data[at] << 16) | (data[at + 1] << 8) | data[at + 2]);
      return { width: picture.width, height: picture.height, colours: colours.size, has: colours.has(wanted) };
    },
    { bytes, wanted: (red << 16) | (green << 8) | blue },
  );
}

describe("a card as a picture", () => {
  const save = async (visit, name) => {
    const [download] = await Promise.all([
      visit.page.waitForEvent("download"),
      visit.card(name).getByRole("button", { name: "Save as picture" }).click(),
    ]);
    return { name: download.suggestedFilename(), path: await download.path() };
  };
  const dark = { context: { colorScheme: "dark" } };

  visiting("a photo with its classes becomes a PNG", dark, async (visit) => {
    await visit.ready();
    await visit.choose(fixture("pictures/upright.jpg"));
    await visit.predictions("upright.jpg");
    const saved = await save(visit, "upright.jpg");
    assert.equal(saved.name, "upright-vitrine.png");
    await status(visit.page, "Saved as upright-vitrine.png.");
    const best = await decoded(visit.page, saved.path, [0x1b, 0x6d, 0x67]);
    assert.equal(best.width, 1080);
    assert.ok(best.height > 700 && best.height < 2400, `${best.height} px high`);
    assert.ok(best.colours > 1000, `${best.colours} colours: the picture is on it`);
    assert.ok(best.has, "the best class has its bar");
    const outline = await decoded(visit.page, saved.path, [0x35, 0xe0, 0xcb]);
    assert.ok(!outline.has, "nothing was read, so nothing is outlined");
    assert.deepEqual(visit.problems, []);
  });

  visiting("a page has its lines outlined, and is saved after a reload too", dark, async (visit) => {
    await visit.ready();
    await visit.sample("Page");
    await visit.page.getByRole("article", { name: "page.png" }).getByRole("list", { name: "Recognised text" }).waitFor({ timeout: PATIENCE });
    const saved = await save(visit, "page.png");
    const outline = await decoded(visit.page, saved.path, [0x35, 0xe0, 0xcb]);
    assert.ok(outline.has, "lines are outlined");
    await visit.ready();
    await untilKept(visit.page, 1);
    await reload(visit);
    await visit.card("page.png").waitFor();
    const again = await decoded(visit.page, (await save(visit, "page.png")).path, [0x35, 0xe0, 0xcb]);
    assert.ok(again.has && again.width === 1080 && again.colours > 50, JSON.stringify(again));
    assert.ok(visit.requests.every((url) => url.startsWith(SITE) || !url.startsWith("http")));
  });
});
