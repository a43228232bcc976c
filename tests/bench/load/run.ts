// One run of people who talk:
//
//   entering ──all in──▶ probing ──all hear──▶ ramp ──▶ measured ──▶ draining ──all in──▶ leaving
//                                                          └─▶ stalled ─┘
//
// What is sent from the ramp on is numbered and checked; only what arrives while it is measured
// counts. Where some are to stall, they stop reading then, and how much that slows the others is
// measured as well; what those miss is no loss. Next: seats.ts, group.ts, checker.ts.

import type { Bytes } from "../../../src/environment.ts";
import { accountOf, ownCpuSeconds } from "./account.ts";
import { Checker } from "./checker.ts";
import { Connection } from "./connection.ts";
import type { Hearer } from "./connection.ts";
import { Crowd } from "./crowd.ts";
import { Group } from "./group.ts";
import type { Account } from "./account.ts";
import type { Job, Slowed, Talk, Talked, Target } from "./job.ts";
import { Latencies } from "./latencies.ts";
import { Probes } from "./probes.ts";
import type { Protocol } from "./protocol.ts";
import { Seats } from "./seats.ts";
import { groupOf, microsOf, numberOf, talkerOf, textOf } from "./stamp.ts";
import { writesOf } from "./writes.ts";

/** InspIRCd lets in those who wait once a second; more would overflow queues of the system. */
const ENTERING_MAX = 500;
/** Two servers of a peer need some seconds until each knows the other's people. */
const PROBES_MAX = 40;
const PROBE_MS = 500;
const PROBED_MS = 100;
const DRAIN_LOOK_MS = 5;
/** With a pace: then the generator was not at work when it should have been. */
const LATE_MICROS = 5000;
/** Of a run without a rate, whose times matter less, each so many-th copy is timed. */
const TIMED_EVERY = 16;

export class Run implements Hearer {
  readonly #job: Job;
  readonly #talk: Talk;
  readonly #protocol: Protocol;
  readonly #crowd = new Crowd();
  readonly #groups: Group[] = [];
  readonly #seats: Seats;
  readonly #probes: Probes;
  readonly #checker: Checker;
  readonly #latencies = new Latencies();
  readonly #timedEvery: number;
  #phase: "setup" | "ramp" | "measured" | "stalled" | "draining" | "leaving" = "setup";
  #said = 0;
  #owed = 0;
  #arrived = 0;
  #acknowledged = 0;
  #due: Group[] = [];
  /** Whose turn it is, where all take turns. */
  #turn = 0;
  #isPumping = false;
  #paced = 0;
  #late = 0;
  #began = 0;
  #copies = 0;
  readonly #broken = Promise.withResolvers<never>();

  constructor(job: Job, talk: Talk, protocol: Protocol) {
    this.#job = job;
    this.#talk = talk;
    this.#protocol = protocol;
    this.#timedEvery = talk.perSecond === undefined ? TIMED_EVERY : 1;
    this.#seats = new Seats(talk);
    this.#probes = new Probes(this.#seats.count, job.servers.length);
    // A cell for each talker of a room and each seat in it.
    this.#checker = new Checker(this.#seats.count * talk.talkers);
    this.#populate();
  }

