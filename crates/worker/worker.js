// The Web Worker's first lines: compile the engine beside this file, then let Rust listen.
import init, { listen } from "./engine.js";

// A trap inside an asynchronous task would only reject a promise; thrown from a timer it reaches the
// page as the worker's error event, which is how the page learns of a crash.
self.addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  setTimeout(() => {
    throw event.reason;
  });
});

await init();
listen();
