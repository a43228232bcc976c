// Writes values of the store that change often: one at a time, each with all that has changed by
// then; what a full disk did not take is written again later.

import type { Bytes, Environment } from "../environment.ts";
import { LIMITS } from "../limits.ts";

/** `begin` says what to write now; `end` hears how that went, with what `begin` returned. */
export interface ShelfWriting<S, W> {
  /** What the shelves hold, for the server's own log. */
  readonly name: string;
  begin(shelf: S): W;
  end(shelf: S, written: W, thrown: unknown): void;
}

export interface ShelfWriter<S> {
  changed(shelf: S): void;
  /** Resolves when all that can be is written. */
  idle(): Promise<void>;
  /** Writes no more what a full disk did not take. */
  close(): void;
}

export function createShelfWriter<S, W extends { readonly key: string; readonly bytes: Bytes }>(
  { clock, log, store }: Pick<Environment, "clock" | "log" | "store">,
  { name, begin, end }: ShelfWriting<S, W>,
): ShelfWriter<S> {
  /** In the order in which they are written; one that changes while it is written stands last. */
  const changed = new Set<S>();
  const failed = new Set<S>();
  let cancelRetry: (() => void) | undefined;
  let isWriting = false;
  let written = Promise.resolve();

  const retryLater = () => {
    cancelRetry ??= clock.after(LIMITS.storeRetryMs, () => {
      cancelRetry = undefined;
      for (const shelf of failed) changed.add(shelf);
      failed.clear();
      write();
    });
  };
  const writeAll = async () => {
    for (const shelf of changed) {
      changed.delete(shelf);
      const now = begin(shelf);
      let fault: unknown;
      try {
        await store.write(now.key, now.bytes);
      } catch (thrown) {
        fault = thrown ?? "unknown";
        log.error(`${name} not written`, { key: now.key, error: String(thrown) });
        failed.add(shelf);
        retryLater();
      }
      end(shelf, now, fault);
    }
    isWriting = false;
  };
  const write = () => {
    if (isWriting || changed.size === 0) return;
    isWriting = true;
    written = writeAll();
  };
  return {
    changed(shelf: S): void {
      changed.add(shelf);
      write();
    },
    idle: () => written,
    close: () => cancelRetry?.(),
  };
}
