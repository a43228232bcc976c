// When what is set in rooms with an end is over: each server tells so by its own clock, at the
// time that it was set to, without another word of anybody. Read states.ts first.

import type { Clock, Millis } from "../environment.ts";
import { LIMITS } from "../limits.ts";
import type { RoomName } from "../names.ts";

/** Makes a watch over rooms. `over` is called when the time that a room waits for has come. */
export function createEndings(clock: Pick<Clock, "now" | "after">, over: (room: RoomName) => void) {
  const waiting = new Map<RoomName, () => void>();
  const stop = (room: RoomName) => {
    waiting.get(room)?.();
    waiting.delete(room);
  };
  const wait = (room: RoomName, endsAt: Millis) => {
    const leftMs = Math.max(0, endsAt - clock.now());
    const look = () => {
      waiting.delete(room);
      if (clock.now() >= endsAt) over(room);
      else wait(room, endsAt);
    };
    waiting.set(room, clock.after(Math.min(leftMs, LIMITS.endingLookMsMax), look));
  };
  return {
    /** A room waits for this time, and for no other one; for none where it is infinite. */
    set(room: RoomName, endsAt: Millis): void {
      stop(room);
      if (Number.isFinite(endsAt)) wait(room, endsAt);
    },
    close(): void {
      for (const room of waiting.keys()) stop(room);
    },
  };
}
