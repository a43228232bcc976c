// Hostile servers on real sockets against a real process, while an honest pair of servers talks all
// the time: each is cut off where it is at fault, nobody waits for it, and nothing of it is left.

import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { LINK_FRAME } from "../../plugins/fabric-tree/hello.ts";
import { connect, type Client, type ClientEvent } from "../../src/client.ts";
import { LIMITS } from "../../src/limits.ts";
import { encodeFrame, encodeJson, FRAME } from "../../src/protocol/frame.ts";
import { LinkPeer, realIdentity } from "./link-peer.ts";
import { frameBytes } from "./raw.ts";
import { Heard, type ServerProgram, Stage } from "./servers.ts";

const TEST_MS = 120_000;
/** What is said is heard within this, always: the machine may be slow, a stall is seconds. */
const CHAT_MS_MAX = 3000;
const MiB = 1024 * 1024;
const stage = new Stage();
let paris: ServerProgram;
let lyon: ServerProgram;
let ann: Client;
let bob: Client;
const heard = new Heard("bob");
/** What goes on all the time, and how long it took at worst since the last test. */
const talk = { on: true, slowestMs: 0, ended: Promise.resolve() };
let peers = 0;
/** Files and sockets of paris when nobody hostile was there. */
let filesBefore = 0;

beforeAll(async () => {
  [paris, lyon] = await Promise.all([stage.serve("paris"), stage.serve("lyon")]);
  expect(await lyon.run(`merge ${paris.address}`)).toMatchObject({ ok: true, state: "merged" });
  ann = await connect({ nick: "ann", server: { host: "127.0.0.1", port: paris.port } });
  bob = await connect({ nick: "bob", server: { host: "127.0.0.1", port: lyon.port } });
  bob.on((event: ClientEvent) => {
    if (event.type === "message") heard.put({ text: event.message.text });
  });
  talk.ended = talkOn();
  filesBefore = files();
}, TEST_MS);
afterEach(async () => {
  expect(talk.slowestMs).toBeLessThan(CHAT_MS_MAX);
  talk.slowestMs = 0;
  // Nothing is left: neither in the fusion, nor of its connections.
  const { servers } = (await paris.run("map")) as { servers?: readonly { server: string }[] };
  expect(servers?.map(({ server }) => server).toSorted()).toEqual(["lyon", "paris"]);
  expect(await paris.run("status")).toMatchObject({ connections: 2, strangers: 0 });
}, TEST_MS);
afterAll(async () => {
  talk.on = false;
  await talk.ended;
  await ann.close();
  await bob.close();
  await stage.close();
}, TEST_MS);

test(
  "a handshake that breaks off after any of its bytes leaves nothing behind",
  async () => {
    const whole = await join();
    const length = whole.written;
    whole.end();
    await paris.when({ event: "link", state: "lost" });
    let next = 1;
    const inTurn = async () => {
      while (next < length) {
        const bytesMax = next++;
        const peer = await LinkPeer.dial(paris.port, nobody(), { bytesMax });
        await Promise.race([peer.when("spent"), peer.closed]);
        peer.end();
        await peer.closed;
      }
    };
    await Promise.all(Array.from({ length: 8 }, inTurn));
    await gone();
  },
  TEST_MS,
);

test(
  "a handshake that stops after any of its steps, or between them, is ended with a reason",
  async () => {
    const some = [1, 4, 5, 6, 100, 300, 330, 400, 450, 500];
    const waiting = await Promise.all([
      ...some.map((bytesMax) => LinkPeer.dial(paris.port, nobody(), { bytesMax, upTo: "fusion" })),
      ...(["link", "auth", "fusion"] as const).map((upTo) => {
        return LinkPeer.dial(paris.port, nobody(), { upTo });
      }),
    ]);
    await Promise.all(waiting.map(({ closed }) => closed));
    for (const { reason } of waiting) expect(reason?.code).toBe("HANDSHAKE_TIMEOUT");
    await gone();
  },
  TEST_MS,
);

test(
  "a peer that writes one byte a second is not waited for longer than others",
  async () => {
    const peer = await LinkPeer.dial(paris.port, nobody(), { bytesMax: 0 });
    const bytes = frameBytes(1000, FRAME.link, new Uint8Array(100));
    let at = 0;
    const timer = setInterval(() => peer.trickle(bytes.subarray(at, ++at)), 1000);
    await peer.closed;
    clearInterval(timer);
    expect(peer.reason?.code).toBe("HANDSHAKE_TIMEOUT");
    await gone();
  },
  TEST_MS,
);

test(
  "hundreds of dials that say nothing more do not keep an honest server from merging",
  async () => {
    const crowd: LinkPeer[] = [];
    for (let at = 0; at < 300; at++)
      crowd.push(await LinkPeer.dial(paris.port, nobody(), { upTo: at % 2 ? "link" : "fusion" }));
    const nice = await stage.serve("nice");
    expect(await nice.run(`merge ${paris.address}`)).toMatchObject({ ok: true, state: "merged" });
    await nice.run("stop");
    await Promise.all(crowd.map(({ closed }) => closed));
    await paris.when({ event: "split", lost: ["nice"] });
    await gone();
  },
  TEST_MS,
);

