// Settings of rooms that meet: two of them together, or one and what people do meanwhile.

import { describe, expect, test } from "bun:test";
import { drop } from "../../src/plugin.ts";
import type { Json, Peer } from "./peer.ts";
import type { Home } from "./place.ts";
import { Ruled } from "./ruled.ts";

const codeOf = (answer: Json): unknown => answer["code"] ?? "ack";
const room = "#chat";
const who = (by: Peer) =>
  (by.get("who", { room, limit: 200 })["people"] as readonly Json[]).map(({ address }) => address);
const say = (by: Peer, text = "x") => codeOf(by.ask("say", { room, text }));

/** Sets and unsets 540 keys: by many, as each may change so much at once. */
function wear(world: Ruled, home: Home, by: Peer): void {
  for (let m = 0; m < 36; m++) {
    world.set(by, room, `role/m${m}@paris`, "moderator");
    const mod = world.account(home, `m${m}`);
    mod.get("join", { room });
    for (let i = 0; i < 15; i++)
      for (const value of [{}, null])
        expect(codeOf(world.set(mod, room, `ban/e${m}-${i}@lyon`, value))).toBe("ack");
    mod.get("part", { room });
    world.place.rest(1100);
  }
}

describe("slow mode", () => {
  test("made shorter counts for those who wait already", () => {
    const world = new Ruled("shorter");
    const paris = world.start("paris");
    const [ann, gus] = [world.account(paris, "ann"), world.guest(paris, "gus")];
    for (const one of [ann, gus]) one.get("join", { room });
    world.set(ann, room, "mode/slow", 3600);
    expect(say(gus)).toBe("ack");
    world.set(ann, room, "mode/slow", 5);
    world.place.rest(6000);
    expect(say(gus)).toBe("ack");
  });

  test("does not count what a plugin has dropped", () => {
    const world = new Ruled("dropped");
    const paris = world.start("paris", {
      hooks: { onMessage: ({ text }) => (text === "bad" ? drop("no") : undefined) },
    });
    const [ann, gus] = [world.account(paris, "ann"), world.guest(paris, "gus")];
    for (const one of [ann, gus]) one.get("join", { room });
    world.set(ann, room, "mode/slow", 3600);
    expect(say(gus, "bad")).not.toBe("ack");
    expect(say(gus)).toBe("ack");
  });
});

describe("a room that becomes invite-only", () => {
  /** More guests of another server than stand in one page of entries. */
  const crowded = (seed: string) => {
    const world = new Ruled(seed);
    const [paris, lyon] = world.town("paris", "lyon");
    const ann = world.account(paris!, "ann");
    ann.get("join", { room });
    world.place.rest(1000);
    const guests = Array.from({ length: 80 }, (_, i) => world.guest(lyon!, `gus${i}`));
    for (const one of guests) one.get("join", { room });
    world.place.rest(2000);
    return { world, ann, guests };
  };

  test("keeps those of other servers, however many they are", () => {
    const { world, ann, guests } = crowded("pages");
    expect(codeOf(world.set(ann, room, "mode/invite-only", true))).toBe("ack");
    world.place.rest(5000);
    expect(guests.flatMap((one) => one.all("removed")).length).toBe(0);
  });

  test("keeps them also where they learn of it later", () => {
    const { world, ann, guests } = crowded("later");
    world.place.hub.fate = () => "lose";
    expect(codeOf(world.set(ann, room, "mode/invite-only", true))).toBe("ack");
    world.place.rest(300);
    world.place.hub.fate = () => "pass";
    world.place.rest(60_000);
    expect(guests[0]!.get("room", { room })["modes"]).toEqual({ "invite-only": true });
    expect(guests.flatMap((one) => one.all("removed")).length).toBe(0);
  });

  test("invites those who have a role, too: it may be taken from them", () => {
    const world = new Ruled("voice");
    const paris = world.start("paris");
    const [ann, vic] = [world.account(paris, "ann"), world.account(paris, "vic")];
    for (const one of [ann, vic]) one.get("join", { room });
    world.set(ann, room, "role/vic@paris", "voice");
    world.set(ann, room, "mode/invite-only", true);
    world.set(ann, room, "role/vic@paris", null);
    world.place.rest(100);
    expect(vic.all("removed")).toEqual([]);
  });
});

