// Four servers in a chain, merged in pairs and then together, with two people on each: what they
// say, and the files that they send, as real processes see it.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Program, type ServerProgram, Stage } from "./servers.ts";

/** For a machine that is slow. */
const TEST_MS = 120_000;
const MESSAGES_EACH = 25;
/** Between two lines of chat beside a large file. */
const CHAT_MS = 50;
/** The last of the servers that are named is merged into the chain a, b, d, c. */
const FUSION = ["a", "b", "c", "d"];
/** By server; the zoes are namesakes. */
const NICKS = { a: ["ann", "bea"], b: ["zoe", "ben"], c: ["zoe", "cat"], d: ["dan", "deb"] };

const stage = new Stage();
const servers = new Map<string, ServerProgram>();
const chats = new Map<string, Program>();

beforeAll(async () => {
  await Promise.all(FUSION.map(async (name) => servers.set(name, await stage.serve(name))));
  const entering = Object.entries(NICKS).flatMap(([server, nicks]) =>
    nicks.map(async (nick) => {
      const downloads = ["--downloads", folderOf(`${nick}@${server}`), "--accept", "all"];
      chats.set(`${nick}@${server}`, await stage.chat(nick, serverOf(server), ...downloads));
    }),
  );
  await Promise.all(entering);
}, TEST_MS);
afterAll(() => stage.close());

describe("four servers", () => {
  test(
    "are one fusion after A merged B, C merged D, and B merged D",
    async () => {
      for (const [from, to, fusion] of [
        ["a", "b", ["a", "b"]],
        ["c", "d", ["c", "d"]],
        ["b", "d", FUSION],
      ] as const) {
        const answer = await serverOf(from).run(`merge ${serverOf(to).address}`);
        expect(answer).toMatchObject({ ok: true, state: "merged", server: to, fusion });
      }
      const told = [...servers.values(), ...chats.values()].map((one) =>
        one.when({ event: "merged", fusion: FUSION }),
      );
      await Promise.all(told);
      const links = (await serverOf("a").run("map"))["links"] as readonly Edge[];
      expect(
        links.map(({ a, b, state }) => `${[a, b].toSorted().join()} ${state}`).toSorted(),
      ).toEqual(["a,b tree", "b,d tree", "c,d tree"]);
    },
    TEST_MS,
  );

  test(
    "bring every public message to all eight clients, once, in its sender's order",
    async () => {
      for (const [address, chat] of chats) {
        chat.type(...Array.from({ length: MESSAGES_EACH }, (_, i) => `${i} of ${address}`));
      }
      const count = MESSAGES_EACH * chats.size;
      await allHear(count);
      // Whatever came twice or late would stand before these.
      for (const chat of chats.values()) chat.type("the end");
      await allHear(count + chats.size);
      for (const [address, chat] of chats) {
        for (const from of chats.keys()) {
          const texts = chat.heard.all({ event: "message", from }).map(({ text }) => text);
          const said = Array.from({ length: MESSAGES_EACH }, (_, i) => `${i} of ${from}`);
          expect(texts, `${address} hears ${from}`).toEqual([...said, "the end"]);
        }
        await chat.heard.whenSome({ event: "ack" }, MESSAGES_EACH + 1); // behind the log's commit
        expect(chat.heard.all({ event: "ack" })).toHaveLength(MESSAGES_EACH + 1);
        expect(chat.heard.all({ event: "error" })).toEqual([]);
      }
    },
    TEST_MS,
  );

  test(
    "bring a private message over three hops to the right one of two namesakes",
    async () => {
      chatOf("ann@a").type("/msg zoe@c only for you");
      const heard = { event: "private", from: "ann@a", to: "zoe@c", text: "only for you" };
      await chatOf("zoe@c").when(heard);
      await chatOf("ann@a").when({ event: "ack", to: "zoe@c", outcome: "delivered" });
      // The other one hears what is said to her after it, and nothing before it.
      chatOf("ann@a").type("/msg zoe@b and this for you");
      await chatOf("zoe@b").when({ event: "private" });
      expect(
        chatOf("zoe@b")
          .heard.all({ event: "private" })
          .map(({ text }) => text),
      ).toEqual(["and this for you"]);
      expect(chatOf("zoe@c").heard.all({ event: "private" })).toHaveLength(1);
    },
    TEST_MS,
  );

  test(
    "bring a small file over three hops to the right one of two namesakes",
    async () => {
      const file = join(stage.folder, "note für zoë.txt");
      writeFileSync(file, "to be read by one zoe only\n");
      await send("ann@a", "zoe@c", file);
      expect(chatOf("zoe@b").heard.all({ event: "offer" })).toEqual([]);
    },
    TEST_MS,
  );

  test(
    "bring 100 MB over three hops with chat beside it",
    () => sendWhileChatting("ann@a", "zoe@c"),
    TEST_MS,
  );
});

