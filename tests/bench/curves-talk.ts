// The curves of people who talk, or are just there, on real servers: what a delivery costs, by what
// the load generator and Linux say. The server's own cost apart, all is counted at the receivers.

import { LIMITS } from "../../src/limits.ts";
import type { Series } from "./chart.ts";
import { Collected, counted } from "./curve.ts";
import type { Curve, Figures, How } from "./curve.ts";
import { randomTree, SHAPES } from "./graphs.ts";
import { costOfMessage, shares } from "./law.ts";
import type { Load } from "./law.ts";
import { descriptorsMax } from "./machine.ts";
import { measure } from "./measure.ts";
import { faultOf } from "./results.ts";
import type { Row } from "./results.ts";
import type { Scenario } from "./scenarios.ts";
import { clientsWithin } from "./scenarios.ts";
import { ours } from "./subjects.ts";
import type { Subject } from "./subjects.ts";

/** People of one room who talk at most, and messages, or turns, on their way. */
const TALKERS_MAX = 64;
const IN_FLIGHT = 64;
const ROOM_MEMBERS = 10;
const SHARED_PEOPLE = 1000;
/** Fewer: all of them have to join first, in 10,000 rooms. */
const SHARED_MEMBERS = 5;
const TURN_MESSAGES = 16;
const BESIDE_MEMBERS = 100;
/** Of the room that is spread over all servers: so that each has some, and the hops show. */
const SPREAD_MEMBERS = 320;
const DELIVERY = "µs of CPU a delivery";
const LINE = { textBytes: 100, countsWrites: true } as const;

export const members: Curve = talk({
  title: "Cost of a delivery, by the members of a room",
  x: "members of the room",
  steps: [10, 30, 100, 300, 1000, 3000, 10_000],
  busy: (count) => room(count, Math.min(TALKERS_MAX, count), IN_FLIGHT),
  single: (count) => room(count, 1, 1),
});

export const rooms: Curve = talk({
  title: `Cost of a delivery, by the number of rooms of ${ROOM_MEMBERS} members`,
  x: "rooms in which somebody talks, each with people of its own",
  steps: [1, 10, 100, 1000],
  busy: (groups) => ({
    ...LINE,
    kind: "rooms",
    groups,
    members: ROOM_MEMBERS,
    talkers: 1,
    window: 1,
  }),
});

export const shared: Curve = talk({
  title: "Cost of a delivery, by the number of rooms of 1,000 people",
  x: `rooms of ${SHARED_MEMBERS} members, which take turns`,
  steps: [1, 10, 100, 1000, 10_000],
  busy: (groups) => taking(groups, TURN_MESSAGES),
  single: (groups) => taking(groups, 1),
});

export const connections: Curve = talk({
  title: `Cost of a delivery in a room of ${BESIDE_MEMBERS}, by connections beside it`,
  x: "connections that say nothing",
  steps: [1, 100, 1000, 10_000, 20_000],
  // The members of the repetition before may not be gone yet: what they hear leaves first.
  most: () => connectionsMax() - 2 * BESIDE_MEMBERS,
  isBareOnly: true,
  busy: (bystanders) => ({ ...room(BESIDE_MEMBERS, TALKERS_MAX, IN_FLIGHT), bystanders }),
  single: (bystanders) => ({ ...room(BESIDE_MEMBERS, 1, 1), bystanders }),
});

export const idle: Curve = {
  title: "Memory of a connection that says nothing, by their number",
  x: "connections",
  y: "KB each",
  steps: [1000, 3000, 10_000, 20_000],
  run: (how) =>
    play(how, {
      load: (clients) => ({ kind: "idle", clients }),
      most: connectionsMax,
      players: [ours("bare", how.folder, how.cores), ours("default", how.folder, how.cores)],
      drawn: "kbPerClient",
      beside: { cpuUsPerConnect: "µs of CPU to enter", idlePercent: "% of a core, all idle" },
    }),
};

