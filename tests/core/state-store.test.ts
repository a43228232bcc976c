// What the store of rooms' entries holds, and what is on the disk of it.

import { expect, test } from "bun:test";
import { createStateStore, type Held } from "../../src/core/state-store.ts";
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
