// The one pure function that decides everything: of all announcements, which links are tree,
// standby or undone, who is in the fusion, and how each is reached. Every server computes it alone
// and, from the same announcements, to the same result. Next: route.ts.
//
// 1. A link counts when both ends list it with the same birth, and it can be reached from here.
// 2. In the order of (birth, smaller sid, larger sid): ends joined already → standby; the two
//    sides hold namesakes, or are too many together → undone; else → tree, and they are joined.
// 3. The fusion is what is joined with this server. So the tree has no loop, and no two namesakes.

import { LIMITS } from "chatfusion";
import type { Sid } from "chatfusion";
import type { Announcement, LinkEntry } from "./announcement.ts";

export type EdgeState = "tree" | "standby" | "undone";

/** A link that both ends list; `a` and `b` are indices of servers, a's sid being the smaller. */
export interface Edge {
  readonly a: number;
  readonly b: number;
  readonly birth: number;
  readonly portA: number;
  readonly portB: number;
  state: EdgeState;
}

/** The way from this server to each other one, by index: over a parent, through its port. */
export interface Paths {
  /** -1 for this server itself and for those that cannot be reached. */
  readonly parent: Int32Array;
  readonly port: Int32Array;
  /** -1 where there is no way. */
  readonly hops: Int32Array;
}

export interface Judgement {
  /** All whose links can be reached, also over undone ones; this server is 0. */
  readonly servers: readonly Announcement[];
  readonly index: ReadonlyMap<Sid, number>;
  readonly edges: readonly Edge[];
  /** Servers with the same number are joined. */
  readonly side: Int32Array;
  /** Over tree links; reaches exactly the fusion. */
  readonly tree: Paths;
  /** Over tree and standby links. */
  readonly shortest: Paths;
}

/**
 * Judges all announcements as `self` sees them; its own must be among them. Links that are to stay
 * apart are undone, whatever the others are. Pure.
 */
export function judge(
  all: ReadonlyMap<Sid, Announcement>,
  self: Sid,
  apart?: (key: string) => boolean,
): Judgement {
  const { servers, index, edges } = collect(all, self);
  edges.sort((x, y) => compareEdges(servers, x, y));
  const count = servers.length;
  const sides = new Sides(servers);
  for (const edge of edges) {
    if (apart?.(keyOf(servers, edge)) === true) continue;
    edge.state = sides.joined(edge) ? "standby" : sides.join(edge) ? "tree" : "undone";
  }
  const tree = walk(count, edges, (edge) => edge.state === "tree");
  const shortest = walk(
    count,
    edges,
    (edge) => edge.state !== "undone" && sides.of(edge.a) === sides.of(0),
  );
  const side = new Int32Array(count);
  for (let at = 0; at < count; at++) side[at] = sides.of(at);
  return { servers, index, edges, side, tree, shortest };
}

/** The link between this server and another, if both list it. */
export function edgeTo(judgement: Judgement, peer: Sid): Edge | undefined {
  const at = judgement.index.get(peer);
  if (at === undefined) return undefined;
  return judgement.edges.find(({ a, b }) => (a === 0 && b === at) || (a === at && b === 0));
}

/** Tells links apart, also those of the same two servers. */
export function keyOf(servers: readonly Announcement[], { a, b, birth }: Edge): string {
  return `${servers[a]?.sid}${servers[b]?.sid}${birth}`;
}

/** Tells whether a link comes before another one in the order of merges. */
export function isOlder({ servers }: Judgement, edge: Edge, than: Edge): boolean {
  return compareEdges(servers, edge, than) < 0;
}

/** Who was joined with either end of a link when its turn came. */
export function sidesBefore(judgement: Judgement, edge: Edge): (sid: Sid) => boolean {
  const { servers, index, edges } = judgement;
  const sides = new Sides(servers);
  for (const other of edges) {
    if (other === edge) break;
    if (other.state === "tree") sides.join(other);
  }
  return (sid) => {
    const at = index.get(sid);
    return at !== undefined && [sides.of(edge.a), sides.of(edge.b)].includes(sides.of(at));
  };
}

