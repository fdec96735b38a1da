// The threads of an engine that shares its memory: each is a worker with the same module and memory,
// which helps whenever the engine has something to share.

/** More do not help: the models here are small, and each thread takes a core from the page. */
const MOST_THREADS = 4;

/** How many threads are used where nobody says how many. */
const defaultThreads = () => Math.min(navigator.hardwareConcurrency ?? 1, MOST_THREADS);

/** The engine's module, which its threads have in common. */
export function compile() {
  return WebAssembly.compileStreaming(fetch(new URL("./engine_bg.wasm", import.meta.url)));
}

/**
 * Starts helpers until `n` threads work on a run, the caller's included, and is done when they do. `engine`
 * is the caller's instance of `module`.
 */
export function startThreads(module, engine, n = defaultThreads()) {
  const helpers = Array.from({ length: n - 1 }, async () => {
    const helper = new Worker(new URL("./helper.js", import.meta.url), { type: "module" });
    helper.postMessage({ module, memory: engine.sharedMemory() });
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
