// Questions about who is where, over the whole fusion: members, people, addresses.

import type { Failure } from "../errors.ts";
import { failure, failureOf } from "../errors.ts";
import type { Nick, RoomName, ServerName } from "../names.ts";
import { formatAddress, isShared, LOBBY, nameKey, parseAddress, sameName } from "../names.ts";
import type { Answer, PersonEntry } from "../protocol/messages.ts";
import type { RolesIn } from "./actors.ts";
import type { Peer } from "./peer.ts";
import { membersOf, personOf, remoteEntry } from "./peer.ts";
import type { Peers } from "./peers.ts";
import { withRole } from "./presence.ts";
import type { Rooms } from "./rooms.ts";
import { roomOf } from "./rooms.ts";
import type { LiveSession } from "./session.ts";
import type { Sessions } from "./sessions.ts";

/** Where an address leads: to a session here, or to another server. */
export type Found =
  | { readonly at: "here"; readonly nick: Nick; readonly address: string }
  | { readonly at: "there"; readonly nick: Nick; readonly peer: Peer; readonly address: string };

export interface PeopleOptions {
  readonly self: ServerName;
  readonly sessions: Sessions;
  readonly rooms: Rooms;
  readonly peers: () => Peers;
  /** Of whom nobody is told in a room. */
  hides(room: RoomName, person: PersonEntry): boolean;
  /** Only those who are in such a room hear that there is one. */
  isSecret(room: RoomName): boolean;
  readonly rolesIn: RolesIn;
  topicOf(room: RoomName): string | undefined;
}

export const entryOf = (session: LiveSession): PersonEntry => ({
  address: session.address,
  ...(session.person.account === undefined ? {} : { account: session.person.account }),
  ...(session.away === undefined ? {} : { away: session.away }),
});

/**
 * The first `limit` people after an address, by address. Of all people only some pages' worth is
 * held and sorted at a time: whoever reads 100,000 people page by page must not have all of them
 * sorted for every page.
 */
export function pageOf(
  all: Iterable<PersonEntry>,
  { after = "", limit }: { readonly after?: string | undefined; readonly limit: number },
): Answer<"who"> {
  let total = 0;
  let first: PersonEntry[] = [];
  /** One behind it is on a later page: nobody needs to look at it. */
  let last: string | undefined;
  for (const person of all) {
    total++;
    if (person.address <= after || (last !== undefined && person.address > last)) continue;
    first.push(person);
    if (first.length <= 4 * limit) continue;
    first = first.toSorted(byAddress).slice(0, limit + 1);
    last = first.at(-1)?.address;
  }
  const sorted = first.toSorted(byAddress);
  const people = sorted.slice(0, limit);
  const next = sorted.length > limit ? people.at(-1)?.address : undefined;
  return { people, total, ...(next === undefined ? {} : { next }) };
}

