// Private messages: each ends in one way, none is shown twice.

import { describe, expect, test } from "bun:test";
import { LIMITS } from "../../src/limits.ts";
import { deny } from "../../src/plugin.ts";
import type { Peer } from "./peer.ts";
import { Place, type StartOptions } from "./place.ts";

function pair(seed: string, options?: StartOptions) {
  const place = new Place(seed);
  const paris = place.start("paris", options);
  const lyon = place.start("lyon");
  const ana = place.enter(paris, "ana");
  const bob = place.enter(lyon, "bob");
  place.join(paris, lyon);
  return { place, paris, lyon, ana, bob };
}
const shown = (peer: Peer) => peer.all("private").map(({ text }) => text);
const to = "bob@lyon";

test("is delivered here and there, in the order of its sender", () => {
  const { place, paris, ana, bob } = pair("delivered");
  const cat = place.enter(paris, "cat");
  for (const text of ["1", "2", "3"]) ana.send("tell", { to, text });
  expect(ana.get("tell", { to, text: "4" })["outcome"]).toBe("delivered");
  expect(ana.get("tell", { to: "CAT@paris", text: "5" })["outcome"]).toBe("delivered");
  expect(shown(bob)).toEqual(["1", "2", "3", "4"]);
  expect(cat.all("private")).toMatchObject([{ from: "ana@paris", to: "cat@paris", text: "5" }]);
});

test("follows a change of nick: the new one has it, under the old one nobody is there", () => {
  const { place, paris, ana } = pair("renamed");
  const cat = place.enter(paris, "cat");
  const say = (whom: string) => ana.ask("tell", { to: whom, text: whom });
  expect(say("cat@paris")["outcome"]).toBe("delivered");
  cat.get("rename", { nick: "Tom" });
  expect(say("cat@paris")["code"]).toBe("NO_SUCH_NICK");
  for (const whom of ["Tom@paris", "tom@PARIS"]) expect(say(whom)["outcome"]).toBe("delivered");
  expect(shown(cat)).toEqual(["cat@paris", "Tom@paris", "tom@PARIS"]);
  place.enter(paris, "cat");
  expect(say("cat@paris")["outcome"]).toBe("delivered");
  expect(shown(cat)).toHaveLength(3);
});

test("is answered and reacted to by its id, which both sides know", () => {
  const { ana, bob } = pair("about");
  const { id } = ana.get("tell", { to, text: "tea?" });
  expect(bob.all("private")).toMatchObject([{ id, text: "tea?" }]);
  const back = { to: "ana@paris", about: id };
  const answers = [
    { ...back, text: "yes" },
    { ...back, kind: "reaction", text: "👍" },
    { ...back, kind: "unreaction", text: "👍", cid: "c1" },
    // Nobody holds what is private, so that no id is looked up.
    { ...back, kind: "reaction", text: "🍵", about: "unheard" },
  ];
  const ids = answers.map((one) => bob.get("tell", one)["id"]);
  expect(ana.all("private")).toMatchObject(
    answers.map((one, index) => ({ ...one, id: ids[index] })),
  );
  const codes = [
    { to, text: "👍", kind: "reaction" },
    { to, text: "thumbs up", kind: "reaction", about: id },
    { to, text: "new", kind: "edit", about: id },
    { to, text: "yes", about: "" },
  ].map((one) => ana.ask("tell", one)["code"]);
  expect(codes).toEqual(["BAD_REQUEST", "TEXT_INVALID", "BAD_REQUEST", "BAD_REQUEST"]);
  expect(shown(bob)).toEqual(["tea?"]);
});

test("whose author waits for no word is told of with others; a refusal comes at once", () => {
  const { place, lyon, ana, bob } = pair("patient");
  /** How many frames come back for ten messages, one every 2 ms. */
  const framesBack = (say: (text: string) => void) => {
    const before = place.hub.frames.length;
    for (let i = 0; i < 10; i++) {
      say(`${i}`);
      place.rest(2);
    }
    place.rest(100);
    const frames = place.hub.frames.slice(before);
    return frames.filter(({ from, traffic }) => from === lyon.name && traffic === "private").length;
  };
  expect(framesBack((text) => ana.request("tell", { to, text }))).toBeGreaterThanOrEqual(10);
  expect(framesBack((text) => ana.send("tell", { to, text }))).toBeLessThanOrEqual(2);
  expect(shown(bob)).toHaveLength(20);
  ana.send("tell", { to: "nobody@lyon", text: "x" });
  place.rest(15);
  expect(ana.all("error")).toMatchObject([{ code: "NO_SUCH_NICK" }]);
});

test("to nobody is refused by name, and so is one that a plugin denies", () => {
  const hooks = {
    onTell: ({ to: whom }: { to: string }) => (whom === to ? deny("no") : undefined),
  };
  const { ana, bob } = pair("refused", { hooks });
  const codes = ["nobody@lyon", "nobody@paris", "bob@nowhere", "bob", to].map(
    (whom) => ana.ask("tell", { to: whom, text: "x" })["code"],
  );
  expect(codes).toEqual([
    "NO_SUCH_NICK",
    "NO_SUCH_NICK",
    "NO_SUCH_SERVER",
    "ADDRESS_INVALID",
    "DROPPED",
  ]);
  expect(shown(bob)).toEqual([]);
});

