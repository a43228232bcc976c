// What passes between the plugin and its worker. Two kinds of message, both cheap to hand over:
// JSON texts, and single buffers (given, not copied) where there is much to carry:
//   u32 length of the head (big endian) · head as JSON · the bytes that it tells of
// Objects and many buffers would be cloned piece by piece: three times the cost (measured).

import type {
  Batch,
  Bytes,
  ConversationOf,
  Conversations,
  KeptMessage,
  MessageEntry,
  MessageRef,
  Sid,
  Stream,
} from "chatfusion";

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
  readonly indexStepMessages: number;
  readonly indexEveryMs: number;
  readonly conversationsBytesMax: number;
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
      readonly op: "onward";
      readonly room: string;
      readonly limit: number;
      readonly after: string;
    }
  | {
      readonly op: "since";
      readonly room: string;
      readonly id: string;
      readonly limit: number;
    }
  | ({ readonly op: "search" } & Asked)
  | {
      readonly op: "about";
      readonly room: string;
      readonly ids: readonly string[];
      readonly limit: number;
    }
  | { readonly op: "deletions"; readonly limit: number }
  | { readonly op: "holding"; readonly room: string; readonly messages: readonly MessageRef[] }
  | { readonly op: "prune"; readonly now: number; readonly messagesMax: number }
  | { readonly op: "keep"; readonly now: number; readonly messages: readonly KeptMessage[] }
  | ({ readonly op: "conversation" } & AskedOf)
  | {
      readonly op: "newest";
      readonly account: string;
      readonly limit: number;
      readonly before?: string | undefined;
    }
  | ({ readonly op: "forget" } & Forgotten)
  | { readonly op: "accounts" }
  | { readonly op: "close" };

/** What is looked for, as `Search` has it. */
export interface Asked {
  readonly rooms: readonly string[];
  readonly text: string;
  readonly from?: string;
  readonly before?: string;
  readonly limit: number;
}

/** A page of a conversation, as `Conversations` has it. */
export interface AskedOf extends ConversationOf {
  readonly limit: number;
  readonly before?: string;
  readonly after?: string;
  /** Words that they have. */
  readonly text?: string;
}

/** What of conversations is to be removed. */
export type Forgotten = Parameters<Conversations["forget"]>[0];

/** What was found. */
export interface Answered {
  readonly messages: readonly MessageEntry[];
  readonly next?: string;
}

export type Numbered = Request & { readonly number: number };

/** What the worker answers; batches are a buffer of their own. */
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
  readonly last: number;
  readonly ids: readonly string[];
  readonly abouts: readonly About[];
  /** The messages, as a JSON array in UTF-8; null in place of one that was removed. */
  readonly entries: Bytes;
  readonly bytes: Bytes;
}

/** A message that is about another: its place, the other's id, its rank in `History.about`. */
export type About = readonly [place: number, about: string, rank: number];

/** A deletion, and whether something is held of the id that it is about. */
export interface Deletion {
  readonly deletion: MessageEntry;
  readonly isHeld: boolean;
}

/** A batch of the database that holds what is to be removed. */
export interface Held {
  readonly id: number;
  readonly bytes: Bytes;
}

/** What the worker is given in a buffer. */
export type Given =
  | {
      readonly op: "append";
      readonly number: number;
      readonly now: number;
      readonly batches: readonly Packed[];
    }
  | {
      readonly op: "redact";
      readonly number: number;
      readonly room: string;
      readonly messages: readonly MessageRef[];
      readonly batches: readonly Held[];
    };

interface AppendHead {
  readonly op: "append";
  readonly number: number;
  readonly now: number;
  readonly batches: readonly (readonly [
    origin: string,
    life: string,
    room: string,
    first: number,
    last: number,
    ids: readonly string[],
    abouts: readonly About[],
    entriesBytes: number,
    bytes: number,
  ])[];
}

interface RedactHead {
  readonly op: "redact";
  readonly number: number;
  readonly room: string;
  readonly messages: readonly MessageRef[];
  readonly held: readonly (readonly [id: number, bytes: number])[];
}

interface RangeHead {
  readonly number: number;
  readonly batches: readonly (readonly [
    first: number,
    last: number,
    entriesBytes: number,
    bytes: number,
  ])[];
}

