// Of a stream whose server is gone each server tells some others only: what one of them alone has
// is found all the same.

import { expect, test } from "bun:test";
import { LIMITS } from "../../src/limits.ts";
import { forgetfulTown } from "./town.ts";

test("what one alone has comes also to those whom it does not tell of it", () => {
  const forgetful = Array.from({ length: LIMITS.heldToAllMax }, (_, at) => `town${at}`);
  for (const seed of [1, 2]) {
    const { town, cat } = forgetfulTown(`far ${seed}`, forgetful);
    town.place.rest(20_000);
    expect(cat.texts(), `seed ${seed}`).toEqual(["one", "two"]);
  }
});
