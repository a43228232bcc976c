// What must hold when a merge storm is over: one view in each fusion, a tree and its standby links,
// no name twice; the youngest link between namesakes gave way; and whose operator has read what.

import { expect } from "bun:test";
import type { Sid } from "../../src/plugin.ts";
import type { Outcome } from "./storm.ts";
import type { Watched } from "./watched.ts";

type Servers = readonly Watched[];
type Pair = readonly [Watched, Watched];

/** A name that is there twice, as operators read it: who holds it, on which side. */
const TWICE =
  /the name (\S+) is there twice: (\w+) holds it in the fusion of (\S+), (\w+) in that of (\S+)$/;
const PINNED =
  /^(\S+): on (\S+) .* pinned to the server (\w+), and (\w+) holds it in the fusion of (\S+);/;

/** Those whom a server sees, itself included. */
export function fusionOf({ view }: Watched, servers: Servers): Watched[] {
  return view.servers.map(({ sid, name }) => {
    const found = servers.find((server) => server.sid === sid);
    if (found === undefined) throw new Error(`${name}, ${sid}, is none of us`);
    return found;
  });
}

/**
 * Two servers of one name that keep two others from a link: in their fusions, or since one of the
 * two has pinned the name to the one that it saw first.
 */
export function namesakes(one: Watched, other: Watched, servers: Servers): Pair | undefined {
  const against = (here: Watched, there: Watched): Pair | undefined => {
    const ours = fusionOf(here, servers);
    for (const their of fusionOf(there, servers)) {
      const { name } = their;
      const held = [ours.find((our) => our.name === name)?.sid, here.pins.get(name)];
      const rival = held.find((sid) => sid !== undefined && sid !== their.sid);
      if (rival !== undefined) return [their, servers.find(({ sid }) => sid === rival)!];
    }
    return undefined;
  };
  return against(one, other) ?? against(other, one);
}

/** Checks a round that has come to rest; `merges` are those that were typed. */
export function checkRound(servers: Servers, merges: readonly Pair[]): Omit<Outcome, "ms"> {
  const pairs = new Set(merges.map(([from, to]) => pairOf(from, to)));
  for (const one of servers) checkView(one);
  const isTwice = new Set(servers.map(({ name }) => name)).size < servers.length;
  const fusions = new Set(servers.map(({ sight }) => sight)).size;
  if (!isTwice) {
    expect(fusions, "fusions").toBe(1);
    expect(servers[0]?.view.links, "links").toHaveLength(pairs.size);
  }
  let refused = 0;
  for (const one of servers) {
    checkReports(one, servers, merges);
    for (const { to, state, text } of one.answers) {
      if (state === "NAME_TAKEN" && isTwice) {
        refused++;
        checkText(text, [one, to], servers);
      } else {
        expect(["merged", "standby"], text).toContain(state);
        expect(one.view.servers.map(({ sid }) => sid)).toContain(to.sid);
      }
    }
  }
  return { fusions, refused, ...checkUndone(servers, pairs) };
}

// --- internal ------------------------------------------------------------------------------------

const pairOf = ({ sid: a }: Watched, { sid: b }: Watched): string => [a, b].toSorted().join();

function checkView({ name, view: { servers, links } }: Watched): void {
  expect(new Set(servers.map((server) => server.name)).size, name).toBe(servers.length);
  const tree = links.filter(({ state }) => state === "tree");
  expect(tree, `tree links of ${name}`).toHaveLength(servers.length - 1);
}

/** The operator reads of names that are there twice, at the ends of a link that was wanted. */
function checkReports(one: Watched, servers: Servers, merges: readonly Pair[]): void {
  for (const { event, server, code, text } of one.reports) {
    if (event === "standby" || event === "healed") continue;
    expect(["undone", "refused", "retrying"], text).toContain(event);
    expect(code, text).toBe("NAME_TAKEN");
    const ends = merges.filter(([from, to]) => from === one || to === one);
    const others = ends
      .map(([from, to]) => (from === one ? to : from))
      .filter(({ name }) => name === server);
    expect(others[0], `${one.name} reads of ${server}: ${text}`).toBeDefined();
    if (event === "retrying") continue;
    checkText(text, [one, others[0]!], servers);
    // Whoever was refused has read so as well.
    const isAnswered = others.some(({ answers }) =>
      answers.some(({ to, state }) => to === one && state === "NAME_TAKEN"),
    );
    if (event === "refused") expect(isAnswered, `${server} to ${one.name}: ${text}`).toBe(true);
  }
}

