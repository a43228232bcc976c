// What people do to messages and to each other, over two merged servers, by real processes: as JSON
// lines, on a terminal, over a kill -9, and on the disk.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Line, type Program, type ServerProgram, Stage } from "./servers.ts";
import { hasTmux, Terminal } from "./terminal.ts";

const TEST_MS = 120_000;
const MAIN = join(import.meta.dir, "../../src/cli/main.ts");
const stage = new Stage();
const password = join(stage.folder, "password");
let paris: ServerProgram;
let lyon: ServerProgram;
let ana: Program;
let bob: Program;

const logIn = () => stage.chat("ana", paris, "--password-file", password);
/** Types a line; resolves to what it is answered. */
async function ask(chat: Program, line: string, event = "ack"): Promise<Line> {
  const from = chat.heard.lines.length;
  chat.type(line);
  return chat.when({ event }, from);
}
/** Says something; resolves to its id, when the other has heard it. */
async function say(by: Program, to: Program, text: string): Promise<string> {
  const { id } = await ask(by, text);
  await to.when({ event: "message", id, text });
  return String(id);
}

beforeAll(async () => {
  [paris, lyon] = await Promise.all([stage.serve("paris"), stage.serve("lyon")]);
  expect(await paris.run("user-add ana correct-horse")).toMatchObject({ ok: true });
  writeFileSync(password, "correct-horse\n");
  expect(await paris.run(`merge ${lyon.address}`)).toMatchObject({ ok: true });
  [ana, bob] = [await logIn(), await stage.chat("bob", lyon)];
}, TEST_MS);
afterAll(() => stage.close());

describe("as JSON", () => {
  test(
    "an answer, a thread, a reaction, an edit and a deletion name their message on both servers",
    async () => {
      const id = await say(ana, bob, "what about nine?");
      const of = { from: "ana@paris", text: "what about nine?" };
      expect(await ask(bob, "/reply ana yes")).toMatchObject({ about: id });
      expect(await ana.when({ event: "message", text: "yes" })).toMatchObject({ about: id, of });
      expect(await ask(bob, `/thread ${id} or ten`)).toMatchObject({ thread: id });
      expect(await ana.when({ event: "message", text: "or ten" })).toMatchObject({ thread: id });
      for (const [command, kind] of [
        ["react", "reaction"],
        ["unreact", "unreaction"],
        ["react", "reaction"],
      ] as const) {
        const from = ana.heard.lines.length;
        await ask(bob, `/${command} ^ 👍`);
        expect(await ana.when({ event: "message", kind }, from)).toMatchObject({ about: id, of });
      }
      await ask(ana, "/edit ^ what about eight?");
      expect(await bob.when({ event: "message", kind: "edit" })).toMatchObject({
        about: id,
        text: "what about eight?",
      });
      const { messages } = await ask(bob, "/history #lobby 20", "history");
      expect((messages as Line[]).find((one) => one["id"] === id)).toMatchObject({
        edited: { text: "what about eight?" },
        reactions: [{ text: "👍", count: 1, by: ["bob@lyon"] }],
      });
      const refused = async (line: string) => (await ask(bob, line, "error"))["code"];
      expect(await refused(`/edit ${id} mine`)).toBe("NOT_PERMITTED");
      expect(await refused(`/delete ${id}`)).toBe("NOT_PERMITTED");
      expect(await refused("/reply nobody hi")).toBe("NO_SUCH_MESSAGE");
      expect(await refused(`/react ${id} two words`)).toBe("USAGE");
    },
    TEST_MS,
  );

  test(
    "what is deleted is on no disk any more, also after a kill -9, and is not edited again",
    async () => {
      const secret = "xyzzy-plugh";
      const id = await say(ana, bob, `one ${secret}`);
      await ask(ana, `/edit ^ two ${secret}`);
      await bob.when({ event: "message", kind: "edit", about: id, text: `two ${secret}` });
      expect(filesWith(secret).length).toBeGreaterThan(1);
      await ask(ana, `/delete ${id} a slip`);
      await bob.when({ event: "message", kind: "delete", about: id, text: "a slip" });
      expect(await ask(ana, `/edit ${id} no`, "error")).toMatchObject({ code: "NO_SUCH_MESSAGE" });
      // Behind it in both servers' logs, so that what was to be removed is.
      expect(await ask(bob, `/reply ${id} no`, "error")).toMatchObject({ code: "NO_SUCH_MESSAGE" });
      await Promise.all([paris.run("status"), lyon.run("status")]);
      await paris.kill();
      await ana.when({ event: "connection", state: "lost" });
      paris = await stage.serve("paris", { port: paris.port });
      await ana.when({ event: "connection", state: "back" });
      await say(ana, bob, "all is back");
      expect(filesWith(secret)).toEqual([]);
      for (const chat of [ana, bob]) {
        const { messages } = await ask(chat, "/history #lobby 50", "history");
        expect(JSON.stringify(messages)).not.toContain(secret);
      }
    },
    TEST_MS,
  );

  test(
    "who is away, who is ignored and what was read hold over both servers and a new login",
    async () => {
      expect(await ask(ana, "/away lunch")).toMatchObject({ away: "lunch" });
      expect(await bob.when({ event: "away", who: "ana@paris" })).toMatchObject({ away: "lunch" });
      expect(await ask(bob, "/whois ana@paris", "whois")).toMatchObject({ away: "lunch" });
      const told = await ask(bob, "/msg ana@paris hi");
      expect(told).toMatchObject({ outcome: "delivered", away: "lunch" });
      expect(await ask(ana, "/back")).toMatchObject({ away: null });
      const id = await say(bob, ana, "read me, @ana");
      const mentions = ["ana@paris"];
      expect(await ana.when({ event: "message", id })).toMatchObject({ mentions });
      expect(await ask(ana, `/read #lobby ${id}`, "read")).toMatchObject({ room: "#lobby", id });
      expect(await ask(ana, "/ignore bob@lyon")).toMatchObject({ address: "bob@lyon" });
      expect(await ask(bob, "/msg ana@paris hello?", "error")).toMatchObject({ code: "BLOCKED" });
      await ask(bob, "not heard");
      ana.type("/quit");
      await ana.exited();
      ana = await logIn();
      expect(await ask(ana, "/ignored", "ignored")).toMatchObject({
        people: [{ address: "bob@lyon" }],
      });
      expect(await ask(ana, "/read #lobby", "read")).toMatchObject({ id });
      await ask(bob, "not heard either");
      await ask(ana, "/unignore bob@lyon");
      await say(bob, ana, "heard again");
      expect(ana.heard.all({ event: "message", text: "not heard either" })).toEqual([]);
    },
    TEST_MS,
  );
});

