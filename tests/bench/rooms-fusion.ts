// Very many people in a simulated fusion: times of what one of them asks there, as the processor
// takes them; and a merge of two halves. What the simulation itself does is in the figures.
// Next: rooms.ts.

import { heapStats } from "bun:jsc";
import { LIMITS } from "../../src/limits.ts";
import type { SimPerson, Simulation } from "../../src/testing.ts";
import { Crowd } from "../core/crowd.ts";
import { SHAPES } from "./graphs.ts";
import type { Row, Size } from "./rooms-stage.ts";
import { rowOf } from "./rooms-stage.ts";
import { fusionOf, mergeMs } from "./simulated.ts";

const SERVERS = 10;
const TOWN = "#town";
/** What was begun has come to its end by then, in virtual time. */
const REST_MS = 2000;

/** What people ask in a fusion of ten servers, which merges out of two halves. */
export function crowdedFusion({ people, runs }: Size): readonly Row[] {
  const crowds = new Map<string, Crowd>();
  const half = SERVERS / 2;
  const wires = SHAPES.line(SERVERS).filter(([a]) => a !== half - 1);
  const fusion = fusionOf(SERVERS, wires, (host) => {
    const crowd = new Crowd();
    crowds.set(host, crowd);
    return [crowd.plugin()];
  });
  const { simulation, hosts } = fusion;
  const { world } = simulation;
  const before = heapBytes();
  for (const [name, crowd] of crowds) {
    crowd.enter(simulation, { name }, people / SERVERS);
    for (const session of crowd.sessions) session.request("join", { room: TOWN }, () => undefined);
  }
  world.run(REST_MS);
  const alone = heapBytes();
  const began = performance.now();
  const virtual = mergeMs(fusion, hosts[half - 1] ?? "", hosts[half] ?? "");
  const merged = performance.now() - began;
  world.run(REST_MS);
  const all = heapBytes();
  const ann = simulation.enter(`ann@${hosts[0]}`);
  world.run(REST_MS);
  const ask = askedBy(simulation, runs);
  const nick = `n${Math.floor(people / SERVERS / 2)}`;
  const limit = LIMITS.pageMax;
  return [
    rowOf("merge of two halves, virtual time", [virtual]),
    rowOf("merge of two halves, CPU of all servers", [merged]),
    rowOf("memory of all before the merge, MB", [(alone - before) / 1e6]),
    rowOf("memory of all after it, MB", [(all - before) / 1e6]),
    ask("who: the first page of all", () => ann.client.request("who", { limit })),
    ask("who: a page in the middle", () =>
      ann.client.request("who", { limit, after: `${nick}@${hosts[half]}` }),
    ),
    ask("who of a room: the first page", () => ann.client.request("who", { room: TOWN, limit })),
    ask("a person (whois)", () =>
      ann.client.request("whois", { address: `${nick}@${hosts[SERVERS - 1]}` }),
    ),
    ask("rooms", () => ann.client.request("rooms", {})),
    ...joins(simulation, ann, runs),
  ];
}

// --- internal ---

const askedBy =
  ({ world }: Simulation, runs: number) =>
  (what: string, ask: () => Promise<unknown>): Row => {
    const times: number[] = [];
    for (let at = 0; at < runs; at++) {
      const began = performance.now();
      world.until(ask());
      times.push(performance.now() - began);
      world.run(REST_MS);
    }
    return rowOf(what, times);
  };

function joins({ world }: Simulation, { client }: SimPerson, runs: number): Row[] {
  const [joined, left]: number[][] = [[], []];
  for (let at = 0; at < runs; at++) {
    const began = performance.now();
    world.until(client.join(TOWN));
    const isIn = performance.now();
    world.until(client.part(TOWN));
    joined?.push(isIn - began);
    left?.push(performance.now() - isIn);
    world.run(REST_MS);
  }
  return [rowOf("join", joined ?? []), rowOf("part", left ?? [])];
}

function heapBytes(): number {
  Bun.gc(true);
  const { heapSize, extraMemorySize } = heapStats();
  return heapSize + extraMemorySize;
}
