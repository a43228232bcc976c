// What runs have measured, and what is told of it: medians, spread, and ratios to the peers, which
// are of runs of the same repetition, next to each other in time. Next: table.ts.

import type { Answer, Copied, Filed, Idled, Talked } from "./load/job.ts";
import type { Faults } from "./load/checker.ts";

/** One column of a table: what is taken of a run. */
interface Metric {
  readonly key: string;
  readonly title: string;
  /** Undefined of runs of another kind. */
  of(run: Run): number | undefined;
}

type Run =
  | { readonly talked: Talked }
  | { readonly idled: Idled }
  | { readonly filed: Filed }
  | { readonly copied: Copied }
  | { readonly ms: number };

const talked = (of: (run: Talked) => number | undefined) => (run: Run) =>
  "talked" in run ? of(run.talked) : undefined;
const idled = (of: (run: Idled) => number) => (run: Run) =>
  "idled" in run ? of(run.idled) : undefined;
const filed = (of: (run: Filed) => number | undefined) => (run: Run) =>
  "filed" in run ? of(run.filed) : undefined;
const percent = (share: number | undefined) => (share === undefined ? undefined : share * 100);
/** What all ways of a file have. */
const passed = (of: (run: Copied) => number) => (run: Run) =>
  "filed" in run ? of(run.filed) : "copied" in run ? of(run.copied) : undefined;

/** In all tables the first one that there is gives the ratios. */
export const METRICS: readonly Metric[] = [
  {
    key: "cpuUsPerDelivery",
    title: "CPU a delivery, µs",
    of: talked(({ cpuSeconds, deliveries }) => (cpuSeconds / deliveries) * 1e6),
  },
  {
    key: "deliveriesPerSecond",
    title: "deliveries a second",
    of: talked(({ deliveries, seconds }) => deliveries / seconds),
  },
  { key: "p50Ms", title: "p50, ms", of: talked(({ p50Ms }) => p50Ms) },
  { key: "p99Ms", title: "p99, ms", of: talked(({ p99Ms }) => p99Ms) },
  {
    key: "writesPerDelivery",
    title: "writes a delivery",
    of: talked((run) => run.writesPerDelivery),
  },
  { key: "peakMb", title: "peak, MB", of: talked(({ peakBytes }) => peakBytes / 1e6) },
  {
    key: "serverPercent",
    title: "server, %",
    of: talked(({ cpuSeconds, seconds }) => (cpuSeconds / seconds) * 100),
  },
  {
    key: "kernelPercent",
    title: "of it the kernel, %",
    of: talked(({ cpuSeconds, kernelSeconds }) => (kernelSeconds / cpuSeconds) * 100),
  },
  {
    key: "generatorPercent",
    title: "generator, %",
    of: talked(({ generatorShare }) => generatorShare * 100),
  },
  {
    key: "latePercent",
    title: "sent late, %",
    of: talked(({ lateShare }) => percent(lateShare)),
  },
  { key: "slowedPercent", title: "slowed, %", of: talked((run) => percent(run.slowedShare)) },
  { key: "dearerPercent", title: "dearer, %", of: talked((run) => percent(run.dearerShare)) },
  { key: "cpuUsPerConnect", title: "CPU to enter, µs", of: idled((run) => run.cpuUsPerConnect) },
  {
    key: "enterKernelPercent",
    title: "of it the kernel, %",
    of: idled((run) => run.kernelShare * 100),
  },
  {
    key: "connectsPerSecond",
    title: "enter a second",
    of: idled((run) => run.connectsPerSecond),
  },
  { key: "kbPerClient", title: "each, KB", of: idled((run) => run.bytesPerClient / 1000) },
  { key: "idlePercent", title: "CPU, idle, %", of: idled((run) => run.idleShare * 100) },
  {
    key: "cpuSecondsPerGb",
    title: "CPU a GB, s",
    of: filed(({ bytes, cpuSeconds }) => cpuSeconds / (bytes / 1e9)),
  },
  { key: "mbPerSecond", title: "MB a second", of: passed((run) => run.bytes / 1e6 / run.seconds) },
  { key: "sameP50Ms", title: "chat on it: p50, ms", of: filed((run) => run.sameP50Ms) },
  { key: "sameP99Ms", title: "p99, ms", of: filed((run) => run.sameP99Ms) },
  { key: "otherP50Ms", title: "beside it: p50, ms", of: filed((run) => run.otherP50Ms) },
  { key: "otherP99Ms", title: "p99, ms", of: filed((run) => run.otherP99Ms) },
  { key: "beforeMb", title: "before, MB", of: filed((run) => run.beforeBytes / 1e6) },
  { key: "filePeakMb", title: "peak, MB", of: filed((run) => run.peakBytes / 1e6) },
  { key: "grownMb", title: "grown, MB", of: filed((run) => run.grownBytes / 1e6) },
  {
    key: "fileGeneratorPercent",
    title: "generator, %",
    of: filed(({ generatorShare }) => generatorShare * 100),
  },
  {
    key: "fileLatePercent",
    title: "said late, %",
    of: filed(({ lateShare }) => percent(lateShare)),
  },
  { key: "startMs", title: "ms", of: (run) => ("ms" in run ? run.ms : undefined) },
];

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** A row of a table: one subject in one scenario. */
export interface Row {
  readonly subject: string;
  readonly runs: number;
  /** By the keys of METRICS; those that the scenario has. */
  readonly values: Readonly<Record<string, Spread>>;
  /** By peer: how many times as much it needs of the first metric. */
  readonly ratios: Readonly<Record<string, number>>;
  readonly lost: number;
  readonly doubled: number;
  readonly misordered: number;
  readonly strange: number;
  readonly unacknowledged: number;
  /** Why runs could not be done. */
  readonly failed: readonly string[];
}

