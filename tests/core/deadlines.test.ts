// Many waits of one length, with one timer.

import { expect, test } from "bun:test";
import { createDeadlines } from "../../src/core/deadlines.ts";
import { createWorld } from "../../src/testing.ts";

function begin() {
  const world = createWorld({ seed: "deadlines" });
  const { clock } = world.environment("one");
  const timers = { count: 0 };
  const counted = {
    ...clock,
    after(ms: number, run: () => void) {
      timers.count++;
      return clock.after(ms, run);
    },
  };
  return { world, timers, deadlines: createDeadlines(counted, 1000) };
}

test("each is called after its time, in order; those that are cancelled are not", () => {
  const { world, deadlines, timers } = begin();
  const called: number[] = [];
  const cancels = Array.from({ length: 10 }, (_, i) => {
    world.run(50);
    return deadlines.after(() => called.push(i));
  });
  for (const i of [0, 3, 9]) cancels[i]?.();
  expect(timers.count).toBe(1);
  world.run(550);
  expect(called).toEqual([]);
  world.run(100);
  expect(called).toEqual([1, 2]);
  world.run(1000);
  expect(called).toEqual([1, 2, 4, 5, 6, 7, 8]);
});

test("one that is set while another is called waits for its own time", () => {
  const { world, deadlines } = begin();
  const called: string[] = [];
  deadlines.after(() => {
    called.push("first");
    deadlines.after(() => called.push("second"));
  });
  world.run(1900);
  expect(called).toEqual(["first"]);
  world.run(200);
  expect(called).toEqual(["first", "second"]);
});

test("after the end nothing is called", () => {
  const { world, deadlines } = begin();
  const called: string[] = [];
  deadlines.after(() => called.push("late"));
  deadlines.close();
  world.run(5000);
  expect(called).toEqual([]);
});
