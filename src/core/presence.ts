// Comings and goings, told to the members of rooms: of people here and of other servers alike. In
// large rooms, and where whole servers come or go, not one by one but by the room's number: 10,000
// people in a lobby must not cost 10,000² frames.

import type { Clock } from "../environment.ts";
import { LIMITS } from "../limits.ts";
import type { RoomName, ServerName } from "../names.ts";
import { LOBBY } from "../names.ts";
import type { OfPerson, RoomEvent } from "../plugin/gateway.ts";
import type { PersonEntry } from "../protocol/messages.ts";
import type { People } from "./people.ts";
import { NATIVE } from "./format.ts";
import type { Room } from "./room.ts";
import type { Rooms } from "./rooms.ts";
import type { LiveSession } from "./session.ts";
import type { Watches } from "./watches.ts";
import { createWatches } from "./watches.ts";

/** Those who came or went with a server. */
export interface Crowd {
  readonly now: "here" | "gone";
  in(room: RoomName): readonly PersonEntry[];
  size(room: RoomName): number;
}

export interface Presence {
  came(person: PersonEntry, by?: LiveSession): void;
  went(person: PersonEntry, rooms: Iterable<RoomName>, reason?: string): void;
  renamed(was: PersonEntry, person: PersonEntry, rooms: Iterable<RoomName>, by?: LiveSession): void;
  /** Somebody is away, or is back, as the entry says. */
  away(person: PersonEntry, rooms: Iterable<RoomName>, by?: LiveSession): void;
  /** Somebody is away, without a word to anybody. */
  noteAway(): void;
  /** Somebody was ever away: without, it need not be looked at. */
  readonly hasAway: boolean;
  joined(room: RoomName, person: PersonEntry, by?: LiveSession): void;
  left(room: RoomName, person: PersonEntry, reason?: string, by?: LiveSession): void;
  /**
   * People of a server came or went, in these rooms, all at once: members are told the numbers, and
   * those who want it in small rooms, if it is known, who they are.
   */
  moved(server: ServerName, rooms: Iterable<RoomName>, crowd?: Crowd): void;
  readonly watches: Watches;
  /** Tells no more numbers. */
  close(): void;
}

/** The native format leaves it out: then nobody has to be gathered. */
const wantsMoved = (room: Room<LiveSession>): boolean =>
  Array.from(room.formats).some((format) => format !== NATIVE);

export function createPresence(
  clock: Clock,
  rooms: Rooms,
  { members, isOnline }: Pick<People, "members" | "isOnline">,
  /** Of whom nobody is told in a room: one who may not be there. */
  hides: (room: RoomName, person: PersonEntry) => boolean = () => false,
): Presence {
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
    if (!hides(room, person)) tell(room, { type: "joined", room, person }, by);
  };
  const left = (room: RoomName, person: PersonEntry, reason?: string, by?: LiveSession) => {
    if (hides(room, person)) return;
    const why = reason === undefined ? {} : { reason };
    tell(room, { type: "left", room, person, ...why }, by);
  };
  const gone = (room: RoomName, person: PersonEntry, reason?: string) => {
    const why = reason === undefined ? {} : { reason };
    tell(room, { type: "left", room, person, ...why, gone: true });
  };
  let hasAway = false;
  /** Everybody is in the lobby: told there, it is told to all. */
  const tellAll = (event: OfPerson, where: Iterable<RoomName>, by?: LiveSession) => {
    const { person } = event;
    const isTold = !hides(LOBBY, person) && tell(LOBBY, { ...event, room: LOBBY }, by);
    const again = isTold ? { again: true as const } : {};
    for (const room of where)
      if (room !== LOBBY && !hides(room, person)) tell(room, { ...event, room, ...again }, by);
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
      tellAll({ type: "away", person }, where, by);
    },
    joined,
    left,
    watches,
    came(person, by) {
      joined(LOBBY, person, by);
      watches.changed(person.address);
    },
    went(person, where, reason) {
      watches.changed(person.address);
      for (const room of where) if (room !== LOBBY) gone(room, person, reason);
      gone(LOBBY, person, reason);
    },
    renamed(was, person, where, by) {
      for (const { address } of [was, person]) watches.changed(address);
      tellAll({ type: "renamed", was, person }, where, by);
    },
    moved(server, where, crowd) {
      watches.moved(server);
      let again = {};
      for (const name of [LOBBY, ...where]) {
        const room = rooms.find(name);
        if (room === undefined) continue;
        countSoon(name, false);
        if (crowd === undefined || !wantsMoved(room)) continue;
        const size = crowd.size(name);
        const most = members(name) + (crowd.now === "gone" ? size : 0);
        if (size === 0 || most > LIMITS.roomPresenceMembersMax) continue;
        const { now } = crowd;
        room.tell({ type: "moved", room: name, server, now, people: crowd.in(name), ...again });
        if (name === LOBBY) again = { again: true };
      }
    },
    close() {
      for (const { cancel } of due.values()) cancel();
      due.clear();
    },
  };
}
