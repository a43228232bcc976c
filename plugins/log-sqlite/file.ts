// Opening the log's database: the rights of the file, its settings and tables, and whether it is
// whole. Runs in the worker. Next: database.ts.

import { Database } from "bun:sqlite";
import { chmodSync, closeSync, openSync, statSync } from "node:fs";
import { CONVERSATIONS_SCHEMA } from "./conversations.ts";
import { cutPruned } from "./prune.ts";
import type { Bounds } from "./request.ts";
import { SEARCH_SCHEMA } from "./search.ts";

/**
 * Opens the database, and makes it where there is none, readable by its owner only. Throws an
 * error with a text for the operator where the file is no log, is damaged, or open to everybody.
 */
export function openFile(
  path: string,
  bounds: Pick<Bounds, "busyMsMax" | "checkedBytesMax">,
): Database {
  // SQLite gives its own files beside it the rights of this one.
  closeSync(openSync(path, "a", 0o600));
  if ((statSync(path).mode & 0o002) !== 0) {
    throw new Error("anybody may write it, expected a file of its owner's: chmod 600");
  }
  chmodSync(path, 0o600);
  const database = new Database(path, { strict: true });
  try {
    database.run(`PRAGMA busy_timeout = ${bounds.busyMsMax}`);
    database.run("PRAGMA journal_mode = WAL");
    // With the WAL, FULL is one fsync per commit: it has happened when the commit returns.
    database.run("PRAGMA synchronous = FULL");
    // What was removed is not to be found in the file.
    database.run("PRAGMA secure_delete = ON");
    database.transaction(() => prepareSchema(database)).immediate();
    checkWhole(database, path, bounds.checkedBytesMax);
    return database;
  } catch (thrown) {
    database.close();
    throw thrown;
  }
}

// --- internal ---

/** "cflg": the file is a log, and no other program's. */
const APPLICATION_ID = 0x63666c67;
const VERSION = 4;

// A batch is kept as its origin signed it, and its messages beside it, once each; `marks` says
// where a room's messages are, in the order of their ids. `logged` is by this server's clock, so
// that nobody's wrong clock keeps a batch for ever; `marked` counts its marks that are left; `cut`
// is 1 where a part of it was pruned, and its bytes are gone.
const SCHEMA = `
  CREATE TABLE streams (
    id INTEGER PRIMARY KEY,
    origin TEXT NOT NULL,
    life TEXT NOT NULL,
    room TEXT NOT NULL,
    last INTEGER NOT NULL,
    UNIQUE (origin, life, room)
  ) STRICT;
  CREATE TABLE rooms (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
  CREATE TABLE batches (
    id INTEGER PRIMARY KEY,
    stream INTEGER NOT NULL REFERENCES streams (id),
    room INTEGER NOT NULL REFERENCES rooms (id),
    first INTEGER NOT NULL,
    count INTEGER NOT NULL,
    marked INTEGER NOT NULL,
    logged INTEGER NOT NULL,
    cut INTEGER NOT NULL DEFAULT 0,
    entries BLOB NOT NULL,
    bytes BLOB NOT NULL,
    UNIQUE (stream, first)
  ) STRICT;
  CREATE INDEX batches_logged ON batches (logged);
  CREATE INDEX batches_room ON batches (room);
  CREATE TABLE marks (
    room INTEGER NOT NULL,
    id TEXT NOT NULL,
    batch INTEGER NOT NULL,
    place INTEGER NOT NULL,
    PRIMARY KEY (room, id, batch, place)
  ) STRICT, WITHOUT ROWID;
  PRAGMA application_id = ${APPLICATION_ID};
`;
const SET_VERSION = `PRAGMA user_version = ${VERSION}`;

function prepareSchema(database: Database): void {
  const application = pragma(database, "application_id");
  const version = pragma(database, "user_version");
  const tables = database.query<{ count: number }, []>(
    "SELECT count(*) AS count FROM sqlite_master",
  );
  if (application === 0 && version === 0 && tables.get()?.count === 0) {
    database.run(`${SCHEMA}${SEARCH_SCHEMA}${CONVERSATIONS_SCHEMA}${SET_VERSION}`);
  } else if (application !== APPLICATION_ID) {
    throw new Error("expected a log of messages, got another program's database");
  } else if (version < 1 || version > VERSION) {
    throw new Error(`expected a log of version 1 to ${VERSION}, got ${version}`);
  } else if (version < VERSION) {
    if (version < 2) database.run(SEARCH_SCHEMA);
    if (version < 3) database.run(CONVERSATIONS_SCHEMA);
    else database.run("ALTER TABLE conversations ADD COLUMN guest INTEGER NOT NULL DEFAULT 0");
    database.run("ALTER TABLE batches ADD COLUMN cut INTEGER NOT NULL DEFAULT 0");
    cutPruned(database);
    database.run(SET_VERSION);
  }
}

/** Finds what a torn copy or a bad disk left; a crash alone leaves nothing to find. */
function checkWhole(database: Database, path: string, bytesMax: number): void {
  const checkpoint = database.query<{ busy: number }, []>("PRAGMA wal_checkpoint(TRUNCATE)").get();
  const bytes = pragma(database, "page_count") * pragma(database, "page_size");
  const { size } = statSync(path);
  if (checkpoint?.busy === 0 && size < bytes) {
    throw new Error(`damaged: expected ${bytes} bytes, got ${size}`);
  }
  if (size <= bytesMax) {
    const found = database.query<{ quick_check: string }, []>("PRAGMA quick_check(1)").get();
    if (found?.quick_check !== "ok") throw new Error(`damaged: ${found?.quick_check}`);
    return;
  }
  for (const order of ["ASC", "DESC"]) {
    database.query(`SELECT * FROM batches ORDER BY id ${order} LIMIT 1`).get();
    database.query(`SELECT * FROM marks ORDER BY room ${order}, id ${order} LIMIT 1`).get();
  }
}

function pragma(
  database: Database,
  name: "application_id" | "user_version" | "page_count" | "page_size",
): number {
  return database.query<Record<string, number>, []>(`PRAGMA ${name}`).get()?.[name] ?? 0;
}
