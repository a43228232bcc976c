// What is about one person alone, over several servers: being away, writing, what was read, and of
// whom nothing is wanted.

import { describe, expect, test } from "bun:test";
import { LIMITS } from "../../src/limits.ts";
import type { PresenceChange } from "../../src/plugin.ts";
import { Members, merged, past, say, told } from "./members.ts";
import type { Json } from "./peer.ts";
import { hooked } from "./place.ts";

const room = "#lobby";

describe("one who is away", () => {
  test("is seen to be so on all servers, and told to who writes to him, until he is back", () => {
    const { place, ana, bob } = merged("away");
    expect(ana.get("away", { text: "lunch" })).toMatchObject({ text: "lunch" });
    place.rest(200);
    const person = { address: "ana@paris", account: "ana", away: "lunch" };
    expect(bob.all("away")).toEqual([{ person }]);
    expect(bob.get("whois", { address: "ana@paris" })).toMatchObject(person);
    expect(bob.get("who")["people"]).toContainEqual(person);
    const tell = () => bob.get("tell", { to: "ana@paris", text: "hi" });
    expect(tell()).toMatchObject({ outcome: "delivered", away: "lunch" });
    ana.get("away", { text: "lunch" });
    ana.get("away");
    place.rest(200);
    expect(bob.all("away").slice(1)).toEqual([
      { person: { address: "ana@paris", account: "ana" } },
    ]);
    expect(tell()).not.toHaveProperty("away");
    expect(ana.get("whois", { address: "ana@paris" })).not.toHaveProperty("away");
  });

  test("is so for those who merge later, and under another nick", () => {
    const town = new Members("away before", ["paris"]);
    const gus = town.enter("paris", "Gus");
    gus.get("away", { text: "" });
    town.start("lyon");
    const bob = town.enter("lyon", "bob");
    town.place.join(...town.homes.values());
    expect(bob.get("whois", { address: "Gus@paris" })).toMatchObject({ away: "" });
    expect(bob.get("tell", { to: "Gus@paris", text: "hi" })).toMatchObject({ away: "" });
    gus.get("rename", { nick: "Gil" });
    town.place.rest(200);
    expect(bob.get("whois", { address: "Gil@paris" })).toMatchObject({ away: "" });
  });

  test("is told to plugins, and once", () => {
    const changes: PresenceChange[] = [];
    const town = new Members("away hooks", []);
    town.start("paris", hooked("watch", { onPresence: (change) => void changes.push(change) }));
    const ana = town.enter("paris", "ana");
    for (const text of ["a", "a", undefined, undefined]) ana.get("away", { text });
    expect(changes.map(({ now, text, back }) => [now, text ?? back])).toEqual([
      ["online", undefined],
      ["away", "a"],
      ["online", true],
    ]);
    expect(ana.ask("away", { text: "\ud800" })["code"]).toBe("TEXT_INVALID");
  });
});

describe("who writes something", () => {
  test("is told to the room's members, or to one person, and not again at once", () => {
    const { place, ana, bob } = merged("typing");
    for (let i = 0; i < 3; i++) ana.get("typing", { room });
    place.rest(200);
    const person = { address: "ana@paris", account: "ana" };
    expect(bob.all("typing")).toEqual([{ room, person }]);
    place.rest(LIMITS.typingMsMin);
    ana.get("typing", { to: "bob@lyon" });
    place.rest(200);
    expect(bob.all("typing").slice(1)).toEqual([{ person }]);
  });

  test("is told to nobody who is not in the room, and to no server without a member", () => {
    const { place, ana, bob } = merged("typing elsewhere");
    for (const name of ["#go", "&own"]) {
      ana.get("join", { room: name });
      place.rest(LIMITS.typingMsMin);
      const sent = place.hub.frames.length;
      ana.get("typing", { room: name });
      place.rest(100);
      expect(place.hub.frames.length).toBe(sent);
    }
    expect(bob.all("typing")).toEqual([]);
    expect(ana.ask("typing", { room: "#none" })["code"]).toBe("NOT_IN_ROOM");
    for (const ask of [{}, { room, to: "bob@lyon" }])
      expect(ana.ask("typing", ask)["code"]).toBe("BAD_REQUEST");
    expect(ana.ask("typing", { to: "bob@nowhere" })["code"]).toBe("NO_SUCH_SERVER");
  });
});

