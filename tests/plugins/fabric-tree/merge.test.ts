// Merging as operators meet it: two and more servers, at the same instant, in rings, in vain.

import { expect, test } from "bun:test";
import { LIMITS } from "../../../src/plugin.ts";
import type { MergeOutcome } from "../../../src/plugin.ts";
import { everyoneHearsEveryone, outcomeOf, World } from "./world.ts";
import type { Server } from "./world.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const merge = (from: Server, to: Server) => from.fabric.merge(to.address, { dryRun: false });

test("two servers merge, and what either publishes reaches the other", () => {
  const world = new World();
  const [paris, lyon] = [world.add("paris"), world.add("lyon")];
  const outcome = world.merge(paris, lyon);
  expect(outcome).toEqual({ state: "merged", server: lyon.name, fusion: [lyon.name, paris.name] });
  expect(paris.sees).toBe("lyon paris");
  expect(paris.fabric.publish([paris.sid, lyon.sid], "room", bytes("bonjour"))).toBe("sent");
  world.run(100);
  expect(lyon.sees).toBe("lyon paris");
  const [origin, via] = [paris.sid, paris.sid];
  expect(lyon.delivered).toEqual([{ origin, via, traffic: "room", text: "bonjour" }]);
  expect(lyon.fabric.publish([paris.sid], "private", bytes("salut"))).toBe("sent");
  world.run(100);
  expect(paris.said).toEqual(["salut"]);
  expect(lyon.fabric.view.servers.find(({ sid }) => sid === paris.sid)).toMatchObject({
    name: paris.name,
    key: paris.key,
    card: paris.card,
    hops: 1,
  });
});

test("when a merge is answered, the whole other fusion is in the view and hears us", () => {
  const world = new World();
  const [a, b, c, d] = ["a", "b", "c", "d"].map((name) => world.add(name)) as [
    Server,
    Server,
    Server,
    Server,
  ];
  world.merge(a, b);
  world.merge(c, d);
  const outcome = world.merge(b, d);
  expect(outcome).toMatchObject({ state: "merged", server: "d", fusion: ["a", "b", "c", "d"] });
  expect(b.fabric.publish([a.sid, c.sid, d.sid], "room", bytes("all"))).toBe("sent");
  world.run(100);
  expect([a, c, d].map(({ said }) => said)).toEqual([["all"], ["all"], ["all"]]);
  everyoneHearsEveryone(world);
});

test("A and B who call each other at the same instant end with one link, both told merged", () => {
  for (let seed = 1; seed <= 100; seed++) {
    const world = new World(seed);
    const [a, b] = [world.add("a"), world.add("b")];
    const both = Promise.all([merge(a, b), merge(b, a)]);
    expect(world.await(both).map(outcomeOf), `seed ${seed}`).toEqual(["merged", "merged"]);
    world.run(100);
    expect(world.between(a, b), `seed ${seed}`).toHaveLength(1);
    expect([a.sees, b.sees]).toEqual(["a b", "a b"]);
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

test("a server that is told to merge with itself says so", () => {
  const world = new World();
  const a = world.add("a");
  expect(outcomeOf(world.merge(a, a))).toBe("SELF");
  world.run(20_000);
  expect([world.connections.size, world.pending]).toEqual([0, 0]);
});

test("a merge where nobody listens fails as the dial did, and is not repeated", () => {
  const world = new World();
  const a = world.add("a");
  const outcome = world.await(a.fabric.merge("nowhere:1", { dryRun: false }));
  expect(outcome).toMatchObject({ code: "CANNOT_CONNECT" });
  world.run(200_000);
  expect(a.reports).toEqual([]);
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

test("a dry run tells what would be, and changes nothing on either side", () => {
  const world = new World();
  const [a, b, c] = [world.add("a"), world.add("b"), world.add("c")];
  world.merge(b, c);
  world.run(1000);
  const before = [a.changes, b.changes, c.changes];
  const outcome = world.await(a.fabric.merge(b.address, { dryRun: true }));
  expect(outcome).toMatchObject({ state: "possible", server: "b", fusion: ["a", "b", "c"] });
  world.run(1000);
  expect([a.changes, b.changes, c.changes]).toEqual(before);
  expect([a.sees, b.sees]).toEqual(["a", "b c"]);
  expect(world.between(a, b)).toEqual([]);
  expect([...a.reports, ...b.reports]).toEqual([]);
});

test("a dry run tells why not", () => {
  const world = new World();
  const [a, b] = [world.add("a"), world.add("b")];
  b.consent = () => ({ verdict: "deny", reason: "not today" });
  const outcome = world.await(a.fabric.merge(b.address, { dryRun: true }));
  expect(outcome).toMatchObject({ code: "MERGE_DENIED" });
});

test("publishing to oneself delivers nothing, and to nobody known is unreachable", () => {
  const world = new World();
  const [a, b] = [world.add("a"), world.add("b")];
  expect(a.fabric.publish([a.sid], "room", bytes("me"))).toBe("sent");
  expect(a.fabric.publish([b.sid], "private", bytes("you"))).toBe("unreachable");
  world.run(100);
  expect([a.said, b.said]).toEqual([[], []]);
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

test("of registers to a neighbour the newest of each key arrives, when there is room", () => {
  const world = new World();
  const [a, b] = [world.add("a"), world.add("b")];
  world.merge(a, b);
  world.run(100);
  a.fabric.keep(b.sid, "digest", bytes("one"));
  world.run(100);
  expect(b.delivered).toEqual([{ origin: a.sid, via: a.sid, traffic: "control", text: "one" }]);
  const [connection] = world.between(a, b);
  connection!.accepter.deaf = connection!.dialler.deaf = true;
  for (const size of [60_000, 1000, 30]) {
    const filler = new Uint8Array(size);
    while (a.fabric.publish([b.sid], "control", filler) === "sent");
  }
  for (let at = 0; at < 5000; at++) a.fabric.keep(b.sid, "digest", bytes(`lost ${at}`));
  a.fabric.keep(b.sid, "digest", bytes("newest"));
  a.fabric.keep(b.sid, "request", bytes("please"));
  connection!.hear();
  world.run(500);
  const registers = b.said.filter((text) => /^[a-z]/.test(text));
  expect(registers.length).toBeLessThan(8); // some of the first found a little room
  expect(registers.slice(-2)).toEqual(["newest", "please"]);
});

test("changed is never called inside publish, merge, keep or a frame", () => {
  const world = new World();
  const [a, b] = [world.add("a"), world.add("b")];
  const before = a.changes;
  const outcome = merge(a, b);
  expect(a.changes).toBe(before);
  world.await(outcome);
  const then = a.changes;
  a.fabric.publish([b.sid], "room", bytes("x"));
  a.fabric.keep(b.sid, "k", bytes("y"));
  expect(a.changes).toBe(then);
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
