// What is taken of the past at a merge: as many messages of each stream as the config says.

import { expect, test } from "bun:test";
import { MemoryHistory } from "./memory.ts";
import type { Peer } from "./peer.ts";
import { Place } from "./place.ts";

const say = (peer: Peer, text: string, room = "#lobby") => peer.get("say", { room, text });
const lates = (peer: Peer) => peer.all("message").map((value) => "late" in value);

/** Somebody has said three lines in paris before lyon, which takes so many, merges with it. */
function merge(seed: string, onMerge: number) {
  const place = new Place(seed);
  const history = new MemoryHistory();
  const paris = place.start("paris", { more: [new MemoryHistory().plugin()] });
  const lyon = place.start("lyon", { onMerge, more: [history.plugin()] });
  const [ana, bob] = [place.enter(paris, "ana"), place.enter(lyon, "bob")];
  for (const text of ["one", "two", "three"]) say(ana, text);
  place.join(paris, lyon);
  place.rest(3000);
  say(ana, "four");
  place.rest(1000);
  return { place, history, ana, bob, paris, lyon };
}

test("nothing of it is shown where the config says nothing", () => {
  expect(merge("none", 0).bob.texts()).toEqual(["four"]);
});

test("its last messages come late and in order, and are logged", () => {
  const { bob, history } = merge("two", 2);
  expect(bob.texts()).toEqual(["two", "three", "four"]);
  expect(lates(bob)).toEqual([true, true, false]);
  expect(history.backlog("#lobby", 9).map(({ text }) => text)).toEqual(bob.texts());
});

test("all of it comes where it is shorter, and no gap is told", () => {
  const { bob } = merge("all", 100);
  expect(bob.texts()).toEqual(["one", "two", "three", "four"]);
  expect(bob.all("gap")).toEqual([]);
});

test("no gap is told of a past that is held no more, and what follows comes", () => {
  const place = new Place("forgotten");
  // Without a history: what is said while a server is alone is kept nowhere.
  const paris = place.start("paris");
  const lyon = place.start("lyon", { onMerge: 1000 });
  const [ana, bob] = [place.enter(paris, "ana"), place.enter(lyon, "bob")];
  say(ana, "lost");
  place.join(paris, lyon);
  place.rest(3000);
  say(ana, "now");
  place.rest(1000);
  expect(bob.texts()).toEqual(["now"]);
  expect(bob.all("gap")).toEqual([]);
});

test("a room that has its first member here begins with its past as well", () => {
  const { place, ana, bob } = merge("room", 2);
  ana.get("join", { room: "#tea" });
  for (const text of ["1", "2", "3"]) say(ana, text, "#tea");
  place.rest(1000);
  bob.get("join", { room: "#tea" });
  place.rest(3000);
  expect(bob.texts("#tea")).toEqual(["2", "3"]);
});
