// Tombstones: a batch whose texts are gone in part proves what it proved before, and says nothing
// of them; whoever makes one can withhold a message, and not alter it, nor make another one.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Bytes } from "../../src/environment.ts";
import type { RoomName, Sid } from "../../src/names.ts";
import {
  blankBatch,
  decodeBatch,
  encodeTick,
  encodeUnsigned,
  isTombstone,
  type Leaf,
} from "../../src/protocol/batch.ts";
import { encodeFrame, encodeJson, FRAME } from "../../src/protocol/frame.ts";
import { createCrypto } from "../../src/serve/crypto.ts";
import { createRandom } from "../../src/testing.ts";

const crypto = createCrypto(createRandom("tombstones"));
const origin = "0f".repeat(16) as Sid;
const life = "0011223344556677";
const sign = (bytes: Bytes) => new Uint8Array(64).fill(bytes.at(-1)!);
const TOMBSTONE = 0x0f;

const texts = fc.array(fc.string({ unit: "grapheme" }), { minLength: 1, maxLength: 8 });
const places = fc.array(fc.nat(9), { maxLength: 8 });

const leafOf = (said: readonly string[], room = "#room"): Leaf => ({
  origin,
  life,
  tick: 7,
  room: room as RoomName,
  first: 5,
  frames: said.map((text, at) => encodeJson(FRAME.message, { at, text })),
});
/** In a tick of other rooms, too. */
const batchOf = (leaf: Leaf): Bytes =>
  encodeTick(crypto, sign, [leafOf(["other"], "#a"), leaf, leafOf(["more"], "#z")])[1]!;
const blanked = (bytes: Bytes, at: readonly number[]) => blankBatch(crypto, bytes, new Set(at));
const rootOf = (bytes: Bytes) => decodeBatch(crypto, bytes).root.toHex();

describe("a batch with tombstones", () => {
  test("has the root, the proof and the numbers that it had", () => {
    fc.assert(
      fc.property(texts, places, (said, at) => {
        const bytes = batchOf(leafOf(said));
        const before = decodeBatch(crypto, bytes);
        const after = decodeBatch(crypto, blanked(bytes, at));
        const { frames, body } = after;
        expect(after).toEqual({ ...before, frames, body });
        expect(frames.map((frame) => isTombstone(frame))).toEqual(
          said.map((_, i) => at.includes(i)),
        );
        expect(Buffer.concat(frames).equals(body)).toBe(true);
      }),
    );
  });

  test("leaves the other messages as they are, and nothing of these", () => {
    fc.assert(
      fc.property(texts, places, (said, at) => {
        const marked = said.map((text, i) => `${i}-secret-${i} ${text}`);
        const leaf = leafOf(marked);
        const bytes = blanked(batchOf(leaf), at);
        const { frames } = decodeBatch(crypto, bytes);
        for (const [i, frame] of leaf.frames.entries()) {
          const isGone = at.includes(i);
          if (!isGone) expect(frames[i]).toEqual(frame);
          expect(Buffer.from(bytes).includes(`${i}-secret-${i}`)).toBe(!isGone);
        }
      }),
    );
  });

  test("is the same in whatever order and however often it was made", () => {
    fc.assert(
      fc.property(texts, places, places, (said, one, other) => {
        const bytes = batchOf(leafOf(said));
        const both = blanked(bytes, [...one, ...other]);
        expect(blanked(blanked(bytes, one), other)).toEqual(both);
        expect(blanked(blanked(bytes, other), one)).toEqual(both);
        expect(blanked(both, one)).toEqual(both);
      }),
    );
  });

  test("is what it was without any", () => {
    const bytes = batchOf(leafOf(["a", "b"]));
    expect(blanked(bytes, [])).toEqual(bytes);
    expect(blanked(bytes, [2, 99])).toEqual(bytes);
  });

  test("that nobody had signed can be signed later, and proves the texts that were there", () => {
    const leaf = leafOf(["a", "b", "c"]);
    const stored = blanked(encodeUnsigned(leaf), [1]);
    const { frames } = decodeBatch(crypto, stored);
    const [bytes] = encodeTick(crypto, sign, [{ ...leaf, frames }]);
    expect(rootOf(bytes!)).toBe(rootOf(encodeTick(crypto, sign, [leaf])[0]!));
  });
});

describe("a hostile tombstone", () => {
  const leaf = leafOf(["a", "b"]);
  const whole = batchOf(leaf);
  const head = whole.subarray(0, whole.length - decodeBatch(crypto, whole).body.length);
  const withBody = (...frames: readonly Bytes[]) => Buffer.concat([head, ...frames]);
  const [first, second] = [leaf.frames[0]!, leaf.frames[1]!];
  const hash = crypto.sha256(first);

  test("with one bit of its hash changed proves nothing", () => {
    expect(rootOf(withBody(encodeFrame(TOMBSTONE, hash), second))).toBe(rootOf(whole));
    for (let bit = 0; bit < 256; bit++) {
      const other = hash.slice();
      other[bit >> 3]! ^= 1 << (bit & 7);
      expect(rootOf(withBody(encodeFrame(TOMBSTONE, other), second))).not.toBe(rootOf(whole));
    }
  });

  test("in another message's place, or once more, proves nothing", () => {
    const stone = encodeFrame(TOMBSTONE, hash);
    for (const frames of [
      [second, stone],
      [stone, stone],
      [first, stone],
    ])
      expect(rootOf(withBody(...frames))).not.toBe(rootOf(whole));
  });

  test("of another size, or one too many, is no part of a batch", () => {
    for (const size of [0, 1, 31, 33, 64])
      expect(() =>
        decodeBatch(crypto, withBody(encodeFrame(TOMBSTONE, new Uint8Array(size)), second)),
      ).toThrow(expect.objectContaining({ code: "BAD_FRAME" }));
    const stone = encodeFrame(TOMBSTONE, hash);
    for (const frames of [[stone], [stone, second, stone], [stone, second.subarray(0, -1)]])
      expect(() => decodeBatch(crypto, withBody(...frames))).toThrow(
        expect.objectContaining({ code: "BAD_FRAME" }),
      );
  });

  test("is made of nothing but a batch", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(() => blanked(bytes, [0])).toThrow(
          expect.objectContaining({ name: "ProtocolError" }),
        );
      }),
    );
  });
});
