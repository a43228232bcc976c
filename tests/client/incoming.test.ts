// The receiver's end by itself: a disk that fails, and how the window grows.

import { expect, test } from "bun:test";
import { ChatFusionError } from "../../src/errors.ts";
import type { Download } from "../../src/client/download.ts";
import { Incoming } from "../../src/client/incoming.ts";
import type { TransferPort } from "../../src/client/transfer.ts";
import { LIMITS } from "../../src/limits.ts";
import { ManualClock } from "../net/parts.ts";
import { bytesOf } from "./files.ts";
import { Mailbox, offerOf, sha256, transferId } from "./peer.ts";

interface Told {
  readonly name: string;
  readonly ask: object;
}

function makePort() {
  const clock = new ManualClock();
  const told = new Mailbox<Told>();
  const tell: TransferPort["tell"] = (name, ask) => told.put({ name, ask });
  const port: TransferPort = {
    clock,
    token: () => "7".repeat(32),
    tell,
    tellBehindChunks: tell,
    sendChunk: () => true,
    chunksQueued: () => 0,
    connected: () => true,
    address: () => "ann@paris",
  };
  return { clock, told, port };
}

/** A disk in memory, that may be full. */
function makeDownload(room: number): Download & { readonly calls: string[] } {
  const calls: string[] = [];
  let left = room;
  return {
    calls,
    write(bytes) {
      left -= bytes.length;
      if (left >= 0) return Promise.resolve();
      return Promise.reject(new ChatFusionError("FILE_UNWRITABLE", "the disk is full"));
    },
    keep() {
      calls.push("keep");
      return Promise.resolve("kept");
    },
    discard() {
      calls.push("discard");
      return Promise.resolve();
    },
  };
}

test("a disk that is full midway cancels, says so, and leaves nothing", async () => {
  const { told, port } = makePort();
  const download = makeDownload(100_000);
  const size = 4 * LIMITS.chunkBytesMax;
  const incoming = new Incoming(offerOf("a", size), download, port, {});
  const bytes = bytesOf(LIMITS.chunkBytesMax);
  for (let at = 0; at < size; at += bytes.length) incoming.chunk(at, bytes);
  const cancel = await told.until(({ name }) => name === "cancel");
  expect(cancel.ask).toEqual({
    transfer: transferId,
    code: "FILE_UNWRITABLE",
    reason: "the receiver cannot write it",
  });
  expect(incoming.result).rejects.toMatchObject({ message: "the disk is full" });
  await incoming.result.catch(() => undefined);
  expect(download.calls).toEqual(["discard"]);
});

test("a transfer on which nothing moves is given up", async () => {
  const { clock, told, port } = makePort();
  const incoming = new Incoming(offerOf("a", 10), makeDownload(10), port, {});
  incoming.chunk(0, bytesOf(5));
  clock.pass(2 * LIMITS.transferStallMsMax);
  clock.pass(2 * LIMITS.transferStallMsMax);
  clock.pass(2 * LIMITS.transferStallMsMax);
  expect((await told.take()).name).toBe("cancel");
  expect(incoming.result).rejects.toMatchObject({ code: "TRANSFER_INTERRUPTED" });
});

test("one that waits, and is not offered again in time, leaves nothing", async () => {
  const { clock, port } = makePort();
  const download = makeDownload(10);
  const offer = { ...offerOf("a", 10), sending: "5e".repeat(16) };
  const incoming = new Incoming(offer, download, port, {});
  incoming.accepted();
  incoming.chunk(0, bytesOf(5));
  incoming.interrupt(new ChatFusionError("TRANSFER_INTERRUPTED", "lyon is gone"));
  clock.pass(LIMITS.transferResumeMsMax - 1);
  expect(incoming.isPaused).toBe(true);
  clock.pass(1);
  expect(incoming.result).rejects.toThrow("lyon is gone; it did not go on within 15 minutes");
  await incoming.result.catch(() => undefined);
  expect(download.calls).toEqual(["discard"]);
  expect(clock.timers).toBe(0);
});

test("why it is not gone on with is told in so many words as a reason may have", () => {
  const { clock, port } = makePort();
  const offer = { ...offerOf("a", 10), sending: "5e".repeat(16) };
  const incoming = new Incoming(offer, makeDownload(10), port, {});
  incoming.accepted();
  incoming.interrupt(new ChatFusionError("TRANSFER_INTERRUPTED", "→".repeat(1000)));
  expect(incoming.refusal).toBeUndefined();
  clock.pass(LIMITS.transferResumeMsMax);
  incoming.result.catch(() => undefined);
  const reason = incoming.refusal ?? "";
  expect(reason.length).toBeGreaterThan(0);
  expect(Buffer.byteLength(reason)).toBeLessThanOrEqual(LIMITS.reasonBytesMax);
});

