// Slow mode: who spoke when in rooms that have it. Where somebody sits, the wait is exact; of other
// servers' people some messages may come at once, as they waited on the way, but no more in the
// long run. What was said while a server was cut off has been slow there.

import type { Clock, Millis } from "../environment.ts";
import { LIMITS } from "../limits.ts";
import type { RoomName } from "../names.ts";

export function createSlowMode(clock: Pick<Clock, "monotonic">) {
  /** By room and who: when the next message may come, had all been said in time. */
  const due = new Map<string, Millis>();
  const set = (key: string, at: Millis) => {
    due.delete(key);
    due.set(key, at);
    const [oldest = ""] = due.keys();
    if (due.size > LIMITS.slowSpeakersMax) due.delete(oldest);
  };
  return {
    /** Milliseconds to wait; 0 where the message may come, which then counts. */
    wait(room: RoomName, who: string, seconds: number, burst = 1): Millis {
      const key = `${room} ${who}`;
      const now = clock.monotonic();
      const next = due.get(key) ?? now;
      const early = next - (burst - 1) * seconds * SECOND;
      if (early > now) return early - now;
      set(key, Math.max(next, now) + seconds * SECOND);
      return 0;
    },
  };
}

const SECOND = 1000;
