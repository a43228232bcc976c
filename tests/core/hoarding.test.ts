// A server of the fusion that makes others keep what they cannot use: it finds a bound.

import { expect, test } from "bun:test";
import { createDirectory } from "../../src/core/directory.ts";
import type { Presence } from "../../src/core/presence.ts";
import type { Peer } from "../../src/core/peer.ts";
import { createIncoming } from "../../src/core/incoming.ts";
import { LIMITS } from "../../src/limits.ts";
import type { RoomName } from "../../src/names.ts";
import { sidOf } from "../../src/plugin.ts";
import { encodeFrame, FRAME } from "../../src/protocol/frame.ts";
import { encodeTick } from "../../src/protocol/batch.ts";
import { createWorld } from "../../src/testing.ts";

const sid = sidOf(new Uint8Array(16).fill(5));
const life = "0123456789abcdef";
const { environment } = (() => {
  const world = createWorld({ seed: "hoarding" });
  return { environment: world.environment("paris") };
})();
const { clock, crypto, log } = environment;
const anyCrypto = { ...crypto, verify: () => true };
const sign = () => new Uint8Array(64);

function makePeer(): Peer {
  const sent: unknown[] = [];
  return {
    sid,
    life,
    name: "evil",
    key: new Uint8Array(32),
    present: true,
    people: new Map(),
    rooms: new Map(),
    streams: new Map(),
    version: undefined,
    missed: false,
    ahead: [],
    send: (message: unknown) => sent.push(message) > 0,
    owns: () => true,
  } as unknown as Peer;
}

function optionsOf(peer: Peer): Parameters<typeof createIncoming>[0] {
  return {
    clock,
    crypto: anyCrypto,
    log,
    onMerge: 0,
    source: () => peer,
    mark: () => undefined,
    begun: () => undefined,
    ask: () => undefined,
    canAsk: () => true,
    isOver: () => false,
    progressed: () => undefined,
    subscribed: () => true,
    full: () => false,
    deliver: () => undefined,
    gap: () => undefined,
  };
}

test("batches with a gap before them, in a thousand rooms, are kept up to a bound", () => {
  const peer = makePeer();
  const incoming = createIncoming(optionsOf(peer));
  const frame = encodeFrame(FRAME.message, new Uint8Array(100_000));
  for (let at = 0; at < 1000; at++) {
    const room = `#r${at}` as RoomName;
    incoming.stands(peer, room, 0);
    const leaf = { origin: sid, life, tick: 1, room, first: 7, frames: [frame] };
    for (const batch of encodeTick(anyCrypto, sign, [leaf])) incoming.receive(batch);
  }
  let held = 0;
  for (const { held: batches } of peer.streams.values())
    for (const { body } of batches) held += body.length;
  expect(held).toBeWithin(LIMITS.linkFrameBytesMax, 8 * LIMITS.linkFrameBytesMax + 1);
  // What is next is still taken: nobody else's streams stand still, nor this one's.
  const room = "#r999" as RoomName;
  const leaf = {
    origin: sid,
    life,
    tick: 2,
    room,
    first: 1,
    frames: [encodeFrame(FRAME.message, new Uint8Array(2))],
  };
  for (const batch of encodeTick(anyCrypto, sign, [leaf])) incoming.receive(batch);
  expect(peer.streams.get(room)?.have).toBe(1);
  incoming.close();
});

test("who comes anew without end, and has it not, keeps no gap from being told", () => {
  const peer = { ...makePeer(), present: false };
  let at = 0;
  const gaps: number[] = [];
  const incoming = createIncoming({
    ...optionsOf(peer),
    clock: { ...clock, monotonic: () => at },
    isOver: () => true,
    gap: (_, missing) => void gaps.push(missing),
  });
  const room = "#tea" as RoomName;
  const stream = incoming.stream(peer, room);
  stream.have = 0;
  const frames = [encodeFrame(FRAME.message, new Uint8Array(2))];
  const leaf = { origin: sid, life, tick: 1, room, first: 7, frames };
  for (const batch of encodeTick(anyCrypto, sign, [leaf])) incoming.receive(batch);
  for (; at <= LIMITS.originAwayMsMax; at += LIMITS.askAgainMs) {
    expect(gaps).toEqual([]);
    stream.refusals = 0; // another one has told that it has it
    incoming.lost(peer, { t: "lost", room, from: 1, to: 6 }, true);
  }
  expect(gaps[0]).toBe(6);
  incoming.close();
});

test("changes of people whose beginning is not known are kept up to a bound", () => {
  const peer = makePeer();
  const directory = createDirectory({
    crypto: anyCrypto,
    identity: () => {
      throw new Error("nothing is told");
    },
    presence: {} as Presence,
    sessions: () => [],
    publish: () => undefined,
    interest: () => undefined,
    schedule: () => undefined,
    head: () => undefined,
  });
  const told = (v: number, count: number) => {
    const change = { op: "go", nick: "ann", reason: "r".repeat(500) };
    const body = JSON.stringify({ life, v, changes: Array.from({ length: count }, () => change) });
    const bytes = new Uint8Array(64 + body.length);
    bytes.set(new TextEncoder().encode(body), 64);
    return directory.receive(peer, bytes);
  };
  expect(told(1, LIMITS.directoryChangesMax + 1)).toBe("refused");
  for (let v = 1; v <= 500; v++) told(v * 100, LIMITS.directoryChangesMax);
  const kept = peer.ahead.reduce((sum, { changes }) => sum + changes.length, 0);
  expect(kept).toBeLessThanOrEqual(64 * LIMITS.directoryChangesMax);
});