describe("in a room that guests run", () => {
  test("one who has a voice sets the topic where it is open", () => {
    const world = new Ruled("voices");
    const paris = world.start("paris", { guestRooms: true });
    const [gus, eve] = [world.guest(paris, "gus"), world.guest(paris, "eve")];
    for (const one of [gus, eve]) one.get("join", { room });
    for (const [key, value] of [
      ["role/eve@paris", "voice"],
      ["mode/moderated", true],
      ["mode/open-topic", true],
    ] as const)
      expect(codeOf(world.set(gus, room, key, value))).toBe("ack");
    expect(say(eve)).toBe("ack");
    expect(codeOf(world.set(eve, room, "topic", "tea"))).toBe("ack");
    expect(world.settings(gus, room)["topic"]).toBe("tea");
  });

  test("the owner is not hidden by a ban that cannot touch him", () => {
    const world = new Ruled("owner");
    const paris = world.start("paris", { guestRooms: true });
    const [gus, eve, hal] = ["gus", "eve", "hal"].map((n) => world.guest(paris, n)) as [
      Peer,
      Peer,
      Peer,
    ];
    for (const one of [gus, eve, hal]) one.get("join", { room });
    world.set(gus, room, "role/eve@paris", "moderator");
    expect(codeOf(world.set(eve, room, "ban/g*@paris", {}))).toBe("ack");
    expect(say(gus)).toBe("ack");
    expect(who(hal)).toContain("gus@paris");
  });

  test("the owner is not hidden under another nick, where it is invite-only", () => {
    const world = new Ruled("gaston");
    const paris = world.start("paris", { guestRooms: true });
    const [gus, eve] = [world.guest(paris, "gus"), world.guest(paris, "eve")];
    for (const one of [gus, eve]) one.get("join", { room });
    expect(codeOf(world.set(gus, room, "mode/invite-only", true))).toBe("ack");
    gus.get("rename", { nick: "gaston" });
    expect(say(gus)).toBe("ack");
    expect(who(eve)).toContain("gaston@paris");
    world.place.rest(100);
    expect(eve.all("renamed")).toHaveLength(1);
  });

  test.each(["#chat", "&chat"])("%s is an account's that comes with a guest at once", (where) => {
    const world = new Ruled("L");
    const paris = world.start("paris", { guestRooms: true });
    const [ann, gus] = [world.account(paris, "ann"), world.guest(paris, "gus")];
    const refs = [ann.request("join", { room: where }), gus.request("join", { room: where })];
    world.place.rest(1000);
    expect(ann.get("room", { room: where })["role"]).toBe("owner");
    expect(gus.get("room", { room: where })["role"]).toBeUndefined();
    expect(gus.answer(refs[1]!)?.value["role"]).toBeUndefined();
  });
});

test("nobody takes a nick by which he would be kept out of a room that he is in", () => {
  const world = new Ruled("h6");
  const paris = world.start("paris");
  const [ann, gus, eve] = [
    world.account(paris, "ann"),
    world.guest(paris, "gus"),
    world.guest(paris, "ella"),
  ];
  for (const one of [ann, gus, eve]) one.get("join", { room });
  const isThere = (one: Peer) => who(ann).length === 3 && say(one) === "ack";
  world.set(ann, room, "ban/eve@paris", {});
  eve.ask("rename", { nick: "eve" });
  expect(isThere(eve)).toBe(true);
  world.set(ann, room, "mode/invite-only", true);
  gus.ask("rename", { nick: "hal" });
  expect(isThere(gus)).toBe(true);
});

test("an operator takes no nick without the office by which he would be kept out of a room", () => {
  const world = new Ruled("office");
  const paris = world.start("paris");
  const local = "&chat";
  const [ann, ops] = [world.account(paris, "ann"), world.account(paris, "ops", "operator")];
  for (const one of [ann, ops]) one.get("join", { room: local });
  expect(codeOf(world.set(ann, local, "ban/eve@paris", {}))).toBe("ack");
  const rename = (password: string) => codeOf(ops.ask("rename", { nick: "eve", password }));
  expect(rename("x")).toBe("BANNED");
  expect(rename("operator")).toBe("ack");
  expect(codeOf(ops.ask("say", { room: local, text: "x" }))).toBe("ack");
});

