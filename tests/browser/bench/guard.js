// Whether our engine has become slower than it was when the baseline was recorded. Pure.
//
// The baseline holds, by processor, what `cargo xtask bench --baseline` met: how long a run takes as
// a multiple of onnxruntime-web's, and what percentage of the machine's peak it reaches. Both depend
// on the processor, and much less on how fast a machine of its kind happens to be.

/** A figure worse than the baseline's by more than this factor is a loss, not noise. */
export const MARGIN = 1.1;

/** No baseline makes an engine pass that is slower than onnxruntime-web. */
export const MAX_RATIO = 1.0;

/** What is asked of any machine, also of one that does something else meanwhile. */
export const LEAST = { ratio: MAX_RATIO, percent: null };

/** Where onnxruntime-web's median is so many times its fastest run, something else was running. */
export const DISTURBED = 1.15;

/** Whether the machine did something else while this row of onnxruntime-web was measured. */
export const isDisturbed = ({ median_ms, min_ms }) => !(median_ms <= DISTURBED * min_ms);

/**
 * What a case must keep to on a processor: `{ ratio, percent, from }`. Where the baseline does not
 * know the processor, it must only not be slower than onnxruntime-web: engines gain more on one
 * generation than on another, and a test that fails on new machines would only be switched off.
 * `percent` is `null` where nothing is asked of it.
 */
export function limitsFor(baseline, processor, model) {
  const own = baseline[processor]?.cases[model];
  if (!own) return { ...LEAST, from: `onnxruntime-web, because the baseline does not know ${processor}` };
  return {
    ratio: Math.min(MAX_RATIO, MARGIN * own.ratio_to_ort),
    percent: own.percent_of_peak === null ? null : own.percent_of_peak / MARGIN,
    from: processor,
  };
}

/** What a row misses, in words; empty where it keeps to its limits. */
export function misses({ ratio_to_ort, percent_of_peak }, { ratio, percent }) {
  const missed = [];
  if (!(ratio_to_ort <= ratio)) {
    missed.push(`${ratio_to_ort.toFixed(3)} × onnxruntime-web, allowed are ${ratio.toFixed(3)}`);
  }
  if (percent !== null && !(percent_of_peak >= percent)) {
    missed.push(`${percent_of_peak.toFixed(1)} % of the machine's peak, wanted are ${percent.toFixed(1)} %`);
  }
  return missed;
}

/** The baseline with this processor's entry made anew of one flavour's rows with one thread. */
export function withEntry(baseline, processor, { rows, flavour, ...about }) {
  const cases = rows
    .filter(({ engine, threads }) => engine === flavour && threads === 1)
    .map(({ model, ratio_to_ort, percent_of_peak }) => [
      model,
      { ratio_to_ort: rounded(ratio_to_ort, 3), percent_of_peak: rounded(percent_of_peak, 1) },
    ]);
  return { ...baseline, [processor]: { ...about, cases: Object.fromEntries(cases) } };
}

function rounded(value, digits) {
  return Number(value.toFixed(digits));
}
