// The accounts in SQLite. Each question goes to the file, never to a copy in memory: another
// process may have changed it. Parameters only; the one text that becomes SQL stands here.
// A nick is found by its key; by its skeleton it is only ever refused (names.ts).

import { Database, SQLiteError } from "bun:sqlite";
import { chmodSync, closeSync, openSync, statSync } from "node:fs";
import type { Bytes, Nick } from "chatfusion";
import { ChatFusionError, LIMITS, nameKey, skeleton } from "chatfusion";
import type { ScramVerifier } from "./password.ts";

export interface Account {
  readonly id: number;
  /** As it was registered: what people see. */
  readonly nick: Nick;
  /** argon2id, in the PHC format. */
  readonly hash: string;
  /** Of the SCRAM verifier. */
  readonly iterations: number;
  readonly roles: readonly string[];
  /** Grows with each new password, not when the same one is hashed anew. */
  readonly revision: number;
  /** Milliseconds since 1970. */
  readonly created: number;
}

/** What is kept of a password. */
export interface Secret {
  readonly hash: string;
  readonly scram: ScramVerifier;
}

export interface News {
  readonly added: readonly Nick[];
  /** Removed, or with another password or other roles than before. */
  readonly revoked: readonly Nick[];
}

/** A nick in the database: its own account, or another one's that it could be taken for. */
export type Found = { readonly is: "own" | "alike"; readonly account: Account };

export interface Accounts {
  find(nick: Nick): Found | undefined;
  /** What SCRAM needs of it; undefined when the account is gone. */
  verifier(account: Account): ScramVerifier | undefined;
  /** False when the nick, or one that looks like it, is there already. */
  add(nick: Nick, secret: Secret, roles: readonly string[], created: number): boolean;
  /** Sets a new password; false when the account is gone. */
  change(account: Account, secret: Secret): boolean;
  /** Replaces what is kept of the same password, unless it was changed meanwhile. */
  upgrade(account: Account, secret: Secret): void;
  /** False when the account was gone already. */
  remove(account: Account): boolean;
  /** Whether a certificate of this SHA-256 is the account's. */
  hasCertificate(account: Account, fingerprint: Bytes): boolean;
  /** Adds one; false when it is another account's, or this one has the most it may have. */
  addCertificate(account: Account, fingerprint: Bytes): boolean;
  /** Takes all of them away, and tells how many there were. */
  dropCertificates(account: Account): number;
  /** All accounts, by nick. */
  list(): readonly Account[];
  /** What has become of accounts since this was asked last, whoever did it. */
  news(): News;
  /** Whether there was ever an account in it. */
  isUsed(): boolean;
  close(): void;
}

/**
 * Opens the database, and makes it where there is none, readable by its owner only. Throws
 * `CONFIG_INVALID` for a file that is none, is damaged, or that anybody may write.
 */
export function openAccounts(path: string): Accounts {
  try {
    return accountsOf(openDatabase(path));
  } catch (thrown) {
    if (thrown instanceof ChatFusionError) throw thrown;
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw new ChatFusionError("CONFIG_INVALID", `auth-sqlite: ${path}: ${why}`, thrown);
  }
}

/** Tells whether a write failed because another process kept the database for too long. */
export function isBusy(thrown: unknown): boolean {
  return thrown instanceof SQLiteError && (thrown.code ?? "").startsWith("SQLITE_BUSY");
}

// --- internal ---

/** "cfac": the file is a database of accounts, and no other program's. */
const APPLICATION_ID = 0x63666163;
const VERSION = 2;

const CERTIFICATES = `
  CREATE TABLE certificates (
    fingerprint BLOB PRIMARY KEY,
    account INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX certificates_by_account ON certificates (account);
  PRAGMA user_version = ${VERSION};
`;