describe("a ban that another server has not heard of yet", () => {
  /** ann in Lyon bans eve, and Paris, where she is, hears of it three seconds later. */
  const begin = (seed: string, nick: string) => {
    const world = new Ruled(seed);
    const [paris, lyon] = world.town("paris", "lyon");
    const [ann, eve] = [world.account(lyon!, "ann"), world.guest(paris!, nick)];
    for (const one of [ann, eve]) one.get("join", { room });
    world.place.rest(100);
    world.place.hub.fate = ({ from }) => (from === "lyon" ? 3000 : "pass");
    expect(codeOf(world.set(ann, room, "ban/eve@paris", {}))).toBe("ack");
    const names = (event: "joined" | "left") =>
      ann.all(event).flatMap(({ room: where, person }) => (where === room ? [person] : []));
    return { world, ann, eve, names };
  };

  test("puts out there who takes the nick meanwhile, under the name that is known", () => {
    const { world, ann, eve, names } = begin("nick taken", "gus");
    eve.get("rename", { nick: "eve" });
    world.place.rest(100);
    expect(names("left")).toMatchObject([{ address: "gus@paris" }]);
    world.place.rest(6000);
    expect(names("left")).toHaveLength(1);
    expect(eve.all("removed")).toHaveLength(1);
    expect(who(ann)).toEqual(["ann@lyon"]);
  });

  test("shows there again who takes another nick meanwhile", () => {
    const { world, ann, eve, names } = begin("nick left", "eve");
    expect(names("left")).toMatchObject([{ address: "eve@paris" }]);
    const before = names("joined").length;
    eve.get("rename", { nick: "gus" });
    world.place.rest(6000);
    expect(names("joined").slice(before)).toMatchObject([{ address: "gus@paris" }]);
    expect(eve.all("removed")).toEqual([]);
    expect(who(ann)).toEqual(["ann@lyon", "gus@paris"]);
  });
});

describe("the role of one who is away", () => {
  test("is taken from him also where a guest has his nick", () => {
    const world = new Ruled("away");
    const paris = world.start("paris");
    const [ann, ben] = [world.account(paris, "ann"), world.account(paris, "ben")];
    for (const one of [ann, ben]) one.get("join", { room });
    expect(codeOf(world.set(ann, room, "role/ben@paris", "moderator"))).toBe("ack");
    ben.get("part", { room });
    ben.close();
    world.place.rest(600_000);
    const guest = world.guest(paris, "ben");
    expect(world.settings(ann, room)).toEqual({ "role/ben@paris": "moderator" });
    expect(world.set(ann, room, "role/ben@paris", null)["text"]).toBeUndefined();
    guest.close();
  });

  test("is taken whether his name is typed in large letters or small", () => {
    const world = new Ruled("letters");
    const paris = world.start("paris");
    const [ann, ben] = [world.account(paris, "ann"), world.account(paris, "ben")];
    for (const one of [ann, ben]) one.get("join", { room });
    world.set(ann, room, "role/ben@paris", "moderator");
    ben.get("part", { room });
    ben.close();
    world.place.rest(600_000);
    expect(codeOf(world.set(ann, room, "role/Ben@paris", null))).toBe("ack");
    const again = world.account(paris, "ben");
    expect(again.get("join", { room })["role"]).toBeUndefined();
  });
});

test("one who was hidden, as he is elsewhere, is told when he may be there again", () => {
  const world = new Ruled("shown");
  const { ann } = world.met(room);
  world.set(ann, room, "ban/gus@lyon", {});
  world.place.rest(200);
  expect(who(ann)).not.toContain("gus@lyon");
  expect(ann.all("left").length).toBe(1);
  const from = ann.heard.length;
  world.set(ann, room, "ban/gus@lyon", null);
  world.place.rest(2000);
  expect(who(ann)).toContain("gus@lyon");
  const events = ann.heard.slice(from).filter(({ name }) => name === "joined");
  expect(events).toMatchObject([{ value: { room, person: { address: "gus@lyon" } } }]);
});

test("who is banned is not invited where a room becomes invite-only", () => {
  const world = new Ruled("not invited");
  const { ann } = world.met(room);
  world.set(ann, room, "ban/gus@lyon", {});
  expect(codeOf(world.set(ann, room, "mode/invite-only", true))).toBe("ack");
  const invited = Object.keys(world.settings(ann, room)).filter((key) => key.startsWith("invite/"));
  expect(invited).toEqual(["invite/ben@lyon"]);
});

