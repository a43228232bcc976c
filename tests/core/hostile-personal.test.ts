// A member of the fusion that lies about who is away and who is writing, and floods with it.

import { expect, test } from "bun:test";
import { LIMITS } from "../../src/limits.ts";
import { LyingTown } from "./lying-town.ts";
import { lobby } from "./liar.ts";

test("only its own people who are there are told to be writing, as often as is bounded", () => {
  const town = new LyingTown("typing");
  const { liar, place, bob } = town;
  for (const from of ["ana@paris", "nobody@nice", "mal@paris", "@nice", "mal"])
    for (const where of [{ room: lobby }, { to: "bob@lyon" }])
      liar.tell("lyon", { t: "typing", from, ...where });
  for (const where of [
    { room: "#none" },
    { room: "&own" },
    { room: "no room" },
    { to: "ana@paris" },
    {},
  ])
    liar.tell("lyon", { t: "typing", from: "mal@nice", ...where });
  place.rest(1500);
  expect(bob.all("typing")).toEqual([]);
  for (let i = 0; i < LIMITS.typingPerServerMax; i++)
    liar.tell("lyon", { t: "typing", from: "mal@nice", room: lobby });
  place.rest(10);
  for (let i = 0; i < 20; i++) liar.tell("lyon", { t: "typing", from: "mal@nice", room: lobby });
  place.rest(300);
  expect(bob.all("typing")).toHaveLength(LIMITS.typingPerServerMax);
  town.isWell([]);
});

test("a word on being away that is none is refused, and others' people are not touched", () => {
  const town = new LyingTown("away");
  const { liar, place, bob } = town;
  const people = [["mal", "", 1, [], "x".repeat(LIMITS.reasonBytesMax * 2 + 1)]];
  liar.tell("lyon", { t: "people", v: 2, first: true, last: true, people });
  liar.tell("lyon", {
    t: "people",
    v: 2,
    first: true,
    last: true,
    people: [["mal", "", 1, [], 5]],
  });
  place.rest(300);
  expect(bob.get("whois", { address: "mal@nice" })).not.toHaveProperty("away");
  const told = [["mal", "", 1, [], "gone"]];
  liar.tell("lyon", { t: "people", v: 2, first: true, last: true, people: told });
  place.rest(300);
  expect(bob.get("whois", { address: "mal@nice" })).toMatchObject({ away: "gone" });
  expect(bob.get("whois", { address: "ana@paris" })).not.toHaveProperty("away");
  town.isWell([]);
});
