// Private messages for accounts that are offline, kept until they have reached them: in memory, and
// on the disk as lines of JSON in 32 values of the store. What comes while one of these is being
// written is written with the next one. Read next: tells.ts.
// Invariants: 1. What was answered "stored" is on the disk until it has reached its addressee or
// its account is gone. 2. What could not be written is refused, and not handed over afterwards.
// 3. The messages of an account keep the order in which they came.

import * as v from "valibot";
import type { Bytes, Environment } from "../environment.ts";
import type { Failure } from "../errors.ts";
import { failure } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { PrivateEntry } from "../protocol/messages.ts";
import { PrivateRow } from "../protocol/peer.ts";
import type { AccountOf } from "./auth.ts";
import type { LiveSession } from "./session.ts";
import { createShelfWriter } from "./shelf-writer.ts";

/** How a private message ended well. */
export type TellOutcome = "delivered" | "stored";
type End = TellOutcome | Failure;

/** A message that is kept. */
export interface Kept {
  readonly account: string;
  readonly message: PrivateEntry;
  /** As it stands on the disk, with its end of line. */
  readonly line: Bytes;
  /** Who waits for its end; undefined when they have been told. */
  asked: ((end: End) => void)[] | undefined;
  /** The session that was told it last, and may not have got it yet. */
  shownTo: LiveSession | undefined;
}

export interface Mail {
  /** Reads what was kept by earlier lives of the server; once, when the plugins have started. */
  load(): Promise<void>;
  /**
   * Keeps a message. Resolves to "stored" when it is on the disk, to "delivered" when it was handed
   * over before; a message that is kept already is not kept twice. Never rejects.
   */
  keep(account: string, message: PrivateEntry): Promise<End>;
  /** Whether it is kept already, under whatever id. */
  isKept(message: PrivateEntry): boolean;
  /** What is kept for an account, in order. */
  of(account: string): readonly Kept[];
  all(): Iterable<Kept>;
  /** These are with their addressee, though they may not have reached it. */
  shown(kept: readonly Kept[]): void;
  /** These are kept no more. */
  remove(kept: readonly Kept[]): void;
  /** An account may be gone: what was sent to a nick that is not this account any more goes. */
  revoked(account: string): void;
  readonly count: number;
  /** Resolves when all is on the disk that can be written. */
  idle(): Promise<void>;
  close(): void;
}

/**
 * What a private message is known by when it is said again; undefined where its id could be
 * another's, because it is too short to be drawn at random.
 */
export function repeatKey({ from, to, cid = "" }: PrivateEntry): string | undefined {
  return cid.length < LIMITS.uniqueIdBytesMin ? undefined : `${from} ${to} ${cid}`;
}

const SHELVES = 32;
const NEWLINE = 10;
const Line = v.object({ account: v.string(), message: PrivateRow });

/** One value of the store. */
interface Shelf {
  readonly key: string;
  readonly boxes: Map<string, readonly Kept[]>;
  /** Lines that could not be read: they stay where they are, for a person to look at. */
  bad: readonly Bytes[];
  /** It could not be read at the start: it is not written over. */
  isShut: boolean;
}

export interface MailOptions {
  readonly environment: Pick<Environment, "clock" | "crypto" | "log" | "store">;
  readonly accountOf: AccountOf;
}

