// A client's own message id across a restart of the server: what the history has of its earlier
// lives is recognised when it is said again.

import { describe, expect, test } from "bun:test";
import authGuest from "../../plugins/auth-guest.ts";
import { createRecent } from "../../src/core/recent.ts";
import { LIMITS } from "../../src/limits.ts";
import { allow, definePlugin } from "../../src/plugin.ts";
import { MemoryHistory } from "./memory.ts";
import { type Home, Place } from "./place.ts";

const room = "#lobby";
const uuid = (digit: number) => String(digit).repeat(LIMITS.uniqueIdBytesMin);

describe("after a restart", () => {
  test("what an account says again is the same message, and is not told twice", () => {
    const { restart, enter, history } = start("account");
    const said = enter("ana").get("say", { room, text: "once", cid: "c1" });
    restart();
    const [ana, bob] = [enter("ana"), enter("bob")];
    expect(ana.get("say", { room, text: "once", cid: "c1" })["id"]).toBe(said["id"]);
    expect(bob.texts()).toEqual([]);
    expect(history.texts()).toEqual(["once"]);
  });

  test("what a guest says again is the same message where its id could not be guessed", () => {
    const { restart, enter, history } = start("guest");
    const before = enter("gus");
    const said = before.get("say", { room, text: "long", cid: uuid(1) });
    before.get("say", { room, text: "short", cid: "1" });
    restart();
    const gus = enter("gus");
    expect(gus.get("say", { room, text: "long", cid: uuid(1) })["id"]).toBe(said["id"]);
    gus.get("say", { room, text: "another's first", cid: "1" });
    expect(history.texts()).toEqual(["long", "short", "another's first"]);
  });

  test("one account's ids are not another's", () => {
    const { restart, enter, history } = start("others");
    enter("ana").get("say", { room, text: "ana's", cid: uuid(1) });
    restart();
    enter("bob").get("say", { room, text: "bob's", cid: uuid(1) });
    expect(history.texts()).toEqual(["ana's", "bob's"]);
  });

  test("lives that said nothing do not push out those that did, and old ones are let go", () => {
    const { restart, enter, history } = start("lives");
    const first = enter("ana").get("say", { room, text: "first", cid: "c0" });
    for (let i = 0; i < LIMITS.recallLivesMax + 1; i++) restart();
    expect(enter("ana").get("say", { room, text: "first", cid: "c0" })["id"]).toBe(first["id"]);
    for (let i = 1; i <= LIMITS.recallLivesMax; i++) {
      enter("ana").get("say", { room, text: `${i}`, cid: `c${i}` });
      restart();
    }
    const again = enter("ana");
    again.get("say", { room, text: "1", cid: "c1" });
    expect(history.texts()).toHaveLength(LIMITS.recallLivesMax + 1);
    again.get("say", { room, text: "first", cid: "c0" });
    expect(history.texts()).toHaveLength(LIMITS.recallLivesMax + 2);
  });

  test("a clock that went back gives no id that sorts before what was said", () => {
    const { place, restart, enter, history } = start("clock");
    enter("ana").get("say", { room, text: "before" });
    place.world.skew("paris", -5000);
    restart();
    enter("ana").get("say", { room, text: "after" });
    expect(history.texts()).toEqual(["before", "after"]);
  });

  test("no two lives give the same id, wherever their clocks stand", () => {
    const { place, restart, enter } = start("ids");
    const endOfId = () => {
      const { id } = enter("ana").get("say", { room, text: "hello" });
      return String(id).slice(-8); // before it are the time and a counter
    };
    const first = endOfId();
    expect(endOfId()).toBe(first);
    place.world.skew("paris", -5 * 60_000);
    restart();
    expect(endOfId()).not.toBe(first);
  });

  test("a guest who logs in anew in the same life says the same message as well", () => {
    const { place, enter, history } = start("relogin");
    const before = enter("gus");
    const said = before.get("say", { room, text: "once", cid: uuid(1) });
    before.send("bye", {});
    place.rest();
    expect(enter("gus").get("say", { room, text: "once", cid: uuid(1) })["id"]).toBe(said["id"]);
    expect(history.texts()).toEqual(["once"]);
  });
});

describe("what is remembered", () => {
  const what = { id: "m", at: 0, logged: 0 };
  const person = (nick: string) => ({ sender: `= ${nick}`, account: nick, nick });

  test("holds as many of a sender as may be sent again, and forgets the oldest", () => {
    const recent = createRecent();
    for (let i = 0; i <= LIMITS.recentIdsMax; i++) recent.remember(person("ana"), `c${i}`, what);
    expect(LIMITS.recentIdsMax).toBeGreaterThanOrEqual(LIMITS.requestsInFlightMax);
    expect(recent.find(person("ana"), "c0")).toBeUndefined();
    expect(recent.find(person("ana"), "c1")).toEqual(what);
  });

  test("holds no more in all than its bound, and forgets the longest silent first", () => {
    const recent = createRecent();
    const each = LIMITS.recentIdsMax;
    const count = Math.ceil(LIMITS.recentIdsInAllMax / each) + 1;
    for (let n = 0; n < count; n++)
      for (let i = 0; i < each; i++) recent.remember(person(`p${n}`), `c${i}`, what);
    expect(recent.find(person("p0"), `c${each - 1}`)).toBeUndefined();
    expect(recent.find(person(`p${count - 1}`), "c0")).toEqual(what);
  });
});

// --- internal ------------------------------------------------------------------------------------

/** `ana` and `bob` have accounts, all others are guests. */
const accounts = definePlugin({
  name: "auth-accounts",
  provides: ["auth"],
  setup: () => ({
    onAuth: ({ nick }) => (nick === "ana" || nick === "bob" ? allow(nick) : undefined),
  }),
});

/** A server with a history, which can be started again with the same data. */
function start(seed: string) {
  const place = new Place(`recall ${seed}`);
  const history = new MemoryHistory();
  const plugins = () => [accounts(), authGuest(), place.hub.plugin(), history.plugin()];
  let home: Home = place.start("paris", { plugins: plugins() });
  return {
    place,
    history,
    restart() {
      place.stop(home);
      home = place.start("paris", { plugins: plugins() });
    },
    enter: (nick: string) => place.enter(home, nick),
  };
}
