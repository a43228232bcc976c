// How two servers find out that they hold different things of rooms: by one digest of all, which is
// nearly always the end of it, and by those of the parts only where it differs. See state-sync.ts.

import { expect, test } from "bun:test";
import { LIMITS } from "../../src/limits.ts";
import { Liar } from "./liar.ts";
import { Ruled } from "./ruled.ts";

/** A server and one that is met, with what it is told of digests. */
function meet(seed: string) {
  const world = new Ruled(seed);
  const paris = world.start("paris");
  const ann = world.account(paris, "ann");
  ann.get("join", { room: "#chat" });
  world.place.rest(LIMITS.foundingMsMax + 1000);
  const other = new Liar(world.place, "lyon");
  world.place.hub.join("paris", "lyon");
  world.place.rest(100);
  const states = () => other.heard.filter(({ t }) => t === "states");
  return { world, other, states, isSmaller: world.place.hub.sidOf("paris") < other.sid };
}

const digestsOf = (said: ReadonlyArray<Readonly<Record<string, unknown>>>) =>
  said.map(({ digests }) => (digests as readonly string[]).length);

test("who is met is told one digest of all", () => {
  const { states } = meet("met");
  expect(digestsOf(states())).toEqual([1]);
});

test("who holds the same is told nothing more", () => {
  const { world, other, states } = meet("same");
  const [said] = states();
  other.tell("paris", { t: "states", digests: said?.["digests"] });
  world.place.rest(100_000);
  expect(states()).toHaveLength(1);
});

test("where it differs the greater tells its parts, and the smaller its all, once", () => {
  const seen = new Set<boolean>();
  for (let seed = 0; seen.size < 2; seed++) {
    const { world, other, states, isSmaller } = meet(`differs ${seed}`);
    if (seen.has(isSmaller)) continue;
    seen.add(isSmaller);
    world.place.rest(LIMITS.stateCompareMsMin);
    for (let i = 0; i < 3; i++) other.tell("paris", { t: "states", digests: ["0".repeat(32)] });
    world.place.rest(100);
    const { stateShelves } = LIMITS;
    expect(digestsOf(states().slice(1))).toEqual(
      isSmaller ? [1] : [stateShelves, stateShelves, stateShelves],
    );
  }
});
