// What a client tells of a room when its session was lost: what it missed, then what comes; each
// message once; a gap where it cannot be had.

import { describe, expect, test } from "bun:test";
import type { ClientEvent } from "../../src/client.ts";
import { Past } from "../../src/client/past.ts";
import { LIMITS } from "../../src/limits.ts";
import type { RoomName } from "../../src/names.ts";
import type { MessageEntry, PrivateEntry } from "../../src/protocol/messages.ts";

const room = "#lobby" as RoomName; // a room's name by its look
const cidOf = (id: string) => id.padEnd(LIMITS.uniqueIdBytesMin, "x");

describe("coming back as a new session", () => {
  test("tells what was missed, oldest first, and behind it what came meanwhile", async () => {
    const { past, say, answer, told } = start();
    say("m1");
    past.back([room]);
    say("m4");
    expect(told).toEqual(["m1"]);
    await answer(["m0", "m1", "m2", "m3", "m4"]);
    expect(told).toEqual(["m1", "m2 late", "m3 late", "m4 late"]);
    say("m4");
    say("m5");
    expect(told.slice(4)).toEqual(["m5"]);
  });

  test("pages back to what it told last, and no further", async () => {
    const { past, say, answer, told, asked } = start();
    say("m1");
    past.back([room]);
    await answer(["m4", "m5"]);
    await answer(["m2", "m3"]);
    await answer(["m0", "m1"]);
    expect(asked).toEqual([undefined, "m4", "m2"]);
    expect(told).toEqual(["m1", "m2 late", "m3 late", "m4 late", "m5 late"]);
  });

  test("tells what reached the server late meanwhile, and nothing from before", async () => {
    const { past, say, answer, told } = start();
    say("m2");
    say("m5");
    past.back([room]);
    await answer(["m1", "m2", "m4", "m5"]);
    expect(told).toEqual(["m2", "m5", "m4 late"]);
  });

  test("tells in its order what comes now, also where the ids have become smaller", async () => {
    const { past, say, answer, told } = start();
    say("m5");
    past.back([room]);
    say("m4");
    say("m6");
    await answer(["m4", "m5", "m6"]);
    expect(told).toEqual(["m5", "m4 late", "m6 late"]);
  });

  test("tells a gap where there is no history, and where it read as far as it may", async () => {
    const { past, say, refuse, answer, told } = start();
    say("m00");
    past.back([room]);
    await refuse();
    expect(told).toEqual(["m00", "gap"]);
    past.back([room]);
    for (let page = LIMITS.missedPagesMax; page > 0; page--)
      await answer([`m${String(page).padStart(2, "0")}`]);
    expect(told.slice(2, 4)).toEqual(["gap", "m01 late"]);
    expect(told).toHaveLength(3 + LIMITS.missedPagesMax);
  });

  test("tells a gap where the history has lost what was told", async () => {
    const { past, say, answer, told } = start();
    say("m1");
    past.back([room]);
    await answer([]);
    past.back([room]);
    await answer(["m3", "m4"]);
    await answer([]);
    expect(told).toEqual(["m1", "gap", "gap", "m3 late", "m4 late"]);
    past.back(["#other"]);
    await answer([]);
    expect(told).toHaveLength(5);
  });

  test("tells a gap where nobody knows where the past begins, unless it is empty", async () => {
    const one = start();
    one.past.back([room]);
    await one.answer(["m1"]);
    expect(one.told).toEqual(["gap"]);
    const other = start();
    other.past.back([room]);
    await other.answer([]);
    expect(other.told).toEqual([]);
  });

  test("lost again meanwhile, it begins again where it was; an old answer is none", async () => {
    const { past, say, answer, told, settled } = start();
    say("m1");
    past.back([room]);
    await settled();
    say("m3");
    past.back([room]);
    await answer(["m1", "m2"]);
    expect(told).toEqual(["m1"]);
    await answer(["m1", "m2", "m3"]);
    expect(told).toEqual(["m1", "m2 late", "m3 late"]);
  });

  test("holds so many events at most, and then tells them behind a gap", async () => {
    const { past, say, answer, told } = start();
    say("m0");
    past.back([room]);
    for (let i = 0; i <= LIMITS.heldEventsMax; i++) say(`n${String(i).padStart(6, "0")}`);
    expect(told.slice(0, 3)).toEqual(["m0", "gap", "n000000"]);
    await answer(["m0", "m1"]);
    expect(told).toHaveLength(LIMITS.heldEventsMax + 3);
  });

  test("a room that was left meanwhile is told no more of", async () => {
    const { past, say, answer, told } = start();
    say("m1");
    past.back([room]);
    past.left(room);
    await answer(["m1", "m2"]);
    expect(told).toEqual(["m1"]);
  });

  test("closed meanwhile, it tells what it holds behind a gap", () => {
    const { past, say, told } = start();
    say("m1");
    past.back([room]);
    say("m3");
    past.close();
    expect(told).toEqual(["m1", "gap", "m3"]);
  });
});

