// Where lines for people are broken.

import { expect, test } from "bun:test";
import { helpText } from "../../../src/cli/chat/commands.ts";
import { wrapped } from "../../../src/cli/chat/rows.ts";
import { createTextWriter } from "../../../src/cli/chat/text.ts";

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
