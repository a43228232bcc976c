// What operators do to people and rooms: bans that hold on one server alone, whose founding a
// server follows, the log of it, and what a dry run says of rooms that are ruled on both sides.

import { describe, expect, test } from "bun:test";
import { loadServerBans } from "../../src/core/server-bans.ts";
import { LIMITS } from "../../src/limits.ts";
import { isFailure } from "../../src/errors.ts";
import type { ServerName } from "../../src/names.ts";
import fabricTree from "../../plugins/fabric-tree.ts";
import authGuest from "../../plugins/auth-guest.ts";
import { Liar } from "./liar.ts";
import type { Json } from "./peer.ts";
import type { Home } from "./place.ts";
import { authAnybody, Ruled } from "./ruled.ts";

const somebody = { nick: "gus", server: "paris" as ServerName };
const day = 86_400_000;
const codeOf = (answer: Json): unknown => answer["code"] ?? "ack";

/** The code of a command that is refused. */
function refusal(world: Ruled, home: Home, ...words: string[]): unknown {
  const result = world.place.world.until(home.server.run(words, { by: "console", roles: [] }));
  return isFailure(result) ? result.code : result.text;
}

describe("a ban of the operator", () => {
  test("ends sessions, lets nobody in, and ends when it is lifted", () => {
    const world = new Ruled("ends");
    const paris = world.start("paris");
    const eve = world.guest(paris, "eve");
    const answer = world.place.command(paris, "ban", "eve@paris", "spam", "again");
    expect(answer.text).toBe("eve@paris is banned on this server: spam again; 1 session ended");
    world.place.rest(50);
    expect(eve.all("error")).toMatchObject([{ code: "BANNED" }]);
    expect(world.place.connect(paris).login({ nick: "EVE" }).value["code"]).toBe("BANNED");
    expect(world.place.command(paris, "bans").text).toBe("eve@paris: spam again (console)");
    world.place.command(paris, "unban", "EVE@paris");
    expect(world.place.connect(paris).login({ nick: "eve" }).name).toBe("welcome");
    expect(refusal(world, paris, "unban", "eve@paris")).toBe("NO_SUCH_NICK");
  });

  test("for a time says to people of any zone when it is over, and so does the log of it", () => {
    const world = new Ruled("until");
    const paris = world.start("paris");
    const eve = world.guest(paris, "eve");
    const over = / until \d{4}-\d\d-\d\d \d\d:\d\d UTC: too loud/;
    const answer = world.place.command(paris, "ban", "eve@paris", "20s", "too", "loud");
    expect(answer.text).toMatch(over);
    world.place.rest(50);
    const [error] = eve.all("error");
    expect(error?.["text"]).toMatch(/^you are banned here until [-\d]+ [:\d]+ UTC: too loud$/);
    expect(world.place.command(paris, "bans").text).toMatch(over);
    const { text, data } = world.place.command(paris, "audit");
    expect(text).toMatch(/Z console: ban eve@paris until [-\d]+ [:\d]+ UTC: too loud$/);
    const { until } = answer.data as { until: number };
    expect(data).toMatchObject({ lines: [{ did: "ban", until, reason: "too loud" }] });
  });

  test("for a time that is none is refused, and not for ever", () => {
    const world = new Ruled("misspelt");
    const paris = world.start("paris");
    for (const words of [["1week", "spam"], ["10", "spam"], ["1x"], ["100000000d"]])
      expect(refusal(world, paris, "ban", "eve@paris", ...words)).toBe("USAGE");
    expect(world.place.command(paris, "bans").text).toBe("nobody is banned");
  });

  test("of one here is told to those who are there as his going", () => {
    const world = new Ruled("off");
    const paris = world.start("paris");
    const [ann, eve] = [world.guest(paris, "ann"), world.guest(paris, "eve")];
    for (const one of [ann, eve]) one.get("join", { room: "#chat" });
    world.place.command(paris, "ban", "eve@paris", "spam");
    world.place.rest(100);
    expect(eve.all("error").at(-1)?.["text"]).toBe("you are banned here: spam");
    const told = { person: { address: "eve@paris" }, reason: "banned by the operator: spam" };
    expect(ann.all("left")).toMatchObject(["#chat", "#lobby"].map((room) => ({ room, ...told })));
  });

  test("holds against an account, and against a nick that is taken later", () => {
    const world = new Ruled("account");
    const paris = world.start("paris");
    world.place.command(paris, "ban", "bad*@paris");
    const ann = world.account(paris, "ann");
    expect(codeOf(ann.ask("rename", { nick: "badger" }))).toBe("BANNED");
    const login = world.place.connect(paris, true).login({ nick: "Baddie", password: "x" });
    expect(login.value["code"]).toBe("BANNED");
  });

  test("of a range of addresses turns those away who come from there", () => {
    const world = new Ruled("range");
    const paris = world.start("paris");
    for (const range of ["203.0.113.0/24", "2001:db8::/32", "203.0.113.9"])
      world.place.command(paris, "ban", range, "1h");
    expect(refusal(world, paris, "ban", "203.0.113.0/33")).toBe("BAD_REQUEST");
    expect(refusal(world, paris, "ban", "203.0.113.256")).toBe("BAD_REQUEST");
    expect((world.place.command(paris, "bans").data as { bans: unknown[] }).bans).toHaveLength(3);
    const bans = world.place.world.until(loadServerBans(paris.environment));
    // The last date that can be shown comes before.
    expect(refusal(world, paris, "ban", "eve@paris", `${LIMITS.timeMsMax / day}d`)).toBe("USAGE");
    const from = (remote: string) =>
      bans.refusal({ ...somebody, account: undefined }, remote)?.code;
    expect(["203.0.113.7:4000", "[2001:db8::1]:4000", "203.0.114.7:4000"].map(from)).toEqual([
      "BANNED",
      "BANNED",
      undefined,
    ]);
    world.place.rest(3_600_000);
    expect(world.place.command(paris, "bans").text).toBe("nobody is banned");
  });

  test("is there after a restart, and so is the log of who did what", () => {
    const world = new Ruled("restart");
    const paris = world.start("paris");
    const op = world.account(paris, "op", "operator");
    const run = op.get("command", { name: "ban", args: ["eve@paris", "2d", "noise"] });
    expect(run["text"]).toContain("eve@paris is banned on this server until");
    world.place.command(paris, "ban", "*@lyon");
    world.place.command(paris, "unban", "*@lyon");
    world.set(op, "#lobby", "topic", "rules");
    world.place.rest(100);
    world.place.world.crash("paris");
    world.place.hub.part("paris");
    const again = world.start("paris");
    expect(world.place.command(again, "bans").text).toStartWith("eve@paris until");
    const { lines } = world.place.command(again, "audit").data as { lines: readonly Json[] };
    expect(lines.map(({ by, did, to }) => [by, did, to])).toEqual([
      ["op", "ban", "eve@paris"],
      ["console", "ban", "*@lyon"],
      ["console", "unban", "*@lyon"],
      ["op", "set", "topic"],
    ]);
    expect(refusal(world, again, "audit", "0")).toBe("USAGE");
    const ann = world.account(again, "ann");
    expect(codeOf(ann.ask("command", { name: "ban", args: ["x@y"] }))).toBe("NO_SUCH_COMMAND");
  });

  test("of one elsewhere, or of a whole server, lets nothing of them be seen here", () => {
    const world = new Ruled("elsewhere");
    const [paris, lyon] = world.town("paris", "lyon");
    const [ann, eve] = [world.guest(paris!, "ann"), world.guest(lyon!, "eve")];
    world.place.rest(100);
    world.place.command(paris!, "ban", "*@lyon", "we parted");
    expect(codeOf(eve.ask("say", { room: "#lobby", text: "hear me" }))).toBe("ack");
    expect(codeOf(eve.ask("tell", { to: "ann@paris", text: "hear me" }))).toBe("BANNED");
    const offer = eve.ask("offer", { to: "ann@paris", name: "x", size: 1 });
    expect(codeOf(offer)).toBe("BANNED");
    const { people } = ann.get("who") as { people: readonly Json[] };
    expect(people.map(({ address }) => address)).toEqual(["ann@paris"]);
    world.guest(lyon!, "late");
    world.place.rest(100);
    expect([ann.texts(), ann.all("joined")]).toEqual([
      [],
      [{ room: "#lobby", person: { address: "eve@lyon" } }],
    ]);
    world.place.command(paris!, "unban", "*@lyon");
    eve.get("say", { room: "#lobby", text: "now" });
    world.place.rest(100);
    expect(ann.texts()).toEqual(["now"]);
  });
});

