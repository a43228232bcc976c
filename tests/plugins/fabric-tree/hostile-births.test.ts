// Births, epochs and numbers that no honest server would say: they order nothing anew, are not used
// up, and never keep honest servers from merging.

import { expect, test } from "bun:test";
import { LIMITS } from "../../../src/plugin.ts";
import { Database } from "../../../plugins/fabric-tree/database.ts";
import { LINK_FRAME } from "../../../plugins/fabric-tree/hello.ts";
import { identity, Scripted } from "./scripted.ts";
import { everyoneHearsEveryone, outcomeOf, World } from "./world.ts";

test("births that leap step by step do not keep a new server from merging", () => {
  const world = new World();
  const [a, b] = [world.add("a"), world.add("b")];
  world.merge(a, b);
  const evil = new Scripted(world, a, identity("evil"), { alive: true }).join();
  const link = { peer: a.sid, port: 1, birth: evil.birth };
  for (let step = 1; step <= 40; step++) {
    const leap = { peer: identity("nobody").sid, port: 2, birth: step * 2 ** 32 };
    evil.announce([link, leap]);
    world.run(1000);
  }
  for (const name of ["c", "d"]) {
    expect(outcomeOf(world.merge(world.add(name), b)), name).toBe("merged");
  }
  world.run(1000);
  for (const { sees } of world.servers.values()) expect(sees).toBe("a b c d evil");
  evil.link.close({ code: "UNMERGED", text: "goes" });
  everyoneHearsEveryone(world);
});

test("a birth said in the handshake is followed once, and none beyond 2^52 is taken", () => {
  for (const [birth, code] of [
    [2 ** 32, undefined],
    [LIMITS.birthMax, undefined],
    [LIMITS.birthMax + 1, "BAD_FRAME"],
    [LIMITS.counterMax, "BAD_FRAME"],
    [0, "OUT_OF_PHASE"],
  ] as const) {
    const world = new World();
    const a = world.add("a");
    const evil = new Scripted(world, a, identity("evil")).dial().auth().fusion().announce([]);
    evil.synced(birth);
    expect(evil.reason?.code, String(birth)).toBe(code);
    expect(outcomeOf(world.merge(world.add("b"), a))).toBe("merged");
    world.run(1000);
    everyoneHearsEveryone(world);
  }
});

test("births grow no faster than the bound, whatever is announced", () => {
  const database = new Database(identity("a"), 0);
  let now = 0;
  for (let birth = 1; birth <= LIMITS.birthMax; birth *= 2) database.sawBirth(birth, (now += 10));
  const bound = (ms: number) => LIMITS.birthsBurst + (LIMITS.birthsPerSecond * ms) / 1000;
  expect(database.births).toBeLessThanOrEqual(bound(now));
  const { births } = database;
  database.sawBirth(births + 1, now);
  expect(database.nextBirth()).toBeGreaterThan(births);
  // Honest fusions, of whatever age, are followed again after a while.
  now += 1000;
  database.sawBirth(births + 50_000, now);
  expect(database.births).toBe(births + 50_000);
});

test("an epoch that jumps in the name of another is not signed by it, and cuts off", () => {
  const world = new World();
  const [a, b] = [world.add("a"), world.add("b")];
  world.merge(a, b);
  const evil = new Scripted(world, a, identity("evil")).join();
  const forged = { ...identity("evil"), sid: b.sid, key: b.key };
  evil.send(LINK_FRAME.announcement, evil.announcement([], forged, LIMITS.counterMax));
  expect(evil.reason?.code).toBe("SIGNATURE_INVALID");
  const again = new Scripted(world, a, identity("evil"), { attempt: 2 }).join();
  const ours = { ...identity("evil"), sid: a.sid, key: a.key };
  again.send(LINK_FRAME.announcement, again.announcement([], ours, 1000));
  expect(again.reason?.code).toBe("SIGNATURE_INVALID");
  world.run(5000);
  expect([a.sees, b.sees, a.stored.has("epoch")]).toEqual(["a b", "a b", false]);
});

test("a server's own announcement of an epoch that jumps makes it go above", () => {
  // Only who has its key can make one: a copy of its folder, or a backup that was brought back.
  const world = new World();
  const [a, b] = [world.add("a"), world.add("b")];
  world.merge(a, b);
  const copy = {
    ...identity("copy"),
    sid: a.sid,
    name: a.name,
    key: a.key,
    sign: a.host.identity.sign,
  };
  const evil = new Scripted(world, b, identity("evil"), { alive: true }).join();
  for (const epoch of [100, 2 ** 40, LIMITS.counterMax - 1]) {
    evil.send(LINK_FRAME.announcement, evil.announcement([], copy, epoch));
    world.run(70_000);
    expect([a.sees, b.sees], String(epoch)).toEqual(["a b evil", "a b evil"]);
  }
  evil.link.close({ code: "UNMERGED", text: "goes" });
  everyoneHearsEveryone(world);
});
