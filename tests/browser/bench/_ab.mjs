import { launch, SITE, TEST_FILES } from "../support.js";
import { CASES, caseName } from "./models.js";
import { catalog } from "../support.js";
const rounds = Number(process.argv[2] ?? 12);
const browser = await launch();
const q = (v, p) => [...v].sort((a, b) => a - b)[Math.floor(p * (v.length - 1))];
for (const input of CASES) {
  const page = await browser.newPage();
  const entry = (await catalog()).models.find(({ id }) => id === input.model);
  await page.goto(new URL("browser/bench/index.html", TEST_FILES).href);
  const setting = { ...input, rounds, warmUp: 6,
    enginesUrl: new URL("browser/bench/engines.js", TEST_FILES).href,
    ortUrl: new URL("browser/node_modules/onnxruntime-web/dist/", TEST_FILES).href,
    modelUrl: new URL(`models/${entry.served.file}.zlib`, SITE).href,
    a: new URL("engine/relaxed-base/", SITE).href, b: new URL("engine/relaxed-new/", SITE).href };
  const r = await page.evaluate(async (s) => {
    const { loadVitrine, loadOnnxRuntime, valuesFor, maxDifference, interleave } = await import(s.enginesUrl);
    const engines = { ort: await loadOnnxRuntime(s), base: await loadVitrine({ ...s, engineUrl: s.a }), neu: await loadVitrine({ ...s, engineUrl: s.b }) };
    const v = valuesFor(s);
    const d = maxDifference(await engines.neu.run(v), await engines.ort.run(v));
    return { d, t: await interleave(engines, v, s) };
  }, setting);
  const m = Object.fromEntries(Object.entries(r.t).map(([k, v]) => [k, q(v, 0.5)]));
  const mn = Object.fromEntries(Object.entries(r.t).map(([k, v]) => [k, Math.min(...v)]));
  console.log(caseName(input), "ort", m.ort.toFixed(1), "base", m.base.toFixed(1), "new", m.neu.toFixed(1), "new/base", (m.neu / m.base).toFixed(3), "new/ort", (m.neu / m.ort).toFixed(3), "min", (mn.neu / mn.base).toFixed(3), (mn.neu / mn.ort).toFixed(3), "diff", r.d.toExponential(1));
  await page.close();
}
await browser.close();
