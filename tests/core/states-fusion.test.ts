// The state of rooms between servers: all of a fusion come to hold the same, over splits, restarts
// and merges, and each side of a merge keeps its own house.

import { describe, expect, test } from "bun:test";
import { MemoryHistory } from "./memory.ts";
import type { Json, Peer } from "./peer.ts";
import { Ruled } from "./ruled.ts";

const codeOf = (answer: Json): unknown => answer["code"] ?? "ack";

describe("in a fusion", () => {
  test("what is set on one server holds on all, and for those who come later", () => {
    const world = new Ruled("holds");
    const [paris, lyon, brest] = world.town("paris", "lyon", "brest");
    const [ann, ben] = [world.account(paris!, "ann"), world.account(lyon!, "ben")];
    ann.get("join", { room: "#chat" });
    world.place.rest(100);
    expect(ben.get("join", { room: "#chat" })["role"]).toBeUndefined();
    world.set(ann, "#chat", "topic", "tea");
    world.set(ann, "#chat", "role/ben@lyon", "moderator");
    world.place.rest(100);
    expect(codeOf(world.set(ben, "#chat", "ban/eve@brest", { reason: "spam" }))).toBe("ack");
    world.place.rest(100);
    const eve = world.guest(brest!, "eve");
    expect(codeOf(eve.ask("join", { room: "#chat" }))).toBe("BANNED");
    const gil = world.guest(brest!, "gil");
    expect(gil.get("join", { room: "#chat" })).toMatchObject({ topic: "tea" });
    for (const peer of [ann, ben, gil])
      expect(world.settings(peer, "#chat")).toEqual({
        topic: "tea",
        "role/ben@lyon": "moderator",
        "ban/eve@brest": { reason: "spam" },
      });
  });

  test("a topic that is open is set from any server, by a guest too, who is shown by nick", () => {
    const world = new Ruled("open");
    const [paris, lyon] = world.town("paris", "lyon");
    const [ann, gus] = [world.account(paris!, "ann"), world.guest(lyon!, "gus")];
    ann.get("join", { room: "#chat" });
    world.place.rest(100);
    gus.get("join", { room: "#chat" });
    world.set(ann, "#chat", "mode/open-topic", true);
    world.place.rest(100);
    expect(codeOf(world.set(gus, "#chat", "topic", "tea"))).toBe("ack");
    world.place.rest(100);
    const topic = { key: "topic", value: "tea", by: "~gus@lyon", from: "gus@lyon" };
    for (const peer of [ann, gus]) expect(peer.all("state").at(-1)).toMatchObject(topic);
  });

  test("topics stand in the histories of all servers, under the ids they were told with", () => {
    const world = new Ruled("topics");
    const homes = ["paris", "lyon"].map((name) =>
      world.start(name, { more: [new MemoryHistory().plugin()] }),
    );
    world.place.join(...homes);
    const [ann, bob] = [world.account(homes[0]!, "ann"), world.guest(homes[1]!, "bob")];
    for (const one of [ann, bob]) {
      one.get("join", { room: "#chat" });
      world.place.rest(100);
    }
    world.set(ann, "#chat", "topic", "tea");
    ann.get("say", { room: "#chat", text: "tea it is" });
    world.set(ann, "#chat", "topic", null);
    world.place.rest(200);
    expect(bob.texts("#chat")).toEqual(["tea it is"]);
    const ids = bob.all("state").flatMap(({ key, id }) => (key === "topic" ? [id] : []));
    const topic = { from: "ann@paris", account: "ann", kind: "topic" };
    const past = () => bob.get("history", { room: "#chat" })["messages"];
    expect(past()).toMatchObject([
      { ...topic, id: ids[0], text: "tea" },
      { text: "tea it is" },
      { ...topic, id: ids[1], text: "" },
    ]);
    const doneTo = (about: unknown, more: Json) =>
      codeOf(ann.ask("say", { room: "#chat", about, ...more }));
    expect(doneTo(ids[0], { kind: "reaction", text: "👍" })).toBe("BAD_REQUEST");
    expect(codeOf(ann.ask("say", { room: "#chat", text: "x", kind: "topic" }))).toBe("BAD_REQUEST");
    expect(doneTo(ids[0], { kind: "delete", text: "" })).toBe("ack");
    world.place.rest(1000);
    expect(past()).toMatchObject([{ text: "tea it is" }, { id: ids[1] }, { kind: "delete" }]);
  });

  test("what its maker could not tell all before it was gone, they have of one another", () => {
    const world = new Ruled("gone at once");
    const [paris, lyon, brest] = world.town("paris", "lyon", "brest");
    const ann = world.account(paris!, "ann");
    ann.get("join", { room: "#chat" });
    const [ben, eve] = [world.guest(lyon!, "ben"), world.guest(brest!, "eve")];
    for (const peer of [ben, eve]) peer.get("join", { room: "#chat" });
    world.place.rest();
    const { hub } = world.place;
    hub.fate = ({ from, to }) => (from === "paris" && to === "brest" ? "lose" : "pass");
    world.set(ann, "#chat", "topic", "tea");
    world.place.rest(100);
    world.place.stop(paris!);
    hub.fate = () => "pass";
    world.place.rest();
    for (const peer of [ben, eve]) expect(world.settings(peer, "#chat")).toEqual({ topic: "tea" });
  });

  test("what was passed on to one that was dead already is passed on again", () => {
    const world = new Ruled("dead already");
    // Around the circle of sids: each passes on to the one behind it.
    const [lyon, brest, nice, paris] = world
      .town("a", "b", "c", "d")
      .toSorted((a, b) => (a.server.sid < b.server.sid ? -1 : 1));
    const ann = world.account(paris!, "ann");
    ann.get("join", { room: "#chat" });
    const eve = world.guest(nice!, "eve");
    for (const peer of [world.guest(lyon!, "ben"), eve]) peer.get("join", { room: "#chat" });
    world.place.rest();
    const { hub } = world.place;
    hub.fate = ({ from, to }) =>
      to === brest!.name || (from === paris!.name && to === nice!.name) ? "lose" : "pass";
    world.set(ann, "#chat", "topic", "tea");
    world.place.rest(100);
    world.place.stop(paris!); // before it has compared with anybody
    world.place.rest(2000);
    expect(world.settings(eve, "#chat")).toEqual({});
    hub.part(brest!.name); // it is only now that the others notice
    world.place.rest();
    expect(world.settings(eve, "#chat")).toEqual({ topic: "tea" });
  });

  test("a moderator kicks one of another server, who hears by whom", () => {
    const world = new Ruled("kicks");
    const [paris, lyon] = world.town("paris", "lyon");
    const [ann, gus] = [world.account(paris!, "ann"), world.guest(lyon!, "gus")];
    ann.get("join", { room: "#chat" });
    world.place.rest(100);
    gus.get("join", { room: "#chat" });
    world.place.rest(100);
    expect(ann.ask("kick", { room: "#chat", address: "gus@paris" })).toMatchObject({
      code: "NO_SUCH_NICK",
      text: "gus@paris: nobody is there under this nick (did you mean gus@lyon?)",
    });
    expect(codeOf(ann.ask("kick", { room: "#chat", address: "gus@lyon", reason: "x" }))).toBe(
      "ack",
    );
    world.place.rest(100);
    expect(gus.all("removed")).toMatchObject([{ code: "KICKED", text: "kicked by ann@paris: x" }]);
    const missing = ann.ask("kick", { room: "#chat", address: "gus@lyon" });
    expect(codeOf(missing)).toBe("NO_SUCH_NICK");
  });

  test("with open-talk people outside are heard on all servers, where one of theirs is in", () => {
    const world = new Ruled("open-talk");
    const [paris, lyon] = world.town("paris", "lyon");
    const ann = world.account(paris!, "ann");
    ann.get("join", { room: "#chat" });
    world.set(ann, "#chat", "mode/open-talk", true);
    world.place.rest(100);
    const bot = world.guest(lyon!, "bot");
    const say = () => codeOf(bot.ask("say", { room: "#chat", text: "ding" }));
    expect(say()).toBe("NOT_IN_ROOM");
    const ben = world.guest(lyon!, "ben");
    ben.get("join", { room: "#chat" });
    world.place.rest(200);
    expect(say()).toBe("ack");
    world.place.rest(100);
    for (const one of [ann, ben]) expect(one.texts("#chat")).toEqual(["ding"]);
    world.set(ann, "#chat", "ban/bot@lyon", {});
    world.place.rest(100);
    expect(say()).toBe("NOT_IN_ROOM");
  });

  test("owners kick each other, and the founder; moderators neither", () => {
    const world = new Ruled("owners");
    const [paris, lyon] = world.town("paris", "lyon");
    const ann = world.account(paris!, "ann");
    ann.get("join", { room: "#chat" });
    world.place.rest(100);
    const [ben, cat] = [world.account(lyon!, "ben"), world.account(paris!, "cat")];
    for (const peer of [ben, cat]) peer.get("join", { room: "#chat" });
    world.set(ann, "#chat", "role/ben@lyon", "owner");
    world.set(ann, "#chat", "role/cat@paris", "moderator");
    world.place.rest(100);
    const kick = (by: Peer, address: string) => {
      const code = codeOf(by.ask("kick", { room: "#chat", address }));
      world.place.rest(100);
      return code;
    };
    expect(kick(cat, "ann@paris")).toBe("NOT_PERMITTED");
    expect(kick(cat, "ben@lyon")).toBe("NOT_PERMITTED");
    expect(kick(ben, "ann@paris")).toBe("ack");
    expect(ann.all("removed")).toMatchObject([{ code: "KICKED", text: "kicked by ben@lyon" }]);
    expect(codeOf(ann.ask("join", { room: "#chat" }))).toBe("ack");
    expect(kick(ann, "ben@lyon")).toBe("ack");
    expect(kick(ann, "cat@paris")).toBe("ack");
  });

  test("a moderator deletes what others say, on every server; others do not", () => {
    const world = new Ruled("deletes");
    const [paris, lyon] = world.town("paris", "lyon");
    const [ann, ben, gus] = [
      world.account(paris!, "ann"),
      world.account(lyon!, "ben"),
      world.guest(paris!, "gus"),
    ];
    ann.get("join", { room: "#chat" });
    world.place.rest(100);
    for (const peer of [ben, gus]) peer.get("join", { room: "#chat" });
    const { id: about } = gus.get("say", { room: "#chat", text: "rubbish" });
    world.place.rest(100);
    const remove = () => ben.ask("say", { room: "#chat", kind: "delete", text: "", about });
    expect(codeOf(remove())).toBe("NOT_PERMITTED");
    world.set(ann, "#chat", "role/ben@lyon", "moderator");
    world.place.rest(100);
    expect(codeOf(remove())).toBe("ack");
    world.place.rest(100);
    for (const peer of [ann, gus])
      expect(peer.all("message").at(-1)).toMatchObject({ kind: "delete", about, from: "ben@lyon" });
  });

  test("a ban puts out those who are there, on every server", () => {
    const world = new Ruled("puts out");
    const [paris, lyon] = world.town("paris", "lyon");
    const [ann, gus, hal] = [
      world.account(paris!, "ann"),
      world.guest(lyon!, "gus"),
      world.guest(lyon!, "hal"),
    ];
    ann.get("join", { room: "#chat" });
    world.place.rest(100);
    for (const peer of [gus, hal]) peer.get("join", { room: "#chat" });
    world.place.rest(100);
    world.set(ann, "#chat", "ban/gus@lyon", {});
    world.place.rest(100);
    expect(gus.all("removed")).toMatchObject([{ code: "BANNED" }]);
    const left = (by: typeof ann) =>
      by.all("left").map(({ room, person }) => [room, (person as Json)["address"]]);
    expect(left(ann)).toEqual([["#chat", "gus@lyon"]]);
    expect(left(hal)).toEqual([["#chat", "gus@lyon"]]);
  });

  test("what is set while a server is away comes to it when it is back, also over restarts", () => {
    const world = new Ruled("away");
    const [paris, lyon] = world.town("paris", "lyon");
    const [ann, ben] = [world.account(paris!, "ann"), world.account(lyon!, "ben")];
    ann.get("join", { room: "#chat" });
    world.place.rest(100);
    ben.get("join", { room: "#chat" });
    world.set(ann, "#chat", "role/ben@lyon", "moderator");
    world.place.rest(100);
    world.place.hub.part("paris", "lyon");
    world.place.rest(100);
    world.set(ann, "#chat", "topic", "in paris");
    world.set(ben, "#chat", "ban/eve@paris", {});
    world.place.stop(paris!);
    const again = world.start("paris");
    const cyd = world.account(again, "cyd");
    cyd.get("join", { room: "#chat" });
    expect(world.settings(cyd, "#chat")).toEqual({
      topic: "in paris",
      "role/ben@lyon": "moderator",
    });
    world.place.join(again, lyon!);
    for (const peer of [cyd, ben])
      expect(world.settings(peer, "#chat")).toEqual({
        topic: "in paris",
        "ban/eve@paris": {},
        "role/ben@lyon": "moderator",
      });
  });

  test("of two foundings made at once the older one counts, everywhere", () => {
    const world = new Ruled("at once");
    const [paris, lyon] = world.town("paris", "lyon");
    const [ann, ben] = [world.account(paris!, "ann"), world.account(lyon!, "ben")];
    const refs = [ann.request("join", { room: "#chat" }), ben.request("join", { room: "#chat" })];
    world.place.rest(500);
    expect(refs.map((ref, i) => [ann, ben][i]!.answer(ref)?.name)).toEqual(["ack", "ack"]);
    const founders = [ann, ben].map((peer) => peer.get("room", { room: "#chat" })["founder"]);
    expect(new Set(founders).size).toBe(1);
  });

  test("at a merge each side keeps its own founding; at the unmerge all is as it was", () => {
    const world = new Ruled("merge");
    const [paris, lyon] = [world.start("paris"), world.start("lyon")];
    const [ann, ben] = [world.account(paris, "ann"), world.account(lyon, "ben")];
    for (const peer of [ann, ben]) peer.get("join", { room: "#chat" });
    world.set(ann, "#chat", "topic", "of paris");
    world.set(ben, "#chat", "topic", "of lyon");
    world.set(ben, "#chat", "ban/gus@paris", {});
    world.place.rest(70_000);
    const all = () =>
      [ann, ben].map((peer) => [
        peer.get("room", { room: "#chat" })["founder"],
        world.settings(peer, "#chat"),
      ]);
    const before = all();
    world.place.join(paris, lyon);
    expect(all()).toEqual(before);
    const gus = world.guest(paris, "gus");
    expect(codeOf(gus.ask("join", { room: "#chat" }))).toBe("ack");
    expect(codeOf(gus.ask("say", { room: "#chat", text: "heard in paris" }))).toBe("ack");
    world.place.rest(100);
    expect([ann.texts("#chat"), ben.texts("#chat")]).toEqual([["heard in paris"], []]);
    // To run it together, the owners of both make each other owners.
    world.set(ann, "#chat", "role/ben@lyon", "owner");
    world.set(ben, "#chat", "role/ann@paris", "owner");
    world.place.rest(100);
    world.set(ben, "#chat", "topic", "of both");
    world.place.rest(100);
    expect([ann, ben].map((peer) => world.settings(peer, "#chat")["topic"])).toEqual([
      "of both",
      "of both",
    ]);
    world.place.hub.part("paris", "lyon");
    world.place.rest(100);
    expect(ann.get("room", { room: "#chat" })["founder"]).toBe("ann@paris");
  });

  test("a room of people whom nobody rules comes under no founding that a merge brings", () => {
    const world = new Ruled("unruled");
    const [paris, lyon] = [world.start("paris"), world.start("lyon")];
    const gus = world.guest(paris, "gus");
    gus.get("join", { room: "#chat" });
    const ben = world.account(lyon, "ben");
    ben.get("join", { room: "#chat" });
    world.set(ben, "#chat", "ban/gus@paris", {});
    world.set(ben, "#chat", "mode/read-only", true);
    world.place.join(paris, lyon);
    expect(gus.all("removed")).toEqual([]);
    expect(codeOf(gus.ask("say", { room: "#chat", text: "x" }))).toBe("ack");
    expect(gus.get("room", { room: "#chat" })["founder"]).toBeUndefined();
    // Who founds it while they are merged does so for all who are there.
    const hal = world.guest(lyon, "hal");
    const other = world.guest(paris, "other");
    for (const peer of [hal, other]) peer.get("join", { room: "#new" });
    const ann = world.account(paris, "ann");
    ann.get("join", { room: "#new" });
    world.place.rest(100);
    expect(hal.get("room", { room: "#new" })["founder"]).toBe("ann@paris");
  });

  test("nothing of local rooms and of the lobby's state leaves its server", () => {
    const world = new Ruled("leaves");
    const [paris, lyon] = world.town("paris", "lyon");
    const [op, ann] = [world.account(paris!, "op", "operator"), world.account(paris!, "ann")];
    ann.get("join", { room: "&hidden" });
    world.set(ann, "&hidden", "topic", "a secret of this house");
    world.set(ann, "&hidden", "ban/somebody@lyon", { reason: "a secret of this house" });
    world.set(op, "#lobby", "topic", "a secret of this house");
    world.place.rest(5000);
    expect([world.held(paris!), world.held(lyon!)]).toEqual([4, 0]);
    const stored = [...world.place.world.disk("lyon").backup().values()];
    const texts = stored.map((bytes) => Buffer.from(bytes).toString("latin1"));
    expect(texts.some((text) => /hidden|secret of this house/.test(text))).toBe(false);
  });
});
