// Peers that speak the protocol perfectly and mean ill: what they say of others, of themselves
// without end, and of routes. Contained, cut off where it is their fault, and nobody else notices.

import { expect, test } from "bun:test";
import { LIMITS } from "../../../src/plugin.ts";
import type { ServerName } from "../../../src/plugin.ts";
import { announce } from "../../../plugins/fabric-tree/announcement.ts";
import { LINK_FRAME, makeAuth, makeHello } from "../../../plugins/fabric-tree/hello.ts";
import { identity, none, Scripted } from "./scripted.ts";
import { everyoneHearsEveryone, outcomeOf, World } from "./world.ts";
import type { Server } from "./world.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

/** Two honest servers, and a hostile neighbour of the first. */
function scene(): { world: World; a: Server; b: Server; evil: Scripted } {
  const world = new World();
  const [a, b] = [world.add("a"), world.add("b")];
  world.merge(a, b);
  world.run(1000);
  const evil = new Scripted(world, a, identity("evil")).join();
  world.run(1000);
  expect([a.sees, b.sees]).toEqual(["a b evil", "a b evil"]);
  return { world, a, b, evil };
}

/** The honest ones are together and talk, as if nothing had been. */
function unharmed({ world, a, b }: { world: World; a: Server; b: Server }): void {
  expect(a.sees).toContain("a b");
  expect(b.sees).toContain("a b");
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    to.delivered.length = 0;
    expect(from.fabric.publish([to.sid], "room", bytes("well?"))).toBe("sent");
    world.run(100);
    expect(to.said).toEqual(["well?"]);
  }
}

test("an announcement that is not signed by its key cuts off who brings it", () => {
  const it = scene();
  const forged = it.evil.announcement([], { ...identity("victim"), sign: identity("evil").sign });
  it.evil.send(LINK_FRAME.announcement, forged);
  expect(it.evil.reason?.code).toBe("SIGNATURE_INVALID");
  expect(it.a.sees).toBe("a b");
  unharmed(it);
});

test("an announcement in a neighbour's name, with another's key, cuts off who brings it", () => {
  const it = scene();
  const forged = it.evil.announcement([], { ...identity("evil"), sid: it.b.sid }, 99);
  it.evil.send(LINK_FRAME.announcement, forged);
  expect(it.evil.reason?.code).toBe("SIGNATURE_INVALID");
  unharmed(it);
});

test("an announcement that is too large, or lists too much, cuts off who brings it", () => {
  const large = { ...identity("evil"), card: new Uint8Array(LIMITS.announcementBytesMax) };
  const links = Array.from({ length: LIMITS.linksPerServerMax + 1 }, (_, at) => ({
    peer: identity(`s${at}`).sid,
    port: at + 1,
    birth: 1,
  }));
  const twice = [1, 2].map((port) => ({ peer: identity("s").sid, port, birth: 1 }));
  const myself = [{ peer: identity("evil").sid, port: 1, birth: 1 }];
  for (const [of, listed] of [
    [large, []],
    [identity("evil"), links],
    [identity("evil"), twice],
    [identity("evil"), myself],
  ] as const) {
    const it = scene();
    it.evil.send(LINK_FRAME.announcement, it.evil.announcement(listed, of));
    expect(it.evil.reason?.code).toBe("BAD_FRAME");
    unharmed(it);
  }
});

test("who brings an old announcement, of whomever, is answered with the newest", () => {
  const it = scene();
  const old = it.evil.said(LINK_FRAME.announcement);
  it.world.merge(it.world.add("c"), it.b);
  it.world.merge(it.world.add("d"), it.a);
  it.world.run(1000);
  for (const { sid } of [it.a, it.b]) {
    const of = (all: readonly Uint8Array[]) =>
      all.filter((one) => one.subarray(1, 17).toHex() === sid);
    const before = of(it.evil.said(LINK_FRAME.announcement));
    it.evil.send(LINK_FRAME.announcement, of(old)[0]!);
    const after = of(it.evil.said(LINK_FRAME.announcement));
    expect(after).toHaveLength(before.length + 1);
    expect(after.at(-1)).toEqual(before.at(-1));
  }
});

test("a thousand announcements a second and more, without end, cut off who brings them", () => {
  const it = scene();
  const others = Array.from({ length: 300 }, (_, at) => identity(`y${at}`));
  for (let round = 0; round < 20 && it.evil.reason === undefined; round++) {
    for (const other of others) {
      const more = it.evil.announcement([], other);
      it.evil.link.send("control", LINK_FRAME.announcement, more);
    }
    it.world.run(20);
  }
  expect(it.evil.reason?.code).toBe("RATE_LIMITED");
  unharmed(it);
});

