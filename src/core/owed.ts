// Work that failed, as the disk refused or too much waited, and is tried again after a while. It is
// bounded, and ends with the server: what is left then is found again at the next start.

import type { Clock } from "../environment.ts";
import { LIMITS } from "../limits.ts";

/** Tries again up to `max` pieces of work at a time; others are passed over. */
export function createOwed({ after }: Pick<Clock, "after">, max: number) {
  let owed: (() => void)[] = [];
  let cancel: (() => void) | undefined;
  let isClosed = false;
  const run = () => {
    const due = owed;
    owed = [];
    cancel = undefined;
    for (const again of due) again();
  };
  return {
    /** Runs it once, later; it may add itself again. */
    add(again: () => void): void {
      if (isClosed || owed.length >= max) return;
      owed.push(again);
      cancel ??= after(LIMITS.storeRetryMs, run);
    },
    /** Nothing more is run. */
    close(): void {
      isClosed = true;
      cancel?.();
    },
  };
}
