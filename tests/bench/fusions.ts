// Two halves of a fusion as real processes, and the one link between them, which can be cut: how
// long a merge takes until all know of it, and a heal. Next: curves-merges.ts.

import { relayTo } from "../e2e/relay.ts";
import type { Relay } from "../e2e/relay.ts";
import type { Line, ServerProgram } from "../e2e/servers.ts";
import { crowdAt } from "./crowds.ts";
import type { CrowdProgram } from "./crowds.ts";
import { randomTree } from "./graphs.ts";
import { accountOf } from "./load/account.ts";
import type { Cores } from "./machine.ts";
import { merge, starter } from "./subjects.ts";

/** People who have not come in by then never will. */
const ENTER_MS_MAX = 60_000;
/** Of the servers: between two looks at who is there. */
const LOOK_MS = 1;

/** Nobody generates load here: the servers may have all cores. */
const ALL_CORES: Cores = { server: [], generator: [] };

export class Halves {
  readonly #servers: readonly ServerProgram[];
  readonly #relay: Relay;
  readonly #crowds: CrowdProgram[] = [];

  private constructor(servers: readonly ServerProgram[], relay: Relay) {
    this.#servers = servers;
    this.#relay = relay;
  }

  /** Starts `count` servers, an even number, and merges each half of them, in a random tree. */
  static async start(count: number, folder: string): Promise<Halves> {
    const serve = starter("bare", folder, ALL_CORES);
    const servers: ServerProgram[] = [];
    try {
      while (servers.length < count) servers.push(await serve());
      for (const first of [0, count / 2]) {
        for (const [a, b] of randomTree(count / 2)) await merge(servers, [first + a, first + b]);
      }
      const all = new Halves(servers, relayTo(servers[count / 2]?.port ?? 0));
      if (count > 2) await all.#each("merged", count / 2);
      return all;
    } catch (thrown) {
      await Promise.all(servers.map((server) => server.kill()));
      throw thrown;
    }
  }

  /** Ends all processes. */
  async stop(): Promise<void> {
    this.#relay.stop();
    for (const crowd of this.#crowds) crowd.stop();
    await Promise.all(this.#servers.map((server) => server.kill()));
  }

  /**
   * Merges the halves; returns the ms until each server has told its operator, or knows `people`.
   */
  async merge(people?: number): Promise<number> {
    const began = performance.now();
    const done = this.#whole(people);
    const answer = await this.#servers[0]?.run(`merge 127.0.0.1:${this.#relay.port}`);
    if (answer?.["code"] !== undefined) throw new Error(String(answer["text"]));
    await done;
    return performance.now() - began;
  }

  /**
   * Cuts the link until all have told of it; returns the ms from then on until each has told that
   * all are back, or knows `people`. The wait until the link is dialled again is part of it.
   */
  async heal(people?: number): Promise<number> {
    const split = this.#each("split", this.#servers.length / 2);
    this.#relay.cut();
    await split;
    const began = performance.now();
    const done = this.#whole(people);
    this.#relay.open();
    await done;
    return performance.now() - began;
  }

  /** Lets so many come in at the first server of each half, and waits until they are there. */
  async crowd(people: number): Promise<void> {
    const gates = [0, this.#servers.length / 2].flatMap((at) => this.#servers[at] ?? []);
    await Promise.all(
      gates.map(async (server, half) => {
        const crowd = crowdAt(server, `h${half}n`, { clients: people });
        this.#crowds.push(crowd);
        await Promise.race([until(server, people, ENTER_MS_MAX), crowd.left]);
      }),
    );
  }

  /** Resident memory of all servers, in bytes. */
  get residentBytes(): number {
    return accountOf(this.#servers.map(({ pid }) => pid)).residentBytes;
  }

  // --- internal ---------------------------------------------------------------------------------

  async #whole(people?: number): Promise<void> {
    if (people === undefined) return this.#each("merged", this.#servers.length);
    const all = this.#servers.map((server) => until(server, people, ENTER_MS_MAX));
    await Promise.all(all);
  }

  /** Resolves when each server's last word of this kind is of a fusion of so many. */
  async #each(event: "merged" | "split", size: number): Promise<void> {
    await Promise.all(
      this.#servers.map(
        ({ heard }) =>
          new Promise<void>((resolve) => {
            const look = (line: Line | undefined) => {
              const fusion = line?.["event"] === event ? line["fusion"] : undefined;
              if (!Array.isArray(fusion) || fusion.length !== size) return;
              off();
              resolve();
            };
            const off = heard.on(look);
            // It may have been told while merges were still answered.
            look(heard.lines.findLast(tellsFusion));
          }),
      ),
    );
  }
}

// --- internal ---

const tellsFusion = ({ event }: Line): boolean => event === "merged" || event === "split";

/** Asks a server again and again until it knows so many people. */
async function until(server: ServerProgram, people: number, msMax: number): Promise<void> {
  const began = performance.now();
  for (;;) {
    const known = Number((await server.run("status"))["people"]);
    if (known === people) return;
    if (performance.now() - began > msMax) {
      throw new Error(`${server.name} knows ${known} of ${people} people after ${msMax} ms`);
    }
    await Bun.sleep(LOOK_MS);
  }
}