test("ten thousand made-up servers fill no more than their place", () => {
  const it = scene();
  const link = { peer: it.a.sid, port: 1, birth: 1 };
  for (let at = 0; at < 2500; at++) {
    it.evil.link.send(
      "control",
      LINK_FRAME.announcement,
      it.evil.announcement([link], identity(`x${at}`)),
    );
    if (at % 200 === 0) it.world.run(100);
  }
  it.world.run(1000);
  expect(it.evil.reason).toBeUndefined();
  expect(it.a.sees).toBe("a b evil");
  unharmed(it);
  // A real server that merges now still finds its place.
  const late = it.world.add("late");
  expect(outcomeOf(it.world.merge(late, it.b))).toBe("merged");
  it.world.run(1000);
  expect(it.a.sees).toBe("a b evil late");
});

test("an origin that flaps without end is heard seldom, and the others are not stirred", () => {
  const it = scene();
  it.world.run(20_000);
  const changesBefore = it.b.changes;
  const link = { peer: it.a.sid, port: 1, birth: it.evil.birth };
  for (let at = 0; at < 600; at++) {
    it.evil.link.send(
      "control",
      LINK_FRAME.announcement,
      it.evil.announcement(at % 2 === 0 ? [] : [link]),
    );
    it.world.run(50);
  }
  expect(it.b.changes - changesBefore).toBeLessThan(30);
  unharmed(it);
});

test("numbers at the end of their range are taken for what they are, and merging goes on", () => {
  const it = scene();
  const self = it.evil.self;
  const link = { peer: it.a.sid, port: 1, birth: LIMITS.counterMax };
  const version = { epoch: LIMITS.counterMax, seq: LIMITS.counterMax };
  it.evil.send(LINK_FRAME.announcement, announce(self, version, [link]).bytes);
  expect(it.evil.reason).toBeUndefined();
  it.world.run(1000);
  expect([it.a.sees, it.b.sees]).toEqual(["a b", "a b"]); // its birth is not the link's
  const late = it.world.add("late");
  expect(outcomeOf(it.world.merge(late, it.a))).toBe("merged");
  it.world.run(1000);
  everyoneHearsEveryone(it.world);
  const births = it.evil.said(LINK_FRAME.synced).map((payload) => payload.toHex());
  expect(births.every((birth) => birth < "0000000000000100")).toBe(true);
});

test("a birth that leaps ahead is refused when the link is to be listed", () => {
  const world = new World();
  const a = world.add("a");
  const evil = new Scripted(world, a, identity("evil")).dial().auth().fusion().announce([]);
  evil.synced(LIMITS.counterMax);
  expect(evil.reason?.code).toBe("BAD_FRAME");
  expect(a.sees).toBe("a");
});

test("a birth from before is raised: an old link is not pushed aside by a back-dated one", () => {
  const it = scene();
  const late = new Scripted(it.world, it.a, identity("late")).join(1);
  it.world.run(1000);
  expect(it.a.sees).toBe("a b evil late");
  expect(late.birth).toBeGreaterThan(it.evil.birth);
});

test("a frame that claims to be of this server itself is dropped and counted", () => {
  const it = scene();
  it.evil.routed("I am you", new Uint8Array(0), 6, it.a.sid);
  expect([it.a.said, it.a.counted.get("forged")]).toEqual([[], 1]);
  unharmed(it);
});

/** The scene's first server gave port 1 to the second, and 2 to the hostile one. */
const entry = (port: number) => [port * 2 + 1, 0];

test("a frame is delivered only where its header says so", () => {
  const it = scene();
  it.evil.routed("for b", Uint8Array.from(entry(1)), 2);
  expect([it.a.said, it.b.said]).toEqual([[], ["for b"]]);
  expect(it.b.delivered[0]).toMatchObject({ origin: it.evil.self.sid, via: it.a.sid });
});

test("ports that are unknown, named twice, or lead back are skipped and counted", () => {
  const it = scene();
  it.evil.routed("x", Uint8Array.from([1, 1, 2, 2, 3, 60].flatMap(entry)), 2);
  expect(it.b.said).toEqual(["x"]);
  expect(it.evil.said(LINK_FRAME.routed)).toEqual([]);
  expect(it.a.counted.get("skipped")).toBe(5);
  unharmed(it);
});

test("a malformed route cuts off who brings it", () => {
  for (const route of [[3, 5, 1], [1, 0], [2, 0], [3], [0x83, 0x80, 0, 0]]) {
    const it = scene();
    it.evil.routed("x", Uint8Array.from(route), 2);
    expect(it.evil.reason?.code, String(route)).toBe("BAD_FRAME");
    unharmed(it);
  }
});