test("who is kicked by the operator, and who sees it, are told by whom, and why", () => {
  const world = new Ruled("kicked");
  const paris = world.start("paris");
  const [ann, dora, gus] = ["ann", "dora", "gus"].map((nick) => world.guest(paris, nick));
  world.place.command(paris, "kick", "dora", "too", "loud");
  world.place.command(paris, "kick", "gus");
  world.place.rest(100);
  const [why, none] = ["put off paris by the operator: too loud", "put off paris by the operator"];
  expect([dora?.all("error").at(-1), gus?.all("error").at(-1)]).toMatchObject([
    { text: why },
    { text: none },
  ]);
  expect(ann?.all("left").map(({ reason }) => reason)).toEqual([why, none]);
});

describe("who is of another server, and there already,", () => {
  const room = "#chat";
  const begin = (seed: string) => {
    const world = new Ruled(seed);
    const [paris, lyon] = world.town("paris", "lyon");
    const [ann, eve, gus] = [
      world.guest(paris!, "ann"),
      world.guest(lyon!, "eve"),
      world.guest(lyon!, "gus"),
    ];
    for (const one of [ann, eve, gus]) one.get("join", { room });
    world.place.rest(500);
    const from = ann.heard.length;
    /** Who came and who went from then on, as ann was told. */
    const told = () =>
      ann.heard.slice(from).flatMap(({ name, value }) => {
        const { address } = (value["person"] ?? {}) as Json;
        return name === "joined" || name === "left" ? [address, name, value["room"]].join(" ") : [];
      });
    return { world, paris: paris!, ann, eve, gus, told };
  };
  const went = [`eve@lyon left ${room}`, "eve@lyon left #lobby"];
  const came = ["eve@lyon joined #lobby", `eve@lyon joined ${room}`];

  test("goes when the operator bans him, and comes when that is lifted", () => {
    const { world, paris, told } = begin("lifted");
    world.place.command(paris, "ban", "eve@lyon");
    world.place.command(paris, "ban", "e*@lyon");
    world.place.rest(100);
    expect(told()).toEqual(went);
    world.place.command(paris, "unban", "eve@lyon");
    world.place.rest(100);
    expect(told()).toEqual(went); // there is the other one
    world.place.command(paris, "unban", "e*@lyon");
    world.place.rest(100);
    expect(told()).toEqual([...went, ...came]);
  });

  test("goes from the lobby, and comes again, where he is banned in that alone", () => {
    const { world, paris, told } = begin("lobby");
    const op = world.account(paris, "op", "operator");
    const before = told();
    expect(codeOf(world.set(op, "#lobby", "ban/eve@lyon", {}))).toBe("ack");
    world.place.rest(100);
    const news = () => told().slice(before.length);
    expect(news()).toEqual(went.slice(1));
    world.set(op, "#lobby", "ban/eve@lyon", null);
    world.place.rest(100);
    expect(news()).toEqual([...went.slice(1), ...came.slice(0, 1)]);
  });

  test("comes when the ban has ended, and leaves unseen before", () => {
    const { world, paris, eve, gus, told } = begin("ended");
    for (const who of ["eve@lyon", "gus@lyon"]) world.place.command(paris, "ban", who, "1m");
    world.place.rest(30_000);
    expect(told()).toHaveLength(4);
    gus.send("bye", {});
    world.place.rest(31_000);
    expect(told().slice(4)).toEqual(came);
    expect(world.place.command(paris, "bans").text).toBe("nobody is banned");
    eve.send("bye", {});
    world.place.rest(100);
    expect(told().slice(6).toSorted()).toEqual(went.toSorted());
  });

  test("goes as well when he takes a name that is banned, and comes under another one", () => {
    const { world, paris, ann, eve, told } = begin("names");
    world.place.command(paris, "ban", "bad*@lyon");
    eve.get("rename", { nick: "badger" });
    world.place.rest(100);
    expect(told().toSorted()).toEqual(went.toSorted());
    eve.get("rename", { nick: "eve" });
    world.place.rest(100);
    expect(told().slice(2).toSorted()).toEqual(came.toSorted());
    expect(ann.all("renamed")).toEqual([]);
  });
});

