// What passes between the plugin and its worker. Two kinds of message, both cheap to hand over:
// JSON texts, and single buffers (given, not copied) where there is much to carry:
//   u32 length of the head (big endian) · head as JSON · the bytes that it tells of
// Objects and many buffers would be cloned piece by piece: three times the cost (measured).

import type { Batch, Bytes, Sid, Stream } from "chatfusion";

/** How much is kept; without a bound, everything is. */
export interface Retention {
  readonly days?: number | undefined;
  readonly messages?: number | undefined;
}

/**
 * The limits (src/limits.ts) that the worker keeps. It is given them: to import them would load all
 * of "chatfusion" there, which takes as long as everything else until it is ready.
 */
export interface Bounds {
  readonly busyMsMax: number;
  readonly checkedBytesMax: number;
  readonly pruneStepRooms: number;
}

/** What the worker is asked, in order; each is answered once, with its number. */
export type Request =
  | {
      readonly op: "open";
      readonly path: string;
      readonly retention: Retention;
      readonly bounds: Bounds;
    }
  | { readonly op: "streams" }
  | {
      readonly op: "range";
      readonly stream: Stream;
      readonly from: number;
      readonly to: number;
      readonly bytesMax: number;
    }
  | {
      readonly op: "backlog";
      readonly room: string;
      readonly limit: number;
      readonly before?: string | undefined;
    }
  | {
      readonly op: "since";
      readonly room: string;
      readonly id: string;
      readonly limit: number;
    }
  | { readonly op: "prune"; readonly now: number; readonly messagesMax: number }
  | { readonly op: "close" };

export type Numbered = Request & { readonly number: number };

/** What the worker answers; a range is a buffer with `ranged` as its head. */
export interface Answer {
  readonly number: number;
  readonly value?: unknown;
  /** The text of a refusal, for the log and the operator. */
  readonly error?: string;
}

/** One batch on its way to the disk, and back. */
export interface Packed {
  readonly stream: Stream;
  readonly first: number;
  readonly ids: readonly string[];
  /** The messages, as a JSON array in UTF-8. */
  readonly entries: Bytes;
  readonly bytes: Bytes;
}

interface AppendHead {
  readonly number: number;
  readonly now: number;
  readonly batches: readonly (readonly [
    origin: string,
    life: string,
    room: string,
    first: number,
    ids: readonly string[],
    entriesBytes: number,
    bytes: number,
  ])[];
}

interface RangeHead {
  readonly number: number;
  readonly batches: readonly (readonly [first: number, entriesBytes: number, bytes: number])[];
}

/** Joins the batches of a tick into one new buffer, to be given away. */
export function packAppend(number: number, now: number, tick: readonly Batch[]): Bytes {
  const pieces: Bytes[] = [];
  const batches = tick.map(({ stream, first, messages, bytes }) => {
    const entries = Buffer.from(JSON.stringify(messages));
    const ids = messages.map(({ id }) => id);
    pieces.push(entries, bytes);
    const { origin, life, room } = stream;
    return [origin, life, room, first, ids, entries.length, bytes.length] as const;
  });
  return join({ number, now, batches } satisfies AppendHead, pieces);
}

/** Takes such a buffer apart, in place. */
export function unpackAppend(buffer: Bytes): {
  readonly number: number;
  readonly now: number;
  readonly batches: readonly Packed[];
} {
  const { head, rest } = split(buffer);
  const { number, now, batches } = head as AppendHead; // made by packAppend
  return {
    number,
    now,
    batches: batches.map(([origin, life, room, first, ids, entriesBytes, bytes]) => ({
      // As the core gave them.
      stream: { origin: origin as Sid, life, room: room as Stream["room"] },
      first,
      ids,
      entries: rest(entriesBytes),
      bytes: rest(bytes),
    })),
  };
}

/** Joins the batches of a range into one new buffer, to be given away. */
export function packRange(
  number: number,
  rows: readonly Pick<Packed, "first" | "entries" | "bytes">[],
): Bytes {
  const batches = rows.map(
    ({ first, entries, bytes }) => [first, entries.length, bytes.length] as const,
  );
  const pieces = rows.flatMap(({ entries, bytes }) => [entries, bytes]);
  return join({ number, batches } satisfies RangeHead, pieces);
}

/** Takes such a buffer apart; the batches' bytes are views of it. */
export function unpackRange(buffer: Bytes): {
  readonly number: number;
  readonly batches: readonly Omit<Batch, "stream">[];
} {
  const { head, rest } = split(buffer);
  const { number, batches } = head as RangeHead; // made by packRange
  return {
    number,
    batches: batches.map(([first, entriesBytes, bytes]) => ({
      first,
      messages: parseEntries(rest(entriesBytes)),
      bytes: rest(bytes),
    })),
  };
}

/** Reads the messages of a batch as they are stored. */
export function parseEntries(entries: Bytes): Batch["messages"] {
  return JSON.parse(decoder.decode(entries)) as Batch["messages"]; // written by packAppend
}

// --- internal ---

const decoder = new TextDecoder();
const HEAD_LENGTH_BYTES = 4;

function join(head: object, pieces: readonly Bytes[]): Bytes {
  const headBytes = Buffer.from(JSON.stringify(head));
  let size = HEAD_LENGTH_BYTES + headBytes.length;
  for (const piece of pieces) size += piece.length;
  const joined = new Uint8Array(size);
  new DataView(joined.buffer).setUint32(0, headBytes.length);
  joined.set(headBytes, HEAD_LENGTH_BYTES);
  let at = HEAD_LENGTH_BYTES + headBytes.length;
  for (const piece of pieces) {
    joined.set(piece, at);
    at += piece.length;
  }
  return joined;
}

function split(buffer: Bytes): { readonly head: unknown; rest(bytes: number): Bytes } {
  const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  let at = HEAD_LENGTH_BYTES + view.getUint32(0);
  const head: unknown = JSON.parse(decoder.decode(buffer.subarray(HEAD_LENGTH_BYTES, at)));
  return { head, rest: (bytes) => buffer.subarray(at, (at += bytes)) };
}