const SCHEMA = `
  CREATE TABLE accounts (
    -- Never given twice, so that an account that is added anew is another one.
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    skeleton TEXT NOT NULL UNIQUE,
    nick TEXT NOT NULL,
    hash TEXT NOT NULL,
    scram_salt BLOB NOT NULL,
    scram_iterations INTEGER NOT NULL,
    scram_stored_key BLOB NOT NULL,
    scram_server_key BLOB NOT NULL,
    roles TEXT NOT NULL,
    revision INTEGER NOT NULL DEFAULT 1,
    created INTEGER NOT NULL
  ) STRICT;
  PRAGMA application_id = ${APPLICATION_ID};
  ${CERTIFICATES}
`;

function openDatabase(path: string): Database {
  // SQLite gives its own files beside it the rights of this one.
  closeSync(openSync(path, "a", 0o600));
  if ((statSync(path).mode & 0o002) !== 0) {
    const what = "anybody may write it, expected a file of its owner's: chmod 600";
    throw new ChatFusionError("CONFIG_INVALID", `auth-sqlite: ${path}: ${what}`);
  }
  chmodSync(path, 0o600);
  const database = new Database(path, { strict: true });
  try {
    database.run(`PRAGMA busy_timeout = ${LIMITS.sqliteBusyMsMax}`);
    database.run("PRAGMA journal_mode = WAL");
    database.run("PRAGMA synchronous = FULL");
    database.run("PRAGMA foreign_keys = ON");
    database.transaction(() => prepareSchema(database, path)).immediate();
    return database;
  } catch (thrown) {
    database.close();
    throw thrown;
  }
}

function prepareSchema(database: Database, path: string): void {
  const application = pragma(database, "application_id");
  const version = pragma(database, "user_version");
  const tables = database.query<{ count: number }, []>(
    "SELECT count(*) AS count FROM sqlite_master",
  );
  if (application === 0 && version === 0 && tables.get()?.count === 0) {
    database.run(SCHEMA);
  } else if (application !== APPLICATION_ID) {
    const what = "expected a database of accounts, got another program's";
    throw new ChatFusionError("CONFIG_INVALID", `auth-sqlite: ${path}: ${what}`);
  } else if (version === 1) {
    // It knew no certificates.
    database.run(CERTIFICATES);
  } else if (version !== VERSION) {
    const what = `expected a database of version 1 or ${VERSION}, got ${version}`;
    throw new ChatFusionError("CONFIG_INVALID", `auth-sqlite: ${path}: ${what}`);
  }
}

function pragma(database: Database, name: "application_id" | "user_version" | "data_version") {
  return database.query<Record<string, number>, []>(`PRAGMA ${name}`).get()?.[name] ?? 0;
}

interface Row {
  readonly id: number;
  readonly nick: string;
  readonly hash: string;
  readonly iterations: number;
  readonly roles: string;
  readonly revision: number;
  readonly created: number;
}

const COLUMNS = "id, nick, hash, scram_iterations AS iterations, roles, revision, created";

const accountOf = (row: Row): Account => ({
  ...row,
  nick: row.nick as Nick, // only nicks are put in
  roles: row.roles === "" ? [] : row.roles.split(" "),
});

