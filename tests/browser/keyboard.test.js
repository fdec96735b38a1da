// Everything by keyboard alone, with a focus that is seen; targets that are hit; text that may grow.

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { settle } from "./contrast.js";
import { PATIENCE, Visit, visitingWith } from "./page.js";
import { overflowing } from "./scan.js";
import { fixture, launch } from "./support.js";

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

/** More stops than any page has; a walk that needs more is trapped. */
const STOPS_AT_MOST = 250;

/** Presses Tab until what has the focus has this name; gives the names on the way. */
async function tabTo(page, name, key = "Tab") {
  const met = [];
  for (let stop = 0; stop < STOPS_AT_MOST; stop += 1) {
    await page.keyboard.press(key);
    met.push((await focus(page)).name);
    if (met.at(-1).includes(name)) return met;
  }
  throw new Error(`${key} does not reach “${name}”: ${met.slice(0, 40).join(" → ")}`);
}

/** What has the focus: its name, whether that is the document itself, and whether it is seen. */
async function focus(page) {
  return page.evaluate(async () => {
    // What comes into view with the focus does so with the next frame.
    await new Promise((seen) => requestAnimationFrame(() => requestAnimationFrame(seen)));
    const element = document.activeElement;
    const name = element.getAttribute("aria-label") ?? element.labels?.[0]?.textContent ?? element.textContent;
    /** The outline that shows the focus: on the element, or on the label around a hidden field. */
    const ring = [element, ...(element.labels ?? [])].find((candidate) => {
      const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(candidate);
      return outlineStyle !== "none" && parseFloat(outlineWidth) >= 2 && !/, 0\)$|^transparent$/.test(outlineColor);
    });
    const box = (ring ?? element).getBoundingClientRect();
    return {
      name: name.trim().replace(/\s+/g, " ").slice(0, 60),
      isDocument: element === document.body || element === document.documentElement,
      hasRing: ring !== undefined,
      isInWindow: box.bottom > 0 && box.top < window.innerHeight && box.width > 0,
    };
  });
}

/**
 * Walks through the whole page by Tab until it is where it began; gives every stop, in the order of
 * the page. Between the last stop and the first lies the document itself.
 */
async function walk(page) {
  await page.evaluate(() => {
    window.focusedOnce = new Set();
  });
  const stops = [];
  let first = 0;
  for (let presses = 0; presses < STOPS_AT_MOST; presses += 1) {
    await page.keyboard.press("Tab");
    const where = await page.evaluate(() => {
      const element = document.activeElement;
      if (element === document.body) return "document";
      if (window.focusedOnce.has(element)) return "met before";
      window.focusedOnce.add(element);
      return "new";
    });
    if (where === "met before") return [...stops.slice(first), ...stops.slice(0, first)];
    if (where === "document") {
      first = stops.length;
    } else {
      // The skip link slides into view, and takes a frame for it even where motion is not wanted.
      await settle(page);
      stops.push(await focus(page));
    }
  }
  throw new Error(`Tab never comes back: ${stops.slice(-8).map(({ name }) => name).join(" → ")}`);
}

/** What can be used, is seen, and had no stop in the last walk. */
async function notReached(page) {
  return page.evaluate(() => {
    const usable = "a[href], button, input, select, textarea, summary, [tabindex='0']";
    return [...document.querySelectorAll(usable)]
      .filter((element) => element.checkVisibility() && !element.disabled && !element.closest("[inert]"))
      .filter((element) => !window.focusedOnce.has(element))
      // Of a group of radio buttons one takes the focus.
      .filter((element) => element.type !== "radio" || element.checked)
      .map((element) => (element.getAttribute("aria-label") ?? element.textContent).trim() || element.id);
  });
}

/** Things to press that are smaller than this, in CSS pixels; links inside sentences aside. */
async function smallTargets(page, least) {
  return page.evaluate((least) => {
    const usable = "a[href], button, input, select, textarea, summary, [role=button], [role=tab]";
    return [...document.querySelectorAll(usable)]
      .filter((element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: true }))
      .filter((element) => !(getComputedStyle(element).display === "inline" && element.closest("p, li, dd, td")))
      // It comes into view with the focus only, which a finger does not give.
      .filter((element) => !element.matches(".skip-link"))
      .map((element) => ({ element, box: (element.closest("label") ?? element).getBoundingClientRect() }))
      .filter(({ box }) => box.width < least - 0.5 || box.height < least - 0.5)
      .map(({ element, box }) => {
        const name = element.getAttribute("aria-label") ?? element.textContent.trim();
        return `${element.localName} “${name.slice(0, 40)}” is ${box.width.toFixed(1)} × ${box.height.toFixed(1)}`;
      });
  }, least);
}