test("a disk that fails while it waits ends it", async () => {
  const { told, port } = makePort();
  const download = makeDownload(3);
  const offer = { ...offerOf("a", 10), sending: "5e".repeat(16) };
  const incoming = new Incoming(offer, download, port, {});
  incoming.accepted();
  incoming.chunk(0, bytesOf(5));
  incoming.interrupt(new ChatFusionError("TRANSFER_INTERRUPTED", "lyon is gone"));
  expect(incoming.result).rejects.toMatchObject({ message: "the disk is full" });
  await incoming.result.catch(() => undefined);
  expect(download.calls).toEqual(["discard"]);
  told.put({ name: "nothing was told", ask: {} });
  expect((await told.take()).name).toBe("nothing was told");
});

test("of which all is here when it is interrupted waits for the disk only", async () => {
  const { clock, port } = makePort();
  const written = Promise.withResolvers<void>();
  const download = { ...makeDownload(10), write: () => written.promise };
  const offer = { ...offerOf("a", 5), sending: "5e".repeat(16) };
  const incoming = new Incoming(offer, download, port, {});
  incoming.accepted();
  const bytes = bytesOf(5);
  incoming.chunk(0, bytes);
  incoming.finished(sha256(bytes));
  incoming.interrupt(new ChatFusionError("TRANSFER_INTERRUPTED", "ann@paris is gone"));
  expect(incoming.isPaused).toBe(false);
  written.resolve();
  expect(await incoming.result).toMatchObject({ path: "kept", size: 5 });
  expect(clock.timers).toBe(0);
});

/** Receives with a way of so many milliseconds for a window; returns the last window. */
async function windowAfter(delayMsOf: (window: number) => number): Promise<number> {
  const { clock, port } = makePort();
  const size = 2 ** 40;
  let upTo: number = LIMITS.creditBytes;
  const tell: TransferPort["tell"] = (_name, ask) => {
    if ("upTo" in ask) upTo = ask.upTo;
  };
  const offer = offerOf("a", size);
  const incoming = new Incoming(offer, makeDownload(size), { ...port, tell }, {});
  const bytes = bytesOf(LIMITS.chunkBytesMax);
  let window = upTo;
  for (let at = 0, round = 0; round < 30; round++) {
    // What is permitted meanwhile comes in the next round.
    const end = upTo;
    for (; at + bytes.length <= end; at += bytes.length) incoming.chunk(at, bytes);
    // All of it is written before the next turn.
    await new Promise((done) => setImmediate(done));
    window = upTo - at;
    clock.pass(delayMsOf(window));
  }
  incoming.end(new ChatFusionError("TRANSFER_CANCELLED", "enough"));
  return window;
}

test("on a short way the window stays small: a larger one is only a queue", async () => {
  expect(await windowAfter(() => 1)).toBe(LIMITS.creditBytes);
  // As soon as it is seen to be short: the first bytes may have been late.
  let rounds = 0;
  expect(await windowAfter(() => (rounds++ < 5 ? 10 : 1))).toBe(LIMITS.creditBytes);
});

test("on a long way it grows to its bound: the delay is the way's, not a queue's", async () => {
  // It is renewed a quarter at a time.
  const least = (LIMITS.creditBytesMax * 3) / 4;
  for (const ms of [5, 150]) expect(await windowAfter(() => ms)).toBeGreaterThan(least);
});

test("no more is permitted than the disk follows", async () => {
  const { port } = makePort();
  const size = 16 * LIMITS.creditBytesMax;
  const stuck = { ...makeDownload(size), write: () => new Promise<void>(() => undefined) };
  let upTo: number = LIMITS.creditBytes;
  const tell: TransferPort["tell"] = (_name, ask) => {
    if ("upTo" in ask) upTo = ask.upTo;
  };
  const incoming = new Incoming(offerOf("a", size), stuck, { ...port, tell }, {});
  const bytes = bytesOf(LIMITS.chunkBytesMax);
  const bound = LIMITS.writeAheadBytes + LIMITS.creditBytes;
  let at = 0;
  for (; at + bytes.length <= upTo; at += bytes.length) {
    incoming.chunk(at, bytes);
    expect(upTo).toBeLessThanOrEqual(bound);
  }
  expect(at).toBe(bound);
});

test("where a larger window only waits in queues, it stays small", async () => {
  // 20 MB a second, whatever the window.
  const window = await windowAfter((bytes) => bytes / 20_000);
  expect(window).toBeLessThanOrEqual(4 * LIMITS.creditBytes);
});
