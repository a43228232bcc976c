// What comes over restarts: a server that was down gets what was said meanwhile, and what a life
// said that is over goes to all who hear the room, whoever of them has it.

import { expect, test } from "bun:test";
import { LIMITS } from "../../src/limits.ts";
import { MemoryHistory } from "./memory.ts";
import type { Peer } from "./peer.ts";
import { forgetfulTown, lobby, say, Town } from "./town.ts";

const lates = (peer: Peer) => peer.all("message").map((value) => "late" in value);

test("a server that was down gets what was said meanwhile, in order and marked as late", () => {
  const town = new Town("down", ["paris", "lyon"]);
  const ana = town.enter("paris", "ana");
  say(ana, "one");
  town.place.rest(1000);
  town.kill("lyon");
  say(ana, "two");
  say(ana, "three");
  town.start("lyon");
  const bob = town.enter("lyon", "bob");
  town.join("paris", "lyon");
  say(ana, "four");
  town.place.rest(5000);
  expect(bob.texts()).toEqual(["two", "three", "four"]);
  expect(lates(bob)).toEqual([true, true, false]);
  expect(town.said("lyon")).toEqual(["one", "two", "three", "four"]);
});

test("a room that is joined again after a restart goes on where it stood", () => {
  const town = new Town("room", ["paris", "lyon"]);
  const ana = town.enter("paris", "ana");
  const first = town.enter("lyon", "bob");
  for (const one of [ana, first]) one.get("join", { room: "#den" });
  town.place.rest(3000);
  say(ana, "one", "#den");
  town.place.rest(1000);
  town.kill("lyon");
  say(ana, "two", "#den");
  town.start("lyon");
  town.join("paris", "lyon");
  const bob = town.enter("lyon", "bob");
  bob.get("join", { room: "#den" });
  town.place.rest(5000);
  expect(bob.texts()).toEqual(["two"]);
});

test("also where the clock has jumped since", () => {
  const town = new Town("jump", ["paris", "lyon"]);
  const ana = town.enter("paris", "ana");
  for (const one of [ana, town.enter("lyon", "bob")]) one.get("join", { room: "#den" });
  town.place.rest(3000);
  say(ana, "one", "#den");
  town.place.rest(1000);
  town.kill("lyon");
  say(ana, "two", "#den");
  town.start("lyon");
  town.place.world.skew("lyon", 2 * LIMITS.rejoinMs);
  town.join("paris", "lyon");
  const bob = town.enter("lyon", "bob");
  bob.get("join", { room: "#den" });
  town.place.rest(5000);
  expect(bob.texts()).toEqual(["two"]);
});

test("what a life said that is over goes from whoever has it to all the others", () => {
  const town = new Town("over", ["paris", "lyon", "nice"]);
  const [ana, bob, cat] = [
    town.enter("paris", "ana"),
    town.enter("lyon", "bob"),
    town.enter("nice", "cat"),
  ];
  say(ana, "one");
  town.place.rest(1000);
  town.part("nice");
  say(ana, "two");
  say(ana, "three");
  town.place.rest(1000);
  town.kill("paris");
  town.join("lyon", "nice");
  say(bob, "four");
  town.place.rest(5000);
  expect(bob.texts()).toEqual(["one", "two", "three", "four"]);
  expect(cat.texts()).toEqual(["one", "two", "three", "four"]);
  expect(lates(cat)).toEqual([false, true, true, false]);
  expect(town.said("nice")).toEqual(["one", "two", "three", "four"]);
});

test("a life that came and went while a server was away goes to it, too", () => {
  const town = new Town("away", ["paris", "lyon", "nice"]);
  const cat = town.enter("nice", "cat");
  say(town.enter("paris", "ana"), "one");
  town.place.rest(1000);
  town.part("nice");
  town.kill("paris");
  town.start("paris");
  town.join("paris", "lyon");
  say(town.enter("paris", "ana"), "two");
  town.place.rest(1000);
  town.kill("paris");
  town.start("paris");
  town.join("paris", "lyon", "nice");
  expect(cat.texts()).toEqual(["one", "two"]);
});

test("what a server says after a restart, before it is linked, comes when it is", () => {
  const town = new Town("new life", ["paris", "lyon", "nice"]);
  const cat = town.enter("nice", "cat");
  say(town.enter("paris", "ana"), "one");
  town.place.rest(1000);
  town.kill("paris");
  town.start("paris");
  const ana = town.enter("paris", "ana");
  say(ana, "two");
  say(ana, "three");
  town.place.rest(1000);
  town.join("paris", "lyon", "nice");
  say(ana, "four");
  town.place.rest(1000);
  expect(cat.texts()).toEqual(["one", "two", "three", "four"]);
  expect(lates(cat)).toEqual([false, true, true, false]);
  expect(town.said("lyon")).toEqual(["one", "two", "three", "four"]);
});

