// Plugins' commands and a bot, over two merged servers: real processes, chats in JSON and on a real
// terminal. On paris stand moderate-rooms, a plugin of the config's own, and limit-rate.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { readLines } from "../../src/serve/lines.ts";
import { type Line, PATIENCE_MS, type Program, type ServerProgram, Stage } from "./servers.ts";
import { hasTmux, Terminal } from "./terminal.ts";

const TEST_MS = 60_000;
const ROOT = join(import.meta.dir, "../..");
const stage = new Stage();
const CONFIG = `
import { command, defineConfig, definePlugin, deny } from "chatfusion";
import authGuest from "chatfusion/plugins/auth-guest";
import authSqlite from "chatfusion/plugins/auth-sqlite";
import fabricTree from "chatfusion/plugins/fabric-tree";
import limitRate from "chatfusion/plugins/limit-rate";
import moderateRooms from "chatfusion/plugins/moderate-rooms";
import * as v from "valibot";

const house = definePlugin({
  name: "house",
  setup: ({ notice }) => ({
    onJoin: ({ person: { account }, room }) =>
      room === "#staff" && account === undefined ? deny("#staff is for accounts") : undefined,
    onCommand: ({ name, words }) =>
      name === "echo" && words[0] === "secret" ? deny("not that") : undefined,
    commands: {
      echo: command({
        about: "says it back",
        usage: "TEXT",
        open: "everybody",
        args: v.strictTuple([v.string()]),
        run([text], { person }) {
          const by = person?.nick ?? "operator";
          return { text: by + ": " + text, data: { text } };
        },
      }),
      ring: command({
        about: "rings a bell in a room",
        usage: "#ROOM on|off",
        open: "accounts",
        args: v.strictTuple([v.string(), v.picklist(["on", "off"])]),
        run: ([room, how]) => (notice(room as never, "the bell is " + how), { text: "rung" }),
      }),
    },
  }),
})();

export default defineConfig({
  name: "unnamed",
  plugins: [
    house,
    authSqlite(),
    authGuest(),
    limitRate(),
    moderateRooms({ words: ["heck"] }),
    fabricTree(),
  ],
});
`;
let paris: ServerProgram;
let lyon: ServerProgram;
let bot: Bun.Subprocess<"ignore", "pipe", "inherit">;
/** With the role of a moderator; with an account; without. */
let max: Program;
let cleo: Program;
let ben: Program;
const password = join(stage.folder, "password");
const terminals: Terminal[] = [];

beforeAll(async () => {
  writeFileSync(password, "correct horse\n");
  [paris, lyon] = await Promise.all([
    stage.serve("paris", { config: CONFIG }),
    stage.serve("lyon"),
  ]);
  for (const roles of [["max", "moderator"], ["cleo"]]) {
    const [nick = "", ...rest] = roles;
    const words = ["user", "add", nick, ...rest, "--server", "paris", "--password-file", password];
    expect(await stage.run(...words).exited()).toBe(0);
  }
  await paris.run(`merge ${lyon.address}`);
  bot = Bun.spawn(
    [process.execPath, join(ROOT, "examples/bot.ts"), `bot@${lyon.address}`, "--room", "#tea"],
    { cwd: stage.folder, env: stage.env, stdin: "ignore", stdout: "pipe", stderr: "inherit" },
  );
  const first = await readLines(bot.stdout).next();
  expect(first.value).toBe("I am bot@lyon, in #lobby, #tea");
  max = await stage.chat("max", paris, "--password-file", password);
  cleo = await stage.chat("cleo", paris, "--password-file", password);
  ben = await stage.chat("ben", paris);
}, TEST_MS);
afterAll(async () => {
  bot.kill("SIGTERM");
  expect(await bot.exited).toBe(0);
  await Promise.all(terminals.map((terminal) => terminal.close()));
  await stage.close();
});

/** Types a line, whose number is counted; resolves to its answer. */
const counts = new Map<Program, number>();
function ask(chat: Program, line: string): Promise<Line> {
  const ref = (counts.get(chat) ?? 0) + 1;
  counts.set(chat, ref);
  chat.type(line);
  return chat.when({ ref });
}