/** The runs of one scenario; a repetition has the same place with all subjects. */
export class Results {
  readonly #runs = new Map<string, (Run | string)[]>();

  add(subject: string, run: Answer | { readonly kind: "started"; readonly ms: number }): void {
    const runs = this.#runs.get(subject) ?? [];
    this.#runs.set(subject, runs);
    runs.push(run.kind === "failed" ? run.why : run);
  }

  /** One for each of these; `peers` are those to compare with. */
  rows(peers: readonly string[], subjects: readonly { readonly name: string }[]): Row[] {
    return subjects.map(({ name: subject }) => {
      const all = this.#runs.get(subject) ?? [];
      const runs = all.filter((run) => typeof run !== "string");
      const spreads = METRICS.flatMap(({ key, of }) => {
        const values = runs.flatMap((run) => of(run) ?? []);
        return values.length === 0 ? [] : [[key, spreadOf(values)] as const];
      });
      const count = (of: (run: Faults) => number) =>
        runs.reduce((sum, run) => {
          const faults = "talked" in run ? run.talked : "filed" in run ? run.filed : undefined;
          return sum + (faults === undefined ? 0 : of(faults));
        }, 0);
      return {
        subject,
        runs: runs.length,
        values: Object.fromEntries(spreads),
        ratios: this.#ratios(all, peers),
        lost: count((run) => run.lost),
        doubled: count((run) => run.doubled),
        misordered: count((run) => run.misordered),
        strange: count((run) => run.strange),
        unacknowledged: count((run) => run.unacknowledged),
        failed: all.filter((run) => typeof run === "string"),
      };
    });
  }

  // --- internal ---------------------------------------------------------------------------------

  #ratios(ours: readonly (Run | string)[], peers: readonly string[]): Record<string, number> {
    const all = [...this.#runs.values()].flat();
    const metric = METRICS.find(({ of }) => all.some((run) => valueOf(run, of) !== undefined));
    const ratios: Record<string, number> = {};
    for (const peer of peers) {
      const theirs = this.#runs.get(peer) ?? [];
      const found = ours.flatMap((run, at) => {
        const [own, other] = [valueOf(run, metric?.of), valueOf(theirs[at], metric?.of)];
        return own === undefined || other === undefined ? [] : [other / own];
      });
      if (found.length > 0) ratios[peer] = spreadOf(found).median;
    }
    return ratios;
  }
}

/** What is wrong with a row, in words; undefined when nothing is. */
export function faultOf(row: Row): string | undefined {
  const { lost, doubled, misordered, strange, unacknowledged, failed } = row;
  const counts = { lost, doubled, misordered, strange, unacknowledged };
  const told = Object.entries(counts).flatMap(([what, count]) =>
    count === 0 ? [] : [`${count} ${what}`],
  );
  const all = [...told, ...failed];
  return all.length === 0 ? undefined : all.join("; ");
}

/** Of one number at least. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (index: number) => sorted[index] ?? Number.NaN;
  const half = (sorted.length - 1) / 2;
  const median = (at(Math.floor(half)) + at(Math.ceil(half))) / 2;
  return { median, min: at(0), max: at(sorted.length - 1) };
}

// --- internal ---

const valueOf = (run: Run | string | undefined, of: Metric["of"] | undefined) =>
  run === undefined || typeof run === "string" ? undefined : of?.(run);