test("the history since a message has what came late behind what was there already", () => {
  const town = new Town("since", ["paris", "lyon"]);
  const [ana, bob] = [town.enter("paris", "ana"), town.enter("lyon", "bob")];
  say(ana, "one");
  town.place.rest(1000);
  town.part("paris");
  say(ana, "two");
  town.place.rest(1000);
  say(bob, "three");
  town.place.rest(1000);
  town.join("paris", "lyon");
  const since = town.histories.get("lyon")!.backlog(lobby, 10)[0]!.id;
  const past = (peer: Peer, more: object) => peer.ask("history", { room: lobby, ...more });
  expect(past(bob, { since })["messages"]).toMatchObject([{ text: "three" }, { text: "two" }]);
  expect(past(bob, { since, limit: 1 })["messages"]).toMatchObject([{ text: "three" }]);
  expect(past(bob, { since: "unknown" })["code"]).toBe("NO_HISTORY");
  expect(past(bob, { since, before: since })["code"]).toBe("BAD_REQUEST");
});

test("what others gave of a life goes on from there when its server is met", () => {
  const town = new Town("met later", ["paris", "lyon", "nice"]);
  say(town.enter("paris", "ana"), "one");
  town.place.rest(1000);
  town.kill("lyon");
  town.kill("paris");
  town.start("paris");
  town.join("paris", "nice");
  const ana = town.enter("paris", "ana");
  say(ana, "two");
  town.place.rest(1000);
  town.part("paris");
  town.start("lyon");
  town.join("lyon", "nice");
  expect(town.said("lyon")).toEqual(["one", "two"]);
  say(ana, "three");
  town.place.rest(1000);
  town.join("paris", "lyon", "nice");
  expect(town.said("lyon")).toEqual(["one", "two", "three"]);
});

test("what a server has of a room is told when its first member comes, too", () => {
  const names = ["paris", "lyon", "nice"];
  const town = new Town("opened", names);
  const [ana, bob] = [town.enter("paris", "ana"), town.enter("lyon", "bob")];
  for (const one of [ana, bob, town.enter("nice", "cat")]) one.get("join", { room: "#den" });
  town.place.rest(2000);
  say(ana, "one", "#den");
  town.place.rest(1000);
  town.part("lyon");
  say(ana, "two", "#den");
  town.place.rest(1000);
  for (const name of ["paris", "nice"]) town.kill(name);
  town.start("nice");
  town.join("lyon", "nice");
  expect(bob.texts()).toEqual(["one"]);
  town.enter("nice", "cat").get("join", { room: "#den" });
  town.place.rest(5000);
  expect(bob.texts()).toEqual(["one", "two"]);
});

test("what only the log of a crashed server has comes when it is back", () => {
  const town = new Town("alone", ["paris", "lyon"]);
  const bob = town.enter("lyon", "bob");
  const ana = town.enter("paris", "ana");
  say(ana, "one");
  town.place.rest(1000);
  town.part("paris");
  say(ana, "two");
  town.place.rest(1000);
  town.kill("paris");
  town.start("paris");
  town.join("paris", "lyon");
  expect(bob.texts()).toEqual(["one", "two"]);
  expect(town.said("lyon")).toEqual(["one", "two"]);
});

test("what a life said is had from who has it, not from who has lost it only", () => {
  const { town, cat } = forgetfulTown("forgetful 6", ["nice", "metz", "brest"]);
  town.place.rest(30_000);
  expect(cat.texts()).toEqual(["one", "two"]);
});

test("a life that is over goes from log to log where nobody has met its server since", () => {
  const town = new Town("keys", ["paris", "lyon", "nice"]);
  const ana = town.enter("paris", "ana");
  say(ana, "one");
  town.place.rest(1000);
  town.part("nice");
  say(ana, "two");
  town.place.rest(1000);
  for (const name of ["paris", "lyon", "nice"]) town.kill(name);
  for (const name of ["lyon", "nice"]) town.start(name);
  town.join("lyon", "nice");
  expect(town.said("nice")).toEqual(["one", "two"]);
});

test("a server whose disk was wiped gets its own earlier lives back", () => {
  const town = new Town("wiped", ["paris", "lyon"]);
  say(town.enter("paris", "ana"), "one");
  town.place.rest(1000);
  town.kill("paris");
  town.histories.set("paris", new MemoryHistory());
  town.start("paris");
  town.join("paris", "lyon");
  expect(town.said("paris")).toEqual(["one"]);
});

