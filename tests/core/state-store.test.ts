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
