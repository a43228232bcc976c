// How all servers of a fusion come to hold the same entries of rooms' states. What is made is told
// to all at once, in the sealed channels. So that nothing is missed for good, servers compare
// digests: when they meet; a while after each change, its maker with all, and who learns of it with
// the next one; and when a server is gone, each with its next one. First one digest of all, which
// is mostly the end of it; then one for each part of all rooms, then one for each room of the parts
// that differ; then each sends what it has of the rooms that differ.
// What anybody tells was signed by its own server, so it does not matter who tells it.
// Read states.ts first.
//
//   states (of all) ─differs, to the larger sid─▶ states (of each part) ─▶ rooms (of a part)
//                  ─differs, to the smaller sid─▶ states (of all), unless it has just said so
//   rooms ─differs─▶ entries, entries?                                  entries? ─▶ entries

import type { Bytes, Clock, Crypto, Log, Millis } from "../environment.ts";
import { LIMITS } from "../limits.ts";
import type { RoomName, Sid } from "../names.ts";
import type { PeerMessageOf } from "../protocol/peer.ts";
import { partsOf, signedState, type StateRow } from "../protocol/state.ts";
import type { Identity } from "./identity.ts";
import type { Ids } from "./ids.ts";
import { timeIn } from "../protocol/id.ts";
import { patternOf } from "./pattern.ts";
import type { Peer } from "./peer.ts";
import { isNewer } from "./room-roles.ts";
import type { Held, StateStore } from "./state-store.ts";
import { heldIn, isTold } from "./state-store.ts";
import type { States } from "./states.ts";

export interface StateSyncOptions {
  readonly clock: Clock;
  readonly crypto: Pick<Crypto, "sha256" | "verify">;
  readonly log: Log;
  readonly identity: () => Identity;
  readonly ids: Ids;
  readonly store: StateStore;
  readonly states: () => States;
  /** The other servers of the fusion. */
  present(): readonly Peer[];
  /** Entries were taken that others hold. */
  arrived(some: readonly Held[]): void;
}