test(
  "one server brings 100 MB from one client to another with chat beside it",
  () => sendWhileChatting("dan@d", "deb@d"),
  TEST_MS,
);

interface Edge {
  readonly a: string;
  readonly b: string;
  readonly state: string;
}

// --- internal ------------------------------------------------------------------------------------

function serverOf(name: string): ServerProgram {
  return servers.get(name)!;
}

function chatOf(address: string): Program {
  return chats.get(address)!;
}

function folderOf(address: string): string {
  return join(stage.folder, "downloads", address);
}

async function allHear(count: number): Promise<void> {
  const heard = [...chats.values()].map((chat) => chat.heard.whenSome({ event: "message" }, count));
  await Promise.all(heard);
}

/** Sends a file and compares what arrives; resolves to how long it took from its acceptance. */
async function send(from: string, to: string, file: string): Promise<number> {
  const [sender, receiver] = [chatOf(from), chatOf(to)];
  const marks = [sender.heard.lines.length, receiver.heard.lines.length] as const;
  sender.type(`/send ${to} ${file}`);
  await sender.when({ event: "accepted" }, marks[0]);
  const began = performance.now();
  const sent = await sender.when({ event: "sent" }, marks[0]);
  const ms = performance.now() - began;
  const received = await receiver.when({ event: "received" }, marks[1]);
  const sha256 = await sha256Of(file);
  expect(sent).toMatchObject({ sha256, size: Bun.file(file).size });
  expect(received).toMatchObject({ sha256, name: sent["name"] });
  expect(await sha256Of(String(received["path"]))).toBe(sha256);
  return ms;
}

async function sha256Of(file: string): Promise<string> {
  const hash = new Bun.CryptoHasher("sha256");
  for await (const chunk of Bun.file(file).stream()) hash.update(chunk);
  return hash.digest("hex");
}

/** Bun's own executable goes from one to the other, and meanwhile a line of chat every 50 ms. */
async function sendWhileChatting(from: string, to: string): Promise<void> {
  const file = process.execPath;
  const receiver = chatOf(to);
  const mark = receiver.heard.lines.length;
  const said = new Map<string, number>();
  const delays: number[] = [];
  const stop = receiver.heard.on(({ event, text }) => {
    const at = event === "message" ? said.get(String(text)) : undefined;
    if (at !== undefined) delays.push(performance.now() - at);
  });
  const chatter = setInterval(() => {
    const text = `beside ${from} ${said.size}`;
    said.set(text, performance.now());
    chatOf(from).type(text);
  }, CHAT_MS);
  const ms = await send(from, to, file).finally(() => clearInterval(chatter));
  chatOf(from).type("that was the file");
  await receiver.when({ event: "message", text: "that was the file" }, mark);
  stop();
  expect(delays).toHaveLength(said.size);
  const sorted = delays.toSorted((a, b) => a - b);
  const at = (part: number) => sorted[Math.ceil(part * sorted.length) - 1]!.toFixed(1);
  const rate = Bun.file(file).size / 1e6 / (ms / 1000);
  const figures = `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms of ${sorted.length} lines`;
  console.log(`${from} to ${to}: ${rate.toFixed(0)} MB/s; chat beside it: ${figures}`);
}
