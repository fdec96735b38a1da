// What is made of times: quantiles, the interval of a ratio, and when an engine is warm. Pure.

/** Linear interpolation between order statistics, as NumPy's default. */
export function quantile(values, q) {
  const sorted = [...values].sort((a, b) => a - b);
  const position = q * (sorted.length - 1);
  const below = Math.floor(position);
  const above = Math.ceil(position);
  return sorted[below] + (sorted[above] - sorted[below]) * (position - below);
}

export const median = (values) => quantile(values, 0.5);

/** 95 % interval of the ratio of medians: 2,000 bootstrap resamples of rounds, seeded. */
export function ratioInterval(runs, reference, resamples = 2000) {
  if (runs.length !== reference.length) throw new Error("a ratio needs two times of each round");
  let state = 1;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const ratios = Array.from({ length: resamples }, () => {
    // Rounds are drawn together: both engines met the same noise in a round.
    const picks = runs.map(() => Math.floor(random() * runs.length));
    return median(picks.map((i) => runs[i])) / median(picks.map((i) => reference[i]));
  });
  return [quantile(ratios, 0.025), quantile(ratios, 0.975)];
}

/** Rounds that are compared with as many before them to tell whether an engine still gets faster. */
const WINDOW = 5;
/** A gain below this, from one window to the next, is noise. */
const GAIN = 0.03;

/** Whether an engine's last rounds are no faster than those before: its code is compiled for good. */
export function isWarm(times) {
  if (times.length < 2 * WINDOW) return false;
  const before = median(times.slice(-2 * WINDOW, -WINDOW));
  return median(times.slice(-WINDOW)) > (1 - GAIN) * before;
}

/**
 * Share of the machine's peak, in percent, that the fastest run reached. The peak is what the fastest
 * loop of multiply-adds reached on one core, so both are figures of an undisturbed machine.
 */
export function percentOfPeak({ flop, minMs, peakGflops, threads = 1 }) {
  return (100 * flop) / (minMs * 1e6) / (threads * peakGflops);
}
