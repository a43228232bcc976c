// Plugins' commands for people, at both doors: to whom they are open, what the plugins say about
// them (onCommand), and what a command may not do to others. And who may join a room (onJoin).

import { describe, expect, test } from "bun:test";
import * as v from "valibot";
import { ChatFusionError } from "../../src/errors.ts";
import { LIMITS } from "../../src/limits.ts";
import type { Caller, CommandOffer, JoinOffer, Plugin } from "../../src/plugin.ts";
import { allow, command, definePlugin, deny } from "../../src/plugin.ts";
import { hooksOf, inWorld, type Native, type Stage, STAGES } from "./stage.ts";

const codeOf = (thrown: unknown): unknown =>
  typeof thrown === "object" && thrown !== null && "code" in thrown ? thrown.code : thrown;
const run = ({ client, done }: Native, name: string, ...args: string[]) =>
  done(client.request("command", { name, args }));
const refusal = (by: Native, name: string, ...args: string[]) =>
  run(by, name, ...args).catch(codeOf);

/** ann has an account and a role, cleo an account, all others neither. */
const people = definePlugin({
  name: "auth-people",
  provides: ["auth"],
  setup: () => ({
    onAuth: ({ nick }) =>
      nick === "ann" ? allow("ann", ["player"]) : allow(nick === "cleo" ? "cleo" : undefined),
  }),
});

/** Commands, each open to others; they answer with who has run them. */
function dice(): { readonly plugin: Plugin; readonly callers: Caller[] } {
  const callers: Caller[] = [];
  const answer = (words: readonly string[], caller: Caller) => {
    callers.push(caller);
    return { text: `${caller.person?.nick ?? "operator"}: ${words.join(" ")}` };
  };
  const args = v.array(v.string());
  const plugin = definePlugin({
    name: "dice",
    setup: () => ({
      commands: {
        hers: command({ about: "with a role", role: "player", args, run: answer }),
        theirs: command({ about: "with an account", open: "accounts", args, run: answer }),
        roll: command({ about: "rolls", usage: "SIDES", open: "everybody", args, run: answer }),
        own: command({ about: "for the operator", args, run: answer }),
        hide: command({ about: "a word", secret: true, open: "everybody", args, run: answer }),
      },
    }),
  })();
  return { plugin, callers };
}

