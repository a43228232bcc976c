// What is to happen at a time by the clock of the day, which may be set meanwhile.

import type { Clock, Millis } from "../environment.ts";
import { LIMITS } from "../limits.ts";

/**
 * Runs something when it is so late, or LIMITS.endingLookMsMax later where the clock was set ahead;
 * never where the time is infinite. Returns what calls it off.
 */
export function atTime(
  clock: Pick<Clock, "now" | "after">,
  at: Millis,
  run: () => void,
): () => void {
  let cancel = () => {};
  const wait = () => {
    const leftMs = Math.max(0, at - clock.now());
    cancel = clock.after(Math.min(leftMs, LIMITS.endingLookMsMax), () => {
      if (clock.now() < at) wait();
      else run();
    });
  };
  if (Number.isFinite(at)) wait();
  return () => cancel();
}