  /** Rejects with why it could not be done; what was lost is told in the result. */
  async play(): Promise<Talked> {
    // Whoever awaits the race hears of it.
    this.#broken.promise.catch(() => undefined);
    return Promise.race([this.#play(), this.#broken.promise]);
  }

  ready(): void {
    this.#crowd.ready();
  }

  heard(person: Connection, bytes: Bytes, at: number): void {
    const index = groupOf(bytes, at);
    const group = this.#groups[index];
    const seat = this.#seats.seatOf(person.index, index);
    if (group === undefined || seat < 0) return this.strange();
    const number = numberOf(bytes, at);
    if (number === 0) return this.#probes.heard(seat, this.#serverAt(talkerOf(bytes, at)));
    if (person.stalls) return;
    this.#checker.take(seat * this.#talk.talkers + talkerOf(bytes, at), number);
    this.#arrived += 1;
    group.arrived += 1;
    if (!group.isDue && this.#talk.perSecond === undefined) {
      group.isDue = true;
      this.#due.push(group);
      if (!this.#isPumping) {
        this.#isPumping = true;
        setImmediate(this.#pump);
      }
    }
    if (this.#phase === "measured" && this.#copies++ % this.#timedEvery === 0) {
      const now = this.#now();
      this.#latencies.add(Math.max(0, now - microsOf(bytes, at)));
    }
  }

  strange(): void {
    this.#checker.strange += 1;
  }

  acknowledged(): void {
    this.#acknowledged += 1;
  }

  failed(person: Connection, why: string): void {
    // Who does not read is told so, and closed, sooner or later.
    if (person.stalls && this.#phase !== "setup") return;
    this.#broken.reject(new Error(`${person.nick}: ${why}`));
  }

  closed(): void {
    this.#crowd.closed();
  }

  // --- internal ---------------------------------------------------------------------------------

  async #play(): Promise<Talked> {
    await this.#crowd.enter(Math.min(ENTERING_MAX, this.#job.enteringMax ?? ENTERING_MAX));
    await this.#probeAll();
    await this.#crowd.settle();
    const { rampMs, measureMs, drainMs } = this.#talk;
    const written = this.#written();
    this.#began = performance.now();
    this.#phase = "ramp";
    this.#start();
    await Bun.sleep(rampMs);
    const before = this.#snapshot();
    this.#phase = "measured";
    await Bun.sleep(measureMs);
    const after = this.#snapshot();
    const slowed = await this.#stall(before, after);
    this.#phase = "draining";
    for (let ms = 0; ms < drainMs && !this.#isDrained(); ms += DRAIN_LOOK_MS) {
      await Bun.sleep(DRAIN_LOOK_MS);
    }
    const writtenSince = this.#written() - written;
    this.#phase = "leaving";
    for (const person of this.#crowd.people) if (person.stalls) person.terminate();
    // A second copy of the last messages would come before the answer to the good-bye.
    await this.#crowd.leave();
    const seconds = (after.ms - before.ms) / 1000;
    return {
      ...this.#checker.faults((cell) => this.#saidTo(cell)),
      unacknowledged: this.#talk.acks ? this.#said - this.#acknowledged : 0,
      deliveries: after.arrived - before.arrived,
      seconds,
      cpuSeconds: after.servers.cpuSeconds - before.servers.cpuSeconds,
      kernelSeconds: after.servers.kernelSeconds - before.servers.kernelSeconds,
      p50Ms: this.#latencies.quantile(0.5),
      p99Ms: this.#latencies.quantile(0.99),
      peakBytes: after.servers.peakBytes,
      generatorShare: (after.own - before.own) / seconds,
      ...(Number.isNaN(writtenSince) ? {} : { writesPerDelivery: writtenSince / this.#arrived }),
      ...(this.#talk.perSecond === undefined ? {} : { lateShare: this.#late / this.#paced }),
      ...slowed,
    };
  }

  /** Has those stop reading who are to, and measures the others once more. */
  async #stall(before: Snapshot, after: Snapshot): Promise<Slowed | undefined> {
    if (this.#talk.stalled === undefined) return undefined;
    for (const person of this.#crowd.people) if (person.stalls) person.pause();
    this.#phase = "stalled";
    await Bun.sleep(this.#talk.measureMs);
    const last = this.#snapshot();
    const [fast, slow] = [rateOf(before, after), rateOf(after, last)];
    return {
      slowedShare: 1 - slow.perSecond / fast.perSecond,
      dearerShare: slow.cpuSecondsEach / fast.cpuSecondsEach - 1,
    };
  }

  #snapshot(): Snapshot {
    const pids = this.#job.servers.map(({ pid }) => pid);
    const servers = accountOf(pids);
    return { servers, own: ownCpuSeconds(), ms: performance.now(), arrived: this.#arrived };
  }

  /** Segments of all servers; NaN where they are not counted. */
  #written(): number {
    if (this.#talk.countsWrites !== true) return Number.NaN;
    return this.#job.servers.reduce((sum, { port }) => sum + (writesOf(port) ?? Number.NaN), 0);
  }

  #isDrained(): boolean {
    const acks = this.#talk.acks ? this.#said : 0;
    return this.#arrived >= this.#owed && this.#acknowledged >= acks;
  }

  /** µs since the run began. */
  #now(): number {
    return Math.floor((performance.now() - this.#began) * 1000);
  }

  // Who is there, and who owes what to whom.

  #populate(): void {
    const { bystanders = 0, groups, kind, members, stalled = 0, talkers } = this.#talk;
    const seats = this.#seats;
    for (let index = 0; index < seats.people + bystanders; index++) this.#add(index);
    for (let index = 0; index < groups; index++) {
      const fan = kind === "pairs" ? 1 : members - stalled - (this.#protocol.echo ? 0 : 1);
      const group = new Group(index, fan);
      this.#groups.push(group);
      for (let talker = 0; talker < talkers; talker++) this.#addTalker(group, talker);
    }
  }

  #add(index: number): void {
    const { kind, members, stalled = 0, textBytes } = this.#talk;
    const seats = this.#seats;
    const own = index < seats.people ? [...seats.seatsOf(index)] : [];
    const { port = 0, name = "" } = this.#serverOf(seats.memberOf(index)) ?? {};
    const person = new Connection({
      index,
      nick: this.#nickOf(index),
      port,
      server: name,
      protocol: this.#protocol,
      hearer: this,
      textBytes,
      rooms: kind === "pairs" ? [] : own.map((seat) => this.#roomOf(seats.groupOf(seat))),
    });
    person.stalls = own.some((seat) => seats.memberOf(seat) >= members - stalled);
    this.#crowd.people.push(person);
  }

  #addTalker(group: Group, talker: number): void {
    const { acks, kind, members, textBytes } = this.#talk;
    const seat = group.index * members + talker;
    const person = this.#crowd.people[this.#seats.personOf(seat)] as Connection; // it has a seat
    const text = textOf(group.index, talker, textBytes);
    const server = this.#serverOf(talker + 1)?.name ?? "";
    const to = { nick: this.#nickOf(this.#seats.personOf(seat + 1)), server };
    const framed = (asks: boolean) =>
      kind === "pairs"
        ? this.#protocol.toPerson(to, text, asks)
        : this.#protocol.inRoom(this.#roomOf(group.index), text, asks);
    group.talkers.push({ person, envelope: framed(acks), probe: framed(false), said: 0 });
  }

  readonly #nickOf = (index: number): string =>
    `${this.#job.prefix}${String(index).padStart(5, "0")}`;

  /** One that nobody was in: what was said in it before is told, late, to who comes to it. */
  readonly #roomOf = (index: number): string =>
    `#${this.#job.prefix}${String(index).padStart(5, "0")}`;

  #serverOf(member: number): Target | undefined {
    return this.#job.servers[this.#serverAt(member)];
  }

  #serverAt(member: number): number {
    const { length } = this.#job.servers;
    const { members, spread } = this.#talk;
    return spread === "turns" ? member % length : Math.floor((member * length) / members);
  }

  #hears(person: Connection | undefined, talker: Connection): boolean {
    if (this.#talk.kind === "pairs") return person !== talker;
    return this.#protocol.echo || person !== talker;
  }

  #saidTo(cell: number): number {
    const { talkers } = this.#talk;
    const seat = Math.floor(cell / talkers);
    const person = this.#crowd.people[this.#seats.personOf(seat)];
    const talker = this.#groups[this.#seats.groupOf(seat)]?.talkers[cell % talkers];
    if (talker === undefined || person?.stalls === true) return 0;
    return this.#hears(person, talker.person) ? talker.said : 0;
  }

  // Until everybody hears everybody.

  async #probeAll(): Promise<void> {
    const { people } = this.#crowd;
    // A pair's talker hears nobody; in a room without echo a lone talker does not hear itself.
    for (let seat = 0; seat < this.#seats.count; seat++) {
      const person = people[this.#seats.personOf(seat)];
      const talkers = this.#groups[this.#seats.groupOf(seat)]?.talkers ?? [];
      for (const [talker, one] of talkers.entries())
        if (this.#hears(person, one.person)) this.#probes.expect(seat, this.#serverAt(talker));
    }
    for (let probe = 0; probe < PROBES_MAX; probe++) {
      for (const group of this.#groups) group.probe();
      const until = performance.now() + PROBE_MS;
      while (this.#probes.toCome > 0 && performance.now() < until) await Bun.sleep(1);
      if (this.#probes.toCome > 0) continue;
      // Refusals of earlier probes are still to come.
      await Bun.sleep(PROBED_MS);
      for (const person of people) person.probing = false;
      return;
    }
    const what = `${this.#probes.toCome} times a member hears nobody of a server`;
    throw new Error(`${what} after ${PROBES_MAX} probes`);
  }

  // Who talks when.

  #start(): void {
    if (this.#talk.perSecond !== undefined) return this.#pace();
    for (const group of this.#groups) {
      group.isDue = true;
      this.#due.push(group);
    }
    this.#pump();
  }

  get #isTalking(): boolean {
    return this.#phase === "ramp" || this.#phase === "measured" || this.#phase === "stalled";
  }

  /** Sends on for those groups of which copies have arrived. */
  readonly #pump = (): void => {
    this.#isPumping = false;
    const due = this.#due;
    const { turns } = this.#talk;
    this.#due = [];
    const talked: Connection[] = [];
    const micros = this.#now();
    for (const group of due) {
      group.isDue = false;
      if (!this.#isTalking || turns !== undefined) continue;
      const free = (this.#talk.window ?? 0) - group.onTheirWay;
      for (let one = 0; one < free; one++) talked.push(this.#next(group, micros));
    }
    if (this.#isTalking && turns !== undefined) this.#takeTurns(turns, talked);
    for (const person of talked) person.flush();
  };

  #takeTurns({ messages, onTheirWay }: Turns, talked: Connection[]): void {
    const micros = this.#now();
    const copies = messages * (this.#groups[0]?.fan ?? 1);
    while (this.#owed - this.#arrived <= (onTheirWay - 1) * copies) {
      const group = this.#groups[this.#turn] as Group; // within bounds
      this.#turn = (this.#turn + 1) % this.#groups.length;
      for (let one = 0; one < messages; one++) talked.push(this.#next(group, micros));
    }
  }

  /** Sends what is due by the clock, again and again: a timer would be up to 1 ms late. */
  readonly #pace = (): void => {
    if (!this.#isTalking) return;
    const now = this.#now();
    const everyMicros = 1e6 / (this.#talk.perSecond ?? 1);
    while (this.#paced * everyMicros <= now) {
      const group = this.#groups[this.#paced % this.#groups.length] as Group; // there is one
      const micros = Math.floor(this.#paced * everyMicros);
      if (now - micros > LATE_MICROS) this.#late += 1;
      this.#next(group, micros).flush();
      this.#paced += 1;
    }
    setImmediate(this.#pace);
  };

  #next(group: Group, micros: number): Connection {
    this.#said += 1;
    this.#owed += group.fan;
    return group.next(micros);
  }
}

// --- internal -----------------------------------------------------------------------------------

type Turns = NonNullable<Talk["turns"]>;

interface Snapshot {
  readonly servers: Account;
  readonly own: number;
  readonly ms: number;
  readonly arrived: number;
}

function rateOf(from: Snapshot, to: Snapshot) {
  const deliveries = to.arrived - from.arrived;
  return {
    perSecond: (deliveries / (to.ms - from.ms)) * 1000,
    cpuSecondsEach: (to.servers.cpuSeconds - from.servers.cpuSeconds) / deliveries,
  };
}
