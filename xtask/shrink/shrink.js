// node shrink.js PROGRAM.wasm GLUE.js: makes the page's program smaller as it is served, in place.
//
// What counts is the size after gzip, which sees 32 KB at a time: functions that resemble each other
// are put side by side, and names that only program and glue share become short.

import { readFile, writeFile } from "node:fs/promises";
import binaryen from "binaryen";
import { minify } from "terser";

/** What wasm-bindgen's output uses; with everything allowed, browsers would refuse what comes out. */
const FEATURES = [
  binaryen.Features.BulkMemory,
  binaryen.Features.BulkMemoryOpt,
  binaryen.Features.MutableGlobals,
  binaryen.Features.Multivalue,
  binaryen.Features.NontrappingFPToInt,
  binaryen.Features.ReferenceTypes,
  binaryen.Features.SignExt,
].reduce((all, one) => all | one, 0);

/** Sections by their numbers. */
const IMPORTS = 2;
const CODE = 10;
/** What a package under leptos offers to JavaScript, and nothing here asks for. */
const NOT_CALLED = /^(__wbg_)?intounderlying/;
/** Bytes before the current place that gzip may refer to, less than its 32 KB because code is not all. */
const WINDOW = 24_000;
/** Bytes that are compared at a time. */
const SHINGLE = 6;

/** Reads a program from a place on. */
class Reader {
  constructor(program, at) {
    this.program = program;
    this.at = at;
  }

  byte() {
    return this.program[this.at++];
  }

  number() {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      value |= (byte & 127) << shift;
      if (byte < 128) return value >>> 0;
    }
  }

  /** Bytes with their number before them. */
  bytes() {
    const length = this.number();
    this.at += length;
    return this.program.subarray(this.at - length, this.at);
  }
}

const [programFile, glueFile] = process.argv.slice(2);
const given = await readFile(programFile);
const program = reordered(optimised(given));
const names = importedNames(program);
const unused = importedNames(given).filter((name) => !names.includes(name));
const short = new Map(names.map((name, at) => [name, `_${at.toString(36)}`]));
const glue = await small(await readFile(glueFile, "utf8"), short, unused);
await writeFile(programFile, renamed(program, short));
await writeFile(glueFile, glue);

function optimised(program) {
  const module = read(program);
  const exports = Array.from({ length: module.getNumExports() }, (_, at) => module.getExportByIndex(at));
  for (const { name } of exports.map(binaryen.getExportInfo)) if (NOT_CALLED.test(name)) module.removeExport(name);
  binaryen.setOptimizeLevel(2);
  binaryen.setShrinkLevel(2);
  module.optimize();
  return emitted(module);
}

/** The same program, its functions in an order that gzip packs well. */
function reordered(program) {
  const { nImported, bodies } = functions(program);
  const places = new Map(byResemblance(bodies).map((at, place) => [at, place]));
  // Binaryen sorts by name: each function is named after its place.
  const width = String(bodies.length).length;
  const named = bodies.map((_, at) => [nImported + at, `f${String(places.get(at)).padStart(width, "0")}`]);
  const module = read(withNames(program, named));
  module.runPasses(["reorder-functions-by-name"]);
  return emitted(module);
}

function read(program) {
  const module = binaryen.readBinary(program);
  module.setFeatures(FEATURES);
  return module;
}

function emitted(module) {
  if (!module.validate()) throw new Error("Binaryen made a program that is not valid");
  binaryen.setDebugInfo(false);
  const program = module.emitBinary();
  module.dispose();
  return Buffer.from(program);
}

/** Each next function is the one that shares most with those just before it. */
function byResemblance(bodies) {
  const shingles = bodies.map(shinglesOf);
  const holders = new Map();
  shingles.forEach((own, at) => own.forEach((shingle) => holders.set(shingle, holders.get(shingle)?.concat(at) ?? [at])));
  /** How many shingles of each function are in the window. */
  const shared = new Uint32Array(bodies.length);
  const inWindow = new Map();
  const change = (at, step) => {
    for (const shingle of shingles[at]) {
      const before = inWindow.get(shingle) ?? 0;
      inWindow.set(shingle, before + step);
      if (before === 0 || before + step === 0) for (const holder of holders.get(shingle)) shared[holder] += step;
    }
  };
  const left = new Set(bodies.keys());
  const order = [];
  const window = [];
  let bytes = 0;
  let next = bodies.reduce((largest, body, at) => (body.length > bodies[largest].length ? at : largest), 0);
  while (left.delete(next)) {
    order.push(next);
    change(next, 1);
    window.push(next);
    bytes += bodies[next].length;
    while (bytes > WINDOW && window.length > 1) {
      const gone = window.shift();
      bytes -= bodies[gone].length;
      change(gone, -1);
    }
    let most = -1;
    for (const at of left) {
      // A few more in the divisor, so that tiny functions do not always come first.
      const share = shared[at] / (shingles[at].size + 8);
      if (share > most) [most, next] = [share, at];
    }
  }
  return order;
}

