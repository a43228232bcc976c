// Who is where, over several servers.

import { describe, expect, test } from "bun:test";
import { LIMITS } from "../../src/limits.ts";
import type { Peer } from "./peer.ts";
import { type Home, Place } from "./place.ts";

function pair(seed: string) {
  const place = new Place(seed);
  const paris = place.start("paris");
  const lyon = place.start("lyon");
  const ana = place.enter(paris, "ana");
  const bob = place.enter(lyon, "bob");
  place.join(paris, lyon);
  return { place, paris, lyon, ana, bob };
}
const who = (peer: Peer, room?: string) =>
  (peer.get("who", room === undefined ? {} : { room })["people"] as { address: string }[]).map(
    ({ address }) => address,
  );
const people = (peer: Peer, name: "joined" | "left") =>
  peer
    .all(name)
    .map(({ room, person }) => `${String(room)} ${(person as { address: string }).address}`);

test("comings, goings and changes of nick are told on the other servers, and seen by whois", () => {
  const { place, lyon, ana } = pair("comings");
  const cat = place.enter(lyon, "cat");
  ana.get("join", { room: "#r" });
  cat.get("join", { room: "#r" });
  cat.get("rename", { nick: "Tom" });
  place.rest(100);
  expect(who(ana)).toEqual(["Tom@lyon", "ana@paris", "bob@lyon"]);
  expect(who(ana, "#r")).toEqual(["Tom@lyon", "ana@paris"]);
  expect(ana.get("whois", { address: "tom@lyon" })).toMatchObject({
    address: "Tom@lyon",
    rooms: ["#lobby", "#r"],
  });
  cat.send("bye");
  place.rest(100);
  expect(people(ana, "joined")).toEqual(["#lobby cat@lyon", "#r ana@paris", "#r cat@lyon"]);
  expect(ana.all("renamed")).toMatchObject([
    { was: { address: "cat@lyon" }, person: { address: "Tom@lyon" } },
  ]);
  expect(people(ana, "left")).toEqual(["#r Tom@lyon", "#lobby Tom@lyon"]);
  expect(ana.ask("whois", { address: "Tom@lyon" })["code"]).toBe("NO_SUCH_NICK");
});

test("changes that were lost are noticed within seconds, and told to the members", () => {
  const { place, lyon, ana } = pair("missed");
  place.hub.fate = ({ traffic }) => (traffic === "control" ? "lose" : "pass");
  const cat = place.enter(lyon, "cat");
  cat.get("join", { room: "#r" });
  place.rest(5000);
  expect(who(ana)).toEqual(["ana@paris", "bob@lyon", "cat@lyon"]);
  expect(people(ana, "joined")).toEqual(["#lobby cat@lyon"]);
  cat.send("bye");
  place.rest(5000);
  expect(people(ana, "left")).toEqual(["#lobby cat@lyon"]);
});

test("a change that overtakes the snapshot which it follows is not lost", () => {
  const place = new Place("overtaken");
  const [paris, lyon] = [place.start("paris"), place.start("lyon")];
  const ana = place.enter(paris, "ana");
  place.hub.fate = ({ traffic }) => (traffic === "private" ? 300 : "pass");
  place.hub.join("paris", "lyon");
  place.world.run(50);
  place.enter(lyon, "bob");
  place.world.run(400);
  expect(who(ana)).toEqual(["ana@paris", "bob@lyon"]);
});

test("people of a server that is gone are gone, and come back with it", () => {
  const { place, paris, lyon, ana } = pair("gone");
  place.hub.part("lyon");
  place.rest(1000);
  expect(who(ana)).toEqual(["ana@paris"]);
  expect(people(ana, "left")).toEqual([]);
  expect(ana.all("count").at(-1)).toEqual({ room: "#lobby", members: 1 });
  expect(ana.all("split")).toMatchObject([{ servers: ["lyon"], fusion: ["paris"] }]);
  place.join(paris, lyon);
  expect(who(ana)).toEqual(["ana@paris", "bob@lyon"]);
  place.rest(LIMITS.roomCountMs);
  expect(ana.all("count").at(-1)).toEqual({ room: "#lobby", members: 2 });
  expect(ana.all("merged").at(-1)).toMatchObject({ servers: ["lyon"], fusion: ["lyon", "paris"] });
});

