// What the load generator is asked to do and what it answers: one JSON object each, as its argument
// and on its stdout. Next: run.ts (how it is done), ../scenarios.ts (what is asked).

import type { Faults } from "./checker.ts";

export interface Job {
  /** "raw": a relay of bytes, from the first port to the second; for files only. */
  readonly protocol: "native" | "irc" | "nats" | "raw";
  /** Those of one fusion. */
  readonly servers: readonly Target[];
  /** Nicks and rooms begin with it: a run's own, for servers that still know those before. */
  readonly prefix: string;
  /** So many people may be on their way in at the same time. */
  readonly enteringMax?: number;
  readonly load: Talk | Idle | Files;
}

export interface Target {
  readonly port: number;
  readonly name: string;
  readonly pid: number;
}

/** People who talk, in rooms or to one another. */
export interface Talk {
  readonly kind: "rooms" | "pairs";
  /** Rooms, or pairs: one who talks to one other. */
  readonly groups: number;
  /** In each room; the first `talkers` of them talk. Of a pair: 2 and 1. */
  readonly members: number;
  readonly talkers: number;
  /**
   * So many people in all are the members: in the first room the first of them, in the next room
   * those who follow, and then the first ones again (native only). Without it everybody is in one
   * room.
   */
  readonly people?: number;
  /** So many more are there, in no room, and say nothing. */
  readonly bystanders?: number;
  /**
   * How a room's members are spread over the servers: one half here and the other there (the
   * default), or in turn.
   */
  readonly spread?: "blocks" | "turns";
  /** Of each message's text: 22 at least. */
  readonly textBytes: number;
  /**
   * Messages of a group that may be on their way: as soon as all copies of one have arrived, the
   * next one is sent. Without it: `perSecond` messages in all, whether they arrive or not.
   */
  readonly window?: number;
  readonly perSecond?: number;
  /**
   * In place of both: all rooms take turns, in each of which so many messages are said at once; so
   * many turns may be on their way.
   */
  readonly turns?: { readonly messages: number; readonly onTheirWay: number };
  /** Counts what the server has written. */
  readonly countsWrites?: boolean;
  /** So many members of each room, who do not talk, stop reading when all has been measured. */
  readonly stalled?: number;
  /** Each message asks for an acknowledgement (native only). */
  readonly acks: boolean;
  readonly rampMs: number;
  readonly measureMs: number;
  /** What is still on its way so long after the last word counts as lost. */
  readonly drainMs: number;
}

/** People who are there and say nothing. */
export interface Idle {
  readonly kind: "idle";
  readonly clients: number;
  readonly measureMs: number;
  /** A room that all of them are in (native only). */
  readonly room?: string;
  /** So many more rooms, in which each of them is alone (native only). */
  readonly roomsEach?: number;
}

/** One file, from one person to another. */
export interface Files {
  readonly kind: "file";
  readonly bytes: number;
  /** Not measured: what comes first. */
  readonly rampBytes: number;
  /** What the receiver permits beyond what has come; it is renewed when half of it is used. */
  readonly creditBytes: number;
  /** Said to the receiver meanwhile, by the sender and by a third person in turn. */
  readonly linesPerSecond?: number;
  /** After the ramp the receiver does not read for so long. */
  readonly stallMs?: number;
}

/** What it does to the others when some stop reading. */
export interface Slowed {
  /** Fewer deliveries a second, of those before. */
  readonly slowedShare: number;
  /** More of the servers' CPU for each of them. */
  readonly dearerShare: number;
}

/** Measured while people talk. */
export interface Talked extends Faults, Partial<Slowed> {
  /** Copies of messages that arrived at anybody within `seconds`. */
  readonly deliveries: number;
  readonly seconds: number;
  /** Of all servers, all threads. */
  readonly cpuSeconds: number;
  /** How much of it was the kernel's. */
  readonly kernelSeconds: number;
  /** From when it was to be sent until a copy was read. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Peak of the servers' memory since they started, in bytes. */
  readonly peakBytes: number;
  /** Of one core, that the generator used. */
  readonly generatorShare: number;
  /**
   * Data segments that the server has sent, for each copy that has arrived. On the loopback a
   * segment is a write, of up to 64 KiB. Undefined where they are not to be counted, or cannot be.
   */
  readonly writesPerDelivery?: number;
  /** Of a run with a pace: messages that the generator could not send in time, of all. */
  readonly lateShare?: number;
}

/** Measured while a file passes. */
export interface Filed extends Faults, Partial<Chat> {
  /** Of the file, within `seconds`. */
  readonly bytes: number;
  readonly seconds: number;
  /** Of the server, all threads; of a relay, all processes. */
  readonly cpuSeconds: number;
  /** Resident memory, before there is a file. */
  readonly beforeBytes: number;
  /** Peak of it since the server began. */
  readonly peakBytes: number;
  /** By how much it was more than before, at most, while the receiver did not read. */
  readonly grownBytes: number;
  readonly generatorShare: number;
}

/** From when a line beside a file was to be said until it was heard. */
export interface Chat {
  /** Said by the one who sends the file, on the same connection. */
  readonly sameP50Ms: number;
  readonly sameP99Ms: number;
  /** Said by somebody else. */
  readonly otherP50Ms: number;
  readonly otherP99Ms: number;
  /** Lines that the generator itself could not say in time, of all. */
  readonly lateShare: number;
}

/** A file that another program has copied, from its start to its end. */
export interface Copied {
  readonly bytes: number;
  readonly seconds: number;
}

export interface Idled {
  readonly clients: number;
  /** Connected and entered. */
  readonly connectsPerSecond: number;
  readonly cpuUsPerConnect: number;
  /** How much of that is the kernel's, from 0 to 1. */
  readonly kernelShare: number;
  readonly bytesPerClient: number;
  /** Of one core, that the server uses when all are there. */
  readonly idleShare: number;
}

export type Answer =
  | { readonly kind: "talked"; readonly talked: Talked }
  | { readonly kind: "idled"; readonly idled: Idled }
  | { readonly kind: "filed"; readonly filed: Filed }
  | { readonly kind: "copied"; readonly copied: Copied }
  | { readonly kind: "failed"; readonly why: string };
