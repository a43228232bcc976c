// What a client does with a server that behaves: coming in, asking, listening, coming back.

import { describe, expect, test } from "bun:test";
import { connect } from "../../src/client.ts";
import { LIMITS } from "../../src/limits.ts";
import { createNet } from "../../src/net/net.ts";
import { createClock } from "../../src/serve/clock.ts";
import { ManualClock, keepLog } from "../net/parts.ts";
import { enter, startPeer, type Visitor, welcomeOf } from "./peer.ts";

const at = (port: number) => ({ host: "127.0.0.1", port });
const realNet = createNet(createClock(), keepLog());

describe("coming in", () => {
  test("a client says hello, then logs in, and knows who and where it is", async () => {
    const peer = await startPeer();
    const connecting = connect({ nick: "ann", password: "secret", server: at(peer.port) });
    const visitor = await peer.visitors.take();
    await visitor.hello();
    expect(await visitor.expect("login")).toEqual({ nick: "ann", password: "secret" });
    visitor.send("welcome", { ...welcomeOf("Ann"), rooms: ["#tea"], fusion: ["lyon", "paris"] });
    await using client = await connecting;
    expect(client.address).toBe("Ann@paris");
    expect([...client.rooms]).toEqual(["#lobby", "#tea"]);
    expect(client.fusion).toEqual(["lyon", "paris"]);
  });

  test("a refused login rejects with the server's code and text", async () => {
    const peer = await startPeer();
    const connecting = connect({ nick: "ann", server: at(peer.port) });
    const visitor = await peer.visitors.take();
    await visitor.hello();
    await visitor.expect("login");
    visitor.send("error", { code: "NICK_REGISTERED", text: "ann has a password" });
    expect(connecting).rejects.toMatchObject({
      code: "NICK_REGISTERED",
      message: "ann has a password",
    });
    await visitor.expect("bye");
  });

  test("where nobody listens, the client says so", async () => {
    const peer = await startPeer();
    peer.close();
    expect(connect({ nick: "ann", server: at(peer.port) })).rejects.toMatchObject({
      code: "CANNOT_CONNECT",
    });
  });

  test("a server of another version is told apart from what is no server", async () => {
    const peer = await startPeer();
    const connecting = connect({ nick: "ann", server: at(peer.port) });
    const visitor = await peer.visitors.take();
    visitor.send("hello", { version: { major: 2, minor: 0 }, server: "paris", sid: "" });
    expect(connecting).rejects.toMatchObject({ code: "VERSION" });
    await visitor.gone.promise;
  });

  test("a server that says nothing is given up by the deadline", async () => {
    const peer = await startPeer();
    const clock = new ManualClock();
    const connecting = connect({ nick: "ann", server: at(peer.port), clock, net: realNet });
    const refused = connecting.catch((thrown: unknown) => thrown);
    const visitor = await peer.visitors.take();
    await visitor.expect("hello");
    clock.pass(LIMITS.handshakeMsMax);
    expect(await refused).toMatchObject({ code: "CANNOT_CONNECT" });
    await visitor.gone.promise;
  });

  test("events that come in the same packet as the welcome are not lost", async () => {
    const peer = await startPeer();
    const connecting = connect({ nick: "ann", server: at(peer.port) });
    const visitor = await peer.visitors.take();
    await visitor.hello();
    await visitor.expect("login");
    visitor.sendAll(["welcome", welcomeOf("ann")], ["notice", { text: "hello, ann" }]);
    await using client = await connecting;
    const { promise, resolve } = Promise.withResolvers();
    client.on(resolve);
    expect(await promise).toEqual({ type: "notice", text: "hello, ann" });
  });
});

