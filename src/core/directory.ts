// Who is where, in the whole fusion. Each server tells its own people: as numbered, signed changes
// to all, and as a snapshot to one who is new or has missed a change.
// Invariants: 1. `version` counts this server's changes of this life. 2. A peer's people are taken
// from its own sealed snapshots and signed changes alone, in their order.

import * as v from "valibot";
import type { Bytes, Crypto } from "../environment.ts";
import { LIMITS } from "../limits.ts";
import type { RoomName } from "../names.ts";
import { isShared, LOBBY, nameKey } from "../names.ts";
import { decodeJson } from "../protocol/frame.ts";
import type { Change, DirectoryFrame, PersonRow } from "../protocol/peer.ts";
import { DirectoryFrame as DirectoryFrameShape } from "../protocol/peer.ts";
import type { Identity } from "./identity.ts";
import type { Peer, RemotePerson } from "./peer.ts";
import { crowdOf, remoteEntry } from "./peer.ts";
import type { Leaving, Presence } from "./presence.ts";
import { roomOf } from "./rooms.ts";
import type { LiveSession } from "./session.ts";

const PREFIX = new TextEncoder().encode("chatfusion directory 1");
const SIGNATURE_BYTES = 64;
const encoder = new TextEncoder();

export interface DirectoryOptions {
  readonly crypto: Pick<Crypto, "verify">;
  readonly identity: () => Identity;
  readonly presence: Presence;
  sessions(): Iterable<LiveSession>;
  /** Sends to all other servers. */
  publish(bytes: Bytes): void;
  /** A peer has members in these rooms now, or none any more: `peer.rooms` tells. */
  interest(peer: Peer, rooms: readonly RoomName[]): void;
  /** Work is left for the end of this tick. */
  schedule(): void;
  /** The origin told a head in passing. */
  head(peer: Peer, room: RoomName, head: number): void;
}

