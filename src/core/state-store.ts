// The entries of all rooms' states that this server holds, its own and those of others: in memory,
// and on the disk, as lines in some values of the store, over which the rooms are spread. Of the
// same key and signing server the newest is kept. Next: states.ts (what they do), state-sync.ts
// (how servers come to hold the same).
// Invariants: 1. What is held was signed by its server. 2. An own entry is on the disk before
// anybody hears of it. 3. The digest of a shelf is that of the rooms that are told to others: the
// lobby and local rooms have no part in it.

import * as v from "valibot";
import type { Environment, Millis } from "../environment.ts";
import type { Failure } from "../errors.ts";
import { failure } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { RoomName, Sid } from "../names.ts";
import { isShared, isSid, LOBBY, sidOf } from "../names.ts";
import { accountId, decodeState, StateRow } from "../protocol/state.ts";
import type { Signed } from "./room-state.ts";
import { isNewer } from "./room-roles.ts";
import { endOf } from "./room-state.ts";
import { roomOf } from "./rooms.ts";
import { createShelfWriter } from "./shelf-writer.ts";
import { digestOf, RoomDigest } from "./state-digests.ts";

/** An entry with the row in which it travels. */
export interface Held extends Signed {
  readonly row: StateRow;
}

/** Rooms of which others are told; the lobby and local rooms are a server's own. */
export const isTold = (room: RoomName): boolean => isShared(room) && room !== LOBBY;

interface RoomBook {
  readonly shelf: Shelf;
  /** By signing server and key. */
  readonly byKey: Map<string, Held>;
  /** The same by key, of all who signed it. */
  readonly ofKey: Map<string, readonly Held[]>;
  readonly digest: RoomDigest;
  /** Whose founding this server goes by. */
  follows: Sid | undefined;
}

interface Shelf {
  readonly key: string;
  readonly rooms: Map<RoomName, RoomBook>;
  /** Until something changes in one of its rooms. */
  digest: string | undefined;
  /** Own entries that are held once they are on the disk. */
  staged: { readonly one: Held; readonly done: (refused: Failure | undefined) => void }[];
  /** Lines that could not be read: they stay where they are, for a person to look at. */
  bad: readonly string[];
  isShut: boolean;
}

export type StateStore = ReturnType<typeof createStateStore>;

