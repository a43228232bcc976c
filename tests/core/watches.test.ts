// Watching single people: who watches is told, whatever the cause and however large the rooms.

import { describe, expect, test } from "bun:test";
import { LIMITS } from "../../src/limits.ts";
import { createSimulation } from "../../src/testing.ts";
import { Crowd } from "./crowd.ts";
import type { Peer } from "./peer.ts";
import { Place } from "./place.ts";

function pair(seed: string) {
  const place = new Place(seed);
  const [paris, lyon] = [place.start("paris"), place.start("lyon")];
  const ana = place.enter(paris, "ana");
  return { place, paris, lyon, ana };
}
/** What the watcher was told, as "bob@lyon on". */
const told = (peer: Peer) =>
  peer.all("watched").map(({ address, online }) => `${String(address)} ${online ? "on" : "off"}`);

test("a watcher is told how it is, and then each change: here, there, and of a nick", () => {
  const { place, paris, lyon, ana } = pair("watch");
  place.join(paris, lyon);
  const addresses = ["Bob@lyon", "cat@paris"];
  expect(ana.get("watch", { addresses })).toMatchObject({ addresses });
  expect(told(ana)).toEqual(["Bob@lyon off", "cat@paris off"]);
  const bob = place.enter(lyon, "bob");
  const cat = place.enter(paris, "cat");
  place.rest();
  bob.get("rename", { nick: "rob" });
  place.rest();
  cat.get("rename", { nick: "tom" });
  bob.get("rename", { nick: "bob" });
  place.rest();
  expect(told(ana).slice(2).toSorted()).toEqual(
    ["Bob@lyon on", "Bob@lyon off", "Bob@lyon on", "cat@paris on", "cat@paris off"].toSorted(),
  );
  expect(told(ana).findLast((one) => one.startsWith("Bob"))).toBe("Bob@lyon on");
  expect(ana.get("unwatch", { addresses: ["bob@lyon"] })).toMatchObject({
    addresses: ["bob@lyon"],
  });
  const before = told(ana).length;
  bob.send("bye");
  place.rest();
  expect(told(ana)).toHaveLength(before);
});

test("a split and a heal are told of those who are watched, and of a life after a crash", () => {
  const { place, paris, lyon, ana } = pair("watch split");
  place.enter(lyon, "bob");
  ana.get("watch", { addresses: ["bob@lyon", "bob@paris"] });
  place.join(paris, lyon);
  place.hub.part("lyon");
  place.rest();
  place.join(paris, lyon);
  place.world.crash("lyon");
  place.rest();
  place.start("lyon");
  place.rest();
  expect(told(ana)).toEqual([
    "bob@lyon off",
    "bob@paris off",
    "bob@lyon on",
    "bob@lyon off",
    "bob@lyon on",
    "bob@lyon off",
  ]);
});

test("in a crowd, where nobody is told of others, watchers are", () => {
  const place = new Place("watch crowd");
  const crowd = new Crowd();
  const lyon = place.start("lyon", { more: [crowd.plugin()] });
  const paris = place.start("paris");
  const ana = place.enter(paris, "ana");
  ana.get("watch", { addresses: ["n500@lyon"] });
  crowd.enter(place, lyon, 1000);
  place.join(paris, lyon);
  place.hub.fate = ({ traffic }) => (traffic === "control" ? "lose" : "pass");
  for (const session of crowd.sessions) session.close("bye");
  place.rest();
  expect(told(ana)).toEqual(["n500@lyon off", "n500@lyon on", "n500@lyon off"]);
  expect(ana.all("left")).toEqual([]);
});

describe("what is watched is bounded", () => {
  const many = (from: number, count: number) =>
    Array.from({ length: count }, (_, i) => `n${from + i}@lyon`);

  test("by session: all or none of a request; those watched already do not count twice", () => {
    const { ana } = pair("watch bound");
    const max = LIMITS.watchedMax;
    ana.get("watch", { addresses: many(0, max - 1) });
    expect(ana.ask("watch", { addresses: many(max, 2) })).toMatchObject({
      code: "TOO_MANY_WATCHED",
      text: `watch: ${max - 1} are watched, 2 more asked for, at most ${max}`,
    });
    ana.get("watch", { addresses: [...many(0, 50), "N0@Lyon", "new@lyon", "NEW@lyon"] });
    expect(ana.ask("watch", { addresses: ["one@lyon"] })["code"]).toBe("TOO_MANY_WATCHED");
    ana.get("unwatch", { addresses: many(0, 1) });
    ana.get("watch", { addresses: ["one@lyon"] });
  });

  test("an address that is none is refused, and a session that ends watches nobody", () => {
    const { place, paris, ana } = pair("watch end");
    expect(ana.ask("watch", { addresses: ["bob@lyon", "bob"] })["code"]).toBe("ADDRESS_INVALID");
    ana.get("watch", { addresses: many(0, LIMITS.watchedMax) });
    ana.send("bye");
    place.rest();
    const again = place.enter(paris, "ana");
    again.get("watch", { addresses: many(0, LIMITS.watchedMax) });
    expect(told(again)).toHaveLength(LIMITS.watchedMax);
  });
});

test("over links of the real fabric both sides are told of a heal, whoever dials", () => {
  const simulation = createSimulation({ seed: "watch a heal" });
  for (const host of ["paris", "lyon"]) simulation.start(host);
  simulation.merge("paris", "lyon");
  const people = ["ana@paris", "bob@lyon"].map((address) => simulation.enter(address));
  const [ana, bob] = people.map(({ client }) => client);
  const asked = [
    ana!.request("watch", { addresses: ["bob@lyon"] }),
    bob!.request("watch", { addresses: ["ana@paris"] }),
  ];
  simulation.world.until(Promise.all(asked));
  for (let heal = 0; heal < 5; heal++) {
    simulation.world.cut("paris", "lyon");
    simulation.world.run(3000);
    simulation.world.heal("paris", "lyon");
    simulation.world.run(5000);
  }
  for (const { heard } of people) {
    const states = heard.flatMap((event) => (event.type === "watched" ? [event.online] : []));
    expect(states).toEqual(Array.from({ length: 11 }, (_, at) => at % 2 === 0));
  }
});
