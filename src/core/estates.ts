// Streams whose origin is not here to repair them: it is away, or that life is over. What one of us
// has of them, all get: those who hear a room tell some others how far they have them, and who
// lacks something asks who told. The batches are as their origin signed them.
// Where there are many, each tells those that stand 1, 2, 4, … places after it in the order of
// sids: so all hear of it in some rounds.
// Invariants: 1. Nothing is taken of a stream that was over before its origin was met here.
// 2. What somebody tells is believed as far as batches prove it: no gap for numbers without one.

import type { Clock, Crypto, Log } from "../environment.ts";
import { LIMITS } from "../limits.ts";
import type { RoomName, ServerName, Sid } from "../names.ts";
import { isShared, LOBBY, sidOf } from "../names.ts";
import type { Stream } from "../plugin/history.ts";
import type { HeldRow, PeerMessageOf } from "../protocol/peer.ts";
import type { Identity } from "./identity.ts";
import type { Incoming, IncomingStreams } from "./incoming.ts";
import type { Marks } from "./marks.ts";
import { nameIn } from "./marks.ts";
import type { Peer, Source } from "./peer.ts";
import { ownsAddress } from "./peer.ts";
import type { Asked } from "./streams.ts";
import { createTurns } from "./turns.ts";
import type { Peers } from "./peers.ts";

export interface EstatesOptions {
  readonly clock: Clock;
  readonly crypto: Pick<Crypto, "sha256">;
  readonly log: Log;
  readonly self: ServerName;
  readonly identity: () => Identity;
  readonly marks: Marks;
  readonly peers: () => Peers;
  readonly incoming: () => IncomingStreams;
  /** Shared rooms that have members here, the lobby among them. */
  rooms(): Iterable<RoomName>;
  /** The number of this life's last message in a room. */
  head(room: RoomName): number;
  /** Sends numbers of a stream again; resolves to the last number that is held no more. */
  serve(to: Sid, stream: Stream, numbers: Asked): Promise<number>;
}

