// Who is writing something: told to those who would read it, kept by nobody, and passed over where
// there is no room for it. In large rooms it is told to nobody.

import type { Clock, Millis } from "../environment.ts";
import type { Failure } from "../errors.ts";
import { failure } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Nick, RoomName } from "../names.ts";
import { isShared, LOBBY } from "../names.ts";
import type { Ask, PersonEntry } from "../protocol/messages.ts";
import type { PeerMessageOf } from "../protocol/peer.ts";
import type { Peer } from "./peer.ts";
import type { People } from "./people.ts";
import { entryOf } from "./people.ts";
import type { Peers } from "./peers.ts";
import { roomOf } from "./rooms.ts";
import type { Rooms } from "./rooms.ts";
import type { LiveSession } from "./session.ts";
import type { Sessions } from "./sessions.ts";

export interface TypingOptions {
  readonly clock: Clock;
  readonly people: People;
  readonly peers: () => Peers;
  readonly rooms: Rooms;
  readonly sessions: Sessions;
}

export function createTyping({ clock, people, peers, rooms, sessions }: TypingOptions) {
  const toldAt = new WeakMap<LiveSession, Millis>();
  /** Of other servers, in the second that runs. */
  const counts = new WeakMap<Peer, { since: Millis; count: number }>();

  const isSoon = (session: LiveSession): boolean => {
    const now = clock.monotonic();
    if (now - (toldAt.get(session) ?? Number.NEGATIVE_INFINITY) < LIMITS.typingMsMin) return true;
    toldAt.set(session, now);
    return false;
  };
  const isFlood = (peer: Peer): boolean => {
    const now = clock.monotonic();
    let one = counts.get(peer);
    if (one === undefined || now - one.since >= 1000) one = { since: now, count: 0 };
    counts.set(peer, one);
    one.count++;
    return one.count > LIMITS.typingPerServerMax;
  };
  const isLarge = (room: RoomName) => people.members(room) > LIMITS.roomPresenceMembersMax;
  const inRoom = (session: LiveSession, room: RoomName): void => {
    if (isLarge(room)) return;
    const person = entryOf(session);
    session.memberships.get(room)?.room.tell({ type: "typing", room, person }, session);
    if (!isShared(room)) return;
    for (const peer of peers().present())
      if ((room === LOBBY || peer.rooms.has(room)) && !peer.waits)
        peer.send({ t: "typing", from: session.address, room });
  };
  const toPerson = (nick: Nick, person: PersonEntry): void => {
    const session = sessions.find(nick);
    const { address: from, account } = person;
    const by = account === undefined ? { from } : { from, account };
    if (session?.phase !== "in" || session.ignoring?.person(by) === true) return;
    session.doorway.personal({ type: "typing", person });
  };

  return {
    /** Tells it, unless it was told a moment ago. */
    typing(session: LiveSession, { room: text, to }: Ask<"typing">): Failure | undefined {
      if ((text === undefined) === (to === undefined))
        return failure("BAD_REQUEST", "typing: expected a room or a person, one of them");
      if (text !== undefined) {
        const room = roomOf(text);
        if (typeof room === "object") return room;
        if (!session.memberships.has(room))
          return failure("NOT_IN_ROOM", `room ${room}: you are not in it`);
        if (!isSoon(session)) inRoom(session, room);
        return undefined;
      }
      const found = people.find(to ?? "");
      if ("code" in found) return found;
      if (isSoon(session)) return undefined;
      if (found.at === "here") toPerson(found.nick, entryOf(session));
      else if (!found.peer.waits)
        found.peer.send({ t: "typing", from: session.address, to: found.address });
      return undefined;
    },
    /** One of another server's people is writing; of nobody else is it believed. */
    arrived(peer: Peer, { from, room, to }: PeerMessageOf<"typing">): void {
      if (!peer.owns(from) || isFlood(peer)) return;
      const nick = from.slice(0, from.lastIndexOf("@")) as Nick; // as was just checked
      const person = people.personAt({ at: "there", nick, peer, address: from });
      if (!people.isOnline(nick, peer.name)) return;
      if (to !== undefined) {
        const found = people.find(to);
        if (!("code" in found) && found.at === "here") toPerson(found.nick, person);
        return;
      }
      const name = roomOf(room ?? "");
      if (typeof name === "object" || !isShared(name) || isLarge(name)) return;
      if (people.isIn(peer, nick, name))
        rooms.find(name)?.tell({ type: "typing", room: name, person });
    },
  };
}

export type Typing = ReturnType<typeof createTyping>;
