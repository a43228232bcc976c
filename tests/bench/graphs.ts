// Announced networks for the fabric's micro-benchmark: their links in order of birth, as their
// servers would announce them. Deterministic.

import { skeleton } from "../../src/plugin.ts";
import type { ServerName, Sid } from "../../src/plugin.ts";
import type { Announcement, LinkEntry } from "../../plugins/fabric-tree/announcement.ts";

/** Two servers, by number; the first link is the oldest. */
export type Wire = readonly [number, number];

export const SHAPES = {
  /** Each server merges with one that is there already; then half as many links stand by. */
  random(count: number): Wire[] {
    const chance = seeded(count);
    const below = (bound: number) => Math.floor(chance() * bound);
    const wires = randomTree(count, chance);
    const pairs = new Set(wires.map(String));
    const wanted = Math.min(Math.floor(1.5 * count), (count * (count - 1)) / 2);
    while (wires.length < wanted) {
      const [a, b] = [below(count), below(count)];
      if (a >= b || pairs.has(String([a, b]))) continue;
      pairs.add(String([a, b]));
      wires.push([a, b]);
    }
    return wires;
  },
  line: (count: number): Wire[] => Array.from({ length: count - 1 }, (_, at) => [at, at + 1]),
  /** Hubs with 64 links each, as many as a server may have: one star up to 65 servers. */
  star: (count: number): Wire[] =>
    Array.from({ length: count - 1 }, (_, at) => [at < 64 ? 0 : Math.floor((at - 1) / 63), at + 1]),
};

/** Each server merges with one that is there already. `chance` is from 0 to 1. */
export function randomTree(count: number, chance = seeded(count)): Wire[] {
  const wires: Wire[] = [];
  for (let at = 1; at < count; at++) wires.push([Math.floor(chance() * at), at]);
  return wires;
}

/** What each server lists, in the order of `sids`, if they are linked so. */
export function linksOf(sids: readonly Sid[], wires: readonly Wire[]): readonly LinkEntry[][] {
  const links = sids.map((): LinkEntry[] => []);
  const list = (at: number, other: number, birth: number) => {
    const [mine, peer] = [links[at], sids[other]];
    if (mine !== undefined && peer !== undefined) mine.push({ peer, port: mine.length + 1, birth });
  };
  wires.forEach(([a, b], at) => {
    list(a, b, at + 1);
    list(b, a, at + 1);
  });
  return links;
}

/** What `count` servers announce that are linked so. The first of the sids is who looks. */
export function announced(count: number, wires: readonly Wire[]) {
  const sids = Array.from({ length: count }, (_, at) => sidAt(at));
  const links = linksOf(sids, wires);
  const all = new Map(sids.map((sid, at) => [sid, announcement(sid, at, links[at] ?? [])]));
  return { self: sidAt(0), sids, all };
}

/** Uniform numbers from 0 to 1 (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

// --- internal ---

function sidAt(at: number): Sid {
  const chance = seeded(at + 1);
  const digits = Array.from({ length: 32 }, () => Math.floor(chance() * 16).toString(16));
  return digits.join("") as Sid; // 32 hex digits
}

function announcement(sid: Sid, at: number, links: readonly LinkEntry[]): Announcement {
  const name = `server-${at}.example` as ServerName; // in its canonical form
  return {
    sid,
    name,
    looks: skeleton(name),
    key: new Uint8Array(32).fill(at),
    card: new TextEncoder().encode(JSON.stringify({ life: sid.slice(16), seal: sid + sid })),
    epoch: 1,
    seq: 1,
    links,
    byPeer: new Map(links.map((link) => [link.peer, link])),
    bytes: new Uint8Array(0),
  };
}
