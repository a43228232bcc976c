// Something small for each account, in memory and on the disk: lines of JSON, spread over some
// values of the store, of which a change writes one. What comes while one is being written is
// written with the next one.
// Invariants: 1. A value that could not be read is not written over. 2. Accounts are bounded.

import * as v from "valibot";
import type { Bytes, Environment, Millis } from "../environment.ts";
import type { Failure } from "../errors.ts";
import { failure } from "../errors.ts";
import { LIMITS } from "../limits.ts";

export interface ShelvesOptions<T> {
  readonly environment: Pick<Environment, "clock" | "crypto" | "log" | "store">;
  /** The values are called `name-00`, `name-01`, … */
  readonly name: string;
  readonly shape: v.GenericSchema<unknown, T>;
  /** How long a change may wait for others before it is written. */
  readonly waitMs: Millis;
}

export interface Shelves<T> {
  /** Reads what earlier lives kept; once. */
  load(): Promise<void>;
  get(account: string): T | undefined;
  /**
   * Keeps a value, or none. Resolves when it is on the disk; to a refusal when it is not, and then
   * it is tried again. Never rejects.
   */
  put(account: string, value: T | undefined): Promise<Failure | undefined>;
  /** Writes what waits; resolves when all is written that can be. */
  idle(): Promise<void>;
  close(): void;
}

interface Shelf<T> {
  readonly key: string;
  readonly values: Map<string, T>;
  isShut: boolean;
  waiting: ((refused: Failure | undefined) => void)[];
}

export function createShelves<T>(options: ShelvesOptions<T>): Shelves<T> {
  const { clock, crypto, log, store } = options.environment;
  const shelves = Array.from({ length: LIMITS.accountShelves }, (_, i): Shelf<T> => {
    const key = `${options.name}-${i.toString(16).padStart(2, "0")}`;
    return { key, values: new Map(), isShut: false, waiting: [] };
  });
  const Line = v.object({ account: v.string(), value: options.shape });
  const changed = new Set<Shelf<T>>();
  let count = 0;
  let cancel: (() => void) | undefined;
  let isWriting = false;
  let written = Promise.resolve();

  const shelfOf = (account: string): Shelf<T> => {
    const [byte = 0] = crypto.sha256(encoder.encode(account));
    return shelves[byte % shelves.length] as Shelf<T>; // within bounds
  };
  const later = (ms: Millis) => {
    cancel ??= clock.after(ms, () => {
      cancel = undefined;
      write();
    });
  };
  const writeOne = async (shelf: Shelf<T>): Promise<void> => {
    const waiting = shelf.waiting.splice(0);
    const lines = [...shelf.values].map(([account, value]) => JSON.stringify({ account, value }));
    let refused: Failure | undefined;
    try {
      await store.write(shelf.key, encoder.encode(lines.join("\n")));
    } catch (thrown) {
      log.error("not stored", { key: shelf.key, error: String(thrown) });
      refused = failure("INTERNAL", "it holds for now, but could not be kept on the disk yet");
      changed.add(shelf);
      later(LIMITS.storeRetryMs);
    }
    for (const tell of waiting) tell(refused);
  };
  const writeAll = async () => {
    const now = [...changed];
    changed.clear();
    for (const shelf of now) await writeOne(shelf);
    isWriting = false;
    if (changed.size > 0) later(options.waitMs);
  };
  const write = () => {
    if (isWriting || changed.size === 0) return;
    isWriting = true;
    written = writeAll();
  };

  return {
    async load() {
      for (const shelf of shelves) {
        try {
          for (const [account, value] of readLines(await store.read(shelf.key), Line))
            shelf.values.set(account, value);
          count += shelf.values.size;
        } catch (thrown) {
          log.error("not read", { key: shelf.key, error: String(thrown) });
          shelf.isShut = true;
        }
      }
    },
    get: (account) => shelfOf(account).values.get(account),
    put(account, value) {
      const shelf = shelfOf(account);
      const text = `what is kept for accounts`;
      if (shelf.isShut)
        return Promise.resolve(failure("INTERNAL", `${text} cannot be read: see the log`));
      const isNew = !shelf.values.has(account);
      if (isNew && value === undefined) return Promise.resolve(undefined);
      if (isNew && count >= LIMITS.accountsKeptMax)
        return Promise.resolve(failure("QUEUE_FULL", `${text} is full: ${count} have something`));
      if (value === undefined) shelf.values.delete(account);
      else shelf.values.set(account, value);
      if (isNew) count++;
      if (value === undefined) count--;
      changed.add(shelf);
      const done = new Promise<Failure | undefined>((resolve) => shelf.waiting.push(resolve));
      if (options.waitMs === 0) write();
      else later(options.waitMs);
      return done;
    },
    async idle() {
      await written;
      write();
      await written;
    },
    close: () => cancel?.(),
  };
}

// --- internal -----------------------------------------------------------------------------------

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** Throws for what is none: it stays as it is, for a person to look at. */
function readLines<T>(
  bytes: Bytes | undefined,
  shape: v.GenericSchema<unknown, { account: string; value: T }>,
): readonly (readonly [string, T])[] {
  const lines = decoder.decode(bytes).split("\n").filter(Boolean);
  return lines.map((line) => {
    const { account, value } = v.parse(shape, JSON.parse(line));
    return [account, value] as const;
  });
}
