// How often somebody may do something: so many at once, so many a minute.

import type { Clock, Millis } from "../environment.ts";
import type { Failure } from "../errors.ts";
import { failure } from "../errors.ts";

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

/** The same, as a refusal: "too many WHAT". */
export function createBound(
  clock: Pick<Clock, "monotonic">,
  { what, ...rate }: { readonly what: string; readonly burst: number; readonly perMinute: number },
) {
  const pace = createPace(clock, rate);
  return (who: object): Failure | undefined => {
    const waitMs = pace.wait(who);
    if (waitMs === 0) return undefined;
    return failure("RATE_LIMITED", `too many ${what}; wait ${Math.ceil(waitMs / 1000)} s`);
  };
}

// --- internal -----------------------------------------------------------------------------------

const MINUTE = 60_000;
