// Private messages, for each account its own: which table holds what, and what of it goes when an
// account has too many bytes of them, when they are old, or when somebody says so. Runs in the
// worker. Invariants: 1. `bytes` of a holder, and of a conversation, is the sum of its entries.
// 2. A conversation without a message, and a holder without a conversation, has no row. 3. A
// conversation is one of a `guest` until the other one has told something and has an account.

import type { Database } from "bun:sqlite";
import type { ConversationOf, KeptMessage, PrivateEntry } from "chatfusion";
import type { AskedOf, Forgotten } from "./request.ts";
import type { Phrase } from "./words.ts";
import { hasPhrases, phrasesOf } from "./words.ts";

// `told.id` grows with what is kept, so that it is the order in which it goes.
export const CONVERSATIONS_SCHEMA = `
  CREATE TABLE IF NOT EXISTS holders (
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL UNIQUE,
    bytes INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS conversations (
    id INTEGER PRIMARY KEY,
    holder INTEGER NOT NULL REFERENCES holders (id),
    other TEXT NOT NULL,
    newest TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    guest INTEGER NOT NULL DEFAULT 0,
    UNIQUE (holder, other)
  ) STRICT;
  CREATE INDEX IF NOT EXISTS conversations_newest ON conversations (holder, newest);
  CREATE TABLE IF NOT EXISTS told (
    id INTEGER PRIMARY KEY,
    conversation INTEGER NOT NULL REFERENCES conversations (id),
    holder INTEGER NOT NULL,
    message TEXT NOT NULL,
    author TEXT NOT NULL,
    logged INTEGER NOT NULL,
    entry TEXT NOT NULL,
    UNIQUE (conversation, message, author)
  ) STRICT;
  CREATE INDEX IF NOT EXISTS conversations_bytes ON conversations (holder, bytes);
`;

/** One row of `told`, as far as it is removed by it. */
interface Row {
  readonly id: number;
  readonly conversation: number;
  readonly holder: number;
  readonly bytes: number;
}

/** Those who have an account, or none, on one server. */
interface Crowd {
  readonly server: string;
  readonly guest: number;
}

/** Of an account with too much, so many of the oldest go at once. */
const STEP_ROWS = 64;
/** And in all this part of what may be kept: to find out who takes most, all are added up. */
const STEP_PART = 1 / 256;
const DAY_MS = 24 * 60 * 60 * 1000;
const SERVER = "substr(other, instr(other, '@') + 1)";
const ROW = "id, conversation, holder, octet_length(entry) AS bytes";

