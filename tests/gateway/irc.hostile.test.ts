// What clients of bad will, and texts of bad will from the native side, can do to the IRC gateway
// and to those behind it: nothing.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { changeCaps, NO_CAPS } from "../../plugins/gateway-irc/caps.ts";
import { Cuts } from "../../plugins/gateway-irc/cuts.ts";
import { createFormats } from "../../plugins/gateway-irc/format.ts";
import { createNames } from "../../plugins/gateway-irc/names.ts";
import { LIMITS } from "../../src/limits.ts";
import type { RoomName, ServerName } from "../../src/names.ts";
import { LOBBY } from "../../src/names.ts";
import { logStore } from "../../src/testing/log-store.ts";
import { startIrc } from "./irc.ts";

describe("lines", () => {
  test("one that is too long is left out, and the next one is read", async () => {
    await using server = await startIrc();
    const ann = await server.irc("ann");
    const [long, tags, fits] = ["x".repeat(600), "t".repeat(4096), "y".repeat(450)];
    expect(
      await ann.ask(`PRIVMSG ann :${long}`, `@${tags} PING x`, `PRIVMSG ann :${fits}`),
    ).toEqual([
      ":paris 417 ann :Input line was too long",
      ":paris 417 ann :Input line was too long",
      `:ann!~ann@paris PRIVMSG ann :${fits}`,
    ]);
  });

  test("one without an end closes the connection, in the door and behind it", async () => {
    await using server = await startIrc();
    const stranger = await server.stranger();
    stranger.write("x".repeat(20_000));
    await stranger.end();
    const ann = await server.irc("ann");
    ann.write(`@${"t".repeat(8191)}`);
    ann.write("x".repeat(2000));
    await ann.end();
    expect(ann.lines.at(-1)).toBe("ERROR :Closing link: Input line was too long");
    expect(server.logged.filter(({ level }) => level === "error")).toEqual([]);
  });

  test("NUL ends a line, and what is no UTF-8 is refused with the label of its line", async () => {
    await using server = await startIrc();
    const ann = await server.irc("ann", ["labeled-response", "batch", "standard-replies"]);
    ann.taken();
    ann.write("PING a\0QUIT\r\n\0\r\n");
    ann.write(Buffer.concat([Buffer.from("@label=7 PRIVMSG ann :"), Buffer.of(0xc0), EOL]));
    await ann.fence();
    expect(ann.taken()).toEqual([
      ":paris PONG paris a",
      "@label=7 :paris FAIL PRIVMSG INVALID_UTF8 :the line is no UTF-8, and was left out",
    ]);
  });

  test("no answer is longer than a line, however much of what was asked it repeats", async () => {
    await using server = await startIrc({ name: "a-name-as-long-as-a-server-may-x" });
    const nick = "the-longest-nick-that-a-line-can";
    const ann = await server.irc(nick, ["message-tags", "draft/message-redaction"]);
    await ann.ask("JOIN #tea");
    const caps = "-batch ".repeat(70).trim();
    const asked = [
      `CAP ${"x".repeat(500)}`,
      `CAP REQ :${"x".repeat(490)}`,
      `CAP REQ :${caps}`,
      `REDACT ${"x".repeat(249)} ${"y".repeat(249)}`,
      `PART #tea :${"é".repeat(245)}`,
    ];
    const lines = await ann.ask(...asked);
    const long = lines.filter((line) => Buffer.byteLength(line) > LIMITS.ircLineBytesMax - 2);
    expect(long).toEqual([]);
    expect(lines).toHaveLength(asked.length);
    expect(lines[2]).toContain(` CAP ${nick} NAK :-batch -batch `);
  });

  test("whatever bytes come, others are served on", async () => {
    await using server = await startIrc();
    const words = ["NICK", "USER", "JOIN", "PRIVMSG", "#a", "&b", ":", " ", "\r\n", "@a=b;", "CAP"];
    const some = fc.oneof(fc.constantFrom(...words), fc.string({ unit: "binary", maxLength: 9 }));
    for (const text of fc.sample(fc.array(some, { maxLength: 200 }), 40)) {
      const stranger = await server.stranger();
      stranger.write(`NICK a b\r\n${text.join("")}\r\nQUIT\r\n`);
    }
    const ann = await server.irc("ann");
    expect(await ann.ask("PRIVMSG ann :still here")).toHaveLength(1);
    expect(server.logged.filter(({ level }) => level === "error")).toEqual([]);
  });
});

