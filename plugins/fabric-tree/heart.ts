// A link's heart-beat: a ping now and then, the round trip that it measures, and the end of a link
// on which nothing is heard any more (it may be half-open: no end of a connection is ever told).

import { failure, LIMITS, ProtocolError } from "chatfusion";
import type { Bytes, Failure, Link, Millis } from "chatfusion";
import { Bucket } from "./bucket.ts";
import { concat, Reader, Writer } from "./bytes.ts";
import { LINK_FRAME } from "./hello.ts";

export class Heart {
  /** Anything was heard since the last beat; set with every frame. */
  heard = true;
  /** Once measured. */
  rttMs: Millis | undefined;
  readonly #link: Link;
  #missed = 0;
  #pings = 0;
  #ping: { readonly id: number; readonly at: Millis } | undefined;
  #beatAt = Number.POSITIVE_INFINITY;

  /** Pings that may be answered now. */
  readonly #pongs: Bucket;

  constructor(link: Link, now: Millis) {
    this.#link = link;
    this.#pongs = new Bucket(LIMITS.pongsPerSecond, LIMITS.pongsPerSecond, now);
  }

  /** From now on silence counts. */
  begin(now: Millis): void {
    this.#beatAt = now + LIMITS.heartbeatMs;
  }

  get dueAt(): Millis {
    return this.#beatAt;
  }

  /** Beats if it is time; returns why the link is to end, if it is. */
  tick(now: Millis): Failure | undefined {
    if (now < this.#beatAt) return undefined;
    this.#beatAt = now + LIMITS.heartbeatMs;
    this.#missed = this.heard ? 0 : this.#missed + 1;
    this.heard = false;
    if (this.#missed < LIMITS.heartbeatMissedMax) {
      this.ping(now);
      return undefined;
    }
    const silence = (LIMITS.heartbeatMissedMax * LIMITS.heartbeatMs) / 1000;
    return failure("IDLE_TIMEOUT", `nothing was heard for ${silence} seconds`);
  }

  ping(now: Millis): void {
    this.#pings++;
    const ping = new Writer().counter(this.#pings).done();
    if (!this.#link.send("control", LINK_FRAME.ping, ping)) return;
    this.#ping = { id: this.#pings, at: now };
  }

  /** Answers a ping; not where there is no room, or of a flood of them. Borrowed. */
  pong(payload: Bytes, now: Millis): void {
    if (payload.length !== 8) throw new ProtocolError("BAD_FRAME", "link: a ping has 8 bytes");
    if (!this.#pongs.take(now)) return;
    this.#link.send("control", LINK_FRAME.pong, concat(payload));
  }

  /** Takes an answer: true if it was to the newest ping. */
  measure(payload: Bytes, now: Millis): boolean {
    const id = new Reader(payload).counter();
    if (this.#ping?.id !== id) return false;
    this.rttMs = now - this.#ping.at;
    this.#ping = undefined;
    return true;
  }
}
