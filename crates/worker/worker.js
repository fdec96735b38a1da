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

await init();
// A build with threads has this file beside it. The engine does not wait for its helpers: until they
// come, and where they cannot, it works alone.
if ("help" in engine) {
  const { startThreads } = await import("./threads.js");
  startThreads(init.__wbindgen_wasm_module, engine).catch(() => {});
}
engine.listen();
