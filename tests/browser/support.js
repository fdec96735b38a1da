// What every browser test needs: the site's address, a Chromium, a page that is watched.

import { readFile, readdir } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, "../..");

/** Address of the built site, ending with a slash; `cargo xtask test` sets it. */
export const SITE = required("VITRINE_URL");
/** Address of the same site where its pages are cross-origin isolated from the first visit on. */
export const ISOLATED_SITE = process.env.VITRINE_ISOLATED_URL;
/** Address of the `tests` folder on the same server. */
export const TEST_FILES = required("VITRINE_TESTS_URL");
/** The built site's folder. */
export const DIST = path.join(root, "dist");
/** The model every test runs, as the page and as its list of predictions call it. */
export const MODEL_TITLE = "EfficientNet-Lite0";

/** What `budgets.toml` allows. */
export const BUDGETS = JSON.parse(process.env.VITRINE_BUDGETS ?? "{}");

/** A file of `tests/fixtures`. */
export function fixture(name) {
  return path.join(root, "tests/fixtures", name);
}

/** Starts the browser that set-up found, with nothing of its own reaching for the network. */
export function launch(...more) {
  return chromium.launch({
    executablePath: required("VITRINE_CHROMIUM"),
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      ...more,
    ],
  });
}

/**
 * Address of a flavour's folder, such as `…/engine/relaxed-0123abcd/`; threads need it where pages are
 * isolated.
 */
export async function engineFolder(flavour, site = flavour === "threads" ? ISOLATED_SITE : SITE) {
  const folders = await readdir(path.join(DIST, "engine"));
  const name = folders.find((folder) => folder.startsWith(`${flavour}-`));
  if (!name) throw new Error(`dist/engine holds no ${flavour} engine: run cargo xtask build`);
  return new URL(`engine/${name}/`, site ?? SITE).href;
}

/** The catalogue that the page was built with. */
export async function catalog() {
  return JSON.parse(await readFile(path.join(root, "target/site/catalog.json"), "utf8"));
}

/** Addresses of the pieces that a model travels in, in order. */
export function modelUrls(entry) {
  return entry.chunks.map(({ sha256 }) => new URL(`models/${sha256}.part`, SITE).href);
}

/** How a picture classifier reads pictures and names classes: `{ input, output }`. */
export function classification(entry) {
  return entry.spec["picture-classification"] ?? entry.spec["text-classification"];
}

/** The text of a picture classifier's label file. */
export function labelFile(entry) {
  return readFile(path.join(root, "assets/labels", classification(entry).output.labels), "utf8");
}

/** The class names in the order of the model's outputs. */
export async function labels(entry) {
  const text = await labelFile(entry);
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.split("\t")[1]);
}

function required(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run the tests with cargo xtask test`);
  return value;
}
