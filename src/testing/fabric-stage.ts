// What a case of the fabric's suite plays on: servers with the fabric under test in one simulated
// world, and the questions that many cases ask. Next: fabric-suite.ts, fabric-server.ts.

import { expect } from "bun:test";
import type { Millis } from "../environment.ts";
import { isFailure } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { MergeOutcome, Traffic } from "../plugin/fabric.ts";
import { TRAFFIC } from "../plugin.ts";
import type { FabricSubject } from "./fabric-suite.ts";
import { type Delivery, FabricServer } from "./fabric-server.ts";
import { createWorld, type World } from "./world.ts";

/** What follows from something everybody is told of has followed by then. */
export const SOON_MS = 1000;
/** A connection on which nothing is heard is taken for lost by then. */
export const SILENCE_MS = (LIMITS.heartbeatMissedMax + 1) * LIMITS.heartbeatMs;
/** All that was lost is back by then. */
export const BACK_MS = 2 * LIMITS.redialMsMax;
/** The longest that a merge takes: dial, handshake, and a hook of each side. */
export const MERGE_MS = LIMITS.dialMsMax + LIMITS.linkHandshakeMsMax + 2 * LIMITS.hookMsMax;

export class FabricStage {
  readonly seed: number;
  readonly world: World;
  readonly servers: FabricServer[] = [];
  /** Rules that were broken. */
  readonly broken: string[] = [];
  readonly #subject: FabricSubject;
  #said = 0;

  constructor(subject: FabricSubject, seed: number) {
    this.#subject = subject;
    this.seed = seed;
    this.world = createWorld({ seed });
  }