interface HeldHead {
  readonly number: number;
  readonly held: RedactHead["held"];
}

/** Joins the batches of a tick into one new buffer, to be given away. */
export function packAppend(number: number, now: number, tick: readonly Batch[]): Bytes {
  const pieces: Bytes[] = [];
  const batches = tick.map(({ stream, first, last, messages, bytes }) => {
    const entries = Buffer.from(JSON.stringify(messages));
    const ids = messages.map(({ id }) => id);
    pieces.push(entries, bytes);
    const { origin, life, room } = stream;
    const abouts = aboutsIn(messages);
    return [origin, life, room, first, last, ids, abouts, entries.length, bytes.length] as const;
  });
  return join({ op: "append", number, now, batches } satisfies AppendHead, pieces);
}

/** Joins batches that have tombstones now into one new buffer, to be given away. */
export function packRedact(
  what: Pick<RedactHead, "number" | "room" | "messages">,
  batches: readonly Held[],
): Bytes {
  const held = batches.map(({ id, bytes }) => [id, bytes.length] as const);
  const pieces = batches.map(({ bytes }) => bytes);
  return join({ op: "redact", ...what, held } satisfies RedactHead, pieces);
}

/** Takes either buffer apart, in place. */
export function unpackGiven(buffer: Bytes): Given {
  const { head, rest } = split(buffer);
  const given = head as AppendHead | RedactHead; // made by the two above
  if (given.op === "redact") {
    const { held, ...what } = given;
    return { ...what, batches: held.map(([id, bytes]) => ({ id, bytes: rest(bytes) })) };
  }
  return {
    ...given,
    batches: given.batches.map(
      ([origin, life, room, first, last, ids, abouts, entriesBytes, bytes]) => ({
        // As the core gave them.
        stream: { origin: origin as Sid, life, room: room as Stream["room"] },
        first,
        last,
        ids,
        abouts,
        entries: rest(entriesBytes),
        bytes: rest(bytes),
      }),
    ),
  };
}

/** Joins the batches of a range into one new buffer, to be given away. */
export function packRange(
  number: number,
  rows: readonly Pick<Packed, "first" | "last" | "entries" | "bytes">[],
): Bytes {
  const batches = rows.map(
    ({ first, last, entries, bytes }) => [first, last, entries.length, bytes.length] as const,
  );
  const pieces = rows.flatMap(({ entries, bytes }) => [entries, bytes]);
  return join({ number, batches } satisfies RangeHead, pieces);
}

/** Joins the batches that hold some messages into one new buffer, to be given away. */
export function packHeld(number: number, batches: readonly Held[]): Bytes {
  const held = batches.map(({ id, bytes }) => [id, bytes.length] as const);
  const pieces = batches.map(({ bytes }) => bytes);
  return join({ number, held } satisfies HeldHead, pieces);
}

/** Takes either buffer apart; the batches' bytes are views of it. */
export function unpackAnswer(buffer: Bytes): {
  readonly number: number;
  readonly value: readonly Omit<Batch, "stream">[] | readonly Held[];
} {
  const { head, rest } = split(buffer);
  const answer = head as RangeHead | HeldHead; // made by the two above
  const { number } = answer;
  if ("held" in answer)
    return { number, value: answer.held.map(([id, bytes]) => ({ id, bytes: rest(bytes) })) };
  const value = answer.batches.map(([first, last, entriesBytes, bytes]) => ({
    first,
    last,
    messages: parseEntries(rest(entriesBytes)).filter((one) => one !== null),
    bytes: rest(bytes),
  }));
  return { number, value };
}

/** Reads the messages of a batch as they are stored; null in place of one that was removed. */
export function parseEntries(entries: Bytes): readonly (MessageEntry | null)[] {
  return JSON.parse(decoder.decode(entries)) as (MessageEntry | null)[]; // written by packAppend
}

// --- internal ---

const NONE: readonly About[] = [];

/** Mostly there are none. */
function aboutsIn(messages: Batch["messages"]): readonly About[] {
  let found: About[] | undefined;
  for (const [place, { about, kind }] of messages.entries()) {
    if (about === undefined) continue;
    found ??= [];
    found.push([place, about, kind === "delete" ? 0 : kind === "edit" ? 1 : 2]);
  }
  return found ?? NONE;
}

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
