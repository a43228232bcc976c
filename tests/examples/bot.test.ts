// The example bot, on a real server: dice, polls and reminders, in rooms and in private, and what
// it must not answer.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startBot } from "../../examples/bot.ts";
import type { Client, ClientEvent } from "../../src/client.ts";
import { startServer, type TestServer } from "../../src/testing.ts";

let folder = "";
let server: TestServer;
let bot: Client;
const logged: string[] = [];
const reminders = () => join(folder, "reminders.json");
const start = (nick = "bot") =>
  startBot({
    nick,
    server,
    rooms: ["#tea"],
    reminders: reminders(),
    random: () => 0.5,
    log: (line) => void logged.push(line),
  });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "chatfusion-bot-"));
  server = await startServer({ plugins: [] });
  bot = await start();
});
afterAll(async () => {
  await bot.close();
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
  expect(logged).toEqual([]);
});

/** Somebody who asks the bot, and waits for its next words. */
async function person(nick: string) {
  const client = await server.connect(nick);
  await client.join("#tea");
  const told: { readonly where: string; readonly text: string; readonly kind: string }[] = [];
  let waiting: (() => void) | undefined;
  client.on((event: ClientEvent) => {
    if (event.type !== "message" && event.type !== "private") return;
    const { from, text, kind } = event.message;
    if (!from.startsWith("bot@")) return;
    told.push({ where: "room" in event.message ? event.message.room : "private", text, kind });
    waiting?.();
  });
  const next = async () => {
    while (told.length === 0) await new Promise<void>((resolve) => (waiting = resolve));
    return told.shift();
  };
  return {
    client,
    next,
    async inRoom(line: string) {
      await client.say("#tea", line);
      return (await next())?.text;
    },
    async apart(line: string) {
      await client.tell("bot@test", line);
      return next();
    },
  };
}

describe("the bot", () => {
  test("rolls dice where it was asked, in a notice", async () => {
    const ann = await person("ann");
    expect(await ann.inRoom("!roll 2d6")).toBe("4 + 4 = 8");
    expect(await ann.apart("roll")).toEqual({ where: "private", text: "4", kind: "notice" });
    expect(await ann.inRoom("!Roll d100")).toBe("51");
    expect(await ann.inRoom("!roll 3")).toBe("4 + 4 + 4 = 12");
    for (const wrong of [
      "!roll 21d6",
      "!roll 0d6",
      "!roll 1d1",
      "!roll d1001",
      "!roll d",
      "!roll x",
    ])
      expect(await ann.inRoom(wrong)).toContain("up to 20 dice of 2 to 1000 sides");
  });

  test("holds a poll in which everybody has one vote", async () => {
    const [bea, cid] = [await person("bea"), await person("cid")];
    expect(await bea.inRoom("!vote 1")).toStartWith("there is no poll here");
    await cid.next();
    expect(await bea.inRoom("!poll Tea? | Green | Black")).toBe(
      "Tea? 1. Green (0), 2. Black (0); !vote NUMBER votes",
    );
    await cid.next();
    for (const [vote, text] of [
      ["!vote 1", "Tea? 1. Green (1), 2. Black (0)"],
      ["!vote 2", "Tea? 1. Green (0), 2. Black (1)"],
      ["!vote 3", "expected a number from 1 to 2: !vote 1"],
      ["!vote", "expected a number from 1 to 2: !vote 1"],
    ] as const) {
      expect(await cid.inRoom(vote)).toBe(text);
      await bea.next();
    }
    expect(await cid.inRoom("!close")).toBe("a poll is closed by whoever asked");
    await bea.next();
    expect(await cid.inRoom("!poll More? | a | b")).toContain("there is a poll already");
    await bea.next();
    expect(await bea.inRoom("!poll")).toBe("Tea? 1. Green (0), 2. Black (1)");
    expect(await bea.inRoom("!close")).toBe("the poll is over: Tea? 1. Green (0), 2. Black (1)");
    for (const wrong of ["!poll Tea?", "!poll Tea? | one", `!poll Tea? | ${"x".repeat(201)} | y`])
      expect(await bea.inRoom(wrong)).toStartWith("expected a question and");
  });

  test("reminds, keeps reminders over its end, and refuses too many", async () => {
    const dan = await person("dan");
    expect((await dan.apart("!remind 1s the kettle"))?.text).toBe("I remind you in 1s");
    expect((await dan.next())?.text).toBe("dan@test: the kettle");
    for (let n = 1; n <= 10; n++)
      expect((await dan.apart(`!remind ${n}h tea`))?.text).toBe(`I remind you in ${n}h`);
    expect((await dan.apart("!remind 1h more"))?.text).toContain("expected up to 10");
    for (const wrong of ["!remind", "!remind 0s x", "!remind 21d x", "!remind 1y x", "!remind 1h"])
      expect((await dan.apart(wrong))?.text).toStartWith("!remind 10m TEXT: expected");
    const kept = JSON.parse(await readFile(reminders(), "utf8")) as { at: number }[];
    expect(kept).toHaveLength(10);
    await bot.close();
    // Meanwhile the first one falls due.
    const late = kept.map((one, index) => (index === 0 ? { ...one, at: 1 } : one));
    await writeFile(reminders(), JSON.stringify(late));
    bot = await start();
    expect((await dan.next())?.text).toBe("dan@test: tea");
    expect((await dan.apart("!remind 1h again"))?.text).toBe("I remind you in 1h");
  });

  test("answers no notice, nothing without a mark in a room, and says what it does", async () => {
    const eve = await person("eve");
    await eve.client.say("#tea", "!roll", { kind: "notice" });
    await eve.client.say("#tea", "roll");
    await eve.client.say("#tea", "!nothing of mine");
    expect(await eve.inRoom("!roll")).toBe("4");
    expect((await eve.apart("hello"))?.text).toBe("I don't know hello; !help tells what I do");
    expect((await eve.apart("help"))?.text).toStartWith("!roll");
    for (let line = 2; line <= 5; line++) expect((await eve.next())?.where).toBe("private");
  });

  test("does not start with a file that is none of its own", async () => {
    const file = join(folder, "other.json");
    await writeFile(file, '[{"id":1}]');
    const options = { nick: "bot2", server, rooms: [], reminders: file, log: () => {} };
    const why = await startBot(options).catch(String);
    expect(why).toEndWith("expected a list of reminders");
  });
});
