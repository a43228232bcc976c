// Frames: u32 length (big endian) · u8 type · payload; the length counts type and payload.
// Pure: bytes in, frames out. Next: messages.ts (what the frames say), docs/protocol.md.

import type { Bytes } from "../environment.ts";
import { ProtocolError } from "../errors.ts";
import { LIMITS } from "../limits.ts";

/** Length and type. */
export const FRAME_HEAD_BYTES = 5;

/** The frame types of a client's connection; on a link, from 16 on, they are the fabric's. */
export const FRAME = {
  hello: 0x01,
  link: 0x02,
  error: 0x03,
  ping: 0x04,
  pong: 0x05,
  bye: 0x06,
  login: 0x07,
  welcome: 0x08,
  ack: 0x09,
  say: 0x20,
  tell: 0x21,
  join: 0x22,
  part: 0x23,
  rename: 0x24,
  who: 0x25,
  whois: 0x26,
  rooms: 0x27,
  history: 0x28,
  fusion: 0x29,
  command: 0x2a,
  watch: 0x2b,
  unwatch: 0x2c,
  search: 0x2d,
  commands: 0x2f,
  offer: 0x30,
  accept: 0x31,
  reject: 0x32,
  cancel: 0x33,
  finish: 0x34,
  credit: 0x35,
  done: 0x36,
  chunk: 0x37,
  message: 0x40,
  joined: 0x41,
  left: 0x42,
  renamed: 0x43,
  gap: 0x44,
  merged: 0x45,
  split: 0x46,
  count: 0x47,
  private: 0x48,
  notice: 0x49,
  offered: 0x4a,
  accepted: 0x4b,
  finished: 0x4c,
  failed: 0x4d,
  watched: 0x4e,
  told: 0x4f,
  typing: 0x50,
  away: 0x51,
  read: 0x52,
  ignore: 0x53,
  unignore: 0x54,
  ignored: 0x55,
  conversation: 0x56,
  conversations: 0x57,
  forget: 0x58,
  room: 0x60,
  set: 0x61,
  kick: 0x62,
  state: 0x70,
  removed: 0x71,
  invited: 0x72,
} as const;

export type FrameName = keyof typeof FRAME;

const names = new Map<number, FrameName>(
  Object.entries(FRAME).map(([name, type]) => [type, name as FrameName]), // keys of FRAME
);

/** The name of a frame type, for messages to people; "type 0x99" when it has none. */
export const frameName = (type: number): string =>
  names.get(type) ?? `type 0x${type.toString(16).padStart(2, "0")}`;

/** Tells whether this version knows a frame type. */
export const isFrameType = (type: number): boolean => names.has(type);

const NONE: Bytes = new Uint8Array(0);
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Writes the five bytes that stand before a payload of `payloadBytes`. */
export function writeHead(into: Bytes, at: number, type: number, payloadBytes: number): void {
  const length = payloadBytes + 1;
  into[at] = length >>> 24;
  into[at + 1] = length >>> 16;
  into[at + 2] = length >>> 8;
  into[at + 3] = length;
  into[at + 4] = type;
}

/** One whole frame around bytes, which are copied. */
export function encodeFrame(type: number, payload: Bytes): Bytes {
  const frame = new Uint8Array(FRAME_HEAD_BYTES + payload.length);
  writeHead(frame, 0, type, payload.length);
  frame.set(payload, FRAME_HEAD_BYTES);
  return frame;
}

/** One whole frame around a value as JSON. */
export function encodeJson(type: number, value: unknown): Bytes {
  one.json(type, value);
  return one.take();
}

/**
 * Frames one behind the other, in bytes that grow, and are used again for the next ones. The second
 * half of the bytes is where texts are encoded before they are moved to their place: a view of the
 * place itself would have to be made for each text, and costs more than that (measured).
 */
export class FrameBuffer {
  #bytes = NONE;
  /** The second half of them. */
  #stage = NONE;
  #length = 0;

  /** Bytes held. */
  get length(): number {
    return this.#length;
  }
  /** Bytes that it takes in memory. */
  get size(): number {
    return this.#bytes.length;
  }

