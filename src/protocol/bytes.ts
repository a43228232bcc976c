// Reading and writing of fixed binary fields, big endian, with bounds. Pure.

import type { Bytes } from "../environment.ts";
import { ProtocolError } from "../errors.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Writes a count up to 2^53 - 1 in eight bytes. Without a view, which costs more than the rest. */
export function writeU64(into: Bytes, at: number, value: number): void {
  let rest = value;
  for (let i = at + 7; i >= at; i--) {
    into[i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
}

/** Reads eight bytes; a count above 2^53 - 1 is only nearly that, and above it. */
export function readU64(bytes: Bytes, at: number): number {
  let value = 0;
  for (let i = at; i < at + 8; i++) value = value * 256 + (bytes[i] ?? 0);
  return value;
}

/** Writes fields one behind the other into bytes that grow. */
export class ByteWriter {
  #bytes: Bytes;
  #at = 0;

  constructor(sizeHint = 256) {
    this.#bytes = new Uint8Array(sizeHint);
  }

  u8(value: number): this {
    this.#room(1)[this.#at++] = value;
    return this;
  }
  u16(value: number): this {
    return this.u8(value >>> 8).u8(value);
  }
  /** A count up to 2^53 - 1. */
  u64(value: number): this {
    writeU64(this.#room(8), this.#at, value);
    this.#at += 8;
    return this;
  }
  raw(bytes: Bytes): this {
    this.#room(bytes.length).set(bytes, this.#at);
    this.#at += bytes.length;
    return this;
  }
  /** A text of at most 255 bytes, behind its length. */
  text(value: string): this {
    const bytes = encoder.encode(value);
    return this.u8(bytes.length).raw(bytes);
  }

  /** The bytes written; nothing may be written afterwards. */
  done(): Bytes {
    return this.#bytes.subarray(0, this.#at);
  }

  #room(more: number): Bytes {
    if (this.#bytes.length - this.#at < more) {
      const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#at + more));
      grown.set(this.#bytes.subarray(0, this.#at));
      this.#bytes = grown;
    }
    return this.#bytes;
  }
}

/** Reads fields one behind the other. Throws `ProtocolError` `BAD_FRAME` where they end early. */
export class ByteReader {
  readonly #bytes: Bytes;
  #at = 0;

  constructor(bytes: Bytes) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }
  u8(): number {
    this.#need(1);
    return this.#bytes[this.#at++] ?? 0; // as just checked, it is there
  }
  u16(): number {
    return this.u8() * 0x100 + this.u8();
  }
  u64(): number {
    this.#need(8);
    const value = readU64(this.#bytes, this.#at);
    this.#at += 8;
    if (Number.isSafeInteger(value)) return value;
    throw new ProtocolError("BAD_FRAME", "a count above 2^53 - 1");
  }
  /** A view of the next bytes: borrowed as the whole is. */
  raw(count: number): Bytes {
    this.#need(count);
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }
  text(): string {
    const bytes = this.raw(this.u8());
    try {
      return decoder.decode(bytes);
    } catch {
      throw new ProtocolError("BAD_UTF8", "a name is not valid UTF-8");
    }
  }
  rest(): Bytes {
    return this.raw(this.left);
  }

  #need(count: number): void {
    if (count <= this.left) return;
    throw new ProtocolError("BAD_FRAME", `${count} bytes expected, ${this.left} are there`);
  }
}