/** Elements that hide a part of their own text. */
async function clippedTexts(page) {
  return page.evaluate(() =>
    [...document.body.querySelectorAll("*")]
      .filter((element) => element.checkVisibility({ visibilityProperty: true }) && !element.closest("svg"))
      .filter((element) => {
        const { overflowX, overflowY, clipPath, textOverflow } = getComputedStyle(element);
        if (clipPath === "inset(50%)" || element.closest(".visually-hidden") || element.textContent.trim() === "") return false;
        const hides = (overflow) => overflow === "hidden" || overflow === "clip";
        return (
          (hides(overflowX) && textOverflow !== "ellipsis" && element.scrollWidth > element.clientWidth + 1) ||
          (hides(overflowY) && element.scrollHeight > element.clientHeight + 1)
        );
      })
      .map((element) => `${element.localName}.${element.className} hides “${element.textContent.trim().slice(0, 40)}”`),
  );
}

/** Shows a result of each kind of card that does not take long. */
async function withResults(visit) {
  await visit.ready();
  await visit.choose(fixture("pictures/upright.jpg"), fixture("pictures/not-a-picture.jpg"));
  await visit.predictions("upright.jpg");
  await visit.page.getByRole("textbox", { name: "Text to analyse" }).fill("I am so happy for you");
  await visit.page.getByRole("button", { name: "Analyse", exact: true }).click();
  await visit.predictions("I am so happy for you", "Emotion");
  await visit.ready();
}

describe("a page with results, by keyboard, zoomed and spaced", () => {
  let visit;
  let page;
  before(async () => {
    // Otherwise the page still scrolls towards a stop while it is asked where that is.
    visit = await Visit.open(browser, { context: { reducedMotion: "reduce" } });
    page = visit.page;
    await withResults(visit);
  });
  after(() => visit.close());

  test("a walk by Tab reaches everything, shows where it is, and comes back", async () => {
    const stops = await walk(page);
    assert.deepEqual(await notReached(page), []);
    assert.deepEqual(stops.filter(({ hasRing }) => !hasRing).map(({ name }) => name), [], "stops without a visible focus");
    assert.deepEqual(stops.filter(({ isInWindow }) => !isInWindow).map(({ name }) => name), [], "stops out of sight");
    const names = stops.map(({ name }) => name);
    const order = ["Skip to ", "Choose files", "Classify", "Read text", "Text to analyse", "Analyse", "Cat", "Page"];
    const places = order.map((wanted) => names.findIndex((name) => name.startsWith(wanted)));
    assert.ok(places.every((place) => place >= 0), `${order.join(", ")} are stops: ${names.join(" → ")}`);
    assert.deepEqual(places, [...places].sort((a, b) => a - b), `in this order: ${names.join(" → ")}`);
    // Backwards from the start lies the end, not a trap.
    await page.evaluate(() => document.activeElement.blur());
    for (let stop = 0; stop < 3; stop += 1) await page.keyboard.press("Shift+Tab");
    assert.ok(!(await focus(page)).isDocument);
  });

  test("everything that is pressed measures 24 px with a pointer", async () => {
    assert.deepEqual(await smallTargets(page, 24), []);
  });

  // What zoom does to layout is a window of fewer CSS pixels.
  for (const [zoom, width, height] of [
    ["200 %", 640, 512],
    ["400 %", 320, 256],
  ]) {
    test(`at ${zoom} of a window of 1280 × 1024 px nothing is cut off`, async () => {
      await page.setViewportSize({ width, height });
      assert.deepEqual(await overflowing(page), []);
      assert.deepEqual(await clippedTexts(page), []);
    });
  }

  test("wider spaced text is not cut off", async () => {
    // The distances of WCAG 2.2, 1.4.12.
    await page.evaluate(() => {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(`
        * { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important; }
        p { margin-bottom: 2em !important; }
      `);
      document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
    });
    for (const width of [320, 768, 1280]) {
      await page.setViewportSize({ width, height: 800 });
      assert.deepEqual(await overflowing(page), [], `${width} px`);
      assert.deepEqual(await clippedTexts(page), [], `${width} px`);
    }
  });
});

