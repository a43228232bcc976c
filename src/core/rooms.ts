// The rooms that have members on this server, by their one name (the key: case-folded). The lobby
// is always there. Next: room.ts.

import type { Failure } from "../errors.ts";
import { failure, failureOf } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { RoomName } from "../names.ts";
import { LOBBY, nameKey, parseRoomName } from "../names.ts";
import type { Format } from "../plugin/gateway.ts";
import { Room } from "./room.ts";
import type { LiveSession } from "./session.ts";
import type { Tick } from "./tick.ts";

export interface Rooms {
  readonly count: number;
  readonly lobby: Room<LiveSession>;
  all(): Iterable<Room<LiveSession>>;
  find(room: RoomName): Room<LiveSession> | undefined;
  /** Why a session cannot enter a room that it is not in: there are too many. */
  refusal(session: LiveSession, room: RoomName): Failure | undefined;
  /** Puts a session into a room; or why not. */
  enter(session: LiveSession, room: RoomName): Failure | undefined;
  leave(session: LiveSession, room: RoomName): void;
}

/** The one form of a room's name, or why it is none. */
export function roomOf(text: string): RoomName | Failure {
  try {
    return nameKey(parseRoomName(text)) as RoomName; // the key of a room name is one
  } catch (thrown) {
    return failureOf(thrown);
  }
}

/** The one form of the name of a room that somebody is in, or a refusal. */
export function roomInside({ memberships }: LiveSession, text: string): RoomName | Failure {
  const room = roomOf(text);
  if (typeof room !== "string" || memberships.has(room)) return room;
  return failure("NOT_IN_ROOM", `room ${room}: you are not in it`);
}

/** Told when a room has its first member here, and when the last one has left. */
export interface RoomsOptions {
  opened(room: RoomName): void;
  closed(room: RoomName): void;
}

export function createRooms(tick: Tick<LiveSession>, on: RoomsOptions): Rooms {
  const lobby = new Room<LiveSession>(LOBBY, tick.group);
  const rooms = new Map<RoomName, Room<LiveSession>>([[LOBBY, lobby]]);
  const refusal = (session: LiveSession, name: RoomName): Failure | undefined => {
    const refused = (what: string) => failure("TOO_MANY_ROOMS", `room ${name}: ${what}`);
    const own = LIMITS.roomsPerSessionMax;
    if (session.memberships.size >= own)
      return refused(`you are in ${own} rooms, the most there is`);
    const isFull = !rooms.has(name) && rooms.size >= LIMITS.roomsMax;
    return isFull ? refused(`this server has ${LIMITS.roomsMax} rooms already`) : undefined;
  };
  return {
    lobby,
    refusal,
    get count() {
      return rooms.size;
    },
    all: () => rooms.values(),
    find: (room) => rooms.get(room),
    enter(session, name) {
      if (session.memberships.has(name)) return undefined;
      const refused = refusal(session, name);
      if (refused !== undefined) return refused;
      let room = rooms.get(name);
      if (room === undefined) {
        room = new Room<LiveSession>(name, tick.group);
        rooms.set(name, room);
        on.opened(name);
      }
      const format: Format = session.format;
      session.memberships.add(room.enter(session, format));
      return undefined;
    },
    leave(session, name) {
      const member = session.memberships.get(name);
      if (member === undefined) return;
      session.memberships.delete(name);
      member.room.leave(member);
      if (member.room.size === 0 && name !== LOBBY) {
        rooms.delete(name);
        on.closed(name);
      }
    },
  };
}
