// What is in force in the rooms that somebody is in, as it was worked out last; and when that is to
// be done again, as a ban or a mute has ended: each server finds so by its own clock, at the time
// that was set, without another word of anybody. Read states.ts first.

import type { Clock } from "../environment.ts";
import type { RoomName } from "../names.ts";
import { atTime } from "./at-time.ts";
import type { RoomState } from "./room-state.ts";

/** `ended` is called when something in a room's state has ended. */
export function createKnownStates(
  clock: Pick<Clock, "now" | "after">,
  ended: (room: RoomName) => void,
) {
  const states = new Map<RoomName, RoomState>();
  const waiting = new Map<RoomName, () => void>();
  const stop = (room: RoomName) => {
    waiting.get(room)?.();
    waiting.delete(room);
  };
  return {
    get: (room: RoomName): RoomState | undefined => states.get(room),
    /** Takes it, and returns it. */
    put(room: RoomName, state: RoomState): RoomState {
      states.set(room, state);
      stop(room);
      waiting.set(
        room,
        atTime(clock, state.endsAt, () => ended(room)),
      );
      return state;
    },
    delete(room: RoomName): void {
      states.delete(room);
      stop(room);
    },
    /** Waits for no end any more. */
    close(): void {
      for (const room of waiting.keys()) stop(room);
    },
  };
}
