// What plugins say about what people do, at both doors: chains, vetoes and consent; asynchronous
// hooks, deadlines and faults, which concern nobody but the one who asked.

import { describe, expect, test } from "bun:test";
import authGuest from "../../plugins/auth-guest.ts";
import authSqlite from "../../plugins/auth-sqlite.ts";
import { LIMITS } from "../../src/limits.ts";
import { allow, definePlugin, deny, drop } from "../../src/plugin.ts";
import { hooksOf, inWorld, onSockets, STAGES } from "./stage.ts";

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);

describe.each(STAGES)("%s", (_where, open) => {
  test("a chain of hooks changes and drops the messages of both doors alike", async () => {
    const shout = hooksOf("shout", {
      onMessage: (message) => ({ ...message, text: message.text.toUpperCase() }),
    });
    const quiet = hooksOf("quiet", {
      onMessage: ({ text }) => (text === "SECRET" ? drop("not here") : undefined),
    });
    await using stage = await open([shout, quiet]);
    const ann = await stage.line("ann");
    const ben = await stage.native("ben");
    ann.send("SAY #lobby secret", "SAY #lobby one");
    await ben.untilSaid("ONE");
    expect(await stage.done(ben.client.say("#lobby", "secret").catch(codeOf))).toBe("DROPPED");
    await ben.say("#lobby", "two");
    await ann.until(() => ann.said.length === 1);
    expect(ann.lines).toContain("ERR DROPPED not here");
    expect(ben.said).toEqual(["#lobby ann@paris ONE", "#lobby ben@paris TWO"]);
  });

  test("an asynchronous hook keeps its sender's order and delays nobody else", async () => {
    const held: (() => void)[] = [];
    const slow = hooksOf("slow", {
      async onMessage({ from, text }) {
        if (from.nick !== "ann") return undefined;
        if (text === "3") return drop("three is out");
        await new Promise<void>((resolve) => held.push(resolve));
        return undefined;
      },
    });
    await using stage = await open([slow]);
    const [ann, ben] = [await stage.line("ann"), await stage.line("ben")];
    const cleo = await stage.native("cleo");
    ann.send("CAP time");
    ann.send(...numbers(6).map((index) => `SAY #lobby ${index}`), "PING behind", "JOIN #tea");
    ben.send("SAY #lobby meanwhile");
    await ben.fence();
    await cleo.untilSaid("meanwhile");
    await cleo.say("#lobby", "me too");
    await ann.until(() => ann.said.length === 2);
    expect(ann.lines).not.toContain("PONG behind");
    for (let freed = 0; freed < 5; freed += 1) {
      await ben.fence(); // a turn of the loop: the next one is held by now
      held.shift()?.();
    }
    await ann.until((lines) => lines.includes("PONG behind"));
    expect(ann.lines).toContain("JOINED #tea ann@paris");
    const told = ann.lines.map((line) => line.replace(/^@\d+ SAID #lobby /, ""));
    expect(told.filter((line) => /^(ann@paris \d|PONG|ERR)/.test(line))).toEqual([
      "ann@paris 0",
      "ann@paris 1",
      "ann@paris 2",
      "ERR DROPPED three is out",
      "ann@paris 4",
      "ann@paris 5",
      "PONG behind",
    ]);
  });

  test("who asks faster than a hook decides is paused, and loses nothing", async () => {
    const slow = hooksOf("slow", {
      async onMessage({ from, text }) {
        if (from.nick === "ann" && text.endsWith("0")) await Promise.resolve();
        return undefined;
      },
    });
    await using stage = await open([slow]);
    const ann = await stage.line("ann");
    const ben = await stage.native("ben");
    const count = LIMITS.pendingRequestsMax * 10;
    for (const index of numbers(count / 10))
      ann.send(...numbers(10).map((more) => `SAY #lobby ${index * 10 + more}`));
    await ben.untilSaid(String(count - 1));
    expect(ben.said).toEqual(numbers(count).map((index) => `#lobby ann@paris ${index}`));
  });

  test("a hook that throws is decided closed, and logged with plugin and hook", async () => {
    const broken = hooksOf("broken", {
      onMessage({ text }) {
        if (text === "boom") throw new Error("a bug");
        return undefined;
      },
      onTell: () => Promise.reject(new Error("a late bug")),
      onPresence({ now }) {
        if (now === "offline") throw new Error("a bug at the end");
        return undefined;
      },
    });
    await using stage = await open([broken]);
    const ann = await stage.line("ann");
    const ben = await stage.native("ben");
    ann.send("SAY #lobby boom", "TELL ben@paris psst", "SAY #lobby fine");
    await ben.untilSaid("fine");
    await ann.fence();
    expect(ann.lines.filter((line) => line.startsWith("ERR"))).toEqual([
      "ERR PLUGIN_FAILED the plugin broken failed in onMessage; it has been logged",
      "ERR PLUGIN_FAILED the plugin broken failed in onTell; it has been logged",
    ]);
    ann.send("QUIT");
    await ann.end();
    await ben.until((events) => events.some((event) => event.type === "left"));
    expect(
      stage.errors.map(({ event, fields }) => [event, fields["plugin"], fields["hook"]]),
    ).toEqual(["onMessage", "onTell", "onPresence"].map((hook) => ["hook failed", "broken", hook]));
    expect(String(stage.errors[0]?.fields["error"])).toContain("a bug");
    expect(ben.events.some((event) => event.type === "private")).toBe(false);
  });

  test("a word that is no verdict is a fault, and decided closed", async () => {
    // What a plugin without types may return.
    const wrong = hooksOf("wrong", {
      onFile: () => drop("this is for messages") as never,
      onTell: () => true as never,
      onMessage: ({ text }) => (text === "x" ? (false as never) : undefined),
    });
    await using stage = await open([wrong]);
    const [ann, ben] = [await stage.native("ann"), await stage.native("ben")];
    const codes = [
      await stage.done(ann.client.send("ben@paris", new Blob(["x"]), { name: "x" }).catch(codeOf)),
      await stage.done(ann.client.tell("ben@paris", "psst").catch(codeOf)),
      await stage.done(ann.client.say("#lobby", "x").catch(codeOf)),
    ];
    expect(codes).toEqual(["PLUGIN_FAILED", "PLUGIN_FAILED", "PLUGIN_FAILED"]);
    expect(ben.events.some((event) => event.type === "offered")).toBe(false);
  });

  test("onFile may refuse an offer, and its addressee never hears of it", async () => {
    const noPrograms = hooksOf("no-programs", {
      onFile: ({ name }) => (name.endsWith(".exe") ? deny("no programs") : undefined),
    });
    await using stage = await open([noPrograms]);
    const ann = await stage.native("ann");
    const ben = await stage.line("ben");
    const refused = await stage.done(
      ann.client.send("ben@paris", new Blob(["MZ"]), { name: "game.exe" }).catch(String),
    );
    expect(refused).toContain("no programs");
    const offered = ann.client.send("ben@paris", new Blob(["hi"]), { name: "hi.txt" });
    const over = offered.catch(() => undefined);
    await ben.until((lines) => lines.some((line) => line.startsWith("OFFERED")));
    expect(ben.lines.filter((line) => line.startsWith("OFFERED"))).toHaveLength(1);
    ben.send("QUIT");
    await stage.done(over);
  });

  test("a gateway that throws ends its session, a format that throws misses an event", async () => {
    await using stage = await open();
    const [ann, ben] = [await stage.line("ann"), await stage.native("ben")];
    const cleo = await stage.line("cleo");
    cleo.send("BUG format", "SAY #lobby hi", "BUG answer");
    await cleo.end();
    await ben.untilSaid("hi");
    expect(cleo.lines.at(-1)).toStartWith("ERR INTERNAL");
    const dan = await stage.line("dan");
    dan.send("BUG line");
    await dan.end();
    ann.send("SAY #lobby fine");
    await ben.untilSaid("fine");
    await ann.fence();
    const failed = stage.errors.map(({ event, fields: { plugin, where } }) => [
      event,
      plugin,
      where,
    ]);
    const whose = ["gateway failed", "gateway-line"];
    expect(failed).toEqual([
      [...whose, "format.encode"],
      [...whose, "answered or after"],
      [...whose, "data"],
    ]);
  });
});

describe("in a simulated world", () => {
  test("a hook that never answers is decided closed after its deadline", async () => {
    const never = hooksOf("never", {
      onMessage: ({ text }) => (text === "wait" ? new Promise<never>(() => {}) : undefined),
    });
    await using stage = await inWorld([never]);
    const [ann, ben] = [await stage.line("ann"), await stage.line("ben")];
    const began = stage.world!.now;
    ann.send("SAY #lobby wait", "SAY #lobby after");
    ben.send("SAY #lobby at once");
    await ann.until(() => ann.said.length === 1);
    expect(stage.world!.now - began).toBeLessThan(100);
    await ben.until(() => ben.said.length === 1);
    expect(stage.world!.now - began).toBeGreaterThanOrEqual(LIMITS.hookMsMax);
    await ann.fence();
    expect(ben.said).toEqual(["#lobby ann@paris after"]);
    expect(ann.lines.at(-1)).toStartWith("ERR PLUGIN_FAILED the plugin never failed");
    expect(stage.errors[0]?.fields).toMatchObject({ plugin: "never", hook: "onMessage" });
  });

  test("what comes while too much waits is refused, request by request", async () => {
    const held: (() => void)[] = [];
    const slow = hooksOf("slow", {
      onMessage: ({ from, text }) =>
        from.nick === "ann" && text === "0"
          ? new Promise<undefined>((resolve) => held.push(() => resolve(undefined)))
          : undefined,
    });
    await using stage = await inWorld([slow]);
    const [ann, ben] = [await stage.line("ann"), await stage.line("ben")];
    const count = LIMITS.waitingRequestsMax + 500;
    ann.send(...numbers(count).map((index) => `SAY #lobby ${index}`));
    await ann.until((lines) => lines.filter((line) => line.includes("QUEUE_FULL")).length === 499);
    held[0]?.();
    await ben.until(() => ben.said.length === count - 499);
    expect(ben.said).toEqual(numbers(count - 499).map((index) => `#lobby ann@paris ${index}`));
  });

  test("a stranger who says nothing is closed by the core's deadline", async () => {
    await using stage = await inWorld();
    const silent = await stage.stranger();
    const began = stage.world!.now;
    await silent.end();
    expect(stage.world!.now - began).toBeGreaterThan(LIMITS.handshakeMsMax - 10);
  });
});

describe("consent", () => {
  const database = () =>
    definePlugin({
      name: "auth-database",
      provides: ["auth"],
      setup: () => ({
        onAuth({ nick, credential }) {
          if (nick.toLowerCase() !== "ann") return undefined;
          const right = credential.kind === "password" && credential.password === "secret";
          return right ? allow("ann") : deny("this nick has a password", "NICK_REGISTERED");
        },
      }),
    })();
  const bans = hooksOf("bans", {
    onAuth: ({ nick }) => (nick === "mallory" ? deny("banned") : undefined),
  });
  const orders = [
    ["the guests' plugin last", () => [bans, database(), authGuest()]],
    ["the guests' plugin first", () => [authGuest(), database(), bans]],
  ] as const;

  test.each(orders)("with %s a guest never takes a nick of the database", async (_order, make) => {
    await using stage = await onSockets(make());
    const eve = await stage.stranger();
    eve.send("NICK ann", "NICK ANN", "NICK ann wrong", "NICK mallory", "NICK eve", "RENAME ann");
    await eve.fence();
    expect(eve.lines.map((line) => line.split(" ")[1])).toEqual([
      "NICK_REGISTERED",
      "NICK_REGISTERED",
      "NICK_REGISTERED",
      "AUTH_DENIED",
      "eve@paris",
      "NICK_REGISTERED",
    ]);
    await stage.line("ann", "secret");
  });

  test.each([
    ["last", () => [authSqlite(), authGuest()]],
    ["first", () => [authGuest(), authSqlite()]],
  ] as const)("a guest is put off when the nick gets an account (%s)", async (_order, make) => {
    await using stage = await onSockets(make());
    const ann = await stage.line("ann");
    const run = (...words: string[]) => stage.server.run(words, { by: "console", roles: [] });
    await run("user-add", "ann", "correct horse");
    await ann.end();
    expect(ann.lines.at(-1)).toStartWith("ERR NICK_CLAIMED");
    const again = await stage.stranger();
    again.send("NICK ann", "NICK ann correct-horse");
    await again.until((lines) => lines.length === 2);
    expect(again.lines.map((line) => line.split(" ")[1])).toEqual([
      "NICK_REGISTERED",
      "AUTH_FAILED",
    ]);
  });
});

const codeOf = (thrown: unknown): unknown =>
  typeof thrown === "object" && thrown !== null && "code" in thrown ? thrown.code : thrown;
