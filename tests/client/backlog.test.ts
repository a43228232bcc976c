// What a client tells of a room when it comes into it: the last of what was said there before.

import { describe, expect, test } from "bun:test";
import { LIMITS } from "../../src/limits.ts";
import { createNet } from "../../src/net/net.ts";
import { createClock } from "../../src/serve/clock.ts";
import { keepLog, ManualClock } from "../net/parts.ts";
import { room, startPast } from "./past.ts";
import { enter, startPeer } from "./peer.ts";

describe("coming into a room", () => {
  test("tells what was said before, once, and behind it what comes now", async () => {
    const { past, say, answer, told, asked } = startPast({ backlog: 3 });
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
    const none = startPast();
    none.past.entered(room);
    none.say("m1");
    expect([none.asked, none.told]).toEqual([[], ["m1"]]);
    const empty = startPast({ backlog: 3 });
    empty.past.entered(room);
    empty.say("m1");
    await empty.answer([]);
    expect(empty.told).toEqual(["m1"]);
    const closed = startPast({ backlog: 3 });
    closed.past.entered(room);
    closed.say("m1");
    await closed.refuse();
    expect(closed.told).toEqual(["m1"]);
  });

  test("tells behind it what was kept for this client alone, and what comes to it", async () => {
    const { past, say, tell, answer, told } = startPast({ backlog: 3 });
    past.entered(room);
    tell("p1", { late: true });
    say("m2");
    tell("p2", {});
    expect(told).toEqual([]);
    await answer(["m1"]);
    expect(told).toEqual(["backlog m1", "private p1", "m2", "private p2"]);
  });

  test("asks for no more than a page", () => {
    const { past, asked } = startPast({ backlog: 10_000 });
    past.entered(room);
    expect(asked).toEqual([`last ${LIMITS.backlogMax}`]);
  });

  test("tells only what is new, when the room was left and is entered again", async () => {
    const { past, say, answer, told } = startPast({ backlog: 3 });
    past.entered(room);
    await answer(["m1"]);
    say("m2");
    past.left(room);
    past.entered(room);
    await answer(["m1", "m2", "m3"]);
    expect(told).toEqual(["backlog m1", "m2", "backlog m3"]);
  });

  test("tells what came meanwhile when the room is left before there is an answer", async () => {
    const { past, say, answer, told } = startPast({ backlog: 3 });
    past.entered(room);
    say("m4");
    past.left(room);
    expect(told).toEqual(["m4"]);
    await answer(["m1", "m2"]);
    expect(told).toEqual(["m4"]);
  });

  test("tells what was missed, where the session is lost before there is an answer", async () => {
    const { past, say, answer, told } = startPast({ backlog: 3 });
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

describe("a server that does not answer for the past", () => {
  const hello = { id: "1", from: "bob@paris", room: "#lobby", kind: "text", text: "hello", at: 1 };
  const net = createNet(createClock(), keepLog());

  test("holds up what is said now for a while, and not for good", async () => {
    const clock = new ManualClock();
    const { visitor, events } = await enter(await startPeer(), { clock, net, backlog: 3 });
    await visitor.expect("history");
    visitor.sendAll(["message", hello], ["notice", { text: "behind it" }]);
    expect(await events.take()).toMatchObject({ type: "notice" });
    clock.pass(LIMITS.pastAwaitedMs);
    expect(await events.take()).toMatchObject({ type: "message", message: { text: "hello" } });
  });

  test("so in a new session, where what was missed is a gap then", async () => {
    const clock = new ManualClock();
    const peer = await startPeer();
    const { visitor, events } = await enter(peer, { clock, net });
    visitor.close();
    await events.until((event) => event.type === "connection");
    clock.pass(LIMITS.reconnectMsMin);
    const again = await peer.visitors.take();
    await again.welcome();
    await again.expect("history");
    again.send("message", hello);
    expect(await events.take()).toMatchObject({ type: "connection", state: "back" });
    again.send("notice", { text: "behind it" });
    expect(await events.take()).toMatchObject({ type: "notice" });
    clock.pass(LIMITS.pastAwaitedMs);
    expect(await events.take()).toEqual({ type: "gap", room: "#lobby", missing: 0 } as never);
    expect(await events.take()).toMatchObject({ type: "message" });
  });
});
