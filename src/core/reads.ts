// What sessions read of what is kept: of each one thing at a time, of all so many, by turns. So
// whoever asks for much waits for himself, and the disk has room for what other servers lack.

import type { Failure } from "../errors.ts";
import { failure } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { LiveSession } from "./session.ts";

export interface Reads {
  /** Reads in its turn, unless the session has ended by then. Refused where too much waits. */
  ask<T>(session: LiveSession, read: () => Promise<T>): Promise<T | Failure> | Failure;
}

export function createReads(): Reads {
  /** What a session wants to be read behind what is read for it now; an entry as long as that. */
  const queues = new Map<LiveSession, ((done: () => void) => void)[]>();
  /** Those of them for whom nothing is read now, whose turn it is first. */
  const ready = new Set<LiveSession>();
  let reading = 0;

  const goOn = () => {
    for (const session of ready) {
      if (reading >= LIMITS.readsAtOnceMax) return;
      ready.delete(session);
      reading++;
      queues.get(session)?.shift()?.(() => {
        reading--;
        if (queues.get(session)?.length === 0) queues.delete(session);
        else ready.add(session); // behind the others
        goOn();
      });
    }
  };
  return {
    ask<T>(session: LiveSession, read: () => Promise<T>) {
      const queue = queues.get(session) ?? [];
      if (queue.length >= LIMITS.requestsInFlightMax)
        return failure("QUEUE_FULL", `${queue.length} of your questions have no answer yet`);
      const { promise, resolve, reject } = Promise.withResolvers<T | Failure>();
      queue.push((done) => {
        const isOver = session.phase === "ended"; // nobody waits for it any more
        (isOver ? Promise.resolve(OVER) : read()).finally(done).then(resolve, reject);
      });
      if (!queues.has(session)) {
        queues.set(session, queue);
        ready.add(session);
      }
      goOn();
      return promise;
    },
  };
}

// --- internal -----------------------------------------------------------------------------------

const OVER = failure("CANNOT_CONNECT", "the session has ended");