function accountsOf(database: Database): Accounts {
  // Asked for each guest: an OR over two indexes takes six times as long.
  const find = database.query<Row & { key: string }, [string, string]>(
    `SELECT key, ${COLUMNS} FROM accounts WHERE key = ?1
     UNION ALL SELECT key, ${COLUMNS} FROM accounts WHERE skeleton = ?2 LIMIT 1`,
  );
  const verifier = database.query<ScramVerifier, [number, number]>(
    `SELECT scram_salt AS salt, scram_iterations AS iterations, scram_stored_key AS storedKey,
       scram_server_key AS serverKey FROM accounts WHERE id = ?1 AND revision = ?2`,
  );
  const add = database.query(
    `INSERT INTO accounts (key, skeleton, nick, hash, scram_salt, scram_iterations,
       scram_stored_key, scram_server_key, roles, created)
     VALUES ($key, $skeleton, $nick, $hash, $salt, $iterations, $storedKey, $serverKey, $roles,
       $created)
     ON CONFLICT DO NOTHING`,
  );
  const set = `UPDATE accounts SET hash = $hash, scram_salt = $salt,
    scram_iterations = $iterations, scram_stored_key = $storedKey, scram_server_key = $serverKey`;
  const change = database.query(`${set}, revision = revision + 1 WHERE id = $id`);
  const upgrade = database.query(`${set} WHERE id = $id AND revision = $revision`);
  const remove = database.query("DELETE FROM accounts WHERE id = ?1");
  const ownerOf = database.query<{ account: number }, [Bytes]>(
    "SELECT account FROM certificates WHERE fingerprint = ?1",
  );
  const addCertificate = database.query(
    `INSERT INTO certificates (fingerprint, account) SELECT $fingerprint, $id
     WHERE (SELECT count(*) FROM certificates WHERE account = $id) < $most
     ON CONFLICT DO NOTHING`,
  );
  const dropCertificates = database.query("DELETE FROM certificates WHERE account = ?1");
  const list = database.query<Row, []>(`SELECT ${COLUMNS} FROM accounts ORDER BY key`);
  const secretOf = ({ hash, scram }: Secret) => ({ hash, ...scram });
  const news = createNews(database);
  const used = database.query("SELECT 1 FROM sqlite_sequence WHERE name = 'accounts'");
  return {
    find(nick) {
      const key = nameKey(nick);
      const row = find.get(key, skeleton(nick));
      if (row === null) return undefined;
      return { is: row.key === key ? "own" : "alike", account: accountOf(row) };
    },
    verifier: ({ id, revision }) => verifier.get(id, revision) ?? undefined,
    add(nick, secret, roles, created) {
      const names = { key: nameKey(nick), skeleton: skeleton(nick), nick };
      const row = { ...names, ...secretOf(secret), roles: roles.join(" "), created };
      return news.has(add.run(row).changes);
    },
    change: ({ id }, secret) => news.has(change.run({ ...secretOf(secret), id }).changes),
    upgrade({ id, revision }, secret) {
      upgrade.run({ ...secretOf(secret), id, revision });
    },
    remove: ({ id }) => news.has(remove.run(id).changes),
    hasCertificate: ({ id }, fingerprint) => ownerOf.get(fingerprint)?.account === id,
    addCertificate({ id }, fingerprint) {
      const most = LIMITS.certificatesPerAccountMax;
      return (
        ownerOf.get(fingerprint)?.account === id ||
        addCertificate.run({ fingerprint, id, most }).changes === 1
      );
    },
    dropCertificates: ({ id }) => dropCertificates.run(id).changes,
    list: () => list.all().map(accountOf),
    news: news.take,
    isUsed: () => used.get() !== null,
    close: () => database.close(),
  };
}

interface Seen {
  readonly nick: Nick;
  /** The revision and the roles. */
  readonly state: string;
}

/**
 * Compares all accounts with those of the last time, where this process has changed some (`has`) or
 * the file says that another one has changed anything.
 */
function createNews(database: Database) {
  const all = database.query<{ id: number; nick: Nick; state: string }, []>(
    "SELECT id, nick, revision || ' ' || roles AS state FROM accounts",
  );
  const look = () => new Map<number, Seen>(all.all().map(({ id, ...one }) => [id, one]));
  let version = pragma(database, "data_version");
  let seen = look();
  let isOwn = false;
  return {
    /** Whether one was changed. */
    has(changes: number): boolean {
      isOwn ||= changes > 0;
      return changes === 1;
    },
    take(): News {
      const now = pragma(database, "data_version");
      if (now === version && !isOwn) return NONE;
      const before = seen;
      seen = look();
      [version, isOwn] = [now, false];
      const added = [...seen].filter(([id]) => !before.has(id));
      const revoked = [...before].filter(([id, { state }]) => seen.get(id)?.state !== state);
      return { added: added.map(nickIn), revoked: revoked.map(nickIn) };
    },
  };
}

const NONE: News = { added: [], revoked: [] };
const nickIn = ([, { nick }]: readonly [number, Seen]): Nick => nick;
