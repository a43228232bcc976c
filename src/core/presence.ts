// Comings and goings, told to the members of rooms: of people here and of other servers alike. In
// large rooms they are not pushed: 10,000 people in a lobby must not cost 10,000² frames.

import { LIMITS } from "../limits.ts";
import type { RoomName } from "../names.ts";
import { LOBBY } from "../names.ts";
import type { PersonEntry } from "../protocol/messages.ts";
import type { Rooms } from "./rooms.ts";
import type { LiveSession } from "./session.ts";

export interface Presence {
  came(person: PersonEntry, by?: LiveSession): void;
  went(person: PersonEntry, rooms: Iterable<RoomName>, reason?: string): void;
  renamed(was: PersonEntry, person: PersonEntry, rooms: Iterable<RoomName>): void;
  joined(room: RoomName, person: PersonEntry, by?: LiveSession): void;
  left(room: RoomName, person: PersonEntry, reason?: string, by?: LiveSession): void;
}

/** `members` counts a room's members in the whole fusion. */
export function createPresence(rooms: Rooms, members: (room: RoomName) => number): Presence {
  const small = (name: RoomName) => {
    const room = rooms.find(name);
    return room !== undefined && members(name) <= LIMITS.roomPresenceMembersMax ? room : undefined;
  };
  const joined = (room: RoomName, person: PersonEntry, by?: LiveSession) =>
    small(room)?.tell({ type: "joined", room, person }, by);
  const left = (room: RoomName, person: PersonEntry, reason?: string, by?: LiveSession) => {
    const why = reason === undefined ? {} : { reason };
    small(room)?.tell({ type: "left", room, person, ...why }, by);
  };
  return {
    joined,
    left,
    came: (person, by) => joined(LOBBY, person, by),
    went(person, where, reason) {
      for (const room of where) if (room !== LOBBY) left(room, person, reason);
      left(LOBBY, person, reason);
    },
    renamed(was, person, where) {
      const lobby = small(LOBBY);
      // Everybody is in the lobby: told there, it is told to all.
      if (lobby !== undefined) return lobby.tell({ type: "renamed", was, person });
      for (const room of where) small(room)?.tell({ type: "renamed", was, person });
    },
  };
}
