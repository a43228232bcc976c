// What is set in rooms for a time: that it ends everywhere at once, and that people are told.

import { describe, expect, test } from "bun:test";
import { LIMITS } from "../../src/limits.ts";
import type { Json, Peer } from "./peer.ts";
import type { Home } from "./place.ts";
import { Ruled } from "./ruled.ts";

const codeOf = (answer: Json): unknown => answer["code"] ?? "ack";
const room = "#chat";
const inMs = (home: Home, ms: number) => home.environment.clock.now() + ms;
/** What somebody was told of a key. */
const told = (one: Peer, key: string) => one.all("state").filter((event) => event["key"] === key);

/** ann in Paris runs the room; gus in Lyon is in it. */
function begin(seed: string) {
  const world = new Ruled(seed);
  const [paris, lyon] = world.town("paris", "lyon");
  const [ann, gus] = [world.account(paris!, "ann"), world.guest(lyon!, "gus")];
  for (const one of [ann, gus]) {
    one.get("join", { room });
    world.place.rest(500);
  }
  return { world, paris: paris!, lyon: lyon!, ann, gus };
}

describe("the end of a ban", () => {
  test.each(["ban", "mute"])("is told to the members of all servers, as of a %s", (kind) => {
    const { world, paris, lyon, ann, gus } = begin(kind);
    const key = `${kind}/eve@lyon`;
    const until = inMs(paris, 60_000);
    expect(codeOf(world.set(ann, room, key, { until, reason: "spam" }))).toBe("ack");
    world.place.rest(59_000);
    expect(told(gus, key)).toHaveLength(1);
    const held = [world.held(paris), world.held(lyon)];
    world.place.rest(1000);
    for (const one of [ann, gus]) {
      const end = { room, key, value: null, at: until, expired: true };
      expect(told(one, key).at(-1)).toEqual({ ...end, by: "ann@paris", from: "ann@paris" });
      expect(world.settings(one, room)).toEqual({});
    }
    world.place.rest(600_000);
    expect(told(gus, key)).toHaveLength(2);
    expect([world.held(paris), world.held(lyon)]).toEqual(held); // nothing was signed for it
  });

  test("lets in who was kept out, and shows who was hidden", () => {
    const world = new Ruled("hidden");
    const { paris, ann, gus } = world.met(room);
    const eve = world.guest(paris, "eve");
    const until = inMs(paris, 60_000);
    for (const who of ["gus@lyon", "eve@paris"]) world.set(ann, room, `ban/${who}`, { until });
    world.place.rest(50_000);
    expect(codeOf(eve.ask("join", { room }))).toBe("BANNED");
    const names = () =>
      ann.all("joined").flatMap((event) => (event["room"] === room ? [event["person"]] : []));
    const before = names().length;
    world.place.rest(10_000);
    expect(names().slice(before)).toMatchObject([{ address: "gus@lyon" }]);
    expect(codeOf(eve.ask("join", { room }))).toBe("ack");
    expect(codeOf(gus.ask("say", { room, text: "back" }))).toBe("ack");
    world.place.rest(100);
    expect(ann.texts(room)).toEqual(["back"]);
  });

  test("is that of the last one: not told where it was lifted, or set anew", () => {
    const { world, paris, ann, gus } = begin("anew");
    for (const [key, value] of [
      ["ban/eve@*", { until: inMs(paris, 60_000) }],
      ["ban/hal@*", { until: inMs(paris, 60_000) }],
      ["ban/eve@*", null],
      ["ban/hal@*", { until: inMs(paris, 120_000) }],
    ] as const)
      expect(codeOf(world.set(ann, room, key, value))).toBe("ack");
    world.place.rest(90_000);
    expect(told(gus, "ban/eve@*")).toMatchObject([{ value: {} }, { value: null }]);
    expect(told(gus, "ban/eve@*").at(-1)).not.toHaveProperty("expired");
    expect(told(gus, "ban/hal@*")).toMatchObject([{ value: {} }, { value: {} }]);
    world.place.rest(40_000);
    expect(told(gus, "ban/hal@*").at(-1)).toMatchObject({ value: null, expired: true });
  });

  test("is by each server's own clock, also where that is set meanwhile", () => {
    const { world, paris, ann, gus } = begin("clocks");
    const day = 86_400_000;
    const key = "ban/eve@*";
    world.set(ann, room, key, { until: inMs(paris, day) });
    world.place.rest(1000);
    world.place.world.skew("lyon", day);
    world.place.rest(LIMITS.endingLookMsMax);
    expect(told(gus, key).at(-1)).toMatchObject({ value: null, expired: true });
    expect(told(ann, key)).toHaveLength(1);
  });

  test("is a time to come, by the clock of the one's server who sets it", () => {
    const { world, paris, ann } = begin("past");
    const now = inMs(paris, 0);
    const answer = world.set(ann, room, "ban/eve@*", { until: now - 1000 });
    expect(answer).toMatchObject({ code: "BAD_REQUEST" });
    expect(answer["text"]).toContain(
      `until ${new Date(now - 1000).toISOString()}: expected a time`,
    );
  });

  test("is a date, which is shown to whom it keeps out; there is none so late as a number", () => {
    const { world, ann, gus } = begin("late");
    const ban = (until: number) => codeOf(world.set(ann, room, "ban/gus@lyon", { until }));
    expect(ban(LIMITS.timeMsMax + 1)).toBe("BAD_REQUEST");
    expect(ban(LIMITS.timeMsMax)).toBe("ack");
    world.place.rest(1000);
    expect(gus.all("removed")).toMatchObject([{ code: "BANNED" }]);
    expect(gus.ask("join", { room })["text"]).toContain("until +275760-09-13");
  });

  test("is not waited for where the last one is put out by it", () => {
    const { world, paris, lyon, ann, gus } = begin("last");
    const timers = () => {
      world.place.rest(10_000);
      return world.place.world.timers(lyon.name);
    };
    const before = timers();
    world.set(ann, room, "ban/gus@lyon", { until: inMs(paris, 3_600_000) });
    expect(timers()).toBe(before);
    expect(gus.all("removed")).toHaveLength(1);
  });

  test("while nobody was there is found by who comes then", () => {
    const { world, paris, ann, gus } = begin("nobody");
    world.set(ann, room, "ban/eve@*", { until: inMs(paris, 60_000) });
    for (const one of [ann, gus]) one.get("part", { room });
    world.place.rest(70_000);
    ann.get("join", { room });
    expect(world.settings(ann, room)).toEqual({});
    expect(told(ann, "ban/eve@*")).toHaveLength(1);
  });
});
