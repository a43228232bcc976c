// A member of the fusion that speaks the protocol perfectly and lies about streams: about others'
// and its own, in batches and in sealed messages. People of other servers hear nothing false and
// nothing twice, miss nothing, and are not held up.

import { describe, expect, test } from "bun:test";
import { LIMITS } from "../../src/limits.ts";
import { decodeBatch } from "../../src/protocol/batch.ts";
import { Crowd } from "./crowd.ts";
import { lobby } from "./liar.ts";
import { FUTURE, held, LyingTown } from "./lying-town.ts";
import { say } from "./town.ts";

const COUNT_MAX = 2 ** 53 - 1;
describe("what was said before, said again", () => {
  test("batches and changes of people are taken once, whoever brings them", () => {
    const town = new LyingTown("replay");
    const { place, ana, bob, liar } = town;
    for (const text of ["one", "two"]) say(ana, text);
    const cat = town.enter("paris", "cat");
    place.rest();
    cat.close();
    place.rest(LIMITS.resumeMsMax + 5000);
    const told = bob.heard.length;
    for (const traffic of ["room", "control"] as const)
      for (const { bytes } of town.frames("paris", "lyon", traffic))
        for (let i = 0; i < 3; i++) liar.publish("lyon", traffic, bytes);
    place.rest();
    expect(bob.heard.slice(told)).toEqual([]);
    expect(bob.get("who")["total"]).toBe(3);
    town.isWell(["one", "two"]);
  });

  test("frames of a sealed channel are taken once, and under their own numbers alone", () => {
    const town = new LyingTown("sealed replay");
    const { place, ana, bob, liar } = town;
    for (const text of ["one", "two"]) ana.get("tell", { to: "bob@lyon", text });
    liar.tell("lyon", { t: "tell", message: { ...liar.entry("mine"), to: "bob@lyon" } });
    place.rest();
    const shown = () => bob.all("private").map(({ text }) => text);
    expect(shown()).toEqual(["one", "two", "mine"]);
    const frames = [
      ...town.frames("paris", "lyon", "private").map(({ bytes }) => bytes),
      ...liar.sent,
    ];
    for (const bytes of frames) {
      liar.publish("lyon", "private", bytes);
      for (const kind of [0, 1, 2]) {
        for (const number of [0, 1, 7, 2 ** 32 - 1]) {
          const forged = bytes.slice();
          forged[16] = kind;
          new DataView(forged.buffer).setUint32(21, number);
          if (!Buffer.from(forged).equals(Buffer.from(bytes)))
            liar.publish("lyon", "private", forged);
        }
      }
    }
    place.rest();
    expect(shown()).toEqual(["one", "two", "mine"]);
    expect(ana.get("tell", { to: "bob@lyon", text: "three" })["outcome"]).toBe("delivered");
    town.isWell();
  });
});

test("a reaction that is none is refused by the addressee's server", () => {
  const town = new LyingTown("private reaction");
  const { place, bob, liar } = town;
  const tell = (more: object) => {
    const message = { ...liar.entry("👍"), to: "bob@lyon", kind: "reaction" as const, ...more };
    liar.tell("lyon", { t: "tell", message });
  };
  tell({});
  tell({ about: "1", text: "a b" });
  tell({ about: "1" });
  place.rest();
  expect(bob.all("private")).toMatchObject([{ kind: "reaction", text: "👍", about: "1" }]);
  town.isWell();
});

describe("nothing is believed to be another's", () => {
  test("that is signed by the liar, or by nobody", () => {
    const town = new LyingTown("author");
    const { place, ana, liar } = town;
    say(ana, "one");
    place.rest(100);
    const { bytes } = town.frames("paris", "lyon", "room").at(-1)!;
    const { origin, life, frames, tick } = decodeBatch(
      town.homes.get("paris")!.environment.crypto,
      bytes,
    );
    const ownName = liar.entry("forged", { from: "ana@paris" });
    for (const first of [1, 2, 3]) {
      liar.publish("lyon", "room", liar.batch(first, [ownName], { origin, life }));
      liar.publish("lyon", "room", liar.batch(first, [ownName], { origin, life: liar.life }));
      liar.publish("lyon", "room", liar.batch(first, [ownName], { life }));
      const [, leaf] = liar.tick(
        { origin, life, tick, room: lobby, first, frames },
        { origin, life, tick, room: lobby, first, frames },
      );
      leaf!.set(
        bytes.subarray(-64 - frames[0]!.length, -frames[0]!.length),
        leaf!.length - 64 - frames[0]!.length,
      );
      liar.publish("lyon", "room", leaf!);
    }
    place.rest();
    town.isWell(["one"]);
  });

  test("that it said in another room, or in another life", () => {
    const town = new LyingTown("root");
    const { place, liar } = town;
    const [ana, bob] = [town.ana, town.bob];
    for (const one of [ana, bob]) one.get("join", { room: "#den" });
    place.rest();
    ana.sendAll(
      ["say", { room: "#den", text: "in the den" }],
      ["say", { room: lobby, text: "here" }],
    );
    place.rest(1000);
    const batches = town.frames("paris", "lyon", "room").map(({ bytes }) => bytes);
    town.kill("paris");
    town.start("paris");
    const again = town.enter("paris", "ana");
    town.join("paris", "lyon", "nice");
    say(again, "new life");
    place.rest(1000);
    const { crypto } = town.homes.get("paris")!.environment;
    const { life } = decodeBatch(crypto, town.frames("paris", "lyon", "room").at(-1)!.bytes);
    for (const bytes of batches) {
      const other = bytes.slice();
      other.set(Uint8Array.fromHex(life), 16);
      for (const forged of [other, bytes]) {
        for (let at = 0; at + 5 <= forged.length; at++) {
          // Rooms of the same length change places.
          if (forged[at] !== 6 || forged[at + 1] !== 0x23) continue;
          const moved = forged.slice();
          moved.set(new TextEncoder().encode("#arena"), at + 1);
          liar.publish("lyon", "room", moved);
        }
        liar.publish("lyon", "room", forged);
      }
    }
    place.rest();
    expect(bob.texts(lobby)).toEqual(["here", "new life"]);
    expect(bob.texts("#den")).toEqual(["in the den"]);
    expect(bob.all("gap")).toEqual([]);
    expect(place.faults()).toEqual([]);
  });
});

