// The checker notices what a server must not do, and nothing else.

import { expect, test } from "bun:test";
import { Checker } from "./checker.ts";

/** What the checker says of copies that came in this order, of `said` messages. */
function verdict(numbers: readonly number[], said: number) {
  const checker = new Checker(2);
  for (const number of numbers) checker.take(1, number);
  return checker.faults((cell) => (cell === 1 ? said : 0));
}

const FINE = { lost: 0, doubled: 0, misordered: 0, strange: 0 };

test("what comes once and in order is fine", () => {
  expect(verdict([1, 2, 3, 4], 4)).toEqual(FINE);
  expect(verdict([], 0)).toEqual(FINE);
});

test("a lost message is noticed, in the middle, at the beginning and at the end", () => {
  expect(verdict([1, 3, 4], 4)).toEqual({ ...FINE, lost: 1 });
  expect(verdict([2, 3, 4], 4)).toEqual({ ...FINE, lost: 1 });
  expect(verdict([1, 2], 4)).toEqual({ ...FINE, lost: 2 });
});

test("a doubled message is noticed, at once and later", () => {
  expect(verdict([1, 2, 2, 3], 3)).toEqual({ ...FINE, doubled: 1 });
  expect(verdict([1, 2, 3, 1, 1], 3)).toEqual({ ...FINE, doubled: 2 });
});

test("two messages that are swapped are noticed, and are not lost", () => {
  expect(verdict([1, 3, 2, 4], 4)).toEqual({ ...FINE, misordered: 1 });
  expect(verdict([3, 2, 1], 3)).toEqual({ ...FINE, misordered: 2 });
});

test("one that comes late and then again is out of order and doubled", () => {
  expect(verdict([1, 3, 2, 2], 3)).toEqual({ ...FINE, misordered: 1, doubled: 1 });
});

test("a hole of any size is counted", () => {
  expect(verdict([1, 1_000_000], 1_000_000)).toEqual({ ...FINE, lost: 999_998 });
});
