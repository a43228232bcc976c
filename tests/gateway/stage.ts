// One server with the line gateway, and people with both kinds of client: on real sockets, or in a
// simulated world. What runs on a stage runs on both.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import authGuest from "../../plugins/auth-guest.ts";
import { type Client, type ClientEvent, connect } from "../../src/client.ts";
import { createServer, type Server } from "../../src/core/server.ts";
import type { Clock, Environment, Log, LogFields, Net, Wire } from "../../src/environment.ts";
import { parseServerName } from "../../src/names.ts";
import { definePlugin, failure, type Hooks, type Plugin } from "../../src/plugin.ts";
import { createEnvironment } from "../../src/serve/environment.ts";
import { createWorld, type World } from "../../src/testing.ts";
import { gatewayLine } from "./line.ts";

/** A fabric of one: enough for everything that stays on a server. */
const fabricAlone = definePlugin({
  name: "fabric-alone",
  provides: ["fabric"],
  setup({ host }) {
    const refused = async () => failure("NOT_LINKED", "this fabric joins nobody");
    return {
      fabric: {
        protocol: "alone/1",
        accept: () => ({ frame() {}, idle() {}, closed() {} }),
        merge: refused,
        unmerge: refused,
        publish: () => "unreachable",
        keep() {},
        get view() {
          const { sid, name, key, card } = host.identity;
          const servers = [{ sid, name, key, card, hops: 0 }];
          return { version: 1, servers, neighbours: [], links: [] };
        },
      },
    };
  },
});

/** A plugin of hooks alone. */
export const hooksOf = (name: string, hooks: Partial<Hooks>): Plugin =>
  definePlugin({ name, setup: () => hooks })();

export interface LoggedLine {
  readonly event: string;
  readonly fields: LogFields;
}

export interface Stage extends AsyncDisposable {
  readonly server: Server;
  readonly port: number;
  /** What the server logged as an error. */
  readonly errors: readonly LoggedLine[];
  /** Only in a simulated world. */
  readonly world: World | undefined;
  /** Waits; in a simulated world its time passes meanwhile. */
  done<T>(promise: Promise<T>): Promise<T>;
  /** Comes in by the gateway. */
  line(nick: string, password?: string): Promise<LineClient>;
  /** Comes to the gateway's door, and says nothing. */
  stranger(): Promise<LineClient>;
  /** Comes in by the native door. */
  native(nick: string): Promise<Native>;
  /** How many events were encoded, by format. */
  encoded(): { readonly plain: number; readonly timed: number };
}

interface Place {
  readonly environment: Environment;
  /** Of the people. */
  readonly net: Net;
  readonly clock: Clock;
  readonly host: string;
  readonly name: string;
  readonly world: World | undefined;
  readonly errors: readonly LoggedLine[];
  readonly dataDir: string | undefined;
  remove(): Promise<void>;
}

/** A server on this machine's sockets, with its data in a temporary folder. */
export async function onSockets(plugins: readonly Plugin[] = []): Promise<Stage> {
  const dataDir = await mkdtemp(join(tmpdir(), "chatfusion-line-"));
  const errors: LoggedLine[] = [];
  const ignore: Log["info"] = () => {};
  const error: Log["error"] = (event, fields = {}) => void errors.push({ event, fields });
  const log: Log = { debug: ignore, info: ignore, warn: ignore, error };
  const environment = createEnvironment({ dataDir, log });
  return open(plugins, {
    environment,
    net: environment.net,
    clock: environment.clock,
    host: "127.0.0.1",
    name: "paris",
    world: undefined,
    errors,
    dataDir,
    remove: () => rm(dataDir, { recursive: true, force: true }),
  });
}

/** The same in a simulated world. */
export async function inWorld(
  plugins: readonly Plugin[] = [],
  world = quietWorld(),
  name = "paris",
): Promise<Stage> {
  const desk = world.environment(`desk of ${name}`);
  return open(plugins, {
    environment: world.environment(name),
    net: desk.net,
    clock: desk.clock,
    host: name,
    name,
    world,
    get errors() {
      return world.logged.filter(({ level }) => level === "error");
    },
    dataDir: undefined,
    remove: async () => {},
  });
}

/** A world in which what is sent at one time arrives at one time, and whole. */
export function quietWorld(): World {
  const world = createWorld({ seed: "gateway" });
  world.shape({ splitChance: 0, jitterMs: 0 });
  return world;
}

export const STAGES = [
  ["on real sockets", onSockets],
  ["in a simulated world", inWorld],
] as const;