describe("floods", () => {
  test("who changes the nick too often is told so, and not that another one would do", async () => {
    await using server = await startIrc({ flood: false });
    const ann = await server.irc("ann");
    for (let at = 0; at < LIMITS.selfChangesBurst; at++) ann.send(`NICK ann${at}`);
    const [line] = await ann.ask("NICK anna");
    expect(line).toContain(" 263 ann29 NICK :too many changes of nick; wait ");
  });

  test("hundreds of JOINs are bounded by what a person may be in", async () => {
    await using server = await startIrc();
    const ann = await server.irc("ann");
    for (let index = 0; index < 150; index++)
      ann.send(`JOIN #a${index},#b${index},#c${index},#d${index}`);
    await ann.fence();
    const kinds = ann.taken().map((line) => line.split(" ")[1]);
    expect(kinds.filter((kind) => kind === "366")).toHaveLength(499);
    expect(kinds.filter((kind) => kind === "405")).toHaveLength(600 - 499);
  });

  test("targets beyond those of a line are told as left out, rooms to enter are not", async () => {
    await using server = await startIrc();
    const ann = await server.irc("ann", ["message-tags"]);
    const rooms = Array.from({ length: 100 }, (_, index) => `#r${index}`).join(",");
    const isAbout = (kind: string) => (line: string) => line.split(" ")[1] === kind;
    expect((await ann.ask(`JOIN ${rooms}`)).filter(isAbout("366"))).toHaveLength(100);
    for (const line of [
      `PRIVMSG ${rooms} :hi`,
      `TAGMSG ${rooms}`,
      `NAMES ${rooms}`,
      `WHOIS ${rooms}`,
    ])
      expect((await ann.ask(line)).filter(isAbout("407"))).toEqual([
        ":paris 407 ann #r8 :more than 8 targets: left out",
      ]);
    expect(await ann.ask(`NOTICE ${rooms} :hi`)).toEqual([]);
    expect((await ann.ask(`PART ${rooms}`)).filter(isAbout("PART"))).toHaveLength(100);
  });

  test("capabilities asked for again and again cost nothing but their answers", async () => {
    await using server = await startIrc();
    const stranger = await server.stranger();
    for (let index = 0; index < 500; index++) stranger.send("CAP LS 302", "CAP REQ :batch -batch");
    stranger.send("PING done");
    await stranger.until((line) => line === ":paris PONG paris done");
    expect(stranger.lines).toHaveLength(1001);
  });

  test("flood protection makes a client wait, loses nothing, and spares the others", async () => {
    await using server = await startIrc({ flood: { burst: 3, lineMs: 20 } });
    const [ann, ben] = [await server.irc("ann"), await server.irc("ben")];
    await ben.ask("JOIN #tea");
    await ann.ask("JOIN #tea");
    const began = performance.now();
    ann.send(...Array.from({ length: 12 }, (_, index) => `PRIVMSG #tea :${index}`));
    await ben.until((line) => line.endsWith(" :0"));
    await ben.ask("PRIVMSG ben :quick");
    await ann.fence();
    expect(performance.now() - began).toBeGreaterThan(8 * 20);
    await ben.until((line) => line.endsWith(" :11"));
  });

  test("one who floods without end is sent away", async () => {
    await using server = await startIrc({ flood: { burst: 1, lineMs: 60_000 } });
    const ann = await server.stranger();
    ann.send("NICK ann", "USER a * * :a");
    for (let index = 0; index < 400; index++) ann.write(`PRIVMSG #a :${"x".repeat(400)}\r\n`);
    await ann.end();
    expect(ann.lines.at(-1)).toBe("ERROR :Closing link: Excess Flood");
  });
});

describe("names", () => {
  test("nicks that differ in case or look alike are one nick", async () => {
    await using server = await startIrc();
    await server.irc("Paul");
    for (const nick of ["paul", "PAUL", "pau1", "Рaul"]) {
      const other = await server.stranger();
      other.send(`NICK ${nick}`, "USER x * * :x");
      await other.until((line) => / 43[23] /.test(line));
    }
  });

  test("a nick of another server's form, a mask or a channel is no nick", async () => {
    await using server = await startIrc();
    const ann = await server.irc("ann");
    const wrong = ["ben/lyon", "ben@lyon", "ben!x", "#ben", "*", ":", ":a b", "-", "$$lyon"];
    for (const nick of wrong) {
      const lines = await ann.ask(`NICK ${nick}`);
      expect(lines.join("\n")).toMatch(/^:paris 43[12] /);
    }
  });

  test("a user or a real name cannot make up a mask or a line", async () => {
    await using server = await startIrc();
    const mallory = await server.stranger();
    mallory.send("NICK mallory", "USER x!y@z\0 * * :real");
    mallory.send("USER a!b@c * * ::hm \x01", "JOIN #tea");
    await mallory.until((line) => line === ":mallory!~abc@paris JOIN #tea");
  });
});

const EVERY = [
  "away-notify",
  "batch",
  "draft/message-redaction",
  "draft/multiline",
  "extended-join",
  "message-tags",
  "server-time",
];
const EVIL = "x\r\n:paris 999 ann :evil\n:paris 999 ann :evil\r:paris 999 ann :evil\0QUIT";

