// The simulated network: hosts by name, ways between them, and what can happen to those. Its wires
// are the real ones (net/wire.ts, net/outbox.ts); only what is below them is made up.

import { createHash } from "node:crypto";
import type { Bytes, Clock, DialOptions, ListenOptions, Listener } from "../environment.ts";
import type { Log, Net, Wire, WireHandlers } from "../environment.ts";
import { ChatFusionError, type ErrorCode } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { SinkWire } from "../net/wire.ts";
import { LinkEnd, type LinkParts, type Path } from "./link.ts";

/** A line without faults. */
export const CALM: Path = {
  latencyMs: 1,
  jitterMs: 1,
  bytesPerSecond: 100_000_000,
  bufferBytes: 256 * 1024,
  splitChance: 0.05,
  silent: false,
};

/** One life of a host: what it makes ends with it. */
export interface Host {
  readonly name: string;
  readonly clock: Clock;
  readonly log: Log;
  alive(): boolean;
}

interface Door {
  readonly host: Host;
  readonly at: ListenOptions;
  readonly accept: (wire: Wire) => WireHandlers;
}

/** `ends[0]` is the host's that dialled, `hosts[0]`. */
interface Connection {
  readonly hosts: readonly [Host, Host];
  readonly ends: readonly [LinkEnd, LinkEnd];
}

/** How a way is cut: "reset" is told to both ends, "silent" to none. */
export type CutKind = "reset" | "silent";

export class SimNetwork {
  readonly #parts: LinkParts;
  readonly #doors = new Map<string, Door>();
  readonly #paths = new Map<string, Partial<Path>>();
  readonly #cuts = new Map<string, CutKind>();
  readonly #connections = new Set<Connection>();
  readonly #names = new Set<string>();
  readonly #prints = new Map<string, Bytes>();
  #path = CALM;
  #portNext = 40_000;

  constructor(parts: LinkParts) {
    this.#parts = parts;
  }

  /** Makes the net of one life of a host. */
  netOf(host: Host): Net {
    this.#names.add(host.name);
    return {
      listen: async (at, accept) => this.#listen(host, at, accept),
      dial: (at, opened) => this.#dial(host, at, opened),
      adopt(sink, secure, handlers) {
        const { clock, log } = host;
        const wire = new SinkWire({ sink, clock, log, secure, fingerprint: undefined });
        wire.attach(handlers);
        return wire;
      },
    };
  }

  /** Changes the ways between two hosts, both directions; without hosts, of all. */
  shape(change: Partial<Path>, a?: string, b?: string): void {
    if (a === undefined || b === undefined) {
      this.#path = { ...this.#path, ...change };
      return;
    }
    for (const key of [wayOf(a, b), wayOf(b, a)]) {
      this.#paths.set(key, { ...this.#paths.get(key), ...change });
    }
  }

  /** Parts two hosts until `heal`: nothing passes and nobody can be dialled. */
  cut(a: string, b: string, kind: CutKind): void {
    this.#cuts.set(wayOf(a, b), kind);
    this.#cuts.set(wayOf(b, a), kind);
    if (kind === "silent") return;
    for (const { ends } of this.#between(a, b)) {
      for (const end of ends) {
        end.loseAll();
        end.reset("reset by the peer");
      }
    }
  }