describe("numbers that are not there", () => {
  test("a batch 2^50 ahead keeps nobody waiting but its own origin", () => {
    const town = new LyingTown("ahead");
    const { place, liar } = town;
    for (const first of [2 ** 50, COUNT_MAX - 1, COUNT_MAX])
      liar.publish("lyon", "room", liar.batch(first, [liar.entry("far"), liar.entry("away")]));
    for (let first = 10; first < 500; first += 2)
      liar.publish("lyon", "room", liar.batch(first, [liar.entry("odd")]));
    place.rest(20_000);
    town.isWell([]);
    const wants = liar.heard.filter(({ t }) => t === "want");
    expect(wants.length).toBeWithin(1, 15);
    liar.publish("lyon", "room", liar.batch(1, [liar.entry("first")]));
    place.rest(100);
    expect(town.bob.texts().at(-1)).toBe("first");
  });

  test("heads, marks and losses of absurd numbers concern its own streams alone", () => {
    const town = new LyingTown("numbers");
    const { place, ana, bob, liar } = town;
    say(ana, "one");
    for (const room of [lobby, "#nowhere", "&local", "none"]) {
      for (const head of [COUNT_MAX, 2 ** 53, -1, 0, 1, 2 ** 50]) {
        liar.tell("lyon", { t: "heads", v: head, heads: { [room]: head } });
        liar.tell("lyon", { t: "stand", heads: { [room]: head } });
        liar.tell("lyon", { t: "want", room, from: head, to: COUNT_MAX });
        liar.tell("lyon", { t: "want", room, from: 1, to: head });
        for (const more of [{}, { origin: place.hub.sidOf("paris"), life: liar.life }])
          liar.tell("lyon", { t: "lost", room, from: 1, to: head, ...more });
      }
    }
    const paris = place.hub.sidOf("paris");
    const { life } = decodeBatch(
      town.homes.get("paris")!.environment.crypto,
      town.frames("paris", "lyon", "room")[0]!.bytes,
    );
    for (const to of [10, COUNT_MAX])
      liar.tell("lyon", { t: "lost", room: lobby, from: 1, to, origin: paris, life });
    place.rest(20_000);
    expect(bob.texts()).toEqual(["one"]);
    say(ana, "two");
    place.rest(100);
    expect(bob.texts()).toEqual(["one", "two"]);
    expect(place.faults()).toEqual([]);
  });

  test("a stream that ends at the last number there is harms no other", () => {
    const town = new LyingTown("last number");
    const { place, liar } = town;
    liar.tell("lyon", { t: "stand", heads: { [lobby]: COUNT_MAX - 1 } });
    liar.tell("lyon", { t: "lost", room: lobby, from: 1, to: COUNT_MAX - 2 });
    place.rest(100);
    liar.publish(
      "lyon",
      "room",
      liar.batch(
        COUNT_MAX - 1,
        Array.from({ length: 9 }, (_, i) => liar.entry(`${i}`)),
      ),
    );
    place.rest(100);
    for (const { stream, last } of town.histories.get("lyon")!.streams())
      expect([stream.origin, last <= COUNT_MAX]).toEqual([stream.origin, true]);
  });
});

test("who asks for all of it without end is given each part once at a time", () => {
  const town = new LyingTown("wants");
  const { place, ana, liar } = town;
  for (let i = 0; i < 100; i++) {
    ana.send("say", { room: lobby, text: `${i}` });
    place.rest(5);
  }
  place.rest(LIMITS.sayAgainMs);
  const before = town.frames("paris", "nice", "room").length;
  for (let i = 0; i < 1000; i++)
    liar.tell("paris", { t: "want", room: lobby, from: 1, to: COUNT_MAX });
  place.rest(1000);
  expect(town.frames("paris", "nice", "room").length - before).toBeWithin(100, 2000);
  town.isWell();
});

