// What the benchmark of rooms is made of: servers as processes, people with accounts, and times of
// one question after the other. Next: rooms.ts.

import type { Client } from "../../src/client.ts";
import { connect } from "../../src/client.ts";
import type { ServerProgram } from "../e2e/servers.ts";
import type { CrowdProgram } from "./crowds.ts";
import { crowdAt } from "./crowds.ts";
import { freePort } from "./machine.ts";
import { accountOf } from "./load/account.ts";
import type { Idle } from "./load/job.ts";
import { starter } from "./subjects.ts";

/** How much of all is measured. */
export interface Size {
  /** Members of the large room. */
  readonly members: number;
  /** Rooms on one server. */
  readonly rooms: number;
  /** Of one user: as many as one may be in. */
  readonly own: number;
  /** People of the simulated fusion. */
  readonly people: number;
  readonly bans: number;
  readonly roles: number;
  readonly pins: number;
  /** Of each question. */
  readonly runs: number;
}

export interface Row {
  /** Says its unit where that is not ms. */
  readonly what: string;
  readonly runs: number;
  readonly median: number;
  readonly least: number;
  readonly most: number;
  /** Of the servers, on average. */
  readonly cpuMs?: number;
}

/** Whoever is not there by then never comes. */
const COME_MS_MAX = 120_000;
const LOOK_MS = 5;

/**
 * Times of so many runs, one after the other, and what they cost `servers`; what `run` gives is
 * thrown away.
 */
export async function timesOf(
  what: string,
  { runs, servers = [] }: { readonly runs: number; readonly servers?: readonly ServerProgram[] },
  run: (at: number) => Promise<unknown>,
): Promise<Row> {
  const pids = servers.map(({ pid }) => pid);
  const times: number[] = [];
  const before = accountOf(pids).cpuSeconds;
  for (let at = 0; at < runs; at++) {
    const began = performance.now();
    await run(at);
    times.push(performance.now() - began);
  }
  const cpuMs = ((accountOf(pids).cpuSeconds - before) / runs) * 1000;
  return pids.length === 0 ? rowOf(what, times) : { ...rowOf(what, times), cpuMs };
}

/** A row of what was measured. */
export function rowOf(what: string, values: readonly number[]): Row {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))] ?? Number.NaN;
  return { what, runs: values.length, median: at(0.5), least: at(0), most: at(1) };
}

/** Asks again and again until it is so. */
export async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const began = performance.now();
  while (!(await isSo())) {
    if (performance.now() - began > COME_MS_MAX) throw new Error(`in vain: ${what}`);
    await Bun.sleep(LOOK_MS);
  }
}

/** Servers and people of one part of the benchmark; all end with it. */
export class Stage implements AsyncDisposable {
  readonly #serve: ReturnType<typeof starter>;
  readonly #servers: ServerProgram[] = [];
  readonly #clients: Client[] = [];
  readonly #crowds: CrowdProgram[] = [];
  readonly #doors = new Map<ServerProgram, number>();

  constructor(folder: string) {
    this.#serve = starter("rooms", folder, { server: [], generator: [] });
  }

  async start(): Promise<ServerProgram> {
    const door = freePort();
    const server = await this.#serve({ BENCH_IRC_PORT: String(door) });
    this.#servers.push(server);
    this.#doors.set(server, door);
    return server;
  }

  /** Where its IRC clients knock. */
  doorOf(server: ServerProgram): number {
    return this.#doors.get(server) ?? 0;
  }

  /** Lets somebody in; with an account, where one is named. */
  async enter(
    { port }: { readonly port: number },
    nick: string,
    account?: string,
    reconnect = false,
  ): Promise<Client> {
    const password = account === undefined ? {} : { password: account };
    const server = { host: "127.0.0.1", port };
    const client = await connect({ nick, ...password, server, reconnect });
    this.#clients.push(client);
    return client;
  }

  /** Lets a crowd in, and waits until all are where they are to be. */
  async crowd(
    server: ServerProgram,
    load: Omit<Idle, "kind" | "measureMs">,
    isThere: () => Promise<boolean>,
  ): Promise<void> {
    const crowd = crowdAt(server, "n", load);
    this.#crowds.push(crowd);
    await Promise.race([until(`${load.clients} people`, isThere), crowd.left]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
    for (const crowd of this.#crowds) crowd.stop();
    await Promise.all(this.#servers.map((server) => server.kill()));
  }
}
