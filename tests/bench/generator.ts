// Runs the load generator on servers that run, as a process of its own.

import { join } from "node:path";
import type { Answer, Job } from "./load/job.ts";
import type { Cores } from "./machine.ts";
import type { Pace, Scenario } from "./scenarios.ts";
import type { Running, Subject } from "./subjects.ts";

const MAIN = join(import.meta.dir, "load/main.ts");

/** Of a file, what comes first and is not measured. */
const RAMP_SHARE = 1 / 4;

/** Runs with the same prefix would meet each other's people. */
let runs = 0;

/** Generates a scenario's load once. Never rejects for what a server does. */
export async function generate(
  { servers, load }: Pick<Scenario, "servers" | "load">,
  subject: Subject,
  running: Running,
  pace: Omit<Pace, "idleClients" | "repetitions" | "repeatMsMax" | "msMax">,
  cores: Cores,
): Promise<Answer> {
  const prefix = `r${runs++ % 1000}n`;
  const job: Job = {
    protocol: subject.protocol,
    // A relay has two ports.
    servers: subject.protocol === "raw" ? running.targets : running.targets.slice(0, servers),
    prefix,
    ...(subject.enteringMax === undefined ? {} : { enteringMax: subject.enteringMax }),
    load: loadOf(load, subject, pace),
  };
  const child = Bun.spawn([...cores.generator, process.execPath, MAIN, JSON.stringify(job)], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [told, errors, code] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  if (code === 0) return JSON.parse(told) as Answer; // load/main.ts has written it
  return { kind: "failed", why: `the generator ended with ${code}: ${errors.slice(-300)}` };
}

// --- internal ---

/** The load, with how long or how large it is. */
function loadOf(
  load: Scenario["load"],
  { acks }: Subject,
  pace: Parameters<typeof generate>[3],
): Job["load"] {
  const { rampMs, measureMs, drainMs, idleMs, fileBytes } = pace;
  if (load.kind === "idle") return { ...load, measureMs: idleMs };
  if (load.kind === "file") {
    return { ...load, bytes: fileBytes, rampBytes: Math.floor(fileBytes * RAMP_SHARE) };
  }
  return { ...load, acks, rampMs, measureMs, drainMs };
}
