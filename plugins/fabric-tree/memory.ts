// What must survive a restart: pins, and which links are wanted. Written when it has changed, one
// write at a time; a write that fails is logged and tried again after a while.

import { LIMITS } from "chatfusion";
import type { Log, Millis, Store } from "chatfusion";
import type { Pins } from "./pins.ts";
import type { Redial } from "./redial.ts";

interface Kept {
  unsaved: boolean;
  dump(): unknown;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class Memory {
  readonly #store: Store;
  readonly #log: Log;
  readonly #kept: readonly (readonly [key: string, what: Kept])[];
  readonly #now: () => Millis;
  readonly #retime: () => void;
  #writing: Promise<void> | undefined;
  /** The last write has failed: nothing is tried before this time, unless somebody waits for it. */
  #retryAt: Millis = 0;

  constructor(
    store: Store,
    log: Log,
    kept: { readonly pins: Pins; readonly redial: Redial; now(): Millis; retime(): void },
  ) {
    this.#now = () => kept.now();
    this.#retime = () => kept.retime();
    this.#store = store;
    this.#log = log;
    this.#kept = [
      ["pins", kept.pins],
      ["links", kept.redial],
    ];
  }

  /** Reads a value back; undefined if there is none, or if it cannot be read, which is logged. */
  async read(key: "pins" | "links", load: (stored: unknown) => void): Promise<void> {
    const bytes = await this.#store.read(key);
    if (bytes === undefined) return;
    try {
      load(JSON.parse(decoder.decode(bytes)));
    } catch (error) {
      this.#log.error("stored value unreadable; begun anew", { key, error: String(error) });
    }
  }

  /** Begins to write what has changed, unless a write is under way, which then goes on with it. */
  save(): void {
    if (this.#now() >= this.#retryAt) this.#begin();
  }

  /** When `save` has to make up for a write that failed. */
  get dueAt(): Millis {
    const isDue = this.#writing === undefined && this.#hasUnsaved();
    return isDue ? this.#retryAt : Number.POSITIVE_INFINITY;
  }

  /** Resolves when all that has changed so far is written or has failed. */
  async saved(): Promise<void> {
    await this.#writing;
    this.#begin();
    await this.#writing;
  }

  // --- internal ---

  #hasUnsaved(): boolean {
    return this.#kept.some(([, what]) => what.unsaved);
  }

  #begin(): void {
    if (this.#writing !== undefined || !this.#hasUnsaved()) return;
    this.#writing = this.#write().finally(() => {
      this.#writing = undefined;
      this.#retime(); // a write that failed is due again
    });
  }

  async #write(): Promise<void> {
    for (;;) {
      const next = this.#kept.find(([, what]) => what.unsaved);
      if (next === undefined) return;
      const [key, what] = next;
      const bytes = encoder.encode(JSON.stringify(what.dump()));
      try {
        await this.#store.write(key, bytes);
      } catch (error) {
        this.#log.error("not stored", { key, error: String(error) });
        what.unsaved = true;
        this.#retryAt = this.#now() + LIMITS.storeRetryMs;
        return;
      }
    }
  }
}
