// Batches: what was said in a tick is read as it was said, each room's part alone; and not one
// byte of it can be another without its root being another, too.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Bytes } from "../../src/environment.ts";
import { ChatFusionError } from "../../src/errors.ts";
import type { RoomName, Sid } from "../../src/names.ts";
import { LIMITS } from "../../src/limits.ts";
import { decodeBatch, encodeTick, encodeUnsigned, type Leaf } from "../../src/protocol/batch.ts";
import { encodeJson, FRAME } from "../../src/protocol/frame.ts";
import { createCrypto } from "../../src/serve/crypto.ts";
import { createRandom } from "../../src/testing.ts";

const crypto = createCrypto(createRandom("batches"));
const origin = "0f".repeat(16) as Sid;
const life = "0011223344556677";

/** A signature that says what was signed: reading back its root is checking it. */
const sign = (bytes: Bytes): Bytes => {
  const signature = new Uint8Array(64);
  signature.set(bytes.subarray(-32));
  return signature;
};
const isSigned = (bytes: Bytes): boolean => {
  try {
    const { root, signature } = decodeBatch(crypto, bytes);
    return root.toHex() === signature.subarray(0, 32).toHex();
  } catch (thrown) {
    if (thrown instanceof ChatFusionError) return false;
    throw thrown;
  }
};

const texts = fc.array(fc.string({ unit: "grapheme" }), { minLength: 1, maxLength: 4 });
const said = fc.array(fc.record({ texts, first: fc.integer({ min: 1, max: 2 ** 53 - 9 }) }), {
  minLength: 1,
  maxLength: 20,
});
const tick = fc.maxSafeNat();

const leavesOf = (
  rooms: readonly { readonly texts: readonly string[]; readonly first: number }[],
  number: number,
): Leaf[] =>
  rooms.map((room, i) => ({
    origin,
    life,
    tick: number,
    room: `#room-${i}` as RoomName,
    first: room.first,
    frames: room.texts.map((text) => encodeJson(FRAME.message, { text })),
  }));

describe("a tick's batches", () => {
  test("are read alone, each with its own path to the one root", () => {
    fc.assert(
      fc.property(said, tick, (rooms, number) => {
        const leaves = leavesOf(rooms, number);
        const batches = encodeTick(crypto, sign, leaves);
        for (const [i, bytes] of batches.entries()) {
          expect(isSigned(bytes)).toBe(true);
          expect(decodeBatch(crypto, bytes)).toMatchObject(leaves[i]!);
        }
      }),
    );
  });

  for (const count of [1, 2, 3, 4, 5, 7, 8, 9, 31, 64, 65]) {
    test(`of ${count} rooms have one root`, () => {
      const rooms = Array.from({ length: count }, (_, i) => ({ texts: [`${i}`], first: i + 1 }));
      const batches = encodeTick(crypto, sign, leavesOf(rooms, count));
      const roots = batches.map((bytes) => decodeBatch(crypto, bytes).root.toHex());
      expect(new Set(roots).size).toBe(1);
      expect(batches.every((bytes) => isSigned(bytes))).toBe(true);
    });
  }

  test("that nobody checks says the same, without a signature", () => {
    fc.assert(
      fc.property(said, tick, (rooms, number) => {
        for (const leaf of leavesOf(rooms, number)) {
          const bytes = encodeUnsigned(leaf);
          expect(isSigned(bytes)).toBe(false);
          expect(decodeBatch(crypto, bytes)).toMatchObject(leaf);
        }
      }),
    );
  });

  test("of no room are none", () => expect(encodeTick(crypto, sign, [])).toEqual([]));

  test("one byte changed anywhere is found", () => {
    fc.assert(
      fc.property(said, fc.nat(), fc.nat(), fc.integer({ min: 1, max: 255 }), (rooms, n, at, x) => {
        const batches = encodeTick(crypto, sign, leavesOf(rooms, 7));
        const bytes = batches[n % batches.length]!.slice();
        const where = at % bytes.length;
        // Behind the first half of the signature nothing of our stand-in says anything.
        const [end] = [bytes.length - decodeBatch(crypto, bytes).body.length];
        if (where >= end - 32 && where < end) return;
        bytes[where]! ^= x;
        expect(isSigned(bytes)).toBe(false);
      }),
    );
  });

  test("every single flipped bit of one of them is found", () => {
    const rooms = [3, 1, 2].map((first) => ({ texts: ["a", "b"], first }));
    const whole = encodeTick(crypto, sign, leavesOf(rooms, 7))[1]!;
    const end = whole.length - decodeBatch(crypto, whole).body.length;
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const at = bit >> 3;
      if (at >= end - 32 && at < end) continue; // as above
      const bytes = whole.slice();
      bytes[at]! ^= 1 << (bit & 7);
      expect(isSigned(bytes) ? `bit ${bit}` : "found").toBe("found");
    }
  });

  test("cut short or made longer, none of them is read", () => {
    const whole = encodeTick(crypto, sign, leavesOf([{ texts: ["a"], first: 1 }], 1))[0]!;
    for (let at = 0; at < whole.length; at++) expect(isSigned(whole.subarray(0, at))).toBe(false);
    expect(isSigned(new Uint8Array([...whole, 0]))).toBe(false);
  });

  test("a leaf is not taken for a node, nor a batch for one of another place", () => {
    const rooms = [1, 1].map((first) => ({ texts: ["same"], first }));
    const leaves = leavesOf(rooms, 1).map((leaf) => ({ ...leaf, room: "#x" as RoomName }));
    const [first, second] = encodeTick(crypto, sign, leaves);
    // Two equal leaves: either place is right, and says the same.
    expect([isSigned(first!), isSigned(second!)]).toEqual([true, true]);
    const moved = encodeTick(crypto, sign, leavesOf(rooms, 1))[0]!.slice();
    moved[moved.length - decodeBatch(crypto, moved).body.length - 64 - 32 - 1] = 1;
    expect(isSigned(moved)).toBe(false);
  });
});

