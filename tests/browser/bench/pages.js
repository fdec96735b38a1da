// The bench's page in Chromium, or in a browser that WebDriver drives, behind the same two calls:
// `run(job, setting)` does a job of jobs.js and gives what it gives; `close()`.

import { TEST_FILES } from "../support.js";

const ADDRESS = new URL("browser/bench/index.html", TEST_FILES).href;

/** A page of its own each time, because an engine's memory never shrinks. */
export async function openInChromium(browser) {
  const page = await browser.newPage();
  // An engine that panics says why on the console only.
  const said = [];
  page.on("console", (message) => message.type() === "error" && said.push(message.text()));
  await page.goto(ADDRESS);
  await page.waitForFunction(() => window.bench);
  return {
    async run(job, setting) {
      try {
        return await page.evaluate(([job, setting]) => window.bench(job, setting), [job, setting]);
      } catch (error) {
        throw new Error([error.message, ...said].join("\n"), { cause: error });
      }
    },
    close: () => page.close(),
  };
}

/** A browser that WebDriver drives, by its name in tests/browsers/browsers.js. */
export async function startDriven(name) {
  // Only now, because its packages are installed only where other browsers are.
  const { BROWSERS } = await import("../../browsers/browsers.js");
  const { Browser } = await import("../../browsers/driver.js");
  return Browser.start(BROWSERS[name]);
}

/** Of a driven browser (tests/browsers/driver.js) the one window, newly loaded. */
export async function openDriven(browser) {
  await browser.goto(ADDRESS);
  await browser.until("the page listens", () => typeof window.bench === "function");
  return {
    async run(job, setting) {
      await browser.run(
        (job, setting) => {
          window.outcome = null;
          window.bench(job, setting).then(
            (result) => (window.outcome = { result }),
            (error) => (window.outcome = { error: String(error) }),
          );
        },
        job,
        setting,
      );
      // Asked seldom, because asking takes time from what is measured.
      const patience = { ms: 600_000, every: 1000 };
      const { result, error } = await browser.until(`the job ${job}`, () => window.outcome, patience);
      if (error !== undefined) throw new Error(error);
      return result;
    },
    close: () => browser.goto("about:blank"),
  };
}
