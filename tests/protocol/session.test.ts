// The rules of docs/protocol.md about connections, logins and requests, by their numbers, played
// against the real core over its wire. The others are in resume.test.ts and files.test.ts, phases
// in tests/core/phases.test.ts.

import { describe, expect, test } from "bun:test";
import { definePlugin } from "chatfusion";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KnownServers } from "../../src/client/known-servers.ts";
import { LIMITS } from "../../src/limits.ts";
import { encodeFrame, encodeJson, FRAME } from "../../src/protocol/frame.ts";
import { type RawClient, slowHistory, startSite } from "./native.ts";

const lobby = (text: string, more: object = {}) => ({ room: "#lobby", text, ...more });
const frames = (...parts: readonly Uint8Array[]) => new Uint8Array(Buffer.concat(parts));
const codes = (client: RawClient) => client.forget("error").map(({ code }) => code);
const texts = (client: RawClient) => client.forget("message").map(({ text }) => text);

describe("the connection", () => {
  test("P1: who talks plainly from elsewhere is told TLS_REQUIRED", () => {
    const client = startSite("plain").connect({ tls: false });
    client.push(encodeJson(FRAME.hello, {}));
    expect(client.take("error").says["code"]).toBe("TLS_REQUIRED");
    expect(client.closed).toBeDefined();
  });

  test("P2: another certificate of a server that was met is noticed", async () => {
    const file = join(tmpdir(), `known-servers-${crypto.randomUUID()}`);
    const known = await KnownServers.load(file);
    expect(known.compare("paris:7331", Uint8Array.of(1)).kind).toBe("new");
    await known.remember("paris:7331", Uint8Array.of(1));
    expect(known.compare("paris:7331", Uint8Array.of(1)).kind).toBe("known");
    expect(known.compare("paris:7331", Uint8Array.of(2)).kind).toBe("changed");
    await Bun.file(file).delete();
  });

  test("P3: a login that comes byte by byte is a login", () => {
    const client = startSite("bytes").greeted();
    for (const byte of encodeJson(FRAME.login, { nick: "bea" })) client.push(Uint8Array.of(byte));
    expect(client.take("welcome").says["nick"]).toBe("bea");
  });

  test("P4: a frame of length 0 is BAD_FRAME in every phase, and closes", () => {
    const site = startSite("zero");
    for (const client of [site.connect(), site.greeted(), site.enter("bea")]) {
      client.push(new Uint8Array(5));
      expect([codes(client), client.closed !== undefined]).toEqual([["BAD_FRAME"], true]);
    }
  });

  test("P5: frames may be longer after the welcome, and not by one byte too many", () => {
    const site = startSite("long");
    const says = (bytes: number) => frames(encodeFrame(FRAME.ping, new Uint8Array(bytes)));
    const before = LIMITS.frameBytesMaxBeforeEntry;
    for (const [client, most] of [
      [site.greeted(), before],
      [site.enter("bea"), LIMITS.frameBytesMax],
    ] as const) {
      client.push(says(most));
      expect(client.take("pong").payload).toHaveLength(most);
      client.push(says(most + 1).subarray(0, 5)); // its head is enough
      expect([codes(client), client.closed !== undefined]).toEqual([["FRAME_TOO_LARGE"], true]);
    }
  });

  test("P6: what is not UTF-8 is BAD_UTF8, and the connection stays", () => {
    const site = startSite("utf8");
    const bad = Uint8Array.of(0x7b, 0x22, 0xc0, 0xaf, 0x22, 0x7d);
    const client = site.greeted();
    client.push(encodeFrame(FRAME.login, bad));
    expect(codes(client)).toEqual(["BAD_UTF8"]);
    expect(client.login({ nick: "bea" }).name).toBe("welcome");
    client.push(encodeFrame(FRAME.say, bad));
    expect(codes(client)).toEqual(["BAD_UTF8"]);
    expect(client.ask("say", lobby("hi")).name).toBe("ack");
    const stranger = site.connect();
    stranger.push(encodeFrame(FRAME.hello, bad));
    expect([codes(stranger), stranger.closed !== undefined]).toEqual([["BAD_UTF8"], true]);
  });

  for (const payload of ["", "hi", "null", "7", '"text"', "[".repeat(60_000), "{}{}"])
    test(`P7: a payload of ${payload.slice(0, 8) || "nothing"} is BAD_FRAME, and closes`, () => {
      const client = startSite(payload.slice(0, 8)).enter("bea");
      client.push(encodeFrame(FRAME.say, new TextEncoder().encode(payload)));
      expect([codes(client), client.closed !== undefined]).toEqual([["BAD_FRAME"], true]);
    });

  test("P8: fields that nobody knows are ignored", () => {
    const client = startSite("fields").connect();
    client.send("hello", { version: { major: 1, minor: 9, patch: 3 }, colour: "red" });
    client.send("login", { nick: "bea", age: 7 });
    expect(client.ask("say", lobby("hi", { font: "bold" })).name).toBe("ack");
    expect(client.take("message").says).not.toHaveProperty("font");
  });

  test("P9: what does not begin with hello is refused, an HTTP client by HTTP", () => {
    const site = startSite("first");
    const client = site.connect();
    client.send("login", { nick: "bea" });
    expect([codes(client), client.closed !== undefined]).toEqual([["OUT_OF_PHASE"], true]);
    const browser = site.connect();
    // Its answer is no frame: the reader of frames says so.
    browser.push(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: paris\r\n\r\n"));
    expect(browser.closed).toBeDefined();
    expect(browser.heard).toEqual([]);
  });

  test("P10: another major version is refused, another minor one is not", () => {
    const site = startSite("version");
    const [two, nine] = [site.connect(), site.connect()];
    two.send("hello", { version: { major: 2, minor: 0 } });
    expect([codes(two), two.closed !== undefined]).toEqual([["VERSION"], true]);
    nine.send("hello", { version: { major: 1, minor: 9 } });
    expect(nine.take("hello").says).toMatchObject({ version: { major: 1 }, server: "paris" });
  });
});

describe("entering", () => {
  test("P11: who has not entered after 10 s is closed, however busily he talks", () => {
    const site = startSite("late");
    const [silent, talking] = [site.connect(), site.greeted()];
    for (let second = 0; second < 9; second++) {
      site.world.run(1000);
      talking.send("ping", {});
    }
    expect([silent.closed, talking.closed]).toEqual([undefined, undefined]);
    site.world.run(2000);
    expect([codes(silent), codes(talking)]).toEqual([["HANDSHAKE_TIMEOUT"], ["HANDSHAKE_TIMEOUT"]]);
    expect([silent.closed, talking.closed]).not.toContain(undefined);
  });

  test("P12: a request before the welcome is OUT_OF_PHASE; a ping is answered", () => {
    const site = startSite("early");
    const client = site.greeted();
    client.send("login", { nick: "slow" });
    client.send("ping", {});
    client.take("pong");
    client.send("say", lobby("too early"));
    expect([codes(client), client.closed !== undefined]).toEqual([["OUT_OF_PHASE"], true]);
    site.release();
    expect(site.enter("bea").ask("who", {}).says["total"]).toBe(1);
  });

  test("P13: an account takes the place of its own session, a guest of nobody who is here", () => {
    const site = startSite("replace");
    const first = site.enter("anna");
    const second = site.enter("anna");
    expect([codes(first), first.closed !== undefined]).toEqual([["SESSION_REPLACED"], true]);
    expect(second.ask("who", {}).says["total"]).toBe(1);
    const bea = site.enter("bea");
    const other = site.greeted();
    expect(other.login({ nick: "Bea" }).says["code"]).toBe("NICK_IN_USE");
    expect(other.login({ nick: "anna" }).says["code"]).toBe("NICK_REGISTERED");
    expect(other.login({ nick: "anna", password: "?" }).says["code"]).toBe("AUTH_FAILED");
    expect(other.login({ nick: "cleo" }).name).toBe("welcome");
    expect([bea.closed, second.closed]).toEqual([undefined, undefined]);
  });

  test("P13: a lost guest gives way to a guest from the same address, and to no other", () => {
    const site = startSite("ghost");
    const [bea, witness] = [site.enter("bea"), site.enter("cleo")];
    witness.forget();
    expect(site.greeted(bea.host).login({ nick: "bea" }).says["code"]).toBe("NICK_IN_USE");
    bea.hangUp();
    expect(site.greeted().login({ nick: "bea" }).says["code"]).toBe("NICK_IN_USE");
    const back = site.greeted(bea.host);
    expect(back.login({ nick: "bea" }).says["resumed"]).toBe(false);
    expect(witness.names()).toEqual(["left", "joined"]);
    expect(back.ask("who", {}).says["total"]).toBe(2);
  });

  test("P13: a lost session of an account gives way to no guest", () => {
    const site = startSite("ghost with a password");
    const anna = site.enter("anna");
    anna.hangUp();
    expect(site.greeted(anna.host).login({ nick: "anna" }).says["code"]).toBe("NICK_REGISTERED");
  });
});

describe("requests", () => {
  test("P15: what came before a fault is done, what came behind it is not read", () => {
    const site = startSite("fault");
    const [client, other] = [site.enter("bea"), site.enter("cleo")];
    const [before, behind] = [lobby("before"), lobby("behind")];
    const fault = new Uint8Array(5);
    client.push(frames(encodeJson(FRAME.say, before), fault, encodeJson(FRAME.say, behind)));
    expect(client.heard.at(-1)?.says["code"]).toBe("BAD_FRAME");
    expect(client.closed).toBeDefined();
    expect(texts(other)).toEqual(["before"]);
  });

  test("P16: a request of a newer version is answered with its ref, and no more", () => {
    const client = startSite("newer").enter("bea");
    client.push(encodeJson(0x3f, { ref: 9, colour: "red" }));
    expect(client.take("error").says).toMatchObject({ ref: 9, code: "UNKNOWN_TYPE" });
    for (const payload of [[0xff], [0x7b], [0x5b, 0x5d], []]) {
      client.push(encodeFrame(0x99, Uint8Array.from(payload)));
      const { says } = client.take("error");
      expect(says["code"]).toBe("UNKNOWN_TYPE");
      expect(says["text"]).toContain("type 0x99");
      expect(says).not.toHaveProperty("ref");
    }
    expect(client.ask("fusion", {}).name).toBe("ack");
  });

  test("P17: each request with a ref is answered once, well or not", () => {
    const client = startSite("refs").enter("bea");
    const asks = [
      encodeJson(FRAME.say, { ref: 3, ...lobby("hi") }),
      encodeJson(FRAME.say, { ref: 2, room: "#nowhere", text: "hi" }),
      encodeJson(FRAME.join, { ref: 2 ** 53 - 1, room: "#go" }),
      encodeJson(FRAME.part, { ref: 2, room: "#lobby" }),
    ];
    client.push(frames(...asks));
    const answers = client.heard.filter(({ says }) => "ref" in says);
    expect(answers.map(({ name, says }) => [name, says["ref"], says["code"]])).toEqual([
      ["ack", 3, undefined],
      ["error", 2, "NOT_IN_ROOM"],
      ["ack", 2 ** 53 - 1, undefined],
      ["error", 2, "CANNOT_LEAVE"],
    ]);
    expect(client.closed).toBeUndefined();
  });

  test("P18: without a ref there is no ack, but errors are told", () => {
    const client = startSite("no ref").enter("bea");
    client.send("join", { room: "#go" });
    client.send("part", { room: "#nowhere" });
    expect(client.names()).toEqual(["joined", "error"]);
    expect(client.take("error").says).toEqual({
      code: "NOT_IN_ROOM",
      text: expect.stringContaining("#nowhere"),
    });
  });

  for (const ref of [0, -1, 1.5, "7", null, [1], 2 ** 54])
    test(`P18: the ref ${JSON.stringify(ref)} is BAD_FRAME, and closes`, () => {
      const client = startSite(`ref ${JSON.stringify(ref)}`).enter("bea");
      client.send("fusion", { ref });
      expect([codes(client), client.closed !== undefined]).toEqual([["BAD_FRAME"], true]);
    });

  test("P19: a wrong field is named, nothing is done, and the connection stays", () => {
    const client = startSite("fields").enter("bea");
    const { says } = client.ask("say", { room: "#lobby", text: 5 });
    expect(says["code"]).toBe("BAD_REQUEST");
    expect(says["text"]).toContain("text");
    expect(client.names()).toEqual([]);
    expect(client.ask("fusion", {}).name).toBe("ack");
  });

  test("P20: what waits for a plugin holds back what was asked behind it", () => {
    const waiting: (() => void)[] = [];
    const slow = definePlugin({
      name: "slow",
      setup: () => ({
        onMessage: ({ text }) =>
          text === "slow"
            ? new Promise<undefined>((go) => waiting.push(() => go(undefined)))
            : undefined,
      }),
    });
    const site = startSite("order", slow());
    const [client, other] = [site.enter("bea"), site.enter("cleo")];
    client.forget();
    client.push(
      frames(
        encodeJson(FRAME.say, { ref: 1, ...lobby("slow") }),
        encodeJson(FRAME.say, { ref: 2, ...lobby("quick") }),
      ),
    );
    expect(client.names()).toEqual([]);
    other.send("say", lobby("from another"));
    expect(texts(other)).toEqual(["from another"]);
    client.forget();
    waiting.splice(0).forEach((go) => go());
    site.world.settle();
    expect(client.heard.map(({ name, says }) => says["ref"] ?? says["text"] ?? name)).toEqual([
      "slow",
      "quick",
      1,
      2,
    ]);
  });

  test("P20: an event may come before the answer of the request that it belongs to", () => {
    const { commits, history } = slowHistory();
    const site = startSite("overtaken", history);
    const [client, other] = [site.enter("bea"), site.enter("cleo")];
    client.forget();
    client.send("say", { ref: 1, ...lobby("waits for the log") });
    client.send("offer", { ref: 2, to: "cleo@paris", name: "a.txt", size: 1 });
    other.send("accept", { transfer: other.take("offered").says["transfer"] });
    expect(client.names()).toEqual(["message", "accepted"]);
    commits.splice(0).forEach((done) => done());
    site.world.settle();
    expect(client.names()).toEqual(["message", "accepted", "ack", "ack"]);
    expect(client.heard.map(({ says }) => says["ref"])).toEqual([undefined, undefined, 1, 2]);
  });

  test("P20: a history is answered when it is read, with what was said before it was asked", () => {
    const { commits, history } = slowHistory();
    const site = startSite("read", history);
    const client = site.enter("bea");
    client.push(
      frames(
        encodeJson(FRAME.say, { ref: 1, ...lobby("said before") }),
        encodeJson(FRAME.history, { ref: 2, room: "#lobby" }),
      ),
    );
    expect(client.names()).toEqual(["message"]); // both wait for the log
    commits.splice(0).forEach((done) => done());
    site.world.settle();
    const answer = client.heard.find(({ says }) => says["ref"] === 2);
    expect(answer?.says["messages"]).toMatchObject([{ text: "said before" }]);
  });

  test("P21: a message is acknowledged when the log has it, and told before", () => {
    const { commits, history } = slowHistory();
    const site = startSite("log", history);
    const client = site.enter("bea");
    client.send("say", { ref: 1, ...lobby("hi") });
    expect(client.names()).toEqual(["message"]);
    commits.splice(0).forEach((done) => done());
    site.world.settle();
    expect(client.names()).toEqual(["message", "ack"]);
  });

  test("P22: the sender gets the message like all others, with its cid, before the ack", () => {
    const site = startSite("echo");
    const [client, other] = [site.enter("bea"), site.enter("cleo")];
    client.forget();
    client.send("say", { ref: 1, ...lobby("hi", { cid: "c-1" }) });
    expect(client.names()).toEqual(["message", "ack"]);
    const mine = client.take("message").says;
    expect(mine).toMatchObject({ from: "bea@paris", text: "hi", kind: "text", cid: "c-1" });
    expect(other.take("message").says).toEqual(mine);
    expect(client.take("ack").says).toEqual({ ref: 1, id: mine["id"], at: mine["at"] });
  });

  test("P22: in a busy room, too, which holds up neither a private message nor its answer", () => {
    const site = startSite("busy");
    const [client, other] = [site.enter("bea"), site.enter("cleo")];
    site.world.shape({ latencyMs: 0, jitterMs: 0, splitChance: 0 });
    client.forget();
    const say = (text: string) => encodeJson(FRAME.say, { ref: 1, ...lobby(text) });
    client.begin(frames(say("a"), say("b"), say("c")));
    site.world.run(0.5);
    expect(client.names()).toEqual(["message", "message", "message", "ack", "ack", "ack"]);
    client.forget();
    client.begin(say("d"));
    other.begin(encodeJson(FRAME.tell, { ref: 2, to: "bea@paris", text: "psst" }));
    site.world.run(LIMITS.roomRestMsMin - 1);
    expect([client.names(), other.names().at(-1)]).toEqual([["private"], "ack"]);
    site.world.run(1);
    expect(client.names()).toEqual(["private", "message", "ack"]);
  });

  test("P23: nobody can say who he is but by his login", () => {
    const client = startSite("from").enter("bea");
    const lies = { from: "anna@paris", account: "anna", id: "0", at: 0, server: "rome" };
    client.send("say", { ...lobby("hi"), ...lies });
    const { says } = client.take("message");
    expect(says).toMatchObject({ from: "bea@paris" });
    expect(says).not.toHaveProperty("account");
    expect([says["id"], says["at"]]).not.toContain("0");
  });

  test("P24: a room's name comes back in its one form", () => {
    const client = startSite("form").enter("bea");
    expect(client.ask("join", { room: "#Go" }).says["room"]).toBe("#go");
    client.forget();
    client.send("say", { room: "#GO", text: "hi" });
    expect(client.take("message").says["room"]).toBe("#go");
    expect(client.ask("whois", { address: "BEA@Paris" }).says["address"]).toBe("bea@paris");
  });

  test("P25: a message sent again with its cid is the same message, also after a resume", () => {
    const site = startSite("cid");
    const [client, other] = [site.greeted(), site.enter("cleo")];
    const { says } = client.login({ nick: "bea" });
    const first = client.ask("say", lobby("once", { cid: "c-1" }));
    const again = client.ask("say", lobby("once", { cid: "c-1" }));
    const { received } = client;
    client.hangUp();
    const back = site.greeted();
    back.login({ nick: "bea", resume: { token: says["resume"], received } });
    const later = back.ask("say", lobby("once", { cid: "c-1" }));
    expect([again.says, later.says]).toEqual([first.says, first.says]);
    const told = client.ask.bind(back)("tell", { to: "cleo@paris", text: "hi", cid: "c-1" });
    expect(back.ask("tell", { to: "cleo@paris", text: "hi", cid: "c-1" }).says).toEqual(told.says);
    expect(other.heard.filter(({ name }) => name === "private")).toHaveLength(1);
    expect(texts(other)).toEqual(["once"]);
  });
});
