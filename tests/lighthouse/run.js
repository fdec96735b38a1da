// Lighthouse over every page of the site: the median of some runs, on a desktop and on a phone.
//
// node run.js RUNS REPORT: prints a table, writes REPORT, and fails where a target is missed.

import { mkdir, readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { launch } from "chrome-launcher";
import lighthouse, { desktopConfig } from "lighthouse";

const [runs, report] = [Number(process.argv[2]), process.argv[3]];
const { VITRINE_URL: site, VITRINE_DIST: dist, VITRINE_CHROMIUM: chromePath } = process.env;

/** Least scores of 100 and longest times in ms by device. */
const TARGETS = {
  desktop: { performance: 99, accessibility: 100, "best-practices": 100, seo: 100, lcp: 1000, cls: 0.02, tbt: 150 },
  mobile: { performance: 92, accessibility: 100, "best-practices": 100, seo: 100, lcp: 1800, cls: 0.02, tbt: 150 },
};
const CATEGORIES = ["performance", "accessibility", "best-practices", "seo"];
const TIMES = { lcp: "largest-contentful-paint", cls: "cumulative-layout-shift", tbt: "total-blocking-time" };

/** Addresses of the site's pages; the one for addresses that are none is not to be found by search. */
async function pages() {
  const files = await readdir(dist, { recursive: true });
  return files
    .filter((file) => path.basename(file) === "index.html")
    .map((file) => new URL(path.dirname(file) === "." ? "" : `${path.dirname(file)}/`, site).href)
    .sort();
}

/** One visit with an empty cache; figures by name, and what is not as it should be. */
async function visit(address, device) {
  const chrome = await launch({
    chromePath,
    chromeFlags: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"],
  });
  try {
    const config = device === "desktop" ? desktopConfig : undefined;
    const { lhr } = await lighthouse(address, { port: chrome.port, onlyCategories: CATEGORIES, logLevel: "error" }, config);
    if (lhr.runtimeError) throw new Error(lhr.runtimeError.message);
    const scores = CATEGORIES.map((category) => [category, Math.round(100 * lhr.categories[category].score)]);
    const times = Object.entries(TIMES).map(([name, audit]) => [name, lhr.audits[audit].numericValue]);
    const below = CATEGORIES.slice(1).flatMap((category) =>
      lhr.categories[category].auditRefs
        .filter(({ id, weight }) => weight > 0 && (lhr.audits[id].score ?? 1) < 1)
        .map(({ id }) => `${category}: ${lhr.audits[id].title}`),
    );
    return { figures: Object.fromEntries([...scores, ...times]), below };
  } finally {
    chrome.kill();
  }
}

function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

const rows = [];
for (const address of await pages()) {
  for (const [device, targets] of Object.entries(TARGETS)) {
    const visits = [];
    for (let run = 0; run < runs; run += 1) visits.push(await visit(address, device));
    const figures = Object.fromEntries(
      Object.keys(targets).map((name) => [name, median(visits.map(({ figures }) => figures[name]))]),
    );
    const missed = Object.entries(targets)
      .filter(([name, target]) => (name in TIMES ? figures[name] > target : figures[name] < target))
      .map(([name, target]) => `${name} ${figures[name]} of ${target}`);
    const below = [...new Set(visits.flatMap(({ below }) => below))];
    rows.push({ page: address.slice(site.length) || "/", device, figures, missed, below, visits });
    const shown = { page: rows.at(-1).page, device, ...figures };
    console.log(Object.entries(shown).map(([name, value]) => `${name} ${typeof value === "number" ? +value.toFixed(3) : value}`).join("  "));
    for (const line of [...missed.map((what) => `missed: ${what}`), ...below]) console.log(`    ${line}`);
  }
}
await mkdir(path.dirname(report), { recursive: true });
await writeFile(report, JSON.stringify({ date: new Date().toISOString(), runs, targets: TARGETS, rows }, null, 2));
if (rows.some(({ missed }) => missed.length > 0)) process.exitCode = 1;
