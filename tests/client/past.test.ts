// What a client tells of a room when its session was lost: what it missed, then what comes; each
// message once; a gap where it cannot be had.

import { describe, expect, test } from "bun:test";
import { LIMITS } from "../../src/limits.ts";
import { room, startPast } from "./past.ts";

const cidOf = (id: string) => id.padEnd(LIMITS.uniqueIdBytesMin, "x");

describe("coming back as a new session", () => {
  test("tells what was missed, oldest first, and behind it what came meanwhile", async () => {
    const { past, say, answer, told } = startPast();
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
    const { past, say, answer, told, asked } = startPast();
    say("m1");
    past.back([room]);
    await answer(["m4", "m5"]);
    await answer(["m2", "m3"]);
    await answer(["m0", "m1"]);
    expect(asked).toEqual([undefined, "m4", "m2"]);
    expect(told).toEqual(["m1", "m2 late", "m3 late", "m4 late", "m5 late"]);
  });

  test("tells what reached the server late meanwhile, and nothing from before", async () => {
    const { past, say, answer, told } = startPast();
    say("m2");
    say("m5");
    past.back([room]);
    await answer(["m1", "m2", "m4", "m5"]);
    expect(told).toEqual(["m2", "m5", "m4 late"]);
  });

  test("tells in its order what comes now, also where the ids have become smaller", async () => {
    const { past, say, answer, told } = startPast();
    say("m5");
    past.back([room]);
    say("m4");
    say("m6");
    await answer(["m4", "m5", "m6"]);
    expect(told).toEqual(["m5", "m4 late", "m6 late"]);
  });

  test("tells a gap where there is no history, and where it read as far as it may", async () => {
    const { past, say, refuse, answer, told } = startPast();
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
    const { past, say, answer, told } = startPast();
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
    const one = startPast();
    one.past.back([room]);
    await one.answer(["m1"]);
    expect(one.told).toEqual(["gap"]);
    const other = startPast();
    other.past.back([room]);
    await other.answer([]);
    expect(other.told).toEqual([]);
  });

  test("lost again meanwhile, it begins again where it was; an old answer is none", async () => {
    const { past, say, answer, told, settled } = startPast();
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
    const { past, say, answer, told } = startPast();
    say("m0");
    past.back([room]);
    for (let i = 0; i <= LIMITS.heldEventsMax; i++) say(`n${String(i).padStart(6, "0")}`);
    expect(told.slice(0, 3)).toEqual(["m0", "gap", "n000000"]);
    await answer(["m0", "m1"]);
    expect(told).toHaveLength(LIMITS.heldEventsMax + 3);
  });

  test("a room that was left meanwhile is told no more of", async () => {
    const { past, say, answer, told } = startPast();
    say("m1");
    past.back([room]);
    past.left(room);
    await answer(["m1", "m2"]);
    expect(told).toEqual(["m1"]);
  });

  test("closed meanwhile, it tells what it holds behind a gap", () => {
    const { past, say, told } = startPast();
    say("m1");
    past.back([room]);
    say("m3");
    past.close();
    expect(told).toEqual(["m1", "gap", "m3"]);
  });
});