test("who asks for all people, and takes nothing, makes nobody keep them many times", () => {
  const town = new LyingTown("people");
  const { place, liar } = town;
  const crowd = new Crowd();
  town.start("rome", crowd.plugin());
  crowd.enter(place, town.homes.get("rome")!, 5000);
  town.join("paris", "lyon", "rome", "nice");
  const pages = () => liar.heard.filter(({ t, by }) => t === "people" && by === "rome");
  place.hub.fate = ({ from, to }) => (from === "rome" && to === "nice" ? "lose" : "pass");
  for (let i = 0; i < 500; i++) liar.tell("rome", { t: "people?" });
  place.rest(1000);
  const before = pages().length;
  place.hub.fate = () => "pass";
  place.rest(20_000);
  const bytes = pages()
    .slice(before)
    .reduce((sum, page) => sum + JSON.stringify(page).length, 0);
  expect(bytes).toBeWithin(1, 2 * LIMITS.channelWindowBytesMax);
  // What it asked for last it has, too.
  expect(pages().at(-1)).toMatchObject({ last: true });
  town.isWell();
});

describe("answers that nobody asked for", () => {
  test("give nothing of lives that were over before they were met here, nor of none", () => {
    const town = new LyingTown("unasked");
    const { place, liar } = town;
    const old = [1, 2, 3].map((first) =>
      liar.batch(first, [liar.entry("old")], { life: "00".repeat(8) }),
    );
    for (const bytes of old) liar.publish("lyon", "room", bytes);
    liar.publish("lyon", "room", liar.batch(1, [liar.entry("den")], { room: "#den" as never }));
    liar.publish("lyon", "room", liar.batch(1, [liar.entry("den")], { room: "&den" as never }));
    liar.tell("lyon", { t: "told", id: "x", outcome: "delivered" });
    for (const origin of [liar.sid, place.hub.sidOf("paris"), place.hub.sidOf("lyon")])
      liar.tell("lyon", { t: "lost", room: lobby, from: 1, to: 10, origin, life: "00".repeat(8) });
    liar.tell("lyon", { t: "links", links: [[liar.sid, 1]] });
    place.rest();
    town.isWell([]);
  });

  test("how a private message ended is its addressee's server's word alone", () => {
    const town = new LyingTown("told");
    const { place, ana, bob, liar } = town;
    place.hub.fate = ({ from, to, traffic }) =>
      from === "lyon" && to === "paris" && traffic === "private" ? "lose" : "pass";
    const ref = ana.request("tell", { to: "bob@lyon", text: "psst" });
    place.rest(1000);
    // The liar knows the id, as if it had seen the message.
    const { id } = bob.all("private").at(-1)!;
    for (const outcome of ["stored", "delivered"]) liar.tell("paris", { t: "told", id, outcome });
    liar.tell("paris", { t: "told", id, code: "NO_SUCH_NICK", text: "nobody" });
    place.rest(1000);
    expect(ana.answer(ref)).toBeUndefined();
    place.hub.fate = () => "pass";
    place.rest(5000);
    expect(ana.answer(ref)!.value["outcome"]).toBe("delivered");
  });
});

const fake = (at: number) => at.toString(16).padStart(16, "0");

describe("lives that others are said to have had", () => {
  test("do not hold up what their server says now", () => {
    const town = new LyingTown("stall");
    const { place, ana, bob, liar } = town;
    const paris = place.hub.sidOf("paris");
    say(ana, "zero");
    place.rest(1000);
    for (let i = 0; i < 30; i++) {
      liar.tell("lyon", held([[paris, fake(i), 5, FUTURE, "", ""]]));
      place.rest(500);
      say(ana, `line ${i}`);
      place.rest(500);
      expect(bob.texts().at(-1)).toBe(`line ${i}`);
    }
    expect(bob.all("gap")).toEqual([]);
  });

  test("do not hold up for long what it says after a restart", () => {
    const town = new LyingTown("stall after a restart");
    const { place, bob, liar } = town;
    const paris = place.hub.sidOf("paris");
    say(town.ana, "zero");
    place.rest(1000);
    town.kill("paris");
    const lie = (i: number) => liar.tell("lyon", held([[paris, fake(i), 5, FUTURE, "", ""]]));
    lie(0);
    town.start("paris");
    say(town.enter("paris", "ana"), "one");
    place.hub.join("paris", "lyon", "nice");
    for (let waited = 0; waited < 2 * LIMITS.earlierLifeMsMax + 5000; waited += 1000) {
      lie(1 + waited);
      place.rest(1000);
    }
    expect(bob.texts()).toEqual(["zero", "one"]);
  });
});
