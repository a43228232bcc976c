// A bucket of tokens: how often something may happen, and how often at once. Pure, given the times.

import type { Millis } from "chatfusion";

export class Bucket {
  readonly #perSecond: number;
  readonly #burst: number;
  #tokens: number;
  #at: Millis;

  constructor(perSecond: number, burst: number, now: Millis) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#tokens = burst;
    this.#at = now;
  }

  /** Takes a token, or as many as are asked for; false when there are fewer. */
  take(now: Millis, count = 1): boolean {
    this.#refill(now);
    if (this.#tokens < count) return false;
    this.#tokens -= count;
    return true;
  }

  /** There is a token. */
  has(now: Millis): boolean {
    this.#refill(now);
    return this.#tokens >= 1;
  }

  /** Nothing was taken for so long that all tokens are back. */
  isFull(now: Millis): boolean {
    this.#refill(now);
    return this.#tokens === this.#burst;
  }

  /** Takes all that there is. */
  empty(now: Millis): void {
    this.#refill(now);
    this.#tokens = 0;
  }

  /** When there will be a token. */
  get dueAt(): Millis {
    return this.#at + (Math.max(0, 1 - this.#tokens) / this.#perSecond) * 1000;
  }

  #refill(now: Millis): void {
    const gained = ((now - this.#at) / 1000) * this.#perSecond;
    this.#tokens = Math.min(this.#burst, this.#tokens + gained);
    this.#at = now;
  }
}
