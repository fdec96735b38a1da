// Which engines are measured, and where each is served.

import { readFile } from "node:fs/promises";
import { catalog, engineFolder, TEST_FILES } from "../support.js";

const PACKAGES = new URL("browser/node_modules/", TEST_FILES).href;

/** Largest difference from onnxruntime-web's output with which an engine still counts as doing the same. */
export const TOLERANCE = 1e-3;

/** Where onnxruntime-web is served. */
export const ORT_URL = new URL("onnxruntime-web/dist/", PACKAGES).href;

/** Whose outputs and times the others are compared with. */
const ort = () => ({ name: "ort", kind: "ort", url: ORT_URL, required: true });

/** The engines of others that can be asked for; `runs` says of which models one is tried. */
const PEERS = {
  tfjs: {
    // It reads no ONNX; tensorflow.js builds this one network.
    runs: ({ model }) => model === "efficientnet-lite0",
    engine: () => ({ name: "tfjs", kind: "tfjs", url: new URL("@tensorflow/", PACKAGES).href }),
  },
  rten: {
    // In a browser it has one thread.
    runs: (_, threads) => threads === 1,
    engine: () => ({ name: "rten", kind: "rten", url: required("VITRINE_RTEN") }),
  },
};

/** The packages' versions by the engine's name, of those that come from npm; rten's comes from set-up. */
export async function versions() {
  const version = async (name) => {
    const file = new URL(`../node_modules/${name}/package.json`, import.meta.url);
    return JSON.parse(await readFile(file, "utf8")).version;
  };
  return {
    ort: await version("onnxruntime-web"),
    tfjs: await version("@tensorflow/tfjs-backend-wasm"),
    rten: process.env.VITRINE_RTEN_VERSION ?? null,
  };
}

/**
 * The engines for one case: onnxruntime-web first, then peers, then our flavours. With more than one
 * thread that is the flavour called threads, where the site has it.
 */
export async function enginesFor(input, { peers, flavours, threads = 1 }) {
  const others = peers.filter((peer) => PEERS[peer].runs(input, threads)).map((peer) => PEERS[peer].engine());
  const ours = [];
  for (const flavour of flavours) {
    const url = await engineFolder(flavour).catch(() => null);
    if (url) ours.push({ name: flavour, kind: "vitrine", url, required: true });
  }
  // A site may have been built with some of the flavours.
  if (ours.length === 0 && !flavours.includes("threads")) {
    throw new Error(`dist/engine holds none of ${flavours.join(", ")}: run cargo xtask build`);
  }
  if (process.env.VITRINE_STOCK_ENGINE && threads === 1) {
    const url = new URL("./", process.env.VITRINE_STOCK_ENGINE).href;
    ours.push({ name: "relaxed, tract's kernels", kind: "vitrine", url, required: true });
  }
  return [ort(), ...others, ...ours].map((engine) => ({ ...engine, threads }));
}

/** The entry of the catalogue that a case measures. */
export async function entryOf({ model }) {
  const { models } = await catalog();
  const entry = models.find(({ id }) => id === model);
  if (!entry) throw new Error(`the catalogue has no ${model}`);
  return entry;
}

function required(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run cargo xtask bench`);
  return value;
}
