// The outbox of one wire: what was sent and has not left yet. It writes as seldom as it can and
// never keeps more than its bounds. It knows no sockets, only a Sink; wire.ts decides what a
// failure means.
//
//   empty ──send──▶ waiting ──flush: all taken──▶ empty
//                      │ flush: not all taken
//                      ▼
//                   blocked ──writable: all taken──▶ empty (drained)
//                      │ nothing taken for stallMsMax, or the sink is gone
//                      ▼
//                   failed
//
// Invariants:
// 1. `#total` is the sum of what is in `#slot` and in `#backlog`.
// 2. With a backlog, `#slot` is only ever a piece that was begun, or that goes on with one that
//    was; it is finished before all else.
// 3. What waits is never changed and never copied, but for borrowed bytes.
// 4. While blocked, nothing is written but from `writable`.
// 5. `events` are never called from `send`, `sendBorrowed` or `flush`.

import { assert } from "../assert.ts";
import type { Bytes, Clock, Lane, Millis, Sink } from "../environment.ts";
import { LIMITS } from "../limits.ts";
import { Backlog, type LaneIndex, laneIndexOf } from "./backlog.ts";

export interface OutboxEvents {
  /** All has left, after the sink had refused some of it. */
  drained(): void;
  /** The sink is gone, or has taken nothing for too long. Once; what was queued is dropped. */
  failed(reason: string): void;
}

/** Shared by all outboxes: a sink keeps nothing of what it is given. */
const scratch = new Uint8Array(LIMITS.outboxWriteBytesMax);

/** Copies of what was borrowed: nobody else has them, so they are freed when they have left. */
const copies = new WeakSet<Bytes>();
/** Those of them that the next one in their lane goes on with: nothing may come between. */
const continued = new WeakSet<Bytes>();

const defaultBounds: readonly number[] = [
  LIMITS.outboxBytesMax,
  LIMITS.outboxBytesMax,
  LIMITS.outboxBytesMax,
  LIMITS.outboxBulkBytesMax,
];

export class Outbox {
  readonly #sink: Sink;
  readonly #clock: Clock;
  readonly #events: OutboxEvents;
  /** The only piece, or one that was begun. */
  #slot: Bytes | undefined;
  #slotFrom = 0;
  #slotLane: LaneIndex = 0;
  /** Some of the piece in the slot has left already. */
  #begun = false;
  /** The other pieces; borrowed from a pool while there are any. */
  #backlog: Backlog | undefined;
  #total = 0;
  /** Shared until one is changed. */
  #bounds = defaultBounds;
  #blocked = false;
  #failed = false;
  /** When the sink last took something, while blocked. */
  #progressAt: Millis = 0;
  #cancelStall: (() => void) | undefined;

  constructor(sink: Sink, clock: Clock, events: OutboxEvents) {
    this.#sink = sink;
    this.#clock = clock;
    this.#events = events;
  }

  /** Whether nothing waits. */
  get empty(): boolean {
    return this.#total === 0;
  }

