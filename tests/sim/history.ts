// One random history: servers that merge and talk while everything that can go wrong does; then the
// faults end, and within a bounded time all must be as invariants.ts says. A seed is a history, to
// the byte; what it does is in `act` and faults.ts.

import authGuest from "../../plugins/auth-guest.ts";
import fabricTree from "../../plugins/fabric-tree.ts";
import { isFailure, LIMITS, type Plugin } from "../../src/plugin.ts";
import {
  createSimulation,
  type DiskBackup,
  logStore,
  type SeededRandom,
  SIMULATED_PORT,
  type SimServer,
  type Simulation,
  type World,
} from "../../src/testing.ts";
import { checkCalmMerges } from "./calm.ts";
import { Crowd } from "./crowd.ts";
import { FAULTS } from "./faults.ts";
import {
  checkAlways,
  checkAtRest,
  checkPins,
  checkStaysAtRest,
  checkTheEnd,
  pairOf,
  restMsMax,
} from "./invariants.ts";
import { Ledger } from "./ledger.ts";
import { Marks } from "./marks.ts";
import { moody } from "./moody.ts";
import { checkDeleted } from "./deleted.ts";
import { authAnybody, Rules } from "./rules.ts";
import { checkSpeech, checkSpeechAtRest } from "./speech.ts";
import { countTold, pairOfErrand } from "./told.ts";
import { Watch } from "./watch.ts";

const CITIES = ["amiens", "brest", "caen", "dijon", "evreux", "foix", "gap", "hendaye", "istres"];
const STEPS = 90;
const FAULTS_MIN = 50;
/** Every so many seeds, links have room for so few bytes of control frames. */
const NARROW = { every: 4, bytes: 1500 };
/** What a step does, by chance: the rest are faults. */
const MERGES = 0.25;
const WORDS = 0.1;
const RULES = 0.15;

export interface Outcome {
  readonly faults: number;
  readonly servers: number;
  /** Virtual time from the last fault until everything was as it should be. */
  readonly settledMs: number;
  readonly marks: Marks;
  /** Happenings in the world: what arrived, what was due. */
  readonly events: number;
  readonly digest: string;
}

export interface HistoryOptions {
  /** Default "cheap". */
  readonly crypto?: "cheap" | "real";
  readonly traced?: boolean;
}

export class History {
  readonly simulation: Simulation;
  readonly watch: Watch;
  readonly marks = new Marks();
  readonly ledger = new Ledger((host) => this.seenBy(host));
  readonly rules = new Rules(this);
  readonly crowd = new Crowd(this);
  readonly random: SeededRandom;
  /** What was done, for people: the time in seconds, and what. */
  readonly story: string[] = [];
  /** What the last fault has struck. */
  struck = "";
  /** Names of servers that have lost their key: those who remember it must be told. */
  readonly wiped = new Set<string>();
  /** Servers that were put back to an earlier state of their disk. */
  readonly restored = new Set<string>();
  /** Servers whose wall clock was wrong. */
  readonly jumped = new Set<string>();
  /** Servers whose disk takes nothing: what they answer is not sure to survive a crash. */
  readonly full = new Set<string>();
  /** Pairs whose link an operator has ended, and nobody has asked for again. */
  readonly parted = new Set<string>();
  /** Merges and unmerges that have no answer yet; numbered, as two may be alike. */
  readonly unanswered = new Set<string>();
  #typed = 0;
  #faults = 0;
  #calm = false;
  readonly #backups = new Map<string, DiskBackup>();
  readonly #standby = new Set<string>();
  #later: { readonly at: number; readonly run: () => void }[] = [];

  constructor(seed: number, options: HistoryOptions = {}) {
    this.watch = new Watch(seed % NARROW.every === 0 ? NARROW.bytes : undefined);
    this.simulation = createSimulation({
      seed: `sim ${seed}`,
      ...options,
      plugins: (host) => this.#plugins(host),
      around: (environment) => this.watch.environment(environment),
    });
    this.random = this.world.random.fork("history");
  }

  get world(): World {
    return this.simulation.world;
  }

  get servers(): ReadonlyMap<string, SimServer> {
    return this.simulation.servers;
  }

  /** Plays it to its end. Throws what was violated. */
  play(): Outcome {
    const { random, world } = this;
    const hosts = CITIES.slice(0, 3 + random.below(CITIES.length - 2));
    for (const host of hosts) this.simulation.start(host);
    if (random.chance(0.4)) this.#startTwins(hosts);
    const populated = hosts.slice(0, 1 + random.below(4));
    for (const host of populated) this.crowd.enter(host);
    if (random.chance(0.6)) this.#mergeFirst(populated);
    this.rules.begin();
    for (let step = 0; step < STEPS || this.#faults < FAULTS_MIN; step += 1) {
      this.#act();
      this.#pass(random.chance(0.6) ? random.next() * 30 : 10 ** (1 + random.next() * 3.2));
    }
    const settledMs = this.#settle();
    checkStaysAtRest(this);
    checkCalmMerges(this);
    checkTheEnd(this);
    countTold(this);
    const { size } = this.servers;
    return {
      faults: this.#faults,
      servers: size,
      settledMs,
      marks: this.marks,
      events: world.events,
      digest: world.digest(),
    };
  }