describe("whose founding a server follows", () => {
  test("is the operator's to choose, and to choose back", () => {
    const world = new Ruled("follow");
    const [paris, lyon] = [world.start("paris"), world.start("lyon")];
    const [ann, ben, gus] = [
      world.account(paris, "ann"),
      world.account(lyon, "ben"),
      world.guest(paris, "gus"),
    ];
    for (const peer of [ann, ben, gus]) peer.get("join", { room: "#chat" });
    world.set(ann, "#chat", "topic", "of paris");
    world.set(ben, "#chat", "topic", "of lyon");
    world.set(ben, "#chat", "ban/gus@paris", {});
    world.place.rest(70_000);
    world.place.join(paris, lyon);
    const { text } = world.place.command(paris, "room", "follow", "#chat", "lyon");
    expect(text).toContain("room follow #chat paris takes it back");
    expect(world.settings(ann, "#chat")["topic"]).toBe("of lyon");
    expect(gus.all("removed")).toMatchObject([{ code: "BANNED" }]);
    expect(codeOf(world.set(ann, "#chat", "topic", "x"))).toBe("NOT_PERMITTED");
    expect(ann.all("notice").at(-1)).toMatchObject({ room: "#chat" });
    world.place.command(paris, "room", "follow", "#chat", "paris");
    expect(world.settings(ann, "#chat")).toEqual({ topic: "of paris" });
    expect(codeOf(gus.ask("join", { room: "#chat" }))).toBe("ack");
    expect(world.place.command(paris, "room", "#chat").text).toContain("this server goes by it");
    expect(refusal(world, paris, "room", "follow", "#chat", "rome")).toBe("NO_SUCH_SERVER");
    expect(refusal(world, paris, "room", "follow", "#lobby", "lyon")).toBe("USAGE");
    const { lines } = world.place.command(paris, "audit").data as { lines: readonly Json[] };
    expect(lines.map(({ did, to }) => [did, to])).toEqual([
      ["follow", "ben@lyon"],
      ["follow", "ann@paris"],
    ]);
  });

  test("stands in a dry run for rooms that both rule; a banned server is not merged", () => {
    const world = new Ruled("dry");
    const plugins = () => [authAnybody(), authGuest(), fabricTree()];
    const [paris, lyon] = [
      world.start("paris", { plugins: plugins(), tls: true }),
      world.start("lyon", { plugins: plugins(), tls: true }),
    ];
    const [ann, ben] = [world.account(paris, "ann"), world.account(lyon, "ben")];
    for (const peer of [ann, ben])
      for (const room of ["#chat", "#hidden"]) peer.get("join", { room });
    world.set(ann, "#chat", "topic", "tea\u001b[2J");
    world.set(ben, "#chat", "ban/gus@paris", {});
    world.set(ben, "#hidden", "mode/secret", true);
    world.place.rest(2000);
    const dry = world.place.command(paris, "merge", "--dry-run", "lyon:7331");
    expect(dry.text).toContain(
      'ruled    #chat: ours by ann@paris, 0 bans, topic "tea␛[2J"; theirs by ben@lyon, 1 ban, no',
    );
    expect(dry.text).toContain("each side keeps its own owners, bans and topics");
    expect(dry.text).not.toContain("#hidden: ours");
    expect((dry.data as { ruled: readonly Json[] }).ruled).toHaveLength(1);
    world.place.command(lyon, "ban", "*@paris", "no");
    expect(refusal(world, paris, "merge", "lyon:7331")).toBe("MERGE_DENIED");
    world.place.command(lyon, "unban", "*@paris");
    world.place.command(paris, "ban", "*@lyon");
    expect(refusal(world, paris, "merge", "lyon:7331")).toBe("MERGE_DENIED");
  });
});

test("a liar who founds a room with an old date takes nothing over", () => {
  const world = new Ruled("old date");
  const paris = world.start("paris");
  const ann = world.account(paris, "ann");
  ann.get("join", { room: "#chat" });
  world.place.rest(61_000);
  const mal = new Liar(world.place, "mal");
  world.place.hub.join("paris", "mal");
  world.place.rest(100);
  const of = { room: "#chat", key: "founded", value: true, by: "ed", at: 1 };
  mal.tell("paris", { t: "entries", rows: [mal.stateRow(of)], fresh: true });
  world.place.rest(100);
  expect(ann.get("room", { room: "#chat" })["founder"]).toBe("ann@paris");
  expect(codeOf(world.set(ann, "#chat", "topic", "mine"))).toBe("ack");
});
