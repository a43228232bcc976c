// Work that is tried again: later, within a bound, and not after the end.

import { expect, test } from "bun:test";
import { createOwed } from "../../src/core/owed.ts";
import { LIMITS } from "../../src/limits.ts";
import { createManualClock } from "../../src/testing/context.ts";

function stage() {
  const clock = createManualClock();
  const ran: number[] = [];
  const owed = createOwed(clock, 2);
  const add = (number: number) => owed.add(() => ran.push(number));
  return { owed, add, ran, pass: () => clock.advance(LIMITS.storeRetryMs) };
}

test("work is run once, later, and up to a bound", () => {
  const { add, ran, pass } = stage();
  for (const number of [1, 2, 3]) add(number);
  expect(ran).toEqual([]);
  pass();
  expect(ran).toEqual([1, 2]);
  add(4);
  pass();
  pass();
  expect(ran).toEqual([1, 2, 4]);
});

test("nothing is run after the end, also what fails later", () => {
  const { owed, add, ran, pass } = stage();
  add(1);
  owed.close();
  add(2);
  pass();
  expect(ran).toEqual([]);
});
