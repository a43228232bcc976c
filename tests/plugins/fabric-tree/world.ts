// A little world for many fabrics in one process: virtual time, connections with delay and bounds
// that can be cut, stalled or half-opened, and hosts with real keys. Deterministic for a seed.

import { drainMicrotasks } from "bun:jsc";
import * as crypto from "node:crypto";
import * as v from "valibot";
import { sidOf } from "../../../src/plugin.ts";
import type {
  Bytes,
  Clock,
  Deny,
  Fabric,
  FabricHost,
  FabricReport,
  Link,
  LinkHandlers,
  MergeOffer,
  MergeOutcome,
  Parts,
  ServerName,
  Sid,
  Traffic,
} from "../../../src/plugin.ts";
import fabricTree from "../../../plugins/fabric-tree.ts";
import { Connection, refusal } from "./wire.ts";

export type Options = Parameters<typeof fabricTree>[0];

interface Event {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
  cancelled: boolean;
}

export class World {
  now = 1_000;
  /** What the wall clocks show more than that; may jump. */
  wallMs = 1_700_000_000_000;
  readonly servers = new Map<string, Server>();
  readonly connections = new Set<Connection>();
  /** Frames that arrived, in all. */
  frames = 0;
  #events: Event[] = [];
  #order = 0;
  #state: number;

  constructor(readonly seed = 1) {
    this.#state = seed;
  }

  /** mulberry32. */
  chance(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  }

  pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.chance() * from.length)] as T;
  }

  after(ms: number, run: () => void): () => void {
    const event: Event = { at: this.now + ms, order: this.#order++, run, cancelled: false };
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.#events[middle]!;
      if (other.at < event.at || (other.at === event.at && other.order < event.order))
        low = middle + 1;
      else high = middle;
    }
    this.#events.splice(low, 0, event);
    return () => {
      event.cancelled = true;
    };
  }

  /** Events that have not come yet; timers that nobody has cancelled are among them. */
  get pending(): number {
    return this.#events.filter(({ cancelled }) => !cancelled).length;
  }

  /** Lets `ms` pass. */
  run(ms: number): void {
    const end = this.now + ms;
    drainMicrotasks();
    while (this.#events[0] !== undefined && this.#events[0].at <= end) {
      const event = this.#events.shift()!;
      if (event.cancelled) continue;
      this.now = event.at;
      event.run();
      drainMicrotasks();
    }
    this.now = end;
  }

  /** Lets a promise go its way; nobody waits for what it says, but it must not reject. */
  soon(promise: Promise<unknown>): void {
    promise.catch((error: unknown) => {
      throw error;
    });
  }

  /** Runs until the promise is settled, at most `ms`. */
  await<T>(promise: Promise<T>, ms = 30_000): T {
    const settled: T[] = [];
    promise.then(
      (value) => void settled.push(value),
      (error: unknown) => {
        throw error;
      },
    );
    for (let passed = 0; passed <= ms && settled.length === 0; passed += 10) this.run(10);
    if (settled.length === 0) throw new Error(`not settled within ${ms} ms of the world's time`);
    return settled[0] as T; // there is one
  }

  add(name: string, options?: Options): Server {
    return this.addAt(name, name, options);
  }

  /** A server whose address is not its name: a namesake of another one, say. */
  addAt(host: string, name: string, options?: Options): Server {
    const server = new Server(this, host, name as ServerName, options);
    this.servers.set(host, server);
    server.start();
    return server;
  }

  /** Merges and asserts that it went well. */
  merge(from: Server, to: Server): MergeOutcome {
    return this.await(from.fabric.merge(to.address, { dryRun: false }));
  }

  /** Opens a connection from outside of the world's servers, and returns its link. */
  open(to: Server, hello: Bytes, handlers: LinkHandlers): Link {
    return this.connect(undefined, to, () => handlers, hello).dialler;
  }

  /** A dial that has reached its address. */
  connect(
    from: Server | undefined,
    to: Server,
    opened: (link: Link) => LinkHandlers,
    hello: Bytes,
  ): Connection {
    const connection = new Connection(this, from, to);
    this.connections.add(connection);
    connection.begin(opened, hello);
    return connection;
  }

  /** The open connections between two servers. */
  between(a: Server, b: Server): Connection[] {
    return [...this.connections].filter(
      ({ dialler, accepter }) =>
        (dialler.server === a && accepter.server === b) ||
        (dialler.server === b && accepter.server === a),
    );
  }
}

export class Server {
  readonly key: Bytes;
  readonly #privateKey: crypto.KeyObject;
  readonly sid: Sid;
  readonly stored = new Map<string, Bytes>();
  readonly delivered: {
    readonly origin: Sid;
    readonly via: Sid;
    readonly traffic: Traffic;
    readonly text: string;
  }[] = [];
  readonly reports: FabricReport[] = [];
  readonly logged: string[] = [];
  readonly counted = new Map<string, number>();
  readonly offers: MergeOffer[] = [];
  consent: (offer: MergeOffer) => Deny | undefined | Promise<Deny | undefined> = () => undefined;
  changes = 0;
  epoch = 0;
  running = false;
  parts!: Parts;
  host!: FabricHost;
  card: Bytes;

  constructor(
    readonly world: World,
    readonly hostName: string,
    readonly name: ServerName,
    readonly options: Options,
  ) {
    const seed = Uint8Array.from({ length: 32 }, () => world.chance() * 256);
    const keys = keyPair(seed);
    this.#privateKey = keys.privateKey;
    this.key = keys.key;
    this.sid = sidOf(sha256(this.key).subarray(0, 16));
    this.card = new TextEncoder().encode(`card of ${name}`);
  }

  get address(): string {
    return `${this.hostName}:1`;
  }

  get fabric(): Fabric {
    return this.parts.fabric!;
  }

