// The view as the core gets it: made of a judgement, and a new one only when something has changed
// that the core could see.

import type { LinkInView, Millis, ServerInView, Sid, View } from "chatfusion";
import type { Edge, Judgement } from "./view.ts";

/** Makes the view that follows `before`; the same object where nothing has changed. */
export function publishedView(
  judgement: Judgement,
  before: View | undefined,
  rttTo: (peer: Sid) => Millis | undefined,
): View {
  const servers = serversOf(judgement);
  const links = linksOf(judgement, rttTo);
  const here = judgement.servers[0]?.sid;
  if (before !== undefined && sameServers(servers, before.servers)) {
    if (sameLinks(links, before.links)) return before;
  }
  const neighbours = links.flatMap(({ a, b }) => (a === here ? [b] : b === here ? [a] : []));
  return { version: (before?.version ?? 0) + 1, servers, neighbours, links };
}

/** The same view with the round-trip times of now; its version stays. */
export function withRoundTrips(view: View, self: Sid, rttTo: (peer: Sid) => Millis | undefined) {
  let changed = false;
  const links = view.links.map((link) => {
    if (link.a !== self && link.b !== self) return link;
    const rttMs = rttTo(link.a === self ? link.b : link.a);
    if (rttMs === undefined || rttMs === link.rttMs) return link;
    changed = true;
    return { ...link, rttMs };
  });
  return changed ? { ...view, links } : view;
}

// --- internal ---

function serversOf(judgement: Judgement): ServerInView[] {
  const here: ServerInView[] = [];
  judgement.servers.forEach(({ sid, name, key, card }, at) => {
    if ((judgement.tree.hops[at] ?? -1) < 0) return;
    here.push({ sid, name, key, card, hops: judgement.shortest.hops[at] ?? 0 });
  });
  return here;
}

function linksOf(judgement: Judgement, rttTo: (peer: Sid) => Millis | undefined): LinkInView[] {
  const { servers, tree } = judgement;
  const links: LinkInView[] = [];
  for (const edge of judgement.edges) {
    if (edge.state === "undone" || (tree.hops[edge.a] ?? -1) < 0) continue;
    const [a, b] = [servers[edge.a]?.sid, servers[edge.b]?.sid];
    if (a === undefined || b === undefined) continue;
    const rttMs = rttOf(edge, a, b, rttTo);
    links.push({ a, b, state: edge.state, ...(rttMs === undefined ? {} : { rttMs }) });
  }
  return links;
}

function rttOf(edge: Edge, a: Sid, b: Sid, rttTo: (peer: Sid) => Millis | undefined) {
  if (edge.a === 0) return rttTo(b);
  return edge.b === 0 ? rttTo(a) : undefined;
}

function sameServers(x: readonly ServerInView[], y: readonly ServerInView[]): boolean {
  if (x.length !== y.length) return false;
  return x.every((one, at) => {
    const other = y[at];
    if (other?.sid !== one.sid || other.name !== one.name || other.hops !== one.hops) return false;
    return other.card === one.card || equalBytes(other.card, one.card);
  });
}

function equalBytes(x: Uint8Array, y: Uint8Array): boolean {
  return x.length === y.length && x.every((byte, at) => byte === y[at]);
}

function sameLinks(x: readonly LinkInView[], y: readonly LinkInView[]): boolean {
  if (x.length !== y.length) return false;
  return x.every(({ a, b, state }, at) => {
    const other = y[at];
    return other?.a === a && other.b === b && other.state === state;
  });
}
