// What the store of rooms' entries holds, and what is on the disk of it.

import { expect, test } from "bun:test";
import { createStateStore, type Held } from "../../src/core/state-store.ts";
import { LIMITS } from "../../src/limits.ts";
import { idAt } from "../../src/protocol/id.ts";
import type { RoomName, ServerName, Sid } from "../../src/names.ts";
import { encodeState } from "../../src/protocol/state.ts";
import { createWorld } from "../../src/testing/world.ts";

test("what waits for the disk is not written over something newer that came meanwhile", () => {
  const world = createWorld({ seed: "newer came" });
  const environment = world.environment("paris");
  const store = createStateStore(environment);
  const key = new Uint8Array(32).toHex();
  const sid = environment.crypto.sha256(new Uint8Array(32)).subarray(0, 16).toHex() as Sid;
  const topicOf = (text: string, count: number, value: string): Held => {
    const [id, room, server] = [`0mjuoi6of000${count}d58b4c57`, text as RoomName, "paris"];
    const entry = { id, room, key: "topic", value, by: "ann", server: server as ServerName };
    return { entry, sid, row: [encodeState(entry), key, new Uint8Array(64).toHex()] };
  };
  // The disk is busy with the first one.
  const staged = ["#busy", "#chat"].map((room) => store.stage([topicOf(room, 1, "older")]));
  // The server's own, of a life that a backup knows nothing of: another one has kept it.
  expect(store.take(topicOf("#chat", 2, "newer"))).toBe(true);
  expect(world.until(Promise.all(staged))).toEqual([undefined, undefined]);
  world.until(store.idle());
  const again = createStateStore(environment);
  world.until(again.load());
  expect(again.entries("#chat" as RoomName).map(({ entry }) => entry.value)).toEqual(["newer"]);
  expect(again.digests()).toEqual(store.digests());
});

test("bans that have ended make room for others, the oldest first", () => {
  const world = createWorld({ seed: "ended" });
  const environment = world.environment("paris");
  const store = createStateStore(environment);
  const key = new Uint8Array(32).toHex();
  const sid = environment.crypto.sha256(new Uint8Array(32)).subarray(0, 16).toHex() as Sid;
  const [room, server] = ["#chat" as RoomName, "paris" as ServerName];
  const now = environment.clock.now();
  const banOf = (count: number, value: { readonly until?: number }): Held => {
    const id = `${idAt(now + count)}0000d58b4c57`;
    const entry = { id, room, key: `ban/e${count}@lyon`, value, by: "ann", server };
    return { entry, sid, row: [encodeState(entry), key, new Uint8Array(64).toHex()] };
  };
  const most = LIMITS.stateEntriesPerServerMax;
  expect(store.take(banOf(0, {}))).toBe(true);
  for (let i = 1; i < most; i++) store.take(banOf(i, { until: now + 60_000 }));
  expect(store.refusal(room, sid, "topic")?.code).toBe("TOO_MANY_ENTRIES");
  world.run(60_000);
  expect(store.refusal(room, sid, "topic")).toBeUndefined();
  expect(store.take(banOf(most, {}))).toBe(true);
  const held = [0, 1, 2, most].filter((i) => store.ofKey(room, `ban/e${i}@lyon`).length > 0);
  expect(held).toEqual([0, 2, most]);
});

test("whoever holds the same has the same digests, in whatever order and how it was signed", () => {
  const world = createWorld({ seed: "in any order" });
  const environment = world.environment("paris");
  const stores = [createStateStore(environment), createStateStore(environment)] as const;
  const room = "#chat" as RoomName;
  const some = Array.from({ length: 40 }, (_, i): Held => {
    const key = new Uint8Array(32).fill(i % 3).toHex();
    const sid = environment.crypto.sha256(Uint8Array.fromHex(key)).subarray(0, 16).toHex() as Sid;
    const id = `${idAt(environment.clock.now())}${String(i).padStart(4, "0")}d58b4c57`;
    const server = "paris" as ServerName;
    const entry = { id, room, key: `ban/e${i}@lyon`, value: {}, by: "ann", server };
    return { entry, sid, row: [encodeState(entry), key, new Uint8Array(64).toHex()] };
  });
  for (const one of some) stores[0].take(one);
  for (const { row, ...one } of some.toReversed())
    stores[1].take({ ...one, row: [row[0], row[1], new Uint8Array(64).fill(1).toHex()] });
  expect(stores[1].digest()).toBe(stores[0].digest());
  expect(stores[1].digests()).toEqual(stores[0].digests());
});

test("nobody can choose entries of his own that leave the digests as they were", () => {
  const world = createWorld({ seed: "chosen" });
  const environment = world.environment("paris");
  const { crypto } = environment;
  const [store, other] = [createStateStore(environment), createStateStore(environment)];
  const key = new Uint8Array(32).toHex();
  const sid = crypto.sha256(new Uint8Array(32)).subarray(0, 16).toHex() as Sid;
  const [room, server] = ["#chat" as RoomName, "paris" as ServerName];
  const some = Array.from({ length: 140 }, (_, i): Held => {
    const id = `${idAt(environment.clock.now())}${String(i).padStart(4, "0")}d58b4c57`;
    const entry = { id, room, key: `ban/e${i}@lyon`, value: {}, by: "ann", server };
    return { entry, sid, row: [encodeState(entry), key, new Uint8Array(64).toHex()] };
  });
  const encoder = new TextEncoder();
  const hashOf = ({ row: [body, signedBy] }: Held): bigint => {
    const hash = crypto.sha256(encoder.encode(body), encoder.encode(signedBy));
    return BigInt(`0x${hash.subarray(0, 16).toHex()}`);
  };
  // Among more entries than a hash has bits, some are the exclusive or of others.
  const chosen = dependent(some.map(hashOf)).map((at) => some[at] as Held); // within bounds
  expect(chosen.reduce((sum, one) => sum ^ hashOf(one), 0n)).toBe(0n);
  expect(chosen.length).toBeGreaterThan(1);
  for (const one of chosen) expect(store.take(one)).toBe(true);
  expect(store.digest()).not.toBe(other.digest());
  expect(store.digests()).not.toEqual(other.digests());
  const before = store.digestOf(room);
  const rest = some.find((it) => !chosen.includes(it)) as Held; // there are some
  expect(store.take(rest)).toBe(true);
  expect(store.digestOf(room)).not.toBe(before);
});

/** Places of numbers of which the exclusive or is 0, by Gaussian elimination. */
function dependent(numbers: readonly bigint[]): number[] {
  const rows: { value: bigint; made: bigint }[] = [];
  for (const [at, number] of numbers.entries()) {
    let row = { value: number, made: 1n << BigInt(at) };
    for (const one of rows)
      if ((row.value ^ one.value) < row.value)
        row = { value: row.value ^ one.value, made: row.made ^ one.made };
    if (row.value === 0n)
      return numbers.flatMap((_, i) => ((row.made >> BigInt(i)) & 1n ? [i] : []));
    rows.push(row);
    rows.sort((a, b) => (a.value > b.value ? -1 : 1));
  }
  return [];
}
