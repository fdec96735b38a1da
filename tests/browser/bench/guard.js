// Whether our engine has become slower than it was when the baseline was recorded. Pure.
//
// The baseline holds, by processor, what `cargo xtask bench --baseline` met: how long a run takes as
// a multiple of onnxruntime-web's, and what percentage of the machine's peak it reaches. Both depend
// on the processor, and much less on how fast a machine of its kind happens to be.

/** A figure worse than the baseline's by more than this factor is a loss, not noise. */
export const MARGIN = 1.1;

/** No baseline makes an engine pass that is slower than onnxruntime-web. */
export const MAX_RATIO = 1.0;

/**
 * What a case must keep to on a processor: `{ ratio, percent, from }`. Where the baseline does not
 * know the processor, the most lenient of those it knows counts, figure by figure: nothing is known
 * about this one, and a test that fails on new machines would only be switched off. `percent` is
 * `null` where no entry has one.
 */
export function limitsFor(baseline, processor, model) {
  const own = baseline[processor]?.cases[model];
  const known = own ? [own] : Object.values(baseline).flatMap(({ cases }) => (cases[model] ? [cases[model]] : []));
  const ratios = known.map(({ ratio_to_ort }) => ratio_to_ort);
  const percents = known.map(({ percent_of_peak }) => percent_of_peak).filter((percent) => percent !== null);
  return {
    ratio: ratios.length === 0 ? MAX_RATIO : Math.min(MAX_RATIO, MARGIN * Math.max(...ratios)),
    percent: percents.length === 0 ? null : Math.min(...percents) / MARGIN,
    from: own ? processor : `the most lenient of ${known.length} known processors`,
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