test("who is banned, and there on another server, takes no place that a limit leaves", () => {
  const world = new Ruled("limit");
  const { paris, ann } = world.met(room);
  world.set(ann, room, "ban/*@lyon", {});
  world.set(ann, room, "mode/limit", 2);
  const [tim, tom] = [world.guest(paris, "tim"), world.guest(paris, "tom")];
  expect([tim, tom].map((one) => codeOf(one.ask("join", { room })))).toEqual(["ack", "ROOM_FULL"]);
});

test("a server is followed in large letters or small", () => {
  const world = new Ruled("follow");
  const [paris, lyon] = [world.start("paris"), world.start("lyon")];
  const [ann, ben] = [world.account(paris, "ann"), world.account(lyon, "ben")];
  for (const peer of [ann, ben]) peer.get("join", { room });
  world.place.rest(70_000);
  world.place.join(paris, lyon);
  world.place.command(paris, "room", "follow", room, "Lyon");
  expect(ann.get("room", { room })["founder"]).toBe("ben@lyon");
});

test("what was founded stays founded when its server is restored from before that", () => {
  const world = new Ruled("restored");
  const [paris, lyon] = world.town("paris", "lyon");
  const backup = world.place.world.disk("paris").backup();
  const [ann, gus] = [world.account(paris!, "ann"), world.guest(lyon!, "gus")];
  ann.get("join", { room });
  world.place.rest(500);
  gus.get("join", { room });
  world.place.rest(5000);
  world.place.stop(paris!);
  world.place.hub.part("paris");
  world.place.rest(1000);
  world.place.world.disk("paris").restore(backup);
  const again = world.start("paris");
  const eve = world.account(again, "eve");
  eve.get("join", { room });
  world.place.join(again, lyon!);
  world.place.rest(5000);
  expect(gus.get("room", { room })["founder"]).toBe("ann@paris");
  expect(eve.get("room", { room })["founder"]).toBe("ann@paris");
});

test("of a key that is set and unset at once the second one counts", () => {
  const world = new Ruled("at once");
  const paris = world.start("paris");
  const ann = world.account(paris, "ann");
  ann.get("join", { room });
  ann.sendAll(
    ["set", { ref: 901, room, key: "mode/key", value: "sesame" }],
    ["set", { ref: 902, room, key: "mode/key", value: null }],
  );
  world.place.rest(2000);
  expect(world.settings(ann, room)).toEqual({});
});

test("who was kicked while his connection was lost is out when he is back", () => {
  const world = new Ruled("resumed");
  const paris = world.start("paris");
  const [ann, gus] = [world.account(paris, "ann"), world.guest(paris, "gus")];
  for (const one of [ann, gus]) one.get("join", { room });
  const token = String(gus.all("welcome")[0]?.["resume"]);
  gus.wire.close("lost");
  world.place.rest(500);
  expect(codeOf(ann.ask("kick", { room, address: "gus@paris" }))).toBe("ack");
  const again = world.place.connect(paris);
  again.login({ nick: "gus", resume: { token, received: gus.received } });
  world.place.rest(500);
  expect(again.all("removed")).toMatchObject([{ code: "KICKED" }]);
  expect(say(again)).toBe("NOT_IN_ROOM");
});

test("of a room that was used for long, all can be set, and what was lifted stays lifted", () => {
  const world = new Ruled("used");
  const [paris, lyon] = world.town("paris", "lyon");
  const [ann, ben] = [world.account(paris!, "ann"), world.account(lyon!, "ben")];
  ann.get("join", { room });
  world.place.rest(500);
  ben.get("join", { room });
  world.place.rest(500);
  world.set(ann, room, "role/ben@lyon", "moderator");
  world.place.rest(500);
  world.set(ben, room, "ban/eve@paris", {});
  world.place.rest(500);
  expect(codeOf(world.set(ann, room, "ban/eve@paris", null))).toBe("ack");
  world.place.rest(500);
  wear(world, paris!, ann);
  expect(world.settings(ann, room)).not.toHaveProperty("ban/eve@paris");
  expect(codeOf(world.set(ann, room, "mode/invite-only", true))).toBe("ack");
  world.place.rest(1000);
  expect(ben.get("room", { room })).toMatchObject({ founder: "ann@paris" });
  expect(world.settings(ben, room)).not.toHaveProperty("ban/eve@paris");
}, 30_000);
