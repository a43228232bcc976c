// What rooms say over several servers: once, in order, repaired, never silently missing, never
// forged.

import { describe, expect, test } from "bun:test";
import { decodeBatch, encodeTick } from "../../src/protocol/batch.ts";
import { encodeJson, FRAME } from "../../src/protocol/frame.ts";
import type { Sid } from "../../src/names.ts";
import { LIMITS } from "../../src/limits.ts";
import { MemoryHistory } from "./memory.ts";
import type { Peer } from "./peer.ts";
import { type Home, Place } from "./place.ts";

const lobby = "#lobby";

function pair(seed: string, histories: readonly MemoryHistory[] = []) {
  const place = new Place(seed);
  const homes = ["paris", "lyon"].map((name, i) => {
    const history = histories[i];
    return place.start(name, { more: history === undefined ? [] : [history.plugin()] });
  }) as [Home, Home];
  const ana = place.enter(homes[0], "ana");
  const bob = place.enter(homes[1], "bob");
  place.join(...homes);
  const split = () => {
    place.hub.part("paris", "lyon");
    place.rest(1000);
  };
  return { place, homes, paris: homes[0], lyon: homes[1], ana, bob, split };
}
const say = (peer: Peer, text: string, room = lobby) => peer.get("say", { room, text });
const lates = (peer: Peer) => peer.all("message").map((value) => "late" in value);

describe("what was said while two servers were apart", () => {
  test("comes at the heal, in order and marked as late, without a history from memory", () => {
    const { place, homes, ana, bob, split } = pair("heal");
    split();
    for (const text of ["a1", "a2"]) say(ana, text);
    for (const text of ["b1", "b2"]) say(bob, text);
    place.join(...homes);
    say(ana, "a3");
    place.rest();
    expect(ana.texts()).toEqual(["a1", "a2", "b1", "b2", "a3"]);
    expect(bob.texts()).toEqual(["b1", "b2", "a1", "a2", "a3"]);
    expect(lates(bob)).toEqual([false, false, true, true, false]);
  });

  test("comes from the history where memory holds it no more", () => {
    const { place, homes, ana, bob, split } = pair("history", [new MemoryHistory()]);
    split();
    const long = "x".repeat(16_000);
    const count = Math.ceil((LIMITS.streamRingBytesMax * 1.3) / 16_000);
    for (let i = 0; i < count; i++) say(ana, `${i} ${long}`);
    place.join(...homes);
    place.rest(20_000);
    expect(bob.texts().map((text) => Number.parseInt(text, 10))).toEqual(
      Array.from({ length: count }, (_, i) => i),
    );
    expect(bob.all("gap")).toEqual([]);
  });

  test("comes once over the link, also while people go on talking", () => {
    const { place, homes, ana, bob, split } = pair("talking");
    split();
    const count = 2 * LIMITS.askedMax;
    const talk = (from: number, to: number) => {
      for (let i = from; i < to; i++) {
        ana.send("say", { room: lobby, text: `${i}` });
        place.rest(5);
      }
    };
    talk(0, count);
    place.rest(LIMITS.sayAgainMs);
    const from = place.hub.frames.length;
    place.hub.join(...homes.map(({ name }) => name));
    talk(count, count + 100);
    place.rest(LIMITS.sayAgainMs);
    expect(bob.texts().map(Number)).toEqual(Array.from({ length: count + 100 }, (_, i) => i));
    const batches = place.hub.frames.slice(from).filter(({ traffic }) => traffic === "room");
    expect(batches.length).toBeLessThan(1.1 * (count + 100));
  });

  test("that nobody holds any more is told as a gap, with its size", () => {
    const { place, homes, ana, bob, split } = pair("gap");
    split();
    const long = "x".repeat(16_000);
    const count = Math.ceil((LIMITS.streamRingBytesMax * 1.2) / 16_000);
    for (let i = 0; i < count; i++) say(ana, `${i} ${long}`);
    place.join(...homes);
    place.rest(20_000);
    const [gap, ...others] = bob.all("gap");
    expect(others).toEqual([]);
    expect(Number(gap?.["missing"]) + bob.texts().length).toBe(count);
    expect(bob.texts().at(-1)).toStartWith(`${count - 1} `);
  });

  test("is not owed to a server that had never been here", () => {
    const { place, homes, ana } = pair("newcomer");
    say(ana, "before");
    const nice = place.start("nice");
    const cat = place.enter(nice, "cat");
    place.join(...homes, nice);
    say(ana, "after");
    place.rest();
    expect(cat.texts()).toEqual(["after"]);
  });
});

test("frames that are lost or late are made up for, once and in order", () => {
  const { place, ana, bob } = pair("loss");
  const random = place.world.random.fork("loss");
  place.hub.fate = ({ traffic }) => {
    if (traffic !== "room") return "pass";
    return random.chance(0.5) ? "lose" : random.below(400);
  };
  const texts = Array.from({ length: 40 }, (_, i) => `t${i}`);
  for (const text of texts) say(ana, text);
  place.hub.fate = () => "pass";
  place.rest(20_000);
  expect(bob.texts()).toEqual(texts);
});

test("what is said in one tick of a room never makes a frame too large for a link", () => {
  const { place, paris, ana, bob } = pair("large");
  const others = Array.from({ length: 8 }, (_, i) => place.enter(paris, `talker${i}`));
  const text = "y".repeat(LIMITS.textBytesMax - 10);
  for (const other of others)
    other.sendAll(...Array.from({ length: 20 }, () => ["say", { room: lobby, text }] as const));
  place.rest(20_000);
  expect(bob.texts()).toHaveLength(160);
  expect(ana.texts()).toHaveLength(160);
  const sizes = place.hub.frames.map(({ bytes }) => bytes.length);
  expect(Math.max(...sizes)).toBeLessThan(LIMITS.linkFrameBytesMax);
});

