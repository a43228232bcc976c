// The clock of one life of a simulated server: the world's time, which the server's own wall clock
// may show wrongly. After that life nothing that it waited for happens.

import type { Clock, Millis } from "../environment.ts";
import type { Agenda } from "./agenda.ts";

export interface SimClockOptions {
  readonly agenda: Agenda;
  /** Stands in the trace. */
  readonly name: string;
  readonly alive: () => boolean;
  /** What the wall clock shows when the world begins. */
  readonly epoch: () => Millis;
}

/** Makes a clock. */
export function createSimClock({ agenda, name, alive, epoch }: SimClockOptions): Clock {
  const plan = (ms: Millis, what: string, run: () => void): (() => void) =>
    agenda.after(ms, what, () => {
      if (alive()) run();
    });
  return {
    now: () => epoch() + Math.floor(agenda.now),
    monotonic: () => agenda.now,
    after: (ms, run) => plan(ms, `${name} timer`, run),
    soon: (run) => void plan(0, `${name} soon`, run),
  };
}
