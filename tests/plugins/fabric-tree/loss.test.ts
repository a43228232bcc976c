// Links that are lost: cut, half-open, dead; what takes over, what comes back, and what does not
// because an operator has ended it.

import { expect, test } from "bun:test";
import { LIMITS } from "../../../src/plugin.ts";
import type { ServerName } from "../../../src/plugin.ts";
import { everyoneHearsEveryone, outcomeOf, World } from "./world.ts";
import type { Server } from "./world.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const events = (server: Server) => server.reports.map(({ event }) => event as string);

function ring(world: World, names: string): Server[] {
  const servers = names.split("").map((name) => world.add(name));
  servers.forEach((server, at) => world.merge(server, servers[(at + 1) % servers.length]!));
  world.run(1000);
  return servers;
}

test("when a tree link breaks, a standby link takes over as soon as it is announced", () => {
  const world = new World();
  const [a, b, c, d] = ring(world, "abcd") as [Server, Server, Server, Server];
  const [cut] = world.between(b, c);
  cut!.cut();
  world.run(50);
  for (const { sees } of [a, b, c, d]) expect(sees).toBe("a b c d");
  everyoneHearsEveryone(world);
  expect(b.reports[0]).toMatchObject({ event: "lost", server: "c", code: "CANNOT_CONNECT" });
});

test("a lost link is dialled again by the side that dialled, and heals", () => {
  const world = new World();
  const [a, b] = [world.add("a"), world.add("b")];
  world.merge(a, b);
  world.run(100);
  world.between(a, b)[0]!.cut();
  world.run(100);
  expect([a.sees, b.sees]).toEqual(["a", "b"]);
  world.run(2000);
  expect([a.sees, b.sees]).toEqual(["a b", "a b"]);
  expect(events(a)).toEqual(["lost", "retrying", "healed"]);
  expect(events(b)).toEqual(["lost", "healed"]);
  expect(a.reports.map(({ text }) => text)).toEqual([
    "link to b lost: the connection broke",
    "b: try 1 in 1 s (the connection broke)",
    "link to b is up again",
  ]);
});

test("tries come after an eighth of the time lost, from 250 ms to a minute, with jitter", () => {
  const world = new World();
  const [a, b] = [world.add("a"), world.add("b")];
  world.merge(a, b);
  b.kill();
  const begun = world.now;
  const times: number[] = [];
  while (world.now < begun + 900_000) {
    const before = a.reports.length;
    world.run(10);
    if (a.reports.slice(before).some(({ event }) => event === "retrying")) times.push(world.now);
  }
  times.slice(1).forEach((time, at) => {
    const expected = Math.min(Math.max(250, (times[at]! - begun) / 8), 60_000);
    expect(time - times[at]!).toBeGreaterThan(expected * 0.74 - 10);
    expect(time - times[at]!).toBeLessThan(expected * 1.26 + 20);
  });
  expect(times.length).toBeLessThan(80);
  b.restart();
  world.run(LIMITS.redialMsMax * 1.3);
  expect([a.sees, b.sees]).toEqual(["a b", "a b"]);
});

test("kill of any one server of a ring of four leaves the other three talking", () => {
  for (const dead of [0, 1, 2, 3]) {
    const world = new World(dead);
    const servers = ring(world, "abcd");
    servers[dead]!.kill();
    world.run(100);
    const left = servers.filter((_, at) => at !== dead);
    const names = left.map(({ name }) => name as string).join(" ");
    for (const { sees } of left) expect(sees).toBe(names);
    everyoneHearsEveryone(world);
    servers[dead]!.restart();
    world.run(3 * LIMITS.redialMsMax);
    for (const { sees } of servers) expect(sees).toBe("a b c d");
    everyoneHearsEveryone(world);
  }
});

test("after unmerge two exact fusions remain, and nobody dials again", () => {
  const world = new World();
  const [a, b, c, d] = [world.add("a"), world.add("b"), world.add("c"), world.add("d")];
  world.merge(a, b);
  world.merge(c, d);
  world.merge(b, d);
  world.run(1000);
  const outcome = world.await(d.fabric.unmerge(b.name));
  expect(outcome).toMatchObject({ state: "unmerged", server: "b", fusion: ["c", "d"] });
  world.run(10 * LIMITS.redialMsMax);
  expect([a, b, c, d].map(({ sees }) => sees)).toEqual(["a b", "a b", "c d", "c d"]);
  expect(b.reports.at(-1)).toMatchObject({ event: "lost", code: "UNMERGED" });
  everyoneHearsEveryone(world);
});

test("an unmerge that the other side did not hear of is told when it dials again", () => {
  const world = new World();
  const [a, b] = [world.add("a"), world.add("b")];
  world.merge(a, b);
  world.run(100);
  for (const connection of world.between(a, b)) connection.stalled = true;
  world.await(b.fabric.unmerge(a.name));
  expect(b.sees).toBe("b");
  world.run(10 * LIMITS.redialMsMax);
  expect([a.sees, b.sees]).toEqual(["a", "b"]);
  expect(a.reports.at(-1)).toMatchObject({ event: "refused", code: "UNMERGED" });
  expect(outcomeOf(world.merge(a, b))).toBe("merged");
});

test("unmerge takes back the wish for a link that is lost at present", () => {
  const world = new World();
  const [a, b] = [world.add("a"), world.add("b")];
  world.merge(a, b);
  b.kill();
  world.run(500);
  expect(outcomeOf(world.await(a.fabric.unmerge(b.name)))).toBe("unmerged");
  b.restart();
  world.run(5 * LIMITS.redialMsMax);
  expect(a.sees).toBe("a");
});