describe("asking", () => {
  test("a message carries an id of its own, and its acknowledgement resolves it", async () => {
    const { client, visitor } = await enter(await startPeer());
    const saying = client.say("#lobby", "hello");
    const asked = await visitor.answer("say", { id: "m1", at: 5 });
    expect(asked).toMatchObject({ room: "#lobby", text: "hello", ref: 1 });
    expect(asked["cid"]).toBeString();
    expect(await saying).toEqual({ id: "m1", at: 5 });
  });

  test("a refusal rejects the request it belongs to and no other", async () => {
    const { client, visitor } = await enter(await startPeer());
    const first = client.tell("nobody@paris", "hello");
    const second = client.request("fusion", {});
    const { ref } = await visitor.expect("tell");
    visitor.send("error", { ref, code: "NO_SUCH_NICK", text: "nobody@paris: not here" });
    expect(first).rejects.toMatchObject({ code: "NO_SUCH_NICK" });
    await visitor.answer("fusion", { servers: [{ server: "paris", people: 1 }] });
    expect(await second).toEqual({ servers: [{ server: "paris", people: 1 }] });
  });

  test("a text that is empty, broken or too long is refused before it is sent", async () => {
    const { client } = await enter(await startPeer());
    expect(client.say("#lobby", "")).rejects.toMatchObject({ code: "TEXT_INVALID" });
    expect(client.say("#lobby", "\ud800")).rejects.toMatchObject({ code: "TEXT_INVALID" });
    const long = "x".repeat(LIMITS.textBytesMax + 1);
    expect(client.tell("bob@paris", long)).rejects.toMatchObject({ code: "TEXT_TOO_LONG" });
    // Short enough as a text, but every character of it is six in JSON.
    const escaped = "\u0001".repeat(LIMITS.textBytesMax);
    expect(client.say("#lobby", escaped)).rejects.toMatchObject({ code: "TEXT_TOO_LONG" });
  });

  test("more requests than may be in flight are refused, and the others are answered", async () => {
    const { client, visitor } = await enter(await startPeer());
    const asked = Array.from({ length: LIMITS.requestsInFlightMax }, () =>
      client.request("fusion", {}),
    );
    expect(client.request("fusion", {})).rejects.toMatchObject({ code: "QUEUE_FULL" });
    for (const one of asked) {
      await visitor.answer("fusion", { servers: [] });
      await one;
    }
  });

  test("a ping is answered with its own payload", async () => {
    const { visitor } = await enter(await startPeer());
    visitor.send("ping", { at: 7 });
    expect(await visitor.expect("pong")).toEqual({ at: 7 });
  });
});

describe("listening", () => {
  test("events come in order, and the fusion is kept up to date", async () => {
    const { client, visitor, events } = await enter(await startPeer());
    const person = { address: "bob@lyon" };
    visitor.sendAll(
      ["merged", { servers: ["lyon"], fusion: ["lyon", "paris"] }],
      ["joined", { room: "#lobby", person }],
      ["gap", { room: "#lobby", missing: 3 }],
      ["count", { room: "#lobby", members: 300 }],
    );
    expect(await events.take()).toMatchObject({ type: "merged" });
    expect(client.fusion).toEqual(["lyon", "paris"]);
    expect(await events.take()).toEqual({ type: "joined", room: "#lobby", person });
    expect(await events.take()).toEqual({ type: "gap", room: "#lobby", missing: 3 });
    expect(await events.take()).toEqual({ type: "count", room: "#lobby", members: 300 });
  });

  test("an event that a newer server invented is passed over", async () => {
    const { visitor, events } = await enter(await startPeer());
    visitor.raw(Uint8Array.of(0, 0, 0, 3, 0x7e, 0x7b, 0x7d));
    visitor.send("notice", { text: "still here" });
    expect(await events.take()).toMatchObject({ type: "notice" });
  });
});

