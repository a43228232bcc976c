// The simulation from the command line. A seed is a whole history; a failure prints it.
//
//   bun run sim --seeds 10000            seeds 1 to 10000, on all cores
//   bun run sim --seconds 110            as many seeds as fit
//   bun run sim --seed 42 --trace        one of them, with what happened
//   bun run sim --seeds 500 --mark "told: undone NAME_TAKEN"   and which seeds came there
//
// Exits with 1 if a seed has failed, or if a kind of fault never came at a moment when it mattered.

import { availableParallelism } from "node:os";
import { argumentsOf } from "../arguments.ts";
import { History, type Outcome } from "./history.ts";
import { Marks, REQUIRED_MARKS } from "./marks.ts";

/** What a worker tells of a seed, a JSON line each. */
type Told =
  | { readonly seed: number; readonly failed: string }
  | ({ readonly seed: number; readonly marks: [string, number][] } & Omit<Outcome, "marks">);

const { values } = argumentsOf({
  options: {
    seeds: { type: "string" },
    from: { type: "string", default: "1" },
    seconds: { type: "string" },
    seed: { type: "string" },
    jobs: { type: "string" },
    mark: { type: "string" },
    trace: { type: "boolean", default: false },
    worker: { type: "boolean", default: false },
    first: { type: "boolean", default: false },
  },
});

/** With so few seeds not every mark need be hit. */
const SEEDS_FOR_ALL_MARKS = 400;
/** Every so many seeds, one has real signatures. */
const REAL_EVERY = 25;
/** Long runs say now and then how far they are. */
const SAID_EVERY = 1000;

function playOne(seed: number): Told {
  try {
    const crypto = seed % REAL_EVERY === 0 ? "real" : "cheap";
    const { marks, ...rest } = new History(seed, { crypto }).play();
    return { seed, ...rest, marks: [...marks.counts] };
  } catch (thrown) {
    return { seed, failed: thrown instanceof Error ? thrown.message : String(thrown) };
  }
}

/** Plays every `step`-th seed, and tells each on the standard output. */
function work(first: number, end: number, step: number, seconds: number): void {
  const until = performance.now() + seconds * 1000;
  for (let seed = first; seed < end && performance.now() < until; seed += step) {
    process.stdout.write(`${JSON.stringify(playOne(seed))}\n`);
  }
}

function replay(seed: number): boolean {
  const crypto = seed % REAL_EVERY === 0 ? "real" : "cheap";
  const history = new History(seed, { crypto, traced: values.trace });
  try {
    const { marks, ...rest } = history.play();
    console.log(history.story.join("\n"));
    console.log(`${String(marks)}\n${JSON.stringify(rest)}`);
    return true;
  } catch (thrown) {
    if (values.trace) console.log(history.world.trace.join("\n"));
    console.log(history.story.join("\n"));
    console.error(`seed ${seed}:`, thrown);
    return false;
  }
}

class Report {
  readonly marks = new Marks();
  readonly failed: string[] = [];
  seeds = 0;
  faults = 0;
  faultsMin = Number.POSITIVE_INFINITY;
  events = 0;
  readonly #settledMs: number[] = [];

  take(told: Told): void {
    this.seeds += 1;
    if (this.seeds % SAID_EVERY === 0)
      console.error(`${this.seeds} seeds played, ${this.failed.length} failed`);
    if ("failed" in told) {
      this.failed.push(`seed ${told.seed}: ${told.failed}`);
      console.log(this.failed.at(-1));
      return;
    }
    if (told.marks.some(([mark]) => mark === values.mark)) console.log(`seed ${told.seed}`);
    this.marks.add(told.marks);
    this.faults += told.faults;
    this.events += told.events;
    this.faultsMin = Math.min(this.faultsMin, told.faults);
    this.#settledMs.push(told.settledMs);
  }

  /** Prints all, and returns whether all is well. */
  print(seconds: number): boolean {
    const settled = this.#settledMs.toSorted((a, b) => a - b);
    const missing = this.marks.missing(REQUIRED_MARKS);
    console.log(String(this.marks));
    if (missing.length > 0) console.log(`never: ${missing.join("; ")}`);
    const row = {
      figure: "R1",
      seeds: this.seeds,
      failed: this.failed.length,
      faults: this.faults,
      faults_per_seed_min: this.faultsMin,
      events: this.events,
      settled_ms_p99: Math.round(settled[Math.floor(settled.length * 0.99)] ?? 0),
      settled_ms_max: Math.round(settled.at(-1) ?? 0),
      seconds: Math.round(seconds),
    };
    console.log(
      Object.entries(row)
        .map(([key, value]) => `${key}=${value}`)
        .join(" "),
    );
    const isTame = this.seeds >= SEEDS_FOR_ALL_MARKS && missing.length > 0;
    return this.failed.length === 0 && this.seeds > 0 && !isTame;
  }
}

/** Plays all seeds in processes of their own, one a core. */
async function playAll(): Promise<boolean> {
  const started = performance.now();
  const jobs = Number(values.jobs ?? availableParallelism());
  const from = Number(values.from);
  const count = values.seeds ?? (values.seconds === undefined ? "200" : "1000000000");
  const report = new Report();
  const run = async (job: number): Promise<void> => {
    const range = [`--from=${from + job}`, `--seeds=${from + Number(count)}`, `--jobs=${jobs}`];
    const time = values.seconds === undefined ? [] : [`--seconds=${values.seconds}`];
    const child = Bun.spawn(
      [process.execPath, ...process.execArgv, import.meta.path, "--worker", ...range, ...time],
      { stdout: "pipe", stderr: "inherit" },
    );
    for await (const line of linesOf(child.stdout)) {
      report.take(JSON.parse(line) as Told);
      if (values.first && report.failed.length > 0) child.kill();
    }
    const code = await child.exited;
    if (code !== 0 && child.signalCode === null) report.failed.push(`worker ended with ${code}`);
  };
  await Promise.all(Array.from({ length: jobs }, (_, job) => run(job)));
  return report.print((performance.now() - started) / 1000);
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

if (values.worker) {
  work(
    Number(values.from),
    Number(values.seeds),
    Number(values.jobs),
    Number(values.seconds ?? Number.POSITIVE_INFINITY),
  );
} else {
  const isFine = values.seed === undefined ? await playAll() : replay(Number(values.seed));
  process.exitCode = isFine ? 0 : 1;
}
