import { expect, test } from "bun:test";
import { LIMITS } from "../../../src/limits.ts";
import { isPattern, writePattern } from "./pattern.ts";

const SIZE = 3 * LIMITS.chunkBytesMax;

/** The file's first bytes, written in pieces of this size. */
function written(pieceBytes: number): Uint8Array {
  const bytes = new Uint8Array(SIZE);
  for (let at = 0; at < SIZE; at += pieceBytes) {
    writePattern(bytes, at, at, Math.min(pieceBytes, SIZE - at));
  }
  return bytes;
}

test("a file is the same however it is cut", () => {
  expect(written(LIMITS.chunkBytesMax)).toEqual(written(1000));
  expect(isPattern(written(LIMITS.chunkBytesMax), 0)).toBe(true);
  for (const from of [1, 65_520, 65_521, 100_000]) {
    expect(isPattern(written(1000).subarray(from), from)).toBe(true);
    expect(isPattern(written(1000).subarray(from), from + 1)).toBe(false);
  }
});

test("one byte that was changed is noticed, wherever it is", () => {
  const bytes = written(1000);
  for (const at of [0, 65_520, 65_521, 131_050, SIZE - 1]) {
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    expect(isPattern(bytes, 0)).toBe(false);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
  }
  expect(isPattern(bytes, 0)).toBe(true);
});
