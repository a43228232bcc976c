// What `bun run bench` measures: the scenarios, their sizes and how long each run lasts.

import type { Files, Idle, Talk } from "./load/job.ts";

export interface Scenario {
  readonly name: string;
  readonly what: string;
  /** How many servers the people are spread over. */
  readonly servers: number;
  readonly load:
    | Omit<Talk, "acks" | "rampMs" | "measureMs" | "drainMs">
    | Omit<Idle, "measureMs">
    | Omit<Files, "bytes" | "rampBytes">;
  /** It is also in the short run. */
  readonly isShort: boolean;
}

/** How long and how often; `--repetitions` sets the last one. */
export interface Pace {
  /** Not measured: compilers and buffers get to the size of the load. */
  readonly rampMs: number;
  readonly measureMs: number;
  /** What is still on its way so long after the last word counts as lost. */
  readonly drainMs: number;
  /** Of the scenario of idle people: a pulse comes once a second. */
  readonly idleMs: number;
  readonly idleClients: number;
  /** Of each file. */
  readonly fileBytes: number;
  /** The median of five bears two bad ones. */
  readonly repetitions: number;
  /** After it no repetition but the first of each scenario is begun; and no scenario. */
  readonly repeatMsMax: number;
  readonly msMax: number;
}

export const WHOLE: Pace = {
  rampMs: 700,
  measureMs: 1500,
  drainMs: 5000,
  idleMs: 3000,
  idleClients: 10_000,
  fileBytes: 1e9,
  repetitions: 5,
  repeatMsMax: Number.POSITIVE_INFINITY,
  msMax: Number.POSITIVE_INFINITY,
};

/** For a first look, and to see that all works: under two minutes, on a busy machine, too. */
export const SHORT: Pace = {
  rampMs: 400,
  measureMs: 400,
  drainMs: 5000,
  idleMs: 1000,
  idleClients: 1000,
  fileBytes: 128e6,
  repetitions: 2,
  repeatMsMax: 30_000,
  msMax: 95_000,
};

/** The largest `--repetitions`: five hours and more. */
export const REPETITIONS_MAX = 100;

/** Descriptors of a process that are no client's: files, and what the runtime keeps open. */
const DESCRIPTORS_APART = 256;

/** People of a busy room who talk, and messages that are on their way in it. */
const TALKERS = 64;
const IN_FLIGHT = 64;
/** Who talk in a room at a steady pace. */
const PACED_TALKERS = 16;
const PAIRS = 100;
const LINE_BYTES = 100;
const KIBIBYTE = 1024;
/** Of a receiver nearby, and the most that there is (docs/protocol.md, P35). */
const CREDIT_BYTES = 256 * KIBIBYTE;
const CREDIT_BYTES_MAX = 8192 * KIBIBYTE;

export const SCENARIOS: readonly Scenario[] = [
  fan("fan-100", 100, LINE_BYTES, true),
  fan("fan-1000", 1000, LINE_BYTES, true),
  fan("fan-100-1k", 100, KIBIBYTE, false),
  fan("fan-1000-1k", 1000, KIBIBYTE, false),
  {
    name: "fan-100-stalled",
    what: "the same as fan-100, of whom one stops reading: how much it slows the others",
    servers: 1,
    load: room({ members: 100, talkers: TALKERS, window: IN_FLIGHT, stalled: 1 }),
    isShort: false,
  },
  paced("paced-100", 100, 1000, true),
  paced("paced-1000", 1000, 100, false),
  {
    name: "one-100",
    what: "100 members, 1 talks, and waits each time until all have heard it",
    servers: 1,
    load: room({ members: 100, talkers: 1, window: 1 }),
    isShort: true,
  },
  privately("private-1", 1, 1),
  privately("private-16", 16, 1),
  {
    name: "link-fan-200",
    what: "100 members on each of two merged servers, 64 of one talk, 64 messages on their way",
    servers: 2,
    load: room({ members: 200, talkers: TALKERS, window: IN_FLIGHT }),
    isShort: true,
  },
  { ...privately("link-private-1", 1, 2), isShort: false },
  {
    name: "idle",
    what: "people who are there and say nothing",
    servers: 1,
    load: { kind: "idle", clients: WHOLE.idleClients },
    isShort: true,
  },
  {
    name: "file",
    what: "a file from one to another, 256 KiB of it on their way",
    servers: 1,
    load: { kind: "file", creditBytes: CREDIT_BYTES },
    isShort: true,
  },
  {
    name: "file-chat",
    what: "the same, while its sender and a third one say 100 lines a second each to its receiver",
    servers: 1,
    load: { kind: "file", creditBytes: CREDIT_BYTES, linesPerSecond: 200 },
    isShort: true,
  },
  {
    name: "file-stalled",
    what: "a file whose receiver permits 8 MiB, and then does not read for 3 s",
    servers: 1,
    load: { kind: "file", creditBytes: CREDIT_BYTES_MAX, stallMs: 3000 },
    isShort: false,
  },
];

/** The scenario that is of no load: how long `serve` and `--help` take. */
export const START = "start";
/** Times that each is started, if `--repetitions` does not say. */
export const STARTS = { whole: 15, short: 5 } as const;

/** How many clients a process of this limit of open files can have, of those wanted. */
export const clientsWithin = (wanted: number, descriptors: number): number =>
  Math.min(wanted, descriptors - DESCRIPTORS_APART);

// --- internal ---

function fan(name: string, members: number, textBytes: number, isShort: boolean): Scenario {
  const size = textBytes === KIBIBYTE ? "1 KiB" : `${textBytes} bytes`;
  const count = members.toLocaleString("en");
  const rest = `${TALKERS} of them talk, ${IN_FLIGHT} messages on their way, ${size}`;
  const what = `${count} members, ${rest}`;
  const load = room({ members, talkers: TALKERS, window: IN_FLIGHT, textBytes });
  return { name, what, servers: 1, load, isShort };
}

function paced(name: string, members: number, perSecond: number, isShort: boolean): Scenario {
  const counts = [members, PACED_TALKERS, perSecond].map((count) => count.toLocaleString("en"));
  const what = `${counts[0]} members, ${counts[1]} of them say ${counts[2]} messages a second`;
  return {
    name,
    what,
    servers: 1,
    load: room({ members, talkers: PACED_TALKERS, perSecond }),
    isShort,
  };
}

function privately(name: string, window: number, servers: 1 | 2): Scenario {
  const where = servers === 1 ? "" : ", one on each of two merged servers";
  const what = `${PAIRS} pairs${where}, one talks to the other, ${window} on their way in each`;
  const load = {
    kind: "pairs",
    groups: PAIRS,
    members: 2,
    talkers: 1,
    textBytes: LINE_BYTES,
    window,
  };
  return { name, what, servers, load: load as Scenario["load"], isShort: true };
}

function room(of: {
  readonly members: number;
  readonly talkers: number;
  readonly textBytes?: number;
  readonly window?: number;
  readonly perSecond?: number;
  readonly stalled?: number;
}): Scenario["load"] {
  return { kind: "rooms", groups: 1, textBytes: LINE_BYTES, ...of };
}
