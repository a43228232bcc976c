// Where lines for people are broken.

import { expect, test } from "bun:test";
import { helpText } from "../../../src/cli/chat/commands.ts";
import { fitted, textRows, wrapped } from "../../../src/cli/chat/rows.ts";
import { createTextWriter } from "../../../src/cli/chat/text.ts";
import { LIMITS } from "../../../src/limits.ts";

const rows: readonly (readonly [string, number, readonly string[]])[] = [
  ["fits  as it is", 14, ["fits  as it is"]],
  ["one two three", 7, ["one two", "    three"]],
  ["日本 語", 5, ["日本", "    語"]],
  ["pneumonia it is", 8, ["pneumonia", "    it", "    is"]],
  ["/quit  ends the chat", 12, ["/quit", "    ends the", "    chat"]],
  [
    "  in  what is it of all the things that there are",
    32,
    ["  in  what is it of all the", "      things that there are"],
  ],
  [`one two${" ".repeat(5)}`, 7, ["one two"]],
  ["", 5, [""]],
];
for (const [line, columns, broken] of rows)
  test(`"${line}" on ${columns} columns`, () => expect(wrapped(line, columns)).toEqual(broken));

const lines: readonly (readonly [string, number, readonly string[]])[] = [
  ["12:00 ben: fits", 15, ["12:00 ben: fits"]],
  ["12:00 ben: hi and 12:00 ann: ho", 24, ["12:00 ben: hi and ", "      12:00 ann: ho"]],
  [
    `12:00 ben:${" ".repeat(14)}12:00 ann`,
    20,
    ["12:00 ben:    ", "               ", "      12:00 ann"],
  ],
  ["12:00 ben: http://a.b/cdefgh?i=1", 20, ["12:00 ben: ", "      http://a.b/cdefgh?i=1"]],
  ["12:00: abc\u280012:00\u2800ann", 16, ["12:00: abc", "      \u280012:00\u2800ann"]],
  ["12:00 日本語日本語日本語", 16, ["12:00 ", "      日本語日本", "      語日本語"]],
  ["      a\n      b  日本 c", 14, ["      a", "      b ", "      日本 c"]],
];
const dimmed = (text: string) => `\u001b[2m${text}\u001b[22m`;
test("a row begins where all others do, also behind one that is full, and in its colour", () => {
  const text = fitted(dimmed("-- ann and ben are"), 16);
  expect(Bun.stripANSI(text)).toBe("-- ann and\n      ben are");
  expect(text.split("\n")[1]).toStartWith("      \u001b[2mben");
});
for (const [text, columns, broken] of lines)
  test(`${JSON.stringify(text)} in rows of ${columns}`, () =>
    expect(fitted(text, columns).split("\n")).toEqual([...broken]));

test("a flood of blanks is broken at once", () => {
  const [before, blanks] = [performance.now(), " ".repeat(100_000)];
  expect(wrapped(`a${blanks}`, 80)).toEqual(["a"]);
  expect(wrapped(`a${blanks}b`, 80)).toEqual(["a", "    b"]);
  expect(performance.now() - before).toBeLessThan(2000); // each at its turn again: minutes
});

test("the help has all its words, whole, on a terminal of any width", () => {
  const text = helpText("", []);
  const words = (all: string) => all.split(/\s+/).filter((word) => word !== "--");
  for (const columns of [20, 40, 80, 200]) {
    const write = createTextWriter({ colours: false, self: () => "", columns: () => columns });
    const shown = write({ event: "help", ref: 1, text });
    expect(words(shown).join(" ").trim()).toBe(words(text).join(" "));
    // The longest word of all has 20 signs.
    for (const row of shown.split("\n"))
      expect(row.length).toBeLessThanOrEqual(Math.max(columns, 28));
  }
});

test("a flood of lines has no more rows than its bound, and says how many more there are", () => {
  const flood = (count: number) => Array.from({ length: count }, (_, at) => `${at}`).join("\n");
  const rowsOf = (count: number) => textRows(flood(count)).split("\n").slice(1);
  const { textRowsMax: most } = LIMITS;
  expect(rowsOf(most)).toHaveLength(most);
  expect(rowsOf(most).at(-1)).toBe(`      ${most - 1}`);
  expect(rowsOf(9000)).toHaveLength(most);
  expect(rowsOf(9000).slice(-2)).toEqual([
    `      ${most - 2}`,
    `      … ${9001 - most} more lines`,
  ]);
});

test("a tab is as many blanks as lead to the next stop of four", () => {
  expect(["a\tb", "日本\tb\t", "\tif x:\n\t\ty\tz", "\u001b\t!"].map(textRows)).toEqual([
    " a   b",
    " 日本    b   ",
    "\n          if x:\n              y   z",
    " ␛   !",
  ]);
});
