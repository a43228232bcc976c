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
  /**
   * Held: too often from one origin, and counts later, unless a newer one comes. `gone` had to give
   * way, since as many servers are known as may be.
   */
  | {
      readonly is: "new" | "held";
      readonly sid: Sid;
      readonly announcement: Announcement;
      readonly gone: Sid | undefined;
    };

export class Database {
  readonly all = new Map<Sid, Announcement>();
  /** What was replaced since it was last judged (undefined: nothing). Whoever judges clears it. */
  readonly news = new Map<Sid, Announcement | undefined>();
  /** Whom no neighbour is told of; whoever judges sets it. */
  hidden: ReadonlySet<Sid> = new Set();
  /** What neighbours are told: nothing that is not judged yet. */
  readonly judged = {
    /** Members last: where there is no room for all, what came first gives way. */
    keys: (): Iterable<Sid> => {
      const inside = (sid: Sid) => (this.#members.has(sid) ? 1 : 0);
      return [...this.all.keys()].toSorted((x, y) => inside(x) - inside(y));
    },
    get: (sid: Sid) => {
      if (this.hidden.has(sid)) return undefined;
      return this.news.has(sid) ? this.news.get(sid) : this.all.get(sid);
    },
  };
  /** The largest birth that was seen: the clock of merges. */
  births = 0;
  readonly #identity: Identity;
  readonly #paces = new Map<Sid, Pace>();
  /** Since when a server has not been in the fusion. */
  readonly #lostAt = new Map<Sid, Millis>();
  #members: ReadonlySet<Sid> = new Set();
  /** The newest of each origin that was taken back: it may be possible later. */
  readonly #refused = new Map<Sid, Announcement>();
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
    const told = this.judged.get(sid);
    const order = told === undefined ? 1 : compareAnnouncements(version, told);
    if (order < 0) return { is: "old", sid };
    // Whoever lags behind what waits here is not answered: he would be told what he has in mind.
    if (order === 0 || this.#waits(version)) return { is: "same", sid };
    const announcement = readAnnouncement(bytes, this.#identity);
    const gone = this.all.has(sid) ? undefined : this.#makeRoom();
    const pace = this.#pace(sid, now);
    if (pace.held !== undefined || !pace.bucket.take(now)) {
      const due = pace.held?.due ?? now + pace.holdMs;
      pace.held = { announcement, due, more: (pace.held?.more ?? 0) + 1 };
      return { is: "held", sid, announcement, gone };
    }
    this.#renew(announcement, now);
    return { is: "new", sid, announcement, gone };
  }

  /** Puts an announcement in its place, as the newest: a checked one, or this server's own. */
  put(announcement: Announcement, now: Millis): void {
    this.all.set(announcement.sid, announcement);
    for (const link of announcement.links) this.sawBirth(link.birth, now);
  }

  /** Takes news back: what it replaced is the newest again, and it waits for `retry`. */
  takeBack(sid: Sid): void {
    const refused = this.all.get(sid);
    const before = this.news.get(sid);
    if (refused !== undefined) this.#refused.set(sid, refused);
    if (this.#refused.size > LIMITS.refusedMax) {
      const [first] = this.#refused.keys();
      if (first !== undefined) this.#refused.delete(first);
    }
    if (before === undefined) this.all.delete(sid);
    else this.all.set(sid, before);
    this.news.delete(sid);
  }

  /** Makes what was taken back news again. False: there is none. */
  retry(now: Millis): boolean {
    const refused = [...this.#refused.values()];
    for (const announcement of refused) {
      if (!this.all.has(announcement.sid)) this.#makeRoom();
      this.#renew(announcement, now);
    }
    return refused.length > 0;
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

  /** Notes who is in the fusion now, and since when the others are not. */
  keepOnly(members: ReadonlySet<Sid>, now: Millis): void {
    this.#members = members;
    for (const sid of this.all.keys()) {
      if (members.has(sid)) this.#lostAt.delete(sid);
      else if (!this.#lostAt.has(sid)) this.#lostAt.set(sid, now);
    }
  }

  // --- internal ---

  #renew(announcement: Announcement, now: Millis): void {
    const { sid } = announcement;
    if (!this.news.has(sid)) this.news.set(sid, this.all.get(sid));
    this.#refused.delete(sid);
    this.#lostAt.delete(sid); // it may be what a sync brings of a server that is back soon
    this.put(announcement, now);
  }

  /** One as new is here already, and not judged yet, held back or refused. */
  #waits(version: ReturnType<typeof peekAnnouncement>): boolean {
    const { sid } = version;
    const held = this.#paces.get(sid)?.held?.announcement;
    return [this.all.get(sid), held, this.#refused.get(sid)].some(
      (one) => one !== undefined && compareAnnouncements(version, one) <= 0,
    );
  }

  /**
   * Room for one more server: of those outside the fusion, the one longest outside gives way, or
   * else the first that is not judged yet. There is one: no fusion has half as many members.
   */
  #makeRoom(): Sid | undefined {
    if (this.all.size < LIMITS.announcementsMax) return undefined;
    const [longestLost] = this.#lostAt.keys();
    const gone = longestLost ?? [...this.news.keys()].find((sid) => !this.#members.has(sid));
    if (gone !== undefined) this.#drop(gone);
    return gone;
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
