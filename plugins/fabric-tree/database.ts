// All that is known of other servers: the newest announcement of each, how fast an origin may
// change, and how long one is kept that cannot be reached any more. It decides nothing (view.ts
// does) and sends nothing (tree.ts does). Deterministic, given the times.

import { LIMITS } from "chatfusion";
import type { Bytes, Millis, Sid } from "chatfusion";
import { compareAnnouncements, peekAnnouncement, readAnnouncement } from "./announcement.ts";
import type { Announcement, Identity } from "./announcement.ts";
import { Bucket } from "./bucket.ts";

/** The pace of one origin, and what waits for its next turn. */
interface Pace {
  readonly bucket: Bucket;
  /** How long a wait is; doubles while the origin goes on. */
  holdMs: Millis;
  /** The newest that came while it was held, and from when on it counts. */
  held: { announcement: Announcement; due: Millis; more: number } | undefined;
}

export type Taken =
  /** Not newer than what is known. */
  | { readonly is: "old" | "same"; readonly sid: Sid }
  /** No room: as many servers are known as may be. */
  | { readonly is: "full"; readonly sid: Sid }
  /** Held: too often from one origin, and counts later, unless a newer one comes. */
  | { readonly is: "new" | "held"; readonly sid: Sid; readonly announcement: Announcement };

export class Database {
  readonly all = new Map<Sid, Announcement>();
  /** What was replaced since it was last judged (undefined: nothing). Whoever judges clears it. */
  readonly news = new Map<Sid, Announcement | undefined>();
  /** The largest birth that was seen: the clock of merges. */
  births = 0;
  readonly #identity: Identity;
  readonly #paces = new Map<Sid, Pace>();
  /** Since when a server has not been in the fusion. */
  readonly #lostAt = new Map<Sid, Millis>();
  /** By how much the births of others may grow, whatever they leap to. */
  readonly #growth: Bucket;

  constructor(identity: Identity, now: Millis) {
    this.#identity = identity;
    this.#growth = new Bucket(LIMITS.birthsPerSecond, LIMITS.birthsBurst, now);
  }

