// What processes have used, as Linux tells it under /proc.

import { readdirSync, readFileSync } from "node:fs";

export interface Account {
  /** Of all threads. */
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  /** The most since the process began. */
  readonly peakBytes: number;
}

/** Adds up some processes. Throws when one of them is gone. */
export function accountOf(pids: readonly number[]): Account {
  let [cpuSeconds, residentBytes, peakBytes] = [0, 0, 0];
  for (const pid of pids) {
    cpuSeconds += cpuOf(pid);
    const status = readFileSync(`/proc/${pid}/status`, "latin1");
    residentBytes += kilobytes(status, "VmRSS") * 1024;
    peakBytes += kilobytes(status, "VmHWM") * 1024;
  }
  return { cpuSeconds, residentBytes, peakBytes };
}

/** Of this process. */
export function ownCpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

// --- internal ---

/** The scheduler's own count in ns; `stat` counts in hundredths of a second. */
function cpuOf(pid: number): number {
  const folder = `/proc/${pid}/task`;
  let nanos = 0;
  for (const thread of readdirSync(folder)) {
    nanos += Number(readThread(`${folder}/${thread}/schedstat`).split(" ")[0]);
  }
  return nanos / 1e9;
}

/** A thread may end between being listed and being read. */
function readThread(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "ESRCH") return "0";
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return "0";
    throw thrown;
  }
}

const kilobytes = (status: string, name: string): number =>
  Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1] ?? 0);
