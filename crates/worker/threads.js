// The threads of an engine that shares its memory: each is a worker with the same module and memory,
// which helps whenever the engine has something to share.

/** More do not help: the models here are small, and each thread takes a core from the page. */
const MOST_THREADS = 4;

/** How many threads are used where nobody says how many. */
export const defaultThreads = () => Math.min(navigator.hardwareConcurrency ?? 1, MOST_THREADS);

/** Starts what is missing until `n` threads work on a run, the caller's included. */
export function startHelpers(module, engine, n = defaultThreads()) {
  for (let started = engine.threads(); started < n; started += 1) {
    const helper = new Worker(new URL("./helper.js", import.meta.url), { type: "module" });
    helper.postMessage({ module, memory: engine.sharedMemory() });
  }
}
