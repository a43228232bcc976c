// One server in a simulated world, and clients that speak its wire by hand: every frame is put
// there as it is, and all that comes back is seen. Time is virtual: `send` lets happen what follows
// from it, and returns.

import { allow, definePlugin, deny } from "chatfusion";
import type { Plugin } from "chatfusion";
import authGuest from "../../plugins/auth-guest.ts";
import fabricTree from "../../plugins/fabric-tree.ts";
import { createServer, type Server } from "../../src/core/server.ts";
import type { Bytes, Environment, Wire } from "../../src/environment.ts";
import { LIMITS } from "../../src/limits.ts";
import { parseServerName } from "../../src/names.ts";
import {
  decodeJson,
  encodeFrame,
  FRAME,
  type FrameName,
  frameName,
  FrameReader,
} from "../../src/protocol/frame.ts";
import type { MessageEntry } from "../../src/protocol/messages.ts";
import { createWorld, type World } from "../../src/testing.ts";

export interface Heard {
  readonly name: string;
  /** The JSON; {} for a chunk, a ping and a pong. */
  readonly says: Readonly<Record<string, unknown>>;
  readonly payload: Bytes;
}

const utf8 = new TextEncoder();
const HELLO = { version: { major: 1, minor: 0 }, agent: "raw 1.0" };

/** `anna` has a password, "secret"; `slow` is not answered until `release`. */
function testAuth(): { readonly plugin: Plugin; release(): void } {
  const waiting: (() => void)[] = [];
  const plugin = definePlugin({
    name: "auth-test",
    provides: ["auth"],
    setup: () => ({
      onAuth({ nick, credential }) {
        if (nick === "slow")
          return new Promise<undefined>((resolve) => waiting.push(() => resolve(undefined)));
        if (nick !== "anna") return undefined;
        if (credential.kind !== "password") return deny("it has a password", "NICK_REGISTERED");
        if (credential.password !== "secret") return deny("not that one", "AUTH_FAILED");
        return allow("anna", ["admin"]);
      },
    }),
  });
  return { plugin: plugin(), release: () => waiting.splice(0).forEach((go) => go()) };
}

export interface Site {
  readonly world: World;
  readonly server: Server;
  /** Answers those logins that wait. */
  release(): void;
  /** A connection that has said nothing; over TLS, and from a machine of its own, by default. */
  connect(how?: { readonly tls?: boolean; readonly host?: string }): RawClient;
  /** A connection that has said hello. */
  greeted(host?: string): RawClient;
  /** A guest, or anna, who is in; what came until then is forgotten. */
  enter(nick: string): RawClient;
}

/** Starts a server, by default without a history. */
export function startSite(seed: string, ...plugins: readonly Plugin[]): Site {
  const world = createWorld({ seed });
  const auth = testAuth();
  const starting = createServer({
    name: parseServerName("paris"),
    listen: { host: "0.0.0.0", port: 0 },
    plugins: [auth.plugin, authGuest(), fabricTree(), ...plugins],
    environment: world.environment("paris"),
    tls: { key: "a key", certificate: "a certificate" },
    report: () => {},
  });
  const server = world.until(starting);
  const { port } = world.until(server.start());
  let clients = 0;
  const machines = new Map<string, Pick<Environment, "net">>();
  const site: Site = {
    world,
    server,
    release() {
      auth.release();
      world.settle();
    },
    connect({ tls = true, host = `pc${++clients}` } = {}) {
      // Asked for twice, it would be another life of the machine, without its connections.
      const { net } = machines.get(host) ?? world.environment(host);
      machines.set(host, { net });
      const client = new RawClient(world, host, net);
      world.until(client.dial(port, tls));
      return client;
    },
    greeted(host) {
      const client = site.connect(host === undefined ? {} : { host });
      client.send("hello", HELLO);
      client.take("hello");
      return client;
    },
    enter(nick) {
      const client = site.greeted();
      client.login(nick === "anna" ? { nick, password: "secret" } : { nick });
      client.forget();
      return client;
    },
  };
  return site;
}

