// Questions that look through much. Of the history: one is asked after the other, so that commits
// go between; whoever has one under way waits for its answer. Of what is in memory: some at a time.

import type { Clock, MaybePromise } from "../environment.ts";
import type { Failure } from "../errors.ts";
import { failure, failureOf } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { LiveSession } from "./session.ts";
import type { Outcome } from "./session-host.ts";

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

/**
 * Wraps what answers questions that are cheap to ask and dear to answer, each about many people or
 * rooms. Some of a session are answered at once, however fast they come; then others have their
 * turn, and what else the session asks waits.
 */
export function createTurns(clock: Pick<Clock, "soon">) {
  /** How many each has asked in this turn of the loop. */
  let asked = new Map<LiveSession, number>();
  let next: Promise<void> | undefined;
  const nextTurn = () =>
    new Promise<void>((begin) =>
      clock.soon(() => {
        asked = new Map();
        next = undefined;
        begin();
      }),
    );
  return <A>(run: (session: LiveSession, ask: A) => MaybePromise<Outcome>) =>
    (session: LiveSession, ask: A): MaybePromise<Outcome> => {
      next ??= nextTurn();
      const count = (asked.get(session) ?? 0) + 1;
      asked.set(session, count);
      if (count <= LIMITS.questionsPerTurnMax) return run(session, ask);
      return next.then(() => run(session, ask)).catch(failureOf);
    };
}
