// What a file of the load consists of: noise that begins again after a prime number of bytes, so
// that no chunk, read or buffer is like its neighbour. Written and compared at memory's speed.

import { LIMITS } from "../../../src/limits.ts";
import type { Bytes } from "../../../src/environment.ts";

const PERIOD = 65_521;
const PIECE = LIMITS.chunkBytesMax;
const noise = makeNoise();

/** Writes `length` bytes of the file, up to a chunk's, that begin at its byte `offset`. */
export function writePattern(into: Bytes, at: number, offset: number, length: number): void {
  const from = offset % PERIOD;
  into.set(noise.subarray(from, from + length), at);
}

/** Whether bytes are those of the file that begin at its byte `offset`. */
export function isPattern(bytes: Bytes, offset: number): boolean {
  for (let at = 0; at < bytes.length; at += PIECE) {
    const piece = bytes.subarray(at, at + PIECE);
    const from = (offset + at) % PERIOD;
    if (Buffer.compare(piece, noise.subarray(from, from + piece.length)) !== 0) return false;
  }
  return true;
}

// --- internal ---

/** The same in all processes: a xorshift of 32 bits. */
function makeNoise(): Bytes {
  const bytes = new Uint8Array(PERIOD + PIECE);
  let state = 1;
  for (let at = 0; at < PERIOD; at++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[at] = state;
  }
  for (let at = PERIOD; at < bytes.length; at++) bytes[at] = bytes[at - PERIOD] ?? 0;
  return bytes;
}
