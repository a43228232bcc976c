// What is to happen after one and the same time, for many at once: with one timer, which is set
// anew when it is over, not for each of them.

import type { Clock, Millis } from "../environment.ts";

export interface Deadlines<T> {
  /** Calls `expired` with it when the time is over, unless it is removed before. */
  add(one: T): void;
  remove(one: T): void;
  /** Calls nothing any more. */
  close(): void;
}

/** Makes deadlines that are all `ms` from when they are set. */
export function createDeadlines<T>(
  clock: Clock,
  ms: Millis,
  expired: (one: T) => void,
): Deadlines<T> {
  /** In the order in which they are due, with when. */
  const waiting = new Map<T, Millis>();
  let cancel: (() => void) | undefined;

  const arm = () => {
    for (const dueAt of waiting.values()) {
      cancel = clock.after(dueAt - clock.monotonic(), runDue);
      return;
    }
  };
  const runDue = () => {
    cancel = undefined;
    const now = clock.monotonic();
    for (const [one, dueAt] of waiting) {
      if (dueAt > now) break;
      waiting.delete(one);
      expired(one);
    }
    if (cancel === undefined) arm();
  };
  return {
    add(one) {
      waiting.set(one, clock.monotonic() + ms);
      if (cancel === undefined) arm();
    },
    remove: (one) => void waiting.delete(one),
    close() {
      cancel?.();
      cancel = undefined;
      waiting.clear();
    },
  };
}
