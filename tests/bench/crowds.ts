// People who are there and say nothing while something else is measured: a process of their own.

import { join } from "node:path";
import type { Idle, Job, Target } from "./load/job.ts";

const GENERATOR = join(import.meta.dir, "load/main.ts");
/** Longer than any run that needs them: whoever lets them in sends them home. */
const STAY_MS = 3_600_000;

export interface CrowdProgram {
  /** Rejects with why they are gone. */
  readonly left: Promise<never>;
  /** Sends all of them home. */
  stop(): void;
}

/** Lets people come in at a server; their nicks begin with `prefix`, and five digits follow. */
export function crowdAt(
  { name, pid, port }: Target,
  prefix: string,
  load: Omit<Idle, "kind" | "measureMs">,
): CrowdProgram {
  const job: Job = {
    protocol: "native",
    servers: [{ name, pid, port }],
    prefix,
    load: { ...load, kind: "idle", measureMs: STAY_MS },
  };
  const words = [process.execPath, GENERATOR, JSON.stringify(job)];
  const crowd = Bun.spawn(words, { stdin: "ignore", stdout: "pipe", stderr: "inherit" });
  const leave = () => crowd.kill("SIGKILL");
  process.on("exit", leave);
  const left = crowd.stdout.text().then((text) => Promise.reject(new Error(text.trim())));
  left.catch(() => undefined); // whoever awaits the race hears of it
  return {
    left,
    stop() {
      process.off("exit", leave);
      leave();
    },
  };
}
