// What is read by hand is what the shapes of messages.ts make of it.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import * as v from "valibot";
import { LIMITS } from "../../src/limits.ts";
import { plainAsk } from "../../src/protocol/asks.ts";
import { requestShape } from "../../src/protocol/messages.ts";

const odd = fc.oneof(fc.string(), fc.string({ unit: "binary" }), fc.jsonValue(), fc.constant(null));
const long = fc.nat({ max: 300 }).map((length) => "é".repeat(length));
const field = fc.oneof(
  odd,
  long,
  fc.constantFrom("text", "action", "notice", "reaction", "edit", "#room", "bo@paris"),
);
const asks = fc.oneof(
  fc.jsonValue(),
  fc.record(
    { room: field, to: field, text: field, kind: field, cid: field, about: field, thread: field },
    { requiredKeys: [] },
  ),
);
const plain = [
  { text: "hi" },
  { text: "", kind: "action" },
  { text: "ça va ?", kind: "notice", cid: "x".repeat(LIMITS.clientIdBytesMax) },
];

describe.each([
  ["say", "room", "#lobby"],
  ["tell", "to", "bo@paris"],
] as const)("a %s", (name, key, value) => {
  const read = (ask: unknown) => plainAsk(name, ask);

  test("that is read by hand is what its shape makes of it", () => {
    fc.assert(
      fc.property(asks, (ask) => {
        const mine = read(ask);
        const theirs = v.safeParse(requestShape(name), ask);
        if (mine === undefined) return;
        expect(theirs.success).toBe(true);
        expect(theirs.output).toEqual(mine);
      }),
      { numRuns: 2000 },
    );
  });

  test("of everyday form is read by hand, with the fields that newer clients add left out", () => {
    for (const fields of plain) {
      const ask = { [key]: value, ...fields };
      const mine = read({ ...ask, ref: 1, colour: "red" });
      expect(mine as unknown).toEqual(v.parse(requestShape(name), ask));
    }
  });

  test("that its shape refuses is not read by hand", () => {
    const text = "hi";
    const refused = [
      null,
      [],
      { text },
      { [key]: 1, text },
      { [key]: value },
      { [key]: value, text, kind: "shout" },
      { [key]: value, text, cid: "" },
      { [key]: value, text, cid: "x".repeat(LIMITS.clientIdBytesMax + 1) },
      { [key]: value, text, cid: null },
      { [key]: "x".repeat(LIMITS.nameBytesMax * 4 + 3), text },
    ];
    for (const ask of refused) {
      expect(read(ask)).toBeUndefined();
      expect(v.safeParse(requestShape(name), ask).success).toBe(false);
    }
  });
});

describe("a credit", () => {
  const transfer = "0123456789abcdef".repeat(2);

  test("of everyday form is read by hand", () => {
    for (const upTo of [0, 1, LIMITS.counterMax]) {
      const read = plainAsk("credit", { transfer, upTo, ref: 1, colour: "red" });
      expect(read as unknown).toEqual(v.parse(requestShape("credit"), { transfer, upTo }));
    }
  });

  test("that its shape refuses is not read by hand", () => {
    const refused = [
      null,
      {},
      { transfer },
      { upTo: 1 },
      ...[-1, 0.5, "1", null, Number.NaN, LIMITS.counterMax + 1].map((upTo) => ({
        transfer,
        upTo,
      })),
      ...[1, "", `${transfer}0`, transfer.toUpperCase(), `${transfer}\n`].map((other) => ({
        transfer: other,
        upTo: 1,
      })),
    ];
    for (const ask of refused) {
      expect(plainAsk("credit", ask)).toBeUndefined();
      expect(v.safeParse(requestShape("credit"), ask).success).toBe(false);
    }
  });
});

test("no other request is read by hand", () => {
  expect(plainAsk("join", { room: "#lobby", to: "bo@paris", text: "hi" })).toBeUndefined();
});
