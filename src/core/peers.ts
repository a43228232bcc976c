// The other servers of the fusion: introduced when the fabric's view shows them, remembered for a
// while when it does not. What a merge owes: to each newcomer our people, and where our streams
// stand; it has settled when all tell the same view and all people are known.
// Phases of a peer: present ⇄ absent → forgotten; another life is another peer.

import type { Bytes, Clock, Crypto, Log } from "../environment.ts";
import { ProtocolError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { RoomName, Sid } from "../names.ts";
import { LOBBY } from "../names.ts";
import type { PublishResult, ServerInView, View } from "../plugin/fabric.ts";
import { decodeJson } from "../protocol/frame.ts";
import type { Card, PeerMessage, PeerMessageOf } from "../protocol/peer.ts";
import { readCard } from "../protocol/peer.ts";
import { readPeerMessages } from "../protocol/peer-messages.ts";
import { createChannel } from "./channel.ts";
import type { ChannelQueue } from "./channel-queue.ts";
import { createChannelQueue } from "./channel-queue.ts";
import type { Directory } from "./directory.ts";
import type { Estates } from "./estates.ts";
import type { Identity } from "./identity.ts";
import type { IncomingStreams } from "./incoming.ts";
import type { Peer, RemotePerson } from "./peer.ts";
import { ownsAddress } from "./peer.ts";
import { createPeerLookup } from "./peer-lookup.ts";

const encoder = new TextEncoder();

export interface PeersOptions {
  readonly clock: Clock;
  readonly crypto: Crypto;
  readonly log: Log;
  readonly identity: () => Identity;
  readonly directory: () => Directory;
  readonly incoming: () => IncomingStreams;
  publish(to: readonly Sid[], bytes: Bytes): PublishResult;
  /** Where the own stream of a room stands, after a flush of what is open. */
  head(room: RoomName): number;
  readonly estates: () => Estates;
  /** Private messages and transfers. */
  message(peer: Peer, message: PeerMessage): void;
  /** Servers came or went; people of `went` are gone, of `came` not all known yet. */
  moved(came: readonly Peer[], went: readonly Peer[]): void;
  /** All see the same, and all people are known. */
  settled(): void;
  /** A handler of a message of theirs threw. */
  failed(peer: Peer, thrown: unknown): void;
  /** Work is left for the end of this tick. */
  schedule(): void;
}

export function createPeers(options: PeersOptions) {
  const peers = new Map<Sid, Peer>();
  /** Other lives of servers, by `sid life`: one that was not the last may be shown again. */
  const otherLives = new Map<string, Peer>();
  const forgetting = new Map<Peer, () => void>();
  let cancelAsking: (() => void) | undefined;
  let closed = false;
  const gathered = new Map<Peer, Map<string, RemotePerson>>();
  const unsealed = unsealedOf(options.schedule);
  /** Who has asked for our people while it had not taken what it was sent. */
  const askedAgain = new Set<Peer>();
  const subscribers = new Map<RoomName, readonly Sid[]>();
  /** Channel frames of servers that the view does not show yet: theirs may be ahead of ours. */
  const early: { readonly origin: Sid; readonly bytes: Bytes }[] = [];
  let everyone: readonly Sid[] = [];
  let digest = "";

  const lookup = createPeerLookup(peers, otherLives);
  const { present } = lookup;
  const subscribe = (peer: Peer, rooms: readonly RoomName[]) => {
    for (let i = 0; i < rooms.length; i += LIMITS.directoryPageMax) {
      const some = rooms.slice(i, i + LIMITS.directoryPageMax);
      const heads = Object.fromEntries(some.map((room) => [room, options.head(room)]));
      for (const room of some) options.estates().tellOwn(peer.sid, room);
      peer.send({ t: "stand", heads });
    }
  };
  const introduce = (peer: Peer) => {
    subscribe(peer, [LOBBY, ...peer.rooms.keys()]);
    sendPeople(peer);
  };
  const sendPeople = (peer: Peer) => {
    const { v: version, pages } = options.directory().pages();
    for (const [i, people] of pages.entries()) {
      const last = i === pages.length - 1;
      peer.send({ t: "people", v: version, first: i === 0, last, people: [...people] });
    }
  };
  const take = (peer: Peer, message: PeerMessage) => {
    switch (message.t) {
      case "view":
        peer.viewDigest = message.digest;
        return check();
      case "people":
        return page(peer, message);
      case "people?":
        // While there is no room, all that it asks for is told it once, when there is.
        if (peer.waits) askedAgain.add(peer);
        else introduce(peer);
        return;
      case "stand":
        for (const [room, head] of Object.entries(message.heads))
          options.incoming().stands(peer, room as RoomName, head); // unknown rooms are ignored
        return;
      case "heads":
        if (options.directory().heard(peer, message.v, message.heads) === "missed")
          peer.send({ t: "people?" });
        return;
      case "want":
        return options.estates().wanted(peer, message);
      case "lost":
        return options.estates().lost(peer, message);
      case "held":
        return options.estates().heard(peer, message);
      default:
        options.message(peer, message);
    }
  };
  /** What was sealed together; a fault with one message keeps nothing from the next. */
  const receive = (peer: Peer, bytes: Bytes) => {
    const { messages, refused } = readPeerMessages(decodeJson(bytes));
    for (const message of messages)
      try {
        take(peer, message);
      } catch (thrown) {
        options.failed(peer, thrown);
      }
    if (refused > 0) options.log.warn("peer messages refused", { server: peer.name, refused });
  };
  const page = (peer: Peer, message: PeerMessageOf<"people">) => {
    const sofar = message.first ? new Map<string, RemotePerson>() : gathered.get(peer);
    if (sofar === undefined) return;
    gathered.set(peer, sofar);
    const result = options.directory().page(peer, message, sofar);
    if (!message.last) return;
    gathered.delete(peer);
    if (result === "missed") peer.send({ t: "people?" });
    check();
  };
  const settled = () =>
    present().every((peer) => peer.viewDigest === digest && peer.version !== undefined);
  const check = () => void (settled() && options.settled());

  const make = (server: ServerInView, card: Card): Peer => {
    const { sid, life, sealing } = options.identity();
    const target = [server.sid];
    const channel = createChannel({
      clock: options.clock,
      crypto: options.crypto,
      mine: { sid, life, sealKey: sealing.privateKey },
      theirs: { sid: server.sid, life: card.life, sealKey: Uint8Array.fromHex(card.seal) },
      publish: (bytes) => (peer.present ? options.publish(target, bytes) : "unreachable"),
      deliver: (bytes) => receive(peer, bytes),
      drained() {
        queue.drained();
        if (!queue.waits && askedAgain.delete(peer)) introduce(peer);
      },
      due: () => queue.flush(),
    });
    const queue = createChannelQueue(channel, () => unsealed.add(queue));
    const peer: Peer = {
      sid: server.sid,
      name: server.name,
      life: card.life,
      key: server.key,
      channel,
      present: false,
      metAt: options.clock.now(),
      people: new Map(),
      rooms: new Map(),
      version: undefined,
      missed: false,
      ahead: [],
      streams: new Map(),
      viewDigest: "",
      get waits() {
        return queue.waits;
      },
      send: queue.add,
      giveUp() {
        queue.clear();
        channel.giveUp();
      },
      owns: (address) => ownsAddress(server.name, address),
    };
    return peer;
  };
  const forget = (peer: Peer) => {
    forgetting.get(peer)?.();
    forgetting.delete(peer);
    gathered.delete(peer);
    askedAgain.delete(peer);
    peer.channel.close();
    if (peers.get(peer.sid) === peer) peers.delete(peer.sid);
  };
  /**
   * It has been away for long: its people and what it was to get are forgotten. Its channel's
   * numbers are not, since this life of it may come back, nor how far its streams have come.
   */
  const rest = (peer: Peer) => {
    forgetting.get(peer)?.();
    forgetting.delete(peer);
    peer.giveUp();
    peer.people = new Map();
    peer.rooms.clear();
    for (const stream of peer.streams.values()) stream.held = [];
    if (peers.size <= LIMITS.peersMax) return;
    for (const other of peers.values())
      if (!other.present && !forgetting.has(other)) return forget(other);
  };
  /**
   * It has started again, or an older life is shown once more, as after a backup was restored: the
   * numbers of both lives' channels stay. Returns the other life, if it was here.
   */
  const setAside = (peer: Peer, life: string): Peer | undefined => {
    const other = otherLives.get(`${peer.sid} ${life}`);
    otherLives.delete(`${peer.sid} ${life}`);
    otherLives.set(`${peer.sid} ${peer.life}`, peer);
    if (!peer.present) rest(peer);
    const [oldest] = otherLives.values();
    if (oldest !== undefined && otherLives.size > LIMITS.peersMax) {
      otherLives.delete(`${oldest.sid} ${oldest.life}`);
      forget(oldest);
    }
    return other;
  };
  const leave = (peer: Peer) => {
    peer.present = false;
    peer.viewDigest = "";
    peer.version = undefined;
    peer.missed = false;
    peer.ahead = [];
    gathered.delete(peer);
    for (const stream of peer.streams.values()) stream.apart = true;
    if (peers.get(peer.sid) !== peer) return rest(peer); // another life has taken its place
    forgetting.set(
      peer,
      options.clock.after(LIMITS.peerKeptMsMax, () => rest(peer)),
    );
  };
  const askSilent = () => {
    cancelAsking = undefined;
    for (const peer of present()) if (peer.version === undefined) peer.send({ t: "people?" });
  };
  const arrive = (server: ServerInView): Peer | undefined => {
    const card = readCard(server.card);
    if (card === undefined) {
      options.log.warn("server without a card", { server: server.name });
      return undefined;
    }
    let peer = peers.get(server.sid);
    if (peer?.life === card.life && peer.name !== server.name) {
      options.log.warn("server with two names in one life", { server: server.name });
      return undefined;
    }
    if (peer !== undefined && peer.life !== card.life) peer = setAside(peer, card.life);
    try {
      peer ??= make(server, card);
    } catch (thrown) {
      if (!(thrown instanceof ProtocolError)) throw thrown;
      const { code, text } = thrown; // its key is one with which no secret is agreed
      options.log.warn("card of a server refused", { server: server.name, code, text });
      return undefined;
    }
    peers.set(server.sid, peer);
    forgetting.get(peer)?.();
    forgetting.delete(peer);
    return peer;
  };

  return {
    all: (): Iterable<Peer> => peers.values(),
    ...lookup,
    /** Others are here, or were lately and may want to hear what they miss. */
    get accompanied() {
      return everyone.length > 0 || forgetting.size > 0;
    },
    /** The sids of all other servers; the same array while the view does not change. */
    everyone: () => everyone,
    settled,
    /** Whom a room's messages are sent to; the same array while it does not change. */
    subscribers(room: RoomName): readonly Sid[] {
      if (room === LOBBY) return everyone;
      let to = subscribers.get(room);
      if (to === undefined) {
        to = present().flatMap((peer) => (peer.rooms.has(room) ? [peer.sid] : []));
        subscribers.set(room, to);
      }
      return to;
    },
    /** A peer has its first members of rooms, or none any more: `peer.rooms` tells. */
    interest(peer: Peer, rooms: readonly RoomName[]): void {
      for (const room of rooms) subscribers.delete(room);
      if (!peer.present) return;
      options.estates().schedule(rooms);
      subscribe(
        peer,
        rooms.filter((room) => peer.rooms.has(room)),
      );
    },
    /** Tells each, surely, where our directory and those of our streams are that it hears. */
    tellHeads(version: number, heads: Readonly<Record<string, number>>): void {
      for (const peer of present()) {
        const hears = ([room]: [string, number]) =>
          room === LOBBY || peer.rooms.has(room as RoomName);
        const rows = Object.entries(heads).filter(hears);
        for (let i = 0; i === 0 || i < rows.length; i += LIMITS.directoryPageMax) {
          const some = Object.fromEntries(rows.slice(i, i + LIMITS.directoryPageMax));
          peer.send({ t: "heads", v: version, heads: some });
        }
      }
    },
    /** The fabric's view has changed. */
    viewChanged(view: View): void {
      if (closed) return;
      const { sid } = options.identity();
      lookup.changed();
      const others = view.servers.filter((server) => server.sid !== sid);
      const seen = new Map(others.map((server) => [server.sid, server]));
      const was = new Set(present());
      const sids = [sid, ...seen.keys()].toSorted().join("");
      digest = options.crypto.sha256(encoder.encode(sids)).subarray(0, 16).toHex();
      const here = others.flatMap((server) => arrive(server) ?? []);
      const came = here.filter((peer) => !was.has(peer));
      const went = [...was].filter((peer) => !here.includes(peer));
      for (const peer of went) leave(peer);
      for (const peer of came) peer.present = true;
      if (came.length > 0 || went.length > 0) {
        everyone = here.map((peer) => peer.sid);
        subscribers.clear();
        options.moved(came, went);
        options.estates().schedule();
      }
      for (const peer of came) {
        peer.channel.resume();
        introduce(peer);
      }
      if (came.length > 0) cancelAsking ??= options.clock.after(LIMITS.snapshotMs, askSilent);
      for (const peer of here) peer.send({ t: "view", digest });
      unsealed.flush(); // where streams stand is told before what is said again
      for (const { origin, bytes } of early.splice(0)) peers.get(origin)?.channel.receive(bytes);
      check();
    },
    /** Seals what others are to be told. */
    flush: unsealed.flush,
    /** A frame of the sealed channel; borrowed. */
    receive(origin: Sid, bytes: Bytes): void {
      if (closed) return;
      const peer = peers.get(origin);
      if (peer !== undefined) return void peer.channel.receive(bytes);
      if (bytes.length > LIMITS.channelEarlyBytesMax) return;
      if (early.push({ origin, bytes: bytes.slice() }) > LIMITS.channelEarlyMax) early.shift();
    },
    /** For good: nothing is sent or taken any more. */
    close(): void {
      closed = true;
      cancelAsking?.();
      everyone = [];
      lookup.changed();
      subscribers.clear();
      for (const peer of [...peers.values(), ...otherLives.values()]) forget(peer);
    },
  };
}

export type Peers = ReturnType<typeof createPeers>;

/** Queues with messages of this tick. */
function unsealedOf(schedule: () => void) {
  const queues = new Set<ChannelQueue>();
  return {
    add(queue: ChannelQueue): void {
      queues.add(queue);
      schedule();
    },
    flush(): void {
      for (const queue of queues) queue.flush();
      queues.clear();
    },
  };
}