test("nothing is routed for a peer that is not full", () => {
  const world = new World();
  const [a, b] = [world.add("a"), world.add("b")];
  world.merge(a, b);
  world.run(100);
  const evil = new Scripted(world, a, identity("evil")).dial().auth().fusion();
  evil.routed("too soon", new Uint8Array(0), 6);
  expect(evil.reason?.code).toBe("OUT_OF_PHASE");
  expect([a.said, b.said]).toEqual([[], []]);
});

test("a peer that reads nothing is cut off, and holds up nobody", () => {
  const it = scene();
  const link = it.evil.link as unknown as { deaf: boolean };
  link.deaf = true;
  for (let at = 0; at < 50; at++) {
    it.b.fabric.publish([it.a.sid, it.evil.self.sid], "room", new Uint8Array(100_000));
    it.world.run(100);
  }
  expect(it.a.said).toHaveLength(50);
  expect(it.a.counted.get("congested")).toBeGreaterThan(20);
  it.world.run((LIMITS.heartbeatMissedMax + 1) * LIMITS.heartbeatMs);
  expect(it.a.sees).toBe("a b");
  unharmed(it);
});

test("another's key in the hello, or a replayed handshake, comes to nothing", () => {
  const world = new World();
  const [a, b] = [world.add("a"), world.add("b")];
  const thief = { ...identity("thief"), sid: b.sid, key: b.key, name: b.name };
  const claims = new Scripted(world, a, thief).dial().auth();
  expect(claims.reason?.code).toBe("SIGNATURE_INVALID");
  const honest = new Scripted(world, a, identity("peer")).join();
  const recorded = makeAuth(honest.self, none, {
    fingerprint: undefined,
    dialler: honest.hello,
    accepter: honest.theirs,
  });
  const replay = new Scripted(world, a, identity("peer")).dial(honest.hello.bytes);
  replay.send(LINK_FRAME.auth, recorded);
  expect(replay.reason?.code).toBe("SIGNATURE_INVALID");
  expect(honest.reason).toBeUndefined();
  expect(a.sees).toBe("a peer");
});

test("a handshake that went through another TLS channel is not believed", () => {
  const world = new World();
  const a = world.add("a");
  const peer = new Scripted(world, a, identity("peer"))
    .dial()
    .auth(none, new Uint8Array(32).fill(9));
  expect(peer.reason?.code).toBe("SIGNATURE_INVALID");
});

test("a hello that is none, or has a name that is none, is refused", () => {
  const self = identity("peer");
  const dial = { epoch: 1, attempt: 1 };
  const flags = { dryRun: false, again: false };
  const named = (name: string) => {
    return makeHello({ ...self, name: name as ServerName }, dial, new Uint8Array(32), flags).bytes;
  };
  const hellos = [new Uint8Array(0), new Uint8Array(200), named("a b"), named("ﬁne"), named("")];
  for (const hello of [...hellos, named("\u202eevil"), named("x".repeat(60))]) {
    const world = new World();
    const a = world.add("a");
    const peer = new Scripted(world, a, self).dial(hello);
    expect(peer.reason?.code).toBe("BAD_FRAME");
    world.run(20_000);
    expect(world.pending).toBe(0);
  }
});

test("a fusion that lacks its own speaker, or lists a server twice, is refused", () => {
  const world = new World();
  const a = world.add("a");
  const other = identity("other");
  const twice = [other, other].map(({ sid, name }) => ({ sid, name }));
  const peer = new Scripted(world, a, identity("peer")).dial().auth().fusion(twice);
  expect(peer.reason?.code).toBe("BAD_FRAME");
});

test("strangers that open links and say nothing are bounded, and then gone", () => {
  const world = new World();
  const a = world.add("a");
  const strangers = Array.from({ length: LIMITS.linkHandshakesMax + 10 }, (_, at) => {
    const peer = new Scripted(world, a, identity(`s${at}`));
    peer.link = world.open(a, peer.hello.bytes, {
      frame: () => {},
      idle: () => {},
      closed: (reason) => {
        peer.reason = reason;
      },
    });
    return peer;
  });
  world.run(1000);
  const refused = strangers.filter(({ reason }) => reason?.code === "TOO_MANY_CONNECTIONS");
  expect(refused).toHaveLength(10);
  world.run(LIMITS.linkHandshakeMsMax + 1000);
  expect(strangers.every(({ reason }) => reason !== undefined)).toBe(true);
  expect(outcomeOf(world.merge(world.add("b"), a))).toBe("merged");
});