describe.each(STAGES)("%s", (_where, open) => {
  test("a command is open to all, to accounts, to a role, or to the console alone", async () => {
    const { plugin, callers } = dice();
    await using stage = await open([people(), plugin]);
    const listed = async (by: Native) => {
      const { commands } = await stage.done(by.client.request("commands", {}));
      return commands.map(({ name }) => name).join(" ");
    };
    const ann = await stage.native("ann");
    const cleo = await stage.native("cleo");
    expect(await listed(ann)).toBe("hers theirs roll hide");
    expect(await listed(cleo)).toBe("theirs roll hide");
    const ben = await stage.line("ben");
    ben.send("COMMANDS", "RUN roll 6", "RUN theirs", "RUN own", "RUN help");
    await ben.until((lines) => lines.filter((line) => /^(DONE|ERR)/.test(line)).length === 4);
    expect(ben.lines).toContain("COMMANDS roll hide");
    expect(ben.lines).toContain("DONE ben: 6");
    for (const name of ["theirs", "own"])
      expect(ben.lines).toContain(`ERR NO_SUCH_COMMAND ${name}: no such command; try help`);
    expect(ben.lines.join("\n")).toMatch(/DONE roll SIDES +rolls hide +a word$/m);
    expect(await run(ann, "hers", "a", "b")).toEqual({ text: "ann: a b" });
    expect(await run(cleo, "theirs")).toEqual({ text: "cleo: " });
    expect(await refusal(cleo, "hers")).toBe("NO_SUCH_COMMAND");
    expect(await refusal(ann, "own")).toBe("NO_SUCH_COMMAND");
    expect(callers.map((one) => [one.by, one.account, one.person?.server])).toEqual([
      ["session", undefined, "paris"],
      ["session", "ann", "paris"],
      ["session", "cleo", "paris"],
    ] as never);
    const operator = { by: "console", roles: [] } as const;
    for (const name of ["hers", "theirs", "roll", "own"])
      expect(await stage.done(stage.server.run([name], operator))).toEqual({ text: "operator: " });
  });

  test("a list of commands has what a person needs to type them", async () => {
    await using stage = await open([people(), dice().plugin]);
    const ben = await stage.native("ben");
    const { commands } = await stage.done(ben.client.request("commands", {}));
    expect(commands).toEqual([
      { name: "roll", usage: "SIDES", about: "rolls", plugin: "dice" },
      { name: "hide", usage: "", about: "a word", plugin: "dice" },
    ]);
  });

  test("a plugin may refuse a command, and is told all but secrets", async () => {
    const { plugin, callers } = dice();
    const offers: CommandOffer[] = [];
    const judge = hooksOf("judge", {
      onCommand(offer) {
        offers.push(offer);
        return offer.words[0] === "13" ? deny("13 brings bad luck") : undefined;
      },
    });
    await using stage = await open([people(), judge, plugin]);
    const ben = await stage.line("ben");
    ben.send("RUN roll 13", "RUN roll 6", "RUN hide 13", "RUN own 13");
    await ben.until((lines) => lines.filter((line) => /^(DONE|ERR)/.test(line)).length === 4);
    expect(ben.lines).toContain("ERR COMMAND_DENIED 13 brings bad luck");
    expect(callers).toHaveLength(2);
    const operator = { by: "console", roles: [] } as const;
    expect(await stage.done(stage.server.run(["own", "13"], operator))).toMatchObject({
      code: "COMMAND_DENIED",
    });
    expect(await stage.done(stage.server.run(["status"], operator))).toHaveProperty("text");
    expect(
      offers.map(({ caller, name, words, plugin: by }) => [caller.by, name, words, by]),
    ).toEqual([
      ["session", "roll", ["13"], "dice"],
      ["session", "roll", ["6"], "dice"],
      ["session", "hide", [], "dice"],
      ["console", "own", ["13"], "dice"],
      ["console", "status", [], undefined],
    ] as never);
  });

  test("a plugin that thinks about a command holds back what is asked behind it", async () => {
    const held: (() => void)[] = [];
    const slow = hooksOf("slow", {
      onCommand: () => new Promise<undefined>((resolve) => held.push(() => resolve(undefined))),
    });
    await using stage = await open([people(), slow, dice().plugin]);
    const [ben, dan] = [await stage.line("ben"), await stage.line("dan")];
    ben.send("RUN roll 6", "SAY #lobby after", "PING end");
    dan.send("SAY #lobby meanwhile");
    await ben.until(() => ben.said.includes("#lobby dan@paris meanwhile"));
    expect(ben.lines).not.toContain("PONG end");
    held[0]?.();
    await ben.until((lines) => lines.includes("PONG end") && lines.includes("DONE ben: 6"));
    await dan.until(() => dan.said.includes("#lobby ben@paris after"));
  });

  test("a plugin may keep somebody out of a room, but never out of the lobby", async () => {
    const offers: JoinOffer[] = [];
    const staff = hooksOf("staff", {
      onJoin(offer) {
        offers.push(offer);
        if (offer.room === "#staff" && offer.person.account === undefined)
          return deny("staff only");
        return undefined;
      },
    });
    await using stage = await open([people(), staff]);
    const ann = await stage.native("ann");
    const ben = await stage.line("ben");
    expect(offers).toEqual([]);
    await stage.done(ann.client.join("#Staff"));
    await stage.done(ann.client.join("#staff")); // is in it: nobody is asked
    ben.send("JOIN #staff", "JOIN #tea", "SAY #staff hi");
    await ben.until((lines) => lines.some((line) => line.startsWith("ERR NOT_IN_ROOM")));
    expect(ben.lines).toContain("ERR JOIN_DENIED staff only");
    expect(offers.map(({ person, room, members }) => [person.nick, room, members])).toEqual([
      ["ann", "#staff", 0],
      ["ben", "#staff", 1],
      ["ben", "#tea", 0],
    ] as never);
    const inRoom = async (room: string) => {
      const who = await stage.done(ann.client.request("who", { room }));
      return who.people.map(({ address }) => address);
    };
    expect(await inRoom("#staff")).toEqual(["ann@paris"]);
    expect(await inRoom("#tea")).toEqual(["ben@paris"]);
  });
});

