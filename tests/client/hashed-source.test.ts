// What is read and hashed again of a file that goes on: a little, wherever it was interrupted.

import { expect, test } from "bun:test";
import { HashedSource } from "../../src/client/hashed-source.ts";
import { openSource } from "../../src/client/source.ts";
import { LIMITS } from "../../src/limits.ts";
import { bytesOf } from "./files.ts";
import { sha256 } from "./peer.ts";

const STEP = LIMITS.creditBytesMax;
const bytes = bytesOf(6 * STEP + 5000);

const open = async () => new HashedSource(await openSource(new Blob([bytes])));

/** Reads up to a byte, in pieces of two views; returns how many bytes that were. */
async function read(source: HashedSource, upTo: number): Promise<number> {
  const from = source.at;
  while (source.at < upTo) {
    const count = Math.min(100_001, upTo - source.at);
    const views = [
      new Uint8Array(Math.min(65_536, count)),
      new Uint8Array(Math.max(0, count - 65_536)),
    ];
    const at = source.at;
    const got = await source.read(views);
    expect(Buffer.concat(views).subarray(0, got)).toEqual(
      Buffer.from(bytes.subarray(at, at + got)),
    );
  }
  return source.at - from;
}

test("of what a receiver may lack not more than three credits are read again", async () => {
  const source = await open();
  for (const at of [STEP + 1, 3 * STEP, 5 * STEP + 77, bytes.length]) {
    await read(source, at);
    // And at once again, of what it lacks then.
    for (const lacked of [at, at - 1, at - STEP, at - STEP / 2]) {
      source.back(lacked);
      expect(source.at).toBeLessThanOrEqual(lacked);
      expect(await read(source, at)).toBeLessThanOrEqual(3 * STEP);
    }
  }
  expect(source.sha256()).toBe(sha256(bytes));
});

test("a receiver that has lost more gets it again from the beginning", async () => {
  const source = await open();
  await read(source, bytes.length);
  source.back(STEP);
  expect(source.at).toBe(0);
  await read(source, bytes.length);
  source.back(0);
  await read(source, bytes.length);
  expect(source.sha256()).toBe(sha256(bytes));
});

test("what the receiver has beyond it is read, not gone back from", async () => {
  const source = await open();
  await read(source, 1000);
  source.back(2000);
  expect(source.at).toBe(1000);
});