describe("what was read", () => {
  test("only goes on, is told to the account's other sessions, and outlives a restart", () => {
    const town = new Members("read", ["paris"]);
    const first = town.enter("paris", "ana");
    expect(first.get("read", { room: "#Go" })).not.toHaveProperty("id");
    expect(first.get("read", { room: "#Go", id: "b" })).toMatchObject({ room: "#go", id: "b" });
    expect(first.get("read", { room: "#go", id: "a" })["id"]).toBe("b");
    first.get("rename", { nick: "other", password: "x" }); // an account of its own
    expect(first.get("read", { room: "#go" })).not.toHaveProperty("id");
    const second = town.enter("paris", "ana");
    expect(second.get("read", { room: "#go" })["id"]).toBe("b");
    first.get("rename", { nick: "Guest" });
    expect(first.get("read", { room: "#go", id: "z" })["id"]).toBe("z");
    expect(second.all("read")).toEqual([]);
    const phone = town.place.enter(town.homes.get("paris")!, "phone", { password: "as ana" });
    expect(phone.get("read", { room: "#go", id: "b" })["id"]).toBe("b");
    expect(phone.get("read", { room: "#tea", id: "c" })["id"]).toBe("c");
    expect(second.all("read")).toEqual([{ room: "#tea", id: "c" }]);
    expect(phone.all("read")).toHaveLength(0);
    town.place.rest(LIMITS.readWrittenMs + 1000);
    town.restart("paris");
    const later = town.enter("paris", "ana");
    expect(later.get("read", { room: "#go" })["id"]).toBe("b");
    expect(later.ask("read", { room: "no room" })["code"]).toBe("ROOM_INVALID");
    const bob = "bob@lyon";
    expect(later.get("read", { room: "Bob@LYON", id: "d" })).toMatchObject({ room: bob, id: "d" });
    expect(later.get("read", { room: bob, id: "c" })["id"]).toBe("d");
    expect(later.ask("read", { room: "bob@" })["code"]).toBe("ADDRESS_INVALID");
  });

  test("is on the disk of a server that stops in good order", () => {
    const town = new Members("read and stopped", ["paris"]);
    town.enter("paris", "ana").get("read", { room, id: "b" });
    town.place.stop(town.homes.get("paris")!);
    town.place.hub.part("paris");
    town.start("paris");
    expect(town.enter("paris", "ana").get("read", { room })["id"]).toBe("b");
  });
});

