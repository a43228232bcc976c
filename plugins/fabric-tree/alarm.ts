// One timer for all that is due in a fabric: set to the earliest time, moved when that changes.

import type { Clock, Millis } from "chatfusion";

export class Alarm {
  readonly #clock: Clock;
  readonly #ring: () => void;
  #set: { readonly at: Millis; readonly cancel: () => void } | undefined;

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock;
    this.#ring = ring;
  }

  /** Rings once at this time of the monotonic clock, and at no other; Infinity: not at all. */
  set(at: Millis): void {
    if (this.#set?.at === at) return;
    this.#set?.cancel();
    this.#set = undefined;
    if (at === Number.POSITIVE_INFINITY) return;
    // At least one millisecond ahead: what is due is due by then, however it was rounded.
    const ms = Math.max(1, Math.ceil(at - this.#clock.monotonic()));
    const cancel = this.#clock.after(ms, () => {
      this.#set = undefined;
      this.#ring();
    });
    this.#set = { at, cancel };
  }
}
