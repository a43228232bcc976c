// Who did something to a room, and who is what in it, as those who are there are told.

import { describe, expect, test } from "bun:test";
import type { Json } from "./peer.ts";
import { Ruled } from "./ruled.ts";

const codeOf = (answer: Json): unknown => answer["code"] ?? "ack";

describe("who did it", () => {
  test("what is set names the nick of the account, on every server", () => {
    const world = new Ruled("nicks");
    const [paris, lyon] = world.town("paris", "lyon");
    const [ann, gus] = [world.account(paris!, "ann"), world.guest(lyon!, "gus")];
    expect(ann.get("join", { room: "#chat" })["role"]).toBe("owner");
    gus.get("join", { room: "#chat" });
    world.place.rest(100);
    expect(world.set(ann, "#chat", "topic", "tea")).toMatchObject({ from: "ann@paris" });
    world.place.rest(100);
    const by = { by: "ann@paris", from: "ann@paris" };
    expect(gus.all("state")).toMatchObject([{ key: "topic", ...by }]);
    expect(gus.get("room", { room: "#chat" })).toMatchObject({
      founder: "ann@paris",
      settings: [{ key: "topic", ...by }],
    });
    expect(Number(gus.get("room", { room: "#chat" })["founded"])).toBeGreaterThan(0);
    ann.get("part", { room: "#chat" });
    world.place.rest(100);
    const [setting] = gus.get("room", { room: "#chat" })["settings"] as Json[];
    expect(setting).toMatchObject({ by: "ann@paris" });
    expect(setting).not.toHaveProperty("from");
  });

  test("who is kicked, and all others on all servers, are told by whom and why", () => {
    const world = new Ruled("by-whom");
    const [paris, lyon, brest] = world.town("paris", "lyon", "brest");
    const [ann, gus] = [world.account(paris!, "ann"), world.guest(lyon!, "gus")];
    const tim = world.guest(brest!, "tim");
    ann.get("join", { room: "#chat" });
    world.place.rest(100);
    for (const one of [gus, tim]) one.get("join", { room: "#chat" });
    world.place.rest(100);
    const kick = { room: "#chat", address: "gus@lyon", reason: "x" };
    expect(codeOf(ann.ask("kick", kick))).toBe("ack");
    world.place.rest(100);
    const why = {
      code: "KICKED",
      by: { address: "ann@paris", account: "ann" },
      reason: "x",
    };
    const text = "kicked by ann@paris: x";
    expect(gus.all("removed")).toEqual([{ room: "#chat", text, ...why }]);
    for (const one of [ann, tim])
      expect(one.all("left")).toMatchObject([
        { room: "#chat", person: { address: "gus@lyon" }, reason: text, removed: why },
      ]);
  });

  test("who is put out by a ban is told by whom, once and on every server", () => {
    const world = new Ruled("by-ban");
    const [paris, lyon] = world.town("paris", "lyon");
    const [ann, ben] = [world.account(paris!, "ann"), world.account(lyon!, "ben")];
    ann.get("join", { room: "#chat" });
    world.place.rest(100);
    const gus = world.guest(lyon!, "gus");
    for (const one of [ben, gus]) one.get("join", { room: "#chat" });
    world.place.rest(100);
    const ban = { reason: "spam", until: paris!.environment.clock.now() + 60_000 };
    expect(codeOf(world.set(ann, "#chat", "ban/gus@lyon", ban))).toBe("ack");
    world.place.rest(200);
    const why = { code: "BANNED", by: { address: "ann@paris", account: "ann" }, reason: "spam" };
    expect(gus.all("removed")).toMatchObject([why]);
    const text = /^room #chat: you are banned until \d{4}-\d\d-\d\d \d\d:\d\d UTC: spam$/;
    expect(gus.all("removed")[0]?.["text"]).toMatch(text);
    // What he is told is meant for him alone.
    const told = { person: { address: "gus@lyon" }, reason: "banned by ann@paris: spam" };
    for (const one of [ann, ben])
      expect(one.all("left")).toMatchObject([{ ...told, removed: why }]);
  });

  test("who is invited is told by whom, also where the account has another nick", () => {
    const world = new Ruled("invites");
    const paris = world.start("paris");
    const [ann, gus] = [world.account(paris, "ann"), world.guest(paris, "gus")];
    ann.get("join", { room: "#chat" });
    expect(codeOf(world.set(ann, "#chat", "invite/gus@paris", true))).toBe("ack");
    world.place.rest(50);
    const asked = { room: "#chat", by: "ann@paris", from: "ann@paris" };
    expect(gus.all("invited")).toEqual([asked]);
  });
});

describe("who is what", () => {
  test("roles stand in lists, in whois, and beside those who come in with one", () => {
    const world = new Ruled("roles");
    const [paris, lyon] = world.town("paris", "lyon");
    const [ann, gus] = [world.account(paris!, "ann"), world.guest(paris!, "gus")];
    ann.get("join", { room: "#chat" });
    ann.get("join", { room: "&own" });
    gus.get("join", { room: "#chat" });
    world.set(ann, "#chat", "role/ben@lyon", "moderator");
    world.place.rest(100);
    world.account(lyon!, "ben").get("join", { room: "#chat" });
    world.place.rest(100);
    expect(gus.all("joined").at(-1)).toMatchObject({
      person: { address: "ben@lyon" },
      role: "moderator",
    });
    expect(gus.get("who", { room: "#chat" })["people"]).toEqual([
      { address: "ann@paris", account: "ann", role: "owner" },
      { address: "ben@lyon", account: "ben", role: "moderator" },
      { address: "gus@paris" },
    ]);
    expect(gus.get("whois", { address: "ann@paris" })).toMatchObject({
      rooms: ["#lobby", "#chat"],
      roles: { "#chat": "owner" },
    });
    expect(ann.get("whois", { address: "ann@paris" })).toMatchObject({
      rooms: ["#lobby", "#chat", "&own"],
      roles: { "#chat": "owner", "&own": "owner" },
    });
    expect(ann.get("whois", { address: "gus@paris" })).not.toHaveProperty("roles");
  });

  test("a list of rooms has their topics, but for secret ones", () => {
    const world = new Ruled("topics");
    const [paris, lyon] = world.town("paris", "lyon");
    const [ann, gus] = [world.account(paris!, "ann"), world.guest(lyon!, "gus")];
    for (const room of ["#chat", "#dark"]) {
      ann.get("join", { room });
      world.set(ann, room, "topic", `about ${room}`);
    }
    world.set(ann, "#dark", "mode/secret", true);
    world.place.rest(100);
    expect(gus.get("rooms", {})["rooms"]).toEqual([
      { room: "#chat", members: 1, topic: "about #chat" },
      { room: "#lobby", members: 2 },
    ]);
  });

  test("who founds a room comes in with a role, and what is asked next waits for it", () => {
    const world = new Ruled("in-order");
    const paris = world.start("paris");
    const [ann, gus] = [world.account(paris, "ann"), world.guest(paris, "gus")];
    gus.get("join", { room: "#chat" });
    ann.sendAll(
      ["join", { ref: 901, room: "#chat" }],
      ["say", { ref: 902, room: "#chat", text: "hello" }],
    );
    world.place.rest(50);
    expect(gus.all("joined").at(-1)).toMatchObject({ role: "owner" });
    expect(gus.all("message")).toMatchObject([{ from: "ann@paris", text: "hello" }]);
  });
});
