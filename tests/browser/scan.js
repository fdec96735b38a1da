// One look at the page as it is, in every width and colour: axe, contrast, overflow.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { measureContrast, showWhole } from "./contrast.js";

const AXE = new URL("node_modules/axe-core/axe.min.js", import.meta.url);
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
/** Rules whose answer depends on the colours; the others give the same in every theme. */
const COLOUR_RULES = ["color-contrast", "link-in-text-block"];

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
 * Scans the page at every width in both themes, once in forced colours and once with motion
 * reduced; `state` is what it shows, for messages. Leaves width and theme as they were.
 */
export async function scan(page, state) {
  const before = page.viewportSize();
  const problems = [];
  const note = (where, found) => problems.push(...found.map((what) => `${state}, ${where}: ${what}`));
  for (const colorScheme of ["dark", "light"]) {
    await wear(page, { colorScheme });
    // From the widest on: what a narrow window scrolls out of its frame was measured before.
    await page.evaluate(() => {
      window.vitrineMeasured = new WeakSet();
    });
    for (const width of WIDTHS.toReversed()) {
      const where = `${width} px, ${colorScheme}`;
      await page.setViewportSize({ width, height: 800 });
      note(where, await overflowing(page));
      note(where, await lowContrast(page, colorScheme));
      note(where, await axe(page, colorScheme === "dark" ? undefined : COLOUR_RULES));
    }
  }
  await page.setViewportSize({ width: 768, height: 800 });
  await wear(page, { forcedColors: "active" });
  await showWhole(page);
  note("forced colours", await axe(page, undefined, { areColoursOurs: false }));
  await wear(page, { reducedMotion: "reduce" });
  note("reduced motion", await moving(page));
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

/** What axe finds wrong, and what it cannot decide and nobody has. */
async function axe(page, rules, { areColoursOurs = true } = {}) {
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(await readFile(AXE, "utf8"));
  const { violations, incomplete } = await page.evaluate(
    async ({ runOnly, areColoursOurs, reviewed }) => {
      const { violations, incomplete } = await globalThis.axe.run(document, {
        runOnly,
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
    { runOnly: rules ? { type: "rule", values: rules } : { type: "tag", values: TAGS }, areColoursOurs, reviewed: REVIEWED },
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

/** Animations that go on although motion is not wanted. */
async function moving(page) {
  return page.evaluate(() =>
    document
      .getAnimations()
      .filter((animation) => {
        const { duration, iterations } = animation.effect.getComputedTiming();
        return duration * iterations > 100;
      })
      .map((animation) => `${animation.animationName ?? animation.transitionProperty} moves`),
  );
}