  // --- what faults.ts asks and does ---

  oneOf<T>(items: readonly T[]): T | undefined {
    return items.length === 0 ? undefined : this.random.pick(items);
  }

  anyServer(): SimServer | undefined {
    return this.oneOf([...this.servers.values()].filter(({ phase }) => phase === "running"));
  }

  twoServers(): readonly SimServer[] {
    const up = [...this.servers.values()].filter(({ phase }) => phase === "running");
    return this.random.shuffle(up).slice(0, 2);
  }

  /** Does something in a while, at most `ms` from now, or when the faults end. */
  later(ms: number, run: () => void): void {
    this.in(this.random.next() * ms, run);
  }

  in(ms: number, run: () => void): void {
    this.#later.push({ at: this.world.now + ms, run });
  }

  crash(host: string, downMsMax: number, how?: { readonly silent: boolean }): void {
    this.simulation.crash(host, how);
    this.#downFor(host, downMsMax);
  }

  stop(host: string, downMsMax: number): void {
    this.simulation.stop(host);
    this.#downFor(host, downMsMax);
  }

  wipe(host: string): void {
    this.simulation.crash(host);
    this.world.disk(host).restore();
    this.#forgets(host);
    this.wiped.add(this.servers.get(host)?.name ?? host);
    this.#downFor(host, 1000);
  }

  restoreBackup(host: string): void {
    const backup = this.#backups.get(host);
    if (backup === undefined) return void this.#backups.set(host, this.world.disk(host).backup());
    this.simulation.crash(host);
    this.world.disk(host).restore(backup);
    this.#forgets(host);
    this.restored.add(host);
    this.#downFor(host, 1000);
  }

  /** Somebody who is no server opens a link, says what comes to mind, and then nothing. */
  stranger(host: string): void {
    const { net, random } = this.world.environment("stranger");
    const bytes = random.bytes(this.random.below(200));
    const at = { host, port: SIMULATED_PORT, tls: true };
    const opened = net.dial(at, (wire) => {
      wire.send("control", bytes);
      wire.flush();
      return { data() {}, closed() {} };
    });
    opened.catch(() => undefined); // it may be cut off
  }

  merge(from: SimServer, to: SimServer): void {
    if (from.name === to.name && from !== to) this.marks.hit("merge of namesakes");
    this.parted.delete(pairOf(from.host, to.host));
    this.type(
      from,
      `merge ${to.host}:${SIMULATED_PORT}`,
    )(({ code }) => {
      if (from !== to) return;
      const isFault = code === "NOT_CHATFUSION" || code === "SERVER_STOPPING"; // it went meanwhile
      if (code !== "SELF" && !isFault) this.watch.violations.push(`merged with itself: ${code}`);
    });
  }

  /** Ends a link. While one is asked for at the same time, nobody can say what comes of it. */
  unmerge(from: SimServer, to: { readonly host: string; readonly name: string }): void {
    const pair = pairOf(from.host, to.host);
    this.type(
      from,
      `unmerge ${to.name}`,
    )(({ code }) => {
      const asked = [...this.unanswered].some(
        (one) => one.includes(": merge ") && pair === pairOfErrand(one),
      );
      const isSure = code === "unmerged" && !asked && !this.full.has(from.host);
      if (isSure) this.parted.add(pair);
    });
  }

  /** Types a line at a console; its answer is counted, and must come while the server lives. */
  type({ host }: SimServer, line: string): (then: (answer: { code: string }) => void) => void {
    const errand = `${host} at ${this.world.now}, ${++this.#typed}: ${line}`;
    this.unanswered.add(errand);
    this.#tell(`${host}: ${line}`);
    let whenAnswered: ((answer: { code: string }) => void) | undefined;
    const answered = this.simulation.type(host, line).then((answer) => {
      if (!this.unanswered.delete(errand)) return;
      const data = isFailure(answer) ? { state: answer.code } : (answer.data ?? {});
      const { state = "done" } = data as { readonly state?: string }; // as merge and unmerge say
      this.#tell(`${host}: ${line}: ${isFailure(answer) ? answer.code : answer.text}`);
      this.marks.hit(`answer: ${state}`);
      whenAnswered?.({ code: state });
    });
    answered.catch((error: unknown) => this.watch.violations.push(`${errand}: ${String(error)}`));
    return (then) => {
      whenAnswered = then;
    };
  }

  /** Hosts of the servers that this one sees in its fusion, its own among them. */
  seenBy(host: string): string[] {
    const sids = this.watch.fabrics.get(host)?.view.servers.map(({ sid }) => sid) ?? [];
    const servers = [...this.servers.values()];
    return servers.flatMap((one) => (sids.some((sid) => sid === one.server?.sid) ? one.host : []));
  }

  // --- internal ---

