// A thread of the engine: takes the module and the memory that it shares, and helps until it is ended.
import { help, initSync } from "./engine.js";

self.onmessage = ({ data }) => {
  initSync(data);
  self.postMessage("here");
  help();
};
