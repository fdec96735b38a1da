// One look at the page as it is, in every width and colour: axe, contrast, overflow.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { measureContrast, showWhole } from "./contrast.js";

const AXE = new URL("node_modules/axe-core/axe.min.js", import.meta.url);
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/**
 * What axe cannot decide and a person has: a rule and a selector that the element matches. Visible
 * text is not among them for its contrast: where axe gives up on that, the pixels of that very
 * element must have been measured.
 */
const REVIEWED = [
  {
    rule: "label-content-name-mismatch",
    selector: "button.remove",
    reason: "what it shows is a cross, hidden from assistive technology; nobody says it as a name",
  },
  {
    rule: "color-contrast",
    selector: ".page-picture text",
    reason: "transparent, to be selected only: the picture beneath shows the words",
  },
];

/** Widths from the narrowest that WCAG asks for to a laptop's. */
export const WIDTHS = [320, 768, 1280];

/** The least contrast met in this process, by theme, each as contrast measures it. */
export const leastContrast = new Map();

/**
 * What a person may prefer. `isMeasured`: the pixels of texts are compared. In forced colours they
 * are not, because those colours are the person's.
 */
const PREFERENCES = [
  { name: "dark", wish: { colorScheme: "dark" }, isMeasured: true },
  { name: "reduced motion", wish: { reducedMotion: "reduce" }, isMeasured: true },
  { name: "light", wish: { colorScheme: "light" }, isMeasured: true },
  { name: "forced colours", wish: { forcedColors: "active" }, isMeasured: false },
];

/**
 * Scans the page at every width in every preference; `state` is what it shows, for messages.
 * Leaves width and preference as they were.
 */
export async function scan(page, state) {
  const before = page.viewportSize();
  const problems = [];
  for (const { name, wish, isMeasured } of PREFERENCES) {
    await wear(page, wish);
    if (isMeasured) {
      await page.evaluate(() => {
        window.vitrineMeasured = new WeakSet();
      });
    }
    // From the widest on: what a narrow window scrolls out of its frame was measured before.
    for (const width of WIDTHS.toReversed()) {
      const note = (found) => problems.push(...found.map((what) => `${state}, ${width} px, ${name}: ${what}`));
      await page.setViewportSize({ width, height: 800 });
      note(await overflowing(page));
      if (isMeasured) note(await lowContrast(page, name));
      else await showWhole(page);
      note(await atRest(page, () => axe(page, { areColoursOurs: !wish.forcedColors })));
      if (wish.reducedMotion) note(await moving(page));
    }
  }
  await wear(page, {});
  await page.setViewportSize(before);
  assert.deepEqual(problems, []);
}

/** Sets what the person prefers; what is not named is as by default. */
async function wear(page, { colorScheme = "dark", forcedColors = "none", reducedMotion = "no-preference" }) {
  await page.emulateMedia({ colorScheme, forcedColors, reducedMotion });
  const worn = await page.evaluate(() => getComputedStyle(document.documentElement).colorScheme);
  assert.ok(worn.includes(colorScheme), `the page follows the wish for ${colorScheme}, and says "${worn}"`);
}

async function lowContrast(page, theme) {
  const { texts, least, failures } = await measureContrast(page);
  assert.ok(texts > 0, "there is text to measure");
  const known = leastContrast.get(theme);
  if (!known || least.contrast / least.needed < known.contrast / known.needed) leastContrast.set(theme, least);
  return failures.map(
    ({ text, selector, contrast, needed }) => `contrast ${contrast.toFixed(2)} of ${needed} for “${text}” (${selector})`,
  );
}

/**
 * What `look` gives, looked at again where elements came or went meanwhile: axe goes by the places of
 * elements among their siblings, and loses those that moved.
 */
async function atRest(page, look) {
  for (let tries = 1; ; tries += 1) {
    const watch = await page.evaluateHandle(() => {
      const watch = { hasChanged: false, end: () => observer.disconnect() };
      const isElement = ({ nodeType }) => nodeType === Node.ELEMENT_NODE;
      const observer = new MutationObserver((records) => {
        watch.hasChanged ||= records.some((record) => [...record.addedNodes, ...record.removedNodes].some(isElement));
      });
      observer.observe(document.body, { childList: true, subtree: true });
      return watch;
    });
    const found = await look();
    const hasChanged = await watch.evaluate((watch) => {
      watch.end();
      return watch.hasChanged;
    });
    if (!hasChanged) return found;
    if (tries === 5) throw new Error("the page does not come to rest");
  }
}

/** What axe finds wrong, and what it cannot decide and nobody has. */
async function axe(page, { areColoursOurs }) {
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(await readFile(AXE, "utf8"));
  const { violations, incomplete } = await page.evaluate(
    async ({ tags, areColoursOurs, reviewed }) => {
      const { violations, incomplete } = await globalThis.axe.run(document, {
        runOnly: tags,
        resultTypes: ["violations", "incomplete"],
        elementRef: true,
        // Forced colours are the person's own, and axe takes some from the page's style instead.
        rules: areColoursOurs ? {} : { "color-contrast": { enabled: false } },
      });
      const flat = (results) =>
        results.flatMap(({ id, nodes }) =>
          nodes.map(({ target, element, any, all }) => ({
            rule: id,
            selector: target.flat().join(" "),
            why: [...any, ...all].map(({ message }) => message).join("; "),
            isMeasured: window.vitrineMeasured.has(element),
            isReviewed: reviewed.some(({ rule, selector }) => rule === id && element.matches(selector)),
          })),
        );
      return { violations: flat(violations), incomplete: flat(incomplete) };
    },
    { tags: TAGS, areColoursOurs, reviewed: REVIEWED },
  );
  const isDecided = ({ rule, isMeasured, isReviewed }) => isReviewed || (rule === "color-contrast" && isMeasured);
  return [
    ...violations.map(({ rule, selector, why }) => `${rule} at ${selector}: ${why}`),
    ...incomplete
      .filter((one) => !isDecided(one))
      .map(({ rule, selector, why }) => `undecided ${rule} at ${selector}: ${why}`),
  ];
}

/** What makes the page wider than the window. */
export async function overflowing(page) {
  return page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    if (scrollWidth <= clientWidth) return [];
    const wide = [...document.body.querySelectorAll("*")].filter(
      (element) => element.getBoundingClientRect().right > clientWidth + 1,
    );
    const named = wide.slice(0, 5).map((element) => `${element.localName}.${element.className}`);
    return [`${scrollWidth - clientWidth} px wider than the window: ${named.join(", ")}`];
  });
}

/** What would move although motion is not wanted, whether it moves at the moment or not. */
async function moving(page) {
  return page.evaluate(() => {
    const isLong = (durations) => durations.split(", ").some((duration) => parseFloat(duration) > 0.1);
    const found = new Set();
    for (const element of document.querySelectorAll("*")) {
      for (const part of [undefined, "::before", "::after"]) {
        const { animationName, animationDuration, transitionDuration } = getComputedStyle(element, part);
        const moves = (animationName !== "none" && isLong(animationDuration)) || isLong(transitionDuration);
        if (moves) found.add(`${element.localName}.${element.className}${part ?? ""} moves`);
      }
    }
    return [...found];
  });
}
