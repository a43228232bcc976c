// Names that were once seen with a key stay with it, for 30 days after they were last seen, or
// until an operator says `forget NAME` or `trust NAME KEY`. So nobody takes a server's name in its
// absence. Who leaves within seconds leaves no pin: of two namesakes that come in one storm of
// merges, the one that has to go was often seen first.

import { isSid, LIMITS, skeleton } from "chatfusion";
import type { Log, Millis, ServerInView, ServerName, Sid } from "chatfusion";
import * as v from "valibot";

export class Pins {
  readonly #byLooks = new Map<string, Pin>();
  /** New pins, by looks, and since when they are. */
  readonly #fresh = new Map<string, Millis>();
  #prunedAt: Millis = 0;
  /** Something changed that `dump` has not returned yet. */
  unsaved = false;

  /** The sid that a name is pinned to now. */
  of(name: ServerName, now: Millis): Sid | undefined {
    const looks = skeleton(name);
    const pin = this.#byLooks.get(looks);
    if (pin === undefined) return undefined;
    if (Math.abs(now - pin.seen) <= LIMITS.pinMsMax) return pin.sid;
    this.#byLooks.delete(looks);
    this.unsaved = true;
    return undefined;
  }

  /** A server of the fusion was seen by this name. False: it is pinned to another, and stays so. */
  see(name: ServerName, sid: Sid, now: Millis): boolean {
    const looks = skeleton(name);
    const pinned = this.of(name, now);
    if (pinned !== undefined && pinned !== sid) return false;
    const seen = this.#byLooks.get(looks)?.seen;
    if (seen !== undefined && Math.abs(now - seen) < LIMITS.pinRefreshMs) return true;
    if (seen === undefined && !this.#hasRoom(now)) return true;
    if (seen === undefined) this.#fresh.set(looks, now);
    this.#put({ name, looks, sid, seen: now });
    return true;
  }

  /** These are in the fusion now. */
  seeAll(servers: readonly Pick<ServerInView, "name" | "sid">[], now: Millis, log: Log): void {
    this.#dropFleeting(new Set(servers.map(({ sid }) => sid as string)), now);
    for (const { name, sid } of servers) {
      if (this.see(name, sid, now)) continue;
      log.warn("a server has the name of another's pin", { name, sid });
    }
  }

  /** Pins a name to a server, whatever it was pinned to. */
  trust(name: ServerName, sid: Sid, now: Millis): void {
    this.#fresh.delete(skeleton(name));
    this.#put({ name, looks: skeleton(name), sid, seen: now });
  }

  get size(): number {
    return this.#byLooks.size;
  }

  /** False when there was no pin. */
  forget(name: ServerName): boolean {
    this.unsaved = true;
    return this.#byLooks.delete(skeleton(name));
  }

  /** For the store. */
  dump(): unknown {
    this.unsaved = false;
    return [...this.#byLooks.values()];
  }

  /** Throws a valibot error if that is not what `dump` returned. */
  load(stored: unknown): void {
    for (const pin of v.parse(Stored, stored)) this.#put(pin);
    this.unsaved = false;
  }

  #dropFleeting(here: ReadonlySet<string>, now: Millis): void {
    for (const [looks, since] of this.#fresh) {
      const sid = this.#byLooks.get(looks)?.sid ?? "";
      const isFirm = Math.abs(now - since) >= LIMITS.pinFirmMs;
      if (!isFirm && here.has(sid)) continue;
      this.#fresh.delete(looks);
      if (isFirm) continue;
      this.unsaved = true;
      this.#byLooks.delete(looks);
    }
  }

  /**
   * Who was here first stays: made-up servers that come and go take nobody's pin. Looks for pins
   * that have run out now and then only.
   */
  #hasRoom(now: Millis): boolean {
    if (this.#byLooks.size < LIMITS.pinsMax) return true;
    if (Math.abs(now - this.#prunedAt) < LIMITS.pinRefreshMs) return false;
    this.#prunedAt = now;
    for (const { name } of this.#byLooks.values()) this.of(name as ServerName, now); // as pinned
    return this.#byLooks.size < LIMITS.pinsMax;
  }

  #put(pin: Pin): void {
    this.#byLooks.delete(pin.looks);
    this.#byLooks.set(pin.looks, pin);
    this.unsaved = true;
    if (this.#byLooks.size <= LIMITS.pinsMax) return;
    const [oldest] = this.#byLooks.keys();
    if (oldest !== undefined) this.#byLooks.delete(oldest);
  }
}

// --- internal ---

const Pin = v.object({
  name: v.string(),
  looks: v.string(),
  sid: v.pipe(v.string(), v.guard(isSid)),
  seen: v.number(),
});
const Stored = v.array(Pin);
type Pin = v.InferOutput<typeof Pin>;
