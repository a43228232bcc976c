// The codec of IRC lines: what is written is read again, whatever stands in it; lines are found
// however the bytes are cut; and no text of ours ends a line before its time.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  cutText,
  flat,
  formatParams,
  formatTags,
  parseLine,
  parseTags,
  piecesOf,
} from "../../plugins/gateway-irc/line.ts";
import { maskOf } from "../../plugins/gateway-irc/mask.ts";
import { LineReader } from "../../plugins/gateway-irc/reader.ts";
import { decodePlain } from "../../plugins/gateway-irc/sasl.ts";

const anyText = fc.string({ unit: "binary" }).filter((text) => text.isWellFormed());
const bytesOf = (text: string) => Buffer.byteLength(text);

describe("a line", () => {
  test.each([
    ["PRIVMSG #a :hi there", "PRIVMSG", ["#a", "hi there"], {}],
    ["privmsg #a hi", "PRIVMSG", ["#a", "hi"], {}],
    [":ann!a@b PRIVMSG  #a   ::)", "PRIVMSG", ["#a", ":)"], {}],
    ["PRIVMSG #a :", "PRIVMSG", ["#a", ""], {}],
    ["@label=1;+x=a\\sb\\:;y PING a", "PING", ["a"], { label: "1", "+x": "a b;", y: "" }],
    ["@x=1;x=2; :src NICK b", "NICK", ["b"], { x: "2" }],
    ["@only=tags", "", [], { only: "tags" }],
    [":only-a-source", "", [], {}],
    ["QUIT", "QUIT", [], {}],
  ] as const)("%s", (text, command, params, tags) => {
    const line = parseLine(text);
    expect([line.command, line.params]).toEqual([command, [...params]]);
    expect(Object.fromEntries(line.tags)).toEqual(tags);
  });

  test("parameters that are written are read again", () => {
    const word = fc.stringMatching(/^[!-9;-~][!-~]{0,8}$/);
    const last = anyText.filter((text) => flat(text) === text);
    fc.assert(
      fc.property(fc.array(word, { maxLength: 5 }), last, (words, text) => {
        expect(parseLine(`X${formatParams([...words, text])}`).params).toEqual([...words, text]);
      }),
    );
  });

  test("tags that are written are read again, and end no line", () => {
    const key = fc.stringMatching(/^\+?[a-z][a-z-]{0,5}$/);
    const value = anyText.filter((text) => !text.includes("\0"));
    fc.assert(
      fc.property(fc.dictionary(key, value), (tags) => {
        const text = formatTags(Object.entries(tags));
        expect(text).not.toMatch(/[\r\n]/);
        expect(Object.fromEntries(parseTags(text.slice(1, -1)))).toEqual({ ...tags });
      }),
    );
  });
});

describe("a text", () => {
  test("is cut at a number of bytes, never within a character", () => {
    fc.assert(
      fc.property(anyText, fc.nat(40), (text, max) => {
        const cut = cutText(text, max);
        expect(text.startsWith(cut)).toBe(true);
        expect(cut.isWellFormed()).toBe(true);
        expect(bytesOf(cut)).toBeLessThanOrEqual(max);
        const next = Array.from(text.slice(cut.length))[0];
        if (next !== undefined) expect(bytesOf(cut + next)).toBeGreaterThan(max);
      }),
    );
  });

  test("becomes pieces that fit, and together are the text without its line ends and seams", () => {
    fc.assert(
      fc.property(anyText, fc.integer({ min: 4, max: 60 }), (text, max) => {
        const pieces = piecesOf(text, max);
        expect(pieces.length).toBeGreaterThan(0);
        for (const piece of pieces) {
          expect(bytesOf(piece)).toBeLessThanOrEqual(max);
          expect(piece).not.toMatch(/[\r\n\0]/);
          expect(piece).not.toBe("");
        }
        // NUL is where a client has cut a line (cuts.ts).
        const joined = text.replaceAll(/[\r\n\0]/g, "");
        expect(pieces.join("")).toBe(joined === "" ? " " : joined);
      }),
    );
  });
});

