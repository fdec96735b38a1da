// Every page of the built site is valid HTML, as it is served.

import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { HtmlValidate, StaticConfigLoader, formatterFactory } from "html-validate";
import { DIST } from "./support.js";

test("html-validate finds nothing in any page of the site", async () => {
  const rules = JSON.parse(await readFile(new URL(".htmlvalidate.json", import.meta.url), "utf8"));
  const validator = new HtmlValidate(new StaticConfigLoader(rules));
  const files = (await readdir(DIST, { recursive: true })).filter((file) => file.endsWith(".html"));
  for (const page of ["index.html", "notices.html"]) assert.ok(files.includes(page), `the site has ${page}`);
  const found = [];
  for (const file of files) found.push(...(await validator.validateFile(path.join(DIST, file))).results);
  assert.equal(found.length, 0, formatterFactory("text")(found));
});
