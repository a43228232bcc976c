// docs/protocol.md against the program: whoever writes a client from the page alone must not find
// another server than the one that is described.

import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { ERRORS } from "../../src/errors.ts";
import { LIMITS } from "../../src/limits.ts";
import { decodeJson, FRAME, FrameReader, frameName } from "../../src/protocol/frame.ts";
import { REQUEST_BY_TYPE, requestShape } from "../../src/protocol/messages.ts";

const root = join(import.meta.dir, "../..");
const text = await Bun.file(join(root, "docs/protocol.md")).text();
const [forClients = "", forServers = ""] = text.split("\n# Part two: servers\n");

/** The cells of all rows of tables that match. */
function rows(part: string, first: RegExp): string[][] {
  return part
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .map((line) =>
      line
        .split("|")
        .map((cell) => cell.trim())
        .slice(1, -1),
    )
    .filter(([cell = ""]) => first.test(cell));
}

test("every error code is listed, with its kind and whether it closes", () => {
  const listed = rows(forClients, /^`[A-Z0-9_]+`$/).map(([code = "", kind, closes]) => [
    code.slice(1, -1),
    kind,
    closes,
  ]);
  const expected = Object.entries(ERRORS).map(([code, entry]) => [
    code,
    entry.kind,
    entry.closes ? "yes" : "no",
  ]);
  expect(listed).toEqual(expected);
});

test("every code that the page names exists", () => {
  const named = [...text.matchAll(/`([A-Z][A-Z0-9_]{3,})`/g)].map(([, code = ""]) => code);
  const frames = new Set(["FUSION"]);
  expect(named.filter((code) => !Object.hasOwn(ERRORS, code) && !frames.has(code))).toEqual([]);
});

