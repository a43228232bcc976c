// The last messages of a server without a history, so that they can be named all the same. Bounded;
// the oldest go first.

import { LIMITS } from "../limits.ts";
import type { MessageEntry } from "../protocol/messages.ts";

export class Spoken {
  #last: MessageEntry[] = [];
  /** Where the next one goes: once all places are taken, the oldest stands there. */
  #next = 0;

  put(entry: MessageEntry): void {
    this.#last[this.#next] = entry;
    this.#next = (this.#next + 1) % LIMITS.spokenMax;
  }

  /** Those that fit, in no order. */
  find(fits: (entry: MessageEntry) => boolean): readonly MessageEntry[] {
    return this.#last.filter(fits);
  }

  /** Forgets those that fit. */
  forget(fits: (entry: MessageEntry) => boolean): void {
    const inOrder = [...this.#last.slice(this.#next), ...this.#last.slice(0, this.#next)];
    this.#last = inOrder.filter((entry) => !fits(entry));
    this.#next = this.#last.length % LIMITS.spokenMax;
  }
}