export function createPeople(options: PeopleOptions) {
  const { self, sessions, rooms, peers } = options;
  /** Members of a room in the whole fusion. */
  const members = (room: RoomName): number => {
    let count = rooms.find(room)?.size ?? 0;
    if (!isShared(room)) return count;
    for (const peer of peers().present())
      count += room === LOBBY ? peer.people.size : membersOf(peer, room);
    return count;
  };
  const peopleOf = function* (room: RoomName | undefined): Generator<PersonEntry> {
    const here = room === undefined ? sessions.all() : (rooms.find(room)?.members() ?? []);
    for (const session of here) yield entryOf(session);
    if (room !== undefined && !isShared(room)) return;
    for (const peer of peers().present())
      for (const [key, person] of peer.people)
        if (room === undefined || room === LOBBY || peer.rooms.get(room)?.has(key))
          yield remoteEntry(peer, person);
  };
  /** Shared rooms of the fusion that are no secret, the lobby among them. */
  const sharedNames = (): Set<RoomName> => {
    const names = new Set<RoomName>();
    for (const { name } of rooms.all()) if (isShared(name)) names.add(name);
    for (const peer of peers().present()) for (const name of peer.rooms.keys()) names.add(name);
    for (const name of names) if (options.isSecret(name)) names.delete(name);
    return names;
  };
  const shownIn = function* (room: RoomName | undefined): Generator<PersonEntry> {
    for (const person of peopleOf(room)) if (!options.hides(room ?? LOBBY, person)) yield person;
  };
  const find = (text: string): Found | Failure => {
    const here = sessions.at(text); // as it is; if nobody has it, parsed
    if (here !== undefined) return { at: "here", nick: here.nick, address: here.address };
    const owner = peers().ownerOf(text); // likewise
    if (owner !== undefined) {
      const nick = text.slice(0, text.lastIndexOf("@")) as Nick; // in its one form, as it is owned
      return { at: "there", nick, peer: owner, address: text };
    }
    try {
      const { nick, server } = parseAddress(text);
      if (nameKey(server) === nameKey(self))
        return { at: "here", nick, address: formatAddress(nick, self) };
      const peer = peers().named(server);
      if (peer !== undefined)
        return { at: "there", nick, peer, address: formatAddress(nick, peer.name) };
      return failure("NO_SUCH_SERVER", `${text}: no server ${server} is in this fusion`);
    } catch (thrown) {
      return failureOf(thrown);
    }
  };
  /** These rooms of somebody, and the roles there. */
  const withRoles = (person: PersonEntry, where: readonly RoomName[]) => {
    const roles = where.flatMap((room) => {
      const role = options.rolesIn(room).of(person);
      return role === undefined ? [] : [[room, role] as const];
    });
    return { rooms: where, ...(roles.length === 0 ? {} : { roles: Object.fromEntries(roles) }) };
  };
  const roomEntry = (room: RoomName) => {
    const topic = options.topicOf(room);
    return { room, members: members(room), ...(topic === undefined ? {} : { topic }) };
  };
  const nobody = (text: string) =>
    failure("NO_SUCH_NICK", `${text}: nobody is there under this nick`);

  return {
    members,
    find,
    /** Who is there, as others see them; the address alone where nobody is. */
    personAt(found: Found): PersonEntry {
      if (found.at === "here") {
        const session = sessions.find(found.nick);
        return session === undefined ? { address: found.address } : entryOf(session);
      }
      const person = personOf(found.peer, found.nick);
      return person === undefined ? { address: found.address } : remoteEntry(found.peer, person);
    },
    /** Whether one of a peer's people is in a room. */
    isIn: (peer: Peer, nick: Nick, room: RoomName): boolean =>
      room === LOBBY || peer.rooms.get(room)?.has(nameKey(nick)) === true,
    /** Addresses of a room's members who have a nick: on one server, or the nearest who have it. */
    named(room: RoomName, nick: string, server: string | undefined): readonly string[] {
      const key = nameKey(nick as Nick); // only compared with those of people
      const here = server === undefined || nameKey(server as ServerName) === nameKey(self);
      const own = here ? sessions.find(nick as Nick) : undefined;
      if (own?.memberships.has(room) === true) return [own.address];
      if (!isShared(room)) return [];
      const all = peers().present();
      const asked =
        server === undefined ? all : all.filter(({ name }) => sameName(name, server as ServerName));
      return asked.flatMap((peer) => {
        const person = peer.people.get(key);
        const isIn = room === LOBBY || peer.rooms.get(room)?.has(key) === true;
        return person !== undefined && isIn ? [remoteEntry(peer, person).address] : [];
      });
    },
    /** Whether somebody is there under a nick; also where the server is none of this fusion. */
    isOnline(nick: Nick, server: ServerName): boolean {
      if (nameKey(server) === nameKey(self)) return sessions.find(nick) !== undefined;
      const peer = peers().named(server);
      return peer !== undefined && personOf(peer, nick) !== undefined;
    },
    nobody,
    who(ask: {
      readonly room?: string | undefined;
      readonly after?: string | undefined;
      readonly limit: number;
      /** Only rooms that this session is in may be looked into, if they are local. */
      readonly by?: LiveSession;
    }): Answer<"who"> | Failure {
      const room = ask.room === undefined ? undefined : roomOf(ask.room);
      if (typeof room === "object") return room;
      const isHidden = room !== undefined && (!isShared(room) || options.isSecret(room));
      if (isHidden && ask.by?.memberships.has(room) === false)
        return failure("NOT_IN_ROOM", `room ${room}: you are not in it`);
      const page = pageOf(shownIn(room), ask);
      if (room === undefined) return page;
      return { ...page, people: page.people.map(withRole(options.rolesIn(room))) };
    },
    /** Those who are in a room, hidden ones too. */
    inRoom: (room: RoomName): Iterable<PersonEntry> => peopleOf(room),
    /** One who is online under an address; undefined where nobody is. */
    entryAt(text: string): PersonEntry | undefined {
      const found = find(text);
      if ("code" in found) return undefined;
      const session = found.at === "here" ? sessions.find(found.nick) : undefined;
      const person = found.at === "there" ? personOf(found.peer, found.nick) : undefined;
      if (session !== undefined) return entryOf(session);
      return found.at === "there" && person !== undefined
        ? remoteEntry(found.peer, person)
        : undefined;
    },
    /** `by`: who asks; the others' secret rooms are not told. */
    whois(text: string, by?: LiveSession): Answer<"whois"> | Failure {
      const found = find(text);
      if ("code" in found) return found;
      const isTold = (room: RoomName) => !options.isSecret(room) || by?.memberships.has(room);
      if (found.at === "here") {
        const session = sessions.find(found.nick);
        if (session === undefined) return nobody(text);
        const shared = [...session.memberships.keys()].filter(
          (room) => (isShared(room) || by?.memberships.has(room)) && isTold(room),
        );
        return {
          ...entryOf(session),
          since: session.since,
          ...withRoles(entryOf(session), shared),
        };
      }
      const person = personOf(found.peer, found.nick);
      if (person === undefined) return nobody(text);
      const { since } = person;
      const where = [...person.rooms].filter(isTold);
      const entry = remoteEntry(found.peer, person);
      return { ...entry, since, ...withRoles(entry, [LOBBY, ...where]) };
    },
    /** Shared rooms of the fusion, and those local ones that the session is in. */
    rooms(ask: {
      readonly after?: string | undefined;
      readonly limit: number;
      readonly by: LiveSession;
    }): Answer<"rooms"> {
      const names = sharedNames();
      for (const name of ask.by.memberships.keys()) names.add(name);
      const { after } = ask;
      const all = [...names].toSorted().filter((name) => after === undefined || name > after);
      const page = all.slice(0, ask.limit);
      const next = all.length > page.length ? page.at(-1) : undefined;
      return {
        rooms: page.map(roomEntry),
        ...(next === undefined ? {} : { next }),
      };
    },
    sharedRooms: () => [...sharedNames()].map((room) => ({ room, members: members(room) })),
    /** Addresses of some people, in no order. */
    some: (limit: number): string[] =>
      peopleOf(undefined)
        .take(limit)
        .map(({ address }) => address)
        .toArray(),
    fusion(): Answer<"fusion"> {
      const others = peers()
        .present()
        .map((peer) => ({ server: String(peer.name), people: peer.people.size }));
      const servers = [{ server: String(self), people: sessions.count }, ...others];
      return { servers: servers.toSorted((a, b) => (a.server < b.server ? -1 : 1)) };
    },
    /** All names of the fusion, sorted. */
    fusionNames: (): readonly string[] =>
      [
        self,
        ...peers()
          .present()
          .map((peer) => peer.name),
      ]
        .map(String)
        .toSorted(),
  };
}

export type People = ReturnType<typeof createPeople>;

const byAddress = (a: PersonEntry, b: PersonEntry): number => (a.address < b.address ? -1 : 1);