export const servers: Curve = {
  title: `Cost of a delivery in a room of ${SPREAD_MEMBERS}, by servers that it is spread over`,
  x: "servers",
  y: `${DELIVERY}, of all servers`,
  steps: [2, 4, 8, 16],
  run(how) {
    const shaped = (name: string, shape: Parameters<typeof ours>[3]): Subject => ({
      ...ours("bare", how.folder, how.cores, shape),
      name,
    });
    return play(how, {
      load: () => ({
        ...room(SPREAD_MEMBERS, TALKERS_MAX, IN_FLIGHT),
        countsWrites: false,
        spread: "turns",
      }),
      serversOf: (count) => count,
      pace: (count) => sharing(how.pace, count),
      players: [
        shaped("line", SHAPES.line),
        shaped("star", SHAPES.star),
        shaped("random tree", randomTree),
      ],
      drawn: "cpuUsPerDelivery",
      beside: { p50Ms: "p50, ms", peakMb: "peak of all, MB" },
    });
  },
};

// --- internal ---

/** Connections that one server and the generator can have here. */
function connectionsMax(): number {
  const descriptors = descriptorsMax();
  const own = Math.min(LIMITS.connectionsMax, descriptors - LIMITS.descriptorsApart);
  return clientsWithin(own, descriptors);
}

/**
 * For servers that share a core: each has only its share of the time, in which its code is to be
 * compiled first, and what is on its way at last to arrive.
 */
const sharing = (pace: How["pace"], count: number): How["pace"] => ({
  ...pace,
  rampMs: pace.rampMs * count,
  drainMs: pace.drainMs * count,
});

type Talking = Scenario["load"] & { readonly kind: "rooms" | "pairs" };

/** A room in which members talk, with so many messages on their way. */
function room(count: number, talkers: number, window: number): Talking {
  return { ...LINE, kind: "rooms", groups: 1, members: count, talkers, window };
}

function taking(groups: number, messages: number): Talking {
  return {
    ...LINE,
    kind: "rooms",
    groups,
    members: SHARED_MEMBERS,
    people: SHARED_PEOPLE,
    talkers: 1,
    turns: { messages, onTheirWay: Math.min(IN_FLIGHT, groups) },
  };
}

interface Talks {
  readonly title: string;
  readonly x: string;
  readonly steps: readonly number[];
  /** The largest step that there can be here. */
  most?(): number;
  /** So many come in each time that one is enough. */
  readonly isBareOnly?: boolean;
  /** Played to `bare`, and to `default`. */
  busy(step: number): Talking;
  /** With a write for each delivery; played to `bare`. */
  single?(step: number): Talking;
}

/** A curve of what a delivery costs; and, where there are two loads, of what a write costs. */
function talk({ title, x, steps, most, isBareOnly = false, busy, single }: Talks): Curve {
  const metrics = { writesPerDelivery: "writes a delivery", peakMb: "peak, MB" };
  return {
    title,
    x,
    y: DELIVERY,
    steps,
    async run(how) {
      const bare = ours("bare", how.folder, how.cores);
      const common = { drawn: "cpuUsPerDelivery", beside: metrics, ...(most && { most }) };
      const players = isBareOnly ? [bare] : [bare, ours("default", how.folder, how.cores)];
      const first = await play(how, { ...common, load: busy, players });
      if (single === undefined) return first;
      const alone = { ...bare, name: SINGLE };
      const second = await play(how, { ...common, load: single, players: [alone] });
      const both = {
        drawn: [...first.drawn, ...second.drawn],
        beside: [...first.beside, ...second.beside],
        faults: [...first.faults, ...second.faults],
      };
      return { ...both, beside: [...both.beside, ...lawOf(both, busy)] };
    },
  };
}

/** Played to `bare`. */
const SINGLE = "one by one";