  /** What its operator has ended is not on its disk any more. */
  #forgets(host: string): void {
    this.crowd.logSetBack(host);
    this.#backups.delete(host);
    for (const pair of this.parted) if (pair.split(" ").includes(host)) this.parted.delete(pair);
  }

  #tell(what: string): void {
    this.story.push(`${(this.world.now / 1000).toFixed(3).padStart(9)}  ${what}`);
  }

  #startTwins(hosts: readonly string[]): void {
    const count = 1 + this.random.below(2);
    for (const name of this.random.shuffle(hosts).slice(0, count)) {
      const twin = this.random.chance(0.5) ? name : name.toUpperCase();
      this.simulation.start(`other-${name}`, { name: twin });
    }
  }

  #plugins(host: string): Plugin[] {
    return [
      authAnybody(),
      authGuest(),
      this.watch.fabric(fabricTree(), host),
      this.ledger.history(logStore(), host),
      moody(() => (this.#calm ? 1 : this.random.next())),
    ];
  }

  #act(): void {
    const dice = this.random.next();
    if (dice < MERGES) return this.#merge();
    if (dice < MERGES + WORDS) return this.crowd.speak();
    if (dice < MERGES + WORDS + RULES) return this.rules.act();
    const faults = Object.entries(FAULTS);
    let left = this.random.next() * faults.reduce((sum, [, { weight }]) => sum + weight, 0);
    for (const [name, { weight, strike }] of faults) {
      left -= weight;
      if (left >= 0) continue;
      const where = strike(this);
      if (where === undefined) return;
      this.#faults += 1;
      this.#tell(`${name}: ${where} (${this.struck})`);
      return this.marks.hit(`${name}: ${where}`);
    }
  }

  /** People who know each other before anything goes wrong. */
  #mergeFirst(hosts: readonly string[]): void {
    for (const [at, host] of hosts.slice(1).entries()) {
      const [from, to] = [this.servers.get(hosts[at] ?? ""), this.servers.get(host)];
      if (from !== undefined && to !== undefined) this.merge(from, to);
    }
    this.#pass(3000);
  }

  /** One merge, or several at the same instant from all sides. */
  #merge(): void {
    const count = this.random.chance(0.3) ? 2 + this.random.below(4) : 1;
    if (count > 1) this.marks.hit("merges at once");
    for (let n = 0; n < count; n += 1) {
      const [from, other] = this.twoServers();
      const to = this.random.chance(0.02) ? from : other;
      if (from === undefined || to === undefined) return;
      this.merge(from, to);
      if (count > 1 && this.random.chance(0.3)) this.merge(to, from);
    }
  }

  /** Lets time pass, in which what was put off happens, and looks at everything meanwhile. */
  #pass(ms: number): void {
    const end = this.world.now + ms;
    for (;;) {
      const next = this.#later.toSorted((a, b) => a.at - b.at)[0];
      const until = Math.min(end, next?.at ?? end);
      this.world.run(Math.max(0, until - this.world.now));
      this.#look();
      if (next === undefined || next.at > end) return;
      this.#later = this.#later.filter((one) => one !== next);
      next.run();
    }
  }

  #look(): void {
    checkAlways(this);
    checkSpeech(this);
    const [broken] = this.rules.violations;
    if (broken !== undefined) throw new Error(broken);
    this.watch.checkBounds();
    for (const [host, { view }] of this.watch.fabrics) {
      for (const { a, b, state } of view.links) {
        const link = `${host} ${a} ${b}`;
        if (state === "standby") this.#standby.add(link);
        else if (this.#standby.delete(link)) this.marks.hit("standby takes over");
      }
    }
  }

  #downFor(host: string, msMax: number): void {
    for (const errand of this.unanswered) {
      if (errand.startsWith(`${host} at `)) this.unanswered.delete(errand);
    }
    this.crowd.serverDown(host);
    this.watch.fabrics.delete(host);
    this.later(msMax, () => {
      if (this.servers.get(host)?.phase !== "down") return;
      // A full disk may keep it from starting: its operator tries again.
      this.simulation.launch(host).catch(() => this.#downFor(host, msMax));
    });
  }

  /** Ends the faults, and returns how long it took until all was as it should be. */
  #settle(): number {
    this.#calm = true;
    const { world, random } = this;
    for (const host of this.servers.keys()) world.disk(host).failWrites(undefined);
    for (const { run } of this.#later.splice(0)) run();
    world.healAll();
    this.#pass(LIMITS.storeRetryMs + 1000); // what full disks have refused is on them by then
    checkPins(this);
    for (const name of this.wiped) {
      for (const server of this.servers.values()) this.type(server, `forget ${name}`);
    }
    const begun = world.now;
    for (;;) {
      const spoken = checkAtRest(this) ?? checkSpeechAtRest(this) ?? checkDeleted(this);
      const complaint = spoken ?? this.rules.checkAtRest();
      if (complaint === undefined) return world.now - begun;
      if (world.now - begun > restMsMax) throw new Error(`not at rest: ${complaint}`);
      this.#pass(500 + random.below(1000));
    }
  }
}
