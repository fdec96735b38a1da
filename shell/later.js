// Work that few visits need: its module is fetched when it is asked for.

import { tell } from "./intake.js";
import { say } from "./language.js";

/** A module that is not part of this script, held to the sum that its link names. */
async function fetchModule(file) {
  const link = document.getElementById("modules").content.querySelector(`[href="${file}"]`).cloneNode();
  // A browser that does not know this kind of link would ask without a sum at most.
  if (link.relList.supports("modulepreload")) {
    await new Promise((resolve, reject) => {
      link.onload = resolve;
      link.onerror = () => reject(new Error(`${file} did not arrive as it was built`));
      document.head.append(link);
    });
  }
  return import(new URL(file, document.baseURI));
}

let written = Promise.resolve();
/** Resolves when all that the history was asked for until now is done, or failed. */
export const historyIsWritten = () => written;

async function keepHistory(detail) {
  try {
    const { keepOrRecall } = await fetchModule("history.js");
    const recalled = await keepOrRecall(detail);
    if (recalled) document.dispatchEvent(new CustomEvent("vitrine:recalled", { detail: recalled }));
  } catch (error) {
    const detail = String(error?.message ?? error);
    document.dispatchEvent(new CustomEvent("vitrine:history-failed", { detail }));
  }
}
document.addEventListener("vitrine:history", ({ detail }) => {
  // Tasks end in the order they came in, so the latest is done last.
  written = keepHistory(detail);
});

document.addEventListener("vitrine:poster", async ({ detail: [card, file] }) => {
  try {
    const { savePoster } = await fetchModule("poster.js");
    const name = await savePoster(card, file);
    tell(say("Saved as {name}.", { name }));
  } catch (error) {
    tell(say("The picture could not be saved: {reason}", { reason: error.message }));
  }
});
