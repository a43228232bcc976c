// What a usage says of a line: its words, and what may stand at a place.

import { describe, expect, test } from "bun:test";
import { placeOf, wordsOf } from "../../src/cli/usage.ts";

describe("the words of a line", () => {
  const rows: readonly (readonly [rest: string, usage: string, words: readonly string[]])[] = [
    [" 2   6 ", "COUNT SIDES", ["2", "6"]],
    ["", "TEXT", []],
    ['  two  words, "quoted" ', "TEXT", ['two  words, "quoted"']],
    ["ann go  away", "NICK [REASON]", ["ann", "go  away"]],
    ["ann", "NICK [REASON]", ["ann"]],
    ["a b  c", "", ["a", "b", "c"]],
    ["x y  z", "TEXT [ROOM]", ["x", "y", "z"]],
  ];
  test.each(rows)("%p of usage %p are %p", (rest, usage, words) => {
    expect(wordsOf(rest, usage)).toEqual([...words]);
  });
});

describe("at a place of a usage there may stand", () => {
  test("somebody, a room, or one of its words", () => {
    const usage = "on|off [#ROOM] NICK@SERVER [NICK] COUNT [a|b]";
    const places = Array.from({ length: 7 }, (_, index) => placeOf(usage, index));
    const [first, ...rest] = places;
    expect(first).toEqual(["on", "off"]);
    expect(rest).toEqual(["room", "person", "person", undefined, ["a", "b"], undefined]);
  });
});
