// The Web Worker's first lines: compile the engine beside this file, then let Rust listen.
import init, * as engine from "./engine.js";

// A trap inside an asynchronous task would only reject a promise; thrown from a timer it reaches the
// page as the worker's error event, which is how the page learns of a crash.
self.addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  setTimeout(() => {
    throw event.reason;
  });
});

// A build with threads has a file for them beside this one. The engine does not wait for its helpers: until
// they come, and where they cannot, it works alone.
if ("help" in engine) {
  const { compile, startThreads } = await import("./threads.js");
  const module = await compile();
  await init({ module_or_path: module });
  startThreads(module, engine).catch(() => {});
} else {
  await init();
}
engine.listen();
