// Versions of the site: what the service worker keeps of one, and another beside it.

import { createHash } from "node:crypto";
import { cp, mkdir, mkdtemp, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { PATIENCE } from "./page.js";
import { DIST } from "./site-server.js";

/**
 * Waits until the service worker keeps a file whose path contains this, and then until the browser
 * has noted the service worker where the next visit looks for it, which nothing tells.
 */
export async function isKept(page, part) {
  await page.waitForFunction(
    async (part) => {
      const registration = await navigator.serviceWorker.getRegistration();
      if (registration?.active?.state !== "activated") return false;
      const names = (await caches.keys()).filter((name) => name.startsWith("vitrine-site-"));
      const keys = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
      return keys.flat().some(({ url }) => (part instanceof RegExp ? part.test(url) : url.includes(part)));
    },
    part,
    { timeout: PATIENCE, polling: 200 },
  );
  await page.waitForTimeout(1000);
}

/** Waits until this version of the site is kept for the next visit. */
export const isShellKept = (page) => isKept(page, "_bg.wasm");

/** A copy of the site in `scratch` with some files changed, `{ path: (text) => text }`, and a list that knows it. */
export async function siteWith(scratch, changes) {
  const folder = await mkdtemp(path.join(scratch, "site-"));
  await cp(DIST, folder, { recursive: true });
  const worker = path.join(folder, "sw.js");
  const [first, ...rest] = (await readFile(worker, "utf8")).split("\n");
  const list = JSON.parse(first.slice("self.SITE = ".length, -1));
  for (const [file, change] of Object.entries(changes)) {
    const place = path.join(folder, file);
    await mkdir(path.dirname(place), { recursive: true });
    const content = change(await readFile(place, "utf8").catch(() => ""));
    await writeFile(place, content);
    list.shell[file] = `sha256-${createHash("sha256").update(content).digest("base64")}`;
    list.version = createHash("sha256").update(list.version + content).digest("hex").slice(0, 16);
  }
  await writeFile(worker, [`self.SITE = ${JSON.stringify(list)};`, ...rest].join("\n"));
  return folder;
}

const titled = (title) => (html) => html.replace(/<title>.*<\/title>/, `<title>${title}</title>`);
/** What another version says otherwise. */
export const VERSION_B = {
  "index.html": titled("Version B"),
  "labels/imagenet-1k.txt": (text) => text.replaceAll(/\t/g, "\tB "),
};

/** Has the browser look for a newer version, as it does by itself at each visit. */
export const lookForUpdate = (page) =>
  page.evaluate(async () => {
    // Fails where the newer version cannot be installed, as it should.
    await (await navigator.serviceWorker.ready).update().catch(() => {});
  });

/** What offers the newer version. */
export const prompt = (page) => page.getByRole("region", { name: "A new version is ready." });
