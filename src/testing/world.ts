// A world: many servers in one process, with one virtual time, one seed and faults. Nothing in it
// takes real time, and the same seed gives the same events, byte for byte. Read on at `World`.

import { drainMicrotasks } from "bun:jsc";
import type { Clock, Environment, Log, LogFields, Millis, Tasks } from "../environment.ts";
import { createCrypto } from "../serve/crypto.ts";
import { Agenda, type Cancel } from "./agenda.ts";
import { createSimClock } from "./clock.ts";
import { createCheapCrypto } from "./crypto.ts";
import type { Path } from "./link.ts";
import { type CutKind, type Host, SimNetwork } from "./net.ts";
import { type SeededRandom, createRandom } from "./random.ts";
import { SimDisk } from "./store.ts";

export interface WorldOptions {
  readonly seed: number | string;
  /** "cheap" signatures are the default; "real" ones cost 72 µs each. */
  readonly crypto?: "cheap" | "real";
  /** What the wall clocks show at the beginning. Default: 2026-01-01. */
  readonly epoch?: Millis;
  /** Keeps a line for each event in `trace`. */
  readonly traced?: boolean;
}

export interface LoggedEvent {
  readonly server: string;
  readonly level: "debug" | "info" | "warn" | "error";
  readonly event: string;
  readonly fields: LogFields;
}

/** Servers, their disks and the network between them. All methods are synchronous. */
export interface World {
  readonly seed: number | string;
  /** Chance for the test's own choices. */
  readonly random: SeededRandom;
  /** Milliseconds since the world began. */
  readonly now: Millis;
  /** A line for each event, if asked for. */
  readonly trace: readonly string[];
  /** How many events there were so far. */
  readonly events: number;
  /** What all servers have logged. */
  readonly logged: readonly LoggedEvent[];
  /** How many connections are open at one end or both. */
  readonly connections: number;
  /** The hosts of each connection that is open at both ends, the one that dialled first. */
  readonly pairs: readonly (readonly [string, string])[];
  /** Says what has happened so far in 16 characters: equal seeds, equal digests. */
  digest(): string;
  /**
   * Gives a server its environment: its name is its host name for `dial`. After a crash, or when
   * asked again, it is a new life of the same server, with its disk; the life before is over.
   */
  environment(name: string): Environment;
  /** Lets a time pass, or all that is planned happen (10 minutes of it). Throws what events do. */
  run(ms?: Millis): void;
  /** Runs until nothing is due within `quietMs` (default 200), at most `msMax` (10 minutes). */
  settle(quietMs?: Millis, msMax?: Millis): void;
  /** Runs until a promise has an end, and returns or throws it; at most `msMax` (10 minutes). */
  until<T>(promise: Promise<T>, msMax?: Millis): T;
  /** Changes the ways between two servers, or without them all that have not been changed. */
  shape(change: Partial<Path>, a?: string, b?: string): void;
  /** Parts two servers: "reset" tells both ends at once (the default), "silent" tells nobody. */
  cut(a: string, b: string, kind?: CutKind): void;
  heal(a: string, b: string): void;
  /** Heals all cuts. */
  healAll(): void;
  /** Breaks what is open between two servers; only `told` learns of it: the half-open case. */
  loseConnections(told: string, untold: string): void;
  /** Ends a server's life as by a power cut. Unless `silent`, its peers see a reset. */
  crash(name: string, how?: { readonly silent?: boolean }): void;
  /** Makes a server's wall clock wrong by so much. */
  skew(name: string, ms: Millis): void;
  disk(name: string): SimDisk;
  /** How many timers a server waits for. */
  timers(name: string): number;
}

const settleMsMax = 10 * 60_000;
const defaultEpoch = Date.UTC(2026, 0, 1);

