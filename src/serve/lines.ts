// Lines out of bytes, bounded. Pure but for the source that is read.

import { LIMITS } from "../limits.ts";

/** Of a line that was longer than allowed: its bytes are thrown away. */
export const TOO_LONG = Symbol("a line that is too long");

/**
 * Reads lines of UTF-8 without their ends; the last one may have none. One chunk is read ahead, so
 * that whoever is slow with a line holds up the source. Invalid bytes become U+FFFD.
 */
export async function* readLines(
  source: AsyncIterable<Uint8Array | string>,
  bytesMax: number = LIMITS.lineBytesMax,
): AsyncGenerator<string | typeof TOO_LONG> {
  let pieces: Uint8Array[] = [];
  let size = 0;
  const finish = (): string | typeof TOO_LONG => {
    const line = size > bytesMax ? TOO_LONG : decode(pieces);
    pieces = [];
    size = 0;
    return line;
  };
  for await (const piece of source) {
    let chunk = typeof piece === "string" ? Buffer.from(piece) : piece;
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline)) {
      size += end;
      if (size <= bytesMax) pieces.push(chunk.subarray(0, end));
      yield finish();
      chunk = chunk.subarray(end + 1);
    }
    size += chunk.length;
    if (size > bytesMax) pieces = [];
    // A copy: the source may use its buffer again.
    else if (chunk.length > 0) pieces.push(chunk.slice());
  }
  if (size > 0) yield finish();
}

// --- internal ------------------------------------------------------------------------------------

const newline = 0x0a;
const decoder = new TextDecoder();

function decode(pieces: readonly Uint8Array[]): string {
  const line = decoder.decode(Buffer.concat(pieces));
  return line.endsWith("\r") ? line.slice(0, -1) : line;
}