describe("the reader", () => {
  const read = (chunks: readonly Uint8Array[]) => {
    const seen: string[] = [];
    const reader = new LineReader({
      line: (text) => seen.push(text),
      tooLong: (text) => seen.push(`long ${text.slice(0, 8)}`),
      notUtf8: (text) => seen.push(`bad ${text}`),
      endless: () => seen.push("endless"),
    });
    for (const chunk of chunks) reader.push(chunk);
    return seen;
  };

  test("finds the same lines wherever the bytes are cut", () => {
    const bytes = Buffer.from("NICK ann\r\nUSER é * * :😃 x\n\r\n@a=b PING :z\r\nrest");
    const whole = read([bytes]);
    expect(whole).toEqual(["NICK ann", "USER é * * :😃 x", "@a=b PING :z"]);
    for (let at = 0; at <= bytes.length; at++)
      expect(read([bytes.subarray(0, at), bytes.subarray(at)])).toEqual(whole);
    expect(read(Array.from(bytes, (byte) => new Uint8Array([byte])))).toEqual(whole);
  });

  test("finds the same in any bytes, at once and one by one", () => {
    const part = fc.constantFrom(
      "a",
      " ",
      "@",
      "\r",
      "\n",
      "\r\n",
      "\0",
      "é",
      "\xff\xfe",
      "x".repeat(509),
    );
    const bytes = fc.array(part, { maxLength: 12 }).map((parts) =>
      // The one that is no UTF-8 is written byte by byte.
      Buffer.concat(parts.map((one) => Buffer.from(one, one === "\xff\xfe" ? "latin1" : "utf8"))),
    );
    fc.assert(
      fc.property(bytes, (all) => {
        expect(read([all])).toEqual(read(Array.from(all, (byte) => new Uint8Array([byte]))));
      }),
    );
  });

  test("holds lines to 512 bytes with their end, and tags to 4096 before them", () => {
    const line = (tags: number, rest: number) =>
      Buffer.from(`${tags === 0 ? "" : `@${"t".repeat(tags - 2)} `}${"x".repeat(rest)}\r\n`);
    expect(read([line(0, 510)])).toEqual(["x".repeat(510)]);
    expect(read([line(0, 511)])).toEqual([`long ${"x".repeat(8)}`]);
    expect(read([line(4096, 510)])[0]).toHaveLength(4096 + 510);
    expect(read([line(4097, 1)])).toEqual(["long @ttttttt"]);
  });

  test("says which line is no UTF-8, and reads on behind it", () => {
    const bytes = Buffer.concat([Buffer.from("A "), Buffer.from([0xff]), Buffer.from("\r\nB\r\n")]);
    expect(read([bytes])).toEqual(["bad A \ufffd", "B"]);
  });
});

test("a mask is matched as if by its definition, in any case", () => {
  const slow = (mask: string, text: string): boolean => {
    const [first, ...rest] = mask;
    if (first === undefined) return text === "";
    if (first === "*")
      return slow(rest.join(""), text) || (text !== "" && slow(mask, text.slice(1)));
    const fits = text !== "" && (first === "?" || first === text[0]);
    return fits && slow(rest.join(""), text.slice(1));
  };
  const letters = (...units: readonly string[]) =>
    fc.string({ unit: fc.constantFrom(...units), maxLength: 8 });
  fc.assert(
    fc.property(letters("a", "b", "*", "?"), letters("a", "b"), (mask, text) => {
      expect(maskOf(mask.toUpperCase())(text)).toBe(slow(mask, text));
    }),
  );
});

test("PLAIN is read with and without whom one acts for, and refused where it is none", () => {
  const plain = (text: string) => decodePlain(Buffer.from(text));
  expect(plain("ann\0ann\0secret")).toEqual({ account: "ann", password: "secret" });
  expect(plain("\0ann\0é")).toEqual({ account: "ann", password: "é" });
  for (const wrong of ["", "ann", "ben\0ann\0x", "\0\0x", "\0ann\0", "\0ann\0x\0y"])
    expect(plain(wrong)).toBeUndefined();
  expect(decodePlain(Uint8Array.of(0x80, 0, 0xff, 0, 0x41))).toBeUndefined();
});
