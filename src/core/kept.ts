// The last bytes that a session was told, kept until they have arrived. What others share is kept
// by reference; what is this session's own is copied into slabs, since thousands of small arrays
// that live for seconds cost more than the copying (a private message: 4.3 µs instead of 2.9).
// Invariants: 1. The pieces are the last bytes added, without a hole. 2. A piece's bytes are never
// changed: a slab is only filled behind them.

import type { Bytes } from "../environment.ts";
import { LIMITS } from "../limits.ts";

export class Kept {
  // A piece is bytes[i] from froms[i] to tos[i]; those before #first are not wanted any more.
  #bytes: Bytes[] = [];
  #froms: number[] = [];
  #tos: number[] = [];
  #first = 0;
  #size = 0;
  /** What own bytes are copied into, up to `#filled` until now. */
  #slab = NONE;
  #filled = 0;

  /** How many bytes are kept. */
  get size(): number {
    return this.#size;
  }

  /** Keeps given bytes that others may hold, too. */
  share(bytes: Bytes): void {
    this.#push(bytes, 0, bytes.length);
    this.#size += bytes.length;
    this.#forgetSurplus();
  }

  /** Keeps a copy of bytes. */
  copy(bytes: Bytes): void {
    let from = 0;
    while (from < bytes.length) {
      if (this.#filled === this.#slab.length) this.#addSlab(bytes.length - from);
      const slab = this.#slab;
      const start = this.#filled;
      const length = Math.min(slab.length - start, bytes.length - from);
      slab.set(length === bytes.length ? bytes : bytes.subarray(from, from + length), start);
      this.#filled += length;
      const last = this.#bytes.length - 1;
      if (this.#bytes[last] === slab && this.#tos[last] === start) this.#tos[last] = this.#filled;
      else this.#push(slab, start, this.#filled);
      from += length;
    }
    this.#size += bytes.length;
    this.#forgetSurplus();
  }

  /**
   * Forgets all but the last `size` bytes, and what stands in one piece with them; returns how many
   * are kept.
   */
  keepLast(size: number): number {
    while (this.#first < this.#bytes.length) {
      const rest = this.#size - this.#lengthOf(this.#first);
      if (rest < size) break;
      this.#forgetOldest();
    }
    this.#compact();
    return this.#size;
  }

  /** The last `size` bytes, in pieces; they may be held on to. */
  *last(size: number): Generator<Bytes> {
    let skip = this.#size - size;
    for (let i = this.#first; i < this.#bytes.length; i++) {
      const length = this.#lengthOf(i);
      const to = this.#tos[i] as number; // within bounds, as are those below
      if (skip < length) {
        yield (this.#bytes[i] as Bytes).subarray(to - length + Math.max(skip, 0), to);
      }
      skip -= length;
    }
  }

  // --- internal ---------------------------------------------------------------------------------

  #lengthOf(index: number): number {
    return (this.#tos[index] as number) - (this.#froms[index] as number); // the caller's index
  }

  #push(bytes: Bytes, from: number, to: number): void {
    this.#bytes.push(bytes);
    this.#froms.push(from);
    this.#tos.push(to);
  }

  /** Slabs grow with what is kept, so that one who is told little takes little. */
  #addSlab(needed: number): void {
    const size = Math.max(needed, this.#size, LIMITS.resumeSlabBytesMin);
    this.#slab = new Uint8Array(Math.min(size, LIMITS.resumeSlabBytesMax));
    this.#filled = 0;
  }

  #forgetSurplus(): void {
    while (
      this.#size > LIMITS.resumeBytesMax ||
      this.#bytes.length - this.#first > LIMITS.resumePiecesMax
    ) {
      this.#forgetOldest();
    }
    // When half of the arrays is spent: each piece is moved at most once on average.
    if (this.#first > 64 && this.#first * 2 > this.#bytes.length) this.#compact();
  }

  #forgetOldest(): void {
    this.#size -= this.#lengthOf(this.#first);
    this.#bytes[this.#first] = NONE; // not held until the arrays are compacted
    this.#first++;
  }

  #compact(): void {
    this.#bytes = this.#bytes.slice(this.#first);
    this.#froms = this.#froms.slice(this.#first);
    this.#tos = this.#tos.slice(this.#first);
    this.#first = 0;
  }
}

const NONE = new Uint8Array(0);
