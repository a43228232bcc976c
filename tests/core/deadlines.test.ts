// Many waits of one length, with one timer.

import { expect, test } from "bun:test";
import { createDeadlines } from "../../src/core/deadlines.ts";
import { createWorld } from "../../src/testing.ts";

function begin(alsoThen: (name: string) => void = () => {}) {
  const world = createWorld({ seed: "deadlines" });
  const { clock } = world.environment("one");
  const state = { timers: 0, expired: [] as string[] };
  const counted = {
    ...clock,
    after(ms: number, run: () => void) {
      state.timers++;
      return clock.after(ms, run);
    },
  };
  const deadlines = createDeadlines<string>(counted, 1000, (name) => {
    state.expired.push(name);
    alsoThen(name);
  });
  return { world, state, deadlines };
}

test("each expires after its time, in order; those that are removed do not", () => {
  const { world, deadlines, state } = begin();
  const names = "abcdefghij".split("");
  for (const name of names) {
    world.run(50);
    deadlines.add(name);
  }
  for (const name of "adj") deadlines.remove(name);
  expect(state.timers).toBe(1);
  world.run(500);
  expect(state.expired).toEqual([]);
  world.run(100);
  expect(state.expired).toEqual(["b"]);
  world.run(1000);
  expect(state.expired).toEqual("bcefghi".split(""));
});

test("one that is set while another expires waits for its own time", () => {
  const { world, deadlines, state } = begin((name) => {
    if (name === "first") deadlines.add("second");
  });
  deadlines.add("first");
  world.run(1900);
  expect(state.expired).toEqual(["first"]);
  world.run(200);
  expect(state.expired).toEqual(["first", "second"]);
});

test("after the end nothing expires", () => {
  const { world, deadlines, state } = begin();
  deadlines.add("late");
  deadlines.close();
  world.run(5000);
  expect(state.expired).toEqual([]);
});