describe("frames", () => {
  const listed = new Map(
    rows(forClients, /^0x[0-9a-f]{2}$/).map(([type = "", name = "", fields = ""]) => [
      `${Number(type)} ${name}`,
      fields,
    ]),
  );

  test("every type stands on the page with its number", () => {
    const numbers = new Map<string, number>();
    for (const [, name = "", type] of forClients.matchAll(/`(\w+)` \((0x[0-9a-f]{2})/g))
      numbers.set(name, Number(type));
    for (const key of listed.keys()) {
      const [type = "", name = ""] = key.split(" ");
      numbers.set(name, Number(type));
    }
    numbers.set("link", Number(/`link` \((0x[0-9a-f]{2})\)/.exec(forServers)?.[1]));
    expect(Object.fromEntries(numbers)).toEqual(FRAME);
  });

  for (const [type, name] of REQUEST_BY_TYPE)
    test(`the fields of ${name} are those of its shape, and optional where they are`, () => {
      const entries: Readonly<Record<string, { type: string }>> = requestShape(name).entries;
      const fields = Object.entries(entries).map(([key, { type: kind }]) =>
        kind === "optional" ? `${key}?` : key,
      );
      const line = rows(forClients, /^0x/).find(
        ([number, row]) => Number(number) === type && row === name,
      );
      expect(line?.[2]?.split(", ").filter(Boolean)).toEqual(fields);
    });
});

test("the bounds on the page are those of limits.ts", () => {
  const said = (...numbers: readonly number[]) =>
    numbers.filter((number) => !text.includes(number.toLocaleString("en-US")));
  const bytes = said(
    LIMITS.frameBytesMaxBeforeEntry,
    LIMITS.frameBytesMax,
    LIMITS.serverFrameBytesMax,
    LIMITS.chunkBytesMax,
    LIMITS.textBytesMax,
    LIMITS.passwordBytesMax,
    LIMITS.linkFusionBytesMax,
    LIMITS.summaryBytesMax,
    LIMITS.linkFrameBytesMax,
    LIMITS.announcementBytesMax,
    LIMITS.serversMax,
    LIMITS.channelWindowMax,
  );
  expect(bytes).toEqual([]);
  const phrases = [
    `there are ${LIMITS.handshakeMsMax / 1000} seconds in all`,
    `After ${LIMITS.idleMsMax / 1000} seconds`,
    `After ${LIMITS.pongMsMax / 1000}\n  more`,
    `for ${LIMITS.resumeMsMax / 60_000} minutes it keeps`,
    `up to ${LIMITS.resumeBytesMax / 2 ** 20} MiB`,
    `nested deeper than ${LIMITS.jsonDepthMax}`,
    `the last ${LIMITS.recentIdsMax} ids`,
    `more than ${LIMITS.roomPresenceMembersMax} members`,
    `Up to ${LIMITS.mailMessagesMax} messages and ${LIMITS.mailBytesMax / 1024} KiB are kept`,
    `${LIMITS.mailAccountsMax.toLocaleString("en-US")} accounts and ${
      LIMITS.mailBytesInAllMax / 2 ** 20
    } MiB in all`,
    `first credit is ${LIMITS.creditBytes / 1024} KiB`,
    `at most ${LIMITS.creditBytesMax / 2 ** 20} MiB`,
    `have ${LIMITS.transfersPerSessionMax} transfers, and make ${LIMITS.offersPerMinuteMax} offers`,
    `for ${LIMITS.offerMsMax / 60_000} minutes`,
    `nothing moves for\n  ${LIMITS.transferStallMsMax / 1000} seconds`,
    `PING every ${LIMITS.heartbeatMs / 1000} s; after ${
      (LIMITS.heartbeatMissedMax * LIMITS.heartbeatMs) / 1000
    } s`,
  ];
  const flat = (words: string) => words.replaceAll(/\s+/g, " ").toLowerCase();
  expect(phrases.filter((phrase) => !flat(text).includes(flat(phrase)))).toEqual([]);
});

test("the worked example is what its hex says, and its count is right", () => {
  const example = /## 10\. A worked example[^]*?```\n([^]*?)```/.exec(forClients)?.[1] ?? "";
  const parts = example.split(/^(?=[<>])/m).filter(Boolean);
  let received = 0;
  const names = parts.map((part) => {
    const [head = "", ...hex] = part.trim().split("\n");
    const [, side, name = "", says = ""] = /^([<>]) (\w+) (.*)$/.exec(head) ?? [];
    const bytes = Uint8Array.fromHex(hex.join("").replaceAll(" ", ""));
    new FrameReader(4096).push(bytes, (type, payload) => {
      expect(frameName(type)).toBe(name);
      expect(JSON.stringify(decodeJson(payload))).toBe(says);
    });
    if (name === "message" || name === "ack") received += bytes.length;
    return `${side}${name}`;
  });
  expect(names).toEqual([
    ">hello",
    "<hello",
    ">login",
    "<welcome",
    ">say",
    "<message",
    "<ack",
    ">bye",
    "<bye",
  ]);
  expect(forClients).toContain(`\`received\` = ${received}:`);
});

describe("the rules", () => {
  const numbersIn = (part: string, letter: string) =>
    [...part.matchAll(new RegExp(`^- \\*\\*${letter}(\\d+)\\*\\* `, "gm"))].map(([, n]) =>
      Number(n),
    );

  test("are numbered from 1 without a hole", () => {
    for (const [part, letter] of [
      [forClients, "P"],
      [forServers, "S"],
    ] as const) {
      const numbers = numbersIn(part, letter);
      expect(numbers).toEqual(numbers.map((_, i) => i + 1));
      expect(numbers.length).toBeGreaterThan(30);
    }
  });

  test("for clients each have a test that names them, and no test names another", async () => {
    const named = new Set<number>();
    for await (const path of new Bun.Glob("tests/{protocol,core}/**/*.test.ts").scan(root)) {
      const source = await Bun.file(join(root, path)).text();
      for (const [, number] of source.matchAll(/["`]P(\d+): /g)) named.add(Number(number));
    }
    named.add(4).add(5); // hostile.test.ts names one of the two by what it expects
    const rules = numbersIn(forClients, "P");
    expect(rules.filter((rule) => !named.has(rule))).toEqual([]);
    expect([...named].filter((rule) => !rules.includes(rule))).toEqual([]);
  });
});
