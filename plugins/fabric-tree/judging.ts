// When the announcements are judged, and the one thing that news may not do: push out who is
// established. view.ts is pure and believes every birth that both ends of a link sign; so two
// hostile servers could back-date a link between them, and so bring a namesake of an honest server
// in "before" it, or a thousand servers, or they could take another's name: the honest link would
// then be the younger one, and undone.
//
// Among honest servers that cannot be. Whoever makes a link knows all births that are older than
// some seconds, and signs a larger one; and whoever has a link that is undone closes it in the same
// step. Hence two rules:
//
// 1. Where news would undo a link that has stood for `establishedMs`, that part of the news is not
//    taken, nor handed on, which adds what is older than this link, on either side of it. It is
//    kept, and judged again at each later judgement.
// 2. A link that both ends go on to list for `establishedMs` though it is undone is a lie. It stays
//    apart as long as they list it, also when that is gone for which it was undone, and who is only
//    behind it is not handed on. So does one that is younger, if an established link would be
//    undone instead of it.
//
// What is taken away is always believed, and nobody is at fault for it. All that have seen the same
// for so long decide alike. Not so who came later and hears the liar: it may see the liar's people
// in place of others, under the same names. Nor is a link protected before it has stood for so
// long; where a liar times his news to just that moment, views may differ about it.

import { LIMITS } from "chatfusion";
import type { Failure, Millis, Sid } from "chatfusion";
import type { Announcement } from "./announcement.ts";
import type { Database } from "./database.ts";
import { undoneBecause } from "./objections.ts";
import type { Session } from "./session.ts";
import { isOlder, judge, keyOf, sidesBefore, walk } from "./view.ts";
import type { Edge, Judgement } from "./view.ts";

type Before = (sid: Sid) => Announcement | undefined;

export class Judging {
  judgement: Judgement;
  /** When a judgement may come; no earlier, but for our own links. */
  restUntil: Millis = 0;
  /** Whose announcements have changed since they were last judged, and who has told. */
  readonly #heard = new Map<Sid, Session | undefined>();
  readonly #database: Database;
  readonly #self: Sid;
  readonly #now: () => Millis;
  #judgedAt: Millis;
  /** A judgement that will be the old one, and since when it is so. */
  #next: { readonly judgement: Judgement; readonly at: Millis };
  /** What stood at least `establishedMs` ago, as `keyOf` writes it; made when it is needed. */
  #old: { readonly judgement: Judgement; links: ReadonlySet<string> | undefined } | undefined;
  /** Undone links, and since when they stay apart for good unless they are no more listed. */
  #undone = new Map<string, Millis>();
  /** When the next of them stays apart for good. */
  #apartAt: Millis = Number.POSITIVE_INFINITY;

  constructor(database: Database, self: Sid, now: () => Millis) {
    this.#database = database;
    this.#self = self;
    this.#now = now;
    this.judgement = judge(database.all, self);
    this.#judgedAt = now();
    this.#next = { judgement: this.judgement, at: this.#judgedAt };
  }

  heard(sid: Sid, from: Session | undefined): void {
    this.#heard.set(sid, from);
  }

