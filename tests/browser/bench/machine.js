// What the measuring machine is called.

import os from "node:os";

/** The processor, as the system names it. */
export const processor = () => os.cpus()[0].model.trim();

/** Such as `AMD EPYC, 2 cores`. */
export const machine = () => `${processor()}, ${os.cpus().length} cores`;
