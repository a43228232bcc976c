// Of a stream whose server is gone each server tells some others only: what one of them alone has
// is found all the same.

import { expect, test } from "bun:test";
import { LIMITS } from "../../src/limits.ts";
import { say, Town } from "./town.ts";

test("what one alone has comes also to those whom it does not tell of it", () => {
  const forgetful = Array.from({ length: LIMITS.heldToAllMax }, (_, at) => `town${at}`);
  for (const seed of [1, 2]) {
    const town = new Town(`far ${seed}`, ["paris", "lyon", "caen", ...forgetful]);
    const cat = town.enter("caen", "cat");
    const ana = town.enter("paris", "ana");
    say(ana, "one");
    town.place.rest(1000);
    town.part("caen");
    say(ana, "two");
    town.place.rest(1000);
    town.kill("paris");
    for (const name of forgetful) {
      town.kill(name);
      town.histories.get(name)!.range = () => []; // its disk is damaged
      town.start(name);
    }
    town.join("lyon", "caen", ...forgetful);
    town.place.rest(20_000);
    expect(cat.texts(), `seed ${seed}`).toEqual(["one", "two"]);
  }
});
