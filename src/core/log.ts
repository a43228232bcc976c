// What was said, on its way to the history: the batches of the ticks that came while a commit was
// running are one commit. Deliveries don't wait for it, acknowledgements do.
// Invariants: 1. At most one `append` runs. 2. Commits settle in their numbers' order. 3. A commit
// that something is promised to does not begin without it.

import type { Log } from "../environment.ts";
import { LIMITS } from "../limits.ts";
import type { Batch, History } from "../plugin/history.ts";
import type { MessageEntry } from "../protocol/messages.ts";

export interface MessageLog {
  /** Adds batches; returns the number of the commit that will hold them, 0 without a history. */
  add(batch: Batch): number;
  /** Whether there is a history: without one nothing is kept. */
  readonly keeps: boolean;
  /**
   * Something is said that will be in a batch of this tick: returns the number of the commit that
   * will hold it, 0 without a history. That commit waits for the tick's `flush`.
   */
  promise(): number;
  /** Too much waits for the disk: nothing more is taken for now. */
  readonly full: boolean;
  /** Resolves when all that was added so far has settled. */
  caughtUp(): Promise<void>;
  /** All that was promised is added: begins a commit if one is due; the tick's. */
  flush(): void;
  /** All commits up to this number have settled. */
  readonly settled: number;
  /** This commit failed: what it held is not durable. */
  failed(commit: number): boolean;
  /** Resolves when nothing waits; `tick` works off what was said. */
  idle(tick: () => void): Promise<void>;
}

export function createMessageLog(options: {
  readonly history: () => History | undefined;
  readonly log: Log;
  /** Messages are durable, or with no history, were said. */
  logged(messages: readonly MessageEntry[]): void;
  /** A commit has settled: answers may be due. */
  changed(): void;
}): MessageLog {
  let waiting: Batch[] = [];
  let waitingBytes = 0;
  let next = 1;
  let settled = 0;
  let isPromised = false;
  let running: Promise<void> | undefined;
  const failures = new Set<number>();
  let followers: { readonly commit: number; readonly resolve: () => void }[] = [];

  const settle = (commit: number, batches: readonly Batch[], thrown: unknown) => {
    settled = commit;
    running = undefined;
    if (thrown === undefined) {
      for (const batch of batches) options.logged(heardOf(batch.messages));
    } else {
      failures.add(commit);
      if (failures.size > LIMITS.logFailuresMax)
        failures.delete(failures.values().next().value ?? 0);
      options.log.error("log failed", {
        commit,
        error: thrown instanceof Error ? thrown.message : thrown,
      });
    }
    for (const { resolve } of followers.filter((one) => one.commit <= commit)) resolve();
    followers = followers.filter((one) => one.commit > commit);
    options.changed();
    begin(); // what came meanwhile
  };
  const begin = () => {
    const history = options.history();
    if (running !== undefined || waiting.length === 0 || isPromised) return;
    const batches = waiting;
    waiting = [];
    waitingBytes = 0;
    if (history === undefined) {
      for (const batch of batches) options.logged(heardOf(batch.messages));
      return;
    }
    const commit = next++;
    let result: void | Promise<void>;
    try {
      result = history.append(batches);
    } catch (thrown) {
      return settle(commit, batches, thrown);
    }
    if (!(result instanceof Promise)) return settle(commit, batches, undefined);
    running = result.then(
      () => settle(commit, batches, undefined),
      (thrown: unknown) => settle(commit, batches, thrown ?? "unknown"),
    );
  };

  return {
    get keeps() {
      return options.history() !== undefined;
    },
    promise() {
      if (options.history() === undefined) return 0;
      isPromised = true;
      return next;
    },
    get settled() {
      return settled;
    },
    get full() {
      return waitingBytes > LIMITS.logQueueBytesMax;
    },
    add(batch) {
      waiting.push(batch);
      waitingBytes += batch.bytes.length;
      return options.history() === undefined ? 0 : next;
    },
    flush() {
      isPromised = false;
      begin();
    },
    caughtUp() {
      begin();
      const commit = waiting.length > 0 || isPromised ? next : next - 1;
      if (commit <= settled) return Promise.resolve();
      return new Promise((resolve) => followers.push({ commit, resolve }));
    },
    failed: (commit) => failures.has(commit),
    async idle(tick) {
      // By the tick: an answer waits for the commit that its own tick begins.
      tick();
      if (running === undefined) return;
      await running;
      return this.idle(tick); // what came meanwhile
    },
  };
}

// --- internal -----------------------------------------------------------------------------------

/** Without those whose authors might not speak: nobody is told of them. */
const heardOf = (messages: readonly MessageEntry[]): readonly MessageEntry[] =>
  messages.some(({ hidden }) => hidden) ? messages.filter(({ hidden }) => !hidden) : messages;
