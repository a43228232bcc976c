// Bad input against a real server's port: what is no frame, comes too early, too late, or twice.
// Each gets an error with its code, and whoever else is there notices nothing.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { connect, type Client, type ClientEvent } from "../../src/client.ts";
import { LIMITS } from "../../src/limits.ts";
import { encodeJson, FRAME } from "../../src/protocol/frame.ts";
import { frameBytes, RawPeer } from "./raw.ts";
import { Heard, type ServerProgram, Stage } from "./servers.ts";

const TEST_MS = 60_000;
const VERSION_2 = { major: 2, minor: 0 };
const stage = new Stage();
const bytes = (text: string) => new TextEncoder().encode(text);
/** What is no UTF-8 as soon as it has an é. */
const latin1 = (text: string): Uint8Array => Buffer.from(text, "latin1");
const sayLatin1 = '{"room":"#lobby","text":"café"}';
const halfPair = '{"room":"#lobby","text":"\\ud800x"}';
const transfer = "0123456789abcdef".repeat(2);
const token = "0123456789abcdef";
let server: ServerProgram;
let bystander: Client;
const heard = new Heard("bystander");
let words = 0;

beforeAll(async () => {
  server = await stage.serve("paris");
  expect(await server.run("user-add bob bobs-secret")).toMatchObject({ ok: true });
  const at = { host: "127.0.0.1", port: server.port };
  bystander = await connect({ nick: "bystander", server: at });
  bystander.on((event: ClientEvent) => {
    if (event.type === "connection") heard.end(`the bystander's connection: ${event.state}`);
    if (event.type === "message") heard.put({ text: event.message.text });
  });
}, TEST_MS);
afterEach(async () => {
  const text = `word ${words++}`;
  await bystander.say("#lobby", text);
  await heard.when({ text });
}, TEST_MS);
afterAll(async () => {
  await bystander.close();
  await stage.close();
});

describe("before the login", () => {
  const refused: readonly (readonly [what: string, code: string, bytes: Uint8Array])[] = [
    ["garbage bytes", "FRAME_TOO_LARGE", new Uint8Array(4096).fill(0xff)],
    ["a frame of length 0", "BAD_FRAME", new Uint8Array(64)],
    ["an unknown frame", "OUT_OF_PHASE", encodeJson(0x99, {})],
    ["a message", "OUT_OF_PHASE", encodeJson(FRAME.say, { room: "#lobby", text: "hi" })],
    ["a login without a hello", "OUT_OF_PHASE", encodeJson(FRAME.login, { nick: "ann" })],
    ["a hello of 1 GiB", "FRAME_TOO_LARGE", frameBytes(2 ** 30, FRAME.hello, bytes("{"))],
    ["a hello of 4 KiB and 1", "FRAME_TOO_LARGE", frameBytes(4098, FRAME.hello, bytes("{"))],
    ["a hello that is no JSON", "BAD_FRAME", frameBytes(4, FRAME.hello, bytes("{,}"))],
    ["a hello that is no UTF-8", "BAD_UTF8", frameBytes(4, FRAME.hello, latin1('é"é'))],
    ["a hello without a version", "BAD_FRAME", encodeJson(FRAME.hello, {})],
    ["a client of another version", "VERSION", encodeJson(FRAME.hello, { version: VERSION_2 })],
    [
      "a server of another version",
      "VERSION",
      encodeJson(FRAME.link, { version: VERSION_2, fabric: "tree/1", hello: "" }),
    ],
    [
      "a server of another fabric",
      "FABRIC_DIFFERS",
      encodeJson(FRAME.link, { version: { major: 1, minor: 0 }, fabric: "other/1", hello: "" }),
    ],
    [
      "a server whose hello is torn",
      "BAD_FRAME",
      encodeJson(FRAME.link, { version: { major: 1, minor: 0 }, fabric: "tree/1", hello: "SA==" }),
    ],
    ["TLS, on a port that has none", "FRAME_TOO_LARGE", Uint8Array.of(0x16, 3, 1, 2, 0, 1)],
  ];
  for (const [what, code, sent] of refused) {
    test(`${what} is answered with ${code}, and the connection closed`, async () => {
      const peer = await RawPeer.connect(server.port);
      peer.raw(sent);
      const error = await peer.error();
      expect(error).toMatchObject({ code });
      expect(error["text"]).toMatch(/\w/);
      await peer.closed;
    });
  }

  test("a truncated frame ends with its connection", async () => {
    const peer = await RawPeer.connect(server.port);
    peer.raw(encodeJson(FRAME.hello, { version: { major: 1, minor: 0 } }).subarray(0, 20));
    peer.end();
    await peer.closed;
  });

  test("a browser is told that this is no web server, and how to join", async () => {
    const response = await fetch(`http://${server.address}/`);
    expect(response.status).toBe(426);
    expect(await response.text()).toContain(`chatfusion chat YOU@${server.address}`);
  });

  test("a frame from a client before it has logged in is out of phase", async () => {
    const peer = await RawPeer.connect(server.port);
    await peer.greet();
    peer.send("say", { ref: 1, room: "#lobby", text: "hi" });
    expect(await peer.error()).toMatchObject({ code: "OUT_OF_PHASE" });
    await peer.closed;
  });

  test("two logins at once are one too many", async () => {
    const peer = await RawPeer.connect(server.port);
    await peer.greet();
    const logins = ["one", "two"].map((nick) => encodeJson(FRAME.login, { nick }));
    peer.raw(Buffer.concat(logins));
    expect(await peer.error()).toMatchObject({ code: "OUT_OF_PHASE" });
    await peer.closed;
    expect(await who()).not.toContain("two@paris");
  });
});

