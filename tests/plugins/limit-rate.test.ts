// limit-rate: the bucket of a person, what it says, and who has none.

import { expect, test } from "bun:test";
import limitRate from "../../plugins/limit-rate.ts";
import { LIMITS } from "../../src/limits.ts";
import { LOBBY, parseNick } from "../../src/names.ts";
import type { Caller, Person } from "../../src/plugin/hooks.ts";
import type { SetUp } from "../../src/testing/context.ts";
import { setUp } from "../../src/testing/context.ts";

const personOf = ({ self }: SetUp, ...roles: string[]): Person => ({
  nick: parseNick("ana"),
  server: self,
  account: undefined,
  roles,
});

const say = ({ parts, clock }: SetUp, from: Person) =>
  parts.onMessage!({ id: "1", from, room: LOBBY, kind: "text", text: "hi", at: clock.now() });

/** How many of `tries` messages at once go through. */
const passed = (world: SetUp, from: Person, tries: number): number =>
  Array.from({ length: tries }, () => say(world, from)).filter((one) => one === undefined).length;

test("a person may say a burst at once, and then so many a second", async () => {
  await using world = await setUp(limitRate());
  const ana = personOf(world);
  expect(passed(world, ana, LIMITS.messagesBurst)).toBe(LIMITS.messagesBurst);
  world.clock.advance(1000);
  expect(passed(world, ana, LIMITS.messagesPerSecond)).toBe(LIMITS.messagesPerSecond);
  expect(passed(world, ana, 1)).toBe(0);
  world.clock.advance(3_600_000);
  expect(passed(world, ana, LIMITS.messagesBurst + 1)).toBe(LIMITS.messagesBurst);
});

test("a message that comes too soon waits for its turn, and is not lost", async () => {
  await using world = await setUp(limitRate({ perSecond: 2, burst: 1 }));
  const ana = personOf(world);
  expect(say(world, ana)).toBeUndefined();
  const [second, third] = [say(world, ana), say(world, ana)];
  const passedAt: number[] = [];
  const began = world.clock.now();
  const note = () => passedAt.push(world.clock.now() - began);
  const all = Promise.all([second, third].map((one) => Promise.resolve(one).then(note)));
  world.clock.advance(500);
  await second;
  world.clock.advance(500);
  await all;
  expect(passedAt).toEqual([500, 1000]);
  expect(await second).toBeUndefined();
});

test("at the steady rate nothing is ever dropped", async () => {
  await using world = await setUp(limitRate({ perSecond: 3, burst: 1 }));
  const ana = personOf(world);
  for (let n = 0; n < 1000; n += 1) {
    expect(say(world, ana)).toBeUndefined();
    world.clock.advance(1000 / 3);
  }
});

test("who is dropped is told the bounds and how long to wait", async () => {
  await using world = await setUp(limitRate({ perSecond: 0.1, burst: 2 }));
  const ana = personOf(world);
  passed(world, ana, 2);
  const reason = "too fast: 0.1 messages a second, 2 at once, wait 10 s";
  expect(say(world, ana)).toEqual({ verdict: "drop", reason });
});

test("messages to rooms and to persons come from one bucket", async () => {
  await using world = await setUp(limitRate({ perSecond: 0.1, burst: 3 }));
  const from = personOf(world);
  const tell = () =>
    world.parts.onTell!({ from, to: "ben@lyon", kind: "text", textBytes: 2, at: 0 });
  expect([tell(), say(world, from), tell()]).toEqual([undefined, undefined, undefined]);
  expect(tell()).toMatchObject({ verdict: "deny" });
  expect(say(world, from)).toMatchObject({ verdict: "drop" });
});

test("commands of a person come from the same bucket, and the operator has none", async () => {
  await using world = await setUp(limitRate({ perSecond: 0.1, burst: 2 }));
  const person = personOf(world);
  const run = (caller: Caller) => world.parts.onCommand!({ caller, name: "roll", words: [] });
  const byPerson = () => run({ by: "session", person, roles: [] });
  expect([byPerson(), say(world, person)]).toEqual([undefined, undefined]);
  expect(byPerson()).toMatchObject({ verdict: "deny" });
  expect(say(world, person)).toMatchObject({ verdict: "drop" });
  expect(run({ by: "console", roles: [] })).toBeUndefined();
});

test("each person has a bucket of their own, and a role may have none at all", async () => {
  await using world = await setUp(limitRate({ perSecond: 0.1, burst: 3, exempt: ["bot"] }));
  expect(passed(world, personOf(world), 10)).toBe(3);
  expect(passed(world, personOf(world, "admin"), 10)).toBe(3);
  expect(passed(world, personOf(world, "admin", "bot"), 10)).toBe(10);
});
