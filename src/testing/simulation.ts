// A simulation: whole servers and real clients in one world (world.ts), with virtual time, faults
// and a seed. The core, the fabric and the client are the real ones; what is made up is below them.
//
//   const simulation = createSimulation({ seed: 1, plugins: [wordFilter({ words: ["heck"] })] });
//   simulation.start("paris"); simulation.start("lyon");
//   simulation.merge("paris", "lyon");
//   const [ann, ben] = [simulation.enter("ann@paris"), simulation.enter("ben@lyon")];
//   ann.say("hello");
//   simulation.world.run(1000);
//   expect(ben.texts).toEqual(["hello"]);
//
// What people say and hear can be written down as a script: script.ts.

import { type Client, type ClientEvent, connect } from "../client.ts";
import type { ServerEvent } from "../core/events.ts";
import { createServer, type Server } from "../core/server.ts";
import type { Environment } from "../environment.ts";
import { type Failure, failure, isFailure } from "../errors.ts";
import { LOBBY, parseServerName } from "../names.ts";
import type { CommandResult, Plugin } from "../plugin/context.ts";
import { withDefaults } from "./plugins.ts";
import { createWorld, type World, type WorldOptions } from "./world.ts";

/** Every server of a simulation listens here, each on a host of its own. */
export const SIMULATED_PORT = 7331;

export interface SimulationOptions extends WorldOptions {
  /**
   * What every server is made of, or each one, at each of its starts. Guests may enter, and
   * `fabric-tree` merges, where no plugin of the list says otherwise.
   */
  readonly plugins?: readonly Plugin[] | ((host: string) => readonly Plugin[]);
  /** Sees, and may replace, what a server is given of the world: to watch or to disturb it. */
  readonly around?: (environment: Environment, host: string) => Environment;
}

/** A server on its host: one life of it, and what is known of those before. */
export interface SimServer {
  /** Where it is dialled; also its name, unless it was given another one. */
  readonly host: string;
  readonly name: string;
  /** Undefined while it is down, and until it has come up. */
  readonly server: Server | undefined;
  readonly phase: "down" | "starting" | "running";
  /** What it has told its operator, in all its lives. */
  readonly events: readonly ServerEvent[];
}

/** Somebody who chats, with the real client. */
export interface SimPerson {
  readonly address: string;
  readonly client: Client;
  readonly heard: readonly ClientEvent[];
  /** What others said in rooms, and to this person alone; in the order in which it came. */
  readonly lines: readonly HeardLine[];
  /** The texts of `lines`. */
  readonly texts: readonly string[];
  /** Says something in a room, and waits until it is acknowledged. Throws why it is not. */
  say(text: string, room?: string): void;
  /** Tells one person something, "ben@lyon", and waits. Throws why it does not arrive. */
  tell(to: string, text: string): void;
  /** Joins a room, and waits. Throws why not. */
  join(room: string): void;
}

export interface HeardLine {
  readonly from: string;
  readonly text: string;
  /** Undefined for a private message. */
  readonly room: string | undefined;
  readonly late: boolean;
}

export interface EnterOptions {
  readonly password?: string;
  /** Default true. */
  readonly reconnect?: boolean;
}

export interface Simulation {
  readonly world: World;
  readonly servers: ReadonlyMap<string, SimServer>;
  readonly people: ReadonlyMap<string, SimPerson>;
  /** Throws where there is none on this host. */
  server(host: string): SimServer;
  /** Starts a server, for the first time or again, and waits. Throws why it cannot. */
  start(host: string, how?: { readonly name?: string }): SimServer;
  /** Likewise, without waiting: to be used where a crash may come first. */
  launch(host: string, how?: { readonly name?: string }): Promise<void>;
  /** Stops it in good order, and waits. */
  stop(host: string): void;
  /** A server that is down is no part of the simulation any more. */
  forget(host: string): void;
  /** Ends it as by a power cut; what it had not synced is lost. */
  crash(host: string, how?: { readonly silent?: boolean }): void;
  /** Merges each server with the next one, and waits. Throws with why not. */
  merge(...hosts: readonly string[]): void;
  /** Types a line at a server's console, and waits for the answer. */
  run(host: string, line: string): CommandResult | Failure;
  /** Likewise, without waiting. Never rejects; of a server that is down it is a failure. */
  type(host: string, line: string): Promise<CommandResult | Failure>;
  /** Lets somebody come in, and waits: "ann@paris". Throws with why not. */
  enter(address: string, how?: EnterOptions): SimPerson;
  /** Closes somebody's client, and waits. */
  leave(address: string): void;
}