  /** Undoes `cut`; what waited in silence arrives. */
  heal(a: string, b: string): void {
    this.#cuts.delete(wayOf(a, b));
    this.#cuts.delete(wayOf(b, a));
    for (const { ends } of this.#between(a, b)) for (const end of ends) end.release();
  }

  healAll(): void {
    this.#cuts.clear();
    for (const { ends } of this.#connections) for (const end of ends) end.release();
  }

  /** Breaks the connections of two hosts; only `told` learns of it, the other's are half-open. */
  loseConnections(told: string, untold: string): void {
    for (const connection of this.#between(told, untold)) {
      for (const end of connection.ends) end.loseAll();
      connection.ends[connection.hosts[0].name === told ? 0 : 1].reset("reset by the peer");
    }
  }

  /** A host's life ends. Its peers are told as by a system that goes on, or not at all. */
  crash(name: string, peersAreTold: boolean): void {
    for (const [where, door] of this.#doors) if (door.host.name === name) this.#doors.delete(where);
    for (const { hosts, ends } of this.#connections) {
      if (hosts[0].name !== name && hosts[1].name !== name) continue;
      for (const index of [0, 1] as const) {
        ends[index].loseAll();
        if (hosts[index].name === name) ends[index].vanishSilently();
        else if (peersAreTold) ends[index].reset("reset by the peer");
      }
    }
  }

  /** The hosts of each connection that is open at both ends, the one that dialled first. */
  get pairs(): (readonly [string, string])[] {
    this.#forgetClosed();
    const whole = [...this.#connections].filter(({ hosts, ends }) =>
      hosts.every((host, at) => host.alive() && ends[at === 0 ? 0 : 1].open),
    );
    return whole.map(({ hosts }) => [hosts[0].name, hosts[1].name]);
  }

  /** How many connections are open at one end or both. */
  get open(): number {
    this.#forgetClosed();
    return this.#connections.size;
  }

  // --- internal ---

  #listen(host: Host, at: ListenOptions, accept: Door["accept"]): Listener {
    let { port } = at;
    if (port === 0) {
      port = this.#portNext;
      this.#portNext += 1;
    }
    const where = `${host.name}:${port}`;
    if (this.#doors.has(where)) {
      const text = `${at.host}:${port}: another program listens there already`;
      throw new ChatFusionError("CANNOT_LISTEN", text);
    }
    const door: Door = { host, at, accept };
    this.#doors.set(where, door);
    return {
      host: at.host,
      port,
      close: () => {
        if (this.#doors.get(where) === door) this.#doors.delete(where);
      },
    };
  }

  #dial(from: Host, at: DialOptions, opened: Door["accept"]): Promise<void> {
    this.#forgetClosed();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const local = at.host === "localhost" || at.host.startsWith("127.") || at.host === from.name;
    const to = local ? from.name : at.host;
    const fail = (text: string, code: ErrorCode = "CANNOT_CONNECT"): void => {
      if (from.alive()) reject(new ChatFusionError(code, `${at.host}:${at.port}: ${text}`));
    };
    const { agenda } = this.#parts;
    const { latencyMs, silent } = this.#pathOf(from.name, to);
    if (silent || this.#pathOf(to, from.name).silent) {
      const seconds = Math.round(LIMITS.dialMsMax / 1000);
      agenda.after(LIMITS.dialMsMax, "dial", () => fail(`timed out after ${seconds} s`));
      return promise;
    }
    agenda.after(latencyMs, "dial", () => {
      if (!from.alive()) return;
      const door = this.#doors.get(`${to}:${at.port}`);
      const refusal = this.#refusal(door, { to, cut: this.#cuts.get(wayOf(from.name, to)) });
      if (door === undefined || refusal !== undefined) {
        agenda.after(latencyMs, "dial", () => fail(refusal ?? "nobody listens there"));
      } else if (at.tls && door.at.tls === undefined) {
        agenda.after(latencyMs, "dial", () => fail("no TLS there"));
      } else {
        this.#connect({ from, door, at, local, opened, resolve, fail });
      }
    });
    return promise;
  }

  #refusal(
    door: Door | undefined,
    at: { to: string; cut: CutKind | undefined },
  ): string | undefined {
    if (at.cut !== undefined) return "no way to that host (unreachable)";
    if (door !== undefined) return undefined;
    if (!this.#names.has(at.to)) return "no such host (the name was not found)";
    return "nobody listens there (connection refused)";
  }

  #connect(call: Call): void {
    const { from, door, at, local, opened, resolve, fail } = call;
    const print = at.tls && door.at.tls ? this.#fingerprint(door.at.tls.certificate) : undefined;
    if (print !== undefined && at.trust !== undefined && !at.trust(print)) {
      return fail("its certificate is not the one expected", "CERTIFICATE_CHANGED");
    }
    const { agenda } = this.#parts;
    const names = [from.name, door.host.name] as const;
    const address = local ? "127.0.0.1" : from.name;
    const near = this.#makeEnd(`${at.host}:${at.port}`, names[0], names[1]);
    const far = this.#makeEnd(`${address}:${this.#portNext}`, names[1], names[0]);
    this.#portNext += 1;
    near.peer = far;
    far.peer = near;
    this.#connections.add({ hosts: [from, door.host], ends: [near, far] });
    const secure = local || at.tls;
    const refused = door.at.tls !== undefined && !secure;
    start(door.host, far, { secure, print }, refused ? refusing(door.at) : door.accept);
    const { latencyMs } = this.#pathOf(names[1], names[0]);
    agenda.after(latencyMs, "dial", () => {
      if (!from.alive()) return near.vanishSilently();
      if (!near.open) return fail("it closed the connection at once");
      start(from, near, { secure, print }, opened);
      resolve();
    });
  }

  #makeEnd(remote: string, from: string, to: string): LinkEnd {
    return new LinkEnd(this.#parts, remote, () => this.#pathOf(from, to));
  }

  #pathOf(from: string, to: string): Path {
    const way = wayOf(from, to);
    const own = this.#paths.get(way);
    const silent = this.#cuts.get(way) === "silent";
    if (own === undefined && !silent) return this.#path;
    return { ...this.#path, ...own, ...(silent && { silent }) };
  }

  *#between(a: string, b: string): Iterable<Connection> {
    this.#forgetClosed();
    for (const connection of this.#connections) {
      const [from, to] = connection.hosts;
      if (from.name === a ? to.name === b : from.name === b && to.name === a) yield connection;
    }
  }

  #forgetClosed(): void {
    for (const connection of this.#connections) {
      const [near, far] = connection.ends;
      if (!near.open && !far.open) this.#connections.delete(connection);
    }
  }

  #fingerprint(certificate: string): Bytes {
    let known = this.#prints.get(certificate);
    if (known === undefined) {
      known = new Uint8Array(createHash("sha256").update(certificate).digest());
      this.#prints.set(certificate, known);
    }
    return known;
  }
}

interface Call {
  readonly from: Host;
  readonly door: Door;
  readonly at: DialOptions;
  readonly local: boolean;
  readonly opened: Door["accept"];
  readonly resolve: () => void;
  readonly fail: (text: string, code?: ErrorCode) => void;
}

const wayOf = (from: string, to: string): string => `${from} to ${to}`;

function start(
  host: Host,
  sink: LinkEnd,
  { secure, print }: { secure: boolean; print: Bytes | undefined },
  attach: Door["accept"],
): void {
  const { clock, log } = host;
  const wire = new SinkWire({ sink, clock, log, secure, fingerprint: print });
  sink.wire = wire;
  wire.attach(attach(wire));
  sink.release();
}

/** What a door does with one who talks plainly where only TLS is spoken. */
const refusing =
  ({ plainRefused }: ListenOptions): Door["accept"] =>
  (wire) => ({
    data() {
      if (plainRefused !== undefined) wire.send("control", plainRefused());
      wire.close("refused at the door");
    },
    closed() {},
  });