describe("who is ignored", () => {
  test("is not heard in rooms, by private messages, by files, or writing; others are", () => {
    const { town, place, ana, bob } = merged("ignore");
    const cat = town.enter("paris", "cat");
    say(bob, "before");
    place.rest(200);
    expect(ana.get("ignore", { address: "bob@lyon" })).toMatchObject({ account: "bob" });
    const from = ana.heard.length;
    for (const by of [bob, cat]) {
      say(by, "one");
      const id = say(by, "two");
      say(by, "👍", { kind: "reaction", about: id });
      by.get("typing", { room });
      place.rest(200);
    }
    say(bob, "between");
    say(cat, "last");
    place.rest(200);
    expect(told(ana, from)).toEqual(["text one", "text two", "reaction 👍", "text last"]);
    expect(ana.all("typing").map(({ person }) => person)).toMatchObject([{ address: "cat@paris" }]);
    expect(told(cat)).toContain("text between");
    for (const more of [{}, { cid: "x".repeat(30) }, { kind: "reaction", about: "1" }])
      expect(bob.ask("tell", { to: "ana@paris", text: "hi", ...more })["code"]).toBe("BLOCKED");
    expect(bob.ask("offer", { to: "ana@paris", name: "f", size: 1 })["code"]).toBe("BLOCKED");
    bob.get("typing", { to: "ana@paris" });
    place.rest(200);
    expect([ana.all("private"), ana.all("offered")]).toEqual([[], []]);
    expect(past(ana).map(({ text }) => text)).toEqual(["one", "two", "👍", "last"]);
    const { messages } = ana.get("search", { text: "one" });
    expect(messages).toMatchObject([{ from: "cat@paris" }]);
    ana.get("unignore", { address: "BOB@lyon" });
    say(bob, "again");
    place.rest(200);
    expect(told(ana).at(-1)).toBe("text again");
    expect(past(ana)).toHaveLength(10);
  });

  test("is so under another nick, if he has an account; a deletion of his is told", () => {
    const { place, ana, bob } = merged("ignored account");
    bob.get("rename", { nick: "bobby", password: "x" });
    place.rest(200);
    ana.get("ignore", { address: "bobby@lyon" });
    bob.get("rename", { nick: "bob", password: "x" });
    const id = say(bob, "as bob");
    say(bob, "", { kind: "delete", about: id });
    place.rest(200);
    expect(told(ana)).toEqual(["text as bob", "delete "]);
    ana.get("ignore", { address: "bob@lyon" });
    bob.get("rename", { nick: "bobby", password: "x" });
    say(bob, "as bobby");
    place.rest(200);
    expect(told(ana).slice(2)).toEqual([]);
  });

  test("is so for an account after a restart, also offline; for a guest's session", () => {
    const { town, place, ana, bob } = merged("kept");
    const gus = town.enter("paris", "Gus");
    for (const peer of [ana, gus]) peer.get("ignore", { address: "bob@lyon" });
    expect(gus.get("ignored")["people"]).toEqual([{ address: "bob@lyon", account: "bob" }]);
    town.restart("paris");
    expect(bob.ask("tell", { to: "ana@paris", text: "hi" })["code"]).toBe("BLOCKED");
    const [later, guest] = [town.enter("paris", "ana"), town.enter("paris", "Gus")];
    place.rest(200);
    expect(later.get("ignored")["people"]).toHaveLength(1);
    expect(guest.get("ignored")["people"]).toEqual([]);
    say(bob, "hello");
    place.rest(200);
    expect([told(later), told(guest)]).toEqual([[], ["text hello"]]);
  });

  test("are bounded; nobody ignores himself, or what is no address; servers may be away", () => {
    const { ana } = merged("bounds");
    for (let i = 0; i < LIMITS.ignoredMax; i++) ana.get("ignore", { address: `n${i}@Nowhere` });
    const codeOf = (address: string) => ana.ask("ignore", { address })["code"];
    expect(codeOf("one@more")).toBe("TOO_MANY_IGNORED");
    expect(codeOf("N1@nowhere")).toBeUndefined();
    expect(codeOf("ana@paris")).toBe("BAD_REQUEST");
    expect(codeOf("ana")).toBe("ADDRESS_INVALID");
    ana.get("unignore", { address: "never@ignored" });
  });

  test("a page of theirs alone is passed over, and not the end of the past", () => {
    const { place, ana, bob } = merged("pages");
    say(ana, "first");
    for (let i = 0; i < 10; i++) say(bob, `noise ${i}`);
    place.rest(200);
    ana.get("ignore", { address: "bob@lyon" });
    const first = past(ana, { limit: 3 });
    expect(first.map(({ text }) => text)).toEqual(["first"]);
    say(ana, "last");
    const { messages } = ana.get("history", { room, since: first[0]!["id"], limit: 3 });
    expect((messages as Json[]).map(({ text }) => text)).toEqual(["last"]);
  });
});

test("what a disk refuses holds for now, is told so, and is written later", () => {
  const town = new Members("full disk", ["paris"]);
  const ana = town.enter("paris", "ana");
  const disk = town.place.world.disk("paris");
  disk.failWrites(new Error("the disk is full"));
  expect(ana.ask("ignore", { address: "bob@lyon" })["code"]).toBe("INTERNAL");
  expect(ana.get("ignored")["people"]).toHaveLength(1);
  disk.failWrites(undefined);
  town.place.rest(LIMITS.storeRetryMs + 1000);
  town.restart("paris");
  expect(town.enter("paris", "ana").get("ignored")["people"]).toHaveLength(1);
});
