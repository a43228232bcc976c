// Which messages are about which: answers, reactions, edits, deletions. Of others nothing is
// written here. Rows go with their batch; those of messages that were removed lead to nothing.

import type { Database } from "bun:sqlite";
import type { MessageEntry } from "chatfusion";
import type { About, Deletion } from "./request.ts";
import { parseEntries } from "./request.ts";

const NONE = Buffer.from("[]");

const TABLE = `
  CREATE TABLE IF NOT EXISTS abouts (
    room INTEGER NOT NULL,
    about TEXT NOT NULL,
    rank INTEGER NOT NULL,
    id TEXT NOT NULL,
    batch INTEGER NOT NULL,
    place INTEGER NOT NULL,
    PRIMARY KEY (room, about, rank, id, batch, place)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS abouts_batch ON abouts (batch);
  CREATE TRIGGER IF NOT EXISTS abouts_go AFTER DELETE ON batches BEGIN
    DELETE FROM abouts WHERE batch = OLD.id;
  END;
`;

/** Makes the table in a database that is open, where it has none. */
export function createAbouts(database: Database) {
  database.transaction(() => database.run(TABLE)).immediate();
  const add = database.query(
    `INSERT INTO abouts (room, about, rank, id, batch, place)
     VALUES ($room, $about, $rank, $id, $batch, $place)`,
  );
  const find = database.query<{ batch: number; place: number }, [string, string, number]>(
    `SELECT batch, place FROM abouts
     WHERE room = (SELECT id FROM rooms WHERE name = ?1)
       AND about IN (SELECT value FROM json_each(?2))
     ORDER BY rank, id DESC LIMIT ?3`,
  );
  const entriesOf = database.query<{ entries: Uint8Array }, [number]>(
    "SELECT entries FROM batches WHERE id = ?1",
  );
  const deletions = database.query<{ batch: number; place: number; held: number }, [number]>(
    `SELECT batch, place, EXISTS (
       SELECT 1 FROM marks WHERE marks.room = abouts.room AND marks.id = abouts.about) AS held
     FROM abouts WHERE rank = 0 ORDER BY id DESC LIMIT ?1`,
  );
  return {
    /** The newest deletions, of all rooms, and whether what each is about is held. */
    deletions: (limit: number): readonly Deletion[] =>
      deletions.all(limit).flatMap(({ batch, place, held }) => {
        const deletion = parseEntries(entriesOf.get(batch)?.entries ?? NONE)[place];
        return deletion ? [{ deletion, isHeld: held === 1 }] : [];
      }),
    add(room: number, batch: number | bigint, ids: readonly string[], abouts: readonly About[]) {
      for (const [place, about, rank] of abouts)
        add.run({ room, about, rank, id: ids[place] ?? "", batch, place });
    },
    about(room: string, ids: readonly string[], limit: number): readonly MessageEntry[] {
      const read = new Map<number, readonly (MessageEntry | null)[]>();
      return find.all(room, JSON.stringify(ids), limit).flatMap(({ batch, place }) => {
        let messages = read.get(batch);
        if (messages === undefined) {
          messages = parseEntries(entriesOf.get(batch)?.entries ?? NONE);
          read.set(batch, messages);
        }
        return messages[place] ?? [];
      });
    },
  };
}
