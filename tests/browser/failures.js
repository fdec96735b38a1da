// A reporter for `node --test` that names only what failed, one test a line with the first line of
// its message: what a person reads first, and all that is left where a log is cut to its end.

import { basename } from "node:path";
import { inspect } from "node:util";

/** Longest message that is kept of a test, in characters. */
const LONGEST = 300;

export default async function* failures(events) {
  for await (const { type, data } of events) {
    if (type !== "test:fail" || isOnlyItsTests(data)) continue;
    // A test that `visitingWith` declares says that it is in page.js, which helps nobody.
    const file = data.file?.endsWith(".test.js") ? `${basename(data.file)}: ` : "";
    yield `- ${file}${data.name}: ${message(data)}\n`;
  }
}

/** Whether this is a file or a suite that failed because tests in it did, which stand for themselves. */
function isOnlyItsTests(data) {
  return data.details?.error?.failureType === "subtestsFailed";
}

function message(data) {
  const error = data.details?.error;
  const words = String(error?.cause?.message ?? error?.message ?? inspect(error));
  return words.replace(/\s+/g, " ").trim().slice(0, LONGEST);
}
