// Rooms that guests run, where the config lets them.

import { describe, expect, test } from "bun:test";
import type { Json } from "./peer.ts";
import { Ruled } from "./ruled.ts";

const codeOf = (answer: Json): unknown => answer["code"] ?? "ack";
const guestRooms = true;

describe("with rooms: { guests: true }", () => {
  test("who is alone in a room runs it, without an account; who comes later does not", () => {
    const world = new Ruled("guest-alone");
    const paris = world.start("paris", { guestRooms });
    const [gus, eve] = [world.guest(paris, "gus"), world.guest(paris, "eve")];
    expect(gus.get("join", { room: "#chat" })["role"]).toBe("owner");
    expect(eve.get("join", { room: "#chat" })["role"]).toBeUndefined();
    expect(codeOf(world.set(gus, "#chat", "topic", "tea"))).toBe("ack");
    expect(codeOf(world.set(eve, "#chat", "topic", "mine"))).toBe("NOT_PERMITTED");
    world.place.rest(50);
    expect(eve.all("state")).toMatchObject([{ key: "topic", value: "tea", by: "~gus@paris" }]);
    expect(eve.get("room", { room: "#chat" })["founder"]).toBe("~gus@paris");
  });

  test("a guest gives roles to guests, who keep them under another nick", () => {
    const world = new Ruled("guest-roles");
    const paris = world.start("paris", { guestRooms });
    const [gus, eve] = [world.guest(paris, "gus"), world.guest(paris, "eve")];
    for (const one of [gus, eve]) one.get("join", { room: "#chat" });
    const given = world.set(gus, "#chat", "role/eve@paris", "moderator");
    expect(given).toMatchObject({ key: "role/~eve@paris", value: "moderator" });
    eve.get("rename", { nick: "eva" });
    expect(codeOf(world.set(eve, "#chat", "ban/spam@lyon", {}))).toBe("ack");
    expect(world.settings(gus, "#chat")).toEqual({
      "ban/spam@lyon": {},
      "role/~eva@paris": "moderator",
    });
    expect(codeOf(world.set(gus, "#chat", "role/eva@paris", "none"))).toBe("ack");
    expect(codeOf(world.set(eve, "#chat", "ban/spam@lyon", null))).toBe("NOT_PERMITTED");
  });

  test("who takes the nick of one that ran it has nothing of it", () => {
    const world = new Ruled("guest-nick");
    const paris = world.start("paris", { guestRooms });
    const [gus, eve] = [world.guest(paris, "gus"), world.guest(paris, "eve")];
    for (const one of [gus, eve]) one.get("join", { room: "#chat" });
    gus.get("rename", { nick: "gone" });
    const other = world.guest(paris, "gus");
    expect(other.get("join", { room: "#chat" })["role"]).toBeUndefined();
    expect(codeOf(world.set(other, "#chat", "topic", "mine"))).toBe("NOT_PERMITTED");
  });

  test("who lays the role down has it no more, and what was set stays", () => {
    const world = new Ruled("guest-resigns");
    const paris = world.start("paris", { guestRooms });
    const [gus, eve, mod] = [
      world.guest(paris, "gus"),
      world.guest(paris, "eve"),
      world.guest(paris, "mod"),
    ];
    for (const one of [gus, eve, mod]) one.get("join", { room: "#chat" });
    for (const [key, value] of [
      ["mode/moderated", true],
      ["role/mod@paris", "moderator"],
    ] as const)
      expect(codeOf(world.set(gus, "#chat", key, value))).toBe("ack");
    expect(codeOf(world.set(mod, "#chat", "role/gus@paris", "none"))).toBe("NOT_PERMITTED");
    expect(codeOf(world.set(gus, "#chat", "role/gus@paris", "none"))).toBe("ack");
    world.place.rest(50);
    expect(eve.all("state").at(-1)).toMatchObject({ key: "role/~gus@paris", by: "~gus@paris" });
    expect(codeOf(world.set(gus, "#chat", "topic", "mine"))).toBe("NOT_PERMITTED");
    expect(codeOf(gus.ask("say", { room: "#chat", text: "x" }))).toBe("MODERATED");
    expect(codeOf(world.set(mod, "#chat", "topic", "tea"))).toBe("ack");
    expect(eve.get("room", { room: "#chat" })).not.toHaveProperty("founder");
    expect(world.settings(eve, "#chat")).toEqual({
      "mode/moderated": true,
      "role/~mod@paris": "moderator",
      topic: "tea",
    });
    expect(codeOf(world.set(gus, "#chat", "role/gus@paris", "owner"))).toBe("NOT_PERMITTED");
  });

  test("nothing of it is left when the last one has gone, and nothing is on the disk", () => {
    const world = new Ruled("guest-gone");
    const paris = world.start("paris", { guestRooms });
    const gus = world.guest(paris, "gus");
    gus.get("join", { room: "#chat" });
    world.set(gus, "#chat", "mode/key", "sesame");
    const eve = world.guest(paris, "eve");
    expect(codeOf(eve.ask("join", { room: "#chat" }))).toBe("KEY_WRONG");
    expect(world.held(paris)).toBe(0);
    gus.get("part", { room: "#chat" });
    expect(eve.get("join", { room: "#chat" })["role"]).toBe("owner");
    expect(world.settings(eve, "#chat")).toEqual({});
  });

  test("an account that joins founds no room that guests run, but one in which they do not", () => {
    const world = new Ruled("guest-account");
    const paris = world.start("paris", { guestRooms });
    const [gus, ann] = [world.guest(paris, "gus"), world.account(paris, "ann")];
    gus.get("join", { room: "#chat" });
    expect(ann.get("join", { room: "#chat" })["role"]).toBeUndefined();
    expect(codeOf(world.set(gus, "#chat", "role/ann@paris", "owner"))).toBe("ack");
    expect(codeOf(world.set(ann, "#chat", "topic", "tea"))).toBe("ack");
    for (const one of [gus, ann]) one.get("part", { room: "#chat" });
    expect(ann.get("join", { room: "#chat" })["role"]).toBe("owner");
    expect(gus.get("join", { room: "#chat" })["role"]).toBeUndefined();
    expect(world.settings(ann, "#chat")).toEqual({});
    expect(world.held(paris)).toBe(1);
  });
});