  /**
   * Takes a neighbour's announcement of a server that is not this one. Throws `ProtocolError` if
   * it is malformed, not signed by its key, or ages ahead with its births. Borrowed.
   */
  take(bytes: Bytes, now: Millis): Taken {
    const version = peekAnnouncement(bytes);
    const { sid } = version;
    const known = this.#newest(sid);
    const order = known === undefined ? 1 : compareAnnouncements(version, known);
    if (order < 0) return { is: "old", sid };
    if (order === 0) return { is: "same", sid };
    if (!this.all.has(sid) && !this.#makeRoom()) return { is: "full", sid };
    const announcement = readAnnouncement(bytes, this.#identity);
    const pace = this.#pace(sid, now);
    if (pace.held !== undefined || !pace.bucket.take(now)) {
      const due = pace.held?.due ?? now + pace.holdMs;
      pace.held = { announcement, due, more: (pace.held?.more ?? 0) + 1 };
      return { is: "held", sid, announcement };
    }
    this.#renew(announcement, now);
    return { is: "new", sid, announcement };
  }

  /** Puts an announcement in its place, as the newest: a checked one, or this server's own. */
  put(announcement: Announcement, now: Millis): void {
    this.all.set(announcement.sid, announcement);
    for (const link of announcement.links) this.sawBirth(link.birth, now);
  }

  /** Takes news back: what it replaced is the newest again. */
  takeBack(sid: Sid): void {
    const before = this.news.get(sid);
    if (before === undefined) this.all.delete(sid);
    else this.all.set(sid, before);
    this.news.delete(sid);
  }

  /** Follows a birth, unless births grow faster than honest ones do: a liar would use them up. */
  sawBirth(birth: number, now: Millis): void {
    const by = birth - this.births;
    if (by > 0 && birth <= LIMITS.birthMax && this.#growth.take(now, by)) this.births = birth;
  }

  /** The birth for a link that comes up now; none is given twice. */
  nextBirth(): number {
    this.births = Math.min(this.births + 1, LIMITS.birthMax);
    return this.births;
  }

  /**
   * Puts those held announcements in their place whose time has come, and returns them. Forgets
   * servers that have not been reached for long.
   */
  release(now: Millis): Announcement[] {
    for (const [sid, at] of this.#lostAt) {
      if (now - at >= LIMITS.announcementKeepMsMax) this.#drop(sid);
    }
    const released: Announcement[] = [];
    for (const [sid, pace] of this.#paces) {
      const { held } = pace;
      if (held === undefined) {
        if (pace.bucket.isFull(now) && !this.all.has(sid)) this.#paces.delete(sid);
        continue;
      }
      if (held.due > now) continue;
      pace.held = undefined;
      this.#slow(pace, held.more, now);
      this.#renew(held.announcement, now);
      released.push(held.announcement);
    }
    return released;
  }

  /** When `release` next has something to do. */
  get dueAt(): Millis {
    let due = Number.POSITIVE_INFINITY;
    for (const { held } of this.#paces.values()) due = Math.min(due, held?.due ?? due);
    for (const at of this.#lostAt.values()) due = Math.min(due, at + LIMITS.announcementKeepMsMax);
    return due;
  }

  /** Notes who is reached now, and since when the others are not. */
  keepOnly(reached: ReadonlySet<Sid>, now: Millis): void {
    for (const sid of this.all.keys()) {
      if (reached.has(sid)) this.#lostAt.delete(sid);
      else if (!this.#lostAt.has(sid)) this.#lostAt.set(sid, now);
    }
  }

  // --- internal ---

  #renew(announcement: Announcement, now: Millis): void {
    const { sid } = announcement;
    if (!this.news.has(sid)) this.news.set(sid, this.all.get(sid));
    this.#lostAt.delete(sid); // it may be what a sync brings of a server that is back soon
    this.put(announcement, now);
  }

  /** The newest that is known of a server, held back or not. */
  #newest(sid: Sid): Announcement | undefined {
    return this.#paces.get(sid)?.held?.announcement ?? this.all.get(sid);
  }

  /** Room for one more server: of those that cannot be reached, the one longest lost gives way. */
  #makeRoom(): boolean {
    if (this.all.size < LIMITS.announcementsMax) return true;
    const [longestLost] = this.#lostAt.keys();
    if (longestLost === undefined) return false;
    this.#drop(longestLost);
    return true;
  }

  #drop(sid: Sid): void {
    this.#lostAt.delete(sid);
    this.#paces.delete(sid);
    this.news.delete(sid);
    this.all.delete(sid);
  }

  /**
   * Sets how long the next wait is. A burst may have come meanwhile, as of an operator who undoes
   * his merges; but who goes on faster than any honest origin does is heard ever more seldom.
   */
  #slow(pace: Pace, came: number, now: Millis): void {
    const { announcementsBurst, announcementsPerSecond, announcementHoldMsMax } = LIMITS;
    const isHonest = came <= announcementsBurst + (pace.holdMs / 1000) * announcementsPerSecond;
    if (isHonest) pace.bucket.take(now);
    else pace.bucket.empty(now);
    pace.holdMs = isHonest ? HOLD_MS_MIN : Math.min(2 * pace.holdMs, announcementHoldMsMax);
  }

  #pace(sid: Sid, now: Millis): Pace {
    let pace = this.#paces.get(sid);
    if (pace === undefined) {
      const { announcementsPerSecond, announcementsBurst } = LIMITS;
      const bucket = new Bucket(announcementsPerSecond, announcementsBurst, now);
      pace = { bucket, holdMs: HOLD_MS_MIN, held: undefined };
      this.#paces.set(sid, pace);
    }
    if (pace.bucket.isFull(now)) pace.holdMs = HOLD_MS_MIN;
    return pace;
  }
}

const HOLD_MS_MIN = 1000 / LIMITS.announcementsPerSecond;