describe("where the order of the log is known", () => {
  test("tells what was logged since, page by page, and nothing twice", async () => {
    const { past, say, answer, told, asked } = start({ keepsOrder: true });
    for (const id of ["m1", "m5", "m6"]) say(id);
    past.back([room]);
    say("m9");
    await answer(["m6", "m5", "m2", "m3"]);
    await answer(["m8", "m9"]);
    await answer([]);
    expect(asked).toEqual(["since m1", "since m3", "since m9"]);
    const late = ["m2", "m3", "m8", "m9"].map((id) => `${id} late`);
    expect(told).toEqual(["m1", "m5", "m6", ...late]);
  });

  test("reads by the ids where it is not known, or too much was logged", async () => {
    const { past, say, answer, refuse, told, asked } = start({ keepsOrder: true });
    say("m000");
    past.back([room]);
    await refuse();
    await answer(["m000", "m001"]);
    expect(told).toEqual(["m000", "m001 late"]);
    past.back([room]);
    for (let page = 1; page <= LIMITS.missedPagesMax; page++)
      await answer([`m${String(100 + page)}`]);
    await answer(["m001", "m500"]);
    expect(asked.at(-1)).toBeUndefined();
    expect(told.slice(2)).toEqual(["m500 late"]);
  });

  test("in a busy room it stops where it has read what came meanwhile", async () => {
    const { past, say, answer, told, asked } = start({ keepsOrder: true });
    say("m1");
    past.back([room]);
    const ids = Array.from({ length: 300 }, (_, i) => `m${1000 + i}`);
    for (const id of ids) say(id);
    await answer(["m0", ...ids.slice(0, 100)]);
    await answer(ids.slice(100));
    expect(asked).toHaveLength(2);
    expect(told).toEqual(["m1", ...["m0", ...ids].map((id) => `${id} late`)]);
  });

  test("asks from a later message where the log has never had the first ones", async () => {
    const { past, say, refuse, answer, told, asked } = start({ keepsOrder: true });
    for (let i = 1; i <= 5; i++) say(`m${i}`);
    past.back([room]);
    await refuse();
    await refuse();
    await answer(["m0", "m4", "m5"]);
    await answer([]);
    expect(asked).toEqual(["since m1", "since m2", "since m3", "since m5"]);
    expect(told.slice(5)).toEqual(["m0 late"]);
  });

  test("asks from a later message, too, where the first came into the log behind it", async () => {
    const { past, say, answer, told, asked } = start({ keepsOrder: true });
    for (const id of ["m1", "m2"]) say(id);
    past.back([room]);
    await answer(["m4"]);
    await answer([]);
    await answer(["m3", "m1", "m4"]);
    await answer([]);
    expect(asked).toEqual(["since m1", "since m4", "since m2", "since m4"]);
    expect(told).toEqual(["m1", "m2", "m3 late", "m4 late"]);
  });

  test("a message that came a while ago is asked from: its commit may hold others", async () => {
    const { past, say, asked } = start({ keepsOrder: true });
    for (let i = 100; i < 1000; i++) say(`m${i}`);
    past.back([room]);
    const [since = ""] = asked;
    expect(since > "since m500" && since < "since m900").toBe(true);
  });
});

describe("each message once", () => {
  test("one that its server forgot, said again by its sender, is known by his own id", () => {
    const { say, told } = start();
    say("m1", { cid: cidOf("a") });
    say("m2", { cid: cidOf("a") });
    say("m3", { cid: cidOf("a"), from: "bob@paris" });
    expect(told).toEqual(["m1", "m3"]);
  });

  test("an id that another server had used before hides nothing", () => {
    const { say, told } = start();
    say("m1", { from: "mal@nice" });
    say("m1", { from: "ann@paris" });
    say("m1", { from: "ann@paris" });
    expect(told).toEqual(["m1", "m1"]);
  });

  test("an id that is short enough to be counted is told each time", () => {
    const { say, told } = start();
    say("m1", { cid: "1" });
    say("m2", { cid: "1" });
    expect(told).toEqual(["m1", "m2"]);
  });

  test("a private one is known by its own id or the server's, apart from what rooms say", () => {
    const { say, tell, told } = start();
    const cid = cidOf("a");
    say("m1", { cid });
    for (const id of ["m1", "m2"]) tell(id, { cid });
    tell("m3", { cid, from: "bob@paris" });
    for (const id of ["m4", "m5", "m4"]) tell(id, { cid: "1" });
    say("m4");
    expect(told).toEqual(["m1", "private m1", "private m3", "private m4", "private m5", "m4"]);
  });

  test("what was told and is forgotten since is not told as late", async () => {
    const { past, say, answer, told } = start();
    const count = LIMITS.toldIdsMax + 1;
    const id = (i: number) => `m${String(i).padStart(6, "0")}`;
    for (let i = 0; i < count; i++) say(id(i));
    past.back([room]);
    await answer([id(0), id(count - 1), id(count)]);
    expect(told.slice(count)).toEqual([`${id(count)} late`]);
  });
});