describe("in a fusion", () => {
  test("what a guest sets counts on his server alone: there it keeps out others' people", () => {
    const world = new Ruled("guest-fusion");
    const [paris, lyon] = [world.start("paris", { guestRooms }), world.start("lyon")];
    world.place.join(paris, lyon);
    const [gus, ben] = [world.guest(paris, "gus"), world.guest(lyon, "ben")];
    gus.get("join", { room: "#chat" });
    ben.get("join", { room: "#chat" });
    world.place.rest(2000);
    const kicked = gus.ask("kick", { room: "#chat", address: "ben@lyon" });
    expect([codeOf(kicked), String(kicked["text"])]).toEqual([
      "NOT_PERMITTED",
      "ben@lyon is on another server: a guest's word counts on paris alone; a ban hides him here",
    ]);
    expect(codeOf(world.set(gus, "#chat", "ban/ben@lyon", {}))).toBe("ack");
    ben.get("say", { room: "#chat", text: "am I heard?" });
    world.place.rest(2000);
    expect(gus.all("message").filter(({ text }) => text === "am I heard?")).toEqual([]);
    expect([world.held(paris), world.held(lyon)]).toEqual([0, 0]);
    expect(ben.get("room", { room: "#chat" })["founder"]).toBeUndefined();
  });

  test("who comes to a room in which others are already does not run it", () => {
    const world = new Ruled("guest-second");
    const [paris, lyon] = [world.start("paris", { guestRooms }), world.start("lyon")];
    world.place.join(paris, lyon);
    const [gus, ben] = [world.guest(paris, "gus"), world.guest(lyon, "ben")];
    ben.get("join", { room: "#chat" });
    world.place.rest(2000);
    expect(gus.get("join", { room: "#chat" })["role"]).toBeUndefined();
  });

  test("an account that founds the room elsewhere goes before", () => {
    const world = new Ruled("guest-before");
    const [paris, lyon] = [world.start("paris", { guestRooms }), world.start("lyon")];
    world.place.join(paris, lyon);
    const [gus, ben] = [world.guest(paris, "gus"), world.account(lyon, "ben")];
    gus.get("join", { room: "#chat" });
    world.set(gus, "#chat", "mode/moderated", true);
    world.place.rest(2000);
    expect(ben.get("join", { room: "#chat" })["role"]).toBe("owner");
    world.place.rest(2000);
    expect(gus.get("room", { room: "#chat" })).toMatchObject({ founder: "ben@lyon", settings: [] });
    expect(codeOf(world.set(gus, "#chat", "topic", "mine"))).toBe("NOT_PERMITTED");
    expect(codeOf(gus.ask("say", { room: "#chat", text: "hello" }))).toBe("ack");
  });
});