/** The servers of an undone link's two sides that share a name; none if they are too many. */
export function namesakes(
  judgement: Judgement,
  edge: Edge,
): readonly (readonly [Announcement, Announcement])[] {
  const { servers, side } = judgement;
  const first = new Map<string, Announcement>();
  servers.forEach((server, at) => {
    if (side[at] === side[edge.a]) first.set(server.looks, server);
  });
  return servers.flatMap((server, at) => {
    const other = first.get(server.looks);
    return side[at] !== side[edge.b] || other === undefined ? [] : [[other, server] as const];
  });
}

// --- internal ---

/** All servers and links that can be reached from `self` over links that both ends list. */
function collect(
  all: ReadonlyMap<Sid, Announcement>,
  self: Sid,
): { servers: Announcement[]; index: Map<Sid, number>; edges: Edge[] } {
  const servers: Announcement[] = [];
  const index = new Map<Sid, number>();
  const edges: Edge[] = [];
  const add = (server: Announcement): number => {
    index.set(server.sid, servers.length);
    return servers.push(server) - 1;
  };
  const first = all.get(self);
  if (first !== undefined) add(first);
  for (let here = 0; here < servers.length; here++) {
    const server = servers[here];
    if (server === undefined) break;
    for (const { peer, port, birth } of server.links) {
      const seen = index.get(peer);
      if (seen !== undefined && seen < here) continue; // all of its links were looked at
      const other = seen === undefined ? all.get(peer) : servers[seen];
      if (other === undefined) continue;
      const back = linkTo(other, server.sid);
      if (back?.birth !== birth) continue;
      const there = seen ?? add(other);
      const state = "undone";
      edges.push(
        server.sid < peer
          ? { a: here, b: there, birth, portA: port, portB: back.port, state }
          : { a: there, b: here, birth, portA: back.port, portB: port, state },
      );
    }
  }
  return { servers, index, edges };
}

/** Most servers have few links: looking through them is quicker than a look-up. */
function linkTo(server: Announcement, peer: Sid): LinkEntry | undefined {
  if (server.links.length > 8) return server.byPeer.get(peer);
  for (const link of server.links) if (link.peer === peer) return link;
  return undefined;
}

function compareEdges(servers: readonly Announcement[], x: Edge, y: Edge): number {
  return x.birth - y.birth || order(servers, x.a, y.a) || order(servers, x.b, y.b);
}

function order(servers: readonly Announcement[], x: number, y: number): number {
  if (x === y) return 0;
  const [a, b] = [servers[x]?.sid ?? "", servers[y]?.sid ?? ""];
  return a < b ? -1 : 1;
}

/** Which servers are joined so far: disjoint sets, with the namesakes that must stay apart. */
class Sides {
  readonly #parent: Int32Array;
  readonly #size: Int32Array;
  /**
   * For each side one bit for each look that several servers have, set where it has one of them: a
   * few words to compare, however many namesakes there are and however often they are tried.
   */
  readonly #shared: Uint32Array;
  readonly #words: number;

  constructor(servers: readonly Announcement[]) {
    this.#parent = new Int32Array(servers.length);
    for (let at = 0; at < servers.length; at++) this.#parent[at] = at;
    this.#size = new Int32Array(servers.length).fill(1);
    const groups = sharedLooks(servers);
    this.#words = Math.ceil(groups.size / 32);
    this.#shared = new Uint32Array(servers.length * this.#words);
    if (groups.size === 0) return;
    servers.forEach(({ looks }, at) => {
      const group = groups.get(looks);
      if (group !== undefined) this.#shared[at * this.#words + (group >> 5)] = 1 << (group & 31);
    });
  }

