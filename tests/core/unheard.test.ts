// What comes over restarts of streams in which nothing had been said before: where they stood when
// they were first heard is kept.

import { expect, test } from "bun:test";
import { say, Town } from "./town.ts";

const tea = "#tea";

test("a server that was down gets the first words of one that it had met", () => {
  const town = new Town("first words", ["paris", "lyon"]);
  const ana = town.enter("paris", "ana");
  town.kill("lyon");
  say(ana, "one");
  say(ana, "two");
  town.start("lyon");
  const bob = town.enter("lyon", "bob");
  town.join("paris", "lyon");
  expect(bob.texts()).toEqual(["one", "two"]);
  expect(bob.all("message").every((value) => "late" in value)).toBe(true);
  expect(town.said("lyon")).toEqual(["one", "two"]);
});

test("also in a room, when it is joined again", () => {
  const town = new Town("first words in a room", ["paris", "lyon"]);
  const ana = town.enter("paris", "ana");
  ana.get("join", { room: tea });
  town.enter("lyon", "bob").get("join", { room: tea });
  town.place.rest(1000);
  town.kill("lyon");
  say(ana, "one", tea);
  town.start("lyon");
  const bob = town.enter("lyon", "bob");
  town.join("paris", "lyon");
  bob.get("join", { room: tea });
  town.place.rest(1000);
  expect(bob.texts()).toEqual(["one"]);
});

test("also when that one was down, too, and of both its lives", () => {
  const town = new Town("first words of two", ["paris", "lyon"]);
  const ana = town.enter("paris", "ana");
  town.kill("lyon");
  say(ana, "one");
  town.place.rest(1000);
  town.kill("paris");
  town.start("paris");
  say(town.enter("paris", "ana"), "two");
  town.start("lyon");
  const bob = town.enter("lyon", "bob");
  town.join("paris", "lyon");
  town.place.rest(20_000);
  expect(bob.texts()).toEqual(["one", "two"]);
});

test("but not what was said before the two had met", () => {
  const town = new Town("before", ["paris"]);
  const ana = town.enter("paris", "ana");
  say(ana, "before");
  town.start("lyon");
  town.join("paris", "lyon");
  town.kill("lyon");
  say(ana, "after");
  town.start("lyon");
  const bob = town.enter("lyon", "bob");
  town.join("paris", "lyon");
  expect(bob.texts()).toEqual(["after"]);
  expect(town.said("lyon")).toEqual(["after"]);
});

test("nor what was said in a room while nobody here was in it, however often it is joined", () => {
  const town = new Town("left and joined", ["paris", "lyon"]);
  const ana = town.enter("paris", "ana");
  ana.get("join", { room: tea });
  const bob = town.enter("lyon", "bob");
  for (const again of [false, true]) {
    if (again) {
      town.kill("lyon");
      town.start("lyon");
      town.join("paris", "lyon");
    }
    const one = again ? town.enter("lyon", "bob") : bob;
    for (const text of ["one", "two", "three"]) {
      one.get("join", { room: tea });
      town.place.rest(2000);
      say(ana, text, tea);
      town.place.rest(2000);
      one.get("part", { room: tea });
      town.place.rest(2000);
      say(ana, `without ${text}`, tea);
      town.place.rest(2000);
    }
    const first = again ? ["without three"] : []; // said since it was heard last, before the kill
    expect(one.texts()).toEqual([...first, "one", "two", "three"]);
  }
});