  /** Tells how many bytes of a lane have not left yet. */
  queuedBytes(lane: Lane): number {
    const index = laneIndexOf(lane);
    const queued = this.#backlog?.bytes[index] ?? 0;
    if (this.#slot === undefined || this.#slotLane !== index) return queued;
    return queued + this.#slot.length - this.#slotFrom;
  }

  /** Sets the bound of a lane, in bytes; what is queued already stays. */
  bound(lane: Lane, bytesMax: number): void {
    const index = laneIndexOf(lane);
    if (this.#bounds[index] !== bytesMax) this.#bounds = this.#bounds.with(index, bytesMax);
  }

  /** Queues by reference. False when it does not fit, or when the sink has failed. */
  send(lane: Lane, bytes: Bytes): boolean {
    const index = laneIndexOf(lane);
    if (!this.#fits(index, bytes.length)) return false;
    this.#push(index, bytes);
    return true;
  }

  /** Writes at once if nothing waits, and copies what the sink does not take. */
  sendBorrowed(lane: Lane, parts: readonly Bytes[]): boolean {
    const index = laneIndexOf(lane);
    let size = 0;
    for (const part of parts) size += part.length;
    if (!this.#fits(index, size)) return false;
    let taken = 0;
    const atOnce = this.#total === 0 && !this.#blocked;
    if (atOnce) {
      taken =
        size <= LIMITS.outboxWriteBytesMax
          ? this.#writeJoined(parts, size)
          : this.#writeEach(parts);
      if (taken === size) return true;
      if (taken < 0) this.#fail("the connection is gone");
      if (this.#failed) return false;
    }
    for (const piece of copiesOf(parts, taken, size)) {
      this.#push(index, piece);
      if (taken > 0) this.#begun = true; // the first one
    }
    if (atOnce) this.#block(taken);
    return true;
  }

  /** Gives the sink what it takes; in the common case by one write. */
  flush(): void {
    if (this.#blocked || this.#total === 0) return;
    const slot = this.#slot;
    if (this.#backlog !== undefined || slot === undefined) return this.#flushBacklog();
    const from = this.#slotFrom;
    const taken = this.#sink.write(slot, from, slot.length);
    if (taken === slot.length - from) {
      this.#slot = undefined;
      this.#total = 0;
      freeCopy(slot);
    } else {
      this.#took(taken, slot.length - from);
    }
  }

  /** The sink has room again. */
  writable(): void {
    if (!this.#blocked || this.#failed) return;
    this.#blocked = false;
    this.flush();
    if (this.#blocked || this.#failed) return;
    this.#cancelStall?.();
    this.#cancelStall = undefined;
    if (this.#total === 0) this.#events.drained();
  }

  /** Drops everything: the wire has ended. */
  dispose(): void {
    this.#failed = true;
    this.#slot = undefined;
    this.#total = 0;
    this.#releaseBacklog();
    this.#cancelStall?.();
    this.#cancelStall = undefined;
  }

  // --- internal ---

  #fits(index: LaneIndex, size: number): boolean {
    if (this.#failed) return false;
    let queued = size + (this.#backlog?.bytes[index] ?? 0);
    if (this.#slot !== undefined && this.#slotLane === index) {
      queued += this.#slot.length - this.#slotFrom;
    }
    return queued <= (this.#bounds[index] ?? 0);
  }

  #push(index: LaneIndex, bytes: Bytes): void {
    if (bytes.length === 0) return;
    if (this.#total === 0) {
      this.#slot = bytes;
      this.#slotFrom = 0;
      this.#slotLane = index;
      this.#begun = false;
    } else {
      const backlog = (this.#backlog ??= Backlog.take());
      if (this.#slot !== undefined && !this.#begun) {
        backlog.push(this.#slotLane, this.#slot);
        this.#slot = undefined;
      }
      backlog.push(index, bytes);
    }
    this.#total += bytes.length;
  }

  #flushBacklog(): void {
    while (this.#total > 0 && !this.#blocked && !this.#failed) {
      const slot = this.#slot;
      const first = slot ?? this.#backlog?.first();
      if (first === undefined) return;
      const from = slot === undefined ? 0 : this.#slotFrom;
      const size = first.length - from;
      const isAlone = slot !== undefined && continued.has(slot);
      if (size > LIMITS.outboxJoinBytesMax || size === this.#total || isAlone) {
        const isLast = size === this.#total;
        this.#took(this.#sink.write(first, from, first.length), size);
        if (isLast && this.#total === 0) freeCopy(first);
      } else {
        const joined = this.#join(slot, from);
        this.#took(this.#sink.write(scratch, 0, joined), joined);
      }
    }
  }

  /** Copies the next pieces into the scratch, as long as they are small, and tells the size. */
  #join(slot: Bytes | undefined, from: number): number {
    let size = 0;
    if (slot !== undefined) {
      scratch.set(slot.subarray(from), 0);
      size = slot.length - from;
    }
    return this.#backlog?.copyInto(scratch, size, LIMITS.outboxJoinBytesMax) ?? size;
  }

  /** Books what the sink took of what it was offered. */
  #took(taken: number, offered: number): void {
    if (this.#failed) return;
    if (taken < 0) return this.#fail("the connection is gone");
    if (taken === this.#total) {
      this.#slot = undefined;
      this.#total = 0;
      this.#releaseBacklog();
      return;
    }
    this.#consume(taken);
    if (taken < offered) this.#block(taken);
  }

  #consume(count: number): void {
    this.#total -= count;
    let left = count;
    while (left > 0) {
      if (this.#slot === undefined) this.#pull();
      const size = this.#slotBytes();
      assert(size > 0, "a sink takes no more than it is offered");
      if (left < size) {
        this.#slotFrom += left;
        this.#begun = true;
        break;
      }
      left -= size;
      this.#finish();
    }
    if (this.#backlog !== undefined && this.#total === this.#slotBytes()) this.#releaseBacklog();
  }

  /** All of the slot has left; what goes on with it is begun by that. */
  #finish(): void {
    const slot = this.#slot;
    this.#slot = undefined;
    if (slot === undefined) return;
    if (continued.has(slot)) this.#pull(this.#slotLane, true);
    freeCopy(slot);
  }

  #pull(lane = this.#backlog?.firstLane() ?? 0, isBegun = false): void {
    this.#slotLane = lane;
    this.#slot = this.#backlog?.shift(lane);
    this.#slotFrom = 0;
    this.#begun = isBegun;
  }

  #writeJoined(parts: readonly Bytes[], size: number): number {
    const only = parts.length === 1 ? parts[0] : undefined;
    if (only === undefined) copyFrom(parts, 0, scratch);
    return this.#sink.write(only ?? scratch, 0, size);
  }

  #writeEach(parts: readonly Bytes[]): number {
    let sum = 0;
    for (const part of parts) {
      const taken = this.#sink.write(part, 0, part.length);
      if (taken < 0) return taken;
      sum += taken;
      if (taken < part.length) break;
    }
    return sum;
  }

  #slotBytes(): number {
    return this.#slot === undefined ? 0 : this.#slot.length - this.#slotFrom;
  }

  #block(taken: number): void {
    this.#blocked = true;
    if (taken > 0 || this.#cancelStall === undefined) this.#progressAt = this.#clock.monotonic();
    this.#cancelStall ??= this.#clock.after(LIMITS.stallMsMax, () => this.#checkStall());
  }

  #checkStall(): void {
    this.#cancelStall = undefined;
    if (this.#total === 0) return;
    const left = this.#progressAt + LIMITS.stallMsMax - this.#clock.monotonic();
    if (left > 0) {
      this.#cancelStall = this.#clock.after(left, () => this.#checkStall());
    } else {
      const seconds = Math.round(LIMITS.stallMsMax / 1000);
      this.#fail(`OUTBOX_FULL: nothing that waits was read for ${seconds} s`);
    }
  }

  /** Told from a fresh turn: we may be inside `flush`. */
  #fail(reason: string): void {
    if (this.#failed) return;
    this.dispose();
    this.#clock.soon(() => this.#events.failed(reason));
  }

  #releaseBacklog(): void {
    this.#backlog?.release();
    this.#backlog = undefined;
  }
}

/** Frees what has left, if it is large and a copy; the garbage collector would come much later. */
function freeCopy(piece: Bytes): void {
  if (piece.length < LIMITS.freedBytesMin || !copies.delete(piece)) return;
  (piece.buffer as ArrayBuffer).transfer(0); // made above
}

/** Copies what the parts hold from byte `from` on, of `size` bytes in all, into blocks. */
function copiesOf(parts: readonly Bytes[], from: number, size: number): Bytes[] {
  const count = Math.ceil((size - from) / LIMITS.outboxBlockBytes);
  const each = Math.ceil((size - from) / count);
  const pieces: Bytes[] = [];
  for (let at = from; at < size; at += each) {
    const length = Math.min(each, size - at);
    const isBlock = length >= LIMITS.freedBytesMin;
    const piece = new Uint8Array(isBlock ? LIMITS.outboxBlockBytes : length).subarray(0, length);
    copyFrom(parts, at, piece);
    if (isBlock) copies.add(piece);
    if (at + length < size) continued.add(piece);
    pieces.push(piece);
  }
  return pieces;
}

/** Fills `target` with what the parts hold from byte `from` on. */
function copyFrom(parts: readonly Bytes[], from: number, target: Bytes): void {
  let skip = from;
  let end = 0;
  for (const part of parts) {
    if (skip >= part.length) {
      skip -= part.length;
      continue;
    }
    const rest = part.subarray(skip, skip + target.length - end);
    skip = 0;
    target.set(rest, end);
    end += rest.length;
  }
}