/** A history whose commits settle when the test says so. */
export function slowHistory() {
  const commits: (() => void)[] = [];
  const messages: MessageEntry[] = [];
  const plugin = definePlugin({
    name: "history-test",
    provides: ["history"],
    setup: () => ({
      history: {
        streams: () => [],
        append: (batches) =>
          new Promise<void>((done) =>
            commits.push(() => {
              messages.push(...batches.flatMap((batch) => batch.messages));
              done();
            }),
          ),
        range: () => [],
        backlog: () => messages,
        onward: () => [],
        since: () => undefined,
        search: () => ({ messages: [] }),
        redact() {},
      },
    }),
  });
  return { commits, history: plugin() };
}

export class RawClient {
  /** Its machine's name in the world. */
  readonly host: string;
  /** What has come and was not taken yet, in order. */
  heard: Heard[] = [];
  /** Why the connection has ended; undefined while it is open. */
  closed: string | undefined;
  /** What a client counts for a resume, by the rule of docs/protocol.md. */
  received = 0;
  readonly #world: World;
  readonly #net: Environment["net"];
  readonly #reader = new FrameReader(LIMITS.serverFrameBytesMax);
  #wire: Wire | undefined;

  constructor(world: World, host: string, net: Environment["net"]) {
    this.#world = world;
    this.host = host;
    this.#net = net;
  }

  dial(port: number, tls: boolean): Promise<void> {
    return this.#net.dial({ host: "paris", port, tls }, (wire) => {
      this.#wire = wire;
      return {
        data: (chunk) =>
          void this.#reader.push(chunk, (type, payload) => this.#hear(type, payload.slice())),
        closed: (reason) => void (this.closed = reason),
      };
    });
  }

  /** Sends one frame of JSON, and lets happen what follows. */
  send(name: FrameName, says: unknown): void {
    this.push(encodeFrame(FRAME[name], utf8.encode(JSON.stringify(says))));
  }

  /** Sends a request and returns its answer, which it takes. */
  ask(name: FrameName, says: object, ref = 77): Heard {
    this.send(name, { ref, ...says });
    const at = this.heard.findIndex((one) => one.says["ref"] === ref);
    if (at === -1) throw new Error(`${name}: no answer among ${this.names().join(" ")}`);
    return this.heard.splice(at, 1)[0]!;
  }

  /** Logs in and returns the welcome, or the refusal. */
  login(says: object): Heard {
    this.send("login", says);
    return this.take("welcome", "error");
  }

  /** Sends bytes as they are, in one piece, and lets happen what follows. */
  push(bytes: Bytes): void {
    this.begin(bytes);
    this.#world.settle();
  }

  /** Sends bytes, and lets nothing happen yet. */
  begin(bytes: Bytes): void {
    this.#wire?.send("room", bytes);
    this.#wire?.flush();
  }

  /** Takes the first frame of these types that has come; throws when there is none. */
  take(...names: readonly FrameName[]): Heard {
    const at = this.heard.findIndex((one) => names.includes(one.name as FrameName));
    if (at === -1) throw new Error(`no ${names.join(", ")} among: ${this.names().join(" ")}`);
    return this.heard.splice(at, 1)[0]!;
  }

  /** The names of what has come and was not taken. */
  names(): string[] {
    return this.heard.map(({ name }) => name);
  }

  /** What has come of a type, as JSON, and forgets all of it. */
  forget(name?: FrameName): Heard["says"][] {
    const found = this.heard.filter((one) => one.name === name).map(({ says }) => says);
    this.heard = [];
    return found;
  }

  /** Ends the connection without a word, as a broken network does. */
  hangUp(): void {
    this.#wire?.close("hung up");
    this.#world.settle();
  }

  // --- internal ---------------------------------------------------------------------------------

  #hear(type: number, payload: Bytes): void {
    const name = frameName(type);
    const binary = type === FRAME.chunk || type === FRAME.ping || type === FRAME.pong;
    const says = binary ? {} : (decodeJson(payload) as Heard["says"]);
    const ofConnection = binary || name === "hello" || name === "welcome" || name === "bye";
    if (!ofConnection && (name !== "error" || says["ref"] !== undefined))
      this.received += payload.length + 5;
    this.heard.push({ name, says, payload });
  }
}
