// What is kept for a resume, against a plain list of bytes.

import { expect, test } from "bun:test";
import fc from "fast-check";
import { Kept } from "../../src/core/kept.ts";
import { LIMITS } from "../../src/limits.ts";

const joined = (kept: Kept, size: number): readonly number[] =>
  [...kept.last(size)].flatMap((piece) => [...piece]);

const steps = fc.array(
  fc.oneof(
    fc.record({ op: fc.constantFrom("share", "copy"), size: fc.nat(700) }),
    fc.record({ op: fc.constant("keepLast"), size: fc.nat(900) }),
  ),
  { maxLength: 60 },
);

test("any last part of what was added can be read again, whatever was forgotten before it", () => {
  fc.assert(
    fc.property(steps, fc.nat(), (moves, cut) => {
      const kept = new Kept();
      let all: number[] = [];
      let wanted = 0;
      for (const { op, size } of moves) {
        if (op === "keepLast") {
          wanted = Math.min(wanted, size);
          kept.keepLast(wanted);
        } else {
          const bytes = Uint8Array.from({ length: size }, (_, i) => (all.length + i) % 251);
          all = [...all, ...bytes];
          wanted += size;
          kept[op](bytes);
          if (op === "copy") bytes.fill(255); // the caller's to use again
        }
        expect(kept.size).toBeGreaterThanOrEqual(wanted);
      }
      const part = wanted === 0 ? 0 : cut % (wanted + 1);
      expect(joined(kept, part)).toEqual(all.slice(all.length - part));
    }),
  );
});

test("what was read to be sent again is not changed by what is added behind it", () => {
  const kept = new Kept();
  kept.copy(Uint8Array.of(1, 2, 3));
  const pieces = [...kept.last(2)];
  for (let i = 0; i < 1000; i++) kept.copy(Uint8Array.of(9, 9, 9));
  kept.keepLast(0);
  kept.copy(Uint8Array.of(8));
  expect(pieces.flatMap((piece) => [...piece])).toEqual([2, 3]);
});

test("small pieces of a session's own are as many as their slabs, not as they are", () => {
  const kept = new Kept();
  for (let i = 0; i < LIMITS.resumePiecesMax * 2; i++) kept.copy(Uint8Array.of(i));
  expect(kept.size).toBe(LIMITS.resumePiecesMax * 2);
  expect(kept.size / [...kept.last(kept.size)].length).toBeGreaterThan(500);
});

test("what is kept is bounded, in bytes and in pieces", () => {
  const large = new Kept();
  for (let i = 0; i < 5; i++) large.copy(new Uint8Array(LIMITS.resumeBytesMax / 2));
  expect(large.size).toBeLessThanOrEqual(LIMITS.resumeBytesMax);
  expect(large.size).toBeGreaterThan(LIMITS.resumeBytesMax - LIMITS.resumeSlabBytesMax * 2);
  const many = new Kept();
  for (let i = 0; i < LIMITS.resumePiecesMax * 3; i++) many.share(Uint8Array.of(i));
  expect(many.size).toBe(LIMITS.resumePiecesMax);
});
