// Pings that a client is sent behind something else: when one comes back, all before it has arrived
// (protocol P26). A client that answers none of them is forgotten nothing by it but the oldest.

import type { Bytes } from "../environment.ts";
import { LIMITS } from "../limits.ts";
import { encodeFrame, FRAME } from "../protocol/frame.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Those of one connection. */
export class Pings {
  /** What is run when they come back, by their payloads. Nearly always there is none. */
  #awaited: Map<string, () => void> | undefined;
  #last = 0;

  /** Returns a ping, to be sent now; `arrived` is run when it comes back, or never. */
  ping(arrived: () => void): Bytes {
    const payload = `{"reached":${++this.#last}}`;
    this.#awaited ??= new Map();
    this.#awaited.set(payload, arrived);
    const [oldest = ""] = this.#awaited.keys();
    if (this.#awaited.size > LIMITS.reachedAwaitedMax) this.#awaited.delete(oldest);
    return encodeFrame(FRAME.ping, encoder.encode(payload));
  }

  /** A pong has come. */
  ponged(payload: Bytes): void {
    if (this.#awaited === undefined) return;
    const text = decoder.decode(payload);
    const arrived = this.#awaited.get(text);
    this.#awaited.delete(text);
    if (this.#awaited.size === 0) this.#awaited = undefined;
    arrived?.();
  }
}