export function createDirectory(options: DirectoryOptions) {
  let version = 0;
  let changes: Change[] = [];
  let isLeaving = false;

  const publish = (frame: DirectoryFrame) => {
    const body = encoder.encode(JSON.stringify(frame));
    const bytes = new Uint8Array(SIGNATURE_BYTES + body.length);
    bytes.set(options.identity().sign(withPrefix(body)));
    bytes.set(body, SIGNATURE_BYTES);
    options.publish(bytes);
  };
  const note = (change: Change) => {
    if (isLeaving) return;
    version++;
    changes.push(change);
    options.schedule();
  };
  const enterRoom = (peer: Peer, key: string, room: RoomName): void => {
    const members = peer.rooms.get(room);
    if (members !== undefined) return void members.add(key);
    peer.rooms.set(room, new Set([key]));
    options.interest(peer, [room]);
  };
  const leaveRoom = (peer: Peer, key: string, room: RoomName): void => {
    const members = peer.rooms.get(room);
    if (!members?.delete(key) || members.size > 0) return;
    peer.rooms.delete(room);
    options.interest(peer, [room]);
  };
  const apply = (peer: Peer, change: Change): void => {
    const key = change.nick.length > 0 ? keyOf(peer, change.nick) : undefined;
    if (key === undefined) return;
    const person = peer.people.get(key);
    if (change.op === "come") {
      if (person !== undefined || peer.people.size >= LIMITS.peoplePerServerMax) return;
      const one = makePerson(change.nick, change.account, change.since);
      peer.people.set(key, one);
      return options.presence.came(remoteEntry(peer, one));
    }
    if (person === undefined) return;
    switch (change.op) {
      case "go":
        peer.people.delete(key);
        for (const room of person.rooms) leaveRoom(peer, key, room);
        return options.presence.went(remoteEntry(peer, person), person.rooms, change.reason);
      case "rename": {
        const to = keyOf(peer, change.to);
        if (to === undefined || (to !== key && peer.people.has(to))) return;
        const one = { ...person, ...makePerson(change.to, change.account, person.since) };
        const now: RemotePerson = { ...one, rooms: person.rooms };
        peer.people.delete(key);
        peer.people.set(to, now);
        for (const room of person.rooms) {
          peer.rooms.get(room)?.delete(key);
          peer.rooms.get(room)?.add(to);
        }
        return options.presence.renamed(
          remoteEntry(peer, person),
          remoteEntry(peer, now),
          person.rooms,
        );
      }
      case "away":
        person.away = change.away;
        return options.presence.away(remoteEntry(peer, person), person.rooms);
      case "join":
      case "part": {
        const room = roomOf(change.room);
        if (typeof room !== "string" || !isShared(room) || room === LOBBY) return;
        if (change.op === "join" && !person.rooms.has(room)) {
          person.rooms.add(room);
          enterRoom(peer, key, room);
          options.presence.joined(room, remoteEntry(peer, person));
        } else if (change.op === "part" && person.rooms.delete(room)) {
          leaveRoom(peer, key, room);
          options.presence.left(room, remoteEntry(peer, person), change);
        }
        return;
      }
      default:
        change satisfies never;
    }
  };
  const tellHeads = (peer: Peer, heads: Readonly<Record<string, number>>) => {
    for (const [name, head] of Object.entries(heads)) {
      const room = roomOf(name);
      if (typeof room === "string") options.head(peer, room, head);
    }
  };
  /** Takes a frame's changes that are new; those of one who misses some wait for a snapshot. */
  const advance = (peer: Peer, frame: DirectoryFrame): "fine" | "missed" => {
    const { version: at } = peer;
    if (at !== undefined && frame.v <= at) return "fine";
    const known = at === undefined ? -1 : at - (frame.v - frame.changes.length);
    if (at === undefined || peer.missed || known < 0) {
      if (peer.ahead.length < LIMITS.directoryAheadMax) peer.ahead.push(frame);
      if (at === undefined || peer.missed) return "fine"; // its snapshot is on the way
      peer.missed = true;
      return "missed";
    }
    for (const change of frame.changes.slice(known)) apply(peer, change);
    peer.version = frame.v;
    return "fine";
  };
  /** Tells the members what a snapshot shows and missed changes had not told. */
  const tellDifference = (
    peer: Peer,
    before: ReadonlyMap<string, RemotePerson>,
    touched: Iterable<RoomName>,
  ) => {
    const { presence } = options;
    const stays = (one: RemotePerson, other: RemotePerson | undefined) =>
      other?.since === one.since && other.nick === one.nick;
    const news: (() => void)[] = [];
    for (const [key, was] of before) {
      const now = peer.people.get(key);
      if (now === undefined || !stays(was, now))
        news.push(() => presence.went(remoteEntry(peer, was), was.rooms));
      else {
        const stayed = was.rooms.intersection(now.rooms);
        if (was.account !== now.account)
          news.push(() => presence.renamed(remoteEntry(peer, was), remoteEntry(peer, now), stayed));
        if (was.away !== now.away)
          news.push(() => presence.away(remoteEntry(peer, now), now.rooms));
        for (const room of was.rooms.difference(now.rooms))
          news.push(() => presence.left(room, remoteEntry(peer, was)));
      }
    }
    for (const [key, now] of peer.people) {
      const was = before.get(key);
      const known = was !== undefined && stays(now, was);
      if (!known) news.push(() => presence.came(remoteEntry(peer, now)));
      for (const room of known ? now.rooms.difference(was.rooms) : now.rooms)
        news.push(() => presence.joined(room, remoteEntry(peer, now)));
    }
    // As many as a large room's: that is no list to read, also where few are left.
    if (news.length > LIMITS.roomPresenceMembersMax) return presence.moved(peer.name, touched);
    for (const tell of news) tell();
  };

  return {
    came: (session: LiveSession) =>
      note({
        op: "come",
        nick: session.nick,
        account: session.person.account ?? "",
        since: session.since,
      }),
    went: (session: LiveSession, reason: string) =>
      note({ op: "go", nick: session.nick, reason: reason.slice(0, LIMITS.reasonBytesMax / 2) }),
    renamed: (from: string, session: LiveSession) =>
      note({
        op: "rename",
        nick: from,
        to: session.nick,
        account: session.person.account ?? "",
      }),
    /** This server stops: its people go with it, and are told of together. */
    leave(): void {
      isLeaving = true;
    },
    away: ({ nick, away }: LiveSession) =>
      note({ op: "away", nick, ...(away === undefined ? {} : { away }) }),
    joined: (session: LiveSession, room: RoomName) => {
      if (isShared(room)) note({ op: "join", nick: session.nick, room });
    },
    left: (session: LiveSession, room: RoomName, { reason, removed }: Leaving = {}) => {
      if (!isShared(room)) return;
      const why = {
        ...(reason === undefined ? {} : { reason: reason.slice(0, LIMITS.reasonBytesMax / 2) }),
        ...(removed === undefined ? {} : { removed }),
      };
      note({ op: "part", nick: session.nick, room, ...why });
    },
    /** Tells the other servers what changed; the tick's. Returns whether something had. */
    flush(accompanied: boolean): boolean {
      if (changes.length === 0) return false;
      const now = changes;
      changes = [];
      if (!accompanied) return true;
      const { life } = options.identity();
      for (let i = 0; i < now.length; i += LIMITS.directoryChangesMax) {
        const part = now.slice(i, i + LIMITS.directoryChangesMax);
        publish({ life, v: version - now.length + i + part.length, changes: part });
      }
      return true;
    },
    /** Tells heads and the version once more, so that a lost change is noticed. */
    pulse(heads: Readonly<Record<string, number>>): void {
      const { life } = options.identity();
      const rows = Object.entries(heads);
      for (let i = 0; i === 0 || i < rows.length; i += LIMITS.directoryPageMax) {
        const some = Object.fromEntries(rows.slice(i, i + LIMITS.directoryPageMax));
        publish({ life, v: version - changes.length, changes: [], heads: some });
      }
    },
    /** The version that the others were told. */
    get told() {
      return version - changes.length;
    },
    /** A peer says where its directory and its streams are. Returns its need of a snapshot. */
    heard(peer: Peer, at: number, heads: Readonly<Record<string, number>>): "fine" | "missed" {
      tellHeads(peer, heads);
      return advance(peer, { life: peer.life, v: at, changes: [] });
    },
    /** All people as pages; to be sent in order, after `flush`. */
    pages(): { readonly v: number; readonly pages: readonly (readonly PersonRow[])[] } {
      const rows: PersonRow[] = [];
      for (const session of options.sessions()) {
        const rooms = [...session.memberships.keys()].filter((r) => isShared(r) && r !== LOBBY);
        const { nick, person, since, away } = session;
        const row: PersonRow = [nick, person.account ?? "", since, rooms];
        if (away !== undefined) row.push(away);
        rows.push(row);
      }
      const pages: PersonRow[][] = [[]];
      let length = 0;
      for (const row of rows) {
        const size = JSON.stringify(row).length;
        const full = length + size > LIMITS.directoryPageLengthMax;
        if (full || pages.at(-1)?.length === LIMITS.directoryPageMax) {
          pages.push([]);
          length = 0;
        }
        pages.at(-1)?.push(row);
        length += size;
      }
      return { v: version, pages };
    },
    /** A signed frame of changes. Returns the peer's need of a snapshot. */
    receive(peer: Peer, bytes: Bytes): "fine" | "missed" | "refused" {
      const [signature, body] = [bytes.slice(0, SIGNATURE_BYTES), bytes.subarray(SIGNATURE_BYTES)];
      if (!options.crypto.verify(peer.key, withPrefix(body), signature)) return "refused";
      const parsed = v.safeParse(DirectoryFrameShape, decodeJson(body));
      if (!parsed.success || parsed.output.life !== peer.life) return "refused";
      const frame = parsed.output;
      tellHeads(peer, frame.heads ?? {});
      return advance(peer, frame);
    },
    /**
     * A page of a peer's people; with the last one they replace what was known. Returns the need of
     * another snapshot.
     */
    page(
      peer: Peer,
      page: { v: number; first: boolean; last: boolean; people: readonly PersonRow[] },
      gathered: Map<string, RemotePerson>,
    ): "fine" | "missed" {
      for (const [nick, account, since, rooms, away] of page.people) {
        const key = keyOf(peer, nick);
        if (key === undefined || gathered.size >= LIMITS.peoplePerServerMax) continue;
        const person = makePerson(nick, account, since);
        if (away !== undefined) {
          person.away = away;
          options.presence.noteAway();
        }
        for (const name of rooms) {
          const room = roomOf(name);
          if (typeof room === "string" && isShared(room) && room !== LOBBY) person.rooms.add(room);
        }
        gathered.set(key, person);
      }
      if (!page.last) return "fine";
      const before = peer.version === undefined ? undefined : peer.people;
      peer.people = gathered;
      peer.version = page.v;
      peer.missed = false;
      const wanted = new Map<RoomName, Set<string>>();
      for (const [key, person] of gathered)
        for (const room of person.rooms) {
          const set = wanted.get(room) ?? new Set<string>();
          wanted.set(room, set.add(key));
        }
      // All are told where we stand: one may have left a room and come back meanwhile.
      const touched = new Set([...peer.rooms.keys(), ...wanted.keys()]);
      peer.rooms.clear();
      for (const [room, members] of wanted) peer.rooms.set(room, members);
      options.interest(peer, [...touched]);
      // Who is not in view yet is told of when it is (fusion.ts).
      const crowd = peer.present ? crowdOf(peer, "here") : undefined;
      if (before === undefined) options.presence.moved(peer.name, peer.rooms.keys(), crowd);
      else tellDifference(peer, before, touched);
      const results = peer.ahead.splice(0).map((frame) => advance(peer, frame));
      return results.includes("missed") ? "missed" : "fine";
    },
  };
}

export type Directory = ReturnType<typeof createDirectory>;

// --- internal -----------------------------------------------------------------------------------

const withPrefix = (body: Bytes): Bytes => {
  const bytes = new Uint8Array(PREFIX.length + body.length);
  bytes.set(PREFIX);
  bytes.set(body, PREFIX.length);
  return bytes;
};

/** A nick's key, when it stands in its one form; a peer that sends another is not believed. */
function keyOf(peer: Peer, nick: string): string | undefined {
  return peer.owns(`${nick}@${peer.name}`) ? nameKey(nick as RemotePerson["nick"]) : undefined;
}

const makePerson = (nick: string, account: string, since: number): RemotePerson => ({
  nick: nick as RemotePerson["nick"], // its form was checked by keyOf
  account: account === "" ? undefined : account,
  since,
  rooms: new Set(),
});
