// Peers that say too much, too often, or nothing at the wrong moment: bounded, cut off where it is
// their fault, and their neighbours' links, merges and memory are as if they had not been.

import { expect, test } from "bun:test";
import { failure, LIMITS } from "../../../src/plugin.ts";
import type { ServerName } from "../../../src/plugin.ts";
import { concat, Writer } from "../../../plugins/fabric-tree/bytes.ts";
import { LINK_FRAME } from "../../../plugins/fabric-tree/hello.ts";
import { identity, Scripted } from "./scripted.ts";
import { everyoneHearsEveryone, outcomeOf, World } from "./world.ts";
import type { Server } from "./world.ts";

function pair(): { world: World; a: Server; b: Server } {
  const world = new World();
  const [a, b] = [world.add("a"), world.add("b")];
  world.merge(a, b);
  world.run(1000);
  return { world, a, b };
}

/** Nothing is left of those who came and went, and the honest two talk. */
function nothingIsLeft({ world, a, b }: { world: World; a: Server; b: Server }): void {
  world.run(LIMITS.announcementKeepMsMax + 60_000);
  expect([a.sees, b.sees]).toEqual(["a b", "a b"]);
  everyoneHearsEveryone(world);
  // One alarm of each, and two pings or pongs that are under way at most.
  expect(world.connections.size).toBe(1);
  expect(world.pending).toBeLessThan(8);
}

test("two floods that an honest server passes on do not cost it its links", () => {
  const { world, a, b } = pair();
  const evils = ["x", "y"].map((name) => new Scripted(world, b, identity(name)).join());
  // Each brings three thousand at once, which one alone may.
  for (let at = 0; at < 3000; at++) {
    for (const evil of evils) {
      const fake = identity(`${evil.self.name}${at % 375}`);
      evil.link.send("control", LINK_FRAME.announcement, evil.announcement([], fake));
    }
    if (at % 300 === 0) world.run(100);
  }
  world.run(5000);
  expect(evils.map(({ reason }) => reason)).toEqual([undefined, undefined]);
  expect(world.between(a, b)).toHaveLength(1);
  expect(a.reports.filter(({ event }) => event === "lost")).toEqual([]);
  for (const { link } of evils) link.close({ code: "UNMERGED", text: "goes" });
  nothingIsLeft({ world, a, b });
}, 30_000);

test("of a flood of pings few are answered", () => {
  const { world, a, b } = pair();
  const evil = new Scripted(world, a, identity("evil")).join();
  const before = evil.said(LINK_FRAME.pong).length;
  for (let at = 0; at < 5000; at++) evil.link.send("control", LINK_FRAME.ping, new Uint8Array(8));
  world.run(1000);
  const answered = evil.said(LINK_FRAME.pong).length - before;
  expect(answered).toBeWithin(1, 2 * LIMITS.pongsPerSecond + 1);
  evil.send(LINK_FRAME.ping, new Uint8Array(9));
  expect(evil.reason?.code).toBe("BAD_FRAME");
  nothingIsLeft({ world, a, b });
});

test("of a flood of traces few are answered; made-up and broken ones are nobody's", () => {
  const { world, a, b } = pair();
  const evil = new Scripted(world, a, identity("evil")).join();
  world.run(1000);
  const traced = (kind: number, id: number) => {
    const head = new Writer().u8(4).sid(evil.self.sid).varint(0).done();
    return concat(head, Uint8Array.of(kind), new Writer().counter(id).done());
  };
  for (let at = 0; at < 2000; at++) evil.link.send("control", LINK_FRAME.trace, traced(1, at));
  world.run(1000);
  expect(evil.said(LINK_FRAME.trace).length).toBeLessThanOrEqual(2 * LIMITS.tracesPerSecond);
  for (let at = 0; at < 100; at++) evil.link.send("control", LINK_FRAME.trace, traced(2, at));
  world.run(1000);
  const operator = { by: "console", roles: [] } as const;
  const answer = a.parts.commands!["trace"]!.run(["x@b"], operator);
  expect(world.await(Promise.resolve(answer))).toMatchObject({ data: [{ server: "b" }] });
  // The neighbour may only have handed it on: nobody is made to cut off an honest one.
  evil.send(LINK_FRAME.trace, traced(3, 0)).send(LINK_FRAME.trace, traced(1, 0).slice(0, -1));
  expect(evil.reason).toBeUndefined();
  evil.link.close(failure("UNMERGED", "that is all"));
  world.run(1000);
  nothingIsLeft({ world, a, b });
});

test("who says who it is and then never what it knows is not waited for without end", () => {
  const { world, a, b } = pair();
  const evil = new Scripted(world, a, identity("evil"), { alive: true }).dial().auth().fusion();
  evil.announce([]);
  for (let at = 0; at < 20; at++) {
    evil.send(LINK_FRAME.ping, new Uint8Array(8));
    world.run((1.1 * LIMITS.linkSyncMsMax) / 20);
  }
  expect(evil.reason?.code).toBe("HANDSHAKE_TIMEOUT");
  nothingIsLeft({ world, a, b });
});

