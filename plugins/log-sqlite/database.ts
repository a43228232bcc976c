// The log in SQLite: what is asked of it, as statements. Runs in the worker, where a slow disk
// holds up nobody. A tick is one transaction. Parameters only.
// Invariants: 1. A batch is held whole or not at all, until it is pruned. 2. `streams.last` never
// goes down, so that nothing that was pruned is asked for again. 3. What is held twice is one.
// 4. What was pruned is given by nothing, not even to other servers: a batch of which some is left
// has no bytes.

import type { Database } from "bun:sqlite";
import type { MessageEntry, MessageRef, Stream } from "chatfusion";
import { createAbouts } from "./about.ts";
import { createConversations } from "./conversations.ts";
import { openFile } from "./file.ts";
import { createPruning } from "./prune.ts";
import { createRedaction } from "./redact.ts";
import type { Answered, Asked, Bounds, Deletion, Held, Packed, Retention } from "./request.ts";
import { parseEntries } from "./request.ts";
import { createSearch } from "./search.ts";

export interface LogDatabase {
  readonly conversations: ReturnType<typeof createConversations>;
  streams(): readonly { readonly stream: Stream; readonly last: number }[];
  /** Returns when the batches would survive a power cut; throws when none of them would. */
  append(batches: readonly Packed[], now: number): void;
  range(
    stream: Stream,
    bounds: { readonly from: number; readonly to: number; readonly bytesMax: number },
  ): readonly Pick<Packed, "first" | "last" | "entries" | "bytes">[];
  backlog(room: string, limit: number, before: string | undefined): readonly MessageEntry[];
  onward(room: string, limit: number, after: string): readonly MessageEntry[];
  since(room: string, id: string, limit: number): readonly MessageEntry[] | undefined;
  about(room: string, ids: readonly string[], limit: number): readonly MessageEntry[];
  deletions(limit: number): readonly Deletion[];
  /** The batches that hold any of these messages. */
  holding(room: string, messages: readonly MessageRef[]): readonly Held[];
  /** Removes messages for good, from the batches that hold them and that have tombstones now. */
  redact(room: string, messages: readonly MessageRef[], batches: readonly Held[]): void;
  /** Puts some of what was said into the index of words; false when all is in it. */
  index(): boolean;
  search(what: Asked): Answered;
  /** Removes some old messages, about `messagesMax`; false when none are left. */
  prune(now: number, messagesMax: number): boolean;
  close(): void;
}

/** Opens the log. Throws as `openFile` does. */
export function openLog(path: string, retention: Retention, bounds: Bounds): LogDatabase {
  const database = openFile(path, bounds);
  const index = createSearch(database, bounds);
  const pruning = createPruning(database, index, retention, bounds.pruneStepRooms);
  const abouts = createAbouts(database);
  const append = createAppend(database, pruning.touched, abouts.add);
  const redaction = createRedaction(database, index, bounds.busyMsMax);
  const conversations = createConversations(database, {
    bytesMax: bounds.conversationsBytesMax,
    days: retention.days,
  });
  const streams = database.query<{ origin: string; life: string; room: string; last: number }, []>(
    "SELECT origin, life, room, last FROM streams",
  );
  return {
    append(batches, now) {
      append(batches, now);
      redaction.settle();
    },
    ...createReads(database),
    since: createSince(database),
    about: abouts.about,
    deletions: abouts.deletions,
    ...redaction,
    index: () => index.step(),
    search(what) {
      index.catchUp(); // so that what was answered is found
      return index.search(what);
    },
    prune: (now, messagesMax) =>
      pruning.step(now, messagesMax) || conversations.prune(now, messagesMax),
    conversations: {
      ...conversations,
      forget(what) {
        const removed = conversations.forget(what);
        if (removed > 0) redaction.removed();
        return removed;
      },
    },
    // What was put in were streams.
    streams: () => streams.all().map(({ last, ...stream }) => ({ stream: stream as Stream, last })),
    close: () => database.close(),
  };
}

// --- internal ---

interface StreamRow {
  readonly id: number;
  readonly last: number;
}

