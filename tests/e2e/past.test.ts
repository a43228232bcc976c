// What was said, for people: two merged servers, each with its log in SQLite, and chats that read,
// search and export it, on a terminal and as JSON; also over a kill -9 and of a log that is older.

import { Database } from "bun:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Program, type ServerProgram, Stage } from "./servers.ts";
import { hasTmux, Terminal } from "./terminal.ts";

const TEST_MS = 120_000;
const MAIN = join(import.meta.dir, "../../src/cli/main.ts");
const stage = new Stage();
const terminals: Terminal[] = [];
let paris: ServerProgram;
let lyon: ServerProgram;
let ann: Program;
let bob: Program;

const textsOf = (line: unknown) =>
  (line as { messages: { text: string }[] }).messages.map(({ text }) => text);

/** Types a line, and resolves to what answers it. */
async function ask(chat: Program, line: string, event: string) {
  const from = chat.heard.lines.length;
  chat.type(line);
  return chat.when({ event }, from);
}

beforeAll(async () => {
  [paris, lyon] = await Promise.all([stage.serve("paris"), stage.serve("lyon")]);
  expect(await paris.run(`merge ${lyon.address}`)).toMatchObject({ ok: true });
  ann = await stage.chat("ann", paris);
  bob = await stage.chat("bob", lyon);
  await ask(ann, "/join #tea", "ack");
  await ask(bob, "/join #tea", "ack");
  await ask(ann, "/join &here", "ack");
  const said: [Program, string][] = [
    [ann, "/say #tea a cup of tea?"],
    [bob, "/say #tea Yes, a CUP please"],
    [ann, "/say &here tea is at four, here only"],
    [ann, "crème brûlée for everybody"],
    [bob, "nobody finds this"],
  ];
  for (const [who, line] of said) expect(await ask(who, line, "ack")).toMatchObject({});
  await ann.when({ event: "message", text: "nobody finds this" });
  await bob.when({ event: "message", text: "crème brûlée for everybody" });
}, TEST_MS);
afterAll(async () => {
  await Promise.all(terminals.map((terminal) => terminal.close()));
  await stage.close();
});

describe("as JSON", () => {
  test(
    "/search finds words in all rooms, in one, by a person, and in no room of others",
    async () => {
      expect(textsOf(await ask(ann, "/search cup", "found"))).toEqual([
        "a cup of tea?",
        "Yes, a CUP please",
      ]);
      expect(textsOf(await ask(bob, "/search tea", "found"))).toEqual(["a cup of tea?"]);
      expect(textsOf(await ask(ann, "/search tea", "found"))).toHaveLength(2);
      expect(textsOf(await ask(bob, "/search from:ann@paris cup", "found"))).toHaveLength(1);
      expect(textsOf(await ask(bob, "/search in:#lobby creme brulee", "found"))).toHaveLength(1);
      expect(textsOf(await ask(bob, '/search "please cup"', "found"))).toEqual([]);
      expect(await ask(bob, "/search in:&here tea", "error")).toMatchObject({
        code: "NOT_IN_ROOM",
      });
      expect(await ask(bob, "/search ***", "error")).toMatchObject({ code: "BAD_REQUEST" });
      expect(await ask(bob, "/search", "error")).toMatchObject({ code: "USAGE" });
    },
    TEST_MS,
  );

  test(
    "/history goes back before a message",
    async () => {
      const first = await ask(bob, "/history #tea 1", "history");
      expect(textsOf(first)).toEqual(["Yes, a CUP please"]);
      const [{ id = "" } = {}] = first["messages"] as { id?: string }[];
      expect(textsOf(await ask(bob, `/history #tea 5 ${id}`, "history"))).toEqual([
        "a cup of tea?",
      ]);
    },
    TEST_MS,
  );

  test(
    "/export writes a room into a new file, and over none",
    async () => {
      const path = join(stage.folder, "tea.jsonl");
      expect(await ask(bob, `/export #tea ${path}`, "exported")).toMatchObject({
        room: "#tea",
        path,
        messages: 2,
      });
      const lines = readFileSync(path, "utf8").trimEnd().split("\n");
      expect(lines.map((line) => (JSON.parse(line) as { text: string }).text)).toEqual([
        "a cup of tea?",
        "Yes, a CUP please",
      ]);
      expect(await ask(bob, `/export #tea ${path}`, "error")).toMatchObject({
        code: "FILE_UNWRITABLE",
      });
      expect(await ask(bob, "/export &here", "error")).toMatchObject({ code: "NOT_IN_ROOM" });
    },
    TEST_MS,
  );

  test(
    "the backlog comes at entering and at joining, where it is asked for, before all else",
    async () => {
      const eve = await stage.chat("eve", lyon, "--backlog", "1");
      expect(await eve.when({ event: "backlog" })).toMatchObject({
        room: "#lobby",
        messages: [{ text: "nobody finds this" }],
      });
      await ask(eve, "/join #tea", "ack");
      expect(textsOf(await eve.when({ event: "backlog", room: "#tea" }))).toEqual([
        "Yes, a CUP please",
      ]);
      expect(eve.heard.all({ event: "message" })).toEqual([]);
      expect(ann.heard.all({ event: "backlog" })).toEqual([]);
      const wrong = stage.run("chat", `fay@${lyon.address}`, "--backlog", "many");
      expect(await wrong.exited()).toBe(2);
      eve.type("/quit");
      expect(await eve.exited()).toBe(0);
    },
    TEST_MS,
  );
});