test("dials that stay silent, at whatever step, do not keep others from merging", () => {
  for (const step of ["dial", "auth", "fusion"] as const) {
    const { world, a, b } = pair();
    const crowd: Scripted[] = [];
    const come = () => {
      const one = new Scripted(world, a, identity(`s${crowd.length}`)).dial();
      if (step !== "dial") one.auth();
      if (step === "fusion") one.fusion();
      crowd.push(one);
    };
    for (let at = 0; at < 2 * LIMITS.linkHandshakesMax; at++) come();
    const waiting = crowd.filter(({ reason }) => reason === undefined);
    expect(waiting.length).toBeLessThanOrEqual(LIMITS.linkHandshakesMax);
    const merge = world.add("c").fabric.merge(a.address, { dryRun: false });
    come();
    expect(outcomeOf(world.await(merge)), step).toBe("merged");
    world.await(world.servers.get("c")!.fabric.unmerge(a.name));
    world.servers.get("c")!.kill();
    world.run(20_000);
    expect(crowd.every(({ reason }) => reason !== undefined)).toBe(true);
    nothingIsLeft({ world, a, b });
  }
});

test("ten thousand dials, each with another key, leave nothing behind", () => {
  const { world, a, b } = pair();
  const self = identity("many");
  for (let at = 0; at < 10_000; at++) {
    const key = new Uint8Array(32).fill(1);
    new DataView(key.buffer).setUint32(0, at);
    const one = new Scripted(world, a, { ...self, key, sid: self.sidOf(key) });
    one.link = world.open(a, one.hello.bytes, { frame() {}, idle() {}, closed() {} });
    if (at % 50 === 0) world.run(1);
    if (at % 3 === 0) one.link.close({ code: "UNMERGED", text: "goes" });
  }
  world.run(60_000);
  nothingIsLeft({ world, a, b });
}, 30_000);

test("a list of members that is false in any way joins nobody who may not be joined", () => {
  const some = identity("some");
  const members = Array.from({ length: LIMITS.serversMax }, (_, at) => identity(`m${at}`));
  for (const [what, code, others] of [
    ["nobody else", undefined, []],
    ["one that is not there", undefined, [some]],
    ["our own server", undefined, "a"],
    ["our own name with another key", "NAME_TAKEN", [{ ...some, name: "a" as ServerName }]],
    ["a name that looks like ours", "NAME_TAKEN", [{ ...some, name: "B" as ServerName }]],
    ["more than a fusion may have", "BAD_FRAME", members],
    ["as many as would be too many", "TOO_MANY_SERVERS", members.slice(1)],
  ] as const) {
    const { world, a, b } = pair();
    const evil = new Scripted(world, a, identity("evil")).dial().auth();
    evil.fusion(others === "a" ? [{ sid: a.sid, name: a.name }] : others);
    expect(evil.reason?.code, what).toBe(code);
    // Whoever is in the list and never announced is not in the fusion.
    if (code === undefined) evil.announce([]).synced();
    world.run(1000);
    expect([a.sees, b.sees], what).toEqual(["a b", "a b"]);
    evil.link.close({ code: "UNMERGED", text: "goes" });
    nothingIsLeft({ world, a, b });
  }
});

test("a dial that says that it knew ours, or is of the last start, changes no other link", () => {
  const { world, a, b } = pair();
  const counter = (value: number) => new Writer().counter(value).done();
  const evil = new Scripted(world, a, identity("evil")).dial().auth();
  const head = concat(counter(LIMITS.counterMax), counter(LIMITS.counterMax));
  const itself = new Writer().u16(1).sid(evil.self.sid).text("evil").done();
  evil.send(LINK_FRAME.fusion, concat(head, itself));
  evil.announce([]).synced();
  world.run(1000);
  expect(world.between(a, b)).toHaveLength(1);
  expect(evil.reason).toBeUndefined();
  evil.link.close({ code: "UNMERGED", text: "goes" });
  nothingIsLeft({ world, a, b });
});

test("of dials refused without end, an operator is shown some and the number of others", () => {
  const { world, a, b } = pair();
  for (let at = 0; at < 1000; at++) {
    const self = { ...identity(`s${at}`), name: "B" as ServerName };
    new Scripted(world, a, self).dial().auth().fusion();
  }
  const refused = () => a.reports.filter(({ event }) => event === "refused");
  expect(refused().length).toBeLessThan(LIMITS.reportsBurst + 300 * LIMITS.reportsPerSecond);
  world.run(10_000);
  new Scripted(world, a, { ...identity("s"), name: "B" as ServerName }).dial().auth().fusion();
  expect(refused().at(-1)!.text).toMatch(/lines not shown/);
  nothingIsLeft({ world, a, b });
}, 30_000);