describe("coming back", () => {
  test("a lost session is resumed from its last byte, and what was open asked again", async () => {
    const peer = await startPeer();
    const clock = new ManualClock();
    const { client, visitor, events } = await enter(peer, { clock, net: realNet });
    visitor.send("notice", { text: "one" });
    expect(await events.take()).toMatchObject({ text: "one" });
    const saying = client.say("#lobby", "hello");
    const first = await visitor.expect("say");
    const { sent } = visitor;
    visitor.close();
    expect(await events.take()).toMatchObject({ type: "connection", state: "lost" });
    // Said while there is no connection: it waits.
    const later = client.say("#lobby", "later");

    clock.pass(LIMITS.reconnectMsMin);
    const again = await peer.visitors.take();
    const login = await again.welcome({ resumed: true });
    expect(login).toEqual({ nick: "ann", resume: { token: "token", received: sent } });
    expect(await events.take()).toMatchObject({ type: "connection", state: "resumed" });
    const second = await again.answer("say", { id: "m1", at: 1 });
    expect(second).toEqual(first);
    expect(await saying).toEqual({ id: "m1", at: 1 });
    await again.answer("say", { id: "m2", at: 2 });
    expect(await later).toEqual({ id: "m2", at: 2 });
  });

  test("what had come in before a resume is not asked again, and is answered", async () => {
    const peer = await startPeer();
    const clock = new ManualClock();
    const { client, visitor } = await enter(peer, { clock, net: realNet });
    const [first, second] = [client.tell("bob@lyon", "one"), client.tell("bob@lyon", "two")];
    const { ref } = await visitor.expect("tell");
    await visitor.expect("tell");
    visitor.close();
    await visitor.gone.promise;
    clock.pass(LIMITS.reconnectMsMin);
    const again = await peer.visitors.take();
    await again.welcome({ resumed: true, lastRef: ref });
    expect(await again.answer("tell", { id: "m2", at: 2, outcome: "delivered" })).toMatchObject({
      text: "two",
    });
    expect(await second).toMatchObject({ id: "m2" });
    again.send("error", { ref, code: "NO_SUCH_SERVER", text: "no server lyon" });
    expect(first).rejects.toMatchObject({ code: "NO_SUCH_SERVER" });
  });

  test("a message that a new session refuses may have arrived in the old one", async () => {
    const peer = await startPeer();
    const clock = new ManualClock();
    const { client, visitor } = await enter(peer, { clock, net: realNet });
    const telling = client.tell("bob@lyon", "hi");
    await visitor.expect("tell");
    visitor.close();
    await visitor.gone.promise;
    clock.pass(LIMITS.reconnectMsMin);
    const again = await begunAnew(await peer.visitors.take());
    const { ref } = await again.expect("tell");
    again.send("error", { ref, code: "NO_SUCH_SERVER", text: "no server lyon" });
    expect(telling).rejects.toMatchObject({ code: "UNCONFIRMED" });
  });

  test("the count of a session goes on over as many resumes as it takes", async () => {
    const peer = await startPeer();
    const clock = new ManualClock();
    const { visitor, events } = await enter(peer, { clock, net: realNet });
    let [present, received] = [visitor, 0];
    for (const text of ["one", "two", "three"]) {
      const before = present.sent;
      present.send("notice", { text });
      received += present.sent - before;
      expect(await events.until((event) => event.type === "notice")).toMatchObject({ text });
      present.close();
      await events.until((event) => event.type === "connection");
      clock.pass(LIMITS.reconnectMsMin);
      present = await peer.visitors.take();
      const login = await present.welcome({ resumed: true });
      expect(login).toMatchObject({ resume: { received } });
      await events.until((event) => event.type === "connection");
    }
  });

  test("a session that is gone is begun anew, in the rooms of the old one", async () => {
    const peer = await startPeer();
    const clock = new ManualClock();
    const { client, visitor, events } = await enter(peer, { clock, net: realNet });
    const joining = client.join("#tea");
    await visitor.answer("join", { room: "#tea", members: 1 });
    await joining;
    visitor.close();
    await events.until((event) => event.type === "connection");
    clock.pass(LIMITS.reconnectMsMin);
    const again = await peer.visitors.take();
    await again.hello();
    expect(await again.expect("login")).toHaveProperty("resume");
    again.send("error", { code: "RESUME_FAILED", text: "unknown" });
    expect(await again.expect("login")).toEqual({ nick: "ann" });
    again.send("welcome", welcomeOf("ann"));
    expect(await again.expect("join")).toMatchObject({ room: "#tea" });
    expect(await events.take()).toMatchObject({ type: "connection", state: "back" });
    expect([...client.rooms]).toEqual(["#lobby", "#tea"]);
  });

  test("who is watched is watched in a new session, and told of where it has changed", async () => {
    const peer = await startPeer();
    const clock = new ManualClock();
    const { client, visitor, events } = await enter(peer, { clock, net: realNet });
    const [bob, cat] = ["bob@lyon", "cat@lyon"];
    const addresses = [bob, cat, "dan@lyon"];
    const watching = client.request("watch", { addresses: ["Bob@lyon", cat, "dan@lyon"] });
    visitor.send("watched", { address: bob, online: true });
    await visitor.answer("watch", { addresses });
    visitor.send("watched", { address: cat, online: true });
    expect(await watching).toEqual({ addresses });
    const unwatching = client.request("unwatch", { addresses: ["dan@lyon"] });
    await visitor.answer("unwatch", { addresses: ["dan@lyon"] });
    await unwatching;
    expect(await events.take()).toEqual({ type: "watched", address: bob, online: true });
    visitor.close();
    await events.until((event) => event.type === "connection");
    clock.pass(LIMITS.reconnectMsMin);
    const again = await begunAnew(await peer.visitors.take());
    await again.expect("history");
    expect((await again.expect("watch"))["addresses"]).toEqual([bob, cat]);
    again.sendAll(
      ["watched", { address: bob, online: true }],
      ["watched", { address: cat, online: false }],
    );
    expect(await events.take()).toMatchObject({ type: "connection", state: "back" });
    expect(await events.take()).toEqual({ type: "watched", address: cat, online: false });
  });

  test("what would be done twice is not asked again", async () => {
    const peer = await startPeer();
    const { client, visitor } = await enter(peer, { clock: new ManualClock(), net: realNet });
    const asked = client.request("command", { name: "roll", args: [] });
    await visitor.expect("command");
    visitor.close();
    expect(asked).rejects.toMatchObject({ code: "UNCONFIRMED" });
  });

  test("one who was kicked stays out", async () => {
    const { client, visitor, events } = await enter(await startPeer());
    visitor.send("error", { code: "KICKED", text: "enough" });
    visitor.close();
    expect(await events.take()).toMatchObject({
      type: "connection",
      state: "closed",
      failure: { code: "KICKED", text: "enough" },
    });
    expect(client.say("#lobby", "hello")).rejects.toMatchObject({ code: "KICKED" });
  });

  test("a server that stops is dialled again", async () => {
    const peer = await startPeer();
    const clock = new ManualClock();
    const { visitor, events } = await enter(peer, { clock, net: realNet });
    visitor.send("error", { code: "SERVER_STOPPING", text: "back soon" });
    visitor.close();
    expect(await events.take()).toMatchObject({
      state: "lost",
      failure: { code: "SERVER_STOPPING" },
    });
    clock.pass(LIMITS.reconnectMsMin);
    await peer.visitors.take();
  });

  test("a silent server is asked, and left when it does not answer", async () => {
    const peer = await startPeer();
    const clock = new ManualClock();
    const { visitor, events } = await enter(peer, { clock, net: realNet });
    clock.pass(LIMITS.idleMsMax + LIMITS.pongMsMax);
    clock.pass(LIMITS.idleMsMax + LIMITS.pongMsMax);
    await visitor.expect("ping");
    clock.pass(LIMITS.pongMsMax);
    expect(await events.take()).toMatchObject({ state: "lost" });
  });

  test("closing leaves a server that says nothing when it is dialled again", async () => {
    const peer = await startPeer();
    const clock = new ManualClock();
    const { client, visitor, events } = await enter(peer, { clock, net: realNet });
    visitor.close();
    await events.until((event) => event.type === "connection");
    clock.pass(LIMITS.reconnectMsMin);
    const silent = await peer.visitors.take();
    await silent.expect("hello");
    await client.close();
    await silent.gone.promise; // no deadline passes by this clock
  });

  test("whoever closes while events are told is told of nothing behind that", async () => {
    const peer = await startPeer();
    const connecting = connect({ nick: "ann", server: { host: "127.0.0.1", port: peer.port } });
    const visitor = await peer.visitors.take();
    await visitor.hello();
    await visitor.expect("login");
    const notices = ["one", "two"].map((text) => ["notice", { text }] as const);
    visitor.sendAll(["welcome", welcomeOf("ann")], ...notices);
    const client = await connecting;
    const told: string[] = [];
    client.on((event) => {
      told.push(event.type);
      if (event.type === "notice") client.close().catch(() => undefined);
    });
    await visitor.gone.promise;
    expect(told).toEqual(["notice", "connection"]);
  });

  test("closing says goodbye, rejects what is open and is told once", async () => {
    const { client, visitor, events } = await enter(await startPeer());
    const asked = client.request("fusion", {});
    const refused = asked.catch((thrown: unknown) => thrown);
    await client.close();
    await client.close();
    expect(await refused).toMatchObject({ code: "CANNOT_CONNECT" });
    expect(await events.take()).toEqual({ type: "connection", state: "closed" });
    await visitor.expect("fusion");
    await visitor.expect("bye");
  });
});

// --- internal ------------------------------------------------------------------------------------

/** Refuses the resume and welcomes a new session. */
async function begunAnew(visitor: Visitor): Promise<Visitor> {
  await visitor.hello();
  await visitor.expect("login");
  visitor.send("error", { code: "RESUME_FAILED", text: "unknown" });
  await visitor.expect("login");
  visitor.send("welcome", welcomeOf("ann"));
  return visitor;
}
