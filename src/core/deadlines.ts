// What is to happen after one and the same time, for many at once: with one timer, which is set
// anew when it is over, not for each of them.

import type { Clock, Millis } from "../environment.ts";

export interface Deadlines {
  /** Calls `run` when the time is over, unless what is returned is called before. */
  after(run: () => void): () => void;
  /** Calls nothing any more. */
  close(): void;
}

/** Makes deadlines that are all `ms` from when they are set. */
export function createDeadlines(clock: Clock, ms: Millis): Deadlines {
  /** In the order in which they are due. */
  const waiting = new Set<{ readonly dueAt: Millis; readonly run: () => void }>();
  let cancel: (() => void) | undefined;

  const arm = () => {
    const [first] = waiting;
    if (first !== undefined) cancel ??= clock.after(first.dueAt - clock.monotonic(), runDue);
  };
  const runDue = () => {
    cancel = undefined;
    const now = clock.monotonic();
    for (const one of waiting) {
      if (one.dueAt > now) break;
      waiting.delete(one);
      one.run();
    }
    arm();
  };
  return {
    after(run) {
      const one = { dueAt: clock.monotonic() + ms, run };
      waiting.add(one);
      if (cancel === undefined) arm();
      return () => void waiting.delete(one);
    },
    close() {
      cancel?.();
      cancel = undefined;
      waiting.clear();
    },
  };
}
