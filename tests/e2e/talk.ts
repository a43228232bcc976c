// People who talk without a pause, each on a server of its own, and hear each other: how long
// anybody heard nothing from another one, and whether every line came once, in its order.

import { expect } from "bun:test";
import { type Client, connect } from "../../src/client.ts";
import type { ServerProgram } from "./servers.ts";

/** Between two lines of one person. */
const LINE_MS = 10;

interface Heard {
  /** The numbers of the lines, as they came. */
  readonly numbers: number[];
  /** When the last one came, or when this person was first listened to. */
  lastAt: number;
  /** The longest silence since `mark`. */
  silenceMs: number;
}

interface Person {
  readonly client: Client;
  readonly heard: Map<string, Heard>;
  /** Lines said so far. */
  said: number;
  /** Until the last line is with the server. */
  acked: Promise<unknown>;
}

/** Who talks on which server. */
export class Talk {
  readonly #people = new Map<string, Person>();
  #nicks = 0;
  #timer: ReturnType<typeof setInterval> | undefined;
  #changed = () => {};

  /** Everybody begins to talk. */
  start(): void {
    this.#timer = setInterval(() => {
      for (const person of this.#people.values()) this.#sayLine(person);
    }, LINE_MS);
  }

  /** A new person comes to a server, listens, and talks with the others. */
  async enter(server: ServerProgram): Promise<void> {
    const address = { host: "127.0.0.1", port: server.port };
    const nick = `nick${++this.#nicks}`;
    const client = await connect({ nick, server: address, reconnect: false });
    const heard = new Map<string, Heard>();
    client.on((event) => {
      if (event.type !== "message" || event.message.from === client.address) return;
      const { from, text } = event.message;
      const now = performance.now();
      const line = heard.get(from) ?? { numbers: [], lastAt: now, silenceMs: 0 };
      heard.set(from, line);
      line.numbers.push(Number(text));
      line.silenceMs = Math.max(line.silenceMs, now - line.lastAt);
      line.lastAt = now;
      this.#changed();
    });
    this.#people.set(server.name, { client, heard, said: 0, acked: Promise.resolve() });
  }

  /** The person on a server says nothing more, and goes. */
  async leave(server: string): Promise<void> {
    const person = this.#people.get(server);
    this.#people.delete(server);
    await person?.acked;
    await person?.client.close();
    for (const { heard } of this.#people.values()) heard.delete(person?.client.address ?? "");
  }

  /** From now on silences are measured anew. */
  mark(): void {
    for (const { heard } of this.#people.values()) {
      for (const line of heard.values()) line.silenceMs = 0;
    }
  }

  /** The longest that anybody heard nothing of another one since the mark. */
  get silenceMs(): number {
    const lines = [...this.#people.values()].flatMap(({ heard }) => [...heard.values()]);
    return Math.max(0, ...lines.map(({ silenceMs }) => silenceMs));
  }

  /** Resolves when all hear, of each other, the line that is said so many lines from now. */
  async allHear(lines = 1): Promise<void> {
    const next = new Map(
      [...this.#people.values()].map(({ client, said }) => [client.address, said + lines]),
    );
    const hasAll = () =>
      [...this.#people.values()].every(({ client, heard }) =>
        [...next].every(
          ([from, line]) =>
            from === client.address || (heard.get(from)?.numbers.at(-1) ?? 0) >= line,
        ),
      );
    while (!hasAll()) await this.#next();
  }

  /** Ends the talk: every line of the others has come once, in its order, and none is missing. */
  async finish(): Promise<void> {
    clearInterval(this.#timer);
    const people = [...this.#people.values()];
    for (const person of people) {
      this.#sayLine(person);
      await person.acked;
    }
    for (const { client, heard } of people) {
      for (const other of people) {
        if (other.client === client) continue;
        const line = heard.get(other.client.address);
        while (line?.numbers.at(-1) !== other.said) await this.#next();
        const first = line.numbers[0]!;
        const expected = Array.from({ length: other.said - first + 1 }, (_, at) => first + at);
        expect(line.numbers, `${client.address} hears ${other.client.address}`).toEqual(expected);
      }
      await client.close();
    }
  }

  // --- internal ---

  #sayLine(person: Person): void {
    person.said++;
    const said = person.client.say("#lobby", String(person.said));
    person.acked = Promise.all([person.acked, said]);
    person.acked.catch(() => undefined); // whoever waits for it hears of it
  }

  /** Resolves when somebody has heard something. */
  #next(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#changed = resolve;
    return promise;
  }
}