test(
  "a member that reads nothing costs bounded memory, holds nobody up, and is cut off",
  async () => {
    const peer = await join();
    peer.deaf(true);
    const before = residentBytes();
    const from = heard.lines.length;
    const text = "x".repeat(LIMITS.textBytesMax - 100);
    for (let at = 0; at < 1000; at++) await ann.say("#lobby", `${at} ${text}`);
    await heard.when({ text: `999 ${text}` }, from);
    // The link's bounds, what paris keeps for repairs, and what the allocator has not given back.
    expect(residentBytes() - before).toBeLessThan(120 * MiB);
    const mark = paris.heard.lines.length;
    await paris.when({ event: "link", state: "lost", server: peer.self.name }, mark);
    peer.deaf(false);
    peer.end();
    await gone();
  },
  TEST_MS,
);

test(
  "a length that lies reserves nothing, and is refused at once",
  async () => {
    const before = residentBytes();
    for (const length of [LIMITS.linkFrameBytesMax + 2, 2 ** 31, 2 ** 32 - 1, 0]) {
      const peer = await join();
      peer.raw(frameBytes(length, LINK_FRAME.routed, new Uint8Array(10)));
      await peer.closed;
      expect(peer.reason?.code).toBe(length === 0 ? "BAD_FRAME" : "FRAME_TOO_LARGE");
    }
    expect(residentBytes() - before).toBeLessThan(32 * MiB);
    await gone();
  },
  TEST_MS,
);

test(
  "a reason that is no text, and a card with a key that is none, end no process",
  async () => {
    const peer = await join();
    peer.raw(encodeJson(FRAME.error, { code: "MERGE_DENIED", text: ["\u202e", { a: 1 }] }));
    await peer.closed;
    const card = { life: "0123456789abcdef", seal: "00".repeat(32) };
    const zero = await join(new TextEncoder().encode(JSON.stringify(card)));
    expect(await paris.run("map")).toMatchObject({ ok: true });
    zero.end();
    await zero.closed;
    await gone();
  },
  TEST_MS,
);

test(
  "floods of pings, of frames that are none, and of announcements hold nobody up",
  async () => {
    const ping = encodeFrame(LINK_FRAME.ping, new Uint8Array(8));
    const many = (one: Uint8Array, count: number) =>
      new Uint8Array(Buffer.concat(Array.from({ length: count }, () => one)));
    const pinging = await join();
    for (let at = 0; at < 100; at++) pinging.raw(many(ping, 1000));
    // Addressed to paris itself, which finds nothing in them that is true.
    const head = new Uint8Array(18).fill(7);
    head[0] = 4 + 2;
    head[17] = 0;
    const junk = encodeFrame(LINK_FRAME.routed, new Uint8Array([...head, ...new Uint8Array(200)]));
    const lying = await join();
    for (let at = 0; at < 50; at++) lying.raw(many(junk, 200));
    const telling = await join();
    for (let at = 0; at < 200; at++) telling.announce([]);
    await heard.when({ text: await said() });
    expect([pinging.reason, lying.reason]).toEqual([undefined, undefined]);
    for (const peer of [pinging, lying, telling]) peer.end();
    await gone();
  },
  TEST_MS,
);

// --- internal ------------------------------------------------------------------------------------

const nobody = () => realIdentity(`nobody${peers++}`);

/** A hostile member. */
async function join(card?: Uint8Array): Promise<LinkPeer> {
  const self = realIdentity(`evil${peers++}`);
  const peer = await LinkPeer.dial(paris.port, card === undefined ? self : { ...self, card });
  await peer.when("full");
  return peer;
}

/** Resolves when paris has ann's and lyon's connections alone, and no file more than before. */
async function gone(): Promise<void> {
  for (;;) {
    const { connections } = (await paris.run("status")) as { connections?: number };
    const { servers } = (await paris.run("map")) as { servers?: readonly unknown[] };
    if (connections === 2 && servers?.length === 2 && files() <= filesBefore) return;
  }
}

let words = 0;

/** Says the next word; resolves to it when it is acknowledged. */
async function said(): Promise<string> {
  const text = `word ${words++}`;
  await ann.say("#lobby", text);
  return text;
}

/** Talks without a pause, and notes how long it took at worst until bob had heard a word. */
async function talkOn(): Promise<void> {
  while (talk.on) {
    const begun = performance.now();
    await heard.when({ text: await said() });
    talk.slowestMs = Math.max(talk.slowestMs, performance.now() - begun);
  }
}

const files = (): number =>
  existsSync("/proc/self/fd") ? readdirSync(`/proc/${paris.pid}/fd`).length : 0;

/** 0 where it cannot be known. */
function residentBytes(): number {
  if (!existsSync("/proc/self/statm")) return 0;
  const pages = readFileSync(`/proc/${paris.pid}/statm`, "utf8").split(" ")[1];
  return Number(pages) * 4096;
}
