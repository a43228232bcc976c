// What a configuration of the explorer says, and all of them as data. Next: explore.ts.

export type Operator =
  /**
   * An operator of `at` says once: merge with `merge`, an address. What stands behind a colon in it
   * tells two merges of one server with another apart. At any time, or when the operator of the
   * number `after` has an answer.
   */
  | { readonly at: string; readonly merge: string; readonly after?: number }
  | { readonly at: string; readonly unmerge: string; readonly after?: number };

export interface Config {
  readonly name: string;
  readonly about: string;
  /** Addresses; in the order of their sids. A name is the address, or stands behind it: "d=c". */
  readonly servers: readonly string[];
  readonly operators: readonly Operator[];
  /** All that one step of a server puts on a connection arrives together; else frame by frame. */
  readonly batches?: boolean;
  /**
   * A server works off what a step has left for later ("soon") at any time after it, as it does
   * where frames of several links come in at once; else in the same step.
   */
  readonly ticks?: boolean;
  /** How often a connection or a dial may break. */
  readonly cuts?: number;
  /** Only links that are up break, and the end that accepted never learns of it by itself. */
  readonly halfOpen?: boolean;
  /** How often a server may be killed; it starts at once. */
  readonly restarts?: number;
  /** How often a server may be started from a copy of its disk that was made at any time before. */
  readonly restores?: number;
  /** There is a copy of each disk from before the first start: a life of that epoch comes again. */
  readonly copied?: boolean;
  /** How often an alarm may ring while frames are still on their way. */
  readonly hurries?: number;
  /** Answers to operators that are in order; merged and standby always are. */
  readonly answers?: readonly string[];
}

const pair: Config["operators"] = [
  { at: "a", merge: "b" },
  { at: "b", merge: "a" },
];
const ring: Config["operators"] = [
  { at: "a", merge: "b" },
  { at: "b", merge: "c" },
  { at: "c", merge: "a" },
];
const both: Config["operators"] = [
  { at: "b", merge: "a" },
  { at: "c", merge: "a" },
];
/** Where connections break, a merge may fail; where alarms ring early, it may be too late. */
const failing = ["CANNOT_CONNECT", "HANDSHAKE_TIMEOUT"];
const refused = ["NAME_TAKEN"];

