// Entries of a room's state as bytes: what is written is what is read, nothing else is taken, and a
// signature covers all of it and its signer.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import * as v from "valibot";
import { LIMITS } from "../../src/limits.ts";
import type { RoomName, ServerName, Sid } from "../../src/names.ts";
import {
  decodeState,
  encodeState,
  fitsKey,
  partsOf,
  signedState,
  type StateEntry,
  StateRow,
} from "../../src/protocol/state.ts";

const sid = "0123456789abcdef0123456789abcdef" as Sid;
const line = fc
  .string({ minLength: 1, maxLength: 80, unit: "grapheme" })
  .filter((text) => Buffer.byteLength(text) <= 500);
const sanction = fc.record({ reason: line, until: fc.nat() }, { requiredKeys: [] });
const keyed = fc.oneof(
  fc.tuple(fc.constantFrom("topic", "description"), line),
  fc.tuple(fc.constantFrom("ban/eve@lyon", "mute/*@lyon"), sanction),
  fc.tuple(
    fc.constantFrom("mode/moderated", "mode/secret", "invite/b@c", "pin/x"),
    fc.constant(true),
  ),
  fc.tuple(fc.constantFrom("mode/slow", "mode/limit"), fc.integer({ min: 1, max: 86_400 })),
  fc.tuple(
    fc.constant(`role/ann@${sid}`),
    fc.record({ role: fc.constantFrom("owner", "voice"), server: fc.constant("lyon") }),
  ),
  fc.tuple(fc.constantFrom("topic", "founded", `role/ann@${sid}`, "ban/a@b"), fc.constant(null)),
);
const entry = fc
  .record({ keyed, by: fc.constantFrom("ann", "ann@example.org"), office: fc.boolean() })
  .map(({ keyed: [key, value], by, office }): StateEntry => {
    const rest = { id: "0mfz0p3k1000001234abcd", room: "#room" as RoomName, by };
    const one = { ...rest, id: rest.id.slice(1), key, value, server: "paris" as ServerName };
    return office ? { ...one, office } : one;
  });

test("an entry that is written is read as it was", () => {
  fc.assert(
    fc.property(entry, (one) => {
      const body = encodeState(one);
      expect(decodeState(body)).toEqual(one);
      expect(Buffer.byteLength(body)).toBeLessThanOrEqual(LIMITS.stateEntryBytesMax);
    }),
  );
});

test("the longest texts fit an entry", () => {
  const topic = "\u0001".repeat(LIMITS.reasonBytesMax);
  const room = `#${"r".repeat(63)}` as RoomName;
  const by = "a".repeat(64);
  const server = "s".repeat(64) as ServerName;
  const id = "mfz0p3k1000001234abcd";
  const body = encodeState({ id, room, key: "topic", value: topic, by, server });
  expect(Buffer.byteLength(body)).toBeLessThanOrEqual(LIMITS.stateEntryBytesMax);
  expect(v.is(StateRow, [body, "0".repeat(64), "0".repeat(128)])).toBe(true);
});

test("what is signed begins with its purpose and the signer, and holds the whole body", () => {
  const body = encodeState({
    id: "mfz0p3k1000001234abcd",
    room: "#room" as RoomName,
    key: "topic",
    value: "ü",
    by: "ann",
    server: "paris" as ServerName,
  });
  const bytes = signedState(sid, body);
  expect(Buffer.from(bytes).toString()).toContain("chatfusion room 1");
  expect(bytes.subarray(17, 33).toHex()).toBe(sid);
  expect(Buffer.from(bytes.subarray(33)).toString()).toBe(body);
});

describe("hostile bodies are no entries", () => {
  const good = {
    id: "mfz0p3k1000001234abcd",
    room: "#room",
    key: "topic",
    value: "text",
    by: "ann",
    server: "paris",
  };
  const bad: readonly (readonly [string, unknown])[] = [
    ["no object", 7],
    ["an array", []],
    ["an id that is none", { ...good, id: "zzz" }],
    ["an id in capitals", { ...good, id: good.id.toUpperCase() }],
    ["an unknown key", { ...good, key: "colour" }],
    ["a topic of something", { ...good, key: "topic/x" }],
    ["a mode that is none", { ...good, key: "mode/loud", value: true }],
    ["a mode of nothing", { ...good, key: "mode/", value: true }],
    ["a role of no account", { ...good, key: "role/ann@lyon", value: null }],
    [
      "a role that is none",
      { ...good, key: `role/a@${sid}`, value: { role: "king", server: "x" } },
    ],
    ["a ban with more fields", { ...good, key: "ban/a@b", value: { reason: "x", more: 1 } }],
    ["a ban that is a text", { ...good, key: "ban/a@b", value: "x" }],
    ["slow mode of half a second", { ...good, key: "mode/slow", value: 0.5 }],
    ["slow mode below zero", { ...good, key: "mode/slow", value: -1 }],
    ["an empty topic", { ...good, value: "" }],
    ["a topic that is too long", { ...good, value: "x".repeat(513) }],
    ["a value that is false", { ...good, key: "mode/secret", value: false }],
    ["no value", { ...good, value: undefined }],
    ["nobody's", { ...good, by: "" }],
    ["an office that is a number", { ...good, office: 1 }],
    ["__proto__ for a key", { ...good, key: "__proto__" }],
    ["toString for a mode", { ...good, key: "mode/toString", value: true }],
  ];
  for (const [what, value] of bad)
    test(what, () => expect(decodeState(JSON.stringify(value))).toBeUndefined());
  test("no JSON", () => expect(decodeState('{"id":')).toBeUndefined());
  test("anything is read without a throw", () => {
    fc.assert(fc.property(fc.oneof(fc.json(), fc.string()), (text) => void decodeState(text)));
    fc.assert(fc.property(fc.string(), (key) => void [partsOf(key), fitsKey(key, true)]));
  });
});
