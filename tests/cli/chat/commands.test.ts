// Lines as commands and texts, and the lines of a pipe.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  COMMAND_NAMES,
  helpText,
  parseLine,
  typedName,
  unknownCommand,
} from "../../../src/cli/chat/commands.ts";
import { readNumberedLines } from "../../../src/cli/chat/lines.ts";
import { LIMITS } from "../../../src/limits.ts";

describe("a line", () => {
  test("without a slash is a text, and with two it is one that begins with a slash", () => {
    expect(parseLine("hello /all")).toEqual({ name: undefined, text: "hello /all" });
    expect(parseLine("//who is there")).toEqual({ name: undefined, text: "/who is there" });
  });

  const rows: readonly (readonly [string, string, readonly string[]])[] = [
    ["/msg bob@lyon  two  words ", "msg", ["bob@lyon", "two  words"]],
    ["/SEND bob@lyon ~/my file.txt", "send", ["bob@lyon", "~/my file.txt"]],
    ["/reject 3", "reject", ["3", ""]],
    ["/reject 3 too large", "reject", ["3", "too large"]],
    ["/who", "who", [""]],
    ["/history #tea 5", "history", ["#tea", "5", ""]],
    ["/search cup of  tea", "search", ["cup of  tea"]],
    ["/export #tea ~/a b.txt", "export", ["#tea", "~/a b.txt"]],
    ["/export #tea", "export", ["#tea", ""]],
    ["/run roll 2 6", "run", ["roll", "2 6"]],
    ["/reply bob two words", "reply", ["bob", "two words"]],
    ["/react ^2 👍", "react", ["^2", "👍"]],
    ["/delete ^", "delete", ["^", ""]],
    ["/quit", "quit", []],
  ];
  for (const [line, name, args] of rows) {
    test(`${line} is ${name} with ${args.length} arguments`, () => {
      expect(parseLine(line)).toEqual({ name, args } as ReturnType<typeof parseLine>);
    });
  }

  const wrong: readonly (readonly [string, string, string])[] = [
    ["/", "NO_SUCH_COMMAND", 'unknown command "/"; see /help'],
    ["/__proto__", "NO_SUCH_COMMAND", 'unknown command "/__proto__"; see /help'],
    ["/msg", "USAGE", "/msg: NICK@SERVER is missing; usage: /msg NICK@SERVER TEXT"],
    ["/msg bob@lyon", "USAGE", "/msg: TEXT is missing; usage: /msg NICK@SERVER TEXT"],
    ["/accept 1 2", "USAGE", '/accept: unexpected "2"; usage: /accept ID'],
    ["/quit now", "USAGE", '/quit: unexpected "now"; usage: /quit'],
  ];
  for (const [line, code, text] of wrong) {
    test(`${line} is refused by ${code}`, () => {
      expect(() => parseLine(line)).toThrow(expect.objectContaining({ code, message: text }));
    });
  }

  test("that is none of the chat's commands may be one of the server's", () => {
    const parsed = parseLine("/Roll  2 six-sided ");
    expect(parsed).toEqual({ name: "run", args: ["roll", "2 six-sided"], isShort: true });
  });

  const offered = [
    { name: "roll", usage: "SIDES", about: "rolls a die", plugin: "dice" },
    { name: "say", usage: "TEXT", about: "says it loudly", plugin: "loud" },
  ];

  test("every command has its help, the server's behind the chat's own", () => {
    const all = helpText("", offered);
    for (const name of COMMAND_NAMES) {
      expect(all).toContain(`/${name}`);
      expect(helpText(`/${name}`, [])).toStartWith(`/${name}`);
    }
    const [head, roll, say] = all.split("\n").slice(-3);
    expect(head).toBe("Of this server:");
    expect(roll).toMatch(/^\/roll SIDES +rolls a die$/);
    expect(say).toMatch(/^\/run say TEXT +says it loudly$/);
    expect(helpText("", [])).not.toContain("Of this server:");
    expect(helpText("roll", offered)).toBe("/roll SIDES: rolls a die");
    expect(helpText("/say", offered).split("\n")).toEqual([
      "/say #ROOM TEXT: says something in a room",
      "/run say TEXT: says it loudly",
    ]);
    expect(() => helpText("snd", offered)).toThrow("did you mean send?");
    expect(() => helpText("rolll", offered)).toThrow("did you mean roll?");
  });

  test("that is about a room means the one where one talks, if none is named", () => {
    const args = (line: string) => {
      const parsed = parseLine(line, "#den");
      return parsed.name === undefined ? [] : [parsed.name, ...parsed.args];
    };
    expect(args("/part")).toEqual(["part", "#den"]);
    expect(args("/kick ben@lyon go away")).toEqual(["kick", "#den", "ben@lyon", "go away"]);
    expect(args("/topic Tea time")).toEqual(["topic", "#den", "Tea time"]);
    expect(args("/topic &own Tea time")).toEqual(["topic", "&own", "Tea time"]);
    expect(args("/join tea")).toEqual(["join", "tea", ""]);
    expect(args("/say ben@lyon hi")).toEqual(["say", "ben@lyon", "hi"]);
    expect(args("/history 5")).toEqual(["history", "5", "", ""]);
    expect(() => parseLine("/kick ben@lyon")).toThrow("NICK@SERVER is missing");
  });

  test("one that there is not is refused with what was meant, here or there", () => {
    const meant = (word: string) => unknownCommand(word, offered).text;
    expect(meant("mgs")).toBe('unknown command "/mgs" (did you mean /msg?); see /help');
    expect(meant("rlol")).toBe('unknown command "/rlol" (did you mean /roll?); see /help');
    expect(meant("query")).toBe('unknown command "/query" (did you mean /talk?); see /help');
    expect(meant("__proto__")).toBe('unknown command "/__proto__"; see /help');
    expect([typedName("roll"), typedName("say")]).toEqual(["/roll", "/run say"]);
  });
});

