// Bounded reading and writing of the tree's binary frames. Pure. What runs past the end, or is
// longer than it says, is the peer's fault: `ProtocolError` `BAD_FRAME`.

import { assert, LIMITS, ProtocolError, sidBytes, sidOf } from "chatfusion";
import type { Bytes, Sid } from "chatfusion";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Ports and lengths: three groups of 7 bits. */
export const VARINT_MAX = 2 ** 21 - 1;

/** Collects a frame. Values are asserted, since they are our own. */
export class Writer {
  #bytes = new Uint8Array(256);
  #length = 0;

  u8(value: number): this {
    assert(Number.isInteger(value) && value >= 0 && value < 256, `u8: ${value}`);
    this.#reserve(1)[this.#length++] = value;
    return this;
  }

  u16(value: number): this {
    assert(value < 65_536, `u16: ${value}`);
    return this.u8(value >>> 8).u8(value & 255);
  }

  /** A counter up to `LIMITS.counterMax`, in eight bytes, big endian. */
  counter(value: number): this {
    assert(Number.isSafeInteger(value) && value >= 0, `counter: ${value}`);
    const into = this.#reserve(8);
    const view = new DataView(into.buffer, this.#length, 8);
    view.setUint32(0, Math.floor(value / 2 ** 32));
    view.setUint32(4, value % 2 ** 32);
    this.#length += 8;
    return this;
  }

  varint(value: number): this {
    assert(Number.isInteger(value) && value >= 0 && value <= VARINT_MAX, `varint: ${value}`);
    let rest = value;
    while (rest > 127) {
      this.u8((rest & 127) | 128);
      rest >>>= 7;
    }
    return this.u8(rest);
  }

  bytes(value: Bytes): this {
    this.#reserve(value.length).set(value, this.#length);
    this.#length += value.length;
    return this;
  }

  sid(value: Sid): this {
    return this.bytes(sidBytes(value));
  }

  /** At most 255 bytes of UTF-8 behind their count. */
  text(value: string): this {
    const bytes = encoder.encode(value);
    return this.u8(bytes.length).bytes(bytes);
  }

  /** What was written so far: a copy, which is the caller's. */
  done(): Bytes {
    return this.#bytes.slice(0, this.#length);
  }

  #reserve(count: number): Bytes {
    const need = this.#length + count;
    if (need > this.#bytes.length) {
      const wider = new Uint8Array(Math.max(need, 2 * this.#bytes.length));
      wider.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = wider;
    }
    return this.#bytes;
  }
}

/** Reads a borrowed frame from its beginning; every result but a `copy` is borrowed with it. */
export class Reader {
  readonly #bytes: Bytes;
  #at = 0;

  constructor(bytes: Bytes) {
    this.#bytes = bytes;
  }

  /** How many bytes were read. */
  get at(): number {
    return this.#at;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  u8(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw bad(`1 more byte at ${this.#at}, got none`);
    this.#at++;
    return byte;
  }

  u16(): number {
    return this.u8() * 256 + this.u8();
  }

  counter(): number {
    const eight = this.bytes(8);
    const view = new DataView(eight.buffer, eight.byteOffset, 8);
    const value = view.getUint32(0) * 2 ** 32 + view.getUint32(4);
    if (value > LIMITS.counterMax) throw bad(`a counter up to 2^53 - 1, got ${value}`);
    return value;
  }

  /** The shortest form only, so that nothing can be written in two ways. */
  varint(): number {
    let value = 0;
    for (let shift = 0; shift <= 14; shift += 7) {
      const byte = this.u8();
      value |= (byte & 127) << shift;
      if (byte > 127) continue;
      if (byte === 0 && shift > 0) break;
      return value;
    }
    throw bad(`a number up to ${VARINT_MAX} in its shortest form`);
  }

  bytes(count: number): Bytes {
    if (count > this.left) throw bad(`${count} more bytes at ${this.#at}, got ${this.left}`);
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  copy(count: number): Bytes {
    return this.bytes(count).slice();
  }

  sid(): Sid {
    return sidOf(this.bytes(16));
  }

  text(): string {
    const bytes = this.bytes(this.u8());
    try {
      return decoder.decode(bytes);
    } catch {
      throw new ProtocolError("BAD_UTF8", "a text in a link's frame is not valid UTF-8");
    }
  }

  rest(): Bytes {
    return this.bytes(this.left);
  }

  /** Throws unless everything was read. */
  end(): void {
    if (this.left > 0) throw bad(`the end at ${this.#at}, got ${this.left} more bytes`);
  }
}

/** Joins parts into bytes of the caller's. */
export function concat(...parts: readonly Bytes[]): Bytes {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Tells whether two runs of bytes are the same. Not for secrets: time depends on the content. */
export function same(a: Bytes, b: Bytes): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

/** An order of runs of bytes; 0 where they are the same. */
export function compareBytes(a: Bytes, b: Bytes): number {
  if (a.length !== b.length) return a.length - b.length;
  for (let at = 0; at < a.length; at++) {
    const difference = (a[at] ?? 0) - (b[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** The peer's fault: says what was expected. */
export const bad = (expected: string): ProtocolError =>
  new ProtocolError("BAD_FRAME", `link: expected ${expected}`);
