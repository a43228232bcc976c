// What a session's bytes leave through: a wire that may be lost and found again. The last bytes are
// kept by reference until they have arrived, so that a session that comes back gets what its lost
// wire swallowed.
// Invariants: 1. `sent` counts every byte offered since the welcome. 2. The kept pieces are the
// last ones offered, without a hole. 3. Everything a session is told goes in one lane, in one
// order; chunks go in the bulk lane and are not counted.

import type { Bytes, Wire } from "../environment.ts";
import { LIMITS } from "../limits.ts";
import { FrameBuffer } from "../protocol/frame.ts";

/** How the outlet's owner learns that it must be flushed at the end of the tick. */
export type MarkDirty = (outlet: Outlet) => void;

/** The side of a session that can be resumed which knows its client. */
export interface Keeper {
  /** Much is kept: asks the client what of it has arrived, if it is time to. */
  askArrived(): void;
}

export class Outlet {
  #wire: Wire | undefined;
  readonly #mark: MarkDirty;
  /** True from the first unflushed byte until the flush; the tick's. */
  dirty = false;
  /** Of sessions that can resume: for no others anything is kept. */
  #keeper: Keeper | undefined;
  #kept: Bytes[] = [];
  #first = 0; // index of the first kept piece that is still wanted
  #keptBytes = 0;
  #sent = 0;
  /** Lent while there is something in it. */
  #collected: FrameBuffer | undefined;

  constructor(wire: Wire, keeper: Keeper | undefined, mark: MarkDirty) {
    this.#wire = wire;
    this.#keeper = keeper;
    this.#mark = mark;
  }

  /** The wire is there: not lost and waiting to be resumed. */
  get attached(): boolean {
    return this.#wire !== undefined;
  }

  /** Bytes offered since the welcome, chunks apart. */
  get sent(): number {
    return this.#sent;
  }

  /** Queues given bytes. False when the wire's bound is passed: the session is to be closed. */
  send(bytes: Bytes): boolean {
    if (this.#keeper !== undefined) this.#keep(bytes);
    const wire = this.#wire;
    if (wire === undefined) return true;
    if (!this.dirty) this.#mark(this);
    // A wire that is closing takes nothing either, and its end is told in a moment: no fault.
    return (
      wire.send("room", bytes) || wire.queuedBytes("room") + bytes.length <= LIMITS.outboxBytesMax
    );
  }

  /**
   * Puts bytes behind what is collected, which `handOut` sends in one piece. What is large is sent
   * at once, behind it. False as `send`.
   */
  collect(bytes: Bytes): boolean {
    if (bytes.length > LIMITS.outboxJoinBytesMax) return this.handOut() && this.send(bytes);
    this.#collecting().add(bytes);
    return true;
  }

  /** Collects a frame around a value as JSON. */
  collectJson(type: number, value: unknown): void {
    this.#collecting().json(type, value);
  }

  /** Sends what was collected. False as `send`. */
  handOut(): boolean {
    const collected = this.#collected;
    if (collected === undefined) return true;
    this.#collected = undefined;
    const bytes = collected.take();
    const isKept = collected.size <= LIMITS.frameBufferPooledBytesMax;
    if (isKept && buffers.length < LIMITS.frameBuffersPooledMax) buffers.push(collected);
    return bytes.length === 0 || this.send(bytes);
  }

  /** Queues a borrowed chunk of a file, in parts. False when the wire is lost or full. */
  sendChunk(parts: readonly Bytes[]): boolean {
    const wire = this.#wire;
    if (wire === undefined || !wire.sendBorrowed("bulk", parts)) return false;
    // Mostly all of it has left by now.
    if (!this.dirty && wire.queuedBytes("bulk") > 0) this.#mark(this);
    return true;
  }

  flush(): void {
    if (this.#keptBytes >= LIMITS.resumeAskBytesMin) this.#keeper?.askArrived();
    this.#wire?.flush();
  }

  /** Stops counting at the welcome: what was sent until now is not sent again. */
  begin(): void {
    this.#sent = 0;
    this.#kept = [];
    this.#first = 0;
    this.#keptBytes = 0;
  }

  /** The client has all up to this number of `sent`: it is not asked for again. */
  arrived(position: number): void {
    let next = this.#sent - this.#keptBytes;
    while (this.#first < this.#kept.length) {
      next += (this.#kept[this.#first] as Bytes).length; // within bounds
      if (next > position) break;
      this.#forgetOldest();
    }
    this.#compact();
  }

  detach(): void {
    this.#wire = undefined;
  }

  /**
   * Goes on with another wire and its keeper, from byte `received` on, after `welcome`. False, with
   * nothing changed, when those bytes are not kept any more, or were never sent.
   */
  attach(wire: Wire, keeper: Keeper, received: number, welcome: Bytes): boolean {
    const oldest = this.#sent - this.#keptBytes;
    if (received > this.#sent || received < oldest) return false;
    this.#wire = wire;
    this.#keeper = keeper;
    wire.send("room", welcome);
    let at = oldest;
    for (let i = this.#first; i < this.#kept.length; i++) {
      const piece = this.#kept[i] as Bytes; // within bounds
      const skip = Math.min(Math.max(received - at, 0), piece.length);
      if (skip < piece.length) wire.send("room", skip === 0 ? piece : piece.subarray(skip));
      at += piece.length;
    }
    if (!this.dirty) this.#mark(this);
    return true;
  }

  // --- internal ---------------------------------------------------------------------------------

  #collecting(): FrameBuffer {
    return (this.#collected ??= buffers.pop() ?? new FrameBuffer());
  }

  #keep(bytes: Bytes): void {
    this.#sent += bytes.length;
    this.#kept.push(bytes);
    this.#keptBytes += bytes.length;
    while (
      this.#keptBytes > LIMITS.resumeBytesMax ||
      this.#kept.length - this.#first > LIMITS.resumePiecesMax
    ) {
      this.#forgetOldest();
    }
    // When half of the array is spent: each piece is moved at most once on average.
    if (this.#first > 64 && this.#first * 2 > this.#kept.length) this.#compact();
  }

  #forgetOldest(): void {
    const oldest = this.#kept[this.#first] as Bytes; // the caller knows that there is one
    this.#keptBytes -= oldest.length;
    this.#kept[this.#first] = NONE; // not held until the array is compacted
    this.#first++;
  }

  #compact(): void {
    this.#kept = this.#kept.slice(this.#first);
    this.#first = 0;
  }
}

const NONE = new Uint8Array(0);
/** For what the sessions are told that are told something in this tick. */
const buffers: FrameBuffer[] = [];
