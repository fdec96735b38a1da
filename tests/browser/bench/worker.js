// The other end of page.js: does one job and says what came of it.

import * as jobs from "./jobs.js";
import { inFull } from "./jobs.js";

self.onmessage = async ({ data: { job, setting } }) => {
  try {
    self.postMessage({ result: await jobs[job](setting) });
  } catch (error) {
    self.postMessage({ error: inFull(error) });
  }
};
