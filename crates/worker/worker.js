// The engine's side of a worker. The build puts the glue that wasm-bindgen makes before it: `initSync`,
// `listen`, and with threads `help`, `helperDied` and `sharedMemory` come from there. The page fetches this
// script, checks it, and starts a worker with it and a call of `start` at its end; the worker itself
// fetches nothing.

/** More do not help: the models here are small, and each thread takes a core from the page. */
const MOST_THREADS = 4;

/** How many threads are used where nobody says how many. */
const defaultThreads = () => Math.min(navigator.hardwareConcurrency ?? 1, MOST_THREADS);

/**
 * Waits for what this worker is to run: the engine's module, and for one of its threads the memory that
 * they share as well.
 */
export function start() {
  // A trap inside an asynchronous task would only reject a promise; thrown from a timer it reaches the
  // page as the worker's error event, which is how the page learns of a crash.
  self.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    setTimeout(() => {
      throw event.reason;
    });
  });
  // At once and in one step, so that no later message comes before the engine listens.
  self.onmessage = ({ data: { module, memory } }) => {
    initSync({ module, memory });
    if (memory) return helpOthers();
    // The engine does not wait for its threads: until they come, and where they cannot, it works alone.
    if (typeof help === "function") startThreads(module).catch(() => {});
    listen();
  };
}

function helpOthers() {
  self.postMessage("here");
  try {
    help();
  } catch (error) {
    // The engine waits for what this thread was at, and hears no event while it does.
    helperDied();
    throw error;
  }
}

/**
 * Starts helpers until `n` threads work on a run, the caller's included, and is done when they do. Each is a
 * worker with this script, the same module and the same memory.
 */
export function startThreads(module, n = defaultThreads(), script = self.location.href) {
  const helpers = Array.from({ length: n - 1 }, async () => {
    const helper = new Worker(script, { type: "module" });
    helper.postMessage({ module, memory: sharedMemory() });
    await new Promise((resolve, reject) => {
      helper.onmessage = () => {
        // From now on it may be in the middle of something that the engine waits for: should it end, then so
        // does the engine, which is what an error does that nobody takes.
        helper.onerror = null;
        resolve();
      };
      helper.onerror = (event) => {
        event.preventDefault();
        reject(new Error(event.message));
      };
    });
  });
  return Promise.all(helpers);
}