export const CONFIGS: readonly Config[] = [
  {
    name: "pair",
    about: "two servers merge with each other at the same time",
    servers: ["a", "b"],
    operators: pair,
  },
  {
    name: "self",
    about: "a merges itself, and b",
    servers: ["a", "b"],
    operators: [
      { at: "a", merge: "a" },
      { at: "a", merge: "b" },
    ],
    answers: ["SELF"],
  },
  {
    name: "namesake",
    about: "b, and another one whose name looks the same, merge a at the same time",
    servers: ["a", "b", "c=B"],
    operators: both,
    answers: refused,
  },
  {
    name: "namesake-gone",
    about: "b merges a and leaves; then another b merges a, which knows the first one's key",
    servers: ["a", "b", "c=b"],
    operators: [
      { at: "b", merge: "a" },
      { at: "b", unmerge: "a", after: 0 },
      { at: "c", merge: "a", after: 1 },
    ],
    answers: [...refused, "NOT_LINKED", "UNMERGED"],
  },
  {
    name: "row",
    about: "a merges b, b merges c",
    servers: ["a", "b", "c"],
    operators: ring.slice(0, 2),
  },
  {
    name: "pair-again",
    about: "a merges b, and again when one end at most knows that the connection broke",
    servers: ["a", "b"],
    operators: [
      { at: "a", merge: "b:1" },
      { at: "a", merge: "b:2" },
    ],
    cuts: 1,
    answers: [...failing, "STALE"],
  },
  {
    name: "pair-restore",
    about: "a merges b, and a server starts from an old copy of its disk",
    servers: ["a", "b"],
    operators: [{ at: "a", merge: "b" }],
    restores: 1,
    hurries: 1,
    answers: failing,
  },
  {
    name: "pair-wiped",
    about: "both merge, and a server comes again from before its first start",
    servers: ["a", "b"],
    operators: pair,
    restores: 1,
    copied: true,
    answers: failing,
  },
  {
    name: "pair-older",
    about: "a merges b; a server is killed, and later comes again from before its first start",
    servers: ["a", "b"],
    operators: [{ at: "a", merge: "b" }],
    restarts: 1,
    restores: 1,
    copied: true,
    answers: failing,
  },
  {
    name: "pair-unmerge",
    about: "a merges b, b ends the link, and a connection breaks",
    servers: ["a", "b"],
    operators: [
      { at: "a", merge: "b" },
      { at: "b", unmerge: "a" },
    ],
    cuts: 1,
    hurries: 1,
    answers: [...failing, "NOT_LINKED", "UNMERGED"],
  },
  {
    name: "pair-parted",
    about: "a merges b, b ends the link, and a server is killed",
    servers: ["a", "b"],
    operators: [
      { at: "a", merge: "b" },
      { at: "b", unmerge: "a", after: 0 },
    ],
    restarts: 1,
    hurries: 1,
    answers: [...failing, "NOT_LINKED", "UNMERGED"],
  },
  {
    name: "pair-restart",
    about: "both merge, and a server is killed",
    servers: ["a", "b"],
    operators: pair,
    restarts: 1,
    hurries: 1,
    answers: failing,
  },
  {
    name: "pair-cut",
    about: "both merge, and a connection breaks, which each end notices in its own time",
    servers: ["a", "b"],
    operators: pair,
    cuts: 1,
    hurries: 1,
    answers: failing,
  },
  {
    name: "pair-half",
    about: "both merge; a link breaks, and the end that accepted it never learns",
    servers: ["a", "b"],
    operators: pair,
    cuts: 1,
    hurries: 1,
    halfOpen: true,
    answers: failing,
  },
  {
    name: "pair-ticks",
    about: "both merge, a connection breaks, and each does its later work at any time",
    servers: ["a", "b"],
    operators: pair,
    batches: true,
    ticks: true,
    cuts: 1,
    answers: failing,
  },
  {
    name: "ring",
    about: "a merges b, b merges c, c merges a, all at once",
    servers: ["a", "b", "c"],
    operators: ring,
    batches: true,
  },
  {
    name: "ring-late",
    about: "b merges c; then a joins; then the ring is closed",
    servers: ["a", "b", "c"],
    operators: [
      { at: "b", merge: "c" },
      { at: "c", merge: "a", after: 0 },
      { at: "a", merge: "b", after: 1 },
    ],
    batches: true,
  },
  {
    name: "ring-back",
    about: "the ring, the other way round in the order of their sids",
    servers: ["c", "b", "a"],
    operators: ring,
    batches: true,
  },
  {
    name: "ring-frames",
    about: "the ring, frame by frame",
    servers: ["a", "b", "c"],
    operators: ring,
  },
  {
    name: "ring-cut",
    about: "the ring, and a connection breaks",
    servers: ["a", "b", "c"],
    operators: ring,
    batches: true,
    cuts: 1,
    hurries: 1,
    answers: failing,
  },
  {
    name: "ring-restart",
    about: "the ring, and a server is killed",
    servers: ["a", "b", "c"],
    operators: ring,
    batches: true,
    restarts: 1,
    answers: failing,
  },
  {
    name: "ring-ticks",
    about: "the ring, and each does its later work at any time",
    servers: ["a", "b", "c"],
    operators: ring,
    batches: true,
    ticks: true,
  },
  {
    name: "namesake-restart",
    about: "b and another b merge a, and a server is killed",
    servers: ["a", "b", "c=b"],
    operators: both,
    batches: true,
    restarts: 1,
    answers: [...failing, ...refused],
  },
  {
    name: "namesake-cut",
    about: "b and another b merge a, and a connection breaks",
    servers: ["a", "b", "c=b"],
    operators: [
      { at: "b", merge: "a" },
      { at: "a", merge: "c" },
    ],
    batches: true,
    cuts: 1,
    hurries: 1,
    answers: [...failing, ...refused],
  },
  {
    name: "namesake-ticks",
    about: "b and another b merge a, and each does its later work at any time",
    servers: ["a", "b", "c=b"],
    operators: both,
    batches: true,
    ticks: true,
    answers: refused,
  },
  {
    name: "namesake-far",
    about: "c joins a, another c joins b, and a merges b, all at once",
    servers: ["a", "b", "c", "d=c"],
    operators: [
      { at: "c", merge: "a" },
      { at: "d", merge: "b" },
      { at: "a", merge: "b" },
    ],
    batches: true,
    answers: refused,
  },
  {
    name: "namesake-near",
    about: "as namesake-far, and a merges the other c as well",
    servers: ["a", "b", "c", "d=c"],
    operators: [
      { at: "c", merge: "a" },
      { at: "d", merge: "b" },
      { at: "a", merge: "b" },
      { at: "a", merge: "d" },
    ],
    batches: true,
    answers: refused,
  },
  {
    name: "ring-restore",
    about: "a ring, and a server starts from an old copy of its disk",
    servers: ["a", "b", "c"],
    operators: ring,
    batches: true,
    restores: 1,
    answers: failing,
  },
  {
    name: "late-wiped",
    about: "three merges, one after another, and a server comes again from before its first start",
    servers: ["a", "b", "c"],
    operators: [
      { at: "a", merge: "b" },
      { at: "a", merge: "c", after: 0 },
      { at: "c", merge: "b", after: 1 },
    ],
    batches: true,
    restores: 1,
    copied: true,
    answers: failing,
  },
];
