// Cuts what comes in into lines, with the bounds of the protocol: 512 bytes for a line with its
// end (RFC 1459 §2.3), and 4,096 for a client's tags before it (IRCv3 message-tags). What is longer
// is told and left out; far longer is no line any more, and ends the connection.

import type { Bytes } from "chatfusion";
import { LIMITS } from "chatfusion";

export interface Lines {
  /** One line, without its end, never empty. */
  line(text: string): void;
  /** A line that was too long: how it begins. */
  tooLong(text: string): void;
  /** A line that is no UTF-8: as far as it is. */
  notUtf8(text: string): void;
  /** A line that does not end: nothing that comes behind can be read. */
  endless(): void;
}

/** One for each connection; a class, since there are very many of them. */
export class LineReader {
  readonly #take: Lines;
  #rest: Bytes = NONE;

  constructor(take: Lines) {
    this.#take = take;
  }

  /** Takes what has come; borrowed. */
  push(chunk: Bytes): void {
    if (this.#quick(chunk)) return;
    let from = 0;
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at];
      if (byte !== LF && byte !== CR) continue;
      const part = chunk.subarray(from, at);
      from = at + 1;
      if (this.#rest.length === 0) this.#one(part);
      else {
        const all = joined(this.#rest, part);
        this.#rest = NONE;
        this.#one(all);
      }
    }
    if (from === chunk.length) return;
    if (this.#rest.length + chunk.length - from > LIMITS.ircUnendedBytesMax)
      return this.#take.endless();
    this.#rest = joined(this.#rest, chunk.subarray(from)); // the chunk is borrowed
  }

  // --- internal ---

  /** Whole lines of ASCII, as nearly all chunks are: decoded at once. False for all else. */
  #quick(chunk: Bytes): boolean {
    if (this.#rest.length > 0 || chunk.at(-1) !== LF) return false;
    const text = decoded(chunk);
    if (text?.length !== chunk.length) return false;
    let cr = text.indexOf("\r");
    for (let from = 0; from < text.length;) {
      const end = text.indexOf("\n", from);
      if (cr !== -1 && cr < from) cr = text.indexOf("\r", from);
      const isEnded = cr !== -1 && cr < end;
      // A CR alone ends a line, too.
      if (isEnded && cr < end - 1)
        for (const line of text.slice(from, end).split("\r")) this.#plain(line);
      else this.#plain(text.slice(from, isEnded ? cr : end));
      from = end + 1;
    }
    return true;
  }

  /** Of ASCII alone: as many letters as bytes. */
  #plain(text: string): void {
    if (text === "") return;
    const tagsEnd = text.startsWith("@") ? text.indexOf(" ") + 1 || -1 : 0;
    if (isLong(text.length, tagsEnd)) this.#take.tooLong(text.slice(0, LIMITS.ircLineBytesMax));
    else this.#whole(text);
  }

  #one(bytes: Bytes): void {
    if (bytes.length === 0) return;
    const tagsEnd = bytes[0] === AT ? bytes.indexOf(BLANK) + 1 || -1 : 0;
    if (isLong(bytes.length, tagsEnd))
      return this.#take.tooLong(loose.decode(bytes.subarray(0, LIMITS.ircLineBytesMax)));
    const text = decoded(bytes);
    if (text === undefined) this.#take.notUtf8(loose.decode(bytes));
    else this.#whole(text);
  }

  #whole(text: string): void {
    // NUL stands in no line: what comes behind it is not meant to be read.
    const nul = text.indexOf("\0");
    if (nul === -1) this.#take.line(text);
    else if (nul > 0) this.#take.line(text.slice(0, nul));
  }
}

// --- internal ---

const NONE: Bytes = new Uint8Array(0);
const [LF, CR, AT, BLANK] = [0x0a, 0x0d, 0x40, 0x20] as const;
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const loose = new TextDecoder("utf-8", { ignoreBOM: true });

/** `tagsEnd` is -1 for a line that has nothing but tags. */
const isLong = (bytes: number, tagsEnd: number): boolean =>
  tagsEnd < 0 ||
  tagsEnd > LIMITS.ircClientTagsBytesMax ||
  bytes - tagsEnd > LIMITS.ircLineBytesMax - 2;

/** Undefined for what is no UTF-8. */
function decoded(bytes: Bytes): string | undefined {
  try {
    return strict.decode(bytes);
  } catch {
    return undefined;
  }
}

function joined(a: Bytes, b: Bytes): Bytes {
  const whole = new Uint8Array(a.length + b.length);
  whole.set(a);
  whole.set(b, a.length);
  return whole;
}
