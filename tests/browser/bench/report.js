// The report as a page of the documentation and as tables on the terminal. Pure.

/** How the engines of others are called. */
const TITLES = { ort: "onnxruntime-web", tfjs: "TensorFlow.js", rten: "rten" };

const fixed = (digits) => (value) => (value === null || value === undefined ? "" : value.toFixed(digits));
const tenths = fixed(1);
const hundredths = fixed(2);
const title = (engine) => TITLES[engine] ?? engine;
const interval = (bounds) => bounds.map(hundredths).join("–");

/** Columns of what runs take: a heading, and the cell of a row. */
const SPEED = [
  ["model and input", ({ model }) => model],
  ["engine", ({ engine }) => title(engine)],
  ["n", ({ n }) => String(n)],
  ["min ms", ({ min_ms }) => tenths(min_ms)],
  ["median ms", ({ median_ms }) => tenths(median_ms)],
  ["P95 ms", ({ p95_ms }) => tenths(p95_ms)],
  ["÷ onnxruntime-web", (row) => (row.engine === "ort" ? "" : `**${hundredths(row.ratio_to_ort)}** (${interval(row.ratio_interval)})`)],
  ["% of peak", ({ percent_of_peak }) => fixed(0)(percent_of_peak)],
  ["largest difference", ({ engine, max_diff }) => (engine === "ort" ? "" : max_diff.toExponential(1))],
];

const LOAD = [
  ["model and input", ({ model }) => model],
  ["engine", ({ engine }) => title(engine)],
  ["n", ({ n }) => String(n)],
  ["compile ms", ({ compile_ms }) => fixed(0)(compile_ms)],
  ["unpack ms", ({ unpack_ms }) => fixed(0)(unpack_ms)],
  ["create ms", ({ create_ms }) => fixed(0)(create_ms)],
  ["parse + optimise ms", splitOf],
  ["first run ms", ({ first_run_ms }) => tenths(first_run_ms)],
  ["to first result ms", ({ total_ms }) => fixed(0)(total_ms)],
  ["steady ms", ({ steady_ms }) => tenths(steady_ms)],
  ["create ÷ onnxruntime-web", (row) => (row.engine === "ort" ? "" : `**${hundredths(row.create_ratio_to_ort)}**`)],
];

const MEMORY = [
  ["model and input", ({ model }) => model],
  ["engine", ({ engine }) => title(engine)],
  ["loaded MB", ({ memory_loaded_mb }) => tenths(memory_loaded_mb)],
  ["after runs MB", ({ memory_mb }) => tenths(memory_mb)],
  ["÷ onnxruntime-web", ({ engine, memory_ratio_to_ort }) => (engine === "ort" ? "" : `**${hundredths(memory_ratio_to_ort)}**`)],
];

/** Only ours tells. */
function splitOf({ parse_ms, optimise_ms }) {
  return parse_ms === null ? "" : [parse_ms, optimise_ms].map(fixed(0)).join(" + ");
}

/** Tables for `console.table`, as `[title, rows]`. */
export function printed({ rows, load }) {
  const threads = [...new Set(rows.map(({ browser, threads }) => `${browser}, ${nThreads(threads)}`))];
  const tables = threads.map((name) => [
    name,
    objects(SPEED, rows.filter((row) => `${row.browser}, ${nThreads(row.threads)}` === name)),
  ]);
  if (load.length > 0) tables.push(["loading", objects(LOAD, load)], ["memory", objects(MEMORY, load)]);
  return tables;
}

const objects = (columns, rows) => rows.map((row) => Object.fromEntries(columns.map(([head, cell]) => [head, cell(row)])));

const nThreads = (n) => (n === 1 ? "one thread" : `${n} threads`);

