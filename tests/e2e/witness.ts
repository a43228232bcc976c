// People who say numbered lines in the lobby and tell each other things, each on a server of its
// own, while servers and wires come and go; and what must hold of all that in the end.

import { expect } from "bun:test";
import { type Client, ChatFusionError, connect } from "../../src/client.ts";
import type { SeededRandom } from "../../src/testing/random.ts";
import { PATIENCE_MS, type ServerProgram } from "./servers.ts";

const ROOM = "#lobby";
/** Between two lines of one person. */
const LINE_MS = 50;
/** One in so many lines is for one person. */
const TELL_EVERY = 4;

interface Told {
  readonly to: Witness;
  readonly at: number;
  outcome: "pending" | "delivered" | "stored" | "UNCONFIRMED" | "failed";
}

/** Somebody who talks and listens over all lives of a server. */
export class Witness {
  readonly client: Client;
  readonly server: string;
  /** When its server was killed. */
  readonly kills: number[] = [];
  readonly acked: string[] = [];
  readonly heard: string[] = [];
  readonly told = new Map<string, Told>();
  readonly hears = new Map<string, number>();
  gaps = 0;
  said = 0;
  readonly #how = new Map<string, string>();
  readonly #random: SeededRandom;
  readonly #waiting = new Set<Promise<void>>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #changed = () => {};

  private constructor(client: Client, server: string, random: SeededRandom) {
    this.client = client;
    this.server = server;
    this.#random = random;
    client.on((event) => {
      if (event.type === "gap") this.gaps++;
      else if (event.type === "private") {
        const { text } = event.message;
        this.hears.set(text, (this.hears.get(text) ?? 0) + 1);
      } else if (event.type === "message") {
        const { id, late = false, text } = event.message;
        this.heard.push(text);
        const seconds = (performance.now() / 1000).toFixed(2);
        this.#how.set(text, `"${text}" ${id}${late ? " late" : ""} at ${seconds} s`);
      }
      this.#changed();
    });
  }

  static async enter(server: ServerProgram, random: SeededRandom): Promise<Witness> {
    const { name, host, port } = server;
    const address = { host, port };
    const client = await connect({ nick: `${name}er`, server: address, trust: () => true });
    return new Witness(client, server.name, random);
  }

  start(all: readonly Witness[]): void {
    const others = all.filter((one) => one !== this);
    this.#timer = setInterval(() => {
      if (++this.said % TELL_EVERY === 0) this.#tell(this.#random.pick(others));
      else this.say(`${this.server} ${this.said}`);
    }, LINE_MS);
  }

  say(text: string): void {
    this.#wait(
      this.client.say(ROOM, text).then(() => {
        this.acked.push(text);
      }),
    );
  }

  /** Resolves when everything that was said and told has its answer. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    while (this.#waiting.size > 0) await Promise.all(this.#waiting);
  }

  /** Resolves when so many more lines have come. */
  async more(count: number): Promise<void> {
    const until = this.heard.length + count;
    while (this.heard.length < until) await this.#next();
  }

  /** Resolves when all these lines have come; rejects with those that do not come. */
  async hasHeard(texts: readonly string[]): Promise<void> {
    const left = new Set(texts);
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      this.#changed();
    }, PATIENCE_MS);
    for (let at = 0; ;) {
      for (; at < this.heard.length; at++) left.delete(this.heard[at] ?? "");
      if (left.size === 0) break;
      if (isLate) throw new Error(`${this.server} has not heard ${[...left].join(", ")}`);
      await this.#next();
    }
    clearTimeout(timer);
  }

  /** All that its server's log has of the room, oldest first. */
  async history(): Promise<readonly string[]> {
    const pages: string[][] = [];
    for (let before: string | undefined; ;) {
      const ask = before === undefined ? { room: ROOM } : { room: ROOM, before };
      const { messages } = await this.client.request("history", { ...ask, limit: 200 });
      if (messages.length === 0) return pages.toReversed().flat();
      pages.push(messages.map(({ text }) => text));
      before = messages[0]?.id;
    }
  }

  /** How some lines of the speaker of a server were heard, and some that came next to them. */
  about(texts: readonly string[]): string {
    const [first = "", last = ""] = [texts[0], texts.at(-1)];
    const [server = ""] = first.split(" ");
    const by = this.heard.filter((text) => text.startsWith(`${server} `));
    const near = by.slice(Math.max(0, by.indexOf(first) - 5), by.indexOf(last) + 2);
    return near.map((text) => this.#how.get(text)).join("\n");
  }

  // --- internal ---

  #tell(to: Witness): void {
    const text = `${this.server} to ${to.server} ${this.said}`;
    const told: Told = { to, at: performance.now(), outcome: "pending" };
    this.told.set(text, told);
    this.#wait(
      this.client.tell(to.client.address, text).then(
        ({ outcome }) => {
          told.outcome = outcome;
        },
        (thrown: unknown) => {
          if (!(thrown instanceof ChatFusionError)) throw thrown;
          told.outcome = thrown.code === "UNCONFIRMED" ? thrown.code : "failed";
        },
      ),
    );
  }

  #wait(saying: Promise<void>): void {
    const waiting = saying.finally(() => this.#waiting.delete(waiting));
    this.#waiting.add(waiting);
  }

  #next(): Promise<void> {
    return new Promise((resolve) => {
      this.#changed = resolve;
    });
  }
}

