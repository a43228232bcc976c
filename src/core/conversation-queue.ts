// Private messages on their way to the history that keeps them: behind what is delivered, and as
// many at once as came while the disk was busy. See conversations.ts.
// Invariants: 1. At most one `keep` runs, and what comes meanwhile is written by the next one.
// 2. What was dropped is not written later.

import type { Clock, Log } from "../environment.ts";
import { LIMITS } from "../limits.ts";
import type { Conversations, KeptMessage } from "../plugin/history.ts";

export interface ConversationQueue {
  keep(one: KeptMessage): void;
  /** Resolves when all that was told until now is written that can be, whatever comes then. */
  caughtUp(): Promise<void>;
  /** What a full disk has not taken. */
  waiting(): readonly KeptMessage[];
  /** These are not to be kept. */
  drop(isMeant: (one: KeptMessage) => boolean): void;
  close(): void;
}

export function createConversationQueue(
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  store: () => Conversations | undefined,
): ConversationQueue {
  let waiting: KeptMessage[] = [];
  let waitingBytes = 0;
  let lost = 0;
  let isWriting = false;
  /** The write that runs, and the one that takes what waits. */
  let running = Promise.withResolvers<void>();
  let next = Promise.withResolvers<void>();
  let cancelRetry: (() => void) | undefined;

  const replace = (rows: KeptMessage[]): void => {
    waiting = rows;
    waitingBytes = rows.reduce((sum, row) => sum + bytesOf(row), 0);
  };
  const writeAll = async (to: Conversations): Promise<void> => {
    while (waiting.length > 0 && cancelRetry === undefined) {
      const rows = waiting;
      replace([]);
      running = next;
      next = Promise.withResolvers();
      try {
        await to.keep(rows);
      } catch (thrown) {
        replace([...rows, ...waiting]);
        log.error("conversations not kept", { messages: rows.length, error: thrown });
        cancelRetry = clock.after(LIMITS.storeRetryMs, () => {
          cancelRetry = undefined;
          write();
        });
      }
      running.resolve();
    }
    isWriting = false;
    next.resolve();
    next = Promise.withResolvers();
  };
  const write = (): void => {
    const to = store();
    if (isWriting || cancelRetry !== undefined || waiting.length === 0) return;
    if (to === undefined) return;
    isWriting = true;
    writeAll(to).catch((error: unknown) => log.error("conversations not kept", { error }));
  };
  return {
    keep(one) {
      if (store() === undefined) return;
      const bytes = bytesOf(one);
      if (waitingBytes + bytes <= LIMITS.conversationsQueueBytesMax) {
        waiting.push(one);
        waitingBytes += bytes;
        return write();
      }
      lost++;
      const isTold = (lost & (lost - 1)) === 0; // the first, the second, the fourth …
      if (isTold) log.error("conversations lost", { messages: lost });
    },
    caughtUp() {
      if (!isWriting) return Promise.resolve();
      return waiting.length > 0 ? next.promise : running.promise;
    },
    waiting: () => waiting,
    drop: (isMeant) => replace(waiting.filter((one) => !isMeant(one))),
    close: () => cancelRetry?.(),
  };
}

// --- internal -----------------------------------------------------------------------------------

/** A row's names, ids and times, roughly. */
const ROW_BYTES = 256;

const bytesOf = ({ message }: KeptMessage): number => Buffer.byteLength(message.text) + ROW_BYTES;
