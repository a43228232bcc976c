// Lines of a pipe, bounded and strict: a line that is too long or no UTF-8 is a refusal with its
// number, and the next one is read as if nothing had happened.

import { failure, type Failure } from "../../errors.ts";
import { LIMITS } from "../../limits.ts";

export interface NumberedLine {
  /** From 1 on. */
  readonly number: number;
  /** Without its end; or what is wrong with it. */
  readonly line: string | Failure;
}

/** Reads lines; the last one may have no end. No more than one line and one chunk is kept. */
export async function* readNumberedLines(
  source: AsyncIterable<Uint8Array | string>,
): AsyncGenerator<NumberedLine> {
  let pieces: Uint8Array[] = [];
  let size = 0;
  let number = 0;
  const finish = (): NumberedLine => {
    const line = size > LIMITS.lineBytesMax ? tooLong(size) : decode(pieces);
    pieces = [];
    size = 0;
    number++;
    return { number, line };
  };
  for await (const piece of source) {
    let chunk = typeof piece === "string" ? Buffer.from(piece) : piece;
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline)) {
      size += end;
      if (size <= LIMITS.lineBytesMax) pieces.push(chunk.subarray(0, end));
      yield finish();
      chunk = chunk.subarray(end + 1);
    }
    size += chunk.length;
    if (size > LIMITS.lineBytesMax) pieces = [];
    // A copy: the source may use its buffer again.
    else if (chunk.length > 0) pieces.push(chunk.slice());
  }
  if (size > 0) yield finish();
}

// --- internal -----------------------------------------------------------------------------------

const newline = 0x0a;
const decoder = new TextDecoder("utf-8", { fatal: true });

function tooLong(bytes: number): Failure {
  return failure(
    "TEXT_TOO_LONG",
    `a line of ${bytes} bytes, expected up to ${LIMITS.lineBytesMax}`,
  );
}

function decode(pieces: readonly Uint8Array[]): string | Failure {
  try {
    const line = decoder.decode(Buffer.concat(pieces));
    return line.endsWith("\r") ? line.slice(0, -1) : line;
  } catch (_malformed) {
    return failure("BAD_UTF8", "a line that is not valid UTF-8");
  }
}
