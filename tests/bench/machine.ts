// The machine that a run is made on: which cores are whose, how many files may be open, and what
// stands over the results.

import { readFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem } from "node:os";
import { join } from "node:path";

/** The words before a command that keep it on a core; empty where it is not to be kept. */
export interface Cores {
  readonly server: readonly string[];
  readonly generator: readonly string[];
}

/** Gives servers one core and the generator another one, where there are two, and `taskset`. */
export function cores(): Cores {
  const taskset = Bun.which("taskset");
  const [first, second] = allowedCores();
  if (taskset === null || first === undefined || second === undefined) {
    return { server: [], generator: [] };
  }
  return {
    server: [taskset, "-c", String(second)],
    generator: [taskset, "-c", String(first)],
  };
}

/** Files that a process may have open. */
export function descriptorsMax(): number {
  const limits = readFileSync("/proc/self/limits", "latin1");
  return Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? 1024);
}

/** Where programs are that a system's people don't have in their PATH. */
export function programPath(name: string): string | undefined {
  const PATH = `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin`;
  return Bun.which(name, { PATH }) ?? undefined;
}

/** A port of the loopback that is free now. */
export function freePort(): number {
  const listener = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: { data: () => undefined },
  });
  const { port } = listener;
  listener.stop(true);
  return port;
}

/** What the figures are of. */
export interface Machine {
  readonly date: string;
  readonly chatfusion: string;
  readonly commit: string;
  readonly bun: string;
  readonly system: string;
  readonly processor: string;
  readonly cores: number;
  readonly memoryGb: number;
  /** Processes that wanted a core in the last minute, before the run. */
  readonly load: number;
  readonly pinned: boolean;
}

export async function machine(): Promise<Machine> {
  const cwd = join(import.meta.dir, "../..");
  const { version } = (await Bun.file(join(cwd, "package.json")).json()) as { version: string };
  const git = Bun.which("git");
  const head =
    git === null ? undefined : Bun.spawnSync([git, "rev-parse", "--short", "HEAD"], { cwd });
  const all = cpus();
  return {
    date: new Date().toISOString().slice(0, 16),
    chatfusion: version,
    commit: head?.stdout.toString().trim() ?? "",
    bun: Bun.version,
    system: `Linux ${release()}`,
    processor: all[0]?.model ?? "unknown",
    cores: allowedCores().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    load: Math.round((loadavg()[0] ?? 0) * 10) / 10,
    pinned: cores().server.length > 0,
  };
}

// --- internal ---

/** A list such as "0-2,5". */
function allowedCores(): number[] {
  const status = readFileSync("/proc/self/status", "latin1");
  const list = /^Cpus_allowed_list:\s+(\S+)$/m.exec(status)?.[1] ?? "0";
  return list.split(",").flatMap((range) => {
    const [from = 0, to = from] = range.split("-").map(Number);
    return Array.from({ length: to - from + 1 }, (_, at) => from + at);
  });
}