  /** Adds a frame around a value as JSON. */
  json(type: number, value: unknown): void {
    const text = JSON.stringify(value);
    this.#need(FRAME_HEAD_BYTES + text.length * 3);
    const start = this.#length;
    this.#length += FRAME_HEAD_BYTES;
    writeHead(this.#bytes, start, type, this.#write(text));
  }

  /** Adds whole frames, or lines of another protocol; bytes are copied. */
  add(bytes: string | Bytes): void {
    if (typeof bytes === "string") {
      this.#need(bytes.length * 3);
      this.#write(bytes);
    } else {
      this.#need(bytes.length);
      this.#bytes.set(bytes, this.#length);
      this.#length += bytes.length;
    }
  }

  /** A copy of what it holds. */
  copy(): Bytes {
    return this.#bytes.slice(0, this.#length);
  }

  /** A copy of what it holds; then it is empty, and gives up what only a rare burst needs. */
  take(): Bytes {
    const bytes = this.copy();
    this.#length = 0;
    const { length } = this.#bytes;
    const isRare = length > LIMITS.frameBufferBytesMin && bytes.length < length / 16;
    if (isRare || length > LIMITS.frameBufferBytesMax) this.#bytes = this.#stage = NONE;
    return bytes;
  }

  /** Makes room for so many more bytes in each half. */
  #need(more: number): void {
    const old = this.#bytes;
    if (old.length / 2 - this.#length >= more) return;
    const size = Math.max(old.length * 2, (this.#length + more) * 2, LIMITS.frameBufferBytesMin);
    this.#bytes = new Uint8Array(size);
    this.#bytes.set(old.subarray(0, this.#length));
    this.#stage = this.#bytes.subarray(size / 2);
  }

  /** There is room for three bytes a unit of it, which is the most that UTF-8 takes. */
  #write(text: string): number {
    const { written } = encoder.encodeInto(text, this.#stage);
    const from = this.#bytes.length / 2;
    this.#bytes.copyWithin(this.#length, from, from + written);
    this.#length += written;
    return written;
  }
}

/** For frames that go alone. */
const one = new FrameBuffer();

/**
 * Reads a payload as JSON. Throws `ProtocolError` `BAD_UTF8`, or `BAD_FRAME` where it is no JSON or
 * is nested deeper than LIMITS.jsonDepthMax.
 */
export function decodeJson(payload: Bytes): unknown {
  let text: string;
  try {
    text = decoder.decode(payload);
  } catch {
    throw new ProtocolError("BAD_UTF8", "a frame's text is not valid UTF-8");
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ProtocolError("BAD_FRAME", "a frame's payload is not JSON");
  }
  // Nearly every frame is one flat object.
  if (text.indexOf("{", 1) < 0 && !text.includes("[")) return value;
  if (!isDeeper(value, LIMITS.jsonDepthMax)) return value;
  const what = `a frame's JSON is nested deeper than ${LIMITS.jsonDepthMax}`;
  throw new ProtocolError("BAD_FRAME", what);
}

/** Looks no further than `levels` down. */
function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (levels === 0) return true;
  // The names of a list's places would be made for `in`, one text each.
  if (Array.isArray(value))
    return value.some((inner) => typeof inner === "object" && isDeeper(inner, levels - 1));
  for (const key in value) {
    const inner = (value as Readonly<Record<string, unknown>>)[key]; // a key of it
    if (typeof inner === "object" && isDeeper(inner, levels - 1)) return true;
  }
  return false;
}

/** The whole frame around a payload that a `FrameReader` has handed over; borrowed like it. */
export const frameOf = (payload: Bytes): Bytes =>
  new Uint8Array(
    payload.buffer,
    payload.byteOffset - FRAME_HEAD_BYTES,
    payload.length + FRAME_HEAD_BYTES,
  );

/**
 * Cuts a byte stream into frames, in place: bytes are copied only where a frame is spread over
 * several chunks, and then once. A length is checked against `limit` before it is trusted. Each
 * payload is borrowed until the end of `push`, and its frame's head stands before it.
 */
export class FrameReader {
  /** Largest payload, in bytes; may be changed between and within chunks. */
  limit: number;
  #rest: Bytes | undefined; // room for the whole frame, or more, once its length is known
  #want = 0; // its size
  #spent: Bytes | undefined; // room of a frame that was handled, to be given back
  #have = 0;
  readonly #head = new Uint8Array(FRAME_HEAD_BYTES);

  constructor(limit: number) {
    this.limit = limit;
  }

  /** Bytes of an unfinished frame that are held. */
  get heldBytes(): number {
    return this.#have;
  }

  /**
   * Calls `handle` for each frame that `chunk` completes. `handle` returns false to stop: the rest
   * of the chunk is then left alone. At last, also when it throws, it calls `worked`, behind which
   * no payload is valid any more. Returns how many bytes of the chunk were used.
   * Throws `ProtocolError`: `FRAME_TOO_LARGE`, or `BAD_FRAME` for a length of 0.
   */
  push(
    chunk: Bytes,
    handle: (type: number, payload: Bytes) => boolean | void,
    worked?: () => void,
  ): number {
    try {
      return this.#push(chunk, handle);
    } finally {
      worked?.();
      if (this.#spent !== undefined) giveBack(this.#spent);
      this.#spent = undefined;
    }
  }

  // --- internal ---------------------------------------------------------------------------------

  #push(chunk: Bytes, handle: (type: number, payload: Bytes) => boolean | void): number {
    let at = 0;
    while (at < chunk.length) {
      if (this.#have > 0) {
        at = this.#fill(chunk, at);
        const rest = this.#rest;
        if (rest === undefined || this.#have < this.#want) continue;
        this.#rest = undefined;
        this.#have = 0;
        // Only the first frame of a chunk can have begun before it.
        this.#spent = rest;
        const payload = rest.subarray(FRAME_HEAD_BYTES, this.#want);
        if (handle(rest[4] as number, payload) === false) return at; // ≥ 5
        continue;
      }
      if (chunk.length - at < FRAME_HEAD_BYTES) {
        this.#head.set(chunk.subarray(at));
        this.#have = chunk.length - at;
        return chunk.length;
      }
      const size = this.#size(chunk, at);
      if (chunk.length - at < size) {
        this.#want = size;
        this.#rest = roomFor(size);
        this.#rest.set(chunk.subarray(at));
        this.#have = chunk.length - at;
        return chunk.length;
      }
      const type = chunk[at + 4] as number; // inside the chunk, as just checked
      const payload = payloadOf(type, chunk, at + FRAME_HEAD_BYTES, at + size);
      at += size;
      if (handle(type, payload) === false) return at;
    }
    return at;
  }

  /** Moves bytes of the chunk into the unfinished frame; returns where it stopped. */
  #fill(chunk: Bytes, from: number): number {
    if (this.#rest === undefined) {
      const take = Math.min(FRAME_HEAD_BYTES - this.#have, chunk.length - from);
      this.#head.set(chunk.subarray(from, from + take), this.#have);
      this.#have += take;
      if (this.#have < FRAME_HEAD_BYTES) return from + take;
      this.#want = this.#size(this.#head, 0);
      this.#rest = roomFor(this.#want);
      this.#rest.set(this.#head);
      return from + take;
    }
    const take = Math.min(this.#want - this.#have, chunk.length - from);
    this.#rest.set(chunk.subarray(from, from + take), this.#have);
    this.#have += take;
    return from + take;
  }

  /** The size of the whole frame whose head stands at `at`. */
  #size(bytes: Bytes, at: number): number {
    const view = (i: number) => bytes[at + i] as number; // the caller checked for 5
    const length = view(0) * 0x1000000 + ((view(1) << 16) | (view(2) << 8) | view(3));
    if (length === 0) throw new ProtocolError("BAD_FRAME", "a frame of length 0 has no type");
    if (length - 1 > this.limit) {
      const what = `a payload of ${length - 1} bytes, expected at most ${this.limit}`;
      throw new ProtocolError("FRAME_TOO_LARGE", `${frameName(view(4))}: ${what}`);
    }
    return length + 4;
  }
}

/**
 * Small payloads are copied: a view makes JavaScriptCore allocate an ArrayBuffer for what was read,
 * which takes longer. Pieces of files stay where they are, and go on with their heads.
 */
function payloadOf(type: number, chunk: Bytes, from: number, to: number): Bytes {
  const isSmall = to - from <= LIMITS.frameCopiedBytesMax;
  return isSmall && type !== FRAME.chunk ? slice.call(chunk, from, to) : chunk.subarray(from, to);
}
const { slice } = Uint8Array.prototype;

/** For chunks of files, most of which come in two pieces: making room for each costs more. */
const rooms: Bytes[] = [];

function roomFor(size: number): Bytes {
  if (size < LIMITS.frameRoomPooledBytesMin || size > ROOM_BYTES) return new Uint8Array(size);
  return rooms.pop() ?? new Uint8Array(ROOM_BYTES);
}

function giveBack(room: Bytes): void {
  if (room.length === ROOM_BYTES && rooms.length < LIMITS.frameRoomsPooledMax) rooms.push(room);
}

/** Any frame of a client. */
const ROOM_BYTES = FRAME_HEAD_BYTES + LIMITS.frameBytesMax;
