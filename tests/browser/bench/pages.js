// The bench's page in Chromium, or in a browser that WebDriver drives, behind the same two calls:
// `run(job, setting)` does a job of jobs.js and gives what it gives; `close()`.

import { TEST_FILES } from "../support.js";

const ADDRESS = new URL("browser/bench/index.html", TEST_FILES).href;

/** A page of its own each time, because an engine's memory never shrinks. */
export async function openInChromium(browser) {
  const page = await browser.newPage();
  await page.goto(ADDRESS);
  await page.waitForFunction(() => window.bench);
  return {
    run: (job, setting) => page.evaluate(([job, setting]) => window.bench(job, setting), [job, setting]),
    close: () => page.close(),
  };
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