export function createStateSync(options: StateSyncOptions) {
  const { store, clock } = options;
  /** What a server said last that it holds, and how long until it is asked again. */
  const compared = new WeakMap<Peer, { readonly digests: readonly string[]; waitMs: number }>();
  const retries = new Map<Peer, () => void>();
  /** When it was last told the digest of all. */
  const saidAt = new WeakMap<Peer, Millis>();
  let cancel: (() => void) | undefined;
  let cancelNext: (() => void) | undefined;

  const sendDigest = (peer: Peer) => {
    saidAt.set(peer, clock.monotonic());
    const isSent = peer.send({ t: "states", digests: [store.digest()] });
    if (!isSent) compareAgain(peer, LIMITS.stateCompareMsMin); // too much waits for it
  };
  const compareSoon = () => {
    cancel ??= clock.after(LIMITS.stateCompareMsMin, () => {
      cancel = undefined;
      for (const peer of options.present()) sendDigest(peer);
    });
  };
  /**
   * Who has learnt something compares with the one that stands next to it around the circle of
   * sids: who made it may be gone before it has compared with all, and so may who told it. When a
   * server is gone, all do: what was passed on to it when it was dead already went no further.
   */
  const passOn = () => {
    cancelNext ??= clock.after(LIMITS.stateCompareMsMin, () => {
      cancelNext = undefined;
      const others = options.present().toSorted((a, b) => (a.sid < b.sid ? -1 : 1));
      const next = others.find(({ sid }) => sid > options.identity().sid) ?? others[0];
      if (next !== undefined) sendDigest(next);
    });
  };
  /** As long as two differ, they compare again, ever later. */
  const compareAgain = (peer: Peer, waitMs: number) => {
    if (retries.has(peer)) return;
    const run = () => {
      retries.delete(peer);
      if (options.present().includes(peer)) sendDigest(peer);
    };
    retries.set(peer, clock.after(waitMs, run));
  };
  const sendEntries = (peer: Peer, some: readonly Held[], fresh = false) => {
    let rows: StateRow[] = [];
    let bytes = 0;
    const flush = () => {
      if (rows.length > 0)
        peer.send({ t: "entries", rows, ...(fresh ? { fresh: true as const } : {}) });
      rows = [];
      bytes = 0;
    };
    for (const { row } of closingLast(some)) {
      bytes += row[0].length;
      if (rows.length >= LIMITS.statePageMax || bytes > LIMITS.statePageBytesMax) flush();
      rows.push(row);
    }
    flush();
  };
  const sendRooms = (peer: Peer, part: number) => {
    const rooms = store.roomsIn(part);
    let after = "";
    for (let i = 0; i === 0 || i < rooms.length; i += LIMITS.stateDigestsMax) {
      const page = rooms
        .slice(i, i + LIMITS.stateDigestsMax)
        .map(([a, b]): [string, string] => [a, b]);
      const isLast = i + LIMITS.stateDigestsMax >= rooms.length;
      const upTo = page.at(-1)?.[0] ?? "";
      peer.send({ t: "rooms", part, after, rooms: page, ...(isLast ? {} : { upTo }) });
      after = upTo;
    }
  };
  const heardDigests = (peer: Peer, { digests }: PeerMessageOf<"states">) => {
    const isOfAll = digests.length === 1;
    const own = isOfAll ? [store.digest()] : store.digests();
    const differing = own.flatMap((digest, part) => (digest === digests[part] ? [] : [part]));
    if (differing.length === 0) {
      compared.delete(peer);
      retries.get(peer)?.();
      retries.delete(peer);
      return;
    }
    const isSmaller = options.identity().sid < peer.sid;
    if (isOfAll && isSmaller) {
      const isKnown =
        clock.monotonic() - (saidAt.get(peer) ?? Number.NEGATIVE_INFINITY) <
        LIMITS.stateCompareMsMin;
      if (!isKnown) sendDigest(peer);
      return compareAgain(peer, 2 * LIMITS.stateCompareMsMin);
    }
    const before = compared.get(peer);
    const isSame = before?.digests.join() === [...own, ...digests].join();
    // The same difference again: what is sent once more changes nothing soon.
    const waitMs = isSame
      ? Math.min(2 * (before?.waitMs ?? 0), LIMITS.stateCompareMsMax)
      : LIMITS.stateCompareMsMin;
    compared.set(peer, { digests: [...own, ...digests], waitMs });
    compareAgain(peer, 2 * waitMs);
    if (isSmaller) for (const part of differing) sendRooms(peer, part);
    else if (isOfAll) peer.send({ t: "states", digests: store.digests() });
  };
  const heardRooms = (peer: Peer, { part, after, upTo, rooms }: PeerMessageOf<"rooms">) => {
    const theirs = new Map(rooms);
    const isIn = (room: string) => room > after && (upTo === undefined || room <= upTo);
    const own = store.roomsIn(part).filter(([room]) => isIn(room));
    const mine = own.filter(([room, digest]) => theirs.get(room) !== digest);
    // A name that is none is only looked up.
    const isOther = (room: string, digest: string) => store.digestOf(room as RoomName) !== digest;
    const wanted = rooms.flatMap(([room, digest]) => (isOther(room, digest) ? [room] : []));
    if (wanted.length > 0) peer.send({ t: "entries?", rooms: wanted });
    sendEntries(
      peer,
      mine.flatMap(([room]) => store.entries(room)),
    );
  };
  /** Why an entry is not taken; undefined for one that is news, and well signed. */
  const isTaken = (one: Held): boolean => {
    const { entry, sid, row } = one;
    const { room, office } = entry;
    // Operators stand on top where one of their server has founded the room, if anywhere.
    const isOfOffice =
      office === undefined || store.ofKey(room, "founded").some((founding) => founding.sid === sid);
    if (!isTold(room) || !isOfOffice) return refuse(one, "a room of its own");
    const { kind, of = "" } = partsOf(entry.key) ?? {};
    const hasPattern = kind === "ban" || kind === "mute" || kind === "invite";
    if (hasPattern && patternOf(of) !== of) return refuse(one, "no pattern");
    if (store.isHeld(one)) return false;
    const key: Bytes = Uint8Array.fromHex(row[1]);
    const signature = Uint8Array.fromHex(row[2]);
    if (!options.crypto.verify(key, signedState(sid, row[0]), signature))
      return refuse(one, "signature");
    return store.take(one);
  };
  const refuse = ({ entry, sid }: Held, why: string): false => {
    options.log.warn("room entry refused", { why, sid, key: entry.key });
    return false;
  };
  const heardEntries = (peer: Peer, { rows, fresh }: PeerMessageOf<"entries">) => {
    const taken: Held[] = [];
    const isOfStranger = ({ sid }: Held) => !options.states().isAround(sid);
    let strangers = store.countOf((sid) => !options.states().isAround(sid));
    for (const row of rows) {
      const one = heldIn(row, options.crypto);
      if (one === undefined) {
        options.log.warn("room entry refused", { why: "no entry", server: peer.name });
      } else if (isOfStranger(one) && strangers >= LIMITS.stateEntriesOfStrangersMax) {
        refuse(one, "too many of servers that were never met");
      } else if (isTaken(one)) {
        taken.push(one);
        if (isOfStranger(one)) strangers++;
      }
    }
    if (taken.length === 0) return;
    passOn();
    for (const { entry } of taken) options.ids.follow(timeIn(entry.id) ?? 0);
    const own = taken.filter(({ sid }) => sid === peer.sid);
    const others = taken.filter(({ sid }) => sid !== peer.sid);
    options.states().took(own, fresh === true);
    options.states().took(others, false);
    options.arrived(taken);
  };

  return {
    /** A server came: what both hold is compared. */
    met: sendDigest,
    /** Tells all what was made here. */
    publish(made: readonly Held[]): void {
      for (const peer of options.present()) sendEntries(peer, made, true);
      compareSoon();
    },
    heard(peer: Peer, message: PeerMessageOf<"states" | "rooms" | "entries" | "entries?">): void {
      switch (message.t) {
        case "states":
          return heardDigests(peer, message);
        case "rooms":
          return heardRooms(peer, message);
        case "entries":
          return heardEntries(peer, message);
        case "entries?":
          return sendEntries(
            peer,
            message.rooms.flatMap((text) => {
              const room = text as RoomName; // looked up only
              return isTold(room) ? store.entries(room) : [];
            }),
          );
        default:
          message satisfies never;
      }
    },
    /** A server is gone: there is nobody to compare with, and somebody else is next. */
    gone(sid: Sid): void {
      for (const [peer, stop] of retries) {
        if (peer.sid !== sid) continue;
        stop();
        retries.delete(peer);
      }
      passOn();
    },
    close(): void {
      cancel?.();
      cancelNext?.();
      for (const stop of retries.values()) stop();
      retries.clear();
    },
  };
}

// --- internal -----------------------------------------------------------------------------------

/** What puts people out comes behind what lets them stay: they may be pages apart. */
function closingLast(some: readonly Held[]): readonly Held[] {
  const isClosing = ({ entry }: Held) => entry.key === "mode/invite-only";
  const closing = some.filter(isClosing);
  if (closing.length === 0) return some;
  const byTime = (a: Held, b: Held) => (isNewer(a, b) ? -1 : 1);
  return [...some.filter((one) => !isClosing(one)), ...closing.toSorted(byTime)];
}