describe("a hello that takes too long is cut off,", () => {
  test.concurrent(
    "byte by byte",
    async () => {
      const peer = await RawPeer.connect(server.port);
      const hello = encodeJson(FRAME.hello, { version: { major: 1, minor: 0 }, agent: "slow" });
      let sent = 0;
      const drip = setInterval(() => peer.raw(hello.subarray(sent, ++sent)), 500);
      const error = await peer.error().finally(() => clearInterval(drip));
      expect(error).toMatchObject({ code: "HANDSHAKE_TIMEOUT" });
      expect(sent).toBeLessThan(hello.length);
      await peer.closed;
    },
    TEST_MS,
  );

  test.concurrent(
    "and so is a login that never comes",
    async () => {
      const peer = await RawPeer.connect(server.port);
      await peer.greet();
      expect(await peer.error()).toMatchObject({ code: "HANDSHAKE_TIMEOUT" });
      await peer.closed;
    },
    TEST_MS,
  );
});

describe("after the login", () => {
  const closing: readonly (readonly [what: string, code: string, bytes: Uint8Array])[] = [
    ["a second login", "OUT_OF_PHASE", encodeJson(FRAME.login, { nick: "other" })],
    ["a second hello", "OUT_OF_PHASE", encodeJson(FRAME.hello, {})],
    ["an event of the server's", "OUT_OF_PHASE", encodeJson(FRAME.message, { text: "forged" })],
    ["a frame of 1 MiB", "FRAME_TOO_LARGE", frameBytes(2 ** 20, FRAME.say, bytes("{"))],
    ["a request that is no JSON", "BAD_FRAME", frameBytes(4, FRAME.say, bytes("{,}"))],
    ["a chunk without its head", "BAD_FRAME", frameBytes(4, FRAME.chunk, bytes("abc"))],
  ];
  for (const [what, code, sent] of closing) {
    test(`${what} is answered with ${code}, and the connection closed`, async () => {
      const peer = await RawPeer.enter(server.port, nextNick());
      peer.raw(sent);
      expect(await peer.error()).toMatchObject({ code });
      await peer.closed;
    });
  }

  const going: readonly (readonly [what: string, code: string, bytes: Uint8Array])[] = [
    ["an unknown frame", "UNKNOWN_TYPE", encodeJson(0x99, {})],
    [
      "a text that is no UTF-8",
      "BAD_UTF8",
      frameBytes(sayLatin1.length + 1, FRAME.say, latin1(sayLatin1)),
    ],
    ["a missing field", "BAD_REQUEST", encodeJson(FRAME.say, { room: "#lobby" })],
    ["a field of a wrong type", "BAD_REQUEST", encodeJson(FRAME.say, { room: 1, text: "" })],
    [
      "a text that is too long",
      "TEXT_TOO_LONG",
      encodeJson(FRAME.say, { room: "#lobby", text: "x".repeat(LIMITS.textBytesMax + 1) }),
    ],
    [
      "half a surrogate pair",
      "TEXT_INVALID",
      frameBytes(halfPair.length + 1, FRAME.say, bytes(halfPair)),
    ],
    ["an empty text", "TEXT_INVALID", encodeJson(FRAME.say, { room: "#lobby", text: "" })],
    ["a room one is not in", "NOT_IN_ROOM", encodeJson(FRAME.say, { room: "#tea", text: "hi" })],
    ["a room that is none", "ROOM_INVALID", encodeJson(FRAME.join, { room: "tea" })],
    ["nobody", "NO_SUCH_NICK", encodeJson(FRAME.tell, { to: "nobody@paris", text: "hi" })],
    ["nowhere", "NO_SUCH_SERVER", encodeJson(FRAME.tell, { to: "ann@nowhere", text: "hi" })],
    ["a transfer of nobody", "NO_SUCH_TRANSFER", encodeJson(FRAME.accept, { transfer })],
  ];
  for (const [what, code, sent] of going) {
    test(`${what} is answered with ${code}, and the connection goes on`, async () => {
      const peer = await RawPeer.enter(server.port, nextNick());
      peer.raw(sent);
      expect(await peer.error()).toMatchObject({ code });
      expect(await peer.ask("who", {})).toMatchObject({ frame: "ack" });
      peer.send("bye", {});
      await peer.closed;
    });
  }

  test("a truncated frame ends with its connection, and nothing of it is heard", async () => {
    const peer = await RawPeer.enter(server.port, nextNick());
    peer.raw(encodeJson(FRAME.say, { room: "#lobby", text: "torn" }).subarray(0, 25));
    peer.end();
    await peer.closed;
    expect(heard.all({ text: "torn" })).toEqual([]);
  });
});

