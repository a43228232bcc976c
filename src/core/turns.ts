// What other servers ask for and is much work, done one after the other: one piece of a server,
// then one of the next. Of what a server asks for again before it was done, the last counts: so it
// keeps busy nobody but itself, and one piece of it is in memory.

import type { Clock, Log } from "../environment.ts";
import type { Sid } from "../names.ts";

interface TurnsOptions {
  readonly clock: Pick<Clock, "soon">;
  readonly log: Log;
}

export function createTurns({ clock, log }: TurnsOptions) {
  /** Whose turn it is stands first. */
  const waiting = new Map<Sid, Map<string, () => Promise<void>>>();
  let isRunning = false;
  const next = () => {
    const [turn] = waiting;
    const [piece] = turn?.[1] ?? [];
    isRunning = turn !== undefined && piece !== undefined;
    if (turn === undefined || piece === undefined) return;
    const [sid, pieces] = turn;
    const [what, work] = piece;
    waiting.delete(sid);
    pieces.delete(what);
    if (pieces.size > 0) waiting.set(sid, pieces); // behind the others
    work()
      .catch((thrown: unknown) => log.error("back-fill failed", { what, error: String(thrown) }))
      .finally(() => clock.soon(next));
  };
  return {
    add(sid: Sid, what: string, work: () => Promise<void>): void {
      const pieces = waiting.get(sid) ?? new Map<string, () => Promise<void>>();
      waiting.set(sid, pieces.set(what, work));
      if (!isRunning) next();
    },
    /** Forgets what waits. */
    close(): void {
      waiting.clear();
    },
  };
}
