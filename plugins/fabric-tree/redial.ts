// Links that an operator wanted, and that the side which dialled dials again when they are lost:
// soon at first, then in steps that grow with the time that has passed, up to a minute, until they
// are up, or undone by an operator of either side. Kept over restarts. Deterministic, given times
// and chance.

import { failure, isSid, LIMITS, sameName } from "chatfusion";
import type { ErrorCode, Failure, Millis, Random, ServerName, Sid } from "chatfusion";
import * as v from "valibot";

export interface Wish {
  readonly peer: Sid;
  readonly name: ServerName;
  readonly address: string;
  /** Dials since the link was lost; 0 while it is up. */
  tries: number;
  /** When it was lost; undefined while it is up. */
  lostAt: Millis | undefined;
  /** Infinity while it is up or being dialled. */
  dueAt: Millis;
  /** By the other side or by the view: only a change can make it possible. */
  refused: boolean;
  /** Why the link is not up; undefined while it is. */
  reason: Failure | undefined;
}

export class Redial {
  readonly wishes = new Map<Sid, Wish>();
  /** Something changed that `dump` has not returned yet. */
  unsaved = false;
  /** Those whose link an operator of ours has ended: they are told so if they dial again. */
  readonly #parted = new Set<Sid>();
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** A link that we dialled is up, at an operator's word or again. */
  up(peer: Sid, name: ServerName, address: string): void {
    const known = this.wishes.get(peer);
    if (known?.address !== address || known.name !== name) this.unsaved = true;
    this.wishes.set(peer, { peer, name, address, ...rested });
    if (this.wishes.size <= LIMITS.peersMax) return;
    const [oldest] = this.wishes.keys();
    if (oldest !== undefined) this.wishes.delete(oldest);
  }

  /** A link to this server is up, whoever dialled it. One of its name before it is not awaited. */
  linked(peer: Sid, name: ServerName): void {
    if (this.#parted.delete(peer)) this.unsaved = true;
    const before = this.named(name);
    if (before !== undefined && before.peer !== peer) this.drop(before.peer);
    const wish = this.wishes.get(peer);
    if (wish !== undefined) Object.assign(wish, rested);
  }

  /**
   * The link is lost, or another try was in vain: sets when to dial next, and returns the wish,
   * or undefined where we have none, or where that is settled already.
   */
  lost(peer: Sid, now: Millis, reason: Failure): Wish | undefined {
    const wish = this.wishes.get(peer);
    if (wish === undefined || wish.dueAt !== Number.POSITIVE_INFINITY) return undefined;
    const { redialMsMin, redialMsMax, redialShare } = LIMITS;
    wish.reason = reason;
    wish.refused = REFUSALS.has(reason.code);
    wish.lostAt ??= now;
    const share = Math.max(redialMsMin, (now - wish.lostAt) * redialShare);
    const step = wish.refused ? redialMsMax : Math.min(share, redialMsMax);
    wish.tries += 1;
    wish.dueAt = now + step * (0.75 + this.#random.next() / 2);
    return wish;
  }

  /** What was refused may be possible now: the patient need not wait any longer. */
  hurry(now: Millis): void {
    const { hurryMsMin, hurryMsMax } = LIMITS;
    for (const wish of this.wishes.values()) {
      if (!wish.refused || wish.dueAt === Number.POSITIVE_INFINITY) continue;
      const step = Math.min(hurryMsMin * 2 ** (wish.tries - 1), hurryMsMax);
      wish.dueAt = Math.min(wish.dueAt, now + step * (0.75 + this.#random.next() / 2));
    }
  }

  /** An operator, ours or theirs, has ended it. True if there was a wish. */
  drop(peer: Sid): boolean {
    this.unsaved = true;
    return this.wishes.delete(peer);
  }

  /** Our operator has ended it: the other side's dials after losses are refused from now on. */
  part(peer: Sid): void {
    this.drop(peer);
    this.#parted.add(peer);
    if (this.#parted.size <= LIMITS.peersMax) return;
    const [oldest] = this.#parted;
    if (oldest !== undefined) this.#parted.delete(oldest);
  }

  parted(peer: Sid): boolean {
    return this.#parted.has(peer);
  }

  /** Links that are lost, to be dialled or being dialled. */
  get waiting(): readonly Wish[] {
    return [...this.wishes.values()].filter(({ reason }) => reason !== undefined);
  }

  /** The wish for a link to a server of this name. */
  named(server: ServerName): Wish | undefined {
    for (const wish of this.wishes.values()) if (sameName(wish.name, server)) return wish;
    return undefined;
  }

  /** Those to be dialled now; each comes once, until `lost` sets another time. */
  due(now: Millis): Wish[] {
    const due = [...this.wishes.values()].filter((wish) => wish.dueAt <= now);
    for (const wish of due) wish.dueAt = Number.POSITIVE_INFINITY;
    return due;
  }

  get dueAt(): Millis {
    let due = Number.POSITIVE_INFINITY;
    for (const wish of this.wishes.values()) due = Math.min(due, wish.dueAt);
    return due;
  }

  dump(): unknown {
    this.unsaved = false;
    const wishes = [...this.wishes.values()];
    return {
      wishes: wishes.map(({ peer, name, address }) => ({ peer, name, address })),
      parted: [...this.#parted],
    };
  }

  /** Takes what `dump` returned; the wishes are due soon. Throws a valibot error otherwise. */
  load(stored: unknown, now: Millis): void {
    const { wishes, parted } = v.parse(Stored, stored);
    for (const { peer, name, address } of wishes) {
      this.up(peer, name as ServerName, address); // as `dump` wrote it
      this.lost(peer, now, failure("CANNOT_CONNECT", "started anew"));
    }
    for (const peer of parted) this.#parted.add(peer);
    this.unsaved = false;
  }
}

// --- internal ---

const StoredSid = v.pipe(v.string(), v.guard(isSid));
const Stored = v.object({
  wishes: v.array(v.object({ peer: StoredSid, name: v.string(), address: v.string() })),
  parted: v.array(StoredSid),
});

const REFUSALS: ReadonlySet<ErrorCode> = new Set([
  "NAME_TAKEN",
  "MERGE_DENIED",
  "TOO_MANY_SERVERS",
]);

/** Of a link that is up. */
const rested = {
  tries: 0,
  lostAt: undefined,
  dueAt: Number.POSITIVE_INFINITY,
  refused: false,
  reason: undefined,
};