describe("by keyboard alone", () => {
  visiting("the skip link leads to what it says; what is done with pictures is chosen by Space", {}, async (visit) => {
    const { page } = visit;
    await visit.ready();
    await page.keyboard.press("Tab");
    assert.match((await focus(page)).name, /^Skip to /, "it is the first stop");
    const target = await page.evaluate(() => document.activeElement.hash.slice(1));
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement.id), target);
    const [classify, read] = ["Classify", "Read text"].map((name) => page.getByRole("checkbox", { name }));
    await tabTo(page, "Read text");
    await page.keyboard.press("Space");
    assert.ok(await read.isChecked());
    await tabTo(page, "Classify", "Shift+Tab");
    await page.keyboard.press("Space");
    assert.ok(!(await classify.isChecked()));
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.documentElement.dataset.phase), "ready", "Enter leaves the page");
  });

  visiting("a sample is opened and removed, another cleared, and the focus is not lost", {}, async (visit) => {
    const { page } = visit;
    await visit.ready();
    await tabTo(page, "Cat");
    await page.keyboard.press("Enter");
    await visit.predictions("chelsea.png");
    await tabTo(page, "Remove chelsea.png");
    await page.keyboard.press("Enter");
    await visit.card("chelsea.png").waitFor({ state: "detached" });
    // The focus moves in the frame after the card is gone.
    await page.waitForFunction(() => document.activeElement.closest("main, dialog, [role=alert]"), null, {
      timeout: 1000,
    });
    await visit.choose(fixture("pictures/upright.jpg"));
    await visit.predictions("upright.jpg");
    await tabTo(page, "Clear results");
    await page.keyboard.press("Enter");
    await visit.card("upright.jpg").waitFor({ state: "detached" });
    assert.ok(!(await focus(page)).isDocument, "after clearing it does not fall back to the document");
  });

  visiting("a page of text is read", {}, async (visit) => {
    const { page } = visit;
    await visit.ready();
    await tabTo(page, "Page");
    await page.keyboard.press("Enter");
    assert.ok((await visit.lines("page.png")).length >= 5);
  });

  visiting("a text is typed and analysed; a table's column is chosen, and its rows are reached", {}, async (visit) => {
    const { page } = visit;
    await visit.ready();
    await tabTo(page, "Text to analyse");
    await page.keyboard.type("What a lovely day");
    await tabTo(page, "Analyse");
    await page.keyboard.press("Enter");
    assert.equal((await visit.predictions("What a lovely day", "Sentiment")).length, 4);
    const table = path.join(scratch, "letters.csv");
    await writeFile(table, "id,message,other\n1,Thank you so much,a\n2,My card has not arrived,b\n");
    await visit.choose(table);
    const column = page.getByRole("combobox", { name: "Column with the texts" });
    await column.waitFor({ timeout: PATIENCE });
    await tabTo(page, "Column with the texts");
    const wished = await column.inputValue();
    await page.keyboard.press("ArrowDown");
    assert.notEqual(await column.inputValue(), wished, "an arrow chooses another column");
    await page.keyboard.press("ArrowUp");
    await tabTo(page, "Analyse 2 rows");
    await page.keyboard.press("Enter");
    await visit.card("letters.csv").getByRole("button", { name: "Download as CSV" }).waitFor({ timeout: PATIENCE });
    await tabTo(page, "Analysed rows");
  });

  visiting("a download is cancelled, and the focus is not lost", {}, async (visit) => {
    const { page } = visit;
    await page.route("**/models/*", () => {});
    await visit.ready();
    await tabTo(page, "Cat");
    await page.keyboard.press("Enter");
    await page.getByRole("progressbar").first().waitFor({ timeout: PATIENCE });
    await tabTo(page, "Cancel");
    await page.keyboard.press("Enter");
    await visit.ready();
    assert.ok(!(await focus(page)).isDocument, "the focus does not fall back to the document");
  });

  visiting(
    "everything that is pressed measures 44 px on a phone",
    { context: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 } },
    async (visit) => {
      await visit.ready();
      await withResults(visit);
      assert.deepEqual(await smallTargets(visit.page, 44), []);
    },
  );
});
