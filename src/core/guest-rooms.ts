// Rooms that guests run, on a server whose config lets them (`rooms: { guests: true }`): the first
// one of an empty room has it, until he gives it up, or the last one of this server has left. What
// is set there is in force on this server alone, and in memory: no other server could know a guest
// again. As soon as the room is founded by an account, wherever, that goes before. Read states.ts
// first.

import type { Millis } from "../environment.ts";
import type { Failure } from "../errors.ts";
import { failure } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Nick, RoomName } from "../names.ts";
import type { LiveSession } from "./session.ts";
import type { Held } from "./state-store.ts";

interface GuestRoom {
  readonly founder: string;
  readonly openedAt: Millis;
  /** He has given it up: nobody acts under this mark any more. */
  readonly vacant?: true;
  /** By key; what was unset is kept as well, as who did so is told. */
  readonly entries: Map<string, Held>;
  /** Who has, or had, a role here, by the mark. */
  readonly guests: Map<string, LiveSession>;
}

export function createGuestRooms() {
  const rooms = new Map<RoomName, GuestRoom>();
  const marks = new WeakMap<LiveSession, string>();
  let last = 0;

  /** What a guest's session is known by in these rooms; no account begins with `~`, no nick `#`. */
  const markOf = (session: LiveSession): string => {
    const mark = marks.get(session) ?? `~#${(++last).toString(36)}`;
    marks.set(session, mark);
    return mark;
  };
  return {
    has: (room: RoomName): boolean => rooms.has(room),
    founder: (room: RoomName): string | undefined => rooms.get(room)?.founder,
    entries: (room: RoomName): readonly Held[] | undefined => {
      const known = rooms.get(room);
      return known === undefined ? undefined : [...known.entries.values()];
    },
    /** The entry of one key, if there is one. */
    ofKey: (room: RoomName, key: string): readonly Held[] => {
      const one = rooms.get(room)?.entries.get(key);
      return one === undefined ? [] : [one];
    },
    /** A guest's mark, in a room that guests run. */
    mark: (session: LiveSession, room: RoomName): string | undefined =>
      rooms.has(room) ? markOf(session) : undefined,
    /** The same, of one who is given a role: shown by it from now on. */
    enlist(session: LiveSession, room: RoomName): string | undefined {
      const known = rooms.get(room);
      if (known === undefined) return undefined;
      const mark = markOf(session);
      known.guests.set(mark, session);
      return mark;
    },
    open(room: RoomName, session: LiveSession, openedAt: Millis): void {
      const founder = markOf(session);
      const guests = new Map([[founder, session]]);
      rooms.set(room, { founder, openedAt, entries: new Map(), guests });
    },
    openedAt: (room: RoomName): Millis | undefined => rooms.get(room)?.openedAt,
    /** Why so much more cannot be set. */
    refusal(room: RoomName, some: readonly Held[]): Failure | undefined {
      const set = [...(rooms.get(room)?.entries.values() ?? []), ...some];
      const keys = new Set(set.flatMap(({ entry: { key, value } }) => (value === null ? [] : key)));
      const most = LIMITS.stateEntriesPerServerMax;
      if (keys.size <= most) return undefined;
      return failure("TOO_MANY_ENTRIES", `room ${room}: ${most} things are set already`);
    },
    put(one: Held): void {
      const { entries } = rooms.get(one.entry.room) ?? {};
      if (entries === undefined) return;
      // What was set once more stands last, so that what is let go is the oldest that was unset.
      entries.delete(one.entry.key);
      entries.set(one.entry.key, one);
      if (entries.size <= LIMITS.stateEntriesPerServerMax) return;
      const unset = entries.values().find(({ entry }) => entry.value === null);
      if (unset !== undefined) entries.delete(unset.entry.key);
    },
    /**
     * The one whose room it is has it no more: what he has set stays, under another mark, which is
     * returned, and under which nobody acts.
     */
    resign(room: RoomName, session: LiveSession): string {
      const founder = `~#${(++last).toString(36)}`;
      const known = rooms.get(room);
      if (known === undefined) return founder;
      const { entries, guests, openedAt } = known;
      for (const [key, one] of entries)
        if (one.entry.by === known.founder)
          entries.set(key, { ...one, entry: { ...one.entry, by: founder } });
      guests.set(founder, session); // who had it is shown as the one who did so
      rooms.set(room, { entries, guests, openedAt, founder, vacant: true });
      return founder;
    },
    isVacant: (room: RoomName): boolean => rooms.get(room)?.vacant === true,
    drop: (room: RoomName): boolean => rooms.delete(room),
    /** Whose mark it is; undefined where no room knows it. */
    holder(mark: string): LiveSession | undefined {
      for (const { guests } of rooms.values()) {
        const session = guests.get(mark);
        if (session !== undefined) return session;
      }
      return undefined;
    },
  };
}

/** What stands for an account in an entry by a guest, of a room that an account has founded. */
export const markOfNick = (nick: Nick): string => `~${nick}`;

/** The nick in such a mark; of one of a room that guests run, none that anybody has. */
export const nickInMark = (mark: string): Nick => mark.slice(1) as Nick; // looked up only

/** Whether what stands for an account in an entry is a guest's mark, of either kind. */
export const isMark = (account: string): boolean => account.startsWith("~");
