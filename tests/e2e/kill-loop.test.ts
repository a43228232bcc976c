// A server that is killed with SIGKILL again and again, while people talk to it without a pause:
// what was acknowledged is in its log, and is heard once, in its sender's order.
//
//   CYCLES=5 bun test tests/e2e/kill-loop.test.ts      (`bun run kill-loop`: fifty)

import { afterEach, beforeEach, expect, test } from "bun:test";
import { type Client, type ClientEvent, connect } from "../../src/client.ts";
import { createRandom } from "../../src/testing/random.ts";
import { printFigure } from "./figures.ts";
import { type ServerProgram, Stage } from "./servers.ts";

const CYCLES = Number(process.env["CYCLES"] ?? 5);
const SEED = Number(process.env["SEED"] ?? 1);
const ROOM = "#lobby";
const KILL_MS = { least: 100, most: 3000 };
/** Three of them say 500 lines a second in all. */
const SPEAKERS = ["ana", "gus", "ida"];
const LINE_MS = 6;
/** The last answer that comes in this many lines is awaited before more is said. */
const UNANSWERED_MAX = 800;
const TEST_MS = 60_000 + CYCLES * 15_000;

let stage: Stage;
const clients: Client[] = [];
beforeEach(() => {
  stage = new Stage();
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await stage.close();
});

test(
  "kill -9 in the middle of talk loses nothing that was acknowledged, and shows nothing twice",
  async () => {
    let server = await stage.serve("paris");
    await server.run("user-add ana a-long-password");
    const { port } = server;
    const listener = await enter("lea", port);
    const heard = listen(listener);
    const speakers = await Promise.all(
      SPEAKERS.map(async (nick) => new Speaker(await enter(nick, port))),
    );
    for (const speaker of speakers) speaker.start();
    const random = createRandom(`kill loop ${SEED}`);
    const readyMs: number[] = [];
    for (let cycle = 0; cycle < CYCLES; cycle++) {
      await heard.more(SPEAKERS.length);
      const victim = server;
      const ms = KILL_MS.least + random.next() * (KILL_MS.most - KILL_MS.least);
      setTimeout(() => victim.signal("SIGKILL"), ms);
      await victim.exited();
      const began = performance.now();
      server = await stage.serve("paris", { port });
      readyMs.push(performance.now() - began);
    }
    await heard.more(SPEAKERS.length);
    const acked = (await Promise.all(speakers.map((speaker) => speaker.stop()))).flat();
    await heard.has(acked);

    const logged = await wholeHistory(server);
    const lost = new Set(acked).difference(new Set(logged)).size;
    const unheard = new Set(acked).difference(new Set(heard.texts)).size;
    const twice = (texts: readonly string[]) => texts.length - new Set(texts).size;
    printFigure("R5", readyMs, {
      cycles: CYCLES,
      seed: SEED,
      acked: acked.length,
      lost: lost + unheard,
      dup: twice(logged) + twice(heard.texts),
    });
    expect({ lost, unheard }).toEqual({ lost: 0, unheard: 0 });
    expect(heard.gaps).toBe(0);
    for (const { client, said } of speakers) {
      const all = Array.from({ length: said }, (_, i) => `${client.nick} ${i + 1}`);
      const own = (text: string) => text.startsWith(`${client.nick} `);
      expect(logged.filter(own), `${client.nick} in the log`).toEqual(all);
      expect(heard.texts.filter(own), `${client.nick} as it was heard`).toEqual(all);
    }
  },
  TEST_MS,
);

// --- internal ------------------------------------------------------------------------------------

async function enter(nick: string, port: number): Promise<Client> {
  const password = nick === "ana" ? { password: "a-long-password" } : {};
  const client = await connect({ nick, ...password, server: { host: "127.0.0.1", port } });
  clients.push(client);
  return client;
}

/** One who says numbered lines without a pause, over all lives of the server. */
class Speaker {
  readonly client: Client;
  said = 0;
  readonly #acked: string[] = [];
  readonly #waiting = new Set<Promise<void>>();
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(client: Client) {
    this.client = client;
  }

  start(): void {
    this.#timer = setInterval(() => {
      if (this.#waiting.size < UNANSWERED_MAX) this.#say();
    }, LINE_MS);
  }

  /** Resolves to all that was acknowledged, which is all that was said. */
  async stop(): Promise<readonly string[]> {
    clearInterval(this.#timer);
    await Promise.all(this.#waiting);
    return this.#acked;
  }

  #say(): void {
    const text = `${this.client.nick} ${++this.said}`;
    const saying = this.client.say(ROOM, text).then(() => {
      this.#acked.push(text);
      this.#waiting.delete(saying);
    });
    this.#waiting.add(saying);
  }
}

/** What a client hears. */
function listen(client: Client) {
  const texts: string[] = [];
  let gaps = 0;
  let changed = () => {};
  client.on((event: ClientEvent) => {
    if (event.type === "gap") gaps++;
    if (event.type !== "message") return;
    texts.push(event.message.text);
    changed();
  });
  const next = () =>
    new Promise<void>((resolve) => {
      changed = resolve;
    });
  return {
    texts,
    get gaps() {
      return gaps;
    },
    /** Resolves when so many more lines have come. */
    async more(count: number): Promise<void> {
      const until = texts.length + count;
      while (texts.length < until) await next();
    },
    async has(all: readonly string[]): Promise<void> {
      const left = new Set(all);
      for (let at = 0; left.size > 0;) {
        for (; at < texts.length; at++) left.delete(texts[at] ?? "");
        if (left.size > 0) await next();
      }
    },
  };
}

/** All that the log has of the room, oldest first. */
async function wholeHistory(server: ServerProgram): Promise<readonly string[]> {
  const reader = await enter("reader", server.port);
  const pages: string[][] = [];
  for (let before: string | undefined; ;) {
    const ask = before === undefined ? { room: ROOM } : { room: ROOM, before };
    const { messages } = await reader.request("history", ask);
    if (messages.length === 0) return pages.toReversed().flat();
    pages.push(messages.map(({ text }) => text));
    before = messages[0]?.id;
  }
}
