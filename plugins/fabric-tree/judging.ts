// When the announcements are judged, and the one thing that news may not do: push out who is
// established. view.ts is pure and believes every birth that both ends of a link sign; so two
// hostile servers could back-date a link between them, and so bring a namesake of an honest server
// in "before" it, or a thousand servers, or they could take another's name: the honest link would
// then be the younger one, and undone.
//
// Among honest servers that cannot be. Whoever makes a link knows all births that are older than
// some seconds, and signs a larger one. So a link that has stood for `establishedMs` is older than
// everything that is made later, and what comes in from another fusion is joined to it by a link
// that is younger still. Hence the rule: where news would undo an established link, that part of
// the news is not taken which has added what is older than this link, on either side of it: another
// name, or a link. All that have seen the link stand for so long decide alike; only who came later,
// and hears the liar first, may see the liar's people in place of the others.
//
// What was taken away is never refused: honest links break, and a rule against that would punish
// those at their ends. So a liar that holds a namesake ready behind a link which the view undoes
// can have an honest fusion parted when a link of it breaks, until somebody parts from the liar.

import { LIMITS } from "chatfusion";
import type { Failure, Millis, Sid } from "chatfusion";
import type { Announcement } from "./announcement.ts";
import type { Database } from "./database.ts";
import { undoneBecause } from "./objections.ts";
import { isOlder, judge, sidesBefore } from "./view.ts";
import type { Edge, Judgement } from "./view.ts";

type Before = (sid: Sid) => Announcement | undefined;

export class Judging {
  judgement: Judgement;
  /** When a judgement may come; no earlier, but for our own links. */
  restUntil: Millis = 0;
  readonly #database: Database;
  readonly #self: Sid;
  readonly #now: () => Millis;
  #judgedAt: Millis;
  /** A judgement that will be the old one, and since when it is so. */
  #next: { readonly judgement: Judgement; readonly at: Millis };
  /** What stood at least `establishedMs` ago, as `keyOf` writes it; made when it is needed. */
  #old: { readonly judgement: Judgement; links: ReadonlySet<string> | undefined } | undefined;

  constructor(database: Database, self: Sid, now: () => Millis) {
    this.#database = database;
    this.#self = self;
    this.#now = now;
    this.judgement = judge(database.all, self);
    this.#judgedAt = now();
    this.#next = { judgement: this.judgement, at: this.#judgedAt };
  }

  /** Judges what is announced now. Returns the servers whose news was not taken. */
  renew(): Sid[] {
    const begun = this.#now();
    this.#age(begun);
    const refused: Sid[] = [];
    for (let round = 0; ; round++) {
      this.judgement = judge(this.#database.all, this.#self);
      const wrong = this.#wrong(round);
      if (wrong.length === 0) break;
      for (const sid of wrong) this.#database.takeBack(sid);
      refused.push(...wrong);
    }
    this.#database.news.clear();
    this.#judgedAt = this.#now();
    const tookMs = this.#judgedAt - begun;
    this.restUntil =
      tookMs < LIMITS.judgeQuickMs ? 0 : this.#judgedAt + LIMITS.judgeRestFactor * tookMs;
    return refused;
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

  /** The news by which established links are undone. */
  #wrong(round: number): Sid[] {
    const { news } = this.#database;
    const undone = news.size === 0 ? [] : this.judgement.edges.filter((edge) => this.#lost(edge));
    if (undone.length === 0) return [];
    if (round >= LIMITS.judgeRoundsMax) return [...news.keys()];
    const before: Before = (sid) => (news.has(sid) ? news.get(sid) : this.#database.all.get(sid));
    const wrong = new Set<Sid>();
    for (const edge of undone) {
      const joined = sidesBefore(this.judgement, edge);
      for (const sid of news.keys()) {
        const now = this.#database.all.get(sid);
        const about = { judgement: this.judgement, edge, joined, before };
        if (now !== undefined && added({ ...about, now })) wrong.add(sid);
      }
    }
    return [...wrong];
  }

  #lost(edge: Edge): boolean {
    if (edge.state !== "undone" || this.#old === undefined) return false;
    const { judgement } = this.#old;
    const [a, b] = [this.judgement.servers[edge.a], this.judgement.servers[edge.b]];
    if (a === undefined || b === undefined) return false;
    if (!judgement.index.has(a.sid) || !judgement.index.has(b.sid)) return false;
    this.#old.links ??= new Set(
      judgement.edges.flatMap((old) => (old.state === "undone" ? [] : [keyOf(judgement, old)])),
    );
    return this.#old.links.has(keyOf(this.judgement, edge));
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
    return !listed(was, peer.sid, other.birth) || !listed(before(peer.sid), now.sid, other.birth);
  });
}

const listed = (announcement: Announcement | undefined, peer: Sid, birth: number): boolean =>
  announcement?.byPeer.get(peer)?.birth === birth;

function keyOf(judgement: Judgement, { a, b, birth }: Edge): string {
  return `${judgement.servers[a]?.sid}${judgement.servers[b]?.sid}${birth}`;
}