test("what was over before a server came is not shown to it", () => {
  const town = new Town("before", ["paris", "lyon"]);
  say(town.enter("paris", "ana"), "one");
  town.place.rest(1000);
  town.kill("paris");
  town.start("paris");
  town.start("nice");
  const cat = town.enter("nice", "cat");
  town.join("paris", "lyon", "nice");
  say(town.enter("paris", "ana"), "two");
  town.place.rest(5000);
  expect(cat.texts()).toEqual(["two"]);
  expect(town.said("nice")).toEqual(["two"]);
});

/** Lyon has "1", and caen all from "42" on; nobody who is there has what is between. */
function gapped(seed: string) {
  const town = new Town(seed, ["paris", "lyon"]);
  const [ana, bob] = [town.enter("paris", "ana"), town.enter("lyon", "bob")];
  say(ana, "1");
  town.place.rest(1000);
  town.part("lyon");
  for (let at = 2; at <= 41; at++) say(ana, String(at));
  town.start("caen");
  town.enter("caen", "cat");
  town.join("paris", "caen");
  say(ana, "42");
  town.place.rest(1000);
  town.kill("paris");
  town.join("lyon", "caen");
  return { town, bob };
}

test("what nobody has any more is a gap, however long, and what comes after it is told", () => {
  const { town, bob } = gapped("gap");
  town.histories.set("paris", new MemoryHistory());
  town.start("paris");
  town.join("paris", "lyon", "caen");
  town.place.rest(20_000);
  expect(bob.texts()).toEqual(["1", "42"]);
  expect(bob.all("gap")).toMatchObject([{ missing: 40 }]);
});

test("a server that is away and may have what is missing is waited for, but not for ever", () => {
  const { town, bob } = gapped("away");
  town.place.rest(LIMITS.originAwayMsMax - 10_000);
  expect(bob.texts()).toEqual(["1"]);
  town.place.rest(20_000);
  expect(bob.texts()).toEqual(["1", "42"]);
  expect(bob.all("gap")).toMatchObject([{ missing: 40 }]);
});

test("also when it comes back in time", () => {
  const { town, bob } = gapped("in time");
  town.place.rest(30_000);
  town.start("paris");
  town.join("paris", "lyon", "caen");
  town.place.rest(20_000);
  expect(bob.texts()).toEqual(Array.from({ length: 42 }, (_, at) => String(at + 1)));
  expect(bob.all("gap")).toEqual([]);
});

test("what one has who does not answer for a while is waited for, whoever else lacks it", () => {
  const town = new Town("slow", ["paris", "lyon", "nice"]);
  const [ana, bob] = [town.enter("paris", "ana"), town.enter("lyon", "bob")];
  town.enter("nice", "dan");
  say(ana, "1");
  town.place.rest(1000);
  town.part("lyon");
  say(ana, "2");
  town.place.rest(1000);
  town.start("caen");
  town.enter("caen", "cat");
  town.join("paris", "nice", "caen");
  say(ana, "3");
  town.place.rest(1000);
  town.kill("paris");
  town.histories.set("paris", new MemoryHistory());
  town.start("paris");
  town.place.hub.fate = ({ from }) => (from === "nice" ? "lose" : "pass");
  town.join("paris", "lyon", "nice", "caen");
  town.place.rest(20_000);
  expect([bob.texts(), bob.all("gap")]).toEqual([["1"], []]);
  town.place.hub.fate = () => "pass";
  town.place.rest(20_000);
  expect([bob.texts(), bob.all("gap")]).toEqual([["1", "2", "3"], []]);
});

// --- who lies about what there is ----------------------------------------------------------------

test("no gap is shown for numbers that only somebody's word stands for", () => {
  const town = new Town("liar", ["paris", "lyon", "nice"]);
  const bob = town.enter("lyon", "bob");
  say(town.enter("paris", "ana"), "one");
  town.place.rest(1000);
  town.kill("paris");
  // As if nice had far more of what paris said, and then no more of it.
  const history = town.histories.get("nice")!;
  const mark = history.batches.find(({ stream }) => stream.room === lobby)!.stream;
  town.part("nice");
  town.place.world.crash("nice");
  history.streams = () => [{ stream: mark, last: 2 ** 40 }];
  town.start("nice");
  town.join("lyon", "nice");
  town.place.rest(30_000);
  expect(bob.texts()).toEqual(["one"]);
  expect(bob.all("gap")).toEqual([]);
});
