// Has the service worker keep this site for the next visit. Nothing here is needed for this visit,
// so all of it waits until the page has nothing else to do.
//
// Told to the page's program as DOM events on `document`:
//   vitrine:connection   detail: whether the browser has a network
//   vitrine:update-ready a newer version of the site is here and waits
// and the program says `vitrine:update` when a person wants that version.

import { historyIsWritten } from "./later.js";

/** Where the service worker stands, and all it serves. */
const scope = new URL("./", import.meta.url);
/** How often a page that stays open asks for a newer version. */
const ASK_AGAIN_MS = 3_600_000;
/** So long an update waits for results to be written; a database that hangs must not keep it away. */
const WAIT_FOR_HISTORY_MS = 5000;

const tellProgram = (name, detail) => document.dispatchEvent(new CustomEvent(name, { detail }));
// Safari has no `requestIdleCallback`.
const whenIdle = (action) => (window.requestIdleCallback ?? ((action) => setTimeout(action, 500)))(action);

function beginKeeping() {
  const tellConnection = () => tellProgram("vitrine:connection", navigator.onLine);
  window.addEventListener("online", tellConnection);
  window.addEventListener("offline", tellConnection);
  if (!navigator.onLine) tellConnection();
  // A private window may refuse; the page works without.
  const start = () => whenIdle(() => registerWorker().catch(() => {}));
  if (document.readyState === "complete") start();
  else window.addEventListener("load", start, { once: true });
}

async function registerWorker() {
  const container = navigator.serviceWorker;
  if (!container) return;
  const registration = await container.register(new URL("sw.js", scope), { scope: scope.href });

  // On a first visit the new service worker is the only one, and no update.
  const tellUpdate = () => {
    if (registration.waiting && container.controller) tellProgram("vitrine:update-ready");
  };
  registration.addEventListener("updatefound", () => {
    registration.installing?.addEventListener("statechange", tellUpdate);
  });
  tellUpdate();

  let isWanted = false;
  document.addEventListener("vitrine:update", async () => {
    await Promise.race([historyIsWritten(), new Promise((resolve) => setTimeout(resolve, WAIT_FOR_HISTORY_MS))]);
    isWanted = true;
    if (registration.waiting) registration.waiting.postMessage("update");
    else location.reload();
  });
  container.addEventListener("controllerchange", () => {
    if (isWanted) location.reload();
    // Another tab took the update: this one is of the version before until it is loaded again.
    else tellProgram("vitrine:update-ready");
  });

  let asked = Date.now();
  document.addEventListener("visibilitychange", () => {
    if (document.hidden || Date.now() - asked < ASK_AGAIN_MS) return;
    asked = Date.now();
    registration.update().catch(() => {}); // Without a network there is nothing newer.
  });

  keepWhatIsUsed(await container.ready);
}

/** The next visit is isolated, and where this browser could use threads it does then. */
const nextEngine = (flavour) =>
  flavour === "relaxed" && navigator.hardwareConcurrency > 1 ? ["engine/threads-"] : [];

/** After the first result: the engine that gave it, the one of the next visit, and the samples. */
function keepWhatIsUsed({ active }) {
  let flavour;
  let kept;
  new PerformanceObserver((list) => {
    for (const { name, detail } of list.getEntries()) {
      if (name === "vitrine:engine-ready") flavour = detail.flavour;
      if (name !== "vitrine:result" || flavour === kept) continue;
      kept = flavour;
      whenIdle(() => active.postMessage({ keep: [`engine/${kept}-`, ...nextEngine(kept), "samples/"] }));
    }
  }).observe({ type: "mark", buffered: true });
}

if (document.documentElement.dataset.phase === "booting") {
  document.addEventListener("vitrine:listening", beginKeeping, { once: true });
} else {
  beginKeeping();
}
