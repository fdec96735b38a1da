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
// come it works alone.
if ("help" in engine) {
  const { startHelpers } = await import("./threads.js");
  startHelpers(init.__wbindgen_wasm_module, engine);
}
engine.listen();
