// What stands against a merge, and what the operators of both sides read of it.

import { expect, test } from "bun:test";
import { isFailure, LIMITS, nameKey } from "../../../src/plugin.ts";
import type { ServerName } from "../../../src/plugin.ts";
import { createSimulation } from "../../../src/testing.ts";
import { LINK_FRAME } from "../../../plugins/fabric-tree/hello.ts";
import { identity, Scripted } from "./scripted.ts";
import { outcomeOf, World } from "./world.ts";
import type { Server } from "./world.ts";

const operator = { by: "console", roles: [] } as const;

function run(server: Server, name: string, ...words: string[]): unknown {
  return server.parts.commands![name]!.run(words, operator);
}

test("two fusions with one name stay apart, and the text says who holds it where", () => {
  const world = new World();
  const [a, b] = [world.add("a"), world.add("b")];
  const [nice, other] = [world.add("nice"), world.addAt("elsewhere", "nice")];
  world.merge(a, nice);
  world.merge(b, other);
  const outcome = world.merge(a, b);
  expect(outcome).toMatchObject({ code: "NAME_TAKEN" });
  const { text } = outcome as { text: string };
  for (const part of ["name nice", nice.sid, other.sid, "fusion of a", "fusion of b"]) {
    expect(text.includes(part) || text.includes(part.replace("fusion", "that"))).toBe(true);
  }
  expect(b.reports).toMatchObject([{ event: "refused", code: "NAME_TAKEN", server: "a" }]);
  world.run(1000);
  expect([a.sees, b.sees]).toEqual(["a nice", "b nice"]);
  expect(world.between(a, b)).toEqual([]);
});

test("two namesakes that call each other at the same instant both read why", () => {
  for (let seed = 1; seed <= 30; seed++) {
    const simulation = createSimulation({ seed });
    simulation.world.shape({ splitChance: 1, jitterMs: 5 });
    simulation.start("paris");
    simulation.start("hamlet", { name: "paris" });
    const merges = [
      simulation.type("paris", "merge hamlet:7331"),
      simulation.type("hamlet", "merge paris:7331"),
    ];
    const answers = merges.map((merge) => simulation.world.until(merge));
    const codes = answers.map((answer) => (isFailure(answer) ? answer.code : answer.text));
    expect([seed, ...codes]).toEqual([seed, "NAME_TAKEN", "NAME_TAKEN"]);
  }
});

test("a name that differs in case, or only looks the same, is the same name", () => {
  for (const [one, two] of [
    ["Paris", "pARIS"],
    ["paypal", "paypa1"],
    ["straße", "STRASSE"],
  ] as const) {
    const world = new World();
    const [a, b] = [world.add(one), world.add(two)];
    expect(outcomeOf(world.merge(a, b)), `${one} and ${two}`).toBe("NAME_TAKEN");
  }
  expect(nameKey("A" as ServerName)).toBe("a");
});

test("dials that cross, or are typed often, are all told why there is no link, and at once", () => {
  for (let seed = 1; seed <= 100; seed++) {
    const world = new World(seed);
    const [a, b] = [world.add("nice"), world.addAt("elsewhere", "nice")];
    const codes: string[] = [];
    for (let at = 0; at < 8; at++) {
      const [from, to] = at % 2 === 0 ? [a, b] : [b, a];
      const delayMs = seed % 2 === 0 ? 0 : world.chance() * 20;
      world.after(delayMs, () => {
        const merge = from.fabric.merge(to.address, { dryRun: false });
        world.soon(merge.then((outcome) => codes.push(outcomeOf(outcome))));
      });
    }
    world.run(1000);
    expect(codes, `seed ${seed}`).toEqual(Array<string>(8).fill("NAME_TAKEN"));
    const told = [...a.reports, ...b.reports].map(({ code }) => code);
    expect(new Set(told), `seed ${seed}`).toEqual(new Set(["NAME_TAKEN"]));
  }
});

test("a name found twice after both sides agreed undoes the youngest link, at both ends", () => {
  let undone = 0;
  for (let seed = 1; seed <= 60; seed++) {
    const world = new World(seed);
    const [a, b] = [world.add("a"), world.add("b")];
    const [nice, other] = [world.add("nice"), world.addAt("elsewhere", "nice")];
    const merges = [a.fabric.merge(b.address, { dryRun: false })];
    for (const [from, to] of [
      [a, nice],
      [b, other],
    ] as const) {
      world.after(world.chance() * 12, () => {
        merges.push(from.fabric.merge(to.address, { dryRun: false }));
      });
    }
    world.run(3000);
    const outcomes = world.await(Promise.all(merges)).map(outcomeOf);
    const told = [a, b, nice, other].flatMap(({ reports }) => reports);
    const late = told.filter(({ event, code }) => event === "undone" && code === "NAME_TAKEN");
    expect(outcomes.filter((one) => one === "merged").length).toBeGreaterThanOrEqual(2);
    expect(outcomes.includes("NAME_TAKEN") || late.length > 0).toBe(true);
    for (const { sees } of [a, b, nice, other])
      expect(sees.match(/nice/g)?.length ?? 0).toBeLessThan(2);
    undone += late.length;
    const frames = world.frames;
    world.run(9000);
    expect(world.frames - frames, `seed ${seed}: at rest`).toBeLessThan(60);
  }
  expect(undone).toBeGreaterThan(0); // it did happen after the handshakes, not only in them
});