/** The report as a page of the documentation. */
export function page(report) {
  const { date, machine, command, versions, peaks, browsers, rows, load, failures, warm_up } = report;
  const inChromium = rows.filter(({ browser }) => browser === "chromium");
  const others = Object.keys(browsers).filter((browser) => browser !== "chromium");
  const more = [...new Set(inChromium.map(({ threads }) => threads))].filter((threads) => threads > 1);
  const peers = [
    `onnxruntime-web ${versions.ort}`,
    `TensorFlow.js ${versions.tfjs} with its wasm engine`,
    ...(versions.rten ? [`rten ${versions.rten} with relaxed SIMD`] : []),
  ];
  const sections = [
    `# Benchmarks

Written by \`${command}\` on ${date}: ${machine}, ${browsers.chromium}. Compared with ${list(peers)}.

## How it is measured

- All engines run in one worker of one page, in turn, forwards and backwards, on the same file and input. Each model has a
  page of its own, which is cross-origin isolated for a clock of fine steps and for threads.
- Rounds count once every engine is warm: after ${warm_up.least} rounds and ${warm_up.least_ms / 1000} s at least, when the last five are no more
  than 3 % faster than the five before, or after ${warm_up.most}.
- Threads go on looking for work for a while after a run. With several threads each engine therefore rests for 20 ms
  and runs once uncounted before a run that counts: the threads of the engine before would otherwise take its cores.
- The ratio is that of medians with a 95 % bootstrap interval over rounds; below 1 is faster than onnxruntime-web.
- The largest difference is that between an output and onnxruntime-web's. An engine that differs by more than 1e-3
  does something else, and has no row.
- The peak is what loops of independent multiply-adds reach on one core in the same browser, without touching memory
  (\`tests/browser/bench/peak.js\`). Operations of a model are two for each multiply-add of its convolutions and matrix
  products, counted from the graph with the shapes of a run (\`flops.js\`). Percent of peak takes the fastest run, as the
  peak takes the fastest loop; with n threads it is of n peaks.
- TensorFlow.js runs EfficientNet-Lite0 only: it reads no ONNX, and this network is built from the file
  (\`tensorflow.js\`). Its input is given with channels last, so that turning it is not timed.
- rten has no threads in a browser, and packs its weights for its kernels while it loads, as ours does. It reads
  neither packed lists nor int16 constants, so it gets the same model with those written otherwise (\`onnx.js\`).
- Loading is that of one engine in a page of its own, with all files in memory. *Compile* is that of the engine's module,
  and in ours its rehearsal (docs/decisions/0029-rehearsal.md), *unpack* is the browser's for the model, the same for all. *Create* is parsing and optimising, and the ratio is that of
  creating. V8 compiles a function when it is first called, so part of compiling is in *create* and in the first run.
- Memory is what WebAssembly has taken from the browser, which never shrinks, so it is also the most there has been.`,
    peakSection(peaks, browsers, inChromium),
    `## One thread\n\n${markdown(SPEED, inChromium.filter(({ threads }) => threads === 1))}`,
    ...more.map((n) => `## ${nThreads(n)}\n\n${markdown(SPEED, inChromium.filter(({ threads }) => threads === n))}`),
    ...(load.length > 0
      ? [
          `## Loading, one thread\n\n${markdown(LOAD, load)}`,
          `## Memory, one thread\n\nIn MB of 1,000,000 bytes.\n\n${markdown(MEMORY, load)}`,
        ]
      : []),
    ...others.map((browser) => `## ${browsers[browser]}\n\n${markdown(SPEED, rows.filter((row) => row.browser === browser))}`),
    ...(failures.length > 0
      ? [
          `## What did not run\n\n${failures
            .map(({ browser, model, engine, threads, why }) => `- ${title(engine)}, ${model}, ${browser}, ${nThreads(threads)}: ${why.split("\n")[0]}`)
            .join("\n")}`,
        ]
      : []),
  ];
  return `${sections.join("\n\n")}\n`;
}

function peakSection(peaks, browsers, rows) {
  const models = [...new Map(rows.map(({ model, gflop }) => [model, gflop]))];
  const columns = [
    ["browser", ({ browser }) => browsers[browser]],
    ["mul and add, GFLOP/s", ({ gflops }) => tenths(gflops["mul+add"])],
    ["relaxed madd, GFLOP/s", ({ gflops }) => tenths(gflops.relaxed_madd) || "not there"],
  ];
  const operations = [
    ["model and input", ([model]) => model],
    ["GFLOP", ([, gflop]) => fixed(3)(gflop)],
  ];
  return `## The machine's peak, and what models take\n\n${markdown(
    columns,
    Object.entries(peaks).map(([browser, gflops]) => ({ browser, gflops })),
  )}\n\n${markdown(operations, models)}`;
}

function markdown(columns, rows) {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  const body = rows.map((row) => line(columns.map(([, cell]) => cell(row))));
  return [line(columns.map(([head]) => head)), line(columns.map(() => "---")), ...body].join("\n");
}

const list = (items) => (items.length < 2 ? items.join("") : `${items.slice(0, -1).join(", ")} and ${items.at(-1)}`);
