// What a session's bytes leave through: a wire that may be lost and found again. The last bytes are
// kept until they have arrived, so that a session that comes back gets what its lost wire
// swallowed.
// Invariants: 1. `sent` counts every byte offered since the welcome. 2. Everything a session is
// told goes in one lane, in one order; chunks go in the bulk lane and are not counted.

import type { Bytes, Millis, Wire } from "../environment.ts";
import { LIMITS } from "../limits.ts";
import { FrameBuffer } from "../protocol/frame.ts";
import { Kept } from "./kept.ts";

/** How the outlet's owner learns that it must be flushed at the end of the tick. */
export type MarkDirty = (outlet: Outlet) => void;

/** The side of a session that can be resumed which knows its client. */
export interface Keeper {
  /** Much is kept: asks the client what of it has arrived, unless it was asked within `everyMs`. */
  askArrived(everyMs: Millis): void;
}

export class Outlet {
  #wire: Wire | undefined;
  readonly #mark: MarkDirty;
  /** True from the first unflushed byte until the flush; the tick's. */
  dirty = false;
  /** Of sessions that can resume: for no others anything is kept. */
  #keeper: Keeper | undefined;
  /** While there is something in it. */
  #kept: Kept | undefined;
  /** Of what is kept, about so much is of this session alone. */
  #ownBytes = 0;
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
    if (this.#keeper !== undefined) {
      this.#sent += bytes.length;
      (this.#kept ??= new Kept()).share(bytes);
    }
    return this.#queue(bytes);
  }

  /**
   * Puts bytes, or a text, behind what is collected, which `handOut` sends in one piece. What is
   * large is sent at once, behind it. False as `send`.
   */
  collect(bytes: string | Bytes): boolean {
    if (bytes.length > LIMITS.outboxJoinBytesMax)
      return this.handOut() && this.send(typeof bytes === "string" ? encoder.encode(bytes) : bytes);
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
    const isPooled = collected.size <= LIMITS.frameBufferPooledBytesMax;
    if (isPooled && buffers.length < LIMITS.frameBuffersPooledMax) buffers.push(collected);
    if (this.#keeper !== undefined) {
      this.#sent += bytes.length;
      this.#ownBytes += bytes.length;
      (this.#kept ??= new Kept()).copy(bytes);
    }
    return bytes.length === 0 || this.#queue(bytes);
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
    if (this.#kept !== undefined && this.#kept.size >= LIMITS.resumeAskBytesMin) {
      const isOwn = this.#ownBytes >= LIMITS.resumeAskBytesMin;
      this.#keeper?.askArrived(isOwn ? LIMITS.resumeAskOwnMs : LIMITS.resumeAskMs);
    }
    this.#wire?.flush();
  }

  /** Stops counting at the welcome: what was sent until now is not sent again. */
  begin(): void {
    this.#sent = 0;
    this.#ownBytes = 0;
    this.#kept = undefined;
  }

  /** The client has all up to this number of `sent`: it is not asked for again. */
  arrived(position: number): void {
    const left = this.#kept?.keepLast(this.#sent - position) ?? 0;
    if (left === 0) this.#kept = undefined;
    this.#ownBytes = Math.min(this.#ownBytes, left);
  }

  detach(): void {
    this.#wire = undefined;
  }

  /**
   * Goes on with another wire and its keeper, from byte `received` on, after `welcome`. False, with
   * nothing changed, when those bytes are not kept any more, or were never sent.
   */
  attach(wire: Wire, keeper: Keeper, received: number, welcome: Bytes): boolean {
    const missed = this.#sent - received;
    if (missed < 0 || missed > (this.#kept?.size ?? 0)) return false;
    this.#wire = wire;
    this.#keeper = keeper;
    wire.send("room", welcome);
    for (const piece of this.#kept?.last(missed) ?? []) wire.send("room", piece);
    if (!this.dirty) this.#mark(this);
    return true;
  }

  // --- internal ---------------------------------------------------------------------------------

  #collecting(): FrameBuffer {
    return (this.#collected ??= buffers.pop() ?? new FrameBuffer());
  }

  #queue(bytes: Bytes): boolean {
    const wire = this.#wire;
    if (wire === undefined) return true;
    if (!this.dirty) this.#mark(this);
    // A wire that is closing takes nothing either, and its end is told in a moment: no fault.
    return (
      wire.send("room", bytes) || wire.queuedBytes("room") + bytes.length <= LIMITS.outboxBytesMax
    );
  }
}

const encoder = new TextEncoder();

/** For what the sessions are told that are told something in this tick. */
const buffers: FrameBuffer[] = [];