describe("a room's subscription", () => {
  test("gives a server that comes back to a room nothing old, and all that is new", () => {
    const { place, ana, bob } = pair("again");
    ana.get("join", { room: "#r" });
    bob.get("join", { room: "#r" });
    place.rest(100);
    say(ana, "one", "#r");
    place.rest(100);
    bob.get("part", { room: "#r" });
    place.rest(100);
    say(ana, "two", "#r");
    place.rest(100);
    bob.get("join", { room: "#r" });
    place.rest(100);
    say(ana, "three", "#r");
    place.rest();
    expect(bob.texts("#r")).toEqual(["one", "three"]);
    expect(bob.all("gap")).toEqual([]);
  });

  test("survives leaving and coming back while the changes are lost", () => {
    const { place, ana, bob } = pair("lost changes");
    ana.get("join", { room: "#r" });
    bob.get("join", { room: "#r" });
    place.rest();
    place.hub.fate = ({ traffic }) => (traffic === "control" ? "lose" : "pass");
    bob.get("part", { room: "#r" });
    bob.get("join", { room: "#r" });
    place.rest();
    place.hub.fate = () => "pass";
    bob.get("join", { room: "#other" });
    place.rest();
    say(ana, "heard", "#r");
    place.rest();
    expect(bob.texts("#r")).toEqual(["heard"]);
  });

  test("is what other servers are sent, and no more; local rooms never leave", () => {
    const { place, ana, bob } = pair("interest");
    for (const room of ["#alone", "&here"]) ana.get("join", { room });
    bob.get("join", { room: "&here" });
    place.rest();
    const from = place.hub.frames.length;
    say(ana, "marked-shared", "#alone");
    say(ana, "marked-local", "&here");
    place.rest();
    const texts = place.hub.frames.slice(from).map(({ bytes }) => new TextDecoder().decode(bytes));
    expect(texts.filter((text) => text.includes("marked-"))).toEqual([]);
    expect(texts.filter((text) => text.includes("&here"))).toEqual([]);
    expect(bob.texts()).toEqual([]);
    expect(bob.get("who", { room: "&here" })["total"]).toBe(1);
  });
});

describe("a batch is refused", () => {
  const captured = (seed: string) => {
    const made = pair(seed);
    const { place, ana, bob } = made;
    place.hub.fate = ({ traffic }) => (traffic === "room" ? "lose" : "pass");
    say(ana, "the one");
    place.world.run(50);
    const frame = place.hub.frames.findLast(({ traffic }) => traffic === "room")!;
    expect(bob.texts()).toEqual([]);
    return { ...made, frame };
  };
  const heard = (seed: string, alter: (bytes: Uint8Array) => Uint8Array) => {
    const { place, frame, bob } = captured(seed);
    place.hub.inject({ ...frame, bytes: alter(frame.bytes.slice()) });
    place.world.run(50);
    return bob.texts();
  };

  test("not when it is as its origin signed it", () => {
    expect(heard("as it was", (bytes) => bytes)).toEqual(["the one"]);
  });
  test("when any of its bytes was altered", () => {
    const { place, frame, bob } = captured("altered");
    for (let i = 0; i < frame.bytes.length; i++) {
      const bytes = frame.bytes.slice();
      bytes[i]! ^= 1;
      place.hub.inject({ ...frame, bytes });
    }
    place.world.run(50);
    expect(bob.texts()).toEqual([]);
  });
  test("when it is of a server that is not in the view", () => {
    expect(
      heard("unknown origin", (bytes) => {
        bytes.fill(7, 0, 16);
        return bytes;
      }),
    ).toEqual([]);
  });
  test("when author or room are not its origin's, although signed; a gap is told", () => {
    const { place, paris, homes, bob } = pair("author");
    const { crypto, store } = paris.environment;
    const seed = place.world.until(store.read("identity.key"))!;
    const { privateKey } = crypto.signingKey(seed);
    const card = place.hub.frames.length;
    expect(card).toBeGreaterThan(0);
    const real = pairBatch(place, paris);
    const forge = (entry: object, first: number) => {
      const frames = [encodeJson(FRAME.message, { ...ENTRY, ...entry })];
      const leaf = { ...real, tick: 9, room: lobby as never, first, frames };
      const [bytes] = encodeTick(crypto, (signed) => crypto.sign(privateKey, signed), [leaf]);
      place.hub.inject({ from: "paris", to: "lyon", traffic: "room", bytes: bytes! });
    };
    forge({ from: "bob@lyon" }, real.first + 1);
    forge({ room: "#other" }, real.first + 2);
    forge({ from: "ana@paris" }, real.first + 3);
    place.world.run(50);
    expect(homes).toHaveLength(2);
    expect(bob.texts().slice(1)).toEqual(["forged"]);
    expect(bob.all("gap").map(({ missing }) => missing)).toEqual([1, 1]);
  });
});

const ENTRY = { id: "0".repeat(21), from: "", room: lobby, kind: "text", text: "forged", at: 1 };

/** What paris' last batch says of itself. */
function pairBatch(place: Place, paris: Home) {
  say(place.enter(paris, "eve"), "real");
  place.world.run(50);
  const frame = place.hub.frames.findLast(({ traffic }) => traffic === "room")!;
  const { origin, life, first } = decodeBatch(paris.environment.crypto, frame.bytes);
  return { origin: origin satisfies Sid, life, first };
}
