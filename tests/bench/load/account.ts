// What processes have used, as Linux tells it.

import { dlopen, ptr } from "bun:ffi";
import { readFileSync } from "node:fs";

export interface Account {
  /** Of all threads. */
  readonly cpuSeconds: number;
  /** How much of it the kernel's: to a hundredth of a second. */
  readonly kernelSeconds: number;
  readonly residentBytes: number;
  /** The most since the process began. */
  readonly peakBytes: number;
}

/** Adds up some processes. Throws when one of them is gone. */
export function accountOf(pids: readonly number[]): Account {
  let [cpuSeconds, kernelSeconds, residentBytes, peakBytes] = [0, 0, 0, 0];
  for (const pid of pids) {
    cpuSeconds += cpuOf(pid);
    kernelSeconds += kernelOf(readFileSync(`/proc/${pid}/stat`, "latin1"));
    const status = readFileSync(`/proc/${pid}/status`, "latin1");
    residentBytes += kilobytes(status, "VmRSS") * 1024;
    peakBytes += kilobytes(status, "VmHWM") * 1024;
  }
  return { cpuSeconds, kernelSeconds, residentBytes, peakBytes };
}

/** Of this process. */
export function ownCpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

// --- internal ---

const CPUCLOCK_SCHED = 2;
const libc = dlopen("libc.so.6", {
  clock_gettime: { args: ["int", "ptr"], returns: "int" },
});

/**
 * By the clock of its CPU time (clock_getcpuclockid(3)), which goes on counting threads that have
 * ended. /proc has that in hundredths of a second only. Throws when the process is gone.
 */
function cpuOf(pid: number): number {
  const clock = (~pid << 3) | CPUCLOCK_SCHED;
  const time = new BigInt64Array(2);
  if (libc.symbols.clock_gettime(clock, ptr(time)) !== 0) {
    throw new Error(`process ${pid} is gone`);
  }
  const [seconds = 0n, nanos = 0n] = time;
  return Number(seconds) + Number(nanos) / 1e9;
}

/** The 15th field of proc(5), in hundredths; the 2nd is a name in brackets, of any characters. */
const kernelOf = (stat: string): number =>
  Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[12] ?? 0) / 100;

const kilobytes = (status: string, name: string): number =>
  Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1] ?? 0);
