// Whose turn it is in a tick: sessions with answers in their place first, before rooms say what
// comes behind; the others when the rooms' batches have been handed out.

import type { LiveSession } from "./session.ts";
import type { Behind } from "./session-host.ts";
import type { Tick } from "./tick.ts";

export function createSettling(tick: Tick<LiveSession>) {
  const waiting = new Set<LiveSession>();
  const placed = new Set<LiveSession>();
  tick.first(() => {
    for (const session of placed) {
      placed.delete(session);
      session.settlePlaced();
    }
  });
  tick.answers(() => {
    for (const session of Array.from(waiting)) if (!session.settle()) waiting.delete(session);
  });
  return {
    /** The session has something that waits, and stands behind so much. */
    waiting(session: LiveSession, behind: Behind): void {
      waiting.add(session);
      if (behind === "nothing") tick.scheduleSmall();
      else if (behind === "rooms") tick.scheduleRested();
      else tick.schedule();
    },
    /** The session has an answer that stands before what rooms will say. */
    placed(session: LiveSession): void {
      placed.add(session);
      tick.scheduleSmall();
    },
    ended(session: LiveSession): void {
      waiting.delete(session);
      placed.delete(session);
    },
  };
}
