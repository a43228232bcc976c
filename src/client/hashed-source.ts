// A source that is read and hashed over as many transfers as it takes. Of what the receiver has
// only a little is read again, however large the file is: to hash all of it anew may take longer
// than a transfer may stand still. See sending.ts, outgoing.ts.
// Invariants: 1. The hash is of all bytes before `at`, in order. 2. There is a mark at or before
// all that a receiver which keeps to its credit may lack: one is two steps back.

import { LIMITS } from "../limits.ts";
import type { OpenSource } from "./source.ts";

/** What the hash was before a byte. */
interface Mark {
  readonly at: number;
  readonly hash: Bun.CryptoHasher;
}

export class HashedSource {
  readonly #source: OpenSource;
  #hash = new Bun.CryptoHasher("sha256");
  /** The first byte's, and the last two, a step apart from each other. */
  #marks: readonly [Mark, ...Mark[]] = [{ at: 0, hash: this.#hash.copy() }];
  #at = 0;

  constructor(source: OpenSource) {
    this.#source = source;
  }

  /** The next byte to be read. */
  get at(): number {
    return this.#at;
  }

  /** Goes back as far as must be, for that byte to be read; only where the source can. */
  back(to: number): void {
    if (to >= this.#at) return;
    const [first, ...rest] = this.#marks;
    this.#marks = [first, ...rest.filter(({ at }) => at <= to)];
    const { at, hash } = this.#marks.at(-1) ?? first;
    this.#source.seek?.(at);
    this.#at = at;
    this.#hash = hash.copy();
  }

  /** Fills the views, in order, with the next bytes; returns how many, 0 only at the end. */
  async read(views: readonly Uint8Array[]): Promise<number> {
    const got = await this.#source.read(views);
    let left = got;
    for (const view of views) {
      this.#hash.update(view.subarray(0, left));
      left -= Math.min(left, view.length);
    }
    this.#at += got;
    const [first, ...rest] = this.#marks;
    if (this.#at - (rest.at(-1) ?? first).at >= LIMITS.creditBytesMax)
      this.#marks = [first, ...rest.slice(-1), { at: this.#at, hash: this.#hash.copy() }];
    return got;
  }

  /** Of all that was read; 64 hex digits. */
  sha256(): string {
    return this.#hash.copy().digest("hex");
  }
}
