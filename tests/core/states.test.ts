// The state of rooms in a running server: who founds them, who may set what, and what that does to
// those who are there. Between servers: states-fusion.test.ts.

import { describe, expect, test } from "bun:test";
import type { Json } from "./peer.ts";
import { Ruled } from "./ruled.ts";

const codeOf = (answer: Json): unknown => answer["code"] ?? "ack";

describe("in one server", () => {
  test("the first account in a room founds it, a guest does not", () => {
    const world = new Ruled("founds");
    const paris = world.start("paris");
    const [ann, gus] = [world.account(paris, "ann"), world.guest(paris, "gus")];
    expect(gus.get("join", { room: "#chat" })["role"]).toBeUndefined();
    expect(ann.get("join", { room: "#chat" })["role"]).toBe("owner");
    expect(ann.get("room", { room: "#chat" })["founder"]).toBe("ann@paris");
    const ben = world.account(paris, "ben");
    expect(ben.get("join", { room: "#chat" })["role"]).toBeUndefined();
    expect(codeOf(world.set(ben, "#chat", "topic", "mine"))).toBe("NOT_PERMITTED");
    expect(codeOf(world.set(gus, "#chat", "topic", "mine"))).toBe("NOT_PERMITTED");
  });

  test("members are told what is set, by whom, and newcomers find it in the answer of join", () => {
    const world = new Ruled("told");
    const paris = world.start("paris");
    const [ann, gus] = [world.account(paris, "ann"), world.guest(paris, "gus")];
    ann.get("join", { room: "#chat" });
    gus.get("join", { room: "#chat" });
    expect(codeOf(world.set(ann, "#chat", "topic", "tea"))).toBe("ack");
    world.set(ann, "#chat", "mode/slow", 5);
    world.place.rest(50);
    expect(gus.all("state")).toMatchObject([
      { room: "#chat", key: "topic", value: "tea", by: "ann@paris" },
      { key: "mode/slow", value: 5 },
    ]);
    const late = world.guest(paris, "late");
    expect(late.get("join", { room: "#chat" })).toMatchObject({ topic: "tea", modes: { slow: 5 } });
    world.set(ann, "#chat", "topic", null);
    world.place.rest(50);
    expect(gus.all("state").at(-1)).toMatchObject({ key: "topic", value: null });
  });

  test("an open topic is set by all who may speak; to close it changes none", () => {
    const world = new Ruled("open topic");
    const paris = world.start("paris");
    const ann = world.account(paris, "ann");
    const [ben, gus] = [world.account(paris, "ben"), world.guest(paris, "gus")];
    for (const one of [ann, ben, gus]) one.get("join", { room: "#chat" });
    const set = (one: typeof ann, key: string, value: unknown) =>
      codeOf(world.set(one, "#chat", key, value));
    set(ann, "topic", "ann's");
    expect(set(gus, "mode/open-topic", true)).toBe("NOT_PERMITTED");
    set(ann, "mode/open-topic", true);
    expect([set(ben, "topic", "ben's"), set(gus, "topic", "gus's")]).toEqual(["ack", "ack"]);
    world.place.rest(50);
    const told = (one: typeof ann) => one.all("state").at(-1);
    expect(told(ann)).toMatchObject({ value: "gus's", by: "~gus@paris", from: "gus@paris" });
    expect(set(gus, "description", "mine")).toBe("NOT_PERMITTED");
    set(ann, "mute/gus@paris", {});
    expect(set(gus, "topic", "again")).toBe("MUTED");
    set(ann, "mode/moderated", true);
    expect(set(ben, "topic", "again")).toBe("MODERATED");
    set(ann, "mode/moderated", null);
    set(ann, "mode/open-topic", null);
    expect(set(ben, "topic", "again")).toBe("NOT_PERMITTED");
    expect(world.settings(ann, "#chat")).toMatchObject({ topic: "gus's" });
  });

  test("with open-talk people outside speak, but for those who are kept out or silent", () => {
    const world = new Ruled("open talk");
    const paris = world.start("paris");
    const ann = world.account(paris, "ann");
    const [bot, eve] = [world.guest(paris, "bot"), world.guest(paris, "eve")];
    ann.get("join", { room: "#chat" });
    const say = (one: typeof ann, more: Json = {}) =>
      codeOf(one.ask("say", { room: "#chat", text: "hello", ...more }));
    expect(say(bot)).toBe("NOT_IN_ROOM");
    world.set(ann, "#chat", "mode/open-talk", true);
    expect(say(bot)).toBe("ack");
    const id = ann.all("message").at(-1)?.["id"];
    expect(ann.all("message")).toMatchObject([{ from: "bot@paris", text: "hello" }]);
    expect(bot.all("message")).toEqual([]);
    for (const kind of ["text", "reaction", "delete"])
      expect(say(bot, { kind, about: id })).toBe("NOT_IN_ROOM");
    expect(codeOf(bot.ask("history", { room: "#chat" }))).toBe("NOT_IN_ROOM");
    const during = (key: string, value: unknown) => {
      world.set(ann, "#chat", key, value);
      const answer = say(eve);
      world.set(ann, "#chat", key, null);
      return answer;
    };
    expect(during("ban/eve@paris", {})).toBe("NOT_IN_ROOM");
    expect(during("mode/invite-only", true)).toBe("NOT_IN_ROOM");
    expect(during("mute/eve@paris", {})).toBe("MUTED");
    expect(during("mode/moderated", true)).toBe("MODERATED");
    world.set(ann, "#chat", "mode/slow", 10);
    expect([say(eve), say(eve)]).toEqual(["ack", "SLOW_MODE"]);
    world.set(ann, "#chat", "mode/open-talk", null);
    expect(say(bot)).toBe("NOT_IN_ROOM");
    expect(say(bot, { room: "#nowhere" })).toBe("NOT_IN_ROOM");
  });

  test("of two changes of a key that come at once the second one counts, by any clock", () => {
    const world = new Ruled("at once");
    const before = world.start("paris");
    const early = world.account(before, "ann");
    early.get("join", { room: "#chat" });
    world.set(early, "#chat", "topic", "of later");
    world.place.stop(before);
    world.place.world.skew("paris", -10 * 60_000);
    const ann = world.account(world.start("paris"), "ann");
    ann.get("join", { room: "#chat" });
    for (const value of ["the first one", "second"])
      ann.request("set", { room: "#chat", key: "topic", value });
    world.place.rest(200);
    expect(world.settings(ann, "#chat")).toEqual({ topic: "second" });
  });

  test("P44: the key of a room is asked of those who enter, and told to nobody", () => {
    const world = new Ruled("key");
    const paris = world.start("paris");
    const [ann, gus] = [world.account(paris, "ann"), world.guest(paris, "gus")];
    ann.get("join", { room: "#chat" });
    expect(world.set(ann, "#chat", "mode/key", "sesame")["value"]).toBe(true);
    expect(codeOf(gus.ask("join", { room: "#chat" }))).toBe("KEY_WRONG");
    expect(codeOf(gus.ask("join", { room: "#chat", key: "open" }))).toBe("KEY_WRONG");
    expect(codeOf(gus.ask("join", { room: "#chat", key: "sesame" }))).toBe("ack");
    expect(world.settings(ann, "#chat")).toEqual({ "mode/key": true });
    const stored = [...world.place.world.disk("paris").backup().values()].map((bytes) =>
      Buffer.from(bytes).toString("latin1"),
    );
    expect(stored.some((text) => text.includes("mode/key"))).toBe(true);
    expect(stored.some((text) => text.includes("sesame"))).toBe(false);
  });

  test("a limit, a ban, an invitation decide who enters", () => {
    const world = new Ruled("enters");
    const paris = world.start("paris");
    const ann = world.account(paris, "ann");
    ann.get("join", { room: "#chat" });
    world.set(ann, "#chat", "mode/limit", 2);
    const [one, two] = [world.guest(paris, "one"), world.guest(paris, "two")];
    expect(codeOf(one.ask("join", { room: "#chat" }))).toBe("ack");
    expect(codeOf(two.ask("join", { room: "#chat" }))).toBe("ROOM_FULL");
    world.set(ann, "#chat", "mode/limit", null);
    world.set(ann, "#chat", "ban/two@paris", { reason: "noise" });
    const refused = two.ask("join", { room: "#chat" });
    expect([codeOf(refused), String(refused["text"]).includes("noise")]).toEqual(["BANNED", true]);
    world.set(ann, "#chat", "ban/two@paris", null);
    world.set(ann, "#chat", "mode/invite-only", true);
    world.place.rest(50);
    expect(one.all("removed")).toEqual([]);
    expect(codeOf(two.ask("join", { room: "#chat" }))).toBe("INVITE_ONLY");
    world.set(ann, "#chat", "invite/two@paris", true);
    world.place.rest(50);
    expect(two.all("invited")).toMatchObject([{ room: "#chat", by: "ann@paris" }]);
    expect(codeOf(two.ask("join", { room: "#chat" }))).toBe("ack");
  });

  test("who is in a room that becomes invite-only may come again, also with an open topic", () => {
    const world = new Ruled("open and closed");
    const paris = world.start("paris");
    const [ann, gus] = [world.account(paris, "ann"), world.guest(paris, "gus")];
    for (const peer of [ann, gus]) peer.get("join", { room: "#chat" });
    world.set(ann, "#chat", "mode/open-topic", true);
    world.set(ann, "#chat", "mode/invite-only", true);
    gus.get("part", { room: "#chat" });
    expect(codeOf(gus.ask("join", { room: "#chat" }))).toBe("ack");
  });

  test("who is banned or kicked is out, and hears why", () => {
    const world = new Ruled("out");
    const paris = world.start("paris");
    const [ann, one, two] = [
      world.account(paris, "ann"),
      world.guest(paris, "one"),
      world.guest(paris, "two"),
    ];
    for (const peer of [ann, one, two]) peer.get("join", { room: "#chat" });
    world.set(ann, "#chat", "ban/one@paris", { reason: "spam" });
    expect(codeOf(ann.ask("kick", { room: "#chat", address: "two@paris", reason: "bye" }))).toBe(
      "ack",
    );
    world.place.rest(50);
    expect(one.all("removed")).toMatchObject([{ room: "#chat", code: "BANNED" }]);
    expect(two.all("removed")).toMatchObject([{ room: "#chat", code: "KICKED" }]);
    expect(ann.all("left").map(({ person }) => (person as Json)["address"])).toEqual([
      "one@paris",
      "two@paris",
    ]);
    expect(codeOf(one.ask("say", { room: "#chat", text: "x" }))).toBe("NOT_IN_ROOM");
    expect(codeOf(two.ask("join", { room: "#chat" }))).toBe("ack");
    expect(codeOf(two.ask("kick", { room: "#chat", address: "ann@paris" }))).toBe("NOT_PERMITTED");
  });

  test("who is muted, without a voice, or too quick is not heard", () => {
    const world = new Ruled("silent");
    const paris = world.start("paris");
    const [ann, gus] = [world.account(paris, "ann"), world.guest(paris, "gus")];
    for (const peer of [ann, gus]) peer.get("join", { room: "#chat" });
    const said = () => codeOf(gus.ask("say", { room: "#chat", text: "x" }));
    const during = (key: string, value: unknown) => {
      world.set(ann, "#chat", key, value);
      const answer = said();
      expect(codeOf(ann.ask("say", { room: "#chat", text: "y" }))).toBe("ack");
      world.set(ann, "#chat", key, null);
      return answer;
    };
    expect(during("mute/gus@paris", {})).toBe("MUTED");
    expect(during("mode/moderated", true)).toBe("MODERATED");
    expect(during("mode/read-only", true)).toBe("READ_ONLY");
    world.set(ann, "#chat", "mode/slow", 10);
    expect([said(), said()]).toEqual(["ack", "SLOW_MODE"]);
    world.place.rest(10_000);
    const first = gus.get("say", { room: "#chat", text: "first" })["id"];
    const done = (kind: string, text: string, about = first) =>
      codeOf(gus.ask("say", { room: "#chat", kind, text, about }));
    // An answer is said like any other message; what is done to one is none.
    expect(done("text", "an answer")).toBe("SLOW_MODE");
    const kinds = ["reaction", "unreaction", "edit", "delete"];
    expect(kinds.map((kind) => done(kind, "x"))).toEqual(["ack", "ack", "ack", "ack"]);
    world.place.rest(9000);
    expect(said()).toBe("SLOW_MODE");
    world.place.rest(1000);
    expect(said()).toBe("ack");
    world.set(ann, "#chat", "mode/slow", null);
    expect([said(), said()]).toEqual(["ack", "ack"]);
  });

  test("P42: what is answered is on the disk; one who may not changes nothing", () => {
    const world = new Ruled("disk");
    const paris = world.start("paris");
    const [ann, ben] = [world.account(paris, "ann"), world.account(paris, "ben")];
    for (const peer of [ann, ben]) peer.get("join", { room: "#chat" });
    expect(codeOf(world.set(ann, "#chat", "topic", "tea"))).toBe("ack");
    expect(codeOf(world.set(ben, "#chat", "topic", "coffee"))).toBe("NOT_PERMITTED");
    expect(codeOf(ben.ask("kick", { room: "#chat", address: "ann@paris" }))).toBe("NOT_PERMITTED");
    world.place.world.crash("paris");
    world.place.hub.part("paris");
    const again = world.account(world.start("paris"), "cyd");
    expect(again.get("join", { room: "#chat" })).toMatchObject({ topic: "tea" });
    expect(again.get("room", { room: "#chat" })["founder"]).toBe("ann@paris");
  });

  test("what cannot be written is refused, and not in force", () => {
    const world = new Ruled("full");
    const paris = world.start("paris");
    const ann = world.account(paris, "ann");
    ann.get("join", { room: "#chat" });
    world.place.world.disk("paris").failWrites(new Error("no room"));
    expect(codeOf(world.set(ann, "#chat", "topic", "tea"))).toBe("INTERNAL");
    expect(world.settings(ann, "#chat")).toEqual({});
    expect(ann.get("join", { room: "#other" })["role"]).toBeUndefined();
    world.place.world.disk("paris").failWrites(undefined);
    world.place.rest(10_000);
    expect(codeOf(world.set(ann, "#chat", "topic", "tea"))).toBe("ack");
  });

  test("a ban ends when its time is over", () => {
    const world = new Ruled("until");
    const paris = world.start("paris");
    const [ann, gus] = [world.account(paris, "ann"), world.guest(paris, "gus")];
    ann.get("join", { room: "#chat" });
    const until = paris.environment.clock.now() + 60_000;
    world.set(ann, "#chat", "ban/gus@paris", { until });
    expect(codeOf(gus.ask("join", { room: "#chat" }))).toBe("BANNED");
    world.place.rest(60_000);
    expect(codeOf(gus.ask("join", { room: "#chat" }))).toBe("ack");
  });

  test("to dismiss a moderator lifts no ban, and ends the roles that came from him", () => {
    const world = new Ruled("dismiss");
    const paris = world.start("paris");
    const [ann, olga] = [world.account(paris, "ann"), world.account(paris, "olga")];
    for (const peer of [ann, olga]) peer.get("join", { room: "#chat" });
    world.set(ann, "#chat", "role/olga@paris", "owner");
    world.set(olga, "#chat", "role/mo@paris", "moderator");
    world.set(olga, "#chat", "ban/eve@paris", { reason: "spam" });
    world.set(olga, "#chat", "topic", "by olga");
    const answer = world.set(ann, "#chat", "role/olga@paris", null);
    expect(answer).toMatchObject({ value: null, ended: ["mo@paris"] });
    expect(world.settings(ann, "#chat")).toEqual({
      "ban/eve@paris": { reason: "spam" },
      topic: "by olga",
    });
    expect(codeOf(world.set(olga, "#chat", "topic", "again"))).toBe("NOT_PERMITTED");
  });

  test("a secret room is told only to those who are in it", () => {
    const world = new Ruled("secret");
    const paris = world.start("paris");
    const [ann, gus] = [world.account(paris, "ann"), world.guest(paris, "gus")];
    ann.get("join", { room: "#chat" });
    world.set(ann, "#chat", "mode/secret", true);
    const rooms = (by: typeof ann) =>
      (by.get("rooms")["rooms"] as readonly Json[]).map(({ room }) => room);
    expect([rooms(ann), rooms(gus)]).toEqual([["#chat", "#lobby"], ["#lobby"]]);
    expect(gus.get("whois", { address: "ann@paris" })["rooms"]).toEqual(["#lobby"]);
    expect(codeOf(gus.ask("who", { room: "#chat" }))).toBe("NOT_IN_ROOM");
    expect(codeOf(gus.ask("room", { room: "#chat" }))).toBe("NOT_IN_ROOM");
  });

  test("rooms are paged past those that are secret", () => {
    const world = new Ruled("pages");
    const paris = world.start("paris");
    const [ann, gus] = [world.account(paris, "ann"), world.guest(paris, "gus")];
    const names = ["#a", "#b", "#c", "#d", "#e"];
    for (const room of names) ann.get("join", { room });
    for (const room of ["#a", "#b", "#c", "#e"]) world.set(ann, room, "mode/secret", true);
    const pages = (by: typeof ann) => {
      const all: unknown[] = [];
      let after: Json = {};
      for (let next: unknown = ""; next !== undefined; after = { after: next }) {
        const page = by.get("rooms", { limit: 1, ...after });
        all.push(...(page["rooms"] as readonly Json[]).map(({ room }) => room));
        next = page["next"];
      }
      return all;
    };
    expect(pages(ann)).toEqual([...names, "#lobby"]);
    expect(pages(gus)).toEqual(["#d", "#lobby"]);
  });

  test("the lobby is its operators', and so is a local room", () => {
    const world = new Ruled("lobby");
    const paris = world.start("paris");
    const [op, ann, gus] = [
      world.account(paris, "op", "operator"),
      world.account(paris, "ann"),
      world.guest(paris, "gus"),
    ];
    expect(codeOf(world.set(ann, "#lobby", "topic", "mine"))).toBe("NOT_PERMITTED");
    expect(codeOf(world.set(op, "#lobby", "topic", "house rules"))).toBe("ack");
    expect(codeOf(world.set(op, "#lobby", "mode/secret", true))).toBe("BAD_REQUEST");
    expect(codeOf(world.set(op, "#lobby", "mute/gus@paris", {}))).toBe("ack");
    expect(codeOf(gus.ask("say", { room: "#lobby", text: "x" }))).toBe("MUTED");
    for (const peer of [ann, op]) peer.get("join", { room: "&own" });
    expect(codeOf(world.set(ann, "&own", "topic", "ann's"))).toBe("ack");
    expect(codeOf(world.set(op, "&own", "topic", "op's"))).toBe("ack");
    expect(world.settings(ann, "&own")).toEqual({ topic: "op's" });
  });

  test("what is refused in the lobby says what, whose it is, and what there is instead", () => {
    const world = new Ruled("lobby texts");
    const paris = world.start("paris");
    const op = world.account(paris, "op", "operator");
    const others = [world.account(paris, "ann"), world.guest(paris, "gus")];
    const textOf = (answer: Json): unknown => answer["text"];
    for (const one of others)
      for (const key of ["topic", "mode/slow", "ban/op@paris", "role/ann@paris"])
        expect(textOf(world.set(one, "#lobby", key, "x"))).toBe(
          `room #lobby: ${key.replace("/", " ")} is not yours to set: in the lobby that is for ` +
            "accounts of this server with the role operator",
        );
    expect(textOf(world.set(op, "#lobby", "mode/key", "x"))).toBe(
      "room #lobby: everybody is in it, so that there is no mode key; its modes are moderated, " +
        "slow, read-only, open-topic",
    );
    const kick = others[0]?.ask("kick", { room: "#lobby", address: "op@paris" });
    expect(textOf(kick ?? {})).toMatch(/^room #lobby: everybody is in it, and cannot be put out; /);
    expect(textOf(op.ask("part", { room: "#lobby" }))).toMatch(/^room #lobby: everybody is in it/);
  });

  test("what is no value of a key, and what is too much, is refused with what is expected", () => {
    const world = new Ruled("refused");
    const paris = world.start("paris");
    const ann = world.account(paris, "ann");
    ann.get("join", { room: "#chat" });
    const refused: readonly (readonly [string, unknown, string])[] = [
      ["colour", "red", "BAD_REQUEST"],
      ["founded", true, "BAD_REQUEST"],
      ["mode/loud", true, "BAD_REQUEST"],
      ["mode/slow", "quick", "BAD_REQUEST"],
      ["mode/slow", 0, "BAD_REQUEST"],
      ["mode/key", true, "BAD_REQUEST"],
      ["topic", "x".repeat(513), "BAD_REQUEST"],
      ["ban/*", {}, "BAD_REQUEST"],
      ["ban/eve@pa ris", {}, "ADDRESS_INVALID"],
      ["role/ben", "owner", "BAD_REQUEST"],
      ["role/ben@paris", "king", "BAD_REQUEST"],
      ["role/ben@nowhere", "owner", "NO_SUCH_SERVER"],
      ["pin/", true, "BAD_REQUEST"],
    ];
    for (const [key, value, code] of refused)
      expect([key, codeOf(world.set(ann, "#chat", key, value))]).toEqual([key, code]);
    world.place.rest(60_000);
    const answers = Array.from({ length: 40 }, (_, i) => world.set(ann, "#chat", "topic", `t${i}`));
    expect(answers.map(codeOf)).toContain("RATE_LIMITED");
  });
});