describe.skipIf(!hasTmux)("on a terminal (needs tmux)", () => {
  test(
    "all of it is a line that says to which message",
    async () => {
      const { folder, env } = stage;
      const words = [process.execPath, MAIN, "chat", `cat@${lyon.address}`];
      const cat = new Terminal(words.map((one) => `'${one}'`).join(" "), { folder, env });
      try {
        await cat.shows(/^cat@lyon>$/);
        const id = await say(ana, bob, "shall we, @cat?");
        await cat.shows(/ » ana@paris: shall we, @cat\?$/);
        cat.type("half a");
        const typing = await bob.when({ event: "typing", who: "cat@lyon" });
        expect(typing).toMatchObject({ room: "#lobby" });
        cat.type("\u0015/reply ana yes\r");
        await cat.shows(/ cat@lyon \(to ana@paris “shall we, @cat\?”\): yes$/);
        cat.type("/react ana 👍\r");
        await cat.shows(/^-- cat@lyon: 👍 to ana@paris “shall we, @cat\?”$/);
        cat.type("/unreact ana 👍\r");
        await cat.shows(/^-- cat@lyon takes 👍 back from ana@paris/);
        cat.type("/thread ana a thought\r");
        await cat.shows(/ cat@lyon \(in the thread of ana@paris “shall we, @cat\?”\): a thought$/);
        cat.type("/edit ^ a second thought\r");
        await cat.shows(/ cat@lyon \(instead of “a thought”\): a second thought$/);
        cat.type("/delete ^ never mind\r");
        await cat.shows(/^-- cat@lyon has deleted “a second thought” of \d\d:\d\d: never mind$/);
        await ask(ana, "/away lunch");
        await cat.shows(/^-- ana@paris is away \(lunch\)$/);
        cat.type("/ignore bob\r");
        await cat.shows(/^-- you hear nothing more of bob@lyon$/);
        cat.type("/away\r");
        await cat.shows(/^-- you are away$/);
        cat.type("/back\r");
        await cat.shows(/^-- you are back$/);
        cat.type(`/read #lobby ${id}\r`);
        await cat.shows(/^-- #lobby is read up to \d\d:\d\d ana@paris “shall we, @cat\?”$/);
        cat.type("/ignored\r");
        await cat.shows(/^-- you ignore bob@lyon$/);
        cat.type("/unignore bob\r");
        await cat.shows(/^-- you hear again of bob@lyon$/);
        cat.type("/quit\r");
        await cat.shows(/^\[ended with 0\]$/);
      } finally {
        await cat.close();
      }
    },
    TEST_MS,
  );
});

/** Files of all data folders in which a text stands. */
function filesWith(text: string): string[] {
  const folder = join(stage.folder, "data");
  const files = readdirSync(folder, { recursive: true }).map((name) => join(folder, String(name)));
  return files.filter((file) => statSync(file).isFile() && readFileSync(file).includes(text));
}
