// One end of a connection, as a life has it. What the fabric sends is handed on at once.

import { failureOf, LIMITS, ProtocolError } from "../../src/plugin.ts";
import type { Bytes, Failure, Link, LinkHandlers, Traffic } from "../../src/plugin.ts";

export interface Frame {
  readonly type: number;
  readonly bytes: Bytes;
}

/** What was sent on one connection in one step, or is the last thing on it. */
export interface Message {
  readonly frames: readonly Frame[];
  readonly end?: Failure;
}

/** One end of a connection. */
export class End implements Link {
  readonly remote = "link";
  readonly fingerprint = undefined;
  handlers: LinkHandlers | undefined;
  open = true;
  closing: (reason: Failure) => void = () => {};
  frameBytesMax: number = LIMITS.frameBytesMaxBeforeEntry;

  constructor(readonly put: (message: Message) => void) {}

  send(_: Traffic, type: number, ...parts: readonly Bytes[]): boolean {
    if (!this.open) return false;
    const bytes = new Uint8Array(Buffer.concat(parts));
    this.put({ frames: [{ type, bytes }] });
    return true;
  }

  queuedBytes(): number {
    return 0;
  }

  limit(frameBytesMax: number): void {
    this.frameBytesMax = frameBytesMax;
  }

  close(reason: Failure): void {
    if (!this.open) return;
    this.open = false;
    this.put({ frames: [], end: reason });
    this.closing(reason);
  }

  /** The other side has closed it, or it broke. */
  over(reason: Failure): void {
    if (!this.open) return;
    this.open = false;
    this.closing(reason);
  }

  hear({ frames, end }: Message): void {
    for (const { type, bytes } of frames) this.#one(type, bytes);
    if (end !== undefined) this.over(end);
  }

  #one(type: number, bytes: Bytes): void {
    if (!this.open) return;
    try {
      if (bytes.length > this.frameBytesMax) throw new ProtocolError("FRAME_TOO_LARGE", "frame");
      this.handlers?.frame(type, bytes.slice());
    } catch (error) {
      const reason = failureOf(error);
      if (reason.code === "INTERNAL") throw error;
      this.close(reason);
    }
  }
}
