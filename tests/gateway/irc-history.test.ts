// What was said, asked for by IRC clients: CHATHISTORY and MARKREAD.

import { describe, expect, test } from "bun:test";
import { allow, definePlugin } from "../../src/plugin.ts";
import { logStore } from "../../src/testing/log-store.ts";
import type { IrcClient } from "./irc.ts";
import { startIrc } from "./irc.ts";

const CAPS = ["message-tags", "server-time", "batch", "echo-message", "draft/chathistory"];

const start = () => startIrc({ plugins: [logStore({})] });

/** Texts of what a batch holds, or how its lines end. */
const held = (lines: readonly string[]): string[] =>
  lines
    .filter((line) => line.startsWith("@batch="))
    .map((line) => line.replace(/^.* (?:#tea :?|(?=#tea))/, ""));

async function say(client: IrcClient, ...texts: readonly string[]) {
  const said: { id: string; time: string }[] = [];
  for (const text of texts) {
    const [line = ""] = await client.ask(`PRIVMSG #tea :${text}`);
    const [, time = ""] = /time=([^; ]+)/.exec(line) ?? [];
    const [, id = ""] = /msgid=([^; ]+)/.exec(line) ?? [];
    said.push({ id, time });
    await untilLater(time);
  }
  return said;
}

/** Gives everybody the same account. */
const authOf = (account: string) =>
  definePlugin({
    name: "auth-of",
    provides: ["auth"],
    setup: () => ({ onAuth: () => allow(account) }),
  })();

/** Until the clock shows another millisecond. */
async function untilLater(time: string): Promise<void> {
  while (new Date().toISOString() <= time) await Promise.resolve();
}

describe("who enters a room", () => {
  test("is shown what was said last there, behind the names", async () => {
    await using server = await start();
    const ann = await server.irc("ann", CAPS);
    await ann.ask("JOIN #tea");
    await say(ann, ...Array.from({ length: 25 }, (_, at) => `line ${at}`));
    const ben = await server.irc("ben", ["server-time", "batch"]);
    const lines = await ben.ask("JOIN #tea");
    const end = lines.findIndex((line) => line.includes(" 366 "));
    expect(lines[end + 1]).toMatch(/ BATCH \+\S+ chathistory #tea$/);
    const texts = Array.from({ length: 20 }, (_, at) => `line ${at + 5}`);
    expect(held(lines.slice(end + 2, -1))).toEqual(texts);
    expect(lines.slice(end + 2).every((line) => /[@;]time=|BATCH -/.test(line))).toBe(true);
  });

  test("is shown nothing where it asks itself, or knows no times", async () => {
    await using server = await start();
    const ann = await server.irc("ann", CAPS);
    await ann.ask("JOIN #tea");
    await say(ann, "hello");
    for (const [nick, caps] of [
      ["ben", CAPS],
      ["cleo", ["batch"]],
    ] as const) {
      const client = await server.irc(nick, caps);
      expect((await client.ask("JOIN #tea")).at(-1)).toContain(" 366 ");
    }
  });
});

describe("CHATHISTORY", () => {
  test("gives pages between messages and times, from either end", async () => {
    await using server = await start();
    const ann = await server.irc("ann", CAPS);
    await ann.ask("JOIN #tea");
    const all = await say(ann, ...Array.from("abcdefgh"));
    const ask = async (words: string) => held(await ann.ask(`CHATHISTORY ${words}`)).join("");
    const of = (index: number) => [`msgid=${all[index]?.id}`, `timestamp=${all[index]?.time}`];
    expect(await ask("LATEST #tea * 3")).toBe("fgh");
    expect(await ask("latest #TEA * 100000")).toBe("abcdefgh");
    for (const at of [0, 1]) {
      const [b, c, g] = [of(1)[at], of(2)[at], of(6)[at]];
      expect(await ask(`LATEST #tea ${c} 3`)).toBe("fgh");
      expect(await ask(`LATEST #tea ${g} 3`)).toBe("h");
      expect(await ask(`BEFORE #tea ${c} 9`)).toBe("ab");
      expect(await ask(`BEFORE #tea ${g} 2`)).toBe("ef");
      expect(await ask(`AFTER #tea ${g} 9`)).toBe("h");
      expect(await ask(`AFTER #tea ${b} 2`)).toBe("cd");
      expect(await ask(`BETWEEN #tea ${b} ${g} 9`)).toBe("cdef");
      expect(await ask(`BETWEEN #tea ${b} ${g} 2`)).toBe("cd");
      expect(await ask(`BETWEEN #tea ${g} ${b} 2`)).toBe("ef");
      expect(await ask(`AROUND #tea ${c} 1`)).toBe("c");
      expect(await ask(`AROUND #tea ${c} 4`)).toBe("abcd");
    }
  });

  test("is one batch, with the label, and as each client sees messages", async () => {
    await using server = await start();
    const ann = await server.irc("ann", [...CAPS, "labeled-response", "draft/multiline"]);
    const plain = await server.irc("plain", ["draft/chathistory"]);
    for (const one of [ann, plain]) await one.ask("JOIN #tea");
    await ann.ask(
      "BATCH +a draft/multiline #tea",
      "@batch=a PRIVMSG #tea :x",
      "@batch=a PRIVMSG #tea :y",
      "BATCH -a",
    );
    const [begin = "", first = "", ...rest] = await ann.ask("@label=5 CHATHISTORY LATEST #tea * 9");
    const [, name] = /^@label=5 :paris BATCH \+(\w+) chathistory #tea$/.exec(begin) ?? [];
    expect(first).toMatch(
      new RegExp(`^@batch=${name};time=.* BATCH \\+lines draft/multiline #tea$`),
    );
    expect(rest).toEqual([
      "@batch=lines :ann!~ann@paris PRIVMSG #tea :x",
      "@batch=lines :ann!~ann@paris PRIVMSG #tea :y",
      ":ann!~ann@paris BATCH -lines",
      `:paris BATCH -${name}`,
    ]);
    const seen = await plain.ask("CHATHISTORY LATEST #tea * 9");
    expect(seen.map((line) => line.replace(/\[.*\] /, "[] "))).toEqual([
      ":ann!~ann@paris PRIVMSG #tea :[] x",
      ":ann!~ann@paris PRIVMSG #tea :[] y",
    ]);
  });

  test("tells what was done to messages to who asks, nothing of what is deleted", async () => {
    await using server = await start();
    const full = [...CAPS, "draft/event-playback", "draft/message-redaction"];
    const [ann, ben] = [await server.irc("ann", full), await server.irc("ben", CAPS)];
    for (const one of [ann, ben]) await one.ask("JOIN #tea");
    const [a, b] = await say(ann, "keep", "drop");
    for (let count = 0; count < 40; count++)
      await ann.ask(`@+draft/react=${count};+draft/reply=${a?.id} TAGMSG #tea`);
    await ann.ask(`REDACT #tea ${b?.id}`);
    expect(held(await ben.ask("CHATHISTORY LATEST #tea * 9"))).toEqual(["keep"]);
    const all = held(await ann.ask("CHATHISTORY LATEST #tea * 99"));
    expect(all).toHaveLength(42);
    expect(all.at(0)).toBe("keep");
    expect(all.at(-1)).toBe(b?.id ?? "");
  });

  test("has topics as events, with the ids and times that they were told with", async () => {
    const plugins = [logStore({})];
    await using server = await startIrc({ plugins, guestRooms: true });
    const full = [...CAPS, "draft/event-playback"];
    const [ann, ben] = [await server.irc("ann", full), await server.irc("ben", CAPS)];
    for (const one of [ann, ben]) await one.ask("JOIN #tea");
    const [told = ""] = await ann.ask("TOPIC #tea :green");
    expect(told).toMatch(/^@time=[^;]+Z;msgid=\w{21} :ann!~ann@paris TOPIC #tea :green$/);
    await ben.until((line) => line === told);
    await say(ann, "tea");
    expect(held(await ben.ask("CHATHISTORY LATEST #tea * 9"))).toEqual(["tea"]);
    const [, past = ""] = await ann.ask("CHATHISTORY LATEST #tea * 9");
    expect(past.replace(/batch=\w+;/, "")).toBe(told);
  });

  test("lists the rooms whose last message is between two times", async () => {
    await using server = await start();
    const ann = await server.irc("ann", CAPS);
    await ann.ask("JOIN #tea,#empty");
    const [a, b] = await say(ann, "a", "b");
    const ask = (from: string, to: string) =>
      ann.ask(`CHATHISTORY TARGETS timestamp=${from} timestamp=${to} 10`);
    const [begin, line, end] = await ask("2020-01-01T00:00:00.000Z", "2200-01-01T00:00:00.000Z");
    expect(begin).toMatch(/^:paris BATCH \+\w+ draft\/chathistory-targets$/);
    expect(line).toMatch(new RegExp(`^@batch=\\w+ :paris CHATHISTORY TARGETS #tea ${b?.time}$`));
    expect(end).toMatch(/^:paris BATCH -/);
    expect(await ask("2020-01-01T00:00:00.000Z", a?.time ?? "")).toHaveLength(2);
  });

  test("refuses what it cannot give, by codes", async () => {
    await using server = await start();
    const ann = await server.irc("ann", CAPS);
    await ann.ask("JOIN #tea");
    const ask = async (words: string) =>
      (await ann.ask(`CHATHISTORY ${words}`)).map((line) =>
        line.replace(/^:paris FAIL | :.*$/g, ""),
      );
    const time = "timestamp=2020-01-01T00:00:00.000Z";
    for (const [words, code] of [
      ["", "INVALID_PARAMS *"],
      ["ALL #tea * 10", "INVALID_PARAMS ALL"],
      ["LATEST", "NEED_MORE_PARAMS LATEST"],
      ["LATEST #tea *", "NEED_MORE_PARAMS LATEST"],
      ["BETWEEN #tea msgid=a 5", "NEED_MORE_PARAMS BETWEEN"],
      ["BEFORE #tea * 5", "INVALID_MSGREFTYPE BEFORE"],
      ["BEFORE #tea timestamp=now 5", "INVALID_MSGREFTYPE BEFORE"],
      ["LATEST #tea * 0", "INVALID_PARAMS LATEST"],
      ["LATEST #tea * -5", "INVALID_PARAMS LATEST"],
      ["LATEST #other * 5", "INVALID_TARGET LATEST #other"],
      ["LATEST # * 5", "INVALID_TARGET LATEST #"],
      ["LATEST ben * 5", "INVALID_TARGET LATEST ben"],
      [`TARGETS ${time} ${time}`, "NEED_MORE_PARAMS TARGETS"],
      [`TARGETS msgid=a ${time} 5`, "INVALID_MSGREFTYPE TARGETS"],
    ] as const)
      expect([words, await ask(words)]).toEqual([words, [`CHATHISTORY ${code}`]]);
    const bare = await server.irc("bare");
    expect(await bare.ask("CHATHISTORY LATEST #tea * 5", "MARKREAD #tea")).toEqual([
      ":paris 421 bare CHATHISTORY :Unknown command",
      ":paris 421 bare MARKREAD :Unknown command",
    ]);
  });

  test("a server without a history says so", async () => {
    await using server = await startIrc();
    const ann = await server.irc("ann", CAPS);
    await ann.ask("JOIN #tea");
    const [line] = await ann.ask("CHATHISTORY LATEST #tea * 5");
    expect(line).toStartWith(":paris FAIL CHATHISTORY MESSAGE_ERROR LATEST #tea :");
  });
});

describe("MARKREAD", () => {
  test("only goes on, and is told at joining", async () => {
    await using server = await start();
    const ann = await server.irc("ann", ["draft/read-marker"]);
    const joined = await ann.ask("JOIN #tea");
    expect(joined.slice(0, 2)).toEqual([":ann!~ann@paris JOIN #tea", ":paris MARKREAD #tea *"]);
    const [old, later] = [
      "timestamp=2019-01-01T00:00:00.000Z",
      "timestamp=2020-01-01T00:00:00.000Z",
    ];
    expect(
      await ann.ask(`MARKREAD #tea ${later}`, `MARKREAD #tea ${old}`, "MARKREAD #TEA"),
    ).toEqual(Array.from({ length: 3 }, () => `:paris MARKREAD #tea ${later}`));
    expect((await ann.ask("PART #tea", "JOIN #tea")).at(2)).toBe(`:paris MARKREAD #tea ${later}`);
    const [future = ""] = await ann.ask("MARKREAD #tea timestamp=2999-01-01T00:00:00.000Z");
    expect(future).toMatch(/^:paris MARKREAD #tea timestamp=20/);
    expect(future).not.toContain("2999");
  });

  test("is that of the account, by whatever door it has read", async () => {
    await using server = await startIrc({ plugins: [logStore({}), authOf("ann")] });
    const ann = await server.irc("ann", ["draft/read-marker"]);
    await ann.ask("JOIN #tea");
    const zoe = await server.connect("zoe-ann");
    await zoe.join("#tea");
    const { id, at } = await zoe.say("#tea", "hello");
    await zoe.request("read", { room: "#tea", id });
    const line = `:paris MARKREAD #tea timestamp=${new Date(at).toISOString()}`;
    await ann.until((one) => one === line);
    await zoe.request("read", { room: "Bob@lyon", id });
    await ann.until((one) => one === line.replace("#tea", "bob/lyon"));
    const later = new Date(at + 1).toISOString();
    const read = new Promise((resolve) =>
      zoe.on((event) => event.type === "read" && resolve(event)),
    );
    await ann.ask(`MARKREAD #tea timestamp=${later}`);
    const marked = (await read) as { readonly id: string };
    expect(marked.id > id).toBeTrue();
  });

  test("is refused for what is no time; of people it is as of rooms", async () => {
    await using server = await start();
    const ann = await server.irc("ann", ["draft/read-marker"]);
    const lines = await ann.ask(
      "MARKREAD",
      "MARKREAD #tea *",
      "MARKREAD #tea timestamp=soon",
      "MARKREAD ben timestamp=2019-01-01T00:00:00.000Z",
      "MARKREAD ben timestamp=2018-01-01T00:00:00.000Z",
      "MARKREAD ben/lyon",
      "MARKREAD !",
      "MARKREAD #tea",
    );
    expect(lines.map((line) => line.replace(/^:paris | :.*$/g, ""))).toEqual([
      "FAIL MARKREAD NEED_MORE_PARAMS",
      "FAIL MARKREAD INVALID_PARAMS #tea",
      "FAIL MARKREAD INVALID_PARAMS #tea",
      "MARKREAD ben timestamp=2019-01-01T00:00:00.000Z",
      "MARKREAD ben timestamp=2019-01-01T00:00:00.000Z",
      "MARKREAD ben/lyon *",
      "FAIL MARKREAD INVALID_PARAMS !",
      "MARKREAD #tea *",
    ]);
  });
});

test("what was said is found behind many reactions", async () => {
  await using server = await start();
  const ann = await server.irc("ann", CAPS);
  await ann.ask("JOIN #tea");
  const [{ id } = { id: "" }] = await say(ann, "hello");
  for (let n = 0; n < 200; n++) await ann.ask(`@+draft/react=r${n};+draft/reply=${id} TAGMSG #tea`);
  expect(held(await ann.ask("CHATHISTORY LATEST #tea * 1"))).toEqual(["hello"]);
  const times = "timestamp=2000-01-01T00:00:00.000Z timestamp=2100-01-01T00:00:00.000Z";
  const rooms = await ann.ask(`CHATHISTORY TARGETS ${times} 10`);
  expect(rooms.join("\n")).toContain("TARGETS #tea");
});