describe("the lines of a pipe", () => {
  async function linesOf(chunks: readonly Uint8Array[]) {
    const source = async function* () {
      yield* chunks;
    };
    return Array.fromAsync(readNumberedLines(source()));
  }
  const encoder = new TextEncoder();

  test("are numbered, and the same however the bytes are cut", async () => {
    const bytes = encoder.encode("one\nzwö\r\n\ndrei");
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(bytes.length)), async (cuts) => {
        const places = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
        const lines = await linesOf(places.slice(1).map((to, i) => bytes.subarray(places[i], to)));
        expect(lines.map(({ line }) => line)).toEqual(["one", "zwö", "", "drei"]);
        expect(lines.map(({ number }) => number)).toEqual([1, 2, 3, 4]);
      }),
    );
  });

  test("that are no UTF-8 are refused one by one", async () => {
    const lines = await linesOf([Uint8Array.of(0xff, 0x0a, 0x61, 0x0a, 0xc3)]);
    expect(lines).toMatchObject([
      { number: 1, line: { code: "BAD_UTF8" } },
      { number: 2, line: "a" },
      { number: 3, line: { code: "BAD_UTF8" } },
    ]);
  });

  test("that are too long are refused, and little of them is kept", async () => {
    const chunk = new Uint8Array(1 << 16).fill(0x78);
    const chunks = Array.from({ length: 160 }, () => chunk);
    const lines = await linesOf([...chunks, encoder.encode("\nstill here\n")]);
    expect(lines).toMatchObject([
      { number: 1, line: { code: "TEXT_TOO_LONG" } },
      { number: 2, line: "still here" },
    ]);
    expect(await linesOf([chunk.subarray(0, LIMITS.lineBytesMax)])).toMatchObject([
      { line: "x".repeat(LIMITS.lineBytesMax) },
    ]);
  });
});
