// How often somebody may do something: so many at once, so many a minute.

import type { Clock, Millis } from "../environment.ts";

/** Counts for each, whom it keeps no longer than others do. */
export function createPace(
  clock: Pick<Clock, "monotonic">,
  { burst, perMinute }: { readonly burst: number; readonly perMinute: number },
) {
  const each = MINUTE / perMinute;
  /** When all that was done would have been done at an even pace. */
  const due = new WeakMap<object, Millis>();
  return {
    /** Milliseconds to wait; 0 where it may be done, which then counts. */
    wait(who: object): Millis {
      const now = clock.monotonic();
      const next = Math.max(due.get(who) ?? 0, now);
      const early = next - (burst - 1) * each;
      if (early > now) return early - now;
      due.set(who, next + each);
      return 0;
    },
  };
}

const MINUTE = 60_000;