test("a server that has started again is another life: its people are those of now", () => {
  const { place, ana } = pair("life");
  ana.get("say", { room: "#lobby", text: "one" });
  place.world.crash("lyon");
  place.rest(100);
  const lyon = place.start("lyon");
  const eve = place.enter(lyon, "eve");
  place.rest();
  expect(who(ana)).toEqual(["ana@paris", "eve@lyon"]);
  ana.get("say", { room: "#lobby", text: "two" });
  eve.get("say", { room: "#lobby", text: "three" });
  place.rest();
  expect(eve.texts()).toEqual(["two", "three"]);
  expect(ana.texts()).toEqual(["one", "two", "three"]);
});

test("after longer than absent servers are remembered, a heal finds a working channel", () => {
  const { place, paris, lyon, ana, bob } = pair("long");
  bob.send("tell", { to: "ana@paris", text: "never answered" });
  place.hub.part("paris", "lyon");
  place.rest(LIMITS.peerKeptMsMax + 60_000);
  place.join(paris, lyon);
  expect(who(ana)).toEqual(["ana@paris", "bob@lyon"]);
  ana.get("tell", { to: "bob@lyon", text: "hi" });
  bob.get("tell", { to: "ana@paris", text: "hello" });
  ana.get("say", { room: "#lobby", text: "all" });
  place.rest();
  expect(bob.texts()).toEqual(["all"]);
  expect(bob.all("private").map(({ text }) => text)).toEqual(["hi"]);
});

test("a server of which only one side lost sight tells its people again", () => {
  const { place, ana, lyon } = pair("one side");
  place.hub.flap("paris");
  place.rest();
  expect(who(ana)).toEqual(["ana@paris", "bob@lyon"]);
  place.enter(lyon, "cat");
  place.rest();
  expect(who(ana)).toEqual(["ana@paris", "bob@lyon", "cat@lyon"]);
});

describe("in a room of more members than are pushed", () => {
  test("comings and goings are told as one number a second, and who still knows all", () => {
    const place = new Place("large room");
    const paris = place.start("paris");
    const crowd: Peer[] = [];
    for (let i = 0; i < LIMITS.roomPresenceMembersMax + 5; i++) {
      // One machine: the addresses of strangers are counted.
      crowd.push(place.enter(paris, `n${i}`));
    }
    const first = crowd[0]!;
    expect(first.all("joined")).toHaveLength(LIMITS.roomPresenceMembersMax);
    place.rest(2000);
    const before = first.heard.length;
    crowd.at(-1)!.send("bye");
    place.enter(paris, "new").send("bye");
    crowd.at(-2)!.get("rename", { nick: "other" });
    place.rest(100);
    expect(first.heard.slice(before)).toEqual([]);
    place.rest(LIMITS.roomCountMs);
    const value = { room: "#lobby", members: LIMITS.roomPresenceMembersMax + 4 };
    expect(first.heard.slice(before)).toMatchObject([{ name: "count", value }]);
    expect(first.get("who", { limit: 10 })).toMatchObject({
      total: LIMITS.roomPresenceMembersMax + 4,
    });
  });
});

test("a snapshot of many people in many rooms comes in pages that fit, and is whole", () => {
  const place = new Place("pages");
  const [paris, lyon] = [place.start("paris"), place.start("lyon")] as [Home, Home];
  const ana = place.enter(paris, "ana");
  const wide = Array.from({ length: 6 }, (_, i) => place.enter(lyon, `wide${i}`));
  for (const peer of wide)
    for (let i = 0; i < 400; i++) peer.send("join", { room: `#${"long-room-name".repeat(2)}${i}` });
  place.rest();
  place.join(paris, lyon);
  expect(who(ana)).toHaveLength(7);
  expect(ana.get("whois", { address: "wide5@lyon" })["rooms"]).toHaveLength(401);
  const sizes = place.hub.frames.map(({ bytes }) => bytes.length);
  expect(Math.max(...sizes)).toBeLessThan(LIMITS.linkPrivateBytesMax / 2);
});