describe("in a simulated world", () => {
  const rooms = (stage: Stage) => stage.server.status()["rooms"];

  test("one who is gone before a plugin has answered joins and runs nothing", async () => {
    const held: (() => void)[] = [];
    const later = () => new Promise<undefined>((resolve) => held.push(() => resolve(undefined)));
    const { plugin, callers } = dice();
    const slow = hooksOf("slow", { onJoin: later, onCommand: later });
    await using stage = await inWorld([people(), slow, plugin]);
    const [ben, dan] = [await stage.line("ben"), await stage.line("dan")];
    ben.send("JOIN #tea");
    dan.send("RUN roll 6");
    stage.world!.run(50);
    expect(held).toHaveLength(2);
    ben.wire.close("gone");
    dan.wire.close("gone");
    stage.world!.run(50);
    for (const free of held) free();
    stage.world!.run(50);
    expect([rooms(stage), callers]).toEqual([1, []]);
    expect(stage.errors).toEqual([]);
  });

  test("a session has a bounded number of commands that have not answered", async () => {
    const free: (() => void)[] = [];
    const wait = definePlugin({
      name: "wait",
      setup: () => ({
        commands: {
          wait: command({
            about: "waits",
            open: "everybody",
            args: v.strictTuple([]),
            run: () => new Promise((resolve) => free.push(() => resolve({ text: "over" }))),
          }),
        },
      }),
    });
    await using stage = await inWorld([people(), wait()]);
    const [ben, dan] = [await stage.line("ben"), await stage.line("dan")];
    const most = LIMITS.commandsRunningMax;
    ben.send(...Array<string>(most + 1).fill("RUN wait"));
    dan.send("RUN wait");
    await ben.until((lines) => lines.some((line) => line.startsWith("ERR QUEUE_FULL")));
    stage.world!.run(50);
    expect(free).toHaveLength(most + 1);
    for (const one of free.splice(0)) one();
    stage.world!.run(50);
    expect(ben.lines.slice(-most)).toEqual(Array<string>(most).fill("DONE over"));
    ben.send("RUN wait");
    stage.world!.run(50);
    expect(free).toHaveLength(1);
  });

  test("a command that answers wrongly is its plugin's fault, and logged as such", async () => {
    const circle: { self?: unknown } = {};
    circle.self = circle;
    const answers: readonly unknown[] = [
      undefined,
      "a 6",
      { text: 6 },
      { text: "x", data: circle },
      { text: "x".repeat(LIMITS.commandAnswerBytesMax) },
    ];
    const odd = definePlugin({
      name: "odd",
      setup: () => ({
        commands: {
          odd: command({
            about: "answers oddly",
            open: "everybody",
            args: v.tuple([v.string()]),
            run: ([which]) => answers[Number(which)] as never,
          }),
        },
      }),
    });
    await using stage = await inWorld([people(), odd()]);
    const ben = await stage.native("ben");
    for (const which of answers.keys())
      expect(await refusal(ben, "odd", String(which))).toBe("PLUGIN_FAILED");
    expect(await refusal(ben, "odd")).toBe("USAGE");
    expect(stage.errors.map(({ fields }) => [fields["plugin"], fields["command"]])).toEqual(
      answers.map(() => ["odd", "odd"]),
    );
  });

  test("a command that throws says whose fault it is; what it was, the log says", async () => {
    const broken = definePlugin({
      name: "broken",
      setup: () => ({
        commands: {
          roll: command({
            about: "throws",
            open: "everybody",
            args: v.array(v.string()),
            run: ([how]) => {
              if (how === "refuse") throw new ChatFusionError("ROOM_FULL", "no table is free");
              if (how === "late") return Promise.reject(new Error("a secret, late"));
              throw new TypeError("a secret");
            },
          }),
        },
      }),
    });
    await using stage = await inWorld([people(), broken()]);
    const ben = await stage.line("ben");
    ben.send("RUN roll", "RUN roll late", "RUN roll refuse");
    await ben.until((lines) => lines.filter((line) => line.startsWith("ERR")).length === 3);
    const whose = "the plugin broken failed in its command roll";
    expect(ben.lines.filter((line) => line.startsWith("ERR")).toSorted()).toEqual([
      ...Array<string>(2).fill(`ERR PLUGIN_FAILED ${whose}; the operator has it in the log`),
      "ERR ROOM_FULL no table is free",
    ]);
    expect(stage.errors).toHaveLength(2);
    for (const { event, fields } of stage.errors) {
      expect([event, fields["plugin"], fields["command"]]).toEqual([
        "command failed",
        "broken",
        "roll",
      ]);
      expect(fields["error"]).toMatch(/a secret(, late)?\n +at .*commands\.test\.ts:\d+/);
    }
    const told = await stage.done(stage.server.run(["roll"], { by: "console", roles: [] }));
    expect("code" in told && told.text).toMatch(
      /^the plugin broken .*TypeError: a secret \(.*:\d+\)$/,
    );
  });
});
