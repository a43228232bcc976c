// The tree itself: owns the links, the announcements and the view, and does what they call for. All
// state changes here, synchronously, in reaction to one event; what follows from a change (the
// view, links that are undone, answers to operators) is worked out once, at the end of the tick.
//
// 1. A link is listed when it is full, and no longer than it is (session.ts).
// 2. An undone link is closed in the same step in which it is found.
// 3. Nothing is queued for a neighbour: what it should know is marked, and read when there is room.
// 4. The host hears `changed` at the end of a tick and in `unmerge`, never inside another call.

import { failure, failureOf, isFailure, LIMITS } from "chatfusion";
import type { Bytes, Clock, FabricHost, Failure, Link, LinkHandlers, Log } from "chatfusion";
import type { Merged, MergeOutcome, Millis, Random, ServerName } from "chatfusion";
import type { Sid, Store, View } from "chatfusion";
import { Alarm } from "./alarm.ts";
import { peekAnnouncement } from "./announcement.ts";
import type { Identity } from "./announcement.ts";
import { Database } from "./database.ts";
import { Gate } from "./gate.ts";
import { makeHello } from "./hello.ts";
import type { Fusion, Hello } from "./hello.ts";
import { Judging } from "./judging.ts";
import { Links } from "./links.ts";
import { Memory } from "./memory.ts";
import { Merges } from "./merges.ts";
import { Own } from "./own.ts";
import { Pins } from "./pins.ts";
import { publishedView, withRoundTrips } from "./published.ts";
import { Redial } from "./redial.ts";
import { Reporter } from "./reports.ts";
import { Session } from "./session.ts";
import type { Neighbourhood, Phase } from "./neighbourhood.ts";
import type { Judgement } from "./view.ts";

export interface TreeParts {
  readonly host: FabricHost;
  readonly clock: Clock;
  readonly random: Random;
  readonly store: Store;
  readonly log: Log;
  /** Undefined: everybody may link. */
  readonly allow: readonly string[] | undefined;
  /** SHA-256 of the shared secret. */
  readonly secret: Bytes;
  /** Notes news that was not taken, since it would have pushed others out. */
  refused(sid: Sid): void;
  /** Notes that the news of a server was forgotten, since there are too many. */
  crowded(sid: Sid): void;
  /** A routed frame of a full neighbour. */
  routed(session: Session, type: number, payload: Bytes): void;
}

export class Tree implements Neighbourhood {
  readonly identity: Identity;
  readonly secret: Bytes;
  readonly pins = new Pins();
  readonly memory: Memory;
  readonly links = new Links();
  readonly routed: TreeParts["routed"];
  readonly #parts: TreeParts;
  readonly #host: FabricHost;
  readonly #clock: Clock;
  readonly #own: Own;
  readonly #database: Database;
  readonly #judging: Judging;
  readonly #sessions = new Set<Session>();
  readonly #gate: Gate;
  readonly #merges: Merges;
  readonly #redial: Redial;
  readonly #reporter: Reporter;
  readonly #alarm: Alarm;
  #view: View;
  #attempts = 0;
  /** Our own links have changed since they were last announced. */
  #linksChanged = false;
  #soon = false;
  #stopped = false;

