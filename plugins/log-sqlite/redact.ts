// Messages that are removed for good. The batches that hold them get tombstones in their place,
// which the core makes: so they go to the plugin and come back. Nothing of the texts is left in the
// file: what is freed is overwritten (file.ts), and the write-ahead log is emptied.

import type { Database } from "bun:sqlite";
import type { MessageRef } from "chatfusion";
import type { Held } from "./request.ts";
import { parseEntries } from "./request.ts";
import type { SearchIndex } from "./search.ts";

interface Place {
  readonly batch: number;
  readonly place: number;
}

/** Makes the removal of messages from a database that is open and waits so long for others. */
export function createRedaction(database: Database, index: SearchIndex, busyMsMax: number) {
  const marks = database.query<Place, [string, string]>(
    `SELECT batch, place FROM marks
     WHERE room = (SELECT id FROM rooms WHERE name = ?1) AND id = ?2`,
  );
  const entriesOf = database.query<{ room: number; entries: Uint8Array }, [number]>(
    "SELECT room, entries FROM batches WHERE id = ?1",
  );
  const bytesOf = database.query<{ bytes: Uint8Array }, [number]>(
    "SELECT bytes FROM batches WHERE id = ?1",
  );
  const removeMark = database.query(
    `DELETE FROM marks WHERE room = (SELECT id FROM rooms WHERE name = ?1)
       AND id = ?2 AND batch = ?3 AND place = ?4`,
  );
  const change = database.query(
    // What was pruned meanwhile does not come back.
    `UPDATE batches SET entries = ?2, marked = marked - ?4,
       bytes = CASE WHEN cut = 0 THEN ?3 ELSE bytes END WHERE id = ?1`,
  );
  const checkpoint = database.query<{ busy: number }, []>("PRAGMA wal_checkpoint(TRUNCATE)");
  /** The write-ahead log may still hold what was removed. */
  let owesCheckpoint = false;

  /** Where these messages are; another author's of the same id is not meant. */
  const placesOf = (room: string, messages: readonly MessageRef[]): Map<number, Set<number>> => {
    const places = new Map<number, Set<number>>();
    for (const { id, from } of messages) {
      for (const { batch, place } of marks.all(room, id)) {
        const { entries } = entriesOf.get(batch) ?? {};
        if (entries === undefined || parseEntries(entries)[place]?.from !== from) continue;
        places.set(batch, (places.get(batch) ?? new Set()).add(place));
      }
    }
    return places;
  };
  const redact = (room: string, messages: readonly MessageRef[], batches: readonly Held[]) => {
    const places = placesOf(room, messages);
    for (const { id, bytes } of batches) {
      const row = entriesOf.get(id);
      const gone = places.get(id);
      if (row === null || gone === undefined) continue; // pruned meanwhile
      const left = parseEntries(row.entries).map((message, place) => {
        if (message === null || !gone.has(place)) return message;
        removeMark.run(room, message.id, id, place);
        index.remove(row.room, id, { place, message }, true);
        return null;
      });
      change.run(id, Buffer.from(JSON.stringify(left)), bytes, gone.size);
    }
  };
  const inOne = database.transaction(redact).immediate;
  const settle = (): void => {
    if (!owesCheckpoint) return;
    database.run("PRAGMA busy_timeout = 0"); // it is tried again: commits don't wait for it
    owesCheckpoint = checkpoint.get()?.busy !== 0;
    database.run(`PRAGMA busy_timeout = ${busyMsMax}`);
  };
  /** Something was: it stays in no write-ahead log either. */
  const removed = (): void => {
    owesCheckpoint = true;
    settle();
  };
  return {
    /** The batches that hold any of these messages. */
    holding: (room: string, messages: readonly MessageRef[]): readonly Held[] =>
      [...placesOf(room, messages).keys()].flatMap((id) => {
        const row = bytesOf.get(id);
        return row === null ? [] : [{ id, bytes: row.bytes }];
      }),
    /** Removes them; `batches` are those that hold them, with tombstones. */
    redact(room: string, messages: readonly MessageRef[], batches: readonly Held[]): void {
      inOne(room, messages, batches);
      removed();
    },
    removed,
    /** Empties the write-ahead log, if another process has kept it from that. */
    settle,
  };
}