/** Makes a simulation, with nobody in it yet. */
export function createSimulation(options: SimulationOptions): Simulation {
  const world = createWorld(options);
  const { plugins = [] } = options;
  const servers = new Map<string, Place>();
  const people = new Map<string, SimPerson>();
  const find = (host: string): Place => {
    const found = servers.get(host);
    if (found !== undefined) return found;
    const hosts = [...servers.keys()].join(", ");
    throw new Error(`${host}: no server of this simulation; there are: ${hosts || "none"}`);
  };

  async function launch(host: string, how: { readonly name?: string } = {}): Promise<void> {
    const known = servers.get(host);
    if (known !== undefined && known.phase !== "down") throw new Error(`${host} is up`);
    const place: Place = known ?? { host, name: how.name ?? host, events: [], ...DOWN };
    servers.set(host, place);
    place.phase = "starting";
    const environment = world.environment(host);
    try {
      const server = await createServer({
        name: parseServerName(place.name),
        listen: { host: "0.0.0.0", port: SIMULATED_PORT },
        plugins: withDefaults(typeof plugins === "function" ? plugins(host) : plugins),
        environment: options.around?.(environment, host) ?? environment,
        tls: { key: `key of ${host}`, certificate: `certificate of ${host}` },
        report: (event) => void place.events.push(event),
      });
      await server.start();
      Object.assign(place, { server, phase: "running" });
    } catch (thrown) {
      place.phase = "down";
      throw thrown;
    }
  }

  const type: Simulation["type"] = async (host, line) => {
    const { server } = find(host);
    if (server === undefined) return failure("SERVER_STOPPING", `${host} is not up`);
    return server.run(line.split(" "), { by: "console", roles: [] });
  };

  return {
    world,
    servers,
    people,
    server: find,
    launch,
    start(host, how) {
      world.until(launch(host, how));
      return find(host);
    },
    stop(host) {
      const place = find(host);
      const { server } = place;
      Object.assign(place, DOWN);
      if (server !== undefined) world.until(server.stop("the simulation says so"));
    },
    forget(host) {
      if (find(host).phase !== "down") throw new Error(`${host} is up`);
      servers.delete(host);
    },
    crash(host, how) {
      Object.assign(find(host), DOWN);
      world.crash(host, how);
    },
    merge(...hosts) {
      for (const [at, host] of hosts.slice(0, -1).entries()) {
        const to = find(hosts[at + 1] ?? "").host;
        const answer = world.until(type(host, `merge ${to}:${SIMULATED_PORT}`));
        if (!isFailure(answer)) continue;
        throw new Error(`${host} cannot merge ${to}: ${answer.code}: ${answer.text}`);
      }
    },
    type,
    run: (host, line) => world.until(type(host, line)),
    enter(address, { password, reconnect = true } = {}) {
      const at = address.indexOf("@");
      if (at < 0) throw new Error(`${address}: expected NICK@SERVER`);
      const [nick, host] = [address.slice(0, at), address.slice(at + 1)];
      const { name } = find(host);
      // Everybody sits at a machine of their own.
      const { clock, net, random } = world.environment(`${nick} at ${host}`);
      const client = world.until(
        connect({
          nick,
          ...(password === undefined ? {} : { password }),
          server: { host, port: SIMULATED_PORT },
          tls: true,
          trust: () => true,
          reconnect,
          clock,
          net,
          random,
        }),
      );
      const person = listen(client, `${client.nick}@${name}`, world);
      people.set(address, person);
      return person;
    },
    leave(address) {
      const person = people.get(address);
      people.delete(address);
      if (person !== undefined) world.until(person.client.close());
    },
  };
}

// --- internal ---

interface Place extends SimServer {
  server: Server | undefined;
  phase: SimServer["phase"];
  readonly events: ServerEvent[];
}

const DOWN = { server: undefined, phase: "down" } as const;

function listen(client: Client, address: string, world: World): SimPerson {
  const heard: ClientEvent[] = [];
  const lines: HeardLine[] = [];
  client.on((event) => {
    heard.push(event);
    if (event.type !== "message" && event.type !== "private") return;
    const { from, text } = event.message;
    if (from === address) return;
    const room = event.type === "message" ? event.message.room : undefined;
    lines.push({ from, text, room, late: "late" in event.message });
  });
  const wait = (promise: Promise<unknown>) => void world.until(promise);
  return {
    address,
    client,
    heard,
    lines,
    get texts() {
      return lines.map(({ text }) => text);
    },
    say: (text, room = LOBBY) => wait(client.say(room, text)),
    tell: (to, text) => wait(client.tell(to, text)),
    join: (room) => wait(client.join(room)),
  };
}