describe("a hostile batch", () => {
  const one = encodeTick(crypto, sign, leavesOf([{ texts: ["a"], first: 1 }], 1))[0]!;
  // origin 16, life 8, tick 8, first 8, count 2, text 1 + 7, leaves 2, index 2
  const at = { tick: 24, first: 32, count: 40, room: 42, leaves: 50, index: 52 };
  const changed = (where: number, ...values: readonly number[]): Bytes => {
    const bytes = one.slice();
    bytes.set(values, where);
    return bytes;
  };
  const cases: readonly (readonly [string, Bytes, string])[] = [
    ["of no message", changed(at.count, 0, 0), "BAD_FRAME"],
    ["of more messages than there are", changed(at.count, 0, 2), "BAD_FRAME"],
    ["of too many messages", changed(at.count, (LIMITS.batchMessagesMax + 1) >> 8, 1), "BAD_FRAME"],
    ["from number 0", changed(at.first, 0, 0, 0, 0, 0, 0, 0, 0), "BAD_FRAME"],
    ["from number 2^53", changed(at.first, 0, 0x20, 0, 0, 0, 0, 0, 0), "BAD_FRAME"],
    ["of tick 2^64 - 1", changed(at.tick, ...Array<number>(8).fill(255)), "BAD_FRAME"],
    ["of no leaves", changed(at.leaves, 0, 0), "BAD_FRAME"],
    ["of too many leaves", changed(at.leaves, (LIMITS.batchLeavesMax + 1) >> 8, 1), "BAD_FRAME"],
    ["of leaf 1 of 1", changed(at.index, 0, 1), "BAD_FRAME"],
    ["with a path that is not there", changed(at.leaves, 0x10, 0), "BAD_FRAME"],
    ["whose room is not UTF-8", changed(at.room + 1, 0xc0, 0xaf), "BAD_UTF8"],
    ["whose room runs past its end", changed(at.room, 255), "BAD_FRAME"],
    ["of a frame of another type", changed(one.length - 13, FRAME.notice), "BAD_FRAME"],
    ["of a frame that is too long", changed(one.length - 17, 255), "BAD_FRAME"],
    ["of a frame of length 0", changed(one.length - 17, 0, 0, 0, 0), "BAD_FRAME"],
    ["of nothing", new Uint8Array(0), "BAD_FRAME"],
    ["of zeros", new Uint8Array(200), "BAD_FRAME"],
  ];
  for (const [name, bytes, code] of cases) {
    test(`${name} is refused by ${code}`, () => {
      expect(() => decodeBatch(crypto, bytes)).toThrow(expect.objectContaining({ code }));
    });
  }

  test("of any bytes is refused, and never breaks the reader", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => !isSigned(bytes)));
  });
});