async function open(plugins: readonly Plugin[], place: Place): Promise<Stage> {
  const { world, net, clock, host, name } = place;
  const done = async <T>(promise: Promise<T>): Promise<T> => world?.until(promise) ?? promise;
  let linePort = 0;
  const server = await done(
    createServer({
      name: parseServerName(name),
      listen: { host: world === undefined ? host : "0.0.0.0", port: 0 },
      plugins: [
        ...(plugins.some(({ provides }) => provides.includes("auth")) ? [] : [authGuest()]),
        ...(plugins.some(({ provides }) => provides.includes("fabric")) ? [] : [fabricAlone()]),
        gatewayLine({ port: 0, tls: false }),
        ...plugins,
      ],
      environment: place.environment,
      ...(world === undefined ? {} : { tls: { key: "", certificate: `of ${name}` } }),
      pluginFolder: () => place.dataDir,
      report(event) {
        if (event.event === "gateway") linePort = Number(event.address.split(":")[1]);
      },
    }),
  );
  const { port } = await done(server.start());
  const leave: (() => unknown)[] = [];
  const stranger = async () => {
    const client = new LineClient(done);
    await done(net.dial({ host, port: linePort, tls: false }, (wire) => client.attach(wire)));
    leave.push(() => client.wire.close("the test is over"));
    return client;
  };
  return {
    server,
    port,
    get errors() {
      return place.errors;
    },
    world,
    done,
    stranger,
    async line(nick, password) {
      const client = await stranger();
      client.send(`NICK ${nick}${password === undefined ? "" : ` ${password}`}`);
      await client.until((lines) => lines.includes(`WELCOME ${nick}@${name}`));
      return client;
    },
    async native(nick) {
      const client = await done(
        connect({
          nick,
          server: { host, port },
          net,
          clock,
          tls: world !== undefined,
          trust: () => true,
          reconnect: false,
        }),
      );
      const native = new Native(client, done);
      leave.push(() => client.close());
      return native;
    },
    encoded() {
      const status = server.status();
      const { "gateway-line.plain": plain, "gateway-line.timed": timed } = status;
      return { plain: Number(plain), timed: Number(timed) };
    },
    async [Symbol.asyncDispose]() {
      for (const one of leave) one();
      await done(server.stop("the test is over"));
      await place.remove();
    },
  };
}

/** A list that grows, and can be waited for. */
class Growing<T> {
  readonly all: T[] = [];
  #waiting = new Set<() => void>();

  constructor(readonly done: Stage["done"]) {}

  push(...more: readonly T[]): void {
    this.all.push(...more);
    for (const look of this.#waiting) look();
  }

  until(condition: (all: readonly T[]) => boolean): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = () => {
      if (!condition(this.all)) return;
      this.#waiting.delete(look);
      resolve();
    };
    this.#waiting.add(look);
    look();
    return this.done(promise);
  }
}

/** One who talks to the gateway. */
export class LineClient {
  wire!: Wire;
  /** Why the connection ended. */
  ended: string | undefined;
  readonly #lines: Growing<string>;
  readonly #decoder = new TextDecoder();
  #rest = "";
  #fences = 0;

  constructor(done: Stage["done"]) {
    this.#lines = new Growing(done);
  }

  attach(wire: Wire) {
    this.wire = wire;
    return {
      data: (chunk: Uint8Array) => {
        const lines = (this.#rest + this.#decoder.decode(chunk, { stream: true })).split("\n");
        this.#rest = lines.pop() ?? "";
        this.#lines.push(...lines);
      },
      closed: (reason: string) => {
        this.ended = reason;
        this.#lines.push();
      },
    };
  }

  /** All that came, but for the fences. */
  get lines(): readonly string[] {
    return this.#lines.all.filter((line) => !line.startsWith("PONG fence"));
  }

  /** What was said, without the time: "#room nick@server text". */
  get said(): readonly string[] {
    return this.lines.flatMap((line) => /^(?:@\d+ )?SAID (.*)$/.exec(line)?.[1] ?? []);
  }

  /** Sends lines in one piece. */
  send(...lines: readonly string[]): void {
    this.wire.send("room", new TextEncoder().encode(lines.map((line) => `${line}\n`).join("")));
    this.wire.flush();
  }

  until(condition: (lines: readonly string[]) => boolean): Promise<void> {
    return this.#lines.until(condition);
  }

  /** All that was sent before has been worked off, and its answers have come. */
  async fence(): Promise<void> {
    this.#fences += 1;
    const token = `fence${this.#fences}`;
    this.send(`PING ${token}`);
    await this.until((lines) => lines.includes(`PONG ${token}`));
  }

  async end(): Promise<string> {
    await this.until(() => this.ended !== undefined);
    return this.ended ?? "";
  }
}

/** One with the native client, and what it was told. */
export class Native {
  readonly #events: Growing<ClientEvent>;

  constructor(
    readonly client: Client,
    readonly done: Stage["done"],
  ) {
    this.#events = new Growing(done);
    client.on((event) => this.#events.push(event));
  }

  get events(): readonly ClientEvent[] {
    return this.#events.all;
  }

  get said(): readonly string[] {
    return this.events.flatMap((event) =>
      event.type === "message"
        ? [`${event.message.room} ${event.message.from} ${event.message.text}`]
        : [],
    );
  }

  until(condition: (events: readonly ClientEvent[]) => boolean): Promise<void> {
    return this.#events.until(condition);
  }

  untilSaid(text: string): Promise<void> {
    return this.until(() => this.said.some((one) => one.endsWith(` ${text}`)));
  }

  say(room: string, text: string) {
    return this.done(this.client.say(room, text));
  }
}
