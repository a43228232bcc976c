// The index of words (SQLite's FTS5), and what is found by it. It holds no texts, only where words
// are: a row's number is its batch's, times 4,096, and its place in the batch, so that rows are in
// the order of the log. Reactions are left out. Messages get into it after their commit has been
// answered, in steps, each a commit without an fsync: after a crash the same step is made again.
// Invariants: 1. The batches from `low` to before `high` are in the index, and no others. 2. What
// is removed from the log is removed from the index in the same transaction.

import type { Database } from "bun:sqlite";
import type { MessageEntry } from "chatfusion";
import type { Answered, Asked, Bounds } from "./request.ts";
import { parseEntries } from "./request.ts";
import { phrasesOf, wordsOf } from "./words.ts";

/** As many messages as a batch may hold. */
const PLACES = 4096;

/** The tables, empty; what is in the log already is to be put into the index. */
export const SEARCH_SCHEMA = `
  CREATE VIRTUAL TABLE words USING fts5(
    place, text, content = '', columnsize = 0, tokenize = 'ascii'
  );
  CREATE TABLE indexed (low INTEGER NOT NULL, high INTEGER NOT NULL) STRICT;
  INSERT INTO indexed SELECT next, next FROM (SELECT coalesce(max(id), 0) + 1 AS next FROM batches);
`;

export interface SearchIndex {
  /**
   * Puts some of what waits into the index; false when nothing is left. Throws at once where
   * another process holds the file.
   */
  step(): boolean;
  /** Puts all into it that was said since there is an index. */
  catchUp(): void;
  /** One message of a batch is about to be removed; with `wipes`, so that no word of it is left. */
  remove(room: number, batch: number, entry: Placed, wipes?: boolean): void;
  search(what: Asked): Answered;
}

/** A message at its place in a batch. */
export interface Placed {
  readonly place: number;
  readonly message: MessageEntry;
}

/** Makes the index of a database that is open. */
export function createSearch(
  database: Database,
  { busyMsMax, indexStepMessages }: Pick<Bounds, "busyMsMax" | "indexStepMessages">,
): SearchIndex {
  const indexed = createIndexed(database);
  const put = database.query("INSERT INTO words (rowid, place, text) VALUES (?1, ?2, ?3)");
  const take = database.query(
    "INSERT INTO words (words, rowid, place, text) VALUES ('delete', ?1, ?2, ?3)",
  );
  const wipe = database.query("INSERT INTO words (words, rank) VALUES ('secure-delete', ?1)");
  const after = database.query<BatchRow, [number]>(
    "SELECT id, room, entries FROM batches WHERE id >= ?1 ORDER BY id",
  );
  const before = database.query<BatchRow, [number]>(
    "SELECT id, room, entries FROM batches WHERE id < ?1 ORDER BY id DESC",
  );
  const add = ({ id, room, messages }: Batch) => {
    for (const [place, message] of messages.entries()) {
      if (message === null || !isFindable(message)) continue;
      put.run(id * PLACES + place, placeOf(room, message), textOf(message));
    }
  };
  /** What has come since goes first; then what was there before there was an index. */
  const step = database.transaction((): boolean => {
    const { low, high } = indexed.read();
    const some = firstOf(after.iterate(high), indexStepMessages);
    const last = some.at(-1);
    if (last !== undefined) indexed.write(low, last.id + 1);
    else {
      // Rows are put in with growing numbers: that is what the index is quick at.
      some.push(...firstOf(before.iterate(low), indexStepMessages).toReversed());
      indexed.write(some[0]?.id ?? low, high);
    }
    for (const batch of some) add(batch);
    return some.length > 0;
  }).immediate;
  const unsynced = (run: () => boolean): boolean => {
    database.run("PRAGMA synchronous = NORMAL");
    try {
      return run();
    } finally {
      database.run("PRAGMA synchronous = FULL");
    }
  };
  return {
    step() {
      if (indexed.waits() === "nothing") return false;
      database.run("PRAGMA busy_timeout = 0"); // commits don't wait for it: it is tried again
      try {
        return unsynced(step);
      } finally {
        database.run(`PRAGMA busy_timeout = ${busyMsMax}`);
      }
    },
    catchUp() {
      while (indexed.waits() === "new") unsynced(step);
    },
    remove(room, batch, { place, message }, wipes = false) {
      if (!indexed.holds(batch) || !isFindable(message)) return;
      if (wipes) wipe.run(1);
      take.run(batch * PLACES + place, placeOf(room, message), textOf(message));
      if (wipes) wipe.run(0);
    },
    search: createQuestions(database),
  };
}