describe("a nick", () => {
  const refused: readonly (readonly [what: string, code: string, login: object])[] = [
    ["in use", "NICK_IN_USE", { nick: "bystander" }],
    ["in use, but for its case", "NICK_IN_USE", { nick: "ByStander" }],
    ["of the database without a password", "NICK_REGISTERED", { nick: "bob" }],
    ["of the database in capitals", "NICK_REGISTERED", { nick: "BOB" }],
    ["with a wrong password", "AUTH_FAILED", { nick: "bob", password: "guessed" }],
    ["of nobody with a password", "AUTH_FAILED", { nick: "carol", password: "guessed" }],
    ["that is none", "NICK_INVALID", { nick: "b ob" }],
    ["with a token of nobody's", "RESUME_FAILED", { nick: "x", resume: { token, received: 0 } }],
  ];
  for (const [what, code, login] of refused) {
    test(`${what} is refused with ${code}, and another login may follow`, async () => {
      const peer = await RawPeer.connect(server.port);
      await peer.greet();
      peer.send("login", login);
      expect(await peer.error()).toMatchObject({ code });
      peer.send("login", { nick: nextNick() });
      await peer.heard.when({ frame: "welcome" });
      peer.send("bye", {});
      await peer.closed;
    });
  }

  test("of the database is not to be had by a change of nick either", async () => {
    const peer = await RawPeer.enter(server.port, "guest");
    expect(await peer.ask("rename", { nick: "bob" })).toMatchObject({ code: "NICK_REGISTERED" });
    const guess = { nick: "bob", password: "guessed" };
    expect(await peer.ask("rename", guess, 2)).toMatchObject({ code: "AUTH_FAILED" });
    expect(await peer.ask("rename", { nick: "bystander" }, 3)).toMatchObject({
      code: "NICK_IN_USE",
    });
    expect(await who()).toContain("guest@paris");
    peer.send("bye", {});
    await peer.closed;
  });

  test("that a guest holds goes to the account that is made for it", async () => {
    const guest = await RawPeer.enter(server.port, "dora");
    expect(await server.run("user-add dora doras-secret")).toMatchObject({ ok: true });
    expect(await guest.error()).toMatchObject({ code: "NICK_CLAIMED" });
    await guest.closed;
    const owner = await RawPeer.enter(server.port, "dora", "doras-secret");
    owner.send("bye", {});
    await owner.closed;
  });

  test("with its password replaces its own older session", async () => {
    const older = await RawPeer.enter(server.port, "bob", "bobs-secret");
    const newer = await RawPeer.enter(server.port, "bob", "bobs-secret");
    expect(await older.error()).toMatchObject({ code: "SESSION_REPLACED" });
    await older.closed;
    newer.send("bye", {});
    await newer.closed;
  });
});

// --- internal ------------------------------------------------------------------------------------

let nicks = 0;

function nextNick(): string {
  return `peer${nicks++}`;
}

async function who(): Promise<readonly string[]> {
  const { people } = await bystander.request("who", {});
  return people.map(({ address }) => address);
}