describe("where the order of the log is known", () => {
  test("tells what was logged since, page by page, and nothing twice", async () => {
    const { past, say, answer, told, asked } = startPast({ keepsOrder: true });
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
    const { past, say, answer, refuse, told, asked } = startPast({ keepsOrder: true });
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

  test("what waited in a session that was lost, and the log has no more, is not told", async () => {
    const { past, say, answer, told } = startPast({ keepsOrder: true });
    say("m0");
    past.back([room]);
    say("m1"); // deleted before anybody has read it
    say("m2");
    past.back([room]);
    say("m4");
    await answer([]);
    await answer(["m2", "m3", "m4"]);
    await answer([]);
    expect(told).toEqual(["m0", "m2 late", "m3 late", "m4 late"]);
  });

  test("what waited in a session that was lost is told where there is no history", async () => {
    const { past, say, refuse, told } = startPast();
    say("m0");
    past.back([room]);
    say("m1");
    past.back([room]);
    say("m2");
    await refuse();
    await refuse();
    expect(told).toEqual(["m0", "gap", "m1", "m2"]);
  });

  test("what was deleted while the log was read is told in its place", async () => {
    const { past, say, answer, told } = startPast({ keepsOrder: true });
    say("m0");
    past.back([room]);
    say("m1"); // the log does not have it any more
    say("m2");
    await answer(["m2", "m3"]);
    await answer([]);
    expect(told).toEqual(["m0", "m1", "m2 late", "m3 late"]);
  });

  test("in a busy room it stops where it has read what came meanwhile", async () => {
    const { past, say, answer, told, asked } = startPast({ keepsOrder: true });
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
    const { past, say, refuse, answer, told, asked } = startPast({ keepsOrder: true });
    for (let i = 1; i <= 5; i++) say(`m${i}`);
    past.back([room]);
    await refuse();
    await refuse();
    await answer(["m0", "m4", "m5"]);
    await answer([]);
    await answer(["m3", "m4", "m5"]);
    await answer([]);
    const more = [undefined, "since m5"];
    expect(asked).toEqual(["since m1", "since m2", "since m3", "since m5", ...more]);
    expect(told.slice(5)).toEqual(["m0 late"]);
  });

  test("asks from a later message, too, where the first came into the log behind it", async () => {
    const { past, say, answer, told, asked } = startPast({ keepsOrder: true });
    for (const id of ["m1", "m2"]) say(id);
    past.back([room]);
    await answer(["m4"]);
    await answer([]);
    await answer(["m3", "m1", "m4"]);
    await answer([]);
    expect(asked).toEqual(["since m1", "since m4", "since m2", "since m4"]);
    expect(told).toEqual(["m1", "m2", "m3 late", "m4 late"]);
  });

  test("reads by the ids as well where one that was told is not held any more", async () => {
    const { past, say, answer, refuse, told, asked } = startPast({ keepsOrder: true });
    say("m0"); // it came into the log late, behind m3
    say("m1"); // it was deleted since
    past.back([room]);
    say("m5");
    await answer(["m4", "m5"]);
    await answer([]);
    await refuse();
    await answer(["m0", "m2", "m3", "m4", "m5", "m6"]); // m6 has come since
    await answer(["m6"]);
    await answer([]);
    const more = ["since m5", "since m6"];
    expect(asked).toEqual(["since m0", "since m5", "since m1", undefined, ...more]);
    const late = ["m2", "m3", "m4", "m5", "m6"].map((id) => `${id} late`);
    expect(told).toEqual(["m0", "m1", ...late]);
  });

  test("what comes now is not told before what it has missed of the same life", async () => {
    const { past, say, answer, refuse, told } = startPast({ keepsOrder: true });
    const id = (at: number, life = "3217d4c8") => `0mjuo${String(at).padStart(8, "0")}${life}`;
    const ids = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, at) => id(from + at));
    say(id(1, "00000001"));
    say(id(2, "00000001")); // it was never logged
    past.back([room]);
    for (const one of ids(100, 500)) say(one);
    await answer(ids(10, 50));
    await answer([]);
    await refuse();
    await answer([id(1, "00000001"), ...ids(10, 400)]);
    await answer(ids(50, 330)); // far enough into what comes now
    const missed = ids(10, 330).map((one) => `${one} late`);
    expect(told.slice(2)).toEqual([...missed, ...ids(330, 500)]);
  });

  test("what is older than what was told last is not missed, whatever the first id", async () => {
    const { past, say, answer, refuse, told } = startPast({ keepsOrder: true });
    say("a0"); // its server's clock had gone back
    say("m5"); // it was deleted since
    past.back([room]);
    await answer(["m6"]);
    await answer([]);
    await refuse();
    await answer(["a0", "m1", "m6"]);
    await answer([]);
    expect(told).toEqual(["a0", "m5", "m6 late"]);
  });

  test("what stands before all that was told of its server is not told behind it", async () => {
    const { past, say, answer, told } = startPast({ keepsOrder: true });
    const id = (at: number, life = "3217d4c8") => `0mjuo${String(at).padStart(8, "0")}${life}`;
    say(id(1, "00000001"));
    say(id(4));
    past.back([room]);
    // Said while its server was cut off, and logged here behind the first one.
    const logged = [id(2), id(4), id(3, "00000002"), id(5)];
    await answer(logged);
    await answer([]);
    expect(told.slice(2)).toEqual([`${id(3, "00000002")} late`, `${id(5)} late`]);
  });

  test("a message that came a while ago is asked from: its commit may hold others", async () => {
    const { past, say, asked } = startPast({ keepsOrder: true });
    for (let i = 100; i < 1000; i++) say(`m${i}`);
    past.back([room]);
    const [since = ""] = asked;
    expect(since > "since m500" && since < "since m900").toBe(true);
  });
});

describe("each message once", () => {
  test("one that its server forgot, said again by its sender, is known by his own id", () => {
    const { say, told } = startPast();
    say("m1", { cid: cidOf("a") });
    say("m2", { cid: cidOf("a") });
    say("m3", { cid: cidOf("a"), from: "bob@paris" });
    expect(told).toEqual(["m1", "m3"]);
  });

  test("an id that another server had used before hides nothing", () => {
    const { say, told } = startPast();
    say("m1", { from: "mal@nice" });
    say("m1", { from: "ann@paris" });
    say("m1", { from: "ann@paris" });
    expect(told).toEqual(["m1", "m1"]);
  });

  test("an id that is short enough to be counted is told each time", () => {
    const { say, told } = startPast();
    say("m1", { cid: "1" });
    say("m2", { cid: "1" });
    expect(told).toEqual(["m1", "m2"]);
  });

  test("a private one is known by its own id or the server's, apart from what rooms say", () => {
    const { say, tell, told } = startPast();
    const cid = cidOf("a");
    say("m1", { cid });
    for (const id of ["m1", "m2"]) tell(id, { cid });
    tell("m3", { cid, from: "bob@paris" });
    for (const id of ["m4", "m5", "m4"]) tell(id, { cid: "1" });
    say("m4");
    expect(told).toEqual(["m1", "private m1", "private m3", "private m4", "private m5", "m4"]);
  });

  test("what was told and is forgotten since is not told as late", async () => {
    const { past, say, answer, told } = startPast();
    const count = LIMITS.toldIdsMax + 1;
    const id = (i: number) => `m${String(i).padStart(6, "0")}`;
    for (let i = 0; i < count; i++) say(id(i));
    past.back([room]);
    await answer([id(0), id(count - 1), id(count)]);
    expect(told.slice(count)).toEqual([`${id(count)} late`]);
  });
});