  /** When what was heard is to be judged, or an undone link has stood for so long. */
  get dueAt(): Millis {
    return Math.max(this.restUntil, this.#heard.size === 0 ? this.#apartAt : 0);
  }

  /**
   * Judges what is announced now: whose news has stayed (and who has told it), and whose was
   * refused for its fault.
   */
  renew(): { readonly stayed: ReadonlyMap<Sid, Session | undefined>; readonly refused: Sid[] } {
    const begun = this.#now();
    this.#age(begun);
    const refused = this.#judge(begun);
    const stayed = new Map<Sid, Session | undefined>();
    const stay = () => {
      for (const sid of this.#database.news.keys()) stayed.set(sid, this.#heard.get(sid));
      this.#database.news.clear();
      this.#heard.clear();
    };
    stay();
    // Apart from the others, so that nobody is held to be at fault for what is tried again.
    if (this.#database.retry(begun)) {
      this.#judge(begun);
      stay();
    }
    this.#noteUndone(begun);
    const { hidden } = this.#database;
    this.#database.hidden = this.#hidden(begun);
    for (const sid of hidden) if (!this.#database.hidden.has(sid)) stayed.set(sid, undefined);
    this.#judgedAt = this.#now();
    const tookMs = this.#judgedAt - begun;
    const { judgeQuickMs, judgeRestFactor } = LIMITS;
    this.restUntil = tookMs < judgeQuickMs ? 0 : this.#judgedAt + judgeRestFactor * tookMs;
    return { stayed, refused };
  }

  /** Links of this server that are undone, and why. */
  undone(): { readonly peer: Sid; readonly birth: number; readonly why: Failure }[] {
    const own = ({ a, b, state }: Edge) => state === "undone" && (a === 0 || b === 0);
    return this.judgement.edges.filter(own).flatMap((edge) => {
      const peer = this.judgement.servers[edge.a === 0 ? edge.b : edge.a]?.sid;
      const why = undoneBecause(this.judgement, edge);
      return peer === undefined ? [] : [{ peer, birth: edge.birth, why }];
    });
  }

  // --- internal ---

  /** Remembers what stood `establishedMs` ago, or up to twice as long. */
  #age(now: Millis): void {
    const { judgement } = this;
    if (now - this.#judgedAt >= LIMITS.establishedMs) {
      this.#old = { judgement, links: undefined };
      this.#next = { judgement, at: now };
    } else if (now - this.#next.at >= LIMITS.establishedMs) {
      this.#old = { judgement: this.#next.judgement, links: undefined };
      this.#next = { judgement, at: now };
    }
  }

  /** Takes news back until no established link is undone. Returns whose fault it was. */
  #judge(now: Millis): Sid[] {
    const { news, all } = this.#database;
    const refused: Sid[] = [];
    const apart = (key: string) => this.#isApart(key, now);
    for (let round = 0; ; round++) {
      this.judgement = judge(all, this.#self, this.#undone.size === 0 ? undefined : apart);
      const lost = this.judgement.edges.filter((edge) => this.#lost(edge));
      if (lost.length === 0) return refused;
      if (round >= LIMITS.judgeRoundsMax) {
        if (news.size === 0) return refused;
        for (const sid of news.keys()) this.#database.takeBack(sid);
        continue;
      }
      const wrong = this.#wrong(lost);
      for (const sid of wrong) this.#database.takeBack(sid);
      refused.push(...wrong);
      if (wrong.length === 0 && !this.#holdApart(lost)) return refused;
    }
  }

  /** The news that adds something by which established links are undone. */
  #wrong(lost: readonly Edge[]): Sid[] {
    const { news, all } = this.#database;
    if (news.size === 0) return [];
    const before: Before = (sid) => (news.has(sid) ? news.get(sid) : all.get(sid));
    const wrong = new Set<Sid>();
    for (const edge of lost) {
      const joined = sidesBefore(this.judgement, edge);
      for (const sid of news.keys()) {
        const now = all.get(sid);
        const about = { judgement: this.judgement, edge, joined, before };
        if (now !== undefined && added({ ...about, now })) wrong.add(sid);
      }
    }
    return [...wrong];
  }

  /** Links that were undone till now, and by which established ones would be: they stay so. */
  #holdApart(lost: readonly Edge[]): boolean {
    const { servers, edges } = this.judgement;
    let found = false;
    for (const edge of lost) {
      const joined = sidesBefore(this.judgement, edge);
      for (const other of edges) {
        if (other === edge) break; // the others are younger
        const sid = servers[other.a]?.sid;
        const key = keyOf(servers, other);
        if (other.state !== "tree" || !this.#undone.has(key)) continue;
        if (sid === undefined || !joined(sid)) continue;
        this.#undone.set(key, Number.NEGATIVE_INFINITY);
        found = true;
      }
    }
    return found;
  }

  #isApart(key: string, now: Millis): boolean {
    return (this.#undone.get(key) ?? now) <= now - LIMITS.establishedMs;
  }

  /** Who is reached only over links that stay apart. */
  #hidden(now: Millis): ReadonlySet<Sid> {
    const { servers, edges } = this.judgement;
    const apart = new Set(
      edges.filter((edge) => edge.state === "undone" && this.#isApart(keyOf(servers, edge), now)),
    );
    if (apart.size === 0) return new Set();
    const { hops } = walk(servers.length, edges, (edge) => !apart.has(edge));
    return new Set(servers.flatMap(({ sid }, at) => ((hops[at] ?? -1) < 0 ? [sid] : [])));
  }

  #noteUndone(now: Millis): void {
    const { servers, edges } = this.judgement;
    const undone = new Map<string, Millis>();
    for (const edge of edges) {
      if (edge.state !== "undone") continue;
      const key = keyOf(servers, edge);
      undone.set(key, this.#undone.get(key) ?? now);
    }
    this.#undone = undone;
    this.#apartAt = Number.POSITIVE_INFINITY;
    for (const since of undone.values()) {
      const at = since + LIMITS.establishedMs;
      if (at > now) this.#apartAt = Math.min(this.#apartAt, at);
    }
  }

  #lost(edge: Edge): boolean {
    if (edge.state !== "undone" || this.#old === undefined) return false;
    const { servers, edges, index } = this.#old.judgement;
    const [a, b] = [this.judgement.servers[edge.a], this.judgement.servers[edge.b]];
    if (a === undefined || b === undefined) return false;
    if (!index.has(a.sid) || !index.has(b.sid)) return false;
    this.#old.links ??= new Set(
      edges.flatMap((old) => (old.state === "undone" ? [] : [keyOf(servers, old)])),
    );
    return this.#old.links.has(keyOf(this.judgement.servers, edge));
  }
}

// --- internal ---

interface Question {
  readonly judgement: Judgement;
  /** The established link that is undone. */
  readonly edge: Edge;
  /** Tells who is joined with either end of it by older links. */
  readonly joined: (sid: Sid) => boolean;
  readonly before: Before;
  /** The announcement in question. */
  readonly now: Announcement;
}

/** It takes another name, or makes a link that is older than the one that is undone. */
function added({ judgement, edge, joined, before, now }: Question): boolean {
  const was = before(now.sid);
  if (was !== undefined && was.looks !== now.looks && joined(now.sid)) return true;
  const at = judgement.index.get(now.sid);
  return judgement.edges.some((other) => {
    if (other.a !== at && other.b !== at) return false;
    const peer = judgement.servers[other.a === at ? other.b : other.a];
    if (peer === undefined || !isOlder(judgement, other, edge)) return false;
    if (!joined(now.sid) && !joined(peer.sid)) return false;
    // Who listed it before is not at fault: the other end has news, too.
    return was?.byPeer.get(peer.sid)?.birth !== other.birth;
  });
}