/** It names two servers that have one name, and the two ends between which they may not be. */
function checkText(text: string, ends: Pair, servers: Servers): void {
  const [, twice, first, sideOfFirst, second, sideOfSecond] = TWICE.exec(text) ?? [];
  const [, pinned, here, pin, holder, there] =
    PINNED.exec(text.replace(/^link undone: /, "")) ?? [];
  const name = twice ?? pinned;
  const sids = [first ?? pin, second ?? holder];
  const nameOf = (sid: string | undefined) => servers.find((one) => one.sid === sid)?.name;
  expect([name, name], text).toEqual(sids.map(nameOf));
  expect(new Set(sids).size, text).toBe(2);
  const sides = [sideOfFirst ?? here, sideOfSecond ?? there].map(String);
  expect(sides.toSorted(), text).toEqual(ends.map((end) => end.name).toSorted());
}

/** A link by its birth and its ends: their order is the order of merges. */
interface Edge {
  readonly ends: Pair;
  readonly order: string;
}

function checkUndone(servers: Servers, pairs: ReadonlySet<string>) {
  const told = new Map<string, number>();
  for (const one of servers) {
    for (const { event, server } of one.reports) {
      if (event !== "undone") continue;
      const ends = `${one.name} ${server}`;
      told.set(ends, (told.get(ends) ?? 0) + 1);
    }
  }
  let undone = 0;
  for (const [ends, count] of told) {
    undone += count / 2;
    const [one = "", other = ""] = ends.split(" ");
    if (told.get(`${other} ${one}`) === count) continue;
    // Whose merge it was may have read so in its answer, and is not told twice.
    const isAnswered = wasRefused(servers, one, other) || wasRefused(servers, other, one);
    expect(isAnswered, `told of ${ends}`).toBe(true);
  }
  const { there, gone } = edgesOf(servers);
  let inPassing = 0;
  for (const edge of gone) {
    if (!told.has(edge.ends.map(({ name }) => name).join(" "))) continue;
    expect(pairs.has(pairOf(...edge.ends))).toBe(true);
    if (wasYoungest(edge, there)) continue;
    inPassing++;
    expect(wasYoungest(edge, [...there, ...gone]), "the youngest link gave way").toBe(true);
  }
  return { undone, inPassing };
}

const wasRefused = (servers: Servers, from: string, to: string): boolean =>
  servers.some(({ name, answers }) => {
    return name === from && answers.some((one) => one.to.name === to && one.state === "NAME_TAKEN");
  });

/** Every link that was ever listed: those that are there still, and those that are gone. */
function edgesOf(servers: Servers): { readonly there: Edge[]; readonly gone: Edge[] } {
  const edges = { there: [] as Edge[], gone: [] as Edge[] };
  for (const one of servers) {
    for (const other of servers) {
      if (one.sid >= other.sid) continue;
      const births = new Set([...one.birthsWith(other), ...other.birthsWith(one)]);
      for (const birth of births) {
        const order = `${String(birth).padStart(16, "0")} ${one.sid} ${other.sid}`;
        const isThere = one.links.get(other.sid)?.birth === birth;
        edges[isThere ? "there" : "gone"].push({ ends: [one, other], order });
      }
    }
  }
  return edges;
}

/** Older links join each end with a server of the same name. */
function wasYoungest({ ends, order }: Edge, edges: readonly Edge[]): boolean {
  const older = edges.filter((edge) => edge.order < order);
  const [here, there] = ends.map((end) => joinedWith(end, older)) as [Set<Watched>, Set<Watched>];
  const sids = new Map<string, Sid>();
  for (const { name, sid } of here) sids.set(name, sid);
  return [...there].some(({ name, sid }) => (sids.get(name) ?? sid) !== sid);
}

function joinedWith(end: Watched, edges: readonly Edge[]): Set<Watched> {
  const joined = new Set([end]);
  for (const one of joined) {
    for (const { ends } of edges)
      if (ends.includes(one)) ends.forEach((other) => joined.add(other));
  }
  return joined;
}
