// Source routes: nested ports. The source writes the whole way into the header; a server on the
// way reads its own entries, hands each neighbour its part, and keeps nothing. A route only ever
// shrinks, so it ends whatever the views are. Pure. Next: traffic.ts.
//
//   frame  u8 flags (class 0–3, +4: for you too) · origin (16) · length (varint) · route · body
//   route  entries × { port × 2 + 1 if for that server too (varint) · length (varint) · its route }

import { assert, LIMITS, sidOf, TRAFFIC } from "chatfusion";
import type { Bytes, Sid, Traffic } from "chatfusion";
import { bad, Reader, VARINT_MAX } from "./bytes.ts";
import type { Announcement } from "./announcement.ts";
import type { Judgement, Paths } from "./view.ts";

/** Ports beyond this would not fit into an entry. */
export const PORT_MAX = Math.floor(VARINT_MAX / 2);

/** One entry of a route at the server that reads it. */
export interface Hop {
  readonly port: number;
  /** The server behind the port is itself addressed, not only on the way. */
  readonly deliver: boolean;
  /** What that server is to do with it. */
  readonly route: Bytes;
}

export interface Routes {
  readonly hops: readonly Hop[];
  /** How many of the servers that were asked for are reached. */
  readonly reached: number;
}

export interface Routed {
  readonly traffic: Traffic;
  readonly deliver: boolean;
  readonly origin: Sid;
  readonly hops: readonly Hop[];
  /** Borrowed with the payload. */
  readonly body: Bytes;
}

/**
 * Writes the way over `paths` to the servers in `to`, without detours; servers that are unknown,
 * out of reach, or this one itself are left out.
 */
export function routesTo(judgement: Judgement, paths: Paths, to: readonly Sid[]): Routes {
  const marked = mark(judgement, paths, to);
  const { children, deliver, reached } = marked;
  const scratch = new Uint8Array(6 * marked.count);
  let at = scratch.length; // backwards, so that each length is known when it is written
  const varint = (value: number) => {
    if (value > 0x3fff) scratch[--at] = value >>> 14;
    if (value > 0x7f) scratch[--at] = ((value >>> 7) & 127) | (value > 0x3fff ? 128 : 0);
    scratch[--at] = (value & 127) | (value > 0x7f ? 128 : 0);
  };
  const entry = (server: number) => ((paths.port[server] ?? 0) << 1) | (deliver[server] ?? 0);
  const write = (server: number) => {
    const next = children.get(server);
    for (let i = (next?.length ?? 0) - 1; i >= 0; i--) {
      const child = next?.[i] ?? 0;
      const end = at;
      write(child);
      varint(end - at);
      varint(entry(child));
    }
  };
  const hops = (children.get(0) ?? []).map((first) => {
    const end = at;
    write(first);
    const route = scratch.subarray(at, end);
    return { port: entry(first) >> 1, deliver: (entry(first) & 1) === 1, route };
  });
  return { hops, reached };
}

/** The servers on the shortest way to one, itself at last; none where there is no way. */
export function wayTo(judgement: Judgement, to: number): Announcement[] {
  const { servers, shortest } = judgement;
  const way: Announcement[] = [];
  for (let at = to; (shortest.hops[at] ?? -1) > 0; at = shortest.parent[at] ?? -1) {
    const server = servers[at];
    if (server !== undefined) way.unshift(server);
  }
  return way;
}

/**
 * Reads a route as it stands in a header and checks all of it: every length within its parent, at
 * most `LIMITS.hopsMax` deep, no entry without effect. Ports are checked by who owns them.
 * Borrowed. Throws `ProtocolError` `BAD_FRAME`.
 */
export function splitRoute(route: Bytes): Hop[] {
  const hops: Hop[] = [];
  const reader = new Reader(route);
  const ends = new Int32Array(LIMITS.hopsMax);
  let depth = 0; // of the entry that is read: 0 is ours
  let end = route.length;
  for (;;) {
    while (depth > 0 && reader.at === end) end = ends[--depth] ?? 0;
    if (reader.left === 0) return hops;
    const entry = reader.varint();
    const size = reader.varint();
    const from = reader.at;
    const deliver = (entry & 1) === 1;
    if (entry < 2 || (size === 0 && !deliver)) throw bad("a port, and an end that is addressed");
    if (from + size > end) throw bad(`a route within its parent, got ${size} bytes`);
    if (depth === 0) {
      hops.push({ port: entry >> 1, deliver, route: route.subarray(from, from + size) });
    }
    if (size === 0) continue;
    ends[depth++] = end;
    end = from + size;
    if (depth === LIMITS.hopsMax) throw bad(`at most ${LIMITS.hopsMax} hops`);
  }
}

/** Writes what stands before the body of a frame to the server behind `hop`. */
export function routedHead(
  origin: Bytes,
  traffic: Traffic,
  hop: Pick<Hop, "deliver" | "route">,
): Bytes {
  assert(origin.length === 16, "an origin has 16 bytes");
  const { route } = hop;
  const head = new Uint8Array(17 + varintBytes(route.length) + route.length);
  head[0] = TRAFFIC.indexOf(traffic) + (hop.deliver ? 4 : 0);
  head.set(origin, 1);
  let at = 17;
  let rest = route.length;
  for (; rest > 127; rest >>>= 7) head[at++] = (rest & 127) | 128;
  head[at++] = rest;
  head.set(route, at);
  return head;
}

/** Reads and checks a routed frame. Borrowed. Throws `ProtocolError` `BAD_FRAME`. */
export function readRouted(payload: Bytes): Routed {
  const reader = new Reader(payload);
  const flags = reader.u8();
  const traffic = TRAFFIC[flags & 3];
  if (traffic === undefined || flags > 7) throw bad(`flags up to 7, got ${flags}`);
  const origin = sidOf(reader.bytes(16));
  const length = reader.varint();
  if (length > LIMITS.routeBytesMax)
    throw bad(`a route up to ${LIMITS.routeBytesMax} bytes, got ${length}`);
  const hops = splitRoute(reader.bytes(length));
  return { traffic, deliver: flags > 3, origin, hops, body: reader.rest() };
}

// --- internal ---

/** How many bytes a length takes. What could not be read again is our own mistake. */
function varintBytes(value: number): number {
  assert(value <= VARINT_MAX, `a route of ${value} bytes`);
  if (value < 0x80) return 1;
  return value < 0x4000 ? 2 : 3;
}

/** The part of `paths` that leads to `to`: who hands on to whom, and who is addressed (1). */
function mark(judgement: Judgement, paths: Paths, to: readonly Sid[]) {
  const seen = new Uint8Array(judgement.servers.length);
  const deliver = new Uint8Array(judgement.servers.length);
  const children = new Map<number, number[]>();
  let reached = 0;
  let count = 0;
  for (const sid of to) {
    const server = judgement.index.get(sid) ?? 0;
    const hops = paths.hops[server] ?? 0;
    if (hops < 1 || hops > LIMITS.hopsMax || deliver[server] === 1) continue;
    deliver[server] = 1;
    reached++;
    for (let at = server; at > 0 && seen[at] === 0;) {
      seen[at] = 1;
      count++;
      const up = paths.parent[at] ?? 0;
      const siblings = children.get(up);
      if (siblings === undefined) children.set(up, [at]);
      else siblings.push(at);
      at = up;
    }
  }
  return { children, deliver, reached, count };
}