function shinglesOf(body) {
  const found = new Set();
  for (let at = 0; at + SHINGLE <= body.length; at += 1) {
    let hash = 0;
    for (let next = at; next < at + SHINGLE; next += 1) hash = (Math.imul(hash, 31) + body[next]) | 0;
    found.add(hash);
  }
  return found;
}

/** The sections of a program, each as `{ id, start, end }` of its content, from `whole` on with its head. */
function* sections(program) {
  const reader = new Reader(program, 8);
  while (reader.at < program.length) {
    const whole = reader.at;
    const id = reader.byte();
    const length = reader.number();
    yield { id, whole, start: reader.at, end: reader.at + length };
    reader.at += length;
  }
}

function section(program, wanted) {
  for (const found of sections(program)) if (found.id === wanted) return found;
  throw new Error(`the program has no section ${wanted}`);
}

/** How many functions are imported, and the bodies of the others. */
function functions(program) {
  const reader = new Reader(program, section(program, CODE).start);
  const bodies = Array.from({ length: reader.number() }, () => reader.bytes());
  return { nImported: imports(program).length, bodies };
}

/** Module and name of each import; wasm-bindgen's programs import functions only. */
function imports(program) {
  const reader = new Reader(program, section(program, IMPORTS).start);
  return Array.from({ length: reader.number() }, () => {
    const [module, name] = [reader.bytes(), reader.bytes()].map(String);
    const kind = reader.byte();
    if (kind !== 0) throw new Error(`${name} is imported and no function`);
    return { module, name, type: reader.number() };
  });
}

/** Names that only wasm-bindgen gives and knows: they end with a hash. */
function importedNames(program) {
  return imports(program)
    .map(({ name }) => name)
    .filter((name) => /^__wb\w+_[0-9a-f]{16}$/.test(name));
}

/** With other names of imports. */
function renamed(program, short) {
  const own = imports(program);
  const content = [
    ...number(own.length),
    ...own.flatMap(({ module, name, type }) => [...text(module), ...text(short.get(name) ?? name), 0, ...number(type)]),
  ];
  const { whole, end } = section(program, IMPORTS);
  const head = Buffer.from([IMPORTS, ...number(content.length)]);
  return Buffer.concat([program.subarray(0, whole), head, Buffer.from(content), program.subarray(end)]);
}

/** With names for these functions, in the section that debuggers read. */
function withNames(program, named) {
  const list = [...number(named.length), ...named.flatMap(([index, name]) => [...number(index), ...text(name)])];
  const content = [...text("name"), 1, ...number(list.length), ...list];
  return Buffer.concat([program, Buffer.from([0, ...number(content.length), ...content])]);
}

/** The glue without comments, long names, and what the program does not import any more. */
async function small(glue, short, unused) {
  let rest = glue.replaceAll(/^export class /gm, "class ");
  for (const name of unused) {
    const entry = new RegExp(`^ {8}${name}: function\\([^)]*\\) \\{\\n[^]*?^ {8}\\},\\n`, "m");
    if (!entry.test(rest)) throw new Error(`the glue has no function ${name}`);
    rest = rest.replace(entry, "");
  }
  const { code } = await minify(rest, { module: true, compress: { passes: 2, ecma: 2020 }, mangle: true });
  return [...short].reduce((code, [name, other]) => {
    const parts = code.split(new RegExp(`\\b${name}\\b`));
    if (parts.length !== 2) throw new Error(`the glue names ${name} ${parts.length - 1} times`);
    return parts.join(other);
  }, code);
}

/** A number as WebAssembly writes it, in groups of seven bits. */
function number(value) {
  const bytes = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest & 127) | 128);
  }
}

function text(value) {
  const bytes = Buffer.from(value);
  return [...number(bytes.length), ...bytes];
}
