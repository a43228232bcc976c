// The JSON of messages that other servers signed: checked by hand, since it is read once per
// message and server.

import { expect, test } from "bun:test";
import fc from "fast-check";
import { LIMITS } from "../../src/limits.ts";
import type { RoomName } from "../../src/names.ts";
import { parseEntry } from "../../src/protocol/entry.ts";
import type { MessageEntry } from "../../src/protocol/messages.ts";

const entry = {
  id: "0mjuohs0g0000f00a41f7",
  from: "anna@paris",
  account: "anna",
  room: "#lobby" as RoomName,
  kind: "text",
  text: "hi",
  at: 1767225600016,
  cid: "c-1",
} as const satisfies MessageEntry;

const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const entries = fc.record(
  {
    id: fc.string({ maxLength: 64 }),
    from: fc.string(),
    account: optional(fc.string({ maxLength: LIMITS.nameBytesMax })),
    room: fc.string(),
    kind: fc.constantFrom("text", "action", "notice"),
    text: fc.string(),
    at: fc.maxSafeNat(),
    cid: optional(fc.string({ maxLength: LIMITS.clientIdBytesMax })),
    about: optional(fc.string({ minLength: 1, maxLength: LIMITS.idLengthMax })),
    thread: optional(fc.string({ minLength: 1, maxLength: LIMITS.idLengthMax })),
    mentions: optional(fc.array(fc.constant("ana@paris"), { maxLength: LIMITS.mentionsMax })),
  },
  { requiredKeys: ["id", "from", "room", "kind", "text", "at"] },
);

test("a message is read as it was written", () => {
  fc.assert(
    fc.property(entries, (said) => {
      const wire: unknown = JSON.parse(JSON.stringify(said));
      expect(parseEntry(wire)).toEqual(wire as MessageEntry);
    }),
  );
});

test("P8: what a newer server adds is left out, late and __proto__ included", () => {
  const wire: unknown = JSON.parse(
    JSON.stringify({ ...entry, late: true, colour: "red" }).replace("{", '{"__proto__":{"x":1},'),
  );
  const read = parseEntry(wire);
  expect(read).toEqual(entry);
  expect(Object.getPrototypeOf(read)).toBe(Object.prototype);
});

test("one of a kind that a newer server knows keeps its place, and shows nothing", () => {
  const newer = { ...entry, kind: "poll", text: "which?", about: "1", options: ["a", "b"] };
  const { id, from, account, room, at } = entry;
  const place = { id, from, account, room, at };
  expect(parseEntry(newer)).toEqual({ ...place, kind: "text", text: "", hidden: true } as never);
});

const wrong: Readonly<Record<keyof typeof entry, readonly unknown[]>> = {
  id: [undefined, 1, "x".repeat(65), null],
  from: [undefined, 1, null, ["anna@paris"]],
  account: [1, null, "x".repeat(LIMITS.nameBytesMax + 1)],
  room: [undefined, 7, null],
  kind: [undefined, "", "Shout", "__proto__", "x".repeat(33), 1],
  text: [undefined, 5, "x".repeat(LIMITS.textBytesMax + 1), null],
  at: [undefined, "1", 1.5, -1, 2 ** 53, null],
  cid: [1, null, "x".repeat(LIMITS.clientIdBytesMax + 1)],
};
for (const [field, values] of Object.entries(wrong)) {
  for (const value of values) {
    const shown = (JSON.stringify(value) ?? "missing").slice(0, 20);
    test(`a message whose ${field} is ${shown} is none`, () => {
      expect(parseEntry({ ...entry, [field]: value })).toBeUndefined();
    });
  }
}

for (const value of [undefined, null, 1, "text", [], [entry]])
  test(`${JSON.stringify(value) ?? "nothing"} is no message`, () => {
    expect(parseEntry(value)).toBeUndefined();
  });
