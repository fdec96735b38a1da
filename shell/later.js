// Work that few visits need: its module is fetched when it is asked for.

import { tell } from "./intake.js";
import { say } from "./language.js";

document.addEventListener("vitrine:history", async ({ detail }) => {
  try {
    const { keepOrRecall } = await import("./history.js");
    const recalled = await keepOrRecall(detail);
    if (recalled) document.dispatchEvent(new CustomEvent("vitrine:recalled", { detail: recalled }));
  } catch (error) {
    const detail = String(error?.message ?? error);
    document.dispatchEvent(new CustomEvent("vitrine:history-failed", { detail }));
  }
});

document.addEventListener("vitrine:poster", async ({ detail: [card, file] }) => {
  try {
    const { savePoster } = await import("./poster.js");
    const name = await savePoster(card, file);
    tell(say("Saved as {name}.", { name }));
  } catch (error) {
    tell(say("The picture could not be saved: {reason}", { reason: error.message }));
  }
});
