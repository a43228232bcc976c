// Names that were seen with a key stay with it, however many made-up servers come and go.

import { expect, test } from "bun:test";
import { LIMITS } from "../../../src/plugin.ts";
import type { ServerName } from "../../../src/plugin.ts";
import { Pins } from "../../../plugins/fabric-tree/pins.ts";
import { identity, Scripted } from "./scripted.ts";
import { outcomeOf, World } from "./world.ts";

test("who is absent keeps its name, whatever number of servers is seen meanwhile", () => {
  const pins = new Pins();
  const { sid } = identity("absent");
  const [absent, other] = ["absent", "other"] as ServerName[];
  let now = 1_700_000_000_000;
  pins.see(absent!, sid, now);
  for (let at = 0; at < 3 * LIMITS.pinsMax; at++) {
    const name = `fake${at}` as ServerName;
    expect(pins.see(name, identity("fake").sid, (now += 1000))).toBe(true);
  }
  expect(pins.of(absent!, now)).toBe(sid);
  expect(pins.see(absent!, identity("thief").sid, now)).toBe(false);
  expect((pins.dump() as unknown[]).length).toBe(LIMITS.pinsMax);
  // An operator's word always counts, and what has run out makes room again.
  pins.trust(other!, sid, now);
  expect(pins.of(other!, now)).toBe(sid);
  now += LIMITS.pinMsMax + 1;
  pins.see("new" as ServerName, sid, now);
  expect(pins.of("new" as ServerName, now)).toBe(sid);
});

test("a name of one who is here, or was, is not had by what looks like it", () => {
  const world = new World();
  const [a, nice] = [world.add("a"), world.add("nice")];
  world.merge(a, nice);
  world.run(LIMITS.pinFirmMs);
  for (const absent of [false, true]) {
    if (absent) world.await(a.fabric.unmerge(nice.name));
    for (const name of ["nice", "NICE", "nlce", "nine"]) {
      const self = { ...identity(`thief of ${name} ${absent}`), name: name as ServerName };
      const thief = new Scripted(world, a, self).dial().auth().fusion();
      const isFree = name === "nine";
      expect(thief.reason?.code, name).toBe(isFree ? undefined : "NAME_TAKEN");
      thief.link.close({ code: "UNMERGED", text: "goes" });
    }
  }
  expect(outcomeOf(world.merge(nice, a))).toBe("merged");
});