test("an undone link comes up again when the name is free", () => {
  for (let seed = 1; seed <= 60; seed++) {
    const world = new World(seed);
    const [a, b] = [world.add("a"), world.add("b")];
    const [nice, other] = [world.add("nice"), world.addAt("elsewhere", "nice")];
    world.soon(a.fabric.merge(nice.address, { dryRun: false }));
    world.after(4, () => world.soon(b.fabric.merge(other.address, { dryRun: false })));
    world.after(world.chance() * 12, () =>
      world.soon(a.fabric.merge(b.address, { dryRun: false })),
    );
    world.run(2000);
    if (!a.reports.some(({ event, server }) => event === "undone" && server === b.name)) continue;
    world.await(b.fabric.unmerge(other.name));
    run(b, "forget", "nice");
    world.run(2 * LIMITS.redialMsMax);
    expect([a.sees, b.sees], `seed ${seed}`).toEqual(["a b nice", "a b nice"]);
    return;
  }
  throw new Error("no seed undid the link that was to come back");
});

test("a plugin that fails denies; one that never answers is cut off with the merge", () => {
  const world = new World();
  const [a, b] = [world.add("a"), world.add("b")];
  b.consent = () => Promise.reject(new Error("a bug"));
  expect(outcomeOf(world.merge(a, b))).toBe("MERGE_DENIED");
  b.consent = () => new Promise(() => {});
  expect(outcomeOf(world.merge(a, b))).toBe("HANDSHAKE_TIMEOUT");
  world.run(20_000);
  expect([world.connections.size, world.pending]).toEqual([0, 0]);
});

test("both sides must know the secret, when one has one", () => {
  const secret = "a long and random secret";
  for (const [ours, theirs, expected] of [
    [secret, secret, "merged"],
    [secret, "another random secret", "MERGE_DENIED"],
    [undefined, secret, "MERGE_DENIED"],
    [secret, undefined, "MERGE_DENIED"],
  ] as const) {
    const world = new World();
    const a = world.add("a", ours === undefined ? {} : { secret: ours });
    const b = world.add("b", theirs === undefined ? {} : { secret: theirs });
    const outcome = world.merge(a, b);
    expect(outcomeOf(outcome)).toBe(expected);
    if (!isFailure(outcome)) continue;
    const text = "the shared secret of b and a is not the same, or only one of them has one";
    expect([outcome.text, b.reports[0]?.text ?? text]).toEqual([text, text]);
  }
});

test("with a list of keys, sids or names only those on it may link", () => {
  const world = new World();
  const [a, b, c] = [world.add("a"), world.add("b"), world.add("c")];
  const picky = world.add("picky", { allow: [a.key.toHex(), b.sid, "D"] });
  expect(outcomeOf(world.merge(a, picky))).toBe("merged");
  expect(outcomeOf(world.merge(picky, b))).toBe("merged");
  const text = `c (${c.sid}) is not on the list of those that may merge with picky`;
  expect(world.merge(picky, c)).toEqual({ code: "MERGE_DENIED", text });
  expect(outcomeOf(world.merge(world.add("d"), picky))).toBe("merged");
});

test("a name stays with the key it was seen with, until forget, trust, or thirty days", () => {
  const world = new World();
  const [a, nice] = [world.add("a"), world.add("nice")];
  world.merge(a, nice);
  world.run(LIMITS.pinFirmMs);
  world.await(a.fabric.unmerge(nice.name));
  const thief = world.addAt("thief", "nice");
  const outcome = world.merge(thief, a);
  expect(outcome).toMatchObject({ code: "NAME_TAKEN" });
  expect(JSON.stringify(outcome)).toContain(`trust nice ${thief.sid}`);
  a.restart();
  expect(outcomeOf(world.merge(thief, a))).toBe("NAME_TAKEN");
  expect(run(a, "forget", "nobody")).toMatchObject({ code: "NO_SUCH_SERVER" });
  expect(run(a, "trust", "nice", "xyz")).toMatchObject({ code: "USAGE" });
  expect(run(a, "trust", "nice", thief.key.toHex())).toHaveProperty("text");
  expect(outcomeOf(world.merge(thief, a))).toBe("merged");
  expect(outcomeOf(world.await(a.fabric.unmerge(thief.name)))).toBe("unmerged");
  expect(outcomeOf(world.merge(nice, a))).toBe("NAME_TAKEN");
  expect(run(a, "forget", "nice")).toHaveProperty("text");
  expect(outcomeOf(world.merge(nice, a))).toBe("merged");
  world.await(a.fabric.unmerge(nice.name));
  world.wallMs += LIMITS.pinMsMax + 1;
  expect(outcomeOf(world.merge(thief, a))).toBe("merged");
});