// --- internal ---

interface BatchRow {
  readonly id: number;
  readonly room: number;
  readonly entries: Uint8Array;
}

interface Batch extends Omit<BatchRow, "entries"> {
  readonly messages: readonly (MessageEntry | null)[];
}

/** Which batches are in the index. */
function createIndexed(database: Database) {
  const read = database.query<{ low: number; high: number }, []>("SELECT low, high FROM indexed");
  const write = database.query("UPDATE indexed SET low = ?1, high = ?2");
  const waits = database.query<{ what: "new" | "old" | "nothing" }, []>(
    `SELECT CASE WHEN EXISTS (SELECT 1 FROM batches WHERE id >= high) THEN 'new'
       WHEN EXISTS (SELECT 1 FROM batches WHERE id < low) THEN 'old'
       ELSE 'nothing' END AS what FROM indexed`,
  );
  const now = () => read.get() ?? { low: 0, high: 0 };
  return {
    read: now,
    write: (low: number, high: number) => void write.run(low, high),
    waits: () => waits.get()?.what,
    holds(batch: number): boolean {
      const { low, high } = now();
      return batch >= low && batch < high;
    },
  };
}

/** The first batches, of about so many messages in all. */
function firstOf(rows: Iterable<BatchRow>, messagesMax: number): Batch[] {
  const found: Batch[] = [];
  let count = 0;
  for (const { entries, ...row } of rows) {
    const messages = parseEntries(entries);
    found.push({ ...row, messages });
    count += messages.length;
    if (count >= messagesMax) break;
  }
  return found;
}

/** Reactions are no words; nobody looks for them. */
const isFindable = ({ kind }: MessageEntry): boolean =>
  kind !== "reaction" && kind !== "unreaction";

const authorWord = (address: string): string =>
  `u${Buffer.from(address.toLowerCase()).toString("hex")}`;
const placeOf = (room: number, { from }: MessageEntry): string => `r${room} ${authorWord(from)}`;
const textOf = ({ text }: MessageEntry): string => wordsOf(text).join(" ");

function createQuestions(database: Database): SearchIndex["search"] {
  const findRoom = database.query<{ id: number }, [string]>("SELECT id FROM rooms WHERE name = ?1");
  const rows = database.query<{ row: number }, [string, number, number]>(
    `SELECT rowid AS row FROM words WHERE words MATCH ?1 AND rowid < ?2
     ORDER BY rowid DESC LIMIT ?3`,
  );
  // One of a batch of many: to parse them all takes longer than to find it.
  const entryOf = database.query<{ entry: string | null }, [number, number]>(
    `SELECT json_extract(CAST(entries AS TEXT), '$[' || ?2 || ']') AS entry
     FROM batches WHERE id = ?1`,
  );
  return ({ rooms, text, from, before, limit }) => {
    const held = rooms.flatMap((name) => findRoom.get(name)?.id ?? []);
    if (held.length === 0) return { messages: [] };
    const question = [`place : (${held.map((id) => `r${id}`).join(" OR ")})`];
    if (from !== undefined) question.push(`place : ${authorWord(from)}`);
    // Of letters and digits alone: nothing of a text is a part of the question's own language.
    for (const { words, prefix } of phrasesOf(text))
      question.push(`text : "${words.join(" ")}"${prefix ? " *" : ""}`);
    const bound = before === undefined ? Number.MAX_SAFE_INTEGER : Number(before);
    const found = rows.all(question.join(" AND "), bound, limit + 1);
    const shown = found.slice(0, limit);
    const messages = shown.flatMap(({ row }) => {
      const { entry = null } = entryOf.get(Math.floor(row / PLACES), row % PLACES) ?? {};
      return entry === null ? [] : (JSON.parse(entry) as MessageEntry); // as packAppend wrote it
    });
    const next = found.length > limit ? shown.at(-1) : undefined;
    messages.reverse();
    return { messages, ...(next === undefined ? {} : { next: String(next.row) }) };
  };
}