export function createMail({ environment, accountOf }: MailOptions): Mail {
  const { crypto, log } = environment;
  const shelves = Array.from({ length: SHELVES }, (_, i): Shelf => {
    const key = `mail-${i.toString(16).padStart(2, "0")}`;
    return { key, boxes: new Map(), bad: [], isShut: false };
  });
  const byRepeatKey = new Map<string, Kept>();
  let bytes = 0;
  let count = 0;

  const shelfOf = (account: string): Shelf => {
    const [byte = 0] = crypto.sha256(encoder.encode(account));
    return shelves[byte % SHELVES] as Shelf; // within bounds
  };
  const boxOf = (account: string) => shelfOf(account).boxes.get(account) ?? [];
  const add = (shelf: Shelf, one: Kept) => {
    shelf.boxes.set(one.account, [...(shelf.boxes.get(one.account) ?? []), one]);
    const key = repeatKey(one.message);
    if (key !== undefined) byRepeatKey.set(key, one);
    bytes += one.line.length;
    count++;
  };
  const take = (shelf: Shelf, one: Kept) => {
    const box = shelf.boxes.get(one.account) ?? [];
    const rest = box.filter((other) => other !== one);
    if (rest.length === box.length) return;
    if (rest.length > 0) shelf.boxes.set(one.account, rest);
    else shelf.boxes.delete(one.account);
    const key = repeatKey(one.message);
    if (key !== undefined && byRepeatKey.get(key) === one) byRepeatKey.delete(key);
    bytes -= one.line.length;
    count--;
  };
  const writer = createShelfWriter(environment, {
    name: "mail",
    begin(shelf: Shelf) {
      const kept = keptOn(shelf);
      return {
        key: shelf.key,
        bytes: Buffer.concat([...shelf.bad, ...kept.map(({ line }) => line)]),
        fresh: kept.filter(({ asked }) => asked !== undefined),
      };
    },
    // Where it failed, it may stand there all the same; and what has reached its addressee does.
    end(shelf, { fresh }, thrown) {
      if (thrown !== undefined) refuse(fresh, (one) => take(shelf, one));
      else for (const one of fresh) tellEnd(one, "stored");
    },
  });
  const changed = (shelf: Shelf) => {
    if (!shelf.isShut) writer.changed(shelf);
  };
  const remove = (kept: readonly Kept[]) => {
    for (const one of kept) {
      const shelf = shelfOf(one.account);
      take(shelf, one);
      changed(shelf);
    }
  };
  const drop = (kept: readonly Kept[]) => {
    const accounts = new Map<string, ReturnType<AccountOf>>();
    for (const { message } of kept)
      if (!accounts.has(message.to)) accounts.set(message.to, accountOf(nickIn(message.to)));
    const gone = kept.filter(({ account, message: { to } }) => {
      const now = accounts.get(to);
      return now !== account && typeof now !== "object"; // where nobody can tell, it stays
    });
    remove(gone);
    for (const one of gone) {
      const { to } = one.message;
      tellEnd(one, failure("NO_SUCH_NICK", `${to}: nobody has this account any more`));
    }
    if (gone.length > 0) log.info("mail dropped", { messages: gone.length });
  };
  const refusalOf = (account: string, { to }: PrivateEntry, size: number): Failure | undefined => {
    const shelf = shelfOf(account);
    if (shelf.isShut) return failure("INTERNAL", `${to}: the messages kept cannot be read`);
    const box = boxOf(account);
    const boxBytes = box.reduce((sum, { line }) => sum + line.length, size);
    if (box.length >= LIMITS.mailMessagesMax || boxBytes > LIMITS.mailBytesMax) {
      const kiB = LIMITS.mailBytesMax / 1024;
      const most = `at most ${LIMITS.mailMessagesMax} and ${kiB} KiB are kept`;
      const text = `${to} is offline, and ${box.length} messages wait for the next login; ${most}`;
      return failure("MAILBOX_FULL", text);
    }
    const accounts = shelves.reduce((sum, { boxes }) => sum + boxes.size, 0);
    const isNew = box.length === 0 && accounts >= LIMITS.mailAccountsMax;
    if (!isNew && bytes + size <= LIMITS.mailBytesInAllMax) return undefined;
    const text = `${to} is offline, and too much is kept already for those who are`;
    return failure("MAILBOX_FULL", text);
  };

  return {
    async load() {
      for (const shelf of shelves) {
        const read = await readShelf(shelf, environment);
        for (const one of read) add(shelf, one);
      }
      drop(shelves.flatMap(keptOn));
    },
    keep(account, message) {
      const known = byRepeatKey.get(repeatKey(message) ?? "");
      if (known !== undefined) return endOf(known);
      const line = encoder.encode(`${JSON.stringify({ account, message })}\n`);
      const refused = refusalOf(account, message, line.length);
      if (refused !== undefined) return Promise.resolve(refused);
      const one: Kept = { account, message, line, asked: [], shownTo: undefined };
      const shelf = shelfOf(account);
      add(shelf, one);
      const end = endOf(one);
      changed(shelf);
      return end;
    },
    isKept: (message) => byRepeatKey.has(repeatKey(message) ?? ""),
    of: boxOf,
    *all() {
      for (const shelf of shelves) yield* keptOn(shelf);
    },
    shown(kept) {
      for (const one of kept) tellEnd(one, "delivered");
    },
    remove,
    revoked: (account) => drop(boxOf(account)),
    get count() {
      return count;
    },
    idle: writer.idle,
    close: writer.close,
  };
}

// --- internal -----------------------------------------------------------------------------------

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

const nickIn = (address: string): string => address.slice(0, address.lastIndexOf("@"));

const keptOn = (shelf: Shelf): Kept[] => [...shelf.boxes.values()].flat();

const endOf = ({ asked }: Kept): Promise<End> =>
  asked === undefined ? Promise.resolve("stored") : new Promise((resolve) => asked.push(resolve));

function tellEnd(one: Kept, end: End): void {
  const asked = one.asked ?? [];
  one.asked = undefined;
  for (const tell of asked) tell(end);
}

/** Those whose senders wait: what could not be kept is refused, and kept no more. */
function refuse(fresh: readonly Kept[], take: (one: Kept) => void): void {
  for (const one of fresh) {
    if (one.asked === undefined) continue; // handed over meanwhile
    take(one);
    const { to } = one.message;
    tellEnd(one, failure("INTERNAL", `${to} is offline, and the message could not be kept`));
  }
}

/** Reads a shelf. What is no message there is logged, and stays there. */
async function readShelf(
  shelf: Shelf,
  { log, store }: MailOptions["environment"],
): Promise<readonly Kept[]> {
  const kept: Kept[] = [];
  const bad: Bytes[] = [];
  try {
    for (const line of linesOf((await store.read(shelf.key)) ?? new Uint8Array())) {
      const one = readLine(line);
      if (one === undefined) bad.push(line);
      else kept.push(one);
    }
  } catch (thrown) {
    log.error("mail not read", { key: shelf.key, error: String(thrown) });
    shelf.isShut = true;
  }
  shelf.bad = bad;
  if (bad.length > 0) log.error("mail with bad lines", { key: shelf.key, lines: bad.length });
  return kept;
}

/** Cuts bytes into lines, each with its end, which the last one is given if it has none. */
function* linesOf(bytes: Bytes): Generator<Bytes> {
  for (let from = 0; from < bytes.length;) {
    const end = bytes.indexOf(NEWLINE, from);
    if (end < 0) yield Buffer.concat([bytes.subarray(from), Uint8Array.of(NEWLINE)]);
    else yield bytes.slice(from, end + 1);
    from = end < 0 ? bytes.length : end + 1;
  }
}

function readLine(line: Bytes): Kept | undefined {
  try {
    const { account, message } = v.parse(Line, JSON.parse(decoder.decode(line)));
    return { account, message, line, asked: undefined, shownTo: undefined };
  } catch {
    return undefined; // no UTF-8, no JSON, or not of this form: the caller keeps and logs it
  }
}
