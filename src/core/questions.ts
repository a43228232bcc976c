// Questions that look through much: one is asked after the other, so that the history's commits go
// between; whoever has one under way waits for its answer.

import type { Failure } from "../errors.ts";
import { failure } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { LiveSession } from "./session.ts";

export interface Questions {
  /** Asks in its turn. A refusal where the session, or too many others, have no answer yet. */
  ask<T>(session: LiveSession, what: string, run: () => Promise<T>): Promise<T> | Failure;
}

export function createQuestions(): Questions {
  let last: Promise<unknown> = Promise.resolve();
  const asking = new Set<LiveSession>();
  return {
    ask(session, what, run) {
      if (asking.has(session) || asking.size >= LIMITS.searchesWaitingMax) {
        const whose = asking.has(session)
          ? "your last question has"
          : `${asking.size} questions have`;
        return failure("QUEUE_FULL", `${what}: ${whose} no answer yet; try again in a moment`);
      }
      asking.add(session);
      const answer = last.then(run).finally(() => asking.delete(session));
      last = answer.catch(() => undefined); // whoever asked is told
      return answer;
    },
  };
}
