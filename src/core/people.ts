// Questions about who is where, over the whole fusion: members, people, addresses.

import type { Clock, Millis } from "../environment.ts";
import type { Failure } from "../errors.ts";
import { failure, failureOf } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Nick, RoomName, ServerName } from "../names.ts";
import { formatAddress, isShared, LOBBY, nameKey, parseAddress, sameName } from "../names.ts";
import type { Answer, PersonEntry } from "../protocol/messages.ts";
import type { RolesIn } from "./actors.ts";
import type { PageAsk } from "./paging.ts";
import { firstTexts, PeoplePage, SortedPeople } from "./paging.ts";
import type { Peer, RemotePerson } from "./peer.ts";
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

/** An address in its folded form, whoever is there. */
export function addressKey(text: string): string | Failure {
  try {
    const { nick, server } = parseAddress(text);
    return `${nameKey(nick)}@${nameKey(server)}`;
  } catch (thrown) {
    return failureOf(thrown);
  }
}

export interface PeopleOptions {
  readonly clock: Pick<Clock, "monotonic">;
  readonly self: ServerName;
  readonly sessions: Sessions;
  readonly rooms: Rooms;
  readonly peers: () => Peers;
  /** Of whom nobody is told in a room; undefined where nobody need be looked at. */
  hider(room: RoomName): ((person: PersonEntry) => boolean) | undefined;
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

export function createPeople(options: PeopleOptions) {
  const { self, sessions, rooms, peers, isSecret } = options;
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
      for (const person of thereIn(peer, room)) yield remoteEntry(peer, person);
  };
  /** The last list that was sorted; of a room, as long as nobody has come, gone or changed. */
  let sorted:
    { readonly room: RoomName; readonly at: Millis; readonly all: SortedPeople } | undefined;
  /** All who are in a room and shown there, where they are not too many to be sorted. */
  const sortedIn = (room: RoomName = LOBBY): SortedPeople | undefined => {
    const now = options.clock.monotonic();
    if (sorted?.room === room && now - sorted.at < LIMITS.peopleSortedMs) return sorted.all;
    if (members(room) > LIMITS.peopleSortedMax) return undefined;
    const hides = options.hider(room);
    const all = [...peopleOf(room)];
    const shown = hides === undefined ? all : all.filter((person) => !hides(person));
    sorted = { room, at: now, all: new SortedPeople(shown) };
    return sorted.all;
  };
  /** A page of those who are in a room, or of all people. */
  const pageOf = (room: RoomName | undefined, ask: PageAsk): Answer<"who"> => {
    // Whoever asks for a second page will ask for all.
    const list = ask.after === undefined ? undefined : sortedIn(room);
    if (list !== undefined) return list.page(ask);
    const hides = options.hider(room ?? LOBBY);
    const page = new PeoplePage(ask);
    let total = 0;
    const look = (nick: Nick, server: ServerName, entry: () => PersonEntry) => {
      if (hides?.(entry()) === true) return;
      total++;
      if (page.wants(nick, server)) page.add(entry());
    };
    const here = room === undefined ? sessions.all() : (rooms.find(room)?.members() ?? []);
    for (const session of here) look(session.nick, self, () => entryOf(session));
    if (room === undefined || isShared(room))
      for (const peer of peers().present())
        for (const person of thereIn(peer, room))
          look(person.nick, peer.name, () => remoteEntry(peer, person));
    return page.done(total);
  };
  /** Names of shared rooms of the fusion, the lobby among them; some more than once. */
  const sharedNames = function* (): Generator<RoomName> {
    for (const { name } of rooms.all()) if (isShared(name)) yield name;
    for (const peer of peers().present()) yield* peer.rooms.keys();
  };
  /** And those of the local rooms that a session is in. */
  const namesFor = function* (by: LiveSession): Generator<RoomName> {
    yield* sharedNames();
    yield* by.memberships.keys();
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
  /** Says who has a nick on other servers, for one who has left out the server. */
  const namesakes = (nick: string): string => {
    const key = nameKey(nick as Nick); // only compared with those of people
    const all = peers()
      .present()
      .flatMap((peer) => {
        const person = peer.people.get(key);
        return person === undefined ? [] : [remoteEntry(peer, person).address];
      });
    if (all.length === 0) return "";
    return ` (did you mean ${all.toSorted().slice(0, LIMITS.namesakesMax).join(" or ")}?)`;
  };
  const nobody = (address: string) => {
    const at = address.lastIndexOf("@");
    const isHere = nameKey(address.slice(at + 1) as ServerName) === nameKey(self);
    const hint = isHere ? namesakes(address.slice(0, at)) : "";
    return failure("NO_SUCH_NICK", `${address}: nobody is there under this nick${hint}`);
  };

  return {
    members,
    /** Members of a room who are shown there; it costs as much as a list of them. */
    shownIn(room: RoomName): number {
      const hides = options.hider(room);
      if (hides === undefined) return members(room);
      let count = 0;
      for (const person of peopleOf(room)) if (!hides(person)) count++;
      return count;
    },
    find,
    /** Somebody has come, gone or changed, anywhere. */
    changed(): void {
      sorted = undefined;
    },
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
    namesakes,
    who(ask: {
      readonly room?: string | undefined;
      readonly after?: string | undefined;
      readonly limit: number;
      /** Only rooms that this session is in may be looked into, if they are local. */
      readonly by?: LiveSession;
    }): Answer<"who"> | Failure {
      const room = ask.room === undefined ? undefined : roomOf(ask.room);
      if (typeof room === "object") return room;
      const isHidden = room !== undefined && (!isShared(room) || isSecret(room));
      if (isHidden && ask.by?.memberships.has(room) === false)
        return failure("NOT_IN_ROOM", `room ${room}: you are not in it`);
      const page = pageOf(room, ask);
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
      const isTold = (room: RoomName) => !isSecret(room) || by?.memberships.has(room);
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
      const { by, limit } = ask;
      const isShown = (room: RoomName) => by.memberships.has(room) || !isSecret(room);
      const page: RoomName[] = [];
      let { after } = ask;
      // Secret rooms are left out; where there are many, it takes another look at all names.
      for (let isMore = true; isMore && page.length <= limit;) {
        const some = firstTexts(namesFor(by), { after, limit: limit + 1 });
        page.push(...some.filter(isShown));
        isMore = some.length > limit;
        after = some.at(-1);
      }
      const shown = page.slice(0, limit);
      const next = page.length > limit ? shown.at(-1) : undefined;
      return {
        rooms: shown.map(roomEntry),
        ...(next === undefined ? {} : { next }),
      };
    },
    /** Shared rooms of the fusion that are no secret. */
    sharedRooms: () =>
      [...new Set(sharedNames())]
        .filter((room) => !isSecret(room))
        .map((room) => ({ room, members: members(room) })),
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

/** A peer's people in a room, or all of them. */
export function* thereIn(peer: Peer, room: RoomName | undefined): Generator<RemotePerson> {
  if (room === undefined || room === LOBBY) yield* peer.people.values();
  else
    for (const key of peer.rooms.get(room) ?? []) {
      const person = peer.people.get(key);
      if (person !== undefined) yield person;
    }
}