describe("coming into a room", () => {
  test("tells what was said before, once, and behind it what comes now", async () => {
    const { past, say, answer, told, asked } = start({ backlog: 3 });
    past.entered(room);
    say("m4");
    expect(told).toEqual([]);
    await answer(["m1", "m2", "m3", "m4"]);
    expect(asked).toEqual(["last 3"]);
    expect(told).toEqual(["backlog m1 m2 m3", "m4"]);
    say("m3");
    say("m5");
    expect(told.slice(2)).toEqual(["m5"]);
  });

  test("tells nothing where nobody asked, nor where there is nothing or no history", async () => {
    const none = start();
    none.past.entered(room);
    none.say("m1");
    expect([none.asked, none.told]).toEqual([[], ["m1"]]);
    const empty = start({ backlog: 3 });
    empty.past.entered(room);
    empty.say("m1");
    await empty.answer([]);
    expect(empty.told).toEqual(["m1"]);
    const closed = start({ backlog: 3 });
    closed.past.entered(room);
    closed.say("m1");
    await closed.refuse();
    expect(closed.told).toEqual(["m1"]);
  });

  test("asks for no more than a page", () => {
    const { past, asked } = start({ backlog: 10_000 });
    past.entered(room);
    expect(asked).toEqual([`last ${LIMITS.backlogMax}`]);
  });

  test("tells only what is new, when the room was left and is entered again", async () => {
    const { past, say, answer, told } = start({ backlog: 3 });
    past.entered(room);
    await answer(["m1"]);
    say("m2");
    past.left(room);
    past.entered(room);
    await answer(["m1", "m2", "m3"]);
    expect(told).toEqual(["backlog m1", "m2", "backlog m3"]);
  });

  test("tells what came meanwhile when the room is left before there is an answer", async () => {
    const { past, say, answer, told } = start({ backlog: 3 });
    past.entered(room);
    say("m4");
    past.left(room);
    expect(told).toEqual(["m4"]);
    await answer(["m1", "m2"]);
    expect(told).toEqual(["m4"]);
  });

  test("tells what was missed, where the session is lost before there is an answer", async () => {
    const { past, say, answer, told } = start({ backlog: 3 });
    past.entered(room);
    say("m4");
    past.back([room]);
    await answer(["m1", "m2", "m3", "m4"]);
    await answer(["m1", "m2", "m3", "m4"]);
    say("m5");
    expect(told.at(-1)).toBe("m5");
    expect(told.filter((one) => one.startsWith("m4"))).toHaveLength(1);
  });
});

// --- internal ------------------------------------------------------------------------------------

/**
 * A past whose history answers when the test says so; what was logged since a message, it only
 * knows where `keepsOrder` says so.
 */
function start({ keepsOrder = false, backlog = 0 } = {}) {
  const told: string[] = [];
  const asked: (string | undefined)[] = [];
  const asks: PromiseWithResolvers<{ readonly messages: readonly MessageEntry[] }>[] = [];
  const entry = (id: string): MessageEntry => ({
    id,
    from: "ann@paris",
    room,
    kind: "text",
    text: id,
    at: 0,
  });
  const show = (event: ClientEvent) =>
    void told.push(
      event.type === "message"
        ? `${event.message.id}${event.message.late === true ? " late" : ""}`
        : event.type === "private"
          ? `private ${event.message.id}`
          : event.type === "backlog"
            ? `backlog ${event.messages.map(({ id }) => id).join(" ")}`
            : event.type,
    );
  const past = new Past(
    show,
    {
      askPast(_room, from) {
        if ("since" in from && !keepsOrder) return Promise.reject(new Error("not held"));
        const limit = "limit" in from ? `last ${from.limit}` : undefined;
        asked.push("since" in from ? `since ${from.since}` : (from.before ?? limit));
        const one = Promise.withResolvers<{ readonly messages: readonly MessageEntry[] }>();
        asks.push(one);
        return one.promise;
      },
    },
    backlog,
  );
  const settled = async () => {
    for (let i = 0; i < 50; i++) await Promise.resolve();
  };
  return {
    past,
    told,
    asked,
    settled,
    say: (id: string, more: Partial<MessageEntry> = {}) =>
      past.take({ type: "message", message: { ...entry(id), ...more } }),
    tell: (id: string, more: Partial<PrivateEntry>) =>
      past.take({
        type: "private",
        message: { ...entry(id), kind: "text", to: "cat@paris", ...more },
      }),
    /** Answers the oldest question. */
    async answer(ids: readonly string[]) {
      await settled();
      asks.shift()?.resolve({ messages: ids.map(entry) });
      await settled();
    },
    async refuse() {
      await settled();
      asks.shift()?.reject(new Error("there is no history"));
      await settled();
    },
  };
}