export function createEstates(options: EstatesOptions) {
  /** Lives that no peer was met in, by `sid life`. */
  const sources = new Map<string, Source>();
  /** And by whom they were told of first; the last ones stand last. */
  const toldBy = new Map<Sid, Set<string>>();
  /** Who was asked last for a stream, and what for; none once it has answered that it has not. */
  const asks = new WeakMap<Incoming, { readonly sid: Sid; readonly from: number }>();
  const turns = createTurns(options);
  /** Rooms of which is to be told next, or all. */
  const due = new Set<RoomName>();
  let isAllDue = false;
  let cancel: (() => void) | undefined;

  const isOwn = (sid: Sid, life: string) =>
    sid === options.identity().sid && life === options.identity().life;
  const source = (sid: Sid, life: string): Source | undefined =>
    options.peers().inLife(sid, life) ?? sources.get(`${sid} ${life}`);
  const tellerOf = ({ tellers }: Incoming): Peer | undefined => {
    const sid = tellers.findLast((one) => options.peers().find(one) !== undefined);
    return sid === undefined ? undefined : options.peers().find(sid);
  };
  /** Who hears the room, comes next after `sid` around the circle, and has told nothing of it. */
  const untold = ({ tellers }: Incoming, sid: Sid, room: RoomName): Sid | undefined => {
    const others = options
      .peers()
      .subscribers(room)
      .filter((one) => !tellers.includes(one));
    const sorted = others.toSorted();
    return sorted.find((one) => one > sid) ?? sorted[0];
  };
  /** The next time another one is asked. */
  const giveWay = (stream: Incoming, sid: Sid) => {
    if (!stream.tellers.includes(sid)) return;
    stream.tellers = [sid, ...stream.tellers.filter((one) => one !== sid)];
  };
  /** Remembers a life, and forgets another where there are too many: of whoever told of most. */
  const remember = (teller: Sid, one: Source) => {
    const key = `${one.sid} ${one.life}`;
    sources.set(key, one);
    toldBy.set(teller, (toldBy.get(teller) ?? new Set()).add(key));
    if (sources.size <= LIMITS.peersMax) return;
    const [sid, most] = [...toldBy].reduce((a, b) => (b[1].size > a[1].size ? b : a));
    const [oldest = ""] = most;
    sources.delete(oldest);
    most.delete(oldest);
    if (most.size === 0) toldBy.delete(sid);
  };
  /** How far a stream has come here; undefined if nothing was heard of it. */
  const haveOf = (sid: Sid, life: string, room: RoomName): number | undefined =>
    source(sid, life)?.streams.get(room)?.have ?? options.marks.find(sid, life, room);

  const rowOf = (sid: Sid, life: string, last: number): HeldRow => {
    const { key, name = "" } = options.marks.origin(sid) ?? {};
    return [sid, life, last, 0, key?.toHex() ?? "", name];
  };
  const rowsOf = (room: RoomName): HeldRow[] => {
    const rows = new Map<string, HeldRow>();
    for (const { stream, last } of options.marks.all()) {
      const { origin, life } = stream;
      if (stream.room === room && !isOwn(origin, life))
        rows.set(`${origin} ${life}`, rowOf(origin, life, last));
    }
    for (const one of [...options.peers().everMet(), ...sources.values()]) {
      const { have = 0, at = 0 } = one.streams.get(room) ?? {};
      const key = `${one.sid} ${one.life}`;
      if (one.present) rows.delete(key);
      else if (have > 0) rows.set(key, [one.sid, one.life, have, at, one.key.toHex(), one.name]);
    }
    return [...rows.values()].slice(-LIMITS.heldRowsMax);
  };
  const tell = () => {
    cancel = undefined;
    const rooms = isAllDue ? [...options.rooms()] : [...due];
    isAllDue = false;
    due.clear();
    for (const room of rooms) {
      const all = [options.identity().sid, ...options.peers().subscribers(room)].toSorted();
      if (all.length === 1) continue;
      const streams = rowsOf(room);
      if (streams.length === 0) continue;
      const own = all.indexOf(options.identity().sid);
      const isSmall = all.length <= LIMITS.heldToAllMax;
      for (let step = 1; step < all.length; step = isSmall ? step + 1 : step * 2)
        send(all[(own + step) % all.length], room, streams);
    }
  };
  const send = (to: Sid | undefined, room: RoomName, streams: readonly HeldRow[]) => {
    const peer = to === undefined ? undefined : options.peers().find(to);
    for (let i = 0; i < streams.length; i += LIMITS.heldPageMax)
      peer?.send({ t: "held", room, streams: streams.slice(i, i + LIMITS.heldPageMax) });
  };

  /** Where a stream begins for us that nothing was heard of: at its beginning, or not at all. */
  const isOwed = (sid: Sid, room: RoomName, at: number): boolean => {
    if (sid === options.identity().sid) return true;
    if (at > (options.marks.heardUntil(sid, room) ?? Number.POSITIVE_INFINITY)) return true;
    return options
      .peers()
      .everMet()
      .some((one) => one.sid === sid && at > one.metAt && one.streams.get(room) !== undefined);
  };
  /** The source of a row, made if it is not known yet; undefined where it can't be checked. */
  const sourceOf = (teller: Sid, [sid, life, , , keyHex, name]: HeldRow): Source | undefined => {
    const known = source(sid, life);
    if (known !== undefined) return known;
    const kin = options
      .peers()
      .everMet()
      .find((one) => one.sid === sid);
    const { identity, self, crypto } = options;
    const own = sid === identity().sid ? { key: identity().key, name: self } : undefined;
    const met = own ?? kin ?? options.marks.origin(sid);
    const key = met?.key ?? Uint8Array.fromHex(keyHex);
    if (sidOf(crypto.sha256(key).subarray(0, 16)) !== sid) return undefined;
    const named = met?.name ?? nameIn(name);
    const holder = named === undefined ? undefined : options.peers().named(named);
    if (named === undefined || (holder !== undefined && holder.sid !== sid)) return undefined;
    if (met === undefined && named === self) return undefined;
    const owns = (address: string) => ownsAddress(named, address);
    const made: Source = { sid, life, key, name: named, present: false, streams: new Map(), owns };
    remember(teller, made);
    return made;
  };

  /** `follows`: it is of its origin's own list, behind a life that was heard here. */
  const heardRow = (
    peer: Peer,
    room: RoomName,
    row: HeldRow,
    follows: boolean,
  ): HeldRow | undefined => {
    const [sid, life, head, at] = row;
    if (isOwn(sid, life) || source(sid, life)?.present === true) return undefined;
    const have = haveOf(sid, life, room);
    const [, , , , key, name] = row;
    if (have !== undefined && have >= head)
      return have > head ? [sid, life, have, at, key, name] : undefined;
    if (have === undefined && !follows && !isOwed(sid, room, at)) return undefined;
    const isBegun = source(sid, life)?.streams.has(room) === true;
    if (!isBegun && !options.marks.goesOn(room)) return undefined;
    const from = sourceOf(peer.sid, row);
    if (from === undefined) return undefined;
    const stream = options.incoming().stream(from, room);
    stream.have ??= have ?? 0;
    stream.refusedBy.delete(peer.sid); // it may have come to have it
    if (!stream.tellers.includes(peer.sid)) {
      stream.tellers = [...stream.tellers, peer.sid].slice(-LIMITS.tellersMax);
      stream.refusals = 0; // it is asked before a gap is told
    }
    options.incoming().head(from, room, head);
    return undefined;
  };

  return {
    source,
    isOver: ({ sid, life }: Source) =>
      sid === options.identity().sid || (options.peers().last(sid)?.life ?? life) !== life,
    /**
     * How far others have given a stream whose server is only now met: it goes on from there, as
     * that server's. Undefined if they gave nothing of it.
     */
    inherit({ sid, life }: Pick<Source, "sid" | "life">, room: RoomName): number | undefined {
      const given = sources.get(`${sid} ${life}`)?.streams;
      if (given === undefined || options.peers().inLife(sid, life) === undefined) return undefined;
      const have = given.get(room)?.have;
      given.delete(room);
      return have;
    },
    /** Somebody here was in the room when the server was heard in it, in any of its lives. */
    hasHeard: (sid: Sid, room: RoomName): boolean =>
      options
        .peers()
        .everMet()
        .some((one) => one.sid === sid && one.streams.get(room)?.have !== undefined),
    /** Something has changed of what is to be told of rooms (all, without them), or to whom. */
    schedule(rooms?: readonly RoomName[]): void {
      isAllDue ||= rooms === undefined;
      for (const room of rooms ?? [])
        if (isShared(room) && options.incoming().isSubscribed(room)) due.add(room);
      cancel ??= options.clock.after(LIMITS.heldMs, tell);
    },
    heard(peer: Peer, { room: name, streams }: PeerMessageOf<"held">): void {
      const room = name as RoomName; // looked up only
      if (!isShared(room) || !options.incoming().isSubscribed(room)) return;
      let follows = false;
      const more = streams
        .map((row) => {
          const [sid, life] = row;
          const answer = heardRow(peer, room, row, follows && sid === peer.sid);
          follows ||= sid === peer.sid && haveOf(sid, life, room) !== undefined;
          return answer;
        })
        .filter((row) => row !== undefined);
      if (more.length > 0) send(peer.sid, room, more);
    },
    /**
     * Tells a server how far this one's earlier lives came in a room, the oldest first: what it
     * lacks of them comes before what this life has said.
     */
    tellOwn(to: Sid, room: RoomName): void {
      const { sid } = options.identity();
      const own = [...options.marks.all()].flatMap(
        ({ stream: { origin, life, room: of }, last }) =>
          origin === sid && of === room && !isOwn(origin, life) ? [rowOf(origin, life, last)] : [],
      );
      send(to, room, own.slice(-LIMITS.heldPageMax));
    },
    ask({ sid, life, present }: Source, room: RoomName, stream: Incoming, to: number): void {
      const from = (stream.have ?? 0) + 1;
      const before = asks.get(stream);
      if (before?.from === from) giveWay(stream, before.sid); // nothing has come of it
      const teller = present ? undefined : tellerOf(stream);
      if (teller !== undefined) {
        asks.set(stream, { sid: teller.sid, from });
        teller.send({ t: "want", room, from, to, origin: sid, life });
      }
      // It may be heard before the view shows it.
      else {
        const origin = options.peers().last(sid);
        if (origin?.life === life) origin.send({ t: "want", room, from, to });
      }
    },
    canAsk: ({ present }: Source, stream: Incoming) => present || tellerOf(stream) !== undefined,
    /** Whoever was asked holds some numbers no more. */
    lost(peer: Peer, message: PeerMessageOf<"lost">): void {
      const { origin = peer.sid, life = peer.life } = message;
      const from = source(origin, life);
      const stream = from?.streams.get(message.room as RoomName);
      if (from === undefined || stream === undefined) return;
      const wasAsked = !from.present && asks.get(stream)?.sid === peer.sid;
      if (from !== peer && !wasAsked) return;
      asks.delete(stream);
      // All the others are asked before it is asked again.
      giveWay(stream, peer.sid);
      // Who has it may not have told us: only some are told of each stream.
      const next = from.present ? undefined : untold(stream, peer.sid, message.room as RoomName);
      if (next !== undefined) stream.tellers = [...stream.tellers, next].slice(-LIMITS.tellersMax);
      stream.refusedBy.add(peer.sid);
      const isOpen = (one: Sid) =>
        !stream.refusedBy.has(one) && options.peers().find(one) !== undefined;
      options.incoming().lost(from, message, !from.present && stream.tellers.some(isOpen));
    },
    /** Numbers of a stream are asked for: of this life's own, or of another. */
    wanted(peer: Peer, { t: _, room: name, from, to, ...elsewhere }: PeerMessageOf<"want">): void {
      const room = name as RoomName; // a room that it is not subscribed to is not given
      if (from < 1 || (room !== LOBBY && !peer.rooms.has(room))) return;
      const { sid, life: ours } = options.identity();
      const { origin = sid, life = ours } = elsewhere;
      const have = isOwn(origin, life) ? options.head(room) : haveOf(origin, life, room);
      const head = have ?? 0;
      const last = Math.min(to, head);
      if (last < from) {
        // Of another's stream, and of an earlier life: silence could as well be a slow line.
        if (!isOwn(origin, life)) peer.send({ t: "lost", room, from, to, ...elsewhere });
        return;
      }
      turns.add(peer.sid, `${origin} ${life} ${room}`, async () => {
        const asked = { from, last, head };
        const missing = await options.serve(peer.sid, { origin, life, room }, asked);
        if (missing >= from) peer.send({ t: "lost", room, from, to: missing, ...elsewhere });
      });
    },
    close(): void {
      cancel?.();
      turns.close();
    },
  };
}

export type Estates = ReturnType<typeof createEstates>;