  joined(edge: Edge): boolean {
    return this.of(edge.a) === this.of(edge.b);
  }

  /** False when the two sides must stay apart. */
  join(edge: Edge): boolean {
    const a = this.of(edge.a);
    const b = this.of(edge.b);
    const [sizeA, sizeB] = [this.#size[a] ?? 0, this.#size[b] ?? 0];
    if (sizeA + sizeB > LIMITS.serversMax || this.#shareLooks(a, b)) return false;
    const [large, small] = sizeA < sizeB ? [b, a] : [a, b];
    this.#parent[small] = large;
    this.#size[large] = sizeA + sizeB;
    const [into, from] = [large * this.#words, small * this.#words];
    for (let at = 0; at < this.#words; at++) {
      this.#shared[into + at] = (this.#shared[into + at] ?? 0) | (this.#shared[from + at] ?? 0);
    }
    return true;
  }

  /** The server that stands for all that are joined with this one. */
  of(server: number): number {
    let at = server;
    for (;;) {
      const up = this.#parent[at] ?? at;
      if (up === at) return at;
      const above = this.#parent[up] ?? up;
      this.#parent[at] = above; // halves the way for the next time
      at = above;
    }
  }

  #shareLooks(a: number, b: number): boolean {
    const [x, y] = [a * this.#words, b * this.#words];
    for (let at = 0; at < this.#words; at++) {
      if (((this.#shared[x + at] ?? 0) & (this.#shared[y + at] ?? 0)) !== 0) return true;
    }
    return false;
  }
}

/** The looks that several servers have, numbered. */
function sharedLooks(servers: readonly Announcement[]): ReadonlyMap<string, number> {
  const seen = new Set<string>();
  const shared = new Map<string, number>();
  for (const { looks } of servers) {
    if (seen.has(looks) && !shared.has(looks)) shared.set(looks, shared.size);
    seen.add(looks);
  }
  return shared;
}

/** Breadth first from server 0 over the edges that `use` lets pass. */
export function walk(count: number, edges: readonly Edge[], use: (edge: Edge) => boolean): Paths {
  const used = edges.filter(use);
  const near = neighboursOf(count, used);
  const parent = new Int32Array(count).fill(-1);
  const port = new Int32Array(count);
  const hops = new Int32Array(count).fill(-1);
  const queue = new Int32Array(count);
  hops[0] = 0;
  let queued = 1;
  for (let next = 0; next < queued; next++) {
    const server = queue[next] ?? 0;
    const end = near.end[server] ?? 0;
    for (let at = end - (near.count[server] ?? 0); at < end; at++) {
      const peer = near.peer[at] ?? 0;
      if (hops[peer] !== -1) continue;
      hops[peer] = (hops[server] ?? 0) + 1;
      parent[peer] = server;
      port[peer] = near.port[at] ?? 0;
      queue[queued++] = peer;
    }
  }
  return { parent, port, hops };
}

/** The neighbours of each server, one after another: those of `s` are the last `count` to `end`. */
function neighboursOf(servers: number, edges: readonly Edge[]) {
  const count = new Int32Array(servers);
  for (const { a, b } of edges) {
    count[a] = (count[a] ?? 0) + 1;
    count[b] = (count[b] ?? 0) + 1;
  }
  const end = new Int32Array(servers); // where the next one goes; at last, where they end
  for (let at = 1; at < servers; at++) end[at] = (end[at - 1] ?? 0) + (count[at - 1] ?? 0);
  const peer = new Int32Array(2 * edges.length);
  const port = new Int32Array(2 * edges.length);
  const put = (from: number, to: number, through: number) => {
    const at = end[from] ?? 0;
    end[from] = at + 1;
    peer[at] = to;
    port[at] = through;
  };
  for (const { a, b, portA, portB } of edges) {
    put(a, b, portA);
    put(b, a, portB);
  }
  return { count, end, peer, port };
}