/** Makes what keeps conversations in a database that is open. */
export function createConversations(
  database: Database,
  { bytesMax, days }: { readonly bytesMax: number; readonly days: number | undefined },
) {
  const reads = createReads(database);
  const addHolder = database.query<{ id: number }, [string]>(
    `INSERT INTO holders (account, bytes) VALUES (?1, 0)
     ON CONFLICT DO UPDATE SET bytes = bytes RETURNING id`,
  );
  const addConversation = database.query<{ id: number }, [number, string, string, number]>(
    `INSERT INTO conversations (holder, other, newest, bytes, guest) VALUES (?1, ?2, ?3, 0, ?4)
     ON CONFLICT DO UPDATE SET
       newest = max(newest, excluded.newest), guest = min(guest, excluded.guest) RETURNING id`,
  );
  const add = database.query<unknown, [number, number, string, string, number, string]>(
    `INSERT INTO told (conversation, holder, message, author, logged, entry)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING`,
  );
  const grow = database.query<{ bytes: number }, [number, number]>(
    "UPDATE holders SET bytes = bytes + ?2 WHERE id = ?1 RETURNING bytes",
  );
  const growOne = database.query<unknown, [number, number]>(
    "UPDATE conversations SET bytes = bytes + ?2 WHERE id = ?1",
  );
  const removal = createRemoval(database);
  // So that nobody pushes out what others have told, under however many nicks he does it.
  const crowdWithMost = database.query<Crowd, [number]>(
    `SELECT ${SERVER} AS server, guest FROM conversations WHERE holder = ?1
     GROUP BY server, guest ORDER BY sum(bytes) DESC LIMIT 1`,
  );
  const oldestOf = database.query<Row, [number, string, number, number]>(
    `SELECT ${ROW} FROM told WHERE conversation = (
       SELECT id FROM conversations WHERE holder = ?1 AND ${SERVER} = ?2 AND guest = ?3
       ORDER BY bytes DESC LIMIT 1)
     ORDER BY id LIMIT ?4`,
  );
  const oldest = database.query<Row & { readonly logged: number }, [number]>(
    `SELECT ${ROW}, logged FROM told ORDER BY id LIMIT ?1`,
  );

  /** Removes what is too much of a holder who has so many bytes. */
  const removeSurplus = (holder: number, held: number): void => {
    const crowd = crowdWithMost.get(holder);
    for (let bytes = held; bytes > bytesMax * (1 - STEP_PART);) {
      const rows = crowd === null ? [] : oldestOf.all(holder, crowd.server, crowd.guest, STEP_ROWS);
      if (rows.length === 0) return; // nothing is left of them: another crowd's turn comes next
      removal.remove(rows);
      bytes -= rows.reduce((sum, row) => sum + row.bytes, 0);
    }
  };
  const keepOne = ({ account, other, proven, message }: KeptMessage, now: number): void => {
    const guest = proven === true ? 0 : 1;
    const holder = addHolder.get(account)?.id ?? 0;
    const conversation = addConversation.get(holder, other, message.id, guest)?.id ?? 0;
    const entry = JSON.stringify(message);
    const { changes } = add.run(conversation, holder, message.id, message.from, now, entry);
    if (changes === 0) return;
    const added = Buffer.byteLength(entry);
    growOne.run(conversation, added);
    const bytes = grow.get(holder, added)?.bytes ?? 0;
    if (bytes > bytesMax) removeSurplus(holder, bytes);
  };
  return {
    ...reads,
    keep: database.transaction((messages: readonly KeptMessage[], now: number) => {
      for (const one of messages) keepOne(one, now);
    }).immediate,
    /** Returns how many were removed. */
    forget: database.transaction((what: Forgotten): number => {
      const rows = removal.meant(what);
      removal.remove(rows);
      return rows.length;
    }).immediate,
    /** Removes up to about `messagesMax` that are too old; false when none is left. */
    prune: database.transaction((now: number, messagesMax: number): boolean => {
      if (days === undefined) return false;
      const rows = oldest.all(messagesMax);
      const old = rows.filter(({ logged }) => logged < now - days * DAY_MS);
      removal.remove(old);
      return old.length > 0;
    }).immediate,
  };
}

// --- internal ---

