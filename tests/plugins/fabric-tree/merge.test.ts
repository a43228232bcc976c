// Merging as operators meet it, where the tree promises more than every fabric (suite.test.ts): one
// link for two dials, standby links, one tree everywhere.

import { expect, test } from "bun:test";
import { LIMITS } from "../../../src/plugin.ts";
import type { MergeOutcome } from "../../../src/plugin.ts";
import { everyoneHearsEveryone, outcomeOf, World } from "./world.ts";
import type { Server } from "./world.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const merge = (from: Server, to: Server) => from.fabric.merge(to.address, { dryRun: false });

test("A and B who call each other at the same instant end with one link, both told merged", () => {
  for (let seed = 1; seed <= 100; seed++) {
    const world = new World(seed);
    const [a, b] = [world.add("a"), world.add("b")];
    const both = Promise.all([merge(a, b), merge(b, a)]);
    expect(world.await(both).map(outcomeOf), `seed ${seed}`).toEqual(["merged", "merged"]);
    world.run(100);
    expect(world.between(a, b), `seed ${seed}`).toHaveLength(1);
    expect([a.sees, b.sees]).toEqual(["a b", "a b"]);
    expect([a.reports, b.reports], "of the link that gave way").toEqual([[], []]);
  }
});

test("a ring of three at the same instant ends in one fusion with one standby link", () => {
  for (let seed = 1; seed <= 100; seed++) {
    const world = new World(seed);
    const [a, b, c] = [world.add("a"), world.add("b"), world.add("c")];
    const all = world.await(Promise.all([merge(a, b), merge(b, c), merge(c, a)]));
    expect(all.every((one) => ["merged", "standby"].includes(outcomeOf(one)))).toBe(true);
    world.run(1000);
    for (const { fabric } of [a, b, c]) {
      const states = fabric.view.links.map(({ state }) => state).toSorted();
      expect(states, `seed ${seed}`).toEqual(["standby", "tree", "tree"]);
    }
    everyoneHearsEveryone(world);
  }
});

test("eight servers that merge at random from all sides converge within a second", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const world = new World(seed);
    const servers = "abcdefgh".split("").map((name) => world.add(name));
    const outcomes: Promise<MergeOutcome>[] = [];
    servers.forEach((server, at) => {
      const other = servers[Math.floor(world.chance() * at)];
      const pairs = [
        [server, other ?? server],
        [world.pick(servers), world.pick(servers)],
      ] as const;
      for (const [x, y] of pairs) {
        const [from, to] = world.chance() < 0.5 ? [x, y] : [y, x];
        if (from !== to) world.after(world.chance() * 20, () => outcomes.push(merge(from, to)));
      }
    });
    world.run(1000);
    for (const { sees } of servers) expect(sees, `seed ${seed}`).toBe("a b c d e f g h");
    const told = world.await(Promise.all(outcomes)).map(outcomeOf);
    expect(told.filter((one) => one !== "merged" && one !== "standby")).toEqual([]);
    everyoneHearsEveryone(world);
    const trees = servers.map(({ fabric }) =>
      fabric.view.links.map(({ a, b, state }) => a + b + state),
    );
    expect(new Set(trees.map((links) => links.toSorted().join())).size).toBe(1);
  }
});

test("a link between two of one fusion is kept in reserve, and the operator reads so", () => {
  const world = new World();
  const [a, b, c] = [world.add("a"), world.add("b"), world.add("c")];
  world.merge(a, b);
  world.merge(b, c);
  expect(world.merge(a, c)).toMatchObject({
    state: "standby",
    server: "c",
    fusion: ["a", "b", "c"],
  });
  world.run(100);
  expect(c.reports.map(({ event, server }) => [event, server as string])).toEqual([
    ["standby", "a"],
  ]);
  expect(a.fabric.view.servers.find(({ sid }) => sid === c.sid)?.hops).toBe(1);
});

test("a private frame goes the shortest way over a standby link, a room's over the tree", () => {
  const world = new World();
  const [a, b, c] = [world.add("a"), world.add("b"), world.add("c")];
  world.merge(a, b);
  world.merge(b, c);
  world.merge(a, c);
  a.fabric.publish([c.sid], "private", bytes("direct"));
  a.fabric.publish([c.sid], "room", bytes("by b"));
  world.run(100);
  const arrived = c.delivered.map(({ via, text }): [string, string] => [text, via]);
  expect(new Map(arrived)).toEqual(
    new Map<string, string>([
      ["direct", a.sid],
      ["by b", b.sid],
    ]),
  );
  expect(b.said).toEqual([]);
});

test("merging with a neighbour changes nothing and tells the truth", () => {
  const world = new World();
  const [a, b] = [world.add("a"), world.add("b")];
  world.merge(a, b);
  expect(world.merge(a, b)).toMatchObject({ state: "merged", fusion: ["a", "b"] });
  expect(world.merge(b, a)).toMatchObject({ state: "merged", fusion: ["a", "b"] });
  world.run(100);
  expect(world.between(a, b)).toHaveLength(1);
});

test("a merge with a server that never answers is settled by its deadline", () => {
  const world = new World();
  const [a, b] = [world.add("a"), world.add("b")];
  const begun = world.now;
  const outcome = a.fabric.merge(b.address, { dryRun: false });
  world.run(2.5);
  for (const connection of world.connections) connection.stalled = true;
  expect(outcomeOf(world.await(outcome))).toBe("HANDSHAKE_TIMEOUT");
  expect(world.now - begun).toBeLessThanOrEqual(LIMITS.dialMsMax + LIMITS.linkHandshakeMsMax + 10);
});

test("a class that is full is congested, and bulk does not hold up the others", () => {
  const world = new World();
  const [a, b] = [world.add("a"), world.add("b")];
  world.merge(a, b);
  for (const connection of world.connections) connection.accepter.deaf = true;
  const chunk = new Uint8Array(LIMITS.chunkBytesMax);
  let sent = 0;
  while (a.fabric.publish([b.sid], "private", chunk) === "sent") sent++;
  expect(sent).toBe(Math.floor(LIMITS.linkPrivateBytesMax / (chunk.length + 20)));
  expect(a.fabric.publish([b.sid], "private", chunk)).toBe("congested");
  expect(a.fabric.publish([b.sid], "room", chunk)).toBe("sent");
  expect(a.fabric.publish([b.sid], "bulk", chunk)).toBe("sent");
});

test("trace shows each hop to a person's server with its delay", () => {
  const world = new World();
  const [a, b, c] = [world.add("a"), world.add("b"), world.add("c")];
  world.merge(a, b);
  world.merge(b, c);
  world.run(100);
  const trace = a.parts.commands!["trace"]!;
  const result = world.await(Promise.resolve(trace.run(["alice@c"], { by: "console", roles: [] })));
  expect(result).toMatchObject({
    data: [
      { server: "b", hops: 1 },
      { server: "c", hops: 2 },
    ],
  });
  const unknown = trace.run(["alice@nowhere"], { by: "console", roles: [] });
  expect(unknown).toMatchObject({ code: "NO_SUCH_SERVER" });
});