  constructor(parts: TreeParts) {
    const { host, clock, store, log } = parts;
    this.#parts = parts;
    this.#host = host;
    this.#clock = clock;
    this.identity = host.identity;
    this.secret = parts.secret;
    this.routed = parts.routed;
    this.#alarm = new Alarm(clock, () => this.#tick());
    this.#own = new Own(host.identity, store, log, this.now());
    this.#database = new Database(host.identity, this.now());
    this.#redial = new Redial(parts.random);
    this.#reporter = new Reporter(this.identity.sid, this.now, (one) => host.report(one));
    const { now, pins, retime } = this;
    this.memory = new Memory(store, log, { pins, redial: this.#redial, now, retime });
    this.#merges = new Merges(host, this.#redial, this.#reporter, {
      now,
      open: (link, hello, address) => this.#open(link, hello, address),
      hello: (flags) => this.#hello({ ...flags, attempt: ++this.#attempts }),
      linked: (peer) => this.links.to(peer) !== undefined,
      meets: (peer) => [...this.#sessions].some((one) => one.peer === peer && !one.dryRun),
      joined: (peer) => this.#joined(peer),
      retime,
    });
    this.#gate = new Gate({
      host,
      now,
      allow: parts.allow,
      sessions: this.#sessions,
      members: () => this.#view.servers,
      pinned: (name) => this.pins.of(name, clock.now()),
      wanted: (session) => this.#merges.of(session)?.wanted,
      parted: (peer) => this.#redial.parted(peer),
    });
    this.#database.put(this.#own.announcement, this.now());
    this.#judging = new Judging(this.#database, this.identity.sid, () => this.now());
    this.#view = publishedView(this.judgement, undefined, () => undefined);
  }

  /** Reads what earlier starts have left. Before the first link. */
  async start(): Promise<void> {
    await this.#own.start();
    this.#relinked();
    await this.memory.read("pins", (stored) => this.pins.load(stored));
    await this.memory.read("links", (stored) => this.#redial.load(stored, this.now()));
    this.retime();
  }

  /** Ends all links, as a stop and not as a loss. What is wanted stays stored. */
  async stop(): Promise<void> {
    const reason = failure("SERVER_STOPPING", `${this.identity.name} stops`);
    this.#stopped = true;
    this.#merges.stop(reason);
    for (const session of this.#sessions) session.end(reason);
    this.#alarm.set(Number.POSITIVE_INFINITY);
    await this.memory.saved();
  }

  readonly now = (): Millis => this.#clock.monotonic();

  get view() {
    return this.#view;
  }
  get judgement(): Judgement {
    return this.#judging.judgement;
  }
  get waiting() {
    return this.#redial.waiting;
  }

  accept(link: Link, hello: Bytes): LinkHandlers {
    const mine = this.#hello({ dryRun: false, again: false, attempt: 0 });
    const session = this.#open(link, mine, undefined);
    this.#gate.makeRoom(session);
    if (session.ended) return session;
    try {
      session.greet(hello);
    } catch (error) {
      session.end(failureOf(error));
    }
    return session;
  }

  /** See `Fabric.merge`. What was answered survives a crash: the wish for the link is stored. */
  async merge(address: string, options: { readonly dryRun: boolean }): Promise<MergeOutcome> {
    const outcome = await this.#merges.merge(address, options.dryRun);
    if (!isFailure(outcome)) await this.memory.saved();
    return outcome;
  }

  /**
   * See `Fabric.unmerge`. Also ends what is under way to a server whose link is lost, and the wish
   * for it; where the wish is the other side's, its next dial is refused.
   */
  async unmerge(server: ServerName): Promise<MergeOutcome> {
    const session = this.links.named(server, this.judgement);
    const pinned = this.pins.of(server, this.#clock.now());
    const absent = this.#view.servers.some(({ sid }) => sid === pinned) ? undefined : pinned;
    const wished = session?.peer ?? this.#redial.named(server)?.peer;
    const peer = wished ?? absent;
    if (peer === undefined) return this.links.notLinked(server, this.judgement);
    const isUnderWay = [...this.#sessions].some((one) => one.peer === peer);
    if (wished === undefined && !isUnderWay && this.#redial.parted(peer))
      return failure("NOT_LINKED", `${server} is parted from here already: nothing has changed`);
    const ended = `${this.identity.name} has ended its link to ${session?.name ?? server}`;
    const reason = failure("UNMERGED", ended);
    this.#merges.part(peer, reason);
    for (const one of this.#sessions) if (one.peer === peer) one.end(reason);
    this.#settle();
    await this.memory.saved();
    return { state: "unmerged", server: session?.name ?? server, sid: peer, fusion: this.#names() };
  }

  keep(neighbour: Sid, key: string, bytes: Bytes): void {
    const session = this.links.to(neighbour);
    if (session === undefined) return;
    if (!session.keep(key, bytes)) {
      this.#parts.log.error("too many registers", { neighbour, max: LIMITS.linkRegistersMax });
    }
    session.pump();
  }

  // --- Neighbourhood: what sessions ask and tell ---

  objectionToHello(session: Session): Failure | undefined {
    this.#merges.met(session);
    return this.#gate.objectionToHello(session);
  }

  objection(session: Session, fusion: Fusion): Failure | undefined {
    const objection = this.#gate.objection(session, fusion);
    if (objection !== undefined) this.#reporter.objected(session, objection);
    return objection;
  }

  consent(session: Session, fusion: Fusion, decided: (denied: Failure | undefined) => void): void {
    this.#gate.consent(session, fusion, decided);
  }

  fusionFor({ peer, role, dryRun }: Session): Fusion {
    const fusion = { met: this.#gate.met(peer), members: this.#view.servers };
    return dryRun && role === "accepted" ? { ...fusion, summary: this.#host.summary() } : fusion;
  }

  accepted(session: Session): void {
    if (session.theirs !== undefined && !session.dryRun) {
      this.#gate.take(session.theirs.sid, session.theirs);
    }
  }

  possible(session: Session): void {
    this.#merges.possible(session, this.#names());
  }

  get announcements() {
    return this.#database.judged;
  }

  birth(): number {
    return this.#database.nextBirth();
  }

  full(session: Session): void {
    const { peer, name, birth } = session;
    if (peer === undefined || name === undefined) return;
    if (birth > LIMITS.birthMax) {
      return session.end(failure("BAD_FRAME", `link: a birth of ${birth}`));
    }
    this.#database.sawBirth(birth, this.now());
    session.port = this.#own.port(this.links.byPort);
    this.links.byPort.set(session.port, session);
    this.#redial.linked(peer, name);
    if (session.address !== undefined) this.#redial.up(peer, name, session.address);
    this.#reporter.linked(peer, name);
    this.#relinked();
  }

  announced(session: Session, bytes: Bytes): void {
    if (peekAnnouncement(bytes).sid === this.identity.sid) {
      if (this.#own.outdated(bytes, this.now())) session.spread(this.identity.sid);
      return this.retime();
    }
    const taken = this.#database.take(bytes, this.now());
    if (taken.is !== "old" && taken.is !== "same" && !session.news.take(this.now())) {
      return session.end(failure("RATE_LIMITED", "more announcements than any fusion has"));
    }
    if ("announcement" in taken) {
      if (taken.sid === session.peer) session.named(taken.announcement);
      if (taken.gone !== undefined) this.#parts.crowded(taken.gone);
    }
    if (taken.is === "old") session.spread(taken.sid);
    if (taken.is === "new") this.#judging.heard(taken.sid, session);
    if (taken.is !== "same") this.retime();
  }

  registered(session: Session, payload: Bytes): void {
    if (session.peer === undefined) return;
    this.#host.deliver(session.peer, session.peer, "control", payload);
  }

  ended(session: Session, reason: Failure, was: Phase): void {
    this.#sessions.delete(session);
    const { peer, name } = session;
    if (was === "full") {
      this.links.byPort.delete(session.port);
      this.#linksChanged = true;
    }
    const answered = this.#merges.ended(session, reason, was);
    if (was === "full" && peer !== undefined && name !== undefined && !this.#stopped) {
      if (!answered) this.#reporter.lost(peer, name, reason);
      this.#merges.wait(peer, name, reason);
    }
    this.retime();
  }

  /** At the end of this tick: judges what has changed, sends what is marked, sets the timer. */
  readonly retime = (): void => {
    if (this.#soon || this.#stopped) return;
    this.#soon = true;
    this.#clock.soon(() => {
      this.#soon = false;
      this.#settle();
    });
  };

  // --- internal ---

  /** Our announcement is no longer true. */
  #relinked(): void {
    this.#linksChanged = true;
    this.retime();
  }

  #hello({ dryRun, again, attempt }: Pick<Hello, "dryRun" | "again" | "attempt">): Hello {
    const nonce = this.#parts.random.bytes(32);
    const dial = { epoch: this.#own.epoch, attempt };
    return makeHello(this.identity, dial, nonce, { dryRun, again });
  }

  #open(link: Link, mine: Hello, address: string | undefined): Session {
    const session = new Session(this, link, mine, address);
    this.#sessions.add(session);
    this.retime();
    return session;
  }

  #names(): ServerName[] {
    return this.#view.servers.map(({ name }) => name).toSorted();
  }

  #joined(peer: Sid): Merged | undefined {
    const session = this.links.to(peer);
    const state = this.links.stateOf(session, this.judgement);
    if (session?.name === undefined || state === undefined) return undefined;
    const about = { server: session.name, sid: peer, fusion: this.#names() };
    return { state: state === "tree" ? "merged" : "standby", ...about };
  }

  #settle(): void {
    if (this.#stopped) return;
    const view = this.#view;
    this.#own.rise(this.now(), () => this.#relinked());
    this.#judgeAll();
    if (this.#own.maySpread(this.now())) {
      for (const session of this.#sessions) session.spread(this.identity.sid);
    }
    for (const session of this.#sessions) session.pump();
    if (this.#view !== view) {
      this.pins.seeAll(this.#view.servers, this.#clock.now(), this.#parts.log);
      this.#redial.hurry(this.now());
      this.#host.changed();
    }
    this.#view = withRoundTrips(this.#view, this.identity.sid, this.links.rttTo);
    this.#reporter.viewed(this.#view);
    this.#merges.check();
    this.memory.save();
    this.#arm();
  }

  #judgeAll(): void {
    if (!this.#linksChanged && this.now() < this.#judging.dueAt) return;
    do {
      const links = this.links.byPort;
      if (this.#linksChanged) this.#database.put(this.#own.renew(links), this.now());
      this.#linksChanged = false;
      const { stayed, refused } = this.#judging.renew();
      for (const [sid, from] of stayed) {
        for (const session of this.#sessions) if (session !== from) session.spread(sid);
      }
      for (const sid of refused) this.#refused(sid);
      for (const { peer, birth, why } of this.#judging.undone()) {
        const session = this.links.to(peer);
        if (session?.birth === birth) session.end(why);
      }
      // An undone link has just ended: it is out of the announcement and the view in this step.
    } while (this.#linksChanged);
    this.#view = publishedView(this.judgement, this.#view, this.links.rttTo);
    this.#database.keepOnly(new Set(this.#view.servers.map(({ sid }) => sid)), this.now());
  }

  /** What a server has announced would have pushed others out. */
  #refused(sid: Sid): void {
    this.#parts.refused(sid);
    const text = "link: news that would push out those who were there before";
    this.links.to(sid)?.end(failure("BAD_FRAME", text));
  }

  #arm(): void {
    const parts = [this.#own, this.#database, this.#judging, this.#merges, this.memory];
    let due = Math.min(...parts.map(({ dueAt }) => dueAt));
    for (const session of this.#sessions) due = Math.min(due, session.dueAt);
    this.#alarm.set(due);
  }

  #tick(): void {
    if (this.#stopped) return;
    const now = this.now();
    for (const session of this.#sessions) session.tick(now);
    for (const { sid } of this.#database.release(now)) this.#judging.heard(sid, undefined);
    this.#merges.tick(now);
    this.#settle();
  }
}