test("who is gone within seconds leaves no pin, as after a storm of merges", () => {
  const world = new World();
  const [a, nice] = [world.add("a"), world.add("nice")];
  world.merge(a, nice);
  world.run(LIMITS.pinFirmMs - 1000);
  world.await(a.fabric.unmerge(nice.name));
  world.run(LIMITS.pinFirmMs);
  expect(outcomeOf(world.merge(a, world.addAt("other", "nice")))).toBe("merged");
});

test("an older dial than the newest that was taken is stale", () => {
  const world = new World();
  const a = world.add("a");
  const peer = identity("peer");
  new Scripted(world, a, peer, { attempt: 2 }).join();
  expect(a.sees).toBe("a peer");
  const older = new Scripted(world, a, peer, { attempt: 1 }).dial().auth().fusion();
  expect(older.reason?.code).toBe("STALE");
  expect(a.sees).toBe("a peer");
});

test("a dial that is newer replaces the link that its side must have lost", () => {
  const world = new World();
  const a = world.add("a");
  const peer = identity("peer");
  const first = new Scripted(world, a, peer, { attempt: 1 }).join();
  const second = new Scripted(world, a, peer, { attempt: 2 }).join(3);
  expect([first.reason?.code, second.reason?.code]).toEqual(["DUPLICATE_LINK", undefined]);
});

test("a server has at most so many links, and says so to the next one", () => {
  const world = new World();
  const hub = world.add("hub");
  for (let at = 0; at < LIMITS.linksPerServerMax; at++) {
    new Scripted(world, hub, identity(`s${at}`)).join();
  }
  expect(hub.fabric.view.neighbours).toHaveLength(LIMITS.linksPerServerMax);
  const text = `hub has ${LIMITS.linksPerServerMax} links, which is as many as it may have`;
  const answer = world.merge(world.add("late"), hub);
  expect(answer).toEqual({ code: "TOO_MANY_SERVERS", text });
});

test("a redial that reaches another server than the one that was lost is not taken", () => {
  const world = new World();
  const [a, b] = [world.add("a"), world.add("b")];
  world.merge(a, b);
  b.kill();
  world.addAt("b", "stranger");
  world.run(10_000);
  expect(a.sees).toBe("a");
  expect(a.reports.some(({ text }) => text.includes("got stranger"))).toBe(true);
});

test("a server that lost its key and is taken again by its name is not looked for any more", () => {
  const world = new World();
  const [a, lost] = [world.add("a"), world.add("nice")];
  world.merge(a, lost);
  lost.kill();
  const anew = world.addAt("nice", "nice");
  run(a, "forget", "nice");
  expect(outcomeOf(world.merge(a, anew))).toBe("merged");
  const told = a.reports.length;
  world.run(10 * LIMITS.redialMsMax);
  expect(a.reports.slice(told)).toEqual([]);
});

test("each prefix of a recorded handshake, and then silence, leaves nothing behind", () => {
  const rehearsal = new World();
  const host = rehearsal.add("a");
  const guest = rehearsal.add("b");
  rehearsal.merge(guest, host);
  const steps = ["dial", "auth", "fusion", "announce", "synced"] as const;
  for (let prefix = 1; prefix <= steps.length; prefix++) {
    const world = new World();
    const a = world.add("a");
    const peer = new Scripted(world, a, identity("peer"));
    for (const step of steps.slice(0, prefix)) {
      if (step === "announce") peer.announce([]);
      else peer[step]();
    }
    world.run((LIMITS.heartbeatMissedMax + 2) * LIMITS.heartbeatMs);
    expect(peer.reason?.code, steps[prefix - 1]).toMatch(/HANDSHAKE_TIMEOUT|IDLE_TIMEOUT/);
    expect(a.sees).toBe("a");
    world.run(LIMITS.announcementKeepMsMax);
    expect([world.connections.size, world.pending], steps[prefix - 1]).toEqual([0, 0]);
  }
});

test("frames out of their order are refused in every phase", () => {
  const types = Object.values(LINK_FRAME);
  const phases = [
    { name: "auth", allowed: [LINK_FRAME.auth], play: (peer: Scripted) => peer.dial() },
    { name: "fusion", allowed: [LINK_FRAME.fusion], play: (peer: Scripted) => peer.dial().auth() },
    {
      name: "confirm",
      allowed: [LINK_FRAME.announcement, LINK_FRAME.synced],
      play: (peer: Scripted) => peer.dial().auth().fusion(),
    },
    {
      name: "full",
      allowed: types.filter((type) => type > LINK_FRAME.fusion && type !== LINK_FRAME.synced),
      play: (peer: Scripted) => peer.join(),
    },
  ];
  for (const { name, allowed, play } of phases) {
    for (const type of [...types, 0x1f, 0xff]) {
      if (
        (allowed as readonly number[]).includes(type) ||
        type === LINK_FRAME.ping ||
        type === LINK_FRAME.pong
      )
        continue;
      const world = new World();
      const a = world.add("a");
      const peer = new Scripted(world, a, identity("peer"));
      play(peer).send(type, new Uint8Array(8));
      expect(peer.reason?.code, `${type} in ${name}`).toBe("OUT_OF_PHASE");
    }
  }
});