describe.skipIf(!hasTmux)("on a terminal (needs tmux)", () => {
  test(
    "the backlog is shown at entering, and what is found, and what was exported",
    async () => {
      const { folder, env } = stage;
      const words = [process.execPath, MAIN, "chat", `gus@${paris.address}`];
      const gus = new Terminal(words.map((one) => `'${one}'`).join(" "), { folder, env });
      terminals.push(gus);
      const rows = await gus.shows(/^-- so far in #lobby$/);
      expect(rows.join("\n")).toMatch(/ann@paris: crème brûlée for everybody\n.*nobody finds this/);
      gus.type("/join #tea\r");
      await gus.shows(/^-- so far in #tea$/);
      gus.type("/search please\r");
      await gus.shows(/^-- 1 found$/);
      gus.type("/search nowhere\r");
      await gus.shows(/^-- nothing is found$/);
      gus.type("/exp\t#tea ~/gus.txt\r");
      await gus.shows(/^-- 2 messages of #tea are in /);
      const lines = readFileSync(join(folder, "gus.txt"), "utf8").split("\n");
      expect(lines[1]).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d bob@lyon: Yes, a CUP please$/);
      gus.type("/quit\r");
      await gus.shows(/^\[ended with 0\]$/);
    },
    TEST_MS,
  );
});

test(
  "after a kill -9 all is found; a log without an index is put into one, and works meanwhile",
  async () => {
    const { port } = lyon;
    await lyon.kill();
    const file = join(stage.folder, "data/lyon/log-sqlite/log.sqlite");
    // What an older version has left.
    const database = new Database(file);
    database.run(`DROP TABLE words; DROP TABLE indexed; DROP TABLE conversations;
      ALTER TABLE batches DROP COLUMN cut; PRAGMA user_version = 1`);
    database.close();
    lyon = await stage.serve("lyon", { port });
    const cat = await stage.chat("cat", lyon);
    await ask(cat, "/join #tea", "ack");
    await ask(cat, "/say #tea one more cup", "ack");
    for (;;) {
      const texts = textsOf(await ask(cat, "/search cup", "found"));
      expect(texts.at(-1)).toBe("one more cup");
      if (texts.length === 3) break;
    }
    expect(textsOf(await ask(cat, "/history #tea", "history"))).toHaveLength(3);
  },
  TEST_MS,
);
