// A member of the fusion that lies about what others have said while they are away: it tells that
// it has what it has not, is silent when it is asked, or says that there is nothing any more.

import { expect, test } from "bun:test";
import { LIMITS } from "../../src/limits.ts";
import { decodeBatch } from "../../src/protocol/batch.ts";
import { lobby } from "./liar.ts";
import { FUTURE, held, LyingTown } from "./lying-town.ts";
import { say } from "./town.ts";

/** What paris said in a life that is over, while lyon was away, rome and the liar have. */
function over(seed: string) {
  const town = new LyingTown(seed);
  town.start("rome");
  town.join("paris", "lyon", "rome", "nice");
  say(town.ana, "one");
  town.place.rest(1000);
  town.part("lyon");
  for (const text of ["two", "three"]) say(town.ana, text);
  town.place.rest(1000);
  const paris = town.place.hub.sidOf("paris");
  const { bytes } = town.frames("paris", "nice", "room").at(-1)!;
  const { life } = decodeBatch(town.homes.get("lyon")!.environment.crypto, bytes);
  town.kill("paris");
  town.histories.delete("paris");
  town.start("paris");
  town.place.hub.join("paris", "lyon", "rome", "nice");
  town.place.rest(100);
  return { town, paris, life, bytes };
}

test("who keeps silent when it is asked for what it told of is not asked for ever", () => {
  const { town, paris, life } = over("silent");
  for (let i = 0; i < 400; i++) {
    town.liar.tell("lyon", held([[paris, life, 100 + i, FUTURE, "", ""]]));
    town.place.rest(50);
  }
  expect(town.bob.texts()).toEqual(["one", "two", "three"]);
  expect(town.bob.all("gap")).toEqual([]);
});

test("who says that there is nothing any more, before it is asked, gives nothing up", () => {
  const { town, paris, life, bytes } = over("unasked");
  town.liar.tell("lyon", held([[paris, life, 100, FUTURE, "", ""]]));
  town.liar.publish("lyon", "room", bytes);
  for (let i = 0; i < 50; i++)
    town.liar.tell("lyon", { t: "lost", room: lobby, from: 2, to: 2, origin: paris, life });
  town.place.rest(20_000);
  expect(town.bob.texts()).toEqual(["one", "two", "three"]);
  expect(town.bob.all("gap")).toEqual([]);
});

test("lives without number make nobody forget what was shown of another", () => {
  const town = new LyingTown("lives");
  const { place, liar, bob } = town;
  town.start("rome");
  town.join("paris", "lyon", "rome", "nice");
  say(town.ana, "one");
  place.rest(1000);
  town.part("lyon");
  town.kill("paris");
  town.start("paris");
  town.join("paris", "rome", "nice");
  say(town.enter("paris", "ana"), "two");
  place.rest(1000);
  town.kill("paris");
  town.start("paris");
  town.join("paris", "lyon", "rome", "nice");
  place.rest(10_000);
  expect(bob.texts()).toEqual(["one", "two"]);
  const paris = place.hub.sidOf("paris");
  for (let told = 0; told < LIMITS.peersMax + 100;) {
    const rows = Array.from({ length: LIMITS.heldPageMax }, () => {
      const origin = told++ % 2 === 0 ? paris : liar.sid;
      return [origin, told.toString(16).padStart(16, "0"), 5, FUTURE, "", ""];
    });
    liar.tell("lyon", held(rows));
    place.rest(50);
  }
  town.part("nice");
  town.join("paris", "lyon", "rome", "nice");
  place.rest(10_000);
  expect(bob.texts()).toEqual(["one", "two"]);
  expect(bob.all("gap")).toEqual([]);
  expect(place.faults()).toEqual([]);
});

test("a time that is not there keeps nothing from a server that was down", () => {
  const town = new LyingTown("newest");
  const { place, liar } = town;
  town.start("rome");
  town.join("paris", "lyon", "rome", "nice");
  say(town.ana, "one");
  place.rest(1000);
  for (const [i, at] of [FUTURE, 0, 2 ** 53 - 1].entries()) {
    const id = `${at.toString(36).padStart(9, "0")}0000${liar.life.slice(0, 8)}`;
    const more = i === 1 ? { at: FUTURE } : { at, id };
    liar.publish("lyon", "room", liar.batch(i + 1, [liar.entry(`at ${at}`, more)]));
  }
  liar.publish("lyon", "room", liar.batch(4, [liar.entry("before", { at: -1 })]));
  place.rest(1000);
  expect(town.bob.texts()).toHaveLength(4);
  expect(town.bob.all("gap")).toMatchObject([{ missing: 1 }]);
  town.kill("lyon");
  town.kill("paris");
  town.start("paris");
  town.join("paris", "rome");
  say(town.enter("paris", "ana"), "two");
  place.rest(1000);
  town.kill("paris");
  town.start("lyon");
  const bob = town.enter("lyon", "bob");
  town.join("lyon", "rome", "nice");
  place.rest(10_000);
  expect(bob.texts()).toEqual(["two"]);
  expect(place.faults()).toEqual([]);
});
