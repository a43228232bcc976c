// Slow mode: who spoke when in rooms that have it. Where somebody sits, the wait is exact; of other
// servers' people some messages may come at once, as they waited on the way, but no more in the
// long run. What was said while a server was cut off has been slow there.

import type { Clock, Millis } from "../environment.ts";
import { LIMITS } from "../limits.ts";
import type { RoomName } from "../names.ts";

export function createSlowMode(clock: Pick<Clock, "monotonic">) {
  /** By room and who: when the next message may come, had all been said in time. */
  const due = new Map<string, Wait>();
  const set = (key: string, at: Millis, seconds: number) => {
    due.delete(key);
    due.set(key, { at, seconds });
    const [oldest = ""] = due.keys();
    if (due.size > LIMITS.slowSpeakersMax) due.delete(oldest);
  };
  return {
    /** Milliseconds to wait; 0 where the message may come, which then counts. */
    wait(room: RoomName, who: string, seconds: number, burst = 1): Millis {
      const key = `${room} ${who}`;
      const now = clock.monotonic();
      const next = endOf(due.get(key), seconds, now);
      const early = next - (burst - 1) * seconds * SECOND;
      if (early > now) return early - now;
      set(key, Math.max(next, now) + seconds * SECOND, seconds);
      return 0;
    },
    /** What was to count was not said after all. */
    spare(room: RoomName, who: string): void {
      const key = `${room} ${who}`;
      const known = due.get(key);
      if (known !== undefined) set(key, known.at - known.seconds * SECOND, known.seconds);
    },
  };
}

// --- internal -----------------------------------------------------------------------------------

interface Wait {
  readonly at: Millis;
  /** The mode's, when it began. */
  readonly seconds: number;
}

const SECOND = 1000;

/** When a wait ends: where the mode was set anew meanwhile, as long after its begin as now. */
function endOf(wait: Wait | undefined, seconds: number, now: Millis): Millis {
  if (wait === undefined || wait.seconds === seconds) return wait?.at ?? now;
  return Math.min(wait.at - wait.seconds * SECOND, now) + seconds * SECOND;
}
