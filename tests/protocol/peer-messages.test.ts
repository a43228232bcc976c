// What servers seal for each other: what is read by hand is what the shapes of peer.ts make of it.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import * as v from "valibot";
import { LIMITS } from "../../src/limits.ts";
import { PeerMessage } from "../../src/protocol/peer.ts";
import { plainMessage, readPeerMessages } from "../../src/protocol/peer-messages.ts";

const odd = fc.oneof(fc.string(), fc.string({ unit: "binary" }), fc.jsonValue(), fc.constant(null));
const long = fc.nat({ max: 300 }).map((length) => "é".repeat(length));
const field = fc.oneof(
  odd,
  long,
  fc.nat(),
  fc.constantFrom("text", "action", "edit", "delivered", "stored", "NO_SUCH_NICK", "bo@paris"),
);
const row = fc.record(
  {
    id: field,
    from: field,
    account: field,
    to: field,
    kind: fc.oneof(field, fc.constantFrom("text", "notice", "reaction")),
    text: field,
    at: fc.oneof(field, fc.double(), fc.maxSafeInteger()),
    cid: field,
    about: field,
    colour: field,
  },
  { requiredKeys: ["id", "from", "to", "kind", "text", "at"] },
);
const messages = fc.oneof(
  fc.jsonValue(),
  fc.record(
    {
      t: fc.constantFrom("tell", "told", "view"),
      message: fc.oneof(row, odd),
      patient: fc.oneof(field, fc.boolean()),
    },
    { requiredKeys: ["t", "message"] },
  ),
  fc.record(
    { t: fc.constant("told"), id: field, outcome: field, code: field, text: field },
    { requiredKeys: ["t", "id"] },
  ),
);

const message = { id: "1", from: "ana@paris", to: "bob@lyon", kind: "text", text: "hi", at: 5 };
const tell = { t: "tell", message };
const told = { t: "told", id: "1", outcome: "delivered" };

describe("by hand", () => {
  test("is read what the shapes make of it", () => {
    fc.assert(
      fc.property(messages, (value) => {
        const mine = plainMessage(value);
        if (mine === undefined) return;
        const theirs = v.safeParse(PeerMessage, value);
        expect(theirs.success).toBe(true);
        expect(theirs.output).toEqual(mine);
      }),
      { numRuns: 3000 },
    );
  });

  test("is read all of everyday form, with what later versions add left out", () => {
    const more = { account: "ana", cid: "x".repeat(LIMITS.clientIdBytesMax / 3) };
    const everyday = [
      tell,
      { t: "tell", message: { ...message, ...more, colour: "red" } },
      { ...tell, patient: true, colour: "red" },
      told,
      { ...told, outcome: "stored", colour: "red" },
    ];
    for (const value of everyday) {
      const mine = plainMessage(value);
      expect(mine).toBeDefined();
      expect(mine).toEqual(v.parse(PeerMessage, value));
    }
  });

  test("is not read what the shapes refuse, nor what is long", () => {
    const timeless = { ...message, at: undefined };
    const others = [
      null,
      "tell",
      [tell],
      { t: "tell" },
      { t: "tell", message: timeless },
      { ...tell, patient: false },
      { t: "tell", message: { ...message, at: -1 } },
      { t: "tell", message: { ...message, kind: "edit" } },
      { t: "tell", message: { ...message, text: "x".repeat(LIMITS.textBytesMax) } },
      { t: "told", id: "x".repeat(LIMITS.idLengthMax + 1), outcome: "delivered" },
      { t: "told", id: "1", code: "NO_SUCH_NICK", text: "nobody" },
    ];
    for (const value of others) expect(plainMessage(value)).toBeUndefined();
  });
});

test("one message alone, and a list of them, each of which counts for itself", () => {
  const failed = { t: "told", id: "2", code: "NO_SUCH_NICK", text: "nobody" };
  expect(readPeerMessages(tell)).toEqual({ messages: [tell], refused: 0 } as never);
  const list = [tell, { t: "later" }, failed, 7, [told], told];
  expect(readPeerMessages(list)).toEqual({ messages: [tell, failed, told], refused: 3 } as never);
  expect(readPeerMessages([])).toEqual({ messages: [], refused: 0 });
});

test("a list of more messages than a frame may have is none", () => {
  const full = Array.from({ length: LIMITS.channelBatchMax }, () => told);
  expect(readPeerMessages(full).messages).toHaveLength(LIMITS.channelBatchMax);
  const refused = LIMITS.channelBatchMax + 1;
  expect(readPeerMessages([...full, told])).toEqual({ messages: [], refused });
});
