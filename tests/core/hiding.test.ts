// What people are told of those whom a ban hides, and whom none hides any more: each goes once and
// comes once, whatever happens while a ban is set, or ends.

import { describe, expect, test } from "bun:test";
import { loadServerBans } from "../../src/core/server-bans.ts";
import { LIMITS } from "../../src/limits.ts";
import type { ServerName } from "../../src/names.ts";
import type { Json } from "./peer.ts";
import type { Home } from "./place.ts";
import { Ruled } from "./ruled.ts";

const room = "#chat";
const went = [`eve@lyon left ${room}`, "eve@lyon left #lobby"];
const came = ["eve@lyon joined #lobby", `eve@lyon joined ${room}`];
const hour = 3_600_000;
const personOf = (of: string) => ({
  nick: of.slice(0, of.indexOf("@")),
  account: undefined,
  server: "lyon" as ServerName,
});
const inMs = (home: Home, ms: number) => home.environment.clock.now() + ms;

/** ann in Paris, who has founded the room, and eve in Lyon; `told` are who came and who went. */
function begin(seed: string) {
  const world = new Ruled(seed);
  const [paris, lyon] = world.town("paris", "lyon") as [Home, Home];
  const [ann, eve] = [world.account(paris, "ann", "operator"), world.guest(lyon, "eve")];
  for (const one of [ann, eve]) {
    one.get("join", { room });
    world.place.rest(500);
  }
  const from = ann.heard.length;
  const told = () =>
    ann.heard.slice(from).flatMap(({ name, value }) => {
      const { address } = (value["person"] ?? {}) as Json;
      return name === "joined" || name === "left" ? [[address, name, value["room"]].join(" ")] : [];
    });
  return { world, paris, lyon, ann, eve, told };
}

/** The bans of a server with nobody on it, and what is told of them. */
function beginBans(seed: string) {
  const { world } = new Ruled(seed).place;
  const environment = world.environment("paris");
  const bans = world.until(loadServerBans(environment));
  const told: unknown[] = [];
  bans.watch((patterns, now) => {
    const isThere = (of: string) => bans.find(personOf(of)) === undefined;
    told.push([now, ...patterns.filter(isThere)]);
  });
  const add = (of: string, ms: number) =>
    bans.add({ of, reason: undefined, until: environment.clock.now() + ms, by: "console" });
  return { world, bans, told, add };
}

describe("who is hidden by an operator's ban", () => {
  test("comes once where two bans of him end at once", () => {
    const { world, paris, told } = begin("two");
    for (const who of ["eve@lyon", "e*@lyon"]) world.place.command(paris, "ban", who, "1m");
    world.place.world.skew("paris", 60_000);
    world.place.rest(LIMITS.endingLookMsMax);
    expect(told()).toEqual([...went, ...came]);
  });

  test("stays so until all are told, where the clock was set ahead", () => {
    const { world, paris, eve, told } = begin("ahead");
    world.place.command(paris, "ban", "eve@lyon", "1h");
    world.place.world.skew("paris", 7_200_000);
    eve.get("part", { room });
    eve.get("join", { room });
    world.place.rest(100);
    expect(told()).toEqual(went);
    world.place.rest(LIMITS.endingLookMsMax);
    expect(told()).toEqual([...went, ...came]);
  });

  test("comes also where another ban is set before it was seen that his has ended", () => {
    const { world, paris, told } = begin("another");
    world.place.command(paris, "ban", "eve@lyon", "1h");
    world.place.rest(100);
    world.place.world.skew("paris", 2 * hour);
    world.place.command(paris, "ban", "hal@lyon", "1h");
    world.place.rest(100);
    expect(told()).toEqual([...went, ...came]);
  });

  test("is told of before he is banned, where another ban ends while that is written", () => {
    const { world, told, add } = beginBans("meanwhile");
    world.until(add("hal@lyon", hour));
    world.run(hour - 0.1); // no write takes less
    world.until(add("eve@lyon", hour));
    expect(told).toEqual([
      ["banned", "hal@lyon"],
      ["lifted", "hal@lyon"],
      ["banned", "eve@lyon"],
    ]);
  });

  test("goes from small rooms also in a crowd", () => {
    const { world, paris, lyon, told } = begin("crowd");
    for (let i = 0; i < LIMITS.roomPresenceMembersMax; i++) world.guest(lyon, `gus${i}`);
    world.place.rest(1000);
    const before = told().length;
    world.place.command(paris, "ban", "*@lyon");
    world.place.rest(1000);
    expect(told().slice(before)).toEqual(went.slice(0, 1));
    world.place.command(paris, "unban", "*@lyon");
    world.place.rest(1000);
    expect(told().slice(before)).toEqual([...went.slice(0, 1), ...came.slice(1)]);
  });
});

describe("who is hidden in a room", () => {
  test("comes once where the clock was set ahead, and he went and came meanwhile", () => {
    const world = new Ruled("room");
    const [paris, lyon] = [world.start("paris"), world.start("lyon")];
    const [ann, ben] = [world.account(paris, "ann"), world.account(lyon, "ben")];
    const gus = world.guest(lyon, "gus");
    for (const peer of [ann, ben, gus]) peer.get("join", { room });
    world.place.rest(70_000);
    world.place.join(paris, lyon); // each goes by its own founding
    world.set(ann, room, "ban/gus@lyon", { until: inMs(paris, hour) });
    world.place.rest(100);
    const from = ann.heard.length;
    const told = () =>
      ann.heard.slice(from).flatMap(({ name }) => (name.match(/^(joined|left)$/) ? [name] : []));
    world.place.world.skew("paris", 2 * hour);
    gus.get("part", { room });
    gus.get("join", { room });
    world.place.rest(100);
    expect(told()).toEqual([]);
    world.place.rest(LIMITS.endingLookMsMax);
    expect(told()).toEqual(["joined"]);
  });

  test("goes from the lobby once, and comes again, also where he is of this server", () => {
    const { world, paris, ann, told } = begin("own");
    const gus = world.guest(paris, "gus");
    const listed = () =>
      (ann.get("who", { room: "#lobby" })["people"] as Json[]).map(({ address }) => address);
    const ban = (value: unknown) => {
      world.set(ann, "#lobby", "ban/gus@paris", value);
      world.place.rest(100);
    };
    ban({});
    expect(listed()).not.toContain("gus@paris");
    const [joined, left] = ["gus@paris joined #lobby", "gus@paris left #lobby"];
    expect(told()).toEqual([joined, left]);
    ban(null);
    expect(listed()).toContain("gus@paris");
    expect(told()).toEqual([joined, left, joined]);
    ban({});
    gus.send("bye", {});
    world.place.rest(100);
    expect(told()).toEqual([joined, left, joined, left]);
    expect(gus.all("left")).toMatchObject([{ removed: { code: "BANNED" } }, { room: "#lobby" }]);
  });
});

describe("an end", () => {
  test("is not waited for when the server has stopped, also of the ban that was set last", () => {
    const { world, bans, add } = beginBans("stop");
    world.until(add("hal@lyon", hour));
    const made = add("eve@lyon", hour);
    bans.close();
    world.until(made);
    expect(world.timers("paris")).toBe(0);
  });
});