function createReads(database: Database) {
  const where = `conversation = (
    SELECT id FROM conversations
    WHERE holder = (SELECT id FROM holders WHERE account = ?1) AND other = ?2)`;
  const before = database.query<{ entry: string }, [string, string, string | null, number]>(
    `SELECT entry FROM told WHERE ${where} AND (?3 IS NULL OR message < ?3)
     ORDER BY message DESC, author DESC LIMIT ?4`,
  );
  const after = database.query<{ entry: string }, [string, string, string, number]>(
    `SELECT entry FROM told WHERE ${where} AND message > ?3 ORDER BY message, author LIMIT ?4`,
  );
  const newest = database.query<{ other: string; entry: string }, [string, string | null, number]>(
    `SELECT other, (
       SELECT entry FROM told WHERE conversation = conversations.id
       ORDER BY message DESC, author DESC LIMIT 1) AS entry
     FROM conversations
     WHERE holder = (SELECT id FROM holders WHERE account = ?1) AND (?2 IS NULL OR newest < ?2)
     ORDER BY newest DESC LIMIT ?3`,
  );
  const accounts = database.query<{ account: string }, []>("SELECT account FROM holders");
  return {
    page({ account, other, limit, text, ...from }: AskedOf): readonly PrivateEntry[] {
      const isBack = from.after === undefined;
      const most = text === undefined ? limit : ALL;
      const rows = isBack
        ? before.iterate(account, other, from.before ?? null, most)
        : after.iterate(account, other, from.after ?? "", most);
      const phrases = phrasesOf(text ?? "");
      const found: PrivateEntry[] = [];
      for (const row of rows) {
        const message = messageIn(row);
        if (text !== undefined && !isFound(message, phrases)) continue;
        found.push(message);
        if (found.length === limit) break;
      }
      return isBack ? found.toReversed() : found;
    },
    newest: (account: string, limit: number, until: string | undefined) =>
      newest
        .all(account, until ?? null, limit)
        .map((row) => ({ other: row.other, message: messageIn(row) })),
    accounts: (): readonly string[] => accounts.all().map(({ account }) => account),
  };
}

function createRemoval(database: Database) {
  const ofAccount = database.query<Row, [string]>(
    `SELECT ${ROW} FROM told WHERE conversation IN (
       SELECT id FROM conversations
       WHERE holder = (SELECT id FROM holders WHERE account = ?1))`,
  );
  const ofConversation = database.query<Row & { message: string; author: string }, Names>(
    `SELECT ${ROW}, message, author FROM told WHERE conversation = (
       SELECT id FROM conversations
       WHERE holder = (SELECT id FROM holders WHERE account = ?1) AND other = ?2)`,
  );
  const remove = database.query<unknown, [number]>("DELETE FROM told WHERE id = ?1");
  const shrink = database.query<unknown, [number, number]>(
    "UPDATE holders SET bytes = bytes - ?2 WHERE id = ?1",
  );
  const shrinkOne = database.query<unknown, [number, number]>(
    "UPDATE conversations SET bytes = bytes - ?2 WHERE id = ?1",
  );
  const renew = database.query<unknown, [number]>(
    `UPDATE conversations SET newest = coalesce(
       (SELECT max(message) FROM told WHERE conversation = ?1), '') WHERE id = ?1`,
  );
  const removeEmpty = database.query<unknown, [number]>(
    "DELETE FROM conversations WHERE id = ?1 AND newest = ''",
  );
  const removeHolder = database.query<unknown, [number]>(
    `DELETE FROM holders WHERE id = ?1
     AND NOT EXISTS (SELECT 1 FROM conversations WHERE holder = ?1)`,
  );
  return {
    meant({ account, other, message }: Forgotten): readonly Row[] {
      if (other === undefined) return ofAccount.all(account);
      const rows = ofConversation.all(account, other);
      if (message === undefined) return rows;
      return rows.filter((one) => one.message === message.id && one.author === message.from);
    },
    remove(rows: readonly Row[]): void {
      for (const { id, holder, conversation, bytes } of rows) {
        remove.run(id);
        shrinkOne.run(conversation, bytes);
        shrink.run(holder, bytes);
      }
      for (const conversation of new Set(rows.map((row) => row.conversation))) {
        renew.run(conversation);
        removeEmpty.run(conversation);
      }
      for (const holder of new Set(rows.map((row) => row.holder))) removeHolder.run(holder);
    },
  };
}

/** No LIMIT. */
const ALL = -1;

const isFound = ({ kind, text }: PrivateEntry, phrases: readonly Phrase[]): boolean =>
  kind !== "reaction" && kind !== "unreaction" && hasPhrases(text, phrases);

type Names = [ConversationOf["account"], ConversationOf["other"]];

const messageIn = ({ entry }: { readonly entry: string }): PrivateEntry =>
  JSON.parse(entry) as PrivateEntry; // as it was kept
