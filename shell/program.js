// The page's program: it may fail to arrive, or stop; then the page says so by itself.

import { giveUpOnProgram, programStage, tell } from "./intake.js";
import { say, spoken } from "./language.js";

function fail(error) {
  const card = document.getElementById("boot-failure");
  if (programStage() === "failed") return;
  const what = programStage() === "listening" ? "This page stopped." : "This page could not start.";
  giveUpOnProgram();
  tell("");
  document.documentElement.dataset.phase = "failed";
  const alert = document.createElement("div");
  alert.setAttribute("role", "alert");
  const reason = error?.message ?? error ?? "no reason given";
  for (const sentence of [
    say(what),
    say("The browser said: {reason}.", { reason }),
    say("Reload the page and add your files again. If it stays, update the browser: WebAssembly is needed."),
  ]) {
    const line = document.createElement("p");
    line.textContent = sentence;
    alert.append(line);
  }
  card.append(alert);
  card.hidden = false;
}

/** Resolves once the page is painted; at once where nobody sees it, because then nothing is. */
function painted() {
  if (document.hidden) return undefined;
  return new Promise((resolve) => {
    requestAnimationFrame(() => setTimeout(resolve));
    document.addEventListener("visibilitychange", resolve, { once: true });
  });
}

try {
  await painted();
  const links = document.getElementById("program").content;
  const [glue, module] = ['[rel="modulepreload"]', '[as="fetch"]'].map((link) => links.querySelector(link));
  // Now they are fetched at once, and held to the sums that the links name.
  document.head.append(links);
  const [{ default: start }] = await Promise.all([import(glue.href), spoken]);
  // A panic of the page's program ends it for good. The engine's errors stay in its worker.
  window.addEventListener("error", ({ error }) => {
    if (error instanceof WebAssembly.RuntimeError) fail(error);
  });
  // What was fetched ahead is used only by those who ask for the same sum.
  await start({ module_or_path: fetch(module.href, { integrity: module.integrity }) });
} catch (error) {
  fail(error);
}
