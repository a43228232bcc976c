// The clock of one life of a simulated server: the world's time, which the server's own wall clock
// may show wrongly. After that life nothing that it waited for happens.

import type { Clock, Millis } from "../environment.ts";
import type { Agenda, Cancel } from "./agenda.ts";

export interface SimClockOptions {
  readonly agenda: Agenda;
  /** Stands in the trace. */
  readonly name: string;
  readonly alive: () => boolean;
  /** What the wall clock shows when the world begins. */
  readonly epoch: () => Millis;
}

/** Makes a clock, and what ends it with its server's life. */
export function createSimClock({ agenda, name, alive, epoch }: SimClockOptions) {
  const timer = `${name} timer`;
  const soon = `${name} soon`;
  const waiting = new Set<Cancel>();
  const clock: Clock = {
    now: () => Math.floor(epoch() + agenda.now),
    monotonic: () => agenda.now,
    after(ms, run) {
      const cancelled = agenda.after(ms, timer, () => {
        waiting.delete(cancel);
        run();
      });
      const cancel = () => {
        waiting.delete(cancel);
        cancelled();
      };
      waiting.add(cancel);
      return cancel;
    },
    soon(run) {
      agenda.after(0, soon, () => {
        if (alive()) run();
      });
    },
  };
  const end = () => {
    for (const cancel of waiting) cancel();
  };
  return { clock, end, waiting };
}
