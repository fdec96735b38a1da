// The other end of page.js: does one job and says what came of it.

import * as jobs from "./jobs.js";

self.onmessage = async ({ data: { job, setting } }) => {
  try {
    self.postMessage({ result: await jobs[job](setting) });
  } catch (error) {
    self.postMessage({ error: String(error?.stack ?? error) });
  }
};