describe("in JSON", () => {
  test(
    "commands are listed to those to whom they are open, and run by their names",
    async () => {
      const listed = async (chat: Program) => {
        const { commands } = await ask(chat, "/help");
        return (commands as { name: string; plugin: string }[]).map((one) => one.name).join(" ");
      };
      expect(await listed(ben)).toBe("echo");
      expect(await listed(cleo)).toBe("echo ring");
      expect(await listed(max)).toBe("echo ring filter slow");
      expect(await ask(ben, "/echo two  words")).toMatchObject({
        event: "answer",
        text: "ben: two  words",
        data: { text: "two  words" },
      });
      expect(await ask(ben, "/run echo again")).toMatchObject({ text: "ben: again" });
      expect(await ask(ben, "/help echo")).toMatchObject({ text: "/echo TEXT: says it back" });
      expect(await paris.run("echo from  here")).toMatchObject({ text: "operator: from  here" });
      for (const [line, code, text] of [
        ["/ehco x", "NO_SUCH_COMMAND", 'unknown command "/ehco" (did you mean /echo?); see /help'],
        ["/slow #tea 5", "NO_SUCH_COMMAND", 'unknown command "/slow"; see /help'],
        ["/run slow #tea 5", "NO_SUCH_COMMAND", "slow: no such command; try help"],
        ["/echo secret", "COMMAND_DENIED", "not that"],
        ["/echo", "USAGE", "a word is missing; usage: echo TEXT"],
        ["/join #staff", "JOIN_DENIED", "#staff is for accounts"],
      ])
        expect(await ask(ben, line!)).toMatchObject({ event: "error", code, text });
      expect(await ask(cleo, "/join #staff")).toMatchObject({ event: "ack", room: "#staff" });
    },
    TEST_MS,
  );

  test(
    "a bot of another server answers in a room of both, and reminds",
    async () => {
      await ask(ben, "/join #tea");
      await ask(ben, "/say #tea !roll 3d1000");
      const rolled = await ben.when({ event: "message", from: "bot@lyon", kind: "notice" });
      expect(rolled).toMatchObject({ room: "#tea" });
      expect(rolled["text"]).toMatch(/^\d+ \+ \d+ \+ \d+ = \d+$/);
      await ask(ben, "/say #tea !poll Tea? | Green | Black");
      await ask(ben, "/say #tea !vote 2");
      await ben.when({ event: "message", text: "Tea? 1. Green (0), 2. Black (1)" });
      await ask(ben, "/msg bot@lyon remind 1s the kettle");
      await ben.when({ event: "private", from: "bot@lyon", text: "I remind you in 1s" });
      await ben.when({ event: "private", from: "bot@lyon", text: "ben@paris: the kettle" });
    },
    TEST_MS,
  );

  test(
    "a moderator filters words and slows a room down for the people of the server",
    async () => {
      const dan = await stage.chat("dan", lyon);
      for (const chat of [max, cleo, dan]) await ask(chat, "/join #tea");
      expect(await ask(max, "/filter refuse hell")).toMatchObject({
        text: "stars: heck\nrefused: hell",
      });
      expect(await ask(cleo, "/say #tea hell")).toMatchObject({
        code: "DROPPED",
        text: '"hell" is not said here',
      });
      await ask(cleo, "/say #tea what the HECK");
      await dan.when({ event: "message", from: "cleo@paris", text: "what the ****" });
      expect(await ask(max, "/slow #tea 600")).toMatchObject({
        data: { room: "#tea", seconds: 600 },
      });
      await cleo.when({ event: "notice", text: "#tea is slow: a message in 600 s", room: "#tea" });
      expect(await ask(cleo, "/say #tea one")).toMatchObject({ event: "ack" });
      const slowed = await ask(cleo, "/say #tea two");
      expect(slowed["text"]).toMatch(/^#tea is slow: a message in 600 s, wait \d+ s$/);
      // lyon keeps its own house.
      for (const text of ["hell", "yes"])
        expect(await ask(dan, `/say #tea ${text}`)).toMatchObject({ event: "ack" });
      expect(await paris.run("slow #tea off")).toMatchObject({ text: "#tea is not slow" });
      expect(await ask(cleo, "/say #tea three")).toMatchObject({ event: "ack" });
    },
    TEST_MS,
  );

  test(
    "what a moderator has set outlives the server, and its commands are there again",
    async () => {
      await ask(max, "/filter add darn");
      await paris.kill();
      await max.when({ event: "connection", state: "lost" });
      paris = await stage.serve("paris", { config: CONFIG, port: paris.port });
      await max.when({ event: "connection", state: "back" });
      expect(await ask(max, "/filter list")).toMatchObject({
        data: { words: ["darn", "heck"], refused: ["hell"] },
      });
    },
    TEST_MS + PATIENCE_MS,
  );
});

describe.skipIf(!hasTmux)("on a terminal (needs tmux)", () => {
  const open = (...args: readonly string[]) => {
    const main = join(ROOT, "src/cli/main.ts");
    const line = [process.execPath, main, ...args].map((one) => `'${one}'`).join(" ");
    const terminal = new Terminal(line, { folder: stage.folder, env: stage.env });
    terminals.push(terminal);
    return terminal;
  };

  test(
    "the server's commands are completed, helped with, and run",
    async () => {
      const terminal = open("chat", `max@${paris.address}`, "--password-file", password);
      await terminal.shows(/^max@paris>$/);
      // The answer to it needs the list of commands, and the Tab key has it then.
      terminal.type("/help ring\r");
      await terminal.shows(/^-- \/ring #ROOM on\|off: rings a bell in a room$/);
      terminal.type("/ri\t#lo\to\t");
      await terminal.shows(/^off {2}on$/);
      await terminal.shows(/^max@paris> \/ring #lobby o$/);
      terminal.type("n\r");
      await terminal.shows(/the bell is on/);
      await terminal.shows(/^-- rung$/);
      terminal.type("/help\r");
      await terminal.shows(/^-- Of this server:$/);
      await terminal.shows(/^-- \/slow #ROOM \[off\|SECONDS\] +so many seconds between two/);
      terminal.type("/slow #tea soon\r");
      await terminal.shows(/^!! .*usage: slow #ROOM \[off\|SECONDS\] \(USAGE\)$/);
      terminal.type("/quit\r");
      await terminal.shows(/^\[ended with 0\]$/);
    },
    TEST_MS,
  );

  test(
    "the console completes a plugin's command and the words of its usage",
    async () => {
      const data = join(stage.folder, "nice");
      const config = join(stage.folder, "paris.config.ts");
      const operator = open("serve", "--name", "nice", "--data", data, "--config", config);
      await operator.shows(/^nice>$/);
      // Key by key: what comes in one piece is taken as pasted.
      for (const [keys, row] of [
        ["fil", /^nice> fil$/],
        ["\t", /^nice> filter$/],
        ["ref", /^nice> filter ref$/],
        ["\t", /^nice> filter refuse$/],
        ["hell", /^nice> filter refuse hell$/],
      ] as const) {
        operator.type(keys);
        await operator.shows(row);
      }
      operator.type("\r");
      await operator.shows(/^refused: hell$/);
      operator.type("stop\r");
      await operator.shows(/^\[ended with 0\]$/);
    },
    TEST_MS,
  );
});
