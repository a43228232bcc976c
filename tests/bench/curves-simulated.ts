// The curves of the simulated world: what a message costs in fusions of up to 100 servers, and what
// up to 100,000 people cost all servers of a fusion.

import { heapStats } from "bun:jsc";
import { LIMITS } from "../../src/plugin.ts";
import { Crowd } from "../core/crowd.ts";
import { Collected, counted } from "./curve.ts";
import type { Curve } from "./curve.ts";
import { randomTree, SHAPES } from "./graphs.ts";
import type { Wire } from "./graphs.ts";
import { fusionOf, mergeMs } from "./simulated.ts";
import type { Fusion } from "./simulated.ts";

const ROOM = "#town";
/** Who talk: at servers that are as far from each other as can be. */
const TALKERS = 3;
/** Of each; more where they go to few, so that the processor's part is measured long enough. */
const LINES_MIN = 10;
const COPIES = 1000;
/** The compilers have seen all then. */
const WARM_SERVERS = 8;
/** What is still on its way is heard by then, in virtual time. */
const HEARD_MS = 2000;
const TEXT = "x".repeat(100);
/** Of the fusion that up to 100,000 people are spread over. */
const PEOPLE_SERVERS = 10;

const TREES: Readonly<Record<string, (count: number) => readonly Wire[]>> = {
  line: SHAPES.line,
  star: SHAPES.star,
  "random tree": randomTree,
};

export const simulated: Curve = {
  title: "Bytes of a message on its way, by the servers of a simulated fusion",
  x: "servers, each with one member of the room",
  y: "bytes for each server that it goes to",
  steps: [2, 4, 8, 16, 32, 64, 100],
  run({ steps, tell }) {
    const [drawn, beside] = [new Collected(), new Collected()];
    const faults: string[] = [];
    talkIn(fusionOf(WARM_SERVERS, SHAPES.star(WARM_SERVERS)));
    for (const step of steps) {
      for (const [shape, wires] of Object.entries(TREES)) {
        if (shape === "line" && step - 1 > LIMITS.hopsMax) {
          tell(`no line of ${step}: the furthest are ${LIMITS.hopsMax} hops apart at most`);
          continue;
        }
        const { bytes, frames, others, cpuUs, wrong } = talkIn(fusionOf(step, wires(step)));
        if (wrong.length > 0) faults.push(`${shape} of ${step}: ${wrong.join("; ")}`);
        drawn.add(shape, step, counted(step, bytes));
        beside.add(`${shape}: frames`, step, counted(step, frames));
        beside.add(`${shape}: KB of all else, a server`, step, counted(step, others));
        beside.add(`${shape}: µs of CPU, simulation and all`, step, counted(step, cpuUs));
      }
    }
    return Promise.resolve({ drawn: drawn.series, beside: beside.series, faults });
  },
};

export const people: Curve = {
  title: `Bytes of a merge, by the people on ${PEOPLE_SERVERS} servers`,
  x: "people",
  y: "bytes over all links, for each of them",
  steps: [100, 1000, 10_000, 100_000],
  run({ steps }) {
    const [drawn, beside] = [new Collected(), new Collected()];
    const faults: string[] = [];
    for (const step of steps) {
      const { bytes, heap, cpuUs, ms, wrong } = crowdedMerge(step);
      if (wrong !== undefined) faults.push(`${step} people: ${wrong}`);
      drawn.add("all links", step, counted(step, bytes / step));
      beside.add("bytes over all links", step, counted(step, bytes));
      beside.add("ms, virtual, until all know all", step, counted(step, ms));
      // Each of them becomes known to the servers of the other half.
      const known = step * (PEOPLE_SERVERS / 2);
      beside.add("µs of CPU for one at a server", step, counted(step, cpuUs / known));
      beside.add("bytes of memory for one at a server", step, counted(step, heap / known));
      beside.add("MB of memory, all servers", step, counted(step, heap / 1e6));
    }
    return Promise.resolve({ drawn: drawn.series, beside: beside.series, faults });
  },
};

// --- internal ---

/** What a message costs for each server that it goes to, and what did not arrive as it should. */
function talkIn(fusion: Fusion) {
  const { simulation, passed, hosts } = fusion;
  const { world } = simulation;
  const members = hosts.map((host) => simulation.enter(`ann@${host}`));
  for (const member of members) member.join(ROOM);
  world.run(HEARD_MS);
  const talkers = Array.from({ length: Math.min(TALKERS, hosts.length) }, (_, at) => {
    const last = Math.min(TALKERS, hosts.length) - 1;
    return members[Math.round((at * (hosts.length - 1)) / last)]!;
  });
  // Once unmeasured: who hears from whom for the first time asks where the stream stands.
  for (const talker of talkers) talker.say("first", ROOM);
  world.run(HEARD_MS);
  passed.reset();
  const cpuBefore = process.cpuUsage();
  const count = Math.max(LINES_MIN, Math.round(COPIES / hosts.length));
  for (let line = 0; line < count; line++) {
    for (const talker of talkers) talker.say(`${line} ${TEXT}`, ROOM);
  }
  const { user, system } = process.cpuUsage(cpuBefore);
  world.run(HEARD_MS);
  const spread = count * talkers.length * (hosts.length - 1);
  return {
    bytes: passed.frameBytes / spread,
    frames: passed.frames / spread,
    others: (passed.bytes - passed.frameBytes) / hosts.length / 1000,
    cpuUs: (user + system) / spread,
    wrong: members.flatMap(({ address, lines }) =>
      talkers.flatMap(({ address: from }) => {
        if (from === address) return [];
        const heard = lines.filter((line) => line.from === from).map(({ text }) => text);
        const said = Array.from({ length: count }, (_, line) => `${line} ${TEXT}`);
        const isRight = Bun.deepEquals(heard, ["first", ...said]);
        return isRight ? [] : [`${address} has heard ${heard.length} lines of ${from}`];
      }),
    ),
  };
}

/** Two lines of five servers with so many people on all of them, which merge in the middle. */
function crowdedMerge(count: number) {
  const crowds = new Map<string, Crowd>();
  const half = PEOPLE_SERVERS / 2;
  const wires = SHAPES.line(PEOPLE_SERVERS).filter(([a]) => a !== half - 1);
  const fusion = fusionOf(PEOPLE_SERVERS, wires, (host) => {
    const crowd = new Crowd();
    crowds.set(host, crowd);
    return [crowd.plugin()];
  });
  const { simulation, passed, hosts } = fusion;
  for (const [name, crowd] of crowds) crowd.enter(simulation, { name }, count / PEOPLE_SERVERS);
  simulation.world.run(HEARD_MS);
  const heapBefore = heapBytes();
  passed.reset();
  const cpuBefore = process.cpuUsage();
  const ms = mergeMs(fusion, hosts[half - 1]!, hosts[half]!);
  const { user, system } = process.cpuUsage(cpuBefore);
  const { bytes } = passed;
  const seen = hosts.map((host) => peopleOf(simulation.server(host).server?.status()));
  const wrong = seen.every((number) => number === count)
    ? undefined
    : `expected ${count} at each server, got ${seen.join(", ")}`;
  return { bytes, ms, cpuUs: user + system, heap: heapBytes() - heapBefore, wrong };
}

function peopleOf(status: Readonly<Record<string, unknown>> | undefined): number {
  return Number(status?.["people"]);
}

function heapBytes(): number {
  Bun.gc(true);
  const { heapSize, extraMemorySize } = heapStats();
  return heapSize + extraMemorySize;
}
