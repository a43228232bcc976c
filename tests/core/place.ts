// Servers and clients in one simulated world, joined by a hub (hub.ts) or by the real fabric.

import { expect } from "bun:test";
import authGuest from "../../plugins/auth-guest.ts";
import type { ServerEvent } from "../../src/core/events.ts";
import { createServer, type Server } from "../../src/core/server.ts";
import type { Environment, Net, Wire, WireHandlers } from "../../src/environment.ts";
import { isFailure } from "../../src/errors.ts";
import { parseServerName } from "../../src/names.ts";
import { definePlugin, type Hooks, type Plugin } from "../../src/plugin.ts";
import { createWorld, type World } from "../../src/testing.ts";
import { Hub } from "./hub.ts";
import { type Json, Peer } from "./peer.ts";

const PORT = 7331;

export interface Home {
  readonly name: string;
  readonly server: Server;
  readonly environment: Environment;
  readonly events: ServerEvent[];
  readonly tls: boolean;
}

export interface StartOptions {
  /** Default: `authGuest` and the hub. */
  readonly plugins?: readonly Plugin[];
  /** Besides the default ones. */
  readonly more?: readonly Plugin[];
  readonly hooks?: Partial<Hooks>;
  /** Sees all wires of the server. */
  readonly wires?: (wire: Wire, handlers: WireHandlers) => WireHandlers;
  /** As every server has it that others merge with. */
  readonly tls?: boolean;
  /** See HistoryConfig. */
  readonly onMerge?: number;
  /** See RoomsConfig. */
  readonly guestRooms?: boolean;
}

export class Place {
  readonly world: World;
  readonly hub: Hub;
  readonly homes = new Map<string, Home>();
  #clients = 0;

  constructor(seed: number | string, crypto: "cheap" | "real" = "cheap") {
    this.world = createWorld({ seed, crypto });
    this.hub = new Hub(this.world.random.fork("hub"));
  }

  /** Sets a server up; it is not started. */
  make(name: string, options: StartOptions = {}): Home {
    const {
      plugins,
      more = [],
      hooks,
      wires,
      tls = false,
      onMerge = 0,
      guestRooms = false,
    } = options;
    const environment = this.world.environment(name);
    const { net } = environment;
    const events: ServerEvent[] = [];
    const own = hooks === undefined ? [] : [hooked("hooks", hooks)];
    const watched: Environment = {
      ...environment,
      net: {
        ...net,
        listen: (at, accept) =>
          net.listen(at, (wire) => {
            const handlers = accept(wire);
            return wires === undefined ? handlers : wires(wire, handlers);
          }),
      },
    };
    const server = this.world.until(
      createServer({
        name: parseServerName(name),
        listen: { host: "0.0.0.0", port: PORT },
        onMerge,
        guestRooms,
        plugins: [...(plugins ?? [authGuest(), this.hub.plugin()]), ...own, ...more],
        environment: watched,
        ...(tls ? { tls: { key: `key of ${name}`, certificate: `certificate of ${name}` } } : {}),
        report: (event) => void events.push(event),
      }),
    );
    const home = { name, server, environment, events, tls };
    this.homes.set(name, home);
    return home;
  }

  start(name: string, options?: StartOptions): Home {
    const home = this.make(name, options);
    this.world.until(home.server.start());
    return home;
  }

  stop(home: Home, reason = "for a test"): void {
    this.world.until(home.server.stop(reason));
  }

  /** A connection to a server, from a machine of its own, or from the server's. */
  connect(home: Home, local = false): Peer {
    this.#clients += 1;
    const net = local ? home.environment.net : this.world.environment(`client${this.#clients}`).net;
    return new Peer(this.world, net, {
      host: local ? "localhost" : home.name,
      port: PORT,
      tls: home.tls,
    });
  }

  /** A connection from a machine that has others as well. */
  dial(net: Net, { name }: Home): Peer {
    return new Peer(this.world, net, { host: name, port: PORT });
  }

  /** A client that has logged in. */
  enter(home: Home, nick: string, more: Json = {}): Peer {
    const peer = this.connect(home, "password" in more);
    const { name, value } = peer.login({ nick, ...more });
    expect([name, value["nick"] ?? value["code"]]).toEqual(["welcome", nick]);
    return peer;
  }

  /** Joins servers by the hub, and waits until they know each other. */
  join(...homes: readonly Home[]): void {
    this.hub.join(...homes.map(({ name }) => name));
    this.rest();
  }

  /** Lets what is under way come to its end; also what is made up for some seconds later. */
  rest(ms = 6000): void {
    this.world.run(ms);
  }

  /** Runs a command of the console. */
  command(home: Home, ...words: readonly string[]): { text: string; data?: unknown } {
    const result = this.world.until(home.server.run(words, { by: "console", roles: [] }));
    if (isFailure(result)) throw new Error(`${words.join(" ")}: ${result.code} ${result.text}`);
    return result;
  }

  /** What was logged as a fault. */
  faults(): readonly string[] {
    return this.world.logged
      .filter(({ level }) => level === "error")
      .map(({ server, event, fields }) => `${server}: ${event} ${JSON.stringify(fields)}`);
  }
}

/** A plugin of some hooks. */
export const hooked = (name: string, hooks: Partial<Hooks>): Plugin =>
  definePlugin({ name, setup: () => hooks })();

/** Bytes that differ from place to place. */
export function patterned(size: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let i = 0; i < size; i++) bytes[i] = (i * 31 + (i >> 8) * 17 + seed) & 0xff;
  return bytes;
}

export const sha256 = (bytes: Uint8Array): string =>
  new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