  /** The same stage once more, from its beginning. */
  again(): FabricStage {
    return new FabricStage(this.#subject, this.seed);
  }

  /** A new server, on a host of its name, or on another one. */
  add(name: string, host = name, protocol?: string): FabricServer {
    const { world } = this;
    const server = new FabricServer({
      world,
      host,
      name,
      make: () => this.#subject.make({ server: name, world }),
      broke: (what) => void this.broken.push(what),
      ...(protocol === undefined ? {} : { protocol }),
    });
    this.servers.push(server);
    server.start();
    return server;
  }

  /** New servers, each with one letter for a name. */
  addAll(letters: string): Some {
    // Whoever asks for fewer than four takes no more of them.
    return letters.split("").map((letter) => this.add(letter)) as unknown as Some;
  }

  /** Likewise, each merged with the next one. */
  line(letters: string): Some {
    const servers = this.addAll(letters);
    this.mergeAll(servers);
    return servers;
  }

  /** Merges each of them with the next one, and lets it settle. */
  mergeAll(servers: readonly FabricServer[]): void {
    servers.slice(1).forEach((server, at) => this.merge(servers[at] ?? server, server));
    this.run(SOON_MS);
  }

  /** Merges two servers, and expects that it goes well. */
  merge(from: FabricServer, to: FabricServer): void {
    const outcome = this.world.until(from.merge(to), MERGE_MS);
    expect(outcomeOf(outcome), `${from.host} merges ${to.host}`).toMatch(/^(merged|standby)$/);
  }

  run(ms: Millis): void {
    this.world.run(ms);
  }

  /** Breaks what is open between two servers; both are told, and may dial at once. */
  reset(a: FabricServer, b: FabricServer): void {
    this.world.cut(a.host, b.host);
    this.world.heal(a.host, b.host);
  }

  /** Expects what each of the servers sees at some time, which the failure names. */
  sees(when: string, ...expected: readonly (readonly [FabricServer, string])[]): void {
    const seen = expected.map(([{ host, sees }]) => `${host} sees ${sees}`);
    expect(seen, when).toEqual(expected.map(([{ host }, names]) => `${host} sees ${names}`));
  }

  /** Likewise, where all see the same. */
  allSee(when: string, names: string): void {
    this.sees(when, ...this.servers.map((server) => [server, names] as const));
  }

  /** After a while all see these, and all hear each other. */
  allMeet(when: string, names: string, ms: Millis): void {
    this.run(ms);
    this.allSee(when, names);
    this.exchange();
  }

  /** A merge is refused, within a bounded time. */
  refuses(from: FabricServer, to: FabricServer | string): void {
    const outcome = this.world.until(from.merge(to), MERGE_MS);
    expect(isFailure(outcome), JSON.stringify(outcome)).toBe(true);
  }

  /** After merges that were refused nothing is open, and nothing is tried again. */
  stayAlone(...servers: readonly FabricServer[]): void {
    this.run(LIMITS.lingerMsMax * 2);
    expect(this.world.connections, "connections that are left").toBe(0);
    this.run(BACK_MS);
    this.sees("later", ...servers.map((server) => [server, String(server.name)] as const));
  }

  /**
   * Everybody who runs publishes to all others of its view, in each class: each must hear each
   * once, as of its origin and its class, and nothing else.
   */
  exchange(): void {
    const servers = this.servers.filter(({ running }) => running);
    const expected = new Map(servers.map(({ sid }): [string, string[]] => [sid, []]));
    for (const server of servers) server.delivered = [];
    for (const server of servers) {
      const others = server.view.servers.filter(({ hops }) => hops > 0);
      for (const traffic of TRAFFIC) {
        const text = `${traffic} ${(this.#said += 1)}`;
        if (others.length === 0) continue;
        const to = others.map(({ sid }) => sid);
        expect(server.publish(to, traffic, text), `${server.host} publishes ${text}`).toBe("sent");
        const told = lineOf(server, traffic, text);
        for (const sid of to) expected.get(sid)?.push(told);
      }
    }
    this.run(SOON_MS);
    const heard = servers.map((server) => [server.host, this.linesOf(server.delivered).toSorted()]);
    expect(Object.fromEntries(heard), "what each of them heard").toEqual(
      Object.fromEntries(servers.map(({ host, sid }) => [host, expected.get(sid)?.toSorted()])),
    );
  }

  /** Of servers that are at rest: whoever is seen sees the same, and all hear all. */
  agrees(): void {
    const servers = this.servers.filter(({ running }) => running);
    const bySid = new Map<string, FabricServer>(servers.map((one) => [one.sid, one]));
    const setOf = (server: FabricServer) =>
      server.view.servers.map(({ sid }) => bySid.get(sid)?.host ?? `a dead ${sid}`).toSorted();
    for (const server of servers) {
      for (const { sid } of server.view.servers) {
        const other = bySid.get(sid);
        expect(other && setOf(other), `what ${server.host} and who it sees see`).toEqual(
          setOf(server),
        );
      }
    }
    this.exchange();
  }

  /** What was delivered, as lines: "from a as room: 17". */
  linesOf(deliveries: readonly Delivery[]): string[] {
    return deliveries.map(({ origin, traffic, bytes }) => {
      const from = this.servers.find((one) => one.sid === origin)?.host ?? `unknown ${origin}`;
      return `from ${from} as ${traffic}: ${new TextDecoder().decode(bytes)}`;
    });
  }

  /** Throws if a rule was broken that holds at any time. */
  end(): void {
    for (const server of this.servers) server.rests();
    for (const { server, level, event, fields } of this.world.logged)
      if (level === "error" && THROWN.has(event))
        this.broken.push(`${server}: it threw at a link's event: ${String(fields["error"])}`);
    if (this.broken.length > 0) throw new Error([...new Set(this.broken)].join("\n"));
  }
}

type Some = readonly [
  FabricServer,
  FabricServer,
  FabricServer,
  FabricServer,
  ...(readonly FabricServer[]),
];

/** The code of a refusal, or the state of an answer. */
export const outcomeOf = (outcome: MergeOutcome): string =>
  isFailure(outcome) ? outcome.code : outcome.state;

/** The names of the fusion in an answer, in their order; of a refusal none. */
export const fusionOf = (outcome: MergeOutcome): string =>
  isFailure(outcome) ? "" : outcome.fusion.map(String).toSorted().join(" ");

export const bothWays = (a: FabricServer, b: FabricServer) =>
  [
    [a, b],
    [b, a],
  ] as const;

// --- internal ---

/** What the core logs when a handler of a link throws. */
const THROWN = new Set(["wire handler failed", "connection failed"]);

const lineOf = ({ host }: FabricServer, traffic: Traffic, text: string): string =>
  `from ${host} as ${traffic}: ${text}`;