export function createStateStore(
  environment: Pick<Environment, "clock" | "crypto" | "log" | "store">,
) {
  const { clock, crypto, log, store } = environment;
  const shelves = Array.from({ length: LIMITS.stateShelves }, (_, i): Shelf => {
    const key = `rooms-${i.toString(16).padStart(2, "0")}`;
    return { key, rooms: new Map(), digest: undefined, staged: [], bad: [], isShut: false };
  });
  const books = new Map<RoomName, RoomBook>();
  const bySid = new Map<Sid, number>();
  /** How many rooms an account, `account@sid`, has founded. */
  const founders = new Map<string, number>();
  let count = 0;

  const shelfOf = (room: RoomName): Shelf => {
    const known = books.get(room)?.shelf;
    if (known !== undefined) return known;
    const [byte = 0] = crypto.sha256(encoder.encode(room));
    return shelves[byte % LIMITS.stateShelves] as Shelf; // within bounds
  };
  const bookOf = (room: RoomName): RoomBook => {
    let book = books.get(room);
    if (book === undefined) {
      const shelf = shelfOf(room);
      const digest = new RoomDigest(crypto);
      book = { shelf, byKey: new Map(), ofKey: new Map(), digest, follows: undefined };
      books.set(room, book);
      shelf.rooms.set(room, book);
    }
    return book;
  };
  const digestOfShelf = (shelf: Shelf): string =>
    (shelf.digest ??= digestOf(
      crypto,
      toldOf(shelf).map(([, { digest }]) => digest.whole),
    ));
  /** Counts an entry that comes, or goes. */
  const tally = ({ entry: { key, by }, sid }: Held, change: 1 | -1) => {
    const add = <K>(counts: Map<K, number>, of: K) => {
      const now = (counts.get(of) ?? 0) + change;
      if (now === 0) counts.delete(of);
      else counts.set(of, now);
    };
    add(bySid, sid);
    if (key === "founded") add(founders, accountId(by, sid));
    count += change;
  };
  const remove = (book: RoomBook, one: Held) => {
    const { key } = one.entry;
    if (!book.byKey.delete(`${one.sid} ${key}`)) return;
    const others = book.ofKey.get(key)?.filter((other) => other !== one) ?? [];
    if (others.length === 0) book.ofKey.delete(key);
    else book.ofKey.set(key, others);
    book.digest.remove(one);
    book.shelf.digest = undefined;
    tally(one, -1);
  };
  /** Of one server there are too many in this room: what is unset, or has ended, goes first. */
  const trim = (book: RoomBook, sid: Sid) => {
    if (book.byKey.size <= LIMITS.stateEntriesPerServerMax) return;
    const own = [...book.byKey.values()].filter((one) => one.sid === sid);
    if (own.length <= LIMITS.stateEntriesPerServerMax) return;
    const least = own.reduce((a, b) => {
      const ranks = rankOf(book, a, clock.now()) - rankOf(book, b, clock.now());
      return ranks < 0 || (ranks === 0 && isNewer(b, a)) ? a : b;
    });
    remove(book, least);
  };
  const isFull = (sid: Sid) =>
    count >= LIMITS.stateEntriesMax || (bySid.get(sid) ?? 0) >= LIMITS.stateEntriesOfServerMax;
  const put = (one: Held): boolean => {
    const { room, key } = one.entry;
    const known = books.get(room)?.byKey.get(`${one.sid} ${key}`);
    if (known === undefined ? isFull(one.sid) : !isNewer(one, known)) return false;
    const book = bookOf(room);
    if (known !== undefined) remove(book, known);
    book.byKey.set(`${one.sid} ${key}`, one);
    book.ofKey.set(key, [...(book.ofKey.get(key) ?? []), one]);
    book.digest.put(one);
    book.shelf.digest = undefined;
    tally(one, 1);
    trim(book, one.sid);
    return book.byKey.get(`${one.sid} ${key}`) === one;
  };
  const linesOf = (shelf: Shelf): string[] => {
    const newest = new Map<string, Held>();
    const add = (one: Held) => {
      const place = `${one.sid} ${one.entry.room} ${one.entry.key}`;
      const other = newest.get(place);
      if (other === undefined || isNewer(one, other)) newest.set(place, one);
    };
    const follows: string[] = [];
    for (const [room, book] of shelf.rooms) {
      for (const one of book.byKey.values()) add(one);
      if (book.follows !== undefined) follows.push(JSON.stringify({ room, follows: book.follows }));
    }
    for (const { one } of shelf.staged) add(one);
    const rows = [...newest.values()].map(({ row }) => JSON.stringify(row));
    return [...shelf.bad, ...follows, ...rows];
  };
  const writer = createShelfWriter(environment, {
    name: "rooms",
    begin: (shelf: Shelf) => {
      const { staged } = shelf;
      const bytes = encoder.encode(
        linesOf(shelf)
          .map((line) => `${line}\n`)
          .join(""),
      );
      return { key: shelf.key, bytes, staged: [...staged] };
    },
    end: (shelf, { staged }, thrown) => {
      shelf.staged = shelf.staged.filter((one) => !staged.includes(one));
      const refused =
        thrown === undefined
          ? undefined
          : failure("INTERNAL", "it could not be written to the disk");
      for (const { one, done } of staged) {
        if (refused === undefined) put(one);
        done(refused);
      }
    },
  });
  const readLine = (shelf: Shelf, line: string): boolean => {
    const json = jsonIn(line);
    const row = v.safeParse(StateRow, json);
    if (row.success) {
      const one = heldIn(row.output, crypto);
      if (one === undefined || shelfOf(one.entry.room) !== shelf) return false;
      put(one);
      return true;
    }
    const follow = v.safeParse(Follow, json);
    const room = follow.success ? roomOf(follow.output.room) : undefined;
    if (!follow.success || typeof room !== "string") return false;
    bookOf(room).follows = follow.output.follows;
    return true;
  };

  return {
    /** Reads what earlier lives of the server held; once. */
    async load(): Promise<void> {
      for (const shelf of shelves) {
        try {
          const text = decoder.decode((await store.read(shelf.key)) ?? new Uint8Array());
          const lines = text.split("\n").filter((line) => line !== "");
          shelf.bad = lines.filter((line) => !readLine(shelf, line));
        } catch (thrown) {
          log.error("rooms not read", { key: shelf.key, error: String(thrown) });
          shelf.isShut = true;
        }
        if (shelf.bad.length > 0)
          log.error("rooms with bad lines", { key: shelf.key, lines: shelf.bad.length });
      }
    },
    entries: (room: RoomName): readonly Held[] => [...(books.get(room)?.byKey.values() ?? [])],
    *all(): Generator<Held> {
      for (const { byKey } of books.values()) yield* byKey.values();
    },
    /** The entries of one key. */
    ofKey: (room: RoomName, key: string): readonly Held[] => books.get(room)?.ofKey.get(key) ?? [],
    /** How many rooms an account, `account@sid`, has founded. */
    foundedBy: (account: string): number => founders.get(account) ?? 0,
    /** Own entries of a key that are on their way to the disk. */
    staged: (room: RoomName, key: string): readonly Held[] =>
      shelfOf(room)
        .staged.map(({ one }) => one)
        .filter(({ entry }) => entry.room === room && entry.key === key),
    /** Why this server can sign nothing more in a room. */
    refusal(room: RoomName, sid: Sid, key: string): Failure | undefined {
      const shelf = shelfOf(room);
      const book = books.get(room);
      if (shelf.isShut) return failure("INTERNAL", `room ${room}: its state cannot be read`);
      if (book?.byKey.has(`${sid} ${key}`) === true) return undefined;
      if (isFull(sid)) return failure("TOO_MANY_ENTRIES", "too much is set in rooms already");
      const set =
        lastingOf(book, sid, clock.now()).length +
        shelf.staged.filter(({ one }) => one.entry.room === room).length;
      const most = LIMITS.stateEntriesPerServerMax;
      if (set < most) return undefined;
      return failure(
        "TOO_MANY_ENTRIES",
        `room ${room}: ${most} things are set by people here already`,
      );
    },
    /** Takes another server's entry, whose signature was checked; false where it is no news. */
    take(one: Held): boolean {
      const shelf = shelfOf(one.entry.room);
      if (shelf.isShut || !put(one)) return false;
      writer.changed(shelf);
      return true;
    },
    /** Holds own entries once all are on the disk; resolves to why they are not. */
    async stage(some: readonly Held[]): Promise<Failure | undefined> {
      const written = some.map(
        (one) =>
          new Promise<Failure | undefined>((done) => {
            const shelf = shelfOf(one.entry.room);
            shelf.staged.push({ one, done });
            writer.changed(shelf);
          }),
      );
      return (await Promise.all(written)).find((refused) => refused !== undefined);
    },
    /** The keys that a server has set in a room, or unset for another one. */
    lasting: (room: RoomName, sid: Sid): readonly string[] =>
      lastingOf(books.get(room), sid, clock.now()),
    follows: (room: RoomName): Sid | undefined => books.get(room)?.follows,
    follow(room: RoomName, sid: Sid | undefined): void {
      bookOf(room).follows = sid;
      writer.changed(shelfOf(room));
    },
    /** The same, or a newer one of its key and server, is held. */
    isHeld(one: Signed): boolean {
      const known = books.get(one.entry.room)?.byKey.get(`${one.sid} ${one.entry.key}`);
      return known !== undefined && !isNewer(one, known);
    },
    /** Of all that is held of rooms that are told to others, in hex. */
    digest: (): string => digestOf(crypto, shelves.map(digestOfShelf)),
    /** The same of each shelf. */
    digests: (): string[] => shelves.map(digestOfShelf),
    /** The told rooms of one shelf, each with the digest of its entries; sorted. */
    roomsIn(number: number): (readonly [RoomName, string])[] {
      const shelf = shelves[number];
      return (shelf === undefined ? [] : toldOf(shelf))
        .map(([room, { digest }]) => [room, digest.whole] as const)
        .toSorted(([a], [b]) => (a < b ? -1 : 1));
    },
    digestOf(room: RoomName): string | undefined {
      const book = books.get(room);
      return book === undefined || book.byKey.size === 0 ? undefined : book.digest.whole;
    },
    /** How many entries are held of servers of some kind. */
    countOf: (isOne: (sid: Sid) => boolean): number =>
      [...bySid].reduce((sum, [sid, some]) => (isOne(sid) ? sum + some : sum), 0),
    get count() {
      return count;
    },
    idle: writer.idle,
    close: writer.close,
  };
}