function createAppend(
  database: Database,
  touched: (room: number) => void,
  addAbouts: ReturnType<typeof createAbouts>["add"],
): LogDatabase["append"] {
  const addRoom = database.query("INSERT INTO rooms (name) VALUES (?1) ON CONFLICT DO NOTHING");
  const findRoom = database.query<{ id: number }, [string]>("SELECT id FROM rooms WHERE name = ?1");
  const findStream = database.query<StreamRow, [string, string, string]>(
    "SELECT id, last FROM streams WHERE origin = ?1 AND life = ?2 AND room = ?3",
  );
  const setStream = database.query<StreamRow, [string, string, string, number]>(
    `INSERT INTO streams (origin, life, room, last) VALUES (?1, ?2, ?3, ?4)
     ON CONFLICT DO UPDATE SET last = excluded.last RETURNING id, last`,
  );
  const addBatch = database.query(
    // No number is used again that the index of words has used.
    `INSERT INTO batches (id, stream, room, first, count, marked, logged, entries, bytes)
     SELECT max(high, (SELECT coalesce(max(id), 0) + 1 FROM batches)),
       $stream, $room, $first, $count, $marked, $now, $entries, $bytes FROM indexed`,
  );
  const addMark = database.query(
    "INSERT INTO marks (room, id, batch, place) VALUES (?1, ?2, ?3, ?4)",
  );
  const one = (
    { stream: { origin, life, room }, first, last, ids, abouts, entries, bytes }: Packed,
    now: number,
  ) => {
    const held = findStream.get(origin, life, room)?.last ?? 0;
    if (last <= held) return;
    if (first <= held) {
      throw new Error(`a batch of ${room} begins at ${first}, and ${held} is held already`);
    }
    addRoom.run(room);
    const roomId = findRoom.get(room)?.id ?? 0;
    const stream = setStream.get(origin, life, room, last)?.id ?? 0;
    const marked = ids.length;
    const row = {
      stream,
      room: roomId,
      first,
      count: last + 1 - first,
      marked,
      now,
      entries,
      bytes,
    };
    const batch = addBatch.run(row).lastInsertRowid;
    for (let place = 0; place < marked; place += 1) {
      addMark.run(roomId, ids[place] ?? "", batch, place);
    }
    addAbouts(roomId, batch, ids, abouts);
    touched(roomId);
  };
  return database.transaction((batches: readonly Packed[], now: number) => {
    for (const batch of batches) one(batch, now);
  }).immediate;
}

function createReads(database: Database): Pick<LogDatabase, "range" | "backlog" | "onward"> {
  const range = database.query<
    Pick<Packed, "first" | "last" | "entries" | "bytes">,
    [string, string, string, number, number]
  >(
    `WITH one AS (SELECT id FROM streams WHERE origin = ?1 AND life = ?2 AND room = ?3)
     SELECT first, first + count - 1 AS last, entries, bytes FROM batches
     WHERE stream = (SELECT id FROM one) AND first <= ?5 AND first + count > ?4
       AND cut = 0 AND first >= coalesce(
         (SELECT max(first) FROM batches WHERE stream = (SELECT id FROM one) AND first <= ?4), 0)
     ORDER BY first`,
  );
  const newest = database.query<Mark, [string, string | null, number]>(
    `SELECT batch, place FROM marks
     WHERE room = (SELECT id FROM rooms WHERE name = ?1) AND (?2 IS NULL OR id < ?2)
     ORDER BY id DESC, batch DESC, place DESC LIMIT ?3`,
  );
  const oldest = database.query<Mark, [string, string, number]>(
    `SELECT batch, place FROM marks
     WHERE room = (SELECT id FROM rooms WHERE name = ?1) AND id > ?2
     ORDER BY id, batch, place LIMIT ?3`,
  );
  const entriesOf = database.query<{ entries: Uint8Array }, [number]>(
    "SELECT entries FROM batches WHERE id = ?1",
  );
  const messagesAt = (marks: readonly Mark[]): MessageEntry[] => {
    const read = new Map<number, readonly (MessageEntry | null)[]>();
    const found: MessageEntry[] = [];
    for (const { batch, place } of marks) {
      let messages = read.get(batch);
      if (messages === undefined) {
        messages = parseEntries(entriesOf.get(batch)?.entries ?? EMPTY_ARRAY);
        read.set(batch, messages);
      }
      const message = messages[place];
      if (message) found.push(message);
    }
    return found;
  };
  return {
    range({ origin, life, room }, { from, to, bytesMax }) {
      const found: Pick<Packed, "first" | "last" | "entries" | "bytes">[] = [];
      let bytes = 0;
      for (const row of range.iterate(origin, life, room, from, to)) {
        bytes += row.bytes.length;
        if (found.length > 0 && bytes > bytesMax) break;
        found.push(row);
      }
      return found;
    },
    backlog: (room, limit, before) =>
      messagesAt(newest.all(room, before ?? null, limit).toReversed()),
    onward: (room, limit, after) => messagesAt(oldest.all(room, after, limit)),
  };
}

/** Batches are numbered as they are appended, so that their numbers are the order of the log. */
function createSince(database: Database): LogDatabase["since"] {
  const find = database.query<{ room: number; batch: number; place: number }, [string, string]>(
    `SELECT room, batch, place FROM marks
     WHERE room = (SELECT id FROM rooms WHERE name = ?1) AND id = ?2 ORDER BY batch, place LIMIT 1`,
  );
  const batches = database.query<{ id: number; entries: Uint8Array }, [number, number]>(
    "SELECT id, entries FROM batches WHERE room = ?1 AND id >= ?2 ORDER BY id",
  );
  return (room, id, limit) => {
    const from = find.get(room, id);
    if (from === null) return undefined;
    const found: MessageEntry[] = [];
    for (const { id: batch, entries } of batches.iterate(from.room, from.batch)) {
      for (const [place, message] of parseEntries(entries).entries()) {
        if (message === null || (batch === from.batch && place <= from.place)) continue;
        if (found.length === limit) return found;
        found.push(message);
      }
    }
    return found;
  };
}

/** Where a message stands. */
interface Mark {
  readonly batch: number;
  readonly place: number;
}

const EMPTY_ARRAY = Buffer.from("[]");
