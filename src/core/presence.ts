// Comings and goings, told to the members of rooms: of people here and of other servers alike. In
// large rooms, and where whole servers come or go, not one by one but by the room's number: 10,000
// people in a lobby must not cost 10,000² frames.

import type { Clock } from "../environment.ts";
import { LIMITS } from "../limits.ts";
import type { Nick, RoomName, ServerName } from "../names.ts";
import { LOBBY, nameKey } from "../names.ts";
import type { OfPerson, RoomEvent } from "../plugin/gateway.ts";
import type { MemberEntry, PersonEntry } from "../protocol/messages.ts";
import type { Removal } from "../protocol/ruling.ts";
import type { People } from "./people.ts";
import type { Roles, RolesIn } from "./actors.ts";
import { hasForeign } from "./format.ts";
import type { Source } from "./peer.ts";
import type { Rooms } from "./rooms.ts";
import type { LiveSession } from "./session.ts";
import type { Watches } from "./watches.ts";
import { createWatches } from "./watches.ts";

/** Adds the role to an entry of a room's member. */
export const withRole =
  (roles: Roles) =>
  (person: PersonEntry): MemberEntry => {
    const role = roles.of(person);
    return role === undefined ? person : { ...person, role };
  };

/** Those who came or went with a server. */
export interface Crowd {
  readonly of: Source;
  readonly now: "here" | "gone";
  in(room: RoomName): readonly PersonEntry[];
  size(room: RoomName): number;
}

/** What is told of a leaving. */
export interface Leaving {
  readonly reason?: string | undefined;
  readonly removed?: Removal | undefined;
}

export interface Presence {
  came(person: PersonEntry, by?: LiveSession): void;
  /** Somebody of this server, shown in these rooms, has left it. */
  ended(person: PersonEntry, rooms: Iterable<RoomName>, reason: string): void;
  /** Somebody of another server is no more there, for people here. */
  went(person: PersonEntry, rooms: Iterable<RoomName>, reason?: string): void;
  renamed(was: PersonEntry, person: PersonEntry, rooms: Iterable<RoomName>, by?: LiveSession): void;
  /** Somebody is away, or is back, as the entry says. */
  away(person: PersonEntry, rooms: Iterable<RoomName>, by?: LiveSession): void;
  /** Somebody is away, without a word to anybody. */
  noteAway(): void;
  /** Somebody was ever away: without, it need not be looked at. */
  readonly hasAway: boolean;
  joined(room: RoomName, person: PersonEntry, by?: LiveSession): void;
  left(room: RoomName, person: PersonEntry, why?: Leaving, by?: LiveSession): void;
  /**
   * People of a server came or went, in these rooms, all at once: members are told the numbers, and
   * those who want it in small rooms, if it is known, who they are.
   */
  moved(server: ServerName, rooms: Iterable<RoomName>, crowd?: Crowd): void;
  readonly watches: Watches;
  /** Tells no more numbers. */
  close(): void;
}

export interface PresenceOptions {
  readonly clock: Clock;
  readonly rooms: Rooms;
  readonly people: Pick<People, "members" | "isOnline" | "changed">;
  /** Of whom nobody is told in a room: one who may not be there. */
  hides(room: RoomName, person: PersonEntry, of?: Source): boolean;
  readonly rolesIn: RolesIn;
}

/** The same nick, perhaps in other letters. */
const isSame = (a: PersonEntry, b: PersonEntry): boolean =>
  nameKey(a.address as Nick) === nameKey(b.address as Nick); // only compared