/** The entry in a row, and whose it is by its key; undefined where it is none. Not yet checked. */
export function heldIn(
  row: StateRow,
  crypto: Pick<Environment["crypto"], "sha256">,
): Held | undefined {
  const entry = decodeState(row[0]);
  if (entry === undefined || roomOf(entry.room) !== entry.room) return undefined;
  const sid = sidOf(crypto.sha256(Uint8Array.fromHex(row[1])).subarray(0, 16));
  return { entry, sid, row };
}

// --- internal -----------------------------------------------------------------------------------

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

const Follow = v.object({ room: v.string(), follows: v.pipe(v.string(), v.guard(isSid)) });

/**
 * What is set is 2; what unsets something that another server has set, or has ended in its place,
 * 1; the rest is done, 0.
 */
function rankOf(book: RoomBook, one: Held, now: Millis): number {
  const isSet = (other: Held) => other.entry.value !== null && endOf(other) > now;
  if (isSet(one)) return 2;
  const others = book.ofKey.get(one.entry.key) ?? [];
  return others.some((other) => isSet(other) && isNewer(one, other)) ? 1 : 0;
}

function lastingOf(book: RoomBook | undefined, sid: Sid, now: Millis): string[] {
  if (book === undefined) return [];
  const lasting = [...book.byKey.values()].filter(
    (one) => one.sid === sid && rankOf(book, one, now) > 0,
  );
  return lasting.map(({ entry }) => entry.key);
}

/** The rooms of a shelf that others are told of. */
function toldOf(shelf: Shelf): (readonly [RoomName, RoomBook])[] {
  return [...shelf.rooms].filter(([room, { byKey }]) => isTold(room) && byKey.size > 0);
}

function jsonIn(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined; // the caller keeps and logs it
  }
}