test("said again by a server that was restarted, it is not shown twice", () => {
  const { place, lyon, ana, bob } = pair("restarted");
  const tell = { to, text: "once", cid: "0123456789abcdef0123456789abcdef" };
  expect(ana.get("tell", tell)["outcome"]).toBe("delivered");
  place.world.crash("paris");
  place.hub.part("paris");
  place.rest(2000);
  const again = place.start("paris");
  place.join(again, lyon);
  expect(place.enter(again, "ana").get("tell", tell)["outcome"]).toBe("delivered");
  expect(shown(bob)).toEqual(["once"]);
});

describe("whose way is cut", () => {
  test("is unconfirmed after a minute; sent again with its id it is the same message", () => {
    const { place, ana, bob } = pair("unconfirmed");
    place.hub.fate = ({ traffic }) => (traffic === "private" ? "lose" : "pass");
    const began = place.world.now;
    const tell = { to, text: "once", cid: "c1" };
    expect(ana.ask("tell", tell)["code"]).toBe("UNCONFIRMED");
    expect(place.world.now - began).toBeGreaterThanOrEqual(LIMITS.unconfirmedMsMax);
    const again = ana.request("tell", tell);
    place.hub.fate = () => "pass";
    place.rest();
    expect(ana.answer(again)?.value["outcome"]).toBe("delivered");
    expect(ana.get("tell", tell)["outcome"]).toBe("delivered");
    expect(shown(bob)).toEqual(["once"]);
  });

  test("and whose end is known after that is told of it once, while the session lasts", () => {
    const { place, paris, ana, bob } = pair("late");
    place.hub.fate = ({ traffic }) => (traffic === "private" ? "lose" : "pass");
    const tell = { to: "BOB@lyon", text: "once", cid: "c1" };
    expect(ana.ask("tell", tell)["code"]).toBe("UNCONFIRMED");
    expect(ana.ask("tell", { to: "cat@lyon", text: "to nobody" })["code"]).toBe("UNCONFIRMED");
    const gus = place.enter(paris, "gus");
    expect(gus.ask("tell", { to, text: "of a guest" })["code"]).toBe("UNCONFIRMED");
    gus.send("bye");
    place.rest(100);
    const other = place.enter(paris, "gus");
    ana.get("rename", { nick: "anna" });
    place.hub.fate = () => "pass";
    place.rest();
    const [{ id, at } = {}] = bob.all("private");
    expect(ana.all("told")).toMatchObject([
      { id, to: tell.to, at, cid: "c1", outcome: "delivered" },
      { to: "cat@lyon", code: "NO_SUCH_NICK" },
    ]);
    expect(shown(bob)).toEqual(["once", "of a guest"]);
    expect(other.all("told")).toEqual([]);
  });

  test("and that is asked for again is answered, and not told", () => {
    const { place, ana } = pair("asked again");
    place.hub.fate = ({ traffic }) => (traffic === "private" ? "lose" : "pass");
    const tell = { to, text: "once", cid: "c1" };
    expect(ana.ask("tell", tell)["code"]).toBe("UNCONFIRMED");
    const again = ana.request("tell", tell);
    place.hub.fate = () => "pass";
    place.rest();
    expect(ana.answer(again)?.value["outcome"]).toBe("delivered");
    expect(ana.all("told")).toEqual([]);
  });

  test("and that failed after it was unconfirmed is not delivered when it is sent again", () => {
    const { place, lyon, ana, bob } = pair("late failure");
    place.hub.fate = ({ traffic }) => (traffic === "private" ? "lose" : "pass");
    const tell = { to, text: "once", cid: "c1" };
    expect(ana.ask("tell", tell)["code"]).toBe("UNCONFIRMED");
    bob.send("bye");
    place.hub.fate = () => "pass";
    place.rest();
    expect(ana.ask("tell", tell)["code"]).toBe("NO_SUCH_NICK");
    const back = place.enter(lyon, "bob");
    place.rest(100);
    const { id } = ana.get("tell", tell);
    expect(ana.get("tell", tell)).toMatchObject({ id, outcome: "delivered" });
    expect([...shown(bob), ...shown(back)]).toEqual(["once"]);
  });

  test("is one message when it is sent twice before its end is known", () => {
    const { place, ana, bob } = pair("twice");
    const tell = { to, text: "once", cid: "c1" };
    const refs = [ana.request("tell", tell), ana.request("tell", tell)];
    place.rest(200);
    expect(refs.map((ref) => ana.answer(ref)?.value["outcome"])).toEqual([
      "delivered",
      "delivered",
    ]);
    expect(shown(bob)).toEqual(["once"]);
  });

  test("and whose server has too much to take is congested, and never shown", () => {
    const { place, ana, bob } = pair("congested");
    place.hub.fate = ({ traffic }) => (traffic === "private" ? "lose" : "pass");
    const text = "z".repeat(10_000);
    let count = 0;
    for (; count < 1000; count++) {
      const ref = ana.request("tell", { to, text });
      place.world.run(5);
      if (ana.answer(ref)?.value["code"] === "CONGESTED") break;
    }
    expect(count).toBeLessThan(600);
    place.hub.fate = () => "pass";
    place.rest();
    expect(shown(bob)).toHaveLength(count);
  });

  test("may be tried again with its id when it was not delivered", () => {
    const { place, lyon, ana } = pair("retry");
    const tell = { to: "cat@lyon", text: "hi", cid: "c1" };
    expect(ana.ask("tell", tell)["code"]).toBe("NO_SUCH_NICK");
    const cat = place.enter(lyon, "cat");
    place.rest(100);
    ana.get("tell", tell);
    expect(shown(cat)).toEqual(["hi"]);
  });
});
