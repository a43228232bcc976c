// Who is told of a client's events. See events.ts.

import type { Clock } from "../environment.ts";
import type { ClientEvent } from "./events.ts";

export class Listeners {
  readonly #clock: Clock;
  readonly #listeners = new Set<(event: ClientEvent) => void>();
  /** Events that came with the welcome, until whoever awaited `connect` could listen. */
  #held: ClientEvent[] | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Adds one until the returned function is called. */
  add(listener: (event: ClientEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Keeps events back until the end of this turn. */
  hold(): void {
    this.#held = [];
    this.#clock.soon(() => this.release());
  }

  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const event of held) this.tell(event);
  }

  tell(event: ClientEvent): void {
    if (this.#held !== undefined) {
      this.#held.push(event);
      return;
    }
    for (const listener of this.#listeners) callOutside(this.#clock, () => listener(event));
    // The last event: a listener that closes the client may have done so within another one.
    if (event.type === "connection" && event.state === "closed") this.#listeners.clear();
  }
}

/**
 * Calls what a program has given to be told by. What that throws is not ours to handle, and what is
 * under way must not suffer: it ends the program.
 */
export function callOutside(clock: Clock, call: () => void): void {
  try {
    call();
  } catch (thrown) {
    clock.soon(() => {
      throw thrown;
    });
  }
}
