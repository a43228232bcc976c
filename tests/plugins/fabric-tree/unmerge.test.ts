// The end of links by an operator, and what is under way meanwhile; slow syncs and slow disks.

import { expect, test } from "bun:test";
import { LIMITS } from "../../../src/plugin.ts";
import { Database } from "../../../plugins/fabric-tree/database.ts";
import { announce } from "../../../plugins/fabric-tree/announcement.ts";
import { identity, Scripted } from "./scripted.ts";
import { outcomeOf, World } from "./world.ts";
import type { Server } from "./world.ts";

function pair(): { world: World; a: Server; b: Server } {
  const world = new World();
  const [a, b] = [world.add("a"), world.add("b")];
  world.merge(a, b);
  world.run(LIMITS.pinFirmMs);
  return { world, a, b };
}

test("an unmerge also ends a redial that is under way", () => {
  const { world, a, b } = pair();
  b.consent = () => new Promise((done) => world.after(500, () => done(undefined)));
  world.between(a, b)[0]!.cut();
  for (let ms = 0; ms < 10_000 && b.offers.length < 2; ms += 10) world.run(10);
  expect(b.offers).toHaveLength(2); // the hook is being asked
  expect(outcomeOf(world.await(a.fabric.unmerge(b.name)))).toBe("unmerged");
  world.run(120_000);
  expect([a.sees, b.sees]).toEqual(["a", "b"]);
});

test("the side that was dialled may end a link that is lost at present, too", () => {
  const { world, a, b } = pair();
  world.between(a, b)[0]!.cut();
  world.run(100);
  expect(outcomeOf(world.await(b.fabric.unmerge(a.name)))).toBe("unmerged");
  world.run(120_000);
  expect([a.sees, b.sees]).toEqual(["a", "b"]);
  expect(outcomeOf(world.merge(b, a))).toBe("merged");
});

test("of two namesakes with a link, the one that people see is unmerged", () => {
  const world = new World();
  const [a, upper] = [world.add("a"), world.add("NICE")];
  const lower = new Scripted(world, a, identity("nice")); // does not list its link to a
  lower.dial().auth().fusion().announce([]).synced();
  expect([lower.reason, a.sees]).toEqual([undefined, "a"]);
  world.merge(upper, a);
  world.run(100);
  const outcome = world.await(a.fabric.unmerge(lower.self.name));
  expect(outcome).toMatchObject({ state: "unmerged", sid: upper.sid });
});

test("a merge after an unmerge is no heal, however long the link was lost before", () => {
  const { world, a, b } = pair();
  world.between(a, b)[0]!.cut();
  world.run(100);
  world.await(a.fabric.unmerge(b.name));
  const before = a.reports.length;
  world.merge(a, b);
  world.run(1000);
  expect(a.reports.slice(before).map(({ event }) => event)).not.toContain("healed");
});

test("a sync that is slow comes to its end, although the operator has been answered before", () => {
  const world = new World();
  const [a, b] = [world.add("a"), world.add("b")];
  a.consent = () => {
    for (const connection of world.connections) connection.delayMs = 8000;
    return undefined;
  };
  const outcome = world.await(a.fabric.merge(b.address, { dryRun: false }));
  expect(outcome).toMatchObject({ code: "HANDSHAKE_TIMEOUT" });
  expect(JSON.stringify(outcome)).toContain("it may come up yet");
  world.run(LIMITS.linkSyncMsMax);
  expect([a.sees, b.sees]).toEqual(["a b", "a b"]);
});

test("what a sync brings of a server that was lost long ago is not forgotten at once", () => {
  const database = new Database(identity("a"), 0);
  const lost = identity("b");
  const at = LIMITS.announcementKeepMsMax;
  database.take(announce(lost, { epoch: 1, seq: 1 }, []).bytes, 0);
  database.keepOnly(new Set(), 0);
  expect(database.take(announce(lost, { epoch: 1, seq: 2 }, []).bytes, at - 1).is).toBe("new");
  database.keepOnly(new Set(), at - 1);
  database.release(at);
  expect(database.all.has(lost.sid)).toBe(true);
});

test("what a full disk did not take is written when there is room, with nobody else about", () => {
  const world = new World();
  const a = world.add("a");
  const set = a.stored.set.bind(a.stored);
  let tries = 0;
  let isFull = true;
  a.stored.set = (key, bytes) => {
    tries += 1;
    if (isFull) throw new Error("disk full");
    return set(key, bytes);
  };
  const operator = { by: "console", roles: [] } as const;
  const trusted = a.parts.commands!["trust"]!.run(["rome", "ab".repeat(16)], operator);
  expect(world.await(Promise.resolve(trusted))).toHaveProperty("text");
  world.run(60_000);
  expect(tries).toBeWithin(2, 60_000 / LIMITS.storeRetryMs + 2);
  isFull = false;
  world.run(LIMITS.storeRetryMs + 1000);
  expect(a.stored.has("pins")).toBe(true);
  expect(world.pending).toBe(0);
});
