// What must survive a restart: pins, and which links are wanted. Written when it has changed, one
// write at a time; a write that fails is logged and made up for by the next one.

import type { Log, Store } from "chatfusion";
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
  #writing: Promise<void> | undefined;

  constructor(store: Store, log: Log, kept: { readonly pins: Pins; readonly redial: Redial }) {
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
    if (this.#writing !== undefined || !this.#kept.some(([, what]) => what.unsaved)) return;
    this.#writing = this.#write().finally(() => {
      this.#writing = undefined;
    });
  }

  /** Resolves when all that has changed so far is written or has failed. */
  async saved(): Promise<void> {
    await this.#writing;
    this.save();
    await this.#writing;
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
        return;
      }
    }
  }
}