export function createPresence(options: PresenceOptions): Presence {
  const { clock, rooms, hides, rolesIn } = options;
  const { members, isOnline, changed } = options.people;
  const watches = createWatches(isOnline);
  /** Rooms whose number is told soon. "large": until then nobody counts whether they still are. */
  const due = new Map<RoomName, { large: boolean; readonly cancel: () => void }>();
  const countSoon = (name: RoomName, large: boolean): void => {
    const known = due.get(name);
    if (known !== undefined) {
      known.large ||= large;
      return;
    }
    const cancel = clock.after(LIMITS.roomCountMs, () => {
      due.delete(name);
      rooms.find(name)?.tell({ type: "count", room: name, members: members(name) });
    });
    due.set(name, { large, cancel });
  };
  /** Tells it in a small room; returns whether it was one. */
  const tell = (name: RoomName, event: RoomEvent, by?: LiveSession): boolean => {
    const room = rooms.find(name);
    if (room === undefined || due.get(name)?.large === true) return false;
    if (members(name) > LIMITS.roomPresenceMembersMax) {
      countSoon(name, true);
      return false;
    }
    room.tell(event, by);
    return true;
  };
  const joined = (room: RoomName, person: PersonEntry, by?: LiveSession) => {
    changed();
    if (rooms.find(room) === undefined || hides(room, person)) return;
    const role = rolesIn(room).of(person);
    tell(room, { type: "joined", room, person, ...(role === undefined ? {} : { role }) }, by);
  };
  const left: Presence["left"] = (room, person, { reason, removed } = {}, by) => {
    changed();
    if (hides(room, person)) return;
    const why = {
      ...(reason === undefined ? {} : { reason }),
      ...(removed === undefined ? {} : { removed }),
    };
    tell(room, { type: "left", room, person, ...why }, by);
  };
  const gone = (room: RoomName, person: PersonEntry, reason?: string) => {
    const why = reason === undefined ? {} : { reason };
    tell(room, { type: "left", room, person, ...why, gone: true });
  };
  const leave = (person: PersonEntry, where: Iterable<RoomName>, reason?: string) => {
    changed();
    watches.changed(person.address);
    const those = new Set(where);
    const isInLobby = those.delete(LOBBY);
    for (const room of those) gone(room, person, reason);
    if (isInLobby) gone(LOBBY, person, reason);
  };
  let hasAway = false;
  /** Everybody is in the lobby: told there, it is told to all. */
  const tellAll = (
    event: OfPerson,
    where: Iterable<RoomName>,
    by?: LiveSession,
    inLobby = !hides(LOBBY, event.person),
  ) => {
    changed();
    const { person } = event;
    const isTold = inLobby && tell(LOBBY, { ...event, room: LOBBY }, by);
    const again = isTold ? { again: true as const } : {};
    for (const room of where)
      if (room !== LOBBY && !hides(room, person)) tell(room, { ...event, room, ...again }, by);
  };
  /**
   * Of these rooms, those where somebody's new name is told. He goes where he is hidden under that:
   * his server may not have heard so yet. He comes where only the old one was.
   */
  const shownAnew = (where: Iterable<RoomName>, was: PersonEntry, person: PersonEntry) =>
    Array.from(where).filter((room) => {
      const [hid, isHidden] = [hides(room, was), hides(room, person)];
      if (isHidden && !hid) left(room, was);
      if (hid && !isHidden) joined(room, person);
      return !hid && !isHidden;
    });
  /** One who has logged in, or out, may have another role. */
  const ranked = (name: RoomName, before: PersonEntry, person: PersonEntry) => {
    const room = rooms.find(name);
    if (room === undefined || hides(name, person) || !hasForeign(room)) return;
    const roles = rolesIn(name);
    const [was, role] = [roles.before(before, person), roles.of(person)];
    if (was === role) return;
    const ranks = {
      ...(was === undefined ? {} : { was }),
      ...(role === undefined ? {} : { role }),
    };
    tell(name, { type: "ranked", room: name, people: [{ ...person, ...ranks }] });
  };
  return {
    get hasAway() {
      return hasAway;
    },
    noteAway() {
      hasAway = true;
    },
    away(person, where, by) {
      hasAway = true;
      watches.told(person);
      tellAll({ type: "away", person }, where, by);
    },
    joined,
    left,
    watches,
    came(person, by) {
      joined(LOBBY, person, by);
      watches.changed(person.address);
    },
    ended: leave,
    went: (person, where, reason) =>
      leave(
        person,
        [LOBBY, ...where].filter((room) => !hides(room, person)),
        reason,
      ),
    renamed(was, person, where, by) {
      for (const { address } of [was, person]) watches.changed(address);
      if (isSame(was, person)) watches.told(person, was);
      const inLobby = shownAnew([LOBBY], was, person).length > 0;
      const those = by === undefined ? shownAnew(where, was, person) : Array.from(where);
      tellAll({ type: "renamed", was, person }, those, by, inLobby);
      if (was.account !== person.account) for (const room of those) ranked(room, was, person);
    },
    moved(server, where, crowd) {
      changed();
      watches.moved(server);
      let again = {};
      for (const name of [LOBBY, ...where]) {
        const room = rooms.find(name);
        if (room === undefined) continue;
        countSoon(name, false);
        if (crowd === undefined || !hasForeign(room)) continue;
        const size = crowd.size(name);
        const most = members(name) + (crowd.now === "gone" ? size : 0);
        if (size === 0 || most > LIMITS.roomPresenceMembersMax) continue;
        const shown = crowd.in(name).filter((person) => !hides(name, person, crowd.of));
        if (shown.length === 0) continue;
        const people = shown.map(withRole(rolesIn(name)));
        room.tell({ type: "moved", room: name, server, now: crowd.now, people, ...again });
        // Who is hidden there is told of in the other rooms alone.
        if (name === LOBBY && shown.length === size) again = { again: true };
      }
    },
    close() {
      for (const { cancel } of due.values()) cancel();
      due.clear();
    },
  };
}
