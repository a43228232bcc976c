// Where things stand in a history at a moment: what a fault would strike.

import type { SimServer } from "../../src/testing.ts";
import type { History } from "./history.ts";

export type Pair = readonly [a: string, b: string];

export const isMerged = ({ watch }: History): boolean =>
  [...watch.fabrics.values()].some(({ view }) => view.servers.length > 1);

/** Where the server with this sid runs; itself where nobody has it any more. */
export function hostOf({ servers }: History, sid: string): string {
  for (const { host, server } of servers.values()) if (server?.sid === sid) return host;
  return sid;
}

/** All pairs of servers, linked or not. */
export function pairsOfServers({ servers }: History): Pair[] {
  const hosts = [...servers.keys()];
  return hosts.flatMap((a, at) => hosts.slice(at + 1).map((b): Pair => [a, b]));
}

/** Pairs of servers with an open connection, linked or on the way to it. */
export function pairsConnected({ servers, world }: History): Pair[] {
  return world.pairs.filter(([a, b]) => a !== b && servers.has(a) && servers.has(b));
}

/** What is between two hosts as the first sees it. */
export function linkBetween(history: History, [a, b]: Pair): string {
  const { servers, watch } = history;
  const [self, sid] = [servers.get(a)?.server?.sid, servers.get(b)?.server?.sid];
  const own = watch.fabrics
    .get(a)
    ?.view.links.find((one) => [one.a, one.b].every((end) => end === self || end === sid));
  if (own !== undefined) return `${own.state} link`;
  const isOpen = pairsConnected(history).some((pair) => pair.includes(a) && pair.includes(b));
  return isOpen ? "handshake" : "nothing";
}

/** Where a server stands in its fusion. */
export function placeOf(history: History, { host, server }: SimServer): string {
  const view = history.watch.fabrics.get(host)?.view;
  const near = (view?.links ?? []).filter(({ a, b }) => a === server?.sid || b === server?.sid);
  if (near.some(({ state }) => state === "standby")) return "in a ring";
  if (near.length > 1) return "in the middle";
  if (near.length === 1) return "at the edge";
  return pairsConnected(history).some((pair) => pair.includes(host)) ? "handshake" : "alone";
}
