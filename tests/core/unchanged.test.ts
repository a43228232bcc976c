// What changes nothing in a room is taken, and its answer says so.

import { expect, test } from "bun:test";
import { Ruled } from "./ruled.ts";

const room = "#chat";

test("what was so already is told to nobody, and to who asked as nothing that has changed", () => {
  const world = new Ruled("unchanged");
  const paris = world.start("paris");
  const [ann, gus] = [world.account(paris, "ann"), world.guest(paris, "gus")];
  world.account(paris, "ben");
  for (const one of [ann, gus]) one.get("join", { room });
  const settings = [
    ["ban/eve@lyon", { reason: "spam" }],
    ["mute/eve@lyon", {}],
    ["invite/eve@lyon", true],
    ["mode/limit", 5],
    ["topic", "tea"],
    ["role/ben@paris", "voice"],
  ] as const;
  const changes = (key: string, value: unknown) => {
    const answer = world.set(ann, room, key, value);
    expect(answer["code"]).toBeUndefined();
    return answer["unchanged"] === undefined;
  };
  const told = () => gus.all("state").length;
  for (const [key, value] of settings) {
    const before = told();
    const how = [null, value, value, null, null].map((to) => changes(key, to));
    world.place.rest(50);
    expect([key, how, told() - before]).toEqual([key, [false, true, false, true, false], 2]);
  }
  world.place.rest(60_000); // so many changes are too many at once
  expect(changes("ban/EVE@lyon", { reason: "spam" })).toBe(true);
  expect(changes("ban/eve@LYON", { reason: "spam" })).toBe(false);
  expect(changes("ban/eve@lyon", { reason: "more spam" })).toBe(true);
});