test.each([
  ["all", EVERY],
  ["some", ["message-tags"]],
  ["no", []],
] as const)(
  "no text of the native side makes a line of its own on IRC, with %s capabilities",
  async (_, caps) => {
    await using server = await startIrc({ lobby: true, plugins: [logStore({})] });
    const ann = await server.irc("ann", caps);
    const mallory = await server.connect("mallory");
    await ann.ask("JOIN #tea");
    await mallory.join("#tea");
    const { id } = await mallory.say("#tea", EVIL);
    await mallory.say("#tea", EVIL, { kind: "action" });
    await mallory.say("#tea", EVIL, { about: id });
    await mallory.say("#tea", EVIL, { kind: "edit", about: id });
    await mallory.say("#tea", "☠️", { kind: "reaction", about: id });
    await mallory.say("#tea", EVIL, { kind: "delete", about: id });
    await mallory.tell("ann@paris", EVIL);
    await mallory.request("away", { text: EVIL });
    expect(await ann.ask("PRIVMSG mallory :hm", "WHOIS mallory")).not.toBeEmpty();
    await mallory.part("#tea", EVIL.slice(0, 100));
    await mallory.close(); // which is told with a reason as well
    await ann.until((line) => / QUIT/.test(line));
    const forged = ann.lines.filter((line) => /^(@\S+ )?:paris 999|^QUIT|[\0\n\r]/.test(line));
    expect(forged).toEqual([]);
  },
);

test("what others say at length, and the names of many servers, fit their lines", () => {
  const names = createNames("paris" as ServerName);
  const formats = createFormats({ cuts: new Cuts(), names, lobby: true, encoded: () => {} });
  const format = formats.of(changeCaps(NO_CAPS, EVERY) ?? NO_CAPS);
  const person = { address: "eve@lyon", away: "a".repeat(512) };
  const [room, reason] = ["#tea" as RoomName, "é".repeat(256)];
  const servers = Array.from({ length: 200 }, (_, index) => `a-server-of-many-${index}`);
  const said = { id: "a", from: "eve@lyon", room, kind: "delete", about: "b", at: 1 } as const;
  const written = [
    format.encode({ type: "away", room: LOBBY, person }),
    format.encode({ type: "joined", room, person }),
    format.encode({ type: "left", room, person, reason }),
    format.encode({ type: "left", room: LOBBY, person, reason }),
    format.encode({ type: "message", message: { ...said, text: "x".repeat(512) } }),
    format.encode({ type: "merged", servers, fusion: servers }),
    format.encode({ type: "split", servers, fusion: [] }),
  ].join("");
  const lines = written.split("\r\n").slice(0, -1);
  const untagged = lines.map((line) => line.replace(/^@\S+ /, ""));
  expect(untagged.filter((line) => Buffer.byteLength(line) > 510)).toEqual([]);
  expect(lines.length).toBeGreaterThan(6 + 2 * 8);
  for (const server of servers) expect(written).toContain(`${server},`.replace(/199,$/, "199 "));
});

test("ids that other servers make up are one word of a line, or left out", () => {
  const names = createNames("paris" as ServerName);
  const formats = createFormats({ cuts: new Cuts(), names, lobby: true, encoded: () => {} });
  const caps = changeCaps(NO_CAPS, EVERY) ?? NO_CAPS;
  for (const evil of ["a\r\nQUIT", "a b", ":a", "", "a\0b", "é", "a;+x=y"])
    for (const kind of ["text", "reaction", "delete", "edit"] as const) {
      const said = { id: evil, from: "eve@lyon", room: "#tea" as RoomName, kind, text: "x", at: 1 };
      const message = { ...said, about: evil };
      for (const line of formats.of(caps).encode({ type: "message", message }).split("\r\n")) {
        expect(line).toMatch(/^$|^@\S+ :eve\/lyon!~guest@lyon (PRIVMSG|TAGMSG|REDACT) #tea/);
        expect(line).not.toMatch(/[\r\n\0]/);
      }
    }
});

test("a batch that does not end holds little, and nothing up", async () => {
  await using server = await startIrc();
  const ann = await server.irc("ann", ["message-tags", "batch", "draft/multiline"]);
  await ann.ask("JOIN #tea");
  const line = `@batch=a PRIVMSG #tea :${"x".repeat(400)}`;
  const many = Array.from({ length: 2000 }, () => line);
  const told = await ann.ask("BATCH +a draft/multiline #tea", ...many);
  expect(told).toEqual([":paris FAIL BATCH MULTILINE_MAX_BYTES 16384 :so many bytes fit"]);
  expect(await ann.ask("PRIVMSG ann :me")).toHaveLength(1);
  ann.send("BATCH -a", "BATCH +b draft/multiline #tea", "@batch=b PRIVMSG #tea :a", "QUIT");
  await ann.end();
});

test("tags beyond 4,096 bytes are refused, and nothing of them is told", async () => {
  await using server = await startIrc();
  const ann = await server.irc("ann", ["message-tags", "echo-message"]);
  await ann.ask("JOIN #tea");
  const long = (bytes: number) => `@+typing=active;+x=${"y".repeat(bytes - 20)} TAGMSG #tea`;
  expect(await ann.ask(long(4096))).toEqual(["@+typing=active :ann!~ann@paris TAGMSG #tea"]);
  expect(await ann.ask(long(4097), long(8191))).toEqual([
    ":paris 417 ann :Input line was too long",
    ":paris 417 ann :Input line was too long",
  ]);
});

const EOL = Buffer.from("\r\n");
