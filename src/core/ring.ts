// The last batches of streams, in memory: for those who missed them, where no history is, or before
// it has them. Bounded by bytes; the oldest go first.

import type { Bytes, Millis } from "../environment.ts";
import type { RoomName } from "../names.ts";
import type { Stream } from "../plugin/history.ts";

export interface Kept {
  readonly stream: Stream;
  readonly first: number;
  readonly last: number;
  readonly bytes: Bytes;
  readonly at: Millis;
}

export class Ring {
  readonly #bytesMax: number;
  #kept: Kept[] = [];
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  keep(one: Kept): void {
    this.#kept.push(one);
    this.#bytes += one.bytes.length;
    while (this.#bytes > this.#bytesMax) this.#bytes -= this.#kept.shift()?.bytes.length ?? 0;
  }

  /** What holds any of the numbers from..to, in order. */
  find({ origin, life, room }: Stream, from: number, to: number): Kept[] {
    const fits = ({ stream, first, last }: Kept) =>
      last >= from &&
      first <= to &&
      stream.room === room &&
      stream.life === life &&
      stream.origin === origin;
    return this.#kept.filter(fits);
  }

  /** Changes the bytes of a room's batches. */
  replace(room: RoomName, change: (bytes: Bytes) => Bytes): void {
    this.#kept = this.#kept.map((one) => {
      const bytes = one.stream.room === room ? change(one.bytes) : one.bytes;
      this.#bytes += bytes.length - one.bytes.length;
      return bytes === one.bytes ? one : { ...one, bytes };
    });
  }

  /** What was kept since then, oldest first. */
  since(at: Millis): Kept[] {
    return this.#kept.slice(this.#kept.findLastIndex((one) => one.at < at) + 1);
  }
}
