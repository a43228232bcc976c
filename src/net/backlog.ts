// The pieces of an outbox that wait behind its first one: four queues of references, one a lane.
// Most outboxes hold one piece at a time and never need it, so backlogs are lent from a pool.

import type { Bytes, Lane } from "../environment.ts";
import { LIMITS } from "../limits.ts";

export type LaneIndex = 0 | 1 | 2 | 3;

/** Tells a lane's place in the order of priority. */
export function laneIndexOf(lane: Lane): LaneIndex {
  return lane === "room" ? 2 : lane === "private" ? 1 : lane === "bulk" ? 3 : 0;
}

const pool: Backlog[] = [];

export class Backlog {
  readonly #queues = [new Queue(), new Queue(), new Queue(), new Queue()] as const;
  /** Bytes waiting, by lane. */
  readonly bytes: [number, number, number, number] = [0, 0, 0, 0];

  /** Lends an empty one. */
  static take(): Backlog {
    return pool.pop() ?? new Backlog();
  }

  /** Gives it back; the pieces still in it are dropped. */
  release(): void {
    const bytes = this.bytes;
    for (let lane = 0; lane < 4; lane += 1) {
      if (bytes[lane] === 0) continue;
      bytes[lane] = 0;
      this.#queues[lane]?.clear();
    }
    if (pool.length < LIMITS.backlogsPooledMax) pool.push(this);
  }

  push(lane: LaneIndex, piece: Bytes): void {
    this.#queues[lane].push(piece);
    this.bytes[lane] += piece.length;
  }

  /** The lane whose piece is next. */
  firstLane(): LaneIndex {
    const bytes = this.bytes;
    return bytes[0] > 0 ? 0 : bytes[1] > 0 ? 1 : bytes[2] > 0 ? 2 : 3;
  }

  /** The piece that is next, of the first lane that has any. */
  first(): Bytes | undefined {
    return this.#queues[this.firstLane()].at(0);
  }

  /** Takes the next piece of a lane away. */
  shift(lane: LaneIndex): Bytes | undefined {
    const piece = this.#queues[lane].shift();
    if (piece !== undefined) this.bytes[lane] -= piece.length;
    return piece;
  }

  /**
   * Copies pieces, in their order, to `target` from `start` on, until one is larger than
   * `pieceBytesMax` or does not fit. They stay queued. Returns where the copy ends.
   */
  copyInto(target: Bytes, start: number, pieceBytesMax: number): number {
    let end = start;
    for (let lane = 0; lane < 4; lane += 1) {
      if (this.bytes[lane] === 0) continue;
      const queue = this.#queues[lane];
      for (let index = 0; ; index += 1) {
        const piece = queue?.at(index);
        if (piece === undefined) break;
        if (piece.length > pieceBytesMax || end + piece.length > target.length) return end;
        target.set(piece, end);
        end += piece.length;
      }
    }
    return end;
  }
}

// --- internal ---

/** First in, first out. Its places are used again: making an array shorter is what costs. */
class Queue {
  #pieces: (Bytes | undefined)[] = [];
  #head = 0;
  #end = 0;

  push(piece: Bytes): void {
    this.#pieces[this.#end] = piece;
    this.#end += 1;
  }

  at(index: number): Bytes | undefined {
    return this.#pieces[this.#head + index];
  }

  shift(): Bytes | undefined {
    const piece = this.#pieces[this.#head];
    this.#pieces[this.#head] = undefined;
    this.#head += 1;
    if (this.#head >= this.#end) this.clear();
    else if (this.#head >= LIMITS.backlogPlacesMax && this.#head * 2 > this.#end) this.#moveUp();
    return piece;
  }

  clear(): void {
    if (this.#end > LIMITS.backlogPlacesMax) this.#pieces = [];
    else
      for (let index = this.#head; index < this.#end; index += 1) this.#pieces[index] = undefined;
    this.#head = 0;
    this.#end = 0;
  }

  #moveUp(): void {
    this.#pieces = this.#pieces.slice(this.#head, this.#end);
    this.#end -= this.#head;
    this.#head = 0;
  }
}
