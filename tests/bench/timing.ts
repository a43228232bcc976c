// How long a small piece of code takes, with mitata.

import { do_not_optimize, measure } from "mitata";

/** Batches shorter than a turn of the scheduler: few of them contain one of another process. */
const HOW = { min_cpu_time: 150e6, batch_samples: 64 };

/** Microseconds; of code that returns a promise, until it is settled. */
export interface Timing {
  readonly median: number;
  readonly least: number;
}

/** Runs it for some 150 ms of CPU. */
export async function timed(run: () => unknown): Promise<Timing> {
  const once = async () => do_not_optimize(await run());
  const isAsync = run() instanceof Promise;
  const stats = await measure(isAsync ? once : () => do_not_optimize(run()), HOW);
  return { median: stats.p50 / 1000, least: stats.min / 1000 };
}
