// One other server of the fusion, above the fabric: who it is in this life of its, its people and
// rooms, its streams, and the sealed channel to it. Kept while it is away for a while, so that a
// heal goes on where the split began.

import type { Bytes, Millis } from "../environment.ts";
import type { Nick, RoomName, ServerName, Sid } from "../names.ts";
import { LOBBY, nameKey, parseNick } from "../names.ts";
import type { PersonEntry } from "../protocol/messages.ts";
import type { DirectoryFrame, PeerMessage } from "../protocol/peer.ts";
import type { Channel } from "./channel.ts";
import type { Incoming } from "./incoming.ts";
import type { Crowd } from "./presence.ts";

/** One who is on another server. */
export interface RemotePerson {
  readonly nick: Nick;
  readonly account: string | undefined;
  readonly since: number;
  /** They are away; why, or "". */
  away?: string | undefined;
  /** Shared rooms besides the lobby. */
  readonly rooms: Set<RoomName>;
}

/** A life of a server whose streams are taken here: a peer, or one that nobody here has met. */
export interface Source {
  readonly sid: Sid;
  readonly name: ServerName;
  readonly life: string;
  readonly key: Bytes;
  /** In the view now. */
  present: boolean;
  readonly streams: Map<RoomName, Incoming>;
  /** The address is of this server. */
  owns(address: string): boolean;
}

export interface Peer extends Source {
  readonly channel: Channel;
  /** When it was first in view. */
  readonly metAt: Millis;
  /** By the nick's key. */
  people: Map<string, RemotePerson>;
  /** Members per shared room, the lobby apart; a room that stands here is subscribed to. */
  readonly rooms: Map<RoomName, Set<string>>;
  /** The version of its directory that `people` shows; undefined before its snapshot. */
  version: number | undefined;
  /** A change was missed: its snapshot has been asked for. */
  missed: boolean;
  /** Changes that came before the snapshot that they follow. */
  ahead: DirectoryFrame[];
  /** The digest of its view, as last told. */
  viewDigest: string;
  /** There are messages that wait for room. */
  readonly waits: boolean;
  /**
   * Queues a message; pages and answers wait for room, the rest is refused when there is none. One
   * that is in no hurry may go LIMITS.channelOwedMsMax later, with others.
   */
  send(message: PeerMessage, hurries?: boolean): boolean;
  /** Forgets what it has not acknowledged. */
  giveUp(): void;
}

/** Whether `address` is `nick@name`, the nick in its one form. */
export function ownsAddress(name: ServerName, address: string): boolean {
  const at = address.lastIndexOf("@");
  return at > 0 && address.slice(at + 1) === name && canonical(address.slice(0, at));
}

function canonical(text: string): boolean {
  if (ASCII_NICK.test(text)) return true;
  try {
    return parseNick(text) === text;
  } catch {
    return false;
  }
}
const ASCII_NICK = /^[A-Za-z0-9_][A-Za-z0-9_-]{0,30}$/;

/** As others see one of a peer's people. */
export const remoteEntry = (peer: Peer, { nick, account, away }: RemotePerson): PersonEntry => ({
  address: `${nick}@${peer.name}`,
  ...(account === undefined ? {} : { account }),
  ...(away === undefined ? {} : { away }),
});

/** The people of a peer by room; the lobby is everybody's. */
export function membersOf(peer: Peer, room: RoomName): number {
  return peer.rooms.get(room)?.size ?? 0;
}

/** A person of a peer by nick. */
export const personOf = (peer: Peer, nick: Nick): RemotePerson | undefined =>
  peer.people.get(nameKey(nick));

/** The people of a peer, as those who come or go with it. */
export const crowdOf = (peer: Peer, now: Crowd["now"]): Crowd => ({
  of: peer,
  now,
  size: (room) => (room === LOBBY ? peer.people.size : membersOf(peer, room)),
  in: (room) =>
    Array.from(room === LOBBY ? peer.people.keys() : (peer.rooms.get(room) ?? []), (key) =>
      peer.people.get(key),
    ).flatMap((one) => (one === undefined ? [] : [remoteEntry(peer, one)])),
});
