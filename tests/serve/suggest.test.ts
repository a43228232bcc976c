// What was probably meant: near words, and nothing rather than anything.

import { expect, test } from "bun:test";
import { editDistance, suggestion } from "../../src/serve/suggest.ts";

test("the distance counts insertions, deletions, replacements and swaps", () => {
  for (const [a, b, distance] of [
    ["merge", "merge", 0],
    ["merge", "merg", 1],
    ["merge", "mergee", 1],
    ["merge", "marge", 1],
    ["merge", "emrge", 1],
    ["kitten", "sitting", 3],
    ["", "ab", 2],
  ] as const) {
    expect(editDistance(a, b, 9)).toBe(distance);
    expect(editDistance(b, a, 9)).toBe(distance);
  }
});

test("a typing mistake is understood, and a word like no other is not", () => {
  const known = ["serve", "chat", "merge", "map", "who"];
  expect(suggestion("srve", known)).toBe(" (did you mean serve?)");
  expect(suggestion("mrege", known)).toBe(" (did you mean merge?)");
  expect(suggestion("xyzzy", known)).toBe("");
  expect(suggestion("", known)).toBe("");
  expect(suggestion("/", ["/me", "/who"])).toBe("");
});
