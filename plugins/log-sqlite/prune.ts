// Old messages go in small steps between commits. By days: whole batches, by when they were
// logged here. By number: the oldest of each room that has grown, one after another; a batch goes
// with the last of its messages. Until then it has null in place of those that went, and no bytes:
// they are signed as a whole, and would hand on what is gone.

import type { Database } from "bun:sqlite";
import type { MessageEntry } from "chatfusion";
import type { Retention } from "./request.ts";
import { parseEntries } from "./request.ts";
import type { SearchIndex } from "./search.ts";

const NONE = Buffer.from("[]");
const DAY_MS = 24 * 60 * 60 * 1000;

/** Makes the pruning of a database that is open; a step looks at up to `roomsMax` rooms. */
export function createPruning(
  database: Database,
  index: SearchIndex,
  { days, messages }: Retention,
  roomsMax: number,
) {
  const grown = new Set<number>();
  if (messages !== undefined) {
    const rooms = database.query<{ id: number }, []>("SELECT id FROM rooms");
    for (const { id } of rooms.all()) grown.add(id);
  }
  const byDays = days === undefined ? undefined : createByDays(database, index, days);
  const byNumber = messages === undefined ? undefined : createByNumber(database, index, messages);

  const step = (now: number, messagesMax: number): boolean => {
    if (byDays?.(now, messagesMax) === true) return true;
    if (byNumber === undefined) return false;
    let looked = 0;
    for (const room of grown) {
      if (byNumber(room, messagesMax) || ++looked > roomsMax) return true;
      grown.delete(room);
    }
    return false;
  };
  return {
    /** A room has grown. */
    touched(room: number): void {
      if (messages !== undefined) grown.add(room);
    },
    /** Removes about `messagesMax` messages; false when nothing is left to remove. */
    step: database.transaction(step).immediate,
  };
}

/** Cuts what older versions pruned by number, and left in a batch of which some was to stay. */
export function cutPruned(database: Database): void {
  const rows = database.query<{ id: number; room: number }, []>(
    "SELECT id, room FROM batches WHERE marked < count",
  );
  const entriesOf = database.query<{ entries: Uint8Array }, [number]>(ENTRIES);
  const isMarked = database.query<{ yes: number }, [number, string, number, number]>(
    "SELECT 1 AS yes FROM marks WHERE room = ?1 AND id = ?2 AND batch = ?3 AND place = ?4",
  );
  const cut = database.query(CUT);
  for (const { id: batch, room } of rows.all()) {
    const entries = parseEntries(entriesOf.get(batch)?.entries ?? NONE);
    const isLeft = (one: MessageEntry | null, place: number) =>
      one === null || isMarked.get(room, one.id, batch, place) !== null;
    if (entries.every(isLeft)) continue; // what is gone was deleted: it has tombstones
    const left = entries.map((one, place) => (isLeft(one, place) ? one : null));
    cut.run(batch, 0, Buffer.from(JSON.stringify(left)));
  }
}

// --- internal ---

const ENTRIES = "SELECT entries FROM batches WHERE id = ?1";
const CUT = `
  UPDATE batches SET marked = marked - ?2, cut = 1, entries = ?3, bytes = x'' WHERE id = ?1`;

function createByDays(database: Database, index: SearchIndex, days: number) {
  const oldest = database.query<{ id: number; room: number; count: number }, [number]>(
    "SELECT id, room, count FROM batches WHERE logged < ?1 ORDER BY logged LIMIT 100",
  );
  const entriesOf = database.query<{ entries: Uint8Array }, [number]>(ENTRIES);
  const removeMark = database.query(
    "DELETE FROM marks WHERE room = ?1 AND id = ?2 AND batch = ?3 AND place = ?4",
  );
  const removeBatch = database.query("DELETE FROM batches WHERE id = ?1");
  return (now: number, messagesMax: number): boolean => {
    let removed = 0;
    for (const { id, room, count } of oldest.all(now - days * DAY_MS)) {
      const entries = entriesOf.get(id)?.entries;
      const held = entries === undefined ? [] : parseEntries(entries);
      for (const [place, message] of held.entries()) {
        if (message === null) continue;
        removeMark.run(room, message.id, id, place);
        index.remove(room, id, { place, message });
      }
      removeBatch.run(id);
      removed += count;
      if (removed >= messagesMax) break;
    }
    return removed > 0;
  };
}

function createByNumber(database: Database, index: SearchIndex, messages: number) {
  interface Mark {
    readonly id: string;
    readonly batch: number;
    readonly place: number;
  }
  const newestToGo = database.query<{ id: string }, [number, number]>(
    "SELECT id FROM marks WHERE room = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2",
  );
  const oldest = database.query<Mark, [number, string, number]>(
    `SELECT id, batch, place FROM marks WHERE room = ?1 AND id <= ?2
     ORDER BY id, batch, place LIMIT ?3`,
  );
  const removeMark = database.query(
    "DELETE FROM marks WHERE room = ?1 AND id = ?2 AND batch = ?3 AND place = ?4",
  );
  const entriesOf = database.query<{ entries: Uint8Array }, [number]>(ENTRIES);
  const removeBatch = database.query("DELETE FROM batches WHERE id = ?1 AND marked <= ?2");
  const cut = database.query(CUT);
  // Those of which all messages were removed before have no marks to be found by.
  const removeBlank = database.query(
    "DELETE FROM batches WHERE room = ?1 AND id < ?2 AND marked <= 0",
  );
  return (room: number, messagesMax: number): boolean => {
    const bound = newestToGo.get(room, messages);
    if (bound === null) return false;
    const marks = oldest.all(room, bound.id, messagesMax);
    const batches = Map.groupBy(marks, ({ batch }) => batch);
    for (const [batch, gone] of batches) {
      const left = [...parseEntries(entriesOf.get(batch)?.entries ?? NONE)];
      for (const { id, place } of gone) {
        removeMark.run(room, id, batch, place);
        const message = left[place];
        if (message) index.remove(room, batch, { place, message });
        left[place] = null;
      }
      if (removeBatch.run(batch, gone.length).changes > 0) continue;
      cut.run(batch, gone.length, Buffer.from(JSON.stringify(left)));
    }
    if (marks.length > 0) removeBlank.run(room, Math.min(...batches.keys()));
    return marks.length > 0;
  };
}
