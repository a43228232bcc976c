// Texts that are removed from files of lines: each in its place, by a tombstone of the same length,
// so that no other byte of a file moves, whoever is reading it goes on, and nothing of the text is
// left where it stood. A file is read piece by piece, and again only where it may hold the message.
// Invariants: 1. A tombstone begins with what the line had before its text: after a crash in the
// middle of a write the line is found again. 2. What is done is on the disk before it is answered.

import type { FileHandle } from "node:fs/promises";
import { open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { MessageEntry, Redacted } from "chatfusion";
import { LIMITS } from "chatfusion";

/** One line of the log. Its beginning says which message it is. */
export const lineOf = ({ id, from, ...rest }: MessageEntry): string =>
  `${plain({ id, from, ...rest })}\n`;

/** What stands in place of a line: shorter than any that has a text. */
export const tombstoneOf = ({ id, from, room, at }: Redacted): string =>
  plain({ id, from, room, at, deleted: true });

/** Removes texts from the files of a folder. Never called again before it has settled. */
export type Redact = (messages: readonly Redacted[]) => Promise<void>;

/**
 * Makes what removes texts; the files of days before the message's own are looked at last. What is
 * not found is passed over. Rejects with what the disk says.
 */
export function createRedact(folder: string): Redact {
  const known = new Map<string, Known>();
  return (messages) => redactFiles(folder, messages, known);
}

// --- internal -----------------------------------------------------------------------------------

/** What is known of a file that has been read: a row a day. */
interface Known {
  /** Up to the end of its last whole line. */
  readonly bytes: number;
  /** The first and the last of the ids in it, as they stand there. */
  readonly least: string;
  readonly greatest: string;
}

async function redactFiles(
  folder: string,
  messages: readonly Redacted[],
  known: Map<string, Known>,
): Promise<void> {
  const wanted = new Map(messages.map((message) => [message, beginningOf(message)]));
  const days = (await readdir(folder)).filter((name) => DAY_FILE.test(name)).toSorted();
  const first = new Date(Math.min(...messages.map(({ at }) => at)) - DAY_MS);
  const day = Number.isNaN(first.getTime()) ? "" : first.toISOString().slice(0, DAY_LENGTH);
  const isLater = (name: string) => name.slice(0, DAY_LENGTH) >= day;
  const later = days.filter(isLater);
  const earlier = days.filter((name) => !isLater(name)).toReversed();
  for (const name of [...later, ...earlier]) {
    if (wanted.size === 0) return;
    const path = join(folder, name);
    const read = known.get(name);
    const isSame = read !== undefined && (await stat(path)).size === read.bytes;
    if (isSame && wanted.values().every((begin) => !mayHold(read, begin))) continue;
    known.set(name, await redactFile(path, wanted));
  }
}

const DAY_FILE = /^\d{4}-\d\d-\d\d\.jsonl$/;
const DAY_LENGTH = "2026-01-02".length;
const DAY_MS = 86_400_000;
const LINE_END = 0x0a;
/** More than the longest line, of which each character of a text may be six when it is escaped. */
const LINE_BYTES_MAX = 8 * LIMITS.textBytesMax;
const PIECE_BYTES = 256 * 1024;

/** What JSON leaves as it is, but a terminal, a pager or a line reader may not. */
const unsafe = /[\u007f-\u009f\u2028\u2029\p{Cf}]/gu;

const beginningOf = ({ id, from }: Redacted): Buffer =>
  Buffer.from(plain({ id, from }).slice(0, -1));

/** One line: in a JSON text, an escaped character is the same character. */
const plain = (value: object): string => JSON.stringify(value).replace(unsafe, escapeUnits);

function escapeUnits(character: string): string {
  let escaped = "";
  for (let at = 0; at < character.length; at += 1) {
    escaped += `\\u${character.charCodeAt(at).toString(16).padStart(4, "0")}`;
  }
  return escaped;
}

const ID_BEGINS = `{"id":"`.length;

/** The id at the beginning of a line of ours, byte by byte; of others something. */
const idAt = (bytes: Buffer): string =>
  bytes.toString("latin1", ID_BEGINS, Math.max(bytes.indexOf(`","from":`), ID_BEGINS));

const mayHold = ({ least, greatest }: Known, begin: Buffer): boolean =>
  idAt(begin) >= least && idAt(begin) <= greatest;

/** Removes texts from one file, and from `wanted` the messages that it has found. */
async function redactFile(path: string, wanted: Map<Redacted, Buffer>): Promise<Known> {
  const file = await open(path, "r+");
  try {
    let isChanged = false;
    let [bytes, least, greatest] = [0, "\uffff", ""];
    for await (const line of linesOf(file)) {
      const id = idAt(line.bytes);
      if (id < least) least = id;
      if (id > greatest) greatest = id;
      bytes = line.at + line.bytes.length + 1;
      for (const [message, begin] of wanted) {
        if (!line.bytes.subarray(0, begin.length).equals(begin)) continue;
        wanted.delete(message);
        isChanged = (await bury(file, line, message)) || isChanged;
      }
    }
    if (isChanged) await file.sync();
    return { bytes, least, greatest };
  } finally {
    await file.close();
  }
}

interface Line {
  /** Where it begins, in bytes. */
  readonly at: number;
  /** Without its end; they are reused. */
  readonly bytes: Buffer;
}

/** All lines of a file; what is longer than any of ours is passed over. */
async function* linesOf(file: FileHandle): AsyncGenerator<Line> {
  const piece = Buffer.alloc(PIECE_BYTES + LINE_BYTES_MAX);
  let at = 0;
  let held = 0;
  let isTooLong = false;
  for (;;) {
    const { bytesRead } = await file.read(piece, held, PIECE_BYTES, at + held);
    if (bytesRead === 0) return;
    const bytes = piece.subarray(0, held + bytesRead);
    let begin = 0;
    for (;;) {
      const end = bytes.indexOf(LINE_END, begin);
      if (end < 0) break;
      if (!isTooLong) yield { at: at + begin, bytes: bytes.subarray(begin, end) };
      isTooLong = false;
      begin = end + 1;
    }
    held = bytes.length - begin;
    isTooLong ||= held > LINE_BYTES_MAX;
    if (isTooLong) held = 0;
    else piece.copyWithin(0, begin, bytes.length);
    at += bytes.length - held;
  }
}

/** Writes a tombstone in place of a line; false where it stands there already. */
async function bury(file: FileHandle, { at, bytes }: Line, message: Redacted): Promise<boolean> {
  // Of a line that a full disk has cut off there may be less than the tombstone.
  const whole = Buffer.from(tombstoneOf(message).padEnd(bytes.length, " "));
  const tombstone = whole.subarray(0, bytes.length);
  if (tombstone.equals(bytes)) return false;
  for (let done = 0; done < tombstone.length;) {
    const { bytesWritten } = await file.write(tombstone, done, tombstone.length - done, at + done);
    done += bytesWritten;
  }
  return true;
}