test("unmerge of a server that is no neighbour says how it is reached, and which are", () => {
  const world = new World();
  const [a, b, c] = [world.add("a"), world.add("b"), world.add("c")];
  world.merge(a, b);
  world.merge(b, c);
  const unmerge = (name: string) => world.await(a.fabric.unmerge(name as ServerName));
  for (const [name, text] of [
    ["c", "c is not linked directly, it is reached through b; links: b"],
    ["nowhere", "nowhere is no server of this fusion; links: b"],
    ["a", "a is this server; links: b"],
  ] as const) {
    expect(unmerge(name)).toEqual({ code: "NOT_LINKED", text });
  }
  expect(c.sees).toBe("a b c");
});

test("a link on which nothing is heard is closed after three heart-beats", () => {
  const world = new World();
  const [a, b] = [world.add("a"), world.add("b")];
  world.merge(a, b);
  world.run(100);
  world.between(a, b)[0]!.stalled = true;
  world.run((LIMITS.heartbeatMissedMax + 1) * LIMITS.heartbeatMs);
  expect(a.reports.find(({ event }) => event === "lost")).toMatchObject({ code: "IDLE_TIMEOUT" });
  world.run(60_000);
  expect([a.sees, b.sees]).toEqual(["a b", "a b"]);
});

test("a half-open link is replaced when the side that lost it dials anew", () => {
  for (const back of [0, 1]) {
    const world = new World(7);
    const [a, b] = [world.add("a"), world.add("b")];
    const [survivor, restarted] = back === 0 ? [a, b] : [b, a];
    world.merge(a, b);
    world.run(100);
    for (const connection of world.between(a, b)) connection.stalled = true;
    restarted.restart();
    expect(survivor.sees).toBe("a b"); // it has not noticed
    expect(outcomeOf(world.merge(restarted, survivor))).toBe("merged");
    world.run(100);
    everyoneHearsEveryone(world);
    expect([a.sees, b.sees]).toEqual(["a b", "a b"]);
  }
});

test("a server that was restored from a backup goes above its past and is believed again", () => {
  const world = new World();
  const [a, b, c] = [world.add("a"), world.add("b"), world.add("c")];
  for (let start = 0; start < 5; start++) b.restart();
  world.merge(b, a);
  world.merge(a, c);
  world.run(1000);
  b.kill();
  b.epoch = 1;
  b.stored.clear();
  world.run(20_000);
  b.start();
  world.merge(b, a);
  world.run(5000);
  for (const { sees } of [a, b, c]) expect(sees).toBe("a b c");
  everyoneHearsEveryone(world);
  // The next start begins above what was reached, though the core's own counter is behind.
  b.restart();
  world.run(5000);
  for (const { sees } of [a, b, c]) expect(sees).toBe("a b c");
});

test("two lives of one epoch, after a backup was restored, end in one view", () => {
  for (let seed = 1; seed <= 8; seed++) {
    const world = new World(seed);
    const [a, b, c] = [world.add("a"), world.add("b"), world.add("c")];
    world.merge(a, b);
    world.run(1000);
    a.kill();
    a.epoch = 0;
    a.stored.clear();
    a.start();
    // As many changes as in its other life: what b still knows of that has the same version.
    world.merge(a, c);
    world.run(1000);
    world.merge(c, b);
    world.run(5000);
    for (const { sees } of [a, b, c]) expect(sees).toBe("a b c");
  }
});

test("wanted links are kept over a restart of the side that dialled", () => {
  const world = new World();
  const [a, b] = [world.add("a"), world.add("b")];
  world.merge(a, b);
  world.run(1000);
  a.restart();
  world.run(3000);
  expect([a.sees, b.sees]).toEqual(["a b", "a b"]);
});

test("a stop tells the peers, who dial until it is back; nothing is left behind", async () => {
  const world = new World();
  const [a, b] = [world.add("a"), world.add("b")];
  world.merge(a, b);
  world.run(100);
  world.await(Promise.resolve(b.parts.stop?.()));
  b.running = false;
  world.run(100);
  expect(a.reports[0]).toMatchObject({ event: "lost", code: "SERVER_STOPPING" });
  expect(outcomeOf(await b.fabric.merge(a.address, { dryRun: false }))).toBe("SERVER_STOPPING");
  b.start();
  world.run(3000);
  expect([a.sees, b.sees]).toEqual(["a b", "a b"]);
  world.await(Promise.resolve(a.parts.stop?.()));
  world.await(Promise.resolve(b.parts.stop?.()));
  world.run(1000);
  expect([world.pending, world.connections.size]).toEqual([0, 0]);
});

test("a frame in flight when its link is gone is skipped and counted, and harms nobody", () => {
  const world = new World();
  const [a, b, c] = [world.add("a"), world.add("b"), world.add("c")];
  world.merge(a, b);
  world.merge(b, c);
  world.run(1000);
  world.between(b, c)[0]!.cut();
  world.run(4);
  a.fabric.publish([b.sid, c.sid], "room", bytes("late"));
  world.run(100);
  expect(b.said).toEqual(["late"]);
  expect([c.said, b.counted.get("skipped")]).toEqual([[], 1]);
});

test("an operator who merges and parts over and over is answered each time within a second", () => {
  const world = new World();
  const [a, b, c] = [world.add("a"), world.add("b"), world.add("c")];
  const pairs = [
    [a, b],
    [b, c],
    [c, a],
  ] as const;
  for (let round = 1; round <= 30; round++) {
    const merges = pairs.map(([from, to]) => from.fabric.merge(to.address, { dryRun: false }));
    const outcomes = world.await(Promise.all(merges), 1000).map(outcomeOf);
    expect(outcomes.filter((one) => one !== "standby" && one !== "merged")).toEqual([]);
    for (const [from, to] of pairs) world.await(from.fabric.unmerge(to.name));
    world.run(200);
  }
});
