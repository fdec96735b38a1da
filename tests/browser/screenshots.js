// The README's pictures, from the built site with real results: `node screenshots.js FOLDER`.

import { mkdir, stat } from "node:fs/promises";
import path from "node:path";
import { Visit } from "./page.js";
import { launch } from "./support.js";

const folder = process.argv[2];
/** More would make the README slow to open. */
const BYTES_AT_MOST = 200_000;

const TEXT = "Thank you so much, this made my whole week!";

/** What is shown, by the name of its picture. */
const SHOTS = [
  { name: "start", show: async () => {} },
  {
    name: "results",
    show: async (visit) => {
      const { page } = visit;
      await visit.sample("Page");
      await visit.lines("page.png");
      await visit.ready();
      await page.getByRole("textbox", { name: "Text to analyse" }).fill(TEXT);
      await page.getByRole("button", { name: "Analyse", exact: true }).click();
      const text = page.getByRole("article", { name: /^Thank you so much/ });
      await text.getByRole("list", { name: "Emotion" }).getByRole("listitem").first().waitFor({ timeout: 120_000 });
      await visit.ready();
      await page.getByRole("textbox", { name: "Text to analyse" }).fill("");
      await page.evaluate(() => document.activeElement.blur());
    },
    /** Cards alone: the input is on the other picture. */
    from: ".cards",
  },
];

const DEVICES = [
  { device: "desktop", context: { viewport: { width: 1280, height: 860 } } },
  { device: "phone", context: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 } },
];

await mkdir(folder, { recursive: true });
const browser = await launch();
try {
  for (const { device, context } of DEVICES) {
    for (const { name, show, from } of SHOTS) {
      const visit = await Visit.open(browser, { context: { ...context, colorScheme: "dark", reducedMotion: "reduce" } });
      await visit.ready();
      await show(visit);
      for (const colorScheme of ["dark", "light"]) {
        await visit.page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
        await visit.page.evaluate((from) => {
          const top = from ? document.querySelector(from).getBoundingClientRect().top + window.scrollY - 24 : 0;
          window.scrollTo({ top, behavior: "instant" });
        }, from);
        const file = path.join(folder, `${name}-${device}-${colorScheme}.jpg`);
        for (let quality = 86; quality > 30; quality -= 8) {
          await visit.page.screenshot({ path: file, type: "jpeg", quality, animations: "disabled" });
          if ((await stat(file)).size <= BYTES_AT_MOST) break;
        }
        const { size } = await stat(file);
        if (size > BYTES_AT_MOST) throw new Error(`${file} takes ${size} bytes`);
        console.log(`${path.basename(file)}: ${(size / 1e3).toFixed(0)} KB`);
      }
      await visit.close();
    }
  }
} finally {
  await browser.close();
}