/** Makes a world. Say the seed in a test's name or message: it replays what went wrong. */
export function createWorld(options: WorldOptions): World {
  const { seed, epoch = defaultEpoch, traced = false } = options;
  const root = createRandom(String(seed));
  const agenda = new Agenda();
  const trace: string[] = [];
  const logged: LoggedEvent[] = [];
  const places = new Map<string, Place>();
  let digest = 0n;
  let events = 0;
  const record = (what: string, bytes: Uint8Array): void => {
    digest = Bun.hash.wyhash(bytes, Bun.hash.wyhash(what, digest));
    if (traced)
      trace.push(`${agenda.now.toFixed(3)}   ${what} ${bytes.length} B ${digestText(digest)}`);
  };
  const network = new SimNetwork({ agenda, random: root.fork("network"), record });

  function step(): boolean {
    const happened = agenda.step();
    if (happened === undefined) return false;
    events += 1;
    digest = Bun.hash.wyhash(happened.what, digest + BigInt(Math.floor(happened.time * 1000)));
    if (traced) trace.push(`${happened.time.toFixed(3)} ${happened.what}`);
    drainMicrotasks();
    return true;
  }

  /** Lets events happen while `goOn` says so; tells whether it stopped for want of events. */
  function runWhile(goOn: (next: Millis) => boolean): void {
    drainMicrotasks();
    for (let next = agenda.next; next !== undefined && goOn(next); next = agenda.next) step();
  }

  function placeOf(name: string): Place {
    let place = places.get(name);
    if (place === undefined) {
      const disk = new SimDisk(agenda, root.fork(`disk of ${name}`));
      const none = new Set<Cancel>();
      places.set(name, (place = { life: 0, skew: 0, disk, timers: none, endTimers() {} }));
    }
    return place;
  }

  function crash(name: string, peersAreTold: boolean): void {
    const place = placeOf(name);
    place.life += 1;
    place.endTimers();
    place.disk.crash();
    network.crash(name, peersAreTold);
  }

  function environment(name: string): Environment {
    const place = placeOf(name);
    if (place.life > 0) crash(name, true);
    else place.life = 1;
    const { life } = place;
    const alive = (): boolean => place.life === life;
    const random = root.fork(`${name}, life ${life}`);
    const { clock, end, waiting } = createSimClock({
      agenda,
      name,
      alive,
      epoch: () => epoch + place.skew,
    });
    place.timers = waiting;
    place.endTimers = end;
    const log = keepLog(name, logged);
    const host: Host = { name, clock, log, alive };
    return {
      clock,
      random,
      net: network.netOf(host),
      store: place.disk.open(alive),
      crypto:
        options.crypto === "real" ? createCrypto(random) : createCheapCrypto(random, String(seed)),
      tasks: createSimTasks(clock),
      log,
    };
  }

  return {
    seed,
    random: root.fork("test"),
    get now() {
      return agenda.now;
    },
    trace,
    logged,
    get events() {
      return events;
    },
    get connections() {
      return network.open;
    },
    get pairs() {
      return network.pairs;
    },
    digest: () => digestText(digest),
    environment,
    run(ms) {
      const end = ms === undefined ? agenda.now + settleMsMax : agenda.now + ms;
      runWhile((next) => next <= end);
      if (ms !== undefined) agenda.advanceTo(end);
    },
    settle(quietMs = 200, msMax = settleMsMax) {
      const end = agenda.now + msMax;
      runWhile((next) => next - agenda.now <= quietMs && next <= end);
      if (agenda.now >= end - quietMs) throw new Error(`seed ${seed}: no rest in ${msMax} ms`);
    },
    until: (promise, msMax = settleMsMax) =>
      untilSettled(promise, { runWhile, agenda, msMax, seed }),
    shape: (change, a, b) => network.shape(change, a, b),
    cut: (a, b, kind = "reset") => network.cut(a, b, kind),
    heal: (a, b) => network.heal(a, b),
    healAll: () => network.healAll(),
    loseConnections: (told, untold) => network.loseConnections(told, untold),
    crash: (name, how) => crash(name, how?.silent !== true),
    skew(name, ms) {
      placeOf(name).skew = ms;
    },
    disk: (name) => placeOf(name).disk,
    timers: (name) => placeOf(name).timers.size,
  };
}

// --- internal ---

/** What stays of a server from life to life. */
interface Place {
  /** Counts starts and ends. */
  life: number;
  skew: Millis;
  readonly disk: SimDisk;
  /** Of its present life. */
  timers: ReadonlySet<Cancel>;
  endTimers(): void;
}

const digestText = (digest: bigint): string => digest.toString(16).padStart(16, "0");

function untilSettled<T>(
  promise: Promise<T>,
  at: {
    runWhile: (goOn: (next: Millis) => boolean) => void;
    agenda: Agenda;
    msMax: Millis;
    seed: number | string;
  },
): T {
  const outcomes: Outcome<T>[] = [];
  promise.then(
    (value) => outcomes.push({ value }),
    (error: unknown) => outcomes.push({ error }),
  );
  const end = at.agenda.now + at.msMax;
  at.runWhile((next) => outcomes.length === 0 && next <= end);
  const outcome = outcomes[0];
  if (outcome === undefined) {
    const what = `waits in vain for ${at.msMax} ms of virtual time`;
    throw new Error(`seed ${at.seed}: ${what}; real files, sockets and timers have none`);
  }
  if ("error" in outcome) throw outcome.error;
  return outcome.value;
}

type Outcome<T> = { readonly value: T } | { readonly error: unknown };

function keepLog(server: string, logged: LoggedEvent[]): Log {
  const keep =
    (level: LoggedEvent["level"]): Log["info"] =>
    (event, fields = {}) =>
      void logged.push({ server, level, event, fields });
  return { debug: keep("debug"), info: keep("info"), warn: keep("warn"), error: keep("error") };
}

/** Stand-ins that take the virtual time of the real ones. */
function createSimTasks(clock: Clock): Tasks {
  const later = <T>(value: () => T): Promise<T> =>
    new Promise((resolve) => clock.after(hashMs, () => resolve(value())));
  const hashOf = (password: string): string =>
    `$sim$${Bun.hash.wyhash(password, 7n).toString(16).padStart(16, "0")}`;
  return {
    hashPassword: (password) => later(() => hashOf(password)),
    verifyPassword: (password, hash) => later(() => hash === hashOf(password)),
  };
}

const hashMs = 33;
