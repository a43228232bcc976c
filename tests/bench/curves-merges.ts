// The curves of merges and heals: their time by the servers of both sides, and by their people.

import { Collected, counted } from "./curve.ts";
import type { Curve } from "./curve.ts";
import { Halves } from "./fusions.ts";
import { randomTree } from "./graphs.ts";
import type { Wire } from "./graphs.ts";
import { spreadOf } from "./results.ts";
import { fusionOf, healMs, mergeMs } from "./simulated.ts";

/** Real processes on one machine; the simulated ones go on. */
const REAL_MAX = 16;

export const merges: Curve = {
  title: "Time of a merge and of a heal, by the servers of both sides together",
  x: "servers, half of them on each side",
  y: "ms until all have told of it",
  steps: [2, 4, 8, 16, 32, 64, 100],
  async run({ folder, repetitions, steps }) {
    const [drawn, beside] = [new Collected(), new Collected()];
    for (const step of steps) {
      if (step <= REAL_MAX) {
        const found = await times(repetitions, async () => {
          const halves = await Halves.start(step, folder);
          try {
            const before = halves.residentBytes;
            const [merge, heal] = [await halves.merge(), await halves.heal()];
            return { merge, heal, before, after: halves.residentBytes };
          } finally {
            await halves.stop();
          }
        });
        addHalves({ drawn, beside }, step, { found, servers: step });
      }
      const { merge, heal, bytes } = inVirtualTime(step);
      drawn.add("simulated", step, counted(step, merge));
      beside.add("simulated heal", step, counted(step, heal));
      beside.add("KB of the merge over links, a server", step, counted(step, bytes / step / 1000));
    }
    return { drawn: drawn.series, beside: beside.series, faults: [] };
  },
};

export const crowds: Curve = {
  title: "Time of a merge and of a heal of two servers, by their people",
  x: "people on each side",
  y: "ms until both know all",
  steps: [1, 10, 100, 1000, 10_000],
  async run({ folder, repetitions, steps }) {
    const [drawn, beside] = [new Collected(), new Collected()];
    for (const step of steps) {
      const found = await times(repetitions, async () => {
        const halves = await Halves.start(2, folder);
        try {
          await halves.crowd(step);
          const before = halves.residentBytes;
          const [merge, heal] = [await halves.merge(2 * step), await halves.heal(2 * step)];
          return { merge, heal, before, after: halves.residentBytes };
        } finally {
          await halves.stop();
        }
      });
      addHalves({ drawn, beside }, step, { found, servers: 2 });
    }
    return { drawn: drawn.series, beside: beside.series, faults: [] };
  },
};

// --- internal ---

/** Times in ms, and resident memory of all servers in bytes. */
type Halved = Readonly<Record<"merge" | "heal" | "before" | "after", number>>;

/** Adds what several runs with so many servers have found. */
function addHalves(
  to: { readonly drawn: Collected; readonly beside: Collected },
  step: number,
  { found, servers }: { readonly found: readonly Halved[]; readonly servers: number },
): void {
  const spread = (of: keyof Halved, scale = 1) => spreadOf(found.map((one) => one[of] / scale));
  to.drawn.add("merge", step, spread("merge"));
  to.drawn.add("heal", step, spread("heal"));
  to.beside.add("MB a server, before", step, spread("before", servers * 1e6));
  to.beside.add("MB a server, after", step, spread("after", servers * 1e6));
}

/** One run after the other, each with servers of its own. */
async function times<T>(count: number, run: () => Promise<T>): Promise<T[]> {
  const found: T[] = [];
  while (found.length < count) found.push(await run());
  return found;
}

/** The same in the simulated world, where each way takes 1 to 2 ms and work none. */
function inVirtualTime(count: number) {
  const half = count / 2;
  const [ours, theirs] = [0, half].map((first) =>
    randomTree(half).map(([a, b]): Wire => [first + a, first + b]),
  );
  const fusion = fusionOf(count, [...(ours ?? []), ...(theirs ?? [])]);
  const { hosts, passed } = fusion;
  const [a = "", b = ""] = [hosts[0], hosts[half]];
  passed.reset();
  const merge = mergeMs(fusion, a, b);
  const { bytes } = passed;
  return { merge, heal: healMs(fusion, a, b), bytes };
}
