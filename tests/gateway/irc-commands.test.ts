// The commands of the server and its plugins, as people run them who come by IRC.

import { expect, test } from "bun:test";
import * as v from "valibot";
import authGuest from "../../plugins/auth-guest.ts";
import authSqlite from "../../plugins/auth-sqlite.ts";
import { LIMITS } from "../../src/limits.ts";
import { command, definePlugin, deny } from "../../src/plugin.ts";
import { startIrc } from "./irc.ts";

const words = v.array(v.string());
const say = (args: readonly string[]) => ({ text: args.join("|") });
const held: (() => void)[] = [];
const games = definePlugin({
  name: "games",
  setup: () => ({
    onCommand: ({ words: [first] }) => (first === "13" ? deny("13 brings bad luck") : undefined),
    commands: {
      roll: command({
        about: "rolls dice",
        usage: "DICE",
        open: "everybody",
        args: words,
        run: say,
      }),
      dare: command({
        about: "dares somebody",
        usage: "NICK@SERVER TEXT",
        open: "everybody",
        args: words,
        run: say,
      }),
      topic: command({ about: "draws a topic", open: "everybody", args: words, run: say }),
      load: command({ about: "loads dice", role: "dealer", args: words, run: say }),
      rules: command({
        about: "tells them",
        open: "everybody",
        args: words,
        run: () => ({ text: `be kind\n${"x ".repeat(300)}` }),
      }),
      flood: command({
        about: "tells a lot",
        open: "everybody",
        args: words,
        run: () => ({ text: "x\n".repeat(300_000) }),
      }),
      wait: command({
        about: "waits",
        open: "everybody",
        args: words,
        run: () => new Promise((resolve) => held.push(() => resolve({ text: "over" }))),
      }),
    },
  }),
});

async function start() {
  const auth = authSqlite({ scramIterations: LIMITS.scramIterationsMin });
  const server = await startIrc({ plugins: [auth, authGuest(), games()] });
  await server.run("user-add", "ann", "secret", "operator", "dealer");
  return server;
}

test("a plugin's command is its name, or RUN and its name where IRC has the same", async () => {
  await using server = await start();
  const ben = await server.irc("ben");
  const answer = async (line: string) => (await ben.ask(line)).join("\n");
  expect(await answer("ROLL 2d6")).toBe(":paris NOTICE ben :2d6");
  expect(await answer("run Roll 2d6")).toBe(":paris NOTICE ben :2d6");
  expect(await answer("RUN topic a b")).toBe(":paris NOTICE ben :a|b");
  expect(await answer("TOPIC")).toBe(":paris 461 ben TOPIC :Not enough parameters");
  expect(await answer("RUN")).toBe(":paris 461 ben RUN :Not enough parameters");
  for (const line of ["NOSUCH a", "RUN nosuch", "RUN NOSUCH a"])
    expect((await answer(line)).toLowerCase()).toBe(":paris 421 ben nosuch :unknown command");
});

test("its words are read as its usage says, and its answer is cut to lines", async () => {
  await using server = await start();
  const ben = await server.irc("ben");
  expect(await ben.ask("DARE cleo/lyon eat a lemon", "DARE ann@paris :a/b  c")).toEqual([
    ":paris NOTICE ben :cleo@lyon|eat a lemon",
    ":paris NOTICE ben :ann@paris|a/b  c",
  ]);
  const [first, ...rest] = await ben.ask("RULES");
  expect(first).toBe(":paris NOTICE ben :be kind");
  expect(rest).toHaveLength(2);
});

test("an answer of a great many lines costs nobody the session", async () => {
  await using server = await start();
  const ben = await server.irc("ben");
  const max = LIMITS.ircNoticeLinesMax;
  ben.send("FLOOD");
  await ben.until((line) => ben.ended || line.includes(" more lines"));
  expect(ben.lines.at(-1)).toBe(`:paris NOTICE ben :(${300_000 - max} more lines)`);
  expect(ben.lines.filter((line) => line.includes(" NOTICE "))).toHaveLength(max + 1);
});

test("who may not run a command does not know of it, and a plugin may deny it", async () => {
  await using server = await start();
  const [ann, ben] = [await server.irc("annie"), await server.irc("ben")];
  expect(await ben.ask("LOAD 6")).toEqual([":paris 421 ben LOAD :Unknown command"]);
  await ann.ask("OPER ann secret");
  expect((await ann.ask("LOAD 6")).at(-1)).toBe(":paris NOTICE annie :6");
  expect(await ben.ask("ROLL 13")).toEqual([":paris NOTICE ben :13 brings bad luck"]);
  const stranger = await server.stranger();
  stranger.send("ROLL 6");
  await stranger.until((line) => line.endsWith("451 * :You have not registered"));
});

test("one that takes long holds nothing back, and its answer keeps its label", async () => {
  await using server = await start();
  const ben = await server.irc("ben", ["labeled-response", "batch"]);
  expect(await ben.ask("@label=a WAIT", "ROLL 6")).toEqual([":paris NOTICE ben :6"]);
  held.shift()?.();
  await ben.until((line) => line === "@label=a :paris NOTICE ben :over");
});

test("HELP lists those that are open, and tells how each is used", async () => {
  await using server = await start();
  const ben = await server.irc("ben");
  const index = (await ben.ask("HELP")).join("\n");
  expect(index).toContain(":paris 705 ben index :ROLL DARE TOPIC RULES FLOOD WAIT\n");
  expect(index).not.toContain("LOAD");
  expect(await ben.ask("HELP roll")).toEqual([
    ":paris 704 ben ROLL :ROLL:",
    ":paris 705 ben ROLL :RUN ROLL DICE: rolls dice.",
    ":paris 706 ben ROLL :End of /HELP",
  ]);
  expect((await ben.ask("HELP topic")).slice(1, -1)).toEqual([
    ":paris 705 ben TOPIC :TOPIC #room [:text]: what it is about, or sets it.",
    ":paris 705 ben TOPIC :RUN TOPIC: draws a topic.",
  ]);
  expect(await ben.ask("HELP load")).toEqual([
    ":paris 524 ben load :No help available on this topic",
  ]);
});