/** What a write and a delivery cost, step by step. */
function lawOf({ drawn, beside }: Omit<Figures, "faults">, load: Talks["busy"]): readonly Series[] {
  const at = (series: readonly Series[], name: string, step: number) =>
    series.find((one) => one.name === name)?.points.find(({ x }) => x === step)?.median;
  const loadOf = (name: string, step: number): Load | undefined => {
    const cost = at(drawn, name, step);
    const writes = at(beside, `${name}: writes a delivery`, step);
    if (cost === undefined || writes === undefined) return undefined;
    return { cost, writes, messages: 1 / load(step).members };
  };
  const steps = drawn.find(({ name }) => name === SINGLE)?.points.map(({ x }) => x) ?? [];
  const pairs = steps.flatMap((step) => {
    const [busy, single] = [loadOf("bare", step), loadOf(SINGLE, step)];
    return busy === undefined || single === undefined ? [] : [{ step, busy, single }];
  });
  const a = costOfMessage(pairs.flatMap(({ busy, single }) => [busy, single]));
  const collected = new Collected();
  for (const { step, busy, single } of pairs) {
    const found = shares([busy, single], a);
    if (found === undefined) continue;
    if (a > 0) collected.add("bare: µs a message (a)", step, counted(step, a));
    collected.add("bare: µs a write (b)", step, counted(step, found.write));
    collected.add("bare: µs a delivery (c)", step, counted(step, found.delivery));
  }
  return collected.series;
}

interface Playing {
  load(step: number): Scenario["load"];
  most?(): number;
  serversOf?(step: number): number;
  /** Another one than of all curves. */
  pace?(step: number): How["pace"];
  readonly players: readonly Subject[];
  /** A key of METRICS; and others, with their names in the table. */
  readonly drawn: string;
  readonly beside: Readonly<Record<string, string>>;
}

/** Plays all steps to all players. */
async function play(how: How, playing: Playing): Promise<Figures> {
  const { players, drawn, beside } = playing;
  const [curves, others] = [new Collected(), new Collected()];
  const faults: string[] = [];
  for (const step of stepsOf(how, playing)) {
    const { cores, repetitions } = how;
    const scenario = { servers: playing.serversOf?.(step) ?? 1, load: playing.load(step) };
    const pace = playing.pace?.(step) ?? how.pace;
    const pacing = { pace, repetitions, cores, until: Number.POSITIVE_INFINITY };
    const results = await measure(scenario, players, pacing);
    for (const row of results.rows([], players)) {
      const fault = faultOf(row);
      if (fault !== undefined) faults.push(`${row.subject}, at ${step}: ${fault}`);
      add(row, step, { curves, others, drawn, beside });
    }
  }
  return { drawn: curves.series, beside: others.series, faults };
}

function add(
  { subject, values }: Row,
  step: number,
  {
    curves,
    others,
    drawn,
    beside,
  }: Pick<Playing, "drawn" | "beside"> & {
    readonly curves: Collected;
    readonly others: Collected;
  },
): void {
  const main = values[drawn];
  if (main !== undefined) curves.add(subject, step, main);
  for (const [key, title] of Object.entries(beside)) {
    const value = values[key];
    if (value !== undefined) others.add(`${subject}: ${title}`, step, value);
  }
}

/** The last one that is too large becomes the largest that there can be, which is told. */
function stepsOf(how: How, { most, load }: Playing): readonly number[] {
  const people = (step: number) => {
    const asked = load(step);
    return asked.kind === "rooms" ? (asked.people ?? asked.groups * asked.members) : 0;
  };
  const within = connectionsMax();
  const largest = most?.() ?? within;
  const possible = how.steps.filter((step) => step <= largest && people(step) <= within);
  if (possible.length === how.steps.length) return possible;
  const isMoved = most !== undefined && largest > (possible.at(-1) ?? 0);
  const steps = isMoved ? [...possible, largest] : possible;
  const why = `a process may open ${descriptorsMax()} files (ulimit -n), and a server takes`;
  const left = how.steps.filter((step) => !possible.includes(step)).join(", ");
  how.tell(
    `not ${left}${isMoved ? ` but ${largest}` : ""}: ${why} ${LIMITS.connectionsMax} clients`,
  );
  return steps;
}