  /** Names of all in the view. */
  get sees(): string {
    return this.fabric.view.servers
      .map(({ name }) => name as string)
      .toSorted()
      .join(" ");
  }

  get said(): string[] {
    return this.delivered.map(({ text }) => text);
  }

  /** `within`: called in an event of the world, which cannot wait for another. */
  start(within = false): void {
    const { world } = this;
    this.epoch++;
    this.running = true;
    const life = this.epoch;
    const alive = (run: () => void) => () => {
      if (this.running && this.epoch === life) run();
    };
    const clock: Clock = {
      now: () => world.wallMs + world.now,
      monotonic: () => world.now,
      after: (ms, run) => world.after(ms, alive(run)),
      soon: (run) => void world.after(0, alive(run)),
    };
    this.host = this.#host();
    const plugin = fabricTree(this.options);
    const note = (event: string) => void this.logged.push(event);
    this.parts = plugin.setup({
      self: this.name,
      options: v.parse(plugin.schema!, plugin.options),
      log: { debug: note, info: note, warn: note, error: note },
      clock,
      random: {
        bytes: (count: number) => Uint8Array.from({ length: count }, () => world.chance() * 256),
        next: () => world.chance(),
      },
      store: {
        read: async (key: string) => this.stored.get(key),
        write: async (key: string, bytes: Bytes) => void this.stored.set(key, bytes.slice()),
      },
      folder: () => undefined,
      metrics: {
        counter:
          (name: string) =>
          (n = 1) =>
            void this.counted.set(name, (this.counted.get(name) ?? 0) + n),
        gauge: () => {},
      },
      signal: new AbortController().signal,
      notice: () => {},
      host: this.host,
    });
    const started = Promise.resolve(this.parts.start?.());
    if (within) return void started;
    world.await(started);
  }

  /** The process is killed: no word to anybody, and what was not stored is gone. */
  kill(): void {
    this.running = false;
    for (const connection of this.world.connections) connection.died(this);
  }

  restart(): void {
    if (this.running) this.kill();
    this.start();
  }

  #host(): FabricHost {
    return {
      identity: {
        sid: this.sid,
        name: this.name,
        epoch: this.epoch,
        key: this.key,
        card: this.card,
        sign: (bytes) => new Uint8Array(crypto.sign(null, bytes, this.#privateKey)),
        verify,
        sidOf: (key) => sidOf(sha256(key).subarray(0, 16)),
        sha256,
      },
      dial: (address, hello, opened) => this.#dial(address, hello, opened),
      consent: (offer) => {
        this.offers.push(offer);
        return this.consent(offer);
      },
      deliver: (origin, via, traffic, bytes) => {
        const text = new TextDecoder().decode(bytes);
        this.delivered.push({ origin, via, traffic, text });
      },
      changed: () => void this.changes++,
      report: (report) => void this.reports.push(report),
      summary: () => new TextEncoder().encode(`summary of ${this.name}`),
      isOnline: (nick) => nick === "alice",
    };
  }

  async #dial(address: string, hello: Bytes, opened: (link: Link) => LinkHandlers): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const copy = hello.slice();
    this.world.after(1 + this.world.chance(), () => {
      const peer = this.world.servers.get(address.slice(0, address.lastIndexOf(":")));
      if (peer?.running !== true) {
        return reject(refusal("CANNOT_CONNECT", `${address}: nobody listens`));
      }
      this.world.connect(this, peer, opened, copy);
      resolve();
    });
    return promise;
  }
}

/** The code of a refusal, or the state of an answer. */
export const outcomeOf = (outcome: MergeOutcome): string =>
  "code" in outcome ? outcome.code : outcome.state;

export function sha256(bytes: Bytes): Bytes {
  return new Uint8Array(crypto.createHash("sha256").update(bytes).digest());
}

/** The Ed25519 keys of a seed of 32 bytes. */
export function keyPair(seed: Bytes): {
  readonly key: Bytes;
  readonly privateKey: crypto.KeyObject;
} {
  const der = Buffer.concat([pkcs8, seed]);
  const privateKey = crypto.createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  const jwk = crypto.createPublicKey(privateKey).export({ format: "jwk" });
  return { key: new Uint8Array(Buffer.from(jwk.x!, "base64url")), privateKey };
}

export function verify(key: Bytes, bytes: Bytes, signature: Bytes): boolean {
  return crypto.verify(null, bytes, publicKey(key), signature);
}

/** Each server publishes to its whole view; each other one must get it exactly once. */
export function everyoneHearsEveryone(world: World): void {
  const servers = [...world.servers.values()].filter(({ running }) => running);
  world.run(1000);
  for (const server of servers) server.delivered.length = 0;
  for (const { fabric, sid } of servers) {
    const all = fabric.view.servers.map((one) => one.sid);
    fabric.publish(all, "room", new TextEncoder().encode(sid));
  }
  world.run(500);
  for (const { name, fabric, sid, said } of servers) {
    const others = fabric.view.servers.map((one) => one.sid).filter((one) => one !== sid);
    if (said.toSorted().join() === others.map(String).toSorted().join()) continue;
    throw new Error(`${name} heard ${said.length} of ${others.length}`);
  }
}

// --- internal ---

const pkcs8 = Buffer.from("302e020100300506032b657004220420", "hex");
const spki = Buffer.from("302a300506032b6570032100", "hex");
const known = new Map<string, crypto.KeyObject>();

function publicKey(key: Bytes): crypto.KeyObject {
  const hex = key.toHex();
  let found = known.get(hex);
  if (found === undefined) {
    found = crypto.createPublicKey({
      key: Buffer.concat([spki, key]),
      format: "der",
      type: "spki",
    });
    known.set(hex, found);
  }
  return found;
}
