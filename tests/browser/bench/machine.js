// What the measuring machine is called.

import { readFileSync } from "node:fs";
import os from "node:os";

/** The processor, as the system names it, such as `AMD EPYC`. */
const name = () => os.cpus()[0].model.trim();

/**
 * The processor such that another generation under the same name is another one: `AMD EPYC, family 26, model 2`
 * where the system tells.
 */
export function processor() {
  let facts = "";
  try {
    facts = readFileSync("/proc/cpuinfo", "utf8");
  } catch {
    // Only Linux has it.
  }
  const number = (what) => new RegExp(`^${what}\\s*: (\\d+)$`, "m").exec(facts)?.[1];
  const [family, model] = [number("cpu family"), number("model")];
  return family && model ? `${name()}, family ${family}, model ${model}` : name();
}

/** Such as `AMD EPYC, 2 cores`. */
export const machine = () => `${name()}, ${os.cpus().length} cores`;
