// The order of a server's lives: what it says after a restart is shown behind what it said before,
// whichever of the two is here first.

import { expect, test } from "bun:test";
import { LIMITS } from "../../src/limits.ts";
import type { HubFrame } from "./hub.ts";
import { say, Town } from "./town.ts";

const NAMES = ["paris", "lyon", "nice"];
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** Paris said "one" to all, "two" to nobody, was killed, and is there again, alone. */
function restarted(seed: string) {
  const town = new Town(seed, NAMES);
  const cat = town.enter("nice", "cat");
  const ana = town.enter("paris", "ana");
  say(ana, "one");
  town.place.rest(1000);
  town.part("paris");
  say(ana, "two");
  town.place.rest(1000);
  town.kill("paris");
  town.start("paris");
  return { town, cat };
}

test("what a server said before a restart comes before what it says after it", () => {
  const { town, cat } = restarted("two lives");
  say(town.enter("paris", "ana"), "three"); // alone, and nobody has heard of this life
  town.place.rest(1000);
  town.kill("paris");
  town.start("paris");
  const again = town.enter("paris", "ana");
  say(again, "four");
  town.join(...NAMES);
  say(again, "five");
  town.place.rest(5000);
  expect(cat.texts()).toEqual(["one", "two", "three", "four", "five"]);
});

test("also when what it says overtakes its word on what it said before", () => {
  const { town, cat } = restarted("overtaken");
  town.place.hub.fate = ({ traffic }) => (traffic === "private" ? "lose" : "pass");
  town.place.join(...NAMES.map((name) => town.homes.get(name)!));
  say(town.enter("paris", "ana"), "three");
  town.place.rest(1000);
  town.place.hub.fate = () => "pass";
  town.place.rest(5000);
  expect(cat.texts()).toEqual(["one", "two", "three"]);
});

for (const [what, isLost] of [
  ["before it has told how that stood", ({ traffic }) => traffic === "private"],
  ["before it has given that", ({ bytes }) => decode(bytes).includes("two")],
] satisfies [string, (frame: HubFrame) => boolean][])
  test(`also when it is gone again ${what}`, () => {
    const { town, cat } = restarted(`gone again ${what}`);
    town.place.hub.fate = (frame) => (isLost(frame) ? "lose" : "pass");
    town.join(...NAMES);
    say(town.enter("paris", "ana"), "three");
    town.place.rest(1000);
    town.part("paris");
    town.place.rest(LIMITS.earlierLifeMsMax - 10_000);
    expect(cat.texts()).toEqual(["one"]);
    town.place.hub.fate = () => "pass";
    town.join(...NAMES);
    expect(cat.texts()).toEqual(["one", "two", "three"]);
  });

test("also when that has been missing for longer than is waited for", () => {
  const town = new Town("long missing", NAMES);
  const bob = town.enter("lyon", "bob");
  const ana = town.enter("paris", "ana");
  say(ana, "one");
  town.place.rest(1000);
  town.place.hub.fate = ({ to, traffic, bytes }) =>
    to === "lyon" && traffic === "room" && decode(bytes).includes("two") ? "lose" : "pass";
  say(ana, "two");
  town.place.rest(1000);
  town.kill("paris");
  town.place.rest(2 * LIMITS.earlierLifeMsMax);
  town.start("paris");
  town.join(...NAMES);
  say(town.enter("paris", "ana"), "three");
  town.place.rest(1000);
  town.place.hub.fate = () => "pass";
  town.place.rest(5000);
  expect(bob.texts()).toEqual(["one", "two", "three"]);
});