/**
 * All that was acknowledged is in everybody's log and was heard once by everybody else, in its
 * sender's order; every private message has an end, and its addressee was told it as that says.
 * Returns how many lines, and how many private messages of each end.
 */
export async function checkWitnesses(all: readonly Witness[]): Promise<Record<string, number>> {
  const acked = all.flatMap((one) => one.acked);
  for (const one of all) {
    await one.hasHeard(acked.filter((text) => !one.acked.includes(text)));
    expect(one.gaps, `gaps that ${one.server} was told of`).toBe(0);
    const logged = await one.history();
    expect(missing(acked, logged), `missing in the log of ${one.server}`).toEqual([]);
    expect(twice(one.heard), `shown twice at ${one.server}`).toEqual([]);
    // What was published and not yet logged when its server was killed is said again, under
    // another id: it is twice in the logs, and its cid shows clients that it is one.
    const killed = all.filter(({ kills }) => kills.length > 0).map(({ server }) => server);
    const unexplained = twice(logged).filter((text) => !killed.includes(text.split(" ")[0]!));
    expect(unexplained, `twice in the log of ${one.server}`).toEqual([]);
    for (const { kills, server } of all) {
      const wrong = disorder(one.heard, server);
      const killedAt = kills.map((ms) => (ms / 1000).toFixed(2)).join(", ");
      const about = `${one.about(wrong)}\n${server} was killed at ${killedAt} s`;
      expect(wrong, `out of order at ${one.server}:\n${about}`).toEqual([]);
    }
  }
  const ends: Record<string, number> = { acked: acked.length };
  for (const one of all) {
    for (const [text, { to, at, outcome }] of one.told) {
      ends[outcome] = (ends[outcome] ?? 0) + 1;
      const times = to.hears.get(text) ?? 0;
      const isKilled = to.kills.some((when) => when > at);
      const least = outcome === "delivered" && !isKilled ? 1 : 0;
      const most = outcome === "failed" ? 0 : 1;
      if (times >= least && times <= most) continue;
      throw new Error(`"${text}" ended as ${outcome}, and was told ${times} times`);
    }
  }
  return ends;
}

// --- internal ------------------------------------------------------------------------------------

const missing = (texts: readonly string[], from: readonly string[]): string[] => {
  const has = new Set(from);
  return texts.filter((text) => !has.has(text));
};

const twice = (texts: readonly string[]): string[] =>
  texts.filter((text, at) => texts.indexOf(text) !== at);

/** The lines of one server's speaker that came behind a later one. */
function disorder(texts: readonly string[], server: string): string[] {
  let last = 0;
  return texts.filter((text) => {
    const [by, number = ""] = text.split(" ");
    if (by !== server) return false;
    const isLate = Number(number) < last;
    last = Math.max(last, Number(number));
    return isLate;
  });
}
