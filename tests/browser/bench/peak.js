// How many multiply-adds a second this machine does in WebAssembly at most, on one core: loops whose
// operations do not wait for each other and touch no memory.

/**
 * How a multiply-add is written: one instruction with relaxed SIMD, `x * y + chain` as in a matrix
 * kernel; and two everywhere, `chain * x + y`, because a compiler may take a product that never changes
 * out of the loop.
 */
const OPERATIONS = {
  "mul+add": ["chain", "x", 0xfd, 0xe6, 0x01, "y", 0xfd, 0xe4, 0x01],
  relaxed_madd: ["x", "y", "chain", 0xfd, 0x85, 0x02],
};

/**
 * Chains that do not wait for each other. Units that start two operations a cycle and take four
 * cycles need eight; x86 has registers for twelve beside the two factors.
 */
const CHAINS = 12;
/** Times that the loop's body stands in a row, so that counting costs nothing. */
const UNROLLED = 4;
/** A multiplication and an addition in each of four lanes. */
const FLOP_PER_ROUND = UNROLLED * CHAINS * 4 * 2;

/** Shortest run that a clock of coarse steps still measures well, in ms. */
const RUN_MS = 5;
const RUNS = 30;

/** The fastest of some runs in GFLOP/s, by operation; without those that this browser lacks. */
export async function peak() {
  const gflops = {};
  for (const operation of Object.keys(OPERATIONS)) {
    const bytes = loopModule(operation);
    if (!WebAssembly.validate(bytes)) continue;
    const { instance } = await WebAssembly.instantiate(bytes);
    gflops[operation] = fastest(instance.exports.loop);
  }
  return gflops;
}

function fastest(loop) {
  const time = (rounds) => {
    const start = performance.now();
    loop(rounds);
    return performance.now() - start;
  };
  // The first runs are of baseline code, so the length is chosen again after them.
  let rounds = 1000;
  for (let run = 0; run < RUNS; run += 1) {
    while (time(rounds) < RUN_MS) rounds *= 2;
  }
  const best = Math.min(...Array.from({ length: RUNS }, () => time(rounds)));
  return (rounds * FLOP_PER_ROUND) / (best * 1e6);
}

/**
 * A module whose `loop(rounds)` does that many rounds of a multiply-add on every chain, and gives the
 * sum of the chains, so that no compiler leaves one out. Chains tend to 1 or grow slowly, far from
 * values that a processor is slow with.
 */
export function loopModule(operation) {
  // Local 0 counts down; then come the chains, and the factors x and y.
  const chains = Array.from({ length: CHAINS }, (_, at) => 1 + at);
  const x = 1 + CHAINS;
  const y = 2 + CHAINS;
  const get = (local) => [0x20, local];
  const set = (local) => [0x21, local];
  const splat = (value) => [0x43, ...new Uint8Array(new Float32Array([value]).buffer), 0xfd, 0x13];
  const multiplyAdd = (chain) => {
    const locals = { chain, x, y };
    return [...OPERATIONS[operation].flatMap((part) => (part in locals ? get(locals[part]) : [part])), ...set(chain)];
  };
  const body = [
    ...splat(0.999),
    ...set(x),
    ...splat(0.001),
    ...set(y),
    ...chains.flatMap((chain) => [...splat(chain), ...set(chain)]),
    [0x03, 0x40], // loop
    ...Array.from({ length: UNROLLED }, () => chains.flatMap(multiplyAdd)),
    // rounds = rounds - 1, and again while it is not 0
    [...get(0), 0x41, 1, 0x6b, 0x22, 0, 0x0d, 0],
    0x0b, // end of the loop
    ...get(chains[0]),
    ...chains.slice(1).flatMap((chain) => [...get(chain), 0xfd, 0xe4, 0x01]),
    [0xfd, 0x1f, 0], // the first lane
    0x0b, // end of the function
  ].flat();
  const sized = (bytes) => [...unsigned(bytes.length), ...bytes];
  const locals = [1, CHAINS + 2, 0x7b]; // one group: vectors
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...[1, ...sized([1, 0x60, 1, 0x7f, 1, 0x7d])], // one type: i32 to f32
    ...[3, ...sized([1, 0])], // one function of it
    ...[7, ...sized([1, 4, ...new TextEncoder().encode("loop"), 0, 0])], // its name outside
    ...[10, ...sized([1, ...sized([...locals, ...body])])],
  ]);
}

/** A whole number as the format writes lengths. */
function unsigned(value) {
  return value < 128 ? [value] : [(value % 128) | 0x80, ...unsigned(Math.floor(value / 128))];
}
